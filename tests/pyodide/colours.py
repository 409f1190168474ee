"""Writes the model of examples/gradio/classifier.py: means of a picture's channels, as scores."""

import sys

import onnx
from onnx import TensorProto, helper

image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])
scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 3])
sharper = helper.make_tensor("sharper", TensorProto.FLOAT, [], [8.0])
nodes = [helper.make_node("GlobalAveragePool", ["image"], ["means"]),
         helper.make_node("Flatten", ["means"], ["flat"]),
         helper.make_node("Mul", ["flat", "sharper"], ["logits"]),
         helper.make_node("Softmax", ["logits"], ["scores"])]
model = helper.make_model(helper.make_graph(nodes, "colours", [image], [scores], [sharper]),
                          opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model)
onnx.save(model, sys.argv[1])
