"""From samples to figures, goals, chart and document, on made-up samples and on the recorded ones."""

import json
import os
import sys
import xml.dom.minidom

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import chart  # noqa: E402
import document  # noqa: E402
import record  # noqa: E402
import results  # noqa: E402
import table  # noqa: E402
import targets  # noqa: E402

CASES = [
    {"name": "ocr-a", "title": "A", "group": "convolution", "model": "a"},
    {"name": "ocr-b", "title": "B <tiny> & co", "group": "convolution", "model": "b"},
    {"name": "t-16", "title": "T, 16", "group": "transformer", "model": "t"},
    {"name": "t-64", "title": "T, 64", "group": "transformer", "model": "t"},
    {"name": "r", "title": "R", "group": "recurrent", "model": "r"},
    {"name": "int4-gemv", "title": "int4", "group": "operator", "model": "int4-gemv"},
    {"name": "int8-qdq-ffn", "title": "int8", "group": "operator", "model": "int8-qdq-ffn"},
]


def entries(own, peer, *more):
    """Of constant times: this engine's, onnxruntime's, and others by label."""
    def entry(label, ms, **fields):
        return {"label": label, "samples": [ms] * 9, "runs": 1, **fields}
    return [entry("ashore", own, memory={"total": 100, "wasm": 105}),
            entry("onnxruntime", peer, difference=1e-6),
            *(entry(label, ms) for label, ms in more)]


def raw(threads, factor=1.0, **about):
    return {"threads": threads, **about, "cases": {
        "ocr-a": entries(1, 4 * factor), "ocr-b": entries(2, 6 * factor),
        "t-16": entries(1, 2 * factor), "t-64": entries(1, 8 * factor),
        "r": [*entries(1, 3 * factor)[:1], {"label": "onnxruntime", "why": "no such operator"}],
        "int4-gemv": entries(1, 20 * factor, ("LiteRT.js", 0.5)),
        "int8-qdq-ffn": entries(1, 1, ("ashore float32", 2))}}


def found():
    """What bench.py would have found."""
    browser, cpu = {"browser": "Chromium 1"}, {"cpu": "avx2", "peer_isa": "best", "unmasked": None}
    runs = {"web-1": results.run_of(raw(1, **browser), CASES, "web", "relaxed"),
            "web-2": results.run_of(raw(2, 0.8, **browser), CASES, "web", "relaxed"),
            "native-best-1": results.run_of(raw(1, 0.5, **cpu), CASES, "native", "best")}
    every = {"runs": runs, "commit": "0123456789ab", "date": "2030-01-02", "quick": False,
             "seconds": 5, "load": 0.1, "missing": {"native-avx2-1": "it ended with 1"},
             "versions": {"onnxruntime": "1", "LiteRT.js": None},
             "machine": {"processor": "P", "model": "6-1-2", "cores": 2, "instructions": ["avx2"],
                         "memory": 2**34, "system": "S", "kernel": "6"},
             "cold": results.cold_of({"samples": {
                 "ashore, page": [{"page": 1, "ready": 8, "run": 2, "answer": 10}] * 6,
                 "onnxruntime, page": [{"page": 1, "ready": 150, "run": 50, "answer": 200}] * 6,
                 "ashore, worker": [{"page": 1, "ready": 18, "run": 2, "answer": 20}] * 6,
                 "onnxruntime, worker": [{"why": "no worker"}] * 6}}),
             "memory": results.memory_of({"ocr-a": {"ashore": {"rss": 130, "total": 100},
                                                    "ort": None}}, runs),
             "sizes": results.sizes_of({"ashore": {"files": [{"bytes": 5, "brotli": 2},
                                                             {"bytes": 6, "brotli": 3}]},
                                        "TensorFlow.js": {"why": "it is not installed"}})}
    every["against_native"] = None
    every["targets"] = targets.judge(every)
    return every


def goal(rows, start):
    return next(row for row in rows if row["what"].startswith(start))


def test_groups():
    groups = found()["runs"]["web-1"]["groups"]
    assert groups["convolution"]["value"] == pytest.approx(12 ** 0.5)
    assert groups["transformer"]["value"] == pytest.approx(4)  # one model of two rows
    assert (groups["transformer"]["least"], groups["transformer"]["least_name"]) == (2, "t-16")
    assert "recurrent" not in groups  # its only row has no peer
    assert groups["convolution"]["missing"] == []


def test_goals():
    rows = found()["targets"]
    conv = goal(rows, "convolution networks")
    assert (conv["value"], conv["met"], conv["note"]) == ("3.46, least 3.00", True, "ocr-b")
    assert goal(rows, "recurrent")["met"] is None
    two = goal(rows, "all models, Chromium, 2 threads")
    assert (two["value"], two["met"]) == ("80%, least 80%", False)
    native = goal(rows, "all models, native, the best instructions, 1 thread")
    # The goal's figures are reached, but one row has no ratio.
    assert "without r" in native["note"]
    assert (native["value"], native["met"]) == ("1.82, least 1.00", False)
    assert goal(rows, "all models, native, AVX2, 1 thread")["met"] is None
    assert goal(rows, "first answer")["value"] == "20.0"
    assert goal(rows, "memory that a module takes")["met"] is True
    assert goal(rows, "memory of the process")["met"] is False
    assert goal(rows, "int8 products and 1x1 convolutions, Chromium")["met"] is True
    assert goal(rows, "int8 products and 1x1 convolutions, native")["met"] is False
    assert (goal(rows, "int4")["value"], goal(rows, "int4")["met"]) == ("0.50", False)


def test_a_group_with_a_row_missing_is_not_reached():
    samples = raw(1, browser="Chromium 1")
    samples["cases"]["ocr-b"][1] = {"label": "onnxruntime", "why": "its answer differs"}
    run = results.run_of(samples, CASES, "web", "relaxed")
    assert run["groups"]["convolution"]["missing"] == ["ocr-b"]
    conv = goal(targets.judge({"runs": {"web-1": run}}), "convolution networks")
    assert conv["met"] is False


def test_a_case_that_failed_as_a_whole():
    samples = raw(1, browser="Chromium 1")
    samples["cases"]["r"] = {"error": "no answer within 120 s"}
    run = results.run_of(samples, CASES, "web", "relaxed")
    assert run["rows"]["r"]["why"] == "no answer within 120 s"
    assert "no answer within 120 s" in table.run_table("run", run)


def test_this_engine_failed():
    samples = raw(1, browser="Chromium 1")
    samples["cases"]["ocr-a"][0] = {"label": "ashore", "why": "Conv: no"}
    row = results.run_of(samples, CASES, "web", "relaxed")["rows"]["ocr-a"]
    assert (row["why"], row["peers"]["onnxruntime"]["why"]) == ("Conv: no", "this engine failed")


def test_nothing_was_measured():
    assert all(row["met"] is None for row in targets.judge({"runs": {}}))


def test_tables_and_document():
    every = found()
    text = document.write_text(every)
    assert "{{" not in text
    for words in ("| A | 1.000 | 4.000 | 4.00 (4.00 to 4.00) | - | 1.000 | 3.200 | 3.20 |",
                  "- onnxruntime: R: no such operator.", "native-avx2-1 as a whole",
                  "LiteRT.js (not installed)", "| ashore | 11 | 5 |", "20.00 (20.00 to 20.00)"):
        assert words in text
    assert "no such operator" in table.run_table("run", every["runs"]["web-1"])
    assert "it is not installed" in table.rest_table(every)


def visit(answer, **more):
    return {"answer": answer, "requests": 4, "bytes": 600000, **more}


def test_visits_are_medians_of_those_that_answered():
    samples = [{"first": visit(a), "second": visit(a / 2)} for a in (100, 300, 200)]
    samples[1]["second"] = {"why": "no answer"}
    failed = [{"first": {"why": "no such backend"}, "second": {"why": "no such backend"}}]
    found = results.visits_of({"speeds": {"slow": {"ashore": samples, "other": failed}},
                               "memory": {"ashore": [3e6, 1e6, 2e6], "other": [0]}})
    of = found["speeds"]["slow"]["ashore"]
    assert (of["first"]["answer"], of["second"]["answer"]) == (200, 75)
    text = document.visits({"visits": found})
    assert "| ashore | 600 | 4 | 200 | 75 | 2 |" in text and "no such backend" in text
    assert "no such backend" in table.rest_table({"visits": found})
    web = document.write_web({"visits": found}, "a\n<!-- visits -->\nold\n<!-- /visits -->\nb\n")
    assert web.startswith("a\n") and web.endswith("\nb\n") and "old" not in web and text in web


def test_chart_is_well_formed():
    svg = xml.dom.minidom.parseString(chart.draw(found()))
    assert svg.documentElement.tagName == "svg"
    texts = [t.firstChild.data for t in svg.getElementsByTagName("text")]
    assert "B <tiny> & co" in texts and "3.46" not in texts and "4.00" in texts


def test_history_has_one_entry_a_commit_and_machine():
    new = record.entry(found())
    assert new["runs"]["web-1"]["ratios"]["ocr-b"] == 3
    old = {**new, "date": "2029"}
    other = {**old, "commit": "other"}
    assert record.append([old, other], new) == [other, new]


def test_recorded_results_are_the_same_by_line():
    every = record.rounded(found())
    text = record.by_line(every)
    assert json.loads(text) == every
    assert sum('"ocr-b": {"title"' in line for line in text.split("\n")) == 3


def test_document_is_that_of_the_recorded_results():
    """`make bench BENCH=--record` writes them; after a change of prose, bench/document.py."""
    recorded = document.recorded()
    for path, expected in document.contents(recorded):
        with open(path, encoding="utf-8") as f:
            assert f.read() == expected, path
