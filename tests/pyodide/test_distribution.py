"""Copies of Pyodide's distribution that `ashore app --lock` is given: good ones, and what is refused."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import distribution
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from ashore_tools import places  # noqa: E402
from ashore_tools.closure import resolve  # noqa: E402
from ashore_tools.errors import ToolError  # noqa: E402
from ashore_tools.lock import Lock, LockError  # noqa: E402
from ashore_tools.packages import find_packages  # noqa: E402
from ashore_tools.program import Program  # noqa: E402
from ashore_tools.wheels import Target, WheelError, check_archive, read  # noqa: E402

TAG = distribution.TAG


class Options:
    """As the command line says it."""

    def __init__(self, wheels=(), lock=None, include=(), no_audit=False):
        self.wheels, self.lock, self.include, self.no_audit = wheels, lock, include, no_audit


@pytest.fixture
def packages(tmp_path):
    """packages(program, distribution, **options): what an app of the program gets."""
    def find(source, made, info=None, files=None, **options):
        for name, text in {"app.py": source, **(files or {})}.items():
            (tmp_path / name).write_text(text)
        lock = made.write(str(tmp_path / "distribution"), info)
        return find_packages(Program(str(tmp_path / "app.py")), Options(lock=lock, **options))
    return find


# ---- what is taken ---------------------------------------------------------------------------------

def test_the_lock_file_has_the_format_of_pyodides():
    real = json.loads(Path(places.pyodide(), "pyodide-lock.json").read_text())
    made = distribution.pure()
    assert real["info"] == distribution.INFO
    some = next(iter(real["packages"].values()))
    assert all(set(row) == set(some) for row in made.rows.values())
    assert Target().platforms[0] in TAG


def test_names_in_any_spelling_and_no_tests(packages):
    found = packages("import fancy_names\n", distribution.pure())
    assert not found.errors
    rows = {row["name"]: row for row in found.rows}
    assert list(rows) == ["helper-here", "marked", "shared-data", "fancy-names"]
    assert sorted(rows["fancy-names"]["depends"]) == ["marked", "shared-data"]
    assert rows["fancy-names"]["version"] == "1.0.post1"
    assert not any("tests" in name for name in found.files)


def test_extras_and_markers_of_wheels(packages):
    requirement = {"requirements.txt": "marked[more]>=2\n"}
    found = packages("import marked\n", distribution.pure(), files=requirement)
    assert [row["name"] for row in found.rows] == ["extra-part", "helper-here", "marked"]
    assert not found.errors


def test_wheels_of_several_folders(tmp_path):
    made = distribution.pure()
    for folder, name in (("a", "marked"), ("b", "helper-here")):
        file = made.rows[name]["file_name"]
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_bytes(made.files[file])
    (tmp_path / "app.py").write_text("import marked, helper_here\n")
    found = find_packages(Program(str(tmp_path / "app.py")),
                          Options(wheels=[str(tmp_path / "a"), str(tmp_path / "b")]))
    assert not found.errors
    assert {row["name"] for row in found.rows} == {"helper-here", "marked"}


def test_packages_that_need_each_other_have_an_order(packages):
    """Pyodide waits forever for packages that depend on each other."""
    found = packages("import one_way\n", distribution.pure())
    seen = set()
    for row in found.rows:
        assert set(row["depends"]) <= seen
        seen.add(row["name"])
    assert seen == {"one-way", "other-way"}


def test_an_address_in_a_lock_file_is_taken_from_beside_it(packages):
    made = distribution.pure()
    row = made.rows["helper-here"]
    data = made.files[row["file_name"]]
    found = packages("import helper_here\n", made)
    row["file_name"] = "https://files.invalid/some/where/" + row["file_name"]
    again = packages("import helper_here\n", _with(made, row, data))
    assert again.files == found.files and not again.errors


def _with(made, row, data):
    made.files = {os.path.basename(name): content for name, content in made.files.items()}
    made.rows[distribution.canonical(row["name"])] = row
    made.files[row["file_name"].rpartition("/")[2]] = data
    return made


# ---- what is refused -------------------------------------------------------------------------------

def _broken(change):
    made = distribution.pure()
    change(made)
    return made


def _remove(made):
    del made.files["helper_here-1.5-py3-none-any.whl"]


def _change(made):
    made.files["helper_here-1.5-py3-none-any.whl"] += b" "


def _no_hash(made):
    made.rows["helper-here"]["sha256"] = ""


def _unknown(made):
    made.rows["helper-here"]["depends"] = ["nobody-knows"]


def _tag(tag):
    def change(made):
        made.add("helper-here", "1.5", {"helper_here.py": ""}, tag=tag)
    return change


@pytest.mark.parametrize("change, words", [
    (_remove, "helper_here-1.5-py3-none-any.whl of .* is not beside it .*copy the file there"),
    (_change, "is not the file that .* names: its sha256 is [0-9a-f]{64}, not [0-9a-f]{64}"),
    (_no_hash, "has no sha256 of helper_here"),
    (_unknown, "no wheel of nobody-knows for the browser .helper-here 1.5 needs it"),
    (_tag("cp312-cp312-pyodide_2024_0_wasm32"), "built for pyodide_2024_0_wasm32, and this Pyodide takes "
                                               "pyemscripten_2026_0_wasm32"),
    (_tag("cp314-cp314-manylinux_2_28_x86_64"), "machine code for manylinux_2_28_x86_64"),
    (_tag("cp313-cp313-pyemscripten_2026_0_wasm32"), "not of CPython 3.14"),
])
def test_what_does_not_belong_together(packages, change, words):
    found = packages("import marked\n", _broken(change))
    assert len(found.errors) == 1, found.errors
    assert re.search(f"app.py:1: .*{words}", found.errors[0])
    assert ("helper-here" in [row["name"] for row in found.rows]) == ("nobody" in words)


@pytest.mark.parametrize("info, words", [
    ({"python": "3.12.7", "abi_version": "2024_0"}, "Python 3.12.7 and the ABI 2024_0"),
    ({"abi_version": "2025_0"}, "the ABI 2025_0, and pages have one with Python 3.14.2 and the ABI 2026_0"),
    ({"abi_version": ""}, r"the ABI \(none\)"),
    ({"python": "three"}, "'three', which is no version of Python"),
])
def test_a_lock_file_of_another_pyodide(packages, info, words):
    with pytest.raises(ToolError, match=words) as refused:
        packages("import marked\n", distribution.pure(), {**distribution.INFO, **info})
    assert refused.value.code == 3 and "pyodide-lock.json" in str(refused.value)


@pytest.mark.parametrize("name", ["../marked-3.0-py3-none-any.whl", "/etc/passwd", "a/../../b.whl",
                                  "..\\b.whl", ""])
def test_file_names_that_lead_out_of_the_folder(packages, name):
    made = distribution.pure()
    made.rows["marked"]["file_name"] = name
    with pytest.raises(ToolError, match="package 'marked': .*file_name"):
        packages("import marked\n", made)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"info": {}, "packages": []}', "\xff", "[" * 100000,
                                  '{"info": {"python": "3.14"}, "packages": {"a": 1}}',
                                  '{"info": {"python": "3.14"}, "packages": {"a": {"version": "x y"}}}'])
def test_what_is_no_lock_file(tmp_path, text):
    (tmp_path / "pyodide-lock.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(LockError, match="pyodide-lock.json: "):
        Lock(str(tmp_path / "pyodide-lock.json"))


def _wheel(tmp_path, files, **more):
    name, data = distribution.wheel("some", "1.0", files, **more)
    path = tmp_path / name
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize("member", ["../evil.py", "/evil.py", "a/../../evil.py", "..\\evil.py", "C:/evil.py"])
def test_files_of_wheels_that_lead_out_of_the_folder(tmp_path, member):
    path = _wheel(tmp_path, {"some.py": "", member: "evil"})
    with pytest.raises(WheelError, match="leads out of the folder"):
        read(path)
    found = resolve(["some"], wheels=[path])
    assert [p.kind for p in found.problems] == ["wheel"] and not found.items
    with pytest.raises(WheelError, match="leads out of the folder"):
        check_archive(path)


def test_sizes_that_wheels_declare(tmp_path):
    data = bytearray(Path(_wheel(tmp_path, {"some.py": "x = 1\n"})).read_bytes())
    huge = (0xFFFFFFF0).to_bytes(4, "little")
    at = data.rindex(b"PK\1\2", 0, data.rindex(b"some.py"))
    data[at + 24:at + 28] = huge  # the uncompressed size, of the directory alone
    path = tmp_path / "some-1.0-py3-none-any.whl"
    path.write_bytes(data)
    with pytest.raises(WheelError, match="it unpacks to 42949[0-9]* bytes, and a page can hold"):
        read(str(path))
    metadata = "x" * (5 << 20)
    path = Path(_wheel(tmp_path, {"some.py": ""}, requires=[f"a; extra == '{metadata}'"]))
    with pytest.raises(WheelError, match="which is no text of a wheel"):
        read(str(path))


@pytest.mark.parametrize("size", [0, 10, 200, -30, -1])
def test_files_that_are_cut_short(tmp_path, size):
    made = distribution.pure()
    data = made.files["marked-3.0-py3-none-any.whl"][:size]
    (tmp_path / "marked-3.0-py3-none-any.whl").write_bytes(data)
    found = resolve(["marked"], wheels=[str(tmp_path)])
    assert [p.kind for p in found.problems] == ["wheel"], found.problems


def test_a_shared_library_that_is_no_zip_file(packages):
    made = distribution.pure()
    data = b"no zip file"
    made.put(distribution.row("libegg", "1.0", "libegg-1.0.zip", data, install_dir="dynlib",
                              package_type="shared_library"), data)
    made.add("helper-here", "1.5", {"helper_here.py": ""}, depends=["libegg"])
    found = packages("import helper_here\n", made)
    assert len(found.errors) == 1 and "libegg-1.0.zip: no zip file" in found.errors[0]


def test_modules_that_carry_javascript(packages):
    if not distribution.compiler():
        pytest.skip("clang-19 and wasm-ld-19 are not there")
    made = distribution.compiled(distribution.pure())
    assert not packages("import spam\n", made).errors
    found = packages("import jspam\n", made)
    assert len(found.errors) == 1
    assert "app.py:1: jspam-0.1-cp314" in found.errors[0] and "carries JavaScript" in found.errors[0]
    assert [row["name"] for row in found.rows] == ["libegg", "jspam"], "as --no-audit takes it"


def test_the_program_says_what_is_wrong_and_writes_nothing(tmp_path):
    program = os.environ.get("ASHORE") or str(ROOT / "build" / "ashore")
    if not os.path.exists(program):
        pytest.skip(f"{program} is not there: build it")
    (tmp_path / "app.py").write_text("import marked\n")
    lock = _broken(_change).write(str(tmp_path / "distribution"))
    done = subprocess.run([program, "app", str(tmp_path / "app.py"), "--lock", lock, "-o",
                           str(tmp_path / "site")], capture_output=True, text=True)
    assert done.returncode == 5 and "its sha256 is" in done.stderr
    assert "nothing was written" in done.stderr
    assert not (tmp_path / "site").exists()
