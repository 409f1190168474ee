"""numpy: elementwise functions."""

from typing import Any, List, Optional

from . import dtypes, operators
from .errors import Refused
from .numpy_arrays import to_array
from .numpy_common import NAMES, numpy_name
from .values import INTS, Const, Lst, Tup, Type, Value, array, scalar


def as_operand(interp: Any, value: Value) -> Value:
    if isinstance(value, (Lst, Tup)) or value.type.kind in ("image", "list"):
        return to_array(interp, value)
    return value


def _unary(title: str, floating: bool, op: Optional[str] = None) -> None:
    @numpy_name(title, "x dtype?")
    def call(interp: Any, value: Value, dtype: Any) -> Value:
        if dtype is not None:
            raise Refused(f"np.{title}(dtype=...)")
        return unary(interp, op or title.split()[0], value, floating)


def unary(interp: Any, op: str, value: Value, floating: bool) -> Value:
    """np.op(value)."""
    value = as_operand(interp, value)
    kind = value.type
    if kind.kind not in dtypes.PYTHON + ("np", "array") or kind.dtype == "str":
        raise Refused(f"np.{op}() of {kind}")
    dtype = dtypes.of_scalar(kind) if kind.kind in dtypes.PYTHON else kind.dtype
    if floating:
        dtype = dtypes.floating(dtype)
    elif dtype == "bool":
        raise Refused(f"np.{op}() of bools")
    elif op in ("floor", "ceil", "rint", "trunc") and dtype in INTS:
        raise Refused(f"np.{op}() of whole numbers")
    made = array(dtype, kind.dims) if kind.kind == "array" else scalar(dtype)
    return interp.trace.emit(op, [value], made, dtype=dtype)


for _title in ("exp", "log", "sqrt", "tanh", "log1p", "expm1", "log2", "log10", "sin", "cos"):
    _unary(_title, True)
for _title in ("abs absolute fabs", "negative", "square", "floor", "ceil", "rint", "trunc", "sign"):
    _unary(_title, False)


def _binary(title: str, op: str) -> None:
    @numpy_name(title, "a b")
    def call(interp: Any, a: Value, b: Value) -> Value:
        args = [as_operand(interp, a), as_operand(interp, b)]
        kinds = [v.type for v in args]
        if all(k.kind in dtypes.PYTHON for k in kinds):
            args = [to_array(interp, a), b]
            kinds = [v.type for v in args]
            made = _extreme_or(interp, op, args, kinds)
            return interp.trace.emit("index", [made], scalar(made.type.dtype),
                                     dtype=made.type.dtype, form=[]) \
                if made.type.kind == "array" else made
        return _extreme_or(interp, op, args, kinds)


def _extreme_or(interp: Any, op: str, args: List[Value], kinds: List[Type]) -> Any:
    if op in ("maximum", "minimum"):
        for kind in kinds:
            if kind.kind not in dtypes.PYTHON + ("np", "array"):
                raise Refused(f"np.{op}() of {kind}")
        dtype = dtypes.common(kinds)
        return interp.trace.emit(op, args, dtypes.shaped(dtype, kinds), dtype=dtype)
    for sign, call in operators.COMPARE.values():
        if sign == op:
            return operators.compare(interp.trace, sign, call, *args)
    return operators.arithmetic(interp.trace, op, args, kinds)


for _title, _op in (("add", "+"), ("subtract", "-"), ("multiply", "*"), ("divide true_divide", "/"),
                    ("power", "**"), ("maximum", "maximum"),
                    ("minimum", "minimum"), ("floor_divide", "//"), ("mod remainder", "%"),
                    ("dot matmul", "@"), ("greater", ">"), ("less", "<"), ("greater_equal", ">="),
                    ("less_equal", "<="), ("equal", "=="), ("not_equal", "!=")):
    _binary(_title, _op)


@numpy_name("clip", "x a? b? a_min? a_max?")
def _clip(interp: Any, value: Value, low: Any, high: Any, least: Any, most: Any) -> Value:
    value = as_operand(interp, value)
    low, high = low or least, high or most
    made = value
    for bound, op in ((low, "maximum"), (high, "minimum")):
        if bound is None or isinstance(bound, Const) and bound.value is None:
            continue
        made = NAMES[op].call(interp, [made, bound], {})  # type: ignore[attr-defined]
    return made


@numpy_name("where", "condition a? b?")
def _where(interp: Any, condition: Value, a: Any, b: Any) -> Value:
    if condition.type.kind != "array" or condition.type.dtype != "bool":
        raise Refused("np.where() of what is no array of bools")
    if a is None:
        if condition.type.dims is None or len(condition.type.dims) != 1:
            raise Refused("np.where() of more than one axis, alone")
        return Tup([interp.trace.emit("nonzero", [condition], array("int64", (None,)),
                                      dtype="int64")])
    args = [as_operand(interp, a), as_operand(interp, b)]
    kinds = [v.type for v in args]
    dtype = dtypes.common(kinds)
    dims = dtypes.broadcast([dtypes.dims_of(k) for k in [condition.type, *kinds]])
    return interp.trace.emit("where", [condition, *args], array(dtype, dims), dtype=dtype)


@numpy_name("isnan isinf isfinite", "x")
def _isnan(interp: Any, value: Value) -> Value:
    raise Refused("this test is not in a page without Python")
