"""What `ashore audit` says of a program, and the packages that it needs, as rows of a lock file that
Pyodide loads them by."""

import json
import os
from typing import Dict, List, Optional, Set

from .audit import Audit, InputError, Options
from .audit.rules import ERROR, WARNING
from .errors import INPUT, ToolError, clean
from .program import Program


class Found:
    """rows: of the lock file, in the order of loading; files: wheels by name; errors: what cannot
    run, by line."""

    def __init__(self) -> None:
        self.rows: List[dict] = []
        self.files: Dict[str, bytes] = {}
        self.notes: List[str] = []
        self.errors: List[str] = []


def find_packages(program: Program, options, requirements: Optional[List[str]] = None) -> Found:
    """Audits a program; with a list of files of requirements all of its folder, which goes along.
    Raises ToolError where a package cannot be read."""
    found = Found()
    entry = os.path.join(program.folder, program.entry)
    given = Options(*((entry, None) if requirements is None else (program.folder, program.entry)),
                    tuple(options.wheels), options.lock,
                    tuple(requirements or ()), tuple(options.include), measure=False)
    try:
        result = Audit(given).run()
    except InputError as error:
        raise ToolError(INPUT, str(error)) from None
    if not options.no_audit:
        _judge(program, result.findings, found)
    rows = _lock_rows(options.lock)
    before: Set[str] = set()  # Pyodide waits forever for packages that depend on each other
    for item in result.closure.items:
        found.rows.append(_row(item, rows.get(item.key), before))
        before.add(item.key)
        with open(item.path, "rb") as file:
            found.files[os.path.basename(item.path)] = file.read()
    return found


def _judge(program: Program, findings, found: Found) -> None:
    warnings = 0
    for finding in findings:
        if finding.severity == ERROR:
            where = program.at(finding.file, finding.line)
            found.errors.append(f"{where}: {clean(finding.message)}; {clean(finding.advice)}")
        warnings += finding.severity == WARNING
    if warnings:
        path = clean(program.given)
        found.notes.append(f"{warnings} warning{'s' if warnings > 1 else ''}, which 'ashore audit "
                           f"{path}' lists")


def _lock_rows(lock) -> Dict[str, dict]:
    """The rows of the user's lock file, which has passed the audit."""
    if not lock:
        return {}
    path = os.path.join(lock, "pyodide-lock.json") if os.path.isdir(lock) else lock
    with open(path, encoding="utf-8") as file:
        return json.load(file)["packages"]


def _row(item, given, before) -> dict:
    row = {"name": item.key, "version": item.version, "install_dir": "site",
           "package_type": "package", "imports": list(item.imports), "unvendored_tests": False}
    if item.source == "lock" and given:
        row.update({k: given[k] for k in ("install_dir", "package_type") if k in given})
    row.update({"file_name": os.path.basename(item.path), "sha256": item.sha256,
                "depends": [key for key in item.depends if key in before]})
    return row
