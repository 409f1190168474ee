"""Copies of bytes in Python and in NumPy, and casts."""

import numpy as np
import truth

block = bytearray(8_000_000)
floats = np.random.rand(1_000_000)
halves = floats.astype(np.float32)


def copy_bytes():
    return bytes(memoryview(block))


def cast():
    np.copyto(halves, floats, casting="unsafe")


truth.begin()
for _ in truth.rounds(2.5):
    truth.part("marshalling", copy_bytes)
    truth.part("marshalling", cast)
truth.finish()
