"""Quantised operators and networks against onnxruntime, which computes them without its rewrites.

What is exact in both, sums of products of bytes, must be equal.  Where scaled sums are rounded to a
quantum, the two may fall on different sides of a tie, because onnxruntime scales by other roundings
or, between DequantizeLinear and QuantizeLinear, sums in float32: by one quantum, and rarely."""

import json
import os
import subprocess

import numpy as np
import onnx
import onnxruntime
import pytest
import quantized_maker
from onnx import helper, numpy_helper

MODES = {"rewritten": {}, "as written": {"optimize": 0}, "reference": {"reference": 1},
         "two threads": {"threads": 2}}
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ASHORE = os.environ.get("ASHORE", os.path.join(ROOT, "build", "ashore"))
OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]


def wanted(model, feeds):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)[0]


def results(library, model, feeds):
    """Of every mode; the same bits in all of them where `model` is of bytes throughout."""
    out = {}
    for mode, options in MODES.items():
        with library.load(model, **options) as loaded:
            out[mode] = loaded.run(feeds)["y"]
            again = loaded.run(feeds)["y"]
        assert np.array_equal(out[mode], again), mode
    return out


def one_node(op, feeds, constants, order, domain="", **attributes):
    """A model of one node; `order` names its inputs, "" where one is left out."""
    node = helper.make_node(op, order, ["y"], domain=domain, **attributes)
    inputs = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
              for n, a in feeds.items()]
    graph = helper.make_graph([node], "one", inputs,
                              [onnx.ValueInfoProto(name="y")],
                              [numpy_helper.from_array(np.asarray(a), n)
                               for n, a in constants.items()])
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=8)


def output_type(model, dtype):
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info(
        "y", helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), None))
    return model.SerializeToString()


def random_bytes(rng, dtype, shape, extreme=False):
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    if extreme:
        return rng.choice(np.array([low, high], dtype), shape)
    return rng.integers(low, high, shape, dtype, endpoint=True)


def compare(library, model, feeds, far):
    """far: 0 for equality, else the greatest difference, which one element in a hundred (or two
    of a few) may have."""
    want = wanted(model, feeds)
    got = results(library, model, feeds)
    for mode, array in got.items():
        assert array.shape == want.shape and array.dtype == want.dtype, mode
        assert np.array_equal(array, got["reference"]), f"{mode} differs from reference"
        off = np.abs(array.astype(np.float64) - want.astype(np.float64))
        assert off.size == 0 or off.max() <= far, f"{mode}: off by {off.max()}"
        assert (off > 0).sum() <= max(2, off.size / 100), f"{mode}: {(off > 0).mean():.3%} differ"


def conv_case(rng):
    signed_w = rng.integers(2)
    w_type = np.int8 if signed_w else np.uint8
    x_type = np.uint8 if rng.integers(2) or not signed_w else np.int8
    groups = int(rng.choice([1, 1, 2, 3]))
    each, out = int(rng.integers(1, 20)), groups * int(rng.integers(1, 12))
    if rng.integers(3) == 0:
        groups, each = int(rng.integers(2, 40)), 1
        out = groups
    k = [int(n) for n in rng.integers(1, 4, 2)]
    strides, dilations = rng.integers(1, 3, (2, 2)).tolist()
    attributes = {"group": groups, "kernel_shape": k, "strides": strides, "dilations": dilations,
                  "pads": rng.integers(0, 3, 4).tolist()}
    shape = (int(rng.integers(1, 3)), groups * each, 9, 11)
    x = random_bytes(rng, x_type, shape, rng.integers(4) == 0)
    w = random_bytes(rng, w_type, (out, each, *k), rng.integers(4) == 0)
    return x, w, attributes


@pytest.mark.parametrize("seed", range(24))
def test_convolution(library, seed):
    rng = np.random.default_rng(seed)
    x, w, attributes = conv_case(rng)
    each = rng.integers(2)  # scale and zero point of every channel
    per = (w.shape[0],) if each else ()
    x_zero = random_bytes(rng, x.dtype, ())
    # onnxruntime takes zero points of int8 weights for 0, and of uint8 weights to be equal.
    w_zero = np.full(per, rng.integers(256) if w.dtype == np.uint8 else 0, w.dtype)
    if x.dtype == np.uint8:
        zeros = {"xz": x_zero, "wz": w_zero.reshape(-1)[0]}
        model = one_node("ConvInteger", {"x": x}, {"w": w} | zeros, ["x", "w", "xz", "wz"],
                         **attributes)
        compare(library, output_type(model, np.int32), {"x": x}, 0)
    taps = w[0].size
    bias = rng.integers(-1000, 1000, w.shape[0]).astype(np.int32)
    constants = {"xs": np.float32(0.02), "xz": x_zero, "w": w,
                 "ws": rng.uniform(0.005, 0.02, per).astype(np.float32), "wz": w_zero,
                 "ys": np.float32(0.02 * 0.01 * 74 * 74 * taps ** 0.5 / 40),
                 "yz": random_bytes(rng, x.dtype, ()), "b": bias}
    order = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"] + ["b"] * int(rng.integers(2))
    model = one_node("QLinearConv", {"x": x}, constants, order, **attributes)
    compare(library, output_type(model, x.dtype), {"x": x}, 1)
    # As onnxruntime writes it out again: images may be channels-last, weights are not.
    last = int(rng.integers(2))
    x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if last else x
    model = one_node("QLinearConv", {"x": x}, constants, order, "com.microsoft",
                     **attributes, **({"channels_last": last} if last else {}))
    compare(library, output_type(model, x.dtype), {"x": x}, 1)


@pytest.mark.parametrize("seed", range(16))
def test_matrix_product(library, seed):
    rng = np.random.default_rng(100 + seed)
    a_type, b_type = (np.uint8, np.int8)[seed & 1], (np.uint8, np.int8)[seed >> 1 & 1]
    if a_type == np.int8:
        b_type = np.int8
    m, k, n = (int(v) for v in rng.integers(1, 70, 3))
    batch = [(), (3,), (2, 3)][seed % 3]
    a = random_bytes(rng, a_type, (*batch, m, k), seed % 5 == 0)
    both = bool(batch) and bool(rng.integers(2))  # B is computed, and one for each A
    b = random_bytes(rng, b_type, (*batch, k, n) if both else (k, n), seed % 5 == 0)
    per = (n,) if not both and rng.integers(2) else ()
    a_zero, b_zero = random_bytes(rng, a_type, ()), random_bytes(rng, b_type, per)
    feeds = {"a": a, "b": b} if both else {"a": a}
    constants = {"az": a_zero, "bz": b_zero} | ({} if both else {"b": b})
    model = one_node("MatMulInteger", feeds, constants, ["a", "b", "az", "bz"])
    compare(library, output_type(model, np.int32), feeds, 0)
    constants |= {"as": np.float32(0.02), "bs": rng.uniform(0.005, 0.02, per).astype(np.float32),
                  "ys": np.float32(0.02 * 0.01 * 74 * 74 * k ** 0.5 / 40),
                  "yz": random_bytes(rng, a_type, ())}
    model = one_node("QLinearMatMul", feeds, constants,
                     ["a", "as", "az", "b", "bs", "bz", "ys", "yz"])
    compare(library, output_type(model, a_type), feeds, 1)


def microsoft_cases():
    rng = np.random.default_rng(5)
    f = lambda v: np.asarray(v, np.float32)  # noqa: E731
    x = random_bytes(rng, np.uint8, (2, 12, 5, 7))
    quantum = {"xs": f(0.03), "xz": np.uint8(120), "ys": f(0.05), "yz": np.uint8(100)}
    unary = ["x", "xs", "xz", "ys", "yz"]
    third = quantum | {"ys": f(1 / 256), "yz": np.uint8(0)}
    yield "QLinearSigmoid", {"x": x}, third, unary, {}
    yield "QLinearLeakyRelu", {"x": x}, quantum, unary, {"alpha": 0.1}
    yield "QLinearSoftmax", {"x": x}, third, unary, {"axis": -1, "opset": 13}
    yield "QLinearGlobalAveragePool", {"x": x}, quantum, unary, {"channels_last": 0}
    window = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}
    yield "QLinearAveragePool", {"x": x}, quantum, unary, window
    last = {"x": np.ascontiguousarray(x.transpose(0, 2, 3, 1))}
    yield "QLinearGlobalAveragePool", last, quantum, unary, {"channels_last": 1}
    yield "QLinearAveragePool", last, quantum, unary, window | {"channels_last": 1}
    yield "NhwcMaxPool", last, {}, ["x"], window | {"dilations": [1, 2]}
    yield "NhwcMaxPool", last, {}, ["x"], {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}
    yield "NhwcMaxPool", last, {}, ["x"], {"kernel_shape": [2, 3], "auto_pad": "SAME_UPPER"}
    where = quantum | {"as": f(0.02), "az": np.uint8(7), "bs": f(0.04), "bz": np.uint8(250)}
    for some, one, other in (((2, 12, 5, 7), (2, 12, 5, 7), (7,)), ((5, 1), (1, 12, 1, 1), (2, 1, 5, 7)),
                             ((), (3, 1), (4,))):
        chosen = {"c": np.asarray(rng.integers(0, 2, some) > 0), "a": random_bytes(rng, np.uint8, one),
                  "b": random_bytes(rng, np.uint8, other)}
        yield ("QLinearWhere", chosen, where, ["c", "a", "as", "az", "b", "bs", "bz", "ys", "yz"], {})
    for shape in ((2, 12, 5, 7), (7,), (1, 12, 1, 1), ()):
        y = random_bytes(rng, np.uint8, shape)
        two = ["x", "xs", "xz", "b", "bs", "bz", "ys", "yz"]
        more = quantum | {"bs": f(0.02), "bz": np.uint8(7)}
        yield "QLinearAdd", {"x": x, "b": y}, more, two, {}
        yield "QLinearMul", {"b": y, "x": x}, more, two[3:6] + two[:3] + two[6:], {}
    yield ("QLinearConcat", {"x": x, "b": x[:, :5]}, quantum | {"bs": f(0.02), "bz": np.uint8(7)},
           ["ys", "yz", "x", "xs", "xz", "b", "bs", "bz"], {"axis": 1})
    a, w = random_bytes(rng, np.uint8, (9, 33)), random_bytes(rng, np.int8, (33, 20))
    facts = {"as": f(0.02), "az": np.uint8(130), "w": w, "ws": f(0.01), "wz": np.int8(0),
             "c": rng.integers(-999, 999, 20).astype(np.int32), "ys": f(0.03), "yz": np.uint8(128)}
    order = ["a", "as", "az", "w", "ws", "wz", "c", "ys", "yz"]
    yield "QGemm", {"a": a}, facts, order, {"alpha": 0.5}
    yield "QGemm", {"a": a}, facts | {"w": w.T.copy()}, order[:6], {"transB": 1}
    yield "QGemm", {"a": a.T.copy()}, facts, order, {"transA": 1}


@pytest.mark.parametrize("case", list(microsoft_cases()), ids=lambda c: c[0])
def test_microsoft(library, case):
    op, feeds, constants, order, attributes = case
    model = one_node(op, feeds, constants, order, "com.microsoft", **attributes)
    dtype = np.float32 if op == "QGemm" and len(order) < 9 else np.uint8
    model = output_type(model, dtype)
    want = wanted(model, feeds)
    for mode, got in results(library, model, feeds).items():
        off = np.abs(got.astype(np.float64) - want.astype(np.float64))
        assert off.max() <= (1e-6 * np.abs(want).max() if dtype == np.float32 else 1), mode
        if dtype == np.uint8:  # onnxruntime pools in another order, and has tables of its own
            assert (off > 0).mean() < 0.02, f"{mode}: {(off > 0).mean():.3%} differ"


@pytest.mark.parametrize("seed", range(6))
def test_products_of_floats(library, seed):
    """float32 in and out, quantised between: the sums are exact, three roundings follow."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (2, 5, 40)).astype(np.float32)
    w = random_bytes(rng, (np.uint8, np.int8)[seed & 1], (40, 24))
    per = (24,) if seed & 2 else ()
    facts = {"w": w, "ws": rng.uniform(0.01, 0.02, per).astype(np.float32),
             "wz": random_bytes(rng, w.dtype, per), "b": rng.normal(0, 1, 24).astype(np.float32)}
    order = ["x", "w", "ws", "wz"] + ["b"] * (seed % 3 > 0)
    models = [(one_node("DynamicQuantizeMatMul", {"x": x}, facts, order, "com.microsoft"), x)]
    a = random_bytes(rng, np.uint8, x.shape)
    facts |= {"as": np.float32(0.03), "az": np.uint8(99)}
    order = ["x", "w", "as", "ws", "az", "wz"] + ["b"] * (seed % 3 > 0)
    models.append((one_node("MatMulIntegerToFloat", {"x": a}, facts, order, "com.microsoft"), a))
    for model, feed in models:
        model = output_type(model, np.float32)
        want = wanted(model, {"x": feed})
        for mode, got in results(library, model, {"x": feed}).items():
            # Each result is of two terms, the sum and the bias, with two roundings each at most.
            bound = 4 * 2.0 ** -24 * (np.abs(want).max() + 4)
            assert np.abs(got - want).max() <= bound, mode


WAYS = [("dynamic", "u8", "s8", False), ("dynamic", "u8", "u8", False),
        ("dynamic", "u8", "s8", True)]
WAYS += [(how, a, w, each) for how in ("QDQ", "QOperator")
         for a, w in (("u8", "s8"), ("s8", "s8"), ("u8", "u8")) for each in (False, True)]


def last_quantum(path):
    """Of the result of a static network, which ends in DequantizeLinear."""
    graph = onnx.load(path).graph
    node = next(n for n in graph.node if "y" in n.output)
    assert node.op_type == "DequantizeLinear"
    scale = next(c for c in graph.initializer if c.name == node.input[1])
    return float(numpy_helper.to_array(scale))


@pytest.mark.parametrize("network", quantized_maker.NETWORKS)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_network(library, tmp_path, network, way):
    path = quantized_maker.quantize(str(tmp_path), network, *way)
    feeds = quantized_maker.feeds(onnx.load(path), 1, 99)[0]
    want = wanted(path, feeds)
    if way[0] == "dynamic":
        # An activation that is rounded to the other side of a tie moves the results of its row,
        # each by less than the results' range in quanta of eight bits.
        quantum = (want.max() - want.min()) / 255
    else:
        quantum = last_quantum(path)
    for mode, options in MODES.items():
        with library.load(path, **options) as model:
            off = np.abs(model.run(feeds)["y"] - want) / quantum
        differ = (off > 0.01).mean()
        print(f"{network} {way} {mode}: {off.max():.3f} quanta, {differ:.2%} differ")
        # A tie somewhere before shows in few results: in two of ten, in one of a hundred of 2176.
        assert off.max() <= 1.001 and differ <= (0.2 if want.size == 10 else 0.01), mode


def steps_of(path):
    done = subprocess.run([ASHORE, "bench", path, "--runs", "1", "--per-op", "--json"],
                          stdout=subprocess.PIPE, check=True)
    return {o["op"]: o["steps"] for o in json.loads(done.stdout)["operators"]}


def weight_models():
    """Weights alone are quantised: by column, in blocks of four bits, and by hand."""
    rng = np.random.default_rng(8)
    w = random_bytes(rng, np.int8, (64, 48))
    scale = rng.uniform(0.01, 0.02, 48).astype(np.float32)
    constants = [numpy_helper.from_array(w, "w"), numpy_helper.from_array(scale, "s")]
    last = helper.make_node("MatMul", ["x", "d"], ["y"])
    yield ("columns", [helper.make_node("DequantizeLinear", ["w", "s"], ["d"], axis=1), last],
           constants)
    four = helper.make_tensor("w", onnx.TensorProto.INT4, w.shape, (w // 16).ravel().tolist())
    blocks = numpy_helper.from_array(rng.uniform(0.1, 0.2, (4, 48)).astype(np.float32), "s")
    yield ("blocks", [helper.make_node("DequantizeLinear", ["w", "s"], ["d"], axis=0,
                                       block_size=16), last], [four, blocks])
    yield ("cast", [helper.make_node("Cast", ["w"], ["f"], to=onnx.TensorProto.FLOAT),
                    helper.make_node("Mul", ["f", "s"], ["d"]), last], constants)


@pytest.mark.parametrize("case", list(weight_models()), ids=lambda c: c[0])
def test_weights_alone(library, tmp_path, case):
    _, nodes, constants = case
    graph = helper.make_graph(nodes, "weights",
                              [helper.make_tensor_value_info("x", 1, [5, 64])],
                              [helper.make_tensor_value_info("y", 1, None)], constants)
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
    path = str(tmp_path / "weights.onnx")
    onnx.save(model, path)
    feeds = {"x": np.random.default_rng(9).normal(0, 1, (5, 64)).astype(np.float32)}
    want = wanted(path, feeds)
    for mode, got in results(library, path, feeds).items():
        # Sums of 64 products, each at most 4 * 2.6, in two orders.
        assert np.abs(got - want).max() <= 2 * 64 * 64 * 4 * 2.6 * 2.0 ** -24, mode
    assert steps_of(path) == {"MatMul": 1}


@pytest.mark.parametrize("network", quantized_maker.NETWORKS)
@pytest.mark.parametrize("way", [w for w in WAYS if w[1:3] != ("u8", "u8")], ids=str)
def test_products_are_of_bytes(tmp_path, network, way):
    """What runs: no product of floats where both sides are quantised, none of bytes in a loop that
    is only a reference, and no sum of bytes in float32."""
    path = quantized_maker.quantize(str(tmp_path), network, *way)
    steps = steps_of(path)
    products = {"convolutions": {"QLinearConv": 5}, "attention": {"QLinearMatMul": 8}}[network]
    if way[0] == "dynamic":
        products = {"convolutions": {"QLinearConv": 5, "MatMulIntegerToFloat": 1},
                    # queries by keys and weights by values are of floats, and one step
                    "attention": {"MatMulIntegerToFloat": 6, "Attention": 1}}[network]
    elif network == "convolutions":
        products = products | {"QGemm": 1, "QLinearAdd": 1, "QLinearMul": 1}
    if "QLinearConv" in steps:
        steps["QLinearConv"] += steps.pop("DynamicQLinearConv", 0)
    for op, count in products.items():
        assert steps.get(op, 0) == count, (op, steps)
    left = {"Conv", "Gemm", "MatMul", "ConvInteger", "MatMulInteger", "Add", "Cast"}
    if way[0] == "dynamic":
        left = {"Conv", "Gemm", "ConvInteger", "MatMulInteger", "Cast"}
    assert not left & steps.keys(), steps


@pytest.mark.parametrize("how", ["QDQ", "QOperator"])
def test_same_in_wasm(library, wasm, tmp_path, how):
    """Every step of this network is exact or in one order of sums: one answer everywhere."""
    path = quantized_maker.quantize(str(tmp_path), "convolutions", how, "u8", "s8", True)
    feeds = quantized_maker.feeds(onnx.load(path), 1, 99)[0]
    with library.load(path) as model:
        want = model.run(feeds)["y"]
    for variant, threads in (("scalar", 1), ("simd128", 1), ("relaxed", 1), ("relaxed", 2)):
        got, _ = wasm(path, feeds, variant, threads)
        assert np.array_equal(got["y"][0], want), variant
