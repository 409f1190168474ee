"""Scores a customer by six vectors that are fetched from a store, which takes 8 ms for each.

They are fetched one after the other; --prefetch asks for all of them at once."""

import concurrent.futures
import json
import os
import socket
import subprocess
import sys
import threading

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import http_service

VECTORS = 6


class Store:
    """A client of store.py; each thread has a connection of its own."""

    def __init__(self, port):
        self.port, self.own = port, threading.local()

    def fetch(self, key):
        if not hasattr(self.own, "file"):
            connection = socket.create_connection(("127.0.0.1", self.port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.own.file = connection.makefile("rwb")
        self.own.file.write(f"{key}\n".encode())
        self.own.file.flush()
        return np.array(self.own.file.readline().split(), np.float32)


def main():
    parser = http_service.parser(__doc__.split("\n")[0])
    parser.add_argument("--prefetch", action="store_true")
    options = parser.parse_args()
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "store.py")
    child = subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    store = Store(int(child.stdout.readline()))
    pool = concurrent.futures.ThreadPoolExecutor(8 * VECTORS)
    weights = np.random.default_rng(0).standard_normal((VECTORS, 64)).astype(np.float32)

    def answer(body):
        customer = int(body)
        keys = [VECTORS * customer + i for i in range(VECTORS)]
        vectors = list((pool.map if options.prefetch else map)(store.fetch, keys))
        return json.dumps({"score": round(float((np.stack(vectors) * weights).sum()), 4)}).encode()

    answer(b"1")
    http_service.serve(options.port, answer)


main()
