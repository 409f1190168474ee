"""Steps of a plan, and all ways through a function.

A function is followed again and again: where a condition is not known before the page runs, one way
is taken, and the other one the next time.  What is common to ways is one block of the plan."""

import json
from typing import Any, Callable, Dict, List

from .errors import PyError, Refused
from .values import (Const, Dct, Encoded, Lst, Node, Rng, Tup, Type, Value, plain, static)

MOST_WAYS = 96       # through one function
MOST_STEPS = 6000    # on one way


class _Frame:
    """One way, as it is followed."""

    def __init__(self, decisions: List[bool]) -> None:
        self.decisions = decisions
        self.steps: List[dict] = []
        self.branches: List[tuple] = []  # (position in steps, condition, taken)


class Trace:
    """Collects steps; registers are numbered through the whole plan."""

    def __init__(self) -> None:
        self.next = 0
        self.consts: List[Any] = []
        self._found: Dict[str, int] = {}
        self.frames: List[_Frame] = [_Frame([])]

    @property
    def depth(self) -> int:
        return len(self.frames)

    # ---- steps ---------------------------------------------------------------------------------

    def emit(self, op: str, args: List[Any], kind: Type, nullable: bool = False,
             **details: Any) -> Node:
        """A step; args are values."""
        given = [self.encode(a, nullable) for a in args]
        for name in ("dtype", "of"):
            if details.get(name) == "real64":
                details.update({name: "float64", "real": True})
        frame = self.frames[-1]
        if len(frame.steps) >= MOST_STEPS:
            raise Refused(f"it takes more than {MOST_STEPS} steps",
                          "use numpy's operations on whole arrays")
        node = Node(self.next, kind)
        self.next += 1
        frame.steps.append({"r": node.ref, "op": op, "a": given, **details})
        return node

    def encode(self, value: Any, nullable: bool = False) -> Encoded:
        """An argument: a register, or a dict of one entry that says what it is."""
        if isinstance(value, Node):
            if value.stale:
                raise Refused(value.stale, "take a copy first: .copy()")
            if value.optional and not nullable:
                self.need(value)
            return value.ref
        if isinstance(value, Value) and static(value):
            return self.constant(plain(value))
        if isinstance(value, (Tup, Lst)):
            return {"l": [self.encode(v, nullable) for v in value.items]}
        if isinstance(value, Dct):
            return {"d": [[self.constant(k), self.encode(v, nullable)]
                          for k, v in value.items.items()]}
        if isinstance(value, Rng):
            return {"range": [self.encode(value.start), self.encode(value.stop), value.step]}
        if isinstance(value, Value):
            raise Refused(f"{value.type} cannot be given to the page here")
        return {"c": value}

    def constant(self, value: Any) -> Encoded:
        """A constant; large ones are kept once."""
        if isinstance(value, float) and (value != value or value in (float("inf"), -float("inf"))):
            return {"f": repr(value)}
        if isinstance(value, dict):
            return {"d": [[self.constant(k), self.constant(v)] for k, v in value.items()]}
        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        except (ValueError, TypeError):
            if isinstance(value, (list, tuple)):
                return {"l": [self.constant(v) for v in value]}
            raise Refused(f"a constant of the type {type(value).__name__} cannot be in a page"
                          ) from None
        if isinstance(value, (list, tuple)) and any(isinstance(v, dict) for v in value):
            return {"l": [self.constant(v) for v in value]}
        if isinstance(value, int) and abs(value) >= 1 << 53:
            raise Refused("an int of more than 53 bits is not kept exactly in a page")
        if len(text) < 64:
            return {"c": value}
        if text not in self._found:
            self._found[text] = len(self.consts)
            self.consts.append(value)
        return {"k": self._found[text]}

    def need(self, value: Node) -> None:
        """From here on the value is there: the page says so where it is not."""
        if value.depth == self.depth:
            value.optional = False
        self.frames[-1].steps.append({"r": -1, "op": "need", "a": [value.ref],
                                      "what": value.what})

    # ---- ways ----------------------------------------------------------------------------------

    def decide(self, condition: Any) -> bool:
        """Which way is followed now; condition: a register, or what else the page branches by."""
        frame = self.frames[-1]
        if self.depth == 1:
            raise Refused("what the program does when it starts depends on what is known in the page "
                          "only")
        count = len(frame.branches)
        taken = frame.decisions[count] if count < len(frame.decisions) else True
        frame.branches.append((len(frame.steps), condition, taken))
        return taken

    def explore(self, follow: Callable[[], Any], end: Callable[[Any], dict]) -> dict:
        """The tree of all ways through follow(); end(result) is what a way ends with."""
        root: dict = {}
        start, most = self.next, self.next
        pending: List[List[bool]] = [[]]
        ways = 0
        while pending:
            decisions = pending.pop()
            ways += 1
            if ways > MOST_WAYS:
                raise Refused(f"there are more than {MOST_WAYS} ways through it, as conditions "
                              f"follow each other", "compute both and choose with np.where, or "
                              "leave conditions out")
            self.next = start
            frame = _Frame(decisions)
            self.frames.append(frame)
            Value.level = self.depth
            try:
                try:
                    last = end(follow())
                except PyError as error:
                    message = error.message
                    last = {"raise": {"kind": error.kind, **error.details, "message":
                            self.encode(message if isinstance(message, Value)
                                        else Const(str(message)))}}
            finally:
                self.frames.pop()
                Value.level = self.depth
            most = max(most, self.next)
            taken = [b[2] for b in frame.branches]
            pending += [taken[:i] + [False] for i in range(len(decisions), len(taken))
                        if taken[i]]
            _insert(root, frame, last)
        self.next = most
        return root


def _insert(block: dict, frame: _Frame, last: dict) -> None:
    at = 0
    for position, condition, taken in frame.branches:
        block["steps"] = frame.steps[at:position]
        block["if"] = condition
        block = block.setdefault("then" if taken else "else", {})
        at = position
    block["steps"] = frame.steps[at:]
    block.update(last)
