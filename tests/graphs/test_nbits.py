"""com.microsoft's MatMulNBits and GatherBlockQuantized against onnxruntime."""

import itertools

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

KINDS = {np.float32: TensorProto.FLOAT, np.float16: TensorProto.FLOAT16}
EPS = {np.float32: 2.0 ** -23, np.float16: 2.0 ** -10}
MODES = ({}, {"threads": 2}, {"reference": 1})


def model(op, feeds, constants, dtype, **attributes):
    node = helper.make_node(op, list(feeds) + [n if c is not None else ""
                                               for n, c in constants.items()], ["y"],
                            domain="com.microsoft", **attributes)
    while node.input and not node.input[-1]:
        node.input.pop()
    info = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in feeds.items()]
    tensors = [c if isinstance(c, onnx.TensorProto) else numpy_helper.from_array(c, n)
               for n, c in constants.items() if c is not None]
    for tensor, name in zip(tensors, [n for n, c in constants.items() if c is not None]):
        tensor.name = name
    graph = helper.make_graph([node], "nbits", info,
                              [helper.make_tensor_value_info("y", KINDS[dtype], None)], tensors)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def oracle(m, feeds):
    session = onnxruntime.InferenceSession(m.SerializeToString(),
                                           providers=["CPUExecutionProvider"])
    return session.run(None, feeds)[0]


def packed(codes, bits):
    """Codes along the last dimension into bytes, lowest first, each row filled up."""
    per = 8 // bits
    rest = -codes.shape[-1] % per
    codes = np.pad(codes, [(0, 0)] * (codes.ndim - 1) + [(0, rest)]).astype(np.uint8)
    parts = codes.reshape(*codes.shape[:-1], -1, per)
    return sum(parts[..., i] << (i * bits) for i in range(per)).astype(np.uint8)


class Weights:
    """Quantised weights of N columns, and what they stand for."""

    def __init__(self, rng, n, k, block, bits, zeros, dtype, groups=False):
        blocks = -(-k // block)
        codes = rng.integers(0, 1 << bits, (n, blocks * block))
        self.scales = rng.uniform(-0.1, 0.1, (n, blocks)).astype(dtype)
        points = rng.integers(0, 1 << bits, (n, blocks)).astype(np.float64)
        self.zeros = None
        if zeros == "packed":
            self.zeros = packed(points.astype(np.int64), bits)
        elif zeros == "float":
            self.zeros = points.astype(dtype)
        else:
            points[:] = 1 << (bits - 1)
        group = np.arange(blocks * block) // block
        self.groups = None
        if groups:
            group = rng.integers(0, blocks, blocks * block)
            self.groups = group[:k].astype(np.int32)
        self.codes = packed(codes, bits).reshape(n, blocks, -1)
        scale = self.scales.astype(np.float64)
        self.w = ((codes - points[:, group]) * scale[:, group])[:, :k].T
        self.size = ((codes + points[:, group]) * np.abs(scale[:, group]))[:, :k].T


PRODUCTS = [dict(bits=b, block=s, zeros=z, dtype=d, shape=a, n=n)
            for (b, s, z, d), (a, n) in itertools.product(
                itertools.product((4, 8), (16, 32, 128), (None, "packed", "float"),
                                  (np.float32, np.float16)),
                (((1, 96), 33), ((2, 5, 70), 64)))]
PRODUCTS += [dict(bits=2, block=32, zeros=z, dtype=np.float32, shape=(m, 100), n=20)
             for z in (None, "packed") for m in (1, 9)]
PRODUCTS += [dict(bits=4, block=256, zeros=None, dtype=np.float32, shape=(m, 1030), n=130)
             for m in (1, 3, 200)]
PRODUCTS += [dict(bits=4, block=2048, zeros="packed", dtype=np.float32, shape=(m, 4100), n=7)
             for m in (1, 3)]


@pytest.mark.parametrize("p", PRODUCTS, ids=lambda p: "-".join(
    str(getattr(v, "__name__", v)) for v in p.values()))
@pytest.mark.parametrize("bias", (False, True))
def test_product(library, p, bias):
    """Within (k + 2 B + 10) eps of the sum of magnitudes, B blocks, as the kernel's header says; in
    float16 one rounding of the result more.  onnxruntime may round its weights to float16, too."""
    rng = np.random.default_rng(1)
    dtype, k, n = p["dtype"], p["shape"][-1], p["n"]
    q = Weights(rng, n, k, p["block"], p["bits"], p["zeros"], dtype)
    a = rng.uniform(-1, 1, p["shape"]).astype(dtype)
    b = rng.uniform(-1, 1, n).astype(dtype) if bias else None
    feeds = {"a": a}
    constants = {"codes": q.codes, "scales": q.scales, "zeros": q.zeros, "groups": None, "bias": b}
    m = model("MatMulNBits", feeds, constants, dtype, K=k, N=n, bits=p["bits"],
              block_size=p["block"])
    want = a.astype(np.float64) @ q.w + (0 if b is None else b.astype(np.float64))
    size = np.abs(a.astype(np.float64)) @ q.size + 1
    bound = (k + 2 * -(-k // p["block"]) + 10) * 2.0 ** -23 * size
    if dtype == np.float16:
        bound = bound + 2.0 ** -11 * np.abs(want)
    for options in MODES:
        with library.load(m.SerializeToString(), **options) as ours:
            got = ours.run(feeds)["y"]
        assert got.dtype == dtype and got.shape == want.shape
        assert np.all(np.abs(got.astype(np.float64) - want) <= bound)
    if (p["bits"], p["zeros"]) == (8, "float") or p["block"] > 256:
        with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.Fail):
            oracle(m, feeds)  # it has no kernel for these
        return
    theirs = oracle(m, feeds).astype(np.float64)
    slack = bound if dtype == np.float32 else 2.0 ** -11 * (size + np.abs(want)) + bound
    assert np.all(np.abs(theirs - want) <= slack)


def in_bytes(a, block):
    """Each block as whole numbers of -127..127 times a factor; and the factors."""
    k = a.shape[-1]
    blocks = np.pad(a, [(0, 0), (0, -k % block)]).reshape(a.shape[0], -1, block)
    each = np.abs(blocks).max(-1, keepdims=True) / np.float32(127)
    whole = np.rint(blocks / np.where(each > 0, each, np.float32(1)))
    flat = (whole.astype(np.float64) * each).reshape(a.shape[0], -1)[:, :k]
    return flat, np.repeat(each[..., 0], block, -1)[:, :k]


@pytest.mark.parametrize("rows", (1, 5))
@pytest.mark.parametrize("zeros", (None, "packed"))
@pytest.mark.parametrize("bits, block, k", ((4, 32, 333), (4, 128, 512), (8, 16, 70),
                                            (4, 1 << 16, 500), (2, 64, 200)))
def test_accuracy_of_bytes(library, bits, block, k, zeros, rows):
    """accuracy_level 4 allows onnxruntime to round a to int8, block by block.  One row is: the
    result is that of the rounded row.  Several are not, nor where a block's sum may be too large."""
    rng = np.random.default_rng(3)
    q = Weights(rng, 50, k, block, bits, zeros, np.float32)
    a = rng.normal(size=(rows, k)).astype(np.float32)
    a[:, block:2 * block] = 0
    feeds = {"a": a}
    constants = {"codes": q.codes, "scales": q.scales, "zeros": q.zeros}
    m = model("MatMulNBits", feeds, constants, np.float32, K=k, N=50, bits=bits, block_size=block,
              accuracy_level=4)
    rounded, each = in_bytes(a, block)
    bound = (k + 2 * -(-k // block) + 10) * 2.0 ** -23 * (np.abs(a) @ q.size)
    for options in MODES:
        whole = rows == 1 and block < 1 << 16 and not options.get("reference")
        with library.load(m.SerializeToString(), **options) as ours:
            got = ours.run(feeds)["y"]
        assert np.all(np.abs(got - (rounded if whole else a).astype(np.float64) @ q.w) <= bound)
    if block <= 256 and bits == 4:
        slack = (each / 2) @ np.abs(q.w) + bound
        assert np.all(np.abs(oracle(m, feeds) - a.astype(np.float64) @ q.w) <= slack)


@pytest.mark.parametrize("rows", (1, 5))
def test_bytes_that_are_not_finite(library, rows):
    rng = np.random.default_rng(4)
    q = Weights(rng, 20, 96, 32, 4, None, np.float32)
    a = rng.normal(size=(rows, 96)).astype(np.float32)
    constants = {"codes": q.codes, "scales": q.scales}
    m = model("MatMulNBits", {"a": a}, constants, np.float32, K=96, N=20, bits=4, block_size=32,
              accuracy_level=4)
    with library.load(m.SerializeToString()) as ours:
        for x in (np.nan, np.inf, -np.inf):
            a[0, 40] = x
            y = ours.run({"a": a})["y"]
            assert not np.isfinite(y[0]).any() and np.isfinite(y[1:]).all()
        a[0, 40] = 1e-45  # what it is a multiple of is less than the least number
        a[0, 32:40] = a[0, 41:64] = 0
        y = ours.run({"a": a})["y"]
        assert np.all(np.abs(y - a.astype(np.float64) @ q.w) <= 0.1)


@pytest.mark.parametrize("zeros", (None, "float", "packed"))
@pytest.mark.parametrize("rows", (1, 7))
def test_groups(library, rows, zeros):
    rng = np.random.default_rng(2)
    q = Weights(rng, 12, 80, 16, 4, zeros, np.float32, groups=True)
    a = rng.uniform(-1, 1, (rows, 80)).astype(np.float32)
    constants = {"codes": q.codes, "scales": q.scales, "zeros": q.zeros, "groups": q.groups}
    m = model("MatMulNBits", {"a": a}, constants, np.float32, K=80, N=12, bits=4, block_size=16)
    want = a.astype(np.float64) @ q.w
    bound = 90 * 2.0 ** -23 * (np.abs(a) @ q.size)
    if zeros != "packed":  # these onnxruntime 1.31 reads in another order when there are groups
        assert np.all(np.abs(oracle(m, {"a": a}) - want) <= bound)
    with library.load(m.SerializeToString()) as ours:
        assert np.all(np.abs(ours.run({"a": a})["y"] - want) <= bound)


def elements(codes, kind):
    t = helper.make_tensor("t", kind, codes.shape, codes.flatten().tolist())
    return t


GATHERS = [dict(kind=kind, shape=shape, gather=g, blocks=b, block=block, zeros=z, dtype=d)
           for kind, (shape, g, b, block), z, d in itertools.product(
               ("int4", "uint4"),
               (((5, 40), 0, 1, 16), ((3, 4, 64), 0, 2, 32), ((3, 40, 6), 0, 1, 16),
                ((40, 6), 1, 0, 16), ((3, 4, 64), 1, -1, 16)),
               (False, True), (np.float32, np.float16))]
GATHERS += [dict(kind=kind, shape=(7, 64), gather=0, blocks=1, block=32, zeros=z, dtype=d)
            for kind in (2, 4, 8) for z in (False, True) for d in (np.float32, np.float16)]


@pytest.mark.parametrize("p", GATHERS, ids=lambda p: "-".join(
    str(getattr(v, "__name__", v)) for v in p.values()))
def test_gather(library, p):
    rng = np.random.default_rng(3)
    kind, shape, dtype = p["kind"], p["shape"], p["dtype"]
    bits = 4 if isinstance(kind, str) else kind
    low = -8 if kind == "int4" else 0
    codes = rng.integers(low, low + (1 << bits), shape)
    axis = p["blocks"] % len(shape)
    dim = list(shape)
    dim[axis] = -(-dim[axis] // p["block"])
    scales = rng.uniform(-0.1, 0.1, dim).astype(dtype)
    points = rng.integers(low, low + (1 << bits), dim)
    data = points_given = None
    if isinstance(kind, str):
        number = TensorProto.INT4 if kind == "int4" else TensorProto.UINT4
        data = elements(codes, number)
        points_given = elements(points, number) if p["zeros"] else None
        zero = points if p["zeros"] else np.zeros_like(points)
    else:
        data = packed(codes, bits)
        points_given = packed(points, bits) if p["zeros"] else None
        zero = points if p["zeros"] else np.full_like(points, 1 << (bits - 1))
    size = shape[p["gather"]]
    index = rng.integers(-size, size, (2, 3)).astype(np.int64)
    index[1, 1:] = size, -size - 1  # out of range: zeros

    def spread(array):
        return np.take(array, np.arange(shape[axis]) // p["block"], axis)
    full = (codes - spread(zero)) * spread(scales.astype(np.float64))
    full = np.concatenate([full, np.zeros_like(np.take(full, [0], p["gather"]))], p["gather"])
    inside = (index >= -size) & (index < size)
    want = np.take(full, np.where(inside, index % size, size), p["gather"])
    graph_data = {"data": data, "i": index, "scales": scales, "zeros": points_given}
    order = helper.make_node("GatherBlockQuantized", [n if c is not None else ""
                                                      for n, c in graph_data.items()], ["y"],
                             domain="com.microsoft", gather_axis=p["gather"],
                             quantize_axis=p["blocks"], block_size=p["block"], bits=bits)
    while not order.input[-1]:
        order.input.pop()
    m = model("GatherBlockQuantized", {"i": index},
              {n: c for n, c in graph_data.items() if n != "i"}, dtype)
    m.graph.node[0].CopyFrom(order)
    theirs = oracle(m, {"i": index})
    # A difference of small integers is exact; the product is rounded once.
    bound = EPS[dtype] / 2 * np.abs(want)
    assert np.all(np.abs(theirs.astype(np.float64) - want) <= 2 * bound)
    with library.load(m.SerializeToString()) as ours:
        got = ours.run({"i": index})["y"]
    assert got.dtype == dtype and got.shape == want.shape
    assert np.all(np.abs(got.astype(np.float64) - want) <= bound)
