"""Python's own names: what every module can call."""

import ast
import os
from typing import Any, Dict, List

from . import attempts, sequences, text
from .dtypes import REAL64
from .errors import PyError, Refused
from .natives import constant, native
from .objects import attribute
from .operators import binary, BINARY, folded, is_numpy
from .values import (BOOL, FLOAT, INT, NONE, REAL, Caught, Class, Const, Dct, Function, Hashed,
                     Instance, Iter, Kind, Lst, Node, Real, Rng, Tup, Type, Value, Zipped, describe,
                     known, plain, static)

EXCEPTIONS = ("Exception", "BaseException", "ValueError", "TypeError", "RuntimeError", "KeyError",
              "IndexError", "AssertionError", "FileNotFoundError", "OSError", "IOError",
              "ZeroDivisionError", "AttributeError", "NotImplementedError", "ArithmeticError",
              "LookupError", "ImportError", "ModuleNotFoundError", "Warning", "UserWarning")
KINDS = ("int", "float", "str", "bool", "list", "tuple", "dict", "bytes", "object", "set")
_BUILTINS: Dict[str, Value] = {}


def _builtin(title: str, signature: str = "") -> Any:
    return native(_BUILTINS, title, signature)


def builtins() -> Dict[str, Value]:
    """The names that every module has."""
    found: Dict[str, Value] = dict(_BUILTINS)
    found.update({name: Kind(name) for name in KINDS})
    found.update({name: Class(name) for name in EXCEPTIONS})
    found["Ellipsis"], found["__debug__"] = Const(Ellipsis), Const(True)
    return found


@_builtin("len", "x")
def _len(interp: Any, value: Value) -> Value:
    if isinstance(value, (Tup, Lst, Dct, Hashed)):
        return Const(len(value.items))
    if isinstance(value, Const):
        return folded(len, value.value)
    if isinstance(value, Rng) and static(value.start) and static(value.stop):
        return Const(len(range(plain(value.start), plain(value.stop), value.step)))
    kind = value.type
    if isinstance(value, Node):
        if kind.kind in ("array", "buffer") and kind.dims and kind.dims[0] is not None:
            return Const(kind.dims[0])
        if kind.kind in ("tuple", "record"):
            return Const(len(kind.items))
        if kind.kind in ("array", "buffer", "list", "dict", "str"):
            return interp.trace.emit("len", [value], INT)
    raise Refused(f"len() of {kind} is not in a page without Python")


@_builtin("range", "*")
def _range(interp: Any, args: List[Value]) -> Value:
    args = [interp.trace.emit("int", [a], INT, of="float") if is_numpy(a.type) else a for a in args]
    for one in args:
        if isinstance(one, Const) and not isinstance(one.value, int):
            raise PyError("TypeError", f"'{one.type.kind}' object cannot be interpreted as an integer")
        if one.type.kind not in ("int", "bool"):
            raise Refused(f"range() of {one.type}")
    if not 1 <= len(args) <= 3:
        raise PyError("TypeError", f"range expected 1 to 3 arguments, got {len(args)}")
    step = constant(args[2], "the step of a range") if len(args) == 3 else 1
    start, stop = (Const(0), args[0]) if len(args) == 1 else args[:2]
    return Rng(start, stop, step)


@_builtin("zip", "* strict!")
def _zip(interp: Any, args: List[Value]) -> Value:
    return Iter(Zipped("zip", args))


@_builtin("enumerate", "x start?")
def _enumerate(interp: Any, value: Value, start: Any) -> Value:
    return Iter(Zipped("enumerate", [value], constant(start, "the start of enumerate()", 0)))


@_builtin("map", "fn *")
def _map(interp: Any, fn: Value, args: List[Value]) -> Value:
    if len(args) != 1:
        raise Refused("map() of several sequences", "use zip")
    items = sequences.finite(interp, args[0])
    if items is not None:
        return Iter(Lst([interp.call(fn, [i], {}) for i in items]), isinstance(fn, Function))
    return Iter(sequences.in_page(interp, args[0], lambda item: [interp.call(fn, [item], {})],
                                  "list"), isinstance(fn, Function))


def _keys(interp: Any, value: Value, key: Any) -> tuple:
    """Elements, by what they are ordered, and the elements' type."""
    items = sequences._finite(interp, value)
    if items is not None and (len(items) <= sequences.MOST_UNROLLED or all(
            static(i) for i in items)):
        keys: Value = Lst(items if key is None else [interp.call(key, [i], {}) for i in items])
        kinds = {describe(i) for i in items}
        element = kinds.pop() if len(kinds) == 1 else None
        return Lst(items), keys, element, {describe(k) for k in keys.items}  # type: ignore
    sequence, element = sequences.runtime(interp, value)
    if key is None:
        return sequence, sequence, element, {element}
    keys = sequences.in_page(interp, value, lambda item: [interp.call(key, [item], {})], "list")
    return sequence, keys, element, {keys.type.items[0]}


def _ordered(kinds: Any) -> None:
    for kind in kinds:
        if kind.kind not in ("int", "float", "bool", "number", "real", "str") and not (
                kind.kind == "np" and kind.dtype != "str"):
            raise Refused(f"an order of {kind} is not in a page without Python",
                          "give a key: key=lambda item: item[1]")


@_builtin("sorted", "x key? reverse?")
def _sorted(interp: Any, value: Value, key: Any, reverse: Any) -> Value:
    down = bool(constant(reverse, "reverse", False))
    key = None if isinstance(key, Const) else key
    if isinstance(value, Hashed):
        if key is not None:
            raise Refused("an order of a set by a key, by which elements may be equal")
        value = Lst([known(item) for item in value.items])
    items, keys, element, kinds = _keys(interp, value, key)
    if isinstance(items, Lst) and static(keys):
        order = folded(lambda k: tuple(sorted(range(len(k)), key=k.__getitem__, reverse=down)),
                       plain(keys)).value
        return Lst([items.items[i] for i in order])
    _ordered(kinds)
    if element is None:
        raise Refused("an order of values of different types")
    return interp.trace.emit("sorted", [items, keys], Type("list", items=(element,)), down=down)


@_builtin("reversed", "x")
def _reversed(interp: Any, value: Value) -> Value:
    if isinstance(value, Iter):
        raise PyError("TypeError", "an iterator is not reversible")
    items = sequences.finite(interp, value)
    if items is not None:
        return Iter(Lst(items[::-1]))
    sequence, element = sequences.runtime(interp, value)
    return Iter(interp.trace.emit("slice", [sequence, Const(None), Const(None), Const(-1)],
                                  Type("list", items=(element,)), what="list"))


def _extreme(which: str) -> None:
    @_builtin(which, "* key?")
    def extreme(interp: Any, args: List[Value], key: Any) -> Value:
        over = args[0] if len(args) == 1 else Lst(args)
        if is_numpy(over.type):
            raise Refused(f"{which}() of an array", f"use np.{which}()")
        items, keys, element, kinds = _keys(interp, over, key)
        if isinstance(items, Lst) and static(keys) and items.items:
            call = max if which == "max" else min
            at = folded(lambda k: call(range(len(k)), key=k.__getitem__), plain(keys)).value
            return items.items[at]
        _ordered(kinds)
        if element is None:
            numbers = {describe(i).kind for i in items.items} <= {"int", "float", "number", "real"}
            if not numbers:
                raise Refused(f"{which}() of values of different types")
            element = REAL
        return interp.trace.emit("extreme", [items, keys], element, largest=which == "max")


_extreme("max")
_extreme("min")


@_builtin("sum", "x start?")
def _sum(interp: Any, value: Value, start: Any) -> Value:
    if start is not None:
        raise Refused("sum() with a start")
    if is_numpy(value.type):
        raise Refused("sum() of an array", "use np.sum()")
    items = sequences.finite(interp, value)
    if items is not None and all(static(i) for i in items):
        return folded(sum, [plain(i) for i in items])
    sequence, kinds = (Lst(items), {i.type for i in items}) if items is not None else (
        lambda found: (found[0], {found[1]}))(sequences.runtime(interp, value))
    names = {k.kind for k in kinds}
    if not names <= {"int", "float", "bool", "number", "real"}:
        raise Refused("sum() of what is no number of Python's", "use float(x), or np.sum()")
    made = INT if names <= {"int", "bool"} else FLOAT if "float" in names else REAL
    return interp.trace.emit("sum", [sequence], made, **({"whole": True} if made != FLOAT else {}))


def _some(name: str) -> None:
    @_builtin(name, "x")
    def some(interp: Any, value: Value) -> Value:
        if is_numpy(value.type):
            raise Refused(f"{name}() of an array", f"use np.{name}()")
        items = sequences.finite(interp, value)
        if items is not None and all(static(i) for i in items):
            return folded({"any": any, "all": all}[name], [plain(i) for i in items])
        sequence, kinds = (Lst(items), {i.type for i in items}) if items is not None else (
            lambda found: (found[0], {found[1]}))(sequences.runtime(interp, value))
        for kind in kinds:
            if kind.kind not in ("bool", "int", "float", "number", "real", "str", "np"):
                raise Refused(f"{name}() of {kind}")
        return interp.trace.emit("true." + name, [sequence], BOOL)


_some("any")
_some("all")


@_builtin("abs", "x")
def _abs(interp: Any, value: Value) -> Value:
    if isinstance(value, Const):
        return folded(abs, value.value)
    kind = value.type
    if is_numpy(kind) and kind.dtype != "bool":
        return interp.trace.emit("abs", [value], kind, dtype=kind.dtype)
    if kind.kind in ("int", "float", "number", "real"):
        return interp.trace.emit("pyabs", [value], kind)
    raise Refused(f"abs() of {kind}")


@_builtin("round", "x ndigits?")
def _round(interp: Any, value: Value, digits: Any) -> Value:
    count = constant(digits, "how many digits are kept")
    if isinstance(value, Const):
        return folded(round, value.value, *([] if count is None else [count]))
    kind = value.type
    if kind.kind == "np" and kind.dtype.startswith("float") or kind.kind == "array":
        from . import numpy_methods
        if kind.kind == "array":
            raise PyError("TypeError", "type numpy.ndarray doesn't define __round__ method")
        if count is None:
            return interp.trace.emit("pyround", [value], INT)
        return numpy_methods.rounded(interp, value, count)
    if kind.kind in ("int", "float", "number", "real", "bool"):
        if count is None or kind.kind in ("int", "bool") and count >= 0:
            return interp.trace.emit("pyround", [value], INT)
        if kind.kind in ("int", "bool"):
            return interp.trace.emit("pyround", [value], INT, digits=count)
        return interp.trace.emit("pyround", [value], FLOAT if kind.kind == "float" else REAL,
                                 digits=count)
    raise Refused(f"round() of {kind}")


@_builtin("pow", "a b")
def _pow(interp: Any, a: Value, b: Value) -> Value:
    if isinstance(a, Const) and isinstance(b, Const):
        return folded(pow, a.value, b.value)
    return binary(interp.trace, "**", BINARY[ast.Pow][1], a, b)


@_builtin("divmod", "a b")
def _divmod(interp: Any, a: Value, b: Value) -> Value:
    return Tup([binary(interp.trace, *BINARY[kind], a, b) for kind in (ast.FloorDiv, ast.Mod)])


@_builtin("print", "* sep? end? file! flush!")
def _print(interp: Any, args: List[Value], sep: Any, end: Any) -> Value:
    between, last = constant(sep, "sep", " "), constant(end, "end", "\n")
    parts: List[Value] = []
    for i, one in enumerate(args):
        if i:
            parts.append(Const(between))
        parts.append(interp.need_text(one) if one.type.kind == "str" else
                     text.as_str(interp.trace, one))
    interp.trace.emit("print", [*parts, Const(last)], NONE)
    return Const(None)


@_builtin("isinstance", "x kinds")
def _isinstance(interp: Any, value: Value, kinds: Value) -> Value:
    wanted = kinds.items if isinstance(kinds, Tup) else [kinds]
    if not all(isinstance(k, (Kind, Class)) for k in wanted):
        raise Refused("isinstance() with what is no type")
    found = value.type
    if isinstance(value, Caught):
        return Const(_is_exception(value, wanted))
    if isinstance(value, Node) and value.optional:
        if interp.is_none(value):
            return Const(any(k.name == "object" for k in wanted))  # type: ignore[attr-defined]
    if found.kind in ("number", "real"):
        raise Refused("whether a number is an int is known in the page only")
    name = {"array": "ndarray", "image": "Image", "const": "", "record": "dict", "lst": "list",
            "tup": "tuple", "dct": "dict"}.get(found.kind, found.kind)
    names = {name, "object"}
    if found.kind == "np":
        if found.dtype == REAL64:
            raise Refused("whether a number has a fraction is known in the page only")
        names = {found.dtype, "object"} if found.dtype not in ("bool", "str") else {"object"}
        if found.dtype in ("bool", "str") and any(k.name == found.dtype for k in wanted):
            raise Refused(f"whether it is Python's {found.dtype} or numpy's", "use another test")
        names |= {"float"} if found.dtype == "float64" else set()
        names |= {"floating"} if found.dtype.startswith("float") else {"integer"} \
            if found.dtype not in ("bool", "str") else set()
    if found.kind == "bool":
        names.add("int")
    if isinstance(value, Instance):
        names = {"object"}
        if value.kind in wanted:
            return Const(True)
        wanted = [k for k in wanted if isinstance(k, Kind)]
    return Const(any(k.name in names for k in wanted))  # type: ignore[attr-defined]


def _is_exception(value: Caught, wanted: List[Value]) -> bool:
    if value.error is None:
        raise Refused("which exception it is: that is not the same in a page without Python")
    return attempts.is_one_of(value.error, [k.name for k in wanted])  # type: ignore[attr-defined]


@_builtin("open", "path mode? encoding? errors! newline!")
def _open(interp: Any, path: Value, mode: Any, encoding: Any) -> Value:
    kind = constant(mode, "the mode of open()", "r")
    if isinstance(path, Node) and path.type.kind == "file":
        if kind == "rb":
            return path
        raise Refused("text of a file that is given to the page")
    name = path.value if isinstance(path, (Const, Real)) else None
    if not isinstance(name, (str, os.PathLike)):
        raise Refused("which file is opened is known in the page only")
    if kind not in ("r", "rt", "rb"):
        raise Refused("files are written", "show results with components")
    try:
        with open(name, "rb") as file:
            data = file.read()
    except OSError as error:
        raise PyError(type(error).__name__, str(error)) from None
    if kind == "rb":
        return Real(OpenedFile(data, os.fspath(name), True), "file")
    return Real(OpenedFile(data.decode(constant(encoding, "encoding", None) or "utf-8"),
                           os.fspath(name), False), "file")


class OpenedFile:
    """A file of the program's, which is read while the plan is made."""

    def __init__(self, content: Any, path: str, binary: bool) -> None:
        self.content = content if binary else content.replace("\r\n", "\n").replace("\r", "\n")
        self.path, self.binary = path, binary

    def __enter__(self) -> "OpenedFile":
        return self

    def lines(self) -> List[str]:
        return self.content.splitlines(keepends=True)


@_builtin("memoryview", "x")
def _memoryview(interp: Any, value: Value) -> Value:
    if value.type.kind == "buffer":
        return value
    raise Refused(f"memoryview() of {value.type}", "use numpy")


@_builtin("staticmethod", "fn")
def _staticmethod(interp: Any, made: Value) -> Value:
    if not isinstance(made, Function):
        raise Refused(f"staticmethod() of {made.type}")
    made.alone = True
    return made


@_builtin("getattr", "x name default?")
def _getattr(interp: Any, owner: Value, name: Value, default: Any) -> Value:
    if default is not None:
        raise Refused("getattr() with a default")
    return attribute(interp, owner, constant(name, "the attribute's name"))


@_builtin("callable hasattr setattr type iter next eval exec input globals vars locals dir id hash",
          "*")
def _not_there(interp: Any, args: List[Value]) -> Value:
    raise Refused("this function of Python's is not in a page without Python")
