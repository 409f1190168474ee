"""Finds what expressions stand for where those refer to each other, also in circles, in time that
grows with how many there are: each is computed once for each round of a question."""

from typing import Callable, Dict, FrozenSet, Hashable, Set, Tuple

NOTHING: FrozenSet[str] = frozenset()
_DEEPEST = 80   # expressions between a use and what it refers to; five frames of Python for each
_SURE = 40      # what began at most that deep is kept although something below it was cut
_MOST = 16      # meanings of one expression
_ROUNDS = 4     # times that what leads back to itself is gone through


class Meanings:
    """Answers of all files of a program.  A key's answer is a set that `compute` makes, which asks
    for those that it needs in turn."""

    def __init__(self) -> None:
        self._known: Dict[Hashable, FrozenSet[str]] = {}
        self._round: Dict[Hashable, Tuple[int, FrozenSet[str]]] = {}
        self._before: Dict[Hashable, FrozenSet[str]] = {}
        self._busy: Set[Hashable] = set()
        self._circular = self._cut = False

    def of(self, key: Hashable, compute: Callable[..., Set[str]], *arguments) -> FrozenSet[str]:
        """The answer for a key, computed where it is not known yet."""
        known = self._known.get(key)
        if known is not None:
            return known
        if not self._busy:
            return self._solve(key, compute, arguments)
        if key in self._round:
            return self._round[key][1]
        if key in self._busy:
            self._circular = True
            return self._before.get(key, NOTHING)
        if len(self._busy) >= _DEEPEST:
            self._cut = True
            return NOTHING
        return self._compute(key, compute, arguments)

    def _compute(self, key: Hashable, compute: Callable[..., Set[str]],
                 arguments: tuple) -> FrozenSet[str]:
        depth = len(self._busy)
        self._busy.add(key)
        try:
            found = compute(*arguments)
        finally:
            self._busy.discard(key)
        answer = frozenset(sorted(found)[:_MOST] if len(found) > _MOST else found)
        self._round[key] = (depth, answer)
        return answer

    def _solve(self, key: Hashable, compute: Callable[..., Set[str]],
               arguments: tuple) -> FrozenSet[str]:
        self._before = {}
        for _ in range(_ROUNDS):
            self._round, self._circular, self._cut = {}, False, False
            found = self._compute(key, compute, arguments)
            values = {k: value for k, (_, value) in self._round.items()}
            if not self._circular or values == self._before:
                break
            self._before = values
        for k, (depth, value) in self._round.items():
            if not self._cut or depth <= _SURE:
                self._known[k] = value
        return found
