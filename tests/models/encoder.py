"""Encoders of sentences with random weights, written as exporters of PyTorch write them.

Batch and sequence are dynamic; input_ids and attention_mask are int64 [batch, sequence].  Three styles:

    "bert"  scores are divided by sqrt(head size), the mask (1 - m) * lowest is added
    "sdpa"  queries and keys are each multiplied by the root of the scale, which is computed from the
            shape; keys are turned in three dimensions; the mask is chosen with Where; norms are LayerNormalization
    "llama" norms without a mean, rotary positions, half as many heads of keys as of queries, which are
            repeated, a mask that lets each token see those before it, a gate in the other layer
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

VOCABULARY, PLACES = 500, 64
LOWEST = float(np.finfo(np.float32).min)


class Graph:
    def __init__(self, seed, places=PLACES):
        self.rng, self.places = np.random.default_rng(seed), places
        self.nodes, self.weights, self.count = [], [], 0

    def name(self):
        self.count += 1
        return f"t{self.count}"

    def node(self, op, *inputs, **attributes):
        out = self.name()
        self.nodes.append(helper.make_node(op, list(inputs), [out], **attributes))
        return out

    def constant(self, value):
        name = self.name()
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def floats(self, *shape, scale=1.0, mean=0.0):
        return self.constant((self.rng.standard_normal(shape) * scale + mean).astype(np.float32))

    def number(self, x):
        return self.constant(np.float32(x))

    def ints(self, *x):
        return self.constant(np.array(x, np.int64))

    def linear(self, x, n_in, n_out):
        y = self.node("MatMul", x, self.floats(n_in, n_out, scale=n_in ** -0.5))
        return self.node("Add", self.floats(n_out, scale=0.1), y)

    def extent(self, x, axis):
        at = self.node("Gather", self.node("Shape", x), self.constant(np.int64(axis)), axis=0)
        return self.node("Unsqueeze", at, self.ints(0))

    def norm(self, x, width, style):
        if style == "llama":
            v = self.node("ReduceMean", self.node("Pow", x, self.number(2)), axes=[-1])
            root = self.node("Sqrt", self.node("Add", v, self.number(1e-6)))
            y = self.node("Mul", x, self.node("Div", self.number(1), root))
            return self.node("Mul", self.floats(width, scale=0.1, mean=1), y)
        scale, bias = self.floats(width, scale=0.1, mean=1), self.floats(width, scale=0.1)
        if style == "sdpa":
            return self.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=1e-12)
        d = self.node("Sub", x, self.node("ReduceMean", x, axes=[-1]))
        v = self.node("ReduceMean", self.node("Pow", d, self.number(2)), axes=[-1])
        root = self.node("Sqrt", self.node("Add", v, self.number(1e-12)))
        return self.node("Add", self.node("Mul", self.node("Div", d, root), scale), bias)

    def gelu(self, x):
        e = self.node("Erf", self.node("Div", x, self.number(2 ** 0.5)))
        return self.node("Mul", self.node("Mul", x, self.node("Add", e, self.number(1))),
                         self.number(0.5))


def embed(g, width, style):
    x = g.node("Gather", g.floats(VOCABULARY, width), "input_ids")
    if style == "llama":
        return x
    length = g.node("Gather", g.node("Shape", "input_ids"), g.constant(np.int64(1)), axis=0)
    at = g.node("Slice", g.constant(np.arange(g.places).reshape(1, -1)), g.ints(0),
                g.node("Unsqueeze", length, g.ints(0)), g.ints(1))
    x = g.node("Add", x, g.node("Gather", g.floats(g.places, width), at))
    return g.norm(x, width, style)


def places(g):
    """0, 1, ... of the sequence."""
    length = g.node("Gather", g.node("Shape", "input_ids"), g.constant(np.int64(1)), axis=0)
    return g.node("Range", g.constant(np.int64(0)), length, g.constant(np.int64(1)))


def ahead(g):
    """LOWEST above the diagonal of [sequence, sequence]."""
    at = places(g)
    later = g.node("Greater", at, g.node("Unsqueeze", at, g.ints(1)))
    return g.node("Where", later, g.number(LOWEST), g.number(0))


def mask_of(g, style):
    wide = g.node("Unsqueeze", "attention_mask", g.ints(1, 2))
    if style == "sdpa":
        return g.node("Cast", wide, to=TensorProto.BOOL)
    keep = g.node("Cast", wide, to=TensorProto.FLOAT)
    padding = g.node("Mul", g.node("Sub", g.number(1), keep), g.number(LOWEST))
    return g.node("Min", padding, ahead(g)) if style == "llama" else padding


def heads(g, x, n, size, perm, of=None):
    """of: what has the extents of batch and sequence; x itself when not given."""
    of = of or x
    shape = g.node("Concat", g.extent(of, 0), g.extent(of, 1), g.ints(n), g.ints(size), axis=0)
    return g.node("Transpose", g.node("Reshape", x, shape), perm=perm)


def rotated(g, x, size):
    """x * cos + (-second half, first half) * sin, by tables for all places."""
    at = np.arange(g.places)[:, None] / 100 ** (np.arange(size) % (size // 2) / size)[None]
    cos, sin = (g.node("Gather", g.constant(f(at).astype(np.float32)), places(g))
                for f in (np.cos, np.sin))
    first = g.node("Slice", x, g.ints(0), g.ints(size // 2), g.ints(3))
    second = g.node("Slice", x, g.ints(size // 2), g.ints(2 ** 63 - 1), g.ints(3))
    turned = g.node("Concat", g.node("Neg", second), first, axis=-1)
    return g.node("Add", g.node("Mul", x, cos), g.node("Mul", turned, sin))


def repeated(g, x, heads, n, size):
    batch, length = g.extent(x, 0), g.extent(x, 2)
    y = g.node("Unsqueeze", x, g.ints(2))
    y = g.node("Expand", y, g.node("Concat", batch, g.ints(heads), g.ints(n), length, g.ints(size),
                                   axis=0))
    return g.node("Reshape", y, g.node("Concat", batch, g.ints(heads * n), length, g.ints(size),
                                       axis=0))


def shared_attention(g, x, mask, width, n, style):
    size, kv = width // n, n // 2
    q = rotated(g, heads(g, g.linear(x, width, width), n, size, [0, 2, 1, 3]), size)
    k = rotated(g, heads(g, g.linear(x, width, kv * size), kv, size, [0, 2, 1, 3]), size)
    v = heads(g, g.linear(x, width, kv * size), kv, size, [0, 2, 1, 3])
    k, v = repeated(g, k, kv, 2, size), repeated(g, v, kv, 2, size)
    s = g.node("MatMul", q, g.node("Transpose", k, perm=[0, 1, 3, 2]))
    s = g.node("Add", g.node("Mul", s, g.number(size ** -0.5)), mask)
    y = g.node("Transpose", g.node("MatMul", g.node("Softmax", s, axis=-1), v), perm=[0, 2, 1, 3])
    shape = g.node("Concat", g.extent(y, 0), g.extent(y, 1), g.ints(width), axis=0)
    return g.linear(g.node("Reshape", y, shape), width, width)


def feed_forward(g, x, width, style):
    up = g.linear(x, width, 4 * width)
    if style == "llama":
        gate = g.linear(x, width, 4 * width)
        up = g.node("Mul", g.node("Mul", gate, g.node("Sigmoid", gate)), up)
        return g.linear(up, 4 * width, width)
    return g.linear(g.gelu(up), 4 * width, width)


def last_turned(g, x, n, size):
    """[batch, n, rows, size] -> [batch, n, size, rows], as newer exporters do it in three dimensions."""
    batch, rows = g.extent(x, 0), g.extent(x, 2)
    y = g.node("Reshape", x, g.node("Concat", g.ints(-1), rows, g.ints(size), axis=0))
    y = g.node("Transpose", y, perm=[0, 2, 1])
    return g.node("Reshape", y, g.node("Concat", batch, g.ints(n, size), rows, axis=0))


def attention(g, x, mask, width, n, style):
    if style == "llama":
        return shared_attention(g, x, mask, width, n, style)
    size = width // n
    q, k, v = (g.linear(x, width, width) for _ in range(3))
    of = "input_ids" if style == "sdpa" else None
    q, v = (heads(g, t, n, size, [0, 2, 1, 3], of) for t in (q, v))
    if style == "bert":
        k = heads(g, k, n, size, [0, 2, 3, 1])
        s = g.node("Div", g.node("MatMul", q, k), g.number(size ** 0.5))
        s = g.node("Add", s, mask)
    else:
        k = last_turned(g, heads(g, k, n, size, [0, 2, 1, 3], of), n, size)
        last = g.node("Slice", g.node("Shape", q), g.ints(-1), g.ints(2 ** 63 - 1))
        root = g.node("Sqrt", g.node("Cast", last, to=TensorProto.FLOAT))
        root = g.node("Sqrt", g.node("Div", g.constant(np.array([1], np.float32)), root))
        s = g.node("MatMul", g.node("Mul", q, root), g.node("Mul", k, root))
        s = g.node("Where", mask, s, g.number(LOWEST))
    y = g.node("MatMul", g.node("Softmax", s, axis=-1), v)
    y = g.node("Transpose", y, perm=[0, 2, 1, 3])
    shape = g.node("Concat", g.extent(y, 0), g.extent(y, 1), g.ints(width), axis=0)
    return g.linear(g.node("Reshape", y, shape), width, width)


def make(style, layers=6, width=384, n=12, seed=1, places=PLACES):
    g = Graph(seed, places)
    x, mask = embed(g, width, style), mask_of(g, style)
    for _ in range(layers):
        x = g.norm(g.node("Add", attention(g, x, mask, width, n, style), x), width, style)
        x = g.norm(g.node("Add", feed_forward(g, x, width, style), x), width, style)
    g.nodes.append(helper.make_node("Identity", [x], ["last_hidden_state"]))
    dims = ["batch", "sequence"]
    graph = helper.make_graph(
        g.nodes, "encoder",
        [helper.make_tensor_value_info(name, TensorProto.INT64, dims)
         for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*dims, width])],
        g.weights)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model)
    return model


def texts(batch, sequence, seed=2):
    """Token numbers and their mask: texts of several lengths, the last of them whole."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, VOCABULARY, (batch, sequence))
    lengths = [max(1, sequence * (b + 1) // batch) for b in range(batch)]
    mask = np.array([[1] * n + [0] * (sequence - n) for n in lengths], np.int64)
    return {"input_ids": ids, "attention_mask": mask}
