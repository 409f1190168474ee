"""Writes the seeds of the fuzz targets: make_corpus.py OUT.

OUT/model, OUT/pb, OUT/npy and OUT/assess_trace get small files that reach every part of the readers.  The folder
corpus/ beside this file holds what this program wrote, and every input that once found a fault."""

import io
import os
import struct
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def value(name, shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def model(nodes, inputs, outputs, initializer=(), functions=(), **extra):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializer), **extra)
    opsets = [helper.make_opsetid("", 17)] + [helper.make_opsetid("f", 1)] * bool(functions)
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=functions)


def operators():
    """One node each, whose numbers decide what the result is: (name, node, constants)."""
    i64, f32 = np.int64, np.float32

    def node(op, *inputs, **attributes):
        return helper.make_node(op, ["x", *inputs], ["y"], **attributes)

    yield "tile", node("Tile", "n"), {"n": np.array([1 << 62, 1 << 62], i64)}
    yield "pad", node("Pad", "n", mode="reflect"), {"n": np.array([0, 1, 1, 0], i64)}
    yield "slice", node("Slice", "a", "b", "c", "d"), {
        "a": np.array([-1], i64), "b": np.array([-9], i64), "c": np.array([1], i64),
        "d": np.array([-1], i64)}
    yield "resize", node("Resize", "", "s", mode="linear"), {"s": np.array([1, 2.5], f32)}
    yield "einsum", node("Einsum", "w", equation="ij,kj->ik"), {"w": np.ones((4, 3), f32)}
    yield "gather", node("GatherElements", "n"), {"n": np.zeros((1, 3), i64)}
    yield "scatter", node("ScatterND", "n", "w", reduction="add"), {
        "n": np.array([[1]], i64), "w": np.ones((1, 3), f32)}
    yield "quantize", node("QuantizeLinear", "s", "z"), {"s": f32(0.5), "z": np.int8(3)}
    yield "dft", node("DFT", "n", axis=0), {"n": i64(3)}
    yield "split", node("SplitToSequence", "n"), {"n": np.array([1, 1], i64)}


def models():
    f32 = np.float32
    for name, node, constants in operators():
        yield name, model([node], [value("x", [2, 3])], [value("y", None)],
                          [numpy_helper.from_array(np.asarray(c), k) for k, c in constants.items()])
    weights = numpy_helper.from_array(np.ones((2, 1, 3, 3), f32), "w")
    scale = numpy_helper.from_array(np.ones(2, f32), "s")
    yield "conv", model(
        [helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
         helper.make_node("BatchNormalization", ["c", "s", "s", "s", "s"], ["b"]),
         helper.make_node("Relu", ["b"], ["y"])],
        [value("x", ["N", 1, "H", "W"])], [value("y", None)], [weights, scale])
    then = helper.make_graph([helper.make_node("Add", ["x", "x"], ["t"])], "t", [],
                             [value("t", None)])
    other = helper.make_graph([helper.make_node("Identity", ["x"], ["e"])], "e", [],
                              [value("e", None)])
    yield "if", model([helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)],
                      [value("c", [], TensorProto.BOOL), value("x", [3])], [value("y", None)])
    body = helper.make_graph(
        [helper.make_node("Identity", ["k"], ["k2"]), helper.make_node("Add", ["a", "x"], ["b"])],
        "l", [value("i", [], TensorProto.INT64), value("k", [], TensorProto.BOOL), value("a", [2])],
        [value("k2", [], TensorProto.BOOL), value("b", [2])])
    yield "loop", model([helper.make_node("Loop", ["n", "", "x"], ["y"], body=body)],
                        [value("x", [2])], [value("y", [2])],
                        [numpy_helper.from_array(np.int64(3), "n")])
    scan = helper.make_graph([helper.make_node("Mul", ["s", "e"], ["s2"]),
                              helper.make_node("Identity", ["s2"], ["o"])], "s",
                             [value("s", [2]), value("e", [2])], [value("s2", [2]), value("o", [2])])
    yield "scan", model([helper.make_node("Scan", ["x", "z"], ["y", "o"], body=scan,
                                          num_scan_inputs=1)],
                        [value("x", [2]), value("z", [3, 2])], [value("y", [2]), value("o", [3, 2])])
    yield "sequence", model(
        [helper.make_node("SequenceConstruct", ["x", "x"], ["s"]),
         helper.make_node("SequenceLength", ["s"], ["n"]),
         helper.make_node("SequenceAt", ["s", "i"], ["y"])],
        [value("x", [2]), value("i", [], TensorProto.INT64)],
        [value("y", None), value("n", [], TensorProto.INT64)])
    strings = helper.make_tensor("t", TensorProto.STRING, [2], [b"a", b"bc"])
    yield "strings", model([helper.make_node("Constant", [], ["c"], value=strings),
                            helper.make_node("Equal", ["c", "c"], ["y"])],
                           [], [value("y", [2], TensorProto.BOOL)])
    function = helper.make_function("f", "Twice", ["a"], ["b"],
                                    [helper.make_node("Add", ["a", "a"], ["b"])],
                                    [helper.make_opsetid("", 17)])
    yield "function", model([helper.make_node("Twice", ["x"], ["y"], domain="f")],
                            [value("x", [2])], [value("y", [2])], functions=[function])
    external = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2],
                           data_location=TensorProto.EXTERNAL)
    for key, text in (("location", "w.bin"), ("offset", "0"), ("length", "8")):
        external.external_data.add(key=key, value=text)
    yield "external", model([helper.make_node("Add", ["x", "w"], ["y"])], [value("x", [2])],
                            [value("y", [2])], [external])
    yield "dynamic", model([helper.make_node("NonZero", ["x"], ["i"]),
                            helper.make_node("Transpose", ["i"], ["t"]),
                            helper.make_node("Shape", ["t"], ["y"])],
                           [value("x", ["N", 4])], [value("y", None, TensorProto.INT64)])


def tensors():
    yield 0, "float", numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(2, 3), "t")
    yield 0, "fields", helper.make_tensor("t", TensorProto.INT64, [3], [1, -2, 3])
    yield 0, "half", helper.make_tensor("t", TensorProto.FLOAT16, [2], [1.0, 2.0])
    yield 0, "int4", helper.make_tensor("t", TensorProto.INT4, [3], [1, -2, 3])
    yield 0, "strings", helper.make_tensor("t", TensorProto.STRING, [2], [b"a", b""])
    yield 0, "complex", helper.make_tensor("t", TensorProto.COMPLEX64, [1], [1 + 2j])
    one = np.ones(2, np.float32)
    yield 1, "sequence", numpy_helper.from_list([one, one], "s")
    yield 1, "nested", numpy_helper.from_list([[one], [one]], "s")
    yield 2, "optional", numpy_helper.from_optional(one, "o")
    yield 2, "empty", numpy_helper.from_optional(None, "o", onnx.OptionalProto.TENSOR)
    yield 3, "map", numpy_helper.from_dict({1: 2.0, 3: 4.0}, "m")


def arrays():
    yield "float", np.arange(6, dtype=np.float32).reshape(2, 3), {}
    yield "fortran", np.asfortranarray(np.ones((2, 3), np.int64)), {}
    yield "big", np.ones(3, ">i4"), {}
    yield "text", np.array(["a", "bcd"]), {}
    yield "bytes", np.array([b"a", b"bcd"]), {}
    yield "scalar", np.array(True), {}
    yield "empty", np.zeros((0, 4), np.float16), {}
    yield "second", np.ones(1, np.complex64), {"version": (2, 0)}


def trace(accepts):
    """A trace of the sampler (src/assess/trace_format.h) with a record of each kind."""

    def record(kind, layout, *fields, rest=b""):
        payload = struct.pack("<" + layout, *fields) + rest
        return struct.pack("<II", kind, len(payload)) + payload

    def sample(i, tid, stack, call, flags):
        return record(8, "qIIIhHQQHHHH", 1_000_000_000 + i * 10_000_000, 10_000_000, tid, stack,
                      call, flags | 16 * accepts, 1, 1, i % 3, 0, 0, 0)

    records = [record(1, "QqqIIII", 0x3145434152545341, 1_000_000_000, 0, 7, 1, 100, 5,
                      rest=b"a\0b\0\0"),
               record(2, "II", 0x030B02F0, 0)]
    for i, path in enumerate([b"/usr/bin/python3.11", b"/x/libc.so.6", b"/x/libopenblas.so.0"]):
        low = 0x10000 * (i + 1)
        records.append(record(3, "IIQQQII", i, i == 0, low, low + 0x1000, low, len(path), 0,
                              rest=path))
    records.append(record(4, "QQII", 0x20100, 0x20200, 6, 0, rest=b"memcpy"))
    codes = [(b"/srv/app.py", b"handle"), (b"/l/json/encoder.py", b"encode"),
             (b"/l/threading.py", b"Thread._bootstrap"), (b"/l/queue.py", b"Queue.get")]
    for i, (path, name) in enumerate(codes):
        records.append(record(5, "IIII", i, 10, len(path), len(name), rest=path + name))
    records.append(record(6, "II", 9, 4, rest=b"pool"))
    stacks = [([0], [0x10800]), ([1, 0], [0x20110, 0x10800]), ([3, 0, 2], [0x20800, 0x10800]),
              ([], [0x30800]), ([0], [0x20800, 0x30800, 0x10800])]
    for i, (python, native) in enumerate(stacks):
        frames = b"".join(struct.pack("<II", code, 11) for code in python)
        frames += b"".join(struct.pack("<Q", address) for address in native)
        records.append(record(7, "IHHI", i, len(python), len(native), i % 3, rest=frames))
    for i in range(24):
        records.append(sample(i, 7, i % 5, [-1, 0, 202, 232, 230][i % 5], 1 | i % 8 << 1))
        records.append(sample(i, 9, 3, -1 if i % 2 else 202, 0))
    records.append(record(9, "", rest=b"a note"))
    records.append(record(10, "qqqQQQ", 1_300_000_000, 5, 5, 24, 1, 1))
    return b"".join(records)


def main():
    out = sys.argv[1]

    def write(folder, name, data):
        os.makedirs(os.path.join(out, folder), exist_ok=True)
        with open(os.path.join(out, folder, name), "wb") as f:
            f.write(data)

    for name, proto in models():
        write("model", name, proto.SerializeToString())
    for kind, name, proto in tensors():
        write("pb", name, bytes([kind]) + proto.SerializeToString())
    for name, array, options in arrays():
        memory = io.BytesIO()
        np.lib.format.write_array(memory, array, **options)
        write("npy", name, memory.getvalue())
    write("assess_trace", "batch", trace(False))
    write("assess_trace", "server", trace(True))


main()
