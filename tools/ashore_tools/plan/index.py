"""Indexing: x[i], x[a:b, None, ...], x[i] = y, and arrays that are changed in place."""

from typing import Any, List, Optional

from . import dtypes, operators, sequences
from .errors import PyError, Refused
from .methods import extents
from .values import (FLOAT, INT, INTS, STR, Collector, Const, Dct, Lst, Node, Real, Rng, Slc, Tup,
                     Type, Value, array, describe, plain, scalar, static)

_FULL = ("Ellipsis", "None")


def load(interp: Any, owner: Value, key: Value) -> Value:
    """owner[key]."""
    trace = interp.trace
    if isinstance(owner, (Tup, Lst)):
        return _sequence(trace, owner, key)
    if isinstance(owner, Dct):
        return _dict(trace, owner, key)
    if isinstance(owner, Const):
        if isinstance(key, Slc) and static(_slice_parts(key)):
            return operators.folded(lambda v: v[slice(*plain(_slice_parts(key)))], owner.value)
        if static(key):
            return operators.folded(lambda v, k: v[k], owner.value, plain(key))
    if isinstance(owner, Rng) and static(key) and static(owner.start) and static(owner.stop):
        return operators.folded(lambda k: range(plain(owner.start), plain(owner.stop),
                                                owner.step)[k], plain(key))
    if isinstance(owner, Real):
        return _real(interp, owner, key)
    kind = owner.type
    if kind.kind == "array":
        return _array(interp, owner, key)
    if kind.kind == "buffer":
        return _buffer(trace, owner, key)
    if kind.kind == "str":
        if isinstance(key, Slc):
            return trace.emit("slice", [owner, *_bounds(key)], STR, what="str")
        if key.type.kind == "int":
            return trace.emit("item", [owner, key], STR, what="str")
    if isinstance(owner, Node) and kind.kind == "list":
        if isinstance(key, Slc):
            return trace.emit("slice", [owner, *_bounds(key)], kind, what="list")
        if _is_int(key):
            return sequences.part_of(trace.emit("item", [owner, key], kind.items[0]))
    if isinstance(owner, Node) and kind.kind == "tuple" and isinstance(key, Const):
        at = operators.folded(lambda k: range(len(kind.items))[k], key.value).value
        return sequences.item_of(interp, owner, at)
    if isinstance(owner, Node) and kind.kind == "record" and static(key):
        if plain(key) not in kind.keys:
            raise PyError("KeyError", repr(plain(key)))
        return sequences.part_of(trace.emit("lookup", [owner, key],
                                            kind.items[kind.keys.index(plain(key))]))
    if isinstance(owner, Node) and kind.kind == "dict" and _key_fits(key, kind.items[0]):
        return sequences.part_of(trace.emit("lookup", [owner, key], kind.items[1]))
    raise Refused(f"[] of {kind} with {describe(key)} is not in a page without Python")


def _is_int(key: Value) -> bool:
    return key.type.kind == "int" or key.type.kind == "np" and key.type.dtype in INTS


def _key_fits(key: Value, kind: Type) -> bool:
    found = key.type
    return found.kind == kind.kind or found.kind == "np" and found.dtype == "str" \
        and kind.kind == "str" or _is_int(key) and kind.kind == "int"


def _slice_parts(key: Slc) -> Tup:
    return Tup([p if p is not None else Const(None) for p in key.parts])


def _bounds(key: Slc) -> List[Value]:
    parts = list(_slice_parts(key).items)
    for part in parts:
        if part.type.kind not in ("none", "int") and not _is_int(part):
            raise Refused(f"a slice with {part.type}")
    if not isinstance(parts[2], Const):
        raise Refused("the step of a slice is known in the page only")
    return parts


def _sequence(trace: Any, owner: Any, key: Value) -> Value:
    if isinstance(key, Slc) and static(_slice_parts(key)):
        found = owner.items[slice(*plain(_slice_parts(key)))]
        return type(owner)(found)
    if isinstance(key, Const):
        try:
            return owner.items[key.value]
        except IndexError:
            name = "list" if isinstance(owner, Lst) else "tuple"
            raise PyError("IndexError", f"{name} index out of range") from None
        except TypeError as error:
            raise PyError("TypeError", str(error)) from None
    kinds = {describe(v) for v in owner.items}
    if len(kinds) != 1:
        raise Refused("which element it is is known in the page only, and they have different types")
    if isinstance(key, Slc):
        return trace.emit("slice", [owner, *_bounds(key)], Type("list", items=tuple(kinds)),
                          what="list")
    if not _is_int(key):
        raise Refused(f"a list with {key.type} as index")
    return sequences.part_of(trace.emit("item", [owner, key], kinds.pop()))


def _dict(trace: Any, owner: Dct, key: Value) -> Value:
    if static(key):
        if plain(key) not in owner.items:
            raise PyError("KeyError", repr(plain(key)))
        return owner.items[plain(key)]
    kinds = {describe(v) for v in owner.items.values()}
    keys = {Const(k).type for k in owner.items}
    if len(kinds) != 1 or len(keys) != 1 or not _key_fits(key, next(iter(keys))):
        raise Refused("which entry of the dict it is is known in the page only")
    return sequences.part_of(trace.emit("lookup", [owner, key], kinds.pop()))


def _real(interp: Any, owner: Real, key: Value) -> Value:
    from .objects import wrapped
    if static(key):
        return wrapped(operators.folded(lambda v, k: v[k], owner.value, plain(key)).value)
    raise Refused("[] of an object")


def _buffer(trace: Any, owner: Value, key: Value) -> Value:
    kind = owner.type
    keys = key.items if isinstance(key, Tup) else [key]
    if kind.dims is None or len(keys) != len(kind.dims) or not all(_is_int(k) for k in keys):
        raise Refused("parts of a memoryview", "take single elements, or use numpy")
    made = FLOAT if kind.dtype.startswith("float") else INT
    return trace.emit("index", [owner, *keys], made, dtype=kind.dtype, form=["i"] * len(keys))


def _parts(kind: Type, key: Value) -> List[Value]:
    """One part for each axis, and for each new one."""
    keys = list(key.items) if isinstance(key, Tup) else [key]
    dots = [i for i, k in enumerate(keys) if isinstance(k, Const) and k.value is Ellipsis]
    used = sum(1 for k in keys if not (isinstance(k, Const) and k.value in (None, Ellipsis)))
    if dots:
        if kind.dims is None:
            raise Refused("how many axes there are is known in the page only")
        if len(dots) > 1:
            raise PyError("IndexError", "an index can only have a single ellipsis ('...')")
        rest = max(0, len(kind.dims) - used)
        keys[dots[0]:dots[0] + 1] = [Slc(None, None, None)] * rest
    if kind.dims is not None and used > len(kind.dims):
        raise PyError("IndexError", f"too many indices for array: array is {len(kind.dims)}-"
                                    f"dimensional, but {used} were indexed")
    return keys


def _classify(trace: Any, kind: Type, key: Value) -> List[Any]:
    """(form, arguments, extents) for each part: i an int, s a slice, n a new axis, f a list of ints,
    m a mask."""
    found, axis = [], 0
    for part in _parts(kind, key):
        size = kind.dims[axis] if kind.dims is not None and axis < len(kind.dims) else None
        if isinstance(part, Const) and part.value is None:
            found.append(("n", [], (1,)))
            continue
        if isinstance(part, Slc):
            bounds = _bounds(part)
            found.append(("s", bounds, (_length(bounds, size),)))
        elif part.type.kind == "int" or part.type.kind == "np" and part.type.dtype in INTS:
            found.append(("i", [part], ()))
        elif isinstance(part, Lst) and all(_is_int(v) for v in part.items):
            found.append(("f", [part], (len(part.items),)))
        elif part.type.kind == "array" and part.type.dtype in INTS and part.type.dims is not None \
                and len(part.type.dims) == 1:
            found.append(("f", [part], part.type.dims))
        elif part.type.kind == "array" and part.type.dtype == "bool" and part.type.dims is not None:
            if len(part.type.dims) != 1:
                raise Refused("a mask of more than one axis", "use np.where")
            found.append(("m", [part], (None,)))
        else:
            raise Refused(f"an index of {describe(part)} is not in a page without Python")
        axis += 1
    return found


def _length(bounds: List[Value], size: Optional[int]) -> Optional[int]:
    if not all(static(b) for b in bounds):
        return None
    start, stop, step = (plain(b) for b in bounds)
    if size is not None:
        return len(range(*slice(start, stop, step).indices(size)))
    return None


def flat_mask(interp: Any, owner: Node, key: Value) -> Any:
    """For a mask of several axes: the array with these as one, the mask as a row, and the extents that
    the array had.  None for other indices."""
    from . import numpy_shapes
    kind = key.type
    if kind.kind != "array" or kind.dtype != "bool" or kind.dims is None or len(kind.dims) < 2 \
            or owner.type.dims is None or len(owner.type.dims) < len(kind.dims):
        return None
    shape = extents(interp, owner).items
    for a, b in zip(shape, extents(interp, key).items):
        interp.trace.emit("alike", [a, b], INT)
    rest = shape[len(kind.dims):]
    whole = interp.trace.emit("copy", [owner], owner.type, dtype=owner.type.dtype)
    return (numpy_shapes.reshape(interp, whole, Tup([Const(-1), *rest])),
            numpy_shapes.reshape(interp, key, Const(-1)), Tup(shape))


def _array(interp: Any, owner: Node, key: Value) -> Value:
    kind, trace = owner.type, interp.trace
    flat = flat_mask(interp, owner, key)
    if flat is not None:
        return _array(interp, flat[0], flat[1])
    parts = _classify(trace, kind, key)
    forms = [p[0] for p in parts]
    picks = [i for i, f in enumerate(forms) if f in "fm"]
    if len(picks) > 1:
        raise Refused("two lists of indices", "index twice")
    if picks and "n" in forms:
        raise Refused("a list of indices together with a new axis", "index twice")
    if picks:
        near = [i for i, f in enumerate(forms) if f in "fmi"]
        if near[-1] - near[0] != len(near) - 1:
            raise Refused("an index and a list of indices with a slice between them", "index twice")
    used = sum(1 for f in forms if f != "n")
    dims = None
    if kind.dims is not None:
        dims = tuple(d for p in parts for d in p[2]) + kind.dims[used:]
    elif any(f in "sn" for f in forms) or picks:
        raise Refused("how many axes the array has is known in the page only",
                      "reshape it, or export the model with the shapes of its outputs")
    else:
        raise Refused("how many axes the array has is known in the page only")
    made = array(kind.dtype, dims) if dims != () else \
        STR if kind.dtype == "str" else scalar(kind.dtype)
    args = [a for p in parts for a in p[1]]
    found = trace.emit("index", [owner, *args], made, dtype=kind.dtype, form=forms)
    if made.kind == "array" and not picks:
        share(owner, found)
    return found


# ---- changes in place ----------------------------------------------------------------------------


def share(owner: Node, view: Node) -> Node:
    """The view is the same memory."""
    view.family = owner.family
    owner.family.append(view)
    return view


def same_kind(trace: Any, made: Value, dtype: str) -> Value:
    """A result as it is put into an array of that dtype by an operator such as +=."""
    before = made.type.dtype
    if before == dtype:
        return made
    floats = before in dtypes.FLOATS, dtype in dtypes.FLOATS
    if (floats[0] and not floats[1]) or (before[0] == "i" and dtype[0] == "u") or dtype == "bool":
        raise PyError("UFuncTypeError", f"Cannot cast ufunc output from dtype('{before}') to "
                      f"dtype('{dtype}') with casting rule 'same_kind'")
    return trace.emit("astype", [made], made.type._replace(dtype=dtype), dtype=dtype)


def replace(interp: Any, owner: Node, made: Value) -> None:
    """Puts a result into an array that names, or other arrays, may share."""
    _own(interp, owner)
    if getattr(owner, "locked", False):
        raise PyError("ValueError", "output array is read-only")
    cast = same_kind(interp.trace, made, owner.type.dtype)
    old, new = owner.type.dims, cast.type.dims
    if old is not None and new is not None and (len(old) != len(new) or any(
            a is not None and b is not None and a != b for a, b in zip(old, new))):
        raise PyError("ValueError", "non-broadcastable output operand")
    checked = interp.trace.emit("fits", [cast, owner], owner.type)
    for other in owner.family:
        if other is not owner:
            other.stale = ("it shares memory with an array that has been changed in place, which a "
                           "page without Python does not follow")
    owner.ref = checked.ref


def _own(interp: Any, owner: Node) -> None:
    """Refuses to change an array that others see changed."""
    for one in owner.family:
        interp.own(one)
    if any(getattr(one, "part", False) for one in owner.family):
        raise Refused("an array is changed in place that is an element of another one, or of a list, "
                      "that is known in the page only", "take a copy first: .copy()")


def store(interp: Any, owner: Value, key: Value, value: Value) -> None:
    """owner[key] = value."""
    from .interpret import known_key
    if isinstance(owner, Collector):
        if owner.kind != "dict":
            raise Refused("an element of a list is set in a loop")
        owner.found.append(Tup([key, value]))
        return
    if isinstance(owner, Dct):
        interp.own(owner)
        if not static(key):
            raise Refused("a key that is known in the page only", "make the dict at once: "
                          "{key: value for ...}")
        owner.items[known_key(key)] = value
        return
    if isinstance(owner, Lst) and isinstance(key, Const):
        interp.own(owner)
        operators.folded(lambda k: owner.items[k], key.value)
        owner.items[key.value] = value
        return
    if isinstance(owner, Real) and owner.what == "environ":
        return
    if not isinstance(owner, Node) or owner.type.kind != "array":
        raise Refused(f"an element of {owner.type} is set")
    flat = flat_mask(interp, owner, key)
    whole, shape = owner, None
    if flat is not None:
        whole, key, shape = flat
    parts = _classify(interp.trace, whole.type, key)
    if any(p[0] in "nf" for p in parts):
        raise Refused("elements of an array are set by such an index")
    _own(interp, owner)
    if getattr(owner, "locked", False):
        raise PyError("ValueError", "assignment destination is read-only")
    dtype = owner.type.dtype
    _check_value(value, dtype)
    args = [a for p in parts for a in p[1]]
    made = interp.trace.emit("setitem", [whole, value, *args], whole.type, dtype=dtype,
                             form=[p[0] for p in parts])
    if shape is not None:
        made = interp.trace.emit("reshape", [made, shape], owner.type, dtype=dtype)
    for other in owner.family:
        if other is not owner:
            other.stale = ("it shares memory with an array of which elements have been set, which a "
                           "page without Python does not follow")
    owner.ref = made.ref


def _check_value(value: Value, dtype: str) -> None:
    kind = describe(value)
    if kind.kind == "image":
        raise Refused("a picture is put into an array", "make an array of it: np.array(image)")
    if isinstance(value, (Lst, Tup)):
        raise Refused("a list is put into an array", "make an array of it: np.array(...)")
    if kind.kind not in dtypes.PYTHON + ("np", "array") or "str" in (dtype, kind.dtype):
        raise Refused(f"{kind} is put into an array of {dtype}")
