"""numpy: shapes, and pieces put together."""

from typing import Any, List, Optional

from . import dtypes, index, sequences
from .errors import PyError, Refused
from .methods import method
from .natives import constant
from .numpy_arrays import dims_of, shape_of, to_array
from .numpy_common import NAMES, axes_of, numpy_name
from .values import Const, Dims, Lst, Node, Tup, Value, array, plain, static


def reshape(interp: Any, value: Node, shape: Value) -> Value:
    """x.reshape(shape)."""
    kind = value.type
    wanted = list(dims_of(interp, shape))  # type: ignore[arg-type]
    if wanted.count(-1) > 1:
        raise PyError("ValueError", "can only specify one unknown dimension")
    total = product_of(kind.dims)
    rest = product_of(tuple(d for d in wanted if d != -1))
    if -1 in wanted:
        whole = total is not None and rest not in (None, 0) and total % rest == 0
        if total is not None and rest and not whole:
            raise PyError("ValueError", f"cannot reshape array of size {total} into shape "
                                        f"{tuple(wanted)}")
        wanted[wanted.index(-1)] = total // rest if whole else None  # type: ignore[operator]
    elif None not in wanted and total is not None and total != rest:
        raise PyError("ValueError", f"cannot reshape array of size {total} into shape "
                                    f"{tuple(wanted)}")
    made = interp.trace.emit("reshape", [value, shape_of(shape)], array(kind.dtype, tuple(wanted)),
                             dtype=kind.dtype)
    return index.share(value, made)


def product_of(dims: Dims) -> Optional[int]:
    if dims is None or None in dims:
        return None
    found = 1
    for size in dims:
        found *= size  # type: ignore[operator]
    return found


@numpy_name("reshape", "x shape")
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


@numpy_name("transpose", "x axes?")
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


@numpy_name("moveaxis rollaxis", "x source destination")
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


numpy_name("swapaxes", "x a b")(swapped)
method("array", "swapaxes", "a b")(swapped)


@numpy_name("expand_dims", "x axis")
def _expand(interp: Any, value: Value, axis: Value) -> Value:
    made = to_array(interp, value)
    where = axes_of(axis)
    if made.type.dims is None or where is None or len(where) != 1:
        raise Refused("several axes at once", "use reshape")
    at = where[0] % (len(made.type.dims) + 1)
    keys: List[Value] = [index.Slc(None, None, None)] * at
    return index.load(interp, made, Tup([*keys, Const(None)]))


def squeezed(interp: Any, value: Value, axis: Any = None) -> Value:
    """np.squeeze(value, axis)."""
    made = to_array(interp, value)
    dims, axes = made.type.dims, axes_of(axis)
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


numpy_name("squeeze", "x axis?")(squeezed)
method("array", "squeeze", "axis?")(squeezed)


@numpy_name("ravel", "x")
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


@numpy_name("stack", "arrays axis?")
def _stack(interp: Any, values: Value, axis: Any) -> Value:
    return _joined(interp, values, axis, True)


@numpy_name("concatenate", "arrays axis?")
def _concatenate(interp: Any, values: Value, axis: Any) -> Value:
    return _joined(interp, values, axis, False)


@numpy_name("vstack", "arrays")
def _vstack(interp: Any, values: Value) -> Value:
    rows = [to_array(interp, v) for v in sequences.unrolled(interp, values)]
    if any(r.type.dims is None or len(r.type.dims) > 1 for r in rows):
        return _joined(interp, Lst(rows), Const(0), False)
    return _joined(interp, Lst(rows), Const(0), True)


@numpy_name("flip", "x axis?")
def _flip(interp: Any, value: Value, axis: Any) -> Value:
    made, where = to_array(interp, value), axes_of(axis)
    if made.type.dims is None:
        raise Refused("how many axes the array has is known in the page only")
    rank = len(made.type.dims)
    gone = {a % rank for a in where} if where is not None else set(range(rank))
    back = index.Slc(None, None, Const(-1))
    whole = index.Slc(None, None, None)
    return index.load(interp, made, Tup([back if i in gone else whole for i in range(rank)]))


@numpy_name("fliplr", "x")
def _fliplr(interp: Any, value: Value) -> Value:
    return _flip_call(interp, value, 1)


@numpy_name("flipud", "x")
def _flipud(interp: Any, value: Value) -> Value:
    return _flip_call(interp, value, 0)


def _flip_call(interp: Any, value: Value, axis: int) -> Value:
    return NAMES["flip"].call(interp, [value, Const(axis)], {})  # type: ignore[attr-defined]


@numpy_name("pad", "x width mode? constant_values?")
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


@numpy_name("repeat tile", "x *")
def _repeat(interp: Any, value: Value, rest: Any) -> Value:
    raise Refused("np.repeat() and np.tile() are not in a page without Python",
                  "use np.stack or np.concatenate")
