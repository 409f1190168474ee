"""Models of one operator, or of two that belong together, that both runtimes are given.

x is [M, K] of a product, [1, C, H, W] of a convolution; weights are random and constant.
"""

import dataclasses

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 21
CONTRIB = "com.microsoft"


@dataclasses.dataclass
class Operator:
    name: str
    title: str
    make: object  # () -> (bytes, {input: array})
    tolerance: float = 1e-2
    against: str = ""  # the operator in float32 that this one is compared with


class Builder:
    def __init__(self, seed=3):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.weights = [], []

    def constant(self, value):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def normal(self, *shape, scale=1.0):
        return (self.rng.standard_normal(shape) * scale).astype(np.float32)

    def node(self, op, *inputs, outputs=1, domain="", **attributes):
        names = [f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def model(self, y, shape):
        """The file, and its input: normal numbers."""
        self.nodes.append(helper.make_node("Identity", [y], ["y"]))
        if len(self.nodes) > 1:  # the last node writes the output itself
            del self.nodes[-1]
            self.nodes[-1].output[0] = "y"
        info = helper.make_tensor_value_info
        graph = helper.make_graph(self.nodes, "operator", [info("x", TensorProto.FLOAT, shape)],
                                  [info("y", TensorProto.FLOAT, None)], self.weights)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        model = helper.make_model(graph, ir_version=10, opset_imports=opsets)
        return onnx.shape_inference.infer_shapes(model).SerializeToString(), {
            "x": self.normal(*shape)}


# ---- products and convolutions: sizes = the channels from layer to layer -------------------------

def product(rows, *sizes):
    def make():
        b, x = Builder(), "x"
        for k, n in zip(sizes, sizes[1:]):
            x = b.node("MatMul", x, b.constant(b.normal(k, n, scale=k ** -0.5)))
        return b.model(x, [rows, sizes[0]])
    return make


def convolution(side, *sizes, kernel=1, depthwise=False):
    def make():
        b, x = Builder(), "x"
        for c, n in zip(sizes, sizes[1:]):
            per = 1 if depthwise else c
            w = b.constant(b.normal(n, per, kernel, kernel, scale=(per * kernel ** 2) ** -0.5))
            x = b.node("Conv", x, w, b.constant(b.normal(n, scale=0.1)),
                       kernel_shape=[kernel] * 2, pads=[kernel // 2] * 4,
                       group=c if depthwise else 1)
        return b.model(x, [1, sizes[0], side, side])
    return make


# ---- the same in int8 -----------------------------------------------------------------------------

def bytes_of(w, axis):
    """int8 weights and their scales along an axis.  Seven bits of the eight, as onnxruntime advises: with
    all eight, its kernels for AVX2 saturate."""
    others = tuple(i for i in range(w.ndim) if i != axis)
    scale = np.abs(w).max(others) / 63
    shape = [-1 if i == axis else 1 for i in range(w.ndim)]
    return np.round(w / scale.reshape(shape)).astype(np.int8), scale.astype(np.float32)


def dynamic(b, x, w, axis, op, **attributes):
    """DynamicQuantizeLinear, the integer operator, scales: as quantisers write it."""
    q, scale, zero = b.node("DynamicQuantizeLinear", x, outputs=3)
    numbers, scales = bytes_of(w, axis)
    y = b.node("Cast", b.node(op, q, b.constant(numbers), zero, **attributes),
               to=TensorProto.FLOAT)
    shape = [1] * (w.ndim - 1) if op == "MatMulInteger" else [1, 1, 1]
    shape[-1 if op == "MatMulInteger" else 0] = -1
    return b.node("Mul", y, b.node("Mul", scale, b.constant(scales.reshape(shape))))


def dynamic_product(rows, *sizes):
    def make():
        b, x = Builder(), "x"
        for k, n in zip(sizes, sizes[1:]):
            x = dynamic(b, x, b.normal(k, n, scale=k ** -0.5), 1, "MatMulInteger")
        return b.model(x, [rows, sizes[0]])
    return make


def dynamic_convolution(side, *sizes):
    def make():
        b, x = Builder(), "x"
        for c, n in zip(sizes, sizes[1:]):
            x = dynamic(b, x, b.normal(n, c, 1, 1, scale=c ** -0.5), 0, "ConvInteger",
                        kernel_shape=[1, 1])
        return b.model(x, [1, sizes[0], side, side])
    return make


def rounded(b, x):
    """x through uint8 and back, with the scale of normal numbers."""
    how = b.constant(np.float32(8 / 255)), b.constant(np.uint8(128))
    return b.node("DequantizeLinear", b.node("QuantizeLinear", x, *how), *how)


def restored(b, w, axis):
    numbers, scales = bytes_of(w, axis)
    zeros = b.constant(np.zeros(len(scales), np.int8))
    return b.node("DequantizeLinear", b.constant(numbers), b.constant(scales), zeros, axis=axis)


def qdq_product(rows, *sizes):
    def make():
        b = Builder()
        x = rounded(b, "x")
        for k, n in zip(sizes, sizes[1:]):
            x = rounded(b, b.node("MatMul", x, restored(b, b.normal(k, n, scale=k ** -0.5), 1)))
        return b.model(x, [rows, sizes[0]])
    return make


def qdq_convolution(side, *sizes):
    def make():
        b = Builder()
        x = rounded(b, "x")
        for c, n in zip(sizes, sizes[1:]):
            w = restored(b, b.normal(n, c, 1, 1, scale=c ** -0.5), 0)
            x = rounded(b, b.node("Conv", x, w, kernel_shape=[1, 1]))
        return b.model(x, [1, sizes[0], side, side])
    return make


# ---- others ---------------------------------------------------------------------------------------

def blocks(size, block=32):
    """A vector times a matrix of 4 bits [size, size] with a scale per block."""
    def make():
        b = Builder()
        count = size // block
        packed = b.rng.integers(0, 256, (size, count, block // 2), dtype=np.uint8)
        scales = (b.rng.random(size * count, np.float32) + 0.5) / 64
        scales = scales.astype(np.float16).astype(np.float32)  # what LiteRT holds exactly, too
        y = b.node("MatMulNBits", "x", b.constant(packed), b.constant(scales), domain=CONTRIB,
                   K=size, N=size, bits=4, block_size=block)
        return b.model(y, [1, size])
    return make


def elementwise(op, *shape, **attributes):
    def make():
        b = Builder()
        return b.model(b.node(op, "x", **attributes), list(shape))
    return make


def layer_norm(rows, width):
    def make():
        b = Builder()
        y = b.node("LayerNormalization", "x", b.constant(b.normal(width)),
                   b.constant(b.normal(width)), axis=-1)
        return b.model(y, [rows, width])
    return make


def lstm(steps, width):
    def make():
        b = Builder()
        parts = [b.constant(b.normal(*shape, scale=width ** -0.5)) for shape in
                 ([1, 4 * width, width], [1, 4 * width, width], [1, 8 * width])]
        return b.model(b.node("LSTM", "x", *parts, hidden_size=width), [steps, 1, width])
    return make


FFN = 384, 1536, 384
POINTWISE = 64, 256, 64


def rows():
    # A step of rounding in int8 is 1/32 here; a sum moves by a few of them.
    rough = 5e-2
    return [
        Operator("matmul-256", "MatMul 256x256x256", product(256, 256, 256)),
        Operator("matmul-512", "MatMul 512x512x512", product(512, 512, 512)),
        Operator("ffn-128", "two products, 384-1536-384, M=128", product(128, *FFN)),
        Operator("ffn-1", "two products, 384-1536-384, M=1", product(1, *FFN)),
        Operator("conv1x1", "two convolutions 1x1, 56x56, 64-256-64", convolution(56, *POINTWISE)),
        Operator("conv3x3-28", "convolution 3x3, 28x28, 128 channels",
                 convolution(28, 128, 128, kernel=3)),
        Operator("conv3x3-56", "convolution 3x3, 56x56, 64 channels",
                 convolution(56, 64, 64, kernel=3)),
        Operator("depthwise", "depthwise 3x3, 56x56, 144 channels",
                 convolution(56, 144, 144, kernel=3, depthwise=True)),
        Operator("softmax", "Softmax 12x128x128", elementwise("Softmax", 12, 128, 128, axis=-1)),
        Operator("gelu", "GELU 128x1536", elementwise("Gelu", 128, 1536)),
        Operator("layer-norm", "LayerNormalization 128x384", layer_norm(128, 384)),
        Operator("sigmoid", "Sigmoid of 409,600", elementwise("Sigmoid", 400, 1024)),
        Operator("lstm", "LSTM, 100 steps, 128 wide", lstm(100, 128)),
        Operator("int4-gemv", "MatMulNBits 4096x4096, 4 bits, blocks of 32, M=1", blocks(4096)),
        Operator("int8-dynamic-ffn", "int8, dynamic: two products, 384-1536-384, M=128",
                 dynamic_product(128, *FFN), rough, "ffn-128"),
        Operator("int8-qdq-ffn", "int8, QDQ: two products, 384-1536-384, M=128",
                 qdq_product(128, *FFN), rough, "ffn-128"),
        Operator("int8-dynamic-conv1x1", "int8, dynamic: two convolutions 1x1, 56x56, 64-256-64",
                 dynamic_convolution(56, *POINTWISE), rough, "conv1x1"),
        Operator("int8-qdq-conv1x1", "int8, QDQ: two convolutions 1x1, 56x56, 64-256-64",
                 qdq_convolution(56, *POINTWISE), rough, "conv1x1"),
    ]
