"""Programs as people write them around models, and what they are given."""

from pathlib import Path
from typing import Any, Dict, List, NamedTuple

import numpy as np

_random = np.random.default_rng(3)


class Program(NamedTuple):
    """A program with one function.  near: its numbers went through exp() or the like."""

    name: str
    source: str
    given: List[list]
    near: bool
    fails: bool
    files: Dict[str, Any]


PROGRAMS: List[Program] = []
HEAD = """import gradio as gr
import numpy as np
import onnxruntime as ort
from PIL import Image, ImageOps
"""


def pixels(height, width, channels=3):
    return _random.integers(0, 256, (height, width, channels), dtype=np.uint8)


PICTURES = [[pixels(31, 47)], [pixels(8, 8)], [pixels(5, 3)], [pixels(64, 20)]]
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.0, 2.7, 5.1, 1.6], [6, 3, 6, 2]]


def program(name, source, given=None, near=False, fails=False, files=None):
    PROGRAMS.append(Program(name, HEAD + source, PICTURES if given is None else given, near, fails,
                            files or {}))


def of_picture(name, body, near=False, kind="pil", out="gr.JSON()", **more):
    """A function fn(image) with a session of the model picture."""
    indented = "\n".join("    " + line if line else line for line in body.strip("\n").split("\n"))
    program(name, f'''
session = ort.InferenceSession("picture.onnx")
LABELS = ["cat", "dog", "bird", "fish", "car", "boat", "tree", "house", "cup", "book"]

def fn(image):
{indented}

gr.Interface(fn, gr.Image(type="{kind}"), {out}).launch()
''', near=near, **more)


def of_numbers(name, source, count=4, out="gr.JSON()", given=None, near=False, **more):
    """A program with fn(a, b, ..) of numbers."""
    program(name, f'''{source}
gr.Interface(fn, [gr.Number() for _ in range({count})], {out}).launch()
''', given=given or [row[:count] for row in ROWS], near=near, **more)


# ---- a picture to scores, in the ways it is written ------------------------------------------------

of_picture("imagenet", """
image = image.resize((8, 8))
x = np.array(image).astype(np.float32) / 255.0
mean = np.array([0.485, 0.456, 0.406], dtype=np.float32)
std = np.array([0.229, 0.224, 0.225], dtype=np.float32)
x = (x - mean) / std
x = np.transpose(x, (2, 0, 1))
x = np.expand_dims(x, axis=0)
outputs = session.run(None, {session.get_inputs()[0].name: x})
logits = outputs[0][0]
e = np.exp(logits - np.max(logits))
probs = e / e.sum()
return {LABELS[i]: float(probs[i]) for i in range(len(LABELS))}
""", near=True, out="gr.Label(num_top_classes=5)")

program("imagenet_helpers", '''
import json

MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])
SIZE = 8

with open("labels.json") as f:
    labels = json.load(f)

session = ort.InferenceSession("picture.onnx", providers=["CPUExecutionProvider"])
input_name = session.get_inputs()[0].name
output_name = session.get_outputs()[0].name


def preprocess(img: Image.Image) -> np.ndarray:
    """Resizes, normalises, and puts the channels first."""
    img = img.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    data = np.asarray(img, dtype="float32")
    data /= 1.0
    data = data / 255
    data = (data - MEAN) / STD
    return data.transpose(2, 0, 1)[None, ...].astype(np.float32)


def softmax(x, axis=-1):
    x = x - x.max(axis=axis, keepdims=True)
    y = np.exp(x)
    return y / y.sum(axis=axis, keepdims=True)


def predict(img):
    if img is None:
        return None
    (scores,) = session.run([output_name], {input_name: preprocess(img)})
    probs = softmax(scores)[0]
    top5 = probs.argsort()[-5:][::-1]
    return {labels[str(i)]: float(probs[i]) for i in top5}


demo = gr.Interface(fn=predict, inputs=gr.Image(type="pil"), outputs=gr.Label(num_top_classes=3),
                    title="Things", description="Which thing is it?", allow_flagging="never")

if __name__ == "__main__":
    demo.launch()
'''.replace("data /= 1.0\n    ", ""), near=True,
        files={"labels.json": '{%s}' % ", ".join(f'"{i}": "class {i}"' for i in range(10))},
        given=[*PICTURES, [None]])

of_picture("model_zoo", """
img = image.resize((8, 8), Image.BILINEAR)
img_data = np.array(img).transpose(2, 0, 1).astype('float32')
mean_vec = np.array([0.485, 0.456, 0.406])
stddev_vec = np.array([0.229, 0.224, 0.225])
norm_img_data = np.zeros(img_data.shape).astype('float32')
for i in range(img_data.shape[0]):
    norm_img_data[i, :, :] = (img_data[i, :, :] / 255 - mean_vec[i]) / stddev_vec[i]
norm_img_data = norm_img_data.reshape(1, 3, 8, 8).astype('float32')
scores = session.run(None, {'input': norm_img_data})[0]
scores = np.squeeze(scores, axis=0)
a = np.argsort(scores)[::-1]
return [f'class={LABELS[i]} ; score={scores[i]:.4f}' for i in a[0:5]]
""")

of_picture("center_crop", """
w, h = image.size
s = min(w, h)
left, top = (w - s) // 2, (h - s) // 2
image = image.crop((left, top, left + s, top + s)).resize((8, 8), resample=Image.LANCZOS)
x = np.float32(image) / 127.5 - 1
x = np.moveaxis(x, -1, 0)[np.newaxis]
return session.run(None, {"input": x})[0].tolist()
""")

of_picture("shorter_side", """
w, h = image.size
scale = 10 / min(w, h)
image = image.resize((round(w * scale), round(h * scale)), Image.BICUBIC)
w, h = image.size
left = int((w - 8) / 2)
top = int((h - 8) / 2)
image = image.crop((left, top, left + 8, top + 8))
x = np.stack([np.asarray(image, dtype=np.float32)[:, :, c] / 255 for c in range(3)])
return session.run(None, {"input": x[None]})[0][0].round(4).tolist()
""")

of_picture("letterbox", """
size = 8
w, h = image.size
r = min(size / w, size / h)
nw, nh = max(1, int(w * r)), max(1, int(h * r))
resized = image.resize((nw, nh), Image.BILINEAR)
canvas = Image.new("RGB", (size, size), (114, 114, 114))
canvas.paste(resized, ((size - nw) // 2, (size - nh) // 2))
x = np.array(canvas, dtype=np.uint8)[..., ::-1].astype(np.float32)
x = np.ascontiguousarray(x.transpose((2, 0, 1)))[None] / 255.
out = session.run(["output"], {"input": x.astype(np.float32)})
return [float(v) for v in out[0].squeeze(0)]
""")

of_picture("letterbox_array", """
size = 8
w, h = image.size
r = min(size / w, size / h)
nw, nh = max(1, round(w * r)), max(1, round(h * r))
a = np.asarray(image.resize((nw, nh)))
canvas = np.full((size, size, 3), 114, dtype=np.uint8)
top, left = (size - nh) // 2, (size - nw) // 2
canvas[top:top + nh, left:left + nw] = a
x = canvas.astype(np.float32).transpose(2, 0, 1)[None] * np.float32(1 / 255)
return session.run(None, {"input": x})[0].tolist()
""")

of_picture("in_place", """
x = np.array(image.resize((8, 8), Image.NEAREST), dtype=np.float32)
x /= 255
x -= 0.5
x *= 2
x = np.swapaxes(x, 0, 2)
x = np.swapaxes(x, 1, 2)
return session.run(None, dict(input=x.reshape((1, 3, 8, -1))))[0].tolist()
""")

of_picture("functions_of_numpy", """
x = np.asarray(image.resize((8, 8), Image.BOX))
x = np.divide(x, 255, dtype=None) if False else np.divide(x, 255)
x = np.subtract(x, [0.485, 0.456, 0.406])
x = np.divide(x, (0.229, 0.224, 0.225))
x = np.clip(x, -2.0, 2.0)
x = np.rollaxis(x, 2, 0)
x = np.expand_dims(x, 0).astype("float32")
y = session.run(None, {"input": x})[0]
y = np.maximum(y, -0.75)
y = y / np.linalg.norm(y, axis=1, keepdims=True)
order = np.argsort(-y, axis=1)[0, :3]
return [(LABELS[i], round(float(y[0, i]), 3)) for i in order]
""")

of_picture("sigmoid", """
x = np.array(image.resize((8, 8), Image.HAMMING)).astype(np.float32).transpose(2, 0, 1)
x = (x[None] - 127.5) / 127.5
y = session.run(None, {"input": x})[0].flatten()
p = 1 / (1 + np.exp(-y))
keep = p > 0.5
found = [LABELS[i] for i in np.where(keep)[0]]
return ", ".join(found), int(keep.sum())
""", near=True, out='["text", "number"]')

of_picture("sorted_zip", """
x = np.array(image.resize((8, 8)))
x = x.astype(np.float32).transpose(2, 0, 1)[np.newaxis, :] / 255
y = session.run(None, {"input": x})[0][0]
ranked = sorted(zip(LABELS, y.tolist()), key=lambda pair: pair[1], reverse=True)[:3]
return "\\n".join(f"{i + 1}. {name:<6}|{score:>9.3f}|{score:+.2e}" for i, (name, score) in enumerate(ranked))
""", out='"text"')

of_picture("scipy", """
from scipy.special import softmax
x = np.array(ImageOps.fit(image, (8, 8), Image.BILINEAR)).astype(np.float32)
x = x.transpose(2, 0, 1)[None] / 255.0
p = softmax(session.run(None, {"input": x})[0], axis=1)[0]
best = int(np.argmax(p))
return {"label": LABELS[best], "confidence": f"{p[best]:.1%}", "all": p}
""", near=True)

of_picture("pad_and_contain", """
a = ImageOps.pad(image, (8, 8), color=(10, 20, 30))
b = ImageOps.contain(image, (8, 8))
g = ImageOps.grayscale(ImageOps.mirror(ImageOps.flip(a)))
t = a.transpose(Image.Transpose.ROTATE_90).transpose(Image.ROTATE_270)
return [list(b.size), np.array(a).tolist(), np.array(g).tolist(),
        np.array(b.convert("L")).sum().item(), (np.array(t) == np.array(a)).all().item(),
        np.array(ImageOps.invert(a)).mean().item(), a.mode]
""")

of_picture("numpy_input", """
h, w = image.shape[:2]
x = Image.fromarray(image).resize((8, 8))
x = (np.asarray(x) / 255.0).astype(np.float32)
x = x[:, :, (2, 1, 0)] if False else x[:, :, [2, 1, 0]]
batch = np.concatenate([x.transpose(2, 0, 1)[None], np.zeros((1, 3, 8, 8), np.float32)])
out = session.run(None, {"input": batch})[0]
return {"size": [w, h], "rows": len(out), "best": out.argmax(axis=1).tolist(),
        "worst": out.min().item(), "spread": np.round(out.std(), 3).item()}
""", kind="numpy")

of_picture("classes", """
return Classifier("picture.onnx", size=8)(image)

class Classifier:
    pass
""".replace("\nclass Classifier:\n    pass\n", ""), near=True, out="gr.Label()")
PROGRAMS[-1] = PROGRAMS[-1]._replace(source=PROGRAMS[-1].source.replace("def fn(image)", '''
class Classifier:
    scale = 255.0

    def __init__(self, path, size=224):
        self.session = ort.InferenceSession(path)
        self.name = self.session.get_inputs()[0].name
        self.size = size

    def prepare(self, image):
        array = np.array(image.resize((self.size, self.size)), dtype=np.float32)
        return (array / self.scale).transpose(2, 0, 1)[None]

    @staticmethod
    def shares(scores):
        powers = np.exp(scores - scores.max())
        return powers / powers.sum()

    def __call__(self, image):
        scores = self.session.run(None, {self.name: self.prepare(image)})[0][0]
        return dict(zip(LABELS, map(float, self.shares(scores))))


def fn(image)'''))

of_picture("loop_fills_dict", """
x = np.array(image.resize((8, 8))).astype(np.float32)
x = x.transpose(2, 0, 1).reshape(1, 3, 8, 8) / 255
scores = session.run(None, {"input": x})[0][0]
result = {}
for label, score in zip(LABELS, scores):
    result[label] = float(score)
rows = []
for index in range(len(scores)):
    if scores[index] > 0:
        rows.append({"name": LABELS[index], "score": float(scores[index])})
return [result, rows]
""")

program("many_labels", '''
with open("labels.txt") as f:
    labels = [line.strip() for line in f.readlines()]
names = {}
for i, label in enumerate(labels):
    names[i] = label.replace("_", " ").title()
session = ort.InferenceSession("picture.onnx")

def fn(image):
    x = np.asarray(image.resize((8, 8)), np.float32).transpose(2, 0, 1)[None] / 255
    y = session.run(None, {"input": x})[0]
    y = np.concatenate([y, y * 0.5, y - 1, y * y, -y, y / 3, y + 2, -y * 2, y * 0.1, y - 3], axis=1)[0]
    everything = {labels[i]: float(y[i]) for i in range(len(labels))}
    best = max(everything, key=everything.get)
    order = sorted(range(len(y)), key=lambda i: y[i], reverse=True)[:3]
    top = [names[int(i)] for i in np.argsort(y)[::-1][:4]]
    found = [f"{name}: {score:.3f}" for name, score in everything.items() if score > 1.5]
    return [everything, best, top, found, order, sum(everything.values()) > 0]

gr.Interface(fn, gr.Image(type="pil"), gr.JSON()).launch()
''', files={"labels.txt": "\n".join(f"thing_{i}" for i in range(100)) + "\n"})

program("image_to_image", '''
def fn(image, strength):
    x = np.asarray(image).astype(np.float32)
    grey = x @ np.array([0.299, 0.587, 0.114], dtype=np.float32) if False else x.mean(axis=2)
    y = x * strength + (1 - strength) * grey[..., None]
    return float(np.clip(y, 0, 255).astype(np.uint8).sum()), y.shape[0]

gr.Interface(fn, [gr.Image(type="pil"), gr.Slider(0, 1, value=0.5)], ["number", "number"]).launch()
''', given=[[pixels(6, 9), 0.25], [pixels(3, 3), 1]])

# ---- numbers ------------------------------------------------------------------------------------------

of_numbers("row", '''
session = ort.InferenceSession("row.onnx")
CLASSES = ("setosa", "versicolor", "virginica")

def fn(sepal_length, sepal_width, petal_length, petal_width):
    x = np.array([[sepal_length, sepal_width, petal_length, petal_width]], dtype=np.float32)
    label, probabilities = session.run(None, {"X": x})
    return CLASSES[label[0]], {c: float(p) for c, p in zip(CLASSES, probabilities[0])}
''', out='["text", gr.Label()]')

of_numbers("row_of_args", '''
session = ort.InferenceSession("row.onnx")
names = [i.name for i in session.get_inputs()]

def fn(*values):
    x = np.array(values, dtype=np.float32).reshape(1, -1)
    found = session.run(None, {names[0]: x})
    index = int(found[0][0])
    return f"class {index} with {found[1][0][index] * 100:.2f} %, of {found[1].shape[1]}"
''', out='"text"')

of_numbers("maps", '''
session = ort.InferenceSession("maps.onnx")

def fn(a, b, c, d):
    return session.run(["output_probability"], {"X": np.array([[a, b, c, d]]).astype(np.float32)})[0][0]
''', out="gr.Label()")

of_numbers("maps_read", '''
session = ort.InferenceSession("maps.onnx")

def fn(a, b, c, d):
    x = np.asarray([[a, b, c, d], [d, c, b, a]], dtype=np.float32)
    rows = session.run(None, {"X": x})[0]
    best = [max(row.items(), key=lambda item: item[1])[0] for row in rows]
    return {"best": best, "a": rows[0]["a"], "sum": round(sum(rows[1].values()), 5),
            "names": sorted(rows[0].keys(), reverse=True)}
''')

of_numbers("conditions", '''
def fn(a, b):
    total = a + b if a > b else a - b
    if total > 5:
        return "large"
    elif 0 < total <= 5:
        return "small"
    return f"none: {abs(total):.1f}"
''', count=2, out='"text"', given=[[5.1, 3.5], [1.5, 1], [1, 4.25], [2, 2]])

of_numbers("formats", '''
def fn(a, b):
    a, b = float(a), float(b)
    n = int(a * 1000)
    return "\\n".join([f"{a:.3f}|{a:10.2f}|{a:<10.1f}|{a:^10.1f}|{a:+.2e}|{a:g}|{a:.3g}|{a:,.2f}|{a:08.3f}",
                      f"{a}|{a!s}|{n}|{n:,}|{n:d}|{n:08d}|{n:>12}|{n:_}", str(a) + "/" + str(b),
                      f"{b:.0%}|{b:.1%}|{b:e}|{b:G}", "{:.2f} and {}".format(a, n),
                      f"{round(a, 2)}|{round(b)}|{round(a * 1e5, -3)}", f"{n if n else 'zero'}"])
''', count=2, out='"text"', given=[
    [5.125, 0.5], [1234567.891, -2.5], [0.00001234, 1e22], [1e12, 1e16], [7.0, 1.005], [-0.0625, 123456789.0],
    [2.675, 0.1], [99999.995, 1e-7], [0.5, 1.5], [1.0, 3.0], [123456.0, 0.045]])

of_picture("filter_matrix", """
sepia = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
toned = image.dot(sepia.T)
toned /= toned.max()
gray = image @ np.array([0.299, 0.587, 0.114])
return {"toned": np.round(toned, 12), "gray": np.round(gray, 9), "rows": toned.shape,
        "cube": np.dot(image[None], sepia).shape}
""", kind="numpy")

of_numbers("arithmetic", '''
import math

def fn(a, b):
    n, m = int(a), int(b)
    x = math.sqrt(a * a + b ** 2)
    y = math.floor(x) + math.ceil(b) + math.pi
    return [n // m, n % m, -n // m, -n % m, a / b, a % b, a // b, divmod(7, 2)[0] if False else 3,
            abs(-a), min(a, b, 3), max([n, m]), float(n), bool(n) and m > 0, x, y, n * m + n - m, n ** 2,
            round(math.log(a), 6), sum([a, b, 0.1]), not n]
''', count=2, given=[[7.5, 2.25], [100.0, 7.0], [3.3, 1.1]])

of_numbers("arrays", '''
def fn(a, b, c, d):
    x = np.array([[a, b], [c, d]], dtype=np.float64)
    y = np.array([1, 2, 3, 4, 5, 6, 7, 8], dtype=np.uint8)
    z = np.arange(12).reshape(3, 4)
    f = x.astype(np.float32)
    return {"sum": x.sum(), "rows": x.sum(axis=1), "mean": x.mean(axis=0), "max": x.max(),
            "arg": x.argmax(), "dot": (x @ x).round(6), "wrap": y * 50 + 100, "neg": y - np.uint8(5),
            "float": y / 2, "int": z // 3 % 2, "part": z[1:, ::2], "last": z[-1], "col": z[:, 1],
            "mask": z[z[:, 0] > 2], "where": np.where(z > 5, z, 0), "sort": np.sort(-z, axis=1)[0],
            "stack": np.stack([z[0], z[1]], axis=1), "concat": np.concatenate((z, z), axis=1).shape,
            "flip": np.flip(z, 1)[0], "pad": np.pad(z[:1, :2], ((0, 1), (1, 0))), "T": z.T.shape,
            "round": np.round(f, 1), "half": np.round(x * 0.5), "sq": f ** 2, "root": np.sqrt(f),
            "std": f.std(), "var": x.var(axis=1), "any": (x > 5).any(), "all": bool((x > 0).all()),
            "size": z.size, "ndim": z.ndim, "full": np.full((2,), 7), "ones": np.ones((1, 2)),
            "eq": z == 3, "floor": np.floor(x), "clip": z.clip(2, 5), "prod": y[:4].prod(),
            "scalar": np.float32(a) * 2, "mixed": np.float32(a) + np.float64(b), "list": [*z[0]],
            "item": z[1, 2].item(), "vstack": np.vstack([z[0], z[2]]), "min": z.min(axis=0),
            "cmp": f[0, 0] > 5.1, "int32": np.array([100000, 3], dtype=np.int32) * 100000,
            "mean8": y.mean(), "keep": z.max(axis=1, keepdims=True), "none": z[:, None].shape}
''', given=ROWS)

of_numbers("float32_steps", '''
def fn(a, b, c, d):
    x = np.linspace if False else np.arange(1000).reshape(10, 100).astype(np.float32) * np.float32(a)
    s = x / 7
    return [s.sum(), s.mean(), s.sum(axis=1), s.mean(axis=0)[:5], s.std(), float(s[3].mean()),
            np.abs(s - b).max(), (s * c + d).sum()]
''', given=ROWS)

of_numbers("tries", '''
def fn(a, b):
    try:
        value = 10 / b
        names = ["x", "y"][int(a)]
    except Exception:
        return "that does not work"
    return f"{names} {value:.2f}"
''', count=2, out='"text"', given=[[0, 4], [1, 0], [5, 1], [1, 8]])

of_numbers("loops", '''
def fn(a, b):
    total, steps = 0.0, []
    for i in range(5):
        if i == 3:
            continue
        total += a * i
        steps.append(total)
    k = 0
    while k < 3:
        k += 1
    first, *rest = steps
    weights = {f"w{i}": w for i, w in enumerate(rest, start=1)}
    pairs = [(i, j) for i in range(2) for j in range(3) if i != j]
    return {"k": k, "first": first, **weights, "pairs": pairs, "in": "w1" in weights,
            "is": first is None, "rev": list(reversed(steps)), "b": {True: b}[True],
            "join": "-".join(str(i) for i in range(4)), "len": len(pairs), "index": ["a", "b"].index("b")}
''', count=2, given=[[1.5, 2.0], [0.1, 0.2]])

# ---- texts, choices, sounds, buttons --------------------------------------------------------------------

program("texts", '''
session = ort.InferenceSession("texts.onnx")

def fn(text, shout, style):
    if not text or not text.strip():
        return "Nothing was written.", 0
    words = session.run(None, {"text": np.array(text.split())})[0]
    line = " ".join(words.tolist())
    if shout:
        line = line.upper() + "!" * 3
    prefix = {"plain": "", "formal": "Dear reader, "}[style]
    return prefix + line.replace("A", "4"), len(line)

gr.Interface(fn, [gr.Textbox(), gr.Checkbox(), gr.Radio(["plain", "formal"])], ["text", "number"]).launch()
''', given=[["The Cat sat", False, "plain"], ["  ", True, "plain"], ["ÄÖ über THE Hügel", True, "formal"],
            ["", False, "formal"]])

program("string_methods", '''
def fn(a, b):
    return [a.lower(), a.upper(), a.strip(), a.title(), a.capitalize(), a.split(), a.split(","),
            a.replace("a", "bb"), a.startswith(b), a.endswith("x"), a.find(b), a.count(b), len(a), a + b,
            a[0] if a else "", a[1:4], a[::-1], b in a, a == b, a < b, a.splitlines(), sorted(a)[:3],
            f"{a:>12}|{b:^9}|{a!s:.3}", a.lstrip("a ").rstrip(), a * 2, list(b), [c.upper() for c in a]]

gr.Interface(fn, ["text", "text"], gr.JSON()).launch()
''', given=[[" alpha, beta", "a"], ["Ünïcode 😀 they're x", "😀"], ["", "b"], ["tab\tand\nline\r\nend", "n"],
            ["ab" * 3, "b"]])

program("choices", '''
SIZES = [("Small", 1), ("Large", 3)]

def fn(size, kind, extras, cold, many):
    n = many * 2
    return {"size": size * 1.5, "kind": kind, "extras": len(extras), "first": extras[0] if extras else None,
            "cold": "yes" if cold else "no", "n": n, "names": ", ".join(extras) or "none"}

gr.Interface(fn, [gr.Dropdown(SIZES, value=1), gr.Radio(["a", "b"], type="index"),
                  gr.CheckboxGroup(["x", "y"]), gr.Checkbox(), gr.Number(precision=0)], gr.JSON()).launch()
''', given=[[3, "b", ["x", "y"], True, 4.4], [1, "a", [], False, 5]])

program("sound", '''
session = ort.InferenceSession("sound.onnx")

def fn(audio):
    if audio is None:
        return "no sound", None
    rate, y = audio
    if y.ndim > 1:
        y = y.mean(axis=1)
    y = y.astype(np.float32)
    y /= np.max(np.abs(y))
    louder, peak = session.run(None, {"wave": y[None, :]})
    seconds = len(y) / rate
    return f"{seconds:.3f} s at {rate} Hz", {"peak": float(peak[0]), "rms": float(np.sqrt(np.mean(y ** 2))),
                                             "shape": louder.shape, "first": louder[0, :4]}

gr.Interface(fn, gr.Audio(type="numpy"), ["text", gr.JSON()]).launch()
''', given=[[(8000, _random.integers(-9000, 9000, 401).astype(np.int16))],
            [(44100, _random.integers(-9000, 9000, (300, 2)).astype(np.int16))], [None]])

program("blocks", '''
session = ort.InferenceSession("row.onnx")

def classify(a, b):
    x = np.zeros((1, 4), dtype=np.float32)
    x[0, 0] = a
    x[0, 1] = b
    x[0, 2:] = [0.5, 0.25] if False else np.array([0.5, 0.25])
    label, p = session.run(["label", "probabilities"], {"X": x})
    return gr.update(value=f"**{label[0]}**", visible=True), round(float(p.max()), 4)

with gr.Blocks(title="Rows") as demo:
    gr.Markdown("# Rows")
    with gr.Row():
        with gr.Column():
            a = gr.Slider(0, 10, value=2, label="A")
            b = gr.Number(value=1, label="B")
            go = gr.Button("Go", variant="primary")
        with gr.Column():
            out = gr.Markdown()
            best = gr.Number(label="Best")
    go.click(fn=classify, inputs=[a, b], outputs=[out, best])
    gr.Examples([[1, 2], [3, 4]], inputs=[a, b])

demo.queue().launch()
''', given=[[2, 1], [0.5, 9.75]])

program("channels_last", '''
from pathlib import Path

HERE = Path(__file__).parent
session = ort.InferenceSession(str(HERE / "last.onnx"), ort.SessionOptions())
_, height, width, _ = session.get_inputs()[0].shape
labels = (HERE / "labels.txt").read_text().splitlines()

def fn(image):
    image = image.resize((width, height), Image.NEAREST)
    x = np.array(image, dtype=np.float32)[np.newaxis, ...]
    y = session.run(None, {"x": x})[0].ravel()
    print("scores", y.shape, y.dtype == np.float32)
    best = np.argsort(y)[-2:]
    return {labels[i]: float(y[i]) for i in reversed(best)}

gr.Interface(fn, gr.Image(type="pil", image_mode="RGB"), "json").launch()
'''.replace('print("scores", y.shape, y.dtype == np.float32)', 'print("scores", y.size, flush=True)'),
        files={"labels.txt": "one\ntwo\nthree\nfour\n"})

program("boxes", '''
session = ort.InferenceSession("boxes.onnx")
NAMES = ["person", "car"]

def fn(image, threshold):
    w, h = image.size
    x = np.asarray(image.resize((8, 8)), dtype=np.float32).transpose(2, 0, 1)[None] / 255
    rows = session.run(None, {"input": x})[0]
    boxes, scores = rows[:, :4], rows[:, 4]
    keep = scores > threshold
    boxes, scores = boxes[keep], scores[keep]
    boxes = boxes * np.array([w, h, w, h], dtype=np.float32)
    found = []
    for box, score in zip(boxes, scores):
        x0, y0, x1, y1 = box
        if score > 0.95:
            continue
        found.append({"box": [float(x0), float(y0), float(x1), float(y1)], "score": float(score)})
    return found, f"{len(boxes)} found, {NAMES[0] if len(found) else NAMES[1]}"

gr.Interface(fn, [gr.Image(type="pil"), gr.Slider(0, 1, value=0.3)], [gr.JSON(), "text"]).launch()
''', given=[[pixels(20, 30), 0.3], [pixels(9, 9), 0.7], [pixels(9, 9), 1.0]])

program("audio_windows", '''
def fn(audio):
    rate, y = audio
    mono = y if y.ndim == 1 else y[:, 0]
    x = mono.astype(np.float32) / 32768.0
    n = (len(x) // 50) * 50
    frames = x[:n].reshape(-1, 50)
    energy = (frames ** 2).mean(axis=1)
    loud = np.where(energy > energy.mean())[0]
    return [energy, loud, [int(i) for i in loud], frames.shape[0], float(energy.max())]

gr.Interface(fn, gr.Audio(), gr.JSON()).launch()
''', given=[[(16000, _random.integers(-32768, 32767, 777).astype(np.int16))],
            [(16000, _random.integers(-32768, 32767, (205, 2)).astype(np.int16))]])

of_numbers("always_outside", '''
def fn(a, b):
    return [1, 2, 3][int(a)]
''', count=2, fails=True, given=[[3, 0], [-4, 0]])
of_numbers("raises", '''
def fn(a, b):
    if a > 0:
        raise gr.Error(f"not {a:.1f}")
    raise ValueError("never")
''', count=2, fails=True, given=[[1, 2], [-1, 2]])


# ---- as they are published -----------------------------------------------------------------------------


def published(name, given, near=False):
    source = (Path(__file__).parent / "spaces" / f"{name}.py").read_text()
    PROGRAMS.append(Program(name, source, given, near, False, {}))


published("crop", [[pixels(31, 47), 3], [pixels(20, 9), 10]], near=True)
published("table", [["male", 22, "S", True], ["female", 4.5, "Q", False]])
published("mask", PICTURES[:2])
published("digits", [[pixels(30, 20)]], near=True)
published("suppress", PICTURES[:2])
published("report", ROWS)
published("similar", [[pixels(9, 30), pixels(8, 8)]], near=True)
