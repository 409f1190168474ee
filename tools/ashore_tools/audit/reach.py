"""Which functions the entry may get to: those whose names are mentioned by what it runs."""

import ast
from typing import Dict, List, Optional, Set, Tuple

from .project import Module, Project
from .scopes import FUNCTIONS

_PLAIN_DECORATORS = {"staticmethod", "classmethod", "property", "cached_property", "overload",
                     "abstractmethod", "lru_cache", "cache", "wraps", "override", "final"}

Block = Tuple[Module, Optional[ast.AST]]  # a file's own level, or one of its functions


class Reach:
    """Errs on the side of reaching: a method counts when any attribute of its name is used."""

    def __init__(self, project: Project) -> None:
        self.everything = project.entry is None
        self._live: Set[Tuple[str, int]] = set()
        self._mentioned: Set[str] = set()
        self._waiting: Dict[str, List[Block]] = {}
        self._queue: List[Block] = []
        if self.everything:
            return
        self._blocks: Dict[Tuple[str, int], list] = {}
        self._owners: Dict[int, Optional[ast.AST]] = {}
        self._modules = project.modules
        self._imports: Dict[Tuple[str, int], List[str]] = {}
        for name, use in project.local_imports:
            key = self._key(use.file, use.place.function)
            self._imports.setdefault(key, []).append(name)
        for module in project.modules.values():
            for event in module.events:
                self._blocks.setdefault(self._key(module, event.place.function), []).append(event)
        for module in project.modules.values():
            if module.main:
                self._enter((module, None))
        while self._queue:
            self._run(self._queue.pop())

    @staticmethod
    def _key(module: Module, function: Optional[ast.AST]) -> Tuple[str, int]:
        return module.name, id(function) if function is not None else 0

    def holds(self, module: Module, function: Optional[ast.AST]) -> bool:
        """Whether a place of a file may be reached."""
        return self.everything or self._key(module, function) in self._live

    def _enter(self, block: Block) -> None:
        key = self._key(*block)
        if key not in self._live:
            self._live.add(key)
            self._queue.append(block)

    def _mention(self, name: str) -> None:
        if name not in self._mentioned:
            self._mentioned.add(name)
            for block in self._waiting.pop(name, ()):
                self._enter(block)

    def _run(self, block: Block) -> None:
        key = self._key(*block)
        for name in self._imports.get(key, ()):
            if name in self._modules:
                self._enter((self._modules[name], None))
        for node, place in self._blocks.get(key, ()):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._mention(node.id)
            elif isinstance(node, ast.Attribute):
                self._mention(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                if node.value.isidentifier():
                    self._mention(node.value)
            elif isinstance(node, FUNCTIONS):
                self._define((block[0], node), place.scope.node)

    def _define(self, block: Block, holder: ast.AST) -> None:
        node = block[1]
        name = node.name  # type: ignore[union-attr]
        decorated = any(_decorator(d) not in _PLAIN_DECORATORS
                        for d in node.decorator_list)  # type: ignore[union-attr]
        in_class = isinstance(holder, ast.ClassDef)
        derived = in_class and any(_decorator(b) != "object"
                                   for b in holder.bases)  # type: ignore[attr-defined]
        special = name.startswith("__") and name.endswith("__")
        if decorated or derived or (in_class and special) or name in self._mentioned or \
                name == "__getattr__":
            self._enter(block)
        else:
            self._waiting.setdefault(name, []).append(block)


def _decorator(node: ast.AST) -> str:
    while isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
