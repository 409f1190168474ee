"""The report for programs: one JSON object, whose fields docs/audit.md describes."""

import json

from . import download
from .audit import Result
from .rules import RULES

SCHEMA = 1


def _part(part: download.Part) -> dict:
    return {"kind": part.kind, "name": part.name, "raw": part.raw, "gzip": part.gzip,
            "brotli": part.brotli}


def render_error(message: str) -> str:
    """What is printed where nothing could be read."""
    return json.dumps({"audit": SCHEMA, "error": message}, indent=2, ensure_ascii=False) + "\n"


def _without(result: Result):
    found = result.no_python
    if found is None:
        return None
    saved = None if found.saved is None else {
        "raw": found.saved.raw, "gzip": found.saved.gzip, "brotli": found.saved.brotli}
    return {"possible": found.possible, "saved": saved, "place": found.place or None,
            "reason": found.reason or None}


def render(result: Result) -> str:
    """The whole report."""
    verdict, whole = result.verdict, download.total(result.parts)
    document = {
        "audit": SCHEMA,
        "program": result.name,
        "verdict": verdict.words,
        "sentence": verdict.sentence,
        "errors": verdict.errors,
        "warnings": verdict.warnings,
        "notes": verdict.notes,
        "ignored": result.ignored,
        "pyodide": result.pyodide,
        "python": result.python,
        "files": result.files,
        "findings": [{
            "file": f.file, "line": f.line, "column": f.column, "cell": f.cell or None,
            "rule": f.rule, "group": RULES[f.rule].group, "severity": f.severity,
            "message": f.message, "advice": f.advice, "reached": f.reached,
        } for f in result.findings],
        "weights": [{"file": name, "format": w.format, "bytes": w.size, "runnable": w.runnable}
                    for name, w in result.weights],
        "packages": [{
            "name": item.name, "version": item.version, "file": item.path, "sha256": item.sha256,
            "bytes": item.size, "imports": list(item.imports), "depends": list(item.depends),
            "source": item.source,
        } for item in result.closure.items],
        "download": {
            "raw": whole.raw, "gzip": whole.gzip, "brotli": whole.brotli,
            "parts": [_part(p) for p in result.parts],
            "unmeasured": result.unmeasured,
        },
        "cold_start": {
            "reference": f"{download.LINK}; Chromium on two slow cores",
            "download_seconds": round(result.start.download, 2),
            "start_seconds": list(download.START_SECONDS),
            "seconds": [round(result.start.least, 2), round(result.start.most, 2)],
            "compression": result.start.measured,
        },
        "no_python": _without(result),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
