"""Support vector machines and CDist over many rows: tiles, threads and panels change no bit, and
results are those of the definition in float64.

A kernel's sum errs by (k + 2) u of its terms' magnitudes, u = 2^-24, where k is the count of features,
and a score by as much of the count of vectors; exp, tanh and cubes enlarge neither by more than 8
where the kernels here lie."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

ML, MS, U = "ai.onnx.ml", "com.microsoft", 2.0 ** -24
ROWS = [1, 3, 4, 5, 63, 64, 65, 200]


def model(op, domain, features, outputs, constants=(), inputs=("x",), **attributes):
    node = helper.make_node(op, ["x", *(c.name for c in constants), *inputs[1:]], outputs,
                            domain=domain, **attributes)
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, features]) for n in inputs]
    graph = helper.make_graph([node], "g", infos, [
        helper.make_tensor_value_info(o, TensorProto.UNDEFINED, None) for o in outputs], constants)
    for o in graph.output:
        o.ClearField("type")
    return helper.make_model(graph, ir_version=8, opset_imports=[
        helper.make_opsetid("", 17), helper.make_opsetid(ML, 3),
        helper.make_opsetid(MS, 1)]).SerializeToString()


def run_all(library, source, feeds, rows, name, threads=(1, 2, 3)):
    """The result of all rows, which any number of them and of threads gives."""
    all_rows = None
    for n in threads:
        with library.load(source, threads=n) as m:
            got = m.run(feeds)
            all_rows = got if all_rows is None else all_rows
            for out in got:
                assert np.array_equal(got[out], all_rows[out])
                for count in rows:
                    part = m.run({**feeds, "x": feeds["x"][:count]})[out]
                    assert np.array_equal(part, all_rows[out][:count])
    return all_rows[name]


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize("n, features", [(1, 1), (31, 7), (33, 20), (150, 64)])
def test_cdist(library, n, features, metric, constant):
    r = np.random.default_rng([1, n, features])
    x = r.normal(100, 1, (ROWS[-1], features)).astype(np.float32)  # far from 0: norms would not do
    y = r.normal(100, 1, (n, features)).astype(np.float32)
    constants = [numpy_helper.from_array(y, "y")] if constant else []
    source = model("CDist", MS, features, ["z"], constants, ("x",) if constant else ("x", "y"),
                   metric=metric)
    got = run_all(library, source, {"x": x} if constant else {"x": x, "y": y}, ROWS, "z")
    want = ((x[:, None].astype(np.float64) - y[None]) ** 2).sum(2)
    want = np.sqrt(want) if metric == "euclidean" else want
    np.testing.assert_allclose(got, want, rtol=(features + 2) * U, atol=0)


def kernels(kind, x, vectors, gamma, shift):
    if kind == "RBF":
        return np.exp(-gamma * ((x[:, None] - vectors[None]) ** 2).sum(2))
    products = x @ vectors.T
    return {"LINEAR": products, "POLY": (gamma * products + shift) ** 3,
            "SIGMOID": np.tanh(gamma * products + shift)}[kind]


@pytest.mark.parametrize("vectors", [3, 32, 100])
@pytest.mark.parametrize("kind", ["LINEAR", "POLY", "RBF", "SIGMOID"])
def test_svm(library, kind, vectors):
    r = np.random.default_rng([2, vectors])
    features, gamma, shift = 13, np.float32(1 / 16), np.float32(0.25)
    x = r.uniform(-1, 1, (ROWS[-1], features)).astype(np.float32)
    v = r.uniform(-1, 1, (vectors, features)).astype(np.float32)
    shared = {"kernel_type": kind, "kernel_params": [float(gamma), float(shift), 3.0],
              "support_vectors": v.ravel().tolist()}
    k = kernels(kind, x.astype(np.float64), v.astype(np.float64), float(gamma), float(shift))
    bound = 8 * (features + vectors + 4) * U * vectors * max(1, np.abs(k).max())
    w = r.uniform(-1, 1, vectors).astype(np.float32)
    source = model("SVMRegressor", ML, features, ["y"], n_supports=vectors, rho=[0.5],
                   coefficients=w.tolist(), **shared)
    got = run_all(library, source, {"x": x}, ROWS, "y")
    np.testing.assert_allclose(got[:, 0], k @ w.astype(np.float64) + 0.5, rtol=0, atol=bound)
    per = [1, 1, vectors - 2]
    w = r.uniform(-1, 1, (2, vectors)).astype(np.float32)
    source = model("SVMClassifier", ML, features, ["l", "y"], rho=[0.1, 0.2, 0.3],
                   vectors_per_class=per, coefficients=w.ravel().tolist(),
                   classlabels_ints=[4, 5, 6], **shared)
    got = run_all(library, source, {"x": x}, ROWS, "y")
    at = np.cumsum([0, *per])
    part = [k[:, at[i]:at[i + 1]] for i in range(3)]
    for pair, (i, j) in enumerate([(0, 1), (0, 2), (1, 2)]):
        want = (part[i] @ w[j - 1, at[i]:at[i + 1]].astype(np.float64)
                + part[j] @ w[i, at[j]:at[j + 1]].astype(np.float64) + [0.1, 0.2, 0.3][pair])
        np.testing.assert_allclose(got[:, pair], want, rtol=0, atol=bound)
