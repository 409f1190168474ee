"""try: what a page does where something goes wrong that is known in the page only."""

import ast
import builtins
from typing import Any, Dict, Iterable, List, Set

from .errors import PyError, Refused
from .values import NONE, Caught, Gone, Value


class Changes:
    """What the bodies of `try` that are being followed change: a step after that may fail, and then the
    handler would have to find it changed."""

    def __init__(self) -> None:
        self.open: List["_Attempt"] = []
        self.lost: Dict[int, Set[str]] = {}  # by a try's syntax node: names
        self.unknown: Set[int] = set()       # trys that change objects

    def names(self, interp: Any, name: str) -> None:
        """A name gets another value."""
        for one in self.open:
            if one.scope is interp.scope:
                one.names.setdefault(name, _place(interp))

    def value(self, interp: Any, value: Value) -> None:
        """An object is changed in place."""
        for one in self.open:
            if value.serial <= one.serial:
                one.object = one.object or _place(interp)

    def close(self, interp: Any, node: ast.Try) -> None:
        """The end of a body."""
        one, end = self.open.pop(), _place(interp)
        self.lost.setdefault(id(node), set()).update(
            name for name, place in one.names.items() if place != end)
        if one.object not in (None, end):
            self.unknown.add(id(node))


class _Attempt:
    def __init__(self, scope: Any) -> None:
        self.scope, self.serial = scope, Value.made
        self.names: Dict[str, tuple] = {}
        self.object: Any = None


def _place(interp: Any) -> tuple:
    frame = interp.trace.frames[-1]
    return len(interp.trace.frames), len(frame.steps), len(frame.branches)


def follow(interp: Any, node: ast.Try) -> None:
    """try, with handlers for whatever goes wrong, or for what the program itself raises."""
    from .interpret import Left
    try:
        if interp.trace.depth == 1:
            _at_start(interp, node)
        else:
            _in_function(interp, node)
    except (PyError, Left):
        interp.run(node.finalbody)
        raise
    interp.run(node.finalbody)


def _at_start(interp: Any, node: ast.Try) -> None:
    try:
        interp.run(node.body)
    except PyError as error:
        _handle(interp, node, error)
    else:
        interp.run(node.orelse)


def _in_function(interp: Any, node: ast.Try) -> None:
    trace, changes = interp.trace, interp.changes
    if not node.handlers:
        raise Refused("try with finally alone")
    others = [h for h in node.handlers if not _is_own(h)]
    if not others or not _catches_all(others[0]):
        raise Refused("a handler for some exceptions: which ones there are is not the same in a page "
                      "without Python", "catch Exception, or leave it out")
    if not trace.decide("try"):
        if id(node) in changes.unknown:
            raise Refused("what is changed before something else goes wrong",
                          "change it behind the try")
        for name in changes.lost.get(id(node), ()):
            interp.scope.names[name] = Gone(f"whether {name} has been set when something goes wrong is "
                                            "known in the page only")
        _handle(interp, node, None)
        return
    changes.open.append(_Attempt(interp.scope))
    error = None
    try:
        interp.run(node.body)
    except PyError as raised:
        error = raised
    finally:
        changes.close(interp, node)
        trace.emit("endtry", [], NONE)
    if error is None:
        interp.run(node.orelse)
    else:
        _handle(interp, node, error)


def _catches_all(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or isinstance(handler.type, ast.Name) \
        and handler.type.id in ("Exception", "BaseException")


def _is_own(handler: ast.ExceptHandler) -> bool:
    """Whether it is for what the program raises, and no step does."""
    kind = handler.type
    return isinstance(kind, ast.Name) and kind.id == "AssertionError" or isinstance(
        kind, ast.Attribute) and kind.attr == "Error"


def _handle(interp: Any, node: ast.Try, error: Any) -> None:
    for handler in node.handlers:
        kind = handler.type
        names = [kind] if not isinstance(kind, ast.Tuple) else kind.elts
        told = [n.id if isinstance(n, ast.Name) else getattr(n, "attr", "") for n in names if n]
        if _catches_all(handler) or error is not None and is_one_of(error, told):
            if handler.name:
                interp.scope.names[handler.name] = Caught(error)
            interp.run(handler.body)
            return
    if error is not None:
        raise error


def is_one_of(error: PyError, names: Iterable[str]) -> bool:
    """Whether an exception is one of such classes."""
    own = getattr(builtins, error.kind, None)
    for name in names:
        other = getattr(builtins, name, None)
        if error.kind == name or isinstance(own, type) and isinstance(other, type) \
                and issubclass(own, other):
            return True
        if own is None and name in ("Exception", "BaseException"):
            return True
    return False
