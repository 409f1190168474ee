"""Random graphs: rewritten, as written and on references alone, against onnxruntime.

GRAPH_SEEDS=A:B runs other seeds than the usual ones.  A failure prints the seed and the graph."""

import os

import graph_maker
import numpy as np
import onnx
import onnxruntime
import pytest

FIRST, PAST = (int(n) for n in os.environ.get("GRAPH_SEEDS", "0:1000").split(":"))
MODES = {"rewritten": {}, "as written": {"optimize": 0}, "reference": {"reference": 1},
         "two threads": {"threads": 2}}
PARTS = 8


def oracle(case):
    """What onnxruntime says, unchanged by its own rewrites; None where it refuses the graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    names = [o.name for o in case.model.graph.output]
    session = onnxruntime.InferenceSession(case.model.SerializeToString(), options,
                                           providers=["CPUExecutionProvider"])
    return [dict(zip(names, session.run(names, feeds))) for feeds in case.feeds]


def difference(got, want, bound):
    """A text, or None where they agree."""
    if got.size == 0 and want.size == 0 and got.dtype == want.dtype:
        return None  # the shape of a slice of a Loop of no rounds is declared by nobody
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"is {got.dtype}{got.shape}, expected {want.dtype}{want.shape}"
    if got.dtype != np.float32:
        return None if np.array_equal(got, want) else f"is {got}, expected {want}"
    far = np.abs(got.astype(np.float64) - want.astype(np.float64))
    if got.size and not far.max() <= 2 * bound:
        return f"is off by {far.max():.3g}, allowed is {2 * bound:.3g}"
    return None


def check(library, case):
    wanted = oracle(case)
    wrong = []
    for mode, options in MODES.items():
        with library.load(case.model.SerializeToString(), **options) as model:
            # The first again: what the second left behind must not matter.
            for k in (0, 1, 0):
                got = model.run(case.feeds[k])
                for name, want in wanted[k].items():
                    text = difference(got[name], want, case.bounds[name])
                    if text:
                        wrong.append(f"{mode}, feed {k}: {name} {text}")
    return wrong


@pytest.mark.parametrize("part", range(PARTS))
def test_graphs(library, part):
    failed = []
    for seed in range(FIRST + part, PAST, PARTS):
        case = None
        try:
            case = graph_maker.make(seed)
            wrong = check(library, case)
        except Exception as error:  # the seed has to be seen
            wrong = [f"{type(error).__name__}: {error}"]
        if wrong:
            failed.append(f"seed {seed} ({case.theme if case else None}): " + "; ".join(wrong[:4]))
            if len(failed) == 1 and case:
                print(onnx.printer.to_text(case.model))
    assert not failed, "\n".join(failed)
