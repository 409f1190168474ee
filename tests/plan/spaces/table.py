import gradio as gr, numpy as np, onnxruntime as ort
sess = ort.InferenceSession("row.onnx")
SEX = {"male": 0, "female": 1}
PORT = ["S", "C", "Q"]
def predict(sex, age, port, alone):
    features = [SEX[sex], age / 80.0, PORT.index(port), int(alone)]
    x = np.array(features, dtype=np.float32).reshape(1, -1)
    label, proba = sess.run(["label", "probabilities"], {"X": x})
    p = proba[0]
    verdict = "survived" if label[0] == 1 else "died"
    color = "green" if p[1] >= 0.5 else "red"
    html = f"<h2 style='color:{color}'>{verdict.upper()}</h2><p>{p[1]*100:.1f}%</p>"
    return html, {"survived": float(p[1]), "died": 1 - float(p[1])}
gr.Interface(predict, [gr.Dropdown(list(SEX.keys()), value="male"), gr.Slider(0, 80, 30), gr.Radio(PORT, value="S"), gr.Checkbox()], [gr.HTML(), gr.Label()], examples=[["male", 22, "S", True]]).launch()
