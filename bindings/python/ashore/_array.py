"""A small array type, for where numpy is not to be had: elements of every type of ONNX, in rows."""
import struct
import sys

from ._dtypes import TYPES, codec, dtype as dtype_of, of_format
from ._array_math import Arithmetic, broadcast_shapes, count_of, index_rows, strides_of

_WRITABLE = 1  # PyBUF_WRITABLE


class _Coded:
    """Elements that memoryview does not read, by number."""

    def __init__(self, base, kind):
        self.base = base
        self.size = kind.itemsize
        self.struct = struct.Struct("<" + kind.format)
        self.decode, self.encode = codec(kind.name)

    def __getitem__(self, i):
        return self.decode(self.struct.unpack_from(self.base, i * self.size))

    def __setitem__(self, i, value):
        self.struct.pack_into(self.base, i * self.size, *self.encode(value))

    def tolist(self):
        size = len(self.base) // self.size * self.size
        return [self.decode(each) for each in self.struct.iter_unpack(self.base[:size])]


class _Texts(list):
    def tolist(self):
        return list(self)


def _items_of(base, kind):
    if kind.kind == "T":
        return base
    if codec(kind.name):
        return _Coded(base, kind)
    return base.cast(kind.format)


def bytes_of(buffer):
    """A buffer's bytes as they lie in memory, where its elements lie side by side; a copy otherwise."""
    view = memoryview(buffer)
    if view.nbytes == 0:
        return memoryview(bytearray())
    if view.format in ("B", "b", "c") and view.ndim == 1 and view.c_contiguous:
        return view.cast("B") if view.format != "B" else view
    try:
        return view.cast("B")
    except (TypeError, ValueError, NotImplementedError):
        return memoryview(bytearray(view.tobytes()))


def _native(value):
    return value.item() if hasattr(value, "item") and not isinstance(value, Array) else value


def _nested_shape(value):
    if isinstance(value, Array) or hasattr(value, "__array_interface__"):
        return tuple(value.shape)
    if not isinstance(value, (list, tuple, range)):
        return ()
    if len(value) == 0:
        return (0,)
    shapes = {_nested_shape(each) for each in value}
    if len(shapes) > 1:
        raise ValueError(f"rows of different extents: {sorted(shapes)}")
    return (len(value),) + shapes.pop()


def _flatten(value, depth, into):
    if depth == 0:
        into.append(_native(value.item() if isinstance(value, Array) else value))
        return
    for each in (value.tolist() if hasattr(value, "tolist") else value):
        _flatten(each, depth - 1, into)


def _guess(flat):
    kinds = {type(each) for each in flat}
    for kind, name in ((str, "string"), (complex, "complex128"), (float, "float64")):
        if kind in kinds:
            return TYPES[name]
    if kinds == {bool}:
        return TYPES["bool"]
    return TYPES["int64" if kinds else "float64"]


def _converter(kind):
    if kind.kind == "b":
        return bool
    if kind.kind == "T":
        return str
    if kind.kind in "fx":
        return float
    if kind.kind == "c":
        return complex
    bits = {"uint4": 4, "int4": 4, "uint2": 2, "int2": 2}.get(kind.name, 8 * kind.itemsize)
    half = 1 << (bits - 1) if kind.kind == "i" else 0

    def whole(value):  # wraps around, as conversions of C do
        return (int(value) + half) % (1 << bits) - half
    return whole


class Array(Arithmetic):
    """Elements of one type in rows.

    data: a number or text, nested lists of them, or any object with a buffer (PEP 3118), whose
    memory is shared, not copied.  dtype: of the elements; of bytes it says what they are.  shape:
    extents; default: as the data is nested, or one row.
    TypeError: no type of ONNX; ValueError: a shape that does not fit.
    """

    __slots__ = ("_base", "_items", "_dtype", "_shape", "_strides", "_offset", "__weakref__")

    def __init__(self, data, dtype=None, shape=None):
        kind = None if dtype is None else dtype_of(dtype)
        if isinstance(data, Array):
            source = data if kind in (None, data.dtype) else data.astype(kind)
            source = source._contiguous()
            self._set(source._base, source.dtype, source.shape, offset=source._offset)
        elif _has_buffer(data):
            self._take_buffer(data, kind)
        else:
            self._take_list(data, kind)
        if shape is not None:
            self._shape = self._fit(shape)
            self._strides = strides_of(self._shape)

    def _set(self, base, kind, shape, strides=None, offset=0, items=None):
        self._base = base
        self._dtype = kind
        self._shape = tuple(shape)
        self._strides = strides_of(self._shape) if strides is None else strides
        self._offset = offset
        self._items = _items_of(base, kind) if items is None else items
        return self

    @classmethod
    def _make(cls, *args, **rest):
        return object.__new__(cls)._set(*args, **rest)

    def _take_buffer(self, data, kind):
        view = memoryview(data)
        if isinstance(data, (bytes, bytearray)) and kind is not None:
            given = kind
        else:
            given = of_format(view.format, view.itemsize)
        base = bytes_of(view)
        shape = tuple(view.shape)
        if given is kind and given.itemsize != view.itemsize:
            if base.nbytes % kind.itemsize:
                raise ValueError(f"{base.nbytes} bytes are no whole elements of {kind}")
            shape = (base.nbytes // kind.itemsize,)
        self._set(base, given, shape)
        if kind is not None and kind != given:
            converted = self.astype(kind)
            self._set(converted._base, kind, shape)

    def _take_list(self, data, kind):
        shape = _nested_shape(data)
        flat = []
        _flatten(data, len(shape), flat)
        if kind is None:
            kind = _guess(flat)
        made = empty(shape, kind)
        made._fill_flat(flat)
        self._set(made._base, kind, shape, items=made._items)

    def _fill_flat(self, flat):
        convert = _converter(self._dtype)
        items = self._items
        for i, value in enumerate(flat):
            items[i] = convert(value)

    def _fit(self, shape):
        shape = (shape,) if isinstance(shape, int) else tuple(int(extent) for extent in shape)
        if -1 in shape:
            rest = count_of(extent for extent in shape if extent != -1)
            if shape.count(-1) > 1 or (self.size % rest if rest else self.size):
                raise ValueError(f"{self.size} elements do not have the shape {shape}")
            shape = tuple(self.size // rest if extent == -1 and rest else max(extent, 0)
                          for extent in shape)
        if count_of(shape) != self.size or any(extent < 0 for extent in shape):
            raise ValueError(f"{self.size} elements do not have the shape {shape}")
        return shape

    # ---- what it is -------------------------------------------------------------------------------

    @property
    def dtype(self):
        """The type of the elements."""
        return self._dtype

    @property
    def shape(self):
        """Extents."""
        return self._shape

    @property
    def strides(self):
        """Bytes from one element to the next, along each extent."""
        return tuple(each * self.itemsize for each in self._strides)

    @property
    def ndim(self):
        """How many extents."""
        return len(self._shape)

    @property
    def size(self):
        """How many elements."""
        return count_of(self._shape)

    @property
    def itemsize(self):
        """Bytes of an element."""
        return self._dtype.itemsize

    @property
    def nbytes(self):
        """Bytes of all elements."""
        return self.size * self.itemsize

    @property
    def T(self):
        """Extents the other way round; the same memory."""
        return self.transpose()

    def _is_contiguous(self):
        return self._strides == strides_of(self._shape) or self.size < 2

    def _contiguous(self):
        return self if self._is_contiguous() else self.copy()

    # ---- memory -----------------------------------------------------------------------------------

    def _bytes(self):
        if self._dtype.kind == "T":
            raise TypeError("texts have no bytes that can be shared")
        start = self._offset * self.itemsize
        return self._base[start:start + self.nbytes]

    def memoryview(self):
        """The elements as a memoryview: the same memory, or a copy that cannot be written where
        they do not lie side by side.  Bit patterns of types that Python does not know."""
        if not self._is_contiguous():
            return self.copy().memoryview().toreadonly()
        view = self._bytes()
        fmt = self._dtype.format
        if len(fmt) > 1 or (fmt == "e" and sys.version_info < (3, 12)):
            fmt, extra = ("B", (self.itemsize,)) if len(fmt) > 1 else ("H", ())
        else:
            extra = ()
        if not self.size:
            return view.cast("B").cast(fmt) if view.nbytes == 0 else view
        view = view.cast("B") if view.format != "B" else view
        shape = self._shape + extra
        return view.cast(fmt, shape) if shape else view.cast(fmt, ())

    def __buffer__(self, flags):
        view = self.memoryview()
        if flags & _WRITABLE and view.readonly:
            raise BufferError("this array cannot be written")
        return view

    @property
    def __array_interface__(self):
        if self._dtype.kind == "T":
            raise AttributeError("texts have no array interface")
        return {"version": 3, "shape": self._shape, "typestr": self._dtype.str, "data": self._base,
                "offset": self._offset * self.itemsize, "strides": self.strides}

    def __array__(self, dtype=None, copy=None):
        import numpy  # who asks for this has it
        if self._dtype.kind == "T":
            made = numpy.array(self._flat(), dtype=object).reshape(self._shape)
        else:
            made = numpy.asarray(_Interface(self))
        made = made if dtype is None else made.astype(dtype, copy=False)
        return made.copy() if copy else made

    def tobytes(self):
        """A copy of the elements' bytes, in rows."""
        return bytes(self._contiguous()._bytes())

    def copy(self):
        """The same elements in memory of their own."""
        made = empty(self._shape, self._dtype)
        if self._is_contiguous() and self._dtype.kind != "T":
            made._base[:] = self._bytes()
        else:
            for i, at in enumerate(self._places()):
                made._items[i] = self._items[at]
        return made

    def astype(self, dtype, copy=True):
        """The elements converted: to whole numbers towards zero, wrapping around."""
        kind = dtype_of(dtype)
        if kind == self._dtype:
            return self.copy() if copy else self
        made = empty(self._shape, kind)
        made._fill_flat(self._flat())
        return made

    # ---- elements ---------------------------------------------------------------------------------

    def _places(self):
        return index_rows(self._shape, self._strides, self._offset)

    def _flat(self):
        if self._is_contiguous():
            if self._offset == 0 and self._dtype.kind != "T" and len(self._base) == self.nbytes:
                return self._items.tolist()
            first = self._offset
            return [self._items[i] for i in range(first, first + self.size)]
        return [self._items[at] for at in self._places()]

    def tolist(self):
        """Nested lists; of a scalar its value."""
        flat = self._flat()
        if not self._shape:
            return flat[0]
        for axis in range(self.ndim - 1, 0, -1):
            extent = self._shape[axis]
            flat = [flat[i * extent:(i + 1) * extent] for i in range(count_of(self._shape[:axis]))]
        return flat

    def item(self, *index):
        """The one element, or that at an index."""
        if index:
            found = self[index if len(index) > 1 or self.ndim == 1 else index[0]]
            if isinstance(found, Array):
                return self.reshape(-1)[index[0]]
            return found
        if self.size != 1:
            raise ValueError(f"item() of an array of {self.size} elements: say which")
        return self._items[next(iter(self._places()))]

    def _resolve(self, index):
        # Basic indexing: (shape, strides, offset).
        index = index if isinstance(index, tuple) else (index,)
        given = sum(1 for each in index if each is not None and each is not Ellipsis)
        if given > self.ndim:
            raise IndexError(f"{given} indices for an array of {self.ndim} extents")
        ellipses = sum(1 for each in index if each is Ellipsis)
        if ellipses > 1:
            raise IndexError("an index has at most one ellipsis")
        if not ellipses:
            index += (Ellipsis,)
        shape, strides, offset, axis = [], [], self._offset, 0
        for each in index:
            if each is None:
                shape.append(1)
                strides.append(0)
                continue
            if each is Ellipsis:
                rest = self.ndim - given
                shape += self._shape[axis:axis + rest]
                strides += self._strides[axis:axis + rest]
                axis += rest
                continue
            extent, stride = self._shape[axis], self._strides[axis]
            if isinstance(each, slice):
                start, stop, step = each.indices(extent)
                shape.append(len(range(start, stop, step)))
                strides.append(stride * step)
                offset += start * stride if shape[-1] else 0
            else:
                at = each.__index__()
                if not -extent <= at < extent:
                    raise IndexError(f"index {at} is outside of extent {axis}, which is {extent}")
                offset += (at % extent) * stride
            axis += 1
        return tuple(shape), tuple(strides), offset

    def __getitem__(self, index):
        if isinstance(index, list) or (isinstance(index, Array) and index.ndim):
            return self._pick(index)
        shape, strides, offset = self._resolve(index)
        if not shape and not _keeps(index):
            return self._items[offset]
        return Array._make(self._base, self._dtype, shape, strides, offset, self._items)

    def _pick(self, index):
        # Rows by number, or those where a mask says so.
        index = index if isinstance(index, Array) else Array(index, None if index else "int64")
        if index.dtype.kind == "b":
            if index.shape != self._shape[:index.ndim]:
                raise IndexError(f"a mask of shape {index.shape} for an array of shape {self._shape}")
            source = self.reshape((index.size,) + self._shape[index.ndim:])
            rows = [i for i, yes in enumerate(index._flat()) if yes]
            lead = (len(rows),)
        else:
            source, rows, lead = self, index._flat(), index.shape
        rest = source.shape[1:]
        made = empty(lead + rest, self._dtype)
        into = made.reshape((len(rows),) + rest)
        for i, row in enumerate(rows):
            into[i] = source[row]
        return made

    def __setitem__(self, index, value):
        shape, strides, offset = self._resolve(index)
        target = Array._make(self._base, self._dtype, shape, strides, offset, self._items)
        convert = _converter(self._dtype)
        if isinstance(value, (list, tuple, Array)) or _has_buffer(value):
            source = asarray(value)
            if broadcast_shapes(source.shape, shape) != shape:
                raise ValueError(f"values of shape {source.shape} for a place of shape {shape}")
            values = source._broadcast(shape)._flat()
            for at, each in zip(list(target._places()), values):
                self._items[at] = convert(each)
            return
        value = convert(_native(value))
        for at in target._places():
            self._items[at] = value

    def _broadcast(self, shape):
        lead = len(shape) - self.ndim
        strides = (0,) * lead + tuple(0 if own == 1 and extent != 1 else stride for own, stride, extent
                                      in zip(self._shape, self._strides, shape[lead:]))
        return Array._make(self._base, self._dtype, shape, strides, self._offset, self._items)

    def __len__(self):
        if not self._shape:
            raise TypeError("len() of a scalar")
        return self._shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __contains__(self, value):
        return value in self._flat()

    # ---- shapes -----------------------------------------------------------------------------------

    def reshape(self, *shape):
        """The same elements with other extents, one of which may be -1: what is left."""
        if len(shape) == 1 and not isinstance(shape[0], int):
            shape = tuple(shape[0])
        source = self._contiguous()
        return Array._make(source._base, self._dtype, self._fit(shape), None, source._offset,
                           source._items)

    def ravel(self):
        """All elements in one row."""
        return self.reshape(-1)

    def flatten(self):
        """All elements in one row, in memory of their own."""
        return self.copy().reshape(-1)

    def transpose(self, *axes):
        """Extents in another order (default: the other way round); the same memory."""
        if len(axes) == 1 and not isinstance(axes[0], int):
            axes = axes[0]
        axes = tuple(axis % self.ndim for axis in axes) if axes else tuple(range(self.ndim))[::-1]
        if sorted(axes) != list(range(self.ndim)):
            raise ValueError(f"axes {axes} for an array of {self.ndim} extents")
        return Array._make(self._base, self._dtype, tuple(self._shape[a] for a in axes),
                           tuple(self._strides[a] for a in axes), self._offset, self._items)

    def squeeze(self, axis=None):
        """Without extents of 1: all, or one."""
        if axis is not None and self._shape[axis] != 1:
            raise ValueError(f"extent {axis} is {self._shape[axis]}, not 1")
        keep = [i for i in range(self.ndim)
                if (self._shape[i] != 1 if axis is None else i != axis % self.ndim)]
        return Array._make(self._base, self._dtype, tuple(self._shape[i] for i in keep),
                           tuple(self._strides[i] for i in keep), self._offset, self._items)

    # ---- words ------------------------------------------------------------------------------------

    def _text(self, shown):
        if not self._shape:
            return shown(self.item())
        rows = [self[i:i + 1].reshape(self._shape[1:]) for i in range(len(self))]
        if len(rows) > 8:
            rows = rows[:3] + [None] + rows[-3:]
        apart = ", " if self.ndim == 1 else ",\n "
        return "[" + apart.join("..." if row is None else row._text(shown).replace("\n", "\n ")
                                for row in rows) + "]"

    def __str__(self):
        return self._text(lambda value: f"{value:.6g}" if isinstance(value, float) else str(value))

    def __repr__(self):
        text = self._text(lambda value: f"{value:.6g}" if isinstance(value, float) else repr(value))
        return f"Array({text}, dtype={self._dtype.name}, shape={self._shape})"

    def __format__(self, spec):
        return format(self.item(), spec) if spec else str(self)

    def __reduce__(self):
        if self._dtype.kind == "T":
            return (Array, (self._flat(), "string", self._shape))
        return (Array, (bytearray(self.tobytes()), self._dtype.name, self._shape))


class _Interface:
    """What numpy makes an array of: without __array__, which would lead here again."""

    def __init__(self, array):
        self.__array_interface__ = array.__array_interface__


def _keeps(index):
    return isinstance(index, tuple) and any(each is Ellipsis or each is None for each in index)


def _has_buffer(value):
    if isinstance(value, Array):
        return False
    try:
        memoryview(value)
    except TypeError:
        return False
    except (BufferError, ValueError):
        return False
    return True


def empty(shape, dtype="float32"):
    """An array of zeros, or of empty texts."""
    kind = dtype_of(dtype)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    count = count_of(shape)
    if kind.kind == "T":
        return Array._make(_Texts([""] * count), kind, shape)
    return Array._make(memoryview(bytearray(count * kind.itemsize)), kind, shape)


zeros = empty


def asarray(value, dtype=None):
    """value itself if it is an Array of that type; else one of it."""
    if isinstance(value, Array) and (dtype is None or value.dtype == dtype):
        return value
    return Array(value, dtype)


__all__ = ["Array", "asarray", "bytes_of", "empty", "zeros"]
