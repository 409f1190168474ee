"""Values that a program asks before it uses them: `if os.environ.get('X'):` copes with None."""

import ast
from typing import Dict, List, Set, Tuple

from .scopes import Scope
from .walk import Event


class Tested:
    """Remembers which expressions, and which names, stand where a truth value is asked for."""

    def __init__(self) -> None:
        self._nodes: Set[int] = set()
        self._names: Set[Tuple[int, str]] = set()
        self._assigned: Dict[int, List[Tuple[Scope, str]]] = {}

    def note(self, event: Event) -> None:
        """Looks at one node of a file; all have to be seen before `holds` is asked."""
        node, place = event
        if isinstance(node, (ast.If, ast.While, ast.IfExp)):
            self._test(node.test, place.scope)
        elif isinstance(node, ast.BoolOp):
            for value in node.values[:-1]:
                self._test(value, place.scope)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self._test(node.operand, place.scope)
        elif isinstance(node, ast.Compare):
            for value in [node.left] + node.comparators:
                self._test(value, place.scope)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and \
                node.func.id == "bool" and node.args:
            self._test(node.args[0], place.scope)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            self._assigned[id(node.value)] = [(place.scope, t.id) for t in targets
                                              if isinstance(t, ast.Name)]

    def _test(self, node: ast.AST, scope: Scope) -> None:
        self._nodes.add(id(node))
        if isinstance(node, ast.BoolOp):
            for value in node.values:
                self._test(value, scope)
        elif isinstance(node, ast.NamedExpr):
            self._nodes.add(id(node.value))
        elif isinstance(node, ast.Name):
            self._names.add((id(scope.find(node.id)), node.id))

    def holds(self, node: ast.AST) -> bool:
        """Whether the program asks what an expression is before it relies on it."""
        return id(node) in self._nodes or any(
            (id(scope.find(name)), name) in self._names
            for scope, name in self._assigned.get(id(node), ()))
