"""Element types of ONNX, by name, and how their elements are read from bytes."""
import struct
from functools import lru_cache


class DType:
    """An element type.  Equal to its name, to itself, and to numpy's type of that name."""

    __slots__ = ("name", "itemsize", "format", "kind", "onnx", "number")

    def __init__(self, name, itemsize, fmt, kind, onnx=None):
        self.name = name
        self.itemsize = itemsize  # bytes
        self.format = fmt  # of struct, for the bits
        self.kind = kind  # as numpy's: b i u f c, T for texts; x: floats that Python does not know
        self.onnx = onnx or name
        self.number = 0  # ONNX's

    @property
    def str(self):
        """As in numpy's array interface; floats that numpy does not know are bit patterns there."""
        kind = {"x": "u", "T": "O"}.get(self.kind, self.kind)
        return ("|" if self.itemsize == 1 else "<") + kind + str(self.itemsize)

    def __eq__(self, other):
        if isinstance(other, DType):
            return other.name == self.name
        try:
            return dtype(other).name == self.name
        except TypeError:
            return False

    def __hash__(self):
        return hash(self.name)

    def __repr__(self):
        return f"dtype('{self.name}')"

    def __str__(self):
        return self.name


TYPES = {each.name: each for each in (
    DType("float32", 4, "f", "f", "float"), DType("uint8", 1, "B", "u"), DType("int8", 1, "b", "i"),
    DType("uint16", 2, "H", "u"), DType("int16", 2, "h", "i"), DType("int32", 4, "i", "i"),
    DType("int64", 8, "q", "i"), DType("string", 0, "", "T"), DType("bool", 1, "?", "b"),
    DType("float16", 2, "e", "f"), DType("float64", 8, "d", "f", "double"),
    DType("uint32", 4, "I", "u"), DType("uint64", 8, "Q", "u"), DType("complex64", 8, "ff", "c"),
    DType("complex128", 16, "dd", "c"), DType("bfloat16", 2, "H", "x"),
    DType("float8e4m3fn", 1, "B", "x"), DType("float8e4m3fnuz", 1, "B", "x"),
    DType("float8e5m2", 1, "B", "x"), DType("float8e5m2fnuz", 1, "B", "x"),
    DType("uint4", 1, "B", "u"), DType("int4", 1, "b", "i"), DType("float4e2m1", 1, "B", "x"),
    DType("float8e8m0", 1, "B", "x"), DType("uint2", 1, "B", "u"), DType("int2", 1, "b", "i"))}
for _number, _kind in enumerate(TYPES.values(), 1):
    _kind.number = _number

_OTHER_NAMES = {"float": "float64", "double": "float64", "int": "int64", "str": "string",
                "object": "string", "complex": "complex128", "half": "float16", "single": "float32",
                "bool_": "bool", "str_": "string", "object_": "string",
                **{each.onnx: each.name for each in TYPES.values() if each.onnx != "float"}}


def dtype(given):
    """The DType of a name, of Python's bool, int, float, complex or str, or of a type of numpy's."""
    if isinstance(given, DType):
        return given
    name = given if isinstance(given, str) else getattr(given, "name", None)
    if not isinstance(name, str):
        name = getattr(given, "__name__", None)
    found = TYPES.get(name) or TYPES.get(_OTHER_NAMES.get(name))
    if found is None and isinstance(name, str) and name.startswith("str"):
        found = TYPES["string"]  # numpy's str96
    if found is None:
        raise TypeError(f"{given!r} is not an element type: {', '.join(TYPES)}")
    return found


_SIGNED, _UNSIGNED = "bhilqn", "BHILQN"


@lru_cache(maxsize=None)
def of_format(fmt, itemsize):
    """The DType of a buffer's format (PEP 3118); TypeError where ONNX has none."""
    plain = fmt.lstrip("@=<|") if len(fmt) > 1 else fmt
    if fmt[:1] in (">", "!") and itemsize > 1:
        raise TypeError(f"elements of the format {fmt!r} have the other order of bytes")
    plain = plain.lstrip(">!")
    for letters, prefix in ((_SIGNED, "int"), (_UNSIGNED, "uint")):
        if plain in tuple(letters):
            return TYPES[f"{prefix}{8 * itemsize}"]
    kind = {"?": "bool", "e": "float16", "f": "float32", "d": "float64", "c": "uint8",
            "F": "complex64", "D": "complex128", "Zf": "complex64", "Zd": "complex128"}.get(plain)
    if kind is None:
        raise TypeError(f"elements of the format {fmt!r} are of no type of ONNX")
    return TYPES[kind]


# ---- floats that Python does not know --------------------------------------------------------------

_LAYOUTS = {"float8e4m3fn": (4, 3, 7), "float8e4m3fnuz": (4, 3, 8), "float8e5m2": (5, 2, 15),
            "float8e5m2fnuz": (5, 2, 16), "float4e2m1": (2, 1, 1)}  # exponent, mantissa, bias


def _small_float(name, bits):
    if name == "float8e8m0":
        return float("nan") if bits == 255 else 2.0 ** (bits - 127)
    wide, narrow, bias = _LAYOUTS[name]
    sign = -1.0 if bits >> (wide + narrow) & 1 else 1.0
    exponent = bits >> narrow & ((1 << wide) - 1)
    mantissa = bits & ((1 << narrow) - 1)
    last = exponent == (1 << wide) - 1
    if name.endswith("fnuz"):
        if bits == 128:
            return float("nan")
    elif name == "float8e5m2" and last:
        return float("nan") if mantissa else sign * float("inf")
    elif name == "float8e4m3fn" and last and mantissa == 7:
        return float("nan")
    if exponent == 0:
        return sign * mantissa * 2.0 ** (1 - bias - narrow)
    return sign * (1 + mantissa / (1 << narrow)) * 2.0 ** (exponent - bias)


@lru_cache(maxsize=None)
def small_floats(name):
    """What each byte of a small type of floats means."""
    count = 16 if name == "float4e2m1" else 256
    return tuple(_small_float(name, bits % count) for bits in range(256))


def _decode_bfloat16(bits):
    return struct.unpack("<f", struct.pack("<I", bits << 16))[0]


def _encode_bfloat16(value):
    value = float(value)
    if value != value:
        return 0x7FC0
    try:
        bits = struct.unpack("<I", struct.pack("<f", value))[0]
    except OverflowError:
        return 0x7F80 if value > 0 else 0xFF80
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16  # to nearest, ties to even


@lru_cache(maxsize=None)
def codec(name):
    """Of a type whose elements are not what struct reads: (decode, encode), functions of the tuple
    that struct has of one element.  None for the others."""
    if name == "bfloat16":
        return (lambda bits: _decode_bfloat16(bits[0]), lambda value: (_encode_bfloat16(value),))
    if TYPES[name].kind == "c":
        return (lambda pair: complex(*pair),
                lambda value: (complex(value).real, complex(value).imag))
    if name == "float16":
        return (lambda one: one[0], lambda value: (value,))
    if TYPES[name].kind != "x":
        return None
    table = small_floats(name)

    def encode(value):
        value = float(value)
        if value != value:
            bits = next((i for i, each in enumerate(table) if each != each), None)
        else:
            finite = [i for i, each in enumerate(table) if each == each]
            bits = min(finite, key=lambda i: (abs(table[i] - value) if table[i] != value else 0, i & 1))
        if bits is None:
            raise ValueError(f"{name} has no NaN")
        return (bits,)
    return (lambda bits: table[bits[0]], encode)
