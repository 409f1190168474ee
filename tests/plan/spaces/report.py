from functools import partial
import gradio as gr, numpy as np, onnxruntime as ort
from collections import OrderedDict
sess = ort.InferenceSession("row.onnx")
COLS = ["a", "b", "c", "d"]
def infer(*args):
    row = dict(zip(COLS, args))
    feed = {sess.get_inputs()[0].name: np.array([[row[c] for c in COLS]], dtype=np.float32)}
    pred = sess.run(None, feed)
    probs = pred[1].flatten()
    best = probs.argmax()
    msg = "Class: " + str(best) + " (" + str(round(float(probs[best]) * 100, 2)) + "%)"
    return msg, [{"class": i, "p": round(p, 4)} for i, p in enumerate(probs.tolist())]
inputs = [gr.Number(label=c, value=0) for c in COLS]
gr.Interface(infer, inputs, [gr.Textbox(label="Result"), gr.JSON()]).launch()
