"""A page, its <gradio-lite> elements, and the places where something is put into it."""

import bisect
import codecs
import re
from typing import Dict, List, NamedTuple, Optional

from ..errors import INPUT, ToolError, clean
from .tokens import DECODED, RAW, Attribute, Token, Unfinished, tokens

LITE = "gradio-lite"
_PARTS = {"gradio-file", "gradio-code", "gradio-requirements"}
MOST = 32 << 20  # bytes of a page
_DEEPEST = 512  # elements in elements, as in browsers

_VOID = set("area base br col embed hr img input link meta source track wbr".split())
# Elements that an end tag of another name does not close (13.2.4.2 of the standard, "special").
_SPECIAL = set(
    "address applet area article aside base basefont bgsound blockquote body br button caption "
    "center col colgroup dd details dir div dl dt embed fieldset figcaption figure footer form "
    "frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html iframe img input keygen li link "
    "listing main marquee menu meta nav noembed noframes noscript object ol p param plaintext pre "
    "script search section select source style summary table tbody td template textarea tfoot th "
    "thead title tr track ul wbr xmp".split())
# Start tags that end an open <p>, and what has begun in it.
_BLOCKS = set(
    "address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr li listing main menu nav ol p plaintext "
    "pre search section summary table ul xmp".split())
# Elements that move or drop text: what a program with one would be read as cannot be told simply.
_MOVING = RAW | DECODED | set("body caption col colgroup frameset head html math plaintext select "
                              "svg table tbody td template tfoot th thead tr".split())
_CHARSET = re.compile(rb"<meta[^>]*?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.IGNORECASE)


class Problem(NamedTuple):
    """What keeps a page from being built: its line, what, and what to do.  `soft`: the page could be
    written nevertheless, and would lack something."""

    line: int
    message: str
    advice: str
    soft: bool

    def text(self, shown: str) -> str:
        """For people; shown: the page's name."""
        return f"{shown}:{self.line}: {self.message}; {self.advice}"


class Part:
    """A <gradio-file>, <gradio-code> or <gradio-requirements>, or what <gradio-lite> itself holds: its
    start tag, its text, and the tags in it that browsers do not take for text."""

    def __init__(self, tag: Token) -> None:
        self.tag = tag
        self.texts: List[Token] = []
        self.foreign: List[Token] = []

    def get(self, name: str) -> Optional[str]:
        """An attribute's value; None where it is not there."""
        found: Optional[Attribute] = self.tag.attributes.get(name)
        return found.value if found else None


class Lite(Part):
    """A <gradio-lite>, which ends at `end`; `texts` are its own, beside its elements."""

    def __init__(self, tag: Token) -> None:
        super().__init__(tag)
        self.end = tag.end
        self.parts: Dict[str, List[Part]] = {name: [] for name in _PARTS}


class Document:
    """A page's text and tokens.  Raises ToolError for one that cannot be read."""

    def __init__(self, data: bytes, shown: str) -> None:
        self.shown = shown
        if len(data) > MOST:
            raise ToolError(INPUT, f"{shown}: {len(data) / 1e6:.0f} MB is too much for a page; at "
                                   f"most {MOST / 1e6:.0f} MB")
        self.text = _decoded(data, shown)
        self._starts = [0] + [m.end() for m in re.finditer("\n", self.text)]
        self.problems: List[Problem] = []
        self.lites: List[Lite] = []
        try:
            self.tokens = list(tokens(self.text))
        except Unfinished as error:
            raise ToolError(INPUT, f"{self.at(error.start)}: the page ends inside of {error.what}, "
                                   f"which begins here") from None
        self._read()

    def line(self, offset: int) -> int:
        """The line, from 1, of a place in the text."""
        return bisect.bisect_right(self._starts, offset)

    def at(self, offset: int) -> str:
        """A place as messages name it."""
        return f"{self.shown}:{self.line(offset)}"

    def say(self, offset: int, message: str, advice: str, soft: bool = False) -> None:
        """Notes what keeps the page from being built."""
        self.problems.append(Problem(self.line(offset), message, advice, soft))

    # ---- elements ------------------------------------------------------------------------------

    def _read(self) -> None:
        inert = 0  # open <template> elements, whose content is not in the page
        paragraph = None  # an open <p>
        at = 0
        while at < len(self.tokens):
            token = self.tokens[at]
            at += 1
            if token.name == "template":
                inert = max(0, inert + (1 if token.kind == "start" else -1))
            if token.name in _BLOCKS or token.kind == "end" and token.name in _SPECIAL:
                paragraph = token if token.kind == "start" and token.name == "p" else None
            if token.kind != "start" or inert:
                continue
            if token.name == LITE:
                at = _Reader(self, token, at, paragraph).read()
            elif token.name in _PARTS:
                self.say(token.start, f"<{token.name}> is in no <{LITE}>", f"put it into a <{LITE}>")


class _Reader:
    """Reads one <gradio-lite>."""

    def __init__(self, document: Document, tag: Token, first: int,
                 paragraph: Optional[Token]) -> None:
        self.document, self.at = document, first
        self.paragraph = paragraph  # an open <p> that it is in
        self.lite = Lite(tag)
        self.stack = [tag]
        self.part: Optional[Part] = None  # whose text is read; None outside of such
        self.depth = 0  # of the stack where the part began

    def read(self) -> int:
        """The number of the first token after the element."""
        document = self.document
        document.lites.append(self.lite)
        while self.at < len(document.tokens):
            token = document.tokens[self.at]
            self.at += 1
            if token.kind == "text":
                self._text(token)
            elif token.kind == "start" and not self._start(token):
                return len(document.tokens)
            elif token.kind == "end":
                if self._end(token):
                    self.lite.end = token.end
                    return self.at
                if token.name in ("body", "html"):
                    break
        document.say(self.lite.tag.start, f"<{LITE}> is not closed", f"end it with </{LITE}>")
        return len(document.tokens)

    def _text(self, token: Token) -> None:
        if self.part:
            self.part.texts.append(token)
        elif len(self.stack) == 1:
            self.lite.texts.append(token)

    def _start(self, token: Token) -> bool:
        """Whether reading can go on."""
        if token.name == LITE:
            self.document.say(token.start, f"<{LITE}> is inside of another, which begins in line "
                              f"{self.document.line(self.lite.tag.start)}",
                              f"end the other with </{LITE}> before")
            return False
        if self.paragraph and token.name in _BLOCKS:
            self.document.say(token.start, f"<{token.name}> ends the <p> in line "
                              f"{self.document.line(self.paragraph.start)}, and <{LITE}> with it",
                              f"write '<' as &lt; in programs, or end the paragraph before "
                              f"<{LITE}>")
            return False
        if len(self.stack) > _DEEPEST:
            self.document.say(token.start, f"more than {_DEEPEST} elements are inside of each "
                                           "other",
                              "write '<' in programs as &lt;")
            return False
        if token.name in _PARTS:
            self._open(token)
        else:
            (self.part or self.lite).foreign.append(token)
            if self.part and token.name in _MOVING:
                self.document.say(token.start, f"browsers take <{token.name}> for a tag, and do "
                                  "not leave the text around it as it is", "write '<' as &lt;")
        if token.name not in _VOID:
            self.stack.append(token)
        return True

    def _open(self, token: Token) -> None:
        if self.part:
            self.document.say(token.start, f"<{token.name}> is inside of <{self.part.tag.name}>, "
                              f"which begins in line {self.document.line(self.part.tag.start)}",
                              f"end that with </{self.part.tag.name}> before")
        part = Part(token)
        self.lite.parts[token.name].append(part)
        if "url" not in token.attributes or token.name != "gradio-file":
            self.part, self.depth = part, len(self.stack)  # what has an address has no text

    def _end(self, token: Token) -> bool:
        """Whether the element ends here."""
        for i in range(len(self.stack) - 1, -1, -1):
            if self.stack[i].name == token.name:
                del self.stack[i:]
                if len(self.stack) <= self.depth:
                    self.part = None
                return i == 0
            if self.stack[i].name in _SPECIAL and token.name not in _SPECIAL:
                break
        if token.name in _SPECIAL and token.name not in ("body", "html"):
            self.document.say(token.start, f"browsers take </{token.name}> for a tag that ends "
                              f"something else than what is open in <{LITE}>", "write '<' as &lt;")
        elif self.part:
            self.part.foreign.append(token)
        return False


def _decoded(data: bytes, shown: str) -> str:
    """The text, by its byte order mark, its <meta charset>, or as UTF-8; lines end with \\n."""
    marks = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"),
             (codecs.BOM_UTF16_BE, "utf-16-be"))
    for mark, encoding in marks:
        if data.startswith(mark):
            data = data[len(mark):]
            break
    else:
        found = _CHARSET.search(data[:1024])
        encoding = found[1].decode() if found else "utf-8"
        if encoding.lower() in ("iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii"):
            encoding = "cp1252"  # as browsers read these
    try:
        text = data.decode(encoding)
    except LookupError:
        raise ToolError(INPUT, f"{shown}: its charset is {clean(encoding)}, which is not known; "
                               f"save it as UTF-8") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ToolError(INPUT, f"{shown}:{line}: is no {clean(encoding)}, as which it has to be "
                               f"read; save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
