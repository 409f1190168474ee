"""`ashore app PAGE.html`: a page with <gradio-lite> elements becomes one that needs nobody else."""

import json
import os
import tempfile
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from .. import one_file, page, places
from ..errors import INPUT, UNSUPPORTED, USAGE, ToolError, clean
from ..gather import Gathered
from ..keep import Keep
from ..output import archive
from ..packages import find_packages
from ..program import Import
from .document import LITE, Document
from .pages import Lines, PageProgram, requirements_of
from .programs import Reader, Written
from .resources import Resources
from .rewrite import Rewriter, hashed

ENDINGS = (".html", ".htm")
_STYLES = ("base.css", "gradio/gradio.css")
_UNUSED = ("main.js", "app.js", "app.css", "site.js", "worker.js", "progress.js", "printed.js",
           "failure.js")  # of a page of our own


class Made(NamedTuple):
    """A page that can be written: what the reader wrote, and its programs."""

    document: Document
    resources: Resources
    written: List[Written]
    apps: List[page.App]
    keep: Optional[Keep]


def _open(path: str) -> Tuple[Document, str]:
    """The page, and its folder."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise ToolError(INPUT, f"{clean(path)}: cannot be read: {error.strerror}") from None
    if one_file.MARK in data[:4000]:
        raise ToolError(INPUT, f"{clean(path)} was written by 'ashore app'; give it the page "
                               f"that it was made of")
    document = Document(data, clean(path))
    if not document.lites:
        raise ToolError(INPUT, f"{clean(path)} has no <{LITE}>; programs that are files are "
                               f"given by their own names")
    return document, os.path.dirname(os.path.abspath(path))


def read(path: str) -> Tuple[Document, str, List[Written], List[str]]:
    """A page, its folder, its programs, and notes.  What is wrong is among the document's problems."""
    document, folder = _open(path)
    reader = Reader(document, folder)
    return document, folder, reader.programs(), reader.notes


class _Builder:
    """Looks at all of a page and gathers what is to be said of it."""

    def __init__(self, options) -> None:
        self.options = options
        self.notes: List[str] = []
        self.errors: List[str] = []   # nothing can be written
        self.lacking: List[str] = []  # what is written would lack something
        self.imports: List[Import] = []

    def make(self) -> Made:
        document, folder, written, self.notes = read(self.options.program)
        if self.options.include:
            raise ToolError(USAGE, "--include is for programs that are files; a page names its "
                                   "files by <gradio-file name= url=>")
        if self.options.title:
            raise ToolError(USAGE, "--title is for programs that are files; a page has its own "
                                   "<title>")
        if self.options.no_python:
            raise ToolError(USAGE, "--no-python is for programs that are files")
        resources = Resources(document, folder)
        self.notes += resources.notes + _without_effect(document)
        apps = [self._app(document, one, folder) for one in written]
        self._problems(document)
        # One snapshot for all programs of the page, with what any of them imports: each starts from it
        # in an interpreter of its own, and finds its own modules before those that are in there.
        keep = None if self.options.no_snapshot else Keep(self.imports, True, self.options.snapshot)
        return Made(document, resources, written, [app for app in apps if app], keep)

    def _problems(self, document: Document) -> None:
        for problem in document.problems:
            (self.lacking if problem.soft else self.errors).append(problem.text(document.shown))

    def _app(self, document: Document, written: Written, folder: str) -> Optional[page.App]:
        with tempfile.TemporaryDirectory(prefix="ashore-") as at:
            try:
                program = PageProgram(at, Lines(document, written, folder))
            except ToolError as error:
                self.errors.append(str(error))
                return None
            gathered = Gathered(program)
            gathered.named()
            gathered.models()
            found = find_packages(program, self.options, requirements_of(at, written))
        self.imports += program.imports
        self.notes += gathered.notes + found.notes
        self.errors += gathered.errors
        self.lacking += found.errors
        files = {name: file.data for name, file in written.files.items()}
        return page.App("", written.entry, files, True, found.rows, found.files)

    def judge(self, say) -> None:
        """Says all of it.  Raises ToolError where nothing is to be written."""
        for note in dict.fromkeys(self.notes):
            say(f"note: {note}")
        for problem in dict.fromkeys(self.errors + self.lacking):
            say(problem)
        if self.errors:
            raise ToolError(INPUT, "nothing was written")
        if self.lacking and not self.options.no_audit:
            raise ToolError(UNSUPPORTED, "nothing was written; --no-audit writes it nevertheless")


def _without_effect(document: Document) -> List[str]:
    """Attributes of Gradio-Lite that a reader would see and that do nothing here."""
    return [f"{document.at(lite.tag.start)}: <{LITE} playground> shows no editor here: the program runs "
            "as it is" for lite in document.lites if lite.get("playground") is not None]


def build(options, say) -> Tuple[Dict[str, bytes], page.App]:
    """The files that are written, of one file that alone (""), and what a report needs to know."""
    builder = _Builder(options)
    made = builder.make()
    if not builder.errors:
        files = (_one_file if options.one_file else _folder)(made, builder)
    builder.judge(say)
    several = len(made.apps) > 1
    own = {f"{i}/{path}" if several else path: data for i, app in enumerate(made.apps, 1)
           for path, data in app.files.items()}
    return files, page.App("", os.path.basename(options.program), own, True, [], {})


def _facts(made: Made, files: Dict[str, bytes], one_file: bool) -> bytes:
    """The text of app.json: that of each program's, by number."""
    programs = {str(i): json.loads(page.facts(app._replace(keep=made.keep), files, one_file))
                for i, app in enumerate(made.apps, 1)}
    return (json.dumps({"programs": programs}, indent=1, ensure_ascii=False) + "\n").encode()


def _programs(made: Made, variants: Sequence[str]) -> Dict[str, bytes]:
    """What the workers need."""
    files: Dict[str, bytes] = {}
    for number, app in enumerate(made.apps, 1):
        files.update(page.shared(app, variants))
        files[f"python/app-{number}.zip"] = archive(app.files)
    return files


def _folder(made: Made, builder: _Builder) -> Dict[str, bytes]:
    rewriter = Rewriter(made.document, made.resources, made.written, False)
    sources = dict(page.SOURCES)
    sources["script-src"] += "".join(f" {one}" for one in dict.fromkeys(rewriter.scripts))
    sources["style-src"] = " ".join(["'self'", *dict.fromkeys(rewriter.sheets)])
    sources["font-src"] = "'self' data:"
    html = rewriter.page(sources, '<script type="module" src="./page/gradio/lite.js"></script>')
    ours = {path: data for path, data in page.scripts(made.apps[0]).items()
            if path not in {f"page/{name}" for name in _UNUSED}}
    ours.update(_programs(made, page.FOLDER_VARIANTS))
    ours["app.json"] = _facts(made, ours, False)
    files = {path: page.read(place) for path, place in made.resources.files.items()}
    files.update(ours)
    files["index.html"] = html.encode()
    files["_headers"] = page.headers(sources)
    return files


def _one_file(made: Made, builder: _Builder) -> Dict[str, bytes]:
    before = len(made.document.problems)
    rewriter = Rewriter(made.document, made.resources, made.written, True)
    for problem in made.document.problems[before:]:
        builder.errors.append(problem.text(made.document.shown))
    at = os.path.join(places.package(), "app")
    script = page.read(os.path.join(at, "one-file-lite.mjs"))
    files = _programs(made, page.VARIANTS)
    files["worker.mjs"] = page.read(os.path.join(at, "one-file-worker.mjs"))
    files["app.json"] = _facts(made, files, True)
    files["lite.css"] = b"\n".join(page.read(os.path.join(at, name)) for name in _STYLES)
    sources = {"default-src": "'none'",
               "script-src": " ".join(dict.fromkeys([hashed(script.decode()), "blob:",
                                                     "'wasm-unsafe-eval'", *rewriter.scripts])),
               "worker-src": "data:", "style-src": " ".join(dict.fromkeys(rewriter.sheets)) or "'none'",
               "img-src": "blob: data:", "media-src": "blob: data:", "font-src": "data:",
               "base-uri": "'none'", "form-action": "'none'"}
    blocks = one_file.blocks(files)
    ending = f'{blocks.decode()}<script type="module">{script.decode()}</script>'
    return {"": rewriter.page(sources, ending).encode()}
