"""int(), float(), str(), list() and the like."""

from typing import Any, Dict, List

from . import sequences, text
from .errors import PyError, Refused
from .operators import folded
from .values import (FLOAT, INT, Caught, Const, Dct, Hashed, Lst, Node, Tup, Type, Value, View, known,
                     plain, static)


def convert(interp: Any, name: str, args: List[Value], keywords: Dict[str, Value]) -> Value:
    from . import numpy_arrays, numpy_common
    if name in numpy_common.SCALARS:
        return numpy_arrays.converted(interp, args[0] if args else Const(0), name)
    if keywords and name not in ("dict", "int"):
        raise Refused(f"{name}() with keywords")
    if name == "dict":
        return _dict(interp, args, keywords)
    if name == "object" and not args:
        raise Refused("object() is not in a page without Python")
    if name == "set":
        return set_of(_elements(interp, args[0]) if args else [])
    if name in ("list", "tuple"):
        return _listed(interp, name, args)
    if args and all(static(a) for a in args) and not isinstance(args[0], View) and name != "bytes":
        call = {"int": int, "float": float, "str": str, "bool": bool}[name]
        return folded(lambda *a: call(*a), *(plain(a) for a in args))
    if not args:
        return Const({"int": 0, "float": 0.0, "str": "", "bool": False}[name])
    if len(args) > 1 or name == "bytes":
        raise Refused(f"{name}() of what is known in the page only")
    value = args[0]
    if name == "bool":
        return Const(interp.truth(value))
    if name == "str":
        if isinstance(value, Caught):
            return caught_text(value)
        return text.as_str(interp.trace, value)
    return _number(interp, name, value)


def set_of(items: List[Value]) -> Value:
    """{...}, of values that are known now."""
    if not all(static(item) for item in items):
        raise Refused("a set of values that are known in the page only")
    return Hashed(folded(dict.fromkeys, [plain(item) for item in items]).value)


def _elements(interp: Any, value: Value) -> List[Value]:
    if isinstance(value, Hashed):
        return [known(item) for item in value.items]
    found = sequences.finite(interp, sequences.gone_through(value))
    if found is None:
        raise Refused("set() of what is known in the page only")
    return found


def caught_text(value: Caught) -> Value:
    """The words of an exception."""
    if value.error is None:
        raise Refused("the words of an exception: they are not the same in a page without Python",
                      "say it in words of your own")
    message = value.error.message
    return message if isinstance(message, Value) else Const(str(message))


def _number(interp: Any, name: str, value: Value) -> Value:
    kind = value.type
    made = INT if name == "int" else FLOAT
    if kind.kind == "array" and kind.dtype != "str":
        if kind.dims is not None and any(d != 1 for d in kind.dims):
            raise PyError("TypeError", "only 0-dimensional arrays can be converted to Python scalars")
        if kind.dims is None or len(kind.dims) > 0:
            raise Refused(f"{name}() of an array, which newer versions of numpy refuse",
                          "take the element: x[0], or x.item()")
        return interp.trace.emit(name, [value], made, of="float")
    if isinstance(value, Node) and kind.kind in ("bool", "int", "float", "number", "real", "np",
                                                 "str") and kind.dtype != "str":
        if kind.kind == "float" and name == "float" or kind.kind == "int" and name == "int":
            interp.trace.encode(value)
            return value
        return interp.trace.emit(name, [value], made, of="str" if kind.kind == "str" else "float")
    if isinstance(value, (Lst, Tup, Dct)):
        raise PyError("TypeError", f"{name}() argument must be a string or a real number, not "
                                   f"'{value.type.kind}'")
    raise Refused(f"{name}() of {kind} is not in a page without Python")


def _listed(interp: Any, name: str, args: List[Value]) -> Value:
    kind = Lst if name == "list" else Tup
    if not args:
        return kind([])
    args = [sequences.gone_through(args[0])]
    found = sequences.finite(interp, args[0])
    if found is not None:
        return kind(found)
    if isinstance(args[0], (Lst, Tup)):
        return kind(args[0].items)
    if isinstance(args[0], Node) and args[0].type.kind == "list":
        return args[0]
    sequence, element = sequences.runtime(interp, args[0])
    return interp.trace.emit("list", [sequence], Type("list", items=(element,)))


def _dict(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
    if not args:
        return Dct(list(keywords.items()))
    given = sequences.gone_through(args[0])
    if keywords:
        raise Refused("dict() with a mapping and keywords")
    if isinstance(given, Dct):
        return Dct(list(given.items.items()))
    if isinstance(given, Node) and given.type.kind in ("dict", "record"):
        return given
    found = sequences.finite(interp, given)
    if found is not None:
        pairs = [Tup(sequences.unrolled(interp, p, 2)) for p in found]
        for pair in pairs:
            if len(pair.items) != 2:
                raise PyError("ValueError", "dictionary update sequence element has length "
                                            f"{len(pair.items)}; 2 is required")
        return sequences.dict_of(interp, pairs)
    sequence, kind = sequences.runtime(interp, given)
    if kind.kind != "tuple" or len(kind.items) != 2:
        raise Refused(f"dict() of {kind}")
    return interp.trace.emit("dict", [sequence], Type("dict", items=kind.items))
