"""Files on their way between the page and the program: { name, type, bytes } and paths."""

from __future__ import annotations

import mimetypes
import os
import re
import tempfile
from typing import Any

from ._blocks import building


class NamedString(str):
    """A path that has the attribute `name` too, as open files have."""

    @property
    def name(self) -> str:
        return str(self)


def folder() -> str:
    """A folder for files of the program, which ends with the interpreter."""
    if not building.folder or not os.path.isdir(building.folder):
        building.folder = tempfile.mkdtemp(prefix="gradio-")
    return building.folder


def bytes_of(content: Any) -> bytes:
    """The bytes of a payload, which may be a buffer of JavaScript."""
    if hasattr(content, "to_bytes") and not isinstance(content, int):
        return content.to_bytes()
    return bytes(content)


def save(payload: dict) -> str:
    """Writes what the page sent to a file of that name; its path."""
    name = re.sub(r"[^\w.() -]", "_", os.path.basename(str(payload.get("name") or "file")))
    place = tempfile.mkdtemp(dir=folder())
    path = os.path.join(place, name.lstrip(".") or "file")
    with open(path, "wb") as file:
        file.write(bytes_of(payload["bytes"]))
    return NamedString(path)


def new_path(suffix: str) -> str:
    """A path in the folder that nothing uses yet."""
    handle, path = tempfile.mkstemp(suffix=suffix, dir=folder())
    os.close(handle)
    return path


def type_of(name: str) -> str:
    """The media type that goes with a file's name."""
    known = {".webp": "image/webp", ".onnx": "application/octet-stream", ".wav": "audio/wav",
             ".svg": "image/svg+xml", ".md": "text/markdown"}
    ending = os.path.splitext(name)[1].lower()
    return known.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def is_address(value: Any) -> bool:
    """Whether a value names something on the network."""
    return isinstance(value, str) and re.match(r"https?://", value) is not None


def load(path: Any, what: str = "the file") -> dict:
    """The payload of a program's file. Raises FileNotFoundError, or ValueError for addresses."""
    if is_address(path):
        raise ValueError(f"{what} is {path}: a page without a network cannot fetch it; "
                         "put the file beside the program")
    path = os.fspath(path)
    with open(path, "rb") as file:
        content = file.read()
    return {"name": os.path.basename(path), "type": type_of(path), "bytes": content}
