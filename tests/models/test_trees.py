"""Tree ensembles and label encoders of ai.onnx.ml: random ones against onnxruntime, and estimators of
scikit-learn, converted by skl2onnx, against scikit-learn and onnxruntime; natively and in WebAssembly.

onnxruntime on one thread adds the weights of a row in float32, tree by tree (in float64 where the
input is), and so does the engine: labels, and scores that no transform follows, are the same bits.
Transforms take exp and log, correctly rounded to half a unit here and to one there, a few of them one
after the other: 16 u on scores, u = 2^-24.  PROBIT subtracts numbers of up to about 20 that are near
each other and takes two roots of the difference: only equal formulas in float32 make it comparable,
and a last bit of log grows by its condition, 1e-5 where the scores here lie.
"""

import warnings

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tree_maker import (KINDS, MEMBER, Branch, Leaf, model, new_node, old_node, random_tree, reach,
                        rng, rows)

U = 2.0 ** -24
WAYS = {"lowered": {}, "reference": {"reference": 1}, "two threads": {"threads": 2}}
POSTS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]
WAYS_TO_ADD = ["AVERAGE", "SUM", "MIN", "MAX"]
# 1,000 rows: tiles of several threads; 1 and 3: several trees at a time.
ROWS = [1, 3, 8, 70, 1000]


def texts(array):
    """Strings as bytes, as the library gives them."""
    return np.array([s.encode() for s in array.ravel()], object).reshape(array.shape)


def same(got, want, post):
    if want.dtype == object:
        want = texts(want)
    assert got.shape == want.shape
    if want.dtype.kind != "f":
        assert np.array_equal(got, want)
        return
    assert got.dtype == want.dtype
    bound = {"NONE": 0, "PROBIT": 1e-5}.get(post, 16 * U)
    if bound == 0:
        assert np.array_equal(got, want, equal_nan=True)
    else:
        np.testing.assert_allclose(got, want, rtol=bound, atol=bound)


def check(library, oracle, source, x, post="NONE", way="lowered", columns=None):
    want = oracle(source).run(None, {"x": x})
    with library.load(source, **WAYS[way]) as m:
        for _ in range(2):
            got = list(m.run({"x": x}).values())
    assert len(got) == len(want)
    for g, w in zip(got, want):
        unwritten = columns and w.ndim == 2
        same(*((g[:, :columns], w[:, :columns]) if unwritten else (g, w)), post)


def leaves(n_targets, several=False, positive=False, only=None):
    """A leaf with votes for one target, or for several."""
    def leaf(r):
        def weight():
            return float(r.uniform(0 if positive else -1, 1))
        if only is not None:
            return Leaf([(only, weight())])
        n = r.integers(1, n_targets + 1) if several else 1
        return Leaf([(int(t), weight()) for t in r.choice(n_targets, n, replace=False)])
    return leaf


def draw(r, modes=6):
    """(rows, trees, depth, columns, modes)."""
    some = r.choice(modes, r.integers(1, 4)) if r.random() < 0.7 else [0]
    return int(r.choice(ROWS)), int(r.integers(1, 20)), int(r.integers(6)), int(r.integers(1, 5)), some


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_random_regressor(library, oracle, dtype, seed):
    r = rng(1, seed, np.dtype(dtype).itemsize)
    n, trees, depth, columns, modes = draw(r)
    targets = int(r.choice([1, 1, 2, 3, 5]))
    forest = [random_tree(r, depth, columns, modes, leaves(targets, True)) for _ in range(trees)]
    post = str(r.choice(["NONE", "NONE", *POSTS]))
    node = old_node(r, "TreeEnsembleRegressor", forest, ["y"], "target",
                    wide=dtype == np.float64 and r.random() < 0.7, missing=r.random() < 0.7,
                    base=r.uniform(-1, 1, targets) if r.random() < 0.5 else None,
                    n_targets=targets, post_transform=post,
                    aggregate_function=str(r.choice(WAYS_TO_ADD)))
    source = model(node, dtype, ["y"], int(r.choice([1, 3])) if dtype == np.float32 else 3)
    check(library, oracle, source, rows(r, n, columns, dtype), post, list(WAYS)[seed % 3])


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64])
def test_random_classifier(library, oracle, dtype, seed):
    r = rng(2, seed, np.dtype(dtype).num)
    n, trees, depth, columns, modes = draw(r)
    classes = int(r.choice([1, 2, 2, 2, 3, 5]))
    only = int(r.integers(2)) if classes == 2 and r.random() < 0.5 else None
    leaf = leaves(classes, r.random() < 0.5, positive=r.random() < 0.5, only=only)
    forest = [random_tree(r, depth, columns, modes, leaf) for _ in range(trees)]
    post = str(r.choice(["NONE", "NONE", *POSTS]))
    labels = ({"classlabels_int64s": [int(v) for v in r.permutation(classes) * 7 - 5]}
              if r.random() < 0.5 or classes == 1 else
              {"classlabels_strings": [f"c{i}" for i in range(classes)]})
    base = (r.uniform(-1, 1, classes if classes > 2 else r.integers(1, 3))
            if r.random() < 0.4 else None)
    node = old_node(r, "TreeEnsembleClassifier", forest, ["l", "y"], "class",
                    wide=dtype == np.float64 and r.random() < 0.7, missing=r.random() < 0.7,
                    base=base, post_transform=post, **labels)
    # Where one score stands for two classes, onnxruntime may leave the second one unwritten.
    unwritten = classes == 2 and (post == "PROBIT" or (base is not None and len(base) == 1))
    check(library, oracle, model(node, dtype, ["l", "y"], 3), rows(r, n, columns, dtype), post,
          list(WAYS)[seed % 3], columns=1 if unwritten else None)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_random_ensemble(library, oracle, dtype, seed):
    r = rng(3, seed, np.dtype(dtype).itemsize)
    n, trees, depth, columns, modes = draw(r)
    targets = int(r.choice([1, 1, 2, 3, 5]))
    forest = [random_tree(r, depth, columns, modes, leaves(targets)) for _ in range(trees)]
    post = int(r.choice([0, 0, 1, 2, 3, 4]))
    node = new_node(forest, dtype, targets, post_transform=post,
                    aggregate_function=int(r.integers(4)))
    check(library, oracle, model(node, dtype, ["y"], 5), rows(r, n, columns, dtype), POSTS[post],
          list(WAYS)[seed % 3])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_random_membership(library, dtype, seed, way):
    """Sets of any numbers, which onnxruntime refuses in part, as it does float16: against the
    specification.  Weights are whole sixteenths, so that sums are exact."""
    r = rng(4, seed, np.dtype(dtype).itemsize)
    n, trees, depth, columns, _ = draw(r)
    def leaf(r):
        return Leaf([(int(r.integers(3)), int(r.integers(-16, 17)) / 16)])
    forest = [random_tree(r, depth, columns, [MEMBER, MEMBER, 0, 4], leaf) for _ in range(trees)]
    x = rows(r, n, columns, dtype)
    for tree in forest:
        round_members(tree, dtype)
    want = np.zeros((n, 3))
    for i in range(n):
        for tree in forest:
            target, weight = reach(tree, x[i]).votes[0]
            want[i, target] += weight
    with library.load(model(new_node(forest, dtype, 3), dtype, ["y"], 5), **WAYS[way]) as m:
        got = m.run({"x": x})["y"]
    assert got.dtype == dtype and np.array_equal(got, want.astype(dtype))


def round_members(tree, dtype):
    """Members and splits as the file holds them."""
    if isinstance(tree, Leaf):
        return
    tree.members = [float(np.dtype(dtype).type(v)) for v in tree.members]
    tree.split = float(np.dtype(dtype).type(tree.split))
    round_members(tree.yes, dtype)
    round_members(tree.no, dtype)


@pytest.mark.parametrize("variant", ["scalar", "relaxed"])
def test_wasm_is_native(library, wasm, tmp_path, variant):
    """Random ensembles give the same bits in WebAssembly."""
    for seed in range(4):
        r = rng(5, seed)
        forest = [random_tree(r, 5, 4, [0, 1, 3, 4, 6], leaves(3)) for _ in range(12)]
        path = str(tmp_path / "trees.onnx")
        with open(path, "wb") as f:
            f.write(model(new_node(forest, np.float32, 3), np.float32, ["y"], 5))
        x = rows(r, 70, 4)
        with library.load(path) as m:
            want = m.run({"x": x})["y"]
        got, _ = wasm(path, {"x": x}, variant, 1)
        assert np.array_equal(got["y"][0], want)


def comparing(r, dtype, modes):
    """A forest for one target whose nodes ask these things, and doubles beside its floats."""
    forest = [random_tree(r, int(r.integers(9)), 5, modes, leaves(1)) for _ in range(37)]
    node = old_node(r, "TreeEnsembleRegressor", forest, ["y"], "target", n_targets=1)
    x = rows(r, 67, 5, dtype)
    if dtype == np.float64:  # off the grid by less than a float can say
        x *= 1 + r.integers(-1, 2, x.shape) * 2.0 ** -40
    return model(node, dtype, ["y"], 3), x


@pytest.mark.parametrize("modes", [[0], [1], [2], [3], [0, 3], [1, 2], [0, 1], [0, 4], [0, 1, 5]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_counts_of_rows_and_trees(library, oracle, dtype, modes):
    """Walks are made side by side, of one row and of many: any count of rows gives what all give, and
    any number of threads the same bits."""
    source, x = comparing(rng(6, *modes, np.dtype(dtype).num), dtype, modes)
    want = oracle(source).run(None, {"x": x})[0]
    for threads in 1, 2, 3:
        with library.load(source, threads=threads) as m:
            for n in (67, 1, 2, 8, 15, 16, 17, 33, 64, 65):
                assert np.array_equal(m.run({"x": x[:n]})["y"], want[:n])


def balanced(low, high, middle=lambda low, high: (low + high) // 2):
    """A tree over whole numbers whose leaves are those low <= x < high."""
    if high - low == 1:
        return Leaf([(0, float(low))])
    m = middle(low, high)
    return Branch(0, 0, m - 0.5, False, balanced(low, m, middle), balanced(m, high, middle))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_tree(library, dtype):
    """One whose children lie far behind their parents."""
    n = 150000
    forest = [balanced(0, n), balanced(0, n, lambda low, high: low + max(1, (high - low) // 5))]
    x = np.array([0, 1, 2, n // 2 - 1, n // 2, n - 2, n - 1, *range(0, n, 977)], dtype)[:, None]
    with library.load(model(new_node(forest, dtype, 1), dtype, ["y"], 5)) as m:
        for count in len(x), 3, 1:
            assert np.array_equal(m.run({"x": x[-count:]})["y"], 2 * x[-count:])


@pytest.mark.parametrize("way", WAYS)
def test_shared_nodes(library, way):
    """Nodes that are reached from several: of one tree, of others, and roots that lie in trees."""
    t = numpy_helper.from_array
    x = np.array([[a, b] for a in np.linspace(-3, 3, 13) for b in (-1, 0, 1, np.nan)], np.float32)
    # Node i asks for x[0] <= i - 2, and where that fails goes on to the next one; where it passes, all
    # come to node 5, which asks for x[1] <= 0.
    node = helper.make_node(
        "TreeEnsemble", ["x"], ["y"], domain="ai.onnx.ml", n_targets=1, tree_roots=[0, 2, 5, 0],
        nodes_featureids=[0] * 5 + [1], nodes_modes=t(np.array([0] * 6, np.uint8)),
        nodes_splits=t(np.array([-2, -1, 0, 1, 2, 0], np.float32)),
        nodes_truenodeids=[5] * 5 + [0], nodes_trueleafs=[0] * 5 + [1],
        nodes_falsenodeids=[1, 2, 3, 4, 2, 1], nodes_falseleafs=[0] * 4 + [1, 1],
        leaf_targetids=[0, 0, 0], leaf_weights=t(np.array([1, 10, 100], np.float32)))
    five = np.where(x[:, 1] <= 0, 1, 10)
    want = 3 * np.where(x[:, 0] <= 2, five, 100) + five
    with library.load(model(node, np.float32, ["y"], 5), **WAYS[way]) as m:
        assert np.array_equal(m.run({"x": x})["y"][:, 0], want)
        for i in range(len(x)):
            assert m.run({"x": x[i:i + 1]})["y"][0, 0] == want[i]


# ---- scikit-learn -----------------------------------------------------------------------------


def sklearn_cases():
    """{name: (an estimator, "reg" or classes, options)}; fitted when they are used."""
    from sklearn import ensemble as e
    from sklearn import tree as t
    small = dict(n_estimators=12, random_state=0)
    cases = {}
    for name, kind in (("forest", "RandomForest"), ("extra", "ExtraTrees")):
        cls, reg = getattr(e, kind + "Classifier"), getattr(e, kind + "Regressor")
        cases |= {f"{name}_2": (cls(**small), 2, ""), f"{name}_3": (cls(**small), 3, ""),
                  f"{name}_texts": (cls(**small), 3, "texts"),
                  f"{name}_two_texts": (cls(**small), 2, "texts"),
                  f"{name}_outputs": (cls(**small), 3, "outputs"),
                  f"{name}_reg": (reg(**small), "reg", ""),
                  f"{name}_reg_outputs": (reg(**small), "reg", "outputs")}
    gradient, histogram = dict(n_estimators=12, random_state=0), dict(max_iter=12, random_state=0)
    cases |= {"gradient_2": (e.GradientBoostingClassifier(**gradient), 2, ""),
              "gradient_3": (e.GradientBoostingClassifier(**gradient), 3, ""),
              "gradient_two_texts": (e.GradientBoostingClassifier(**gradient), 2, "texts"),
              "gradient_reg": (e.GradientBoostingRegressor(**gradient), "reg", ""),
              "tree_2": (t.DecisionTreeClassifier(max_depth=5), 2, ""),
              "tree_3": (t.DecisionTreeClassifier(max_depth=5), 3, "texts"),
              "tree_reg": (t.DecisionTreeRegressor(max_depth=5), "reg", ""),
              "tree_reg_outputs": (t.DecisionTreeRegressor(max_depth=5), "reg", "outputs"),
              "ada_2": (e.AdaBoostClassifier(**small), 2, ""),
              "ada_3": (e.AdaBoostClassifier(**small), 3, "texts"),
              "ada_reg": (e.AdaBoostRegressor(**small), "reg", ""),
              "isolation": (e.IsolationForest(**small), "isolation", ""),
              "histogram_2": (e.HistGradientBoostingClassifier(**histogram), 2, "nan"),
              "histogram_3": (e.HistGradientBoostingClassifier(**histogram), 3, "nan"),
              "histogram_reg": (e.HistGradientBoostingRegressor(**histogram), "reg", "nan")}
    return cases


SKLEARN = sklearn_cases()


def data(kind, options):
    """(rows to fit, targets, other rows): float32 numbers, as the estimators see them."""
    r = np.random.default_rng(5)
    x = r.normal(size=(400, 6)).astype(np.float32)
    score = x[:, 0] * x[:, 1] + x[:, 2] + 0.3 * r.normal(size=400)
    y = score if kind == "reg" else np.digitize(score, [0.5] if kind == 2 else [-0.5, 0.7])
    if options == "texts":
        y = np.array(["one", "two", "three"])[y]
    if options == "nan":
        x[r.random(x.shape) < 0.2] = np.nan
    if options == "outputs":
        y = np.stack([y, np.roll(y, 7)], 1)
    return x[:300], y[:300], x[300:]


def convert(estimator, x, dtype=np.float32):
    """skl2onnx gives lists of NumPy's numbers as attributes, which newer versions of onnx refuse."""
    import skl2onnx
    from skl2onnx.common import _container
    make = _container.make_node
    def plain(v):
        if isinstance(v, list):
            return [plain(i) for i in v]
        v = v.item() if isinstance(v, np.generic) else v
        return int(v) if isinstance(v, bool) else v
    def make_node(*args, **attributes):
        return make(*args, **{k: plain(v) for k, v in attributes.items()})
    scores = hasattr(estimator, "predict_proba")
    _container.make_node = make_node
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return skl2onnx.to_onnx(
                estimator, x[:1].astype(dtype), target_opset={"": 17, "ai.onnx.ml": 3},
                options={id(estimator): {"zipmap": False}} if scores else None).SerializeToString()
    finally:
        _container.make_node = make


def run(library, source, x):
    with library.load(source) as m:
        return list(m.run({"X": x}).values())


@pytest.mark.parametrize("name", SKLEARN)
def test_sklearn(library, oracle, name):
    """Labels are scikit-learn's, and scores to what float32 weights allow: 12 trees, or 12 rounds of
    as many, whose weights and sums of up to 8 in all err by u each, then a transform."""
    from sklearn.base import clone
    estimator, kind, options = SKLEARN[name]
    x, y, others = data(kind, options)
    estimator = clone(estimator)
    estimator.fit(x) if kind == "isolation" else estimator.fit(x, y)
    source = convert(estimator, x)
    got = run(library, source, others)
    want = oracle(source).run(None, {"X": others})
    bound = 8 * (3 * 12 + 16) * U
    for g, w in zip(got, want):
        if w.dtype.kind == "f":
            np.testing.assert_allclose(g, w, rtol=0, atol=bound)
        else:
            same(g, w, "NONE")
    said = estimator.predict(others)
    if kind == "reg":
        np.testing.assert_allclose(got[0].reshape(said.shape), said, rtol=0, atol=bound)
        return
    labels = said.astype(object) if said.dtype.kind == "U" else said
    assert np.array_equal(got[0].reshape(said.shape),
                          texts(labels) if labels.dtype == object else labels)
    if kind == "isolation":
        # The path's length is a sum of logarithms and of counts up to 300, in float32.
        np.testing.assert_allclose(got[1].ravel(), estimator.decision_function(others), rtol=0,
                                   atol=2e-5)
        return
    proba = np.stack(estimator.predict_proba(others)) if options == "outputs" else \
        estimator.predict_proba(others)
    np.testing.assert_allclose(got[1].reshape(proba.shape), proba, rtol=0, atol=bound)


def test_sklearn_in_float64(library, oracle):
    """Thresholds and weights as tensors of doubles."""
    from sklearn.ensemble import GradientBoostingRegressor
    r = np.random.default_rng(6)
    x = r.normal(size=(300, 5))
    y = x[:, 0] * x[:, 1]
    estimator = GradientBoostingRegressor(n_estimators=10, random_state=0).fit(x, y)
    proto = onnx.load_model_from_string(convert(estimator, x, np.float64))
    # skl2onnx declares float64, which the operator never gives.
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    source = proto.SerializeToString()
    # The trees of scikit-learn take float32 rows.
    rows32 = x.astype(np.float32).astype(np.float64)
    got = run(library, source, rows32)
    same(got[0], oracle(source).run(None, {"X": rows32})[0], "NONE")
    np.testing.assert_allclose(got[0].ravel(), estimator.predict(rows32), rtol=0, atol=16 * U)


@pytest.mark.parametrize("name", ["forest_2", "extra_3", "gradient_3", "histogram_2",
                                  "histogram_reg", "forest_reg_outputs", "isolation"])
@pytest.mark.parametrize("variant", ["simd128", "relaxed"])
def test_sklearn_wasm(library, wasm, tmp_path, name, variant):
    """In WebAssembly the same bits as natively, but for exp and log of another library."""
    from sklearn.base import clone
    estimator, kind, options = SKLEARN[name]
    x, y, others = data(kind, options)
    estimator = clone(estimator)
    estimator.fit(x) if kind == "isolation" else estimator.fit(x, y)
    path = tmp_path / "trees.onnx"
    path.write_bytes(convert(estimator, x))
    native = run(library, str(path), others)
    got, _ = wasm(str(path), {"X": others}, variant, 1)
    for g, w in zip(got.values(), native):
        same(g[0], w, "NONE" if w.dtype.kind != "f" else "LOGISTIC")


# ---- label encoders ---------------------------------------------------------------------------


def encoder(library, oracle, x, opset, **attributes):
    """The engine's result, which is onnxruntime's (None: it has no such encoder)."""
    node = helper.make_node("LabelEncoder", ["x"], ["y"], domain="ai.onnx.ml", **{
        k: numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v
        for k, v in attributes.items()})
    texts_in = x.dtype == object
    info = helper.make_tensor_value_info("x", TensorProto.STRING if texts_in else {
        **KINDS, np.dtype(np.int16): TensorProto.INT16}[x.dtype], x.shape)
    constant = numpy_helper.from_array(x, "x")  # texts are no inputs of this test's library
    graph = helper.make_graph([node], "g", [] if texts_in else [info],
                              [helper.make_tensor_value_info("y", TensorProto.UNDEFINED, None)],
                              [constant] if texts_in else [])
    graph.output[0].ClearField("type")
    source = helper.make_model(graph, ir_version=8, opset_imports=[
        helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", opset)]).SerializeToString()
    feeds = {} if texts_in else {"x": x}
    with library.load(source) as m:
        got = m.run(feeds)["y"]
    if oracle:
        want = oracle(source).run(None, feeds)[0]
        same(got, want, "NONE")
    return got


def T(*words):
    return np.array(words, object)


def test_encoder_of_classes(library, oracle):
    classes = {"classes_strings": ["a", "b", "a", ""]}
    assert list(encoder(library, oracle, T("a", "b", "", "z"), 1, **classes)) == [2, 1, 3, -1]
    got = encoder(library, oracle, np.array([[0, 1], [2, 9]]), 1, default_string="?", **classes)
    assert got.tolist() == [[b"a", b"b"], [b"a", b"?"]]
    assert list(encoder(library, oracle, T("q"), 1, default_int64=-7, **classes)) == [-7]


@pytest.mark.parametrize("opset", [2, 3, 4])
def test_encoder_pairs(library, oracle, opset):
    keys = {"keys_int64s": ([5, -1, 2**62, 5], np.array([5, 2**62, 4, -1])),
            "keys_floats": ([1.5, 0.0, np.inf, 1.5], np.array([1.5, -0.0, np.inf, 2], np.float32)),
            "keys_strings": (["x", "", "long text", "x"], T("long text", "x", "y", ""))}
    values = {"values_int64s": [10, 20, 2**40, 30], "values_floats": [0.5, -1.5, np.nan, 7.0],
              "values_strings": ["v", "", "other", "w"]}
    defaults = {"default_int64": -3, "default_float": 2.5, "default_string": "none"}
    for k, (list_, x) in keys.items():
        for v, of in values.items():
            for default in ({}, defaults):
                encoder(library, oracle, x, opset, **{k: list_, v: of}, **default)
    for x in (np.array(5), np.zeros((0, 3), np.int64)):  # a scalar, nothing
        encoder(library, oracle, x, opset, keys_int64s=[5], values_int64s=[6])


def test_encoder_nan(library, oracle):
    x = np.array([np.nan, 1, -np.nan], np.float32)
    for opset, found in ((2, -1), (4, 7)):  # found by bits in neither, from 4 on as a value
        got = encoder(library, oracle, x, opset, keys_floats=[np.nan], values_int64s=[7])
        assert list(got) == [found, -1, found]


def test_encoder_tensors(library, oracle):
    one = encoder(library, oracle, np.array([1.25, np.nan, 3]), 4,
                  keys_tensor=np.array([np.nan, 1.25]), values_tensor=np.array([1e300, 0.1]),
                  default_tensor=np.array([-2.5]))
    assert one.tolist() == [0.1, 1e300, -2.5]
    assert list(encoder(library, oracle, T("a", "c"), 4, keys_tensor=T("a", "b"),
                        values_tensor=np.array([4, 5], np.int16),
                        default_tensor=np.array([-9], np.int16))) == [4, -9]
    # Types that onnxruntime does not have.
    got = encoder(library, None, np.array([3, 4], np.int16), 4,
                  keys_tensor=np.array([4], np.int16), values_tensor=np.array([-7], np.int32))
    assert got.dtype == np.int32 and got.tolist() == [-1, -7]


def test_encoder_of_many(library, oracle):
    """Thousands of keys: the table is not walked from its beginning."""
    r = rng(9)
    keys = r.permutation(20000)
    x = r.integers(-5, 20005, 5000)
    want = np.full(20010, -1)
    want[keys + 5] = np.arange(20000)
    got = encoder(library, oracle, x, 4, keys_tensor=keys, values_tensor=np.arange(20000))
    assert np.array_equal(got, want[x + 5])


def test_trees_feed_an_encoder(library, oracle):
    """As exporters of version 5 write a classifier: TreeEnsemble, ArgMax, LabelEncoder."""
    r = rng(10)
    forest = [random_tree(r, 4, 3, [0], leaves(3)) for _ in range(9)]
    proto = onnx.load_model_from_string(model(new_node(forest, np.float32, 3), np.float32, ["y"], 5))
    proto.graph.node.extend([
        helper.make_node("ArgMax", ["y"], ["k"], axis=1, keepdims=0),
        helper.make_node("LabelEncoder", ["k"], ["l"], domain="ai.onnx.ml", keys_int64s=[0, 1, 2],
                         values_strings=["cat", "dog", "bird"])])
    proto.graph.output.add(name="l")
    x = rows(r, 50, 3)
    source = proto.SerializeToString()
    with library.load(source) as m:
        got = m.run({"x": x})
    want = oracle(source).run(None, {"x": x})
    same(got["y"], want[0], "NONE")
    same(got["l"], want[1], "NONE")
