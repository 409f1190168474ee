"""The page of a program that needs no Python: its plan, the engine, its models, and an interface."""

import json
import os
from typing import Dict, List, NamedTuple

from . import one_file, page, places, sizes
from .audit import download
from .errors import INPUT, UNSUPPORTED, ToolError
from .face import own_wheel
from .models import external_files
from .plan import Plan, Refused, make
from .plan.make import refusal
from .program import Program

NOTE = ("<!--\nThe page of a program, without Python and with Ashore, written by 'ashore app'.\n"
        "Its models are part of what the page downloads: whoever can open the page can read and\n"
        "keep them. What must stay secret has to stay on a server.\n-->")
SAID = "What it is given stays on this device."
_SCRIPTS = [name for name in page.SCRIPTS if name != "pyodide.js"]
_VARIANTS = (*page.VARIANTS, "scalar")


class Page(NamedTuple):
    """What is to become a page."""

    app: page.App
    plan: Plan
    files: Dict[str, bytes]   # models, their data, pictures; below program/
    full: bool                # whether a model needs the engine with every operator


def plan_of(program: Program, face: bool, title: str) -> Plan:
    """The program's plan.  Raises ToolError, with a line for what is refused."""
    try:
        return make(program, own_wheel() if face else None, title)
    except Refused as refused:
        raise ToolError(UNSUPPORTED, f"{refusal(program, refused)}\nthis program needs Python in the "
                                     f"page, build it without --no-python; nothing was written"
                        ) from None


def _core_operators() -> set:
    text = page.read(os.path.join(places.package(), "core_operators.txt")).decode()
    return {line.strip() for line in text.split("\n") if line.strip() and not line.startswith("#")}


def gather(program: Program, plan: Plan, app: page.App) -> Page:
    """Reads the files that a plan needs.  Raises ToolError where one is missing."""
    core = _core_operators()
    found: Dict[str, bytes] = {}
    facts = json.loads(plan.text)
    full = False
    for model, row in zip(plan.models, facts["models"]):
        row["full"] = not core.issuperset(model.operators)
        row["external"] = []
        full = full or row["full"]
        data = page.read(os.path.join(program.folder, model.path))
        found[model.path] = data
        for location in external_files(data):
            path = os.path.normpath(os.path.join(os.path.dirname(model.path), location))
            place = os.path.join(program.folder, path)
            if path.startswith("..") or os.path.isabs(location) or not os.path.isfile(place):
                raise ToolError(INPUT, f"{program.show(model.path)}: its external data is missing: "
                                       f"{location}")
            row["external"].append(location)
            found[path.replace(os.sep, "/")] = page.read(place)
    for path in plan.pictures:
        found[path] = page.read(os.path.join(program.folder, path))
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
    return Page(app, plan._replace(text=text), found, full)


def _own(made: Page) -> Dict[str, bytes]:
    """What is the same in a folder and in one file."""
    files = {f"program/{path}": data for path, data in made.files.items()}
    files.update({f"plan/files/{name}": data for name, data in made.plan.files.items()})
    files["plan/plan.json"] = made.plan.text
    facts = {"title": made.app.title, "entry": made.app.entry}
    files["app.json"] = (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()
    return files


def _page_files(made: Page) -> Dict[str, bytes]:
    found = page.page_files(made.app, os.path.join(places.package(), "app"), without=())
    unused = ("boot.js", "prints.js", "serve.js", "worker.js", "main.js", "gradio/lite.js",
              "gradio/lite_worker.js", "gradio/serve.js", "gradio/zip.js")
    return {path: data for path, data in found.items() if path not in unused}


def folder(made: Page) -> Dict[str, bytes]:
    """All files of the folder but for manifest.json."""
    package = places.package()
    files = {f"page/{path}": data for path, data in _page_files(made).items()}
    names = list(_SCRIPTS)
    if made.plan.models:
        names += [f"ashore-{full}{variant}{shared}.wasm" for full in (("full-",) if made.full else
                  ("", "full-")) for variant in _VARIANTS for shared in ("", "-mt")]
    files.update({f"ashore/{name}": page.read(os.path.join(package, name)) for name in names})
    files.update(_own(made))
    files["index.html"] = page.index(made.app, files, "page/plan/main.js", NOTE, SAID)
    files["_headers"] = page.headers()
    return files


def one(made: Page) -> bytes:
    """The page as one file."""
    package = places.package()
    built = os.path.join(package, "app")
    files = _own(made)
    names = {f"ashore-{'full-' if full else ''}{variant}.wasm" for variant in page.VARIANTS
             for full in {row["full"] for row in json.loads(made.plan.text)["models"]}}
    files.update({f"ashore/{name}": page.read(os.path.join(package, name)) for name in sorted(names)})
    files["worker.mjs"] = page.read(os.path.join(built, "one-file-plan-worker.mjs"))
    script = page.read(os.path.join(built, "one-file-plan.mjs"))
    styles = {p: d for p, d in _page_files(made).items() if p.endswith(".css")}
    return one_file.assemble(made.app, script, styles, files, NOTE, SAID)


# ---- what was saved --------------------------------------------------------------------------------


def _downloaded(files: Dict[str, bytes], engine: str) -> List[bytes]:
    """What a browser with threads and relaxed SIMD downloads of a folder."""
    return [data for path, data in files.items()
            if not path.endswith(".wasm") or not path.startswith("ashore/") or path == engine]


class Saved(NamedTuple):
    """Sizes of a first visit."""

    without: sizes.Sizes
    python: sizes.Sizes

    def lines(self) -> List[str]:
        """For people."""
        rows = [f"  {'first visit':<18}{'raw':>12}{'gzip':>12}{'brotli':>12}"]
        for name, row in (("with Pyodide", self.python), ("without Python", self.without)):
            rows.append(f"  {name:<18}" + "".join(
                f"{sizes.mega(n) if n is not None else '-':>12}" for n in row))
        less = [a - b if a is not None and b is not None else None
                for a, b in zip(self.python, self.without)]
        rows.append(f"  {'saved':<18}" + "".join(
            f"{sizes.mega(n) if n is not None else '-':>12}" for n in less))
        times = [_seconds(self.python), _seconds(self.without)]
        least, most = download.START_SECONDS
        rows.append(f"  first start, estimated at {download.LINK}: {times[0] + least:.1f} to "
                    f"{times[0] + most:.1f} s with Pyodide ({times[0]:.1f} s of download), "
                    f"{times[1]:.1f} s of download without, and no interpreter to start")
        return rows


def _seconds(row: sizes.Sizes) -> float:
    return download.estimate([download.Part("all", "all", *row)]).download


def weigh(made: Page, files: Dict[str, bytes]) -> sizes.Sizes:
    """What a first visit of the page downloads of its folder's files: without a model, no engine."""
    engine = f"ashore/ashore-{'full-' if made.full else ''}relaxed-mt.wasm" if made.plan.models else ""
    return sizes.total(_downloaded(files, engine))


def saved(made: Page, files: Dict[str, bytes], with_python: page.App) -> Saved:
    """The other page is made, and what a browser downloads of both is weighed.  files: the folder's."""
    other = page.folder(with_python)
    return Saved(weigh(made, files),
                 sizes.total(_downloaded(other, "ashore/ashore-full-relaxed-mt.wasm")))
