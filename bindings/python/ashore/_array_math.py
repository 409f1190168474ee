"""What arrays compute: element by element, and along extents."""
import math
import operator
from functools import lru_cache

from ._dtypes import TYPES


def count_of(shape):
    """How many elements an array of these extents has."""
    return math.prod(shape)


@lru_cache(maxsize=256)
def strides_of(shape):
    """Elements from one to the next along each extent, in rows.  shape: a tuple."""
    strides, step = [], 1
    for extent in reversed(shape):
        strides.append(step)
        step *= max(extent, 1)
    return tuple(reversed(strides))


def index_rows(shape, strides, offset):
    """Where the elements lie, row after row."""
    if not shape:
        yield offset
        return
    if len(shape) == 1:
        stride = strides[0]
        for i in range(shape[0]):
            yield offset + i * stride
        return
    for i in range(shape[0]):
        yield from index_rows(shape[1:], strides[1:], offset + i * strides[0])


def broadcast_shapes(a, b):
    """The extents of two arrays together, as numpy has them; ValueError where they do not fit."""
    longer = max(len(a), len(b))
    a, b = (1,) * (longer - len(a)) + tuple(a), (1,) * (longer - len(b)) + tuple(b)
    for x, y in zip(a, b):
        if x != y and 1 not in (x, y):
            raise ValueError(f"shapes {a} and {b} do not fit each other")
    return tuple(y if x == 1 else x for x, y in zip(a, b))


_ORDER = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64",
          "float16", "bfloat16", "float32", "float64", "complex64", "complex128"]


def _common(a, b):
    if a == b:
        return a
    if "T" in (a.kind, b.kind):
        raise TypeError("texts and numbers")
    rank = [_ORDER.index(each.name) if each.name in _ORDER else 0 for each in (a, b)]
    wide = (a, b)[rank[1] > rank[0]]
    if wide.kind in "iu" and {a.kind, b.kind} == {"i", "u"} and wide.itemsize < 8:
        unsigned = a if a.kind == "u" else b
        signed = b if a.kind == "u" else a
        if signed.itemsize <= unsigned.itemsize:
            return TYPES[f"int{16 * unsigned.itemsize}"]
        return signed
    return wide


def _kind_with_scalar(kind, value):
    # A number of Python's takes the array's type, if it is of no higher kind.
    if isinstance(value, complex) and kind.kind != "c":
        return TYPES["complex128"]
    if isinstance(value, float) and kind.kind in "biu":
        return TYPES["float64"]
    if isinstance(value, int) and not isinstance(value, bool) and kind.kind == "b":
        return TYPES["int64"]
    return kind


def _divide(a, b):
    try:
        return a / b
    except ZeroDivisionError:
        if isinstance(a, complex) or isinstance(b, complex) or a != a or a == 0:
            return float("nan")
        return math.copysign(float("inf"), a) * math.copysign(1.0, b)


class Arithmetic:
    """Operators and reductions of Array, which is made of this."""

    __slots__ = ()

    def _with(self, other, function, result=None, turned=False):
        from ._array import Array, asarray, empty
        if isinstance(other, (bool, int, float, complex, str)):
            kind = _kind_with_scalar(self.dtype, other)
            shape, left = self.shape, self._flat()
            right = [other] * len(left)
        else:
            if not isinstance(other, (Array, list, tuple)) and not hasattr(other, "shape"):
                return NotImplemented
            other = asarray(other)
            kind = _common(self.dtype, other.dtype)
            shape = broadcast_shapes(self.shape, other.shape)
            left, right = self._broadcast(shape)._flat(), other._broadcast(shape)._flat()
        if turned:
            left, right = right, left
        kind = result(kind) if callable(result) else result or kind
        made = empty(shape, kind)
        made._fill_flat(map(function, left, right))
        return made if shape else made.item()

    def __add__(self, other): return self._with(other, operator.add)
    def __radd__(self, other): return self._with(other, operator.add, turned=True)
    def __sub__(self, other): return self._with(other, operator.sub)
    def __rsub__(self, other): return self._with(other, operator.sub, turned=True)
    def __mul__(self, other): return self._with(other, operator.mul)
    def __rmul__(self, other): return self._with(other, operator.mul, turned=True)
    def __pow__(self, other): return self._with(other, operator.pow)

    def __floordiv__(self, other): return self._with(other, operator.floordiv)
    def __mod__(self, other): return self._with(other, operator.mod)

    def __truediv__(self, other): return self._with(other, _divide, _quotient)
    def __rtruediv__(self, other): return self._with(other, _divide, _quotient, turned=True)

    def __eq__(self, other): return self._compare(other, operator.eq)
    def __ne__(self, other): return self._compare(other, operator.ne)
    def __lt__(self, other): return self._compare(other, operator.lt)
    def __le__(self, other): return self._compare(other, operator.le)
    def __gt__(self, other): return self._compare(other, operator.gt)
    def __ge__(self, other): return self._compare(other, operator.ge)

    __hash__ = None

    def _compare(self, other, function):
        return self._with(other, function, TYPES["bool"])

    def _map(self, function, kind=None):
        from ._array import empty
        made = empty(self.shape, kind or self.dtype)
        made._fill_flat(map(function, self._flat()))
        return made

    def __neg__(self): return self._map(operator.neg)
    def __abs__(self): return self._map(abs)
    def __invert__(self): return self._map(
        operator.not_ if self.dtype.kind == "b" else operator.invert)

    def __bool__(self):
        if self.size != 1:
            raise ValueError(f"an array of {self.size} elements is neither true nor false: "
                             "use any() or all()")
        return bool(self.item())

    def __float__(self): return float(self.item())
    def __int__(self): return int(self.item())

    def __index__(self):
        if self.size != 1 or self.dtype.kind not in "iu":
            raise TypeError("only one whole number is an index")
        return self.item()

    def clip(self, low=None, high=None):
        """Each element, within limits."""
        def limit(value):
            value = value if low is None else max(value, low)
            return value if high is None else min(value, high)
        return self._map(limit)

    def round(self, decimals=0):
        """Each element, rounded; halves to even."""
        return self._map(lambda value: round(value, decimals))

    # ---- along extents ------------------------------------------------------------------------------

    def _reduce(self, function, axis, keepdims, kind=None):
        from ._array import empty
        if axis is None:
            values = self._flat()
            result = function(values)
            if not keepdims:
                return result
            shape = (1,) * self.ndim
            rows = [result]
        else:
            if not -self.ndim <= axis < self.ndim:
                raise ValueError(f"axis {axis} of an array of {self.ndim} extents")
            axis %= self.ndim
            rest = [i for i in range(self.ndim) if i != axis]
            shape = tuple(self.shape[i] for i in rest)
            extent = self.shape[axis]
            values = self.transpose(rest + [axis])._flat()
            rows = [function(values[i * extent:(i + 1) * extent]) for i in range(count_of(shape))]
            if keepdims:
                shape = self.shape[:axis] + (1,) + self.shape[axis + 1:]
            elif not shape:
                return rows[0]
        made = empty(shape, kind or self.dtype)
        made._fill_flat(rows)
        return made

    def _sums(self):
        return TYPES["int64"] if self.dtype.kind in "bi" else TYPES["uint64"] \
            if self.dtype.kind == "u" else self.dtype

    def sum(self, axis=None, keepdims=False):
        """Of all elements, or along an extent."""
        add = math.fsum if self.dtype.kind in "fx" else sum
        return self._reduce(lambda row: _guard(add, row), axis, keepdims, self._sums())

    def mean(self, axis=None, keepdims=False):
        """Of all elements, or along an extent."""
        add = math.fsum if self.dtype.kind in "fx" else sum
        return self._reduce(lambda row: _divide(_guard(add, row), len(row)), axis, keepdims,
                            _quotient(self.dtype))

    def max(self, axis=None, keepdims=False):
        """The largest element; NaN where there is one."""
        return self._reduce(lambda row: _extreme(max, row), axis, keepdims)

    def min(self, axis=None, keepdims=False):
        """The smallest element; NaN where there is one."""
        return self._reduce(lambda row: _extreme(min, row), axis, keepdims)

    def any(self, axis=None, keepdims=False):
        """Whether one element is not zero."""
        return self._reduce(any, axis, keepdims, TYPES["bool"])

    def all(self, axis=None, keepdims=False):
        """Whether no element is zero."""
        return self._reduce(all, axis, keepdims, TYPES["bool"])

    def argmax(self, axis=None, keepdims=False):
        """Where the largest element is: the first of them."""
        return self._reduce(lambda row: _first(max, row), axis, keepdims, TYPES["int64"])

    def argmin(self, axis=None, keepdims=False):
        """Where the smallest element is: the first of them."""
        return self._reduce(lambda row: _first(min, row), axis, keepdims, TYPES["int64"])

    def argsort(self, axis=-1):
        """The order of the elements along an extent, smallest first; of equal ones the first."""
        from ._array import empty
        axis %= max(self.ndim, 1)
        rest = [i for i in range(self.ndim) if i != axis]
        turned = self.transpose(rest + [axis])
        extent = self.shape[axis]
        values = turned._flat()
        order = []
        for at in range(0, len(values), max(extent, 1)):
            row = values[at:at + extent]
            order += sorted(range(extent), key=lambda i: (row[i] != row[i], row[i]))
        made = empty(turned.shape, "int64")
        made._fill_flat(order)
        back = rest + [axis]
        return made.transpose([back.index(i) for i in range(self.ndim)]).copy()


def _quotient(kind):
    return kind if kind.kind in "fxc" else TYPES["float64"]


def _guard(add, row):
    try:
        return add(row)
    except (OverflowError, ValueError):  # fsum, of infinities
        return sum(row)


def _nan(row):
    return next((i for i, value in enumerate(row) if value != value), None)


def _extreme(choose, row):
    if not row:
        raise ValueError("an array without elements has no largest and no smallest")
    at = _nan(row)
    return choose(row) if at is None else row[at]


def _first(choose, row):
    if not row:
        raise ValueError("an array without elements has no largest and no smallest")
    at = _nan(row)
    return row.index(choose(row)) if at is None else at
