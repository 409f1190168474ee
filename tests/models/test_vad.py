"""Silero VAD v5 over a recorded sentence, its state carried from window to window."""

import os
import wave

import numpy as np
import pytest
from conftest import PACKAGES, VARIANTS

VAD = os.path.join(PACKAGES, "@ricky0123", "vad-web", "dist", "silero_vad_v5.onnx")
RECORDINGS = "/usr/share/pocketsphinx/test/data"
SPEECH = os.path.join(RECORDINGS, "librivox/sense_and_sensibility_01_austen_64kb-0880.wav")
WINDOW, CONTEXT, RATE = 512, 64, 16000

# A recurrent network carries its error on: after k windows it is at most the sum of k errors, but
# the gates contract, so that it settles.  One window errs by about 8 layers * sqrt(n) * 2**-24 with
# n <= 1152: 1.6e-5 of the magnitude.  A settled state may be off by ten times as much, relative to
# its values (the cell's go to 50), and the probability, through a sigmoid whose slope is at most
# 1/4, by as much again.
OUTPUT_BOUND = 2e-4
STATE_BOUND = 2e-4


def windows(path=SPEECH):
    with wave.open(path) as f:
        assert (f.getframerate(), f.getnchannels(), f.getsampwidth()) == (RATE, 1, 2)
        samples = np.frombuffer(f.readframes(f.getnframes()), np.int16).astype(np.float32) / 32768
    count = len(samples) // WINDOW
    padded = np.concatenate([np.zeros(CONTEXT, np.float32), samples])
    return np.stack([padded[i * WINDOW:i * WINDOW + WINDOW + CONTEXT] for i in range(count)])[:, None]


def start(rate=RATE):
    return {"state": np.zeros((2, 1, 128), np.float32), "sr": np.array(rate, np.int64)}


def listen(run, chunks, rate=RATE):
    """All probabilities and the last state."""
    feeds = start(rate)
    heard = []
    for chunk in chunks:
        output, feeds["state"] = run({"input": chunk, **feeds})
        heard.append(output[0, 0])
    return np.array(heard), feeds["state"]


def expectation(oracle, chunks, rate=RATE):
    session = oracle(VAD)
    return listen(lambda feeds: session.run(["output", "stateN"], feeds), chunks, rate)


def compare(heard, state, expected, expected_state):
    off = np.abs(heard - expected).max()
    state_off = (np.abs(state - expected_state) / (1 + np.abs(expected_state))).max()
    print(f"largest difference {off:.3g}, of the state {state_off:.3g} relative")
    assert off <= OUTPUT_BOUND
    assert state_off <= STATE_BOUND


@pytest.mark.parametrize("threads", [1, 2])
def test_speech(library, oracle, threads):
    chunks = windows()
    expected, expected_state = expectation(oracle, chunks)
    assert expected.max() > 0.9 and expected.min() < 0.2, "the recording has speech and pauses"
    with library.load(VAD, threads) as model:
        def run(feeds):
            out = model.run(feeds)
            return out["output"], out["stateN"]
        compare(*listen(run, chunks), expected, expected_state)


def test_other_rate(library, oracle):
    """8 kHz takes the other branch of the model's outermost If."""
    chunks = windows()[:40, :, :256 + 32]
    expected, expected_state = expectation(oracle, chunks, 8000)
    with library.load(VAD) as model:
        def run(feeds):
            out = model.run(feeds)
            return out["output"], out["stateN"]
        compare(*listen(run, chunks, 8000), expected, expected_state)


@pytest.mark.parametrize("variant,threads", VARIANTS)
def test_speech_in_webassembly(wasm, oracle, variant, threads):
    chunks = windows()
    expected, expected_state = expectation(oracle, chunks)
    outputs, _ = wasm(VAD, {"input": chunks, **start()}, variant, threads, runs=len(chunks),
                      stepped=("input",), feedback={"state": "stateN"})
    compare(outputs["output"][:, 0, 0], outputs["stateN"][-1], expected, expected_state)
