"""Lists, dicts and loops: gone through now where their length is known, else in the page."""

import ast
from typing import Any, Callable, Dict, Iterable, List, Optional, Set, Tuple

from .errors import PyError, Refused
from .values import (BOOL, INT, STR, Collector, Const, Dct, Gone, Hashed, Iter, Lst, Node, Real, Rng,
                     Tup, Type, Value, Zipped, array, describe, known, plain, scalar, static)

MOST_KNOWN = 100_000  # numbers of a range that is gone through now
MOST_UNROLLED = 64  # elements; of more, one round is followed for all


def element(kind: Type) -> Type:
    """The type of what going through something gives."""
    if kind.kind == "list":
        return kind.items[0]
    if kind.kind == "dict":
        return kind.items[0]
    if kind.kind == "str":
        return STR
    if kind.kind == "array" and kind.dims:
        if len(kind.dims) == 1:
            return STR if kind.dtype == "str" else scalar(kind.dtype)
        return array(kind.dtype, kind.dims[1:])
    raise Refused(f"going through {kind} is not in a page without Python")


def finite(interp: Any, value: Value) -> Optional[List[Value]]:
    """The elements of something whose length is known, None where it is not, or is large and the page
    can go through it."""
    items = _finite(interp, value)
    return items if items is None or len(items) <= MOST_UNROLLED or not _uniform(items) else None


def _uniform(items: List[Value]) -> bool:
    return len({describe(v) for v in items}) == 1 and all(
        static(v) or isinstance(v, (Node, Tup)) for v in items)


def _finite(interp: Any, value: Value) -> Optional[List[Value]]:
    from . import index
    value = gone_through(value)
    if isinstance(value, (Tup, Lst)):
        return list(value.items)
    if isinstance(value, Dct):
        return [Const(k) for k in value.items]
    if isinstance(value, Const) and isinstance(value.value, str):
        return [Const(c) for c in value.value]
    if isinstance(value, Rng):
        if static(value.start) and static(value.stop):
            if len(range(plain(value.start), plain(value.stop), value.step)) > MOST_KNOWN:
                raise Refused(f"a range of more than {MOST_KNOWN} numbers")
            return [Const(i) for i in range(plain(value.start), plain(value.stop), value.step)]
        return None
    if isinstance(value, Real) and value.what == "file" and not value.value.binary:
        return [Const(line) for line in value.value.lines()]
    if isinstance(value, Zipped):
        parts = [_finite(interp, p) for p in value.parts]
        if any(p is None for p in parts):
            return None
        if value.kind == "zip":
            return [Tup(row) for row in zip(*parts)]  # type: ignore[arg-type]
        return [Tup([Const(i), v]) for i, v in
                enumerate(parts[0], value.start)]  # type: ignore[arg-type]
    if isinstance(value, Node):
        kind = value.type
        if kind.kind == "array" and kind.dims and kind.dims[0] is not None \
                and kind.dims[0] <= MOST_UNROLLED:
            return [index.load(interp, value, Const(i)) for i in range(kind.dims[0])]
        if kind.kind in ("tuple", "record"):
            return [item_of(interp, value, i) for i in range(len(kind.items))] \
                if kind.kind == "tuple" else [Const(k) for k in kind.keys]
        if kind.kind in ("list", "dict", "str", "array"):
            return None
    raise PyError("TypeError", f"'{_name(value)}' object is not iterable") \
        if isinstance(value, Const) else Refused(
            f"going through {value.type} is not in a page without Python")


def gone_through(value: Value) -> Value:
    """What an iterator goes through."""
    while isinstance(value, Iter):
        value = value.over
    return value


def item_of(interp: Any, owner: Node, at: int) -> Value:
    """Element `at` of a tuple.  The samples of a sound have one axis or two, which makes two ways."""
    kind = owner.type.items[at]
    if owner.type.keys != ("sound",) or at == 0:
        return part_of(interp.trace.emit("item", [owner, Const(at)], kind))
    found = getattr(owner, "samples", None)
    if found is None or found.depth > interp.trace.depth:
        stereo = interp.trace.emit("stereo", [owner], BOOL)
        dims = (None, None) if interp.trace.decide(stereo.ref) else (None,)
        found = interp.trace.emit("item", [owner, Const(at)], array("int16", dims))
        owner.samples = found  # type: ignore[attr-defined]
    return found


def part_of(found: Node) -> Node:
    """An element of what is in the page: where it is changed in place, so is what it was taken from."""
    found.part = found.type.kind == "array"  # type: ignore[attr-defined]
    return found


def _name(value: Value) -> str:
    return "NoneType" if isinstance(value, Const) and value.value is None else value.type.kind


def unrolled(interp: Any, value: Value, exactly: Optional[int] = None) -> List[Value]:
    """All elements.  exactly: how many there have to be, where the page has to look."""
    value = gone_through(value)
    found = _finite(interp, value)
    if found is not None:
        return found
    if exactly is not None and isinstance(value, Node) and value.type.kind in ("list", "array"):
        kind = element(value.type)
        checked = interp.trace.emit("exactly", [value], value.type, count=exactly)
        return [interp.trace.emit("item", [checked, Const(i)], kind) for i in range(exactly)]
    raise Refused("how many elements there are is known in the page only")


def runtime(interp: Any, value: Value) -> Tuple[Any, Type]:
    """Something to go through as an argument of a step, and the type of its elements."""
    value = gone_through(value)
    if isinstance(value, Rng):
        return value, INT
    if isinstance(value, Zipped):
        parts = [runtime(interp, p) for p in value.parts]
        kinds = tuple(k for _, k in parts)
        args = [p for p, _ in parts]
        kind = Type("tuple", items=kinds if value.kind == "zip" else (INT, kinds[0]))
        made = interp.trace.emit(value.kind, args, Type("list", items=(kind,)), start=value.start)
        return made, kind
    if isinstance(value, (Lst, Tup)):
        kinds = {describe(v) for v in value.items}
        if len(kinds) != 1:
            raise Refused("a list of values of different types is gone through in the page")
        return value, kinds.pop()
    if isinstance(value, Dct):
        return known_keys(value), common_key(value)
    if isinstance(value, Const) and isinstance(value.value, str):
        return value, STR
    if isinstance(value, Node):
        return value, element(value.type)
    raise Refused(f"going through {value.type} is not in a page without Python")


def known_keys(value: Dct) -> Lst:
    return Lst([Const(k) for k in value.items])


def common_key(value: Dct) -> Type:
    kinds = {Const(k).type for k in value.items}
    if len(kinds) != 1:
        raise Refused("a dict with keys of different types is gone through in the page")
    return kinds.pop()


def in_page(interp: Any, over: Value, follow: Callable[[Value], List[Value]],
            sort: str) -> Node:
    """A step that goes through something: follow(element) is followed once for all rounds and gives
    the elements that a round adds."""
    sequence, kind = runtime(interp, over)
    trace = interp.trace
    given = trace.encode(sequence)
    param = Node(trace.next, kind)
    trace.next += 1
    kinds: List[Type] = []

    def end(items: List[Value]) -> dict:
        kinds.extend(describe(v) for v in items)
        return {"return": {"l": [trace.encode(v, True) for v in items]}}

    def one_round() -> List[Value]:
        fresh = part_of(Node(param.ref, kind))
        return follow(fresh)

    body = trace.explore(one_round, end)
    found = set(kinds)
    if len(found) > 1:
        raise Refused(f"the elements are {' or '.join(sorted(str(k) for k in found))}")
    made = found.pop() if found else Type("tuple", items=(STR, STR))
    if sort == "dict":
        result = Type("dict", items=made.items)
    else:
        result = Type("list", items=(made,))
    return trace.emit("flatmap", [], result, over=given, param=param.ref, body=body, sort=sort)


def comprehension(interp: Any, generators: List[ast.comprehension], parts: List[ast.expr],
                  sort: str) -> Value:
    """[x for ...], or {k: v for ...}."""
    from .interpret import Scope
    before = interp.scope
    interp.scope = Scope(before.path, before)
    interp.scope.borrowed = True
    try:
        found = _level(interp, generators, parts)
    finally:
        interp.scope = before
    if isinstance(found, Node):
        if sort == "list":
            return found
        return interp.trace.emit("dict", [found], Type("dict", items=found.type.items[0].items))
    if sort == "list":
        return Lst(found)
    return dict_of(interp, found)


def dict_of(interp: Any, pairs: List[Value]) -> Value:
    """A dict of pairs (Tup)."""
    from .interpret import known_key
    if all(isinstance(p, Tup) and static(p.items[0]) for p in pairs):
        return Dct([(known_key(p.items[0]), p.items[1]) for p in pairs])  # type: ignore
    kinds = {describe(p) for p in pairs}
    if len(kinds) != 1 or not all(k.kind == "tuple" and len(k.items) == 2 for k in kinds):
        raise Refused("a dict of values of different types, whose keys are known in the page only")
    return interp.trace.emit("dict", [Lst(pairs)], Type("dict", items=kinds.pop().items))


def _level(interp: Any, generators: List[ast.comprehension], parts: List[ast.expr]) -> Any:
    """Elements, as a list or as a step that makes one."""
    generator = generators[0]
    if generator.is_async:
        raise Refused("async is not in a page without Python")
    over = interp.eval(generator.iter)

    def inner(item: Value) -> Any:
        interp.assign(generator.target, item)
        for test in generator.ifs:
            if not interp.truth(interp.eval(test)):
                return []
        if len(generators) > 1:
            return _level(interp, generators[1:], parts)
        values = [interp.eval(p) for p in parts]
        return [values[0] if len(values) == 1 else Tup(values)]

    def follow(item: Value) -> List[Value]:
        more = inner(item)
        if isinstance(more, Node):
            raise Refused("loops in loops, of lengths that are known in the page only")
        return more

    found: List[Value] = []
    made = rounds(interp, generator, over, lambda item: found.extend(follow(item)),
                  lambda: _page_level(interp, over, follow, [*generators, *parts]))
    return found if made is None else made


def _page_level(interp: Any, over: Value, follow: Callable[[Value], List[Value]],
                nodes: List[Any]) -> Node:
    """in_page() for a comprehension: what := has set in another round is not known."""
    names = {n.target.id for node in nodes for n in ast.walk(node)  # type: ignore[attr-defined]
             if isinstance(n, ast.NamedExpr)}
    scope = interp.lasting()

    def one(item: Value) -> List[Value]:
        scope.names.update({name: Gone(_FROM_ROUND.format(name)) for name in names})
        return follow(item)

    made = in_page(interp, over, one, "list")
    scope.names.update({name: Gone(_AFTER_ROUNDS.format(name)) for name in names})
    return made


_FROM_ROUND = "{} goes from round to round of a loop whose length is known in the page only"
_AFTER_ROUNDS = "{} is set in a loop whose length is known in the page only, and is read after it"


class Restart(Exception):
    """Something has turned out that has to be known from the beginning: the program is followed anew."""


def rounds(interp: Any, node: Any, over: Value, unrolled: Callable[[Value], Any],
           page: Callable[[], Any]) -> Any:
    """A loop: unrolled(item) for each element where they are known, else page().

    Rounds that only the page can tell apart go to the page where it can be done: unrolled, their
    conditions would be ways through all rounds."""
    items, mode = _finite(interp, over), interp.modes.get(id(node))
    if items is None:
        return page()
    uniform = len(items) > 2 and _uniform(items)
    large = len(items) > MOST_UNROLLED and uniform
    if mode == "page" or large and not all(static(i) for i in items):
        try:
            return page()
        except Refused:
            if large:
                raise
            interp.modes[id(node)] = "unroll"
            raise Restart() from None
    frame = interp.trace.frames[-1]
    for item in items:
        before = len(frame.steps), len(frame.branches)
        unrolled(item)
        after = len(frame.steps), len(frame.branches)
        if mode is None and uniform and (after[1] > before[1] or large and after[0] > before[0]):
            interp.modes[id(node)] = "page"
            raise Restart()
    return None


def loop(interp: Any, node: ast.For, over: Value) -> None:
    """A for loop over what only the page can go through: all it may do is to fill one list or dict."""
    changed = _changed(node)
    targets = []
    for name in changed:
        value = interp.scope.names.get(name)
        if isinstance(value, (Lst, Dct)):
            targets.append((name, value))
    if len(targets) != 1:
        raise Refused("a loop whose length is known in the page only, which fills "
                      f"{len(targets)} lists or dicts", "fill one, or use numpy's operations on whole "
                      "arrays")
    name, target = targets[0]
    interp.own(target)
    sort = "dict" if isinstance(target, Dct) else "list"
    if target.items:
        raise Refused(f"{name} is not empty before a loop whose length is known in the page only")
    scope = interp.scope

    def follow(item: Value) -> List[Value]:
        before = dict(scope.names)
        collector = Collector(sort)
        scope.names.update({n: Gone(_FROM_ROUND.format(n)) for n in assigned})
        scope.names[name] = collector
        try:
            interp.assign(node.target, item)
            interp.rounds(node.body)
            if scope.names[name] is not collector:
                raise Refused(f"{name} is another list after a round of the loop")
            return collector.found
        finally:
            written = {k for k, v in scope.names.items() if before.get(k) is not v} - {name}
            scope.names.clear()
            scope.names.update(before)
            gone.update(written)

    gone: set = set()
    assigned = set_in(node.body) | set_in([node.target])
    made = in_page(interp, over, follow, sort)
    for lost in gone:
        interp.scope.names[lost] = Gone(_AFTER_ROUNDS.format(lost))
    interp.scope.names[name] = made
    # By other names it was filled, too.
    target.__class__ = Gone  # type: ignore[assignment]
    target.why = ("a list or dict that a loop has filled, whose length is known in the page only, is "
                  f"read by another name than {name}")


def set_in(nodes: Iterable[ast.AST]) -> Set[str]:
    """Names that statements or targets set in their own scope."""
    found: Set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.ListComp, ast.DictComp, ast.GeneratorExp, ast.SetComp)):
            found |= {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}
        elif not isinstance(node, ast.Lambda):
            if isinstance(getattr(node, "name", None), str):  # of a handler or a pattern
                found.add(node.name)  # type: ignore[attr-defined]
            found |= set_in(ast.iter_child_nodes(node))
    return found


def _changed(node: ast.For) -> List[str]:
    """Names whose lists and dicts a loop fills: x.append(..), x[..] = .."""
    found: Dict[str, None] = {}
    for child in ast.walk(node):
        target: Any = None
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute):
            target = child.func.value
        elif isinstance(child, ast.Subscript) and isinstance(child.ctx, ast.Store):
            target = child.value
        if isinstance(target, ast.Name):
            found[target.id] = None
    return list(found)


def contains(interp: Any, item: Value, inside: Value) -> Value:
    """item in inside."""
    if isinstance(inside, Hashed):
        if isinstance(item, (Lst, Dct)):
            raise PyError("TypeError", f"unhashable type: '{_name(item)}'")
        inside = Tup([known(each) for each in inside.items])
    if static(item) and isinstance(inside, Dct):
        return Const(plain(item) in inside.items)
    if static(item) and static(inside):
        from .operators import folded
        return folded(lambda a, b: a in b, plain(item), plain(inside))
    if inside.type.kind == "str" and item.type.kind == "str":
        return interp.trace.emit("in", [item, inside], BOOL, what="text")
    if isinstance(inside, (Lst, Tup, Dct)) and (static(inside) or isinstance(inside, Dct)):
        keys = known_keys(inside) if isinstance(inside, Dct) else inside
        kinds = {describe(v).kind for v in keys.items}
        kind = item.type.kind if item.type.kind != "np" else _python(item.type.dtype)
        if isinstance(item, Node) and kinds <= {kind}:
            return interp.trace.emit("in", [item, keys], BOOL, what="list")
    if isinstance(inside, Node) and inside.type.kind in ("list", "dict") and \
            inside.type.items[0].kind == item.type.kind and item.type.kind in ("str", "int"):
        return interp.trace.emit("in", [item, inside], BOOL, what=inside.type.kind)
    raise Refused(f"`in` with {item.type} and {inside.type} is not in a page without Python")


def _python(dtype: str) -> str:
    return {"str": "str", "bool": "bool"}.get(dtype, "float" if dtype.startswith("float") else "int")
