"""The folder of an app: its page, Pyodide, the engine, and the user's files."""

import html
import json
import os
import re
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence

from . import places
from .errors import INTERNAL, ToolError
from .keep import Keep
from .output import archive

# Pyodide compiles WebAssembly; nothing is evaluated from text.  Pictures and sound that the program
# makes are shown from memory (blob:).
SOURCES = {"default-src": "'self'", "script-src": "'self' 'wasm-unsafe-eval'", "worker-src": "'self'",
           "img-src": "'self' blob: data:", "media-src": "'self' blob:", "base-uri": "'none'",
           "form-action": "'none'"}
VARIANTS = ("relaxed", "simd128")  # whatever runs this Pyodide has SIMD; one file has no threads
FOLDER_VARIANTS = [v + end for v in VARIANTS for end in ("", "-mt")]
SCRIPTS = ("ashore.js", "pyodide.js", "cache.js", "failures.js", "figures.js", "lend.js", "maps.js",
            "streams.js", "threads.js", "member.js", "worker.js")
NOTE = ("<!--\nA Python program that runs in the browser, with Ashore and Pyodide, written by "
        "'ashore app'.\nIts source, its files and its models are part of what the page downloads: "
        "whoever can open the page\ncan read and keep them. What must stay secret has to stay on a "
        "server.\n-->")


class App(NamedTuple):
    """What is to become a page."""

    title: str
    entry: str                    # below the program's folder
    files: Dict[str, bytes]       # of the program
    face: bool                    # whether it has an interface (it imports gradio)
    packages: List[dict]          # rows of a lock file, in the order of loading
    wheels: Dict[str, bytes]      # the packages' files, by name
    keep: Optional[Keep] = None   # what is said of snapshots, None for none


def policy(sources: Dict[str, str]) -> str:
    """A content security policy."""
    return "; ".join(f"{name} {value}" for name, value in sources.items())


def read(path: str) -> bytes:
    """A file of the program's own, which has to be there."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ToolError(INTERNAL, f"{path}: cannot be read ({error.strerror}); build the package with "
                                  f"'make'") from None


BODY = b"<!--BODY-->"  # where scripts go


SAID = "A Python program that runs in this page. What it is given stays on this device."


def template(app: App, policy_text: str, head: str, starting: str, note: str = NOTE,
             said: str = SAID) -> bytes:
    """index.html with its parts put in, but for BODY."""
    text = read(os.path.join(places.package(), "app", "index.html")).decode()
    parts = {"<!--POLICY-->": '<meta http-equiv="Content-Security-Policy" content="'
                              f'{html.escape(policy_text, quote=False)}">',
             "<!--HEAD-->": head, "TITLE": html.escape(app.title),
             "STARTING": starting, "SAID": said, "<!doctype html>": f"<!doctype html>\n{note}"}
    pattern = "|".join(re.escape(name) for name in parts)
    return re.sub(pattern, lambda found: parts[found[0]], text).encode()


def shared(app: App, variants: Sequence[str]) -> Dict[str, bytes]:
    """What each program's worker needs: Pyodide, modules of the engine, packages."""
    package, pyodide = places.package(), places.pyodide()
    files = {f"pyodide/{name}": read(os.path.join(pyodide, name)) for name in places.PYODIDE_FILES
             if name != "pyodide-lock.json"}
    files.update({f"ashore/{name}": read(os.path.join(package, name))
                  for name in (f"ashore-full-{variant}.wasm" for variant in variants)})
    wheels = {name: read(os.path.join(package, name)) for name in own_wheels(app.face, package)}
    files.update({f"python/{name}": data for name, data in {**wheels, **app.wheels}.items()})
    for name in places.RUNNER:
        files[f"python/{name}"] = read(os.path.join(package, "app", "python", name))
    return files


def runtime(app: App, variants: Sequence[str]) -> Dict[str, bytes]:
    """What the page's worker needs: what all need, and the program."""
    return {**shared(app, variants), "python/app.zip": archive(app.files)}


def own_wheels(face: bool, package: str) -> List[str]:
    """The names of the package's wheels that a page needs, the engine's first; with a face that of
    gradio as well."""
    found = []
    for name in ("ashore", "gradio") if face else ("ashore",):
        wheels = sorted(n for n in os.listdir(package)
                        if re.fullmatch(rf"{name}-[\d.]+-py3-none-any\.whl", n))
        if not wheels:
            raise ToolError(INTERNAL, f"the package in {package} has no wheel of {name}; build it with "
                                      f"'make'")
        found.append(wheels[-1])
    return found


def facts(app: App, files: Dict[str, bytes], one_file: bool = False) -> bytes:
    """The text of app.json, which goes with these files."""
    wheels = [f"python/{name}" for name in own_wheels(app.face, places.package())]
    lock = json.loads(read(os.path.join(places.pyodide(), "pyodide-lock.json")))
    ours = {"info": lock["info"], "packages": {row["name"]: row for row in app.packages}}
    whole = {"title": app.title, "entry": app.entry, "wheels": wheels,
             "packages": [row["name"] for row in app.packages], "lock": ours}
    if app.keep:
        whole["snapshot"] = app.keep.facts(files, wheels, one_file)
    return (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode()


def folder(app: App) -> Dict[str, bytes]:
    """All files of the folder but for manifest.json."""
    files = {**scripts(app), **runtime(app, FOLDER_VARIANTS)}
    files["app.json"] = facts(app, files)
    files["index.html"] = index(app, files, "page/main.js")
    files["_headers"] = headers()
    return files


def index(app: App, files: Iterable[str], script: str, note: str = NOTE, said: str = SAID) -> bytes:
    """The index.html of a folder with these files, whose script is started."""
    styles = sorted((p for p in files if p.endswith(".css")), key=lambda p: (p != "page/base.css", p))
    head = "".join(f'<link rel="stylesheet" href="./{path}">\n' for path in styles)
    head += f'<script type="module" src="./{script}"></script>'
    return template(
        app, policy(SOURCES), head, "Starting… If this line stays, the page was opened from a "
        "disk: it has to be served, for instance by <code>ashore site</code>.",
        note, said).replace(BODY, b"")


def scripts(app: App) -> Dict[str, bytes]:
    """The scripts and styles of a folder, the page's and the engine's."""
    package = places.package()
    files = {f"page/{path}": data
             for path, data in page_files(app, os.path.join(package, "app")).items()}
    files.update({f"ashore/{name}": read(os.path.join(package, name)) for name in SCRIPTS})
    return files


def page_files(app: App, at: str, without: Sequence[str] = ("plan",)) -> Dict[str, bytes]:
    """The page's scripts and styles, by path; without: folders that this page has no use for."""
    found = {}
    for here, folders, names in os.walk(at):
        folders[:] = sorted(f for f in folders if (app.face or f != "gradio") and f not in without)
        for name in sorted(names):
            path = os.path.relpath(os.path.join(here, name), at).replace(os.sep, "/")
            if name.endswith((".js", ".css")):
                found[path] = read(os.path.join(here, name))
    return found


def headers(sources: Dict[str, str] = SOURCES) -> bytes:
    """What hosts should send, in the form that some read."""
    return ("# Headers, for hosts that read this file. Others have to be told by their own means:\n"
            "# isolation for threads, a strict policy, and the type without which browsers neither\n"
            "# compile a module while it arrives nor keep what they compiled.\n"
            "/*\n"
            "  Cross-Origin-Opener-Policy: same-origin\n"
            "  Cross-Origin-Embedder-Policy: require-corp\n"
            "  Cross-Origin-Resource-Policy: same-origin\n"
            f"  Content-Security-Policy: {policy(sources)}\n"
            "  X-Content-Type-Options: nosniff\n"
            "/ashore/*.wasm\n"
            "  Content-Type: application/wasm\n"
            "/pyodide/*.wasm\n"
            "  Content-Type: application/wasm\n"
            "/pyodide/*.mjs\n"
            "  Content-Type: text/javascript\n").encode()
