"""Measures this engine against its peers: `make bench`, or build/venv/bin/python bench/bench.py.

Models and operators in Chromium and natively, in turn with onnxruntime-web and onnxruntime (and LiteRT.js
and TensorFlow.js where they can run the same); a cold page; what
a visitor waits for; memory; sizes.  What was measured is printed,
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
import record
import results
import table
import targets

HERE = os.path.dirname(os.path.abspath(__file__))
NODE = os.path.join(models.ROOT, "build", "node")
RAW = os.path.join(models.PEERS, "raw")
FILES = os.path.join(models.PEERS, "models")
CASES = os.path.join(FILES, "cases.json")
BUSY = 0.5  # load of the machine
# Key: what measures it, its threads, its instruction set.
RUNS = {
    "web-1": ("web", 1, "relaxed"), "web-2": ("web", 2, "relaxed"),
    "native-best-1": ("native", 1, "best"), "native-best-2": ("native", 2, "best"),
    "native-avx2-1": ("native", 1, "avx2"), "native-avx2-2": ("native", 2, "avx2"),
}
PARTS = [*RUNS, "cold", "visits", "memory", "sizes"]


def title_of(run):
    threads = f"{run['threads']} thread{'s' if run['threads'] > 1 else ''}"
    if run["where"] == "web":
        return f"WebAssembly in {run['browser']}, {threads}"
    peer = "" if run["peer_isa"] == run["isa"] else f" (onnxruntime is not limited: {run['unmasked']})"
    return f"native, {run['cpu']}, {threads}{peer}"


def command(key, quick):
    where, threads, isa = RUNS[key]
    # Seconds of a case, and rounds at least.
    budget, least = ((0.35, 5) if quick else (1.4, 7)) if where == "web" else \
        ((0.2, 5) if quick else (0.6, 7))
    cases = os.path.join(FILES, "models.json") if quick and threads > 1 else CASES
    shared = ["--threads", str(threads), "--least", str(least), cases]
    if where == "web":
        return [NODE, os.path.join(HERE, "web.mjs"), "--budget", str(1000 * budget), *shared]
    return [sys.executable, os.path.join(HERE, "native.py"), "--isa", isa, "--budget", str(budget),
            *shared]


def run_program(argv):
    """Runs one of the programs that measure; the last argument is the file that it writes."""
    code = subprocess.run(argv).returncode
    if code != 0:
        raise RuntimeError(f"{os.path.basename(argv[1])} ended with {code}")


def say(text):
    print(text, file=sys.stderr, flush=True)


def raw_of(key, argv, args, found):
    """What a program wrote, or what it wrote the last time with --reuse; None when it failed."""
    path = os.path.join(RAW, f"{key}.json")
    if not args.reuse or not os.path.exists(path):
        say(f"bench: {key}")
        if os.path.exists(path):
            os.remove(path)
        try:
            run_program([*argv, path])
        except (OSError, RuntimeError) as error:
            say(f"bench: {key} is missing: {error}")
            found["missing"][key] = str(error)
            return None
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def measure_runs(args, cases, found):
    for key, (where, _, isa) in RUNS.items():
        if not args.wants(key):
            continue
        raw = raw_of(key, command(key, args.quick), args, found)
        if raw:
            run = found["runs"][key] = results.run_of(raw, cases, where, isa)
            show(args, table.run_table(title_of(run), run))


def measure_memory(cases):
    """A process for each model and engine."""
    found = {}
    for case in (case for case in cases if case["kind"] == "model"):
        row = found[case["name"]] = {}
        for engine in ("ashore", "ort"):
            argv = [sys.executable, os.path.join(HERE, "memory.py"), engine, case["name"], CASES]
            done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  text=True)
            row[engine] = json.loads(done.stdout) if done.returncode == 0 else None
    return found


def measure_rest(args, cases, found):
    if args.wants("cold"):
        samples = "7" if args.quick else "15"
        raw = raw_of("cold", [NODE, os.path.join(HERE, "cold.mjs"), "--samples", samples], args,
                     found)
        found["cold"] = results.cold_of(raw) if raw else None
    if args.wants("visits"):
        samples = "5" if args.quick else "11"
        raw = raw_of("visits", [NODE, os.path.join(HERE, "visit.mjs"), "--samples", samples], args,
                     found)
        found["visits"] = {"date": machine.date(), **results.visits_of(raw)} if raw else None
    if args.wants("memory"):
        say("bench: memory")
        found["memory"] = results.memory_of(measure_memory(cases), found["runs"])
    if args.wants("sizes"):
        raw = raw_of("sizes", [NODE, os.path.join(HERE, "sizes.mjs")], args, found)
        found["sizes"] = results.sizes_of(raw) if raw else None
    show(args, table.rest_table(found))


def show(args, text):
    if not args.json:
        print(text, flush=True)


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="shorter; without the slowest models, and operators with one thread alone")
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="cases whose names begin so; may be given more than once")
    parser.add_argument("--parts", default="", metavar="PART,...",
                        help=f"those that begin so, of {', '.join(PARTS)}")
    parser.add_argument("--reuse", action="store_true",
                        help="take the samples of the last run, where there are any")
    parser.add_argument("--record", action="store_true",
                        help="bench/history.json gets an entry, and docs/performance.md is written")
    parser.add_argument("--json", action="store_true", help="print results.json instead of tables")
    args = parser.parse_args()
    wanted = args.parts.split(",")
    unknown = [start for start in wanted if not any(p.startswith(start) for p in PARTS)]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    if args.record and (args.only or args.parts):
        parser.error("--record is for whole runs")
    args.wants = lambda part: any(part.startswith(start) for start in wanted)
    return args


def main():
    args = options()
    begin = time.monotonic()
    os.makedirs(RAW, exist_ok=True)
    cases = prepare.prepare(FILES, args.only, args.quick)
    if not cases:
        sys.exit(f"bench: nothing is called {', '.join(args.only)}")
    load = machine.load()
    if load > BUSY:
        say(f"bench: the load of this machine is {load:.1f}: others use it, and figures will vary")
    found = {"commit": machine.commit(), "date": machine.date(), "machine": machine.describe(),
             "load": load,
             "versions": machine.versions(), "quick": args.quick, "only": args.only, "missing": {},
             "runs": {}}
    measure_runs(args, cases, found)
    found["against_native"] = results.against_native(found["runs"])
    measure_rest(args, cases, found)
    found["targets"] = targets.judge(found)
    show(args, table.target_table(found["targets"]))
    found["seconds"] = round(time.monotonic() - begin)
    text = json.dumps(found, indent=1)
    with open(os.path.join(models.PEERS, "results.json"), "w", encoding="utf-8") as f:
        f.write(text)
    if args.json:
        print(text)
    if args.record:
        record.record(found)


if __name__ == "__main__":
    main()
