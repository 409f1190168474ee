"""Writes the ONNX backend tests as folders.

    make_suite.py OUT

OUT/KIND/TEST/model.onnx and OUT/KIND/TEST/test_data_set_N/{input,output}_N.pb, KIND being node,
simple, pytorch-operator or pytorch-converted; and OUT/index.json: the operators of each test.  All of
it comes from the onnx package.  Nothing is done when the index is of the same package already.
"""

import json
import os
import shutil
import sys
import warnings

import numpy as np
import onnx
from onnx import numpy_helper

STORED_KINDS = ("simple", "pytorch-operator", "pytorch-converted")


def graph_ops(nodes, found):
    for node in nodes:
        domain = "" if node.domain == "ai.onnx" else node.domain
        found.add(f"{domain}:{node.op_type}" if domain else node.op_type)
        for attribute in node.attribute:
            for graph in [attribute.g, *attribute.graphs]:
                graph_ops(graph.node, found)


def model_ops(model):
    """Operators of a model; calls of its own functions count as what those hold."""
    found = set()
    graph_ops(model.graph.node, found)
    for function in model.functions:
        graph_ops(function.node, found)
    for function in model.functions:
        domain = "" if function.domain == "ai.onnx" else function.domain
        found.discard(f"{domain}:{function.name}" if domain else function.name)
    return found


def serialise(value, info):
    kind = info.type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.from_list(value, info.name).SerializeToString()
    if kind == "optional_type":
        return numpy_helper.from_optional(value, info.name).SerializeToString()
    if kind == "map_type":
        return numpy_helper.from_dict(value, info.name).SerializeToString()
    if isinstance(value, onnx.TensorProto):
        return value.SerializeToString()
    return numpy_helper.from_array(np.asarray(value), info.name).SerializeToString()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def write_case(case, folder):
    os.makedirs(folder)
    write(os.path.join(folder, "model.onnx"), case.model.SerializeToString())
    for number, (inputs, outputs) in enumerate(case.data_sets):
        data = os.path.join(folder, f"test_data_set_{number}")
        os.makedirs(data)
        for name, values, infos in (("input", inputs, case.model.graph.input),
                                    ("output", outputs, case.model.graph.output)):
            for i, (value, info) in enumerate(zip(values, infos)):
                write(os.path.join(data, f"{name}_{i}.pb"), serialise(value, info))


def node_cases():
    # The modules print and warn while they compute their data.
    import onnx.backend.test.case.node as node  # noqa: PLC0415

    np.random.seed(0)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return node.collect_testcases(None)


def stored_folders(kind):
    import onnx.backend.test.loader as loader  # noqa: PLC0415

    top = os.path.join(loader.DATA_DIR, kind)
    for name in sorted(os.listdir(top)):
        folder = os.path.join(top, name)
        if os.path.exists(os.path.join(folder, "model.onnx")):
            yield name, folder


def main():
    out = sys.argv[1]
    key = {"onnx": onnx.__version__, "format": 2}
    index_path = os.path.join(out, "index.json")
    if os.path.exists(index_path):
        with open(index_path, encoding="utf-8") as f:
            if json.load(f)["key"] == key:
                return
    shutil.rmtree(out, ignore_errors=True)
    tests = {}
    for case in node_cases():
        write_case(case, os.path.join(out, "node", case.name))
        tests[f"node/{case.name}"] = sorted(model_ops(case.model))
    for kind in STORED_KINDS:
        for name, folder in stored_folders(kind):
            shutil.copytree(folder, os.path.join(out, kind, name))
            model = onnx.load(os.path.join(folder, "model.onnx"))
            tests[f"{kind}/{name}"] = sorted(model_ops(model))
    with open(index_path, "w", encoding="utf-8") as f:
        json.dump({"key": key, "tests": tests}, f, indent=1, sort_keys=True)
    print(f"{len(tests)} tests written to {out}")


main()
