"""Writes the seeds of fuzz_onnx: make_onnx_corpus.py OUT.  Small models, each with something that the
reader treats in its own way."""

import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

F32 = TensorProto.FLOAT


def value(name, shape=None, dtype=F32):
    return helper.make_tensor_value_info(name, dtype, shape)


def model(nodes, inputs, outputs, initializer=(), functions=(), opset=17, **extra):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializer), **extra)
    opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid("f", 1)] * bool(functions)
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=functions)


def constants():
    sparse = helper.make_sparse_tensor(
        helper.make_tensor("s", F32, [2], [1.0, 2.0]),
        helper.make_tensor("", TensorProto.INT64, [2], [0, 3]), [2, 3])
    nodes = [helper.make_node("Constant", [], ["a"], sparse_value=sparse),
             helper.make_node("Constant", [], ["b"], value_strings=["x", "yz"]),
             helper.make_node("Constant", [], ["c"], value_floats=[1.0, 2.0]),
             helper.make_node("Constant", [], ["d"], value_int=5),
             helper.make_node("Concat", ["a", "b", "c", "d", "e"], ["y"], axis=0)]
    return model(nodes, [], [value("y")], [helper.make_tensor("e", TensorProto.INT4, [3], [1, -2, 3])])


def types():
    def seq(t):
        return helper.make_sequence_type_proto(t)
    tensor = helper.make_tensor_type_proto(F32, ["N", 2, None])
    inputs = [helper.make_value_info("s", seq(seq(tensor))),
              helper.make_value_info("o", helper.make_optional_type_proto(seq(tensor))),
              helper.make_value_info("m", helper.make_map_type_proto(TensorProto.INT64, tensor))]
    return model([helper.make_node("Identity", ["s"], ["y"])], inputs, [value("y")])


def captures():
    body = helper.make_graph(
        [helper.make_node("Add", ["v", "late"], ["v2"]), helper.make_node("Identity", ["c"], ["c2"])],
        "b", [value("i", [], TensorProto.INT64), value("c", [], TensorProto.BOOL), value("v")],
        [value("c2", [], TensorProto.BOOL), value("v2"), value("w")])
    then = helper.make_graph([helper.make_node("Loop", ["", "p", "x"], ["t", "u"], body=body)], "t",
                             [], [value("t")])
    other = helper.make_graph([], "e", [], [value("x")])
    nodes = [helper.make_node("If", ["p"], ["y"], then_branch=then, else_branch=other),
             helper.make_node("Relu", ["x"], ["late"])]
    return model(nodes, [value("p", [], TensorProto.BOOL), value("x", ["N"])], [value("y")],
                 [numpy_helper.from_array(np.ones(2, np.float32), "w")])


def functions():
    alpha = helper.make_attribute("alpha", 0.5)
    leaky = helper.make_node("LeakyRelu", ["a"], ["m"])
    ref = leaky.attribute.add()
    ref.name, ref.ref_attr_name, ref.type = "alpha", "alpha", onnx.AttributeProto.FLOAT
    inner = helper.make_function("f", "g", ["p", "q"], ["o"], [helper.make_node("Sum", ["p", "q"], ["o"])],
                                 [helper.make_opsetid("", 13)])
    outer = helper.make_function("f", "h", ["a", "b"], ["r", "a"],
                                 [leaky, helper.make_node("g", ["m", "b"], ["r"], domain="f")],
                                 [helper.make_opsetid("", 16), helper.make_opsetid("f", 1)],
                                 attribute_protos=[alpha])
    nodes = [helper.make_node("h", ["x"], ["t"], domain="f", alpha=2.0),
             helper.make_node("h", ["t", "x"], ["y", "z"], domain="f")]
    return model(nodes, [value("x", [2])], [value("y"), value("z")], functions=[inner, outer])


def external():
    t = helper.make_tensor("w", F32, [2], [0, 0])
    t.ClearField("float_data")
    t.data_location = TensorProto.EXTERNAL
    for key, text in (("location", "w"), ("offset", "4"), ("length", "8")):
        entry = t.external_data.add()
        entry.key, entry.value = key, text
    return model([helper.make_node("Relu", ["w"], ["y"])], [], [value("y")], [t])


def main(out):
    os.makedirs(out, exist_ok=True)
    for make in (constants, types, captures, functions, external):
        with open(os.path.join(out, make.__name__), "wb") as f:
            f.write(make().SerializeToString())


if __name__ == "__main__":
    main(sys.argv[1])
