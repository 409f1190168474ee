"""Real models with changes in their structure: accepted and refused as onnxruntime does, and where both
run them, with the same answers.

MUTANT_SEEDS=A:B changes other seeds than the usual ones.  Before each mutant is run, its model and
seed go to a file of the test's folder, so that a crash can be told."""

import collections
import os
import re
import resource
import time

import encoder
import mutants
import numpy as np
import onnx
import onnxruntime
import pytest
import quantized_maker
import zoo
from ashore_ctypes import AshoreError
from test_half import halved

FIRST, PAST = (int(n) for n in os.environ.get("MUTANT_SEEDS", "0:150").split(":"))
MODELS = ("ocr-cls", "wake-head", "face-front", "silero-v6-sequence", "silero-legacy",
          "wake-melspectrogram")
QUANTISED = {"quantised-dequantised": ("convolutions", "QDQ"),
             "quantised-operators": ("convolutions", "QOperator"),
             "quantised-products": ("attention", "dynamic")}
ENCODERS = {"encoder-bert": "bert", "encoder-llama": "llama"}
# What two right engines may differ by, as a part of the largest output.  float32: tens of layers of
# sums of up to a thousand products, as in zoo.py, whose magnitudes inside may be a hundred times those
# of the output.  float16: the same, but tens of roundings of 2^-11 matter more.  Quantised: sums
# that are rounded to 256 steps, and now and then to the next one, in each of about ten layers.
FLOAT, HALF, QUANTISED_PART = 1e-3, 30 * 2.0**-11, 10 / 255
SECONDS = 60  # of processors' time: a mutant may compute a hundred times what its parent does
BYTES = 10 << 30  # nor must one that makes tens of gigabytes take the machine's memory

# Where this engine runs what onnxruntime refuses, by the words that onnxruntime has for it.
LENIENT = {
    r"must be topologically sorted|or output of a previous node": "nodes are sorted when a model is loaded",
    r"Graph attribute inferencing failed|In Node, \(.*, If, ": "a branch is checked when it runs",
    r"Unrecognized attribute": "attributes that an operator does not have are not looked at",
    r"Clip.*min_ <= max|Clip::ComputeImpl": "limits that cross give the upper one, as in NumPy",
    r"pre-pad|post-pad": "reflection goes back and forth, as in NumPy",
    r"NOT_IMPLEMENTED": "onnxruntime has no code for these types",
    r"Scale and Zero-point must be a scalar|zero point and scale of input . should have same shape":
        "a scale or zero point for a whole tensor may be of rank 0 or 1, whatever the other one is",
    r"Type 'tensor\(float\)' of input parameter \(c\d+_quantized\) of operator \(Q(Gemm|LinearConv)":
        "a bias may be of floats, as in MatMulIntegerToFloat",
    r"'tensor\(int32\)' of input parameter \([^)]*\) of operator \((Unsq|Sq|Resh|Exp|Red|Pad)":
        "lists of integers may be of 32 bits",
    r"Type 'tensor\(u?int\d+\)' of input parameter \([^)]+\) of operator \((Gather|LSTM)":
        "indices and lengths may be of any integer type",
    r"\(Conv\) bound to different types \(tensor\(float16\) and tensor\(float\)":
        "weights beside a half may be of float32: rewrites leave them so",
    r"Shape mismatch attempting to re-use buffer":
        "what a file says of extents on the way does not have to hold",
    r"a part is left out": "a zero point that is left out is 0",
    r"of output arg \(\w+\) of node \(\w*\) does not match expected type":
        "what a file says of the types of its results is not looked at",
}
# Where this engine refuses what onnxruntime runs, by its own words.
STRICT = {
    r"extents \d+ and \d+ of dimension \d+ cannot be broadcast": "0 is broadcast to 0 and 1 alone",
    r"\(Conv, .*group -?\d+": "attributes are checked in branches that never run",
    r"expected a list of integers": "shapes have one dimension",
    r"\(Concat, .*has extent 0, in those before": "an empty part of a Concat has to fit, too",
    r"a window of \d+ is larger than": "a window that does not fit; there the output is empty",
}


def explained(rules, message):
    return any(re.search(pattern, message, re.DOTALL) for pattern in rules)


def oracle(model, feeds):
    """(outputs, None) or (None, message)."""
    if any(node.op_type == "QLinearConcat" and "" in node.input for node in model.graph.node):
        return None, "a part is left out: onnxruntime ends the process"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                               providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, feeds))), None
    except Exception as error:  # noqa: BLE001: it has an exception for each status
        return None, str(error)


def alive(model):
    """The model without the nodes that no output hangs on: they are never looked at here."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    wanted = {output.name for output in model.graph.output}
    del copy.graph.node[:]
    for node in reversed(model.graph.node):
        if wanted.intersection(node.output):
            copy.graph.node.insert(0, node)
            wanted.update(node.input)
            for graph in mutants.graphs_of(node):
                wanted.update(name for inner in graph.node for name in inner.input)
    return copy


def ours(library, model, feeds):
    try:
        with library.load(model.SerializeToString()) as loaded:
            return loaded.run(feeds), None
    except AshoreError as error:
        return None, str(error)


def moved(model, feeds, size):
    """How far each output of onnxruntime moves when the inputs do by some rounding errors: where a
    change has made the answer ill-conditioned (the logarithm of what is left of sums that cancel), no
    two engines agree to more than that."""
    far = collections.Counter()
    want, _ = oracle(model, feeds)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        near = {k: (v * (1 + size * rng.choice((-4, 4), v.shape))).astype(v.dtype)
                if v.dtype.kind == "f" else v for k, v in feeds.items()}
        for key, y in (oracle(model, near)[0] or {}).items():
            if y.dtype.kind == "f" and y.shape == want[key].shape:
                step = np.abs(y.astype(np.float64) - want[key]).max(initial=0)
                far[key] = max(far[key], step)
    return far


def difference(got, want, part):
    """A text and how far they are apart, or None where they agree, or where there is nothing to
    compare."""
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"is {got.dtype}{got.shape}, expected {want.dtype}{want.shape}", np.inf
    if want.dtype.kind != "f":
        return None if np.array_equal(got, want) else ("other elements", np.inf)
    # A change may divide by zero or take a root of less: NaN goes through every function here, not
    # there (Relu, Max).  Beyond 1e6 sums have cancelled out.
    most = np.abs(want.astype(np.float64)).max(initial=0)
    if not np.isfinite(got).all() or not np.isfinite(want).all() or most > 1e6:
        return None
    off = np.abs(got.astype(np.float64) - want).max(initial=0)
    allowed = part * most + 1e-6
    return None if off <= allowed else (f"is off by {off:.3g}, allowed is {allowed:.3g}", off)


def disagreement(model, feeds, got, want, part):
    """A text, or None."""
    found = {key: wrong for key, value in want.items()
             if (wrong := difference(got[key], value, part))}
    far = moved(model, feeds, 2.0**-11 if part == HALF else 2.0**-24) if found else {}
    return next((f"output {key} {text}; rounding errors move it by {far[key]:.3g}"
                 for key, (text, off) in found.items() if off > 4 * far[key]), None)


def base_of(name, folder):
    """(model, inputs, what outputs may differ by)"""
    if name in QUANTISED:
        base = onnx.load(quantized_maker.quantize(folder, *QUANTISED[name]))
        return base, quantized_maker.feeds(base, 1, 1)[0], QUANTISED_PART
    if name in ENCODERS:
        return encoder.make(ENCODERS[name], 1, 32, 4), encoder.texts(2, 7), FLOAT
    if name == "half":
        base = halved(quantized_maker.convolutions())
        feeds = quantized_maker.feeds(base, 1, 1)[0]
        return base, {key: x.astype(np.float16) for key, x in feeds.items()}, HALF
    row = next(row for row in zoo.ROWS if row.name == name)
    base = onnx.load(row.file)
    feeds = row.feeds()
    if None in feeds:
        feeds[base.graph.input[0].name] = feeds.pop(None)
    return base, feeds, FLOAT


@pytest.fixture(autouse=True)
def bounded():
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("name", [*MODELS, *QUANTISED, *ENCODERS, "half"])
def test_mutants(library, tmp_path, name):
    base, feeds, part = base_of(name, tmp_path)
    counts, wrong = collections.Counter(), []
    for seed in range(FIRST, PAST):
        model, change = mutants.mutate(base, seed)
        (tmp_path / "at").write_text(f"{name} {seed}: {change}")
        want, refused = oracle(model, feeds)
        begin = time.process_time()
        got, message = ours(library, model, feeds)
        if want is None and got is not None:
            want, refused = oracle(alive(model), feeds)
        problem = None
        if time.process_time() - begin > SECONDS:
            problem = "takes too long"
        elif want is None and got is not None:
            problem = None if explained(LENIENT, refused) else f"is refused there: {refused}"
        elif want is not None and got is None:
            problem = None if explained(STRICT, message) else f"is refused: {message}"
        elif got is None:
            problem = None if ": " in message else f"a message without a name: {message}"
        else:
            problem = disagreement(model, feeds, got, want, part)
        counts["run by both" if want is not None and got is not None else
               "refused by both" if want is None and got is None else "explained"] += 1
        if problem:
            wrong.append(f"{name} {seed} ({change}): {problem[:300]}")
    print(name, dict(counts))
    assert not wrong, "\n".join(wrong)
    assert counts["run by both"] > (PAST - FIRST) / 10
    assert counts["refused by both"] > (PAST - FIRST) / 10
