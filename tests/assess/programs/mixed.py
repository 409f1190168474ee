"""A bit of everything in one thread, in known shares."""

import json
import pickle
import time

import numpy as np
import truth

a = np.random.rand(300, 300)
big = np.random.rand(1_500_000)
to = np.empty_like(big)
document = {str(i): [i, i * 2.5, "x" * 10, None, True] for i in range(800)}


def loop():
    s = 0
    for k in range(60000):
        s += k * k % 7
    return s


def multiply():
    for _ in range(6):
        a @ a


def copy():
    for _ in range(4):
        np.copyto(to, big)


def serialise():
    for _ in range(3):
        json.loads(json.dumps(document))
        pickle.loads(pickle.dumps(document))


for work in (loop, multiply, copy, serialise):
    work()
truth.begin()
for _ in truth.rounds(4):
    truth.part("interpreter", loop)
    truth.part("compute", multiply)
    truth.part("marshalling", copy)
    truth.part("marshalling", serialise)
    truth.part("idle", lambda: time.sleep(0.006))
truth.finish()
