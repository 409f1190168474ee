"""Writes the ONNX backend tests of the operators in slice_ops.txt as folders.

    make_suite.py OUT

OUT/KIND/TEST/model.onnx and OUT/KIND/TEST/test_data_set_N/{input,output}_N.pb, KIND being node,
simple, pytorch-operator or pytorch-converted; and OUT/index.json: for each kind the number of tests
that the onnx package has, and for each test that was kept its operators.  All of it comes from the
onnx package.  Nothing is done when the index is of the same package and list already.
"""

import json
import os
import shutil
import sys
import warnings

import numpy as np
import onnx
from onnx import numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
STORED_KINDS = ("simple", "pytorch-operator", "pytorch-converted")


def slice_ops():
    with open(os.path.join(HERE, "slice_ops.txt"), encoding="utf-8") as f:
        return {line.strip() for line in f if line.strip() and not line.startswith("#")}


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
    ops = slice_ops()
    key = {"onnx": onnx.__version__, "ops": sorted(ops), "format": 1}
    index_path = os.path.join(out, "index.json")
    if os.path.exists(index_path):
        with open(index_path, encoding="utf-8") as f:
            if json.load(f)["key"] == key:
                return
    shutil.rmtree(out, ignore_errors=True)
    index = {"key": key, "kinds": {}, "tests": {}}
    total = 0
    for case in node_cases():
        total += 1
        used = model_ops(case.model)
        if used <= ops:
            write_case(case, os.path.join(out, "node", case.name))
            index["tests"][f"node/{case.name}"] = sorted(used)
    index["kinds"]["node"] = total
    for kind in STORED_KINDS:
        total = 0
        for name, folder in stored_folders(kind):
            total += 1
            used = model_ops(onnx.load(os.path.join(folder, "model.onnx")))
            if used <= ops:
                shutil.copytree(folder, os.path.join(out, kind, name))
                index["tests"][f"{kind}/{name}"] = sorted(used)
        index["kinds"][kind] = total
    with open(index_path, "w", encoding="utf-8") as f:
        json.dump(index, f, indent=1, sort_keys=True)
    print(f"{len(index['tests'])} of {sum(index['kinds'].values())} tests written to {out}")


main()
