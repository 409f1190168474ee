"""onnxruntime's exceptions, where programs look for them."""
from ashore._ort._failures import (  # noqa: F401
    EngineError, EPFail, Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, ModelLoaded, NoModel,
    NoSuchFile, NotImplemented, RuntimeException,
)
