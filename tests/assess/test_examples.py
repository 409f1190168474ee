"""The examples' services and their remedies give the same answers, and end when they are told to."""

import os
import random

import numpy as np
import pytest
from case_runner import SERVE, compiled_service, data, pictures, python_service  # noqa: F401

PICTURE, SMALL = 128 * 128 * 3, 64 * 64 * 3


def answers(service, bodies):
    return [service.ask(body) for body in bodies]


def texts(data):
    rng = random.Random(5)
    with open(data("text.txt"), encoding="utf-8") as f:
        words = f.read().split()
    yield " ".join(words).encode()
    strange = ["naïve", "ÀÉÎ", "l'été", "x" * 101, "…", "¿qué?", "a-b", "", "[SEP]", "été2", "ß", "Ⅷ"]
    for _ in range(50):
        yield " ".join(rng.choices(words, k=30) + rng.choices(strange, k=5)).encode()


def test_tokenizers_agree(data):
    bodies = list(texts(data))
    vocab = ["--vocab", data("vocab.txt")]
    with python_service("tokenizer", *vocab, body=b"a") as plain:
        expected = answers(plain, bodies)
    with python_service("tokenizer", *vocab, "--helper", body=b"a") as helper:
        assert answers(helper, bodies) == expected
    assert expected[0]["tokens"] > 5000


def test_engines_agree(data):
    """float32: scores differ by roundings; int8: classes are the same but where two scores are near."""
    bodies = list(pictures(PICTURE, 12))
    first = bodies[0]

    def scores(model, engine):
        with python_service("classifier", "--model", data(model), "--engine", engine,
                            body=first) as service:
            return np.array([a["scores"] for a in answers(service, bodies)])

    expected = scores("classifier.onnx", "onnxruntime")
    assert np.abs(scores("classifier.onnx", "ashore") - expected).max() <= 2e-4  # printed with 4 digits
    quantised = scores("classifier.int8.onnx", "ashore")
    spread = expected.std()
    assert np.abs(quantised - expected).max() < 0.5 * spread
    assert (quantised.argmax(1) == expected.argmax(1)).mean() >= 0.8


def test_prefetch_agrees():
    bodies = [str(i).encode() for i in range(10)]
    with python_service("starved", body=b"0") as plain:
        expected = answers(plain, bodies)
    with python_service("starved", "--prefetch", body=b"0") as prefetch:
        assert answers(prefetch, bodies) == expected
    assert len({a["score"] for a in expected}) == 10


def test_compiled_service_agrees(data):
    if not os.path.exists(SERVE):
        pytest.fail(f"{SERVE} is not built")
    bodies = list(pictures(SMALL, 20))
    model = data("small.onnx")
    with python_service("coldstart", "--model", model, body=bodies[0]) as plain:
        expected = answers(plain, bodies)
    with compiled_service(model, bodies[0]) as compiled:
        assert answers(compiled, bodies) == expected
    assert len({a["class"] for a in expected}) > 1


def test_drawing(data):
    paper = np.full((64, 64, 3), 200, np.uint8)
    paper[10:20, 10:20] = 0
    with python_service("client", "--model", data("small.onnx"), body=bytes(SMALL)) as service:
        assert service.ask(paper.tobytes())["ink"] == 100
        with pytest.raises(AssertionError, match="has 12288 bytes"):
            service.ask(b"short")
