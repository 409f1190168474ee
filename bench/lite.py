"""Writes .tflite files of the steps of steps.py, with the PyPI packages tflite and flatbuffers.

x is [M, K] of a product, [1, H, W, C] of a convolution, any shape of the rest.  Operators and options:
schema.fbs of LiteRT.
"""

import sys

import numpy as np

import models

sys.path.append(models.PYTHON_PEERS)

try:
    import flatbuffers
    import tflite
    MISSING = ""
except ImportError as error:
    MISSING = f"the PyPI package {error.name} is not installed"

BLOCKWISE = 2  # of the union QuantizationDetails, which the package does not know yet
BLOCK = 32
IDENTIFIER = b"TFL3"


class File:
    """A model of one graph that grows step by step; tensors are numbers."""

    def __init__(self):
        self.b = flatbuffers.Builder(1 << 20)
        self.codes, self.tensors, self.buffers, self.operators = [], [], [], []
        self.buffer(b"")

    def vector(self, start, values, prepend):
        start(self.b, len(values))
        for value in reversed(values):
            prepend(value)
        return self.b.EndVector()

    def ints(self, values):
        return self.b.CreateNumpyVector(np.array(values, np.int32))

    def buffer(self, content):
        data = None
        if content:
            data = self.b.CreateNumpyVector(np.frombuffer(content, np.uint8))
        tflite.BufferStart(self.b)
        if data is not None:
            tflite.BufferAddData(self.b, data)
        self.buffers.append(tflite.BufferEnd(self.b))
        return len(self.buffers) - 1

    def tensor(self, shape, kind, content=b"", quantization=None):
        buffer = self.buffer(content) if content else 0
        name = self.b.CreateString(f"t{len(self.tensors)}")
        dims = self.ints(shape)
        tflite.TensorStart(self.b)
        tflite.TensorAddShape(self.b, dims)
        tflite.TensorAddType(self.b, kind)
        tflite.TensorAddBuffer(self.b, buffer)
        tflite.TensorAddName(self.b, name)
        if quantization is not None:
            tflite.TensorAddQuantization(self.b, quantization)
        self.tensors.append((tflite.TensorEnd(self.b), list(shape)))
        return len(self.tensors) - 1

    def floats(self, array):
        array = np.ascontiguousarray(array, np.float32)
        return self.tensor(array.shape, tflite.TensorType.FLOAT32, array.tobytes())

    def shape(self, tensor):
        return self.tensors[tensor][1]

    def operator(self, name, inputs, shape, options=None, kind=None, version=1):
        """Its output, float32 of the given shape."""
        y = self.tensor(shape, tflite.TensorType.FLOAT32)
        code = getattr(tflite.BuiltinOperator, name), version
        if code not in self.codes:
            self.codes.append(code)
        ins, outs = self.ints(inputs), self.ints([y])
        tflite.OperatorStart(self.b)
        tflite.OperatorAddOpcodeIndex(self.b, self.codes.index(code))
        tflite.OperatorAddInputs(self.b, ins)
        tflite.OperatorAddOutputs(self.b, outs)
        if options is not None:
            tflite.OperatorAddBuiltinOptionsType(self.b, getattr(tflite.BuiltinOptions,
                                                                   kind))
            tflite.OperatorAddBuiltinOptions(self.b, options)
        self.operators.append(tflite.OperatorEnd(self.b))
        return y

    def code(self, number, version):
        tflite.OperatorCodeStart(self.b)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(self.b, min(number, 127))
        tflite.OperatorCodeAddVersion(self.b, version)
        tflite.OperatorCodeAddBuiltinCode(self.b, number)
        return tflite.OperatorCodeEnd(self.b)

    def finish(self, x, y):
        offset = self.b.PrependUOffsetTRelative
        tensors = self.vector(tflite.SubGraphStartTensorsVector, [t for t, _ in self.tensors],
                              offset)
        operators = self.vector(tflite.SubGraphStartOperatorsVector, self.operators, offset)
        ins, outs = self.ints([x]), self.ints([y])
        tflite.SubGraphStart(self.b)
        tflite.SubGraphAddTensors(self.b, tensors)
        tflite.SubGraphAddInputs(self.b, ins)
        tflite.SubGraphAddOutputs(self.b, outs)
        tflite.SubGraphAddOperators(self.b, operators)
        graph = tflite.SubGraphEnd(self.b)
        codes = self.vector(tflite.ModelStartOperatorCodesVector,
                            [self.code(*c) for c in self.codes], offset)
        graphs = self.vector(tflite.ModelStartSubgraphsVector, [graph], offset)
        buffers = self.vector(tflite.ModelStartBuffersVector, self.buffers, offset)
        tflite.ModelStart(self.b)
        tflite.ModelAddVersion(self.b, 3)
        tflite.ModelAddOperatorCodes(self.b, codes)
        tflite.ModelAddSubgraphs(self.b, graphs)
        tflite.ModelAddBuffers(self.b, buffers)
        self.b.Finish(tflite.ModelEnd(self.b), IDENTIFIER)
        return bytes(self.b.Output())


# ---- steps ----------------------------------------------------------------------------------------

def fully_connected(f, x, w, n, version=1, dynamic=False):
    tflite.FullyConnectedOptionsStart(f.b)
    if dynamic:
        tflite.FullyConnectedOptionsAddAsymmetricQuantizeInputs(f.b, True)
    return f.operator("FULLY_CONNECTED", [x, w, -1], [*f.shape(x)[:-1], n],
                      tflite.FullyConnectedOptionsEnd(f.b), "FullyConnectedOptions", version)


def dense(f, x, w):
    return fully_connected(f, x, f.floats(w.T), w.shape[1])


def by_row(f, scales):
    """Quantisation with a scale for each row of the weights."""
    scale = f.b.CreateNumpyVector(scales.astype(np.float32))
    zeros = f.b.CreateNumpyVector(np.zeros(len(scales), np.int64))
    tflite.QuantizationParametersStart(f.b)
    tflite.QuantizationParametersAddScale(f.b, scale)
    tflite.QuantizationParametersAddZeroPoint(f.b, zeros)
    return tflite.QuantizationParametersEnd(f.b)


def int8(f, x, w, scales):
    t = f.tensor(w.shape, tflite.TensorType.INT8, np.ascontiguousarray(w).tobytes(),
                 by_row(f, scales))
    return fully_connected(f, x, t, len(w), 9, dynamic=True)


def int4_by_row(f, x, w, scales):
    """With the scale of the first block for all of a row: another product, of fewer scales."""
    t = f.tensor([len(w), 2 * w.shape[1]], tflite.TensorType.INT4, w.tobytes(),
                 by_row(f, scales[:, 0]))
    return fully_connected(f, x, t, len(w), 9, dynamic=True)


def int4(f, x, w, scales):
    """Table BlockwiseQuantization: tensors of scales and zero points, and the size of a block."""
    n, k = len(w), 2 * w.shape[1]
    table = f.tensor(scales.shape, tflite.TensorType.FLOAT16,
                     scales.astype(np.float16).tobytes())
    f.b.StartObject(3)
    f.b.PrependInt32Slot(0, table, 0)
    f.b.PrependInt32Slot(1, -1, 0)
    f.b.PrependInt32Slot(2, BLOCK, 0)
    details = f.b.EndObject()
    tflite.QuantizationParametersStart(f.b)
    tflite.QuantizationParametersAddDetailsType(f.b, BLOCKWISE)
    tflite.QuantizationParametersAddDetails(f.b, details)
    tflite.QuantizationParametersAddQuantizedDimension(f.b, 0)
    quantization = tflite.QuantizationParametersEnd(f.b)
    t = f.tensor([n, k], tflite.TensorType.INT4, w.tobytes(), quantization)
    return fully_connected(f, x, t, n, 13, dynamic=True)


def conv(f, x, w, bias):
    tflite.Conv2DOptionsStart(f.b)
    tflite.Conv2DOptionsAddStrideW(f.b, 1)
    tflite.Conv2DOptionsAddStrideH(f.b, 1)
    options = tflite.Conv2DOptionsEnd(f.b)
    return f.operator("CONV_2D", [x, f.floats(w), f.floats(bias)], [*f.shape(x)[:3], len(w)],
                      options, "Conv2DOptions")


def depthwise(f, x, w, bias):
    tflite.DepthwiseConv2DOptionsStart(f.b)
    tflite.DepthwiseConv2DOptionsAddStrideW(f.b, 1)
    tflite.DepthwiseConv2DOptionsAddStrideH(f.b, 1)
    tflite.DepthwiseConv2DOptionsAddDepthMultiplier(f.b, 1)
    options = tflite.DepthwiseConv2DOptionsEnd(f.b)
    return f.operator("DEPTHWISE_CONV_2D", [x, f.floats(w), f.floats(bias)], f.shape(x), options,
                      "DepthwiseConv2DOptions")


def softmax(f, x):
    tflite.SoftmaxOptionsStart(f.b)
    tflite.SoftmaxOptionsAddBeta(f.b, 1.0)
    return f.operator("SOFTMAX", [x], f.shape(x), tflite.SoftmaxOptionsEnd(f.b),
                      "SoftmaxOptions")


def gelu(f, x):
    tflite.GeluOptionsStart(f.b)
    return f.operator("GELU", [x], f.shape(x), tflite.GeluOptionsEnd(f.b), "GeluOptions")


def sigmoid(f, x):
    return f.operator("LOGISTIC", [x], f.shape(x))


def mean(f, x):
    tflite.ReducerOptionsStart(f.b)
    tflite.ReducerOptionsAddKeepDims(f.b, True)
    options = tflite.ReducerOptionsEnd(f.b)
    axis = f.tensor([1], tflite.TensorType.INT32, np.array([-1], np.int32).tobytes())
    return f.operator("MEAN", [x, axis], [*f.shape(x)[:-1], 1], options, "ReducerOptions")


def layer_norm(f, x, scale, bias):
    """Of the operators that converters write for it."""
    shape = f.shape(x)
    middle = mean(f, x)
    variance = mean(f, f.operator("SQUARED_DIFFERENCE", [x, middle], shape))
    safe = f.operator("ADD", [variance, f.floats(np.array([1e-5]))], f.shape(variance))
    root = f.operator("RSQRT", [safe], f.shape(variance))
    y = f.operator("MUL", [f.operator("SUB", [x, middle], shape), root], shape)
    return f.operator("ADD", [f.operator("MUL", [y, f.floats(scale)], shape), f.floats(bias)],
                      shape)


KINDS = {"dense": dense, "int8": int8, "int4": int4, "int4_by_row": int4_by_row, "conv": conv, "depthwise": depthwise,
         "softmax": softmax, "gelu": gelu, "sigmoid": sigmoid, "layer_norm": layer_norm}


def write(steps, shape):
    f = File()
    x = y = f.tensor(shape, tflite.TensorType.FLOAT32)
    for step in steps:
        y = KINDS[step.kind](f, y, **step.arrays)
    return f.finish(x, y)
