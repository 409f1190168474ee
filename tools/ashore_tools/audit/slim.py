"""Takes out of a syntax tree what is not looked at: the bodies of functions that are not short."""

import ast
from typing import List

_SHORT = 6  # statements of functions that may say no more than what a condition is
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def slim(tree: ast.Module, text: str) -> None:
    """Empties functions, but those that bind names of the module."""
    keeps = "global" in text
    waiting: List[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for field in _BLOCKS:
                below = getattr(node, field, None)
                waiting += below if isinstance(below, list) else []
        elif len(node.body) > _SHORT and not (keeps and _binds(node)):
            node.body = [ast.copy_location(ast.Pass(), node)]


def _binds(node: ast.AST) -> bool:
    return any(isinstance(below, ast.Global) for below in ast.walk(node))
