"""Syntax of Python 3.12 to 3.14 for older interpreters: a text is rewritten to what they parse,
line by line the same, so that the audit needs no newer Python than the machine has.

What is rewritten: f-strings that hold their own quotes, comments or backslashes (PEP 701),
t-strings (PEP 750), type parameters and `type` (PEP 695), `except A, B:` (PEP 758)."""

import re
from typing import List, Tuple

_OPENING = re.compile(r"(?i)([rbuft]{0,3})('{3}|\"{3}|'|\")")
_PLAIN = re.compile(r"[^\W\d]\w*|[\d.]\w*|[^\S\n]+|[^\w\s]")
_EXCEPT = re.compile(r"(?m)^([ \t]*except\*?)[ \t]+([^\s:#(][^:#\n]*,[^:#\n]*?)[ \t]*:")
_TYPE = re.compile(r"(?m)^([ \t]*)type[ \t]+([^\W\d]\w*)[ \t]*(\[[^\n=]*\])?[ \t]*=(?!=)")
_PARAMETERS = re.compile(r"\b((?:def|class)[ \t]+[^\W\d]\w*)[ \t]*\[")


class _End(Exception):
    """The text ends within a string or a bracket."""


class _Rewriter:
    def __init__(self, text: str) -> None:
        self.text = text

    def code(self, at: int, inside: bool) -> Tuple[str, int]:
        """Rewrites code from a place on: all of it, or the expression of a replacement field, which
        ends before `}`, `:`, `!` or `=`."""
        out: List[str] = []
        depth, formatted = 0, False  # formatted: an f-string, which a string may follow
        while at < len(self.text):
            char = self.text[at]
            opening = _OPENING.match(self.text, at)
            if opening:
                piece, at = self.string(opening)
                out.append(f" + {piece}" if formatted else piece)
                formatted = formatted or piece.startswith("''.format(")
                continue
            if char == "#":
                end = self.text.find("\n", at)
                end = len(self.text) if end < 0 else end
                out.append("" if inside else self.text[at:end])
                at = end
                continue
            if char == "\n":
                formatted = formatted and (depth > 0 or inside)
                out.append(char)
                at += 1
                continue
            if inside and depth == 0 and self._ends(at):
                return "".join(out), at
            depth += (char in "([{") - (char in ")]}")
            piece = _PLAIN.match(self.text, at)
            word = piece.group() if piece else char
            formatted = formatted and word.isspace()
            out.append(word)
            at += len(word)
        if inside:
            raise _End
        return "".join(out), at

    def _ends(self, at: int) -> bool:
        char, after = self.text[at], self.text[at + 1:at + 2]
        if char in "}:":
            return True
        if char == "!":
            return after != "="
        return char == "=" and after != "=" and self.text[at - 1] not in "=!<>" and bool(
            re.match(r"=\s*[!:}]", self.text[at:at + 20]))

    def string(self, opening) -> Tuple[str, int]:
        """A string; those with replacement fields become a call that has them as arguments."""
        prefix, quote = opening.group(1).lower(), opening.group(2)
        at = opening.end()
        if not set(prefix) & {"f", "t"}:
            while not self.text.startswith(quote, at):
                if at >= len(self.text) or len(quote) == 1 and self.text[at] == "\n":
                    raise _End
                at += 2 if self.text[at] == "\\" else 1
            return self.text[opening.start():at + len(quote)], at + len(quote)
        fields, at = self.literal(at, quote, "r" in prefix)
        return f"''.format({fields})", at + len(quote)

    def literal(self, at: int, end: str, raw: bool) -> Tuple[str, int]:
        """The fields of an f-string's text, or of a format, up to its end."""
        fields = ""
        while not self.text.startswith(end, at):
            if at >= len(self.text):
                raise _End
            char = self.text[at]
            if char == "{" and self.text.startswith("{{", at) and end != "}":
                at += 2
            elif char == "{":
                field, at = self.field(at + 1, raw)
                fields += field
            elif char == "\\" and not (raw and self.text[at + 1:at + 2] in "{}"):
                fields += "\n" if self.text[at + 1:at + 2] == "\n" else ""
                at += 2
            else:
                fields += "\n" if char == "\n" else ""
                at += 1
        return fields, at

    def field(self, at: int, raw: bool) -> Tuple[str, int]:
        """One replacement field, without its braces."""
        expression, at = self.code(at, True)
        rest = re.compile(r"=?\s*(![a-z]\s*)?").match(self.text, at)
        at = rest.end() if rest else at
        nested = ""
        if self.text.startswith(":", at):
            nested, at = self.literal(at + 1, "}", raw)
        if not self.text.startswith("}", at):
            raise _End
        return f"({expression}), {nested}", at + 1


def _without_parameters(text: str) -> str:
    out, at = [], 0
    for found in _PARAMETERS.finditer(text):
        if found.start() < at:
            continue
        depth, end = 1, found.end()
        while end < len(text) and depth:
            depth += (text[end] == "[") - (text[end] == "]")
            end += 1
        if re.match(r"\s*[(:]", text[end:end + 20]):
            out += [text[at:found.end(1)], "\\\n" * text.count("\n", found.end(1), end)]
            at = end
    return "".join(out) + text[at:]


def rewrite(text: str) -> str:
    """The text as older interpreters parse it, or as it was where that is not to be had."""
    try:
        text, _ = _Rewriter(text).code(0, False)
    except (_End, RecursionError):
        pass
    text = _EXCEPT.sub(lambda m: m.group() if re.search(r"\bas\b", m.group(2))
                       else f"{m.group(1)} ({m.group(2)}):", text)
    return _without_parameters(_TYPE.sub(r"\1\2 =", text))
