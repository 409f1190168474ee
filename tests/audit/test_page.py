"""Audits of pages with <gradio-lite>: findings have the page's lines."""

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT, make_wheel, write

from ashore_tools.audit import InputError, Options
from ashore_tools.lite.judge import judge

PAGE = """<!doctype html>
<title>Two programs</title>
<gradio-lite>
  <gradio-requirements>
    fine==1.0
    nonesuch>=2
  </gradio-requirements>
  <gradio-file name="app.py" entrypoint>
    import gradio as gr
    import fine
    import numpy
    from helper import run
    from beside import go
    run()
    go()
  </gradio-file>
  <gradio-file name="helper.py">
    import subprocess
    def run():
        if 1 &lt; 2:
            subprocess.run(["ls"])
  </gradio-file>
  <gradio-file name="beside.py" url="lib/other.py"></gradio-file>
</gradio-lite>
<p>between</p>
<gradio-lite>
import socket
s = socket.create_connection(("a", 1))
</gradio-lite>
<img src="https://example.org/x.png">
"""


@pytest.fixture
def page(tmp_path):
    """page(text, **options): the result."""
    def run(text, **options):
        write(tmp_path, {"page.html": text, "lib/other.py": "import os\n\ndef go():\n    os.fork()\n"})
        options.setdefault("measure", False)
        return judge(Options(str(tmp_path / "page.html"), **options))
    return run


def places(result):
    return [(os.path.basename(f.file), f.line, f.rule) for f in result.findings]


def test_findings_have_the_lines_of_the_page(page, tmp_path):
    make_wheel(tmp_path, "fine")
    result = page(PAGE, wheels=(str(tmp_path),))
    assert sorted(places(result)) == [
        ("other.py", 4, "processes"), ("page.html", 6, "requirement"),
        ("page.html", 11, "distribution"), ("page.html", 21, "processes"),
        ("page.html", 28, "sockets"), ("page.html", 30, "page")]
    assert [item.name for item in result.closure.items] == ["fine"]
    by_line = {f.line: f.column for f in result.findings if f.file.endswith("page.html")}
    lines = PAGE.split("\n")
    assert by_line[11] == lines[10].index("import") + 1
    assert by_line[21] == lines[20].index("subprocess") + 1
    assert result.verdict.words == "does not run"
    assert result.verdict.sentence.startswith("page.html does not run in the browser")


def test_what_is_downloaded_is_the_page_and_its_files(page):
    result = page(PAGE, measure=True)
    names = {part.name for part in result.parts if part.kind == "program"}
    assert names == {"page.html", "app.py", "helper.py", "beside.py"}


def test_a_page_without_faults_runs(page):
    result = page("<gradio-lite>import gradio as gr\n</gradio-lite>")
    assert (result.findings, result.verdict.words) == ([], "runs")


def test_ignore_comments_count(page):
    result = page("<gradio-lite>\nimport os\nos.fork()  # ashore: ignore[processes]\n</gradio-lite>")
    assert (result.findings, result.ignored) == ([], 1)


@pytest.mark.parametrize("text, options, what", [
    ("<p>nothing", {}, "has no <gradio-lite>"), ("<!-- x", {}, "ends inside of a comment"),
    (PAGE, {"include": ("x",)}, "--include is for programs that are files"),
    (PAGE, {"wheels": ("/nonesuch",)}, "there is no such file or folder")])
def test_what_cannot_be_audited(page, text, options, what):
    with pytest.raises(InputError) as refused:
        page(text, **options)
    assert what in str(refused.value)


def test_the_command(tmp_path):
    write(tmp_path, {"page.HTML": "<gradio-lite>\nimport os\nos.fork()\n</gradio-lite>"})
    start = [sys.executable, "-I", "-B", os.path.join(ROOT, "tools/ashore_tools/start.py"), "audit"]
    done = subprocess.run([*start, "page.HTML", "--json"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")
    report = json.loads(done.stdout)
    assert [(f["file"], f["line"], f["rule"]) for f in report["findings"]] == [
        ("page.HTML", 3, "processes")]
    done = subprocess.run([*start, "page.HTML", "--entry", "a.py"], cwd=tmp_path, capture_output=True,
                          text=True)
    assert (done.returncode, done.stderr) == (2, "ashore audit: --entry names a file of a folder\n")
