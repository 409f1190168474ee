"""Files with a model's weights, which everyone who opens the page can copy."""

import os
from typing import List, NamedTuple, Optional

SUFFIXES = {
    ".onnx": "ONNX", ".ort": "onnxruntime", ".safetensors": "safetensors", ".pt": "PyTorch",
    ".pth": "PyTorch", ".ckpt": "PyTorch", ".pkl": "pickle", ".pickle": "pickle",
    ".joblib": "joblib", ".h5": "Keras", ".keras": "Keras", ".pb": "TensorFlow",
    ".tflite": "TensorFlow Lite", ".gguf": "GGUF", ".bin": "weights", ".npz": "numpy", ".mlmodel":
    "Core ML", ".onnx_data": "ONNX", ".data": "ONNX",
}
_ALWAYS = set(SUFFIXES) - {".bin", ".npz", ".pb", ".data", ".ckpt"}
_RUNNABLE = (".onnx", ".ort", ".onnx_data", ".data")
_LARGE = 1 << 20  # bytes: below, files with a general suffix are no weights


class Weights(NamedTuple):
    """A file with weights."""

    path: str
    format: str
    size: int
    runnable: bool  # whether the engine reads it


def of(path: str) -> Optional[Weights]:
    """What a file is, where it holds weights."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in SUFFIXES:
        return None
    try:
        size = os.path.getsize(path)
    except OSError:
        return None
    stem = path[:-len(suffix)]
    if suffix == ".data":  # of an ONNX model beside it
        if not (stem.endswith(".onnx") and os.path.exists(stem) or os.path.exists(stem + ".onnx")):
            return None
    elif suffix not in _ALWAYS and size < _LARGE:
        return None
    return Weights(path, SUFFIXES[suffix], size, suffix in _RUNNABLE)


def among(paths: List[str]) -> List[Weights]:
    """The files with weights among others."""
    return [w for w in map(of, paths) if w is not None]
