"""Operators of ai.onnx.ml, and what exporters write beside them, case by case: against onnxruntime, and
attributes that are refused when a model is loaded.

Scores are sums of FEATURES products of numbers up to 1, of which both engines round each: with
u = 2^-24 a bound is 2 (FEATURES + 8) u FEATURES, times what a transformation enlarges it by (PROBIT near
its ends, kernels by their weights)."""

import itertools

import numpy as np
import onnx
import onnxruntime
import pytest
from ashore_ctypes import AshoreError
from onnx import TensorProto as t
from onnx import helper

ML, MS = "ai.onnx.ml", "com.microsoft"
FEATURES, ROWS, U = 7, 11, 2.0 ** -24
BOUND = 2 * (FEATURES + 8) * U * FEATURES
KINDS = {np.dtype(np.float32): t.FLOAT, np.dtype(np.float64): t.DOUBLE, np.dtype(np.int64): t.INT64,
         np.dtype(np.int32): t.INT32, np.dtype(object): t.STRING}
MODES = ({}, {"optimize": 0}, {"reference": 1})
POSTS = ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT")
R = np.random.default_rng(3)


def uniform(*shape, least=-1):
    return R.uniform(least, 1, shape).astype(np.float32)


def map_type(key, value):
    return helper.make_map_type_proto(key, helper.make_tensor_type_proto(value, []))


class Case:
    """One node: inputs, arrays or dicts; dims: how the first is declared; wanted: its output, where
    onnxruntime cannot be given such a map from Python."""

    def __init__(self, op, inputs, outputs=1, bound=BOUND, domain=ML, dims=None, wanted=None,
                 version=1, **attrs):
        self.version = version
        self.op, self.inputs, self.outputs, self.bound = op, inputs, outputs, bound
        self.domain, self.dims, self.wanted, self.attrs = domain, dims, wanted, attrs

    def __str__(self):
        texts = (f"{k}={v}" for k, v in self.attrs.items() if isinstance(v, (str, int)))
        kinds = "-".join(str(getattr(x, "dtype", "map")) + str(np.ndim(x)) for x in self.inputs)
        return "-".join((self.op, kinds, *texts, *(["dims"] if self.dims else [])))

    def type_of(self, i, x):
        if isinstance(x, dict):
            key = t.STRING if isinstance(next(iter(x)), str) else t.INT64
            value = next(iter(x.values()))
            return map_type(key, t.STRING if isinstance(value, str) else KINDS[value.dtype])
        dims = self.dims if self.dims and i == 0 else x.shape
        return helper.make_tensor_type_proto(KINDS[x.dtype], dims)

    def model(self):
        names = [f"i{k}" for k in range(len(self.inputs))]
        out = [f"o{k}" for k in range(self.outputs)]
        node = helper.make_node(self.op, names, out, name="it", domain=self.domain, **self.attrs)
        graph = helper.make_graph(
            [node], "case",
            [helper.make_value_info(n, self.type_of(i, x))
             for i, (n, x) in enumerate(zip(names, self.inputs))],
            [onnx.ValueInfoProto(name=n) for n in out])
        return helper.make_model(graph, ir_version=8, opset_imports=[
            helper.make_opsetid("", 17), helper.make_opsetid(self.domain, self.version)
        ]).SerializeToString()

    def feeds(self):
        return {f"i{k}": x for k, x in enumerate(self.inputs)}


def pair(x):
    """A map as ashore_ctypes takes it."""
    if not isinstance(x, dict):
        return x
    keys, values = list(x), list(x.values())
    return (np.array(keys, object if isinstance(keys[0], str) else np.int64),
            np.array(values, object if isinstance(values[0], str) else values[0].dtype))


def linear():
    x = uniform(ROWS, FEATURES)
    for post, (n, labels) in itertools.product(POSTS, ((1, 2), (3, 3), (2, 2))):
        weights = (uniform(n, FEATURES, least=0) / FEATURES).ravel().tolist()  # scores in 0..1
        small = abs(x) if post == "PROBIT" else x
        more = {"post_transform": post, "coefficients": weights, "intercepts": [0.1] * n}
        # PROBIT's slope is below 40 for scores in 0.02..0.98, and there is no pair of it there.
        bound = 40 * BOUND if post == "PROBIT" else BOUND
        if post != "PROBIT" or (n, labels) != (1, 2):
            yield Case("LinearClassifier", [small], 2, bound, classlabels_ints=[7, 5, 6][:labels],
                       **more)
            yield Case("LinearClassifier", [small], 2, bound,
                       classlabels_strings=["p", "qu", ""][:labels], **more)
        if n != 2:
            yield Case("LinearRegressor", [small], 1, bound, targets=n, **more)
    more = {"coefficients": weights, "intercepts": [0.5, -0.25], "classlabels_ints": [1, 2]}
    for dtype in (np.float64, np.int32, np.int64):
        yield Case("LinearClassifier", [(x * 3).astype(dtype)], 2, 3 * BOUND, **more)
    yield Case("LinearClassifier", [x[0]], 2, **more)
    yield Case("LinearClassifier", [x], 2, dims=["N", "F"], **more)
    yield Case("LinearClassifier", [x[:0]], 2, dims=["N", FEATURES], **more)
    yield Case("LinearRegressor", [x], coefficients=weights[:FEATURES])


def features():
    x, n = uniform(ROWS, FEATURES) * 9, FEATURES
    for dtype in (np.float32, np.float64, np.int32, np.int64):
        y = x.astype(dtype)
        for k in (1, n):
            yield Case("Scaler", [y], scale=uniform(k).tolist(), offset=uniform(k).tolist())
        for norm in ("MAX", "L1", "L2"):
            z = y.copy()
            z[3] = 0
            yield Case("Normalizer", [abs(z)], norm=norm)
            yield Case("Normalizer", [z if norm != "MAX" else abs(z)], norm=norm, dims=["N", "F"])
        yield Case("ArrayFeatureExtractor", [y, np.array([[4, 0, 4]])], bound=0)
        yield Case("ArrayFeatureExtractor", [y[0], np.array([6, 2])], bound=0)
        yield Case("FeatureVectorizer", [y, y[:, :2].copy()], bound=0, inputdimensions=[5, 4])
    yield Case("Scaler", [x], scale=uniform(n).tolist(), offset=uniform(n).tolist(), dims=["N", "F"])
    yield Case("Normalizer", [x[0]], norm="L2")
    yield Case("Binarizer", [x], bound=0, threshold=0.25)
    texts = np.array([["a", "", "c"], ["d", "e", "f\u00fc"]], object)
    yield Case("ArrayFeatureExtractor", [texts, np.array([2, 0])], bound=0)
    yield Case("ArrayFeatureExtractor", [uniform(2, 3, 4), np.array([3, 1])], bound=0)
    holes = x.copy()
    holes[::3, 2] = np.nan
    holes[::4] = 5
    for missing in (np.nan, 5.0):
        for k in (1, n):
            yield Case("Imputer", [holes], bound=0, imputed_value_floats=uniform(k).tolist(),
                       replaced_value_float=missing)
    whole = x.astype(np.int64)
    for k in (1, n):
        yield Case("Imputer", [whole], bound=0, imputed_value_int64s=list(range(2 ** 60, 2 ** 60 + k)),
                   replaced_value_int64=3)


def categories():
    whole = R.integers(-3, 4, (4, 5))
    texts = np.array(["", "a", "b\u00fc", "c"], object)[abs(whole)]
    for x in (whole, whole.astype(np.float32) + 0.5, whole.astype(np.float64), whole[0]):
        yield Case("OneHotEncoder", [x], bound=0, cats_int64s=[2, 0, -1, 9])
    yield Case("OneHotEncoder", [texts], bound=0, cats_strings=["c", "", "x"])
    yield Case("OneHotEncoder", [texts], bound=0, cats_strings=["c", "", "b\u00fc", "a"], zeros=0)
    names = {"cats_int64s": [2, 0, -1], "cats_strings": ["a", "c", ""]}
    for x in (whole, texts, texts[0], texts[:0]):
        yield Case("CategoryMapper", [x], bound=0, **names)
        yield Case("CategoryMapper", [x], bound=0, default_int64=-9, default_string="?", **names)
    for positive, seed in itertools.product((0, 1), (0, 7)):
        for x in (whole, texts, whole.astype(np.int32), uniform(3), np.array(["0123456789abc"], object)):
            yield Case("MurmurHash3", [x], bound=0, domain=MS, positive=positive, seed=seed)
    for metric, dtype in itertools.product(("euclidean", "sqeuclidean"), (np.float32, np.float64)):
        a, b = uniform(5, FEATURES).astype(dtype), uniform(3, FEATURES).astype(dtype)
        # onnxruntime takes the sums of squares first: the root of what is left may be half a digit off
        yield Case("CDist", [a, b], bound=64 * BOUND, domain=MS, metric=metric)


def tokens():
    texts = np.array([["a bc,d", "", "  one two  "], ["gr\u00fc\u00df dich", "x", "a,,b"]], object)
    for mark in (0, 1):
        more = {"mark": mark, "pad_value": "#!", "domain": MS, "bound": 0}
        for x in (texts, texts[0], np.array(["", ""], object)):
            yield Case("Tokenizer", [x], separators=[""], mincharnum=1, **more)
            yield Case("Tokenizer", [x], separators=[" ", ","], mincharnum=1, **more)
            yield Case("Tokenizer", [x], separators=[",+| +"], mincharnum=2, **more)
            for expression in ("[a-z]+", ".", "o|one|[^ ]", "[a-z]+?", "\\b\\w\\w+\\b", "(bc|b)(,d)?"):
                yield Case("Tokenizer", [x], tokenexp=expression, mincharnum=1, **more)


def vectors():
    sizes, x = [3, 2, 4], uniform(ROWS, FEATURES)
    for kernel, post in itertools.product(("LINEAR", "POLY", "RBF", "SIGMOID"), POSTS):
        if post == "PROBIT":
            continue  # of scores that are no probabilities it is NaN
        for n, proba in itertools.product((2, 3), (False, True)):
            pairs, s = n * (n - 1) // 2, sum(sizes[:n])
            more = {"prob_a": [-1.5] * pairs, "prob_b": [0.125] * pairs} if proba else {}
            yield Case("SVMClassifier", [x], 2, 64 * BOUND, kernel_type=kernel, post_transform=post,
                       kernel_params=[0.5, 0.25, 3.0], vectors_per_class=sizes[:n],
                       support_vectors=uniform(s * FEATURES).tolist(), rho=uniform(pairs).tolist(),
                       coefficients=uniform((n - 1) * s).tolist(),
                       classlabels_strings=["one", "two", "three"][:n], **more)
    for n, dtype in itertools.product((2, 3), (np.float32, np.float64, np.int64)):
        yield Case("SVMClassifier", [(3 * x).astype(dtype)], 2, 8 * BOUND, kernel_params=[0.0] * 3,
                   coefficients=uniform(n * FEATURES).tolist(), rho=[0.5],
                   classlabels_ints=[4, 5, 6][:n])
    for kernel, degree in (("LINEAR", 1), ("POLY", 2), ("POLY", 2.5), ("RBF", 0), ("SIGMOID", 0)):
        y = abs(x) if degree == 2.5 else x  # powers of what is not negative
        for one_class in (0, 1):
            yield Case("SVMRegressor", [y], 1, 64 * BOUND, kernel_type=kernel, n_supports=5,
                       kernel_params=[0.5, 1.0, float(degree)], rho=[0.125], one_class=one_class,
                       support_vectors=abs(uniform(5 * FEATURES)).tolist(),
                       coefficients=uniform(5).tolist())
    yield Case("SVMRegressor", [x], coefficients=uniform(FEATURES).tolist(), rho=[0.5],
               kernel_params=[0.0] * 3)


def maps():
    x = uniform(3, 2)
    for labels in ({"classlabels_int64s": [5, -1]}, {"classlabels_strings": ["", "gr\u00fcn"]}):
        yield Case("ZipMap", [x], bound=0, **labels)
        yield Case("ZipMap", [x[0]], bound=0, **labels)
        yield Case("ZipMap", [x[:0]], bound=0, dims=["N", 2], **labels)
    f, d, i = np.float32, np.float64, np.int64
    for a, b, zero in ((f(1.5), f(2), f(0)), (d(0.1), d(2), d(0)), (i(2 ** 60), i(2), i(0))):
        yield Case("DictVectorizer", [{"a": a, "x": a, "b": b}], bound=0,
                   wanted=np.array([[b, zero, a, b]]), string_vocabulary=["b", "c", "a", "b"])
    for a, b, zero in ((f(1.5), f(2), f(0)), (d(0.1), d(2), d(0)), ("text", "more", "")):
        wanted = np.array([[zero, b, a]], object if a == "text" else None)
        yield Case("DictVectorizer", [{3: a, 2 ** 40: b}], bound=0, wanted=wanted,
                   int64_vocabulary=[1, 2 ** 40, 3])
    yield Case("DictVectorizer", [{"a": f(1), "c": f(2)}], bound=0, string_vocabulary=["c", "b", "a"])
    numbers = {9: f(-2.625), 3: f(1e6 + 0.5), 0: f(0.1), 4: f(-0.0)}
    words = {9: "12", 3: "-7", 1: "2.5"}
    for to, form in itertools.product(("TO_FLOAT", "TO_STRING", "TO_INT64"), ("DENSE", "SPARSE")):
        yield Case("CastMap", [numbers], bound=0, cast_to=to, map_form=form, max_map=5)
    for form, values in (("DENSE", ["2.5", "-7", "12"]),
                         ("SPARSE", [None, "2.5", None, "-7", *[None] * 5, "12"])):
        for to, kind, pad in (("TO_FLOAT", f, 0), ("TO_STRING", object, "0.f")):
            wanted = np.array([[pad if v is None else v for v in values]], object).astype(kind)
            yield Case("CastMap", [words], bound=0, wanted=wanted, cast_to=to, map_form=form,
                       max_map=10)
    yield Case("CastMap", [{2: "12", 1: str(2 ** 60 + 1)}], bound=0, cast_to="TO_INT64",
               wanted=np.array([[2 ** 60 + 1, 12]]))


def rows():
    """More rows than a tile has, of as many features and targets as make other ways through kernels."""
    for n, (features, targets) in itertools.product((1, 63, 130), ((1, 1), (3, 2), (33, 1), (33, 16), (70, 3),
                                                                   (5, 17), (130, 8), (40, 33))):
        x, more = uniform(n, features), {"intercepts": uniform(targets).tolist()}
        more["coefficients"] = (uniform(targets * features) / features).tolist()
        yield Case("LinearRegressor", [x], targets=targets, **more)
        labels = list(range(100, 100 + max(targets, 2)))
        for post in ("LOGISTIC", "SOFTMAX"):
            yield Case("LinearClassifier", [x], 2, classlabels_ints=labels, post_transform=post, **more)
        yield Case("LinearClassifier", [x.astype(np.float64)], 2,
                   classlabels_strings=[f"label {i}" for i in labels], **more)
        yield Case("LinearRegressor", [x[:0]], targets=targets, dims=["N", features], **more)
    for n, features in itertools.product((1, 65, 200), (1, 3, 63, 64, 100)):
        x = uniform(n, features) * 4
        for norm in ("MAX", "L1", "L2"):
            yield Case("Normalizer", [abs(x) if norm == "MAX" else x], bound=features * U, norm=norm)
            yield Case("Normalizer", [x[:0]], dims=["N", features], norm=norm)
        holes = np.where(R.random(x.shape) < 0.3, np.float32(np.nan), x)
        yield Case("Imputer", [holes], bound=0, imputed_value_floats=uniform(features).tolist(),
                   replaced_value_float=float("nan"))
        for y in (x, x.astype(np.int64), (x * 9).astype(np.int32).astype(str).astype(object)):
            yield Case("ArrayFeatureExtractor", [y, R.integers(0, features, 3 * features)], bound=0)
        for y in (x, x.astype(np.int64)):
            yield Case("FeatureVectorizer", [y, y * 2, y * 3], bound=0,
                       inputdimensions=[features + 2, features, max(features - 1, 1)])


def keys():
    """Keys that differ in few bits, texts of many lengths, more elements than a table has."""
    real = np.array([0.0, 1, 2, 4, 0.5, -1, 1e30, 3], np.float32)
    whole = np.array([0, 1, 2 ** 32, 2 ** 33, -1, 2 ** 62, 7, -2 ** 63])
    names = np.array(["", "a", "b", "abcdefgh", "abcdefgi", "abcdefghi", "\u00fc" * 9, "a" * 40], object)
    kinds = {"floats": real, "int64s": whole, "strings": names}
    for (key, given), (value, others) in itertools.product(kinds.items(), kinds.items()):
        known = {f"keys_{key}": given[:6].tolist(), f"values_{value}": others[:6].tolist()}
        for x in (given[R.integers(0, 8, (70, 9))], given[:3], given[:0]):
            yield Case("LabelEncoder", [x], bound=0, version=2, **known)
    for x, attribute in ((whole, "cats_int64s"), (names, "cats_strings")):
        yield Case("OneHotEncoder", [x[R.integers(0, 8, (70, 9))]], bound=0,
                   **{attribute: x[:6].tolist()})
    for x in (whole, names):
        yield Case("CategoryMapper", [x[R.integers(0, 8, (70, 9))]], bound=0,
                   cats_int64s=whole[:6].tolist(), cats_strings=names[:6].tolist())


CASES = [*rows(), *keys(), *linear(), *features(), *categories(), *tokens(), *vectors(), *maps()]


def same(ours, theirs, bound):
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            a = {k.decode() if isinstance(k, bytes) else k: v for k, v in a.items()}
            assert a.keys() == b.keys()
            for key in b:
                assert abs(a[key] - b[key]) <= bound
        return
    assert ours.shape == theirs.shape
    if theirs.dtype.kind not in "f":
        if ours.dtype == object:
            ours = np.array([x.decode() for x in ours.ravel()], object).reshape(ours.shape)
        assert theirs.dtype == object or ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
        return
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=bound, atol=bound)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_operator(case, library):
    model = case.model()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    oracle = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    wanted = oracle.run(None, case.feeds()) if case.wanted is None else [case.wanted]
    for mode in MODES:
        with library.load(model, **mode) as engine:
            got = engine.run({name: pair(x) for name, x in case.feeds().items()})
        for ours, theirs in zip(got.values(), wanted, strict=True):
            same(ours, theirs, case.bound)


def test_threads_and_batches(library):
    """The bits of a row depend neither on the number of threads nor on the rows beside it."""
    many = [case for case in rows() if case.op in ("LinearClassifier", "LinearRegressor", "Normalizer")
            and not case.dims and len(case.inputs[0]) > 1]
    assert many
    for case in many:
        x = case.inputs[0]
        case.dims = ["N", x.shape[1]]
        model = case.model()
        with library.load(model) as engine:
            wanted = list(engine.run({"i0": x}).values())
            for first, end in ((0, 1), (5, 14), (len(x) - 3, len(x))):
                for part, whole in zip(engine.run({"i0": x[first:end]}).values(), wanted):
                    assert part.tobytes() == whole[first:end].tobytes() or part.dtype == object
        for threads in (2, 3):
            with library.load(model, threads=threads) as engine:
                for got, whole in zip(engine.run({"i0": np.tile(x, (30, 1))}).values(), wanted):
                    if got.dtype == object:
                        assert got.tolist() == np.tile(whole, 30).tolist()
                    else:
                        assert got.tobytes() == whole.tobytes() * 30


def test_not_numbers(library):
    """A NaN spreads over the row that it is in, and no further; it is the greatest score."""
    x = uniform(70, 5)
    x[3, 1], x[66, 4] = np.nan, np.inf
    weights = {"coefficients": (uniform(15) / 5).tolist()}
    linear = Case("LinearClassifier", [x], 2, classlabels_ints=[4, 5, 6], post_transform="SOFTMAX", **weights)
    for mode in MODES:
        with library.load(linear.model(), **mode) as engine:
            labels, scores = engine.run({"i0": x}).values()
        assert labels[3] == 4
        bad = np.isnan(scores).any(axis=1)
        assert np.flatnonzero(bad).tolist() == [3, 66] and np.isnan(scores[bad]).all()
        for norm, width in itertools.product(("MAX", "L1", "L2"), (5, 80)):
            y = np.tile(x, (1, 16))[:, :width].copy()
            with library.load(Case("Normalizer", [y], norm=norm).model(), **mode) as engine:
                [got] = engine.run({"i0": y}).values()
            size = {"MAX": y.max(1), "L1": abs(y).sum(1), "L2": np.sqrt((y * y).sum(1))}[norm]
            with np.errstate(invalid="ignore"):
                np.testing.assert_allclose(got, y / size[:, None], rtol=width * U)


X = uniform(2, 4)
LABELS = {"classlabels_ints": [1, 2]}
VECTORS = {"kernel_params": [0.0] * 3, "rho": [0.0], "vectors_per_class": [1, 1], **LABELS}
REFUSED = [
    ("LinearClassifier", {"coefficients": [1.0] * 8, "classlabels_ints": [1, 2],
                          "classlabels_strings": ["a", "b"]}, "both 'classlabels_ints' and"),
    ("LinearClassifier", {"coefficients": [1.0] * 8}, "there are no classes"),
    ("LinearClassifier", {"coefficients": [1.0] * 7, **LABELS}, "'coefficients' has 7 numbers"),
    ("LinearClassifier", {**LABELS}, "'coefficients' has 0 numbers"),
    ("LinearClassifier", {"coefficients": [1.0] * 12, "intercepts": [0.0] * 3, **LABELS},
     "2 labels for 3 classes"),
    ("LinearClassifier", {"coefficients": [1.0] * 4, "intercepts": [0.0], "classlabels_ints": [1]},
     "1 labels for 2 classes"),
    ("LinearClassifier", {"coefficients": [1.0] * 6, **LABELS}, "features: 4, expected 3"),
    ("LinearClassifier", {"coefficients": [1.0] * 8, "post_transform": "SOFTER", **LABELS},
     "'post_transform' has the unknown value"),
    ("LinearRegressor", {"coefficients": [1.0] * 4, "targets": 0}, "'targets' is 0"),
    ("LinearRegressor", {"coefficients": [1.0] * 8, "targets": 2, "intercepts": [1.0]},
     "'intercepts' has 1 numbers for 2 targets"),
    ("Scaler", {"scale": [1.0], "offset": [1.0, 2.0]}, "'offset' has 2 numbers, 'scale' 1"),
    ("Scaler", {"scale": [1.0] * 3, "offset": [1.0] * 3}, "features: 4, expected 3"),
    ("Normalizer", {"norm": "L3"}, "'norm' has the unknown value"),
    ("Imputer", {}, "neither 'imputed_value_floats' nor"),
    ("Imputer", {"imputed_value_floats": [1.0], "imputed_value_int64s": [1]}, "both 'imputed_value"),
    ("Imputer", {"imputed_value_int64s": [1]}, "an input of float32 are in attribute"),
    ("FeatureVectorizer", {"inputdimensions": [1, 2]}, "'inputdimensions' has 2 numbers for 1"),
    ("FeatureVectorizer", {"inputdimensions": [-1]}, "-1 features of input 0"),
    ("OneHotEncoder", {}, "neither 'cats_int64s' nor 'cats_strings'"),
    ("OneHotEncoder", {"cats_strings": ["a"]}, "does not take"),
    ("CategoryMapper", {"cats_int64s": [1], "cats_strings": ["a", "b"]}, "'cats_int64s' has 1"),
    ("ZipMap", {}, "neither 'classlabels_int64s' nor"),
    ("ZipMap", {"classlabels_int64s": [1, 2]}, "labels: 4, expected 2"),
    ("DictVectorizer", {"int64_vocabulary": [1]}, "must be a map"),
    ("DictVectorizer", {}, "neither 'int64_vocabulary' nor"),
    ("CastMap", {"map_form": "SPARSE", "max_map": -1}, "'max_map' is -1"),
    ("CastMap", {"cast_to": "TO_DOUBLE"}, "'cast_to' has the unknown value"),
    ("SVMClassifier", {"kernel_params": [1.0], "rho": [0.0], "coefficients": [1.0], **LABELS},
     "'kernel_params' has 1 numbers"),
    ("SVMClassifier", {"coefficients": [1.0] * 8, **LABELS}, "'rho' is missing"),
    ("SVMClassifier", {"coefficients": [1.0] * 2, "rho": [0.0]}, "0 classes"),
    ("SVMClassifier", {**VECTORS, "support_vectors": [1.0] * 8, "coefficients": [1.0]},
     "1 coefficients for 2 support vectors"),
    ("SVMClassifier", {**VECTORS, "support_vectors": [1.0] * 7, "coefficients": [1.0] * 2},
     "'support_vectors' has 7 numbers"),
    ("SVMClassifier", {**VECTORS, "vectors_per_class": [1, -1], "coefficients": [1.0] * 2},
     "class 1 has -1 support vectors"),
    ("SVMClassifier", {**VECTORS, "vectors_per_class": [2 ** 62, 2 ** 62], "coefficients": [1.0]},
     "support vectors"),
    ("SVMClassifier", {**VECTORS, "support_vectors": [1.0] * 8, "coefficients": [1.0] * 2,
                       "prob_a": [1.0]}, "'prob_a' has 1 numbers, 'prob_b' 0"),
    ("SVMClassifier", {**VECTORS, "vectors_per_class": [1, 1, 1], "classlabels_ints": [1, 2, 3],
                       "support_vectors": [1.0] * 12, "coefficients": [1.0] * 6},
     "'rho' has 1 numbers for 3 pairs"),
    ("SVMRegressor", {"n_supports": 2, "rho": [0.0], "coefficients": [1.0]},
     "1 coefficients for 2 support vectors"),
    ("SVMRegressor", {"rho": [0.0]}, "'coefficients' is missing"),
]


@pytest.mark.parametrize("op,attributes,words", REFUSED, ids=lambda x: x if isinstance(x, str) else "")
def test_refused(op, attributes, words, library):
    case = Case(op, [X], 2 if op.endswith("Classifier") else 1, **attributes)
    with pytest.raises(AshoreError) as error:
        library.load(case.model()).close()
    assert f"node 'it' (ai.onnx.ml.{op}" in str(error.value)
    assert words in str(error.value)


def test_refused_when_it_runs(library):
    """What the contents of inputs decide."""
    unknown = Case("OneHotEncoder", [np.array([1, 2])], cats_int64s=[1], zeros=0)
    negative = Case("CastMap", [{-1: np.float32(1)}], map_form="SPARSE", max_map=3)
    word = Case("CastMap", [{1: "no number"}])
    far = Case("ArrayFeatureExtractor", [X, np.array([4])])
    short = Case("LinearRegressor", [X], dims=["N", "F"], coefficients=[1.0] * 3)
    scaled = Case("Scaler", [X[:, :1].copy()], dims=["N", "F"], scale=[1.0] * 3, offset=[0.0] * 3)
    for case, words in ((unknown, "element 1 is no category"), (negative, "negative key -1"),
                        (word, "'no number' is not a number"), (far, "4"), (short, "3"),
                        (scaled, "features: 1, expected 3")):
        for mode in MODES:
            with library.load(case.model(), **mode) as engine:
                with pytest.raises(AshoreError) as error:
                    engine.run({name: pair(x) for name, x in case.feeds().items()})
                assert words in str(error.value)
