"""Walking over syntax trees, which have many nodes: without contexts and operators."""

import ast
from typing import Dict, List, Tuple

# Fields that hold texts, numbers, contexts or operators.
_PLAIN = {"ctx", "op", "ops", "kind", "type_comment", "id", "attr", "arg", "level", "module",
          "conversion", "is_async", "simple", "type_ignores", "kwd_attrs", "rest", "str"}
_FIELDS: Dict[type, Tuple[str, ...]] = {}


def children(node: ast.AST) -> List[ast.AST]:
    """The nodes directly below one, in order."""
    kind = node.__class__
    fields = _FIELDS.get(kind)
    if fields is None:
        fields = _FIELDS[kind] = tuple(f for f in kind._fields if f not in _PLAIN)
    found: List[ast.AST] = []
    for field in fields:
        value = getattr(node, field, None)
        if value.__class__ is list:
            found += [v for v in value if isinstance(v, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found
