"""docs/audit.md has the rules, options and fields that the code has."""

import os
import re

from conftest import ROOT

from ashore_tools.audit import download
from ashore_tools.audit.rules import RULES


def text(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as f:
        return f.read()


def test_the_table_of_rules_is_that_of_the_code():
    rows = re.findall(r"(?m)^\| `([a-z-]+)` \| (error|warning|note) \| (.*) \|$",
        text("docs/audit.md"))
    assert rows == [(r.id, r.severity, r.title) for r in RULES.values()]


def test_constants_are_said():
    document = text("docs/audit.md")
    assert download.LINK in document
    least, most = download.START_SECONDS
    assert f"{least:g} to {most:g} s" in document


def test_options_of_the_tool_are_those_of_the_program():
    tool = text("tools/ashore_tools/audit/__init__.py")
    options = set(re.findall(r'add_argument\("--([a-z]+)"', tool))
    flags = text("src/cli/cli_flags.c")
    rows = re.findall(r'\{"([a-z-]+)",[^}]*?\bCLI_AUDIT\b', flags)
    assert set(rows) == options


def test_fields_of_the_report_are_said():
    document = text("docs/audit.md")
    for name in re.findall(r'^        "([a-z_]+)":',
        text("tools/ashore_tools/audit/report_json.py"),
                           re.MULTILINE):
        assert f"`{name}`" in document, name
