"""The verdict on a program, from its findings."""

from typing import List, NamedTuple

from .finding import Finding
from .rules import ERROR, RULES, WARNING

RUNS, LIMITS, FAILS = "runs", "runs with limits", "does not run"
_EXPOSED = RULES["secret"].group


class Verdict(NamedTuple):
    """`words` is one of RUNS, LIMITS, FAILS; `sentence` says it with what decided."""

    words: str
    sentence: str
    errors: int
    warnings: int
    notes: int


def counted(number: int, what: str) -> str:
    """A number and what it is of."""
    return f"{number} {what}" + ("" if number == 1 else "s")


def of(findings: List[Finding], name: str) -> Verdict:
    """Secrets do not keep a program from running, and are said apart."""
    errors = [f for f in findings if f.severity == ERROR]
    warnings = [f for f in findings if f.severity == WARNING]
    published = [f for f in errors if RULES[f.rule].group == _EXPOSED and f.rule == "secret"]
    stopping = len(errors) - len(published)
    if stopping:
        words, why = FAILS, f": {counted(stopping, 'error')}"
    elif warnings:
        words, why = LIMITS, f": {counted(len(warnings), 'warning')}"
    else:
        words, why = RUNS, ""
    subject = "in the browser"
    sentence = f"{name} {words} {subject}{why}."
    if words == LIMITS:
        sentence = f"{name} runs {subject}, with limits{why}."
    if published:
        secrets = counted(len(published), "secret")
        sentence += f" It must not be deployed: it would publish {secrets}."
    return Verdict(words, sentence, len(errors), len(warnings),
                   len(findings) - len(errors) - len(warnings))
