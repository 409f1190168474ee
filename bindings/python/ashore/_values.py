"""Values on their way to the engine and back: bindings/js/pyodide_values.js has the other side."""
import json
import sys
from functools import lru_cache

from ._array import Array, bytes_of, empty
from ._dtypes import TYPES, dtype as dtype_of, of_format
from ._errors import AshoreError


@lru_cache(maxsize=None)
def _import_numpy():
    try:
        import numpy
        return numpy
    except ImportError:
        return None


def numpy_module():
    """numpy where it can be imported, or has been since the first time; None."""
    return sys.modules.get("numpy") or _import_numpy()


@lru_cache(maxsize=256)
def _is_numpy(kind):
    return kind.__module__.partition(".")[0] == "numpy" and hasattr(kind, "dtype")


def _of_numpy(value):
    # (type, extents, bytes or texts) of an array or a scalar of numpy's.
    numpy = numpy_module()
    value = numpy.asarray(value)
    if value.dtype.kind in "OUS":
        flat = value.reshape(-1).tolist()
        return TYPES["string"], value.shape, [_text(each) for each in flat]
    if value.dtype.byteorder == ">":
        value = value.astype(value.dtype.newbyteorder("<"))
    try:
        kind = dtype_of(value.dtype)
    except TypeError:
        kind = None
    if kind is None or kind.itemsize != value.dtype.itemsize:
        raise TypeError(f"elements of the type {value.dtype} are of no type of ONNX")
    value = numpy.ascontiguousarray(value).reshape(value.shape)
    return kind, value.shape, value.reshape(-1).view(numpy.uint8) if value.size else b""


def _text(value):
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, str):
        return value
    raise TypeError(f"a text is wanted, not {type(value).__name__}")


class Parts(tuple):
    """A tensor: (type, extents, bytes or texts)."""

    __slots__ = ()


def tensor_parts(value, declared=None):
    """The Parts of whatever has a buffer, of numbers, texts and lists of them.  declared: the model's
    type, which numbers and bytes take, and bit patterns."""
    if isinstance(value, Parts):
        return value
    if _is_numpy(type(value)):
        kind, shape, data = _of_numpy(value)
        return Parts((_as_bits(kind, declared), shape, data))
    if not isinstance(value, Array):
        if isinstance(value, (dict, set)):
            raise TypeError(f"a tensor is wanted, not {type(value).__name__}")
        view = _view_of(value)
        if view is not None:
            kind = _as_bits(of_format(view.format, view.itemsize), declared)
            return Parts((kind, view.shape, bytes_of(view) if view.nbytes else b""))
        value = Array(value, declared if declared is not None or not isinstance(value, (
            bytes, bytearray)) else "uint8")
    if value.dtype.kind == "T":
        return Parts((value.dtype, value.shape, value._flat()))
    value = value._contiguous()
    data = value._bytes() if value.size else b""
    return Parts((_as_bits(value.dtype, declared), value.shape, data))


def _as_bits(kind, declared):
    # Types that numpy and buffers do not have come as whole numbers of their size.
    if declared is None or declared.kind != "x" and declared.name not in _NARROW:
        return kind
    return declared if kind.format == declared.format and kind.kind in "iu" else kind


_NARROW = ("int4", "uint4", "int2", "uint2")


def _view_of(value):
    # Of what has a buffer whose type says what the elements are: bytes are what the model declares.
    if isinstance(value, (bytes, bytearray, list, tuple, str, int, float)):
        return None
    try:
        return memoryview(value)
    except TypeError:
        return None


def _number_text(value):
    # As JavaScript reads it.
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(repr(value), repr(value))


class Parcel:
    """Values for the engine: one text, and the buffers beside it."""

    def __init__(self):
        self.buffers = []

    def put(self, value, declared=None):
        """The layout of a value, whose buffer is added."""
        if value is None:
            return None
        if isinstance(value, dict):
            return {"k": self._list(list(value)), "v": self._list(list(value.values()))}
        kind, shape, data = tensor_parts(value, declared)
        layout = {"t": kind.name, "d": list(shape)}
        if kind.kind == "T":
            layout["s"] = data
            return layout
        layout["b"] = -1
        if len(data):
            layout["b"] = len(self.buffers)
            self.buffers.append(data)
        return layout

    def _list(self, items):
        # Keys or values of a map.
        items = [item.item() if hasattr(item, "item") and not getattr(item, "shape", ()) else item
                 for item in items]
        if all(isinstance(item, str) for item in items):
            return {"string": items}
        if all(isinstance(item, int) for item in items):
            return {"integer": [str(int(item)) for item in items]}
        if all(isinstance(item, (int, float)) for item in items):
            return {"number": [_number_text(float(item)) for item in items]}
        return {"value": [self.put(item) for item in items]}

    def put_sequence(self, values, declared=None):
        """The layout of a sequence."""
        return [self.put(value, declared) for value in values]


class Receiver:
    """Results of the engine as arrays of Python's: made, then filled."""

    def __init__(self, sizes):
        self.numpy = numpy_module()
        self.buffers = [None] * len(sizes)

    def make(self, layout):
        """The value of a layout, whose buffers are still to be filled."""
        if layout is None:
            return None
        if isinstance(layout, list):
            return [self.make(each) for each in layout]
        if "k" in layout:
            return dict(zip(self._list(layout["k"]), self._list(layout["v"])))
        kind, shape = TYPES[layout["t"]], tuple(layout["d"])
        if kind.kind == "T":
            return self._texts(layout["s"], shape)
        return self._numbers(kind, shape, layout["b"])

    def fill(self, name, layout, target):
        """The array or buffer that takes the value of an output; AshoreError where it does not fit."""
        if not isinstance(layout, dict) or "t" not in layout or layout["t"] == "string":
            raise AshoreError("ERR_TYPE", f"output '{name}' is no tensor of numbers, which alone can "
                              "be written to memory that is given")
        kind, shape = TYPES[layout["t"]], tuple(layout["d"])
        try:
            view = memoryview(target)
            given = _as_bits(of_format(view.format, view.itemsize), kind)
        except TypeError as error:
            raise AshoreError("ERR_TYPE", f"output '{name}' cannot be written: {error}") from None
        if given != kind or view.shape != shape:
            raise AshoreError("ERR_TYPE" if given != kind else "ERR_SHAPE",
                              f"output '{name}' is {kind}{list(shape)}, not {given}{list(view.shape)}")
        if view.readonly or not view.c_contiguous:
            raise AshoreError("ERR_ARGUMENT", f"output '{name}': the memory that is given "
                              + ("cannot be written" if view.readonly else "is not in rows"))
        if layout["b"] >= 0:
            self.buffers[layout["b"]] = bytes_of(view)
        return target

    def _list(self, items):
        ((kind, values),) = items.items()
        convert = {"string": str, "integer": int, "number": float}.get(kind, self.make)
        return [convert(value) for value in values]

    def _texts(self, texts, shape):
        if self.numpy is None:
            return Array(texts, "string", shape)
        made = self.numpy.empty(len(texts), dtype=object)
        made[:] = texts
        return made.reshape(shape)

    def _numbers(self, kind, shape, index):
        if self.numpy is None:
            made = empty(shape, kind)
            data = made._base
        else:
            made = self.numpy.empty(shape, self.numpy.dtype(kind.str))
            data = bytes_of(made.reshape(-1))
        if index >= 0:
            self.buffers[index] = data
        return made


def describe_failure(name, error):
    """An error about what an input was given, as the engine would say it."""
    return AshoreError("ERR_TYPE", f"input '{name}': {error}", input=name)


def dumps(value):
    """JSON as short as it can be."""
    return json.dumps(value, separators=(",", ":"))
