"""The writer for TensorFlow.js: what it writes, and what it refuses.  That the network is the same is seen
in the page, which compares answers (visit.mjs)."""

import json
import os
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import graph_model  # noqa: E402


def network(*nodes, weights=()):
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
             for name, dims in (("x", ["N", 2, 4, 4]), ("y", None))]
    graph = helper.make_graph(nodes, "g", infos[:1], infos[1:],
                              [onnx.numpy_helper.from_array(a, n) for n, a in weights])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
    return model.SerializeToString()


def test_filters_are_channels_last_and_relu_is_fused():
    w = np.arange(2 * 2 * 3 * 3, dtype=np.float32).reshape(2, 2, 3, 3)
    d = np.ones((2, 1, 1, 1), np.float32)
    files = graph_model.graph_model(network(
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 0, 0, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Conv", ["r", "d"], ["y"], group=2),
        weights=(("w", w), ("d", d))), {"N": 1})
    document = json.loads(files["model.json"])
    nodes = {n["name"]: n for n in document["modelTopology"]["node"]}
    assert nodes["r"]["op"] == "_FusedConv2D" and nodes["y"]["op"] == "FusedDepthwiseConv2dNative"
    assert nodes["r"]["attr"]["explicit_paddings"]["list"]["i"] == list("00100100")
    sizes = {s["name"]: s["shape"] for s in document["weightsManifest"][0]["weights"]}
    assert sizes["c/filter"] == [3, 3, 2, 2] and sizes["y/filter"] == [1, 1, 2, 1]
    data = np.frombuffer(files["weights.bin"], np.float32)
    assert data.size == sum(int(np.prod(s)) for s in sizes.values())
    np.testing.assert_array_equal(data[:36].reshape(3, 3, 2, 2), w.transpose(2, 3, 1, 0))


@pytest.mark.parametrize("node, weights", [
    (helper.make_node("Erf", ["x"], ["y"]), ()),
    (helper.make_node("Add", ["x", "b"], ["y"]), [("b", np.ones((2, 1, 1), np.float32))]),
    (helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]), ()),
])
def test_what_it_lacks_is_refused(node, weights):
    with pytest.raises(graph_model.Unsupported):
        graph_model.graph_model(network(node, weights=weights), {"N": 1})
