"""Which names a file binds, scope by scope, and to what."""

import ast
from typing import Dict, List, NamedTuple, Optional, Set, Tuple

from .nodes import children

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_OPENING = set(FUNCTIONS + COMPREHENSIONS + (ast.Lambda, ast.ClassDef))
_BINDING = {ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Assign, ast.AnnAssign,
            ast.NamedExpr, ast.AugAssign, ast.For, ast.AsyncFor, ast.comprehension, ast.withitem,
            ast.ExceptHandler, ast.Call}
_GUARDED = {ast.Try, ast.With}


class Binding(NamedTuple):
    """One way in which a name gets its value."""

    kind: str  # module, member, value, each, entered, class, function, self, opaque
    node: Optional[ast.AST] = None
    dotted: str = ""


class Scope:
    """A module, function, class or comprehension."""

    def __init__(self, node: ast.AST, parent: Optional["Scope"]) -> None:
        self.node = node
        self.parent = parent
        self.names: Dict[str, List[Binding]] = {}
        # What is appended to a list of that name, and where.
        self.elements: Dict[str, List[Tuple["Scope", ast.AST]]] = {}
        self.stars: List[str] = []                     # modules of `from x import *`
        self.attributes: Dict[str, List[Tuple["Scope", ast.AST]]] = {}  # self.x, of a class
        self.elsewhere: Set[str] = set()               # global and nonlocal
        self.is_class = isinstance(node, ast.ClassDef)
        self.holder: Optional["Scope"] = None          # a method's class
        self.returns: List[ast.AST] = []               # what a function returns
        self.settled: Set[str] = set()                 # names of which bindings were forgotten

    def bind(self, name: str, binding: Binding) -> None:
        scope = self
        if name in self.elsewhere and self.parent is not None:
            scope = self.parent
            while scope.parent is not None and (scope.is_class or name not in scope.names):
                scope = scope.parent
        scope.names.setdefault(name, []).append(binding)

    def forget(self, nodes: Set[int]) -> None:
        """Takes out bindings by the identities of their nodes."""
        for name, bindings in list(self.names.items()):
            kept = [b for b in bindings if id(b.node) not in nodes]
            if len(kept) < len(bindings):
                self.settled.add(name)
                self.names[name] = kept
                if not kept:
                    del self.names[name]

    def find(self, name: str) -> Optional["Scope"]:
        """The scope that has a name, as seen from code in this one."""
        scope: Optional[Scope] = self
        first = True
        while scope is not None:
            if name in scope.names and (first or not scope.is_class):
                return scope
            first = False
            scope = scope.parent
        return None


class Scopes:
    """The scopes of a file, by the node that opens them."""

    def __init__(self, tree: ast.AST, package: str) -> None:
        self.package = package  # dotted, of the file, for relative imports
        self.module = Scope(tree, None)
        self.by_node: Dict[ast.AST, Scope] = {tree: self.module}
        self.guarded: List[ast.AST] = []  # statements `try` and `with`
        stack: List[Tuple[ast.AST, Scope]] = [(tree, self.module)]
        while stack:
            node, scope = stack.pop()
            kind = node.__class__
            below = children(node)
            if kind in _OPENING:
                inner = self._enter(node, scope)
                around = {id(n) for n in self._outside(node)}
                stack += [(n, scope if id(n) in around else inner) for n in reversed(below)]
                continue
            if kind in _GUARDED:
                self.guarded.append(node)
            elif kind is ast.Return and node.value is not None:
                scope.returns.append(node.value)
            if kind in _BINDING:
                self._bindings(node, scope)
            stack += [(n, scope) for n in reversed(below)]

    def _outside(self, node: ast.AST) -> List[ast.AST]:
        """The children of what opens a scope that are evaluated around it."""
        if isinstance(node, FUNCTIONS):
            return node.decorator_list + ([node.returns] if node.returns else [])
        if isinstance(node, ast.ClassDef):
            return node.decorator_list + node.bases + node.keywords  # type: ignore[operator]
        return []

    def _enter(self, node: ast.AST, scope: Scope) -> Scope:
        if isinstance(node, ast.ClassDef):
            scope.bind(node.name, Binding("class", node))
            return self._open(node, scope)
        if isinstance(node, COMPREHENSIONS):
            return self._open(node, scope)
        return self._function(node, scope)

    def _open(self, node: ast.AST, parent: Scope) -> Scope:
        inner = self.by_node[node] = Scope(node, parent)
        return inner

    def _function(self, node, scope: Scope) -> Scope:
        inner = self._open(node, scope)
        if not isinstance(node, ast.Lambda):
            scope.bind(node.name, Binding("function", node))
        args = node.args
        plain = args.posonlyargs + args.args + args.kwonlyargs
        for arg in plain + [a for a in (args.vararg, args.kwarg) if a]:
            annotated = arg.annotation if arg in plain else None
            inner.bind(arg.arg, Binding("instance", annotated) if annotated else Binding("opaque"))
        if scope.is_class and not isinstance(node, ast.Lambda):
            inner.holder = scope
            first = (args.posonlyargs + args.args)[:1]
            static = any(isinstance(d, ast.Name) and d.id == "staticmethod"
                         for d in node.decorator_list)
            if first and not static:
                inner.names[first[0].arg] = [Binding("self", scope.node)]
        elif scope.holder is not None:
            inner.holder = scope.holder
        return inner

    def _bindings(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    scope.bind(alias.asname, Binding("module", node, alias.name))
                else:
                    scope.bind(alias.name.split(".")[0],
                               Binding("module", node, alias.name.split(".")[0]))
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, self.package)
            for alias in node.names:
                if alias.name == "*":
                    scope.stars.append(base)
                else:
                    scope.bind(alias.asname or alias.name,
                               Binding("member", node, f"{base}.{alias.name}"))
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            scope.elsewhere.update(node.names)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self._target(target, Binding("value", node.value), scope)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            self._target(node.target, Binding("value", node.value), scope)
        elif isinstance(node, ast.AugAssign):
            self._target(node.target, Binding("opaque"), scope)
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            self._target(node.target, Binding("each", node.iter), scope)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            self._target(node.optional_vars, Binding("entered", node.context_expr), scope)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            scope.bind(node.name, Binding("opaque"))
        elif isinstance(node, ast.Call):
            self._appended(node, scope)

    def _target(self, target: ast.AST, binding: Binding, scope: Scope) -> None:
        if isinstance(target, ast.Name):
            scope.bind(target.id, binding)
        elif isinstance(target, (ast.Tuple, ast.List)):
            values = binding.node
            paired = (binding.kind == "value" and isinstance(values, (ast.Tuple, ast.List))
                      and len(values.elts) == len(target.elts))
            for i, element in enumerate(target.elts):
                part = (Binding("value", values.elts[i]) if paired  # type: ignore[union-attr]
                        else Binding("opaque"))
                self._target(element, part, scope)
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            if binding.kind == "value" and binding.node is not None:
                self._kept(target.value.id, binding.node, scope)
        elif isinstance(target, ast.Starred):
            self._target(target.value, Binding("opaque"), scope)
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            holder = scope.holder
            if holder is not None and binding.kind in ("value", "entered") and binding.node:
                own = scope.find(target.value.id)
                if own and any(b.kind == "self" for b in own.names[target.value.id]):
                    holder.attributes.setdefault(target.attr, []).append((scope, binding.node))

    @staticmethod
    def _kept(name: str, value: ast.AST, scope: Scope) -> None:
        """`name[...] = value`, or `name.append(value)`."""
        where = scope.find(name) or scope
        where.elements.setdefault(name, []).append((scope, value))

    def _appended(self, node: ast.Call, scope: Scope) -> None:
        func = node.func
        if (isinstance(func, ast.Attribute) and func.attr in ("append", "add") and node.args
                and isinstance(func.value, ast.Name)):
            self._kept(func.value.id, node.args[0], scope)


def absolute(node: ast.ImportFrom, package: str) -> str:
    """The module that `from X import` names; '' dots are taken relative to the file's package."""
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    keep = len(parts) - (node.level - 1)
    base = parts[:keep] if keep > 0 else []
    return ".".join(base + ([node.module] if node.module else []))
