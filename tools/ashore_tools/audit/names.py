"""What an expression refers to, as dotted names: `sp.run` after `import subprocess as sp` is
`subprocess.run`, and `t.start` after `t = Thread()` is `threading.Thread().start`."""

import ast
from typing import Callable, Dict, FrozenSet, Optional, Set

from .meanings import Meanings
from .scopes import COMPREHENSIONS, Binding, Scope, Scopes

LOCAL = "~"     # before names of the program's own modules
_DEEPEST = 30   # steps from a text or a class to where it is written

# Results of these refer to their argument.
_SAME = ("functools.partial", "functools.wraps()", "copy.copy", "copy.deepcopy", "list", "tuple",
         "set", "sorted", "reversed", "iter")


class Names:
    """Resolves expressions of one file.  `local(module)` gives the names of a local module;
    `meanings` is shared by all files."""

    def __init__(self, scopes: Scopes, local: Callable[[str], Optional["Names"]],
                 meanings: Meanings) -> None:
        self.scopes = scopes
        self.local = local
        self.meanings = meanings

    def of(self, node: ast.AST, scope: Scope) -> FrozenSet[str]:
        """The dotted names that an expression may stand for; empty where that is not known."""
        return self.meanings.of((id(node), id(scope)), self._of, node, scope)

    def _of(self, node: ast.AST, scope: Scope) -> Set[str]:
        if isinstance(node, ast.Name):
            return set(self.name(node.id, scope))
        if isinstance(node, ast.Attribute):
            return self._attribute(node, scope)
        if isinstance(node, ast.Call):
            return self._call(node, scope)
        if isinstance(node, ast.IfExp):
            return set(self.of(node.body, scope) | self.of(node.orelse, scope))
        if isinstance(node, ast.BoolOp):
            return set().union(*(self.of(v, scope) for v in node.values))
        if isinstance(node, (ast.NamedExpr, ast.Await, ast.Starred)):
            return set(self.of(node.value, scope))
        if isinstance(node, ast.Subscript):
            inside = self.of(node.value, scope)
            return self.elements(node.value, scope) | {
                n for n in inside if n.startswith(("os.environ", "sys.modules"))}
        return set()

    def name(self, name: str, scope: Scope) -> FrozenSet[str]:
        """What a name stands for in a scope."""
        where = scope.find(name)
        if where is None:
            return self.meanings.of((name, id(self)), self._unbound, name)
        return self.meanings.of((name, id(where)), self._bound, name, where)

    def _bound(self, name: str, where: Scope) -> Set[str]:
        found: Set[str] = set()
        for binding in where.names[name]:
            found |= self._binding(binding, where)
        return found

    def _unbound(self, name: str) -> Set[str]:
        found = {name}
        for module in self.scopes.module.stars:
            found.add(f"{module}.{name}")
        return {self.canonical(n) for n in found}

    def _binding(self, binding: Binding, where: Scope) -> Set[str]:
        node = binding.node
        if binding.kind in ("module", "member"):
            return {self.canonical(binding.dotted)}
        if node is None:
            return set()
        if binding.kind in ("value", "entered"):
            return set(self.of(node, where))
        if binding.kind == "each":
            return set(self.elements(node, where))
        if binding.kind == "instance":
            return {f"{n}()" for n in self.of(node, where.parent or where)}
        if binding.kind == "class":
            return self.bases(node, where)
        if binding.kind == "self":
            outer = where.holder.parent if where.holder else None
            return {f"{n}()" for n in self.bases(node, outer or where)}
        return set()

    def bases(self, node: ast.AST, where: Scope) -> Set[str]:
        """The classes of elsewhere that a class of the file is derived from."""
        found: Set[str] = set()
        for base in getattr(node, "bases", []):
            found |= self.of(base, where)
        return found

    def overrides(self, owner: ast.AST, method: str, scope: Scope) -> bool:
        """Whether `owner.method` is a method that a class of the file has itself."""
        holder = self._class_of(owner, scope)
        return holder is not None and method in self.scopes.by_node[holder].names

    def _class_of(self, owner: ast.AST, scope: Scope, depth: int = 0) -> Optional[ast.AST]:
        if depth > _DEEPEST:
            return None
        if isinstance(owner, ast.Call):
            owner = owner.func
        if not isinstance(owner, ast.Name):
            return None
        where = scope.find(owner.id)
        for binding in where.names[owner.id] if where else ():
            if binding.kind in ("class", "self"):
                return binding.node
            if binding.kind == "value" and isinstance(binding.node, ast.Call):
                return self._class_of(binding.node, where or scope, depth + 1)
        return None

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Set[str]:
        found = {self.canonical(f"{base}.{node.attr}") for base in self.of(node.value, scope)}
        if isinstance(node.value, ast.Name) and scope.holder is not None:
            where = scope.find(node.value.id)
            if where and any(b.kind == "self" for b in where.names[node.value.id]):
                found |= self.meanings.of(("self", node.attr, id(scope.holder)), self._own,
                                          node.attr, scope.holder)
        return found

    def _own(self, attribute: str, holder: Scope) -> Set[str]:
        found: Set[str] = set()
        for inner, value in holder.attributes.get(attribute, ()):
            found |= self.of(value, inner)
        return found

    def _call(self, node: ast.Call, scope: Scope) -> Set[str]:
        found: Set[str] = set()
        literal = text_of(node.args[0], scope) if node.args else None
        for callee in self.of(node.func, scope):
            if callee in ("importlib.import_module", "__import__", "builtins.__import__"):
                if literal and not literal.startswith("."):
                    root = callee != "importlib.import_module"
                    found.add(self.canonical(literal.split(".")[0] if root else literal))
            elif callee == "getattr" and len(node.args) > 1:
                found |= self._getattr(node, scope)
            elif callee in _SAME and node.args:
                found |= self.of(node.args[0], scope)
            elif callee.startswith(LOCAL):
                found |= self._result_elsewhere(callee) or {f"{callee}()"}
            elif callee == "super" and scope.holder is not None and scope.holder.parent is not None:
                found |= {f"{n}()" for n in self.bases(scope.holder.node, scope.holder.parent)}
            else:
                found.add(f"{callee}()")
        return found | self._result(node.func, scope)

    def _result(self, func: ast.AST, scope: Scope) -> Set[str]:
        """What a function of the file returns."""
        where = scope.find(func.id) if isinstance(func, ast.Name) else None
        found: Set[str] = set()
        for binding in where.names[func.id] if where else ():  # type: ignore[attr-defined]
            if binding.kind == "function" and binding.node is not None:
                inner = self.scopes.by_node[binding.node]
                for value in inner.returns:
                    found |= self.of(value, inner)
        return found

    def _result_elsewhere(self, callee: str) -> Set[str]:
        """What a function of another file of the program returns."""
        module, _, name = callee[len(LOCAL):].rpartition(".")
        other = self.local(module) if module else None
        found: Set[str] = set()
        for binding in other.scopes.module.names.get(name, ()) if other else ():
            if binding.kind == "function" and binding.node is not None:
                inner = other.scopes.by_node[binding.node]  # type: ignore[union-attr]
                for value in inner.returns:
                    found |= other.of(value, inner)  # type: ignore[union-attr]
        return found

    def _getattr(self, node: ast.Call, scope: Scope) -> Set[str]:
        name = node.args[1]
        if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
            return set()
        return {self.canonical(f"{base}.{name.value}") for base in self.of(node.args[0], scope)}

    def elements(self, node: ast.AST, scope: Scope) -> FrozenSet[str]:
        """What the elements of a list, or of what a comprehension makes, stand for."""
        return self.meanings.of(("in", id(node), id(scope)), self._elements, node, scope)

    def _elements(self, node: ast.AST, scope: Scope) -> Set[str]:
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return set().union(*(self.of(e, scope) for e in node.elts))
        if isinstance(node, COMPREHENSIONS) and not isinstance(node, ast.DictComp):
            return set(self.of(node.elt, self.scopes.by_node.get(node, scope)))
        if isinstance(node, ast.Dict):
            return set().union(*(self.of(v, scope) for v in node.values))
        if isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Name) and \
                node.func.id in ("list", "tuple", "sorted", "reversed", "set"):
            return set(self.elements(node.args[0], scope))
        if isinstance(node, ast.Name):
            where = scope.find(node.id)
            if where is not None:
                return set(self.meanings.of(("in", node.id, id(where)), self._named_elements,
                                            node.id, where))
        return set()

    def _named_elements(self, name: str, where: Scope) -> Set[str]:
        found: Set[str] = set()
        for binding in where.names[name]:
            if binding.kind == "value" and binding.node is not None:
                found |= self.elements(binding.node, where)
        for inner, value in where.elements.get(name, ()):
            found |= self.of(value, inner)
        return found

    def canonical(self, dotted: str) -> str:
        """Follows names through local modules: `util.sp.run` to `subprocess.run`.  What ends in one
        begins with LOCAL, so that it is taken for nobody else's."""
        dotted = dotted[len(LOCAL):] if dotted.startswith(LOCAL) else dotted
        return next(iter(self.meanings.of(("to", dotted, self.local), self._follow, dotted)), dotted)

    def _follow(self, dotted: str) -> Set[str]:
        parts = dotted.split(".")
        for cut in range(len(parts), 0, -1):
            names = self.local(".".join(parts[:cut]))
            if names is None:
                continue
            if cut < len(parts):
                for binding in names.scopes.module.names.get(parts[cut], ()):
                    target = names.followed(binding)
                    if target:
                        return {self.canonical(".".join([target] + parts[cut + 1:]))}
            return {LOCAL + dotted}
        return {dotted}

    def followed(self, binding: Binding) -> str:
        """The one name that a binding of the module stands for, or ''."""
        if binding.kind in ("module", "member"):
            return binding.dotted
        if binding.kind == "value" and isinstance(binding.node, (ast.Name, ast.Attribute)):
            found = self.of(binding.node, self.scopes.module)
            return next(iter(found)) if len(found) == 1 else ""
        return ""


def text_of(node: Optional[ast.AST], scope: Scope, depth: int = 0) -> Optional[str]:
    """The text of a literal, of a name that is bound once to one, or of a sum of them."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        parts = [text_of(v, scope, depth + 1) for v in node.values]
        return None if any(p is None for p in parts) else "".join(p or "" for p in parts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and depth < _DEEPEST:
        left = text_of(node.left, scope, depth + 1)
        right = text_of(node.right, scope, depth + 1)
        return None if left is None or right is None else left + right
    if isinstance(node, ast.Name) and depth < _DEEPEST:
        where = scope.find(node.id)
        bindings = where.names[node.id] if where else []
        if len(bindings) == 1 and bindings[0].kind == "value":
            return text_of(bindings[0].node, where or scope, depth + 1)
    return None


def keywords(node: ast.Call) -> Dict[str, ast.AST]:
    """The keyword arguments of a call."""
    return {k.arg: k.value for k in node.keywords if k.arg}
