"""models.py FOLDER: writes the models that the programs of these tests open."""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = Path(sys.argv[1])
random = np.random.default_rng(7)


def save(name, nodes, inputs, outputs, weights=()):
    graph = helper.make_graph(nodes, name, inputs, outputs,
                              [numpy_helper.from_array(v, k) for k, v in weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17),
                                                    helper.make_opsetid("ai.onnx.ml", 3)],
                              ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(folder / f"{name}.onnx"))


def port(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


# A picture [N, 3, 8, 8] to 10 scores.
save("picture", [helper.make_node("Flatten", ["input"], ["flat"]),
                 helper.make_node("MatMul", ["flat", "w"], ["output"])],
     [port("input", ["N", 3, 8, 8])], [port("output", ["N", 10])],
     [("w", random.normal(size=(192, 10)).astype(np.float32) / 8)])
# The same picture with its channels last.
save("last", [helper.make_node("Flatten", ["x"], ["flat"]),
              helper.make_node("MatMul", ["flat", "w"], ["y"])],
     [port("x", [1, 8, 8, 3])], [port("y", [1, 4])],
     [("w", random.normal(size=(192, 4)).astype(np.float32) / 99)])
# A row of four numbers to a class and three probabilities.
save("row", [helper.make_node("MatMul", ["X", "w"], ["z"]),
             helper.make_node("Softmax", ["z"], ["probabilities"]),
             helper.make_node("ArgMax", ["z"], ["label"], axis=1, keepdims=0)],
     [port("X", [None, 4])], [port("label", [None], TensorProto.INT64),
                              port("probabilities", [None, 3])],
     [("w", random.normal(size=(4, 3)).astype(np.float32))])
# The same with a map for each row.
save("maps", [helper.make_node("MatMul", ["X", "w"], ["z"]),
              helper.make_node("Softmax", ["z"], ["p"]),
              helper.make_node("ZipMap", ["p"], ["output_probability"], domain="ai.onnx.ml",
                               classlabels_strings=["a", "b", "c"])],
     [port("X", [None, 4])],
     [helper.make_value_info("output_probability", helper.make_sequence_type_proto(
         helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(
             TensorProto.FLOAT, []))))],
     [("w", random.normal(size=(4, 3)).astype(np.float32))])
# Texts [N] to other texts; a sound of any length to twice of it.
save("texts", [helper.make_node("LabelEncoder", ["text"], ["words"], domain="ai.onnx.ml",
                                keys_strings=["The", "THE", "Cat", "über"],
                                values_strings=["a", "one", "cat", "over"],
                                default_string="thing")],
     [port("text", [None], TensorProto.STRING)], [port("words", [None], TensorProto.STRING)])
save("sound", [helper.make_node("Mul", ["wave", "two"], ["louder"]),
               helper.make_node("ReduceMax", ["louder"], ["peak"], axes=[1], keepdims=0)],
     [port("wave", [1, "T"])], [port("louder", [1, "T"]), port("peak", [1])],
     [("two", np.array(2, np.float32))])
# Boxes: [N, 4] and scores [N], as the input has them.
save("boxes", [helper.make_node("Flatten", ["input"], ["flat"]),
               helper.make_node("Slice", ["flat", "at", "to", "axis"], ["part"]),
               helper.make_node("Reshape", ["part", "shape"], ["rows"])],
     [port("input", [1, 3, 8, 8])], [port("rows", ["M", 5])],
     [("at", np.array([0])), ("to", np.array([150])), ("axis", np.array([1])),
      ("shape", np.array([30, 5]))])
