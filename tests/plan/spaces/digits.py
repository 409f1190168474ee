import gradio as gr
import numpy as np
import onnxruntime
session = onnxruntime.InferenceSession("picture.onnx", None)
input_name = session.get_inputs()[0].name
def preprocess(img):
    img = img.convert("L").resize((8, 8))
    img = np.array(img).reshape(8, 8)
    img = 255 - img
    img = img / 255
    img = np.stack((img,) * 3)
    return img[np.newaxis].astype("float32")
def predict_digit(img):
    raw = session.run([], {input_name: preprocess(img)})
    def softmax(v):
        v = v.reshape(-1)
        e_x = np.exp(v - np.max(v))
        return e_x / e_x.sum(axis=0)
    res = softmax(np.array(raw[0])).tolist()
    return {str(i): res[i] for i in range(10)}
iface = gr.Interface(predict_digit, inputs=gr.Image(type="pil", image_mode="L"), outputs="label", live=True)
iface.launch(share=True)
