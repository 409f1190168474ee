"""Reads Python files and notebooks, whatever is in them."""

import ast
import io
import json
import os
import re
import sys
import tokenize
import warnings
from typing import List, NamedTuple, Optional, Tuple

from . import modern

LARGEST = 4 << 20  # bytes of a source file
_MAGIC = re.compile(r"^(\s*)([%!?].*|.*\?\??\s*)$")


class Source(NamedTuple):
    """A parsed file, or a cell of a notebook, or why there is none."""

    path: str
    cell: int                   # of a notebook, from 1; otherwise 0
    text: str
    tree: Optional[ast.Module]
    error: str                  # '' where it was parsed
    line: int                   # of the error
    column: int
    rule: str                   # 'syntax' or 'unreadable'


def failed(path: str, cell: int, text: str, rule: str, error: str, line: int = 0,
           column: int = 0) -> Source:
    """Why there is no tree."""
    return Source(path, cell, text, None, error, line, column, rule)


def load(path: str) -> List[Source]:
    """A file's sources: one, or one for each cell of a notebook.  Never raises for its content."""
    try:
        if not os.path.isfile(path):
            return [failed(path, 0, "", "unreadable", "it is no regular file")]
        size = os.path.getsize(path)
        if size > LARGEST:
            return [failed(path, 0, "", "unreadable",
                            f"it has {size} bytes, more than the {LARGEST >> 20} MiB that are "
                            f"read")]
        with open(path, "rb") as f:
            data = f.read(LARGEST + 1)
    except OSError as error:
        return [failed(path, 0, "", "unreadable", error.strerror or str(error))]
    if path.endswith(".ipynb"):
        return _notebook(path, data)
    return parse_bytes(path, data)


def parse_bytes(path: str, data: bytes) -> List[Source]:
    """The source of a module's bytes."""
    text, problem = decode(data)
    if problem:
        return [failed(path, 0, text, "unreadable", problem)]
    return [parse(path, text)]


def decode(data: bytes) -> Tuple[str, str]:
    """Text by its byte order mark or coding comment (PEP 263), and what is wrong, or ''."""
    if b"\0" in data:
        return "", "it holds bytes 0, so it is no text"
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = io.TextIOWrapper(io.BytesIO(data), encoding, newline=None).read()
    except (SyntaxError, UnicodeDecodeError, LookupError, ValueError) as error:
        return data.decode("latin-1"), f"its encoding: {error}"
    return text, ""


def parse(path: str, text: str, cell: int = 0) -> Source:
    """Parses a module's text; a failure is part of the answer."""
    tree, error, line, column = _tree(path, text)
    if tree is None and line and sys.version_info < (3, 14):
        newer, after, later, offset = _tree(path, modern.rewrite(text))
        if newer is not None:
            tree = newer
        elif later > line:  # what stopped this Python before is fine for Pyodide's
            error, line, column = after, later, offset
    if tree is None:
        return failed(path, cell, text, "syntax", error, max(line, 1), column)
    return Source(path, cell, text, tree, "", 0, 0, "")


def _tree(path: str, text: str) -> Tuple[Optional[ast.Module], str, int, int]:
    """The tree, or None and the error with its line (0: of the whole) and column."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, filename=path), "", 0, 0
    except SyntaxError as error:
        return None, error.msg or "invalid syntax", error.lineno or 1, max(error.offset or 1, 1)
    except (RecursionError, MemoryError):
        return None, "it is nested too deeply to be parsed", 0, 1
    except ValueError as error:
        return None, str(error), 0, 1


def _notebook(path: str, data: bytes) -> List[Source]:
    try:
        cells = json.loads(data.decode("utf-8-sig"))["cells"]
        if not isinstance(cells, list):
            raise TypeError("'cells' is no list")
        found = []
        for number, cell in enumerate(cells, 1):
            if cell.get("cell_type") != "code":
                continue
            text = cell.get("source", "")
            text = text if isinstance(text, str) else "".join(text)
            found.append(parse(path, without_magics(text), number))
        return found
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return [failed(path, 0, "", "unreadable", f"it is no notebook: {error}")]


def without_magics(text: str) -> str:
    """A cell's text with lines of IPython's own (`%time`, `!pip`, `x?`) as comments or `pass`."""
    lines = text.split("\n")
    if lines and lines[0].startswith("%%"):
        python = lines[0].split()[0] in ("%%time", "%%timeit", "%%capture")
        return "\n".join([""] + lines[1:] if python else [""] * len(lines))
    for i, line in enumerate(lines):
        found = _MAGIC.match(line)
        if found and not line.lstrip().startswith("#") and not _is_python(line):
            lines[i] = found.group(1) + "pass"
    return "\n".join(lines)


def _is_python(line: str) -> bool:
    try:
        ast.parse(line.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # The remainder of an expression over several lines: `x = (7` and `% 2)`.
        return not re.match(r"\s*([%!]\w|\?|.*\?\s*$)", line)
    return True
