"""The page that is written: the reader's own, with our elements in the place of his."""

import base64
import hashlib
import html
import os
import re
from typing import Dict, List, NamedTuple, Optional, Tuple

from ..errors import clean
from ..page import NOTE, policy
from .document import LITE, Document
from .programs import Written
from .resources import Resources, Use, below, read_text
from .styles import Asked, rewritten
from .tokens import Token

_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
          ".webp": "image/webp", ".svg": "image/svg+xml", ".avif": "image/avif", ".ico": "image/x-icon",
          ".mp4": "video/mp4", ".webm": "video/webm", ".mp3": "audio/mpeg", ".wav": "audio/wav",
          ".ogg": "audio/ogg", ".vtt": "text/vtt", ".woff": "font/woff", ".woff2": "font/woff2",
          ".ttf": "font/ttf", ".otf": "font/otf"}
_MODULE = re.compile(r"(^|[;\s])(import\s*[\w{*\"'(]|export\s[^;]*\sfrom\s)")

_NEAR = 500  # characters


class Edit(NamedTuple):
    """What stands between two places of the page from now on."""

    start: int
    end: int
    text: str


def hashed(text: str) -> str:
    """A source of a policy that allows just this text."""
    digest = hashlib.sha256(text.replace("\0", "\ufffd").encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def data_address(place: str) -> str:
    """A file as an address that holds it."""
    with open(place, "rb") as file:
        data = file.read()
    kind = _TYPES.get(os.path.splitext(place)[1].lower(), "application/octet-stream")
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


class Rewriter:
    """Collects the changes of a page.  inside: all of it becomes one file."""

    def __init__(self, document: Document, resources: Resources, programs: List[Written],
                 inside: bool) -> None:
        self.document, self.resources, self.inside = document, resources, inside
        self.edits: List[Edit] = []
        self.late: List[str] = []     # scripts that ran after the page was read
        self.scripts: List[str] = []  # sources of the policy
        self.sheets: List[str] = []
        for number, written in enumerate(programs, 1):
            self._program(number, written)
        for token in resources.removed:
            self._remove(token)
        self._styles()
        self.scripts += [hashed(self._of(token)) for token in resources.scripts]
        for use in resources.uses if inside else []:
            self._use(use)

    def _of(self, token: Token) -> str:
        return self.document.text[token.start:token.end]

    def _edit(self, start: int, end: int, text: str) -> None:
        self.edits.append(Edit(start, end, text))

    def _program(self, number: int, written: Written) -> None:
        tag = written.lite.tag
        attributes = self.document.text[tag.start + 1 + len(LITE):tag.end]
        self._edit(tag.start, tag.end, f'<{LITE} data-program="{number}"{attributes}')
        self._edit(tag.end, written.lite.end, f"</{LITE}>")

    def _end(self, token: Token) -> int:
        """Where an element of text ends, its end tag with it."""
        found = re.compile(rf"</{token.name}[^>]*>", re.IGNORECASE | re.ASCII).search(
            self.document.text, token.end)
        return found.end() if found else token.end

    def _remove(self, token: Token) -> None:
        self._edit(token.start, self._end(token) if token.name == "script" else token.end, "")

    # ---- styles --------------------------------------------------------------------------------

    def _styles(self) -> None:
        for token in self.resources.sheets:
            css = self._sheet(self._of(token), "", token.start)
            self.sheets.append(hashed(css))
            if css != self._of(token):
                self._edit(token.start, token.end, css)
        dressed = []
        for _, attribute in self.resources.dressed:
            css = self._sheet(attribute.value, "", attribute.at)
            dressed.append(hashed(css))
            if css != attribute.value:
                self._edit(attribute.start, attribute.end, f'"{html.escape(css)}"')
        self.sheets += ["'unsafe-hashes'", *dressed] if dressed else []

    def _sheet(self, css: str, base: str, offset: int) -> str:
        """A style sheet with the files that it asks for inside, where the page is one file."""
        if not self.inside:
            return css

        def change(asked: Asked) -> Optional[str]:
            place, path = below(asked.address, base, self.resources.folder)
            if place is None:
                return None
            if asked.sheet:
                self.document.say(offset, f"a style sheet imports {clean(path)}, and one file has "
                                  "no other beside it",
                                  "write a folder (-o), or name the sheet by a <link>")
                return None
            return data_address(place)
        return rewritten(css, change)

    # ---- files inside --------------------------------------------------------------------------

    def _use(self, use: Use) -> None:
        attribute = use.attribute
        if use.kind == "source" and attribute:
            self._edit(attribute.start, attribute.end, f'"{data_address(use.place)}"')
        elif use.kind == "srcset" and attribute:
            if "src" in use.token.attributes:
                text = ""  # one picture is enough
            else:
                text = f'srcset="{data_address(use.place)}"'
            self._edit(attribute.at, attribute.end, text)
        elif use.kind == "sheet":
            self._link(use)
        elif use.kind == "script":
            self._script(use)

    def _link(self, use: Use) -> None:
        css = self._sheet(read_text(use.place), os.path.dirname(use.path), use.token.start)
        if re.search(r"</style|<!--", css, re.IGNORECASE):
            self._refuse(use, "has a tag in it")
            return
        media = use.token.attributes.get("media")
        dress = f' media="{html.escape(media.value)}"' if media else ""
        self.sheets.append(hashed(css))
        self._edit(use.token.start, use.token.end, f"<style{dress}>{css}</style>")

    def _script(self, use: Use) -> None:
        text = read_text(use.place).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
        given = use.token.attributes
        module = "type" in given and given["type"].value.strip().lower() == "module"
        if re.search(r"</script|<!--", text, re.IGNORECASE):
            self._refuse(use, "has a tag in it")
        elif module and _MODULE.search(text):
            self._refuse(use, "imports others")
        else:
            kept = "".join(f' {key}="{html.escape(one.value)}"' for key, one in given.items()
                           if key not in ("src", "defer", "async", "integrity", "crossorigin"))
            made = f"<script{kept}>{text}</script>"
            self.scripts.append(hashed(text))
            late = not module and ("defer" in given or "async" in given)
            self.late += [made] if late else []
            self._edit(use.token.start, self._end(use.token), "" if late else made)

    def _refuse(self, use: Use, why: str) -> None:
        self.document.say(use.token.start, f"{clean(use.path)} {why}, and cannot be put into one "
                                           "file",
                          "write a folder (-o)")

    # ---- the whole -----------------------------------------------------------------------------

    def page(self, sources: Dict[str, str], ending: str) -> str:
        """The page, under a policy, with `ending` at the end of its body."""
        head, end = self._places()
        meta = ('<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="'
                f'{html.escape(policy(sources), quote=False)}">')
        self._edit(head, head, f"\n{meta}\n" + (f"{NOTE}\n" if head < _NEAR else ""))
        if head >= _NEAR:
            self._edit(0, 0, f"\ufeff{NOTE}\n")  # browsers look for the charset near the start only
        self._edit(end, end, "\n".join([*self.late, ending, ""]))
        out, at = [], 0
        for edit in _apart(self.edits):
            out += [self.document.text[at:edit.start], edit.text]
            at = edit.end
        return "".join(out) + self.document.text[at:]

    def _places(self) -> Tuple[int, int]:
        """Where things are put into the head, and at the end of the body."""
        head = None
        end = len(self.document.text)
        first = 0  # after the doctype and <html>
        before = True
        for token in self.document.tokens:
            if token.kind == "start" and token.name == "head" and head is None and before:
                head = token.end
            if token.kind == "doctype" or token.kind == "start" and token.name == "html":
                first = token.end if before and head is None else first
            elif token.kind != "comment" and (token.kind != "text" or self._of(token).strip()):
                before = before and token.name == "head"
            if token.kind == "end" and token.name == "body":
                end = token.start
        return first if head is None else head, end


def _apart(edits: List[Edit]) -> List[Edit]:
    """In the order of their places; of those within another, none."""
    kept: List[Edit] = []
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        if not kept or edit.start >= kept[-1].end:
            kept.append(edit)
    return kept
