"""Real models with changes in their structure: accepted and refused as onnxruntime does, and where both
run them, with the same answers.

MUTANT_SEEDS=A:B changes other seeds than the usual ones.  Before each mutant is run, its model and
seed go to a file of the test's folder, so that a crash can be told."""

import collections
import os
import re
import time

import mutants
import numpy as np
import onnx
import onnxruntime
import pytest
import zoo
from ashore_ctypes import AshoreError

FIRST, PAST = (int(n) for n in os.environ.get("MUTANT_SEEDS", "0:150").split(":"))
MODELS = ("ocr-cls", "wake-head", "face-front", "silero-v6-sequence", "silero-legacy",
          "wake-melspectrogram")
SECONDS = 60  # a mutant may compute a hundred times what its parent does

# Where this engine runs what onnxruntime refuses, by the words that onnxruntime has for it.
LENIENT = {
    r"must be topologically sorted": "nodes are sorted when a model is loaded",
    r"Graph attribute inferencing failed|In Node, \(.*, If, ": "a branch is checked when it runs",
    r"Unrecognized attribute": "attributes that an operator does not have are not looked at",
    r"Clip.*min_ <= max|Clip::ComputeImpl": "limits that cross give the upper one, as in NumPy",
    r"pre-pad|post-pad": "reflection goes back and forth, as in NumPy",
    r"NOT_IMPLEMENTED": "onnxruntime has no code for these types",
}
# Where this engine refuses what onnxruntime runs, by its own words.
STRICT = {
    r"extents \d+ and \d+ of dimension \d+ cannot be broadcast": "0 is broadcast to 0 and 1 alone",
    r"\(Conv, .*group -?\d+": "attributes are checked in branches that never run",
}


def explained(rules, message):
    return any(re.search(pattern, message, re.DOTALL) for pattern in rules)


def oracle(model, feeds):
    """(outputs, None) or (None, message)."""
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


def ours(library, model, feeds):
    try:
        with library.load(model.SerializeToString()) as loaded:
            return loaded.run(feeds), None
    except AshoreError as error:
        return None, str(error)


def difference(got, want):
    """A text, or None where they agree, or where there is nothing to compare."""
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"is {got.dtype}{got.shape}, expected {want.dtype}{want.shape}"
    if want.dtype.kind != "f":
        return None if np.array_equal(got, want) else "other elements"
    # A change may divide by zero or take a root of less: NaN goes through every function here, not
    # there (Relu, Max).  Beyond 1e6 sums have cancelled out.
    if not np.isfinite(got).all() or not np.isfinite(want).all() or np.abs(want).max(initial=0) > 1e6:
        return None
    off = np.abs(got.astype(np.float64) - want).max(initial=0)
    # Tens of layers of sums of up to a thousand products, as in zoo.py, whose magnitudes inside may
    # be a hundred times those of the output.
    allowed = 1e-3 * np.abs(want).max(initial=0) + 1e-6
    return None if off <= allowed else f"is off by {off:.3g}, allowed is {allowed:.3g}"


@pytest.mark.parametrize("name", MODELS)
def test_mutants(library, tmp_path, name):
    row = next(row for row in zoo.ROWS if row.name == name)
    base = onnx.load(row.file)
    feeds = row.feeds()
    if None in feeds:
        feeds[base.graph.input[0].name] = feeds.pop(None)
    counts, wrong = collections.Counter(), []
    for seed in range(FIRST, PAST):
        model, change = mutants.mutate(base, seed)
        (tmp_path / "at").write_text(f"{name} {seed}: {change}")
        want, refused = oracle(model, feeds)
        begin = time.monotonic()
        got, message = ours(library, model, feeds)
        problem = None
        if time.monotonic() - begin > SECONDS:
            problem = "takes too long"
        elif want is None and got is not None:
            problem = None if explained(LENIENT, refused) else f"is refused there: {refused}"
        elif want is not None and got is None:
            problem = None if explained(STRICT, message) else f"is refused: {message}"
        elif got is None:
            problem = None if ": " in message else f"a message without a name: {message}"
        else:
            problem = next((f"output {key} {text}" for key, value in want.items()
                            if (text := difference(got[key], value))), None)
        counts["run by both" if want is not None and got is not None else
               "refused by both" if want is None and got is None else "explained"] += 1
        if problem:
            wrong.append(f"{name} {seed} ({change}): {problem[:300]}")
    print(name, dict(counts))
    assert not wrong, "\n".join(wrong)
    assert counts["run by both"] > (PAST - FIRST) / 10
    assert counts["refused by both"] > (PAST - FIRST) / 10
