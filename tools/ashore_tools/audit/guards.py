"""What is not run because an import before it fails, and the program expects that:

    try:
        import torch
        HAS_TORCH = True        # not run where there is no torch
    except ImportError:
        HAS_TORCH = False
"""

import ast
import builtins
from typing import Callable, List, Optional, Set, Tuple

from . import stdlib
from .scopes import Scopes, absolute

# Says whether a module cannot be imported, or one of the names from it.
Lacks = Callable[[str, Tuple[str, ...]], bool]

_CATCHING = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


def catching(node: ast.AST) -> Optional[ast.ExceptHandler]:
    """The handler of a `try` that takes a failed import and goes on."""
    for handler in getattr(node, "handlers", ()):
        kind = handler.type
        parts = kind.elts if isinstance(kind, ast.Tuple) else [kind]
        if kind is None or any(_last(p) in _CATCHING for p in parts):
            return None if reraises(handler) else handler
    return None


def _last(node: Optional[ast.AST]) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _suppresses(node: ast.AST) -> bool:
    for item in getattr(node, "items", ()):
        call = item.context_expr
        if isinstance(call, ast.Call) and _last(call.func) == "suppress":
            return any(_last(a) in _CATCHING for a in call.args)
    return False


def fails(statement: ast.AST, package: str, lacks: Lacks) -> bool:
    """Whether a statement is an import that cannot succeed."""
    if isinstance(statement, ast.Import):
        return any(lacks(alias.name, ()) for alias in statement.names)
    if isinstance(statement, ast.ImportFrom):
        base = absolute(statement, package)
        names = tuple(alias.name for alias in statement.names)
        return bool(base) and lacks(base, names)
    return False


def imported(statement: ast.AST, package: str) -> List[str]:
    """The modules that a statement imports."""
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    if isinstance(statement, ast.ImportFrom):
        base = absolute(statement, package)
        return [base] + [f"{base}.{alias.name}" for alias in statement.names] if base else []
    return []


def expects_imports(handler: ast.ExceptHandler, body: List[ast.stmt]) -> bool:
    """Whether a handler is there for imports that fail, and for nothing else."""
    kind = handler.type
    parts = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return all(isinstance(s, (ast.Import, ast.ImportFrom)) for s in body) or all(
        _last(part) in ("ImportError", "ModuleNotFoundError") for part in parts)


def certain(statement: ast.AST) -> bool:
    """Whether a statement is an import from the standard library that cannot fail."""
    if isinstance(statement, ast.Import):
        return all(stdlib.has(alias.name) for alias in statement.names)
    if isinstance(statement, ast.ImportFrom) and not statement.level:
        return all(stdlib.has(statement.module or "", alias.name) for alias in statement.names)
    return False


def apply(scopes: Scopes, lacks: Lacks) -> Set[int]:
    """Takes the names that are never bound out of the scopes.  Returns the identities of the
    statements that are not run."""
    unrun: Set[int] = set()
    unbound: Set[int] = set()
    for node in scopes.guarded:
        unrun |= _needless(node)
        if not (catching(node) or _suppresses(node)):
            continue
        body = node.body  # type: ignore[attr-defined]
        at = next((i for i, s in enumerate(body) if fails(s, scopes.package, lacks)), None)
        if at is None:
            if body and all(certain(s) for s in body):
                for handler in getattr(node, "handlers", ()):
                    unrun |= {id(statement) for statement in handler.body}
                    unbound |= {id(below) for s in handler.body for below in ast.walk(s)}
            continue
        after: List[ast.AST] = body[at + 1:] + getattr(node, "orelse", [])
        unrun |= {id(statement) for statement in after}
        unbound.add(id(body[at]))
        for statement in after:
            unbound |= {id(below) for below in ast.walk(statement)}
    if unbound:
        for scope in scopes.by_node.values():
            scope.forget(unbound)
    return unrun


def _needless(node: ast.AST) -> Set[int]:
    """`try: set` / `except NameError: from sets import Set as set`: what is for older versions."""
    body = node.body  # type: ignore[attr-defined]
    if not all(isinstance(s, ast.Expr) and isinstance(s.value, ast.Name)
               and hasattr(builtins, s.value.id) for s in body):
        return set()
    return {id(statement) for handler in getattr(node, "handlers", ())
            if handler.type is not None and _last(handler.type) == "NameError"
            for statement in handler.body}


def reraises(handler: ast.ExceptHandler) -> bool:
    """Whether a handler does no more than raise, or end the program."""
    last = handler.body[-1] if handler.body else None
    if isinstance(last, ast.Raise):
        return True
    call = last.value if isinstance(last, ast.Expr) else None
    return isinstance(call, ast.Call) and _last(call.func) in ("exit", "_exit", "quit", "abort")
