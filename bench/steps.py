"""An operator model of operators.py as a list of steps with their weights, for engines that do not read
ONNX: lite.py writes them as a .tflite file, page/tfjs.mjs calls TensorFlow.js with them.

    dense       w [K, N]                     softmax, gelu, sigmoid
    conv        w [O, H, W, I], bias [O]     layer_norm   scale, bias
    depthwise   w [1, H, W, C], bias [C]     int4         w [N, K / 2] (two's complement), scales [N, blocks]
                                             int8         w [N, K], scales [N]; rows are quantised at run time
"""

import dataclasses

import numpy as np
import onnx
from onnx import numpy_helper

PLAIN = {"Softmax": "softmax", "Gelu": "gelu", "Sigmoid": "sigmoid"}
ROUNDED = {"int4", "int8"}  # engines may quantise what these are multiplied with
# What these do belongs to the product beside them.
AROUND = {"DynamicQuantizeLinear", "Cast", "Mul"}


class Unsupported(Exception):
    pass


@dataclasses.dataclass
class Step:
    kind: str
    arrays: dict


def conv(w, bias):
    """[O, I / groups, H, W] to the layouts of TensorFlow."""
    if w.shape[1] == 1 and w.shape[0] > 1:
        return Step("depthwise", {"w": w[:, 0].transpose(1, 2, 0)[None], "bias": bias})
    return Step("conv", {"w": w.transpose(0, 2, 3, 1), "bias": bias})


def int4(packed, scales):
    n, blocks, _ = packed.shape
    signed = packed.reshape(n, -1) ^ 0x88  # from 8 as the zero to two's complement
    return Step("int4", {"w": signed, "scales": scales.reshape(n, blocks)})


def of_node(node, weights, graph):
    arrays = [weights[name] for name in node.input if name in weights]
    if node.op_type == "MatMul":
        return Step("dense", {"w": arrays[0]})
    if node.op_type == "Conv" and len(arrays) == 2:
        return conv(*arrays)
    if node.op_type in PLAIN:
        return Step(PLAIN[node.op_type], {})
    if node.op_type == "LayerNormalization":
        return Step("layer_norm", dict(zip(("scale", "bias"), arrays)))
    if node.op_type == "MatMulNBits":
        return int4(*arrays)
    if node.op_type == "MatMulInteger":
        return Step("int8", {"w": arrays[0].T, "scales": scales_of(node, weights, graph)})
    raise Unsupported(f"{node.op_type} has no counterpart here")


def scales_of(product, weights, graph):
    """Of the weights: the constant in a product with the scale of what the node's rows come from."""
    source = next(n for n in graph.node if product.input[0] in n.output)
    scale = next(n for n in graph.node if n.op_type == "Mul" and source.output[1] in n.input)
    return next(weights[name] for name in scale.input if name in weights).reshape(-1)


def read(content):
    """The steps of a model; Unsupported where one has no counterpart."""
    graph = onnx.load_from_string(content).graph
    weights = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    return [of_node(node, weights, graph) for node in graph.node if node.op_type not in AROUND]


def channels_last(x):
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if x.ndim == 4 else x
