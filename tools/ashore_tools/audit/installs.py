"""Packages that a program installs while it runs by names that are written out."""

import ast
import os
from typing import List, Optional

from .names import keywords
from .project import Module
from .walk import Event

_NAMES = {"micropip.install"}
_FOLDER = "emfs:/app/"  # where pages have the program's folder


def is_path(text: str) -> bool:
    """Whether micropip takes it for the address of a wheel, not for a requirement."""
    return text.split("#")[0].endswith(".whl") or ":" in text.split(";")[0].split("@")[0]


def texts(module: Module, event: Event) -> Optional[List[str]]:
    """What a call installs, where all of it is written out; None of other calls."""
    node, place = event
    if not isinstance(node, ast.Call) or not _NAMES & set(module.names.of(node.func, place.scope)):
        return None
    given = node.args[0] if node.args else keywords(node).get("requirements")
    elements = given.elts if isinstance(given, (ast.List, ast.Tuple)) else [given]
    found = [e.value for e in elements if isinstance(e, ast.Constant) and isinstance(e.value, str)]
    return found if len(found) == len(elements) else None


def file_of(text: str, root: str) -> Optional[str]:
    """The wheel of the program's folder that a relative path or an address in it is of."""
    path = text.split("#")[0]
    if path.startswith(_FOLDER):
        path = path[len(_FOLDER):]
    place = os.path.join(root, path)
    inside = os.path.abspath(place).startswith(os.path.abspath(root) + os.sep)
    return place if path.endswith(".whl") and inside and os.path.isfile(place) else None


def is_answered(module: Module, event: Event, root: str) -> bool:
    """Whether all that a call installs is a requirement, which is judged as one, or a wheel of the
    program's folder."""
    found = texts(module, event)
    return found is not None and all(not is_path(text) or file_of(text, root) for text in found)
