"""Garbage in cycles, collected now and then, and plain Python."""

import gc

import truth


class Node:
    pass


keep = []
for _ in range(60000):
    node = Node()
    node.self = node
    keep.append(node)


def loop():
    s = 0
    for k in range(120000):
        s += k * k % 7
    return s


truth.begin()
for _ in truth.rounds(2.5):
    truth.part("gc", gc.collect)
    truth.part("interpreter", loop)
truth.finish()
