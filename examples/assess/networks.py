"""Networks with random weights, made from a seed: the work of a real one, without a download."""

import logging
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Network:
    def __init__(self, seed=0):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights = [], []

    def weight(self, *shape):
        name = f"w{len(self.weights)}"
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else shape[0]
        values = self.random.standard_normal(shape) * np.sqrt(2 / fan_in)
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def node(self, op, *inputs, **attributes):
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def convolution(self, x, channels_in, channels, stride=1):
        y = self.node("Conv", x, self.weight(channels, channels_in, 3, 3), self.weight(channels),
                      strides=[stride, stride], pads=[1, 1, 1, 1])
        return self.node("Relu", y)

    def save(self, path, inputs, outputs):
        graph = helper.make_graph(self.nodes, "network", inputs, outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, path)


def save_classifier(path, side, width, blocks, classes=10):
    """Pictures float32 [1,3,side,side] to scores [1,classes]: `blocks` times three convolutions of
    3x3, each block with twice the channels and half the side of the one before."""
    n, x, channels = Network(), "picture", 3
    for block in range(blocks):
        x = n.convolution(x, channels, width, stride=2)
        x = n.convolution(x, width, width)
        x = n.convolution(x, width, width)
        channels, width = width, 2 * width
    x = n.node("Flatten", n.node("GlobalAveragePool", x))
    n.node("Gemm", x, n.weight(classes, channels), n.weight(classes), transB=1)
    n.nodes[-1].output[0] = "scores"
    n.save(path, [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, side, side])],
           [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, classes])])


def quantise(path, to):
    """int8, calibrated with random pictures: there are no real ones for random weights."""
    from onnxruntime import quantization

    class Pictures(quantization.CalibrationDataReader):
        def __init__(self):
            shape = [d.dim_value for d in onnx.load(path).graph.input[0].type.tensor_type.shape.dim]
            rng = np.random.default_rng(1)
            self.left = [rng.random(shape, np.float32) for _ in range(8)]

        def get_next(self):
            return {"picture": self.left.pop()} if self.left else None

    quantization.quantize_static(path, to, Pictures(), per_channel=True,
                                 activation_type=quantization.QuantType.QUInt8,
                                 weight_type=quantization.QuantType.QInt8)


def main():
    """networks.py DIR: writes classifier.onnx, classifier.int8.onnx and small.onnx."""
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    save_classifier(os.path.join(folder, "classifier.onnx"), side=128, width=64, blocks=3)
    save_classifier(os.path.join(folder, "small.onnx"), side=64, width=16, blocks=3)
    logging.disable(logging.WARNING)  # the quantiser advises to pre-process; nothing is to be folded
    quantise(os.path.join(folder, "classifier.onnx"), os.path.join(folder, "classifier.int8.onnx"))


if __name__ == "__main__":
    main()
