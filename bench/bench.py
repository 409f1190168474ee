"""Measures this engine against its peers: `make bench`, or build/venv/bin/python bench/bench.py.

Models and operators in Chromium and natively, in turn with onnxruntime-web and onnxruntime (and LiteRT.js
and TensorFlow.js where they can run the same); a cold page; memory; sizes.  What was measured is printed,
and written to build/bench/results.json; samples are in build/bench/raw.  docs/performance.md says how to
read it.  A peer that is not installed is missing in the tables, and no error."""

import argparse
import json
import os
import subprocess
import sys
import time

import machine
import models
import prepare
import results
import table

HERE = os.path.dirname(os.path.abspath(__file__))
NODE = os.path.join(models.ROOT, "build", "node")
RAW = os.path.join(models.PEERS, "raw")
CASES = os.path.join(models.PEERS, "models", "cases.json")
# Key: what measures it, its threads, its instruction set.
RUNS = {
    "web-1": ("web", 1, "relaxed"), "web-2": ("web", 2, "relaxed"),
    "native-best-1": ("native", 1, "best"), "native-best-2": ("native", 2, "best"),
    "native-avx2-1": ("native", 1, "avx2"), "native-avx2-2": ("native", 2, "avx2"),
}
PARTS = [*RUNS]


def title_of(run):
    threads = f"{run['threads']} thread{'s' if run['threads'] > 1 else ''}"
    if run["where"] == "web":
        return f"WebAssembly in {run['browser']}, {threads}"
    peer = "" if run["peer_isa"] == run["isa"] else f" (onnxruntime is not limited: {run['unmasked']})"
    return f"native, {run['cpu']}, {threads}{peer}"


def command(key, quick):
    where, threads, isa = RUNS[key]
    # Seconds of a case, and rounds at least.
    budget, least = ((0.5, 5) if quick else (1.6, 7)) if where == "web" else \
        ((0.25, 5) if quick else (0.8, 7))
    result = os.path.join(RAW, f"{key}.json")
    shared = ["--threads", str(threads), "--least", str(least), CASES, result]
    if where == "web":
        return result, [NODE, os.path.join(HERE, "web.mjs"), "--budget", str(1000 * budget),
                        *shared]
    return result, [sys.executable, os.path.join(HERE, "native.py"), "--isa", isa, "--budget",
                    str(budget), *shared]


def run_program(argv, say):
    """Runs one of the programs that measure; each line that it prints is a case that is done."""
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as program:
        for text in program.stdout:
            say(json.loads(text)[0])
    if program.returncode != 0:
        raise RuntimeError(f"{os.path.basename(argv[1])} ended with {program.returncode}")


def say(text):
    print(text, file=sys.stderr, flush=True)


def measure_runs(args, cases, found):
    for key in RUNS:
        where, _, isa = RUNS[key]
        if not args.wants(key):
            continue
        say(f"{key}: measuring {len(cases)} cases")
        path, argv = command(key, args.quick)
        try:
            run_program(argv, lambda name: None)
        except (OSError, RuntimeError) as error:
            say(f"{key}: not measured: {error}")
            found["missing"][key] = str(error)
            continue
        with open(path, encoding="utf-8") as f:
            found["runs"][key] = results.run_of(json.load(f), cases, where, isa)
        if not args.json:
            print(table.run_table(title_of(found["runs"][key]), found["runs"][key]), flush=True)


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="shorter, without the slowest models")
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="cases whose names begin so; may be given more than once")
    parser.add_argument("--parts", default="", metavar="PART,...",
                        help=f"those that begin so, of {', '.join(PARTS)}")
    parser.add_argument("--json", action="store_true", help="print results.json instead of tables")
    args = parser.parse_args()
    wanted = args.parts.split(",")
    unknown = [start for start in wanted if not any(p.startswith(start) for p in PARTS)]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    args.wants = lambda part: any(part.startswith(start) for start in wanted)
    return args


def main():
    args = options()
    begin = time.monotonic()
    os.makedirs(RAW, exist_ok=True)
    cases = prepare.prepare(os.path.dirname(CASES), args.only, args.quick)
    if not cases:
        sys.exit(f"bench: nothing is called {', '.join(args.only)}")
    found = {"commit": machine.commit(), "date": machine.date(), "machine": machine.describe(),
             "versions": machine.versions(), "quick": args.quick, "only": args.only, "missing": {},
             "runs": {}}
    measure_runs(args, cases, found)
    found["against_native"] = results.against_native(found["runs"])
    found["seconds"] = round(time.monotonic() - begin)
    text = json.dumps(found, indent=1)
    with open(os.path.join(models.PEERS, "results.json"), "w", encoding="utf-8") as f:
        f.write(text)
    if args.json:
        print(text)


if __name__ == "__main__":
    main()
