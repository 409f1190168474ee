"""How much of a drawing is ink, and what it shows: plain Python before a small network.

The drawing is personal: it must not leave the device that it was made on, so that no server, however
fast, is an answer.  A request is 64 x 64 pixels, RGB, as bytes."""

import json
import os
import sys

import numpy as np
import onnxruntime

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import http_service

SIDE = 64


def flattened(body):
    """Grey values with the paper's shade taken away, and how many pixels are ink."""
    grey = [(299 * body[i] + 587 * body[i + 1] + 114 * body[i + 2]) / 255000
            for i in range(0, len(body), 3)]
    paper = sorted(grey)[len(grey) * 9 // 10]
    flat = [min(value / paper, 1.0) if paper else value for value in grey]
    return flat, sum(value < 0.5 for value in flat)


def main():
    parser = http_service.parser(__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    options = parser.parse_args()
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(options.model, settings,
                                           providers=["CPUExecutionProvider"])

    def answer(body):
        if len(body) != 3 * SIDE * SIDE:
            raise ValueError(f"a picture has {3 * SIDE * SIDE} bytes")
        flat, ink = flattened(body)
        picture = np.broadcast_to(np.array(flat, np.float32).reshape(1, 1, SIDE, SIDE),
                                  (1, 3, SIDE, SIDE))
        scores = session.run(None, {"picture": np.ascontiguousarray(picture)})[0][0]
        return json.dumps({"class": int(scores.argmax()), "ink": ink}).encode()

    answer(bytes(3 * SIDE * SIDE))
    http_service.serve(options.port, answer)


main()
