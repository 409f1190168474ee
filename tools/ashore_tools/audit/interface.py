"""What a program asks of gradio that the gradio of pages has not."""

import ast
from typing import Dict, List, Tuple

from .. import face
from ..errors import ToolError
from .finding import Findings
from .project import Module, Project
from .reach import Reach
from .walk import Event

RULE = "gradio"


def judge(project: Project, reach: Reach, findings: Findings) -> None:
    """Reports it for the program's own files, and nothing where the package with our gradio is not
    there."""
    if not any(use.module.split(".")[0] == "gradio" for use in project.imports):
        return
    try:
        check = face.checker(face.own_wheel())
    except ToolError:
        return
    for module in project.modules.values():
        if not module.shallow:
            _report(module, reach, check(module.tree, module.file), findings)


def _report(module: Module, reach: Reach, found: List[Tuple[int, str, str]],
            findings: Findings) -> None:
    if not found:
        return
    first: Dict[int, Event] = {}  # by line; lines that cannot be reached have none
    for event in module.events:
        if isinstance(event.node, (ast.stmt, ast.expr)):
            first.setdefault(event.node.lineno, event)
    for line, message, advice in found:
        if line in first:
            node, place = first[line]
            module.report(findings, node, RULE, message, advice, module.level(RULE, None, place),
                          reach.holds(module, place.function))
