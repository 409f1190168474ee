"""numpy: making arrays."""

from typing import Any, List, Optional, Tuple

from . import dtypes, sequences
from .errors import PyError, Refused
from .methods import extents
from .natives import constant
from .numpy_common import dtype_of, numpy_name
from .values import (INTS, Const, Dims, Lst, Module, Node, Rng, Tup, Value, array, describe, plain,
                     scalar, static)


def _nested(value: Value) -> Tuple[Dims, List[Value]]:
    """Extents of lists in lists, and what is at their bottom."""
    if isinstance(value, (Lst, Tup)):
        if not value.items:
            return (0,), []
        found = [_nested(v) for v in value.items]
        dims = found[0][0]
        for other, _ in found[1:]:
            if other is None or dims is None or len(other) != len(dims) or any(
                    a != b and None not in (a, b) for a, b in zip(other, dims)):
                raise PyError("ValueError", "setting an array element with a sequence. The requested "
                                            "array has an inhomogeneous shape")
        return (len(found),) + dims, [leaf for _, leaves in found for leaf in leaves]  # type: ignore
    kind = value.type
    return (kind.dims if kind.kind == "array" else ()), [value]


def to_array(interp: Any, value: Value, dtype: Optional[str] = None, copy: bool = False) -> Node:
    """np.array(value, dtype)."""
    kind = value.type
    trace = interp.trace
    if isinstance(value, Node) and kind.kind == "array":
        if dtype in (None, kind.dtype):
            return trace.emit("copy", [value], kind, dtype=kind.dtype) if copy else value
        return cast_to(trace, value, dtype)  # type: ignore[arg-type]
    if isinstance(value, Node) and kind.kind == "image":
        dims = (kind.dims[1], kind.dims[0]) + (  # type: ignore[index]
            () if kind.dtype == "L" else ({"RGB": 3, "RGBA": 4}[kind.dtype],))
        made = trace.emit("pixels", [value], array("uint8", dims), dtype="uint8")
        made.locked = not copy  # type: ignore[attr-defined]
        return made if dtype in (None, "uint8") else cast_to(trace, made, dtype)  # type: ignore
    if isinstance(value, Node) and kind.kind == "buffer":
        made = trace.emit("copy", [value], array(kind.dtype, kind.dims), dtype=kind.dtype)
        return made if dtype in (None, kind.dtype) else cast_to(trace, made, dtype)  # type: ignore
    if isinstance(value, Rng) or isinstance(value, Node) and kind.kind == "list":
        sequence, element = sequences.runtime(interp, value)
        rank = 1
        while element.kind == "list":
            element, rank = element.items[0], rank + 1
        if element.kind in ("array", "tuple", "record"):
            raise Refused(f"an array of a list of {element}")
        return trace.emit("array", [sequence], array(dtype or dtypes.of_scalar(element),
                                                     (None,) * rank),
                          dtype=dtype or dtypes.of_scalar(element))
    if isinstance(value, (Lst, Tup)):
        return _of_list(interp, value, dtype)
    if kind.kind in dtypes.PYTHON + ("np", "str"):
        made_of = dtype or dtypes.of_scalar(kind)
        return trace.emit("array", [value], array(made_of, ()), dtype=made_of)
    raise Refused(f"an array of {describe(value)} is not in a page without Python")


def _of_list(interp: Any, value: Value, dtype: Optional[str]) -> Node:
    dims, leaves = _nested(value)
    kinds = [leaf.type for leaf in leaves]
    for kind in kinds:
        if kind.kind not in dtypes.PYTHON + ("np", "array", "str"):
            if kind.kind == "none" and dtype in dtypes.FLOATS:
                raise Refused("None in an array of numbers")
            raise Refused(f"an array of {kind} is not in a page without Python")
    texts = [k.kind == "str" or k.dtype == "str" for k in kinds]
    if any(texts) and not all(texts):
        if dtype != "str":
            raise Refused("an array of texts and numbers")
        raise Refused("an array of objects of different types")
    if dtype is None:
        found = "float64"
        for i, kind in enumerate(kinds):
            own = kind.dtype if kind.kind == "array" else dtypes.of_scalar(kind)
            found = own if i == 0 else dtypes.promote(found, own)
        dtype = found
    if dtype in INTS + ("bool",) and any(k.kind in ("float", "number", "real") for k in kinds) and any(
            isinstance(v, Node) for v in leaves):
        raise Refused("an array of whole numbers is made of numbers that may have a fraction",
                      "give dtype=np.float32")
    return interp.trace.emit("array", [value], array(dtype, dims), dtype=dtype)


def cast_to(trace: Any, value: Node, dtype: str) -> Node:
    """Another dtype.  What C makes of numbers with a fraction that are outside of the range of whole
    ones differs from machine to machine: the page refuses them."""
    kind = value.type
    if "str" in (dtype, kind.dtype) and dtype != kind.dtype:
        raise Refused(f"{kind} as {dtype} is not in a page without Python")
    return trace.emit("astype", [value], kind._replace(dtype=dtype), dtype=dtype,
                      limit=kind.dtype in dtypes.FLOATS + (dtypes.REAL64,))


@numpy_name("array", "x dtype? copy?")
def _array(interp: Any, value: Value, dtype: Any, copy: Any) -> Value:
    if constant(copy, "copy", True) is not True:
        raise Refused("np.array(copy=...)", "use np.asarray()")
    return to_array(interp, value, dtype_of(dtype), True)


@numpy_name("asarray ascontiguousarray asanyarray", "x dtype?")
def _asarray(interp: Any, value: Value, dtype: Any) -> Value:
    return to_array(interp, value, dtype_of(dtype))


@numpy_name("copy", "x")
def _np_copy(interp: Any, value: Value) -> Value:
    return to_array(interp, value, None, True)


def converted(interp: Any, value: Value, name: str) -> Value:
    """np.float32(value)."""
    dtype = dtypes.SHORT.get(name, name)
    kind = value.type
    if kind.kind in ("array", "image") or isinstance(value, (Lst, Tup)):
        return to_array(interp, value, dtype)
    if dtype == "str":
        raise Refused("np.str_()")
    if kind.kind in dtypes.PYTHON + ("np",) and kind.dtype != "str":
        if dtype in INTS and kind.kind not in ("int", "bool", "np"):
            raise Refused(f"np.{name}() of {kind}")
        return interp.trace.emit("astype", [value], scalar(dtype), dtype=dtype, limit=True)
    raise Refused(f"np.{name}() of {kind}")


def dims_of(interp: Any, value: Value) -> Dims:
    items = value.items if isinstance(value, (Tup, Lst)) else [value]
    for item in items:
        if item.type.kind != "int" and not (item.type.kind == "np" and item.type.dtype in INTS):
            raise Refused(f"a shape with {item.type}")
    return tuple(plain(i) if static(i) else None for i in items)


def shape_of(value: Value) -> Value:
    return value if isinstance(value, (Tup, Lst)) else Tup([value])


def _filled(name: str, number: Any) -> None:
    @numpy_name(name, "shape dtype?")
    def filled(interp: Any, shape: Value, dtype: Any) -> Value:
        kind = dtype_of(dtype, "float64")
        return interp.trace.emit("full", [shape_of(shape), Const(number)],
                                 array(kind, dims_of(interp, shape)), dtype=kind)

    @numpy_name(name + "_like", "x dtype?")
    def like(interp: Any, value: Value, dtype: Any) -> Value:
        made = to_array(interp, value)
        kind = dtype_of(dtype, made.type.dtype)
        return interp.trace.emit("full", [extents(interp, made), Const(number)],
                                 made.type._replace(dtype=kind), dtype=kind)


_filled("zeros", 0)
_filled("ones", 1)


@numpy_name("full", "shape fill dtype?")
def _full(interp: Any, shape: Value, fill: Value, dtype: Any) -> Value:
    if fill.type.kind not in dtypes.PYTHON + ("np",):
        raise Refused(f"np.full() with {fill.type}")
    kind = dtype_of(dtype) or dtypes.of_scalar(fill.type)
    return interp.trace.emit("full", [shape_of(shape), fill], array(kind, dims_of(interp, shape)),
                             dtype=kind)


@numpy_name("full_like", "x fill dtype?")
def _full_like(interp: Any, value: Value, fill: Value, dtype: Any) -> Value:
    made = to_array(interp, value)
    kind = dtype_of(dtype, made.type.dtype)
    return interp.trace.emit("full", [extents(interp, made), fill],
                             made.type._replace(dtype=kind), dtype=kind)


@numpy_name("eye identity", "n dtype?")
def _eye(interp: Any, count: Value, dtype: Any) -> Value:
    size, kind = constant(count, "the size of np.eye()"), dtype_of(dtype, "float64")
    if not isinstance(size, int) or size > 64:
        raise Refused("np.eye() of more than 64 rows")
    rows = Lst([Lst([Const(int(i == j)) for j in range(size)]) for i in range(size)])
    return interp.trace.emit("array", [rows], array(kind, (size, size)), dtype=kind)


@numpy_name("iinfo", "dtype")
def _iinfo(interp: Any, dtype: Value) -> Value:
    kind = dtype_of(dtype)
    if kind not in INTS:
        raise PyError("ValueError", f"Invalid integer data type '{kind}'.")
    bits, least = int(kind.lstrip("uint")), 0
    most = 2 ** bits - 1
    if kind[0] == "i":
        least, most = -2 ** (bits - 1), 2 ** (bits - 1) - 1
    return Module("numpy.iinfo", {"min": Const(least), "max": Const(most), "bits": Const(bits)})


@numpy_name("arange", "* dtype?")
def _arange(interp: Any, args: List[Value], dtype: Any) -> Value:
    if not all(a.type.kind == "int" for a in args):
        raise Refused("np.arange() of numbers with a fraction")
    kind = dtype_of(dtype, "int64")
    made = interp.names["range"].call(interp, args, {})
    count = len(range(plain(made.start), plain(made.stop), made.step)) if static(
        made.start) and static(made.stop) else None
    return interp.trace.emit("array", [made], array(kind, (count,)), dtype=kind)
