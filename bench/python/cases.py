"""cases.py FOLDER: writes the models that are run in Python in pages, and cases.json, which lists them.

    { "cases": [{ name, title, file, feeds: [{ name, type, dims, base64 }], answer, tolerance,
                  parameters: a file, of what Python computes by itself; null }] }

`answer` has the numbers of all outputs one after the other, of onnxruntime.  Parameters are what
scikit-learn has learnt, for plain.py and with_numpy.py.
"""

import base64
import json
import os
import sys
import warnings

import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..", "tests", "models")]

import models  # noqa: E402
import zoo  # noqa: E402

OPSETS = {"": 17, "ai.onnx.ml": 3}


def export(model, row):
    found = to_onnx(model, row, target_opset=OPSETS, options={id(model): {"zipmap": False}})
    return found.SerializeToString()


def forest():
    """100 trees over 30 measures: (model, row, parameters)."""
    x, y = load_breast_cancer(return_X_y=True)
    x = x.astype(np.float32)
    model = RandomForestClassifier(100, max_depth=8, random_state=0).fit(x, y)
    trees = []
    for each in model.estimators_:
        tree = each.tree_
        shares = tree.value[:, 0, :] / tree.value[:, 0, :].sum(axis=1, keepdims=True)
        trees.append({"feature": tree.feature.tolist(),
                      "threshold": tree.threshold.astype(np.float32).tolist(),
                      "left": tree.children_left.tolist(), "right": tree.children_right.tolist(),
                      "shares": shares.tolist()})
    return export(model, x[:1]), x[17:18], {"kind": "forest", "trees": trees}


def perceptron():
    """64 pixels, a layer of 128, 10 digits: (model, row, parameters)."""
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    model = MLPClassifier((128,), max_iter=10, random_state=0)
    with warnings.catch_warnings():  # it need not know more
        warnings.simplefilter("ignore")
        model.fit(x, y)
    layers = [{"weights": w.astype(np.float32).tolist(), "bias": b.astype(np.float32).tolist()}
              for w, b in zip(model.coefs_, model.intercepts_)]
    return export(model, x[:1]), x[5:6], {"kind": "perceptron", "layers": layers}


def identity():
    """Four numbers as they are: what a call costs."""
    def value(name):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [4])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "identity", [value("x")],
                              [value("y")])
    found = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return found.SerializeToString()


def case(name, title, model, feeds, tolerance, parameters=None):
    session = onnxruntime.InferenceSession(model)
    answer = np.concatenate([np.asarray(each, np.float64).reshape(-1)
                             for each in session.run(None, feeds)])
    return {"name": name, "title": title, "model": model, "parameters": parameters,
            "tolerance": tolerance, "answer": answer.tolist(), "feeds": [
                {"name": key, "type": value.dtype.name, "dims": list(value.shape),
                 "base64": base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()}
                for key, value in feeds.items()]}


def of_zoo(name, title):
    row = next(row for row in models.rows() if row.name == name)
    with open(row.file, "rb") as f:
        return case(name, title, f.read(), row.feeds(), 1e-3)


def all_cases():
    trees, row, parameters = forest()
    yield case("forest", "forest of 100 trees, 30 measures", trees, {"X": row}, 1e-5, parameters)
    digits, row, parameters = perceptron()
    yield case("perceptron", "perceptron, 64-128-10", digits, {"X": row}, 1e-5, parameters)
    yield of_zoo("silero-v5", "Silero VAD v5, 32 ms of sound")
    yield of_zoo("ocr-cls", "PP-OCR cls, 48x192")
    yield case("identity", "identity of 4 numbers", identity(),
               {"x": np.arange(4, dtype=np.float32)}, 0)


def write(folder):
    os.makedirs(folder, exist_ok=True)
    listed = []
    for each in all_cases():
        each["file"] = f"{each['name']}.onnx"
        with open(os.path.join(folder, each["file"]), "wb") as f:
            f.write(each.pop("model"))
        parameters = each["parameters"]
        if parameters:
            each["parameters"] = f"{each['name']}.json"
            with open(os.path.join(folder, each["parameters"]), "w", encoding="utf-8") as f:
                json.dump(parameters, f, separators=(",", ":"))
        listed.append(each)
    with open(os.path.join(folder, "cases.json"), "w", encoding="utf-8") as f:
        json.dump({"cases": listed}, f)


if __name__ == "__main__":
    write(sys.argv[1])
