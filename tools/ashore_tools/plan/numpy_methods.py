"""numpy: attributes and methods of arrays."""

from typing import Any, Optional

from . import dtypes, operators
from .errors import Refused
from .methods import extents, method
from .natives import constant
from .numpy_arrays import cast_to, converted
from .numpy_common import NAMES, dtype_of, numpy_name
from .numpy_elementwise import as_operand
from .numpy_shapes import permuted, product_of, reshape
from .values import BOOL, FLOAT, INT, REAL, STR, Const, Kind, Node, Tup, Type, Value


def attribute(interp: Any, owner: Value, name: str) -> Optional[Value]:
    """An attribute that is no method."""
    kind = owner.type
    if name == "shape":
        return extents(interp, owner) if kind.kind == "array" else Tup([])
    if name == "ndim":
        if kind.kind == "array" and kind.dims is None:
            raise Refused("how many axes the array has is known in the page only")
        return Const(len(kind.dims or ()))
    if name == "dtype":
        if kind.dtype == dtypes.REAL64:
            raise Refused("whether numbers have a fraction is known in the page only")
        return Kind(kind.dtype)
    if name == "size":
        total = product_of(kind.dims if kind.kind == "array" else ())
        return Const(total) if total is not None else interp.trace.emit("size", [owner], INT)
    if name == "T" and kind.kind == "array":
        return permuted(interp, owner, None)  # type: ignore[arg-type]
    return None


@method("array", "astype", "dtype copy?")
def _astype(interp: Any, owner: Node, dtype: Value, copy: Any) -> Value:
    if not constant(copy, "copy", True) and dtype_of(dtype) == owner.type.dtype:
        return owner
    return cast_to(interp.trace, owner, dtype_of(dtype))  # type: ignore[arg-type]


@method("np", "astype", "dtype copy!")
def _astype_scalar(interp: Any, owner: Node, dtype: Value) -> Value:
    return converted(interp, owner, dtype_of(dtype))  # type: ignore[arg-type]


@method("array", "copy", "")
def _copy(interp: Any, owner: Node) -> Value:
    return interp.trace.emit("copy", [owner], owner.type, dtype=owner.type.dtype)


@method("array", "clip", "a? b? min? max?")
def _clip_method(interp: Any, owner: Value, low: Any, high: Any, least: Any, most: Any) -> Value:
    args = [a or Const(None) for a in (low or least, high or most)]
    return NAMES["clip"].call(interp, [owner, *args], {})  # type: ignore[attr-defined]


@method("array", "dot", "other")
def _dot(interp: Any, owner: Value, other: Value) -> Value:
    return operators.matmul(interp.trace, owner, other)


def python_kind(dtype: str) -> Type:
    """What .item() gives."""
    if dtype == dtypes.REAL64:
        return REAL
    return STR if dtype == "str" else BOOL if dtype == "bool" else \
        FLOAT if dtype in dtypes.FLOATS else INT


@method("array", "item", "at?")
def _item(interp: Any, owner: Node, at: Any) -> Value:
    found = reshape(interp, owner, Const(-1))
    if at is None:
        found = interp.trace.emit("exactly", [found], found.type, count=1)
    return interp.trace.emit("index", [found, at or Const(0)], python_kind(owner.type.dtype),
                             dtype=owner.type.dtype, form=["i"])


@method("np", "item tolist", "")
def _item_scalar(interp: Any, owner: Node) -> Value:
    made = python_kind(owner.type.dtype)
    return interp.trace.emit("same", [owner], made)


def listed(interp: Any, owner: Value) -> Value:
    """x.tolist()."""
    kind = owner.type
    if kind.dims is None:
        raise Refused("how many axes the array has is known in the page only")
    if kind.dims == ():
        return interp.trace.emit("index", [owner], python_kind(kind.dtype), dtype=kind.dtype,
                                 form=[])
    made = python_kind(kind.dtype)
    for _ in kind.dims:
        made = Type("list", items=(made,))
    return interp.trace.emit("tolist", [owner], made)


method("array", "tolist", "")(listed)


def rounded(interp: Any, value: Value, digits: int) -> Value:
    """np.round(value, digits): multiplies, rounds to even, divides."""
    kind = value.type
    if kind.dtype not in dtypes.FLOATS:
        raise Refused(f"rounding of {kind}")
    return interp.trace.emit("round", [value], kind, dtype=kind.dtype, digits=digits)


@numpy_name("round around", "x decimals?")
def _round(interp: Any, value: Value, digits: Any) -> Value:
    value = as_operand(interp, value)
    if value.type.kind == "float":
        value = converted(interp, value, "float64")
    return rounded(interp, value, constant(digits, "decimals", 0))


@method("array", "round", "decimals?")
def _round_method(interp: Any, owner: Value, digits: Any) -> Value:
    return rounded(interp, owner, constant(digits, "decimals", 0))


method("np", "round", "decimals?")(_round_method)


@method("array", "tobytes fill sort cumsum view resize put take nonzero", "*")
def _no_method(interp: Any, owner: Value, args: Any) -> Value:
    raise Refused("this method of arrays is not in a page without Python")
