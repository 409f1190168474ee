"""What a program asks of gradio that our implementation has not: its own static check, which is in the
wheel that pages get."""

import contextlib
import importlib
import os
import sys
from typing import Callable, List, Tuple

from . import page, places
from .errors import INTERNAL, ToolError, clean
from .program import Program

# Of a syntax tree and its file's name: line, message, advice.
Check = Callable[..., List[Tuple[int, str, str]]]


@contextlib.contextmanager
def _reachable(wheel: str):
    """The modules in a wheel's package can be imported by themselves."""
    place = f"{wheel}/gradio"
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)


def own_wheel() -> str:
    """The wheel with our gradio.  Raises ToolError where the package is not beside the program."""
    package = places.package()
    return os.path.join(package, page.own_wheels(True, package)[-1])


def checker(wheel: str) -> Check:
    """The check of a wheel.  Raises ToolError where it is not there."""
    with _reachable(wheel):
        try:
            return importlib.import_module("_check").check
        except ImportError as error:
            raise ToolError(INTERNAL, f"{clean(wheel)}: {error}; build the package with 'make'"
                            ) from None


def judge(program: Program, wheel: str) -> List[str]:
    """A line for each finding: file, line, what, and what to do."""
    check = checker(wheel)
    found = []
    for path, module in sorted(program.modules.items()):
        for line, message, advice in check(module.tree, path):
            text = f"{program.at(path, line)}: {clean(message)}"
            found.append(f"{text}; {clean(advice)}" if advice else text)
    return found
