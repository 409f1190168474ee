"""Measures a program's own parts: what a profile of it has to say.

part(bucket, work): runs work() and adds the time to the bucket.  finish() prints, as JSON, the process,
the window (seconds of CLOCK_MONOTONIC) and the seconds by bucket."""

import gc
import json
import os
import sys
import threading
import time

clock = time.perf_counter  # CLOCK_MONOTONIC on Linux
seconds = {}
lock = threading.Lock()
window = [0.0, 0.0]


def begin():
    gc.collect()
    gc.disable()
    window[0] = clock()


def add(bucket, value):
    with lock:
        seconds[bucket] = seconds.get(bucket, 0.0) + value


def part(bucket, work):
    start = clock()
    result = work()
    add(bucket, clock() - start)
    return result


def finish():
    window[1] = window[1] or clock()
    print(json.dumps({"pid": os.getpid(), "begin": window[0], "end": window[1],
                      "seconds": seconds}), flush=True)


def rounds(wanted):
    """Counts until that many seconds have gone by; the argument of the program overrides it."""
    wanted = float(sys.argv[1]) if len(sys.argv) > 1 else wanted
    end = clock() + wanted
    i = 0
    while clock() < end:
        yield i
        i += 1
