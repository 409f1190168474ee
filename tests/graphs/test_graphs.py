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


def two_convolutions():
    """One constant as the weights of two convolutions with another number of groups each: they are
    packed apart, also where both forms take the same number of bytes (64 channels: whole panels of
    every kernel)."""
    weights = np.random.default_rng(1).uniform(-1, 1, (64, 4, 3, 3)).astype(np.float32)
    nodes = [onnx.helper.make_node("Conv", [f"x{g}", "w"], [f"y{g}"], group=g, pads=[1] * 4)
             for g in (1, 2)]
    return nodes, [onnx.numpy_helper.from_array(weights, "w")], {"x1": 4, "x2": 8}


def computed_weights():
    """Weights that are computed in each run."""
    weights = np.random.default_rng(2).uniform(-1, 1, (6, 4, 3, 3)).astype(np.float32)
    nodes = [onnx.helper.make_node("ReduceMean", ["x1"], ["m"], keepdims=0),
             onnx.helper.make_node("Mul", ["w", "m"], ["computed"]),
             onnx.helper.make_node("Conv", ["x1", "computed"], ["c"], strides=[2, 2]),
             onnx.helper.make_node("Relu", ["c"], ["y1"])]
    return nodes, [onnx.numpy_helper.from_array(weights, "w")], {"x1": 4}


def depthwise_planes():
    """Depthwise convolutions that stand alone, which turn nothing."""
    rng = np.random.default_rng(4)
    attributes = [{"pads": [1] * 4}, {"pads": [2, 1, 0, 2], "strides": [1, 2]},
                  {"pads": [2, 3, 2, 3], "dilations": [2, 3], "strides": [2, 2]}]
    constants, nodes, channels = [], [], {}
    for i, more in enumerate(attributes):
        weights = rng.uniform(-1, 1, (3 + i, 1, 3, 3)).astype(np.float32)
        constants.append(onnx.numpy_helper.from_array(weights, f"w{i}"))
        nodes.append(onnx.helper.make_node("Conv", [f"x{i}", f"w{i}"], [f"y{i}"], group=3 + i,
                                           **more))
        channels[f"x{i}"] = 3 + i
    return nodes, constants, channels


@pytest.mark.parametrize("make", [two_convolutions, computed_weights, depthwise_planes])
def test_weights(library, make):
    nodes, constants, channels = make()
    outputs = [n for node in nodes for n in node.output if n.startswith("y")]
    graph = onnx.helper.make_graph(
        nodes, make.__name__,
        [onnx.helper.make_tensor_value_info(x, 1, [1, c, 7, 9]) for x, c in channels.items()],
        [onnx.helper.make_tensor_value_info(y, 1, None) for y in outputs], constants)
    case = graph_maker.Case()
    case.model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    rng = np.random.default_rng(3)
    case.feeds = [{x: rng.uniform(-1, 1, (1, c, 7, 9)).astype(np.float32)
                   for x, c in channels.items()} for _ in range(2)]
    # Sums of 36 products, each at most 1, in float32 in two orders, and a factor with an error of
    # its own from 252 summands.
    case.bounds = dict.fromkeys(outputs, (36 + 252) * 36 * 2.0 ** -24)
    assert not check(library, case)
