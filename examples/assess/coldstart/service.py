"""Ten classes of small pictures, in a function that is started for its first request: most of the
time until it answers goes into imports.

A request is a picture of 64 x 64 pixels, RGB, as bytes.  serve.c is the same program in C."""

import json
import os
import sys

import numpy as np
import onnxruntime

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import http_service

SIDE = 64


def main():
    parser = http_service.parser(__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    options = parser.parse_args()
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(options.model, settings,
                                           providers=["CPUExecutionProvider"])

    def answer(body):
        pixels = np.frombuffer(body, np.uint8).reshape(1, SIDE, SIDE, 3)
        picture = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32) / 255
        scores = session.run(None, {"picture": picture})[0][0]
        return json.dumps({"class": int(scores.argmax())}).encode()

    http_service.serve(options.port, answer)


main()
