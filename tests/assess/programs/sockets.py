"""Waits for a peer that takes 8 ms, then works in Python for a while."""

import os
import socket
import time

import truth

ours, theirs = socket.socketpair()
if os.fork() == 0:
    ours.close()
    while theirs.recv(16):
        time.sleep(0.008)
        theirs.send(b"x")
    os._exit(0)
theirs.close()


def ask():
    ours.send(b"q")
    ours.recv(16)


def loop():
    s = 0
    for k in range(60000):
        s += k * k % 7
    return s


truth.begin()
for _ in truth.rounds(5):
    truth.part("io", ask)
    truth.part("interpreter", loop)
truth.finish()
ours.close()
os.wait()
