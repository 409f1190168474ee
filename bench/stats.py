"""What samples of interleaved runs say.

Samples come in rounds: sample i of each program was taken within milliseconds of sample i of the
others, so that what slows the machine slows both.  A ratio is therefore taken within each round, and
the median of the ratios is what is reported.  Its interval is that of order statistics: with n
rounds, the median of the distribution lies between the k-th smallest and the k-th largest ratio with
the probability that a coin thrown n times falls on either side at least k times (David and Nagaraja,
Order Statistics, 7.1).  It supposes nothing of the distribution but that rounds are independent.
"""

import dataclasses
import math

CONFIDENCE = 0.95


@dataclasses.dataclass
class Ratio:
    """low to high holds the median ratio with `confidence`, which is less than CONFIDENCE when there
    are fewer than 6 rounds."""
    value: float
    low: float
    high: float
    confidence: float
    rounds: int

    @property
    def half_width(self):
        """In logarithms."""
        return math.log(self.high / self.low) / 2


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def mad(values):
    """The median distance from the median."""
    middle = median(values)
    return median([abs(v - middle) for v in values])


def rank_of_interval(n, confidence=CONFIDENCE):
    """(k, confidence): the k-th smallest and k-th largest of n values hold the median."""
    tail = total = 0.5 ** n
    k = 1
    while k + 1 <= n // 2:
        total += math.comb(n, k) * 0.5 ** n
        if 2 * total > 1 - confidence:
            break
        tail, k = total, k + 1
    return k, 1 - 2 * tail


def ratio(over, under):
    """Of the times of two programs, paired by round."""
    pairs = sorted(a / b for a, b in zip(over, under, strict=True))
    k, confidence = rank_of_interval(len(pairs))
    return Ratio(median(pairs), pairs[k - 1], pairs[-k], max(0.0, confidence), len(pairs))


@dataclasses.dataclass
class Group:
    """A geometric mean in which each model counts once, however many rows it has.  low to high is what
    independent errors of the rows as large as their intervals make of it; least is the smallest row."""
    value: float
    low: float
    high: float
    least: float
    least_name: str
    rows: int


def group(rows):
    """rows: [(name, model, Ratio)], at least one."""
    counts = {}
    for _, model, _ in rows:
        counts[model] = counts.get(model, 0) + 1
    weights = [1 / counts[model] / len(counts) for _, model, _ in rows]
    mean = sum(w * math.log(r.value) for w, (_, _, r) in zip(weights, rows))
    spread = math.sqrt(sum((w * r.half_width) ** 2 for w, (_, _, r) in zip(weights, rows)))
    name, _, least = min(rows, key=lambda row: row[2].value)
    return Group(math.exp(mean), math.exp(mean - spread), math.exp(mean + spread), least.value, name,
                 len(rows))
