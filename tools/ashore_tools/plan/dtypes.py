"""Which types operations give: those of numpy 2, and of Python's numbers."""

from typing import List, Optional, Tuple

from .errors import Refused
from .values import (BOOL, FLOAT, FLOATS, INT, INTS, REAL, Dims, Type, array, scalar)

REAL64 = "real64"  # int64 or float64, which the page alone knows
PYTHON = ("bool", "int", "float", "number", "real")
SHORT = {"float": "float64", "int": "int64", "bool": "bool", "double": "float64", "f4": "float32",
         "f8": "float64", "i4": "int32", "i8": "int64", "u1": "uint8", "single": "float32",
         "f": "float32", "d": "float64", "bool_": "bool", "float_": "float64", "int_": "int64",
         "str": "str", "object": "str", "str_": "str", "<f4": "float32", "i": "int32", "l": "int64"}


def _bits(dtype: str) -> int:
    return int(dtype.lstrip("uintfloa"))


def promote(a: str, b: str) -> str:
    """The dtype of an operation on two arrays."""
    if a == b:
        return a
    if REAL64 in (a, b):
        return "float64" if a in FLOATS or b in FLOATS else REAL64
    if "str" in (a, b):
        raise Refused("numpy's operations on text are not in a page without Python")
    if "bool" in (a, b):
        return a if b == "bool" else b
    if a in FLOATS or b in FLOATS:
        one, other = (a, b) if a in FLOATS else (b, a)
        if one == "float64" or other == "float64":
            return "float64"
        return "float32" if other == "float32" or _bits(other) <= 16 else "float64"
    if (a[0] == "u") == (b[0] == "u"):
        return a if _bits(a) > _bits(b) else b
    unsigned, signed = (a, b) if a[0] == "u" else (b, a)
    if _bits(signed) > _bits(unsigned):
        return signed
    return f"int{2 * _bits(unsigned)}" if _bits(unsigned) < 64 else "float64"


def weak(dtype: str, kind: str) -> str:
    """The dtype of an operation on an array and a number of Python's."""
    if dtype == REAL64:
        return "float64" if kind == "float" else REAL64
    if kind == "bool" or dtype in FLOATS:
        return dtype
    if kind == "int":
        return "int64" if dtype == "bool" else dtype
    if kind == "float":
        return "float64"
    raise Refused("whether this number has a fraction is known in the page only, and the dtype of "
                  "the result depends on it")


def of_scalar(kind: Type) -> str:
    """The dtype of an array that is made of a scalar."""
    if kind.kind == "np":
        return kind.dtype
    found = {"bool": "bool", "int": "int64", "float": "float64", "str": "str", "number": REAL64,
             "real": REAL64}.get(kind.kind)
    if found is None:
        raise Refused(f"{kind} is no number")
    return found


def common(kinds: List[Type]) -> str:
    """The dtype of operands together; Python's numbers are weak."""
    strong = [k.dtype for k in kinds if k.kind in ("np", "array", "buffer")]
    if not strong:
        found = of_scalar(kinds[0])
        for kind in kinds[1:]:
            found = promote(found, of_scalar(kind))
        return found
    found = strong[0]
    for dtype in strong[1:]:
        found = promote(found, dtype)
    for kind in kinds:
        if kind.kind in PYTHON:
            found = weak(found, kind.kind)
        elif kind.kind not in ("np", "array", "buffer"):
            raise Refused(f"{kind} is no operand of numpy's operations")
    return found


def floating(dtype: str) -> str:
    """The dtype of functions such as exp."""
    if dtype in FLOATS or dtype == REAL64:
        return "float64" if dtype == REAL64 else dtype
    if dtype not in INTS or _bits(dtype) == 8:
        raise Refused(f"of {dtype} this function gives float16, which is not in a page without "
                      f"Python", "convert first: .astype(np.float32)")
    return "float32" if _bits(dtype) == 16 else "float64"


def broadcast(shapes: List[Dims]) -> Dims:
    """The extents of an elementwise result."""
    if any(s is None for s in shapes):
        return None
    rank = max(len(s) for s in shapes)  # type: ignore[arg-type]
    found: List[Optional[int]] = []
    for i in range(rank):
        sizes = [s[i - rank + len(s)] for s in shapes  # type: ignore[index,arg-type]
                 if i - rank + len(s) >= 0]  # type: ignore[arg-type]
        fixed = [s for s in sizes if s not in (None, 1)]
        found.append(fixed[0] if fixed else None if None in sizes else 1)
    return tuple(found)


def dims_of(kind: Type) -> Dims:
    return kind.dims if kind.kind in ("array", "buffer") else ()


def shaped(dtype: str, kinds: List[Type]) -> Type:
    """An elementwise result: an array, or a scalar of scalars."""
    dims = broadcast([dims_of(k) for k in kinds])
    if dims == ():
        return scalar(dtype)
    if dims is None and all(k.kind != "array" for k in kinds):
        return scalar(dtype)
    return array(dtype, dims)


def python_number(op: str, a: Type, b: Type) -> Type:
    """The type of Python's operators on two numbers."""
    kinds = {a.kind, b.kind}
    if op == "/" or "float" in kinds:
        return FLOAT
    if kinds & {"number", "real"}:
        return REAL
    if op in "&|^" and kinds == {"bool"}:
        return BOOL
    return INT


def reduced(dims: Dims, axes: Optional[Tuple[int, ...]], keep: bool) -> Dims:
    """Extents without those of axes; None stands for all axes."""
    if axes is None and not keep:
        return ()
    if dims is None:
        return None
    gone = {a % len(dims) for a in axes} if axes is not None else set(range(len(dims)))
    return tuple(1 if i in gone else d for i, d in enumerate(dims) if keep or i not in gone)
