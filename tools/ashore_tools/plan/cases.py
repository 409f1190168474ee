"""`match` as the conditions that it stands for, where its patterns are values."""

import ast
from typing import Any, List

from .errors import Refused

_SUBJECT = "match subject"  # no name of a program's


def _load() -> ast.expr:
    return ast.Name(_SUBJECT, ast.Load())


def _test(pattern: Any, path: str) -> ast.expr:
    if isinstance(pattern, ast.MatchValue):
        test: ast.expr = ast.Compare(_load(), [ast.Eq()], [pattern.value])
    elif isinstance(pattern, ast.MatchSingleton):
        test = ast.Compare(_load(), [ast.Is()], [ast.Constant(pattern.value)])
    elif isinstance(pattern, ast.MatchOr):
        test = ast.BoolOp(ast.Or(), [_test(each, path) for each in pattern.patterns])
    elif isinstance(pattern, ast.MatchAs) and pattern.pattern is None:
        test = ast.Constant(True)
    else:
        raise Refused("a pattern that is more than values is not in a page without Python",
                      "write if and elif").at(path, pattern)
    return ast.copy_location(test, pattern)


def conditions(node: Any, path: str) -> List[ast.stmt]:
    """The statements that a `match` stands for."""
    rest: List[ast.stmt] = []
    for case in reversed(node.cases):
        test = _test(case.pattern, path)
        if case.guard is not None:
            test = ast.BoolOp(ast.And(), [test, case.guard])
        rest = [ast.copy_location(ast.If(test, case.body, rest), case.pattern)]
        name = getattr(case.pattern, "name", None)
        if name is not None:
            bind = ast.Assign([ast.Name(name, ast.Store())], _load())
            rest.insert(0, ast.copy_location(bind, case.pattern))
    subject = ast.copy_location(ast.Assign([ast.Name(_SUBJECT, ast.Store())], node.subject), node)
    return [ast.fix_missing_locations(each) for each in [subject, *rest]]
