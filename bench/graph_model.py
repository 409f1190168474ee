"""Writes a convolution network of ONNX as the graph model that TensorFlow.js loads (model.json, weights.bin).

There is no converter from ONNX to TensorFlow.js.  What this writes is what its own converter writes of such a
network: channels-last, batch normalisation folded into the filters (onnxruntime's basic rewriting does
that here), bias and Relu fused into convolutions.  Anything that the table below lacks is Unsupported.

Letters: N batch, C channels, M filters, K kernel extents.
"""

import base64
import json
import os
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper


class Unsupported(Exception):
    """The network has something that is not written."""


def text(value):
    return base64.b64encode(value.encode()).decode()


def integers(values):
    return {"list": {"i": [str(v) for v in values]}}


class Writer:
    """nodes and weights of the graph so far.  constants: of the ONNX graph, by name."""

    def __init__(self, constants):
        self.constants = constants
        self.nodes, self.weights = [], []

    def add(self, name, op, inputs, **attributes):
        attributes.setdefault("T", {"type": "DT_FLOAT"})
        self.nodes.append({"name": name, "op": op, "input": list(inputs), "attr": attributes})
        return name

    def constant(self, name, array):
        kind = "DT_FLOAT" if array.dtype == np.float32 else "DT_INT32"
        self.weights.append((name, np.ascontiguousarray(array)))
        shape = {"dim": [{"size": str(d)} for d in array.shape]}
        self.nodes.append({"name": name, "op": "Const", "input": [], "attr": {
            "dtype": {"type": kind}, "value": {"tensor": {"dtype": kind, "tensorShape": shape}}}})
        return name

    def operand(self, name):
        """An input of an elementwise operator: a constant must be one number, which no layout moves."""
        if name not in self.constants:
            return name
        if self.constants[name].size != 1:
            raise Unsupported(f"{name}: a constant of shape {self.constants[name].shape}")
        return self.scalar(name, self.constants[name].reshape(()))

    def scalar(self, name, value):
        if any(found == name for found, _ in self.weights):
            return name
        return self.constant(name, np.array(value, np.float32))


def window(attributes):
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    return {"strides": integers([1, *attributes.get("strides", [1, 1]), 1]),
            "padding": {"s": text("EXPLICIT")}, "data_format": {"s": text("NHWC")},
            "explicit_paddings": integers([0, 0, top, bottom, left, right, 0, 0])}


def convolution(writer, node, attributes, relu):
    w = writer.constants[node.input[1]]  # [M, C / group, K, K]
    group = attributes.get("group", 1)
    if group != 1 and (w.shape[1] != 1 or w.shape[0] % group):
        raise Unsupported(f"{node.name}: {group} groups")
    moved = w.transpose(2, 3, 1, 0) if group == 1 else \
        w.reshape(group, -1, *w.shape[2:]).transpose(2, 3, 0, 1)  # [K, K, C, M / C]
    name = node.output[0]
    bias = writer.constants[node.input[2]] if len(node.input) > 2 else \
        np.zeros(w.shape[0], np.float32)
    inputs = [node.input[0], writer.constant(f"{name}/filter", moved),
              writer.constant(f"{name}/bias", bias)]
    fused = ["BiasAdd", "Relu"] if relu else ["BiasAdd"]
    writer.add(relu or name, "_FusedConv2D" if group == 1 else "FusedDepthwiseConv2dNative", inputs,
               dilations=integers([1, *attributes.get("dilations", [1, 1]), 1]),
               fused_ops={"list": {"s": [text(f) for f in fused]}}, num_args={"i": "1"},
               **window(attributes))


def clip(writer, name, x, low, high):
    least = writer.scalar(f"const/{low}", low)
    most = writer.scalar(f"const/{high}", high)
    inner = writer.add(f"{name}/low", "Maximum", [x, least])
    writer.add(name, "Minimum", [inner, most])


def clipped(writer, node, attributes):
    bounds = [attributes[key] if key in attributes else float(writer.constants[node.input[i]])
              for i, key in ((1, "min"), (2, "max"))]
    clip(writer, node.output[0], node.input[0], *bounds)


def hard_sigmoid(writer, node, attributes):
    name = node.output[0]
    slope = writer.scalar(f"{name}/alpha", attributes.get("alpha", 0.2))
    offset = writer.scalar(f"{name}/beta", attributes.get("beta", 0.5))
    x = writer.add(f"{name}/scaled", "Mul", [node.input[0], slope])
    clip(writer, name, writer.add(f"{name}/moved", "AddV2", [x, offset]), 0.0, 1.0)


def mean(writer, node, attributes):
    axes = writer.constant(f"{node.output[0]}/axes", np.array([1, 2], np.int32))
    writer.add(node.output[0], "Mean", [node.input[0], axes], keep_dims={"b": True})


def pooling(writer, node, attributes):
    if any(attributes.get("pads", [])):
        raise Unsupported(f"{node.name}: a padded pooling")
    more = {**window(attributes), "padding": {"s": text("VALID")}}
    writer.add(node.output[0], "MaxPool", [node.input[0]],
               ksize=integers([1, *attributes["kernel_shape"], 1]), **more)


def flatten(writer, node, attributes):
    """Only of what was averaged: one place, so that the layout does not matter."""
    shape = writer.constant(f"{node.output[0]}/shape",
                            writer.constants[node.input[1]].astype(np.int32))
    writer.add(node.output[0], "Reshape", [node.input[0], shape])


def product(writer, node, attributes):
    w = writer.constants[node.input[1]]
    name = node.output[0]
    w = writer.constant(f"{name}/w", w.T if attributes.get("transB") else w)
    y = writer.add(f"{name}/product", "MatMul", [node.input[0], w], transpose_a={"b": False},
                   transpose_b={"b": False})
    writer.add(name, "BiasAdd", [y, writer.constant(f"{name}/b", writer.constants[node.input[2]])],
               data_format={"s": text("NHWC")})


def elementwise(op):
    return lambda writer, node, attributes: writer.add(node.output[0], op,
                                                       map(writer.operand, node.input))


TABLE = {"Clip": clipped, "HardSigmoid": hard_sigmoid, "GlobalAveragePool": mean, "MaxPool": pooling,
         "Reshape": flatten, "Gemm": product, "Add": elementwise("AddV2"), "Mul": elementwise("Mul"),
         "Div": elementwise("RealDiv"), "Sub": elementwise("Sub"), "Relu": elementwise("Relu"),
         "Softmax": elementwise("Softmax"), "Sigmoid": elementwise("Sigmoid")}


def simplified(model, extents):
    """The graph with the extents given by name, constants computed and batch normalisation folded."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    for name, extent in extents.items():
        options.add_free_dimension_override_by_name(name, extent)
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = os.path.join(folder, "model.onnx")
        onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath).graph


def fused_relus(graph):
    """Output of a convolution that only a Relu reads: the Relu's output."""
    readers = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    found = {}
    for node in graph.node:
        read_by = readers.get(node.output[0], [])
        if node.op_type == "Conv" and len(read_by) == 1 and read_by[0].op_type == "Relu":
            found[node.output[0]] = read_by[0].output[0]
    return found


def write_nodes(writer, graph):
    relus = fused_relus(graph)
    for node in graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Conv":
            convolution(writer, node, attributes, relus.get(node.output[0]))
        elif node.output[0] in relus.values():
            continue
        elif node.op_type in TABLE:
            TABLE[node.op_type](writer, node, attributes)
        else:
            raise Unsupported(f"{node.op_type} is not written for TensorFlow.js")


def graph_model(model, extents):
    """{file name: content} of the network in `model` (bytes or a path), of one picture as input."""
    graph = simplified(model, extents)
    writer = Writer({i.name: numpy_helper.to_array(i) for i in graph.initializer})
    n, c, h, w = (d.dim_value for d in graph.input[0].type.tensor_type.shape.dim)
    writer.add(graph.input[0].name, "Placeholder", [], dtype={"type": "DT_FLOAT"},
               shape={"shape": {"dim": [{"size": str(d)} for d in (n, h, w, c)]}})
    write_nodes(writer, graph)
    listed = [{"name": name, "shape": list(array.shape), "dtype": str(array.dtype)}
              for name, array in writer.weights]
    manifest = [{"paths": ["weights.bin"], "weights": listed}]
    document = {"format": "graph-model", "modelTopology": {"node": writer.nodes, "versions": {}},
                "weightsManifest": manifest}
    return {"model.json": json.dumps(document).encode(),
            "weights.bin": b"".join(array.tobytes() for _, array in writer.weights)}
