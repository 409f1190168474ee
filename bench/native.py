"""native.py --threads N --isa ISA [--budget S] [--least ROUNDS] CASES.json RESULT.json

Measures cases natively, this engine and onnxruntime in one process and in turn.  ISA is "best", or the
name of the set beyond which neither goes: "avx2" also hides AVX-512 from onnxruntime, where the kernel
can (mask_cpuid.c).  The result is that of web.mjs, with `cpu` and `peer_isa` in the browser's place.
"""

import argparse
import ctypes
import json
import os
import sys
import time

import numpy as np

import models
import native_engines
from native_engines import ashore_ctypes

FOLDER = os.path.join(models.PEERS, "models")
BUILD = os.environ.get("ASHORE_BUILD", os.path.join(models.ROOT, "build"))
BLOCK = 0.005  # s of a sample
REST = 0.003  # s between samples, with several threads: a pool that spins would disturb the other
MOST = 300  # rounds


def difference(expected, actual):
    """The largest one, relative to the largest magnitude of the output."""
    most = 0.0
    for name, want in expected.items():
        got = actual[name]
        if not isinstance(want, np.ndarray) or want.shape != got.shape:
            return float("inf")
        want, got = want.astype(np.float64), got.astype(np.float64)
        off = np.where(want == got, 0, np.abs(want - got)).max(initial=0)
        if not np.isfinite(off):
            return float("inf")
        magnitude = np.abs(want[np.isfinite(want)]).max(initial=0)
        most = max(most, off / max(magnitude, np.finfo(float).tiny) if off else 0)
    return float(most)


def feeds_of(contender):
    return {f["name"]: np.fromfile(os.path.join(FOLDER, f["file"]), f["type"]).reshape(f["dims"])
            for f in contender["feeds"]}


def open_contender(contender, library, threads):
    path = os.path.join(FOLDER, contender["file"])
    entry = {"label": contender["label"], "compare": contender.get("compare", True)}
    try:
        start = time.perf_counter()
        if contender["engine"] == "ashore":
            entry["engine"] = native_engines.Ashore(library, path, feeds_of(contender), threads)
        else:
            entry["engine"] = native_engines.Ort(path, feeds_of(contender), threads)
        ready = time.perf_counter()
        entry["engine"].run()
        entry["load"], entry["first"] = 1e3 * (ready - start), 1e3 * (time.perf_counter() - ready)
    except Exception as error:  # whatever a peer raises is shown, and ends nothing
        entry["why"] = str(error).split("\n")[0][:200] or type(error).__name__
    return entry


def judge(entries, tolerance):
    """What is wrong is not timed."""
    if "why" in entries[0]:
        return
    own = entries[0]["engine"].outputs()
    for entry in entries[1:]:
        if "why" in entry or not entry["compare"]:
            continue
        entry["difference"] = difference(own, entry["engine"].outputs())
        if not entry["difference"] <= tolerance:
            entry["why"] = f"its answer differs by {entry['difference']:.3g}"


def timed(run, count):
    start = time.perf_counter()
    for _ in range(count):
        run()
    return (time.perf_counter() - start) / count


def runs_of_block(run, first):
    """first: the seconds that the first run took."""
    if first >= 4 * BLOCK:
        return 1
    timed(run, 3)
    return max(1, min(2000, round(BLOCK / timed(run, 3))))


def interleave(runs, counts, budget, least, rest):
    """Seconds of a run by program and round; counts: the runs whose mean a sample is."""
    samples = [[] for _ in runs]
    end = time.perf_counter() + budget
    rounds = 0
    while rounds < MOST and (rounds < least or time.perf_counter() < end):
        order = range(len(runs)) if rounds % 2 == 0 else reversed(range(len(runs)))
        for i in order:
            if rest:
                time.sleep(REST)
                runs[i]()
            samples[i].append(timed(runs[i], counts[i]))
        rounds += 1
    return samples


def measure(case, library, args):
    entries = [open_contender(contender, library, args.threads)
               for contender in case["contenders"] if contender["engine"] in ("ashore", "ort")]
    judge(entries, case["tolerance"])
    able = [entry for entry in entries if "why" not in entry]
    least = 3 if case["slow"] else args.least
    runs = [entry["engine"].run for entry in able]
    counts = [runs_of_block(run, entry["first"] / 1e3) for run, entry in zip(runs, able)]
    samples = interleave(runs, counts, args.budget, least, args.threads > 1)
    for entry, times, count in zip(able, samples, counts):
        entry["samples"], entry["runs"] = [1e3 * t for t in times], count
    for entry in entries:
        if "engine" in entry:
            entry.pop("engine").close()
        del entry["compare"]
    return entries


def hide_avx512():
    """What onnxruntime sees of the processor from now on ends with AVX2; why not, or None."""
    path = os.path.join(models.PEERS, "mask_cpuid.so")
    if not os.path.exists(path):
        return "mask_cpuid.so is not built"
    return None if ctypes.CDLL(path).mask_cpuid() == 0 else "the kernel cannot hide it"


def write(path, result):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(result, f)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--isa", default="best")
    parser.add_argument("--budget", type=float, default=1.0)
    parser.add_argument("--least", type=int, default=7)
    parser.add_argument("cases")
    parser.add_argument("result")
    args = parser.parse_args()
    with open(args.cases, encoding="utf-8") as f:
        cases = json.load(f)["cases"]
    library = ashore_ctypes.Library(os.path.join(BUILD, "libashore.so"))
    library.lib.ashore_cpu_text.restype = ctypes.c_char_p
    unmasked = None
    if args.isa != "best":
        if library.lib.ashore_cpu_limit(args.isa.encode()) != 0:
            sys.exit(f"native: {args.isa} is no instruction set")
        unmasked = hide_avx512()
    result = {"cpu": library.lib.ashore_cpu_text().decode(), "threads": args.threads,
              "peer_isa": "best" if args.isa == "best" or unmasked else args.isa,
              "unmasked": unmasked, "cases": {}}
    write(args.result, result)
    for case in cases:
        try:
            result["cases"][case["name"]] = measure(case, library, args)
        except Exception as error:
            result["cases"][case["name"]] = {"error": str(error).split("\n")[0][:200]}
        write(args.result, result)  # after each case: what is there stays there


if __name__ == "__main__":
    main()
