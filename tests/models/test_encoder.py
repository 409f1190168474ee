"""An encoder of sentences of MiniLM's size, with padding, against onnxruntime; and that its parts
are the fused ones."""

import json
import os
import subprocess

import encoder
import numpy as np
import onnx
import pytest
from conftest import BUILD, ROOT

# A sum of n terms of random signs errs by about sqrt(n) u of its magnitude, u = 2^-24, the softmax
# and the norms by less; a layer has four such sums one behind the other, of at most 1536 terms.  It
# may double the error that it is given (the residual and what was made of it), and its norms bring
# values back to about 1.  After L layers: (2^L - 1) * 4 * sqrt(1536) u, for each of two engines, on
# values up to 5.
def bound(layers):
    return 2 * 5 * (2 ** layers - 1) * 4 * 1536 ** 0.5 * 2.0 ** -24


SHAPES = [(3, 17), (1, 5), (2, 40), (3, 17)]


@pytest.fixture(scope="module", params=["bert", "sdpa", "llama"])
def model(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("encoder") / f"{request.param}.onnx"
    onnx.save(encoder.make(request.param), path)
    return str(path)


def compare(got, want, layers=6):
    far = np.abs(got - want).max()
    print(f"off by {far:.3g}")
    assert far <= bound(layers)


@pytest.mark.parametrize("options", [{}, {"threads": 2}, {"optimize": 0}],
                         ids=["", "threads", "as-written"])
def test_native(library, oracle, model, options):
    session = oracle(model)
    with library.load(model, **options) as m:
        for shape in SHAPES:
            feeds = encoder.texts(*shape)
            compare(m.run(feeds)["last_hidden_state"], session.run(None, feeds)[0])


@pytest.mark.parametrize("style", ["bert", "sdpa", "llama"])
def test_reference(library, oracle, tmp_path, style):
    path = str(tmp_path / "small.onnx")
    onnx.save(encoder.make(style, layers=1, width=48, n=4), path)
    feeds = encoder.texts(2, 9)
    with library.load(path, reference=1) as m:
        compare(m.run(feeds)["last_hidden_state"], oracle(path).run(None, feeds)[0], layers=1)


@pytest.mark.parametrize("variant,threads", [("scalar", 1), ("relaxed", 2)])
def test_webassembly(wasm, oracle, model, variant, threads):
    feeds = encoder.texts(2, 21)
    outputs, _ = wasm(model, feeds, variant, threads)
    compare(outputs["last_hidden_state"][0], oracle(model).run(None, feeds)[0])


def test_fused(model):
    """Each layer is one attention, no softmax or permutation is left, and norms and activations have
    become operators."""
    program = os.environ.get("ASHORE", os.path.join(BUILD, "ashore"))
    done = subprocess.run([program, "bench", model, "--dim", "batch=2", "--dim", "sequence=32",
                           "--runs", "1", "--per-op", "--json"],
                          cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    steps = [s for s in json.loads(done.stdout)["steps"]]
    ops = [s["op"] for s in steps]
    print(sorted(set(ops)))
    attention = [s for s in steps if s["op"] == "Attention"]
    assert len(attention) == 6
    assert all(s["kernel"].startswith("attention_f32") for s in attention)
    norm, act = ("RMSNormalization", "MatMul+Swish") if "llama" in model else \
        ("LayerNormalization", "MatMul+Gelu")
    assert ops.count(norm) == (12 if "llama" in model else 13)
    assert ops.count(act) == 6
    assert not {"Softmax", "Erf", "ReduceMean", "Div", "Expand"} & set(ops)
    # Rotary positions stand behind the permutation of queries and of keys.
    assert ops.count("Transpose") == (12 if "llama" in model else 0)
