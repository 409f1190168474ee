"""Operators of com.microsoft over bytes, node by node, against onnxruntime."""

import itertools

import numpy as np
import onnx
import pytest
from ashore_ctypes import AshoreError
from onnx import TensorProto
from test_contrib import (KINDS, MODES, U, Case, attention_bound, compare, expectation, floats,
                          paddings, rng, run_case)

KINDS.update({np.dtype(np.int8): TensorProto.INT8, np.dtype(np.uint8): TensorProto.UINT8})


# ---- DynamicQuantizeLSTM ---------------------------------------------------------------------------

OPTIONS = {"": {}, "_reverse": {"direction": "reverse"}, "_both": {"direction": "bidirectional"},
           "_clip": {"clip": 0.3}, "_forget": {"input_forget": 1},
           "_functions": {"activations": ["HardSigmoid", "Softsign", "Tanh"] * 2,
                          "activation_alpha": [0.15, 0.1], "activation_beta": [0.4, 0.6],
                          "direction": "bidirectional"}}
INPUTS = ((), ("bias",), ("bias", "lengths", "states"), ("lengths", "peepholes"))


def dequantized(w, scale, zero):
    """[D][4 H][k] in float32 of bytes [D][k][4 H]."""
    scale, zero = (a.reshape(len(w), 1, -1) for a in (scale, zero))
    return ((w.astype(np.int32) - zero).astype(np.float32) * scale).swapaxes(1, 2).copy()


def lstm_bound(T, x, h, P, h_most):
    """How far onnxruntime may be: it rounds x, from -1 to 1, and each h, from -h_most to h_most, to
    one of 255 steps, which moves the input of a gate by e.  x, h, P: sums of the weights' magnitudes
    in a gate, at most 0.5, 0.25 and 1/16.  Biases add at most 0.5 and P times a state less than 0.2:
    below 1.45 sigmoids are below 0.81, tangents below 0.9, and slopes below 1/4 and 1."""
    dc, dh, c = 0, 0, 0.25
    for _ in range(T):
        e = x / 255 + (h_most / 255 + dh) * h + P * dc
        dc, c = 0.81 * dc + (c + 0.9) * e / 4 + 0.81 * e, 0.81 * c + 0.81 * 0.9
        dh = 0.81 * dc + min(c, 1) * e / 4
    return dc


def lstm(name, kind, columns, given, options, B=3):
    """The node, and LSTM with the numbers that its weights stand for."""
    r = rng(30, len(name), columns, len(given))
    T, I, H, D = 5, 9, 7, 2 if options.get("direction") == "bidirectional" else 1
    low, high = (-128, 128) if kind == np.int8 else (0, 256)
    parts = []
    for k in (I, H):
        w = r.integers(low, high, (D, k, 4 * H)).astype(kind)
        shape = (D, 4 * H) if columns else (D,)
        scale = r.uniform(0.5, 1, shape).astype(np.float32)
        zero = np.full(shape, 0 if columns and kind == np.int8 else r.integers(low, high), kind)
        most = np.abs(dequantized(w, scale, zero)).sum(2).max()
        parts.append((w, scale * np.float32((0.5 if k == I else 0.25) / most), zero))
    bias = floats(r, D, 8 * H) / 4 if "bias" in given else None
    lengths = np.array([5, 2, 4, 1, 1, 3][:B], np.int32) if "lengths" in given else None
    states = [floats(r, D, B, H) / 4, floats(r, D, B, H) / 4] if "states" in given else [None, None]
    peepholes = floats(r, D, 3 * H) / 16 if "peepholes" in given else None
    rest = [bias, lengths, *states, peepholes]
    W, R = (dequantized(*p) for p in parts)
    more = dict(options, hidden_size=H)
    if D == 1 and "activations" in more:
        more["activations"] = more["activations"][:3]
    x = floats(r, T, B, I)
    inputs = [x, parts[0][0], parts[1][0], *rest, *parts[0][1:], *parts[1][1:]]
    node = Case(name, "DynamicQuantizeLSTM", inputs, 0, outputs=3,
                constants=(1, 2, 8, 9, 10, 11), **more)
    while rest and rest[-1] is None:
        rest.pop()
    plain = Case(name, "LSTM", [x, W, R, *rest], 8 * (I + H) * T * U, outputs=3, constants=(1, 2),
                 domain="", **more)
    return node, plain


def lstms():
    for (kind, columns), option, given in itertools.product(
            itertools.product((np.int8, np.uint8), (0, 1)), OPTIONS, INPUTS):
        name = "_".join(["lstm", np.dtype(kind).name, "columns" if columns else "whole", *given])
        yield lstm(name + option, kind, columns, given, OPTIONS[option])


@pytest.mark.parametrize("node,plain", list(lstms()), ids=lambda c: c.name if c.op != "LSTM" else "")
def test_lstm(library, node, plain):
    """Near to what the dequantised weights give, and as near to onnxruntime's operator as its
    rounding of activations allows."""
    near, far = expectation(plain), expectation(node)
    most = max(np.abs(near["o0"]).max(), 0.25 if node.inputs[5] is not None else 0)
    node.bound = lstm_bound(5, 0.5, 0.25, 0 if node.inputs[7] is None else 1 / 16, most)
    for mode, options in MODES.items():
        with library.load(node.model().SerializeToString(), **options) as model:
            got = model.run(node.feeds())
        compare(plain, got, near, mode)
        compare(node, got, far, mode)


def test_lstm_of_computed_weights(library):
    node, plain = lstm("computed", np.int8, 1, ("bias",), OPTIONS["_both"])
    node.constants = ()
    for mode, options in MODES.items():
        with library.load(node.model().SerializeToString(), **options) as model:
            compare(plain, model.run(node.feeds()), expectation(plain), mode)


@pytest.mark.parametrize("rows", [1, 4, 6])
def test_lstm_rows(library, rows):
    """Recurrent weights stay bytes for few rows, and are dequantised when the model is loaded for
    many."""
    node, plain = lstm("rows", np.uint8, 1, INPUTS[2], OPTIONS["_both"], rows)
    for mode, options in MODES.items():
        with library.load(node.model().SerializeToString(), **options) as model:
            compare(plain, model.run(node.feeds()), expectation(plain), mode)


@pytest.mark.parametrize("variant,threads", [("scalar", 1), ("simd128", 1), ("relaxed", 2)])
@pytest.mark.parametrize("columns", [0, 1])
def test_lstm_in_webassembly(wasm, tmp_path, columns, variant, threads):
    node, plain = lstm("wasm", np.int8, columns, INPUTS[3], OPTIONS["_both"])
    path = str(tmp_path / "lstm.onnx")
    onnx.save(node.model(), path)
    outputs, _ = wasm(path, node.feeds(), variant, threads)
    compare(plain, {name: y[0] for name, y in outputs.items()}, expectation(plain), variant)


def test_lstm_outputs(library):
    """Any of the outputs may be left out."""
    node, plain = lstm("outputs", np.int8, 0, (), {})
    want = expectation(plain)
    for outputs in ((0,), (1,), (0, 2), (1, 2)):
        node.outputs = outputs
        got = run_case(library, node)
        assert set(got) == {f"o{o}" for o in outputs}
        compare(plain, got, {name: want[name] for name in got}, outputs)


def test_lstm_refused(library):
    def refused(words, **changes):  # by number of the input
        node, _ = lstm("refused", np.int8, 1, ("bias",), {})
        for i, x in changes.items():
            node.inputs[int(i[1:])] = x
        with pytest.raises(AshoreError, match=words):
            run_case(library, node)
    f = np.float32
    refused("required input 8 is left out", i8=None)
    refused("required input 11 is left out", i11=None)
    refused("scales do not fit", i8=np.ones((1, 27), f), i9=np.zeros((1, 27), np.int8))
    refused("differ in shape", i9=np.zeros((1, 27), np.int8))
    refused("a permutation of 3", i1=np.zeros((1, 9), np.int8))
    refused("extent 2 of input 1 is 8, expected 9", i1=np.zeros((1, 8, 28), np.int8))


# ---- QAttention, QEmbedLayerNormalization ----------------------------------------------------------

def attentions():
    """Sums of bytes are exact; they are scaled by two roundings, and a bias is added."""
    H, D, B, K = 4, 8, 2, 24
    for (kind, columns), (S, P) in itertools.product(
            itertools.product((np.int8, np.uint8), (0, 1)), ((6, 0), (5, 3), (1, 5))):
        r = rng(31, S, P, columns)
        x = r.integers(0, 256, (B, S, K)).astype(np.uint8)
        low, zero = (-128, 0) if kind == np.int8 else (0, 131)
        w = r.integers(low, low + 256, (K, 3 * H * D)).astype(kind)
        shape = (3 * H * D,) if columns else ()
        scale = (r.uniform(0.5, 1, shape) / 128 / K).astype(np.float32)  # projections within 1
        past = floats(r, 2, B, H, P, D) if P else None
        bound = attention_bound(D, S + P, 4 * D ** 0.5) + 16 * U * 4
        for (name, mask), one_way in itertools.product(paddings(r, B, S, S + P), (0, 1)):
            if name == "_rows":
                continue
            inputs = [x, w, floats(r, 3 * H * D) / 2, np.float32(1 / 128), scale, mask, np.uint8(120),
                      np.full(shape, zero, kind), past]
            name = f"attention_{np.dtype(kind).name}_{columns}_{S}_{P}{name}_{one_way}"
            yield Case(name, "QAttention", inputs, bound, outputs=2 if P else 1,
                       constants=(1, 2, 3, 4, 6, 7), num_heads=H, unidirectional=one_way)
    yield Case("attention_no_zero", "QAttention", [x, w, inputs[2], np.float32(1 / 256), inputs[4]],
               2 * bound, constants=(1, 2, 3, 4), num_heads=H)
    yield Case("attention_scale", "QAttention", inputs, bound, outputs=2, num_heads=H, scale=0.2,
               constants=(1, 2, 3, 4, 6, 7))


def embeddings():
    B, S, D = 3, 6, 32
    for kind in (np.uint8, np.int8):
        r = rng(32)
        ids = r.integers(0, 50, (B, S)).astype(np.int32)
        segments = r.integers(0, 2, (B, S)).astype(np.int32)
        mask = np.array([[1] * n + [0] * (S - n) for n in (6, 3, 1)], np.int32)
        low = np.iinfo(kind).min
        tables = [r.integers(low, low + 256, n).astype(kind)
                  for n in ((50, D), (20, D), (2, D), D, D)]
        scales = [np.float32(s) for s in r.uniform(0.5, 1, 5) / 128]
        zeros = [np.array(z, kind) for z in r.integers(low, low + 256, 5)]
        bound = 2 * (D + 64) * U * 6 * 2  # numbers up to 2
        name = np.dtype(kind).name
        weights = (2, 3, 4, 5, 6, *range(8, 18))
        inputs = [ids, segments, *tables, mask, *scales, *zeros]
        yield Case(f"embed_{name}", "QEmbedLayerNormalization", inputs, bound, outputs=2,
                   constants=weights, epsilon=1e-6)
        fewer = [None if i in (1, 4, 7, 10, 15) else x for i, x in enumerate(inputs)]
        yield Case(f"embed_{name}_no_segment", "QEmbedLayerNormalization", fewer, bound, outputs=2,
                   constants=weights)


@pytest.mark.parametrize("case", [*attentions(), *embeddings()], ids=lambda c: c.name)
def test_case(library, case):
    want = expectation(case)
    for mode, options in MODES.items():
        with library.load(case.model().SerializeToString(), **options) as model:
            for _ in range(2):
                compare(case, model.run(case.feeds()), want, mode)


def test_refused(library):
    attention = next(attentions())
    embed = next(embeddings())
    for case, i, x, words in [
            (attention, 4, np.ones(5, np.float32), "extents 96 and 5"),
            (attention, 0, np.zeros((2, 5), np.uint8), "5 columns, input 1 has 24 rows"),
            (embed, 4, None, "required input 4 is left out"),
            (embed, 17, None, "required input 17 is left out"),
            (embed, 15, None, "required input 15 is left out")]:
        inputs = [x if k == i else given for k, given in enumerate(case.inputs)]
        with pytest.raises(AshoreError, match=words):
            run_case(library, Case("", case.op, inputs, 0, constants=case.constants, **case.attributes))
