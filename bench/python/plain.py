"""The same models in Python alone: lists, and no package."""

import array
import base64
import json
import math
import operator

from way import Way


def _dot(a, b):
    return sum(map(operator.mul, a, b))


dot = getattr(math, "sumprod", _dot)  # which is Python's own from 3.12 on


class Plain(Way):
    def __init__(self, case):
        with open(f"/{case['parameters']}", encoding="utf-8") as file:
            self.prepare(json.load(file))
        (feed,) = case["feeds"]
        self.row = array.array("f", base64.b64decode(feed["base64"])).tolist()

    def prepare(self, parameters):
        raise NotImplementedError

    def answer(self):
        scores = self.run()
        return [float(scores.index(max(scores))), *scores]


class Forest(Plain):
    def prepare(self, parameters):
        # A node is (feature, threshold, left, right); a leaf (-1, shares).
        self.trees = [self.nodes(**tree) for tree in parameters["trees"]]

    @staticmethod
    def nodes(feature, threshold, left, right, shares):
        return [(-1, shares[i]) if left[i] < 0 else (feature[i], threshold[i], left[i], right[i])
                for i in range(len(feature))]

    def run(self):
        row, sums = self.row, None
        for nodes in self.trees:
            node = nodes[0]
            while node[0] >= 0:
                node = nodes[node[2] if row[node[0]] <= node[1] else node[3]]
            shares = node[1]
            sums = shares if sums is None else [a + b for a, b in zip(sums, shares)]
        return [value / len(self.trees) for value in sums]


class Perceptron(Plain):
    def prepare(self, parameters):
        self.layers = [(list(zip(*layer["weights"])), layer["bias"])
                       for layer in parameters["layers"]]

    def run(self):
        values = self.row
        for i, (columns, bias) in enumerate(self.layers):
            if i:
                values = [value if value > 0 else 0.0 for value in values]
            values = [dot(values, column) + b for column, b in zip(columns, bias)]
        most = max(values)
        powers = [math.exp(value - most) for value in values]
        total = sum(powers)
        return [power / total for power in powers]


def open_case(case):
    return {"forest": Forest, "perceptron": Perceptron}[case["name"]](case)
