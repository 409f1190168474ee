"""The whole example, examples/ocr: text of photographs and scans, by the program in C and by the code
of the page in WebAssembly."""

import difflib
import json
import os
import re
import subprocess

import numpy as np
import pytest
from conftest import BUILD, OCR, ROOT
from PIL import Image, ImageDraw, ImageFont
from skimage import data

PROGRAM = os.path.join(BUILD, "examples", "example_ocr")
MODELS = [os.path.join(OCR, name) for name in
          ("ch_PP-OCRv4_det_infer.onnx", "ch_ppocr_mobile_v2.0_cls_infer.onnx",
           "ch_PP-OCRv4_rec_infer.onnx", "ppocr_keys_v1.txt")]
LINE = re.compile(r" *([\d.]+) +((?:-?\d+,-?\d+ ){4}) (.*)")

# What a person reads in scikit-image's photograph of a page; what is cut off at its lower edge aside.
PAGE = ["Region-based segmentation", "Let us first determine markers of the coins and the",
        "background. These markers are pixels that we can label",
        "unambiguously as either object or background. Here,",
        "the markers are found at the two extreme parts of the", "histogram of grey values:",
        ">>> markers = np.zeros_like(coins)"]

WORDS = ["The quick brown fox jumps over the lazy dog", "Invoice No. 2026-1187 of 14 March",
         "Amount due: 1,249.50 EUR", "Pack my box with five dozen liquor jugs"]


def scan(degrees=0, noise=0.0, size=26):
    """A scanned sheet of paper with WORDS on it."""
    image = Image.new("L", (900, 420), 250)
    draw = ImageDraw.Draw(image)
    for i, words in enumerate(WORDS):
        draw.text((120, 80 + 75 * i), words, fill=20, font=ImageFont.load_default(size))
    image = image.rotate(degrees, Image.BICUBIC, expand=True, fillcolor=250)
    grain = np.random.default_rng(5).normal(0, noise, (image.height, image.width))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


PICTURES = {
    "page": (lambda: Image.fromarray(data.page()), PAGE),
    "scan": (scan, WORDS),
    "tilted": (lambda: scan(7), WORDS),
    "upside down": (lambda: scan(180), WORDS[::-1]),
    "on its side": (lambda: scan(90), None),  # columns: their order is not that of reading
    "grainy": (lambda: scan(-3, noise=25), WORDS),
    "small": (lambda: scan(size=13), WORDS),
}


def natively(path, *options):
    done = subprocess.run([PROGRAM, *options, *MODELS, str(path)], capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 0, done.stderr
    lines = []
    for line in done.stdout.splitlines():
        confidence, corners, text = LINE.fullmatch(line).groups()
        lines.append((float(confidence),
                      [tuple(map(int, c.split(","))) for c in corners.split()], text))
    return lines


def bare(text):
    """Spaces are the model's weak point, and it writes some signs in their full-width form."""
    return text.replace(" ", "").replace("（", "(").replace("：", ":").replace("，", ",")


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_program(tmp_path, name, kind):
    make, words = PICTURES[name]
    path = tmp_path / f"picture.{kind}"
    make().convert("RGB").save(path, quality=95)
    lines = natively(path)
    got = [bare(text) for _, _, text in lines]
    want = [bare(text) for text in (words or WORDS)]
    if words is None:
        got, want = sorted(got), sorted(want)
    print(got)
    # Each line, with at most one character in twenty that is another.
    assert len(got) == len(want)
    for a, b in zip(got, want):
        assert difflib.SequenceMatcher(None, a, b, autojunk=False).ratio() > 0.95, (a, b)


def test_boxes_hold_the_words(tmp_path):
    path, boxes = tmp_path / "scan.png", tmp_path / "boxes.png"
    scan().save(path)
    lines = natively(path, "--boxes", str(boxes))
    for i, (confidence, corners, _) in enumerate(lines):
        left, top = corners[0]
        right, bottom = corners[2]
        assert confidence > 80
        assert abs(left - 120) < 15 and top < 95 + 75 * i < bottom
        assert right > 400
    drawn = np.asarray(Image.open(boxes).convert("RGB")).astype(int)
    assert (drawn[:, :, 0] - drawn[:, :, 1] > 100).sum() > 2000


def test_webassembly_reads_the_same(tmp_path):
    """The code of the page, under Node, over the same pictures."""
    jobs = []
    for name, (make, _) in PICTURES.items():
        image = make().convert("RGB")
        image.save(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.rgb").write_bytes(image.tobytes())
        jobs.append({"file": str(tmp_path / f"{name}.rgb"), "width": image.width,
                     "height": image.height})
    script = os.path.join(ROOT, "tests", "models", "read_pictures.mjs")
    done = subprocess.run([os.path.join(ROOT, "build", "node"), script,
                           os.path.join(BUILD, "js"), OCR, json.dumps(jobs)],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    for name, lines in zip(PICTURES, json.loads(done.stdout)):
        assert lines == [text for _, _, text in natively(tmp_path / f"{name}.png")], name


@pytest.mark.parametrize("content,message", [
    (b"", "empty"), (b"GIF89a" + bytes(100), "neither PNG nor JPEG"),
    (b"\x89PNG\r\n\x1a\n" + bytes(60), "picture"), (b"\xff\xd8\xff\xe0" + bytes(60), "picture"),
])
def test_bad_pictures(tmp_path, content, message):
    path = tmp_path / "picture"
    path.write_bytes(content)
    done = subprocess.run([PROGRAM, *MODELS, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3 and done.stdout == ""
    assert message in done.stderr or str(path) in done.stderr


def test_bad_arguments(tmp_path):
    missing = str(tmp_path / "missing")
    done = subprocess.run([PROGRAM, missing, *MODELS[1:], missing], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 3 and "missing" in done.stderr
    done = subprocess.run([PROGRAM, "--threads", "x", *MODELS, missing], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.startswith("usage")
    # Recognition where detection belongs: its answer is no map.
    scan().save(tmp_path / "scan.png")
    done = subprocess.run([PROGRAM, MODELS[1], *MODELS[1:], str(tmp_path / "scan.png")],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 3 and "map" in done.stderr
