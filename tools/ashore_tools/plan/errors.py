"""Why a program has no plan."""

import ast
from typing import Optional


class Refused(Exception):
    """Something that a plan cannot say: `reason`, and where, once it is known."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice
        self.path: Optional[str] = None
        self.line = 0
        self.text = ""

    def why(self) -> str:
        """The expression, unless the reason begins with it, the reason, and the advice."""
        text = f"{self.text}: " if self.text and not self.reason.startswith(self.text) else ""
        return text + self.reason + (f"; {self.advice}" if self.advice else "")

    def at(self, path: str, node: ast.AST) -> "Refused":
        """Itself, with the innermost place that is told."""
        if self.path is None:
            self.path, self.line = path, getattr(node, "lineno", 0)
            self.text = snippet(node)
        return self


class PyError(Exception):
    """An exception that the program itself raises on the way that is being followed."""

    def __init__(self, kind: str, message: object, **details: object) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message  # a str, or a value of which it is made in the page
        self.details = details
        self.line = 0


def snippet(node: ast.AST) -> str:
    """The source of a node on one line of at most 60 characters."""
    if isinstance(node, (ast.For, ast.While, ast.With, ast.If, ast.FunctionDef, ast.ClassDef,
                         ast.Try, ast.AsyncFunctionDef, ast.Module)):
        return type(node).__name__.replace("Def", "").lower()
    if type(node).__name__ == "Match":
        return "match"
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 60 else text[:59] + "…"
