"""Goes through a file in the order of its lines, and leaves out what cannot be reached."""

import ast
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from .conditions import Conditions
from .guards import expects_imports, fails, imported, reraises
from .nodes import children
from .scopes import COMPREHENSIONS, FUNCTIONS, Scope, Scopes

_ENDS = {"sys.exit", "exit", "quit", "os._exit", "os.abort"}


class Place(NamedTuple):
    """Where a node is."""

    scope: Scope
    function: Optional[ast.AST]          # the innermost function it is in
    owner: Optional[ast.AST]             # the class whose method that is
    caught: Tuple[str, ...]              # exceptions that are caught around it
    maybe: bool = False                  # whether a condition around it is not known
    spare: Tuple[str, ...] = ()          # modules that are there, of whose failure it is the handler


class Event(NamedTuple):
    """A node and its place."""

    node: ast.AST
    place: Place


class Walker:
    """Walks over one file."""

    def __init__(self, tree: ast.AST, scopes: Scopes, conditions: Conditions,
                 unrun: Set[int], shallow: bool) -> None:
        self.tree = tree
        self.scopes = scopes
        self.conditions = conditions
        self.unrun = unrun  # identities of statements that are not run
        self.shallow = shallow  # whether the bodies of functions are left out

    def events(self) -> Iterator[Event]:
        """All nodes that may run."""
        place = Place(self.scopes.module, None, None, ())
        stack: List[Event] = []
        self._push_block(self.tree.body, place, stack)  # type: ignore[attr-defined]
        while stack:
            event = stack.pop()
            yield event
            node, place = event
            push = _PUSH.get(node.__class__)
            if push is not None:
                push(self, node, place, stack)
            else:
                stack += [Event(n, place) for n in reversed(children(node))]

    # ---- statements ----------------------------------------------------------------------------

    def _push_block(self, body: List[ast.AST], place: Place, stack: List[Event]) -> None:
        live: List[Event] = []
        for statement in body:
            if id(statement) in self.unrun:
                break
            live.append(Event(statement, place))
            if self._ends(statement, place):
                break
        stack.extend(reversed(live))

    def _ends(self, node: ast.AST, place: Place) -> bool:
        """Whether nothing behind a statement runs."""
        if isinstance(node, (ast.Return, ast.Raise, ast.Continue, ast.Break)):
            return True
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            found = self.conditions.names.of(node.value.func, place.scope)
            return bool(found) and found <= _ENDS
        if isinstance(node, ast.If):
            outcome = self.conditions.outcome(node.test, place.scope)
            if outcome is True:
                return self._block_ends(node.body, place)
            if outcome is False:
                return self._block_ends(node.orelse, place)
            return self._block_ends(node.body, place) and self._block_ends(node.orelse, place)
        if isinstance(node, (ast.With, ast.AsyncWith)):
            return self._block_ends(node.body, place)
        return False

    def _block_ends(self, body: List[ast.stmt], place: Place) -> bool:
        return any(self._ends(s, place) for s in body)

    # ---- children ------------------------------------------------------------------------------

    def _push_if_exp(self, node: ast.IfExp, place: Place, stack: List[Event]) -> None:
        outcome = self.conditions.outcome(node.test, place.scope)
        parts = [node.test] + ([node.body] if outcome is not False else []) + (
            [node.orelse] if outcome is not True else [])
        self._push(parts, place, stack)

    def _push_with(self, node, place: Place, stack: List[Event]) -> None:
        self._push_block(node.body, self._suppressed(node, place), stack)
        self._push(node.items, place, stack)

    def _push_class(self, node: ast.ClassDef, place: Place, stack: List[Event]) -> None:
        inner = place._replace(scope=self.scopes.by_node[node])
        self._push_block(node.body, inner, stack)
        self._push(node.decorator_list + node.bases + node.keywords, place, stack)

    def _push_comprehension(self, node, place: Place, stack: List[Event]) -> None:
        self._push(children(node), place._replace(scope=self.scopes.by_node[node]), stack)

    def _push_body(self, node, place: Place, stack: List[Event]) -> None:
        """What has a body among other things: a handler, or a case of `match`."""
        self._push_block(node.body, place, stack)
        inside = {id(statement) for statement in node.body}
        self._push([c for c in children(node) if id(c) not in inside], place, stack)

    def _push(self, nodes: List[ast.AST], place: Place, stack: List[Event]) -> None:
        stack += [Event(n, place) for n in reversed(nodes)]

    def _push_loop(self, node, place: Place, stack: List[Event]) -> None:
        self._push_block(node.orelse, place, stack)
        if isinstance(node, ast.While):
            if self.conditions.outcome(node.test, place.scope) is not False:
                self._push_block(node.body, place, stack)
            self._push([node.test], place, stack)
        else:
            self._push_block(node.body, place, stack)
            self._push([node.target, node.iter], place, stack)

    def _push_if(self, node: ast.If, place: Place, stack: List[Event]) -> None:
        outcome = self.conditions.outcome(node.test, place.scope)
        inner = place._replace(maybe=True) if outcome is None else place
        if outcome is not True:
            self._push_block(node.orelse, inner, stack)
        if outcome is not False:
            self._push_block(node.body, inner, stack)
        self._push([node.test], place, stack)

    def _push_bool_op(self, node: ast.BoolOp, place: Place, stack: List[Event]) -> None:
        stop = isinstance(node.op, ast.Or)
        parts: List[ast.AST] = []
        for value in node.values:
            parts.append(value)
            if self.conditions.outcome(value, place.scope) is stop:
                break
        self._push(parts, place, stack)

    def _push_try(self, node, place: Place, stack: List[Event]) -> None:
        self._push_block(node.finalbody, place, stack)
        self._push_block(node.orelse, place, stack)
        spare = self._at_hand(node) if self.shallow else ()
        for handler in reversed(node.handlers):
            inner = place._replace(maybe=True, spare=spare) if spare and \
                expects_imports(handler, node.body) else place
            self._push([handler], inner, stack)
        names: List[str] = []
        for handler in node.handlers:
            if not reraises(handler):
                names += self._exceptions(handler.type, place)
        self._push_block(node.body, place._replace(caught=place.caught + tuple(names)), stack)

    def _at_hand(self, node) -> Tuple[str, ...]:
        """The modules that the body of a `try` imports, where it can be expected to."""
        package, lacks = self.scopes.package, self.conditions.lacks
        if any(fails(statement, package, lacks) for statement in node.body):
            return ()
        return tuple(name for s in node.body for name in imported(s, package))

    def _suppressed(self, node, place: Place) -> Place:
        names: List[str] = []
        for item in node.items:
            call = item.context_expr
            if isinstance(call, ast.Call) and \
                    "contextlib.suppress" in self.conditions.names.of(call.func, place.scope):
                for argument in call.args:
                    names += self._exceptions(argument, place)
        return place._replace(caught=place.caught + tuple(names))

    def _exceptions(self, node: Optional[ast.AST], place: Place) -> List[str]:
        if node is None:
            return ["BaseException"]
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        found: List[str] = []
        for part in parts:
            found += self.conditions.names.of(part, place.scope) or ["?"]
        return found

    def _push_function(self, node, place: Place, stack: List[Event]) -> None:
        inner_scope = self.scopes.by_node[node]
        if isinstance(node, ast.Lambda):
            inner = place._replace(scope=inner_scope)
            self._push([node.body], inner, stack)
            self._push([node.args], place, stack)
            return
        owner = place.scope.node if place.scope.is_class else None
        inner = Place(inner_scope, node, owner, (), False)
        if not self.shallow:
            self._push_block(node.body, inner, stack)
        self._push(node.decorator_list + [d for d in node.args.defaults + node.args.kw_defaults
                                          if d is not None], place, stack)


_PUSH: Dict[type, Callable] = {
    ast.If: Walker._push_if, ast.IfExp: Walker._push_if_exp, ast.BoolOp: Walker._push_bool_op,
    ast.Try: Walker._push_try, ast.With: Walker._push_with, ast.AsyncWith: Walker._push_with,
    ast.ClassDef: Walker._push_class, ast.ExceptHandler: Walker._push_body,
    ast.For: Walker._push_loop, ast.AsyncFor: Walker._push_loop, ast.While: Walker._push_loop,
    **{kind: Walker._push_function for kind in FUNCTIONS + (ast.Lambda,)},
    **{kind: Walker._push_comprehension for kind in COMPREHENSIONS},
}
for _name, _push in (("TryStar", Walker._push_try), ("match_case", Walker._push_body)):
    if hasattr(ast, _name):  # of Python 3.11 and 3.10
        _PUSH[getattr(ast, _name)] = _push
