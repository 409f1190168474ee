"""Models in float16 and bfloat16: they run on kernels for float32 and are rounded once a node.

GRAPH_SEEDS=A:B runs other seeds than the usual ones."""

import json
import os
import subprocess

import graph_maker
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from test_graphs import MODES, oracle

FIRST, PAST = (int(n) for n in os.environ.get("GRAPH_SEEDS", "0:400").split(":"))
PARTS = 4
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ASHORE = os.path.join(os.environ.get("ASHORE_BUILD", os.path.join(ROOT, "build")), "ashore")
HALF = 2.0 ** -11  # the rounding error of float16


# ---- from float32 to float16 ---------------------------------------------------------------------

def halve_tensor(tensor):
    if tensor.data_type == TensorProto.FLOAT:
        array = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def halve_graph(graph):
    """Every float32 of the graph becomes float16, but scales of resizing, which have no other type."""
    scales = {name for node in graph.node if node.op_type in ("Resize", "Upsample")
              for name in node.input[1:]}
    for tensor in graph.initializer:
        if tensor.name not in scales:
            halve_tensor(tensor)
    for info in [*graph.input, *graph.output, *graph.value_info]:
        if info.type.tensor_type.elem_type == TensorProto.FLOAT:
            info.type.tensor_type.elem_type = TensorProto.FLOAT16
    for node in graph.node:
        for a in node.attribute:
            if a.type == onnx.AttributeProto.TENSOR:
                if node.output[0] not in scales:
                    halve_tensor(a.t)
            elif a.type == onnx.AttributeProto.GRAPH:
                halve_graph(a.g)
            elif node.op_type == "Cast" and a.name == "to" and a.i == TensorProto.FLOAT:
                a.i = TensorProto.FLOAT16


def halved(model):
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    halve_graph(copy.graph)
    return copy


def on_the_grid(array):
    return array.astype(np.float16).astype(array.dtype) if array.dtype == np.float32 else array


def snap_graph(graph):
    """Constants that float16 can hold."""
    tensors = list(graph.initializer)
    for node in graph.node:
        for a in node.attribute:
            if a.type == onnx.AttributeProto.TENSOR:
                tensors.append(a.t)
            elif a.type == onnx.AttributeProto.GRAPH:
                snap_graph(a.g)
    for tensor in tensors:
        if tensor.data_type == TensorProto.FLOAT:
            array = on_the_grid(numpy_helper.to_array(tensor))
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def to_half(feeds):
    return {k: v.astype(np.float16) if v.dtype == np.float32 else v for k, v in feeds.items()}


# ---- random graphs -------------------------------------------------------------------------------

def wrong_answers(library, case):
    """The float32 graph over the same numbers, by onnxruntime, is as good as exact here."""
    snap_graph(case.model.graph)
    case.feeds = [{k: on_the_grid(v) for k, v in f.items()} for f in case.feeds]
    wanted = oracle(case)
    model = halved(case.model).SerializeToString()
    for mode, options in MODES.items():
        with library.load(model, **options) as m:
            for k in (0, 1, 0):
                got = m.run(to_half(case.feeds[k]))
                for name, want in wanted[k].items():
                    y = got[name]
                    if y.size == 0 and want.size == 0:
                        continue
                    if want.dtype != np.float32:
                        if not np.array_equal(y, want):
                            yield f"{mode}, feed {k}: {name} differs"
                        continue
                    if y.dtype != np.float16 or y.shape != want.shape:
                        yield f"{mode}, feed {k}: {name} is {y.dtype}{y.shape}"
                        continue
                    far = np.abs(y.astype(np.float64) - want).max(initial=0)
                    if not far <= case.bounds[name] + HALF * np.abs(want).max(initial=0):
                        yield f"{mode}, feed {k}: {name} is off by {far:.3g}"


@pytest.mark.parametrize("part", range(PARTS))
def test_random_graphs(library, monkeypatch, part):
    """The bounds of graph_maker.py with the rounding error of float16."""
    monkeypatch.setattr(graph_maker, "U", HALF)
    failed = []
    for seed in range(FIRST + part, PAST, PARTS):
        case = graph_maker.make(seed)
        try:
            wrong = list(wrong_answers(library, case))
        except Exception as error:  # the seed has to be seen
            wrong = [f"{type(error).__name__}: {error}"]
        if wrong:
            failed.append(f"seed {seed} ({case.theme}): " + "; ".join(wrong[:4]))
            if len(failed) == 1:
                print(onnx.printer.to_text(case.model))
    assert not failed, "\n".join(failed)


# ---- single nodes --------------------------------------------------------------------------------

def w(*shape, seed=1):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


# op, and what tells it apart: shape of the input, constants behind it, attributes.  Large constants
# are converted when they are packed, small ones before.
NODES = {
    "Conv": ([2, 3, 9, 8], [w(5, 3, 3, 3), w(5)], {"pads": [1, 1, 1, 1]}),
    "MatMul": ([3, 4, 33], [w(33, 17)], {}),
    "Gemm": ([7, 33], [w(17, 33), w(17)], {"transB": 1, "alpha": 0.5, "beta": 2.0}),
    "Add": ([3, 5, 7], [w(5, 1)], {}),
    "Mul": ([3, 5, 7], [w(3, 1, 7)], {}),
    "Div": ([3, 5, 7], [w(7) + 2], {}),
    "Pow": ([3, 5, 7], [np.float32(2)], {}),
    "Tanh": ([3, 5, 70], [], {}),
    "Erf": ([3, 5, 70], [], {}),
    "Softmax": ([3, 5, 7], [], {"axis": -1}),
    "ReduceMean": ([3, 5, 7], [], {"axes": [1]}),
    "LayerNormalization": ([3, 5, 16], [w(16), w(16)], {"axis": -1}),
    "AveragePool": ([2, 3, 9, 8], [], {"kernel_shape": [3, 3], "strides": [2, 2]}),
    "MaxPool": ([2, 3, 9, 8], [], {"kernel_shape": [2, 2]}),
    "Clip": ([3, 5, 7], [np.float32(-0.25), np.float32(0.5)], {}),
    "LSTM": ([5, 2, 7], [w(1, 36, 7), w(1, 36, 9), w(1, 72)], {"hidden_size": 9}),
    "Conv large": ([1, 32, 9, 8], [w(32, 32, 3, 3), w(32)], {"pads": [1, 1, 1, 1]}),
    "MatMul large": ([3, 700], [w(700, 77)], {}),
    "MatMul one row": ([1, 700], [w(700, 333)], {}),
    "MatMul batches": ([3, 1, 2, 80], [w(2, 80, 77)], {}),
    "MatMul tiny": ([2, 80], [w(80, 77) * np.float32(2 ** -15)], {}),
    "MatMul infinite": ([2, 80], [np.where(w(80, 77) > 0.99, np.inf, w(80, 77))], {}),
    "Gemm large": ([9, 200], [w(90, 200), w(90)], {"transB": 1}),
    "Gemm turned": ([200, 9], [w(90, 200), w(9, 90)], {"transA": 1, "transB": 1}),
    "Add large": ([2, 70, 70], [w(70, 70)], {}),
    "LSTM large": ([3, 1, 64], [w(1, 256, 64), w(1, 256, 64), w(1, 512)], {"hidden_size": 64}),
}


def one_node(name, half):
    op = name.split()[0]
    shape, constants, attributes = NODES[name]
    names = ["x"] + [f"c{i}" for i in range(len(constants))]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node(op, names, ["y"], **attributes)], op,
        [info("x", TensorProto.FLOAT, shape)], [info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(c, np.float32), f"c{i}") for i, c in enumerate(constants)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    snap_graph(model.graph)
    return (halved(model) if half else model).SerializeToString()


@pytest.mark.parametrize("op", sorted(NODES))
def test_one_rounding(library, op):
    """A node in float16 is the float32 kernel and one rounding, bit for bit.  References round a
    double instead: they may be one place away in the few cases where that differs."""
    x = on_the_grid(w(*NODES[op][0], seed=2))
    with library.load(one_node(op, False)) as m:
        want = m.run({"x": x})["y"].astype(np.float16)
    for threads in (1, 2):
        with library.load(one_node(op, True), threads=threads) as m:
            got = m.run({"x": x.astype(np.float16)})["y"]
        assert got.dtype == np.float16 and np.array_equal(got, want, equal_nan=True)
    with library.load(one_node(op, True), reference=1) as m:
        plain = m.run({"x": x.astype(np.float16)})["y"]
    assert np.array_equal(np.isfinite(plain), np.isfinite(want))
    places = np.abs(plain.view(np.int16).astype(int) - want.view(np.int16))[np.isfinite(want)]
    if op == "Conv large":
        # Its kernel is Winograd's, whose errors are relative to a whole window: twice those of a
        # sum of 9 * 32 terms with random roundings.  Twice that again is allowed, as in zoo.py, which
        # is several places of the smallest results alone.
        off = 4 * np.sqrt(9 * 32) * 2.0**-24 * np.abs(want.astype(float)).max()
        assert np.all(places <= 1 + off / np.spacing(np.abs(want)).astype(float).ravel())
        assert np.mean(places > 0) < 0.02
    elif op == "Softmax":
        # Its reference rounds after each of its four steps, as NumPy's definition does: half a place
        # each, doubled at most where a quotient crosses a power of two.
        assert places.max() <= 4
    else:
        assert places.max() <= 1 and np.mean(places > 0) < 0.02


def test_overflow(library):
    """Beyond the range is infinity, and sums on the way are not."""
    x = np.full((1, 64), 60000, np.float16)
    info = helper.make_tensor_value_info
    for weight, want in ((0.01, np.float16(np.float32(np.float16(0.01)) * 60000 * 64)), (1, np.inf)):
        constant = np.full((64, 3), weight, np.float16)
        graph = helper.make_graph(
            [helper.make_node("MatMul", ["x", "c"], ["y"])], "large",
            [info("x", TensorProto.FLOAT16, [1, 64])], [info("y", TensorProto.FLOAT16, None)],
            [numpy_helper.from_array(constant, "c")])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        with library.load(model.SerializeToString()) as m:
            assert np.all(m.run({"x": x})["y"] == want)


# ---- models --------------------------------------------------------------------------------------

class Net:
    """A chain with a bound on the magnitude and the error of its value in units of HALF: every node
    rounds once in either engine, and what is behind it amplifies."""

    def __init__(self, shape):
        self.shape, self.nodes, self.inits, self.at, self.roundings = shape, [], [], "x", 0
        self.rng = np.random.default_rng(5)

    def const(self, array):
        name = f"c{len(self.inits)}"
        self.inits.append(numpy_helper.from_array(np.asarray(array, np.float16), name))
        return name

    def random(self, *shape, scale=1.0):
        return self.const(self.rng.standard_normal(shape) * scale)

    def node(self, op, *inputs, domain="", **attributes):
        out = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs) or [self.at], [out], **attributes))
        self.roundings += 1
        self.at = out
        return out

    def model(self):
        info = helper.make_tensor_value_info
        graph = helper.make_graph(self.nodes, "net", [info("x", TensorProto.FLOAT16, self.shape)],
                                  [info(self.at, TensorProto.FLOAT16, None)], self.inits)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def cnn():
    net, channels = Net([1, 3, 32, 32]), 3
    for out, kernel, stride, group in ((32, 3, 2, 1), (32, 3, 1, 32), (64, 1, 1, 1), (64, 3, 1, 64),
                                       (32, 1, 1, 1)):
        scale = (2 / (channels // group * kernel ** 2)) ** 0.5
        weights = net.random(out, channels // group, kernel, kernel, scale=scale)
        net.node("Conv", net.at, weights, pads=[kernel // 2] * 4, strides=[stride] * 2,
                 group=group)
        stats = [net.const(net.rng.uniform(0.5, 1.5, out)), net.random(out, scale=0.1),
                 net.random(out, scale=0.1), net.const(net.rng.uniform(0.5, 2, out))]
        net.node("BatchNormalization", net.at, *stats)
        three, zero, six = net.const(3.0), net.const(0.0), net.const(6.0)
        x = net.at
        y = net.node("Clip", net.node("Add", x, three), zero, six)
        net.node("Mul", x, net.node("Div", y, six))
        channels = out
    left = net.at
    net.node("Concat", net.node("MaxPool", left, kernel_shape=[2, 2], strides=[2, 2]),
             net.node("AveragePool", left, kernel_shape=[2, 2], strides=[2, 2]), axis=1)
    net.node("GlobalAveragePool")
    net.node("Flatten")
    net.node("Gemm", net.at, net.random(10, 64, scale=0.1), net.random(10), transB=1)
    return net


def transformer():
    net, width, heads = Net([1, 9, 32]), 32, 4
    x = net.at

    def linear(v, n, m):
        y = net.node("MatMul", v, net.random(n, m, scale=n ** -0.5))
        return net.node("Add", y, net.random(m, scale=0.1))

    def norm(v):
        mean = net.node("ReduceMean", v, axes=[-1])
        d = net.node("Sub", v, mean)
        var = net.node("ReduceMean", net.node("Mul", d, d), axes=[-1])
        root = net.node("Sqrt", net.node("Add", var, net.const(1e-3)))
        y = net.node("Mul", net.node("Div", d, root), net.const(np.ones(width)))
        return net.node("Add", y, net.random(width, scale=0.1))

    def split(v, perm):
        to = f"s{len(net.inits)}"
        net.inits.append(numpy_helper.from_array(np.array([1, 9, heads, -1]), to))
        return net.node("Transpose", net.node("Reshape", v, to), perm=perm)

    n = norm(x)
    q, k, v = (split(linear(n, width, width), p)
               for p in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]))
    scores = net.node("Softmax", net.node("Mul", net.node("MatMul", q, k), net.const(0.25)))
    merged = net.node("Transpose", net.node("MatMul", scores, v), perm=[0, 2, 1, 3])
    net.inits.append(numpy_helper.from_array(np.array([1, 9, width]), "merge"))
    x = net.node("Add", x, linear(net.node("Reshape", merged, "merge"), width, width))
    h = linear(norm(x), width, 2 * width)
    gate = net.node("Add", net.node("Erf", net.node("Div", h, net.const(2 ** 0.5))),
                    net.const(1.0))
    h = net.node("Mul", net.node("Mul", h, gate), net.const(0.5))
    net.node("Add", x, linear(h, 2 * width, width))
    return net


def lstm():
    net = Net([6, 1, 16])
    y = net.node("LSTM", net.at, net.random(1, 96, 16, scale=0.2), net.random(1, 96, 24, scale=0.2),
                 net.random(1, 192, scale=0.1), hidden_size=24)
    net.inits.append(numpy_helper.from_array(np.array([1]), "axis"))
    y = net.node("Squeeze", y, "axis")
    net.node("MatMul", y, net.random(24, 8, scale=0.2))
    return net


def with_float32(model):
    """The model over the same numbers in float32."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for tensor in copy.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT16:
            array = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    for info in [*copy.graph.input, *copy.graph.output]:
        info.type.tensor_type.elem_type = TensorProto.FLOAT
    return copy


def runs(model, feeds):
    session = onnxruntime.InferenceSession(model.SerializeToString(),
                                           providers=["CPUExecutionProvider"])
    return session.run(None, feeds)[0].astype(np.float64)


@pytest.mark.parametrize("make", [cnn, transformer, lstm])
def test_models(library, make):
    """Against onnxruntime in float16 and over the same numbers in float32.  A rounding is an error
    of at most HALF of the greatest magnitude m of the values, and nodes behind it neither amplify it
    by more than 2 on the whole nor do all errors point the same way: of n roundings the root of n is
    left, and 4 of those are allowed.  Both engines round: between them twice that."""
    net = make()
    model = net.model()
    feeds = {"x": np.random.default_rng(7).uniform(-1, 1, net.shape).astype(np.float16)}
    exact = runs(with_float32(model), {"x": feeds["x"].astype(np.float32)})
    other = runs(model, feeds)
    bound = 4 * HALF * max(1, np.abs(exact).max()) * net.roundings ** 0.5
    first = None
    for options in ({}, {"threads": 2}, {"optimize": 0}, {"reference": 1}):
        with library.load(model.SerializeToString(), **options) as m:
            got = m.run(feeds)[net.at]
        assert got.dtype == np.float16
        assert np.abs(got.astype(np.float64) - exact).max() <= bound
        assert np.abs(got.astype(np.float64) - other).max() <= 2 * bound
        if "reference" not in options and "optimize" not in options:
            assert first is None or np.array_equal(got, first)
            first = got


def fuses():
    """Whether this processor has fused multiply-add, which relaxed WebAssembly then uses as well."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        return " fma " in f.read()


@pytest.mark.parametrize("variant", ["relaxed", "simd128", "none"])
@pytest.mark.parametrize("make", [cnn, transformer, lstm])
def test_webassembly(library, tmp_path, make, variant):
    """The native bits where both fuse.  Where WebAssembly does not, sums differ in their last places
    of float32, and a value that was near the middle of two of float16 is rounded to the other: one
    such difference is HALF * 2 of the value, and what is behind it may double it."""
    net = make()
    model = net.model()
    feeds = {"x": np.random.default_rng(7).uniform(-1, 1, net.shape).astype(np.float16)}
    with library.load(model.SerializeToString()) as m:
        want = m.run(feeds)[net.at]
    data = tmp_path / "test_data_set_0"
    data.mkdir()
    onnx.save(model, tmp_path / "model.onnx")
    for name, array in (("input_0", feeds["x"]), ("output_0", want)):
        (data / f"{name}.pb").write_bytes(numpy_helper.from_array(array).SerializeToString())
    exact = variant == "relaxed" and fuses()
    atol = 0 if exact else 4 * HALF * np.abs(want).max()
    subprocess.run([ASHORE, "verify", "--target", "wasm", "--cpu", variant, "--rtol", "0", "--atol",
                    str(atol), tmp_path], check=True)


@pytest.mark.parametrize("make, fused", [
    (cnn, {"Conv+HardSwish", "Gemm"}),
    (transformer, {"LayerNormalization", "MatMul+Gelu", "MatMul+Add", "Softmax"}),
    (lstm, {"LSTM"})])
def test_kernels_are_used(make, fused, tmp_path):
    """What does not only move data runs on a kernel, fused as in float32."""
    path = tmp_path / "model.onnx"
    onnx.save(make().model(), path)
    said = json.loads(subprocess.run([ASHORE, "bench", path, "--runs", "1", "--per-op", "--json"],
                                     check=True, capture_output=True).stdout)
    assert fused <= {row["op"] for row in said["operators"]}
    moves = {"Concat", "Reshape", "Flatten", "Squeeze", "Transpose"}
    assert {s["op"] for s in said["steps"] if s["kernel"] == "reference"} <= moves
