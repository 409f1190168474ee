"""The files that every case finds in its folder."""

import os
import struct

import tiny_onnx as t

X = (-1.0, 0.0, 2.0, 3.0, -4.0, 5.0)
RELU = (0.0, 0.0, 2.0, 3.0, 0.0, 5.0)


def models():
    rows = t.tensor_type(t.FLOAT, ["N", 3])
    one = t.tensor_type(t.FLOAT, [2])
    yield "relu.onnx", t.model([t.node("Relu", ["x"], ["y"], "r")], [t.value("x", rows)],
                               [t.value("y", rows)])
    yield "weights.onnx", t.model(
        [t.node("Add", ["x", "w"], ["y"], "a"), t.node("Add", ["y", "v"], ["z"], "b")],
        [t.value("x", rows), t.value("v", t.tensor_type(t.FLOAT, ["N", 3]))],
        [t.value("y", rows), t.value("z", rows)], [t.tensor(t.FLOAT, [3], (1.0, 2.0, 3.0), "w")])
    yield "external.onnx", t.model(
        [t.node("Add", ["x", "w"], ["y"], "a")], [t.value("x", rows)], [t.value("y", rows)],
        [t.external_tensor(t.FLOAT, [3], "weights.bin", "w")])
    count = 13_000_000
    for name, dtype in (("floats", t.FLOAT), ("bytes", t.UINT8)):
        extent = count if dtype == t.FLOAT else 4 * count
        yield f"{name}.onnx", t.model(
            [t.node("Identity", ["w"], ["y"], "i")], [],
            [t.value("y", t.tensor_type(dtype, [extent]))],
            [t.external_tensor(dtype, [extent], "large.bin", "w")])
    yield "outside.onnx", t.model(
        [t.node("Add", ["x", "w"], ["y"], "a")], [t.value("x", rows)], [t.value("y", rows)],
        [t.external_tensor(t.FLOAT, [3], "../weights.bin", "w")])
    yield "nameless.onnx", t.model(
        [t.node("Relu", ["x"], ["y"])], [t.value("x", t.field(1, t.field(1, t.FLOAT) + t.field(
            2, t.fields(1, [b"", t.field(1, 3)]))))], [t.value("y", rows)])
    yield "strings.onnx", t.model(
        [t.node("Identity", ["x"], ["y"], "i")], [t.value("x", t.tensor_type(t.STRING, ["N"]))],
        [t.value("y", t.tensor_type(t.STRING, ["N"]))])
    yield "sequence.onnx", t.model(
        [t.node("SequenceConstruct", ["a", "a"], ["s"], "c")], [t.value("a", one)],
        [t.value("s", t.sequence_type(t.tensor_type(t.FLOAT, [2])))])
    yield "unsupported.onnx", t.model(
        [t.node("Relu", ["x"], ["y"]), t.node("Frobnicate", ["y"], ["z"], "odd\x1b[31m", "my.ops")],
        [t.value("x", rows)], [t.value("z", rows)], opsets=[("", 17), ("my.ops", 3)])
    names = ["../../escape", ".hidden", "a/b", "a:b"]
    yield "names.onnx", t.model([t.node("Relu", ["x"], [n], f"r{i}") for i, n in enumerate(names)],
                                [t.value("x", rows)], [t.value(n, rows) for n in names])


def case(folder, model, inputs, outputs, data_set=0):
    path = os.path.join(folder, f"test_data_set_{data_set}")
    os.makedirs(path)
    write(os.path.join(folder, "model.onnx"), model)
    for stem, tensors in (("input", inputs), ("output", outputs)):
        for i, data in enumerate(tensors):
            write(os.path.join(path, f"{stem}_{i}.pb"), data)


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def make(folder):
    """Writes all of them into a folder."""
    at = lambda *parts: os.path.join(folder, *parts)
    made = dict(models())
    for name, data in made.items():
        write(at(name), data)
    write(at("truncated.onnx"), made["weights.onnx"][:-9])
    floats = struct.pack("<6f", *X)
    write(at("weights.bin"), struct.pack("<3f", 1, 2, 3))
    write(at("x.npy"), t.npy("<f4", [2, 3], floats))
    write(at("fortran.npy"), t.npy(">f4", [2, 3], struct.pack(">6f", -1, 3, 0, -4, 2, 5), True))
    write(at("double.npy"), t.npy("<f8", [2, 3], struct.pack("<6d", *X)))
    write(at("short.npy"), t.npy("<f4", [2, 3], floats[:-1]))
    write(at("pickle.npy"), t.npy("|O", [1], b"\x80\x04N."))
    write(at("text.npy"), t.npy("<U3", [2], "a\0\0\u00e9\u20acb".encode("utf-32-le")))
    write(at("nan.npy"), t.npy("<f4", [1, 3], struct.pack("<3f", float("inf"), float("nan"), 1)))
    write(at("pair.npy"), t.npy("<f4", [2], struct.pack("<2f", 1, -2)))
    write(at("archive.npz"), b"PK\3\4rest")
    x = t.tensor(t.FLOAT, [2, 3], X, "x")
    write(at("x.pb"), x)
    good = t.tensor(t.FLOAT, [2, 3], RELU, "y")
    wrong = t.tensor(t.FLOAT, [2, 3], (0.0, 0.5, 2.0, 3.0, 0.0, 5.25), "y")
    near = t.tensor(t.FLOAT, [2, 3], (0.0, 0.0, 2.001, 3.0, 0.0, 5.0), "y")
    flat = t.tensor(t.FLOAT, [6], RELU, "y")
    case(at("good", "set_2"), made["relu.onnx"], [x], [good])
    case(at("good", "set_10"), made["relu.onnx"], [x], [near])
    case(at("bad", "shape"), made["relu.onnx"], [x], [flat])
    case(at("bad", "value"), made["relu.onnx"], [x], [wrong])
    case(at("bad", "missing"), made["relu.onnx"], [], [good])
    case(at("bad", "unsupported"), made["unsupported.onnx"], [x], [good])
    case(at("bad", "broken"), made["relu.onnx"][:-3], [x], [good])
    os.makedirs(at("empty"))
    write(at("app.js"), b"import { load } from 'ashore';\nimport x from \"ashore/inline\";\n"
          b"const kept = 'ashore';\n")
    write(at("style.css"), b"main { color: navy; }\n")
