"""Programs of several files: modules, folders, notebooks, reach, requirements, hostile files."""

import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT, found, make_wheel, rules, write

from ashore_tools.audit import Audit, InputError, Options, exit_code, project


def test_modules_of_the_program_are_followed(audit):
    result = audit({
        "app.py": "import a.b\nfrom c import helper\nhelper()\na.b.go()\n",
        "a/__init__.py": "", "a/b.py": "import os\ndef go():\n    os.system('ls')\n",
        "c.py": "import subprocess\ndef helper():\n    subprocess.run('ls')\n",
        "unused.py": "import tkinter\n"})
    assert sorted(result.files) == ["a/__init__.py", "a/b.py", "app.py", "c.py"]
    assert {(f.file, f.line) for f in result.findings} == {("a/b.py", 3), ("c.py", 3)}


def test_names_are_followed_through_modules(audit):
    result = audit({"app.py": "from util import sp, Worker\nsp.run('ls')\nWorker().start()\n",
                    "util.py": "import subprocess as sp\nfrom threading import Thread as Worker\n"})
    assert {(2, "processes"), (3, "threads")} <= found(result, "error")


def test_modules_shadow_others(audit):
    result = audit({"app.py": "import requests\nrequests.get('x')\n",
                    "requests.py": "def get(x): return x\n"})
    assert not result.findings


def test_relative_imports_and_missing_modules(audit):
    result = audit({"app.py": "import p.m\n", "p/__init__.py": "", "p/m.py":
                    "from . import n\nfrom .n import f\nfrom .. import q\nfrom .gone import x\n"
                    "import p.gone\n", "p/n.py": "f = 1\n"})
    assert found(result) == {(3, "local-module"), (4, "local-module"), (5, "local-module")}


def test_folders_on_sys_path(audit):
    files = {"app.py": "import os, sys\nsys.path.insert(0, "
                       "os.path.join(os.path.dirname(__file__), 'x'))"
             "\nimport below\nsys.path.append('/opt/elsewhere')\n", "x/below.py": ""}
    assert found(audit(files)) == {(4, "local-module")}


def test_compiled_modules_are_refused(audit):
    result = audit({"app.py": "import fast\n", "fast.cpython-311-x86_64-linux-gnu.so": b"\x7fELF"})
    assert found(result) == {(1, "native-module")}


def test_compiled_modules_that_are_expected_to_be_missing(audit):
    result = audit({"app.py": "try:\n    from fast import f\n    import tkinter\nexcept ImportError"
                    ":\n    def f(): pass\nf()\n", "fast.cpython-311-x86_64-linux-gnu.so": b""})
    assert found(result) == {(2, "optional-import")}


def test_what_hangs_on_a_missing_module_of_another_file(audit):
    result = audit({
        "app.py": "from p.have import TORCH, is_there, np\nfrom p import have\nif TORCH:\n"
                  "    import torch\nif is_there():\n    import tkinter\nif have.TORCH:\n"
                  "    import torchvision\nif np is not None:\n    import curses\n",
        "p/__init__.py": "",
        "p/have.py": "try:\n    import torch\n    TORCH = True\nexcept ImportError:\n"
                     "    TORCH = False\ntry:\n    import numpy as np\nexcept Exception:\n    np = None\n"
                     "def is_there():\n    'Whether.'\n    try:\n        import tkinter\n"
                     "    except ImportError:\n        return False\n    else:\n"
                     "        return True\n"})
    assert rules(result) == {"optional-import"}


def test_an_import_that_succeeds_leaves_its_handler_out(audit, tmp_path):
    make_wheel(tmp_path / "wheels", "there")
    text = ("try:\n    import {0}\n    OK = True\nexcept ImportError:\n    OK = False\nif OK:\n"
            "    import tkinter\n")
    wheels = (str(tmp_path / "wheels"),)
    assert (7, "stdlib-absent") in found(audit(text.format("there"), wheels=wheels), "error")
    assert (7, "stdlib-absent") not in found(audit(text.format("gone"), wheels=wheels))


def test_packages_installed_beside_the_program(audit):
    result = audit({
        "app.py": "import pack, requests\nfrom pack.more import f\nrequests.get('http://a')\n"
                  "f()\npack.go()\n",
        "pack/__init__.py": "from . import low\nimport os\ndef go():\n    import pack.lazy\n"
                            "    os.popen('ls')\nclass K(Base):\n    def m(self): os.fork()\n",
        "pack/low.py": "try:\n    import readline\nexcept ImportError:\n    pass\n"
                       "import resource, sys\nif len(sys.argv) > 9:\n    import tkinter\n",
        "pack/more.py": "def f(): input()\n", "pack/lazy.py": "import curses\n",
        "pack-1.0.dist-info/RECORD": "pack/__init__.py,,\npack/low.py,,\nrequests.py,,\n",
        "requests.py": "from socket import socket\ndef get(url): socket().connect(url)\n"})
    assert {(f.file, f.line, f.rule, f.severity) for f in result.findings} == {
        ("app.py", 3, "network", "error"), ("pack/low.py", 2, "optional-import", "note"),
        ("pack/low.py", 5, "stdlib-absent", "error"),
        ("pack/low.py", 7, "stdlib-absent", "warning")}


def test_modules_whose_failure_is_expected(audit):
    files = {"app.py": "try:\n    import gui\nexcept ImportError:\n    gui = None\n",
             "gui.py": "from window import show\n", "window.py": "import tkinter\n"
             "def show():\n    pass\n"}
    assert found(audit(files)) == {(1, "stdlib-absent")} and not rules(audit(files), "error")
    files["app.py"] += "import window\n"
    assert found(audit(files), "error") == {(1, "stdlib-absent")}


def test_programs_that_are_too_large_end(audit, monkeypatch):
    monkeypatch.setattr(project, "_MOST_MODULES", 3)
    files = {f"m{i}.py": f"import m{i + 1}\nm{i + 1}.m{i + 2}.x()\n" for i in range(50)}
    result = audit({"app.py": "import m0\n", **files})
    assert len(result.files) == 3 and rules(result) == {"unreadable"}


def test_modules_that_import_each_other(audit):
    result = audit({"app.py": "import a\na.x\n", "a.py": "from b import x\n",
        "b.py": "from a import x\n"})
    assert sorted(result.files) == ["a.py", "app.py", "b.py"] and not result.findings


def test_what_is_not_reached_is_a_warning(audit):
    result = audit({
        "app.py": "import util\nutil.used()\n",
        "util.py": "import os\ndef used():\n    os.system('a')\ndef unused():\n    os.system('b')\n"
                   "class K:\n    def m(self):\n        os.system('c')\n"})
    assert found(result, "error") == {(3, "processes")}
    assert found(result, "warning") == {(5, "processes"), (8, "processes")}


def test_decorated_and_handed_over_functions_are_reached(audit):
    result = audit("import os\n@app.get('/')\ndef a():\n    os.system('a')\ndef b():\n"
                   "    os.system('b')\nserve(fn=b)\n")
    assert found(result, "error") == {(4, "processes"), (6, "processes")}


def test_a_folder_with_and_without_an_entry(tmp_path):
    write(tmp_path, {"one/main.py": "import os\n", "one/other.py": "import tkinter\n",
                     "two/pkg/__init__.py": "from . import m\n",
                     "two/pkg/m.py": "import os\ndef f():\n    os.system('x')\n"})
    one = Audit(Options(str(tmp_path / "one"), measure=False)).run()
    assert one.files == ["main.py"] and not one.findings
    other = Audit(Options(str(tmp_path / "one"), "other.py", measure=False)).run()
    assert rules(other) == {"stdlib-absent"}
    two = Audit(Options(str(tmp_path / "two" / "pkg"), measure=False)).run()
    assert {(f.file, f.line, f.severity) for f in two.findings} == {("pkg/m.py", 3, "error")}


def test_notebooks(audit):
    cells = [{"cell_type": "markdown", "source": ["import tkinter"]},
             {"cell_type": "code", "source": ["%matplotlib inline\n", "!pip install x\n",
                                              "import os\n", "x = (7\n", "  % 2)\n", "os?\n"]},
             {"cell_type": "code", "source": "%%bash\nrm -rf /\n"},
             {"cell_type": "code", "source": "%%time\nos.system('ls')\n"},
             {"cell_type": "code", "source": "def f(:\n"}]
    result = audit({"nb.ipynb": json.dumps({"cells": cells})}, program="nb.ipynb")
    assert {(f.cell, f.line, f.rule) for f in result.findings} == {
        (4, 2, "processes"), (5, 1, "syntax")}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": 3}', '{"cells": [3]}', "\xff\xfe",
                                  '{"cells":' + "[" * 100000])
def test_broken_notebooks(audit, text):
    assert rules(audit({"nb.ipynb": text}, program="nb.ipynb")) == {"unreadable"}


# ---- requirements --------------------------------------------------------------------------------

def test_requirements_files(audit):
    result = audit({
        "app.py": "import onnxruntime\n",
        "requirements.txt": "onnxruntime==1.20 # fine\n-r more.txt\ntorch; sys_platform=='linux'\n"
                            "flask \\\n  >=2\n-e .\nnumpy>>1\ngit+https://x/y.git\nx-1.0.tar.gz\n",
        "more.txt": "requests\n-r requirements.txt\n"})
    by_place = {(f.file, f.line, f.rule, f.severity) for f in result.findings}
    assert by_place == {
        ("more.txt", 1, "requirement", "warning"), ("requirements.txt", 4, "requirement",
        "warning"),
        ("requirements.txt", 6, "requirement", "warning"), ("requirements.txt", 7, "requirement",
                                                            "warning"),
        ("requirements.txt", 8, "wheel", "error"), ("requirements.txt", 9, "wheel", "error")}


def test_wheels_and_what_they_need(audit, tmp_path):
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "good", requires=["also-good>=1", "windows; sys_platform == 'win32'",
                                         "extra; extra == 'x'"])
    make_wheel(wheels, "also-good")
    make_wheel(wheels, "needy", requires=["gone"])
    make_wheel(wheels, "foreign", tag="cp314-cp314-manylinux_2_17_x86_64", pure=False)
    make_wheel(wheels, "old", "1.0")
    make_wheel(wheels, "liar", files={"liar/__init__.py": "", "liar/core.so": b"\x7fELF"})
    make_wheel(wheels, "future", python=">=3.15")
    (wheels / "source-1.0.tar.gz").write_bytes(b"")
    result = audit({"app.py": "import good\nimport needy\nimport foreign\nimport old\nimport liar\n"
                    "import future\nimport source\nimport good.nothing\n",
                    "requirements.txt": "old>=2\n"}, wheels=(str(wheels),))
    errors = {(f.file, f.line, f.rule) for f in result.findings}
    assert errors == {("app.py", 2, "no-wheel"), ("app.py", 3, "wheel"), ("requirements.txt", 1,
                      "version"), ("app.py", 5, "wheel"), ("app.py", 6, "wheel"), ("app.py", 7,
                      "wheel"),
                      ("app.py", 8, "no-wheel")}
    assert [i.key for i in result.closure.items][:2] == ["also-good", "future"]
    order = [i.key for i in result.closure.items]
    assert order.index("also-good") < order.index("good") and "windows" not in order
    assert any("machine code for manylinux" in f.message for f in result.findings)


def test_wheels_of_the_project_itself(audit):
    wheels = os.path.join(ROOT, "build", "wheels")
    result = audit("import micropip\nimport packaging.version\n", wheels=(wheels,))
    assert not result.findings and [i.key for i in result.closure.items] == ["micropip",
        "packaging"]


# ---- what leaves one's hands ---------------------------------------------------------------------

def test_secrets_in_a_folder_are_found_and_never_printed(tmp_path):
    secret = {"AWS": "AKIAIOSFODNN7ABCDEFG"[:20], "GH": "ghp_" + "aB3dE6gH9j" * 4,
              "HF": "hf_" + "aB3dE6gH9jKm" * 3, "G": "AIza" + "aB3dE6gH9jKm_" * 2 + "aB3dE6gH9",
              "SLACK": "xoxb-123456789012-abcdefABCDEF", "STRIPE": "sk_live_" + "aB3dE6gH9jKm" * 2,
              "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
              "ANT": "sk-ant-api03-" + "aB3dE6gH9jKm" * 3,
              "URL": "postgres://bob:hunter2hunter@db.corp.org/x"}
    write(tmp_path, {
        "app.py": "print(1)\n", ".env": "".join(f"{k}={v}\n" for k, v in secret.items()),
        "config/x.json": json.dumps({"db_password": "Tr0ub4dor&3xyz"}),
        "key.pem": "-----BEGIN RSA PRIVATE KEY-----\nabc\n",
        ".env.example": "API_KEY=sk_live_abc\n",
        ".git/config": "sk_live_" + "aB3dE6gH9jKm" * 2})
    result = Audit(Options(str(tmp_path), measure=False)).run()
    places = {(f.file, f.line) for f in result.findings if f.rule == "secret"}
    assert places == {(".env", n) for n in range(1, 10)} | {("key.pem", 1)}
    assert ("config/x.json", "secret-likely") in {(f.file, f.rule) for f in result.findings}
    said = " ".join(f.message for f in result.findings)
    assert not any(value in said or value[:9] in said for value in secret.values())
    assert result.verdict.words == "runs with limits" and exit_code(result, False) == 1
    assert "must not be deployed" in result.verdict.sentence


def test_weights_are_said_with_their_size(audit):
    result = audit({"app.py": "import onnxruntime as o\no.InferenceSession('m.onnx')\n",
                    "m.onnx": b"x" * 1234, "m.onnx.data": b"y" * 99, "other.pt": b"z"})
    assert {(f.file, f.rule, f.severity) for f in result.findings} == {
        ("m.onnx", "weights", "note"), ("m.onnx.data", "weights", "note")}
    assert [w.size for _, w in result.weights] == [1234, 99]
    assert result.verdict.words == "runs"


# ---- hostile files -------------------------------------------------------------------------------

def test_a_broken_file_does_not_end_the_rest(audit):
    result = audit({"app.py": "import a, b\nimport os\nos.system('ls')\n", "a.py": "def (\n",
                    "b.py": b"\0\0"})
    assert {(f.file, f.rule) for f in result.findings} == {
        ("app.py", "processes"), ("a.py", "syntax"), ("b.py", "unreadable")}


@pytest.mark.parametrize("text", [
    "x = " + "(" * 5000 + "1" + ")" * 5000, "x = " + "-" * 20000 + "1",
    "".join(" " * i + "if x:\n" for i in range(150)) + " " * 150 + "pass\n",
    "x = " + "+".join(["1"] * 20000), "a" + ".b" * 20000, "f" + "()" * 20000,
    "x = [" * 3000 + "]" * 3000, "lambda: " * 3000 + "1"])
def test_deep_nesting(audit, text):
    assert rules(audit(text)) <= {"syntax"}


def test_names_in_circles(audit):
    audit("a = b\nb = a\na.x()\nclass A(A): pass\nA().run()\nfor x in x: x()\nc = c.d\nc()\n"
          "def f(f=f): return f()\nf()\n")
    many = "".join(f"x{i} = x{i - 1} or x{i - 2}\n" for i in range(2, 200))
    audit("x0 = x1 = 1\n" + many + "x199()\n")


def test_large_binary_and_strange_files(audit, tmp_path):
    big = "x = 1\n" * 900000
    assert rules(audit(big)) == {"unreadable"}
    assert rules(audit("# coding: no-such\nx = 1\n")) == {"unreadable"}
    assert rules(audit(b"x = '\xff'\n")) == {"unreadable"}
    assert not audit("x = 1\r\ny = 2\r\n").findings
    assert not audit("").findings


def test_links_in_circles_and_fifos(tmp_path):
    write(tmp_path, {"app.py": "import loop\n"})
    os.symlink(tmp_path, tmp_path / "again")
    os.symlink(tmp_path / "loop.py", tmp_path / "loop.py")
    os.mkfifo(tmp_path / "pipe.py")
    result = Audit(Options(str(tmp_path), measure=False)).run()
    assert result.files == ["app.py"]


def test_control_characters_do_not_get_to_the_terminal(tmp_path):
    write(tmp_path, {"app.py": "import os\nos.environ['\\x1b[31m\\u202e']\nopen('\\x07')\n"})
    done = command(str(tmp_path / "app.py"))
    assert done.returncode == 1 and "\x1b" not in done.stdout and "\u202e" not in done.stdout
    assert "\x07" not in done.stdout


def test_what_is_not_there(tmp_path):
    for program in ("gone.py", "text.txt", "empty"):
        (tmp_path / "text.txt").write_text("x")
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(InputError):
            Audit(Options(str(tmp_path / program), measure=False)).run()


# ---- the command ---------------------------------------------------------------------------------

def command(*arguments):
    environment = dict(os.environ, PYTHONPATH=os.path.join(ROOT, "tools"),
        PYTHONDONTWRITEBYTECODE="1")
    return subprocess.run([sys.executable, "-m", "ashore_tools.audit", *arguments], text=True,
                          env=environment, capture_output=True, timeout=300, check=False)


def test_exit_codes_and_reports(tmp_path):
    write(tmp_path, {"ok.py": "print(1)\n", "limits.py": "open('a', 'w')\n",
                     "bad.py": "import tkinter\n"})
    ok, limits, bad = (command(str(tmp_path / n)) for n in ("ok.py", "limits.py", "bad.py"))
    assert (ok.returncode, limits.returncode, bad.returncode) == (0, 0, 1)
    assert ok.stdout.startswith("ok.py runs in the browser.")
    assert limits.stdout.startswith("limits.py runs in the browser, with limits: 1 warning.")
    assert bad.stdout.startswith("bad.py does not run in the browser: 1 error.")
    assert "bad.py:1:1  [stdlib-absent]" in bad.stdout
    assert max(map(len, bad.stdout.split("\n"))) <= 100
    assert command(str(tmp_path / "limits.py"), "--strict").returncode == 1
    assert command(str(tmp_path / "gone.py")).returncode == 3
    assert command().returncode == 2 and command("--nonsense", "x.py").returncode == 2
    assert command(str(tmp_path / "ok.py"), "--wheels", "/gone").returncode == 3
    assert command(str(tmp_path / "ok.py"), "--lock", str(tmp_path / "ok.py")).returncode == 3


def test_json(tmp_path):
    write(tmp_path, {"app.py": "import tkinter\n"})
    done = command(str(tmp_path / "app.py"), "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 1
    assert list(document) == [
        "audit", "program", "verdict", "sentence", "errors", "warnings", "notes", "ignored",
        "pyodide",
        "python", "files", "findings", "weights", "packages", "download", "cold_start",
        "no_python"]
    assert list(document["findings"][0]) == ["file", "line", "column", "cell", "rule", "group",
                                             "severity", "message", "advice", "reached"]
    assert document["verdict"] == "does not run"
    kinds = {p["kind"] for p in document["download"]["parts"]}
    assert {"interpreter", "standard library", "program"} <= kinds
    whole = sum(p["raw"] for p in document["download"]["parts"])
    assert document["download"]["raw"] == whole > 13e6
    low, high = document["cold_start"]["seconds"]
    assert 0 < document["cold_start"]["download_seconds"] < low < high


def test_json_says_why_there_is_no_report(tmp_path):
    done = command(str(tmp_path / "gone.py"), "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 3 and list(document) == ["audit", "error"]
    assert "gone.py" in document["error"] and document["error"] in done.stderr
    assert not command("--json", "--nonsense").stdout


def test_the_text_names_what_says_the_same_together(tmp_path):
    key = "h" + "f_" + "q8Zr4Tn1Xw6Vb3Lk9Jm2" * 2
    write(tmp_path, {"app.py": "import os, a\n" + "os.popen('ls')\n" * 9 + f"K = '{key}'\n",
                     "a.py": "import os\nos.popen('x')\n"})
    text = command(str(tmp_path / "app.py")).stdout
    assert "app.py does not run in the browser: 10 errors. It must not be deployed" in text
    assert "2 files read" in text and "11 errors, 0 warnings, 0 notes" in text
    assert "a.py:2:1, app.py:2:1, 3:1, 4:1, 5:1, 6:1 and 4 more  [processes]" in text
    assert text.index("[secret]") < text.index("[processes]") and text.count("[processes]") == 1
    lines = [f"from m{i} import tkinter{i}" for i in range(80)]
    write(tmp_path, {"many.py": "\n".join(lines) + "\n"})
    assert "and 20 more like these; --json lists all" in command(str(tmp_path / "many.py")).stdout


def test_where_pyodide_is_named_and_is_not(tmp_path, monkeypatch):
    write(tmp_path, {"app.py": "print(1)\n"})
    monkeypatch.setenv("ASHORE_PYODIDE", str(tmp_path))
    done = command(str(tmp_path / "app.py"), "--json")
    assert done.returncode == 3 and "ASHORE_PYODIDE" in done.stderr
    assert "pyodide.mjs" in done.stderr


def test_without_the_package_the_report_says_what_was_not_measured(tmp_path, monkeypatch):
    write(tmp_path, {"js/index.js": "", "app.py": "print(1)\n"})
    monkeypatch.setenv("ASHORE_JS", str(tmp_path / "js"))
    document = json.loads(command(str(tmp_path / "app.py"), "--json").stdout)
    assert document["verdict"] == "runs" and len(document["download"]["unmeasured"]) == 2


INSTALLS = """import micropip as m
async def begin():
    await m.install("some-thing>=1")
    await m.install(["other[more]", "here-1.0-py3-none-any.whl"])
    try:
        await m.install("not-there")
    except ValueError:
        pass
"""


def test_what_is_installed_by_name_is_part_of_the_closure(audit, tmp_path):
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "micropip")
    make_wheel(wheels, "some-thing", "1.2")
    make_wheel(wheels, "other", requires=["part; extra == 'more'"])
    make_wheel(wheels, "part")
    make_wheel(tmp_path, "here")
    result = audit(INSTALLS, wheels=(str(wheels),))
    assert [i.key for i in result.closure.items] == ["here", "micropip", "part", "other", "some-thing"]
    assert found(result) == {(6, "requirement")}
    os.remove(wheels / "some_thing-1.2-py3-none-any.whl")
    make_wheel(wheels, "some-thing", "0.9")
    os.remove(wheels / "other-1.0-py3-none-any.whl")
    assert found(audit(INSTALLS, wheels=(str(wheels),)), "error") == {(3, "version"), (4, "no-wheel")}
