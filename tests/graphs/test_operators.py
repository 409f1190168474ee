"""Single operators over all types that NumPy has, and on strings: planned, on references, in two
threads."""

import os
import subprocess

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODES = [{}, {"reference": 1}, {"threads": 2}]
INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
NUMBERS = [np.float16, np.float32, np.float64, *INTEGERS]


def kind(array):
    return TensorProto.STRING if array.dtype == object else helper.np_dtype_to_tensor_dtype(
        array.dtype)


def make(op, inputs, outputs, attributes, opset):
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    node = helper.make_node(op, names, [f"y{i}" for i in range(outputs)], **attributes)
    graph = helper.make_graph(
        [node], op,
        [helper.make_tensor_value_info(n, kind(x), x.shape) for n, x in zip(names, inputs) if n],
        [helper.make_tensor_value_info(f"y{i}", 0, None) for i in range(outputs)])
    for y in graph.output:
        y.type.Clear()
        y.type.tensor_type.SetInParent()
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def check(library, op, inputs, wanted, opset=24, tolerance=0.0, **attributes):
    model = make(op, inputs, len(wanted), attributes, opset).SerializeToString()
    feeds = {f"x{i}": x for i, x in enumerate(inputs) if x is not None}
    for mode in MODES:
        with library.load(model, **mode) as loaded:
            got = loaded.run(feeds)
        for i, want in enumerate(wanted):
            y = got[f"y{i}"]
            assert (y.dtype, y.shape) == (want.dtype, want.shape), (op, attributes, mode)
            far = tolerance * max(1, np.abs(want).max(initial=0)) if tolerance else 0
            np.testing.assert_allclose(y, want, rtol=0, atol=far, err_msg=f"{op} {attributes}")


def filled(dtype, *shape, seed=1):
    r = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return (r.integers(-40, 40, shape) / 8).astype(dtype)
    limits = np.iinfo(dtype)
    array = r.integers(0, 9, shape).astype(dtype)
    array[r.random(shape) < 0.1] = limits.min
    array[r.random(shape) < 0.1] = limits.max
    return array


@pytest.mark.parametrize("dtype", NUMBERS)
def test_order(library, dtype):
    """ArgMax, ArgMin, TopK, Unique; ties are frequent, NaN is above all."""
    for shape, axis in (((3, 300, 5), 1), ((2, 7, 600), -1), ((300, 2, 3), 0), ((1,), 0)):
        x = filled(dtype, *shape)
        if np.dtype(dtype).kind == "f":
            x[(0,) * x.ndim] = np.nan
        last = x.shape[axis] - 1 - np.argmax(np.flip(x, axis), axis)
        check(library, "ArgMax", [x], [np.argmax(x, axis)], 13, axis=axis, keepdims=0)
        check(library, "ArgMin", [x], [np.argmin(x, axis)], 13, axis=axis, keepdims=0)
        check(library, "ArgMax", [x], [last], 13, axis=axis, keepdims=0, select_last_index=1)
        for largest in (0, 1):
            order = np.argsort(x, axis, kind="stable")
            if largest:
                back = np.argsort(np.flip(x, axis), axis, kind="stable")
                order = x.shape[axis] - 1 - np.flip(back, axis)
            k = x.shape[axis] // 2 + 1
            order = np.take(order, np.arange(k), axis)
            check(library, "TopK", [x, np.array([k])],
                  [np.take_along_axis(x, order, axis), order], axis=axis, largest=largest)
    x = filled(dtype, 40, 2)
    for axis in (None, 0, 1):
        y, first, back, count = np.unique(x, True, True, True, axis=axis)
        where = {} if axis is None else {"axis": axis}
        check(library, "Unique", [x], [y, first, back.reshape(-1), count], 11, **where)


@pytest.mark.parametrize("dtype", NUMBERS)
def test_movement(library, dtype):
    x = filled(dtype, 3, 300, 5)
    at = np.random.default_rng(2).integers(-300, 300, (2, 400, 5))
    check(library, "GatherElements", [x, at], [np.take_along_axis(x[:2], at % 300, 1)], axis=1)
    for k in (-400, -1, 0, 3, 400):
        check(library, "Trilu", [x, np.array(k)], [np.triu(x, k)], upper=1)
        check(library, "Trilu", [x, np.array(k)], [np.tril(x, k)], upper=0)
    keep = np.random.default_rng(3).random(300) < 0.5
    check(library, "Compress", [x, keep], [np.compress(keep, x, 1)], 11, axis=1)
    rows = np.random.default_rng(4).permutation(300)[:120]
    for name, ufunc in (("none", None), ("add", np.add), ("mul", np.multiply),
                        ("min", np.minimum), ("max", np.maximum)):
        want, new = x.copy(), filled(dtype, 3, 120, 5, seed=5)
        lanes = np.broadcast_to(rows[None, :, None], new.shape).copy()
        with np.errstate(over="ignore"):
            old = np.take_along_axis(x, lanes, 1)
            np.put_along_axis(want, lanes, ufunc(old, new) if ufunc else new, 1)
        near = 0 if np.dtype(dtype).kind != "f" else np.finfo(dtype).eps
        check(library, "ScatterElements", [x, lanes, new], [want], 18, near, axis=1, reduction=name)
        pairs = np.stack([np.arange(3).repeat(120), np.tile(rows - 300, 3)], 1)
        check(library, "ScatterND", [x, pairs, new.reshape(360, 5)], [want], 18, near,
              reduction=name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64, np.uint64])
def test_running(library, dtype):
    x = filled(dtype, 3, 300, 2)
    for axis in (0, 1, 2):
        for back in (0, 1):
            lanes = np.flip(x, axis) if back else x
            y = np.cumsum(lanes, axis, dtype=None if lanes.dtype.kind != "f" else np.float64)
            for exclusive in (0, 1):
                want = y - lanes if exclusive else y
                want = (np.flip(want, axis) if back else want).astype(dtype)
                near = 2.0 ** -23 if lanes.dtype.kind == "f" else 0
                check(library, "CumSum", [x, np.array(axis)], [want], 14, near, reverse=back,
                      exclusive=exclusive)


@pytest.mark.parametrize("equation", [
    "bhid,bhjd->bhij", "bihd,bjhd->bhij", "bhij,bjhd->bihd", "ij,jk", "ij,kj->ik", "ji,jk->ki",
    "i,j->ij", "i,i->", "ij,ij->ji", "...ij,...jk->...ik", "...ij,jk", "ii->i", "ii", "ij->ji",
    "b...->...", "ij,jk,kl->il", "abcd,dcef->abef", "acbd,cade->abe", "ijj,jk->ik", "ij,k->ik",
    "ab,cd->dcab", "zabc,zdbc->dbaz", "abcx,abcy->cbaxy", "Aa,aB", " i j , j k -> i k "])
def test_einsum(library, equation):
    size = dict(zip("abcdefhijklxyzAB", (2, 3, 4, 5, 3, 2, 3, 4, 5, 6, 3, 2, 5, 2, 3, 4)))
    terms = equation.replace(" ", "").split("->")[0].split(",")
    for dtype in (np.float32, np.float64, np.int64):
        xs = [filled(dtype, *[size[c] for c in t.replace("...", "lf")], seed=i)
              for i, t in enumerate(terms)]
        # Exact: eighths below 5 in magnitude, three factors, sums of at most 24.
        xs = [np.clip(x, 0, 5) if x.dtype == np.int64 else x for x in xs]
        want = np.asarray(np.einsum(equation.replace(" ", ""), *xs))
        check(library, "Einsum", xs, [want], equation=equation)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_bits(library, dtype):
    x, bits = filled(dtype, 50), np.dtype(dtype).itemsize * 8
    far = np.random.default_rng(6).integers(0, bits + 5, 50).astype(dtype)
    for direction in ("LEFT", "RIGHT"):
        want = []
        for v, n in zip(x.tolist(), far.tolist()):
            shifted = v << n if direction == "LEFT" else v >> n
            want.append(shifted & (1 << bits) - 1)
        want = np.array(want, np.uint64).astype(f"u{bits // 8}").view(dtype)
        check(library, "BitShift", [x, far], [want], 28, direction=direction)
    check(library, "BitwiseNot", [x], [~x], 18)


def pairs(z, dtype):
    return np.stack([z.real, z.imag], -1).astype(dtype)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 12, 61, 67, 134, 400])
def test_fourier(library, n):
    """67 and 134 have a factor that is large."""
    r = np.random.default_rng(n)
    for dtype, near in ((np.float32, 2.0 ** -23), (np.float64, 1e-13)):
        z = r.uniform(-1, 1, (2, n, 3, 2)).astype(dtype)
        c, axis = z[..., 0] + 1j * z[..., 1], np.array(1)
        real = np.fft.rfft(c.real.astype(np.float64), axis=1)
        check(library, "DFT", [z, None, axis], [pairs(np.fft.fft(c, axis=1), dtype)], 20, near)
        check(library, "DFT", [z[..., :1], None, axis], [pairs(real, dtype)], 20, near, onesided=1)
        check(library, "DFT", [z], [pairs(np.fft.ifft(c, axis=1), dtype)], 17, near, axis=1,
              inverse=1)
        check(library, "DFT", [z, np.array(n + 3), axis],
              [pairs(np.fft.fft(c, n + 3, axis=1), dtype)], 20, near)
        half = np.fft.irfft(c, n + 1, axis=1)[..., None].astype(dtype)
        check(library, "DFT", [z, np.array(n + 1), axis], [half], 20, near, inverse=1, onesided=1)


S = np.array([["x", "yy", "z"], ["p", "", "\u00e9"]], object)
TEXTS = {
    "ScatterElements": ([S, np.array([[1, 0]]), np.array([["new", "two"]], object)],
                        [[["two", "new", "z"], ["p", "", "\u00e9"]]], {"axis": 1}),
    "ScatterND": ([S, np.array([[1]]), np.array([["new", "two", ""]], object)],
                  [[["x", "yy", "z"], ["new", "two", ""]]], {}),
    "Trilu": ([S], [[["x", "yy", "z"], ["", "", "\u00e9"]]], {}),
    "OneHot": ([np.array([1, -1, 7]), np.array(3), np.array(["off", "on"], object)],
               [[["off", "on", "off"], ["off", "off", "on"], ["off"] * 3]], {}),
    "GatherElements": ([S, np.array([[2, -3], [1, 0]])], [[["z", "x"], ["", "p"]]], {"axis": 1}),
    "Compress": ([S, np.array([False, True, True])], [[["yy", "z"], ["", "\u00e9"]]], {"axis": 1}),
    "Unique": ([np.array(["b", "", "ab", "b", "a"], object)],
               [["", "a", "ab", "b"], [1, 4, 2, 0], [3, 0, 2, 3, 1], [1, 1, 1, 2]], {}),
    "ReverseSequence": ([S, np.array([2, 1, 2])], [[["p", "yy", "\u00e9"], ["x", "", "z"]]], {}),
    "StringConcat": ([S, np.array([["-"], ["+"]], object)],
                     [[["x-", "yy-", "z-"], ["p+", "+", "\u00e9+"]]], {}),
    "StringSplit": ([np.array([" a  b ", "", "c"], object)],
                    [[["a", "b"], ["", ""], ["c", ""]], [2, 0, 1]], {}),
    "StringNormalizer": ([np.array(["STOP", "\u00c9t\u00e9", "\u042f", "a"], object)],
                         [["\u00e9t\u00e9", "\u044f", "a"]],
                         {"case_change_action": "LOWER", "stopwords": ["stop"]}),
}


@pytest.mark.parametrize("op", TEXTS)
def test_texts(op, tmp_path):
    inputs, wanted, attributes = TEXTS[op]
    wanted = [np.array(w, object if isinstance(np.ravel(np.array(w, object))[0], str) else np.int64)
              for w in wanted]
    data = tmp_path / "test_data_set_0"
    data.mkdir()
    onnx.save(make(op, inputs, len(wanted), attributes, 20), tmp_path / "model.onnx")
    for name, arrays in (("input", inputs), ("output", wanted)):
        for i, array in enumerate(arrays):
            onnx.save_tensor(numpy_helper.from_array(array), data / f"{name}_{i}.pb")
    program = os.path.join(os.environ.get("ASHORE_BUILD", os.path.join(ROOT, "build")), "ashore")
    done = subprocess.run([program, "verify", str(tmp_path)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
