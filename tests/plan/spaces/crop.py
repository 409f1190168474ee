import os, json
import numpy as np
import onnxruntime as rt
import gradio as gr
from typing import Dict, List
from PIL import Image

os.environ["OMP_NUM_THREADS"] = "1"
MODEL_PATH = os.path.join(os.path.dirname(__file__), "picture.onnx")
sess_options = rt.SessionOptions()
sess_options.graph_optimization_level = rt.GraphOptimizationLevel.ORT_ENABLE_ALL
sess = rt.InferenceSession(MODEL_PATH, sess_options, providers=rt.get_available_providers())
id2label: Dict[int, str] = {i: n for i, n in enumerate("abcdefghij")}

def _resize_shorter(img: Image.Image, size: int) -> Image.Image:
    w, h = img.size
    if w < h:
        new_w, new_h = size, int(size * h / w)
    else:
        new_w, new_h = int(size * w / h), size
    return img.resize((new_w, new_h), Image.Resampling.BILINEAR)

def _center_crop(img, size):
    w, h = img.size
    left = (w - size) // 2
    top = (h - size) // 2
    return img.crop((left, top, left + size, top + size))

def transform(img):
    img = _center_crop(_resize_shorter(img.convert("RGB"), 9), 8)
    arr = np.asarray(img).astype(np.float32) / 255.0
    arr = (arr - np.array([0.485, 0.456, 0.406], np.float32)) / np.array([0.229, 0.224, 0.225], np.float32)
    return np.ascontiguousarray(arr.transpose(2, 0, 1)[None])

def classify(img, top_k):
    inputs = {sess.get_inputs()[0].name: transform(img)}
    logits = sess.run(None, inputs)[0].squeeze(0)
    probs = np.exp(logits) / np.sum(np.exp(logits))
    idx = probs.argsort()[::-1][: int(top_k)]
    return {id2label[int(i)]: float(probs[i]) for i in idx}

with gr.Blocks() as demo:
    gr.Markdown("## Classifier")
    with gr.Row():
        inp = gr.Image(type="pil")
        out = gr.Label(num_top_classes=5)
    k = gr.Slider(1, 10, value=3, step=1, label="Top k")
    btn = gr.Button("Classify")
    btn.click(fn=classify, inputs=[inp, k], outputs=out)
if __name__ == "__main__":
    demo.queue(max_size=10).launch(show_error=True)
