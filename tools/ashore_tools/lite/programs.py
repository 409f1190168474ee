"""Programs out of <gradio-lite> elements: files in a folder, and which line of the page is which line of
them."""

import base64
import binascii
import itertools
import os
import re
from typing import Dict, List, NamedTuple, Optional, Tuple
from urllib.parse import unquote, unquote_to_bytes

from ..errors import clean
from .document import LITE, Document, Lite, Part
from .tokens import Token, text_of

REQUIREMENTS = ".gradio-requirements.txt"  # beside the program's files, and not taken along
_DATA = re.compile(r"data:([^,]*?)(;base64)?,(.*)", re.DOTALL | re.IGNORECASE)
_LONGEST = 255  # bytes of a name in a path, as file systems have it


class Source(NamedTuple):
    """Text that the page holds: for each of its lines the line in the page, and how many characters
    are missing at its beginning."""

    text: str
    lines: List[int]
    shifts: List[int]


class File(NamedTuple):
    """A file of a program: what the page holds, or a place on this machine; `line` is its tag's."""

    data: bytes
    line: int
    source: Optional[Source]
    place: Optional[str]


class Written(NamedTuple):
    """A program as a page has it: its entry and files by name, and the text of its requirements."""

    lite: Lite
    entry: str
    files: Dict[str, File]
    requirements: Optional[Source]


def assembled(document: Document, texts: List[Token]) -> Source:
    """The text of tokens as it stands."""
    lines, numbers = [""], [document.line(texts[0].start) if texts else 0]
    for token in texts:
        first = document.line(token.start)
        raw = document.text[token.start:token.end]
        for i, line in enumerate(raw.split("\n")):
            pieces = re.split(r"\r\n|\r|\n", text_of(line) if token.decoded else line)
            if i == 0:
                lines[-1] += pieces.pop(0)
            lines += pieces
            numbers += [first + i] * len(pieces)
    return Source("\n".join(lines), numbers, [0] * len(lines))


def dedented(source: Source) -> Source:
    """Python as Gradio-Lite took it: without the indentation that all lines share, and without empty
    lines around it."""
    lines = source.text.split("\n")
    filled = [i for i, line in enumerate(lines) if line.strip()]
    if not filled:
        return Source("", [], [])
    first, last = filled[0], filled[-1]
    least = min(len(lines[i]) - len(lines[i].lstrip()) for i in filled)
    kept = [line[least:] for line in lines[first:last + 1]]
    shifts = [least] * len(kept)
    shifts[0] = len(lines[first]) - len(lines[first].lstrip())
    kept[0], kept[-1] = kept[0].lstrip(), kept[-1].rstrip()
    return Source("\n".join(kept) + "\n", source.lines[first:last + 1], shifts)


def _name_fault(name: str) -> str:
    """Why a name cannot be a path below the program's folder; "" where it can."""
    parts = name.split("/")
    if not name.strip():
        return "has no name"
    if not name.isprintable() or "\ufffd" in name:
        return "has a name with signs that cannot be printed"
    if name.startswith(("/", "~")) or re.match(r"[A-Za-z]:", name) or "\\" in name:
        return "has a name that is no path below the program's folder"
    if any(part in ("", ".", "..") for part in parts):
        return "has a name with an empty part, '.' or '..'"
    if any(len(part.encode()) > _LONGEST for part in parts):
        return f"has a name of more than {_LONGEST} bytes"
    if name == REQUIREMENTS:
        return "has a name that is used otherwise"
    return ""


def local_place(address: str, folder: str) -> Tuple[Optional[str], str]:
    """The file that an address names and its path below the page's folder, or None and why not."""
    path = re.split(r"[?#]", address.strip(), maxsplit=1)[0]
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", path) or path.startswith(("//", "\\\\")):
        return None, "is on another host"
    if path.startswith(("/", "\\")):
        return None, "is an address from the root of a server"
    path = unquote(path)
    if "\0" in path or not path:
        return None, "names no file"
    path = os.path.normpath(path).replace(os.sep, "/")
    place = os.path.join(folder, path)
    root = os.path.join(os.path.realpath(folder), "")
    if path.startswith("../") or path == ".." or not os.path.realpath(place).startswith(root):
        return None, "lies outside of the page's folder"
    if not os.path.isfile(place):
        return None, "is not there"
    return place, path


class Reader:
    """Makes programs of a page's elements; what is wrong is said to the document.  `notes` are what
    is strange and works."""

    def __init__(self, document: Document, folder: str) -> None:
        self.document, self.folder = document, folder
        self.notes: List[str] = []

    def programs(self) -> List[Written]:
        """One for each element that has one."""
        found = [self._program(lite) for lite in self.document.lites]
        return [one for one in found if one is not None]

    def _program(self, lite: Lite) -> Optional[Written]:
        files: Dict[str, File] = {}
        entry = None
        for part in lite.parts["gradio-file"]:
            name = self._file(part, files)
            if name and part.get("entrypoint") is not None:
                if entry is not None:
                    self.document.say(part.tag.start, "two files have the attribute entrypoint",
                                      "leave it to the one that is to be run")
                entry = entry or name
        if entry is None:
            entry = self._code(lite, files)
        requirements = self._requirements(lite)
        return None if entry is None else Written(lite, entry, files, requirements)

    # ---- files ---------------------------------------------------------------------------------

    def _file(self, part: Part, files: Dict[str, File]) -> Optional[str]:
        start = part.tag.start
        name = part.get("name") or ""
        fault = _name_fault(name)
        if fault:
            self.document.say(start, f"<gradio-file name=\"{clean(name)}\"> {fault}",
                              "name it as a path below the program's folder, such as app.py")
            return None
        for other, file in files.items():
            if other == name or (other + "/").startswith(name + "/") or \
                    (name + "/").startswith(other + "/"):
                self.document.say(start, f"the name {clean(name)} is taken by the file in line "
                                  f"{file.line}", "give each file a name of its own")
                return None
        line = self.document.line(start)
        if part.get("url") is not None:
            found = self._fetched(part)
            if found:
                files[name] = File(found[0], line, None, found[1])
            return name if found else None
        self._foreign(part)
        source = assembled(self.document, part.texts)
        if name.endswith(".py"):
            source = dedented(source)
        files[name] = File(source.text.encode("utf-8", "surrogatepass"), line, source, None)
        return name

    def _fetched(self, part: Part) -> Optional[Tuple[bytes, Optional[str]]]:
        """The bytes of a file with an address, and its place."""
        address, start = part.get("url") or "", part.tag.start
        data = _DATA.fullmatch(address)
        if data:
            try:
                return (base64.b64decode(unquote(data[3]), validate=True) if data[2]
                        else unquote_to_bytes(data[3])), None
            except (binascii.Error, ValueError):
                self.document.say(start, "the address in url= is no base64", "write it anew")
                return None
        place, fault = local_place(address, self.folder)
        if place is None:
            self.document.say(start, f"the file {clean(address)} {fault}", "put it beside the page, and "
                              "write its path below the page's folder into url=")
            return None
        try:
            with open(place, "rb") as file:
                return file.read(), place
        except OSError as error:
            self.document.say(start, f"the file {clean(address)} cannot be read: {error.strerror}",
                              "allow it to be read")
            return None

    def _shown(self, token: Token) -> str:
        text = self.document.text[token.start:token.end]
        return clean(text if len(text) <= 40 else text[:39] + "…")

    def _foreign(self, part: Part) -> None:
        for token in part.foreign:
            tag = self._shown(token)
            self.notes.append(f"{self.document.at(token.start)}: browsers take {tag} for a tag, "
                              f"and the program is without it; write '<' as &lt; where it is to have it")

    # ---- the text of a program -----------------------------------------------------------------

    def _code(self, lite: Lite, files: Dict[str, File]) -> Optional[str]:
        codes = lite.parts["gradio-code"]
        part: Part = codes[0] if codes else lite
        for extra in codes[1:]:
            self.document.say(extra.tag.start, "there is a second <gradio-code>",
                              "write one program into one of them")
        source = dedented(assembled(self.document, part.texts))
        if not source.text:
            self.document.say(lite.tag.start, f"<{LITE}> has no program", "give one gradio-file the "
                              "attribute entrypoint, or write the program into the element")
            return None
        if codes:
            self._foreign(part)
        for token in lite.foreign if not codes else []:
            tag = self._shown(token)
            self.document.say(token.start, f"browsers take {tag} for a tag, and the program is "
                              "without what is in it", "write '<' as &lt;")
        names = itertools.chain(["app.py", "main.py"], (f"app{i}.py" for i in itertools.count(2)))
        entry = next(name for name in names if name not in files)
        files[entry] = File(source.text.encode("utf-8", "surrogatepass"),
                            self.document.line(part.tag.start), source, None)
        return entry

    def _requirements(self, lite: Lite) -> Optional[Source]:
        parts = lite.parts["gradio-requirements"]
        for extra in parts[1:]:
            self.document.say(extra.tag.start, "there is a second <gradio-requirements>",
                              "write all lines into one of them")
        if not parts:
            return None
        self._foreign(parts[0])
        return assembled(self.document, parts[0].texts)
