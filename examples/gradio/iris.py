"""The classic: a classifier of scikit-learn behind an interface, its model written by skl2onnx.

The model is `iris.onnx` beside this file, with the input `X` [1, 4] and dicts of the
classes' probabilities; tests/pyodide/iris_model.py makes it."""

import os
from array import array

import gradio as gr
import onnxruntime as ort

HERE = os.path.dirname(os.path.abspath(__file__))
session = ort.InferenceSession(os.path.join(HERE, "iris.onnx"))


def classify(sepal_length, sepal_width, petal_length, petal_width):
    measures = array("f", [sepal_length, sepal_width, petal_length, petal_width])
    x = memoryview(measures).cast("B").cast("f", (1, 4))
    return session.run(["output_probability"], {"X": x})[0][0]


demo = gr.Interface(
    classify,
    [gr.Slider(4, 8, value=5.8, step=0.1, label="Sepal length, cm"),
     gr.Slider(2, 5, value=3.0, step=0.1, label="Sepal width, cm"),
     gr.Slider(1, 7, value=4.3, step=0.1, label="Petal length, cm"),
     gr.Slider(0, 3, value=1.3, step=0.1, label="Petal width, cm")],
    gr.Label(label="Iris"),
    title="Which iris?",
    examples=[[5.1, 3.5, 1.4, 0.2], [6.0, 2.7, 5.1, 1.6], [6.3, 3.3, 6.0, 2.5]],
)

if __name__ == "__main__":
    demo.launch()
