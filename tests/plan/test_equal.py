"""Plans give what programs give under CPython with numpy, pillow and onnxruntime."""

import base64
import json

import numpy as np
import pytest

from ashore_tools.plan.make import refusal
from conftest import Refused, carried_out, plan_of, replayed, write
from programs import PROGRAMS
from rules import LIMITS, RULES

# Of what exp() and the like compute: numpy's vector functions are right to 4 units in the last place
# of float32, V8's to 1 of float64; sums of ten such terms and a division add less than that again.
NEAR = 16 * 2.0 ** -24


def called(program, number):
    """Calls of the program's only function, as a page makes them."""
    return [{"fn": number, "data": {"values": [sent(v) for v in values], "event": {}}, "count": None}
            for values in program.given]


def sent(value):
    if isinstance(value, np.ndarray) and value.dtype == np.uint8:
        return picture(value)
    if isinstance(value, tuple):
        return sound(*value)
    return value


def picture(pixels):
    """A picture as a page sends it: the file, and what the browser has decoded."""
    import io
    from PIL import Image
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    rgba = np.asarray(Image.fromarray(pixels).convert("RGBA"))
    return {"name": "a.png", "type": "image/png", "bytes": packed(file.getvalue()),
            "pixels": {"width": rgba.shape[1], "height": rgba.shape[0],
                       "data": packed(rgba.tobytes())}}


def sound(rate, samples):
    import io
    import wave
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.astype("<i2").tobytes())
    return {"name": "a.wav", "type": "audio/wav", "bytes": packed(file.getvalue())}


def packed(data):
    return {"base64": base64.b64encode(data).decode()}


@pytest.fixture(scope="module")
def answers(models, tmp_path_factory):
    """For each program: its answers under CPython and those of its plan, or why there is no plan."""
    root = tmp_path_factory.mktemp("programs")
    jobs, found = [], {}
    for program in PROGRAMS + RULES + LIMITS:
        folder = root / program.name
        read = write(folder, {"app.py": program.source, **program.files}, models)
        try:
            plan = json.loads(plan_of(read).text)
        except Refused as refused:
            found[program.name] = refusal(read, refused)
            continue
        calls = called(program, int(next(iter(plan["functions"]))))
        jobs.append({"name": program.name, "folder": str(folder), "plan": plan, "calls": calls,
                     "path": str(folder / "app.py")})
    for job, *both in zip(jobs, replayed(jobs), carried_out(jobs)):
        found[job["name"]] = both
    return found


def compare(a, b, near, where="answer"):
    if isinstance(a, dict) and isinstance(b, dict):
        assert list(a) == list(b), where
        for key in a:
            compare(a[key], b[key], near, f"{where}.{key}")
    elif isinstance(a, list) and isinstance(b, list):
        assert len(a) == len(b), where
        for i, (one, other) in enumerate(zip(a, b)):
            compare(one, other, near, f"{where}[{i}]")
    elif near and isinstance(a, float) and isinstance(b, (int, float)):
        assert abs(a - b) <= NEAR * max(abs(a), abs(b), 2.0 ** -20), f"{where}: {a} and {b}"
    else:
        assert a == b, f"{where}: {a} and {b}"


@pytest.mark.parametrize("program", PROGRAMS + RULES, ids=lambda p: p.name)
def test_a_plan_gives_what_cpython_gives(program, answers):
    assert not isinstance(answers[program.name], str), answers[program.name]
    wanted, made = answers[program.name]
    assert "failed" not in wanted, wanted["failed"]
    assert "failed" not in made, made["failed"]
    assert len(made["answers"]) == len(wanted["answers"]) == len(program.given)
    for one, other in zip(wanted["answers"], made["answers"]):
        if program.fails:
            assert one["error"] and other["error"], (one, other)
            continue
        assert one["error"] is None, one["error"]
        assert other["error"] is None, other.get("stack")
        compare(one["updates"], other["updates"], program.near)
    assert made["printed"] == wanted["printed"]


@pytest.mark.parametrize("program", LIMITS, ids=lambda p: p.name)
def test_a_plan_says_what_it_cannot_compute(program, answers):
    wanted, made = answers[program.name]
    assert [one["error"] for one in wanted["answers"]] == [None]
    for one in made["answers"]:
        assert "LimitError" in one["stack"], one
