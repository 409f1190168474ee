"""numpy: its functions, and the methods of its arrays."""

from typing import Any, Dict, List, Optional, Tuple

from . import dtypes, index, operators, sequences
from .errors import PyError, Refused
from .methods import extents, method
from .natives import constant, native
from .values import (BOOL, FLOAT, INT, INTS, REAL, STR, Const, Dims, Kind, Lst, Module, Native, Node, Rng,
                     Tup, Type, Value, array, describe, plain, scalar, static)

NAMES: Dict[str, Value] = {}
SCALARS = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
           "uint64", "bool_", "float_", "int_", "str_", "single", "double")


def _np(title: str, signature: str = "") -> Any:
    return native(NAMES, title, signature)


def dtype_of(value: Any, default: Optional[str] = None) -> Optional[str]:
    """What a dtype= says."""
    if value is None or isinstance(value, Const) and value.value is None:
        return default
    name = value.name if isinstance(value, Kind) else value.value if isinstance(value, Const) \
        else None
    if not isinstance(name, str):
        raise Refused("a dtype that is known in the page only")
    found = dtypes.SHORT.get(name, name)
    if found not in dtypes.FLOATS + INTS + ("bool", "str"):
        raise Refused(f"the dtype {name} is not in a page without Python")
    return found


def _axes(value: Any) -> Optional[Tuple[int, ...]]:
    found = constant(value, "the axis")
    return None if found is None else found if isinstance(found, tuple) else (found,)


# ---- making arrays -----------------------------------------------------------------------------


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
        return _cast(trace, value, dtype)  # type: ignore[arg-type]
    if isinstance(value, Node) and kind.kind == "image":
        dims = (kind.dims[1], kind.dims[0]) + (  # type: ignore[index]
            () if kind.dtype == "L" else ({"RGB": 3, "RGBA": 4}[kind.dtype],))
        made = trace.emit("pixels", [value], array("uint8", dims), dtype="uint8")
        made.locked = not copy  # type: ignore[attr-defined]
        return made if dtype in (None, "uint8") else _cast(trace, made, dtype)  # type: ignore
    if isinstance(value, Node) and kind.kind == "buffer":
        made = trace.emit("copy", [value], array(kind.dtype, kind.dims), dtype=kind.dtype)
        return made if dtype in (None, kind.dtype) else _cast(trace, made, dtype)  # type: ignore
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


def _cast(trace: Any, value: Node, dtype: str) -> Node:
    """Another dtype.  What C makes of numbers with a fraction that are outside of the range of whole
    ones differs from machine to machine: the page refuses them."""
    kind = value.type
    if "str" in (dtype, kind.dtype) and dtype != kind.dtype:
        raise Refused(f"{kind} as {dtype} is not in a page without Python")
    return trace.emit("astype", [value], kind._replace(dtype=dtype), dtype=dtype,
                      limit=kind.dtype in dtypes.FLOATS + (dtypes.REAL64,))


@_np("array", "x dtype? copy?")
def _array(interp: Any, value: Value, dtype: Any, copy: Any) -> Value:
    if constant(copy, "copy", True) is not True:
        raise Refused("np.array(copy=...)", "use np.asarray()")
    return to_array(interp, value, dtype_of(dtype), True)


@_np("asarray ascontiguousarray asanyarray", "x dtype?")
def _asarray(interp: Any, value: Value, dtype: Any) -> Value:
    return to_array(interp, value, dtype_of(dtype))


@_np("copy", "x")
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


def _dims(interp: Any, value: Value) -> Dims:
    items = value.items if isinstance(value, (Tup, Lst)) else [value]
    for item in items:
        if item.type.kind != "int" and not (item.type.kind == "np" and item.type.dtype in INTS):
            raise Refused(f"a shape with {item.type}")
    return tuple(plain(i) if static(i) else None for i in items)


def _shape(value: Value) -> Value:
    return value if isinstance(value, (Tup, Lst)) else Tup([value])


def _filled(name: str, number: Any) -> None:
    @_np(name, "shape dtype?")
    def filled(interp: Any, shape: Value, dtype: Any) -> Value:
        kind = dtype_of(dtype, "float64")
        return interp.trace.emit("full", [_shape(shape), Const(number)],
                                 array(kind, _dims(interp, shape)), dtype=kind)

    @_np(name + "_like", "x dtype?")
    def like(interp: Any, value: Value, dtype: Any) -> Value:
        made = to_array(interp, value)
        kind = dtype_of(dtype, made.type.dtype)
        return interp.trace.emit("full", [extents(interp, made), Const(number)],
                                 made.type._replace(dtype=kind), dtype=kind)


_filled("zeros", 0)
_filled("ones", 1)


@_np("full", "shape fill dtype?")
def _full(interp: Any, shape: Value, fill: Value, dtype: Any) -> Value:
    if fill.type.kind not in dtypes.PYTHON + ("np",):
        raise Refused(f"np.full() with {fill.type}")
    kind = dtype_of(dtype) or dtypes.of_scalar(fill.type)
    return interp.trace.emit("full", [_shape(shape), fill], array(kind, _dims(interp, shape)),
                             dtype=kind)


@_np("full_like", "x fill dtype?")
def _full_like(interp: Any, value: Value, fill: Value, dtype: Any) -> Value:
    made = to_array(interp, value)
    kind = dtype_of(dtype, made.type.dtype)
    return interp.trace.emit("full", [extents(interp, made), fill],
                             made.type._replace(dtype=kind), dtype=kind)


@_np("eye identity", "n dtype?")
def _eye(interp: Any, count: Value, dtype: Any) -> Value:
    size, kind = constant(count, "the size of np.eye()"), dtype_of(dtype, "float64")
    if not isinstance(size, int) or size > 64:
        raise Refused("np.eye() of more than 64 rows")
    rows = Lst([Lst([Const(int(i == j)) for j in range(size)]) for i in range(size)])
    return interp.trace.emit("array", [rows], array(kind, (size, size)), dtype=kind)


@_np("iinfo", "dtype")
def _iinfo(interp: Any, dtype: Value) -> Value:
    kind = dtype_of(dtype)
    if kind not in INTS:
        raise PyError("ValueError", f"Invalid integer data type '{kind}'.")
    bits, least = int(kind.lstrip("uint")), 0
    most = 2 ** bits - 1
    if kind[0] == "i":
        least, most = -2 ** (bits - 1), 2 ** (bits - 1) - 1
    return Module("numpy.iinfo", {"min": Const(least), "max": Const(most), "bits": Const(bits)})


@_np("arange", "* dtype?")
def _arange(interp: Any, args: List[Value], dtype: Any) -> Value:
    if not all(a.type.kind == "int" for a in args):
        raise Refused("np.arange() of numbers with a fraction")
    kind = dtype_of(dtype, "int64")
    made = interp.names["range"].call(interp, args, {})
    count = len(range(plain(made.start), plain(made.stop), made.step)) if static(
        made.start) and static(made.stop) else None
    return interp.trace.emit("array", [made], array(kind, (count,)), dtype=kind)


# ---- elementwise -------------------------------------------------------------------------------


def _operand(interp: Any, value: Value) -> Value:
    if isinstance(value, (Lst, Tup)) or value.type.kind in ("image", "list"):
        return to_array(interp, value)
    return value


def _unary(title: str, floating: bool, op: Optional[str] = None) -> None:
    @_np(title, "x dtype?")
    def call(interp: Any, value: Value, dtype: Any) -> Value:
        if dtype is not None:
            raise Refused(f"np.{title}(dtype=...)")
        return unary(interp, op or title.split()[0], value, floating)


def unary(interp: Any, op: str, value: Value, floating: bool) -> Value:
    """np.op(value)."""
    value = _operand(interp, value)
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
    @_np(title, "a b")
    def call(interp: Any, a: Value, b: Value) -> Value:
        args = [_operand(interp, a), _operand(interp, b)]
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


@_np("clip", "x a? b? a_min? a_max?")
def _clip(interp: Any, value: Value, low: Any, high: Any, least: Any, most: Any) -> Value:
    value = _operand(interp, value)
    low, high = low or least, high or most
    made = value
    for bound, op in ((low, "maximum"), (high, "minimum")):
        if bound is None or isinstance(bound, Const) and bound.value is None:
            continue
        made = NAMES[op].call(interp, [made, bound], {})  # type: ignore[attr-defined]
    return made


@_np("where", "condition a? b?")
def _where(interp: Any, condition: Value, a: Any, b: Any) -> Value:
    if condition.type.kind != "array" or condition.type.dtype != "bool":
        raise Refused("np.where() of what is no array of bools")
    if a is None:
        if condition.type.dims is None or len(condition.type.dims) != 1:
            raise Refused("np.where() of more than one axis, alone")
        return Tup([interp.trace.emit("nonzero", [condition], array("int64", (None,)),
                                      dtype="int64")])
    args = [_operand(interp, a), _operand(interp, b)]
    kinds = [v.type for v in args]
    dtype = dtypes.common(kinds)
    dims = dtypes.broadcast([dtypes.dims_of(k) for k in [condition.type, *kinds]])
    return interp.trace.emit("where", [condition, *args], array(dtype, dims), dtype=dtype)


@_np("isnan isinf isfinite", "x")
def _isnan(interp: Any, value: Value) -> Value:
    raise Refused("this test is not in a page without Python")


# ---- along axes --------------------------------------------------------------------------------


def reduce(interp: Any, op: str, value: Value, axis: Any, keep: Any, dtype: Any = None,
           **details: Any) -> Value:
    """np.op(value, axis, keepdims)."""
    value = to_array(interp, value) if value.type.kind != "array" else value
    kind = value.type
    if kind.dtype == "str":
        raise Refused(f"np.{op}() of texts")
    axes, kept = _axes(axis), bool(constant(keep, "keepdims", False))
    if dtype is not None and not (isinstance(dtype, Const) and dtype.value is None):
        if dtype_of(dtype) not in dtypes.FLOATS + ("int64", "uint64"):
            raise Refused(f"np.{op}() with the dtype {dtype_of(dtype)}")
        value = _cast(interp.trace, value, dtype_of(dtype))  # type: ignore[arg-type]
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

    _np(title, signature)(call)
    method("array", op, signature[2:])(call)


for _title in ("sum", "mean", "max amax", "min amin", "argmax", "argmin", "prod", "any", "all",
               "average"):
    _reduction(_title)


def _deviation(op: str) -> None:
    def call(interp: Any, value: Value, axis: Any, ddof: Any, keep: Any) -> Value:
        return reduce(interp, op, value, axis, keep, None, ddof=constant(ddof, "ddof", 0))
    _np(op, "x axis? dtype! out! ddof? keepdims?")(call)
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
    _np(op, "x axis? kind!")(call)
    if op == "argsort":
        method("array", op, "axis? kind!")(call)


_sorting("argsort")
_sorting("sort")


@_np("linalg.norm", "x ord? axis? keepdims?")
def _norm(interp: Any, value: Value, order: Any, axis: Any, keep: Any) -> Value:
    if constant(order, "ord") not in (None, 2):
        raise Refused("a norm other than the Euclidean one")
    value = to_array(interp, value)
    if axis is None and value.type.dims is not None and len(value.type.dims) > 1 and order:
        raise Refused("a norm of a matrix")
    squares = unary(interp, "square", unary(interp, "floated", value, True), False)
    return unary(interp, "sqrt", reduce(interp, "sum", squares, axis, keep), True)


# ---- shapes ------------------------------------------------------------------------------------


def reshape(interp: Any, value: Node, shape: Value) -> Value:
    """x.reshape(shape)."""
    kind = value.type
    wanted = list(_dims(interp, shape))  # type: ignore[arg-type]
    if wanted.count(-1) > 1:
        raise PyError("ValueError", "can only specify one unknown dimension")
    total = _product(kind.dims)
    rest = _product(tuple(d for d in wanted if d != -1))
    if -1 in wanted:
        whole = total is not None and rest not in (None, 0) and total % rest == 0
        if total is not None and rest and not whole:
            raise PyError("ValueError", f"cannot reshape array of size {total} into shape "
                                        f"{tuple(wanted)}")
        wanted[wanted.index(-1)] = total // rest if whole else None  # type: ignore[operator]
    elif None not in wanted and total is not None and total != rest:
        raise PyError("ValueError", f"cannot reshape array of size {total} into shape "
                                    f"{tuple(wanted)}")
    made = interp.trace.emit("reshape", [value, _shape(shape)], array(kind.dtype, tuple(wanted)),
                             dtype=kind.dtype)
    return index.share(value, made)


def _product(dims: Dims) -> Optional[int]:
    if dims is None or None in dims:
        return None
    found = 1
    for size in dims:
        found *= size  # type: ignore[operator]
    return found


@_np("reshape", "x shape")
def _np_reshape(interp: Any, value: Value, shape: Value) -> Value:
    return reshape(interp, to_array(interp, value), shape)


@method("array", "reshape", "*")
def _reshape(interp: Any, owner: Node, args: List[Value]) -> Value:
    return reshape(interp, owner, args[0] if len(args) == 1 else Tup(args))


def permuted(interp: Any, value: Node, order: Optional[List[int]]) -> Value:
    """x.transpose(order)."""
    dims = value.type.dims
    if dims is None:
        raise Refused("how many axes the array has is known in the page only")
    order = order if order is not None else list(range(len(dims)))[::-1]
    if sorted(a % len(dims) if dims else a for a in order) != list(range(len(dims))):
        raise PyError("ValueError", "axes don't match array")
    order = [a % len(dims) for a in order]
    made = interp.trace.emit("transpose", [value], value.type._replace(
        dims=tuple(dims[a] for a in order)), dtype=value.type.dtype, order=order)
    return index.share(value, made)


@_np("transpose", "x axes?")
def _np_transpose(interp: Any, value: Value, axes: Any) -> Value:
    order = constant(axes, "the order of axes")
    return permuted(interp, to_array(interp, value), list(order) if order is not None else None)


@method("array", "transpose", "*")
def _transpose(interp: Any, owner: Node, args: List[Value]) -> Value:
    given = [constant(a, "the order of axes") for a in args]
    if len(given) == 1 and isinstance(given[0], (tuple, list)):
        given = list(given[0])
    return permuted(interp, owner, given or None)


def _moved(rank: int, source: int, to: int) -> List[int]:
    order = [a for a in range(rank) if a != source % rank]
    order.insert(to % rank, source % rank)
    return order


@_np("moveaxis rollaxis", "x source destination")
def _moveaxis(interp: Any, value: Value, source: Value, to: Value) -> Value:
    made = to_array(interp, value)
    one, other = constant(source, "the axis"), constant(to, "the axis")
    if made.type.dims is None or not isinstance(one, int) or not isinstance(other, int):
        raise Refused("axes that are moved together")
    return permuted(interp, made, _moved(len(made.type.dims), one, other))


def swapped(interp: Any, value: Value, a: Value, b: Value) -> Value:
    """np.swapaxes(value, a, b)."""
    made = to_array(interp, value)
    if made.type.dims is None:
        raise Refused("how many axes the array has is known in the page only")
    order = list(range(len(made.type.dims)))
    one, other = constant(a, "the axis"), constant(b, "the axis")
    order[one], order[other] = order[other], order[one]
    return permuted(interp, made, order)


_np("swapaxes", "x a b")(swapped)
method("array", "swapaxes", "a b")(swapped)


@_np("expand_dims", "x axis")
def _expand(interp: Any, value: Value, axis: Value) -> Value:
    made = to_array(interp, value)
    where = _axes(axis)
    if made.type.dims is None or where is None or len(where) != 1:
        raise Refused("several axes at once", "use reshape")
    at = where[0] % (len(made.type.dims) + 1)
    keys: List[Value] = [index.Slc(None, None, None)] * at
    return index.load(interp, made, Tup([*keys, Const(None)]))


def squeezed(interp: Any, value: Value, axis: Any = None) -> Value:
    """np.squeeze(value, axis)."""
    made = to_array(interp, value)
    dims, axes = made.type.dims, _axes(axis)
    if dims is None:
        raise Refused("how many axes the array has is known in the page only")
    if axes is None:
        if None in dims:
            raise Refused("which axes squeeze() takes away is known in the page only",
                          "name them: squeeze(0), or take x[0]")
        axes = tuple(i for i, d in enumerate(dims) if d == 1)
    gone = {a % len(dims) for a in axes}
    for one in gone:
        if dims[one] not in (None, 1):
            raise PyError("ValueError", "cannot select an axis to squeeze out which has size not equal "
                                        "to one")
    kept = tuple(d for i, d in enumerate(dims) if i not in gone)
    found = interp.trace.emit("squeeze", [made], array(made.type.dtype, kept),
                              dtype=made.type.dtype, axes=sorted(gone))
    return index.share(made, found)


_np("squeeze", "x axis?")(squeezed)
method("array", "squeeze", "axis?")(squeezed)


@_np("ravel", "x")
def _ravel(interp: Any, value: Value) -> Value:
    return reshape(interp, to_array(interp, value), Const(-1))


@method("array", "flatten ravel", "order!")
def _flatten(interp: Any, owner: Node) -> Value:
    return reshape(interp, owner, Const(-1))


def _joined(interp: Any, values: Value, axis: Any, stack: bool) -> Value:
    items = [to_array(interp, v) for v in sequences.unrolled(interp, values)]
    where = constant(axis, "the axis", 0)
    if not items:
        raise PyError("ValueError", "need at least one array to concatenate")
    dims = [i.type.dims for i in items]
    if any(d is None or len(d) != len(dims[0] or ()) for d in dims) or not isinstance(where, int):
        raise Refused("arrays whose axes are known in the page only are joined")
    dtype = items[0].type.dtype
    for item in items[1:]:
        dtype = dtypes.promote(dtype, item.type.dtype)
    rank = len(dims[0]) + stack  # type: ignore[arg-type]
    if not -rank <= where < rank:
        raise PyError("AxisError", f"axis {where} is out of bounds for array of dimension {rank}")
    at = where % rank
    made = list(dims[0])  # type: ignore[arg-type]
    if stack:
        made.insert(at, len(items))
    else:
        sizes = [d[at] for d in dims]  # type: ignore[index]
        made[at] = sum(sizes) if None not in sizes else None  # type: ignore[arg-type]
    return interp.trace.emit("stack" if stack else "concatenate", [Lst(items)],
                             array(dtype, tuple(made)), dtype=dtype, axis=at)


@_np("stack", "arrays axis?")
def _stack(interp: Any, values: Value, axis: Any) -> Value:
    return _joined(interp, values, axis, True)


@_np("concatenate", "arrays axis?")
def _concatenate(interp: Any, values: Value, axis: Any) -> Value:
    return _joined(interp, values, axis, False)


@_np("vstack", "arrays")
def _vstack(interp: Any, values: Value) -> Value:
    rows = [to_array(interp, v) for v in sequences.unrolled(interp, values)]
    if any(r.type.dims is None or len(r.type.dims) > 1 for r in rows):
        return _joined(interp, Lst(rows), Const(0), False)
    return _joined(interp, Lst(rows), Const(0), True)


@_np("flip", "x axis?")
def _flip(interp: Any, value: Value, axis: Any) -> Value:
    made, where = to_array(interp, value), _axes(axis)
    if made.type.dims is None:
        raise Refused("how many axes the array has is known in the page only")
    rank = len(made.type.dims)
    gone = {a % rank for a in where} if where is not None else set(range(rank))
    back = index.Slc(None, None, Const(-1))
    whole = index.Slc(None, None, None)
    return index.load(interp, made, Tup([back if i in gone else whole for i in range(rank)]))


@_np("fliplr", "x")
def _fliplr(interp: Any, value: Value) -> Value:
    return _flip_call(interp, value, 1)


@_np("flipud", "x")
def _flipud(interp: Any, value: Value) -> Value:
    return _flip_call(interp, value, 0)


def _flip_call(interp: Any, value: Value, axis: int) -> Value:
    return NAMES["flip"].call(interp, [value, Const(axis)], {})  # type: ignore[attr-defined]


@_np("pad", "x width mode? constant_values?")
def _pad(interp: Any, value: Value, width: Value, mode: Any, fill: Any) -> Value:
    made = to_array(interp, value)
    if constant(mode, "the mode of np.pad()", "constant") != "constant" or made.type.dims is None:
        raise Refused("np.pad() with another mode than 'constant'")
    rank = len(made.type.dims)
    pairs = width.items if isinstance(width, (Tup, Lst)) else None
    if pairs is None:
        rows = [[width, width]] * rank
    elif all(isinstance(p, (Tup, Lst)) and len(p.items) == 2 for p in pairs):
        rows = [list(p.items) for p in pairs] * (rank if len(pairs) == 1 else 1)  # type: ignore
    elif len(pairs) == 2 and rank == 1:
        rows = [list(pairs)]
    else:
        raise Refused("such widths for np.pad()", "give a pair for each axis")
    if len(rows) != rank or any(p.type.kind != "int" for row in rows for p in row):
        raise Refused("such widths for np.pad()", "give a pair of ints for each axis")
    dims = tuple(d + plain(a) + plain(b) if d is not None and static(a) and static(b) else None
                 for d, (a, b) in zip(made.type.dims, rows))
    return interp.trace.emit("pad", [made, Lst([Lst(r) for r in rows]), fill or Const(0)],
                             array(made.type.dtype, dims), dtype=made.type.dtype)


@_np("repeat tile", "x *")
def _repeat(interp: Any, value: Value, rest: Any) -> Value:
    raise Refused("np.repeat() and np.tile() are not in a page without Python",
                  "use np.stack or np.concatenate")


# ---- methods -----------------------------------------------------------------------------------


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
        total = _product(kind.dims if kind.kind == "array" else ())
        return Const(total) if total is not None else interp.trace.emit("size", [owner], INT)
    if name == "T" and kind.kind == "array":
        return permuted(interp, owner, None)  # type: ignore[arg-type]
    return None


@method("array", "astype", "dtype copy?")
def _astype(interp: Any, owner: Node, dtype: Value, copy: Any) -> Value:
    if not constant(copy, "copy", True) and dtype_of(dtype) == owner.type.dtype:
        return owner
    return _cast(interp.trace, owner, dtype_of(dtype))  # type: ignore[arg-type]


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


@_np("round around", "x decimals?")
def _round(interp: Any, value: Value, digits: Any) -> Value:
    value = _operand(interp, value)
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


def module() -> Module:
    """import numpy."""
    names = {k: v for k, v in NAMES.items() if "." not in k}
    names.update({name: Kind({"bool_": "bool", "bool": "bool"}.get(name, name))
                  for name in SCALARS + ("bool", "object_")})
    names.update({"ndarray": Kind("ndarray"), "newaxis": Const(None), "pi": Const(3.141592653589793),
                  "e": Const(2.718281828459045), "inf": Const(float("inf")),
                  "nan": Const(float("nan")), "float": Kind("float"), "int": Kind("int"),
                  "integer": Kind("integer"), "floating": Kind("floating")})
    names["linalg"] = Module("numpy.linalg", {"norm": NAMES["linalg.norm"]})
    return Module("numpy", names)


# ---- scipy.special -----------------------------------------------------------------------------


def _softmax(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
    from .natives import arguments
    value, axis = arguments("softmax", ["x", "axis?"], args, keywords)
    made = to_array(interp, value)
    axis = axis or Const(None)
    most = reduce(interp, "max", made, axis, Const(True))
    powers = unary(interp, "exp", NAMES["subtract"].call(interp, [made, most], {}),  # type: ignore
                   True)
    total = reduce(interp, "sum", powers, axis, Const(True))
    return NAMES["divide"].call(interp, [powers, total], {})  # type: ignore[attr-defined]


def _expit(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
    from .natives import arguments
    return unary(interp, "expit", arguments("expit", ["x"], args, keywords)[0], True)


def scipy_special() -> Module:
    """import scipy.special."""
    return Module("scipy.special", {"softmax": Native("softmax", _softmax),
                                    "expit": Native("expit", _expit)})
