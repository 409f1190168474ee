"""A finding, and the list that findings are gathered in."""

import io
import re
import tokenize
import unicodedata
from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from .rules import ERROR, RULES, SEVERITIES, WARNING

_IGNORE = re.compile(r"#\s*ashore:\s*ignore(?:\[([^\]]*)\])?")


class Finding(NamedTuple):
    """What was found, where, why it matters, and what to do instead."""

    file: str      # relative to the program's folder
    line: int      # from 1; 0: the file as a whole
    column: int    # from 1, in characters
    cell: int      # of a notebook, from 1; otherwise 0
    rule: str
    severity: str
    message: str   # what is there, and why it fails
    advice: str    # what to do instead
    reached: bool  # whether the entry gets there

    def order(self) -> tuple:
        return (SEVERITIES.index(self.severity), self.file, self.cell, self.line, self.column,
                self.rule)


def clean(text: str) -> str:
    """For terminals: control and formatting characters become \\xNN."""
    return "".join(c if c == " " or unicodedata.category(c)[0] not in "CZ"
                   else c.encode("unicode_escape").decode() for c in text)


def _inside_strings(lines: List[str]) -> Set[Tuple[int, int]]:
    """Places where the pattern stands in a text and not in a comment; none where the lines are no
    Python."""
    comments, all_places = set(), set()
    for number, line in enumerate(lines, 1):
        all_places |= {(number, m.start()) for m in _IGNORE.finditer(line)}
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(lines)).readline):
            if token.type == tokenize.COMMENT:
                comments |= {(token.start[0], token.start[1] + m.start())
                             for m in _IGNORE.finditer(token.string)}
    except (tokenize.TokenError, SyntaxError, ValueError):
        return set()
    return all_places - comments


class Ignores:
    """The comments `# ashore: ignore[rule, rule]` of a file, by line."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.by_line: Dict[int, Set[str]] = {}
        self.unknown: List[Tuple[int, int, str]] = []
        text = list(lines)
        strings = _inside_strings(text) if any("ashore:" in line for line in text) else set()
        for number, line in enumerate(text, 1):
            found = _IGNORE.search(line) if "ashore:" in line else None
            if not found or (number, found.start()) in strings:
                continue
            names = {n.strip() for n in (found.group(1) or "").split(",") if n.strip()}
            for name in sorted(names - set(RULES)):
                self.unknown.append((number, found.start() + 1, name))
            self.by_line[number] = names & set(RULES) if names else set(RULES)

    def covers(self, rule: str, first: int, last: int) -> bool:
        """Whether a rule is ignored on the first or last of these lines."""
        return any(rule in self.by_line.get(line, ()) for line in (first, last))


class Findings:
    """Findings, each place and rule once."""

    def __init__(self) -> None:
        self._all: Dict[tuple, Finding] = {}
        self.ignored = 0

    def add(self, file: str, rule: str, message: str, advice: str, line: int = 0, column: int = 0,
            cell: int = 0, severity: Optional[str] = None, reached: bool = True) -> None:
        """Adds one; an error that the entry does not reach becomes a warning."""
        level = severity or RULES[rule].severity
        if not reached and level == ERROR:
            level = WARNING
            message += " (nothing that the entry runs refers to the function it is in)"
        finding = Finding(file, line, column, cell, rule, level, message, advice, reached)
        key = (file, cell, line, column, rule, message)
        before = self._all.get(key)
        if before is None or SEVERITIES.index(level) < SEVERITIES.index(before.severity):
            self._all[key] = finding

    def sorted(self) -> List[Finding]:
        return sorted(self._all.values(), key=Finding.order)
