"""Operator models, small: as steps they compute what onnxruntime computes of the ONNX file."""

import json
import os
import sys

import numpy as np
import onnxruntime
import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import operators  # noqa: E402
import prepare  # noqa: E402
import steps  # noqa: E402


def erf(x):
    """Abramowitz and Stegun 7.1.26, to 1.5e-7."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (
        -1.453152027 + t * 1.061405429))))
    return np.sign(x) * (1 - series * np.exp(-x * x))


def convolve(x, w, bias, depthwise):
    """x [1, H, W, C], w [O, h, w, I] or [1, h, w, C]; as large as x."""
    pad = w.shape[1] // 2
    padded = np.pad(x, [(0, 0), (pad, pad), (pad, pad), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, w.shape[1:3], axis=(1, 2))
    how = "nyxchw,zhwc->nyxc" if depthwise else "nyxchw,ohwc->nyxo"
    return np.einsum(how, windows, w) + bias


def layer_norm(x, scale, bias):
    middle = x - x.mean(-1, keepdims=True)
    return middle / np.sqrt((middle**2).mean(-1, keepdims=True) + 1e-5) * scale + bias


def int4(x, w, scales):
    nibbles = np.stack([w & 15, w >> 4], -1).reshape(len(w), -1).astype(np.int8)
    signed = np.where(nibbles > 7, nibbles - 16, nibbles)
    return x @ (signed * np.repeat(scales, 32, 1)).T


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


COMPUTE = {
    "dense": lambda x, w: x @ w,
    "conv": lambda x, w, bias: convolve(x, w, bias, False),
    "depthwise": lambda x, w, bias: convolve(x, w, bias, True),
    "softmax": softmax,
    "gelu": lambda x: x * (1 + erf(x / 2**0.5)) / 2,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "layer_norm": layer_norm,
    "int4": int4,
    "int8": lambda x, w, scales: x @ (w * scales[:, None]).T,
}


@pytest.mark.parametrize("make, kinds, tolerance", [
    (operators.product(3, 8, 5, 2), ["dense", "dense"], 1e-5),
    (operators.convolution(7, 4, 6), ["conv"], 1e-5),
    (operators.convolution(7, 4, 6, kernel=3), ["conv"], 1e-5),
    (operators.convolution(7, 4, 4, kernel=3, depthwise=True), ["depthwise"], 1e-5),
    (operators.elementwise("Softmax", 2, 3, 8, axis=-1), ["softmax"], 1e-6),
    (operators.elementwise("Gelu", 4, 9), ["gelu"], 1e-6),
    (operators.elementwise("Sigmoid", 4, 9), ["sigmoid"], 1e-6),
    (operators.layer_norm(4, 16), ["layer_norm"], 1e-5),
    (operators.blocks(64), ["int4"], 1e-5),
    # onnxruntime rounds x to 255 steps of its range, here of about 5.
    (operators.dynamic_product(3, 16, 8), ["int8"], 2e-2),
])
def test_steps(make, kinds, tolerance):
    content, feeds = make()
    found = steps.read(content)
    assert [step.kind for step in found] == kinds
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    [expected] = session.run(None, feeds)
    y = steps.channels_last(feeds["x"])
    for step in found:
        y = COMPUTE[step.kind](y, **step.arrays)
    y = y.transpose(0, 3, 1, 2) if y.ndim == 4 else y
    assert np.abs(y - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("make", [
    operators.lstm(3, 4), operators.qdq_product(3, 8, 4), operators.qdq_convolution(5, 4, 4),
    operators.dynamic_convolution(5, 4, 4)])
def test_operators_without_counterpart(make):
    """They run; and other engines are told that they cannot."""
    content, feeds = make()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert np.isfinite(session.run(None, feeds)[0]).all()
    with pytest.raises(steps.Unsupported, match="has no counterpart here"):
        steps.read(content)


def test_names_are_unique_and_partners_exist():
    names = [row.name for row in operators.rows()]
    assert len(names) == len(set(names))
    for i, row in enumerate(operators.rows()):
        assert not row.against or row.against in names[:i]


def test_prepared_files(tmp_path):
    cases = prepare.prepare(str(tmp_path), ["ocr-cls", "int8-qdq-ffn"])
    assert [case["name"] for case in cases] == ["ocr-cls", "int8-qdq-ffn"]
    with open(tmp_path / "cases.json", encoding="utf-8") as f:
        assert json.load(f)["cases"] == cases
    for contender in (c for case in cases for c in case["contenders"]):
        assert contender.get("why") or (tmp_path / contender["file"]).exists()
        for feed in contender.get("feeds", []):
            size = (tmp_path / feed["file"]).stat().st_size
            assert size == np.dtype(feed["type"]).itemsize * int(np.prod(feed["dims"]))
    labels = [contender["label"] for contender in cases[1]["contenders"]]
    assert labels[:2] == ["ashore", "onnxruntime"] and labels[-1] == "ashore float32"
