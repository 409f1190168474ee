"""Operators of Python: what they give, and as which step."""

import ast
import operator
from typing import Any, List

from . import dtypes
from .errors import PyError, Refused
from .trace import Trace
from .values import (BOOL, STR, Caught, Const, Instance, Lst, Node, Real, Tup, Type, Value, array,
                     scalar, static)

BINARY = {ast.Add: ("+", operator.add), ast.Sub: ("-", operator.sub), ast.Mult: ("*", operator.mul),
          ast.Div: ("/", operator.truediv), ast.FloorDiv: ("//", operator.floordiv),
          ast.Mod: ("%", operator.mod), ast.Pow: ("**", operator.pow),
          ast.BitAnd: ("&", operator.and_), ast.BitOr: ("|", operator.or_),
          ast.BitXor: ("^", operator.xor), ast.MatMult: ("@", operator.matmul)}
COMPARE = {ast.Eq: ("==", operator.eq), ast.NotEq: ("!=", operator.ne), ast.Lt: ("<", operator.lt),
           ast.LtE: ("<=", operator.le), ast.Gt: (">", operator.gt), ast.GtE: (">=", operator.ge)}
_NUMERIC = dtypes.PYTHON + ("np", "array")


def is_numpy(kind: Type) -> bool:
    return kind.kind in ("np", "array")


def folded(call: Any, *args: Any) -> Const:
    """A constant computed now.  What Python raises, the program would have raised."""
    try:
        found = call(*args)
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise PyError(type(error).__name__, str(error)) from None
    return Const(found)


def binary(trace: Trace, op: str, call: Any, a: Value, b: Value) -> Value:
    """a op b."""
    if isinstance(a, Const) and isinstance(b, Const):
        _check_size(op, a, b)
        return folded(call, a.value, b.value)
    if op == "+" and type(a) is type(b) and isinstance(a, (Lst, Tup)):
        return type(a)(a.items + b.items)  # type: ignore[attr-defined]
    if op == "*" and isinstance(a, (Lst, Tup)) and isinstance(b, Const) \
            and isinstance(b.value, int) and len(a.items) * b.value <= 4096:
        return type(a)(a.items * b.value)
    if isinstance(a, Real) or isinstance(b, Real):
        return _path(op, a, b)
    kinds = _kinds(op, a, b)
    if kinds[0].kind == "str" or kinds[1].kind == "str":
        return _text(trace, op, a, b, kinds)
    if any(is_numpy(k) for k in kinds):
        return arithmetic(trace, op, [a, b], kinds)
    if all(k.kind in dtypes.PYTHON for k in kinds):
        if op in ("&", "|", "^") and any(k.kind in ("number", "real", "float") for k in kinds):
            raise Refused(f"{op} of numbers that may have a fraction")
        made = dtypes.python_number(op, *kinds)
        return python_number(trace, op, a, b, made)
    raise Refused(f"{op} of {kinds[0]} and {kinds[1]} is not in a page without Python")


def python_number(trace: Trace, op: str, a: Value, b: Value, made: Type) -> Node:
    """An operation on two numbers of Python's.  whole: which results are ints in the page: all of
    them, those of whole numbers (of fields), or, where floats may be whole, nobody knows."""
    kinds = {a.type.kind, b.type.kind}
    whole = "int" if made.kind in ("int", "bool") else None if made.kind == "float" else \
        "real" if "real" in kinds else "number"
    return trace.emit("py" + op, [a, b], made, **({"whole": whole} if whole else {}))


def _path(op: str, a: Value, b: Value) -> Value:
    one = a.value if isinstance(a, (Real, Const)) else None
    other = b.value if isinstance(b, (Real, Const)) else None
    if op == "/" and one is not None and other is not None:
        return Real(folded(operator.truediv, one, other).value)
    raise Refused(f"{op} of objects is not in a page without Python")


def _kinds(op: str, *values: Value) -> List[Type]:
    for value in values:
        if isinstance(value, (Instance, Caught)):
            raise Refused(f"{op} of an object")
    return [operand(v).type for v in values]


def operand(value: Value) -> Value:
    """Itself; what cannot be one is refused."""
    if isinstance(value, (Const, Node)):
        if value.type.kind == "buffer":
            raise Refused("a memoryview has no operators", "use numpy")
        return value
    if static(value):
        return value
    raise Refused(f"{value.type} is no operand that a page without Python knows",
                  "make an array of it: np.array(...)")


def _check_size(op: str, a: Const, b: Const) -> None:
    big = (op == "**" and isinstance(b.value, int) and b.value > 1000) or (
        op == "*" and isinstance(a.value, (str, bytes, int)) and isinstance(b.value, (str, int))
        and max(len(str(a.value)), len(str(b.value))) > 100000)
    if big or (op == "*" and isinstance(a.value, str) and isinstance(b.value, int)
               and len(a.value) * b.value > 1 << 20):
        raise Refused("the constant would be too large")


def _text(trace: Trace, op: str, a: Value, b: Value, kinds: List[Type]) -> Value:
    if op == "+" and kinds[0].kind == kinds[1].kind == "str":
        return trace.emit("concat", [a, b], STR)
    if op == "*" and {k.kind for k in kinds} == {"str", "int"}:
        text, count = (a, b) if kinds[0].kind == "str" else (b, a)
        return trace.emit("repeat", [text, count], STR)
    if op == "+":
        message = f'can only concatenate str (not "{_name(kinds[1])}") to str' \
            if kinds[0].kind == "str" else "unsupported operand type(s) for +: " \
            f"'{_name(kinds[0])}' and 'str'"
        if all(k.kind in ("str", "int", "float", "bool", "none") for k in kinds):
            raise PyError("TypeError", message)
    raise Refused(f"{op} of {kinds[0]} and {kinds[1]} is not in a page without Python",
                  "use an f-string" if op == "%" else "")


def _name(kind: Type) -> str:
    return "NoneType" if kind.kind == "none" else kind.kind


def arithmetic(trace: Trace, op: str, args: List[Value], kinds: List[Type]) -> Node:
    """An operator of numpy's, by the rules of numpy 2."""
    for kind in kinds:
        if kind.kind not in _NUMERIC:
            raise Refused(f"{op} of {kinds[0]} and {kinds[1]} is not in a page without Python")
    if op == "@":
        return matmul(trace, args[0], args[1])
    dtype = dtypes.common(kinds)
    if dtype == "str":
        raise Refused("numpy's operations on text are not in a page without Python")
    if op == "/" and dtype not in dtypes.FLOATS:
        dtype = "float64"
    if op == "-" and dtype == "bool":
        raise PyError("TypeError", "numpy boolean subtract, the `-` operator, is not supported")
    if op in ("&", "|", "^") and dtype == dtypes.REAL64:
        raise Refused(f"{op} of numbers that may have a fraction")
    if op in ("&", "|", "^") and dtype in dtypes.FLOATS:
        raise PyError("TypeError", f"ufunc '{op}' is not supported for floating point")
    if op == "**":
        dtype = _power(dtype, args[1])
    if op in ("//", "%") and dtype in ("bool", dtypes.REAL64):
        raise Refused(f"{op} of {kinds[0]} and {kinds[1]}")
    return trace.emit("np" + op, args, dtypes.shaped(dtype, kinds), dtype=dtype)


def _power(dtype: str, exponent: Value) -> str:
    if dtype in dtypes.FLOATS:
        return dtype
    if dtype != "bool" and isinstance(exponent, Const) and exponent.value == 2:
        return dtype
    raise Refused("powers of whole numbers are not in a page without Python, but for ** 2",
                  "convert first: .astype(np.float32)")


def matmul(trace: Trace, a: Value, b: Value) -> Node:
    """The product of the rows of an array with a matrix or a vector."""
    one, other = a.type, b.type
    for kind, ranks in ((one, range(1, 9)), (other, (1, 2))):
        if kind.kind != "array" or kind.dims is None or len(kind.dims) not in ranks:
            raise Refused(f"@ and np.dot of {one} and {other}: only with vectors and matrices")
    dtype = dtypes.promote(one.dtype, other.dtype)
    if dtype not in dtypes.FLOATS:
        raise Refused("products of matrices of whole numbers are not in a page without Python")
    dims = one.dims[:-1] + (other.dims[1:] if len(other.dims) == 2 else ())  # type: ignore
    return trace.emit("matmul", [a, b], array(dtype, dims) if dims else scalar(dtype), dtype=dtype)


def compare(trace: Trace, op: str, call: Any, a: Value, b: Value) -> Value:
    """a op b of one comparison."""
    if static(a) and static(b):
        from .values import plain
        return folded(call, plain(a), plain(b))
    if op in ("==", "!=") and isinstance(a, Instance) and isinstance(b, Instance):
        raise Refused("objects are compared")
    kinds = _kinds(op, a, b)
    if op in ("==", "!=") and "none" in {k.kind for k in kinds} and \
            not any(is_numpy(k) for k in kinds):
        raise Refused("compares with None by ==", "write `is None`")
    if any(is_numpy(k) for k in kinds):
        for kind in kinds:
            if kind.kind not in _NUMERIC and kind.dtype != "str" and kind.kind != "str":
                raise Refused(f"{op} of {kinds[0]} and {kinds[1]}")
        texts = ["str" in (k.kind, k.dtype) for k in kinds]
        if any(texts):
            if not all(texts) or op not in ("==", "!="):
                raise Refused(f"{op} of {kinds[0]} and {kinds[1]}")
            return trace.emit("np" + op, [a, b], dtypes.shaped("bool", kinds), dtype="bool",
                              of="str")
        return trace.emit("np" + op, [a, b], dtypes.shaped("bool", kinds), dtype="bool",
                          of=_compared(kinds))
    numbers = [k.kind in dtypes.PYTHON for k in kinds]
    if all(numbers) or all(k.kind == "str" for k in kinds):
        return trace.emit("py" + op, [a, b], BOOL)
    scalars = all(n or k.kind == "str" for n, k in zip(numbers, kinds))
    if scalars and op in ("==", "!="):
        return Const(op == "!=")
    raise Refused(f"{op} of {kinds[0]} and {kinds[1]} is not in a page without Python")


def _compared(kinds: List[Type]) -> str:
    """The dtype in which operands are compared; float32 matters, where 0.1 is another number."""
    strong = [k.dtype for k in kinds if is_numpy(k)]
    found = strong[0]
    for dtype in strong[1:]:
        found = dtypes.promote(found, dtype)
    if any(k.kind == "float" for k in kinds) or any(k.kind in ("number", "real") for k in kinds):
        found = found if found in dtypes.FLOATS else "float64"
    return "float64" if found == dtypes.REAL64 else found
