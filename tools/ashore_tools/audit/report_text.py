"""The report for people: plain text of at most 100 columns, without colours."""

import textwrap
from typing import Dict, List

from . import download
from .audit import Result
from .finding import Finding, clean
from .rules import ERROR, GROUPS, NOTE, RULES, WARNING
from .verdict import FAILS, counted

_COLUMNS = 100
_MOST_PLACES, _MOST_ENTRIES = 6, 60
# What must not be published comes first.
_GROUPS = GROUPS[-1:] + GROUPS[:-1]
_TITLES = {ERROR: "Errors: the program does not run, or must not be published",
           WARNING: "Warnings: it runs, and does something else than elsewhere",
           NOTE: "Notes"}


def _wrapped(text: str, first: str, indent: int) -> List[str]:
    return textwrap.wrap(clean(text), _COLUMNS, initial_indent=first,
                         subsequent_indent=" " * indent, break_on_hyphens=False,
                         break_long_words=True) or [first.rstrip()]


def _places(findings: List[Finding]) -> str:
    """Where findings are that say the same: `app.py:3:1, 9:5, util.py:2:1 and 7 more`."""
    texts: List[str] = []
    before = ("", 0)
    for finding in findings[:_MOST_PLACES]:
        place = clean(finding.file)
        if finding.cell:
            place += f", cell {finding.cell}"
        if finding.line:
            same = before == (finding.file, finding.cell)
            place = ("" if same else f"{place}:") + f"{finding.line}:{finding.column}"
        before = (finding.file, finding.cell)
        texts.append(place)
    more = len(findings) - len(texts)
    return ", ".join(texts) + (f" and {more} more" if more else "")


def _findings(findings: List[Finding], severity: str) -> List[str]:
    same: Dict[tuple, List[Finding]] = {}
    for finding in findings:
        if finding.severity == severity:
            group = RULES[finding.rule].group
            same.setdefault((_GROUPS.index(group), finding.rule, finding.message, finding.advice),
                            []).append(finding)
    if not same:
        return []
    lines, group = ["", _TITLES[severity]], -1
    shown = sorted(same.items(), key=lambda item: item[0][0])
    for (number, rule, message, advice), members in shown[:_MOST_ENTRIES]:
        if number != group:
            lines += ["", f"  {_GROUPS[number]}"]
            group = number
        lines += _wrapped(f"{_places(members)}  [{rule}]", " " * 4, 6)
        lines += _wrapped(message, " " * 6, 8)
        lines += _wrapped(f"-> {advice}", " " * 6, 9)
    if len(shown) > _MOST_ENTRIES:
        lines += ["", f"  and {len(shown) - _MOST_ENTRIES} more like these; --json lists all"]
    return lines


def size(count) -> str:
    """Bytes for people."""
    if count is None:
        return "-"
    return f"{count / 1e6:.2f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def _row(name: str, part: download.Part) -> str:
    return f"  {name:<18}{size(part.raw):>12}{size(part.gzip):>12}{size(part.brotli):>12}"


def _closure(result: Result) -> List[str]:
    lines = ["", "What a visitor downloads", f"  {'':<18}{'raw':>12}{'gzip':>12}{'brotli':>12}"]
    rows: Dict[str, download.Part] = download.sums(result.parts)
    for name, part in rows.items():
        lines.append(_row(name, part))
    whole = download.total(result.parts)
    lines.append(_row("all", whole))
    if result.closure.items:
        lines += ["", "Packages, in the order in which they are installed"]
        for item in result.closure.items:
            lines.append(f"  {clean(item.name)} {item.version}  {size(item.size)}  "
                         f"{clean(item.path)}")
    for missing in result.unmeasured:
        lines += _wrapped(missing, "  ", 2)
    start = result.start
    lines += ["", "First start (an estimate)"]
    lines += _wrapped(
        f"{start.least:.1f} to {start.most:.1f} s: {start.download:.1f} s of download at "
        f"{download.LINK} ({start.measured}), and {download.START_SECONDS[0]} to "
        f"{download.START_SECONDS[1]:.0f} s until Pyodide has started (Chromium, two slow cores). "
        f"What the program itself does comes on top.", "  ", 2)
    return lines


def _without(result: Result) -> List[str]:
    found = result.no_python
    if found is None:
        return []
    if not found.possible:
        return ["", "Python in the page"] + _wrapped(
            f"{found.place} needs it: {found.reason}. Without that, 'ashore app --no-python' might write "
            f"the page without Python.", "  ", 2)
    saved, count = found.saved, "the interpreter"
    if saved is not None:
        less = f"{size(saved.gzip)} with gzip" if saved.brotli is None else \
            f"{size(saved.brotli)} with brotli"
        count = f"{size(saved.raw)} of the first visit, {less}"
    return ["", "Python in the page"] + _wrapped(
        f"This program needs none, nor the packages that are missing above: 'ashore app --no-python' "
        f"writes the page without, which saves {count}, and its start.", "  ", 2)


def render(result: Result) -> str:
    """The whole report."""
    verdict = result.verdict
    lines = _wrapped(verdict.sentence, "", 2)
    counts = ", ".join(counted(number, what) for number, what in (
        (verdict.errors, "error"), (verdict.warnings, "warning"), (verdict.notes, "note")))
    if result.ignored:
        counts += f"; {result.ignored} ignored by comments"
    lines.append(f"  {counts}; {counted(len(result.files), 'file')} read, Pyodide {result.pyodide}, Python "
                 f"{result.python}")
    if verdict.words == FAILS and result.no_python and result.no_python.possible:
        lines.append("  Without Python in the page it runs: see the end of this report.")
    for severity in (ERROR, WARNING, NOTE):
        lines += _findings(result.findings, severity)
    if result.weights:
        lines += ["", "Weights that everyone who opens the page can copy"]
        lines += [f"  {size(w.size):>10}  {w.format:<12} {clean(name)}" for name, w in
                  result.weights]
    lines += _closure(result)
    lines += _without(result)
    return "\n".join(lines) + "\n"
