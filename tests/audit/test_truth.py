"""Small programs: the audit says of each what Pyodide does with it."""

import json
import os
import subprocess

import pytest

from conftest import ROOT

HERE = os.path.dirname(os.path.abspath(__file__))


def programs():
    """(name, 'runs' or 'fails', text) of all programs of programs.txt."""
    found = []
    with open(os.path.join(HERE, "programs.txt"), encoding="utf-8") as f:
        for line in f:
            if line.startswith("=== "):
                found.append([*line.split()[1:], ""])
            elif found:
                found[-1][2] += line
    return found


PROGRAMS = programs()
IDS = [name for name, _, _ in PROGRAMS]


@pytest.fixture(scope="module")
def outcomes():
    """For each text the exception that Pyodide ends it with, or ''."""
    texts = [text for _, _, text in PROGRAMS]
    done = subprocess.run([os.path.join(ROOT, "build", "node"),
                           os.path.join(HERE, "run_pyodide.mjs")], input=json.dumps(texts),
                          text=True, stdout=subprocess.PIPE, check=True, timeout=600)
    return dict(zip(texts, json.loads(done.stdout)))


@pytest.mark.parametrize("name, outcome, text", PROGRAMS, ids=IDS)
def test_the_audit_says_what_happens(audit, name, outcome, text):
    result = audit({"app.py": text})
    said = "fails" if result.verdict.words == "does not run" else "runs"
    assert said == outcome, [(f.line, f.rule, f.severity, f.message) for f in result.findings]


@pytest.mark.parametrize("name, outcome, text", PROGRAMS, ids=IDS)
def test_that_happens_in_pyodide(outcomes, name, outcome, text):
    assert bool(outcomes[text]) == (outcome == "fails"), outcomes[text]


def test_names_differ():
    assert len(set(IDS)) == len(IDS) > 200
