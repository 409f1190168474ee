"""Models in Python in pages: the ways give one answer, and figures and document come of what was measured."""

import json
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "python")]

import python_document as document  # noqa: E402
import python_results as results  # noqa: E402

PARTS = os.path.join(HERE, "..", "python")


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    subprocess.run([sys.executable, os.path.join(PARTS, "cases.py"), str(folder)], check=True)
    with open(folder / "cases.json", encoding="utf-8") as f:
        return folder, {case["name"]: case for case in json.load(f)["cases"]}


@pytest.mark.parametrize("way", ["plain", "with_numpy"])
@pytest.mark.parametrize("name", ["forest", "perceptron"])
def test_python_alone_and_numpy_answer_as_onnxruntime_does(cases, way, name):
    folder, known = cases
    case = {**known[name], "parameters": os.path.join(str(folder), known[name]["parameters"])[1:]}
    model = __import__(way).open_case(case)
    found, expected = model.answer(), case["answer"]
    assert len(found) == len(expected)
    assert max(abs(a - b) for a, b in zip(found, expected)) <= case["tolerance"] * max(expected)
    assert model.block(2) > 0 and model.traffic() is None


def test_an_answer_is_worth_comparing(cases):
    for case in cases[1].values():
        assert len(set(case["answer"])) > 1


def test_intervals_and_copies():
    assert results.interval([5.0]) == {"value": 5.0, "low": 5.0, "high": 5.0}
    many = results.interval([float(i) for i in range(11)])
    assert (many["value"], many["low"], many["high"]) == (5, 1, 9)
    assert results.copies_of({"bytesIn": 3, "bytesOut": 4}) == 7
    assert results.copies_of({"bytesIn": 3, "bytesOut": 4, "staged": 7, "calls": 1}) == 14
    assert results.base("python-1") == "python" and results.base("plain") == "plain"


def visit(answer, **more):
    return {"marks": {"python": 1.0, "engine": 2.0, "ready": answer - 1, "answer": answer},
            "bytes": 1000, "requests": 3, **more}


def test_starts():
    samples = [{"first": visit(10 * i), "second": visit(5 * i, snapshot="used")} for i in (1, 2, 3)]
    row = results.start_row(samples, visit(99))
    assert row["first"]["marks"]["answer"] == 20 and row["second"]["marks"]["ready"] == 9
    assert (row["mobile"], row["from_snapshot"], row["first"]["bytes"]) == (99, 3, 1000)
    assert results.start_row([{"first": visit(1), "second": {"why": "no"}}], None) == {"why": "no"}
    assert results.start_row([], None) == {"why": "not measured"}


def made_up():
    """What python_bench.py would have found, with a way that failed."""
    traffic = {"messages": 0, "bytesIn": 16, "bytesOut": 16, "staged": 32, "calls": 1}
    message = {"messages": 2, "bytesIn": 16, "bytesOut": 16}
    raw = {"browser": "Chromium 1", "missing": {"snapshot": "no snapshots"},
           "start": {"python-1": [{"first": visit(2000), "second": visit(1000)}], "app": []},
           "mobile": {"python-1": visit(9000)},
           "runs": {"identity": {"python-1": {"samples": [0.02] * 7, "runs": 9, "traffic": traffic},
                                 "javascript-1": {"samples": [0.1], "traffic": message}},
                    "forest": {"python-1": {"samples": [0.5] * 7, "traffic": traffic},
                               "plain": {"why": "another answer: 1"}}}}
    cases = [{"name": "identity", "title": "identity", "parameters": None},
             {"name": "forest", "title": "forest", "parameters": "forest.json"}]
    return {"commit": "0123456789ab", "date": "2030-01-02", "load": 0.1, "seconds": 5, "pyodide": "1",
            "machine": {"processor": "P", "model": "6-1-2", "cores": 2, "instructions": ["avx2"],
                        "memory": 2**34, "system": "S", "kernel": "6"},
            **results.figures_of(raw, cases)}


def test_tables_of_made_up_figures():
    found = made_up()
    text = document.text_of(found)
    assert "{{" not in text
    for line in ("| Pyodide + ashore | 0.00 MB | 3 | 2.00 | 2.00 | 1.00 | 1.00 | 9.00 |",
                 "| Python, `session.run(None, feeds)` | 20 (20 to 20) |",
                 "| forest | - | - | 0.500 (0.500 to 0.500) | - | - | another answer: 1 | - |",
                 "| forest | Pyodide + ashore | 16 | 16 | 32 | 64 | 1 |"):
        assert line in text, text
    assert "| ... with a snapshot of Python | no snapshots |" in text
    assert f"| Pyodide + numpy | {document.NO_NUMPY}: measured with `--wheels` |" in text


def test_the_document_is_of_the_recorded_figures():
    with open(document.RECORDED, encoding="utf-8") as f:
        found = json.load(f)
    with open(document.DOCUMENT, encoding="utf-8") as f:
        assert f.read() == document.text_of(found)
    for name, run in found["runs"].items():
        for way, row in run["ways"].items():
            assert "why" not in row, f"{name}, {way}: {row}"
