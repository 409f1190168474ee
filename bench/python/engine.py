"""A model in the engine, as a program for onnxruntime runs it."""

import base64

import ashore
import onnxruntime

from way import Way


class Engine(Way):
    def __init__(self, case):
        self.session = onnxruntime.InferenceSession(f"/{case['file']}")
        self.feeds = {feed["name"]: ashore.Array(bytearray(base64.b64decode(feed["base64"])),
                                                 feed["type"], feed["dims"])
                      for feed in case["feeds"]}

    def run(self):
        return self.session.run(None, self.feeds)

    def answer(self):
        return [float(value) for output in self.run() for value in output.reshape(-1).tolist()]

    def traffic(self):
        return self.session.report["traffic"]


open_case = Engine
