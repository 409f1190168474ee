#!/usr/bin/env python3
"""What the sampler costs a program: assess_overhead.py [--runs N] [--hz HZ] [--json] [-- COMMAND...]

Each workload is run with the sampler and without it in turn, in pairs whose order alternates; the
ratio of each pair's times is taken, and the median of the ratios printed with an interval for it
(binomial, 95 %), for the wall time and for the processor time of the whole process, the sampler's
thread included.  A workload does a fixed amount of work, so that both runs do the same.  On a machine
that others use the interval is wide; `own` is then the better number: the processor time that the
sampler's thread and its signal handlers took by their own account, in the process's.

Without COMMAND the workloads are: `mixed` (pure Python, GEMM, copies and a wait for an answer) and
`threads` (eight threads that compute, marshal and wait).  Needs numpy."""

import argparse
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
BUILD = os.path.abspath(os.environ.get("ASHORE_BUILD", os.path.join(ROOT, "build")))
LIBRARY = os.path.join(BUILD, "libashore_sampler.so")

MIXED = """
import socket, threading, time
import numpy as np
a, b, big = np.random.rand(400, 400), np.random.rand(400, 400), np.random.rand(2_000_000)
to = np.empty_like(big)
here, there = socket.socketpair()
def echo():
    while there.recv(16):
        time.sleep(0.004)
        there.send(b"x")
threading.Thread(target=echo, daemon=True).start()
for i in range(60):
    s = 0
    for k in range(60000): s += k * k % 7
    for _ in range(3): a @ b
    np.copyto(to, big)
    here.send(b"q"); here.recv(16)
"""

THREADS = """
import json, threading, time
tree = [{"name": "item %d" % i, "numbers": list(range(20))} for i in range(100)]
def work():
    for i in range(600):
        s = 0
        for k in range(4000): s += k * k % 7
        json.loads(json.dumps(tree))
        time.sleep(0.001)
threads = [threading.Thread(target=work) for _ in range(8)]
for t in threads: t.start()
for t in threads: t.join()
"""


def own_account(folder):
    """Seconds of the sampler's thread and of handlers, by the last record of each trace."""
    names = [n for n in os.listdir(folder) if n.startswith("trace.")]
    if not names:
        sys.exit("assess_overhead: the sampler has written nothing")
    total = 0
    for name in names:
        with open(os.path.join(folder, name), "rb") as f:
            data = f.read()
        kind, size = struct.unpack_from("<II", data, len(data) - 56)
        if (kind, size) == (10, 48):
            total += sum(struct.unpack_from("<qq", data, len(data) - 40))
    return total / 1e9


def run(command, sampled, hz):
    """(wall, processor, the sampler's own) seconds of one run."""
    own = 0.0
    env = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        if sampled:
            env.update(LD_PRELOAD=LIBRARY, ASHORE_ASSESS_DIR=folder, ASHORE_ASSESS_HZ=str(hz))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begin = time.perf_counter()
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - begin
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if sampled:
            own = own_account(folder)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, own


def median_interval(values):
    """The median, and the order statistics between which it lies with 95 % (or all, if few)."""
    values = sorted(values)
    n = len(values)
    tail, k, mass = 0.0, 0, 0.5 ** n
    while k < n // 2 and tail + mass <= 0.025:
        tail += mass
        mass *= (n - k) / (k + 1)
        k += 1
    low = max(k - 1, 0)
    middle = (values[(n - 1) // 2] + values[n // 2]) / 2
    return middle, values[low], values[n - 1 - low]


def measure(command, runs, hz):
    pairs = []
    for i in range(runs):
        order = (True, False) if i % 2 else (False, True)
        times = {sampled: run(command, sampled, hz) for sampled in order}
        pairs.append((times[True], times[False]))
    out = {}
    for which, name in ((0, "wall"), (1, "processor")):
        ratios = [with_[which] / without[which] for with_, without in pairs]
        middle, low, high = median_interval(ratios)
        out[name] = {"ratio": middle, "low": low, "high": high,
                     "fastest": min(w[which] for w, _ in pairs) / min(p[which] for _, p in pairs),
                     "seconds": min(p[which] for _, p in pairs)}
    shares = [with_[2] / with_[1] for with_, _ in pairs]
    middle, low, high = median_interval(shares)
    out["own"] = {"ratio": 1 + middle, "low": 1 + low, "high": 1 + high,
                  "fastest": 1 + min(shares), "seconds": min(p[1] for _, p in pairs)}
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--hz", type=int, default=99)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("command", nargs="*")
    args = parser.parse_args()
    if not os.path.exists(LIBRARY):
        sys.exit(f"assess_overhead: {LIBRARY} is not built")
    workloads = {"command": args.command} if args.command else {
        "mixed": [sys.executable, "-c", MIXED], "threads": [sys.executable, "-c", THREADS]}
    results = {name: measure(command, args.runs, args.hz) for name, command in workloads.items()}
    if args.json:
        print(json.dumps(results))
        return
    for name, result in results.items():
        for what, r in result.items():
            print(f"{name:8} {what:9} {r['seconds']:6.2f} s plain; with the sampler at {args.hz} Hz "
                  f"x {r['ratio']:.4f} [{r['low']:.4f}, {r['high']:.4f}], "
                  f"fastest runs x {r['fastest']:.4f}")


main()
