"""`ashore audit PAGE.html`: an audit of all programs of a page, whose findings name the page's lines."""

import contextlib
import os
import tempfile
from typing import Dict, List, Tuple

from ..audit import download, stdlib, verdict
from ..audit.audit import Audit, InputError, Options, Result
from ..audit.finding import Finding
from ..audit.rules import ERROR
from ..closure import Closure
from ..errors import ToolError, clean
from ..wheels import Target
from .build import read
from .document import Document
from .pages import Lines, requirements_of, written_to
from .programs import REQUIREMENTS, Written
from .resources import Resources

_RULE = "page"


def judge(options: Options) -> Result:
    """Raises InputError where the page cannot be read."""
    if options.include:
        raise InputError("--include is for programs that are files; a page names its files by "
                         "<gradio-file name= url=>")
    try:
        document, folder, written, _ = read(options.program)
        resources = Resources(document, folder)
        with contextlib.ExitStack() as stack:
            folders = [stack.enter_context(tempfile.TemporaryDirectory(prefix="ashore-"))
                       for _ in written]
            results = [_one(options, at, one) for at, one in zip(folders, written)]
            parts = _parts(options, results, list(zip(folders, written)), resources)
    except ToolError as error:
        raise InputError(str(error)) from None
    findings = [Finding(document.shown, p.line, 1, 0, _RULE, ERROR, clean(p.message), clean(p.advice),
                        True) for p in document.problems]
    for result, one in zip(results, written):
        findings += _placed(result.findings, Lines(document, one, folder))
    return _together(document, sorted(set(findings), key=Finding.order), results, parts)


def _one(options: Options, folder: str, written: Written) -> Result:
    written_to(folder, written)
    own = tuple(requirements_of(folder, written))
    return Audit(options._replace(program=folder, entry=written.entry, measure=False,
                                  requirements=(*own, *options.requirements))).run()


def _placed(findings: List[Finding], lines: Lines) -> List[Finding]:
    found = []
    for one in findings:
        line, column = lines.place(one.file, one.line, one.column)
        found.append(one._replace(file=lines.name(one.file), line=line, column=column or 1))
    return found


def _parts(options: Options, results: List[Result], programs: List[Tuple[str, Written]],
           resources: Resources) -> List[download.Part]:
    """What a visitor downloads: the page and its files, and those of its programs, which are named as
    it names them."""
    models = {w.path for result in results for _, w in result.weights}
    names: Dict[str, str] = {options.program: os.path.basename(options.program)}
    names.update({place: path for path, place in resources.files.items()})
    for folder, written in programs:
        names.update({os.path.join(folder, name): name for name in written.files})
    packages = {item.path: None for result in results for item in result.closure.items}
    measured = download.measure(list(packages), [p for p in names if p not in models],
                                sorted(models), os.sep)
    shown = {place.lstrip(os.sep): name for place, name in names.items()}
    shown.update({os.path.relpath(place, os.sep): name for place, name in names.items()})
    return [part._replace(name=shown.get(part.name, part.name)) for part in measured]


def _together(document: Document, findings: List[Finding], results: List[Result],
              parts: List[download.Part]) -> Result:
    name = os.path.basename(document.shown)
    items = {item.key: item for result in results for item in result.closure.items}
    kinds = {part.kind for part in parts}
    unmeasured = [f"Not measured: the {kind}, which is not beside the program."
                  for kind in (download.INTERPRETER, download.ENGINE) if kind not in kinds]
    return Result(name, findings, sum(result.ignored for result in results),
                  verdict.of(findings, name),
                  sorted({file for result in results for file in result.files if file != REQUIREMENTS}),
                  Closure(list(items.values()), []),
                  [weight for result in results for weight in result.weights], parts,
                  download.estimate(parts), unmeasured, stdlib.table()["pyodide"],
                  Target().full)
