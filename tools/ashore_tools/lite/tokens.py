"""Splits HTML into tags and text the way browsers do, with where each stands.

The standard library's html.parser differs between versions of Python, and takes quadratic time for
some pages; this follows the tokenizer of the HTML standard (section 13.2.5) as far as pages need it,
in linear time."""

import html
import re
from html.entities import html5
from typing import Dict, Iterator, NamedTuple, Optional, Tuple

_SPACE = "\t\n\f "
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_NAME = re.compile(r"[^\t\n\f />]*")
_GAP = re.compile(r"[\t\n\f /]*")
_SPACES = re.compile(r"[\t\n\f ]*")
_ATTRIBUTE = re.compile(r"=?[^\t\n\f />=]*")
_UNQUOTED = re.compile(r"[^\t\n\f >]*")
_COMMENT_END = re.compile(r"--!?>")
_REFERENCE = re.compile(r"&(?:#(?:[0-9]+|[xX][0-9a-fA-F]+);?|[A-Za-z][A-Za-z0-9]*;?)")
_SCRIPT = re.compile(r"<!--|-->|<(/?)script(?=[\t\n\f />])", re.IGNORECASE | re.ASCII)

# Elements whose content is text; browsers that run scripts do so for <noscript> as well.
RAW = {"script", "style", "xmp", "iframe", "noembed", "noframes", "noscript"}
DECODED = {"textarea", "title"}
_ENDS = {name: re.compile(rf"</{name}(?=[\t\n\f />])", re.IGNORECASE | re.ASCII)
         for name in RAW | DECODED}


class Attribute(NamedTuple):
    """`value` is decoded; `start` and `end` are where it stands, with its quotes; equal without a
    value.  `at` is where the name begins."""

    value: str
    at: int
    start: int
    end: int


class Token(NamedTuple):
    """`kind` is "start", "end", "text" (decoded as `decoded` says), "comment" or "doctype"."""

    kind: str
    start: int
    end: int
    name: str = ""
    attributes: Dict[str, Attribute] = {}
    decoded: bool = True
    closes: bool = False  # a start tag that ends with />


class Unfinished(Exception):
    """The text ends inside of something: `what`, which begins at `start`."""

    def __init__(self, what: str, start: int) -> None:
        super().__init__(what)
        self.what, self.start = what, start


def lowered(name: str) -> str:
    """Letters of ASCII alone, as names in HTML are compared."""
    return name.translate(_LOWER)


def text_of(source: str) -> str:
    """The text that a piece of source stands for: references decoded, NUL left out."""
    return html.unescape(source).replace("\0", "")


def _reference(found: "re.Match[str]") -> str:
    """A reference in an attribute, where names without a semicolon end at a letter or '='."""
    text = found[0]
    if text[1] == "#" or text.endswith(";") and text[1:] in html5:
        return html.unescape(text)
    if text[1:] in html5 and found.string[found.end():found.end() + 1] != "=":
        return html5[text[1:]]
    return text


def value_of(source: str) -> str:
    """The value that an attribute's source stands for."""
    return _REFERENCE.sub(_reference, source).replace("\0", "\ufffd")


def _attribute(text: str, at: int) -> Tuple[str, Attribute, int]:
    """An attribute that begins at a place, and where it ends."""
    name = _ATTRIBUTE.match(text, at)
    assert name is not None
    after = _SPACES.match(text, name.end())
    assert after is not None
    if text[after.end():after.end() + 1] != "=":
        return lowered(name[0]), Attribute("", at, name.end(), name.end()), name.end()
    begin = _SPACES.match(text, after.end() + 1).end()  # type: ignore[union-attr]
    quote = text[begin:begin + 1]
    if quote in ('"', "'") and quote:
        end = text.find(quote, begin + 1)
        if end < 0:
            return "", Attribute("", at, begin, begin), -1
        return lowered(name[0]), Attribute(value_of(text[begin + 1:end]), at, begin, end + 1), end + 1
    end = _UNQUOTED.match(text, begin).end()  # type: ignore[union-attr]
    return lowered(name[0]), Attribute(value_of(text[begin:end]), at, begin, end), end


def _tag(text: str, start: int) -> Optional[Token]:
    """The tag that begins at a place; None where it does not end."""
    kind = "end" if text[start + 1] == "/" else "start"
    name = _NAME.match(text, start + (2 if kind == "end" else 1))
    assert name is not None
    attributes: Dict[str, Attribute] = {}
    at = name.end()
    while True:
        gap = _GAP.match(text, at)
        assert gap is not None
        at = gap.end()
        if at >= len(text):
            return None
        if text[at] == ">":
            return Token(kind, start, at + 1, lowered(name[0]), attributes,
                         closes=text[at - 1] == "/")
        key, attribute, at = _attribute(text, at)
        if at < 0:
            return None
        attributes.setdefault(key, attribute)


def _comment(text: str, start: int) -> Tuple[str, int]:
    """Kind and end of what begins with <! or <? or </ without a name; -1 for one without an end."""
    if text.startswith("<!--", start):
        if text.startswith((">", "->"), start + 4):
            return "comment", text.index(">", start) + 1
        found = _COMMENT_END.search(text, start + 4)
        return "comment", found.end() if found else -1
    end = text.find(">", start)
    kind = "doctype" if lowered(text[start:start + 9]) == "<!doctype" else "comment"
    return kind, end + 1 if end >= 0 else -1


def _script_end(text: str, at: int) -> int:
    """Where a script's end tag begins; -1 for none.  Inside of <!-- a script may have scripts."""
    hidden = double = False
    for found in _SCRIPT.finditer(text, at):
        what = found[0]
        if what == "<!--":
            hidden = True
        elif what == "-->":
            hidden = double = False
        elif not found[1]:
            double = hidden
        elif not double:
            return found.start()
        else:
            double = False
    return -1


def _content(text: str, name: str, at: int) -> int:
    """Where the content of an element of text ends."""
    if name == "script":
        return _script_end(text, at)
    found = _ENDS[name].search(text, at)
    return found.start() if found else -1


def _at_markup(text: str, at: int) -> bool:
    after = text[at + 1:at + 3]
    return after[:1] in ("!", "?") and after != "" or after[:1].isascii() and after[:1].isalpha() \
        or after[:1] == "/" and after[1:] != ""


def tokens(text: str) -> Iterator[Token]:
    """All of a text, whose lines end with \\n.  Raises Unfinished where it ends inside of a tag, a
    comment, or an element whose content is text."""
    at = begin = 0
    while True:
        at = text.find("<", at)
        if at < 0:
            break
        if not _at_markup(text, at):
            at += 1
            continue
        if begin < at:
            yield Token("text", begin, at)
        is_tag = text[at + 1].isalpha() or text[at + 1] == "/" and text[at + 2].isascii() \
            and text[at + 2].isalpha()
        if not is_tag:
            kind, end = ("comment", at + 3) if text.startswith("</>", at) else _comment(text, at)
            if end < 0:
                raise Unfinished("a comment", at)
            yield Token(kind, at, end)
            at = begin = end
            continue
        tag = _tag(text, at)
        if tag is None:
            raise Unfinished("a tag", at)
        yield tag
        at = begin = tag.end
        if tag.kind == "start" and tag.name == "plaintext":
            break
        if tag.kind == "start" and tag.name in _ENDS:
            end = _content(text, tag.name, at)
            if end < 0:
                raise Unfinished(f"<{tag.name}>", tag.start)
            if end > at:
                yield Token("text", at, end, decoded=tag.name in DECODED)
            at = begin = end
    if begin < len(text):
        yield Token("text", begin, len(text))
