"""Follows a program: its statements and expressions, with values that are known now or become steps
of the plan."""

import ast
import builtins
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

from . import (attempts, cases, conversions, index, numpy_arrays, numpy_common, objects, operators,
               python_names, sequences)
from .errors import PyError, Refused
from .text import formatted
from .trace import Trace
from .values import (BOOL, STR, Caught, Class, Const, Dct, Function, Gone, Hashed, Instance, Iter, Kind,
                     Lst, Module, Native, Node, Real, Slc, Tup, Value, plain, static)

MOST_ROUNDS = 512    # of a loop that is followed round by round
# They change what attributes and objects of a class are.
_UNKNOWN_METHODS = ("__new__", "__getattr__", "__getattribute__", "__setattr__", "__delattr__",
                    "__init_subclass__", "__set_name__")
_MOST_DEEP = 40      # calls in calls
_MOST_FOLLOWED = 300_000  # statements


class Scope:
    """Names of a module or of a call."""

    def __init__(self, path: str, parent: Optional["Scope"] = None,
                 is_class: bool = False) -> None:
        self.path, self.parent, self.is_class = path, parent, is_class
        self.names: Dict[str, Value] = {}
        self.borrowed = False    # of a comprehension: := sets names of the scope around it
        self.outer: set = set()  # names that `global` or `nonlocal` lists

    def find(self, name: str) -> Optional[Value]:
        scope: Optional[Scope] = self
        while scope is not None:
            if name in scope.names and (scope is self or not scope.is_class):
                return scope.names[name]
            scope = scope.parent
        return None


class Left(Exception):
    """A function or a round of a loop is left."""


class Returned(Left):
    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


class _Break(Left):
    pass


class _Continue(Left):
    pass


class Interpreter:
    """modules(name) gives what an import names."""

    def __init__(self, modules: Callable[[str], Value]) -> None:
        self.trace = Trace()
        self.modules = modules
        self.scope = Scope("")
        self.calls = 0
        self.followed = 0  # statements
        self.changes = attempts.Changes()
        self.modes: Dict[int, str] = {}  # of loops, by their syntax node: "page" or "unroll"
        self.cases: Dict[Any, List[ast.stmt]] = {}  # what a `match` stands for
        self.names = python_names.builtins()

    # ---- statements ------------------------------------------------------------------------------

    def run(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        method = getattr(self, f"do_{type(node).__name__}", None)
        self.followed += 1
        try:
            if self.followed > _MOST_FOLLOWED:
                raise Refused("following the program takes too long", "use numpy's operations on "
                              "whole arrays")
            if method is None:
                raise Refused("a statement of this kind is not in a page without Python")
            method(node)
        except Refused as refused:
            raise refused.at(self.scope.path, node)
        except PyError as error:
            error.line = error.line or node.lineno
            raise

    def do_Expr(self, node: ast.Expr) -> None:
        self.eval(node.value)

    def do_Pass(self, node: ast.Pass) -> None:
        pass

    def do_Global(self, node: Any) -> None:
        self.scope.outer.update(node.names)

    do_Nonlocal = do_Global

    def do_Assign(self, node: ast.Assign) -> None:
        value = self.eval(node.value)
        for target in node.targets:
            self.assign(target, value)

    def do_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.eval(node.value))

    def do_AugAssign(self, node: ast.AugAssign) -> None:
        op, call = operators.BINARY.get(type(node.op), (None, None))
        if op is None:
            raise Refused("this operator is not in a page without Python")
        before, put, part = self._place(node.target)
        value = self.eval(node.value)
        if isinstance(before, Lst) and op == "+":
            self.own(before)
            before.items += sequences.unrolled(self, value)
            return
        made = operators.binary(self.trace, op, call, before, value)
        if isinstance(before, Lst) and isinstance(made, Lst):
            self.own(before)
            before.items = made.items
        elif isinstance(before, Node) and before.type.kind == "array":
            if part:
                put(index.same_kind(self.trace, made, before.type.dtype))
            else:
                index.replace(self, before, made)
        else:
            put(made)

    def _place(self, target: Any) -> Tuple[Value, Callable[[Value], None], bool]:
        """What a target of an operator such as += holds, what puts another value there, and whether it
        is part of an array.  Its expressions are followed once."""
        if isinstance(target, ast.Subscript):
            owner, key = self.eval(target.value), self.index(target.slice)
            return index.load(self, owner, key), lambda value: index.store(
                self, owner, key, value), owner.type.kind == "array"
        if isinstance(target, ast.Attribute):
            owner = self.eval(target.value)
            return objects.attribute(self, owner, target.attr), \
                lambda value: self._set_attribute(owner, target.attr, value), False
        load = ast.copy_location(ast.Name(target.id, ast.Load()), target)
        return self.eval(load), lambda value: self.assign(target, value), False

    def assign(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            if target.id in self.scope.outer:
                raise Refused(f"{target.id} is changed for later calls, which a page without Python "
                              f"does not keep")
            if isinstance(value, Iter) and value.lazy:
                raise Refused(f"{target.id} is an iterator, which computes when it is asked",
                              "make a list of it: list(...)")
            self.changes.names(self, target.id)
            self.scope.names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            self._unpack(target.elts, value)
        elif isinstance(target, ast.Subscript):
            index.store(self, self.eval(target.value), self.index(target.slice), value)
        elif isinstance(target, ast.Attribute):
            self._set_attribute(self.eval(target.value), target.attr, value)
        else:
            raise Refused("an assignment of this kind is not in a page without Python")

    def _set_attribute(self, owner: Value, name: str, value: Value) -> None:
        if isinstance(owner, Instance):
            self.own(owner)
            owner.names[name] = value
        elif isinstance(owner, Real) and owner.what == "options":
            return  # of a session: how it computes, not what
        else:
            raise Refused(f"an attribute of {owner.type} is changed")

    def _unpack(self, targets: List[ast.expr], value: Value) -> None:
        items = sequences.unrolled(self, value, exactly=len(targets) if not any(
            isinstance(t, ast.Starred) for t in targets) else None)
        stars = [i for i, t in enumerate(targets) if isinstance(t, ast.Starred)]
        if stars:
            at, after = stars[0], len(targets) - stars[0] - 1
            if len(items) < at + after:
                raise PyError("ValueError", f"not enough values to unpack (expected at least "
                                            f"{at + after}, got {len(items)})")
            middle = Lst(items[at:len(items) - after])
            items = items[:at] + [middle] + items[len(items) - after:]
        if len(items) != len(targets):
            few = len(items) < len(targets)
            raise PyError("ValueError", f"{'not enough' if few else 'too many'} values to unpack "
                          f"(expected {len(targets)}" + (f", got {len(items)})" if few else ")"))
        for target, item in zip(targets, items):
            self.assign(target.value if isinstance(target, ast.Starred) else target, item)

    def do_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if not isinstance(target, ast.Name):
                raise Refused("only names are deleted in a page without Python")
            self.scope.names.pop(target.id, None)

    def do_If(self, node: ast.If) -> None:
        self.run(node.body if self.truth(self.eval(node.test)) else node.orelse)

    def do_Match(self, node: Any) -> None:
        if node not in self.cases:
            self.cases[node] = cases.conditions(node, self.scope.path)
        self.run(self.cases[node])

    def do_Assert(self, node: ast.Assert) -> None:
        if not self.truth(self.eval(node.test)):
            raise PyError("AssertionError", self.eval(node.msg) if node.msg else "")

    def do_Return(self, node: ast.Return) -> None:
        raise Returned(self.eval(node.value) if node.value else Const(None))

    def do_Break(self, node: ast.Break) -> None:
        raise _Break()

    def do_Continue(self, node: ast.Continue) -> None:
        raise _Continue()

    def do_For(self, node: ast.For) -> None:
        over = self.eval(node.iter)

        def one(item: Value) -> None:
            self.assign(node.target, item)
            try:
                self.run(node.body)
            except _Continue:
                pass

        def page() -> None:
            if node.orelse:
                raise Refused("for with else, of a length that is known in the page only")
            sequences.loop(self, node, over)

        try:
            sequences.rounds(self, node, over, one, page)
        except _Break:
            return
        self.run(node.orelse)

    def rounds(self, body: List[ast.stmt]) -> None:
        """One round of a loop that stands for all."""
        try:
            self.run(body)
        except _Continue:
            pass
        except _Break:
            raise Refused("break, in a loop whose length is known in the page only") from None
        except Returned:
            raise Refused("return, in a loop whose length is known in the page only") from None

    def do_While(self, node: ast.While) -> None:
        for _ in range(MOST_ROUNDS):
            test = self.eval(node.test)
            if not static(test):
                raise Refused("how often the loop runs is known in the page only",
                              "use numpy's operations on whole arrays")
            if not self.truth(test):
                self.run(node.orelse)
                return
            try:
                self.run(node.body)
            except _Continue:
                continue
            except _Break:
                return
        raise Refused(f"a loop of more than {MOST_ROUNDS} rounds")

    def do_FunctionDef(self, node: ast.FunctionDef) -> None:
        made: Value = self.function(node)
        for decorator in reversed(node.decorator_list):
            made = objects.decorate(self, self.eval(decorator), made)
        self.scope.names[node.name] = made

    def function(self, node: Any) -> Function:
        """A def or a lambda."""
        if not isinstance(node, ast.Lambda):
            for child in ast.walk(node):
                if isinstance(child, (ast.Yield, ast.YieldFrom, ast.Await)):
                    raise Refused("generators and coroutines are not in a page without Python"
                                  ).at(self.scope.path, child)
        args = node.args
        given = args.posonlyargs + args.args
        defaults = {a.arg: self.eval(d) for a, d in
                    zip(given[len(given) - len(args.defaults):], args.defaults)}
        defaults.update({a.arg: self.eval(d) for a, d in zip(args.kwonlyargs, args.kw_defaults)
                         if d is not None})
        return Function(node, self.scope, self.scope.path, defaults)

    def do_ClassDef(self, node: ast.ClassDef) -> None:
        if node.bases or node.keywords or node.decorator_list:
            raise Refused("classes with bases or decorators are not in a page without Python")
        for part in node.body:
            if isinstance(part, ast.FunctionDef) and part.name in _UNKNOWN_METHODS:
                raise Refused(f"classes with {part.name}() are not in a page without Python"
                              ).at(self.scope.path, part)
        before, self.scope = self.scope, Scope(self.scope.path, self.scope, True)
        try:
            self.run(node.body)
            made = Class(node.name, self.scope.names)
        finally:
            self.scope = before
        self.scope.names[node.name] = made

    def do_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            found = self.modules(alias.name if alias.asname else alias.name.split(".")[0])
            if not alias.asname and "." in alias.name:
                self.modules(alias.name)
            self.scope.names[alias.asname or alias.name.split(".")[0]] = found

    def do_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module == "__future__":
            return
        if node.level:
            raise Refused("relative imports are not in a page without Python",
                          "import by the module's whole name")
        module = self.modules(node.module or "")
        for alias in node.names:
            if alias.name == "*":
                if not isinstance(module, Module) or module.names is None:
                    raise Refused(f"everything of {node.module} is imported",
                                  "import names one by one")
                self.scope.names.update({k: v for k, v in module.names.items()
                                         if not k.startswith("_")})
            elif isinstance(module, Module) and module.names is None:  # refused where it is used
                self.scope.names[alias.asname or alias.name] = Module(
                    f"{module.name}.{alias.name}")
            else:
                self.scope.names[alias.asname or alias.name] = objects.attribute(
                    self, module, alias.name)

    def do_With(self, node: ast.With) -> None:
        opened = []
        for item in node.items:
            value = self.eval(item.context_expr)
            opened.append(value)
            entered = objects.enter(self, value)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, entered)
        self.run(node.body)
        for value in reversed(opened):
            objects.leave(self, value)

    def do_Raise(self, node: ast.Raise) -> None:
        if node.exc is None:
            raise Refused("raise without an exception")
        value = self.eval(node.exc)
        if isinstance(value, Class):
            value = objects.call(self, value, [], {})
        if isinstance(value, Caught) and value.error is not None:
            raise value.error
        raise Refused("what is raised here is not known")

    def do_Try(self, node: ast.Try) -> None:
        attempts.follow(self, node)

    # ---- expressions -----------------------------------------------------------------------------

    def eval(self, node: ast.expr) -> Value:
        method = getattr(self, f"on_{type(node).__name__}", None)
        try:
            if method is None:
                raise Refused("an expression of this kind is not in a page without Python")
            return method(node)
        except Refused as refused:
            raise refused.at(self.scope.path, node)

    def on_Constant(self, node: ast.Constant) -> Value:
        return Const(node.value)

    def on_Name(self, node: ast.Name) -> Value:
        found = self.scope.find(node.id)
        if found is None:
            found = self.names.get(node.id)
        if found is None:
            if hasattr(builtins, node.id):
                raise Refused(f"{node.id}() is not in a page without Python")
            raise PyError("NameError", f"name '{node.id}' is not defined")
        if isinstance(found, Gone):
            raise Refused(found.why)
        if isinstance(found, Node) and found.stale:
            raise Refused(found.stale, "take a copy first: .copy()")
        if isinstance(found, Iter):
            if found.read or found.depth < self.trace.depth:
                raise Refused(f"{node.id} is an iterator, which is gone through more than once",
                              "make a list of it: list(...)")
            found.read = True
        return found

    def on_Attribute(self, node: ast.Attribute) -> Value:
        return objects.attribute(self, self.eval(node.value), node.attr)

    def on_NamedExpr(self, node: ast.NamedExpr) -> Value:
        value = self.eval(node.value)
        before, self.scope = self.scope, self.lasting()
        try:
            self.assign(node.target, value)
        finally:
            self.scope = before
        return value

    def lasting(self) -> Scope:
        """The scope in which := sets names."""
        scope = self.scope
        while scope.borrowed:
            assert scope.parent is not None
            scope = scope.parent
        return scope

    def elements(self, nodes: List[ast.expr]) -> List[Value]:
        found: List[Value] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                found += sequences.unrolled(self, self.eval(node.value))
            else:
                found.append(self.eval(node))
        return found

    def kept(self, nodes: List[ast.expr]) -> List[Value]:
        """Elements of a tuple or a list."""
        found = self.elements(nodes)
        if any(isinstance(v, Iter) for v in found):
            raise Refused("an iterator is kept in a list or tuple", "make a list of it: list(...)")
        return found

    def on_Tuple(self, node: ast.Tuple) -> Value:
        return Tup(self.kept(node.elts))

    def on_List(self, node: ast.List) -> Value:
        return Lst(self.kept(node.elts))

    def on_Set(self, node: ast.Set) -> Value:
        return conversions.set_of(self.kept(node.elts))

    def on_Dict(self, node: ast.Dict) -> Value:
        made = Dct([])
        pairs = []
        for key, value in zip(node.keys, node.values):
            if key is None:
                more = self.eval(value)
                if not isinstance(more, Dct):
                    raise Refused(f"** of {more.type}")
                pairs += [(Const(k), v) for k, v in more.items.items()]
            else:
                pairs.append((self.eval(key), self.eval(value)))
        if all(static(k) for k, _ in pairs):
            for key, value in pairs:
                made.items[known_key(key)] = value
            return made
        return sequences.dict_of(self, [Tup([k, v]) for k, v in pairs])

    def on_BinOp(self, node: ast.BinOp) -> Value:
        op, call = operators.BINARY.get(type(node.op), (None, None))
        if op is None:
            raise Refused("this operator is not in a page without Python")
        a, b = self.eval(node.left), self.eval(node.right)
        if isinstance(a, (Lst, Tup)) and b.type.kind == "array":
            a = numpy_arrays.to_array(self, a)
        elif isinstance(b, (Lst, Tup)) and a.type.kind == "array":
            b = numpy_arrays.to_array(self, b)
        if op == "%" and isinstance(a, Const) and isinstance(a.value, str) and not static(b):
            raise Refused("% with a text", "use an f-string")
        if op == "%" and isinstance(a, Const) and isinstance(a.value, str):
            return operators.folded(call, a.value, plain(b))
        return operators.binary(self.trace, op, call, a, b)

    def on_UnaryOp(self, node: ast.UnaryOp) -> Value:
        value = self.eval(node.operand)
        if isinstance(node.op, ast.Not):
            return Const(not self.truth(value))
        if isinstance(value, Const):
            call = {ast.USub: lambda v: -v, ast.UAdd: lambda v: +v, ast.Invert: lambda v: ~v}
            return operators.folded(call[type(node.op)], value.value)
        kind = operators.operand(value).type
        if isinstance(node.op, ast.UAdd) and kind.kind in ("int", "float", "number", "real"):
            return value
        if isinstance(node.op, ast.USub) and kind.kind in ("int", "float", "number", "real"):
            return operators.python_number(self.trace, "*", value, Const(-1), kind if
                                           kind.kind != "number" else operators.dtypes.REAL)
        if isinstance(node.op, ast.USub) and operators.is_numpy(kind) and kind.dtype != "bool":
            return self.trace.emit("negative", [value], kind, dtype=kind.dtype)
        if isinstance(node.op, ast.Invert) and operators.is_numpy(kind) and kind.dtype == "bool":
            return self.trace.emit("not", [value], kind, dtype="bool")
        raise Refused("this operator is not in a page without Python")

    def on_BoolOp(self, node: ast.BoolOp) -> Value:
        wanted = isinstance(node.op, ast.Or)
        value: Value = Const(None)
        for child in node.values:
            value = self.eval(child)
            if child is node.values[-1] or self.truth(value) == wanted:
                return value
        return value

    def on_Compare(self, node: ast.Compare) -> Value:
        left = self.eval(node.left)
        result: Value = Const(True)
        for op, right_node in zip(node.ops, node.comparators):
            right = self.eval(right_node)
            result = self.compare(op, left, right)
            if right_node is not node.comparators[-1] and not self.truth(result):
                return Const(False)
            left = right
        return result

    def compare(self, op: ast.cmpop, a: Value, b: Value) -> Value:
        if isinstance(op, (ast.Is, ast.IsNot)):
            return Const(self._is(a, b) == isinstance(op, ast.Is))
        if isinstance(op, (ast.In, ast.NotIn)):
            found = sequences.contains(self, a, b)
            if isinstance(op, ast.In):
                return found
            return Const(not self.truth(found))
        sign, call = operators.COMPARE[type(op)]
        if isinstance(a, Hashed) and isinstance(b, Hashed):
            return operators.folded(call, set(a.items), set(b.items))
        if isinstance(a, Kind) or isinstance(b, Kind):
            if sign not in ("==", "!="):
                raise Refused("an order of types")
            same = numpy_common.dtype_of(a) == numpy_common.dtype_of(b)
            return Const(same == (sign == "=="))
        return operators.compare(self.trace, sign, call, a, b)

    def _is(self, a: Value, b: Value) -> bool:
        for one, other in ((a, b), (b, a)):
            if isinstance(other, Const) and (other.value is None or isinstance(other.value, bool)):
                if isinstance(one, Const):
                    return one.value is other.value
                if other.value is None:
                    return self.is_none(one)
                if one.type == BOOL and isinstance(one, Node) and not one.optional:
                    return self.truth(one) == other.value
        if isinstance(a, (Kind, Class, Module)) and isinstance(b, type(a)):
            return a is b or getattr(a, "name", 0) == getattr(b, "name", 1)
        raise Refused("`is` compares what is no constant", "use ==")

    def is_none(self, value: Value) -> bool:
        """Whether a value is None; the page finds out where it may be."""
        if isinstance(value, Const):
            return value.value is None
        if not isinstance(value, Node) or not value.optional:
            return False
        condition = self.trace.emit("isnull", [value], BOOL, nullable=True)
        if self.trace.decide(condition.ref):
            return True
        if value.depth == self.trace.depth:
            value.optional = False
        return False

    def truth(self, value: Value) -> bool:
        """Which way a condition goes, now or in the page."""
        if isinstance(value, Const):
            return bool(value.value)
        if isinstance(value, (Tup, Lst, Dct, Hashed)):
            return bool(value.items)
        if isinstance(value, Instance) and {"__bool__", "__len__"} & set(value.kind.names or ()):
            raise Refused("an object as a condition")
        if not isinstance(value, Node):
            return True
        if value.optional and self.is_none(value):
            return False
        kind = value.type
        if kind.kind in ("image", "file"):
            return True
        if kind.kind in ("tuple", "record"):
            return bool(kind.items)
        if kind.kind == "bool" or kind.kind == "np" and kind.dtype == "bool":
            return self.trace.decide(self.trace.encode(value))
        if kind.kind in ("array", "buffer"):
            raise Refused(f"{kind} as a condition", "use .any(), .all(), .size or len()")
        return self.trace.decide(self.trace.emit("truth", [value], BOOL).ref)

    def on_IfExp(self, node: ast.IfExp) -> Value:
        return self.eval(node.body if self.truth(self.eval(node.test)) else node.orelse)

    def on_Subscript(self, node: ast.Subscript) -> Value:
        return index.load(self, self.eval(node.value), self.index(node.slice))

    def index(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Index):  # Python 3.8's
            node = node.value  # type: ignore[attr-defined]
        if isinstance(node, ast.Tuple):
            return Tup([self.index(e) for e in node.elts])
        if isinstance(node, ast.Slice):
            return Slc(*(self.eval(p) if p is not None else None
                         for p in (node.lower, node.upper, node.step)))
        return self.eval(node)

    def on_Slice(self, node: ast.Slice) -> Value:
        return self.index(node)

    def on_JoinedStr(self, node: ast.JoinedStr) -> Value:
        parts: List[Value] = []
        for child in node.values:
            if isinstance(child, ast.FormattedValue):
                spec = self.eval(child.format_spec) if child.format_spec else Const("")
                if not isinstance(spec, Const):
                    raise Refused("a format that is known in the page only").at(self.scope.path,
                                                                               child.value)
                try:
                    parts.append(formatted(self.trace, self.eval(child.value), spec.value,
                                           child.conversion))
                except Refused as refused:
                    raise refused.at(self.scope.path, child.value)
            else:
                parts.append(Const(child.value))  # type: ignore[attr-defined]
        return joined(self.trace, parts)

    def on_Lambda(self, node: ast.Lambda) -> Value:
        return self.function(node)

    def on_ListComp(self, node: Any) -> Value:
        return sequences.comprehension(self, node.generators, [node.elt], "list")

    def on_GeneratorExp(self, node: Any) -> Value:
        return Iter(self.on_ListComp(node), True)

    def on_DictComp(self, node: ast.DictComp) -> Value:
        return sequences.comprehension(self, node.generators, [node.key, node.value], "dict")

    def on_Call(self, node: ast.Call) -> Value:
        callee = self.eval(node.func)
        args = self.elements(node.args)
        keywords: Dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.eval(keyword.value)
            if keyword.arg is not None:
                keywords[keyword.arg] = value
            elif isinstance(value, Dct) and all(isinstance(k, str) for k in value.items):
                keywords.update(value.items)
            else:
                raise Refused(f"** of {value.type}")
        return self.call(callee, args, keywords, node)

    # ---- calls -----------------------------------------------------------------------------------

    def call(self, callee: Value, args: List[Value], keywords: Dict[str, Value],
             node: Optional[ast.AST] = None) -> Value:
        """callee(*args, **keywords)."""
        try:
            if isinstance(callee, Function):
                return self.call_function(callee, args, keywords)
            if isinstance(callee, Native):
                return callee.call(self, args, keywords)
            return objects.call(self, callee, args, keywords)
        except Refused as refused:
            raise refused.at(self.scope.path, node) if node is not None else refused

    def call_function(self, callee: Function, args: List[Value],
                      keywords: Dict[str, Value]) -> Value:
        if self.calls >= _MOST_DEEP:
            raise Refused(f"{callee.name}() calls itself, or calls are {_MOST_DEEP} deep")
        if callee.bound is not None:
            args = [callee.bound, *args]
        scope = Scope(callee.path, callee.scope)
        objects.bind(callee, scope.names, args, keywords)
        before, self.scope = self.scope, scope
        self.calls += 1
        try:
            if isinstance(callee.node, ast.Lambda):
                return self.eval(callee.node.body)
            self.run(callee.node.body)
            return Const(None)
        except Returned as returned:
            return returned.value
        finally:
            self.scope = before
            self.calls -= 1

    def own(self, value: Value) -> None:
        """Refuses to change what outlives the call, or the round of a loop."""
        self.changes.value(self, value)
        if value.depth < self.trace.depth:
            if self.trace.depth <= 2:
                raise Refused("changes what lasts from call to call, which a page without Python does "
                              "not keep")
            raise Refused("changes something outside of a loop whose length is known in the page "
                          "only")

    def need_text(self, value: Value) -> Value:
        """A str, now or in the page; str() of anything else."""
        return value if value.type == STR else formatted(self.trace, value, "", -1)


def known_key(key: Value) -> Any:
    """A key of a dict that is known now."""
    found = plain(key)
    try:
        hash(found)
    except TypeError as error:
        raise PyError("TypeError", str(error)) from None
    return found


def joined(trace: Trace, parts: List[Value]) -> Value:
    """Texts one after the other, neighbouring constants as one."""
    made: List[Value] = []
    for part in parts:
        if made and isinstance(made[-1], Const) and isinstance(part, Const):
            made[-1] = Const(made[-1].value + part.value)
        else:
            made.append(part)
    if not made:
        return Const("")
    if len(made) == 1:
        return made[0]
    return trace.emit("concat", made, STR)
