"""Pictures: pixels to PNG, and what the page decoded to arrays, with the standard library alone."""

from __future__ import annotations

import importlib.util
import io
import struct
import zlib
from typing import Any

CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # of PNG, by number of channels


def has(module: str) -> bool:
    """Whether a module could be imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def png(width: int, height: int, channels: int, pixels: bytes) -> bytes:
    """A PNG of 8 bits a channel."""
    row = width * channels
    lines = b"".join(b"\0" + pixels[y * row:(y + 1) * row] for y in range(height))

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (struct.pack(">I", len(content)) + kind + content
                + struct.pack(">I", zlib.crc32(kind + content)))

    header = struct.pack(">IIBBBBB", width, height, 8, COLOUR_TYPES[channels], 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 6))
            + chunk(b"IEND", b""))


def _flat(value: Any) -> list:
    """Numbers of nested lists, in order."""
    if isinstance(value, (list, tuple)):
        return [number for one in value for number in _flat(one)]
    return [value]


def _shape(value: Any) -> list[int]:
    shape = []
    while isinstance(value, (list, tuple)):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def byte_pixels(value: Any) -> tuple[int, int, int, bytes]:
    """Width, height, channels and bytes of [height, width] or [height, width, channels]: numpy
    arrays, memoryview and other buffers, nested lists. Numbers with a fraction are -1 to 1, and
    what is below 0 is black; whole ones are 0 to 255. Raises ValueError for anything else."""
    if isinstance(value, (list, tuple)):
        shape, numbers = _shape(value), _flat(value)
        real = any(isinstance(number, float) for number in numbers)
        content = None
    else:
        if hasattr(value, "__array__") and has("numpy"):
            import numpy
            value = numpy.ascontiguousarray(numpy.asarray(value))
            if value.dtype == bool:
                value = value.astype("uint8") * 255
        view = memoryview(value)
        shape, real = list(view.shape), view.format in ("f", "d", "e")
        content = view.tobytes() if view.format == "B" else None
        numbers = None if content is not None else _flat(view.tolist())
    if len(shape) == 2:
        shape.append(1)
    if len(shape) != 3 or shape[2] not in COLOUR_TYPES or 0 in shape:
        raise ValueError(f"a picture has the shape [height, width, 1 to 4 channels], not {shape}")
    if content is None:
        if real and any(not -1 <= number <= 1 for number in numbers):
            raise ValueError("a picture of numbers with a fraction has values from -1 to 1")
        scale = 255 if real else 1
        content = bytes(min(255, max(0, round(number * scale))) for number in numbers)
    height, width, channels = shape
    return width, height, channels, content


def encode(value: Any, kind: str = "png") -> dict:
    """The payload of a picture: an array, or a picture of pillow."""
    if hasattr(value, "save") and hasattr(value, "mode"):
        out = io.BytesIO()
        kind = {"jpg": "jpeg"}.get(kind, kind)
        if kind == "jpeg" and value.mode not in ("L", "RGB"):
            value = value.convert("RGB")
        value.save(out, format=kind.upper())
        return {"name": f"image.{kind}", "type": f"image/{kind}", "bytes": out.getvalue()}
    return {"name": "image.png", "type": "image/png", "bytes": png(*byte_pixels(value))}


def in_mode(rgba: bytes, mode: str) -> bytes:
    """RGBA pixels in another mode; L is weighed as pillow does."""
    if mode == "RGBA":
        return rgba
    red, green, blue = rgba[0::4], rgba[1::4], rgba[2::4]
    if mode == "L":
        return bytes((19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16
                     for r, g, b in zip(red, green, blue))
    out = bytearray(len(red) * 3)
    out[0::3], out[1::3], out[2::3] = red, green, blue
    return bytes(out)


def pixels_of(payload: dict, mode: str) -> tuple[int, int, int, bytes]:
    """Width, height, channels and pixels of a picture that the page sent, which decodes pictures;
    pillow does it where there is no page."""
    from ._files import bytes_of
    if payload.get("pixels"):
        decoded = payload["pixels"]
        width, height, rgba = decoded["width"], decoded["height"], bytes_of(decoded["data"])
    else:
        image = open_pillow(payload).convert("RGBA")
        (width, height), rgba = image.size, image.tobytes()
    return width, height, CHANNELS[mode], in_mode(rgba, mode)


def open_pillow(payload: dict):
    """The picture as pillow's, upright."""
    from PIL import Image, ImageOps
    from ._files import bytes_of
    return ImageOps.exif_transpose(Image.open(io.BytesIO(bytes_of(payload["bytes"]))))
