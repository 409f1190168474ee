"""Attributes and methods of texts, lists, dicts, numbers, memoryviews, files and objects."""

import json
import string
from typing import Any, Callable, Dict, List

from . import sequences, text
from .errors import PyError, Refused
from .natives import arguments, constant
from .operators import folded
from .values import (BOOL, INT, STR, Collector, Const, Dct, Lst, Native, Real, Session, Tup, Type,
                     Value, View, describe, known, plain, static)

METHODS: Dict[str, Dict[str, tuple]] = {}


def method(kind: str, title: str, signature: str = "") -> Callable:
    """Registers a method of a type of values: call(interpreter, owner, *arguments)."""
    def register(call: Callable) -> Callable:
        for name in title.split():
            METHODS.setdefault(kind, {})[name] = (call, signature.split(), name)
        return call
    return register


def attribute_of(interp: Any, owner: Value, name: str) -> Value:
    """owner.name, of a value that is no module, class or instance."""
    from . import engine_names, numpy_methods, pillow_names
    kind = _kind(owner)
    if kind in ("array", "np"):
        found = numpy_methods.attribute(interp, owner, name)
    elif kind == "image":
        found = pillow_names.attribute(interp, owner, name)
    elif isinstance(owner, Session):
        found = engine_names.attribute(interp, owner, name)
    else:
        found = _PLAIN.get((kind, name), lambda *_: None)(interp, owner)
    if found is not None:
        return found
    entry = METHODS.get(kind, {}).get(name)
    if entry is not None:
        call, signature, title = entry

        def bound(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
            return call(interp, owner, *arguments(title, signature, args, keywords))
        return Native(name, bound)
    if isinstance(owner, Real):
        return _of_object(interp, owner, name)
    if isinstance(owner, Const) and not hasattr(owner.value, name):
        raise PyError("AttributeError",
                      f"'{type(owner.value).__name__}' object has no attribute '{name}'")
    raise Refused(f".{name} of {owner.type} is not in a page without Python")


def _kind(owner: Value) -> str:
    if isinstance(owner, (Lst, Tup, Dct)):
        return {"Lst": "list", "Tup": "tuple", "Dct": "dict"}[type(owner).__name__]
    if isinstance(owner, Real) and owner.what == "file":
        return "opened"
    if isinstance(owner, Collector):
        return "collector"
    return owner.type.kind


_PLAIN: Dict[tuple, Callable] = {
    ("buffer", "shape"): lambda interp, owner: extents(interp, owner),
    ("buffer", "ndim"): lambda interp, owner: Const(len(owner.type.dims)),
    ("file", "name"): lambda interp, owner: owner,
    ("opened", "name"): lambda interp, owner: Const(owner.value.path),
    ("kind", "__name__"): lambda interp, owner: Const(owner.name),
    ("kind", "name"): lambda interp, owner: Const(owner.name),
}


def extents(interp: Any, owner: Value) -> Tup:
    """x.shape."""
    dims = owner.type.dims
    if dims is None:
        raise Refused("how many axes the array has is known in the page only")
    return Tup([Const(d) if d is not None else
                interp.trace.emit("extent", [owner, Const(i)], INT) for i, d in enumerate(dims)])


def _of_object(interp: Any, owner: Real, name: str) -> Value:
    """An attribute of a component of gradio, or of a path."""
    from .objects import wrapped
    from .face import real_method
    if owner.what == "ignored":
        return Native(name, lambda *_: owner)
    if name.startswith("_"):
        raise Refused(f".{name} of an object")
    try:
        found = getattr(owner.value, name)
    except Exception as error:  # gradio says what there is
        raise Refused(str(error)) from None
    if callable(found):
        return Native(name, real_method(owner, found))
    return wrapped(found, owner.what)


# ---- texts -------------------------------------------------------------------------------------

_STR = ("lower upper strip lstrip rstrip split replace startswith endswith title capitalize "
        "splitlines find count isdigit isalpha zfill removeprefix removesuffix encode isspace "
        "casefold swapcase rsplit index partition center ljust rjust isupper islower isalnum "
        "isnumeric")
_IN_PAGE = {"lower": STR, "upper": STR, "strip": STR, "lstrip": STR, "rstrip": STR,
            "split": Type("list", items=(STR,)), "replace": STR, "startswith": BOOL,
            "endswith": BOOL, "title": STR, "capitalize": STR, "find": INT, "count": INT,
            "splitlines": Type("list", items=(STR,))}


def _text_method(name: str) -> None:
    @method("str", name, "*")
    def call(interp: Any, owner: Value, args: List[Value]) -> Value:
        if static(owner) and all(static(a) for a in args):
            return _known(folded(getattr(str, name), plain(owner), *(plain(a) for a in args)))
        made = _IN_PAGE.get(name)
        if made is None or any(a.type.kind != "str" for a in args):
            raise Refused(f".{name}() of a text that is known in the page only")
        least, most = {"replace": (2, 2), "startswith": (1, 1), "endswith": (1, 1), "find": (1, 1),
                       "count": (1, 1), "split": (0, 1), "strip": (0, 1), "lstrip": (0, 1),
                       "rstrip": (0, 1)}.get(name, (0, 0))
        if not least <= len(args) <= most:
            raise Refused(f".{name}() with {len(args)} arguments")
        return interp.trace.emit("str." + name, [owner, *args], made)


def _known(found: Const) -> Value:
    return known(found.value)


for _name in _STR.split():
    _text_method(_name)


@method("str", "join", "x")
def _join(interp: Any, owner: Value, over: Value) -> Value:
    items = sequences.finite(interp, over)
    if items is None:
        sequence, kind = sequences.runtime(interp, over)
        if kind != STR:
            raise Refused(f"join() of {kind}")
        return interp.trace.emit("join", [owner, sequence], STR)
    if all(static(i) for i in items) and static(owner):
        return folded(str.join, plain(owner), [plain(i) for i in items])
    if any(i.type != STR for i in items):
        raise Refused("join() of what is no text", "use str(x)")
    return interp.trace.emit("join", [owner, Lst(items)], STR)


@method("str", "format", "*")
def _format(interp: Any, owner: Value, args: List[Value]) -> Value:
    from .interpret import joined
    template = constant(owner, "a template for format()")
    parts: List[Value] = []
    count = 0
    for literal, field, spec, conversion in string.Formatter().parse(template):
        if literal:
            parts.append(Const(literal))
        if field is None:
            continue
        if field and not field.isdigit() or "{" in (spec or ""):
            raise Refused("names in a template for format()", "use an f-string")
        at = int(field) if field else count
        count += 1
        if at >= len(args):
            raise PyError("IndexError", "Replacement index out of range for positional args tuple")
        code = {"s": 115, "r": 114}.get(conversion or "", -1)
        parts.append(text.formatted(interp.trace, args[at], spec or "", code))
    return joined(interp.trace, parts)


# ---- lists and dicts ---------------------------------------------------------------------------


@method("list", "append", "x")
def _append(interp: Any, owner: Value, value: Value) -> Value:
    if not isinstance(owner, Lst):
        raise Refused("a list that is made in the page is changed")
    interp.own(owner)
    owner.items.append(value)
    return Const(None)


@method("collector", "append", "x")
def _collect(interp: Any, owner: Any, value: Value) -> Value:
    owner.found.append(value)
    return Const(None)


@method("list", "extend", "x")
def _extend(interp: Any, owner: Any, value: Value) -> Value:
    if not isinstance(owner, Lst):
        raise Refused("a list that is made in the page is changed")
    interp.own(owner)
    owner.items += sequences.unrolled(interp, value)
    return Const(None)


@method("list", "insert", "at x")
def _insert(interp: Any, owner: Any, at: Value, value: Value) -> Value:
    if not isinstance(owner, Lst):
        raise Refused("a list that is made in the page is changed")
    interp.own(owner)
    owner.items.insert(constant(at, "where it is inserted"), value)
    return Const(None)


@method("list", "reverse", "")
def _reverse(interp: Any, owner: Any) -> Value:
    if not isinstance(owner, Lst):
        raise Refused("a list that is made in the page is changed")
    interp.own(owner)
    owner.items.reverse()
    return Const(None)


@method("list", "sort", "key? reverse?")
def _sort(interp: Any, owner: Any, key: Any, reverse: Any) -> Value:
    if not isinstance(owner, Lst):
        raise Refused("a list that is made in the page is changed", "use sorted()")
    interp.own(owner)
    from .values import Native as _Native
    keywords = {k: v for k, v in (("key", key), ("reverse", reverse)) if v is not None}
    ordered = interp.names["sorted"]
    assert isinstance(ordered, _Native)
    made = ordered.call(interp, [Lst(owner.items)], keywords)
    count = len(owner.items)
    owner.items = made.items if isinstance(made, Lst) else [
        interp.trace.emit("item", [made, Const(i)], made.type.items[0]) for i in range(count)]
    return Const(None)


@method("list", "copy", "")
def _copy(interp: Any, owner: Any) -> Value:
    return Lst(owner.items) if isinstance(owner, Lst) else owner


@method("list", "index", "x")
def _index(interp: Any, owner: Value, value: Value) -> Value:
    if static(owner) and static(value):
        return folded(list.index, plain(owner), plain(value))
    kinds = {describe(v).kind for v in owner.items} if isinstance(owner, Lst) else {
        owner.type.items[0].kind}
    if kinds != {value.type.kind} or value.type.kind not in ("str", "int"):
        raise Refused(f".index() of {value.type}")
    return interp.trace.emit("find", [owner, value], INT)


@method("dict", "items", "")
def _items(interp: Any, owner: Value) -> Value:
    if isinstance(owner, Dct):
        return View(owner, lambda key, value: Tup([Const(key), value]))
    pair = Type("tuple", items=owner.type.items)
    return interp.trace.emit("items", [owner], Type("list", items=(pair,)))


@method("dict", "keys", "")
def _dict_keys(interp: Any, owner: Value) -> Value:
    if isinstance(owner, Dct):
        return View(owner, lambda key, value: Const(key))
    return interp.trace.emit("keys", [owner], Type("list", items=owner.type.items[:1]))


@method("dict", "values", "")
def _dict_values(interp: Any, owner: Value) -> Value:
    if isinstance(owner, Dct):
        return View(owner, lambda key, value: value)
    return interp.trace.emit("values", [owner], Type("list", items=owner.type.items[1:]))


@method("dict", "get", "key default?")
def _get(interp: Any, owner: Value, key: Value, default: Any) -> Value:
    from . import index
    default = default if default is not None else Const(None)
    if isinstance(owner, Dct) and static(key):
        return owner.items.get(plain(key), default)
    kinds = {describe(v) for v in owner.items.values()} if isinstance(owner, Dct) else {
        owner.type.items[1]}
    kind = describe(default)
    if kinds == {kind}:
        made = index.load(interp, owner, key)
        step = interp.trace.frames[-1].steps.pop()
        step["a"].append(interp.trace.encode(default))
        interp.trace.frames[-1].steps.append(step)
        return made
    if kind.kind == "none":
        made = index.load(interp, owner, key)
        interp.trace.frames[-1].steps[-1]["a"].append(interp.trace.encode(default))
        made.optional, made.what = True, "the entry of the dict"  # type: ignore[attr-defined]
        return made
    raise Refused(f".get() with {kind} as default")


@method("dict", "update", "other? *")
def _update(interp: Any, owner: Any, other: Any, rest: Any) -> Value:
    if not isinstance(owner, Dct) or not isinstance(other, Dct):
        raise Refused(".update() of a dict that is made in the page")
    interp.own(owner)
    owner.items.update(other.items)
    return Const(None)


@method("dict", "copy", "")
def _copy_dict(interp: Any, owner: Any) -> Value:
    return Dct(list(owner.items.items())) if isinstance(owner, Dct) else owner


# ---- numbers, buffers, files -------------------------------------------------------------------


@method("buffer", "cast", "format shape?")
def _cast(interp: Any, owner: Value, given: Value, shape: Any) -> Value:
    """memoryview(array).cast("B").cast("f", (1, 4)): the numbers with other extents."""
    wanted = constant(given, "the format of a cast")
    kind = owner.type
    size = {"float32": "f", "float64": "d", "int32": "i", "int64": "q", "uint8": "B",
            "int16": "h"}[kind.dtype]
    if wanted == "B" and size != "B" and shape is None:
        return owner
    if wanted != size or shape is None:
        raise Refused("memoryview.cast() to another type", "use numpy")
    dims = tuple(constant(shape, "the shape of a cast"))
    return interp.trace.emit("reshape", [owner, shape], Type("buffer", kind.dtype, dims),
                             dtype=kind.dtype)


@method("buffer", "tolist", "")
def _buffer_list(interp: Any, owner: Value) -> Value:
    from . import numpy_methods
    return numpy_methods.listed(interp, owner)


@method("opened", "read", "")
def _read(interp: Any, owner: Any) -> Value:
    return Real(owner.value, "file") if owner.value.binary else Const(owner.value.content)


@method("opened", "readlines", "")
def _readlines(interp: Any, owner: Any) -> Value:
    return Lst([Const(line) for line in owner.value.lines()])


@method("opened", "close", "")
def _close(interp: Any, owner: Any) -> Value:
    return Const(None)


def load_json(interp: Any, content: str) -> Value:
    """json.load, while the plan is made."""
    return known(folded(json.loads, content).value)
