"""Conditions whose outcome under Pyodide is known without running anything."""

import ast
from typing import Any, Dict, List, Optional, Set

from .guards import Lacks, catching, fails
from .names import LOCAL, Names, text_of
from .scopes import Scope
from .stdlib import missing_names

_VALUES = {
    "sys.platform": "emscripten", "os.name": "posix", "typing.TYPE_CHECKING": False,
    "TYPE_CHECKING": False, "typing_extensions.TYPE_CHECKING": False,
    "platform.system()": "Emscripten", "platform.machine()": "wasm32",
    "platform.uname().system": "Emscripten", "sys.maxsize": 2 ** 31 - 1,
    "sys.implementation.name": "cpython", "platform.python_implementation()": "CPython",
    "sys.version_info.major": 3, "sys.version_info.minor": 14, "sys.byteorder": "little",
    "torch.cuda.is_available()": False, "__debug__": True, "sys.executable": "",
    "sys.version_info": (3, 14, 2), "os.sep": "/", "os.linesep": "\n",
    "onnxruntime.get_device()": "CPU",
}
_MODULES = {"pyodide": True, "pyodide_js": True, "js": True}
_UNKNOWN, _GOES_ON = object(), object()


class Conditions:
    """Evaluates tests of one file; `main` says whether it is the file that is run."""

    def __init__(self, names: Names, main: bool, lacks: Lacks, unrun: Set[int]) -> None:
        self.names = names
        self.main = main
        self.lacks = lacks
        self.unrun = unrun
        self._outcomes: Dict[tuple, Optional[bool]] = {}

    def outcome(self, test: ast.AST, scope: Scope) -> Optional[bool]:
        """True or False where that is certain, otherwise None."""
        mark = (id(test), id(scope))
        if mark not in self._outcomes:
            value = self._value(test, scope, 0)
            self._outcomes[mark] = None if value is _UNKNOWN else bool(value)
        return self._outcomes[mark]

    def _value(self, node: ast.AST, scope: Scope, depth: int) -> Any:
        if depth > 20:
            return _UNKNOWN
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            values = [self._value(e, scope, depth + 1) for e in node.elts]
            return _UNKNOWN if _UNKNOWN in values else tuple(values)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self._value(node.operand, scope, depth + 1)
            return _UNKNOWN if inner is _UNKNOWN else not inner
        if isinstance(node, ast.BoolOp):
            return self._bool_op(node, scope, depth)
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self._compare(node, scope, depth)
        if isinstance(node, ast.Call):
            return self._call(node, scope, depth)
        if isinstance(node, ast.Subscript):
            return self._subscript(node, scope, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            left = self._value(node.left, scope, depth + 1)
            right = self._value(node.right, scope, depth + 1)
            small = isinstance(left, int) and isinstance(right, int) and 0 <= right < 64 > left
            return left ** right if small else _UNKNOWN
        return self._named(node, scope, depth)

    def _named(self, node: ast.AST, scope: Scope, depth: int) -> Any:
        if isinstance(node, ast.Name) and node.id == "__name__":
            return "__main__" if self.main else _UNKNOWN
        found = self.names.of(node, scope)
        values = {n: _VALUES[n] for n in found if n in _VALUES}
        if len(values) == 1 and len(found) == 1:
            return next(iter(values.values()))
        if isinstance(node, ast.Name) and not found:
            return self._constant(node.id, scope, depth)
        if len(found) == 1 and next(iter(found)).startswith(LOCAL):
            return self._elsewhere(next(iter(found)), depth)
        return _UNKNOWN

    def _elsewhere(self, dotted: str, depth: int) -> Any:
        """A name of another file of the program."""
        module, _, name = dotted[len(LOCAL):].rpartition(".")
        other = self.names.local(module) if module else None
        if other is None:
            return _UNKNOWN
        conditions = Conditions(other, False, self.lacks, self.unrun)
        return conditions._constant(name, other.scopes.module, depth + 1)

    def _constant(self, name: str, scope: Scope, depth: int) -> Any:
        """A name of the module that is bound once, to a test: IN_BROWSER = sys.platform == ..., or
        of which an import that fails leaves one value."""
        where = scope.find(name)
        bindings = where.names[name] if where else []
        if len(bindings) != 1 or bindings[0].kind != "value" or bindings[0].node is None:
            return _UNKNOWN
        value = bindings[0].node
        tests = (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Call, ast.Attribute)
        settled = where is not None and name in where.settled
        if not isinstance(value, tests) and not (settled and isinstance(value, ast.Constant)):
            return _UNKNOWN
        return self._value(value, where or scope, depth + 1)

    def _bool_op(self, node: ast.BoolOp, scope: Scope, depth: int) -> Any:
        decisive = isinstance(node.op, ast.Or)
        values = [self._value(v, scope, depth + 1) for v in node.values]
        known = [bool(v) for v in values if v is not _UNKNOWN]
        if decisive in known:
            return decisive
        return _UNKNOWN if len(known) < len(values) else not decisive

    def _compare(self, node: ast.Compare, scope: Scope, depth: int) -> Any:
        left = node.left
        name = isinstance(left, ast.Name) and left.id == "__name__"
        operator, right_node = node.ops[0], node.comparators[0]
        if name and not self.main:
            other = self._value(right_node, scope, depth + 1)
            if other == "__main__" and isinstance(operator, (ast.Eq, ast.NotEq)):
                return isinstance(operator, ast.NotEq)
            return _UNKNOWN
        if isinstance(operator, (ast.In, ast.NotIn)) and isinstance(left, ast.Constant):
            if "sys.modules" in self.names.of(right_node, scope):
                known = _MODULES.get(left.value, _UNKNOWN)
                if known is _UNKNOWN:
                    return known
                return known == isinstance(operator, ast.In)
        a = self._value(left, scope, depth + 1)
        b = self._value(right_node, scope, depth + 1)
        if a is _UNKNOWN or b is _UNKNOWN:
            return _UNKNOWN
        try:
            return _compared(a, operator, b)
        except TypeError:
            return _UNKNOWN

    def _call(self, node: ast.Call, scope: Scope, depth: int) -> Any:
        func = node.func
        argument = node.args[0] if node.args else None
        if isinstance(func, ast.Attribute) and func.attr in ("startswith", "lower", "endswith"):
            owner = self._value(func.value, scope, depth + 1)
            if isinstance(owner, str):
                if func.attr == "lower":
                    return owner.lower()
                what = self._value(argument, scope, depth + 1) if argument else _UNKNOWN
                if isinstance(what, (str, tuple)):
                    return getattr(owner, func.attr)(what)
        if isinstance(func, ast.Name) and func.id == "hasattr" and len(node.args) == 2:
            name = self._value(node.args[1], scope, depth + 1)
            for owner in self.names.of(node.args[0], scope):
                if isinstance(name, str) and name in missing_names(owner):
                    return False
            return _UNKNOWN
        if "importlib.util.find_spec" in self.names.of(func, scope):
            module = text_of(argument, scope)
            if module and not module.startswith("."):
                return None if self.lacks(module, ()) else module
            return _UNKNOWN
        named = self._named(node, scope, depth)
        return self._returned(func, scope, depth) if named is _UNKNOWN else named

    def _returned(self, func: ast.AST, scope: Scope, depth: int) -> Any:
        """What a function of the program returns, where it does nothing but find that out."""
        names, where = self.names, scope
        if isinstance(func, ast.Name) and scope.find(func.id) is not None:
            where, name = scope.find(func.id) or scope, func.id
            found = names.of(func, scope)
            if len(found) == 1 and next(iter(found)).startswith(LOCAL):
                module, _, name = next(iter(found))[len(LOCAL):].rpartition(".")
                other = names.local(module) if module else None
                if other is None:
                    return _UNKNOWN
                names, where = other, other.scopes.module
            bindings = where.names.get(name, [])
            if len(bindings) == 1 and isinstance(bindings[0].node, ast.FunctionDef):
                function = bindings[0].node
                conditions = Conditions(names, False, self.lacks, self.unrun)
                value = conditions._run(function.body, names.scopes.by_node[function], depth + 1)
                return _UNKNOWN if value is _GOES_ON else value
        return _UNKNOWN

    def _run(self, body: List[ast.stmt], scope: Scope, depth: int) -> Any:
        """What a body returns; _GOES_ON where it returns nothing."""
        for statement in body if depth < 20 else ():
            value: Any = _GOES_ON
            if isinstance(statement, ast.Return):
                return self._value(statement.value, scope, depth + 1) if statement.value else None
            if isinstance(statement, ast.If):
                outcome = self.outcome(statement.test, scope)
                value = _UNKNOWN if outcome is None else self._run(
                    statement.body if outcome else statement.orelse, scope, depth + 1)
            elif isinstance(statement, ast.Try):
                handler = catching(statement)
                package = self.names.scopes.package
                failed = handler and any(fails(s, package, self.lacks) for s in statement.body)
                value = self._run(handler.body if handler and failed else statement.body, scope,
                                  depth + 1)
            elif not isinstance(statement, (ast.Import, ast.ImportFrom, ast.Pass)) and not (
                    isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
                return _UNKNOWN
            if value is not _GOES_ON:
                return value
        return _GOES_ON if depth < 20 else _UNKNOWN

    def _subscript(self, node: ast.Subscript, scope: Scope, depth: int) -> Any:
        value = self._value(node.value, scope, depth + 1)
        part = node.slice
        if not isinstance(value, tuple):
            return _UNKNOWN
        if isinstance(part, ast.Constant) and isinstance(part.value, int) \
                and -len(value) <= part.value < len(value):
            return value[part.value]
        if isinstance(part, ast.Slice):
            ends = [None if end is None else getattr(end, "value", _UNKNOWN)
                    for end in (part.lower, part.upper, part.step)]
            if all(end is None or isinstance(end, int) for end in ends) and ends[2] != 0:
                return value[slice(*ends)]
        return _UNKNOWN


def _compared(a: Any, operator: ast.cmpop, b: Any) -> Any:
    if isinstance(operator, (ast.Eq, ast.Is)):
        return a == b
    if isinstance(operator, (ast.NotEq, ast.IsNot)):
        return a != b
    if isinstance(operator, ast.In):
        return a in b
    if isinstance(operator, ast.NotIn):
        return a not in b
    if isinstance(operator, ast.Lt):
        return a < b
    if isinstance(operator, ast.LtE):
        return a <= b
    if isinstance(operator, ast.Gt):
        return a > b
    return a >= b if isinstance(operator, ast.GtE) else _UNKNOWN
