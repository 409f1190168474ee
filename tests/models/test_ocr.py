"""PP-OCRv4 recognition and direction on lines cut from a photographed page."""

import os

import numpy as np
import pytest
from conftest import OCR, VARIANTS
from PIL import Image
from skimage import data

REC = os.path.join(OCR, "ch_PP-OCRv4_rec_infer.onnx")
CLS = os.path.join(OCR, "ch_ppocr_mobile_v2.0_cls_infer.onnx")

# left, top, right, bottom in scikit-image's `page`; the text is what onnxruntime reads with the
# preprocessing below, faults of the model included.
LINES = {
    "first": ((0, 44, 384, 68), "Let us first determine markers of the coins and the"),
    "second": ((0, 60, 384, 84), "background.These markers are pixels that we can label"),
    "heading": ((4, 6, 240, 38), "Region-based segment"),
    "last": ((4, 118, 176, 136), "histogram of grey values:"),
}


def picture(name, rotated=False):
    image = Image.fromarray(data.page()).crop(LINES[name][0]).convert("RGB")
    return image.rotate(180) if rotated else image


def planes(image, height, width):
    """BGR planes in -1..1, as the models were trained on."""
    pixels = np.asarray(image.resize((width, height), Image.BILINEAR), np.float32)
    return np.ascontiguousarray((pixels[:, :, ::-1] / 127.5 - 1).transpose(2, 0, 1)[None])


def rec_input(name, width=None):
    image = picture(name)
    return planes(image, 48, width or int(np.ceil(48 * image.width / image.height)))


def keys():
    with open(os.path.join(OCR, "ppocr_keys_v1.txt"), encoding="utf-8") as f:
        return ["", *(line.rstrip("\n") for line in f), " "]


def decode(probabilities):
    """Greedy CTC: the best class per step, repeats merged, blanks dropped."""
    best = probabilities.argmax(1)
    return "".join(keys()[k] for i, k in enumerate(best) if k and (i == 0 or best[i - 1] != k))


# The two engines add the same products in different orders.  A sum of n float32 products errs, with
# roundings as good as random, by about sqrt(n) * eps of its magnitude: eps = 2**-24 and n = 120 * 9,
# the longest sums (the convolutions of the neck), make 2e-6.  Forty layers, each normalised, add up
# like a random walk to sqrt(40) * 2e-6 = 1.3e-5 of the logits, which are below 30: 4e-4 on a logit,
# and a softmax moves by at most a quarter of that.
REC_BOUND = 1e-4
# Fifty layers, n <= 1000, logits below 10, the same reasoning: sqrt(50) * 2e-6 * 10 / 4.
CLS_BOUND = 4e-5


def compare(actual, expected, bound):
    assert actual.shape == expected.shape
    assert np.isfinite(actual).all()
    difference = np.abs(actual - expected).max()
    print(f"largest difference {difference:.3g}")
    assert difference <= bound


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("threads", [1, 2])
def test_rec(library, oracle, name, threads):
    x = rec_input(name)
    expected = oracle(REC).run(None, {"x": x})[0]
    assert decode(expected[0]) == LINES[name][1]
    with library.load(REC, threads) as model:
        actual = model.run({"x": x})[model.outputs[0]]
    compare(actual, expected, REC_BOUND)
    assert decode(actual[0]) == LINES[name][1]


def test_rec_widths_and_batches(library, oracle):
    """One session, other shapes each time, and the first again."""
    reference = oracle(REC)
    with library.load(REC) as model:
        for names, width in ((["first"], 320), (["last"], 100), (["first", "second"], 480),
                             (["last"], 41), (["first"], 320)):
            x = np.concatenate([rec_input(name, width) for name in names])
            compare(model.run({"x": x})[model.outputs[0]], reference.run(None, {"x": x})[0],
                    REC_BOUND)


def test_rec_memory_is_predicted(library):
    """What is predicted before a run is what the run holds.  Beyond it are the values that go
    in, which are the caller's, and the plan with its steps: about 70 KiB here."""
    x = rec_input("first")
    with library.load(REC) as model:
        predicted = model.predict(x.shape)
        model.run({"x": x})
        held = model.memory()
    assert predicted.exact
    print(f"{predicted.total} bytes predicted, {held.total} held, {x.nbytes} given")
    assert held.total <= predicted.total + x.nbytes + 256 * 1024
    assert held.total >= predicted.total


@pytest.mark.parametrize("rotated", [False, True])
@pytest.mark.parametrize("name", LINES)
def test_cls(library, oracle, name, rotated):
    x = planes(picture(name, rotated), 48, 192)
    expected = oracle(CLS).run(None, {"x": x})[0]
    with library.load(CLS) as model:
        compare(model.run({"x": x})[model.outputs[0]], expected, CLS_BOUND)


@pytest.mark.parametrize("variant,threads", VARIANTS)
def test_rec_in_webassembly(wasm, oracle, variant, threads):
    x = rec_input("first")
    expected = oracle(REC).run(None, {"x": x})[0]
    outputs, report = wasm(REC, {"x": x}, variant, threads)
    actual = next(iter(outputs.values()))[0]
    compare(actual, expected, REC_BOUND)
    assert decode(actual[0]) == LINES["first"][1]
    assert report["report"]["variant"] == variant
    assert report["report"]["threads"] == threads


@pytest.mark.parametrize("variant,threads", VARIANTS)
def test_cls_in_webassembly(wasm, oracle, variant, threads):
    x = planes(picture("heading"), 48, 192)
    expected = oracle(CLS).run(None, {"x": x})[0]
    outputs, _ = wasm(CLS, {"x": x}, variant, threads)
    compare(next(iter(outputs.values()))[0], expected, CLS_BOUND)
