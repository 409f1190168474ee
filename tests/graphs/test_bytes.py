"""Bytes and float32 meet: matrices of bytes that float32 is multiplied with, and convolutions of bytes between
DynamicQuantizeLinear.  The bits are those of the same with float32 in memory."""

import itertools

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

LEAST = 1 << 14  # elements of a matrix that stays bytes


class Graph:
    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def node(self, op, *inputs, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [f"t{len(self.nodes)}"], **attributes))
        return self.nodes[-1].output[0]

    def model(self, y, **inputs):
        self.nodes.append(helper.make_node("Identity", [y], ["y"]))
        infos = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
                 for n, a in inputs.items()]
        graph = helper.make_graph(self.nodes, "bytes", infos,
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                                  self.constants)
        return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])


class Matrix:
    """What a file may say of a matrix [rows, columns] of bytes: `many` scales along an axis, or None."""

    def __init__(self, rng, rows, columns, dtype, many, zeros):
        low = np.iinfo(dtype).min
        count = 1 if many is None else (rows, columns)[many]
        self.many = many
        self.q = rng.integers(low, low + 256, (rows, columns)).astype(dtype)
        self.scale = rng.uniform(-0.1, 0.1, count).astype(np.float32)
        self.zero = rng.integers(low, low + 256, count).astype(dtype) if zeros else None
        shape = {None: (1, 1), 0: (-1, 1), 1: (1, -1)}[many]
        less = 0 if self.zero is None else self.zero.astype(np.int32).reshape(shape)
        self.w = (self.q.astype(np.int32) - less).astype(np.float32) * self.scale.reshape(shape)

    def linear(self, g):
        scale, zero = self.scale, self.zero
        if self.many is None:
            scale, zero = scale[0], None if zero is None else zero[0]
        inputs = [g.constant(self.q), g.constant(scale)]
        if zero is not None:
            inputs.append(g.constant(zero))
        return g.node("DequantizeLinear", *inputs, axis=self.many or 0)

    def product(self, g, turned):
        shape = {None: (), 0: (-1, 1), 1: (1, -1)}[self.many]
        both = [g.node("Cast", g.constant(self.q), to=TensorProto.FLOAT),
                g.constant(self.scale.reshape(shape) if shape else self.scale[0])]
        return g.node("Mul", *(both[::-1] if turned else both))

    def spell(self, g, how):
        return self.linear(g) if how == "linear" else self.product(g, how == "turned")


def run(library, model, feeds, **how):
    return library.load(model.SerializeToString(), **how).run(feeds)["y"]


def end_of(g, rng, y, n, end):
    if "bias" in end:
        y = g.node("Add", y, g.constant(rng.standard_normal(n, np.float32)))
    if "sum" in end:
        y = g.node("Add", y, "r")
    return g.node("Relu", y) if "relu" in end else y


SHAPES = [((1, 130), 200), ((5, 70), 300), ((2, 65, 64), 256), ((200,), 90)]
HOW = [("linear", False, d, m) for d, m in itertools.product((np.int8, np.uint8), (None, 1))]
HOW += [("linear", True, d, m) for d, m in itertools.product((np.int8, np.uint8), (None, 1))]
HOW += [(h, False, np.int8, m) for h, m in itertools.product(("product", "turned"), (None, 1))]


@pytest.mark.parametrize("shape,n", SHAPES)
@pytest.mark.parametrize("spelling,zeros,dtype,many", HOW)
def test_product(library, spelling, zeros, dtype, many, shape, n):
    rng = np.random.default_rng(len(shape) * n)
    m = Matrix(rng, shape[-1], n, dtype, many, zeros)
    assert m.q.size >= LEAST
    feeds = {"x": rng.standard_normal(shape, np.float32),
             "r": rng.standard_normal((*shape[:-1], n), np.float32)}
    for end in ("", "bias", "bias sum relu", "sum"):
        models = []
        for of in (lambda g: m.spell(g, spelling), lambda g: g.constant(m.w)):
            g, values = Graph(), np.random.default_rng(1)
            y = g.node("MatMul", "x", of(g))
            models.append(g.model(end_of(g, values, y, n, end), **feeds))
        want = run(library, models[1], feeds)
        for how in ({}, {"threads": 2}):
            np.testing.assert_array_equal(run(library, models[0], feeds, **how), want)
        exact = run(library, models[1], feeds, reference=1)
        np.testing.assert_array_equal(run(library, models[0], feeds, reference=1), exact)


@pytest.mark.parametrize("indices", [np.int64(7), np.array([3, 0, 299]), np.array([[1], [-1]])])
@pytest.mark.parametrize("spelling,many", [("product", None), ("product", 0), ("turned", 1),
                                           ("linear", None), ("linear", 0), ("linear", 1)])
def test_rows(library, spelling, many, indices):
    rng = np.random.default_rng(3)
    m = Matrix(rng, 300, 64, np.int8, many, False)
    g = Graph()
    feeds = {"i": indices}
    model = g.model(g.node("Gather", m.spell(g, spelling), "i"), **feeds)
    for how in ({}, {"reference": 1}):
        np.testing.assert_array_equal(run(library, model, feeds, **how), m.w[indices])


def test_several_uses(library):
    rng = np.random.default_rng(4)
    m = Matrix(rng, 128, 128, np.int8, 1, False)
    feeds = {"x": rng.standard_normal((3, 128), np.float32), "i": np.array([5, 6])}
    results = []
    for of in (lambda g: m.spell(g, "product"), lambda g: g.constant(m.w)):
        g = Graph()
        w = of(g)
        parts = g.node("MatMul", "x", w), g.node("Gather", w, "i"), g.node("Relu", w)
        results.append(run(library, g.model(g.node("Concat", *parts, axis=0), **feeds), feeds))
    np.testing.assert_array_equal(*results)


def test_memory(library):
    """Neither the table nor the matrix is held as float32."""
    rng = np.random.default_rng(5)
    table, m = Matrix(rng, 4000, 256, np.int8, 0, False), Matrix(rng, 256, 2048, np.int8, 1, False)
    g = Graph()
    y = g.node("MatMul", g.node("Gather", table.spell(g, "product"), "i"), m.spell(g, "linear"))
    loaded = library.load(g.model(y, i=np.arange(4)).SerializeToString())
    feeds = {"i": np.array([1, 2, 3, 3999])}
    want = table.w[feeds["i"]].astype(np.float64) @ m.w.astype(np.float64)
    got = loaded.run(feeds)["y"]
    assert np.abs(got - want).max() <= 1e-5 * np.abs(want).max()
    held = table.q.size + m.q.size
    assert loaded.memory().total < 2 * held + (1 << 20)


def test_file_may_be_wrong(library):
    """Scales that do not fit are reported, as without the rewrite."""
    m = Matrix(np.random.default_rng(6), 128, 128, np.int8, 1, False)
    m.scale = m.scale[:100]
    g = Graph()
    model = g.model(g.node("MatMul", "x", m.linear(g)), x=np.zeros((2, 128), np.float32))
    with pytest.raises(Exception, match="scale|128|100"):
        run(library, model, {"x": np.zeros((2, 128), np.float32)})


def dynamic_convolution(rng, c, n, side, kernel, relu, both):
    """ConvInteger with what quantisers write around it, quantised anew; `both`: its results in float32 are
    an output, too, so that they are held."""
    g = Graph()
    q, scale, zero = (f"d{i}" for i in range(3))
    g.nodes.append(helper.make_node("DynamicQuantizeLinear", ["x"], [q, scale, zero]))
    w = rng.integers(-127, 128, (n, c, kernel, kernel)).astype(np.int8)
    scales = rng.uniform(0.001, 0.1, (n, 1, 1)).astype(np.float32)
    y = g.node("Cast", g.node("ConvInteger", q, g.constant(w), zero, pads=[kernel // 2] * 4),
               to=TensorProto.FLOAT)
    y = g.node("Mul", y, g.node("Mul", scale, g.constant(scales)))
    y = g.node("Add", y, g.constant(rng.standard_normal((1, n, 1, 1), np.float32)))
    if relu:
        y = g.node("Relu", y)
    g.nodes.append(helper.make_node("DynamicQuantizeLinear", [y], ["q", "s", "z"]))
    info = helper.make_tensor_value_info
    outputs = [info("q", TensorProto.UINT8, None), info("s", TensorProto.FLOAT, None),
               info("z", TensorProto.UINT8, None)]
    if both:
        outputs.append(info(y, TensorProto.FLOAT, None))
    graph = helper.make_graph(g.nodes, "dynamic", [info("x", TensorProto.FLOAT, [1, c, side, side])],
                              outputs, g.constants)
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("c,n,side,kernel", [(16, 40, 90, 1), (21, 64, 71, 1), (16, 33, 96, 3),
                                             (300, 64, 65, 1), (8, 8, 10, 1)])
def test_requantized(library, c, n, side, kernel, relu):
    """The same bytes, scale and zero point whether float32 is held in between or not."""
    feeds = {"x": np.random.default_rng(c).standard_normal((1, c, side, side)).astype(np.float32)}
    models = [dynamic_convolution(np.random.default_rng(n), c, n, side, kernel, relu, both)
              for both in (False, True)]
    want = library.load(models[1].SerializeToString()).run(feeds)
    for how in ({}, {"threads": 2}, {"reference": 1}):
        got = library.load(models[0].SerializeToString(), **how).run(feeds)
        for name in ("q", "s", "z"):
            np.testing.assert_array_equal(got[name], want[name], err_msg=str(how))
