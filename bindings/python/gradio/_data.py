"""Tables, examples and conversations."""

from __future__ import annotations

import csv
import inspect
import itertools
import os
from typing import Any

from . import _files
from ._component import Component
from ._errors import Unsupported
from ._media import picture
from ._pictures import has
from ._text import plain


class Dataframe(Component):
    """A table. A function gets it as `type` says: "pandas" or "numpy" where those modules are
    there, or "array", a list of rows."""

    def setup(self):
        self.check_type("pandas", "numpy", "array")
        count = self.props["row_count"]
        self.props["row_count"] = count[0] if isinstance(count, (tuple, list)) else count
        columns = self.props["col_count"]
        self.props["col_count"] = columns[0] if isinstance(columns, (tuple, list)) else columns

    def check_use(self):
        kind = self.props["type"]
        if kind != "array" and not has(kind):
            raise Unsupported(f"gr.Dataframe: type={kind!r} needs {kind}, which is not in this "
                              "page", "use type='array', a list of rows; or add the package to what the "
                              "page is built with", self.place)

    def _headers(self, width: int) -> list[str]:
        headers = list(self.props["headers"] or [])[:max(width, len(self.props["headers"] or []))]
        return headers + [str(i + 1) for i in range(len(headers), width)]

    def postprocess(self, value):
        headers, rows = self._table(value)
        rows = [list(row) if isinstance(row, (list, tuple)) else [row] for row in rows]
        rows = [[_shown(plain(cell)) for cell in row] for row in rows]
        width = max([len(row) for row in rows] + [len(headers or [])], default=0)
        rows = [row + [None] * (width - len(row)) for row in rows]
        names = [str(name) for name in headers] if headers else self._headers(width)
        return {"headers": names + [str(i + 1) for i in range(len(names), width)], "data": rows}

    def _table(self, value: Any) -> tuple:
        """Headers, or None, and rows: of lists, dicts of columns or of headers and data, arrays, and
        tables such as those of pandas and polars."""
        if value is None:
            width = self.props["col_count"] or len(self.props["headers"] or []) or 3
            return None, [["" for _ in range(width)] for _ in range(self.props["row_count"] or 1)]
        if isinstance(value, (str, os.PathLike)):
            with open(value, newline="", encoding="utf-8") as file:
                lines = list(csv.reader(file, delimiter="\t" if str(value).endswith(".tsv") else ","))
            return (lines[0], lines[1:]) if lines else (None, [])
        if hasattr(value, "data") and hasattr(value, "columns"):
            value = value.data if hasattr(value.data, "columns") else value  # a Styler of pandas
        if hasattr(value, "columns"):
            rows = value.rows() if callable(getattr(value, "rows", None)) else value.values.tolist()
            return list(value.columns), rows
        if isinstance(value, dict) and "data" in value:
            return value.get("headers"), _listed(value["data"])
        if isinstance(value, dict):
            columns = [_listed(one) if isinstance(one, (list, tuple)) or hasattr(one, "tolist")
                       else [one] for one in value.values()]
            return list(value), itertools.zip_longest(*columns)
        rows = _listed(value)
        if rows and all(isinstance(row, dict) for row in rows):
            names = list(dict.fromkeys(name for row in rows for name in row))
            return names, [[row.get(name) for name in names] for row in rows]
        return None, rows

    def preprocess(self, payload):
        if payload is None:
            return None
        rows = [self._typed(row) for row in payload["data"]]
        if self.props["type"] == "array":
            return rows
        self.check_use()
        if self.props["type"] == "numpy":
            import numpy
            return numpy.array(rows)
        import pandas
        return pandas.DataFrame(rows, columns=payload["headers"])

    def _typed(self, row: list) -> list:
        kinds = self.props["datatype"]
        kinds = [kinds] * len(row) if isinstance(kinds, str) else list(kinds)
        return [_cell(cell, kind) for cell, kind in
                zip(row, kinds + ["str"] * (len(row) - len(kinds)))]


def _listed(value: Any) -> list:
    return value.tolist() if hasattr(value, "tolist") else list(value)


def _shown(cell: Any) -> Any:
    """A cell as the page takes it: what is no text or number is shown as its text, NaN as nothing."""
    if isinstance(cell, float) and cell != cell:
        return None
    return cell if cell is None or isinstance(cell, (str, int, float, bool)) else str(cell)


def _cell(cell: Any, kind: str) -> Any:
    """A cell that was written as text, as its column's type says."""
    if not isinstance(cell, str):
        return cell
    if kind == "number":
        try:
            number = float(cell)
        except ValueError:
            return None
        return int(number) if number.is_integer() and "." not in cell else number
    if kind == "bool":
        return cell.strip().lower() in ("true", "1", "yes")
    return cell


class List(Dataframe):
    """A gr.Dataframe of one column, as a list of rows."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"type": "array", "col_count": 1, **kwargs})


class Dataset(Component):
    """Rows of values of other components, of which one can be chosen: what gr.Examples shows."""

    def setup(self):
        made = []
        for one in self.props["components"] or []:
            made.append(one if isinstance(one, Component) else component(one, False))
        self.columns = made
        self.props["samples"] = self.props["samples"] or []

    def page_props(self, given):
        found = super().page_props(given)
        if "samples" in found:
            found["samples"] = [[block.postprocess(value) for block, value in
                                 zip(self.columns, row)] for row in self.props["samples"]]
        if "components" in found:
            found["components"] = [block._id for block in self.columns]
            found["kinds"] = [block.kind for block in self.columns]
            found["names"] = self.props["headers"] or [
                block.props.get("label") or type(block).__name__ for block in self.columns]
        return found

    def preprocess(self, payload):
        row = self.props["samples"][payload]
        kind = self.props["type"]
        return payload if kind == "index" else (payload, row) if kind == "tuple" else row


class ChatMessage:
    """One message of a conversation."""

    def __init__(self, content: Any, role: str = "assistant", metadata: dict | None = None,
                 options: list | None = None):
        self.role, self.content = role, content
        self.metadata, self.options = metadata or {}, options or []


class Chatbot(Component):
    """A conversation: pairs of texts, or with type="messages" dicts of `role` and `content`."""

    def setup(self):
        self.check_type("tuples", "messages")

    def _content(self, content: Any) -> Any:
        if isinstance(content, Component):
            content = content.postprocess(content.props["value"])
            return content if isinstance(content, dict) and "bytes" in content else str(content)
        if isinstance(content, (tuple, list)) and content and isinstance(content[0], str):
            return _files.load(content[0])
        if isinstance(content, dict) and "path" in content:
            return _files.load(content["path"])
        return inspect.cleandoc(content) if isinstance(content, str) else str(content)

    def postprocess(self, value):
        shown = []
        for one in value or []:
            if isinstance(one, dict):
                shown.append((one["role"], one["content"], one.get("metadata")))
            elif isinstance(one, ChatMessage):
                shown.append((one.role, one.content, one.metadata))
            elif self.props["type"] == "tuples" and len(one) == 2:
                shown += [(role, content, None) for role, content in
                          zip(("user", "assistant"), one)]
            else:
                raise ValueError("a message of gr.Chatbot is a dict of role and content with "
                                 "type='messages', else a pair of texts")
        return [{"role": role, "content": None if content is None else self._content(content),
                 "title": (metadata or {}).get("title")} for role, content, metadata in shown]

    def preprocess(self, payload):
        messages = []
        for one in payload or []:
            content = one["content"]
            if isinstance(content, dict):
                content = (_files.save(content),) if self.props["type"] == "tuples" \
                    else {"path": _files.save(content)}
            messages.append((one["role"], content, one.get("title")))
        if self.props["type"] == "tuples":
            contents = [content for _, content, _ in messages]
            return [list(pair) for pair in zip(contents[0::2], contents[1::2])]
        return [{"role": role, "content": content, "metadata": {"title": title} if title else None,
                 "options": None} for role, content, title in messages]


SHORTCUTS = {"text": "Textbox", "str": "Textbox", "textarea": "TextArea", "list": "Dataframe",
             "dataframe": "Dataframe", "checkboxgroup": "CheckboxGroup",
             "downloadbutton": "DownloadButton", "uploadbutton": "UploadButton"}


def component(given: Any, render: bool = True) -> Component:
    """A component, or one by its name in lower case such as "text" and "image"."""
    import gradio
    from . import _supported
    if isinstance(given, Component):
        return given
    if not isinstance(given, str):
        raise Unsupported(f"inputs and outputs are components or their names, not {given!r}")
    name = given.lower()
    names = {**{known.lower(): known for known in _supported.COMPONENTS}, **SHORTCUTS}
    if name not in names:
        other = {known.lower(): known for known in _supported.UNSUPPORTED}.get(name)
        if other:
            raise Unsupported(f"gr.{other} is not supported", _supported.UNSUPPORTED[other])
        raise Unsupported(f"there is no component {given!r}", f"there are {', '.join(names)}")
    return getattr(gradio, names[name])(render=render)


def is_path(value: Any) -> bool:
    """Whether a text is the path of a file."""
    return isinstance(value, (str, os.PathLike)) and os.path.isfile(value)


__all__ = ["Dataframe", "Dataset", "Chatbot", "ChatMessage", "component", "is_path", "picture"]
