"""Pictures, sounds and files."""

from __future__ import annotations

import io
import os
from typing import Any

from . import _files, _pictures, _sounds
from ._component import Component
from ._errors import Unsupported
from ._text import files_of


class Image(Component):
    """A picture. A function gets it as `type` says: "numpy" or "pil" where those modules are
    there, "filepath", or "array": a memoryview of the shape (height, width, channels)."""

    def setup(self):
        self.check_type("numpy", "pil", "filepath", "array")
        if self.props["image_mode"] not in _pictures.CHANNELS:
            raise Unsupported(f"gr.Image: image_mode={self.props['image_mode']!r} is not supported",
                              "it can be 'RGB', 'RGBA' or 'L'")

    def check_use(self):
        kind = self.props["type"]
        module = {"numpy": "numpy", "pil": "PIL"}.get(kind)
        if module and not _pictures.has(module):
            name = {"PIL": "pillow"}.get(module, module)
            raise Unsupported(
                f"gr.Image: type={kind!r} needs {name}, which is not in this page",
                "use type='filepath', or type='array', a memoryview of the shape "
                f"(height, width, channels); or add {name} to what the page is built with",
                self.place)

    def page_props(self, given):
        found = super().page_props(given)
        if "type" in found:
            found["pixels"] = found["type"] in ("numpy", "array")
        return found

    def preprocess(self, payload):
        if payload is None:
            return None
        kind, mode = self.props["type"], self.props["image_mode"]
        if kind == "filepath":
            return _files.save(payload)
        self.check_use()
        if kind == "pil":
            return _pictures.open_pillow(payload).convert(mode)
        width, height, channels, pixels = _pictures.pixels_of(payload, mode)
        shape = (height, width) if mode == "L" else (height, width, channels)
        if kind == "array":
            return memoryview(bytearray(pixels)).cast("B", shape)
        import numpy
        return numpy.frombuffer(bytearray(pixels), numpy.uint8).reshape(shape)

    def postprocess(self, value):
        return picture(value, self.props["format"])


def picture(value: Any, kind: str = "png") -> dict | None:
    """The payload of a picture: a path, an array, or a picture of pillow."""
    if value is None or isinstance(value, dict):
        return value
    if isinstance(value, (str, os.PathLike)):
        return _files.load(value, "the picture")
    if isinstance(value, (bytes, bytearray)):
        raise ValueError("a picture is a path, an array or a picture of pillow, not bytes: "
                         "write the bytes to a file and give its path")
    return _pictures.encode(value, kind if kind in ("png", "jpeg", "jpg", "webp") else "png")


class Audio(Component):
    """A sound. A function gets it as `type` says: "numpy", (rate, samples); "filepath"; or
    "array", (rate, memoryview of 16-bit samples)."""

    def setup(self):
        self.check_type("numpy", "filepath", "array")

    def check_use(self):
        if self.props["type"] == "numpy" and not _pictures.has("numpy"):
            raise Unsupported("gr.Audio: type='numpy' needs numpy, which is not in this page",
                              "use type='filepath', or type='array', a memoryview of samples; or "
                              "add numpy to what the page is built with", self.place)

    def page_props(self, given):
        found = super().page_props(given)
        if "type" in found:
            found["samples"] = found["type"] != "filepath"
        return found

    def preprocess(self, payload):
        if payload is None:
            return None
        if self.props["type"] == "filepath":
            return _files.save(payload)
        self.check_use()
        rate, channels, samples = _sounds.decode(_files.bytes_of(payload["bytes"]))
        count = len(samples) // 2
        shape = (count,) if channels == 1 else (count // channels, channels)
        if self.props["type"] == "array":
            return rate, memoryview(bytearray(samples)).cast("h", shape)
        import numpy
        return rate, numpy.frombuffer(bytearray(samples), numpy.int16).reshape(shape)

    def postprocess(self, value):
        if value is None or isinstance(value, dict):
            return value
        if isinstance(value, (str, os.PathLike)):
            return _files.load(value, "the sound")
        if isinstance(value, (bytes, bytearray)):
            return {"name": "audio.wav", "type": "audio/wav", "bytes": bytes(value)}
        rate, samples = value
        return {"name": "audio.wav", "type": "audio/wav", "bytes": _sounds.encode(rate, samples)}


class File(Component):
    """Files: to choose, or to save."""

    def setup(self):
        self.check_type("filepath", "binary")
        if self.props["file_count"] not in ("single", "multiple", "directory"):
            raise Unsupported(f"gr.File: file_count={self.props['file_count']!r} is not supported",
                              "it can be 'single', 'multiple' or 'directory'")

    def preprocess(self, payload):
        return files_of(payload, self.props["type"], self.props["file_count"])

    def postprocess(self, value):
        if value is None:
            return None
        if isinstance(value, (list, tuple)):
            return [_files.load(path) for path in value]
        return _files.load(value)


class Files(File):
    """A gr.File of several files."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"file_count": "multiple", **kwargs})


class Plot(Component):
    """A figure of matplotlib, shown as a picture."""

    def postprocess(self, value):
        if value is None:
            return None
        if hasattr(value, "savefig"):
            out = io.BytesIO()
            value.savefig(out, format="png", bbox_inches="tight", dpi=144)
            return {"name": "plot.png", "type": "image/png", "bytes": out.getvalue()}
        if hasattr(value, "figure") and hasattr(value.figure, "savefig"):
            return self.postprocess(value.figure)  # axes, as seaborn gives
        raise ValueError(f"gr.Plot shows figures of matplotlib, not {type(value).__module__}."
                         f"{type(value).__name__}; save other figures as pictures for gr.Image")


class Gallery(Component):
    """Pictures beside each other: values, or pairs of a value and what is written below it."""

    def postprocess(self, value):
        shown = []
        for one in value or []:
            image, caption = one if isinstance(one, (tuple, list)) and len(one) == 2 \
                and isinstance(one[1], str) else (one, None)
            shown.append({"image": picture(image), "caption": caption})
        return shown

    def preprocess(self, payload):
        return [(_files.save(one["image"]), one["caption"]) for one in payload or []]
