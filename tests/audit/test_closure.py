"""Closures of wheels, from folders and from a distribution with a lock file."""

import json
import os

import pytest

from conftest import ROOT, make_distribution, make_wheel

from ashore_tools import closure
from ashore_tools.lock import Lock, LockError


def keys(found):
    return [item.key for item in found.items]


def kinds(found):
    return {(p.kind, p.key) for p in found.problems}


@pytest.fixture
def distribution(tmp_path):
    return make_distribution(tmp_path / "dist", {
        "numlike": {"version": "2.4.6", "tag": "cp314-cp314-pyemscripten_2026_0_wasm32",
        "pure": False,
                    "files": {"numlike/__init__.py": "", "numlike/core.so": b"\0asm"}},
        "learn-it": {"version": "1.8.0", "depends": ["numlike", "job"], "imports": ["learnit"],
                     "files": {"learnit/__init__.py": ""}},
        "job": {"depends": []}, "round-a": {"depends": ["round-b"]},
        "round-b": {"depends": ["round-a"]}})


def test_a_distribution(distribution):
    found = closure.resolve([], ["learnit.sub"], lock=distribution).check()
    assert keys(found) == ["job", "numlike", "learn-it"]
    assert all(os.path.isfile(i.path) and len(i.sha256) == 64 for i in found.items)
    assert found.provides()["learnit"] == "learn-it"


def test_circles_end(distribution):
    assert sorted(keys(closure.resolve(["round-a"], lock=distribution).check())) == ["round-a",
        "round-b"]


def test_versions_are_compared(distribution):
    assert keys(closure.resolve(["numlike>=2,<3"], lock=distribution).check()) == ["numlike"]
    assert kinds(closure.resolve(["numlike>=3"], lock=distribution)) == {("version", "numlike")}
    assert kinds(closure.resolve(["numlike>=2.4.6rc1", "numlike!=2.4.*"], lock=distribution)) == {
        ("version", "numlike")}


def test_wrong_and_missing_hashes(distribution, tmp_path):
    folder = os.path.dirname(distribution)
    with open(distribution, encoding="utf-8") as f:
        document = json.load(f)
    name = document["packages"]["job"]["file_name"]
    with open(os.path.join(folder, name), "ab") as f:
        f.write(b"x")
    found = closure.resolve(["learn-it"], lock=distribution)
    assert kinds(found) == {("hash", "job")} and name in found.problems[0].message
    with pytest.raises(closure.ClosureError, match=name):
        found.check()
    del document["packages"]["job"]["sha256"]
    with open(distribution, "w", encoding="utf-8") as f:
        json.dump(document, f)
    assert kinds(closure.resolve(["job"], lock=distribution)) == {("hash", "job")}
    os.remove(os.path.join(folder, name))
    found = closure.resolve(["job"], lock=distribution)
    assert kinds(found) == {("file", "job")} and name in found.problems[0].message


def test_wheels_come_before_the_distribution(distribution, tmp_path):
    path = make_wheel(tmp_path / "mine", "job", "7.0")
    found = closure.resolve(["learn-it"], wheels=[path], lock=distribution).check()
    assert {i.key: (i.version, i.source) for i in found.items}["job"] == ("7.0", "wheels")


def test_the_newest_that_fits_all(tmp_path):
    for version in ("1.0", "1.5", "2.0", "3.0a1"):
        make_wheel(tmp_path, "lib", version)
    make_wheel(tmp_path, "user", requires=["lib<2"])
    wheels = [str(tmp_path)]
    assert closure.resolve(["lib"], wheels=wheels).items[0].version == "2.0"
    found = closure.resolve(["lib", "user"], wheels=wheels).check()
    assert {i.key: i.version for i in found.items} == {"lib": "1.5", "user": "1.0"}
    assert kinds(closure.resolve(["lib>=2", "user"], wheels=wheels)) == {("conflict", "lib")}


def test_extras_and_markers(tmp_path):
    make_wheel(tmp_path, "lib", requires=["a; extra == 'Fast_Mode'", "b; python_version < '3.9'",
                                          "c; sys_platform == 'emscripten'"])
    for name in "abc":
        make_wheel(tmp_path, name)
    wheels = [str(tmp_path)]
    assert keys(closure.resolve(["lib"], wheels=wheels).check()) == ["c", "lib"]
    assert keys(closure.resolve(["lib[fast-mode]"], wheels=wheels).check()) == ["a", "c", "lib"]


def test_a_wheel_for_the_target_is_taken_before_a_pure_one(tmp_path):
    make_wheel(tmp_path, "lib")
    tag = "cp314-cp314-pyemscripten_2026_0_wasm32"
    make_wheel(tmp_path, "lib", tag=tag, pure=False)
    assert tag in closure.resolve(["lib"], wheels=[str(tmp_path)]).check().items[0].path


def test_what_apps_have_needs_no_wheel():
    assert keys(closure.resolve(["onnxruntime>=1", "gradio", "ashore"], ["gradio",
        "js"]).check()) == []


@pytest.mark.parametrize("content", [b"", b"PK", b"\0" * 100])
def test_broken_wheels(tmp_path, content):
    path = tmp_path / "lib-1.0-py3-none-any.whl"
    path.write_bytes(content)
    assert ("wheel", "lib") in kinds(closure.resolve(["lib"], wheels=[str(path)]))


def test_wheels_of_another_name_and_badly_named_files(tmp_path):
    make_wheel(tmp_path, "lib", metadata_name="other")
    (tmp_path / "nonsense.whl").write_bytes(b"x")
    assert {k for k, _ in kinds(closure.resolve(["lib"], wheels=[str(tmp_path)]))} == {"wheel"}


@pytest.mark.parametrize("text", [
    "", "[]", "{}", '{"info": {}, "packages": {}}', '{"info": {"python": "x"}, "packages": {}}',
    '{"info": {"python": "3.14.2"}, "packages": {"a": 1}}', "[" * 100000,
    '{"info": {"python": "3.14.2"}, "packages": {"a": {"version": "1", "file_name": "../../x.whl"}}}',
    '{"info": {"python": "3.14.2"}, "packages": {"a": {"version": "x", "file_name": "x.whl"}}}',
    '{"info": {"python": "3.14.2"}, "packages": {"a": {"version": "1", "file_name": "x", "imports": 3}}}'])
def test_broken_lock_files(tmp_path, text):
    path = tmp_path / "pyodide-lock.json"
    path.write_text(text)
    with pytest.raises(LockError, match="pyodide-lock.json"):
        Lock(str(path))


def test_the_lock_file_of_pyodide():
    lock = Lock(os.path.join(ROOT, "build/npm/node_modules/pyodide/pyodide-lock.json"))
    assert lock.target.platforms[0] == "pyemscripten_2026_0_wasm32" and lock.target.python == (3,
        14)
    assert lock.provides("PIL.Image") == ["pillow"] and lock.provides("sklearn") == ["scikit-learn"]
    assert len(lock.packages) > 300
