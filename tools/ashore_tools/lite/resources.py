"""What a page itself asks for: scripts, style sheets, pictures.  All of it has to lie beside the page,
since the page that is written asks nobody else for anything."""

import os
import re
from typing import Dict, List, NamedTuple, Optional, Tuple
from urllib.parse import quote

from ..errors import clean
from .document import LITE, Document
from .programs import local_place
from .styles import Asked, rewritten
from .tokens import Attribute, Token

_LITE_FILE = re.compile(r"@gradio/lite|gradio[-_]lite|(^|/)lite\.(js|css)([?#]|$)", re.IGNORECASE)
_LITE_IMPORT = re.compile(r"\s*(import\s*\(?\s*[\"'][^\"']*[\"']\s*\)?\s*;?\s*)+", re.DOTALL)
_STARTED = re.compile(r"createGradioApp|@gradio/lite")
_HINTS = {"preconnect", "dns-prefetch", "preload", "modulepreload", "prefetch", "prerender"}
_LINKED = {"stylesheet", "icon", "apple-touch-icon", "mask-icon"}
# Attributes whose address is fetched as it is.
_SOURCES = {("img", "src"), ("source", "src"), ("video", "src"), ("video", "poster"), ("audio", "src"),
            ("track", "src"), ("input", "src"), ("image", "href"), ("image", "xlink:href"),
            ("body", "background")}
_FRAMES = {"iframe": "src", "frame": "src", "embed": "src", "object": "data"}
_RUNTIME = ("page/", "pyodide/", "ashore/", "python/", "index.html", "app.json", "manifest.json",
            "_headers")  # names of the folder that is written
_BESIDE = "save it beside the page and name it there, or take the tag out"


class Use(NamedTuple):
    """A place of the page where a file is asked for: `kind` is "script", "sheet", "source", "srcset"
    or "style" (text with addresses in it)."""

    kind: str
    token: Token
    attribute: Optional[Attribute]
    path: str   # below the page's folder
    place: str  # on this machine


class Resources:
    """files: places by path below the page's folder; uses: where they are asked for; removed: tags
    that the page that is written does not have; scripts, sheets, dressed: texts of <script> and <style>,
    and style= with its tag."""

    def __init__(self, document: Document, folder: str) -> None:
        self.document, self.folder = document, folder
        self.files: Dict[str, str] = {}
        self.uses: List[Use] = []
        self.removed: List[Token] = []
        self.notes: List[str] = []
        self.scripts: List[Token] = []
        self.sheets: List[Token] = []
        self.dressed: List[Tuple[Token, Attribute]] = []
        self._read()

    # ---- the page's tags -----------------------------------------------------------------------

    def _read(self) -> None:
        ends = iter([(lite.tag.start, lite.end) for lite in self.document.lites])
        inside = next(ends, None)
        all_tokens = self.document.tokens
        for i, token in enumerate(all_tokens):
            while inside and token.start >= inside[1]:
                inside = next(ends, None)
            if token.kind != "start" or inside and token.start > inside[0]:
                continue
            after = all_tokens[i + 1] if i + 1 < len(all_tokens) else None
            self._tag(token, after if after and after.kind == "text" else None)

    def _tag(self, token: Token, text: Optional[Token]) -> None:
        name = token.name
        self._attributes(token)
        if name == "script":
            self._script(token, text)
        elif name == "style" and text:
            self.sheets.append(text)
            self._sheet(self.document.text[text.start:text.end], "", text.start)
        elif name == "link":
            self._link(token)
        elif name == "meta":
            self._meta(token)
        elif name == "base":
            self._say(token, "<base> changes the addresses of all files", "take it out")
        elif name in _FRAMES and token.attributes.get(_FRAMES[name]):
            self._say(token, f"<{name}> shows another page or program", "take it out, or make a link of "
                      "it")
        for key in token.attributes:
            if (name, key) in _SOURCES:
                self._source(token, key)
        if name in ("img", "source") and "srcset" in token.attributes:
            self._srcset(token)

    def _say(self, token: Token, message: str, advice: str) -> None:
        self.document.say(token.start, message, advice, soft=True)

    def _remove(self, token: Token, why: str) -> None:
        address = next((token.attributes[k].value for k in ("src", "href") if k in token.attributes),
                       "")
        named = f" of {clean(address)}" if address else ""
        self.removed.append(token)
        self.notes.append(f"{self.document.at(token.start)}: <{token.name}>{named} is left out: "
                          f"{why}")

    def _attributes(self, token: Token) -> None:
        for key, attribute in token.attributes.items():
            if key.startswith("on") and len(key) > 2 and attribute.value:
                self._say(token, f"{clean(key)}= is a script in an attribute, which the page's "
                          "policy does not run", "use addEventListener in a <script>")
            elif key == "style" and attribute.value:
                self.dressed.append((token, attribute))
                self._sheet(attribute.value, "", token.start)
            elif key in ("href", "src", "action", "formaction") and \
                    re.match(r"\s*javascript:", attribute.value, re.IGNORECASE):
                self._say(token, f"{key}= is a script in an address, which the page's policy does "
                                 "not run",
                          "use addEventListener in a <script>")

    def _script(self, token: Token, text: Optional[Token]) -> None:
        source = token.attributes.get("src")
        if source is None:
            written = self.document.text[text.start:text.end] if text else ""
            if _LITE_IMPORT.fullmatch(written) and _LITE_FILE.search(written):
                self._remove(token, "it loads Gradio-Lite")
            elif _STARTED.search(written):
                self._say(token, "this script starts Gradio-Lite by itself", "write the program into a "
                          f"<{LITE}>")
            elif text:
                self.scripts.append(text)
            return
        if _LITE_FILE.search(source.value):
            self._remove(token, "it is Gradio-Lite itself")
            return
        self._file(token, "script", source)

    def _link(self, token: Token) -> None:
        address = token.attributes.get("href")
        kinds = set((token.attributes["rel"].value if "rel" in token.attributes else "").lower().split())
        if address is None:
            return
        if _LITE_FILE.search(address.value):
            self._remove(token, "it is Gradio-Lite's")
        elif kinds & _HINTS:
            self._remove(token, "it only asks for something beforehand")
        elif "manifest" in kinds:
            self._remove(token, "a page in one place is not installed")
        elif "stylesheet" in kinds:
            self._file(token, "sheet", address)
        elif kinds & _LINKED and not address.value.startswith("data:"):
            self._file(token, "source", address)

    def _meta(self, token: Token) -> None:
        kind = token.attributes["http-equiv"].value.strip().lower() if "http-equiv" in token.attributes \
            else ""
        if kind == "content-security-policy":
            self._remove(token, "the page gets a policy of its own")
        elif kind == "content-type" or "charset" in token.attributes:
            self.removed.append(token)  # what is written is UTF-8, and says so

    def _source(self, token: Token, key: str) -> None:
        attribute = token.attributes[key]
        if re.match(r"\s*(data:|blob:|#|$)", attribute.value, re.IGNORECASE):
            return
        self._file(token, "source", attribute)

    def _srcset(self, token: Token) -> None:
        attribute = token.attributes["srcset"]
        for candidate in re.split(r",\s", attribute.value):
            address = candidate.strip().split(" ")[0].rstrip(",")
            if address and not address.startswith("data:"):
                self._file(token, "srcset", attribute, address)

    # ---- files ---------------------------------------------------------------------------------

    def _file(self, token: Token, kind: str, attribute: Attribute, address: str = "") -> None:
        address = address or attribute.value
        place, path = local_place(address, self.folder)
        if place is None:
            self._say(token, f"<{token.name}> asks for {clean(address)}, which {path}", _BESIDE)
            return
        if not self._take(path, place, token):
            return
        self.uses.append(Use(kind, token, attribute, path, place))
        if kind == "sheet":
            self._sheet(read_text(place), os.path.dirname(path), token.start)

    def _take(self, path: str, place: str, token: Token) -> bool:
        if path.startswith(_RUNTIME[:4]) or path in _RUNTIME:
            self._say(token, f"{clean(path)} is a name that the folder which is written has itself",
                      "give the file another name")
            return False
        self.files.setdefault(path, place)
        return True

    def _sheet(self, css: str, base: str, offset: int) -> None:
        """Takes the files that a style sheet in the folder `base` asks for."""
        def change(asked: Asked) -> None:
            place, path = below(asked.address, base, self.folder)
            if place is None and path:
                self.document.say(offset, f"a style sheet asks for {clean(asked.address)}, which "
                                          f"{path}",
                                  "save it beside the page and name it there, or take it out", soft=True)
            if place is None or path in self.files:
                return
            self.files[path] = place
            if asked.sheet:
                self._sheet(read_text(place), os.path.dirname(path), offset)
        rewritten(css, change)


def below(address: str, base: str, folder: str) -> Tuple[Optional[str], str]:
    """The place and path of what a style sheet in the folder `base` names; None and why not, or None
    and "" for what is no file."""
    if re.match(r"data:|#", address, re.IGNORECASE):
        return None, ""
    if not base or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|/", address):
        return local_place(address, folder)
    return local_place(f"{quote(base)}/{address}", folder)


def read_text(place: str) -> str:
    """A style sheet or script of the page's."""
    with open(place, encoding="utf-8-sig", errors="replace") as file:
        return file.read()
