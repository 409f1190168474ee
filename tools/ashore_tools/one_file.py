"""An app as one file of HTML, which works from a disk.

Files are compressed and lie in blocks of text that no browser runs (dense.py); the page's script
(pages/app/inside.js) takes them apart.  A page from a disk has no origin: it can start a module as a
worker from a data: address alone, which imports the worker's scripts and Pyodide's from Blobs.  The
policy allows that, its own script by its hash, and nothing from elsewhere."""

import base64
import hashlib
import html
import os
import re
import zlib
from typing import Dict

from . import places
from .dense import encode
from .errors import INPUT, ToolError
from .page import (BODY, NOTE, SAID, VARIANTS, App, facts, page_files, policy, read, runtime,
                   template)

MARK = b"written by 'ashore app'"
_PART = 7 << 20          # bytes of a block
_MOST_INSIDE = 400 << 20  # bytes: browsers hold the page as one text, of at most 512 MiB
MANY_INSIDE = 60_000_000


def _hash(data: bytes) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(data).digest()).decode()}'"


def _block(path: str, data: bytes) -> bytes:
    packed = zlib.compress(data, 9)
    name = html.escape(path).encode()
    parts = [b'<script type="text/plain" data-file="%s" data-bytes="%d">%s</script>\n'
             % (name, len(data), encode(packed[at:at + _PART]))
             for at in range(0, len(packed), _PART)]
    return b"".join(parts)


def make(app: App) -> bytes:
    """The page."""
    made = os.path.join(places.package(), "app")
    script = read(os.path.join(made, "one-file.mjs"))
    files = runtime(app, VARIANTS)
    files["worker.mjs"] = read(os.path.join(made, "one-file-worker.mjs"))
    files["app.json"] = facts(app, files, one_file=True)
    styles = {p: d for p, d in page_files(app, made).items() if p.endswith(".css")}
    return assemble(app, script, styles, files)


def assemble(app: App, script: bytes, styles: Dict[str, bytes], files: Dict[str, bytes],
             note: str = NOTE, said: str = SAID) -> bytes:
    """A page of its script, its styles, and the files that lie in it."""
    for path, data in {"one-file.mjs": script, **styles}.items():
        if re.search(rb"</(script|style)|<!--", data, re.IGNORECASE):
            raise ToolError(INPUT, f"{path} cannot be put inside of a page: it has a tag")
    return _page(app, script, styles, blocks(files), note, said)


def blocks(files: Dict[str, bytes]) -> bytes:
    """The files as elements of a page.  Raises ToolError where they are too much for one."""
    found = b"".join(_block(path, data) for path, data in sorted(files.items()))
    if len(found) > _MOST_INSIDE:
        raise ToolError(INPUT, f"{len(found) / 1e6:.0f} MB is too much for one file, which browsers "
                               f"hold as text: at most {_MOST_INSIDE / 1e6:.0f} MB; write a folder")
    return found


def _page(app: App, script: bytes, styles: Dict[str, bytes], inside: bytes, note: str,
          said: str) -> bytes:
    ordered = [styles[p] for p in sorted(styles, key=lambda p: (p != "base.css", p))]
    sources = {"default-src": "'none'",
               "script-src": f"{_hash(script)} blob: 'wasm-unsafe-eval'", "worker-src": "data:",
               "style-src": " ".join(_hash(style) for style in ordered),
               "img-src": "blob: data:", "media-src": "blob:", "base-uri": "'none'",
               "form-action": "'none'"}
    head = "\n".join(f"<style>{style.decode()}</style>" for style in ordered)
    page = template(app, policy(sources), head, "Starting…", note, said)
    before, after = page.split(BODY)
    return before + inside + b'<script type="module">' + script + b"</script>" + after
