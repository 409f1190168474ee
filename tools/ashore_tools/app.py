"""ashore app: writes a page, or a folder with one, that runs a Python program in the browser."""

import argparse
import os
import sys
from typing import Dict, List

from . import face, one_file, page, plan_page, sizes
from .audit import no_python
from .errors import UNSUPPORTED, USAGE, ToolError, clean
from .gather import Gathered
from .keep import Keep
from .lite import build as lite
from .output import archive, check_folder, check_page, manifest, write_folder, write_page
from .packages import find_packages
from .program import Program

MAKER = "ashore app"
_FILES_SHOWN = 6
_PACKAGES = {"numpy": "numpy", "PIL": "pillow"}  # that a plan stands in for, by their imports


def _say(text: str) -> None:
    for line in text.split("\n"):
        print(line if line.startswith(" ") else f"{MAKER}: {line}", file=sys.stderr)


def _arguments(given: List[str]) -> argparse.Namespace:
    """What the program has checked already (src/cli/cli_flags.c)."""
    parser = argparse.ArgumentParser(prog=MAKER, add_help=False, allow_abbrev=False)
    parser.add_argument("program")
    parser.add_argument("-o", "--output")
    parser.add_argument("--one-file")
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("--title")
    parser.add_argument("--wheels", action="append", default=[])
    parser.add_argument("--lock")
    parser.add_argument("--no-audit", action="store_true")
    parser.add_argument("--no-python", action="store_true")
    parser.add_argument("--snapshot", action="store_true")
    parser.add_argument("--no-snapshot", action="store_true")
    return parser.parse_args(given)


def _check_output(options: argparse.Namespace, program: Program) -> None:
    if options.one_file:
        check_page(options.one_file, one_file.MARK)
        return
    check_folder(options.output, MAKER)
    out = os.path.realpath(options.output)
    if os.path.realpath(program.folder).startswith(out + os.sep) or \
            os.path.realpath(program.folder) == out:
        raise ToolError(USAGE, f"{clean(options.output)} holds the program itself; name a new folder")


def _title(options: argparse.Namespace, program: Program) -> str:
    return options.title or os.path.splitext(program.entry)[0]


def _has_face(program: Program) -> bool:
    return any(item.name.split(".")[0] == "gradio" for item in program.imports)


def _needs_none(options: argparse.Namespace) -> str:
    """Says so where the page without Python has no use for what is missing."""
    found = no_python.look(options.program, [])
    return "\nthis program needs no Python in the page: --no-python writes it" \
        if found and found.possible else ""


def _make(options: argparse.Namespace, program: Program) -> page.App:
    gathered = Gathered(program)
    gathered.named()
    gathered.included(options.include)
    gathered.models()
    found = find_packages(program, options)
    has_face = _has_face(program)
    for note in gathered.notes + found.notes:
        _say(f"note: {note}")
    told = {problem.split(": ")[0] for problem in gathered.errors}
    problems = gathered.errors + [p for p in found.errors if p.split(": ")[0] not in told]
    for problem in problems:
        _say(problem)
    if gathered.errors:
        raise ToolError(3, "nothing was written")
    if problems:
        raise ToolError(UNSUPPORTED, "nothing was written; --no-audit writes it nevertheless"
                                     + _needs_none(options))
    kept = None if options.no_snapshot else Keep(program.imports, has_face, options.snapshot)
    return page.App(_title(options, program), program.entry, gathered.contents(), has_face,
                    found.rows, found.files, kept)


def _make_plan(options: argparse.Namespace, program: Program) -> plan_page.Page:
    has_face = _has_face(program)
    problems = face.judge(program, face.own_wheel()) if has_face else []
    for problem in problems:
        _say(problem)
    if problems:
        raise ToolError(UNSUPPORTED, "nothing was written")
    title = _title(options, program)
    plan = plan_page.plan_of(program, has_face, title)
    return plan_page.gather(program, plan, page.App(title, program.entry, {}, has_face, [], {}))


def _own_files(app: page.App) -> str:
    """For people: which files of the program are in the page."""
    more = [path for path in sorted(app.files) if path != app.entry]
    shown = ", ".join(clean(path) for path in [app.entry, *more[:_FILES_SHOWN]])
    left = len(more) - _FILES_SHOWN
    return f"of the program: {shown}" + (f" and {left} more" if left > 0 else "")


def _report(files: Dict[str, bytes], app: page.App) -> None:
    groups = {"Pyodide": "pyodide/", "engine": "ashore/", "page": "", "packages": "python/",
              "program": "python/app"}
    parts: Dict[str, List[bytes]] = {name: [] for name in groups}
    for path, data in files.items():
        if path.endswith(".wasm") and path.startswith("ashore/") and "relaxed-mt" not in path:
            continue  # a browser downloads one of the modules
        parts[max((n for n in groups if path.startswith(groups[n])),
                  key=lambda n: len(groups[n]))].append(data)
    print(f"  {'download':<10}{'raw':>12}{'gzip':>12}{'brotli':>12}")
    found = {name: sizes.total(contents) for name, contents in parts.items()}
    rows = [*found.items(), ("all", sizes.Sizes(*(None if None in column else sum(column)
                                                  for column in zip(*found.values()))))]
    for name, row in rows:
        text = "".join(f"{sizes.mega(n) if n is not None else '-':>12}" for n in row)
        print(f"  {name:<10}{text}")
    print(f"  {_own_files(app)}")


def _write_folder(app: page.App, to: str) -> None:
    _write_files(page.folder(app), app, to)


def _write_files(files: Dict[str, bytes], app: page.App, to: str) -> None:
    files["manifest.json"] = manifest(files, {"maker": MAKER, "app": app.entry})
    write_folder(to, files)
    print(f"{clean(to)}: {len(files)} files, {sizes.mega(sum(map(len, files.values())))}")
    _report(files, app)
    print(f"serve it with: ashore site {clean(to)}")


def _write_page(app: page.App, to: str) -> None:
    _write_text(one_file.make(app), app, to)


def _write_text(data: bytes, app: page.App, to: str) -> None:
    write_page(to, data)
    print(f"{clean(to)}: one file, {sizes.mega(len(data))}")
    if len(data) > one_file.MANY_INSIDE:
        _say("note: browsers read all of one file before it starts; a folder shows its progress")
    print(f"  {_own_files(app)}, {sizes.mega(len(archive(app.files)))} as a zip")
    print("open it in a browser; it needs no server and no network, and runs on one thread")


def _with_python(options: argparse.Namespace, program: Program) -> page.App:
    """The same program with Python, to be weighed: nothing is said of what it lacks."""
    gathered = Gathered(program)
    gathered.named()
    gathered.models()
    options.no_audit = True
    found = find_packages(program, options)
    there = {name for row in found.rows for name in row["imports"]}
    asked = {item.name.split(".")[0] for item in program.imports}
    lacking = [_PACKAGES[name] for name in sorted(asked & set(_PACKAGES)) if name not in there]
    if lacking:
        _say(f"note: with Pyodide it needs {', '.join(lacking)} as well, which --wheels or --lock give; "
             f"they are not counted below")
    return page.App(_title(options, program), program.entry, gathered.contents(), _has_face(program),
                    found.rows, found.files)


def _write_plan(options: argparse.Namespace, program: Program) -> None:
    made = _make_plan(options, program)
    files = plan_page.folder(made)
    saved = plan_page.saved(made, files, _with_python(options, program))
    if options.one_file:
        data = plan_page.one(made)
        write_page(options.one_file, data)
        print(f"{clean(options.one_file)}: one file without Python, {sizes.mega(len(data))}")
    else:
        files["manifest.json"] = manifest(files, {"maker": MAKER, "app": program.entry,
                                                  "python": False})
        write_folder(options.output, files)
        print(f"{clean(options.output)}: {len(files)} files without Python, "
              f"{sizes.mega(sum(map(len, files.values())))}")
    for line in saved.lines():
        print(line)
    if options.one_file:
        print("open it in a browser; it needs no server and no network, and runs on one thread")
    else:
        print(f"serve it with: ashore site {clean(options.output)}")


def _write_programs(options: argparse.Namespace) -> None:
    """`ashore app PAGE.html`."""
    if options.one_file:
        check_page(options.one_file, one_file.MARK)
    else:
        check_folder(options.output, MAKER)
    files, app = lite.build(options, _say)
    if options.one_file:
        _write_text(files[""], app, options.one_file)
    else:
        _write_files(files, app, options.output)


def main(arguments: List[str]) -> int:
    """Returns the exit code."""
    options = _arguments(arguments)
    try:
        if options.program.lower().endswith(lite.ENDINGS):
            _write_programs(options)
            return 0
        program = Program(options.program)
        _check_output(options, program)
        if options.no_python:
            _write_plan(options, program)
            return 0
        app = _make(options, program)
        if options.one_file:
            _write_page(app, options.one_file)
        else:
            _write_folder(app, options.output)
        return 0
    except ToolError as error:
        _say(str(error))
        return error.code
