"""Small networks, quantised by onnxruntime's quantiser in all of its ways."""

import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization as ort

OPSET = 17
BYTE = {"u8": ort.QuantType.QUInt8, "s8": ort.QuantType.QInt8}


class Builder:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def weight(self, *shape):
        fan = np.prod(shape[1:]) if len(shape) > 2 else shape[0]
        return self.constant(self.rng.normal(0, fan ** -0.5, shape).astype(np.float32))

    def add(self, op, *inputs, **attributes):
        self.count += 1
        out = f"v{self.count}"
        self.nodes.append(helper.make_node(op, inputs, [out], name=f"n{self.count}", **attributes))
        return out

    def model(self, result, shape):
        self.nodes[-1].output[0] = "y"
        assert result == f"v{self.count}"
        graph = helper.make_graph(
            self.nodes, "network", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], self.constants)
        return helper.make_model(graph, ir_version=8,
                                 opset_imports=[helper.make_opsetid("", OPSET)])


def convolutions():
    """Strided, depthwise, pointwise, grouped and dilated convolutions, a residual, poolings."""
    b = Builder(1)

    def conv(x, out, each, k, **attributes):
        bias = b.constant(b.rng.normal(0, 0.1, out).astype(np.float32))
        return b.add("Conv", x, b.weight(out, each, k, k), bias, **attributes)

    six = b.constant(np.float32(6)), b.constant(np.float32(0))
    x = b.add("Relu", conv("x", 16, 3, 3, strides=[2, 2], pads=[1] * 4))
    x = b.add("Clip", conv(x, 16, 1, 3, group=16, pads=[1] * 4), six[1], six[0])
    x = conv(x, 24, 16, 1)
    y = b.add("Relu", conv(x, 24, 24, 3, pads=[2] * 4, dilations=[2, 2]))
    x = b.add("Add", x, y)
    x = b.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = b.add("Mul", x, b.add("Sigmoid", conv(x, 24, 6, 3, group=4, pads=[0, 1, 2, 1])))
    y = b.add("AveragePool", x, kernel_shape=[3, 3], pads=[1] * 4)
    x = b.add("Concat", x, y, axis=1)
    x = b.add("Flatten", b.add("GlobalAveragePool", x))
    bias = b.constant(b.rng.normal(0, 0.1, 10).astype(np.float32))
    x = b.add("Gemm", x, b.weight(10, 48), bias, transB=1)
    return b.model(x, [1, 3, 32, 32])


def attention(batch=2, tokens=17, width=64, heads=4):
    """A transformer's block."""
    b = Builder(2)
    each = width // heads

    def linear(x, n, m):
        return b.add("Add", b.add("MatMul", x, b.weight(n, m)),
                     b.constant(b.rng.normal(0, 0.1, m).astype(np.float32)))

    def norm(x):
        scale, shift = b.rng.normal(1, 0.1, width), b.rng.normal(0, 0.1, width)
        return b.add("LayerNormalization", x, b.constant(scale.astype(np.float32)),
                     b.constant(shift.astype(np.float32)), axis=-1)

    split = b.constant(np.array([batch, tokens, heads, each]))
    whole = b.constant(np.array([batch, tokens, width]))
    h = norm("x")
    q, k, v = (b.add("Reshape", linear(h, width, width), split) for _ in range(3))
    q = b.add("Transpose", q, perm=[0, 2, 1, 3])
    k = b.add("Transpose", k, perm=[0, 2, 3, 1])
    v = b.add("Transpose", v, perm=[0, 2, 1, 3])
    s = b.add("Mul", b.add("MatMul", q, k), b.constant(np.float32(each ** -0.5)))
    h = b.add("MatMul", b.add("Softmax", s, axis=-1), v)
    h = b.add("Reshape", b.add("Transpose", h, perm=[0, 2, 1, 3]), whole)
    x = b.add("Add", "x", linear(h, width, width))
    h = linear(norm(x), width, 4 * width)
    half = b.add("Mul", h, b.constant(np.float32(0.5)))
    erf = b.add("Erf", b.add("Mul", h, b.constant(np.float32(0.5 ** 0.5))))
    h = b.add("Mul", half, b.add("Add", erf, b.constant(np.float32(1))))
    x = b.add("Add", x, linear(h, 4 * width, width))
    return b.model(x, [batch, tokens, width])


NETWORKS = {"convolutions": convolutions, "attention": attention}


def feeds(model, count, seed):
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    rng = np.random.default_rng(seed)
    return [{"x": rng.normal(0, 1, shape).astype(np.float32)} for _ in range(count)]


class Calibration(ort.CalibrationDataReader):
    def __init__(self, model):
        self.left = iter(feeds(model, 8, 7))

    def get_next(self):
        return next(self.left, None)


def quantize(folder, network, how, activation="u8", weight="s8", per_channel=False):
    """how: "dynamic", "QDQ" or "QOperator".  The path of the model."""
    model = NETWORKS[network]()
    source, target = (os.path.join(folder, f) for f in ("float.onnx", "quantized.onnx"))
    onnx.save(onnx.shape_inference.infer_shapes(model), source)
    if how == "dynamic":
        ort.quantize_dynamic(source, target, per_channel=per_channel, weight_type=BYTE[weight])
    else:
        ort.quantize_static(source, target, Calibration(model),
                            quant_format=ort.QuantFormat[how], per_channel=per_channel,
                            activation_type=BYTE[activation], weight_type=BYTE[weight])
    return target
