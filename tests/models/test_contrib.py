"""Operators of com.microsoft, case by case, against onnxruntime: natively, as written and on
references alone, and some in WebAssembly.

All inputs are uniform in -1..1 unless a case says otherwise.  With u = 2^-24 and two engines that
both err, the bounds are twice

    norms, activations   (D + 64) u on the scale of the result, D numbers in a row, results up to MOST
    products             (K + 8) u K, of K terms
    attention            (4 (D + 8) M + 2 T + 16) u on values up to 1: M bounds a score, as
                         src/kernels/attention/attention_check.c derives
"""

import itertools

import numpy as np
import onnx
import onnxruntime
import pytest
from ashore_ctypes import AshoreError
from onnx import TensorProto, helper

U = 2.0 ** -24
MS = "com.microsoft"
KINDS = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int32): TensorProto.INT32,
         np.dtype(np.int64): TensorProto.INT64, np.dtype(np.bool_): TensorProto.BOOL}
MODES = {"lowered": {}, "as written": {"optimize": 0}, "reference": {"reference": 1},
         "two threads": {"threads": 2}}


class Case:
    """One node: inputs by position (None: left out), constants among them by index."""

    def __init__(self, name, op, inputs, bound, outputs=1, constants=(), domain=MS, valid=None,
                 **attributes):
        self.name, self.op, self.inputs, self.bound = name, op, inputs, bound
        self.outputs, self.constants, self.domain = outputs, constants, domain
        self.attributes, self.valid = attributes, valid

    def model(self):
        names = ["" if x is None else f"i{k}" for k, x in enumerate(self.inputs)]
        wanted = self.outputs if isinstance(self.outputs, tuple) else range(self.outputs)
        out = [f"o{k}" if k in wanted else "" for k in range(max(wanted) + 1)]
        node = helper.make_node(self.op, names, out, domain=self.domain, **self.attributes)
        given = [(n, x) for n, x in zip(names, self.inputs) if n]
        graph = helper.make_graph(
            [node], "case",
            [helper.make_tensor_value_info(n, KINDS[x.dtype], x.shape) for n, x in given
             if int(n[1:]) not in self.constants],
            [helper.make_tensor_value_info(n, TensorProto.UNDEFINED, None) for n in out if n],
            [onnx.numpy_helper.from_array(x, n) for n, x in given
             if int(n[1:]) in self.constants])
        for o in graph.output:
            o.ClearField("type")
        return helper.make_model(graph, ir_version=9, opset_imports=[
            helper.make_opsetid("", 20), helper.make_opsetid(MS, 1)])

    def feeds(self):
        return {f"i{k}": x for k, x in enumerate(self.inputs)
                if x is not None and k not in self.constants}


def rng(*seed):
    return np.random.default_rng([7, *seed])


def floats(r, *shape):
    return r.uniform(-1, 1, shape).astype(np.float32)


# ---- activations, products, normalisations ---------------------------------------------------------

def activations():
    r = rng(1)
    x, bias = floats(r, 3, 5, 24) * 4, floats(r, 24)
    bound = 64 * U * 6
    yield Case("gelu", "Gelu", [x], bound)
    yield Case("fast_gelu", "FastGelu", [x], bound)
    yield Case("fast_gelu_bias", "FastGelu", [x, bias], bound)
    yield Case("bias_gelu", "BiasGelu", [x, bias], bound)
    yield Case("quick_gelu", "QuickGelu", [x], bound)
    yield Case("quick_gelu_alpha", "QuickGelu", [x], bound, alpha=0.7)


def products():
    r = rng(2)
    a, b = floats(r, 4, 5, 6, 8), floats(r, 4, 5, 8, 7)
    bound = 2 * 16 * U * 8
    def swap(x):
        return np.ascontiguousarray(np.swapaxes(x, -1, -2))
    def batch_last(x):  # the rows come before the batches
        return np.ascontiguousarray(np.moveaxis(x, -2, 0))
    for ta, tb in itertools.product((0, 1), (0, 1)):
        yield Case(f"fused_matmul_{ta}{tb}", "FusedMatMul",
                   [swap(a) if ta else a, swap(b) if tb else b], bound * 0.25, transA=ta, transB=tb,
                   alpha=0.25)
    yield Case("fused_matmul_batch", "FusedMatMul", [batch_last(a), batch_last(b)], bound,
               transBatchA=1, transBatchB=1)
    yield Case("fused_matmul_batch_and_last", "FusedMatMul", [batch_last(swap(a)), b], bound,
               transBatchA=1, transA=1)
    yield Case("fused_matmul_weights", "FusedMatMul", [a[0, 0], b[0, 0]], bound, constants=(1,),
               alpha=2.0)
    m, n, c = floats(r, 6, 8), floats(r, 8, 7), floats(r, 7)
    for act, more in {"Relu": {}, "Tanh": {}, "Sigmoid": {},
                      "LeakyRelu": {"activation_alpha": 0.2}}.items():
        yield Case(f"fused_gemm_{act}", "FusedGemm", [m, n, c], bound, activation=act, **more)
    yield Case("fused_gemm_trans", "FusedGemm", [m.T.copy(), n.T.copy(), c], bound * 3,
               activation="Relu", transA=1, transB=1, alpha=3.0, beta=0.5)
    x, w, z = floats(r, 2, 4, 9, 7), floats(r, 6, 4, 3, 3), floats(r, 2, 6, 9, 7)
    bound = 2 * 48 * U * 37
    for act, params in {"Relu": None, "Sigmoid": None, "Tanh": None, "LeakyRelu": [0.1],
                        "Clip": [-1.0, 2.0], "HardSigmoid": [0.3, 0.4]}.items():
        more = {"activation_params": params} if params else {}
        yield Case(f"fused_conv_{act}", "FusedConv", [x, w, floats(r, 6)], bound, constants=(1, 2),
                   activation=act, pads=[1, 1, 1, 1], kernel_shape=[3, 3], **more)
    yield Case("fused_conv_sum", "FusedConv", [x, w, floats(r, 6), z], bound, constants=(1, 2),
               activation="Relu", pads=[1, 1, 1, 1], kernel_shape=[3, 3])


def norms():
    r = rng(3)
    D = 32
    x, skip, gamma, beta, bias = floats(r, 2, 5, D), floats(r, 2, 5, D), *(floats(r, D) for _ in "abc")
    bound = 2 * (D + 64) * U * 6  # |x - mean| / deviation is at most sqrt(D)
    for name, b, c in (("", None, None), ("_beta", beta, None), ("_bias", None, bias),
                       ("_both", beta, bias)):
        yield Case("skip_norm" + name, "SkipLayerNormalization", [x, skip, gamma, b, c], bound,
                   epsilon=1e-5)
    yield Case("skip_norm_sum", "SkipLayerNormalization", [x, skip, gamma, beta, bias], bound,
               outputs=(0, 3))
    yield Case("skip_norm_broadcast", "SkipLayerNormalization", [x, skip[:1], gamma, beta], bound)
    yield Case("skip_norm_rows", "SkipLayerNormalization", [x, skip[0], gamma, beta], bound)
    yield Case("skip_rms", "SkipSimplifiedLayerNormalization", [x, skip, gamma], bound)
    yield Case("skip_rms_sum", "SkipSimplifiedLayerNormalization", [x, skip, gamma, bias], bound,
               outputs=(0, 3), epsilon=1e-3)
    yield Case("rms", "SimplifiedLayerNormalization", [x, gamma], bound, domain="")
    yield Case("rms_axis", "SimplifiedLayerNormalization", [x, floats(r, 5, D)], bound * 2, domain="",
               axis=1, epsilon=1e-3)
    yield from embeddings(bound)


def embeddings(bound):
    r = rng(4)
    B, S, D = 3, 6, 32
    ids = r.integers(0, 50, (B, S)).astype(np.int32)
    segments = r.integers(0, 2, (B, S)).astype(np.int32)
    positions = r.integers(0, 20, (B, S)).astype(np.int32)
    mask = np.array([[1] * n + [0] * (S - n) for n in (6, 3, 1)], np.int32)
    word, position, segment = floats(r, 50, D), floats(r, 20, D), floats(r, 2, D)
    gamma, beta = floats(r, D), floats(r, D)
    tables = [word, position, segment, gamma, beta]
    weights = (2, 3, 4, 5, 6)
    yield Case("embed", "EmbedLayerNormalization", [ids, segments, *tables], bound, outputs=2,
               constants=weights)
    yield Case("embed_mask", "EmbedLayerNormalization", [ids, segments, *tables, mask], bound,
               outputs=3, constants=weights, epsilon=1e-6)
    yield Case("embed_positions", "EmbedLayerNormalization",
               [ids, segments, *tables, None, positions], bound, outputs=(0, 2), constants=weights)
    yield Case("embed_no_segment", "EmbedLayerNormalization",
               [ids, None, word, position, None, gamma, beta, mask], bound, outputs=2,
               constants=(2, 3, 5, 6))


def forerunners():
    """Of operators that ai.onnx took up later: elements are moved, GridSample mixes four or sixteen."""
    r = rng(12)
    x = floats(r, 2, 3, 6, 7)
    grid = floats(r, 2, 4, 5, 2) * np.float32(1.2)
    for mode, more in itertools.product(("bilinear", "nearest", "bicubic"), (
            {}, {"align_corners": 1, "padding_mode": "border"}, {"padding_mode": "reflection"})):
        yield Case(f"grid_{mode}_{len(more)}_{more.get('align_corners')}", "GridSample", [x, grid],
                   64 * 16 * U, mode=mode, **more)
    k = np.array(-1, np.int64)
    for name, inputs, more in (("", [x], {}), ("_lower", [x, k], {"upper": 0}), ("_at", [x, k], {})):
        yield Case("trilu" + name, "Trilu", inputs, 0, **more)
    yield Case("transpose_matmul", "TransposeMatMul", [x, floats(r, 5, 7)], 2 * 16 * U * 8, transB=1)
    for at in (0, 2, -1):
        yield Case(f"expand_{at}", "ExpandDims", [x, np.array(at, np.int32)], 0)
    at = np.array([[1, 2, 3], [0, -1, -6]], np.int32)
    yield Case("gather_nd", "GatherND", [x, at], 0)
    pads = np.array([0, 1, 0, 2, 0, 0, -1, 3])
    yield Case("pad", "Pad", [x, pads], 0)
    yield Case("pad_value", "Pad", [x, pads, np.array([0.5], np.float32)], 0)
    yield Case("pad_reflect", "Pad", [x, np.abs(pads)], 0, mode="reflect")
    for kind in (np.int32, np.int64, np.float32):
        yield Case(f"range_{np.dtype(kind).name}", "Range", [np.array(2, kind), np.array([9], kind)], 0)
    yield Case("range_step", "Range", [np.array(v, np.float32) for v in (2, -1, -0.5)], 0)
    yield Case("unique", "Unique", [np.array([2, 1, 1, 3, 4, 3], np.float32)], 0, outputs=3)


# ---- attention -------------------------------------------------------------------------------------

def attention_bound(D, T, most):
    return 2 * (4 * (D + 8) * most + 2 * T + 16) * U


def paddings(r, B, S, T):
    yield "", None
    yield "_lengths", r.integers(1, T + 1, B).astype(np.int32)
    yield "_keys", (r.random((B, T)) < 0.7).astype(np.int32)
    yield "_rows", (r.random((B, S, T)) < 0.7).astype(np.int32)


def multi_head():
    H, D, E, B = 3, 16, 8, 2
    for S, T, P in ((7, 7, 0), (5, 9, 0), (1, 1, 6), (6, 6, 4), (40, 70, 0)):
        r = rng(5, S, T, P)
        q, k, v = floats(r, B, S, H * D), floats(r, B, T, H * D), floats(r, B, T, H * E)
        past = [floats(r, B, H, P, D), floats(r, B, H, P, D)] if P else [None, None]
        width = D if P else E
        v = floats(r, B, T, H * width)
        outputs = 3 if P else 1
        bound = attention_bound(D, T + P, 4 + 1 + 10000 * 0)
        for name, mask in paddings(r, B, S, T + P):
            yield Case(f"mha_{S}_{T}_{P}{name}", "MultiHeadAttention", [q, k, v, None, mask, None, *past],
                       bound, outputs=outputs, num_heads=H, mask_filter_value=-1e4)
        scores = floats(r, 1, H, S, T + P)
        yield Case(f"mha_{S}_{T}_{P}_scores", "MultiHeadAttention",
                   [q, k, v, None, None, scores, *past], bound, outputs=outputs, num_heads=H)
        yield Case(f"mha_{S}_{T}_{P}_scores_batch", "MultiHeadAttention",
                   [q, k, v, None, None, floats(r, B, 1, S, T + P), *past], bound, outputs=outputs,
                   num_heads=H, scale=0.5)
        if S == T:
            yield Case(f"mha_{S}_{T}_{P}_causal", "MultiHeadAttention",
                       [q, k, v, None, None, None, *past], bound, outputs=outputs, num_heads=H,
                       unidirectional=1)
        bias = floats(r, H * (2 * D + width))
        yield Case(f"mha_{S}_{T}_{P}_bias", "MultiHeadAttention",
                   [q, k, v, bias, None, None, *past], 4 * bound, outputs=outputs, num_heads=H)
    r = rng(6)
    cached = [floats(r, B, H, 9, D), floats(r, B, H, 9, D)]
    yield Case("mha_cached", "MultiHeadAttention", [floats(r, B, 4, H * D), *cached],
               attention_bound(D, 9, 5), num_heads=H)


def projected():
    """Attention: weights keep projections within 1, so that a score is at most sqrt(D)."""
    H, D, B, K = 4, 8, 2, 24
    for S, P in ((6, 0), (1, 5), (5, 3)):
        r = rng(7, S, P)
        x, past = floats(r, B, S, K), floats(r, 2, B, H, P, D) if P else None
        w, bias = floats(r, K, 3 * H * D) / K, floats(r, 3 * H * D) * 0.5
        bound = attention_bound(D, S + P, 4 * D ** 0.5) + 4 * (K + 4) * U
        for name, mask in paddings(r, B, S, S + P):
            for one_way in (0, 1):
                yield Case(f"attention_{S}_{P}{name}_{one_way}", "Attention", [x, w, bias, mask, past],
                           bound, outputs=2 if P else 1, constants=(1, 2), num_heads=H,
                           unidirectional=one_way)
    r = rng(8)
    x = floats(r, B, 6, K)
    spans = np.array([6, 4, 1, 0], np.int32)
    yield Case("attention_spans", "Attention", [x, floats(r, K, 96) / K, floats(r, 96), spans],
               attention_bound(D, 6, 9) + 4 * K * U, constants=(1, 2), num_heads=H)
    yield Case("attention_scores", "Attention",
               [x, floats(r, K, 96) / K, floats(r, 96), None, None, floats(r, B, H, 6, 6)],
               attention_bound(D, 6, 10) + 4 * K * U, constants=(1, 2), num_heads=H, scale=0.3)
    yield Case("attention_sizes", "Attention", [x, floats(r, K, 2 * 32 + 16) / K, floats(r, 80)],
               attention_bound(D, 6, 9) + 4 * K * U, constants=(1, 2), num_heads=H,
               qkv_hidden_sizes=[32, 32, 16])
    yield Case("attention_computed_weights", "Attention", [x, floats(r, K, 96) / K, floats(r, 96)],
               attention_bound(D, 6, 9) + 4 * K * U, num_heads=H)


def rotations():
    r = rng(9)
    B, S, H, D = 2, 5, 3, 16
    for name, dims, turned in (("flat", (B, S, H * D), 16), ("heads", (B, H, S, D), 16),
                               ("partly", (B, H, S, D), 8)):
        cos, sin = floats(r, 20, turned // 2), floats(r, 20, turned // 2)
        for what, at in (("offset", np.array([3], np.int64)), ("each", r.integers(0, 20, (B, S)))):
            for interleaved in (0, 1):
                more = {"num_heads": H, "rotary_embedding_dim": turned} if turned < D else {}
                yield Case(f"rotary_{name}_{what}_{interleaved}", "RotaryEmbedding",
                           [floats(r, *dims), at, cos, sin], 8 * U, interleaved=interleaved, **more)


def group_query():
    """Rows of padding in a prompt, and what the cache holds behind the keys, are nobody's business."""
    H, KV, D, ROOM = 6, 2, 16, 32
    bound = attention_bound(D, ROOM, 6)
    r = rng(10)
    cos, sin = floats(r, ROOM, D // 2), floats(r, ROOM, D // 2)
    shapes = [("prompt", 2, 5, 0, 5, [4, 2]), ("decode", 3, 1, 7, 8, [7, 3, 0]),
              ("continued", 1, 3, 6, 9, [8]), ("room", 2, 1, 12, 8, [7, 3]),
              ("long_prompt", 1, 30, 0, 30, [29])]
    variants = [("", {}), ("_window", {"local_window_size": 3}), ("_scale", {"scale": 0.3}),
                ("_softcap", {"softcap": 0.5}), ("_smooth", {"smooth_softmax": 1}),
                ("_rotary", {"do_rotary": 1}), ("_interleaved", {"do_rotary": 1,
                                                                 "rotary_interleaved": 1}),
                ("_packed", {"do_rotary": 1}), ("_sink", {}), ("_scores", {}), ("_both", {"causal": 0})]
    for name, B, S, P, total, last in shapes:
        for suffix, attributes in variants:
            r = rng(11, S, P, len(suffix))
            q, k, v = floats(r, B, S, H * D), floats(r, B, S, KV * D), floats(r, B, S, KV * D)
            past = [floats(r, B, KV, P, D), floats(r, B, KV, P, D)]
            inputs = [q, k, v, *past, np.array(last, np.int32), np.array(total, np.int32)]
            if suffix == "_packed":
                inputs[:3] = [np.concatenate([q, k, v], 2), None, None]
            inputs += [cos, sin] if attributes.get("do_rotary") else [None, None]
            inputs += [None, floats(r, 1, H, S, total) if suffix == "_scores" else None]
            inputs += [floats(r, H) if suffix == "_sink" else None]
            while inputs[-1] is None:
                inputs.pop()

            def valid(output, x, last=last, S=S):
                if output == "o0":  # a prompt that is shorter than the longest ends in padding
                    return np.concatenate([x[b, :min(S, n + 1)].ravel() for b, n in enumerate(last)])
                return np.concatenate([x[b, :, :n + 1].ravel() for b, n in enumerate(last)])
            yield Case(f"gqa_{name}{suffix}", "GroupQueryAttention", inputs, 2 * bound, outputs=3,
                       valid=valid, num_heads=H, kv_num_heads=KV, **attributes)


def all_cases():
    return [*activations(), *products(), *norms(), *forerunners(), *multi_head(), *projected(), *rotations(),
            *group_query()]


def expectation(case):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(case.model().SerializeToString(), options,
                                           providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, case.feeds())))


def compare(case, got, want, mode):
    for name, w in want.items():
        g = got[name]
        assert g.shape == w.shape and g.dtype == w.dtype, f"{mode}: {name}"
        if case.valid:
            g, w = case.valid(name, g), case.valid(name, w)
        far = np.abs(g.astype(np.float64) - w.astype(np.float64)).max() if g.size else 0
        bound = case.bound if g.dtype == np.float32 else 0
        assert far <= bound, f"{mode}: {name} is off by {far:.3g}, allowed is {bound:.3g}"


@pytest.mark.parametrize("case", all_cases(), ids=lambda c: c.name)
def test_case(library, case):
    want = expectation(case)
    for mode, options in MODES.items():
        with library.load(case.model().SerializeToString(), **options) as model:
            for _ in range(2):
                compare(case, model.run(case.feeds()), want, mode)


IN_WEBASSEMBLY = ("fast_gelu_bias", "fused_conv_Clip", "fused_matmul_batch_and_last", "skip_rms", "trilu_lower", "unique",
                  "embed_no_segment", "mha_40_70_0_rows", "mha_1_1_6_keys", "attention_5_3_lengths_1",
                  "rotary_partly_each_1", "gqa_prompt_interleaved", "gqa_decode_window")


@pytest.mark.parametrize("variant,threads", [("scalar", 1), ("relaxed", 2)])
@pytest.mark.parametrize("case", [c for c in all_cases() if c.name in IN_WEBASSEMBLY],
                         ids=lambda c: c.name)
def test_webassembly(wasm, tmp_path, case, variant, threads):
    want = {name: w for name, w in expectation(case).items() if w.dtype == np.float32}
    path = str(tmp_path / "case.onnx")
    model = case.model()
    for o in [o for o in model.graph.output if o.name not in want]:
        model.graph.output.remove(o)
    onnx.save(model, path)
    outputs, _ = wasm(path, case.feeds(), variant, threads)
    compare(case, {name: y[0] for name, y in outputs.items()}, want, variant)


def test_all_webassembly_cases_are_there():
    assert set(IN_WEBASSEMBLY) <= {c.name for c in all_cases()}


def as_type(case, dtype):
    """The same node over another floating-point type."""
    inputs = [x.astype(dtype) if x is not None and x.dtype.kind == "f" else x
              for x in case.inputs]
    return Case(case.name, case.op, inputs, case.bound, case.outputs, case.constants, case.domain,
                case.valid, **case.attributes)


KINDS.update({np.dtype(np.float64): TensorProto.DOUBLE, np.dtype(np.float16): TensorProto.FLOAT16})


@pytest.mark.parametrize("case", all_cases(), ids=lambda c: c.name)
def test_double(library, case):
    """In double what float32 gives, to float32's bound."""
    want = expectation(case)
    wide = as_type(case, np.float64)
    with library.load(wide.model().SerializeToString()) as model:
        got = model.run(wide.feeds())
    for name, g in got.items():
        assert g.dtype == (np.float64 if want[name].dtype == np.float32 else want[name].dtype)
    compare(case, {n: g.astype(want[n].dtype) for n, g in got.items()}, want, "double")


@pytest.mark.parametrize("case", [*multi_head(), *rotations(), *group_query()],
                         ids=lambda c: c.name)
def test_half(library, case):
    """In float16 what the same inputs give in float32.  A score of at most 10 is rounded up to four
    times, in steps of at most 2^-8, a probability and the result once each: 4 * 2^-8 * 2 + 2^-10 of
    values up to 1, up to 2 with a bias."""
    narrow = as_type(case, np.float16)
    wide = as_type(narrow, np.float32)
    wide.bound = 2 * (8 * 2 ** -8 + 2 ** -10)
    with library.load(wide.model().SerializeToString()) as model:
        want = model.run(wide.feeds())
    with library.load(narrow.model().SerializeToString()) as model:
        got = model.run(narrow.feeds())
    assert all(g.dtype == np.float16 for g in got.values())
    compare(wide, {n: g.astype(np.float32) for n, g in got.items()}, want, "half")


def run_case(library, case):
    with library.load(case.model().SerializeToString()) as model:
        return model.run(case.feeds())


def test_packed_projections(library):
    """Queries, keys and values in one tensor, which onnxruntime takes on other processors alone."""
    r = rng(20)
    B, S, H, D = 2, 6, 3, 8
    q, k, v = (floats(r, B, S, H, D) for _ in "qkv")
    flat = [x.reshape(B, S, H * D) for x in (q, k, v)]
    want = run_case(library, Case("", "MultiHeadAttention", flat, 0, num_heads=H))["o0"]
    for inputs in ([np.stack([q, k, v], 3)], [flat[0], np.stack([k, v], 3)]):
        got = run_case(library, Case("", "MultiHeadAttention", inputs, 0, num_heads=H))["o0"]
        assert np.array_equal(got, want)


def refused():
    q, k = np.zeros((2, 3, 8), np.float32), np.zeros((2, 5, 8), np.float32)
    lens, total = np.array([2, 2], np.int32), np.array(3, np.int32)
    cache = np.zeros((2, 1, 4, 4), np.float32)
    def mha(inputs, words, **more):
        return "MultiHeadAttention", inputs, {"num_heads": 2, **more}, words
    def gqa(inputs, words, **more):
        return "GroupQueryAttention", inputs, {"num_heads": 2, "kv_num_heads": 1, **more}, words
    new = [q, k[:, :3, :4].copy(), k[:, :3, :4].copy()]
    return [
        mha([q, k, k], "num_heads 0", num_heads=0),
        mha([q, k, k], "do not go together", num_heads=3),
        mha([q, k, k[:, :4]], "do not fit"),
        mha([q, k, None], "do not go together"),
        mha([q, k, k, None, np.ones((2, 4), np.int32)], "extent 4 of the mask"),
        mha([q, k, k, None, np.ones(3, np.int32)], "3 lengths for 2"),
        mha([q, k, k, None, None, np.zeros((2, 2, 3, 6), np.float32)], "extent 6 of the mask"),
        mha([q, k, k, np.zeros(23, np.float32)], "bias"),
        mha([q, k, k, None, None, None, np.zeros((2, 2, 3, 4), np.float32)], "go together"),
        gqa([*new, None, None, lens, total], "heads share", kv_num_heads=0),
        gqa([*new, cache, cache, np.array([9, 2], np.int32), total], "10 keys, there are 4"),
        gqa([*new, cache, cache, np.array([-2, 2], np.int32), total], "-1 keys"),
        gqa([*new, cache, cache, lens, np.array(-1, np.int32)], "total_sequence_length is -1"),
        gqa([*new, None, None, lens, np.array(2, np.int32)], "does not fit"),
        gqa([*new, cache, cache, lens, total], "cosines", do_rotary=1),
        gqa([*new, cache, cache, lens, total, np.zeros((2, 2), np.float32),
             np.zeros((2, 2), np.float32)], "position 2, there are 2", do_rotary=1),
        gqa([*new, cache, cache, lens, total], "sliding_window_cache", sliding_window_cache=1),
        ("RotaryEmbedding", [np.zeros((1, 2, 8), np.float32), np.array([[0, 9]], np.int64),
                             np.zeros((4, 4), np.float32), np.zeros((4, 4), np.float32)], {},
         "position 9, there are 4"),
        ("Attention", [q, np.zeros((8, 24), np.float32)], {"num_heads": 2, "do_rotary": 1},
         "do_rotary"),
        ("FusedGemm", [q[0], k[0].T.copy()], {"activation": "Softmax"}, "activation Softmax"),
        ("EmbedLayerNormalization", [lens.reshape(1, 2), None, q[0]], {}, "input 3 is left out"),
    ]


@pytest.mark.parametrize("op,inputs,attributes,words", refused())
def test_refused(library, op, inputs, attributes, words):
    case = Case("", op, inputs, 0, outputs=3 if op == "GroupQueryAttention" else 1, **attributes)
    with pytest.raises(AshoreError, match=words):
        run_case(library, case)


def test_flex_attention_captures(library):
    """The subgraphs of FlexAttention read a value from outside."""
    r = rng(21)
    q, k, v = floats(r, 1, 4, 5, 8), floats(r, 1, 2, 7, 8), floats(r, 1, 2, 7, 6)
    shift = floats(r, 5, 7)
    mod = helper.make_graph(
        [helper.make_node("Add", ["s", "shift"], ["t"])], "mod",
        [helper.make_tensor_value_info("s", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("t", TensorProto.FLOAT, None)])
    node = helper.make_node("FlexAttention", ["q", "k", "v"], ["y"], domain="ai.onnx.preview",
                            score_mod=mod)
    feeds = {"q": q, "k": k, "v": v, "shift": shift}
    graph = helper.make_graph(
        [node], "flex",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n, x in feeds.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    model = helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", 24), helper.make_opsetid("ai.onnx.preview", 1)])
    k, v = (np.repeat(x, 2, 1).astype(np.float64) for x in (k, v))
    s = q.astype(np.float64) @ k.swapaxes(2, 3) / 8 ** 0.5 + shift
    p = np.exp(s - s.max(-1, keepdims=True))
    want = p / p.sum(-1, keepdims=True) @ v
    for options in MODES.values():
        with library.load(model.SerializeToString(), **options) as m:
            for _ in range(2):
                assert np.abs(m.run(feeds)["y"] - want).max() <= attention_bound(8, 7, 4)
