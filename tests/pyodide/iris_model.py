"""iris_model.py MODEL: writes the model of examples/gradio/iris.py, and prints what scikit-learn says
of the examples: a list of [[measures], {class: probability}] as JSON."""

import json
import sys

import numpy
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

data = load_iris()
x = data.data.astype(numpy.float32)
model = make_pipeline(StandardScaler(), RandomForestClassifier(10, max_depth=4, random_state=0))
model.fit(x, data.target_names[data.target])
found = to_onnx(model, x[:1], target_opset={"": 17, "ai.onnx.ml": 3})
with open(sys.argv[1], "wb") as file:
    file.write(found.SerializeToString())
shown = numpy.array([[5.1, 3.5, 1.4, 0.2], [6.0, 2.7, 5.1, 1.6], [6.3, 3.3, 6.0, 2.5]],
                    numpy.float32)
print(json.dumps([[row.tolist(), dict(zip(model.classes_.tolist(), scores))]
                  for row, scores in zip(shown, model.predict_proba(shown).tolist())]))
