"""The parts of `ashore app` that need no browser."""

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from ashore_tools import dense, face, output  # noqa: E402
from ashore_tools.errors import ToolError  # noqa: E402
from ashore_tools.gather import Gathered  # noqa: E402
from ashore_tools.models import external_files  # noqa: E402
from ashore_tools.program import Program  # noqa: E402


@pytest.fixture
def make(tmp_path):
    """Writes files and reads app.py of them."""
    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return Program(str(tmp_path / "app.py"))
    return write


# ---- modules ---------------------------------------------------------------------------------------

PACKAGES = {
    "one.py": "", "two/__init__.py": "", "two/a.py": "from . import b\nfrom .. import nothing\n",
    "two/b.py": "", "two/c.py": "", "spaces/deep/x.py": "", "late.py": "", "data/x.csv": ""}


@pytest.mark.parametrize("source, wanted", [
    ("import one", ["one.py"]),
    ("import two.a", ["two/__init__.py", "two/a.py", "two/b.py"]),
    ("from two import c", ["two/__init__.py", "two/c.py"]),
    ("from two import *", ["two/__init__.py", "two/a.py", "two/b.py", "two/c.py"]),
    ("import spaces.deep.x", ["spaces/deep/x.py"]),
    ("def f():\n    import one", ["one.py"]),
    ("import importlib\nimportlib.import_module('late')", ["late.py"]),
    ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import one", []),
    ("import data", []),
])
def test_modules_that_imports_run(make, source, wanted):
    program = make({**PACKAGES, "app.py": source})
    assert sorted(set(program.modules) - {"app.py"}) == sorted(wanted)


def test_a_module_that_is_not_the_programs_is_told_of_with_its_line(make):
    program = make({"app.py": "\nimport numpy as np\ntry:\n    import torch\nexcept ImportError:\n"
                              "    torch = None\n"})
    assert [(i.name, i.line, i.optional) for i in program.imports] == [
        ("numpy", 2, False), ("torch", 4, True)]


@pytest.mark.parametrize("source, wanted", [
    ("x = (\n", "app.py:1:5: '(' was never closed"),
    ("def f(:\n    pass\n", "app.py:1:7: "),
    ("return 1\n", "app.py:1:1: 'return' outside function"),
    (b"x = '\xff'\n", "app.py"),
    (b"# coding: nonsense\n", "app.py"),
])
def test_what_is_no_python_is_refused(make, source, wanted):
    with pytest.raises(ToolError) as refused:
        make({"app.py": source})
    assert wanted in str(refused.value)
    assert refused.value.code == 3


def test_a_notebook_is_told_apart(tmp_path):
    (tmp_path / "a.ipynb").write_text('{"cells": []}')
    with pytest.raises(ToolError, match="is a notebook; 'jupyter nbconvert --to script'"):
        Program(str(tmp_path / "a.ipynb"))


def test_a_syntax_error_has_its_line_and_a_caret(make):
    with pytest.raises(ToolError) as refused:
        make({"app.py": "if True:\n\tx = = 1\n"})
    first, line, caret = str(refused.value).split("\n")
    assert first.endswith("app.py:2:6: invalid syntax (as Python "
                          f"{sys.version_info[0]}.{sys.version_info[1]} reads it)")
    assert (line, caret) == ("  \tx = = 1", "  \t    ^")


def test_top_level_await_is_for_the_entry_alone(make):
    make({"app.py": "import asyncio\nawait asyncio.sleep(0)\n"})
    with pytest.raises(ToolError, match="other.py:1"):
        make({"app.py": "import other\n", "other.py": "await x\n"})


# ---- files -----------------------------------------------------------------------------------------

FILES = {"words.txt": "a", "data/a.csv": "1", "data/b.csv": "2", "data/c.bin": "3", ".env": "KEY=1",
         "labels.json": "[]"}


@pytest.mark.parametrize("source, wanted", [
    ("open('words.txt')", ["words.txt"]),
    ("open('./data/../words.txt')", ["words.txt"]),
    ("import os\nopen(os.path.join(os.path.dirname(__file__), 'data', 'a.csv'))", ["data/a.csv"]),
    ("from pathlib import Path\nPath(__file__).parent / 'data' / 'b.csv'", ["data/b.csv"]),
    ("from pathlib import Path\nPath('data') / 'b.csv'", ["data/b.csv"]),
    ("import glob\nglob.glob('data/*.csv')", ["data/a.csv", "data/b.csv"]),
    ("NAME = 'labels.json'\nprint(f'{NAME}')", ["labels.json"]),
    ("'''words.txt'''", []),
    ("open('/etc/passwd'); open('../secret'); open('.env'); open('nowhere.txt')", []),
])
def test_files_that_are_named(make, source, wanted):
    gathered = Gathered(make({**FILES, "app.py": source}))
    gathered.named()
    assert sorted(gathered.files) == wanted


def test_hidden_files_are_taken_by_name_alone(make, tmp_path):
    gathered = Gathered(make({**FILES, "app.py": "open('.env')", "data/.hidden": ""}))
    gathered.named()
    gathered.included([str(tmp_path / "data")])
    assert sorted(gathered.files) == ["data/a.csv", "data/b.csv", "data/c.bin"]
    assert len(gathered.notes) == 2
    gathered.included([".env"])
    assert ".env" in gathered.files


def test_what_lies_outside_is_not_included(make, tmp_path):
    gathered = Gathered(make({"app.py": ""}))
    with pytest.raises(ToolError, match="not below the program's folder"):
        gathered.included([str(tmp_path.parent)])
    with pytest.raises(ToolError, match="no such file"):
        gathered.included([str(tmp_path / "nothing")])


def test_a_model_that_is_missing_is_an_error_where_it_is_opened(make):
    gathered = Gathered(make({"app.py": "import onnxruntime\nonnxruntime.InferenceSession('m.onnx')\n"}))
    gathered.named()
    assert gathered.errors == [f"{gathered.program.show('app.py')}:2: the model m.onnx is missing"]


def _external(location):
    onnx = pytest.importorskip("onnx", reason="the package onnx writes the models of this test")
    import numpy
    weight = onnx.numpy_helper.from_array(numpy.zeros(4, numpy.float32), "w")
    onnx.external_data_helper.set_external_data(weight, location)
    weight.ClearField("raw_data")
    inner = onnx.helper.make_graph([], "inner", [], [], [weight])
    value = onnx.helper.make_tensor_value_info("c", onnx.TensorProto.BOOL, [])
    node = onnx.helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    out = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [4])
    graph = onnx.helper.make_graph([node], "outer", [value], [out])
    return onnx.helper.make_model(graph).SerializeToString()


def test_external_data_goes_along(make):
    files = {"app.py": "open('deep/m.onnx')", "deep/m.onnx": _external("w.bin"), "deep/w.bin": "data"}
    gathered = Gathered(make(files))
    gathered.named()
    gathered.models()
    assert sorted(gathered.files) == ["deep/m.onnx", "deep/w.bin"]
    assert gathered.errors == []


@pytest.mark.parametrize("location, wanted", [("../../w.bin", "outside"), ("none.bin", "missing")])
def test_external_data_that_cannot_go_along(make, location, wanted):
    gathered = Gathered(make({"app.py": "open('m.onnx')", "m.onnx": _external(location)}))
    gathered.named()
    gathered.models()
    assert wanted in gathered.errors[0]


def test_what_is_no_model_names_no_files():
    model = _external("w.bin")
    assert external_files(model) == ["w.bin"]
    for end in range(len(model)):
        external_files(model[:end])
    assert external_files(b"\xff" * 100) == []


def test_what_gradio_lacks_here_is_told_with_its_line(make, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "_check", raising=False)
    monkeypatch.delitem(sys.modules, "_supported", raising=False)
    subprocess.run([sys.executable, str(ROOT / "bindings/python/build_wheel.py"), str(tmp_path), "1.0",
                    "gradio", "gradio"], check=True)
    program = make({"app.py": "import gradio as gr\nimport parts\ngr.Textbox(label='x')\n",
                    "parts.py": "import gradio as gr\n\nmodel = gr.Model3D()\n"})
    [finding] = face.judge(program, str(tmp_path / "gradio-1.0-py3-none-any.whl"))
    assert finding.startswith(f"{program.show('parts.py')}:3: ")
    assert "Model3D" in finding
    with pytest.raises(ToolError, match="nothing.whl"):
        monkeypatch.delitem(sys.modules, "_check")
        face.judge(program, str(tmp_path / "nothing.whl"))


# ---- what is written -------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [*range(18), 57343, 57344, 57345, 200001])
def test_dense_text_is_what_the_page_decodes(size):
    data = bytes((i * 2654435761 >> 7) & 255 for i in range(size))
    text = dense.encode(data)
    assert not set(text) & set(b"\0\n\r<")
    back = {0xC0: 0, 0xC1: 10, 0xC2: 13, 0xC3: 60}
    number = count = 0
    out = bytearray()
    for letter in text.decode():
        number = number << 7 | back.get(ord(letter), ord(letter))
        count += 7
        if count >= 8:
            count -= 8
            out.append(number >> count)
            number &= (1 << count) - 1
    assert bytes(out) == data


def _node():
    node = os.environ.get("ASHORE_NODE") or str(ROOT / "build" / "node")
    if not os.path.exists(node):
        pytest.skip(f"{node} is not there: run scripts/setup test")
    return node


def test_the_page_reads_dense_text(tmp_path):
    data = bytes(range(256)) * 300
    (tmp_path / "text").write_bytes(dense.encode(data))
    script = (f"import {{ decode }} from {json.dumps((ROOT / 'pages/app/dense.js').as_uri())};"
              f"import fs from 'node:fs';"
              f"process.stdout.write(decode(fs.readFileSync({json.dumps(str(tmp_path / 'text'))}, 'utf8')))")
    done = subprocess.run([_node(), "--input-type=module", "-e", script], capture_output=True,
                          check=True)
    assert done.stdout == data


def _whole(folder, files):
    output.write_folder(str(folder), {**files, "manifest.json": output.manifest(files, {"maker": "me"})})


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    at = tmp_path / "out"
    _whole(at, {"a": b"1", "deep/b": b"2"})
    output.check_folder(str(at), "me")
    _whole(at, {"c": b"3"})
    assert sorted(p.name for p in at.iterdir()) == ["c", "manifest.json"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_what_is_foreign_stays(tmp_path):
    at = tmp_path / "out"
    _whole(at, {"a": b"1"})
    (at / "notes.txt").write_text("mine")
    with pytest.raises(ToolError, match="notes.txt, which 'me' has not written"):
        output.check_folder(str(at), "me")
    with pytest.raises(ToolError, match="is not one of 'you'"):
        output.check_folder(str(at), "you")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ToolError, match="which is a file"):
        output.check_folder(str(tmp_path / "file"), "me")


def test_a_folder_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ToolError, match="cannot be written"):
        _whole(tmp_path / "file" / "out", {"a": b"1"})
    with pytest.raises(ToolError, match="cannot be written"):
        _whole(tmp_path / "out", {"a": b"1", "a/b": b"2"})
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


# ---- what runs the program in the page -------------------------------------------------------------

@pytest.fixture
def runner(tmp_path, monkeypatch):
    """pages/app/python/ashore_app.py, with tmp_path as the program's folder."""
    monkeypatch.syspath_prepend(str(ROOT / "pages/app/python"))
    spec = importlib.util.spec_from_file_location("ashore_app", ROOT / "pages/app/python/ashore_app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.FOLDER = str(tmp_path)

    async def evaluate(source, names, return_mode, filename):
        exec(compile(source, filename, "exec"), names)

    code = types.ModuleType("pyodide.code")
    code.eval_code_async = evaluate
    monkeypatch.setitem(sys.modules, "pyodide", types.ModuleType("pyodide"))
    monkeypatch.setitem(sys.modules, "pyodide.code", code)
    monkeypatch.setattr(module.ashore_waits, "can_wait", lambda: True)
    monkeypatch.setattr(module, "_prepare",
                        lambda entry: {"__name__": "__main__", "__file__": str(tmp_path / entry)})

    def run(text):
        (tmp_path / "app.py").write_text(text)
        found = asyncio.run(module.run("app.py"))
        return found and json.loads(found)
    return run


@pytest.mark.parametrize("text, title, message, advice", [
    ("def f():\n    raise ValueError('bad')\nf()", "app.py, line 2: ValueError", "bad", None),
    ("import nothing_of_that_name", "app.py, line 1: ModuleNotFoundError",
     "No module named 'nothing_of_that_name'", "audit"),
    ("open('nowhere.txt')", "app.py, line 1: FileNotFoundError",
     "[Errno 2] No such file or directory: 'nowhere.txt'", "--include"),
    ("raise RuntimeError(\"can't start new thread\")", "app.py, line 1: RuntimeError",
     "can't start new thread", "asyncio"),
    ("raise KeyError", "app.py, line 1: KeyError", "KeyError", None),
    ("import sys\nsys.exit(3)", "The program has ended itself", "sys.exit(3) was called", None),
    ("exec('x = = 1')", "app.py, line 1: SyntaxError", "invalid syntax", None),
])
def test_what_the_page_shows_of_an_error(runner, text, title, message, advice):
    found = runner(text)
    assert (found["title"], found["message"]) == (title, message)
    assert (advice in found["advice"]) if advice else found["advice"] is None
    assert found["traceback"].split("\n")[1].startswith('  File "app.py", line ')


def test_a_program_that_ends_itself_well_has_no_error(runner):
    assert runner("import sys\nsys.exit()") is None
    assert runner("pass") is None
