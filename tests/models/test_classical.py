"""Models of scikit-learn as skl2onnx exports them, natively and in WebAssembly, against scikit-learn and
onnxruntime.

scikit-learn computes in float64.  How far onnxruntime is from it tells how much rounding a problem
lets through (a distance taken from sums of squares, support vectors with large weights), so no bound
has to be guessed for each model: results may be FACTOR times as far from scikit-learn's as onnxruntime's
are, plus what a different order of a few hundred terms makes of float32, 64 u on the scale of the result
with u = 2^-24.  Labels are onnxruntime's."""

import json
import os
import subprocess

import numpy as np
import onnxruntime
import pytest
from skl2onnx import to_onnx
from skl2onnx.common.data_types import (DictionaryType, DoubleTensorType, FloatTensorType,
                                        Int64TensorType, StringTensorType)
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.compose import ColumnTransformer
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA, KernelPCA, TruncatedSVD
from sklearn.discriminant_analysis import (LinearDiscriminantAnalysis,
                                           QuadraticDiscriminantAnalysis)
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (BayesianRidge, ElasticNet, HuberRegressor, Lasso, LinearRegression,
                                  LogisticRegression, Perceptron, PoissonRegressor, Ridge,
                                  RidgeClassifier, SGDClassifier, SGDRegressor)
from sklearn.mixture import GaussianMixture
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (Binarizer, KBinsDiscretizer, LabelBinarizer, MaxAbsScaler,
                                   MinMaxScaler, Normalizer, OneHotEncoder, PolynomialFeatures,
                                   PowerTransformer, RobustScaler, StandardScaler)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR, OneClassSVM

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("ASHORE_BUILD", os.path.join(ROOT, "build"))
FACTOR, U = 4, 2.0 ** -24
MODES = ({}, {"optimize": 0}, {"reference": 1}, {"threads": 2})
OPSETS = {"": 18, "ai.onnx.ml": 3}

X, Y = load_iris(return_X_y=True)
X = (X + np.random.default_rng(1).normal(0, 0.05, X.shape)).astype(np.float32)  # none is twice there
TWO = (Y == 1).astype(int)
WORDS = np.array(["setosa", "versicolor", "virginica"])[Y]
PAIR = np.array(["no", "yes"])[TWO]
HOLES = X.copy()
HOLES[::7, 1] = np.nan
INTS = np.random.default_rng(2).integers(0, 5, (60, 3))
CATS = np.array(["red", "green", "blue", "gr\u00fcn", ""], object)[INTS]
TEXTS = np.array([["the quick brown fox, the fox"], ["jumps over the lazy dog"], ["a dog_1 barks"],
                  ["an apple a day: 2 apples"], ["day by day, fox by fox"], ["Dogs? DOG!"]], object)
ABOUT = np.array([0, 1, 1, 0, 0, 1])


class Case:
    """model: fitted; feeds: what its first input is given; options of the exporter."""

    def __init__(self, name, model, x=X, kind=None, options=None):
        self.name, self.model, self.x, self.options = name, model, x, options
        self.kind = kind or FloatTensorType([None, x.shape[1]])

    def onnx(self):
        options = {"options": self.options} if self.options else {}
        return to_onnx(self.model, initial_types=[("X", self.kind)], target_opset=OPSETS, **options)


def classifiers():
    for name, y in (("words", WORDS), ("pair", PAIR), ("three", Y), ("two", TWO)):
        logistic = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
        yield Case(f"logistic_{name}", logistic)
        yield Case(f"logistic_plain_{name}", logistic, options={"zipmap": False})
        yield Case(f"logistic_columns_{name}", logistic, options={"zipmap": "columns"})
        yield Case(f"svc_{name}", SVC(probability=True, random_state=1).fit(X, y))
        yield Case(f"svc_scores_{name}", SVC(kernel="poly").fit(X, y))
        yield Case(f"svc_linear_{name}", SVC(kernel="linear").fit(X, y))
        yield Case(f"svc_sigmoid_{name}",
                   make_pipeline(MinMaxScaler(), SVC(kernel="sigmoid", probability=True,
                                                     random_state=1)).fit(X, y))
        yield Case(f"nusvc_{name}", NuSVC(probability=True, random_state=1).fit(X, y))
        yield Case(f"linear_svc_{name}", LinearSVC(random_state=1).fit(X, y))
        yield Case(f"sgd_{name}", SGDClassifier(loss="log_loss", random_state=1).fit(X, y))
        yield Case(f"hinge_{name}", SGDClassifier(random_state=1).fit(X, y))
        yield Case(f"huber_{name}", SGDClassifier(loss="modified_huber", random_state=1).fit(X, y))
        yield Case(f"gaussian_nb_{name}", GaussianNB().fit(X, y))
        yield Case(f"neighbors_{name}", KNeighborsClassifier().fit(X, y))
        yield Case(f"mlp_{name}", MLPClassifier((8,), max_iter=50, random_state=1).fit(X, y))
        yield Case(f"ridge_{name}", RidgeClassifier().fit(X, y))
    scaled = make_pipeline(make_union(RobustScaler(), MaxAbsScaler(), Normalizer("l1")),
                           LogisticRegression()).fit(X, Y)
    yield Case("union", scaled)
    yield Case("multinomial_nb", MultinomialNB().fit(abs(X), Y), abs(X))
    yield Case("bernoulli_nb", BernoulliNB(binarize=2.0).fit(X, Y))
    yield Case("complement_nb", ComplementNB().fit(abs(X), Y), abs(X))
    yield Case("lda", LinearDiscriminantAnalysis().fit(X, Y))
    yield Case("qda", QuadraticDiscriminantAnalysis().fit(X, Y))
    yield Case("perceptron", Perceptron().fit(X, Y))
    yield Case("ovr", OneVsRestClassifier(LogisticRegression()).fit(X, Y))
    yield Case("ovo", OneVsOneClassifier(LogisticRegression()).fit(X, Y))
    yield Case("calibrated", CalibratedClassifierCV(LinearSVC(random_state=1)).fit(X, Y))
    both = [("a", LogisticRegression()), ("b", GaussianNB())]
    yield Case("voting", VotingClassifier(both, voting="soft", flatten_transform=False).fit(X, Y))
    yield Case("stacking", StackingClassifier(both).fit(X, Y))
    yield Case("bagging", BaggingClassifier(LogisticRegression(), 3, random_state=1).fit(X, Y))
    yield Case("mixture", GaussianMixture(3, random_state=1).fit(X))
    yield Case("integers", LogisticRegression().fit(INTS, INTS[:, 0] > 2), INTS,
               Int64TensorType([None, 3]))
    yield Case("doubles", make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y),
               X.astype(np.float64), DoubleTensorType([None, 4]), options={"zipmap": False})


def regressors():
    pair = np.stack([Y, X[:, 0]], 1)
    for name, model, y in (
            ("linear", make_pipeline(Normalizer("max"), LinearRegression()), Y),
            ("ridge_two", make_pipeline(Binarizer(threshold=2), Ridge()), pair),
            ("lasso", make_pipeline(MinMaxScaler(), Lasso(0.01)), Y), ("elastic", ElasticNet(), Y),
            ("sgd", make_pipeline(StandardScaler(), SGDRegressor(random_state=1)), Y),
            ("bayes", BayesianRidge(), Y), ("huber", HuberRegressor(), Y),
            ("poisson", PoissonRegressor(), Y), ("svr", make_pipeline(Normalizer(), SVR()), Y),
            ("svr_poly", SVR(kernel="poly", degree=4), Y), ("svr_linear", SVR(kernel="linear"), Y),
            ("svr_sigmoid", make_pipeline(MinMaxScaler(), SVR(kernel="sigmoid")), Y),
            ("nusvr", NuSVR(), Y), ("linear_svr", LinearSVR(random_state=1), Y),
            ("neighbors", KNeighborsRegressor(weights="distance"), Y),
            ("mlp", MLPRegressor(hidden_layer_sizes=(8,), max_iter=50, random_state=1), Y),
            ("polynomial", make_pipeline(PolynomialFeatures(2), Ridge()), Y),
            ("pca", make_pipeline(PCA(2), LinearRegression()), Y),
            ("select", make_pipeline(SelectKBest(k=2), LinearRegression()), Y),
            ("bins", make_pipeline(KBinsDiscretizer(3, encode="onehot-dense",
                                                    quantile_method="averaged_inverted_cdf"),
                                   Ridge()), Y),
            ("pls", PLSRegression(2), Y)):
        yield Case(f"{name}_regression", model.fit(X, y))
    yield Case("process", GaussianProcessRegressor(RBF()).fit(X[:30], Y[:30] + X[:30, 0]))
    yield Case("kmeans", KMeans(3, n_init=2, random_state=1).fit(X))
    yield Case("minibatch", MiniBatchKMeans(3, n_init=2, random_state=1).fit(X))
    yield Case("one_class", OneClassSVM(nu=0.2).fit(X[:75]), X[75:])


def transformers():
    for name, model in (("robust", RobustScaler()), ("power", PowerTransformer()),
                        ("kernel_pca", KernelPCA(2, kernel="rbf")), ("svd", TruncatedSVD(2))):
        yield Case(name, model.fit(X))
    yield Case("imputer", make_pipeline(SimpleImputer(), StandardScaler()).fit(HOLES), HOLES)
    yield Case("integers_scaled", StandardScaler().fit(INTS), INTS, Int64TensorType([None, 3]))
    yield Case("doubles_scaled", StandardScaler().fit(X), X.astype(np.float64),
               DoubleTensorType([None, 4]))
    yield Case("one_hot_integers", OneHotEncoder(handle_unknown="ignore").fit(INTS[:40]), INTS,
               Int64TensorType([None, 3]))
    yield Case("label_binarizer", LabelBinarizer().fit(INTS[:, 0]), INTS[:, :1],
               Int64TensorType([None, 1]))
    texts = StringTensorType([None, 3])
    for name, encoder in (("one_hot", OneHotEncoder(handle_unknown="ignore")),
                          ("one_hot_drop", OneHotEncoder(drop="first"))):
        yield Case(name, make_pipeline(encoder, LogisticRegression()).fit(CATS, INTS[:, 0] > 2),
                   CATS, texts)
    yield Case("hasher", FeatureHasher(8, input_type="string").fit(CATS), CATS, texts)
    locale = {"locale": "C"}
    for name, vectors, model in (
            ("counts", CountVectorizer(), LogisticRegression()),
            ("tfidf", TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression()),
            ("tfidf_words", TfidfVectorizer(token_pattern=r"[a-z]+"), Ridge()),
            ("tfidf_chars", TfidfVectorizer(analyzer="char", ngram_range=(1, 2)), Ridge()),
            ("tfidf_stop", TfidfVectorizer(stop_words="english", sublinear_tf=True, norm="l1"),
             MultinomialNB())):
        yield Case(name, make_pipeline(vectors, model).fit(TEXTS.ravel(), ABOUT), TEXTS,
                   StringTensorType([None, 1]), options={type(vectors): locale})


CASES = [*classifiers(), *regressors(), *transformers()]


def as_lists(value):
    """Texts as str, a list of maps as (keys, an array of a row for each)."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        rows = [{k.decode() if isinstance(k, bytes) else k: v for k, v in row.items()}
                for row in value]
        keys = sorted(rows[0])
        assert all(sorted(row) == keys for row in rows)
        return keys, np.array([[row[key] for key in keys] for row in rows], np.float32)
    if isinstance(value, np.ndarray) and value.dtype == object:
        return np.array([x.decode() if isinstance(x, bytes) else str(x)
                         for x in value.ravel()]).reshape(value.shape)
    return value


def truth(model, x):
    """What scikit-learn says, in float64, where it says it in one of the outputs' shapes."""
    x = x.ravel() if x is TEXTS else x
    for method in ("predict_proba", "decision_function", "predict", "transform"):
        if not hasattr(model, method):
            continue
        result = getattr(model, method)(x)
        result = np.asarray(result.todense()) if hasattr(result, "todense") else np.asarray(result)
        if result.dtype.kind in "fiu":
            yield result.astype(np.float64)
            if result.ndim == 1:  # onnxruntime has two scores for two classes, of either sign
                yield np.stack([-result, result], 1).astype(np.float64)
                yield np.stack([result, -result], 1).astype(np.float64)


def check(got, wanted, exact):
    """got and wanted: outputs in their order; exact: arrays of the shapes that they may have."""
    for ours, theirs in zip(got, wanted, strict=True):
        ours, theirs = as_lists(ours), as_lists(theirs)
        if isinstance(theirs, tuple):
            assert ours[0] == theirs[0]
            ours, theirs = ours[1], theirs[1]
        assert ours.shape == theirs.shape
        if ours.dtype.kind in "USiub":
            assert ours.dtype.kind == theirs.dtype.kind
            np.testing.assert_array_equal(ours, theirs)
            continue
        assert ours.dtype == theirs.dtype
        scale = max(1.0, float(np.abs(theirs).max(initial=0)))
        far = [np.abs(e.reshape(theirs.shape) - theirs).max(initial=0) for e in exact
               if e.size == theirs.size]
        near = [f for f in far if f < 0.01 * scale]  # the others are not what this output is
        bound = FACTOR * (min(near) if near else 0) + 64 * U * scale
        off = float(np.abs(ours.astype(np.float64) - theirs).max(initial=0))
        assert off <= bound, f"{off} from onnxruntime, expected at most {bound}"


def oracle(case, model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]).run(
        None, {"X": case.x})


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_native(case, library):
    model = case.onnx().SerializeToString()
    wanted, exact = oracle(case, model), list(truth(case.model, case.x))
    for mode in MODES:
        with library.load(model, **mode) as engine:
            check(engine.run({"X": case.x}).values(), wanted, exact)


TYPES = {np.dtype(np.float32): "float32", np.dtype(np.float64): "float64",
         np.dtype(np.int64): "int64", np.dtype(object): "string"}


def written(x):
    """A value for run_values.mjs."""
    data = [str(v) for v in x.ravel()] if x.dtype == object else x.ravel().tolist()
    return {"type": TYPES[x.dtype], "dims": x.shape, "data": data}


def given(value):
    """What it has written."""
    if isinstance(value, list):
        return [given(item) for item in value]
    if "keys" in value:
        keys = map(int if value["whole"] else str, value["keys"])
        return dict(zip(keys, map(float, value["values"])))
    kind = {"string": object, "bool": bool}.get(value["type"], value["type"])
    data = value["data"] if kind is object else [np.dtype(kind).type(v) for v in value["data"]]
    return np.array(data, kind).reshape(value["dims"])


def run_in_wasm(folder, jobs):
    """jobs: (model, feeds as JSON, variant); what each gives."""
    lines = []
    for i, (model, feeds, variant) in enumerate(jobs):
        path = folder / f"{i}.onnx"
        path.write_bytes(model)
        lines.append({"model": str(path), "variant": variant, "feeds": feeds})
    (folder / "jobs.json").write_text(json.dumps(lines))
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run_values.mjs")
    done = subprocess.run([os.path.join(ROOT, "build", "node"), script, os.path.join(BUILD, "js"),
                           str(folder / "jobs.json"), str(folder / "out.json")],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
    assert done.returncode == 0, done.stdout
    return json.loads((folder / "out.json").read_text())


@pytest.mark.parametrize("variant", ["scalar", "relaxed"])
def test_wasm(variant, tmp_path):
    models = [case.onnx().SerializeToString() for case in CASES if not np.isnan(
        case.x.astype(float) if case.x.dtype != object else 0).any()]
    cases = [case for case in CASES if case.x is not HOLES]
    results = run_in_wasm(tmp_path, [(m, {"X": written(c.x)}, variant)
                                     for m, c in zip(models, cases, strict=True)])
    for case, model, result in zip(cases, models, results, strict=True):
        outputs = [given(value) for value in result.values()]  # in the model's order
        try:
            check(outputs, oracle(case, model), list(truth(case.model, case.x)))
        except AssertionError as error:
            raise AssertionError(f"{case.name}: {error}") from error


def dictionaries():
    texts = make_pipeline(DictVectorizer(sparse=False), LogisticRegression()).fit(
        [{"a": 1.0, "b": 2.0}, {"b": 3.0}, {"a": 4.0, "c": 1.0}], [0, 1, 0])
    kind = DictionaryType(StringTensorType([1]), FloatTensorType([1]))
    model = to_onnx(texts, initial_types=[("X", kind)], target_opset=OPSETS).SerializeToString()
    return model, {"a": 1.5, "c": 2.0, "new": 7.0}


def test_map_is_an_input(library, tmp_path):
    model, entries = dictionaries()
    wanted = onnxruntime.InferenceSession(model).run(None, {"X": entries})
    keys, values = np.array(list(entries), object), np.array(list(entries.values()), np.float32)
    for mode in MODES:
        with library.load(model, **mode) as engine:
            check(engine.run({"X": (keys, values)}).values(), wanted, [])
    feeds = {"X": {"keys": list(entries), "values": list(entries.values())}}
    [result] = run_in_wasm(tmp_path, [(model, feeds, "relaxed")])
    outputs = [given(value) for value in result.values()]
    assert outputs[0].tolist() == wanted[0].tolist()
    assert outputs[1] == [
        {k: pytest.approx(v, abs=64 * U) for k, v in row.items()} for row in wanted[1]]
