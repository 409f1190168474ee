"""Models and tensors made to break a reader: each is refused with exit code 3 (5 where something is
merely not supported, 4 where a limit is hit) and a message that names what is wrong."""

import os

import numpy as np
import pytest
from onnx import AttributeProto, GraphProto, NodeProto, TensorProto, helper, numpy_helper

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
INPUT, LIMIT, UNSUPPORTED = 3, 4, 5


# ---- building --------------------------------------------------------------------------------


def value(name, shape, dtype=FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def node(op, inputs, outputs, name=None, **attributes):
    return helper.make_node(op, inputs, outputs, name=name or f"the_{op.lower()}", **attributes)


def proto(nodes, initializers=(), inputs=None, outputs=None, functions=(), opset=17):
    graph = helper.make_graph(nodes, "g", [value("x", [2, 3])] if inputs is None else inputs,
                              [value("y", None)] if outputs is None else outputs,
                              list(initializers))
    opsets = [helper.make_opsetid("", opset)]
    if functions:
        opsets.append(helper.make_opsetid("local", 1))
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=functions)


def tensor(name, dtype, dims, **fields):
    return TensorProto(name=name, data_type=dtype, dims=dims, **fields)


def external(location, **extra):
    t = tensor("w", FLOAT, [2, 3], data_location=TensorProto.EXTERNAL)
    for key, text in {"location": location, **extra}.items():
        t.external_data.add(key=key, value=text)
    return t


def field(number, payload):
    """A length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def good():
    """Convolution, a Loop with a captured value, a sequence: a bit of everything.  The Loop ends
    after one round whatever its count says, so that a wrong bit cannot make it run for ever."""
    w = numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32), "w")
    body = helper.make_graph(
        [node("Not", ["k"], ["k2"]), node("Add", ["a", "r"], ["b"])], "body",
        [value("i", [], INT64), value("k", [], BOOL), value("a", None)],
        [value("k2", [], BOOL), value("b", None)])
    return proto(
        [node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]), node("Relu", ["c"], ["r"]),
         node("Loop", ["n", "", "r"], ["l"], body=body),
         node("SequenceConstruct", ["l", "r"], ["s"]), node("SequenceAt", ["s", "z"], ["y"])],
        [w, numpy_helper.from_array(np.int64(3), "n"), numpy_helper.from_array(np.int64(0), "z")],
        inputs=[value("x", [1, 1, 4, 4])])


def nested_if(depth):
    graph = helper.make_graph([node("Identity", ["x"], ["t"])], "leaf", [], [value("t", None)])
    data = graph.SerializeToString()
    for _ in range(depth):
        # NodeProto: input, output, name, op_type, attribute{name, g, type}; GraphProto: node, name,
        # output.  Written by hand, as the library itself stops at a hundred levels.
        branches = b"".join(field(5, field(1, key) + field(6, data) + b"\xa0\x01\x05")
                            for key in (b"then_branch", b"else_branch")[:1])
        n = field(1, b"c") + field(2, b"t") + field(3, b"deep") + field(4, b"If") + branches
        data = field(1, n) + field(2, b"g") + field(12, value("t", None).SerializeToString())
    inputs = b"".join(field(11, v.SerializeToString())
                      for v in (value("c", [], BOOL), value("x", [2])))
    return b"\x08\x08" + field(7, data + inputs) + field(8, b"\x10\x11")


def nested_type(depth):
    data = field(1, b"\x08\x01")  # tensor of float
    for _ in range(depth):
        data = field(4, field(1, data))  # sequence of it
    info = field(1, b"x") + field(2, data)
    return b"\x08\x08" + field(7, field(11, info)) + field(8, b"\x10\x11")


def calls(count, depth):
    """Functions that each call the one before `count` times: count ** depth nodes when expanded."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    functions = []
    for level in range(depth):
        body, last = [], "a"
        for i in range(count):
            op, domain = (f"f{level - 1}", "local") if level else ("Relu", "")
            body.append(helper.make_node(op, [last], [f"b{i}"], domain=domain))
            last = f"b{i}"
        functions.append(helper.make_function("local", f"f{level}", ["a"], [last], body, opsets))
    return proto([helper.make_node(f"f{depth - 1}", ["x"], ["y"], domain="local")],
                 functions=functions)


def recursion(*names):
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    functions = [
        helper.make_function("local", name, ["a"], ["b"],
                             [helper.make_node(names[(i + 1) % len(names)], ["a"], ["b"],
                                               domain="local")], opsets)
        for i, name in enumerate(names)]
    return proto([helper.make_node(names[0], ["x"], ["y"], domain="local")], functions=functions)


def relu_with(*initializers):
    return proto([node("Add", ["x", "w"], ["y"])], initializers)


def conv(**attributes):
    w = numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32), "w")
    return proto([node("Conv", ["x", "w"], ["y"], **attributes)], [w],
                 inputs=[value("x", [1, 1, 8, 8])])


def constant(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def contrib(op, constants, **attributes):
    """A node of com.microsoft with x and constants as its inputs."""
    n = helper.make_node(op, ["x", *constants], ["y"], name=f"the_{op.lower()}",
                         domain="com.microsoft", **attributes)
    model = proto([n], [constant(name, array) for name, array in constants.items()])
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model


def nbits(codes=16, scales=2, zeros=None, **attributes):
    """A product of [2, 3] with [3, 2]: one block of 16 codes of 4 bits in each column."""
    given = {"q": np.zeros(codes, np.uint8), "s": np.ones(scales, np.float32)}
    if zeros is not None:
        given["z"] = zeros
    return contrib("MatMulNBits", given, **{"K": 3, "N": 2, "block_size": 16, **attributes})


def groups(*of):
    """The same with the groups of its three elements."""
    model = nbits()
    model.graph.node[0].input.extend(["", "g"])
    model.graph.initializer.append(constant("g", np.array(of, np.int32)))
    return model


def gathered(data=(4, 16), scales=(4, 2), **attributes):
    model = contrib("GatherBlockQuantized", {
        "i": np.array([0]), "s": np.ones(scales, np.float32)}, block_size=16, **attributes)
    model.graph.node[0].input[0] = "d"
    model.graph.initializer.append(constant("d", np.zeros(data, np.uint8)))
    return model


def typed(attribute_name, kind, **content):
    model = conv()
    model.graph.node[0].attribute.add(name=attribute_name, type=kind, **content)
    return model


# ---- refused as a whole ----------------------------------------------------------------------

STRUCTURE = {
    "empty": (b"", INPUT, ()),
    "text": (b"this is no model at all\n" * 10, INPUT, ()),
    "zeros": (bytes(1000), INPUT, ()),
    "no_graph": (b"\x08\x08" + field(8, b"\x10\x11"), INPUT, "graph"),
    "length_past_end": (b"\x08\x08\x3a\xff\xff\xff\xff\x0f", INPUT, ()),
    "length_of_64_bits": (b"\x08\x08\x3a" + b"\xff" * 9 + b"\x01", INPUT, ()),
    "varint_without_end": (b"\x08" + b"\xff" * 20, INPUT, ()),
    "field_zero": (b"\x00\x00" + proto([node("Relu", ["x"], ["y"])]).SerializeToString(), INPUT,
                   ()),
    "unknown_wire_type": (b"\x0f\x00", INPUT, ()),
    "cycle": (proto([node("Add", ["x", "b"], ["a"], "first"), node("Relu", ["a"], ["b"], "second"),
                     node("Relu", ["b"], ["y"], "third")]), INPUT, "cycle"),
    "self_loop": (proto([node("Add", ["x", "y"], ["y"], "selfish")]), INPUT, "selfish"),
    "duplicate_output": (proto([node("Relu", ["x"], ["y"]), node("Abs", ["x"], ["y"], "again")]),
                         INPUT, "y"),
    "output_shadows_input": (proto([node("Relu", ["x"], ["x"]), node("Relu", ["x"], ["y"])]),
                             INPUT, "x"),
    "duplicate_input": (proto([node("Relu", ["x"], ["y"])],
                              inputs=[value("x", [2]), value("x", [3])]), INPUT, "x"),
    "missing_input": (proto([node("Add", ["x", "nowhere"], ["y"], "lonely")]), INPUT,
                      ("nowhere", "lonely")),
    "missing_output": (proto([node("Relu", ["x"], ["z"])]), INPUT, "y"),
    "unknown_operator": (proto([node("Frobnicate", ["x"], ["y"], "strange")]), UNSUPPORTED,
                         ("Frobnicate", "strange")),
    "unknown_domain": (proto([helper.make_node("Relu", ["x"], ["y"], domain="no.such")]),
                       (INPUT, UNSUPPORTED), "no.such"),
    "future_opset": (proto([node("Relu", ["x"], ["y"])], opset=999), UNSUPPORTED,
                     ("999", "28", "ai.onnx")),
    "next_opset": (proto([node("Relu", ["x"], ["y"])], opset=29), UNSUPPORTED, ("29", "28")),
    "negative_opset": (proto([node("Relu", ["x"], ["y"])], opset=-5), (INPUT, UNSUPPORTED), "-5"),
    "too_few_inputs": (proto([node("Add", ["x"], ["y"], "poor")]), INPUT, "poor"),
    "too_many_inputs": (proto([node("Relu", ["x", "x", "x"], ["y"], "rich")]), INPUT, "rich"),
    "too_many_outputs": (proto([node("Relu", ["x"], ["y", "z"], "generous")]), INPUT, "generous"),
    "recursion": (recursion("f"), INPUT, "f"),
    "mutual_recursion": (recursion("f", "g", "h"), INPUT, ()),
    "ten_to_the_twelfth": (calls(10, 12), (INPUT, LIMIT), ()),
    "subgraphs_1000_deep": (nested_if(1000), (INPUT, LIMIT), ()),
    "types_5000_deep": (nested_type(5000), (INPUT, LIMIT), ()),
}

WEIGHTS = {
    "huge_dims": (tensor("w", FLOAT, [1 << 40, 1 << 40]), (INPUT, LIMIT), "w"),
    "overflowing_dims": (tensor("w", FLOAT, [1 << 62, 4, 4], raw_data=b"\0" * 16), (INPUT, LIMIT),
                         "w"),
    "negative_dim": (tensor("w", FLOAT, [-2, 3], raw_data=b"\0" * 24), INPUT, "w"),
    "rank_100": (tensor("w", FLOAT, [1] * 100, raw_data=b"\0" * 4), (INPUT, LIMIT, UNSUPPORTED),
                 "w"),
    "short_raw_data": (tensor("w", FLOAT, [2, 3], raw_data=b"\0" * 23), INPUT, "w"),
    "long_raw_data": (tensor("w", FLOAT, [2, 3], raw_data=b"\0" * 25), INPUT, "w"),
    "short_fields": (tensor("w", FLOAT, [2, 3], float_data=[1, 2]), INPUT, "w"),
    "wrong_fields": (tensor("w", FLOAT, [2, 3], string_data=[b"a"] * 6), INPUT, "w"),
    "no_data": (tensor("w", FLOAT, [2, 3]), INPUT, "w"),
    "unknown_type": (tensor("w", 99, [2, 3], raw_data=b"\0" * 24), (INPUT, UNSUPPORTED), "w"),
    "undefined_type": (tensor("w", 0, [2, 3], raw_data=b"\0" * 24), (INPUT, UNSUPPORTED), "w"),
    "strings_added": (tensor("w", TensorProto.STRING, [2, 3], string_data=[b"a"] * 6), INPUT,
                      "the_add"),
    "external_missing": (external("missing.bin"), INPUT, "missing.bin"),
    "external_parent": (external("../secret.bin"), INPUT, "secret.bin"),
    "external_hidden_parent": (external("a/../../secret.bin"), INPUT, "secret.bin"),
    "external_absolute": (external("/etc/passwd"), INPUT, "/etc/passwd"),
    "external_empty": (external(""), INPUT, "w"),
    "external_negative_offset": (external("data.bin", offset="-4"), INPUT, "w"),
    "external_offset_past_end": (external("data.bin", offset="1000000"), INPUT, "w"),
    "external_length_past_end": (external("data.bin", length="1000000"), INPUT, "w"),
    "external_length_wrong": (external("data.bin", length="20"), INPUT, "w"),
    "external_overflow": (external("data.bin", offset=str(2**64 - 8), length="24"), INPUT, "w"),
    "external_not_a_number": (external("data.bin", offset="0x10"), INPUT, "w"),
    "external_folder": (external("."), INPUT, ()),
}



def tfidf(**attributes):
    return proto([node("TfIdfVectorizer", ["x"], ["y"], **{
        "mode": "TF", "min_gram_length": 1, "max_gram_length": 2, "max_skip_count": 0,
        "ngram_counts": [0, 2], "ngram_indexes": [0, 1, 2], "pool_int64s": [1, 2, 3, 4],
        **attributes})])


ATTRIBUTES = {
    "strides_text": (typed("strides", AttributeProto.STRING, s=b"1"), INPUT, "strides"),
    "strides_zero": (conv(strides=[0, 1]), INPUT, "strides"),
    "strides_negative": (conv(strides=[-1, 1]), INPUT, "strides"),
    "strides_three": (conv(strides=[1, 1, 1]), INPUT, "the_conv"),
    "dilations_zero": (conv(dilations=[0, 0]), INPUT, "dilations"),
    "dilations_huge": (conv(dilations=[2**62, 2**62]), INPUT, "the_conv"),
    "pads_negative": (conv(pads=[-9, -9, -9, -9]), INPUT, "the_conv"),
    "pads_huge": (conv(pads=[2**61, 2**61, 2**61, 2**61]), (INPUT, LIMIT), "the_conv"),
    "group_zero": (conv(group=0), INPUT, "group"),
    "group_seven": (conv(group=7), INPUT, "the_conv"),
    "group_negative": (conv(group=-1), INPUT, "group"),
    "kernel_wrong": (conv(kernel_shape=[5, 5]), INPUT, "kernel_shape"),
    "auto_pad_unknown": (conv(auto_pad="SIDEWAYS"), INPUT, "auto_pad"),
    "group_real": (typed("group", AttributeProto.FLOAT, f=1.0), INPUT, "group"),
    "axis_out_of_range": (proto([node("Softmax", ["x"], ["y"], axis=7)]), INPUT, "axis"),
    "perm_repeats": (proto([node("Transpose", ["x"], ["y"], perm=[0, 0])]), INPUT, "the_transpose"),
    "perm_out_of_range": (proto([node("Transpose", ["x"], ["y"], perm=[0, 9])]), INPUT, "the_transpose"),
    "cast_to_nothing": (proto([node("Cast", ["x"], ["y"], to=99)]), (INPUT, UNSUPPORTED), "to"),
    "if_without_branch": (proto([node("If", ["c"], ["y"])], inputs=[value("c", [], BOOL)]), INPUT,
                          "the_if"),
    "nbits_fine": (nbits(), 0, ()),
    "nbits_no_size": (nbits(N=0), INPUT, "the_matmulnbits"),
    "nbits_negative": (nbits(K=-3), INPUT, "the_matmulnbits"),
    "nbits_huge": (nbits(K=2**62, N=2**62), INPUT, "the_matmulnbits"),
    "nbits_large": (nbits(K=2**31 - 1, N=2**31 - 1), INPUT, "the_matmulnbits"),
    "nbits_three": (nbits(bits=3), INPUT, "3 bits"),
    "nbits_block_24": (nbits(block_size=24), INPUT, "block_size"),
    "nbits_block_huge": (nbits(block_size=2**62), INPUT, "block_size"),
    "nbits_block_zero": (nbits(block_size=0), INPUT, "block_size"),
    "nbits_codes": (nbits(codes=15), INPUT, "16"),
    "nbits_scales": (nbits(scales=1), INPUT, "scales"),
    "nbits_zeros": (nbits(zeros=np.zeros(1, np.uint8)), INPUT, "zero points"),
    "nbits_zeros_type": (nbits(zeros=np.zeros(2, np.int64)), INPUT, "int64"),
    "nbits_k_apart": (nbits(K=4), INPUT, "K 4"),
    "nbits_prepacked": (nbits(weight_prepacked=1), UNSUPPORTED, "the_matmulnbits"),
    "nbits_groups_fine": (groups(0, 0, 0), 0, ()),
    "nbits_group_outside": (groups(0, 1, 0), INPUT, "group 1"),
    "nbits_group_negative": (groups(0, -1, 0), INPUT, "group -1"),
    "nbits_groups_few": (groups(0), INPUT, "groups"),
    "gatherq_fine": (gathered(), 0, ()),
    "gatherq_axis": (gathered(gather_axis=1, quantize_axis=0), INPUT, "the_gatherblockquantized"),
    "gatherq_axis_outside": (gathered(quantize_axis=2), INPUT, "the_gatherblockquantized"),
    "gatherq_scales": (gathered(scales=(4, 3)), INPUT, "scales"),
    "gatherq_scales_rank": (gathered(scales=(8,)), INPUT, "scales"),
    "gatherq_scalar": (gathered(data=(), scales=()), INPUT, "the_gatherblockquantized"),
    "gatherq_bits": (gathered(bits=5), INPUT, "5 bits"),
    "lstm_without_size": (proto([node("LSTM", ["x", "x", "x"], ["y"])]), INPUT, "the_lstm"),
    "argmax_axis": (proto([node("ArgMax", ["x"], ["y"], axis=-3)]), INPUT, "axis"),
    "shift_nowhere": (proto([node("BitShift", ["x", "x"], ["y"])]), INPUT, "direction"),
    "reduction_unknown": (proto([node("ScatterND", ["x", "x", "x"], ["y"], reduction="xor")],
                                opset=18), INPUT, "reduction"),
    "random_negative": (proto([node("RandomNormal", [], ["y"], shape=[-1])]), INPUT, "-1"),
    "random_huge": (proto([node("RandomUniform", [], ["y"], shape=[2**40, 2**40])]),
                    (INPUT, LIMIT), "the_randomuniform"),
    "random_text": (proto([node("RandomUniform", [], ["y"], shape=[1], dtype=8)]), INPUT, "type"),
    "window_of_text": (proto([node("HannWindow", ["x"], ["y"], output_datatype=8)]), INPUT, "type"),
    "lp_seven": (proto([node("LpNormalization", ["x"], ["y"], p=7)]), INPUT, "p is 7"),
    "reverse_one_axis": (proto([node("ReverseSequence", ["x", "x"], ["y"], time_axis=1)]), INPUT,
                         "axis"),
    "bitcast_to_text": (proto([node("BitCast", ["x"], ["y"], to=8)], opset=26), INPUT, "type"),
    "bitcast_wider": (proto([node("BitCast", ["x"], ["y"], to=11)], opset=26), INPUT, "size"),
    "tfidf_two_pools": (tfidf(pool_strings=["a"]), INPUT, "pool"),
    "tfidf_counts": (tfidf(ngram_counts=[0, 9]), INPUT, "pool"),
    "tfidf_counts_back": (tfidf(ngram_counts=[2, 0]), INPUT, "pool"),
    "tfidf_columns": (tfidf(ngram_indexes=[0, 2**60]), INPUT, "column"),
    "tfidf_more_grams": (tfidf(ngram_indexes=[0]), INPUT, "columns"),
    "tfidf_weights": (tfidf(weights=[1.0]), INPUT, "weights"),
    "tfidf_lengths": (tfidf(min_gram_length=0), INPUT, "n-grams"),
    **{f"einsum_{i}": (proto([node("Einsum", ["x", "x"], ["y"], equation=text)]), code,
                       "the_einsum")
       for i, (text, code) in enumerate([
           ("ij", INPUT), ("ij,jk,kl", INPUT), ("ij,ji-", INPUT), ("ij,ji->ij->i", INPUT),
           ("i.j,ij", INPUT), ("......,ij", INPUT), ("i1,ij", INPUT), ("ij,ij->z", INPUT),
           ("ij,ij->ii", INPUT), ("abcdefghi,ij", LIMIT), ("ij,jk", INPUT), ("i,ij", INPUT),
           ("...ijk,ij", INPUT), ("," * 40, LIMIT), ("ij,kl\u00e9", INPUT)])},
    **{f"regex_{i}": (proto([node("RegexFullMatch", ["x"], ["y"], pattern=text)], opset=20), code,
                      "the_regexfullmatch")
       for i, (text, code) in enumerate([
           ("(", INPUT), (")", INPUT), ("[", INPUT), ("[]", INPUT), ("[z-a]", INPUT),
           ("[a-\\d]", INPUT), ("*", INPUT), ("a{1001}", INPUT), ("a{3,2}", INPUT),
           ("\\", INPUT), ("\\x", INPUT), ("\\x{110000000}", INPUT), ("\\1", UNSUPPORTED),
           ("\\pL", UNSUPPORTED), ("(?=a)", UNSUPPORTED), ("(?i)a", UNSUPPORTED),
           ("[[:alpha:]]", UNSUPPORTED), ("((((a{99}){99}){99}){99})", LIMIT),
           ("(" * 100000, LIMIT)])},
}


def check_model(ashore, model, code, says):
    data = model if isinstance(model, bytes) else model.SerializeToString()
    path = ashore.write("hostile.onnx", data)
    ashore.write("data.bin", bytes(24))
    (ashore.folder.parent / "secret.bin").write_bytes(bytes(24))
    shape = (1, 1, 8, 8) if b"the_conv" in data else (2, 3)
    np.save(ashore.folder / "x.npy", np.ones(shape, np.float32))
    done = ashore("run", path, "-i", "x=x.npy")
    if code == 0:  # what the refused ones are made of
        assert done.returncode == 0, done
    else:
        ashore.refuses(code, says, "run", path, "-i", "x=x.npy")
    return done


@pytest.mark.parametrize("name", STRUCTURE)
def test_structure(ashore, name):
    check_model(ashore, *STRUCTURE[name])


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights(ashore, name):
    weight, code, says = WEIGHTS[name]
    check_model(ashore, relu_with(weight), code, says)


def test_external_link(ashore):
    """A link inside of the folder may not lead out of it."""
    outside = ashore.folder.parent / "outside.bin"
    outside.write_bytes(bytes(24))
    os.symlink(outside, ashore.folder / "link.bin")
    check_model(ashore, relu_with(external("link.bin")), INPUT, "link.bin")


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes(ashore, name):
    check_model(ashore, *ATTRIBUTES[name])


def test_message_is_printable(ashore):
    """Names from the file reach the terminal without its control characters."""
    model = proto([NodeProto(op_type="No\x1b[31m\nSuch", input=["x"], output=["y"],
                             name="bell\x07")])
    done = check_model(ashore, model, UNSUPPORTED, "No")
    assert "\x1b" not in done.stderr and "\x07" not in done.stderr


# ---- what only running shows -----------------------------------------------------------------


def constant(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def late(name, number):
    """Nodes that make the numbers [number] of what only a run knows."""
    return [node("ReduceMax", ["x"], [name + "1"], keepdims=0),
            node("Mul", [name + "1", name + "2"], [name + "3"]),
            node("Cast", [name + "3"], [name + "4"], to=INT64),
            node("Constant", [], [name + "2"], value_float=float(number)),
            node("Constant", [], [name + "5"], value_ints=[1]),
            node("Reshape", [name + "4", name + "5"], [name])]


RUNTIME = {
    "shape_of_2_to_62": (proto([node("ConstantOfShape", ["n"], ["y"])],
                               [constant("n", np.array([2**31, 2**31]))]),
                         ("the_constantofshape", "float32[2147483648,2147483648]")),
    "shape_of_2_to_40": (proto([node("ConstantOfShape", ["n"], ["y"])],
                               [constant("n", np.array([2**40]))]),
                         ("the_constantofshape", "float32[1099511627776]")),
    "shape_negative": (proto([node("ConstantOfShape", ["n"], ["y"])],
                             [constant("n", np.array([-4]))]), "the_constantofshape"),
    "reshape_impossible": (proto([node("Reshape", ["x", "n"], ["y"])],
                                 [constant("n", np.array([5, -1]))]), "the_reshape"),
    "reshape_two_unknown": (proto([node("Reshape", ["x", "n"], ["y"])],
                                  [constant("n", np.array([-1, -1]))]), "the_reshape"),
    "tile_huge": (proto([node("Tile", ["x", "n"], ["y"])],
                        [constant("n", np.array([2**62, 2**62]))]), "too large"),
    "tile_late": (proto([*late("n", 2**62), node("Concat", ["n", "n"], ["m"], axis=0),
                         node("Tile", ["x", "m"], ["y"])]), "too large"),
    "range_huge": (proto([node("Range", ["a", "b", "c"], ["y"])],
                         [constant("a", np.int64(-2**63)), constant("b", np.int64(2**63 - 1)),
                          constant("c", np.int64(1))]), "the_range"),
    "range_of_two_types": (proto([node("Range", ["a", "b", "c"], ["y"])],
                                 [constant("a", np.int64(0)), constant("b", np.float32(4)),
                                  constant("c", np.int64(1))]), "the_range"),
    "split_negative": (proto([node("SplitToSequence", ["x", "n"], ["y"])],
                             [constant("n", np.array([3, -1]))]), "the_splittosequence"),
    "expand_huge": (proto([node("Expand", ["z", "n"], ["y"])],
                          [constant("z", np.zeros(1, np.float32)),
                           constant("n", np.array([2**32, 2**32]))]), "too large"),
    "mel_huge": (proto([node("MelWeightMatrix", ["n", "n", "m", "a", "b"], ["y"])],
                       [constant("n", np.int64(2**62)), constant("m", np.int64(16000)),
                        constant("a", np.float32(0)), constant("b", np.float32(8000))]),
                 "the_melweightmatrix"),
    "shape_of_two_dimensions": (proto([node("Reshape", ["x", "n"], ["y"])],
                                      [constant("n", np.array([[6]]))]), "2 dimensions"),
    "gather_by_floats": (proto([node("Gather", ["x", "x"], ["y"])]), "float32"),
    "slice_of_two_types": (proto([node("Slice", ["x", "a", "b"], ["y"])],
                                 [constant("a", np.array([0])),
                                  constant("b", np.array([1], np.int32))]), "int32"),
    "pad_by_another_type": (proto([node("Pad", ["x", "n", "v"], ["y"])],
                                  [constant("n", np.array([0, 0, 1, 1])),
                                   constant("v", np.int8(1))]), "int8"),
    "gather_outside": (proto([node("Gather", ["x", "n"], ["y"])],
                             [constant("n", np.array([7]))]), "the_gather"),
    "slice_step_zero": (proto([node("Slice", ["x", "a", "b", "a", "a"], ["y"])],
                              [constant("a", np.array([0])), constant("b", np.array([1]))]),
                        "the_slice"),
    "pad_huge": (proto([node("Pad", ["x", "n"], ["y"])],
                       [constant("n", np.array([0, 0, 2**40, 2**40]))]),
                 ("the_pad", "float32[1099511627778,1099511627779]")),
    "concat_apart": (proto([node("Concat", ["x", "w"], ["y"], axis=0)],
                           [constant("w", np.ones((2, 4), np.float32))]), "the_concat"),
    "broadcast_apart": (proto([node("Add", ["x", "w"], ["y"])],
                              [constant("w", np.ones((2, 4), np.float32))]), "the_add"),
    "matmul_apart": (proto([node("MatMul", ["x", "w"], ["y"])],
                           [constant("w", np.ones((4, 4), np.float32))]), "the_matmul"),
    "types_apart": (proto([node("Add", ["x", "w"], ["y"])],
                          [constant("w", np.ones((2, 3), np.int64))]), "the_add"),
    "squeeze_of_three": (proto([node("Squeeze", ["x", "n"], ["y"])],
                               [constant("n", np.array([1]))]), "the_squeeze"),
    "sequence_outside": (proto([node("SequenceConstruct", ["x"], ["s"]),
                                node("SequenceAt", ["s", "n"], ["y"])],
                               [constant("n", np.int64(3))]), "the_sequenceat"),
    "tensor_as_sequence": (proto([node("SequenceLength", ["x"], ["y"])]), "the_sequencelength"),
    "optional_empty": (proto([node("Optional", [], ["o"], type=helper.make_tensor_type_proto(
        FLOAT, [2])), node("OptionalGetElement", ["o"], ["y"])], opset=15),
        "the_optionalgetelement"),
    "topk_of_more": (proto([node("TopK", ["x", "n"], ["y", "z"])],
                           [constant("n", np.array([4]))]), "the_topk"),
    "topk_negative": (proto([node("TopK", ["x", "n"], ["y", "z"])],
                            [constant("n", np.array([-1]))]), "the_topk"),
    "topk_late": (proto([*late("n", 9), node("TopK", ["x", "n"], ["y", "z"])]), "the_topk"),
    "argmax_of_nothing": (proto([node("ArgMax", ["e"], ["y"], axis=1)],
                                [constant("e", np.ones((2, 0), np.float32))]), "the_argmax"),
    "one_hot_huge": (proto([node("OneHot", ["i", "n", "v"], ["y"])],
                           [constant("i", np.zeros((2**16,), np.int64)),
                            constant("n", np.int64(2**31 - 1)), constant("v", np.ones(2))]),
                     "the_onehot"),
    "one_hot_negative": (proto([node("OneHot", ["i", "n", "v"], ["y"])],
                               [constant("i", np.array([0])), constant("n", np.float32(-1e30)),
                                constant("v", np.ones(2))]), "the_onehot"),
    "scatter_outside": (proto([node("ScatterElements", ["x", "i", "u"], ["y"])],
                              [constant("i", np.array([[2]])),
                               constant("u", np.ones((1, 1), np.float32))]),
                        "the_scatterelements"),
    "scatter_wider": (proto([node("ScatterElements", ["x", "i", "u"], ["y"])],
                            [constant("i", np.zeros((1, 4), np.int64)),
                             constant("u", np.ones((1, 4), np.float32))]), "the_scatterelements"),
    "scatter_late": (proto([*late("n", 5), node("Expand", ["i", "n"], ["j"]),
                            node("Expand", ["u", "n"], ["v"]),
                            node("ScatterElements", ["x", "j", "v"], ["y"])],
                           [constant("i", np.zeros((1, 1), np.int64)),
                            constant("u", np.ones((1, 1), np.float32))]), "the_scatterelements"),
    "scatter_nd_outside": (proto([node("ScatterND", ["x", "i", "u"], ["y"])],
                                 [constant("i", np.array([[0, -4]])),
                                  constant("u", np.ones(1, np.float32))]), "the_scatternd"),
    "scatter_nd_deep": (proto([node("ScatterND", ["x", "i", "u"], ["y"])],
                              [constant("i", np.zeros((1, 3), np.int64)),
                               constant("u", np.ones(1, np.float32))]), "the_scatternd"),
    "scatter_nd_apart": (proto([node("ScatterND", ["x", "i", "u"], ["y"])],
                               [constant("i", np.zeros((1, 1), np.int64)),
                                constant("u", np.ones((1, 2), np.float32))]), "the_scatternd"),
    "cache_outside": (proto([node("TensorScatter", ["x", "u", "i"], ["y"], axis=1)],
                            [constant("u", np.ones((2, 1), np.float32)),
                             constant("i", np.array([0, 2**63 - 1]))], opset=24),
                      "the_tensorscatter"),
    "cache_past_end": (proto([node("TensorScatter", ["x", "u", "i"], ["y"], axis=1)],
                             [constant("u", np.ones((2, 2), np.float32)),
                              constant("i", np.array([0, 2]))], opset=24), "the_tensorscatter"),
    "elements_late": (proto([*late("n", 5), node("Expand", ["i", "n"], ["j"]),
                             node("GatherElements", ["x", "j"], ["y"])],
                            [constant("i", np.zeros((1, 1), np.int64))]), "the_gatherelements"),
    "cumsum_axis_late": (proto([*late("n", 7), node("CumSum", ["x", "n"], ["y"])]), "the_cumsum"),
    "compress_outside": (proto([node("Compress", ["x", "c"], ["y"], axis=0)],
                               [constant("c", np.ones(3, np.bool_))]), "the_compress"),
    "reverse_outside": (proto([node("ReverseSequence", ["x", "n"], ["y"])],
                              [constant("n", np.array([1, 2, 3]))]), "the_reversesequence"),
    "loss_outside": (proto([node("NegativeLogLikelihoodLoss", ["x", "n"], ["y"])],
                           [constant("n", np.array([0, 3]))]), "the_negativeloglikelihoodloss"),
    "det_of_six": (proto([node("Det", ["x"], ["y"])]), "the_det"),
    "dft_of_nothing": (proto([node("DFT", ["x", "n"], ["y"], axis=0)],
                             [constant("n", np.int64(0))]), "the_dft"),
    "dft_huge": (proto([node("DFT", ["x", "n"], ["y"], axis=0)],
                       [constant("n", np.int64(2**62))]), "the_dft"),
    "stft_too_long": (proto([node("STFT", ["x", "n", "", "m"], ["y"])],
                            [constant("n", np.int64(1)), constant("m", np.int64(4))]), "the_stft"),
    "stft_no_step": (proto([node("STFT", ["x", "n", "", "m"], ["y"])],
                           [constant("n", np.int64(0)), constant("m", np.int64(2))]), "the_stft"),
    "window_negative": (proto([node("HannWindow", ["n"], ["y"])],
                              [constant("n", np.int64(-5))]), "the_hannwindow"),
    "window_huge": (proto([node("HannWindow", ["n"], ["y"])],
                          [constant("n", np.int64(2**62))]), "the_hannwindow"),
    "mel_beyond": (proto([node("MelWeightMatrix", ["n", "n", "n", "a", "b"], ["y"])],
                         [constant("n", np.int64(16)), constant("a", np.float32(-1e9)),
                          constant("b", np.float32(1e9))]), "the_melweightmatrix"),
    "map_of_tensor": (proto([node("SequenceMap", ["x"], ["y"], body=helper.make_graph(
        [node("Relu", ["p"], ["q"])], "b", [value("p", None)], [value("q", None)]))]),
        "the_sequencemap"),
    "division_by_zero": (proto([node("Cast", ["x"], ["i"], to=INT64),
                                node("Div", ["i", "n"], ["y"])],
                               [constant("n", np.array([0]))]), None),
    "least_by_minus_one": (proto([node("Div", ["m", "n"], ["y"])],
                                 [constant("m", np.array([-2**63])),
                                  constant("n", np.array([-1]))]), None),
    "scales_apart": (proto([node("QuantizeLinear", ["x", "s"], ["y"])],
                           [constant("s", np.ones(4, np.float32))]), "the_quantizelinear"),
    "scales_beyond": (proto([node("QuantizeLinear", ["x", "s"], ["y"], axis=7)],
                            [constant("s", np.ones(3, np.float32))]), "the_quantizelinear"),
    "blocks_apart": (proto([node("QuantizeLinear", ["x", "s"], ["y"], block_size=2)],
                           [constant("s", np.ones((2, 3), np.float32))], opset=21),
                     "the_quantizelinear"),
    "block_huge": (proto([node("QuantizeLinear", ["x", "s"], ["y"], block_size=2**62)],
                         [constant("s", np.ones((1, 3), np.float32))], opset=21),
                   "the_quantizelinear"),
    "quantized_float": (proto([node("QuantizeLinear", ["x", "s"], ["y"], output_dtype=1)],
                              [constant("s", np.float32(1))], opset=21), "the_quantizelinear"),
    "zero_apart": (proto([node("DequantizeLinear", ["q", "s", "z"], ["y"])],
                         [constant("q", np.ones(3, np.int8)), constant("s", np.float32(1)),
                          constant("z", np.uint8(1))]), "the_dequantizelinear"),
    "bytes_apart": (proto([node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
                           node("MatMulInteger", ["q", "w", "z"], ["y"])],
                          [constant("w", np.ones((4, 4), np.int8))]), "the_matmulinteger"),
    "channels_apart": (proto([node("ConvInteger", ["q", "w"], ["y"])],
                             [constant("q", np.ones((1, 3, 4, 4), np.uint8)),
                              constant("w", np.ones((2, 2, 1, 1), np.int8))]),
                       "the_convinteger"),
    "channel_scales_apart": (proto(
        [node("QuantizeLinear", ["x4", "s"], ["q"]), node("DequantizeLinear", ["q", "s"], ["d"]),
         node("DequantizeLinear", ["w", "v"], ["e"], axis=0),
         node("DequantizeLinear", ["b", "s"], ["c"]), node("Conv", ["d", "e", "c"], ["y"])],
        [constant("x4", np.ones((1, 3, 4, 4), np.float32)), constant("s", np.float32(1)),
         constant("w", np.ones((900, 3, 1, 1), np.int8)), constant("v", np.ones(2, np.float32)),
         constant("b", np.ones(900, np.int32))]), "the_dequantizelinear"),
    "columns_apart": (proto([node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
                             node("QLinearMatMul", ["q", "s", "z", "w", "v", "o", "s", "z"],
                                  ["y"])],
                            [constant("w", np.ones((3, 4), np.int8)), constant("o", np.int8(0)),
                             constant("v", np.ones(7, np.float32))]), "the_qlinearmatmul"),
}


@pytest.mark.parametrize("name", RUNTIME)
def test_runtime(ashore, name):
    model, says = RUNTIME[name]
    path = ashore.write("hostile.onnx", model.SerializeToString())
    np.save(ashore.folder / "x.npy", np.ones((2, 3), np.float32))
    if says is None:  # integer division by zero has no right answer; it may not trap
        assert ashore("run", path, "-i", "x=x.npy").returncode in (0, INPUT)
    else:
        ashore.refuses((INPUT, LIMIT), says, "run", path, "-i", "x=x.npy")


# ---- images ----------------------------------------------------------------------------------


def image(op, *constants, opset=22, **attributes):
    """One node whose first input is x[1,1,8,8] and whose others are constants, None: left out."""
    names = ["x"] + [f"c{i}" if c is not None else "" for i, c in enumerate(constants)]
    tensors = [constant(f"c{i}", c) for i, c in enumerate(constants) if c is not None]
    return proto([node(op, names, ["y"], **attributes)], tensors,
                 inputs=[value("x", [1, 1, 8, 8])], opset=opset)


def floats(*v):
    return np.array(v, np.float32)


KERNEL = np.ones((1, 1, 2, 2), np.float32)
NOT_A_NUMBER = float("nan")

IMAGES = {
    "resize_by_nothing": (image("Resize"), "neither"),
    "resize_by_both": (image("Resize", None, floats(1, 1, 2, 2), np.array([1, 1, 9, 9])), "both"),
    "resize_negative": (image("Resize", None, floats(1, 1, -2, 2)), "scale"),
    "resize_nan": (image("Resize", None, floats(1, 1, NOT_A_NUMBER, 2)), "scale"),
    "resize_infinite": (image("Resize", None, floats(1, 1, float("inf"), 2)), "scale"),
    "resize_huge": (image("Resize", None, floats(1, 1, 1e11, 1e11)), "the_resize"),
    "resize_three": (image("Resize", None, floats(1, 2, 2)), "3 scales"),
    "resize_size_negative": (image("Resize", None, None, np.array([1, 1, -1, 2])), "size -1"),
    "resize_axis_twice": (image("Resize", None, floats(2, 2), axes=[2, -2]), "the_resize"),
    "resize_no_region": (image("Resize", None, floats(1, 1, 2, 2),
                               coordinate_transformation_mode="tf_crop_and_resize"), "roi"),
    "resize_keep_huge": (image("Resize", None, None, np.array([1, 1, 2**62, 2**62]),
                               keep_aspect_ratio_policy="not_smaller"), "the_resize"),
    "upsample_no_scales": (image("Upsample", opset=7), "scales"),
    "deconv_huge": (image("ConvTranspose", KERNEL, strides=[2**31 - 1] * 2), "the_convtranspose"),
    "deconv_cut_away": (image("ConvTranspose", KERNEL, pads=[9, 9, 9, 9]), "the_convtranspose"),
    "deconv_output_huge": (image("ConvTranspose", KERNEL, output_shape=[2**31 - 1] * 2),
                           "the_convtranspose"),
    "deconv_groups": (image("ConvTranspose", KERNEL, group=3), "groups"),
    "grid_of_three": (image("GridSample", np.ones((1, 2, 2, 3), np.float32)), "the_gridsample"),
    "roi_of_another_image": (image("RoiAlign", floats(0, 0, 1, 1)[None], np.array([7])), "image 7"),
    "roi_huge": (image("RoiAlign", floats(0, 0, 1e30, 1e30)[None], np.array([0])), "too large"),
    "roi_samples_huge": (image("RoiAlign", floats(0, 0, 1, 1)[None], np.array([0]),
                               sampling_ratio=2**40), "sampling_ratio"),
    "max_roi_nan": (image("MaxRoiPool", floats(NOT_A_NUMBER, 0, 0, 1, 1)[None],
                          pooled_shape=[2, 2]), "image nan"),
    "unpool_outside": (image("MaxUnpool", np.full((1, 1, 8, 8), 10**9), kernel_shape=[2, 2],
                             strides=[2, 2]), "index 1000000000"),
    "unpool_negative": (image("MaxUnpool", np.full((1, 1, 8, 8), -1), kernel_shape=[2, 2]),
                        "index -1"),
    "offsets_of_another_kernel": (image("DeformConv", KERNEL, np.ones((1, 5, 7, 7), np.float32)),
                                  "the_deformconv"),
    "offset_groups_huge": (image("DeformConv", KERNEL, np.ones((1, 8, 7, 7), np.float32),
                                 offset_group=2**31 - 1), "the_deformconv"),
    "pool_huge": (image("MaxPool", kernel_shape=[2**62, 1], pads=[2**62, 0, 2**62, 0]),
                  "the_maxpool"),
    "unpool_huge": (image("MaxUnpool", np.zeros((1, 1, 8, 8), np.int64), kernel_shape=[2, 2],
                          strides=[2**62, 2**62]), "the_maxunpool"),
    "col_huge": (proto([node("Col2Im", ["x3", "n", "m"], ["y"])],
                       [constant("x3", np.ones((1, 4, 4), np.float32)),
                        constant("n", np.array([2**63 - 1] * 2)), constant("m", np.array([2, 2]))],
                       inputs=[value("x", [1, 1, 8, 8])], opset=18), "extent 9223372036854775807"),
    "crop_negative": (image("CenterCropPad", np.array([1, 1, -3, 2])), "extent -3"),
    "lrn_of_nothing": (image("LRN", size=0), "size"),
    "lp_of_nothing": (image("LpPool", kernel_shape=[2, 2], p=0), "p is"),
    "dropout_of_all": (image("Dropout", np.float32(1), np.array(True)), "ratio"),
}

# What is odd, but has an answer.
ODD_IMAGES = {
    "grid_nan": image("GridSample", np.full((1, 2, 2, 2), NOT_A_NUMBER, np.float32)),
    "grid_infinite": image("GridSample", np.full((1, 2, 2, 2), float("inf"), np.float32),
                           padding_mode="reflection", mode="cubic"),
    "roi_nan": image("RoiAlign", floats(0, 0, NOT_A_NUMBER, 1)[None], np.array([0])),
    "region_nan": image("Resize", floats(0, 0, NOT_A_NUMBER, 0, 1, 1, 1, 1), None,
                        np.array([1, 1, 5, 5]), mode="cubic",
                        coordinate_transformation_mode="tf_crop_and_resize"),
    "to_nothing": image("Resize", None, floats(1, 1, 0.01, 2), mode="linear", antialias=1),
    "far_offsets": image("DeformConv", KERNEL, np.full((1, 8, 7, 7), 1e30, np.float32)),
    "phases": image("ConvTranspose", KERNEL, strides=[300, 1]),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images(ashore, name):
    model, says = IMAGES[name]
    path = ashore.write("hostile.onnx", model.SerializeToString())
    np.save(ashore.folder / "x.npy", np.ones((1, 1, 8, 8), np.float32))
    ashore.refuses((INPUT, LIMIT), says, "run", path, "-i", "x=x.npy")


@pytest.mark.parametrize("name", ODD_IMAGES)
def test_odd_images(ashore, name):
    path = ashore.write("odd.onnx", ODD_IMAGES[name].SerializeToString())
    np.save(ashore.folder / "x.npy", np.ones((1, 1, 8, 8), np.float32))
    done = ashore("run", path, "-i", "x=x.npy")
    assert done.returncode == 0, done.stderr


# ---- every cut, and many flips ---------------------------------------------------------------


def test_truncated(ashore):
    data = good().SerializeToString()
    np.save(ashore.folder / "x.npy", np.ones((1, 1, 4, 4), np.float32))
    whole = ashore.write("whole.onnx", data)
    done = ashore("run", whole, "-i", "x=x.npy")
    assert done.returncode == 0, done.stderr
    for cut in range(0, len(data), 3):
        path = ashore.write("cut.onnx", data[:cut])
        ashore.refuses(INPUT, (), "inspect", path)


def test_flipped(ashore):
    """One bit wrong: an answer or a refusal, in bounded time and memory."""
    data = good().SerializeToString()
    np.save(ashore.folder / "x.npy", np.ones((1, 1, 4, 4), np.float32))
    random = np.random.default_rng(20)
    for bit in random.choice(len(data) * 8, 300, replace=False):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path = ashore.write("flipped.onnx", bytes(flipped))
        done = ashore("run", path, "-i", "x=x.npy")
        assert done.returncode in (0, INPUT, LIMIT, UNSUPPORTED), (bit, done)
        assert done.returncode == 0 or done.stderr.strip(), bit


# ---- tensors ---------------------------------------------------------------------------------

HEADER = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"


def npy(header, data=bytes(24), version=b"\x01\x00"):
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header + data


TENSORS = {
    "empty.npy": b"",
    "magic.npy": b"\x93NUMPZ" + npy(HEADER)[6:],
    "version.npy": npy(HEADER, version=b"\x09\x00"),
    "header_past_end.npy": b"\x93NUMPY\x01\x00\xff\xff{",
    "no_shape.npy": npy(b"{'descr': '<f4', 'fortran_order': False}"),
    "huge_shape.npy": npy(HEADER.replace(b"(2, 3)", b"(9999999999, 9999999999)")),
    "negative_shape.npy": npy(HEADER.replace(b"(2, 3)", b"(-2, -3)")),
    "short.npy": npy(HEADER, bytes(20)),
    "object.npy": npy(HEADER.replace(b"<f4", b"|O")),
    "code.npy": npy(b"{'descr': __import__('os'), 'fortran_order': False, 'shape': (2, 3)}"),
    "cut.pb": numpy_helper.from_array(np.ones((2, 3), np.float32)).SerializeToString()[:-3],
    "type.pb": tensor("x", 99, [2, 3], raw_data=bytes(24)).SerializeToString(),
    "dims.pb": tensor("x", FLOAT, [1 << 60, 1 << 60]).SerializeToString(),
    "wrong_type.npy": npy(HEADER.replace(b"<f4", b"<i8"), bytes(48)),
    "wrong_rank.npy": npy(HEADER.replace(b"(2, 3)", b"(6,)")),
    "wrong_extent.npy": npy(HEADER.replace(b"(2, 3)", b"(3, 2)")),
}


@pytest.mark.parametrize("name", TENSORS)
def test_tensors(ashore, name):
    path = ashore.write("relu.onnx", proto([node("Relu", ["x"], ["y"])]).SerializeToString())
    ashore.write(name, TENSORS[name])
    says = name if not name.startswith("wrong") else "x"
    ashore.refuses((INPUT, LIMIT, UNSUPPORTED), says, "run", path, "-i", f"x={name}")


def test_graph_of_nothing(ashore):
    """A graph without nodes whose output is its input is a model."""
    model = helper.make_model(GraphProto(name="g", input=[value("x", [2, 3])],
                                         output=[value("x", [2, 3])]), ir_version=8,
                              opset_imports=[helper.make_opsetid("", 17)])
    path = ashore.write("same.onnx", model.SerializeToString())
    np.save(ashore.folder / "x.npy", np.ones((2, 3), np.float32))
    assert ashore("run", path, "-i", "x=x.npy").returncode in (0, INPUT)
