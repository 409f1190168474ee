"""Ten classes of pictures, by a convolution network: nearly all of a request is the network.

A request is a picture of 128 x 128 pixels, RGB, as bytes.  --engine takes onnxruntime or ashore,
--model another model for it."""

import json
import os
import sys
import threading

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import http_service

SIDE = 128


def load_onnxruntime(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda picture: session.run(None, {"picture": picture})[0]


def load_ashore(path):
    """A session runs one request at a time, so each thread has its own."""
    import ashore_ctypes

    own = threading.local()

    def run(picture):
        if not hasattr(own, "model"):
            own.model = ashore_ctypes.Model(path)
        return own.model.run(picture)[0]
    return run


def main():
    parser = http_service.parser(__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--engine", choices=["onnxruntime", "ashore"], default="onnxruntime")
    options = parser.parse_args()
    run = {"onnxruntime": load_onnxruntime, "ashore": load_ashore}[options.engine](options.model)

    def answer(body):
        pixels = np.frombuffer(body, np.uint8).reshape(1, SIDE, SIDE, 3)
        picture = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32) / 255
        scores = run(picture)[0]
        return json.dumps({"class": int(scores.argmax()),
                           "scores": [round(float(s), 4) for s in scores]}).encode()

    answer(bytes(SIDE * SIDE * 3))
    http_service.serve(options.port, answer)


main()
