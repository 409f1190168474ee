import gradio as gr, numpy as np, onnxruntime as ort
from PIL import Image, ImageOps
sess = ort.InferenceSession("picture.onnx")
emb = np.eye(10, dtype=np.float32)
def embed(p):
    im = ImageOps.exif_transpose(p).convert("RGB")
    im = ImageOps.fit(im, (8, 8), method=Image.Resampling.LANCZOS)
    a = (np.array(im, dtype=np.float32) / 255 - 0.5) / 0.5
    v = sess.run(None, {"input": a.transpose(2, 0, 1)[None]})[0]
    return v / np.linalg.norm(v, axis=-1, keepdims=True)
def similar(a, b):
    va, vb = embed(a), embed(b)
    cos = float((va @ vb.T)[0, 0])
    sims = (emb @ va[0]).tolist()
    return cos, "same" if cos > 0.9 else "different", {"s": sims}
gr.Interface(similar, [gr.Image(type="pil"), gr.Image(type="pil")], ["number", "text", "json"]).launch()
