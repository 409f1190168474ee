"""ashore.Array under CPython, beside numpy."""
import array
import ctypes
import itertools
import math
import pickle
import sys

import ashore
import numpy
import pytest
from ashore import Array
from ashore._dtypes import TYPES

NUMPY_TYPES = [name for name, kind in TYPES.items() if kind.kind in "biufc" and name not in (
    "uint4", "int4", "uint2", "int2")]


def sample(name, shape=(2, 3, 4)):
    """numpy's array of numbers of a type, which differ."""
    count = math.prod(shape)
    values = numpy.arange(count) % (2 if name == "bool" else 100)
    made = values.astype(name).reshape(shape)
    return made * (1 - 2j) if name.startswith("complex") else made


@pytest.mark.parametrize("name", NUMPY_TYPES)
def test_of_numpy_and_back_without_a_copy(name):
    given = sample(name)
    made = Array(given)
    assert (made.dtype, made.shape, made.strides) == (name, given.shape, given.strides)
    assert made.tolist() == given.tolist()
    back = numpy.asarray(made)
    assert back.dtype == given.dtype and numpy.array_equal(back, given)
    made[0, 0, 1] = 1
    assert back[0, 0, 1] == 1 and given[0, 0, 1] == 1, "one memory"


@pytest.mark.parametrize("name", NUMPY_TYPES)
def test_of_lists(name):
    given = sample(name)
    assert Array(given.tolist(), name).tobytes() == given.tobytes()


@pytest.mark.parametrize("name", NUMPY_TYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (2, 2)])
def test_few_and_no_elements(name, shape):
    given = sample(name, shape)
    made = Array(given)
    assert made.tolist() == given.tolist() and made.shape == shape and made.size == given.size
    back = numpy.asarray(made)
    assert back.shape == shape and back.dtype == given.dtype
    assert made.copy().tolist() == given.tolist()


INDICES = [0, -1, slice(None), slice(1, None), slice(None, None, -1), slice(3, 0, -2), None, Ellipsis,
           slice(5, 2)]


def test_indices_are_numpys():
    given = sample("int32")
    made = Array(given)
    for count in (1, 2, 3, 4):
        for index in itertools.product(INDICES, repeat=count):
            try:
                expected = given[index]
            except IndexError:
                with pytest.raises(IndexError):
                    made[index]
                continue
            found = made[index]
            assert numpy.array_equal(numpy.asarray(found), expected), index
            if isinstance(found, Array):
                assert found.tolist() == expected.tolist(), index
                assert found.shape == expected.shape, index
                assert found.copy().tobytes() == expected.tobytes(), index
    with pytest.raises(IndexError):
        made[2]
    with pytest.raises(IndexError):
        made[0, 0, 0, 0]


def test_rows_by_number_and_mask():
    given = sample("float32", (5, 3))
    made = Array(given)
    for index in ([0, 3, 3, -1], [True, False, True, True, False], []):
        assert made[index].tolist() == given[numpy.array(index, dtype=bool if True in index else int)
                                             ].tolist()
    assert made[made > 6].tolist() == given[given > 6].tolist()
    order = made[:, 0].argsort()[::-1]
    assert made[order].tolist() == given[given[:, 0].argsort()[::-1]].tolist()


def test_writing():
    given, made = sample("float32"), Array(sample("float32"))
    for index, value in [((0, 1), 7), ((slice(None), 0), [1, 2, 3, 4]), ((..., -1), [[9], [8]]),
                         (1, sample("float32", (3, 4)) * 2), ((0, 0, 0), 1.5)]:
        given[index] = value
        made[index] = value
        assert made.tolist() == given.tolist(), index
    with pytest.raises(ValueError, match="shape"):
        made[0] = [1, 2, 3]


def test_shapes():
    given, made = sample("int16"), Array(sample("int16"))
    assert made.reshape(4, -1).tolist() == given.reshape(4, -1).tolist()
    assert made.reshape((24,)).tolist() == given.reshape(24).tolist()
    for axes in itertools.permutations(range(3)):
        assert made.transpose(axes).tolist() == given.transpose(axes).tolist()
        assert made.transpose(*axes).reshape(-1).tolist() == given.transpose(axes).ravel().tolist()
    assert made.T.tolist() == given.T.tolist()
    assert made[:, :1].squeeze(1).shape == (2, 4) and made.reshape(1, 24, 1).squeeze().shape == (24,)
    for wrong in [(5, 5), (-1, 5), (-1, -1), (-24,)]:
        with pytest.raises(ValueError):
            made.reshape(wrong)


def test_reductions():
    for name in ("float32", "int32", "uint8", "bool", "float64"):
        given, made = sample(name), Array(sample(name))
        for axis, keep in itertools.product((None, 0, 1, 2, -1), (False, True)):
            for what in ("sum", "max", "min", "argmax", "argmin", "any", "all", "mean"):
                expected = getattr(given, what)(axis=axis, keepdims=keep)
                found = getattr(made, what)(axis=axis, keepdims=keep)
                assert numpy.allclose(numpy.asarray(found), expected), (name, what, axis, keep)
                assert numpy.shape(found) == expected.shape
        for axis in (0, 1, 2, -1):
            assert made.argsort(axis).tolist() == given.argsort(axis, kind="stable").tolist()


def test_what_is_no_number():
    made = Array([1.0, float("nan"), 3.0, float("inf")])
    given = numpy.array([1.0, float("nan"), 3.0, float("inf")])
    assert made.argmax() == given.argmax() == 1 and made.argmin() == given.argmin() == 1
    assert math.isnan(made.max()) and math.isnan(made.sum())
    assert made.argsort().tolist() == given.argsort(kind="stable").tolist()
    assert Array([1.0, float("inf")]).sum() == float("inf")
    assert (Array([1.0, -1.0]) / Array([0.0, 0.0])).tolist() == [float("inf"), float("-inf")]
    for what in ("max", "argmin"):
        with pytest.raises(ValueError):
            getattr(Array([], "float32"), what)()


def test_operators_are_numpys():
    numbers = {name: sample(name, (3, 4)) for name in ("float32", "int32", "uint8", "int64", "float64")}
    for (a_name, a), (b_name, b) in itertools.product(numbers.items(), repeat=2):
        for operation in ("__add__", "__mul__", "__lt__", "__eq__", "__ge__", "__truediv__"):
            with numpy.errstate(all="ignore"):
                expected = getattr(a, operation)(b[:1] + b.dtype.type(1))
            found = getattr(Array(a), operation)(Array(b[:1] + b.dtype.type(1)))
            assert numpy.allclose(numpy.asarray(found), expected), (a_name, b_name, operation)
    made, given = Array(numbers["float32"]), numbers["float32"]
    for f in (lambda x: x * 2 + 1, lambda x: 1 - x, lambda x: 2 / (x + 1), lambda x: -x, abs,
              lambda x: x ** 2, lambda x: x > 3, lambda x: x.clip(2, 5), lambda x: (x / 3).round(1)):
        assert numpy.asarray(f(made)).dtype == f(given).dtype
        assert numpy.allclose(numpy.asarray(f(made)), f(given), atol=1e-6)
    with pytest.raises(ValueError):
        made + Array([1.0, 2.0, 3.0])
    with pytest.raises(ValueError):
        bool(made)
    assert (made == made).all() and not (made != made).any()
    assert list(range(5))[Array([2])[0]] == 2 and [5, 6, 7][Array(2)] == 7


def test_conversions():
    given = numpy.array([-1.7, 0, 3.9, 300, -129], "float64")
    for name in ("int32", "int64", "float32", "float16", "bool", "complex64"):
        assert Array(given).astype(name).tolist() == given.astype(name).tolist(), name
    assert Array([300, -1], "uint8").tolist() == [44, 255]
    assert Array([200], "int8").tolist() == [-56]
    assert Array([1.0, 2.5]).astype("bfloat16").tolist() == [1.0, 2.5]


def test_bfloat16_rounds_to_even():
    for value in [1.0, 1 + 2 ** -9, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.3895314e38, -0.0, 1e-40]:
        bits = numpy.array([value], "float32").view("uint32")[0]
        expected = (int(bits) + 0x7FFF + (int(bits) >> 16 & 1)) >> 16
        made = Array([value], "bfloat16")
        assert numpy.asarray(made)[0] == expected, value
    assert Array([1e39, -1e39], "bfloat16").tolist() == [float("inf"), float("-inf")]
    assert math.isnan(Array([float("nan")], "bfloat16").item())


@pytest.mark.parametrize("name", [name for name in TYPES if name.startswith("float8")
                                  or name == "float4e2m1"])
def test_small_floats_are_onnx_s(name):
    types = pytest.importorskip("ml_dtypes")
    theirs = {"float8e4m3fn": "float8_e4m3fn", "float8e4m3fnuz": "float8_e4m3fnuz",
              "float8e5m2": "float8_e5m2", "float8e5m2fnuz": "float8_e5m2fnuz",
              "float8e8m0": "float8_e8m0fnu", "float4e2m1": "float4_e2m1fn"}[name]
    count = 16 if name == "float4e2m1" else 256
    bits = bytes(range(count))
    expected = numpy.frombuffer(bits, getattr(types, theirs)).astype("float32")
    found = numpy.array(Array(bits, name).tolist(), "float32")
    assert numpy.array_equal(found, expected, equal_nan=True)
    finite = expected[numpy.isfinite(expected)]
    assert Array(finite.tolist(), name).tolist() == finite.tolist()


def test_what_has_a_buffer():
    shared = array.array("f", range(6))
    for given in (shared, memoryview(shared), memoryview(shared).cast("B").cast("f", (2, 3)),
                  (ctypes.c_float * 6)(*range(6)), (ctypes.c_float * 3 * 2)((0, 1, 2), (3, 4, 5))):
        made = Array(given)
        assert made.dtype == "float32" and made.reshape(-1).tolist() == [0, 1, 2, 3, 4, 5]
    made = Array(shared)
    made[1] = 9
    assert shared[1] == 9, "one memory"
    assert Array(memoryview(shared)[::2]).tolist() == [0, 2, 4]
    assert Array(b"\x01\x02", "uint8").tolist() == [1, 2] and Array(b"ab").tolist() == [97, 98]
    assert Array(numpy.arange(3).astype("<f4").tobytes(), "float32").tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="whole elements"):
        Array(b"abc", "float32")
    with pytest.raises(TypeError, match="order of bytes"):
        Array(numpy.arange(3).astype(">f4"))
    with pytest.raises(TypeError):
        Array(numpy.array(["2020-01-01"], "datetime64[D]").view("V8"))


def test_gives_a_buffer():
    made = Array([[1.0, 2.0], [3.0, 4.0]], "float32")
    view = made.memoryview()
    assert view.shape == (2, 2) and view.format == "f" and view.tolist() == [[1, 2], [3, 4]]
    view[0, 0] = 5
    assert made[0, 0] == 5
    turned = made.T.memoryview()
    assert turned.tolist() == [[5, 3], [2, 4]] and turned.readonly
    assert Array([1 + 2j]).memoryview().nbytes == 16
    assert Array([], "float32").memoryview().nbytes == 0
    if sys.version_info >= (3, 12):
        assert memoryview(made).tolist() == [[5, 2], [3, 4]]
        with pytest.raises(BufferError):
            Array(b"ab").__buffer__(1)


def test_texts():
    made = Array([["a", "ü"], ["", "c"]])
    assert made.dtype == "string" and made.T.tolist() == [["a", ""], ["ü", "c"]]
    assert (made == "a").tolist() == [[True, False], [False, False]]
    assert numpy.asarray(made).tolist() == made.tolist()
    assert made[0, 1] == "ü" and "c" in made and made.copy().tolist() == made.tolist()
    with pytest.raises(TypeError):
        made.memoryview()


def test_words():
    assert repr(Array([1, 2])) == "Array([1, 2], dtype=int64, shape=(2,))"
    assert str(Array([[0.1], [1 / 3]])) == "[[0.1],\n [0.333333]]"
    assert str(Array(range(100))) == "[0, 1, 2, ..., 97, 98, 99]"
    assert f"{Array([0.5]).item():.2f}" == "0.50" and f"{Array(0.5):.2f}" == "0.50"
    assert "shape=(0, 2)" in repr(ashore.empty((0, 2)))


def test_copies_and_pickles():
    given = Array([[1.5, 2.5]], "float16")
    for other in (given.copy(), pickle.loads(pickle.dumps(given)), Array(given)):
        assert other.dtype == "float16" and other.tolist() == given.tolist()
    texts = Array(["a", "b"])
    assert pickle.loads(pickle.dumps(texts)).tolist() == ["a", "b"]


def test_what_is_wrong_is_said():
    with pytest.raises(ValueError, match="rows of different extents"):
        Array([[1, 2], [3]])
    with pytest.raises(TypeError, match="not an element type"):
        Array([1], "float128")
    with pytest.raises(ValueError, match="say which"):
        Array([1, 2]).item()
    with pytest.raises(TypeError, match="scalar"):
        len(Array(1))


def test_names_of_types():
    for given, name in [(float, "float64"), (int, "int64"), (bool, "bool"), (str, "string"),
                        (numpy.float32, "float32"), (numpy.dtype("int8"), "int8"), ("double", "float64"),
                        ("float", "float64"), (numpy.array(["abc"]).dtype, "string")]:
        assert ashore.dtype(given).name == name
    assert ashore.dtype("float32") == numpy.float32 and ashore.dtype("int8") != "uint8"
