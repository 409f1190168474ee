"""Which files of a folder an app would take along."""

import os
from typing import List, Set, Tuple

from .secrets import is_text

SKIPPED = {".git", ".hg", ".svn", "__pycache__", "node_modules", ".venv", "venv", ".tox",
    ".mypy_cache",
           ".pytest_cache", ".ruff_cache", ".ipynb_checkpoints", "site-packages", ".idea",
           ".vscode"}
MOST = 20000
_LARGEST_TEXT, _MOST_TEXT = 8 << 20, 64 << 20  # bytes that are searched for secrets


def walk(folder: str, most: int = MOST) -> List[str]:
    """The files of a folder and those below; each real folder once, so that links end."""
    found: List[str] = []
    seen: Set[str] = set()
    stack = [folder]
    while stack and len(found) < most:
        place = stack.pop()
        real = os.path.realpath(place)
        if real in seen:
            continue
        seen.add(real)
        try:
            entries = sorted(os.scandir(place), key=lambda e: e.name)
        except OSError:
            continue
        for entry in entries:
            try:
                if entry.is_dir():
                    virtual = os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))
                    if entry.name not in SKIPPED and not virtual:
                        stack.append(entry.path)
                elif entry.is_file():
                    found.append(entry.path)
            except OSError:
                continue
    return sorted(found)


def texts(paths: List[str]) -> Tuple[List[str], List[str]]:
    """Those that are worth reading for secrets, and those that are too large or too many."""
    chosen, left, total = [], [], 0
    for path in filter(is_text, paths):
        size = _size(path)
        if size <= _LARGEST_TEXT and total + size <= _MOST_TEXT:
            total += size
            chosen.append(path)
        else:
            left.append(path)
    return chosen, left


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return _LARGEST_TEXT + 1
