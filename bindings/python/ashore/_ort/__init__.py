"""onnxruntime's API, as far as programs that run models use it.  `import onnxruntime` leads here."""
from . import _options
from ._options import ExecutionMode, ExecutionOrder, GraphOptimizationLevel, RunOptions, SessionOptions
from ._session import PROVIDERS, InferenceSession, ModelMetadata, NodeArg
from ._values import IOBinding, OrtValue

__version__ = "1.31.1"  # whose API this is
version = __version__
package_name = "onnxruntime"
SessionIOBinding = IOBinding


def get_device():
    """'CPU'"""
    return "CPU"


def get_available_providers():
    """['CPUExecutionProvider']"""
    return list(PROVIDERS)


get_all_providers = get_available_providers


def get_version_string():
    """The version of onnxruntime whose API this is."""
    return __version__


def get_build_info():
    """What this is."""
    from .. import __version__ as own
    return f"Ashore {own} for Pyodide"


def set_default_logger_severity(severity):
    """Accepted: the engine logs nothing."""


def set_default_logger_verbosity(verbosity):
    """Accepted: the engine logs nothing."""


def set_seed(seed):
    """Operators of random numbers take their seeds from the model."""
    _options.ignored("set_seed", "operators of random numbers take their seeds from the model")


def enable_telemetry_events():
    """Accepted: nothing is sent anywhere."""


def disable_telemetry_events():
    """Accepted: nothing is sent anywhere."""


def preload_dlls(cuda=True, cudnn=True, msvc=True, directory=None):
    """Accepted: there are no libraries to load."""


__all__ = ["ExecutionMode", "ExecutionOrder", "GraphOptimizationLevel", "IOBinding",
           "InferenceSession", "ModelMetadata", "NodeArg", "OrtValue", "RunOptions",
           "SessionIOBinding", "SessionOptions", "disable_telemetry_events",
           "enable_telemetry_events", "get_all_providers", "get_available_providers",
           "get_build_info", "get_device", "get_version_string", "package_name", "preload_dlls",
           "set_default_logger_severity", "set_default_logger_verbosity", "set_seed", "version"]
