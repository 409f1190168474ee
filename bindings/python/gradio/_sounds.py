"""Sounds: samples to WAV and back, with the standard library alone."""

from __future__ import annotations

import array
import io
import sys
import wave
from typing import Any

from ._pictures import has


def _native(content: bytes) -> bytes:
    """16-bit samples of a WAV file in the order of this machine, and the other way."""
    if sys.byteorder == "little":
        return content
    samples = array.array("h", content)
    samples.byteswap()
    return samples.tobytes()


def decode(content: bytes) -> tuple[int, int, bytes]:
    """Rate, channels and 16-bit samples of a WAV file. Raises ValueError for anything else."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
            frames = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"this sound is not a WAV file that can be read: {error}") from error
    if width == 2:
        return rate, channels, _native(frames)
    if width == 1:
        samples = array.array("h", ((byte - 128) << 8 for byte in frames))
    else:  # the two upper bytes of 24 or 32 bits
        samples = array.array("h")
        upper = bytearray(len(frames) // width * 2)
        upper[0::2], upper[1::2] = frames[width - 2::width], frames[width - 1::width]
        samples.frombytes(_native(bytes(upper)))
    return rate, channels, samples.tobytes()


def _scaled(numbers: list, kind: str) -> array.array:
    """16-bit samples of numbers of a type, named as buffers do."""
    if kind in "fde":
        most = max((abs(number) for number in numbers), default=0) or 1
        return array.array("h", (int(number / most * 32767) for number in numbers))
    if kind == "B":
        return array.array("h", (number * 257 - 32768 for number in numbers))
    if kind in "ilq" and any(not -32768 <= number <= 32767 for number in numbers):
        return array.array("h", (number >> 16 for number in numbers))
    return array.array("h", numbers)


def encode(rate: int, value: Any) -> bytes:
    """A WAV file of [samples] or [samples, channels]. Numbers with a fraction are scaled so that
    the largest is the loudest there is, as Gradio does."""
    if hasattr(value, "__array__") and has("numpy"):
        import numpy
        value = numpy.ascontiguousarray(numpy.asarray(value))
    if isinstance(value, (list, tuple)):
        paired = bool(value) and isinstance(value[0], (list, tuple))
        channels = len(value[0]) if paired else 1
        numbers = [one for part in value for one in part] if paired else list(value)
        kind = "d" if any(isinstance(number, float) for number in numbers) else "h"
    else:
        view = memoryview(value)
        channels = view.shape[1] if view.ndim == 2 else 1
        kind = view.format
        if view.ndim == 2:
            view = view.cast("B").cast(kind)
        numbers = view.tolist()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(int(rate))
        file.writeframes(_native(_scaled(numbers, kind).tobytes()))
    return out.getvalue()
