"""The shape of most demos: a picture goes in, classes and their scores come out of a model.

The model is `colours.onnx` beside this file, with the input `image` [1, 3, 8, 8] and three scores;
tests/pyodide/colours.py makes it."""

import os
from array import array

import gradio as gr
import onnxruntime as ort

HERE = os.path.dirname(os.path.abspath(__file__))
LABELS = ["red", "green", "blue"]
SIZE = 8
session = ort.InferenceSession(os.path.join(HERE, "colours.onnx"))


def prepare(image):
    """The picture's pixels, nearest to a grid of 8 by 8, channel by channel, from 0 to 1."""
    height, width, channels = image.shape
    values = array("f", (image[y * height // SIZE, x * width // SIZE, c] / 255
                         for c in range(channels) for y in range(SIZE) for x in range(SIZE)))
    return memoryview(values).cast("B").cast("f", (1, channels, SIZE, SIZE))


def classify(image):
    if image is None:
        raise gr.Error("Choose a picture first.")
    scores = session.run(None, {"image": prepare(image)})[0].tolist()[0]
    return dict(zip(LABELS, scores))


demo = gr.Interface(
    classify,
    gr.Image(type="array", label="Picture"),
    gr.Label(num_top_classes=2, label="Colour"),
    title="Which colour?",
)

if __name__ == "__main__":
    demo.launch()
