"""Which of four subjects a long text is about: a tokenizer, and a small model behind it.

The tokenizer is pure Python, and nearly all of a request; --helper takes the one in C."""

import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import http_service
from wordpiece import Tokenizer

SUBJECTS = ["arts", "law", "science", "sport"]
LENGTH, WIDTH = 8192, 32  # ids of a text, numbers of an embedding


def main():
    parser = http_service.parser(__doc__.split("\n")[0])
    parser.add_argument("--vocab", required=True)
    parser.add_argument("--helper", action="store_true")
    options = parser.parse_args()
    with open(options.vocab, "rb") as f:
        vocab = f.read()
    if options.helper:
        import ashore_ctypes
        helper = ashore_ctypes.Tokenizer(vocab)

        def encode(body):
            return helper.encode(body, length=LENGTH)[0]
    else:
        tokenizer = Tokenizer(vocab)

        def encode(body):
            return tokenizer.encode(body.decode(), LENGTH)

    rng = np.random.default_rng(0)
    embedding = rng.standard_normal((vocab.count(b"\n") + 1, WIDTH)).astype(np.float32)
    subjects = rng.standard_normal((WIDTH, len(SUBJECTS))).astype(np.float32)

    def answer(body):
        ids = np.array(encode(body))
        counts = np.bincount(ids, minlength=len(embedding)).astype(np.float32)
        scores = counts @ embedding @ subjects
        digest = int((ids * np.arange(1, len(ids) + 1)).sum())
        return json.dumps({"subject": SUBJECTS[int(scores.argmax())], "tokens": len(ids),
                           "digest": digest}).encode()

    answer(b"warm up")
    http_service.serve(options.port, answer)


main()
