"""numpy: reductions, sorting and norms along axes."""

from typing import Any

from . import dtypes
from .errors import PyError, Refused
from .methods import method
from .natives import constant
from .numpy_arrays import cast_to, to_array
from .numpy_common import axes_of, dtype_of, numpy_name
from .numpy_elementwise import unary
from .values import INTS, Const, Value, array, scalar


def reduce(interp: Any, op: str, value: Value, axis: Any, keep: Any, dtype: Any = None,
           **details: Any) -> Value:
    """np.op(value, axis, keepdims)."""
    value = to_array(interp, value) if value.type.kind != "array" else value
    kind = value.type
    if kind.dtype == "str":
        raise Refused(f"np.{op}() of texts")
    axes, kept = axes_of(axis), bool(constant(keep, "keepdims", False))
    if dtype is not None and not (isinstance(dtype, Const) and dtype.value is None):
        if dtype_of(dtype) not in dtypes.FLOATS + ("int64", "uint64"):
            raise Refused(f"np.{op}() with the dtype {dtype_of(dtype)}")
        value = cast_to(interp.trace, value, dtype_of(dtype))  # type: ignore[arg-type]
        kind = value.type
    made = kind.dtype
    if op in ("sum", "prod"):
        made = {"bool": "int64"}.get(made, made)
        if made in INTS:
            made = "uint64" if made[0] == "u" else "int64"
    elif op in ("mean", "std", "var") and made not in dtypes.FLOATS:
        made = "float64"
    elif op in ("argmax", "argmin"):
        made = "int64"
    elif op in ("any", "all"):
        made = "bool"
    if axes is not None and kind.dims is not None:
        for one in axes:
            if not -len(kind.dims) <= one < len(kind.dims):
                raise PyError("AxisError", f"axis {one} is out of bounds for array of dimension "
                                           f"{len(kind.dims)}")
    if kind.dims is None and axes is not None:
        raise Refused("how many axes the array has is known in the page only")
    dims = dtypes.reduced(kind.dims, axes, kept)
    result = scalar(made) if dims == () else array(made, dims)
    return interp.trace.emit(op, [value], result, dtype=made, axes=axes, keep=kept, of=kind.dtype,
                             **details)


def _reduction(title: str) -> None:
    op = {"amax": "max", "amin": "min", "average": "mean"}.get(title.split()[0], title.split()[0])

    if op in ("argmax", "argmin", "any", "all"):
        signature = "x axis? keepdims?"
    elif op in ("max", "min"):
        signature = "x axis? out! keepdims?"
    else:
        signature = "x axis? dtype? out! keepdims?"

    def call(interp: Any, value: Value, *rest: Any) -> Value:
        axis, keep = rest[0], rest[-1]
        return reduce(interp, op, value, axis, keep, rest[1] if len(rest) == 3 else None)

    numpy_name(title, signature)(call)
    method("array", op, signature[2:])(call)


for _title in ("sum", "mean", "max amax", "min amin", "argmax", "argmin", "prod", "any", "all",
               "average"):
    _reduction(_title)


def _deviation(op: str) -> None:
    def call(interp: Any, value: Value, axis: Any, ddof: Any, keep: Any) -> Value:
        return reduce(interp, op, value, axis, keep, None, ddof=constant(ddof, "ddof", 0))
    numpy_name(op, "x axis? dtype! out! ddof? keepdims?")(call)
    method("array", op, "axis? dtype! out! ddof? keepdims?")(call)


_deviation("std")
_deviation("var")


def _sorting(op: str) -> None:
    def call(interp: Any, value: Value, axis: Any) -> Value:
        value = to_array(interp, value)
        where = constant(axis, "the axis", -1)
        if where is None or value.type.dims is None or value.type.dtype == "str":
            raise Refused(f"np.{op}() of {value.type}")
        made = value.type._replace(dtype="int64" if op == "argsort" else value.type.dtype)
        return interp.trace.emit(op, [value], made, dtype=made.dtype, axis=where)
    numpy_name(op, "x axis? kind!")(call)
    if op == "argsort":
        method("array", op, "axis? kind!")(call)


_sorting("argsort")
_sorting("sort")


@numpy_name("linalg.norm", "x ord? axis? keepdims?")
def _norm(interp: Any, value: Value, order: Any, axis: Any, keep: Any) -> Value:
    if constant(order, "ord") not in (None, 2):
        raise Refused("a norm other than the Euclidean one")
    value = to_array(interp, value)
    if axis is None and value.type.dims is not None and len(value.type.dims) > 1 and order:
        raise Refused("a norm of a matrix")
    squares = unary(interp, "square", unary(interp, "floated", value, True), False)
    return unary(interp, "sqrt", reduce(interp, "sum", squares, axis, keep), True)
