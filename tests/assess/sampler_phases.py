"""A program that spends its time in functions of known kind, and says how long in each: the names of
the phases are its arguments, each run in turn, for as long as the first argument says (s).  What is
printed is {phase: seconds}, as JSON."""

import gc
import json
import marshal
import pickle
import socket
import sys
import threading
import time

CHUNK = 0.02  # s that a phase runs before the next one's turn


def until(end, step):
    while time.perf_counter() < end:
        step()


def python(end):
    def step():
        s = 0
        for k in range(2000):
            s += k * k % 7
    until(end, step)


def gemm(end):
    until(end, lambda: A @ A)


def copy(end):
    until(end, lambda: numpy.copyto(TO, FROM))


def encode_json(end):
    until(end, lambda: json.loads(json.dumps(TREE)))


def encode_pickle(end):
    until(end, lambda: pickle.loads(pickle.dumps(TREE)))


def encode_marshal(end):
    until(end, lambda: marshal.loads(marshal.dumps(TREE)))


def sleep(end):
    time.sleep(max(0, end - time.perf_counter()))


def receive(end):
    """Waits for a byte that another thread sends late."""
    threading.Timer(max(0, end - time.perf_counter()), PAIR[0].send, (b"x",)).start()
    PAIR[1].recv(1)


def collect(end):
    until(end, gc.collect)


def main():
    length, names = float(sys.argv[1]), sys.argv[2:]
    truth = dict.fromkeys(names, 0.0)
    end = time.perf_counter() + length
    while time.perf_counter() < end:
        for name in names:
            begin = time.perf_counter()
            globals()[name](begin + CHUNK)
            truth[name] += time.perf_counter() - begin
    print(json.dumps(truth))


TREE = [{"name": f"item {i}", "numbers": list(range(20)), "share": i / 7} for i in range(60)]
PAIR = socket.socketpair()
if "collect" in sys.argv:
    GARBAGE = [[i] for i in range(200000)]
if "gemm" in sys.argv or "copy" in sys.argv:
    import numpy
    A = numpy.random.rand(300, 300)
    FROM = numpy.random.rand(4_000_000)
    TO = numpy.empty_like(FROM)
main()
