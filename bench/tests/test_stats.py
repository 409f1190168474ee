"""The statistics of the benchmark, on made-up numbers."""

import math
import os
import random
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import stats  # noqa: E402


def test_median_and_mad():
    assert stats.median([3, 1, 2]) == 2
    assert stats.median([4, 1, 2, 3]) == 2.5
    assert stats.mad([1, 1, 2, 2, 4, 6, 9]) == 1
    assert stats.mad([5]) == 0


@pytest.mark.parametrize("n, k, confidence", [
    # Tables of the sign test: 2 * sum of C(n, i) / 2^n for i < k is at most 0.05.
    (1, 1, 0.0), (5, 1, 1 - 2 / 32), (6, 1, 1 - 2 / 64), (9, 2, 1 - 2 * 10 / 512),
    (20, 6, 0.95861), (100, 40, 0.96480),
])
def test_rank_of_interval(n, k, confidence):
    rank, reached = stats.rank_of_interval(n)
    assert rank == k
    assert reached == pytest.approx(confidence, abs=1e-5)


def test_ratio_is_paired():
    """A machine that is slowed to a third in half of the rounds changes neither ratio nor interval."""
    own = [1.0, 3.0] * 10
    peer = [2.0, 6.0] * 10
    r = stats.ratio(peer, own)
    assert (r.value, r.low, r.high, r.rounds) == (2.0, 2.0, 2.0, 20)
    assert r.confidence >= 0.95


def test_ratio_of_few_rounds_says_so():
    r = stats.ratio([2, 4, 3], [1, 1, 1])
    assert (r.value, r.low, r.high) == (3, 2, 4)
    assert r.confidence == pytest.approx(0.75)


def test_interval_holds_the_median():
    """In 95 % of experiments: with 400 of them, 380 +- 13 (three standard deviations)."""
    rng = random.Random(5)
    held = 0
    for _ in range(400):
        own = [1 + rng.expovariate(2) for _ in range(31)]
        peer = [o * math.exp(rng.gauss(math.log(1.5), 0.3)) for o in own]
        r = stats.ratio(peer, own)
        held += r.low <= 1.5 <= r.high
    assert held >= 367


def test_rounds_must_be_paired():
    with pytest.raises(ValueError):
        stats.ratio([1, 2], [1])


def exact(value):
    return stats.Ratio(value, value, value, 1, 9)


def test_group_weights_models_once():
    rows = [("a", "a", exact(8.0)), ("b-1", "b", exact(1.0)), ("b-2", "b", exact(4.0))]
    g = stats.group(rows)
    assert g.value == pytest.approx(4)  # of 8 and of the 2 that b's rows make
    assert (g.low, g.high) == pytest.approx((4, 4))
    assert (g.least, g.least_name, g.rows) == (1.0, "b-1", 3)


def test_group_interval():
    """Two rows whose logarithms are known to 0.2: their mean to 0.2 / sqrt(2)."""
    wide = stats.Ratio(2, 2 * math.exp(-0.2), 2 * math.exp(0.2), 0.95, 9)
    g = stats.group([("a", "a", wide), ("b", "b", wide)])
    assert g.value == pytest.approx(2)
    assert math.log(g.high / g.value) == pytest.approx(0.2 / math.sqrt(2))
    assert math.log(g.value / g.low) == pytest.approx(0.2 / math.sqrt(2))
