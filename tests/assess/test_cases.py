"""The cases of examples/assess from end to end: what `ashore assess` says before the remedy, that it is
right after it, and that a noisy neighbour makes it say nothing rather than something wrong.

Targets are derived from what a request takes here, so that they are missed before and met after on
slow machines as on fast ones.  On a machine that is busy with other things the verdict may rightly
be "inconclusive": then a case is tried again, and skipped at last with what the report says of
noise.  A verdict of another kind than the right one fails at once, unless a request takes another time
before the remedy than it did: then the machine is not the one that the target was derived from."""

import os
import statistics

import pytest
from case_runner import (SERVE, assess, base_seconds, busy_neighbours, compiled_service, data,  # noqa: F401
                         pictures, python_service)

ATTEMPTS = 2
WANTED = 0.6  # of what a request takes before the remedy
LOAD = 0.15   # of what one processor could bear: requests seldom wait for one another
REQUESTS = 60  # at least, in the run that the claim is made from; a claim about p75 needs 17 of them
PICTURE, SMALL = 128 * 128 * 3, 64 * 64 * 3


def settled(tmp_path, right, of=None, **options):
    """A report whose outcome is `right`; inconclusive ones are tried again, and wrong ones where the
    machine is no longer the one that the case's target was derived from."""
    for attempt in range(ATTEMPTS):
        report = assess(str(tmp_path / f"{right}{attempt}"), **options)
        if report.outcome == right:
            return report
        if report.outcome != "inconclusive":
            assert of and of.drifted(), report
    pytest.skip(f"{report.outcome} {ATTEMPTS} times: {report.verdict['sentence']} {report.verdict['noise']}")


def check_noisy(tmp_path, right, row, **options):
    """With neighbours on every processor: inconclusive, or right for the right reason."""
    with busy_neighbours():
        report = assess(str(tmp_path / "noisy"), **options)
    assert report.outcome in ("inconclusive", right), report
    if report.outcome == right:
        assert report.row == row, report


class Case:
    """A service, a body, and a target that is 0.6 of what a request takes."""

    def __init__(self, case, *options, body, rate=None):
        self.case, self.options, self.body = case, options, body
        self.first = options  # before the remedy
        self.base = base_seconds(case, *options, body=body)
        self.limit = WANTED * self.base
        self.rate = rate or min(50, LOAD / self.base)
        print(f"a request takes {self.base * 1e3:.1f} ms")

    def drifted(self):
        """Whether a request takes another time than it did: the machine has become another one."""
        now = base_seconds(self.case, *self.first, body=self.body)
        print(f"a request takes {now * 1e3:.1f} ms now, {self.base * 1e3:.1f} ms before")
        return not 1 / 1.25 < now / self.base < 1.25

    def words(self, *more):
        return {"case": self.case, "options": (*self.options, *more), "body": self.body, "rate": self.rate,
                "targets": [f"p75={self.limit * 1e3:.3g}ms"], "seconds": max(6, REQUESTS / self.rate)}


@pytest.fixture
def text(data):  # noqa: F811
    with open(data("text.txt"), "rb") as f:
        return f.read()


def test_tokenizer_in_python(tmp_path, data, text):  # noqa: F811
    """Glue-bound: a C helper, and with it the request becomes as fast as was predicted."""
    case = Case("tokenizer", "--vocab", data("vocab.txt"), body=text)
    before = settled(tmp_path, "port", case, **case.words())
    assert before.row == "helper", before
    assert "wordpiece.py" in before.verdict["intervention"], before
    assert before.share("interpreter") + before.share("gil_wait") > 0.7, before
    after = settled(tmp_path, "meets_target", case, **case.words("--helper"))
    predicted, most = before.json["helper"]["latency"], before.json["ceilings"][0]["latency"]
    assert most["low"] <= after.latency()["high"], (before, after)
    assert after.latency()["low"] <= predicted["high"], (before, after)
    check_noisy(tmp_path, "port", "helper", **case.words())


def test_convolutions(tmp_path, data):  # noqa: F811
    """Compute-bound: no port, and a quantised model in another runtime meets the target."""
    case = Case("classifier", "--model", data("classifier.onnx"), body=next(pictures(PICTURE, 1)))
    before = settled(tmp_path, "dont_port", case, **case.words())
    assert before.row == "compute", before
    assert before.share("compute") > 0.7, before
    assert "quantise" in before.verdict["intervention"], before
    assert before.json["ceilings"][0]["speedup"] < 1.4, before
    check_noisy(tmp_path, "dont_port", "compute", **case.words())
    remedy = base_seconds("classifier", "--model", data("classifier.int8.onnx"), "--engine", "ashore",
                          body=case.body)
    if remedy > 0.8 * case.limit:
        pytest.skip(f"int8 takes {remedy * 1e3:.1f} ms here, without instructions for it: not shown")
    case.options = ("--model", data("classifier.int8.onnx"), "--engine", "ashore")
    settled(tmp_path, "meets_target", case, **case.words())


def test_starved(tmp_path):
    """Starved by synchronous IO: no port; fetching at once meets the target."""
    case = Case("starved", body=b"7", rate=14)
    before = settled(tmp_path, "dont_port", case, **case.words())
    assert before.row == "io", before
    assert before.share("io") > 0.7, before
    assert "prefetch" in before.verdict["intervention"], before
    settled(tmp_path, "meets_target", case, **case.words("--prefetch"))
    check_noisy(tmp_path, "dont_port", "io", **case.words())


def test_cold_start(tmp_path, data):  # noqa: F811
    """Imports before the first answer: a compiled binary, which answers in time."""
    body, model = next(pictures(SMALL, 1)), data("small.onnx")

    def first_answers(service, *words):
        seconds = []
        for _ in range(5):
            with service(*words, body=body) as running:
                seconds.append(running.cold)
        return statistics.median(seconds)

    imports = first_answers(python_service, "coldstart", "--model", model)
    words = {"case": "coldstart", "options": ("--model", model), "body": body, "seconds": 2,
             "targets": [f"cold-start={0.4 * imports * 1e3:.4g}ms"], "extra": ("--model", model)}
    before = settled(tmp_path, "port", **words)
    assert before.row == "footprint", before
    assert "compiled binary" in before.verdict["intervention"], before
    assert before.json["measured"]["cold_start"] < 3 * imports, before
    if not os.path.exists(SERVE):
        pytest.fail(f"{SERVE} is not built")
    compiled = first_answers(lambda *_, body: compiled_service(model, body))
    print(f"first answer: Python {imports * 1e3:.0f} ms, compiled {compiled * 1e3:.1f} ms")
    assert compiled < 0.4 * imports
    check_noisy(tmp_path, "port", "footprint", **words)


def test_client(tmp_path, data):  # noqa: F811
    """It must run on the user's device: WebAssembly, whatever the profile says."""
    body, model = next(pictures(SMALL, 1)), data("small.onnx")
    words = {"case": "client", "options": ("--model", model), "body": body, "targets": ["client"],
             "extra": ("--model", model), "seconds": 2}
    report = settled(tmp_path, "port", **words)
    assert report.row == "client", report
    assert "WebAssembly" in report.verdict["intervention"], report
    assert report.json["rubric"] and report.json["rubric"][0]["fired"], report
    assert report.json["model"]["native"] > 0
    if report.json["model"]["wasm"] is None:
        print("WebAssembly was not measured:", report.json["model"]["wasm_why"])
    check_noisy(tmp_path, "port", "client", **words)
