"""A pipeline: the main thread computes what a loader brings, and mostly waits for it.  The loader
decodes a little and waits for a slow disk, which a pipe plays."""

import os
import queue
import threading
import time

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the loader has the other processor

import numpy as np
import truth

from_disk, to_us = os.pipe()
if os.fork() == 0:
    os.close(from_disk)
    try:
        while True:
            time.sleep(0.012)
            os.write(to_us, b"x" * 64)
    except BrokenPipeError:
        os._exit(0)
os.close(to_us)

a = np.random.rand(150, 150)
a @ a
batches = queue.Queue(2)
done = threading.Event()


def decode():
    s = 0
    for k in range(20000):
        s += k * k % 7
    return s


def load():
    while not done.is_set():
        truth.part("io", lambda: os.read(from_disk, 64))
        truth.part("interpreter", decode)
        truth.part("lock_wait", lambda: batches.put(1))


def compute():
    for _ in range(2):
        a @ a


loader = threading.Thread(target=load)
truth.begin()
loader.start()
for _ in truth.rounds(4):
    truth.part("lock_wait", batches.get)
    truth.part("compute", compute)
truth.window[1] = truth.clock()
done.set()
while loader.is_alive():
    try:
        batches.get_nowait()
    except queue.Empty:
        time.sleep(0.001)
truth.finish()
