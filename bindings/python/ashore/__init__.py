"""ONNX models under Pyodide, in the engine of the JavaScript package `ashore`.

    import ashore
    model = ashore.open("model.onnx")                 # at once, from Pyodide's file system or bytes
    model = await ashore.load("models/model.onnx")    # from an address
    results = model.run({"x": x})                     # at once; outputs by name

Values are numpy's arrays where numpy is there, and ashore.Array otherwise.
"""
from ._array import Array, asarray, empty, zeros
from ._dtypes import DType, dtype
from ._engine import Session, ValueInfo, bridge
from ._errors import AshoreError
from ._model import Model, load, open, ready, report
from ._stream import Stream
from ._version import __version__

Tensor = Array

__all__ = ["Array", "AshoreError", "DType", "Model", "Stream", "Tensor", "ValueInfo", "__version__", "asarray",
           "dtype", "empty", "load", "open", "ready", "report", "zeros"]
