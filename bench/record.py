"""Keeps the figures of a run: bench/recorded.json, an entry of bench/history.json, and the document."""

import json
import os

import document

HISTORY = os.path.join(document.HERE, "history.json")


def rounded(value):
    """Figures with four digits: more would be noise."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: rounded(v) for key, v in value.items()}
    return [rounded(v) for v in value] if isinstance(value, list) else value


def by_line(value, depth=4, indent=""):
    """JSON with a line for each row of a run, so that changes of it can be read."""
    if depth == 0 or not isinstance(value, dict) or not value:
        return json.dumps(value)
    parts = (f'{indent} {json.dumps(key)}: {by_line(v, depth - 1, indent + " ")}'
             for key, v in value.items())
    return "{\n" + ",\n".join(parts) + f"\n{indent}}}"


def entry(found):
    """{ commit, date, machine, quick, runs: { RUN: { groups: { GROUP: mean }, ratios: { NAME: ratio } } } }"""
    runs = {}
    for key, run in found["runs"].items():
        ratios = {name: row["peers"]["onnxruntime"]["ratio"] for name, row in run["rows"].items()
                  if "ratio" in row["peers"].get("onnxruntime", {})}
        runs[key] = {"groups": {group: g["value"] for group, g in run["groups"].items()},
                     "ratios": ratios}
    return rounded({"commit": found["commit"], "date": found["date"],
                    "machine": found["machine"]["processor"], "model": found["machine"]["model"],
                    "quick": found["quick"], "runs": runs})


def append(history, new):
    """One entry a commit and machine: a later run replaces the former."""
    def same(old):
        return all(old[key] == new[key] for key in ("commit", "machine", "model"))
    return [*(old for old in history if not same(old)), new]


def record(found):
    history = []
    if os.path.exists(HISTORY):
        with open(HISTORY, encoding="utf-8") as f:
            history = json.load(f)
    with open(HISTORY, "w", encoding="utf-8") as f:
        f.write("[\n" + ",\n".join(json.dumps(e) for e in append(history, entry(found))) + "\n]\n")
    with open(document.RECORDED, "w", encoding="utf-8") as f:
        f.write(by_line(rounded(found)) + "\n")
    document.write()
