"""ashore audit: says whether a Python program can run in the browser.

`audit.py` runs one audit and is where to begin; `rules.py` has the table of rules.  Files are read
by `source.py`, `project.py` follows their imports, `scopes.py` and `names.py` find what names refer
to, `guards.py` and `walk.py` leave out what cannot be reached, and `checks.py` and `resolve.py` look
at the rest."""

import argparse
import gc
import sys
from typing import List

from .audit import Audit, InputError, Options, Result
from .rules import ERROR, RULES, WARNING

_USAGE, _INPUT = 2, 3


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        sys.stderr.write(f"ashore audit: {message} (see 'ashore audit --help')\n")
        raise SystemExit(_USAGE)


def _arguments(given: List[str]) -> argparse.Namespace:
    """src/cli/cli_flags.c has the same options, and their help."""
    parser = _Parser(prog="ashore audit", allow_abbrev=False)
    parser.add_argument("program", metavar="APP.py|PAGE.html|FOLDER")
    parser.add_argument("--entry", metavar="FILE")
    parser.add_argument("--wheels", metavar="DIR", action="append", default=[])
    parser.add_argument("--lock", metavar="FILE")
    parser.add_argument("--requirements", metavar="FILE", action="append", default=[])
    parser.add_argument("--include", metavar="PATH", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--strict", action="store_true")
    return parser.parse_args(given)


def main(given: List[str]) -> int:
    """Returns the exit code: 0 it runs, 1 it does not, 2 usage, 3 nothing could be read."""
    from ..lite.judge import judge
    from . import report_json, report_text
    options = _arguments(given)
    gc.disable()  # syntax trees are many objects, and all of them are kept
    is_page = options.program.lower().endswith((".html", ".htm"))
    if options.entry and (is_page or options.program.endswith((".py", ".ipynb"))):
        sys.stderr.write("ashore audit: --entry names a file of a folder\n")
        return _USAGE
    asked = Options(options.program, options.entry, tuple(options.wheels), options.lock,
                    tuple(options.requirements), tuple(options.include))
    try:
        result = judge(asked) if is_page else Audit(asked).run()
    except InputError as error:
        sys.stderr.write(f"ashore audit: {error}\n")
        if options.json:
            sys.stdout.write(report_json.render_error(str(error)))
        return _INPUT
    render = report_json.render if options.json else report_text.render
    sys.stdout.write(render(result))
    return exit_code(result, options.strict)


def exit_code(result: Result, strict: bool) -> int:
    """1 where there are errors; with strict also where there are warnings."""
    return int(any(f.severity == ERROR or (strict and f.severity == WARNING)
                   for f in result.findings))


__all__ = ["Audit", "InputError", "Options", "Result", "RULES", "exit_code", "main"]
