"""Modules of the standard library, as far as programs around models use them."""

import json
import math
import os
import pathlib
import re
from typing import Any, Dict, List

from .errors import PyError, Refused
from .methods import load_json
from .natives import ignored, native
from .operators import folded
from .values import FLOAT, INT, Const, Lst, Module, Native, Real, Type, Value, plain, static

_MATH: Dict[str, Value] = {}
_IGNORED = ("warnings", "logging", "gc", "typing")


def _fold(name: str, call: Any) -> Native:
    """A function of constants."""
    def folding(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
        from .objects import wrapped
        given = [_known(a, name) for a in args]
        return wrapped(folded(call, *given, **{}).value if not keywords else call(
            *given, **{k: _known(v, name) for k, v in keywords.items()}))
    return Native(name, folding)


def _known(value: Value, name: str) -> Any:
    if isinstance(value, Real):
        return value.value
    if not static(value):
        raise Refused(f"{name}() of what is known in the page only")
    return plain(value)


def _mathematics(name: str, made: Any) -> None:
    @native(_MATH, name, "x")
    def call(interp: Any, value: Value) -> Value:
        if static(value):
            return folded(getattr(math, name), plain(value))
        if value.type.kind not in ("int", "float", "number", "real", "np") or \
                value.type.dtype == "str":
            raise Refused(f"math.{name}() of {value.type}")
        return interp.trace.emit("math." + name, [value], made)


for _name in ("exp", "sqrt", "log", "log2", "log10", "sin", "cos", "tanh", "radians", "fabs"):
    _mathematics(_name, FLOAT)
for _name in ("floor", "ceil"):
    _mathematics(_name, INT)


def _os(interp: Any) -> Module:
    path = {name: _fold(name, getattr(os.path, name)) for name in (
        "join", "dirname", "basename", "abspath", "realpath", "exists", "isfile", "isdir",
        "splitext", "expanduser", "normpath")}
    return Module("os", {
        "path": Module("os.path", path), "environ": Real({}, "environ"), "sep": Const("/"),
        "getcwd": Native("getcwd", lambda *_: Const(interp.folder)),
        "listdir": Native("listdir", lambda i, args, kw: Lst(
            [Const(n) for n in sorted(os.listdir(_known(args[0], "listdir")))])),
        "getenv": Native("getenv", lambda i, args, kw: args[1] if len(args) > 1 else Const(None)),
        "makedirs": Native("makedirs", ignored), "name": Const("posix")})


def _json() -> Module:
    def load(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
        file = args[0]
        if isinstance(file, Real) and file.what == "file":
            return load_json(interp, file.value.content)
        raise Refused(f"json.load() of {file.type}")

    def loads(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
        value = args[0]
        content = value.value.content if isinstance(value, Real) and value.what == "file" else \
            value.value if isinstance(value, Const) else None
        if content is None:
            raise Refused(f"json.loads() of {value.type}")
        return load_json(interp, content)

    def dumps(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
        if all(static(a) for a in args):
            return folded(json.dumps, *(plain(a) for a in args))
        raise Refused("json.dumps() of what is known in the page only", "show it with gr.JSON")
    return Module("json", {"load": Native("load", load), "loads": Native("loads", loads),
                           "dumps": Native("dumps", dumps)})


def _array_module() -> Module:
    codes = {"f": "float32", "d": "float64", "B": "uint8", "h": "int16", "i": "int32",
             "q": "int64"}

    def make(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
        from .numpy_arrays import to_array
        code = args[0].value if args and isinstance(args[0], Const) else None
        if code not in codes or len(args) != 2:
            raise Refused("array.array() of such a type")
        found = to_array(interp, args[1], codes[code])
        if found.type.dims is None or len(found.type.dims) != 1:
            raise PyError("TypeError", "must be real number, not list")
        return interp.trace.emit("same", [found], Type("buffer", codes[code], found.type.dims))
    return Module("array", {"array": Native("array", make)})


def _time() -> Module:
    def now(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
        return interp.trace.emit("time", [], FLOAT)
    return Module("time", {n: Native(n, now) for n in ("time", "perf_counter", "monotonic")})


def _re() -> Module:
    def constant_only(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
        if all(static(a) for a in args) and not keywords:
            return folded(re.sub, *(plain(a) for a in args))
        raise Refused("regular expressions are not in a page without Python",
                      "use methods of texts")
    return Module("re", {n: Native(n, constant_only) for n in (
        "sub", "match", "search", "findall", "split", "compile", "fullmatch")})


class _Anything(dict):
    """The names of a module that has no effect on results."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def get(self, key: Any, default: Any = None) -> Any:
        return Real(object(), "ignored")


def _spaces() -> Module:
    """A host's module, whose decorator leaves functions as they are."""
    def decorator(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
        return args[0] if args and not static(args[0]) else Native("GPU", decorator)
    return Module("spaces", {"GPU": Native("GPU", decorator)})


def find(interp: Any, name: str) -> Any:
    """A module by its name; None for one that is not here."""
    if name == "math":
        return Module("math", {**_MATH, "pi": Const(math.pi), "e": Const(math.e),
                               "inf": Const(math.inf), "nan": Const(math.nan)})
    if name in ("os", "os.path"):
        made = _os(interp)
        return made if name == "os" else made.names["path"]  # type: ignore[index]
    if name == "sys":
        return Module("sys", {"path": Real(object(), "ignored"), "platform": Const("emscripten"),
                              "argv": Lst([Const(interp.entry)])})
    if name == "pathlib":
        return Module("pathlib", {"Path": _fold("Path", pathlib.Path)})
    if name == "json":
        return _json()
    if name == "array":
        return _array_module()
    if name == "time":
        return _time()
    if name == "re":
        return _re()
    if name == "spaces":
        return _spaces()
    if name in _IGNORED or name.split(".")[0] in _IGNORED:
        return Module(name, _Anything(name))
    return None
