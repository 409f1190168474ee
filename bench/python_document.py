"""docs/python.md, of what was recorded last.  The prose is in python.md.in; {{NAME}} stands there for a
table that a function here makes, and a test makes the page anew."""

import json
import os
import re

import models
from document import machine, markdown
from python_results import WAYS, copies_of

HERE = os.path.dirname(os.path.abspath(__file__))
RECORDED = os.path.join(HERE, "python_recorded.json")
DOCUMENT = os.path.join(models.ROOT, "docs", "python.md")
NO_NUMPY = "PyPI has no numpy for this Python"


def seconds(ms):
    return "-" if ms is None else f"{ms / 1000:.2f}"


def mega(count):
    return f"{count / 1e6:.2f} MB"


def ms_text(ms):
    return f"{ms:.3f}" if ms < 10 else f"{ms:.1f}"


def about(found):
    return (f"Measured on {found['date']} with the sources of commit `{found['commit']}`: "
            f"{machine(found)}. {found['browser']}, Pyodide {found['pyodide']}. The load of the machine "
            f"was {found['load']:.1f} before it began, and the run took {found['seconds']} s.")


def why_not(found, way):
    if way == "numpy":
        return f"{NO_NUMPY}: measured with `--wheels`"
    return found["missing"].get(way, "not measured")


def start(found):
    rows = []
    for way, title in WAYS.items():
        row = found["start"].get(way, {"why": why_not(found, way)})
        if "why" in row:
            rows.append([title, row["why"], *[""] * 6])
            continue
        first, second = row["first"], row["second"]
        rows.append([title, mega(first["bytes"]), first["requests"],
                     *(seconds(each["marks"].get(mark)) for each in (first, second)
                       for mark in ("ready", "answer")), seconds(row["mobile"])])
    return markdown(["", "download", "requests", "cold: model ready", "first answer",
                     "warm: model ready", "first answer", "cold at 10 Mbit/s: first answer"], rows)


def stages(found):
    rows = []
    for way in ("python", "app", "snapshot"):
        row = found["start"].get(way, {})
        for kind, words in (("first", "cold"), ("second", "warm")):
            marks = row.get(kind, {}).get("marks", {})
            if marks:
                rows.append([WAYS[way], words,
                             *(seconds(marks.get(mark)) for mark in ("python", "engine", "ready",
                                                                     "answer"))])
    return markdown(["", "", "Python has started", "engine, packages", "model ready",
                     "first answer"], rows)


def cell(row):
    if row is None:
        return "-"
    if "why" in row:
        return row["why"]
    ms = row["ms"]
    return f"{ms_text(ms['value'])} ({ms_text(ms['low'])} to {ms_text(ms['high'])})"


def models_of(found):
    return [run for name, run in found["runs"].items() if name != "identity"]


def runs(found):
    rows = [[run["title"], *(cell(run["ways"].get(way)) for way in (
        "javascript-1", "inline-1", "python-1", "javascript-n", "python-n", "plain", "numpy"))]
        for run in models_of(found)]
    return markdown(["model", "without Python, worker", "same thread", "Pyodide + ashore",
                     "threads: without Python", "threads: Pyodide + ashore", "Python alone",
                     "numpy"], rows)


def copies(found):
    rows = []
    for run in models_of(found):
        for way, title in (("javascript-1", "without Python, worker"), ("python-1",
                                                                        "Pyodide + ashore")):
            traffic = run["ways"].get(way, {}).get("traffic")
            if traffic:
                rows.append([run["title"], title, f"{traffic['bytesIn']:,}",
                             f"{traffic['bytesOut']:,}", f"{traffic.get('staged', 0):,}",
                             f"{copies_of(traffic):,}",
                             traffic["calls"] if "calls" in traffic else
                             f"{traffic['messages']} messages"])
    return markdown(["model", "", "into the engine", "out of it", "once more on the way", "all",
                     "calls"], rows)


CALLS = {"inline-1": "JavaScript, `await model.run(feeds)`, on the same thread",
         "python-1": "Python, `session.run(None, feeds)`",
         "python-n": "Python, an engine with threads",
         "javascript-1": "JavaScript, the engine in a worker",
         "javascript-n": "JavaScript, the engine in a worker with threads"}


def calls(found):
    ways = found["runs"]["identity"]["ways"]
    rows = []
    for way, title in CALLS.items():
        row = ways.get(way)
        if row and "ms" in row:
            micro = {key: f"{1000 * value:.0f}" for key, value in row["ms"].items()}
            rows.append([title, f"{micro['value']} ({micro['low']} to {micro['high']})"])
    return markdown(["a run of the identity of four numbers", "µs"], rows)


TABLES = {"about": about, "start": start, "stages": stages, "runs": runs, "copies": copies,
          "calls": calls}


def text_of(found):
    with open(os.path.join(HERE, "python.md.in"), encoding="utf-8") as f:
        return re.sub(r"\{\{(\w+)\}\}", lambda match: TABLES[match[1]](found), f.read())


def write():
    with open(RECORDED, encoding="utf-8") as f:
        found = json.load(f)
    with open(DOCUMENT, "w", encoding="utf-8") as f:
        f.write(text_of(found))


if __name__ == "__main__":
    write()
