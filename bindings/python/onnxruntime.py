"""`import onnxruntime` under Pyodide: the engine of Ashore behind onnxruntime's API.

A module, where onnxruntime itself is a folder: Python takes a folder first, so that this one never
stands in the way of the other, and looks for it elsewhere when it is not beside it.
"""
import sys as _sys


def _find_real():
    # onnxruntime itself, further down sys.path.
    import os
    from importlib.machinery import PathFinder
    here = os.path.dirname(os.path.abspath(__file__))
    paths = [path for path in _sys.path if os.path.abspath(path or os.curdir) != here]
    return PathFinder.find_spec(__name__, paths)


if _sys.platform == "emscripten":
    import ashore._ort as _ort
    from ashore._ort import *  # noqa: F401,F403
    from ashore._ort import __version__  # noqa: F401
    __path__ = list(_ort.__path__)
    import onnxruntime.capi.onnxruntime_pybind11_state  # noqa: F401  as the real one does
else:
    _spec = _find_real()
    if _spec is None:
        raise ImportError(
            "this onnxruntime is the one of Ashore, which runs under Pyodide alone; this Python runs on "
            f"{_sys.platform}: pip install onnxruntime", name=__name__)
    import importlib.util as _util
    _module = _util.module_from_spec(_spec)
    _sys.modules[__name__] = _module
    _spec.loader.exec_module(_module)
