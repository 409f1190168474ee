"""Requirements (`numpy[x]>=1; sys_platform == "linux"`) and their markers, by PEP 508."""

import re
from typing import Dict, List, Optional, Tuple

from .pep440 import InvalidVersion, Specifier, SpecifierSet, Version

_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*")
_EXTRAS = re.compile(r"\[([^\]]*)\]\s*")
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>'[^']*'|"[^"]*")|(?P<op>===|~=|==|!=|<=|>=|<|>)"""
    r"""|(?P<paren>[()])|(?P<word>[A-Za-z_][A-Za-z0-9_.]*))""")
_VARIABLES = {
    "python_version", "python_full_version", "os_name", "sys_platform", "platform_release",
    "platform_system", "platform_version", "platform_machine", "platform_python_implementation",
    "implementation_name", "implementation_version", "extra", "os.name", "sys.platform",
    "platform.version", "platform.machine", "platform.python_implementation",
    "python_implementation",
}
_OLD_NAMES = {
    "os.name": "os_name", "sys.platform": "sys_platform", "platform.version": "platform_version",
    "platform.machine": "platform_machine",
    "platform.python_implementation": "platform_python_implementation",
    "python_implementation": "platform_python_implementation",
}
_DEEPEST = 50  # parentheses in a marker


class InvalidRequirement(ValueError):
    """The text is no requirement of PEP 508."""


def canonical(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def environment(python: str = "3.14.2") -> Dict[str, str]:
    """What markers see under Pyodide with that version of Python."""
    return {
        "os_name": "posix", "sys_platform": "emscripten", "platform_machine": "wasm32",
        "platform_system": "Emscripten", "platform_release": "5.0.3", "platform_version": "#1",
        "python_version": ".".join(python.split(".")[:2]), "python_full_version": python,
        "implementation_name": "cpython", "implementation_version": python,
        "platform_python_implementation": "CPython", "extra": "",
    }


class Marker:
    """The condition after a semicolon.  Raises InvalidRequirement."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self._tokens = self._split(text)
        self._at = 0
        self._depth = 0
        self._tree = self._either()
        if self._at != len(self._tokens):
            raise InvalidRequirement(f"marker '{self.text}': '{self._tokens[self._at][1]}' "
                                     "is one too many")

    def _split(self, text: str) -> List[Tuple[str, str]]:
        tokens, at = [], 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if not found:
                raise InvalidRequirement(f"marker '{self.text}': cannot be read at "
                                         f"'{text[at:].strip()[:20]}'")
            kind = found.lastgroup or ""
            tokens.append((kind, found.group(kind)))
            at = found.end()
        return tokens

    def _peek(self) -> Tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "its end")

    def _take(self) -> Tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _either(self):
        terms = [self._both()]
        while self._peek() == ("word", "or"):
            self._take()
            terms.append(self._both())
        return ("or", terms)

    def _both(self):
        terms = [self._term()]
        while self._peek() == ("word", "and"):
            self._take()
            terms.append(self._term())
        return ("and", terms)

    def _term(self):
        if self._peek() == ("paren", "("):
            self._take()
            self._depth += 1
            if self._depth > _DEEPEST:
                raise InvalidRequirement("marker: too many parentheses")
            inside = self._either()
            if self._take() != ("paren", ")"):
                raise InvalidRequirement(f"marker '{self.text}': a parenthesis is not closed")
            self._depth -= 1
            return inside
        left = self._operand()
        operator = self._operator()
        return ("compare", (left, operator, self._operand()))

    def _operand(self) -> Tuple[str, str]:
        kind, text = self._take()
        if kind == "string":
            return ("value", text[1:-1])
        if kind == "word" and text in _VARIABLES:
            return ("variable", _OLD_NAMES.get(text, text))
        raise InvalidRequirement(f"marker '{self.text}': {text} is neither a name of PEP 508 "
                                 "nor a quoted text")

    def _operator(self) -> str:
        kind, text = self._take()
        if kind == "op" or (kind, text) == ("word", "in"):
            return text
        if (kind, text) == ("word", "not") and self._take() == ("word", "in"):
            return "not in"
        raise InvalidRequirement(f"marker '{self.text}': {text} is no comparison")

    def holds(self, values: Dict[str, str], extras: Tuple[str, ...] = ()) -> bool:
        """Whether it is true in the environment, with any of the extras."""
        return any(self._evaluate(self._tree, dict(values, extra=extra))
                   for extra in (extras or ("",)))

    def _evaluate(self, node, values: Dict[str, str]) -> bool:
        kind, inside = node
        if kind == "or":
            return any(self._evaluate(term, values) for term in inside)
        if kind == "and":
            return all(self._evaluate(term, values) for term in inside)
        left, operator, right = inside
        names = {text for what, text in (left, right) if what == "variable"}
        a, b = (values.get(text, "") if what == "variable" else text for what, text in (left,
            right))
        if "extra" in names:
            a, b = canonical(a), canonical(b)
        return _compare(a, operator, b)


def _compare(left: str, operator: str, right: str) -> bool:
    if operator == "in":
        return left in right
    if operator == "not in":
        return left not in right
    try:
        return Specifier(operator + right).matches(Version(left))
    except InvalidVersion:
        pass
    # Texts that are no versions have no order.
    if operator in ("==", "===", "<=", ">="):
        return left == right
    if operator == "~=":
        raise InvalidRequirement(f"marker: '{left}' ~= '{right}' compares no versions")
    return operator == "!=" and left != right


class Requirement:
    """One requirement.  Raises InvalidRequirement."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        found = _NAME.match(text)
        if not found:
            raise InvalidRequirement(f"'{self.text}' does not begin with a package's name")
        self.name = found.group(1)
        self.key = canonical(self.name)
        rest = text[found.end():]
        self.extras: Tuple[str, ...] = ()
        found = _EXTRAS.match(rest)
        if found:
            extras = [e.strip() for e in found.group(1).split(",") if e.strip()]
            if not all(_NAME.fullmatch(e) for e in extras):
                raise InvalidRequirement(f"'{self.text}': the extras cannot be read")
            self.extras = tuple(canonical(e) for e in extras)
            rest = rest[found.end():]
        self.url: Optional[str] = None
        self.marker: Optional[Marker] = None
        self.specifiers = SpecifierSet()
        self._read_rest(rest.strip())

    def _read_rest(self, rest: str) -> None:
        if rest.startswith("@"):
            url, _, marker = rest[1:].strip().partition(" ;")
            self.url = url.strip()
            if not self.url:
                raise InvalidRequirement(f"'{self.text}': no address after @")
        else:
            versions, _, marker = rest.partition(";")
            versions = versions.strip()
            if versions.startswith("(") and versions.endswith(")"):
                versions = versions[1:-1]
            try:
                self.specifiers = SpecifierSet(versions)
            except InvalidVersion as error:
                raise InvalidRequirement(f"'{self.text}': {error}") from None
        if marker.strip():
            self.marker = Marker(marker)

    def applies(self, values: Dict[str, str], extras: Tuple[str, ...] = ()) -> bool:
        """Whether its marker, if it has one, holds."""
        return self.marker is None or self.marker.holds(values, extras)

    def __str__(self) -> str:
        return self.text
