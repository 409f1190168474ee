"""Measures models in Python in pages: build/venv/bin/python -B bench/python_bench.py [--record].

Start, runs, copies and calls with Pyodide, with Python alone and without Python, in Chromium:
docs/python.md says how to read it.  What was measured is printed, and written to
build/bench/pages/results.json; --record writes docs/python.md and bench/python_recorded.json."""

import argparse
import json
import os
import subprocess
import sys
import time

import machine
import models
import python_document as document
import python_results as results
import record

HERE = os.path.dirname(os.path.abspath(__file__))
NODE = os.path.join(models.ROOT, "build", "node")
PLACE = os.path.join(models.PEERS, "pages")
PARTS = ("start", "runs")


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--samples", type=int, default=5, help="pairs of visits of each page")
    parser.add_argument("--rounds", type=int, default=11, help="blocks of runs of each way")
    parser.add_argument("--wheels", metavar="DIR", help="a folder with a wheel of numpy for Pyodide")
    parser.add_argument("--parts", default=",".join(PARTS),
                        help="what is measured; of the other parts the last run's figures stay")
    parser.add_argument("--reuse", action="store_true", help="take the samples of the last run")
    parser.add_argument("--record", action="store_true", help="write docs/python.md")
    args = parser.parse_args()
    unknown = set(args.parts.split(",")) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}: {', '.join(PARTS)}")
    return args


def measure(args, path):
    """Runs python.mjs: path has what it wrote, with the parts that it was not asked for from before."""
    begin, load = time.monotonic(), machine.load()
    argv = [NODE, os.path.join(HERE, "python.mjs"), "--samples", str(args.samples), "--rounds",
            str(args.rounds), "--parts", args.parts]
    if args.wheels:
        argv += ["--wheels", args.wheels]
    subprocess.run([*argv, f"{path}.new"], check=True)
    with open(f"{path}.new", encoding="utf-8") as f:
        raw = json.load(f)
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            before = json.load(f)
        missing = {**before["missing"], **raw["missing"]}
        raw = {**before, **raw, "missing": missing}
    raw["about"] = {"commit": machine.commit(), "date": machine.date(), "load": load,
                    "seconds": round(time.monotonic() - begin)}
    with open(path, "w", encoding="utf-8") as f:
        json.dump(raw, f)
    os.remove(f"{path}.new")


def make_cases():
    """Those of cases.json, which is made where there is none of this source."""
    source, path = (os.path.join(HERE, "python", "cases.py"), os.path.join(PLACE, "cases.json"))
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(source):
        subprocess.run([sys.executable, source, PLACE], check=True)
    with open(path, encoding="utf-8") as f:
        return json.load(f)["cases"]


def main():
    args = options()
    cases = make_cases()
    path = os.path.join(PLACE, "raw.json")
    if not args.reuse:
        measure(args, path)
    with open(path, encoding="utf-8") as f:
        raw = json.load(f)
    found = {**raw["about"], "machine": machine.describe(),
             "pyodide": machine.npm_version("pyodide"), **results.figures_of(raw, cases)}
    with open(os.path.join(PLACE, "results.json"), "w", encoding="utf-8") as f:
        json.dump(found, f, indent=1)
    for name in ("about", "start", "stages", "runs", "copies", "calls"):
        if name in ("about", *(["start", "stages"] if found["start"] else []),
                    *(["runs", "copies", "calls"] if raw.get("runs") else [])):
            print(document.TABLES[name](found), end="\n\n", flush=True)
    if args.record:
        with open(document.RECORDED, "w", encoding="utf-8") as f:
            f.write(record.by_line(record.rounded(found)) + "\n")
        document.write()


if __name__ == "__main__":
    main()
