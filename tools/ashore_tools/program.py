"""Reads a Python program without running it: its modules, what they import, the files they name."""

import ast
import io
import os
import sys
import tokenize
from typing import Dict, List, NamedTuple, Optional, Set

from .errors import INPUT, ToolError, clean

_FAILED_IMPORTS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


class Import(NamedTuple):
    """A module that is not the program's own: its dotted name, where it is imported, and whether the
    program goes on without it."""

    name: str
    path: str
    line: int
    optional: bool


class Text(NamedTuple):
    """A string of the program that may name a file; `call` is the name of the function whose
    argument it is, '' elsewhere."""

    value: str
    path: str
    line: int
    call: str


class Module(NamedTuple):
    """A file of the program: its path below the folder, with '/', and its bytes."""

    path: str
    data: bytes
    tree: ast.Module


class Program:
    """The entry file and all modules below the program's folder, its own unless another is named, that
    it imports, directly or not."""

    def __init__(self, entry: str, folder: Optional[str] = None) -> None:
        self.folder = folder or os.path.dirname(os.path.abspath(entry))
        self.entry = os.path.relpath(entry, folder).replace(os.sep, "/") if folder else \
            os.path.basename(entry)
        self.given = entry  # as the command line names it
        self.shown = os.path.dirname(entry)  # as messages name the folder
        self.modules: Dict[str, Module] = {}
        self.imports: List[Import] = []
        self.texts: List[Text] = []
        if not os.path.isfile(entry):
            what = "is a folder; name the file" if os.path.isdir(entry) else "there is no such file"
            raise ToolError(INPUT, f"{clean(entry)}: {what}")
        if entry.endswith(".ipynb"):
            raise ToolError(INPUT, f"{clean(entry)}: is a notebook; 'jupyter nbconvert --to script' "
                                   f"makes a program of it, in which lines of IPython's own are to be "
                                   f"replaced")
        if not entry.endswith(".py"):
            raise ToolError(INPUT, f"{clean(entry)}: is no Python file (.py)")
        self._walk()

    def show(self, path: str) -> str:
        """A path below the folder as the user would name it."""
        return clean(os.path.join(self.shown, path))

    def at(self, path: str, line: int, column: int = 0) -> str:
        """A line of a file, 0 for all of it, as messages name it."""
        return self.show(path) + (f":{line}" if line else "") + (f":{column}" if column else "")

    # ---- modules -------------------------------------------------------------------------------

    def _walk(self) -> None:
        pending = [self.entry]
        while pending:
            path = pending.pop(0)
            if path in self.modules:
                continue
            module = self._read(path)
            self.modules[path] = module
            reader = _Reader(path)
            reader.visit(module.tree)
            self.texts += reader.texts
            for name, line, optional, member in reader.imports:
                found = self._local(name)
                pending += sorted(found)
                if not found and not member:
                    self.imports.append(Import(name, path, line, optional))

    def _read(self, path: str) -> Module:
        place = os.path.join(self.folder, path)
        try:
            with open(place, "rb") as file:
                data = file.read()
        except OSError as error:
            raise ToolError(INPUT, f"{self.show(path)}: cannot be read: {error.strerror}") from None
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
            text = io.TextIOWrapper(io.BytesIO(data), encoding).read()
            flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if path == self.entry else 0
            compile(text, path, "exec", flags, dont_inherit=True)
            return Module(path, data, ast.parse(text, path))
        except SyntaxError as error:
            raise ToolError(INPUT, self._syntax(path, error)) from None
        except (UnicodeDecodeError, LookupError, ValueError, RecursionError, MemoryError) as error:
            raise ToolError(INPUT, f"{self.show(path)}: cannot be read as Python: {error}") from None

    def _syntax(self, path: str, error: SyntaxError) -> str:
        version = ".".join(str(n) for n in sys.version_info[:2])
        where = self.at(path, error.lineno or 0, error.offset or 1 if error.lineno else 0)
        text = f"{where}: {error.msg} (as Python {version} reads it)"
        line = (error.text or "").rstrip("\n")
        if not line.strip():
            return text
        column = max((error.offset or 1) - 1, 0)
        indent = "".join("\t" if c == "\t" else " " for c in line[:column])
        return f"{text}\n  {clean_line(line)}\n  {indent}^"

    def _local(self, name: str) -> Set[str]:
        """Files that importing a module runs, when it is below the folder; nothing else otherwise."""
        parts = name.split(".")
        every = parts[-1] == "*"
        if every:
            parts.pop()
        found: Set[str] = set()
        for i in range(len(parts)):
            base = "/".join(parts[:i + 1])
            if self._is_file(base + "/__init__.py"):
                found.add(base + "/__init__.py")
            elif self._is_file(base + ".py"):
                found.add(base + ".py")
                return found
            elif not os.path.isdir(os.path.join(self.folder, base)):
                return found
        return found | set(self._inside("/".join(parts))) if every else found

    def _is_file(self, path: str) -> bool:
        return os.path.isfile(os.path.join(self.folder, path))

    def _inside(self, base: str) -> List[str]:
        folder = os.path.join(self.folder, base)
        if not os.path.isdir(folder):
            return []
        return [f"{base}/{n}" for n in sorted(os.listdir(folder))
                if n.endswith(".py") and self._is_file(f"{base}/{n}")]


def clean_line(line: str) -> str:
    """A line of source for a terminal, tabs kept."""
    return "\t".join(clean(part) for part in line.split("\t"))


class _Reader(ast.NodeVisitor):
    """Collects the imports and the strings of one file."""

    def __init__(self, path: str) -> None:
        self.path = path
        folder = path.rsplit("/", 1)[0] if "/" in path else ""
        self.package = folder.split("/") if folder else []
        self.imports: List[tuple] = []
        self.texts: List[Text] = []
        self._optional = False
        self._call = ""

    def _add(self, name: Optional[str], line: int) -> None:
        if name:
            self.imports.append((name, line, self._optional, False))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name, node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            if node.level - 1 > len(self.package):
                return
            above = self.package[:len(self.package) - node.level + 1]
            base = ".".join(above + ([node.module] if node.module else []))
        if not base:
            for alias in node.names:
                self._add(alias.name, node.lineno)
            return
        self._add(base, node.lineno)
        for alias in node.names:  # a module, or whatever the package defines
            self.imports.append((f"{base}.{alias.name}", node.lineno, True, True))

    def visit_Try(self, node: ast.Try) -> None:
        before = self._optional
        self._optional = before or any(_catches(h) for h in node.handlers)
        for child in node.body:
            self.visit(child)
        self._optional = before
        for child in [*node.handlers, *node.orelse, *node.finalbody]:
            self.visit(child)

    def visit_If(self, node: ast.If) -> None:
        if "TYPE_CHECKING" not in ast.dump(node.test):
            self.generic_visit(node)
            return
        for child in node.orelse:
            self.visit(child)

    def visit_Call(self, node: ast.Call) -> None:
        name = _called(node.func)
        first = node.args[0] if node.args else None
        if name in ("import_module", "__import__") and isinstance(first, ast.Constant) \
                and isinstance(first.value, str) and not first.value.startswith("."):
            self._add(first.value, node.lineno)
        joined = _joined(node)
        if joined:
            self._text(joined, node.lineno)
        self.visit(node.func)
        before, self._call = self._call, name
        for child in [*node.args, *node.keywords]:
            self.visit(child)
        self._call = before

    def visit_BinOp(self, node: ast.BinOp) -> None:
        parts = _divided(node)
        if len(parts) > 1:
            self._text("/".join(parts), node.lineno)
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        for child in node.values:
            if isinstance(child, ast.FormattedValue):
                self.visit(child)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring names no file
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._text(node.value, node.lineno)

    def _text(self, value: str, line: int) -> None:
        if value and len(value) < 1024 and value.isprintable():
            self.texts.append(Text(value, self.path, line, self._call))


def _catches(handler: ast.ExceptHandler) -> bool:
    """Whether a handler takes failed imports."""
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(_called(kind) in _FAILED_IMPORTS for kind in kinds)


def _called(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else \
        node.id if isinstance(node, ast.Name) else ""


def _strings(nodes: List[ast.expr]) -> List[str]:
    """The constant strings at the end of a list."""
    found: List[str] = []
    for node in reversed(nodes):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            break
        found.insert(0, node.value)
    return found


def _joined(node: ast.Call) -> str:
    """The constant end of os.path.join(folder, "a", "b") or Path(folder, "a", "b")."""
    if _called(node.func) not in ("join", "joinpath", "Path", "PurePath", "PosixPath"):
        return ""
    parts = _strings(node.args)
    return "/".join(parts) if len(parts) > 1 else ""


def _divided(node: ast.AST) -> List[str]:
    """The constant end of folder / "a" / "b"."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) \
            and isinstance(node.right, ast.Constant) and isinstance(node.right.value, str):
        return [*_divided(node.left), node.right.value]
    if isinstance(node, ast.Call) and _called(node.func) == "Path":
        return _strings(node.args)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    return []
