"""onnxruntime's exceptions, and which of them an error of the engine is."""
import re

_STATUS = {"Fail": (1, "FAIL"), "InvalidArgument": (2, "INVALID_ARGUMENT"),
           "NoSuchFile": (3, "NO_SUCHFILE"), "NoModel": (4, "NO_MODEL"),
           "EngineError": (5, "ENGINE_ERROR"), "RuntimeException": (6, "RUNTIME_EXCEPTION"),
           "InvalidProtobuf": (7, "INVALID_PROTOBUF"), "ModelLoaded": (8, "MODEL_LOADED"),
           "NotImplemented": (9, "NOT_IMPLEMENTED"), "InvalidGraph": (10, "INVALID_GRAPH"),
           "EPFail": (11, "EP_FAIL")}

_STATE = "onnxruntime.capi.onnxruntime_pybind11_state"


def _exception(name):
    return type(name, (Exception,), {"__module__": _STATE, "__doc__": f"onnxruntime's {name}."})


Fail = _exception("Fail")
InvalidArgument = _exception("InvalidArgument")
NoSuchFile = _exception("NoSuchFile")
NoModel = _exception("NoModel")
EngineError = _exception("EngineError")
RuntimeException = _exception("RuntimeException")
InvalidProtobuf = _exception("InvalidProtobuf")
ModelLoaded = _exception("ModelLoaded")
NotImplemented = _exception("NotImplemented")
InvalidGraph = _exception("InvalidGraph")
EPFail = _exception("EPFail")


def failure(kind, message):
    """An exception with the words that onnxruntime puts before its own."""
    number, words = _STATUS[kind.__name__]
    return kind(f"[ONNXRuntimeError] : {number} : {words} : {message}")


_AT_LOAD = {"ERR_FORMAT": InvalidProtobuf, "ERR_UNSUPPORTED": NotImplemented,
            "ERR_TYPE": InvalidGraph, "ERR_SHAPE": InvalidGraph, "ERR_ATTR": InvalidGraph,
            "ERR_NAME": InvalidGraph, "ERR_INDEX": InvalidGraph, "ERR_ARGUMENT": InvalidArgument}
_OF_INPUTS = ("ERR_NAME", "ERR_TYPE", "ERR_SHAPE", "ERR_ARGUMENT")


def load_failure(error, source):
    """What onnxruntime would raise for an AshoreError of loading."""
    if error.code == "ERR_IO" and "there is no such file" in str(error):
        return failure(NoSuchFile, f"Load model from {source} failed:Load model {source} failed. "
                       "File doesn't exist")
    return failure(_AT_LOAD.get(error.code, Fail), f"Load model from {source} failed:{error}")


def run_failure(error):
    """What onnxruntime would raise for an AshoreError of a run."""
    if error.code == "ERR_UNSUPPORTED":
        return failure(NotImplemented, str(error))
    if error.code in _OF_INPUTS and (error.input or re.search(r"\binput '", str(error))):
        return failure(InvalidArgument, str(error))
    return failure(RuntimeException, str(error))
