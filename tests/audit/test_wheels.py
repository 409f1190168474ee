"""Pure wheels are read like packages that are installed beside the program."""

import os
import struct
import zipfile

import pytest

from conftest import found, make_distribution, make_wheel, rules

from ashore_tools.audit import project


@pytest.fixture
def wheels(tmp_path):
    """wheels(name, files, ...): makes a wheel; wheels.given are the folders for the audit."""

    class Wheels:
        given = (str(tmp_path / "wheels"),)

        def __call__(self, name, files, **arguments):
            return make_wheel(self.given[0], name, files=files, **arguments)

    return Wheels()


def told(result, *severities):
    return [f.message for f in result.findings if not severities or f.severity in severities]


def test_a_module_that_pyodide_lacks(audit, wheels):
    wheels("pack", {"pack/__init__.py": "from . import low\n",
                    "pack/low.py": "import os\nimport fcntl, termios, resource\n"})
    result = audit("import sys\nimport pack\n", wheels=wheels.given)
    assert found(result) == {(2, "stdlib-absent")} and result.verdict.words == "does not run"
    message = told(result)[0]
    assert "the import of pack (pack-1.0-py3-none-any.whl) runs pack/low.py:2: " in message
    assert result.findings[0].file == "app.py" and "resource" in " ".join(told(result))


def test_only_what_is_imported_counts(audit, wheels):
    wheels("pack", {"pack/__init__.py": "def f():\n    import tkinter\n", "pack/gui.py":
                    "import tkinter\n", "pack/old.py": "print 'x'\n",
                    "pack/tests/test_a.py": "import curses\n"})
    assert not found(audit("import pack\n", wheels=wheels.given))
    assert found(audit("import pack\ndef f():\n    import pack.gui\nf()\n", wheels=wheels.given),
                 "error") == {(3, "stdlib-absent")}
    assert found(audit("from pack import old\n", wheels=wheels.given)) == {(1, "syntax")}


@pytest.mark.parametrize("text, severities", [
    ("try:\n    import resource\nexcept ImportError:\n    resource = None\n", {"note"}),
    ("import contextlib\nwith contextlib.suppress(ImportError):\n    import resource\n", {"note"}),
    ("try:\n    from . import bad\nexcept ImportError:\n    pass\n", {"note"}),
    ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import resource\n", set()),
    ("import sys\nif sys.platform == 'win32':\n    import winreg\n", set()),
    ("import sys\nif sys.version_info[0:2] < (3, 8):\n    import imp\n", set()),
    ("import sys\nif len(sys.argv) > 9:\n    import resource\n", {"warning"}),
    ("import sys\nif len(sys.argv) > 9:\n    import gone\n", {"note"}),
    ("if __name__ == '__main__':\n    import resource\n", set()),
    ("def f():\n    import resource\n", set()),
    ("class A:\n    import resource\n", {"error"}),
    ("try:\n    import resource\nexcept KeyError:\n    pass\n", {"error"}),
    ("try:\n    import resource\nexcept ImportError as e:\n    raise ImportError('no') from e\n",
     {"error"}),
    ("try:\n    from . import good\nexcept ImportError:\n    import gone\n", {"note"}),
    ("try:\n    from . import bad\nexcept ImportError:\n    import gone\n", {"note", "error"}),
    ("try:\n    set\nexcept NameError:\n    from sets import Set as set\n", set()),
    ("import os\nos.geteuid()\n", {"error"}),
    ("import os\ntry:\n    os.geteuid()\nexcept AttributeError:\n    pass\n", set()),
    ("import subprocess\nsubprocess.run(['ls'])\n", {"error"}),
    ("from os import geteuid\n", {"error"}),
    ("from .gone import f\n", {"error"}),
    ("import pack.gone\n", {"error"}),
    ("import sys\nif sys.platform.startswith('linux'):\n    pass\n"
     "elif sys.platform in ('win32', 'cygwin'):\n    pass\nelse:\n    raise OSError(3)\n",
     {"error"}),
    ("import sys\nif sys.platform == 'win32':\n    raise OSError(3)\nif len(sys.argv) > 9:\n"
     "    raise OSError(4)\n", set()),
    ("import sys\nsys.modules[__name__ + '.made'] = sys\nfrom .made import f\n", set()),
])
def test_what_is_expected(audit, wheels, text, severities):
    wheels("pack", {"pack/__init__.py": text, "pack/bad.py": "import resource\n",
                    "pack/good.py": ""})
    result = audit("import pack\n", wheels=wheels.given)
    assert {f.severity for f in result.findings} == severities, told(result)


def test_the_program_expects_it(audit, wheels):
    wheels("pack", {"pack/__init__.py": "import resource\n"})
    text = "try:\n    import pack\nexcept ImportError:\n    pack = None\n"
    assert found(audit(text, wheels=wheels.given)) == {(2, "stdlib-absent")}
    assert rules(audit(text, wheels=wheels.given), "error") == set()
    wheels("calls", {"calls/__init__.py": "import os\nos.fork()\n"})
    text = text.replace("pack", "calls")
    assert rules(audit(text, wheels=wheels.given), "error") == {"processes"}
    ignored = "import pack  # ashore: ignore[stdlib-absent]\n"
    assert audit(ignored, wheels=wheels.given).ignored == 1


def test_wheels_that_import_wheels(audit, wheels):
    wheels("outer", {"outer/__init__.py": "import inner\nimport inner.more\n"}, requires=["inner"])
    wheels("inner", {"inner/__init__.py": "", "inner/more.py": "\nimport audioop\n"})
    wheels("alone", {"alone/__init__.py": "import inner.more\n"})
    message = told(audit("import outer\n", wheels=wheels.given))[0]
    assert "the import of outer (outer-1.0-py3-none-any.whl) runs inner/more.py:2 of " \
           "inner-1.0-py3-none-any.whl: 'audioop'" in message
    message = told(audit("import alone\n", wheels=wheels.given))[0]
    assert "'inner' is not there: the wheel does not say that it needs it" in message
    assert "audioop" in told(audit("import alone\n# ///\n", wheels=wheels.given,
                                   requirements=(_written(wheels, "inner\n"),)))[0]


def _written(wheels, text):
    path = os.path.join(wheels.given[0], "requirements.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def test_what_is_missing_is_said_once(audit, wheels):
    wheels("pack", {"pack/__init__.py": "import gone\nimport numpy\n" * 3,
                    "pack/b.py": "import gone"}, requires=["gone", "numpy>=2"])
    assert found(audit("import pack\n", wheels=wheels.given)) == {(1, "no-wheel"),
                                                                  (1, "distribution")}
    wheels("other", {"other/__init__.py": "import gone.a\nimport gone.b\nfrom . import b\n",
                     "other/b.py": "import gone\n"})
    assert len(told(audit("import other\n", wheels=wheels.given))) == 1


def test_fallbacks_name_what_was_wanted_first(audit, wheels):
    wheels("pack", {"pack/__init__.py": "try:\n    import audioop\nexcept ImportError:\n"
                                        "    import pyaudioop as audioop\n"})
    result = audit("import pack\n", wheels=wheels.given)
    assert found(result) == {(1, "no-wheel")}
    assert "'audioop'" in told(result)[0] and "'pyaudioop'" in told(result)[0]
    assert "audioop-lts" in result.findings[0].advice


def test_namespaces_and_data_folders(audit, wheels):
    wheels("space-a", {"space/a/__init__.py": "import space.b\n",
                       "space_a-1.0.data/purelib/loose.py": "import resource\n"},
           requires=["space-b"])
    wheels("space-b", {"space/b/core.py": "", "space/b/__init__.py": "from . import core, fast\n",
                       "space/b/fast.so": b"\0asm"}, pure=False,
           tag="cp314-cp314-pyemscripten_2026_0_wasm32")
    assert not found(audit("import space.a\nimport space.b\n", wheels=wheels.given))
    assert found(audit("import loose\n", wheels=wheels.given)) == {(1, "stdlib-absent")}


def test_modules_that_the_standard_library_has_come_first(audit, wheels):
    wheels("enum34", {"enum/__init__.py": "import resource\n"})
    wheels("pack", {"pack.py": "import enum\n"}, requires=["enum34"])
    assert not found(audit("import pack\n", wheels=wheels.given))


def test_what_apps_have_is_not_judged(audit, wheels):
    for name in ("gradio", "ashore"):
        wheels(name, {f"{name}/__init__.py": "import resource\n"})
    wheels("pack", {"pack/__init__.py": "import gradio, ashore, onnxruntime, js\n"},
           requires=["gradio"])
    assert not found(audit("import gradio, ashore, pack\n", wheels=wheels.given))


def test_wheels_of_a_distribution(audit, tmp_path):
    lock = make_distribution(tmp_path / "dist", {
        "pack": {"files": {"pack/__init__.py": "import resource\n"}},
        "fast": {"files": {"fast/__init__.py": "import resource\n"}, "pure": False,
                 "tag": "cp314-cp314-pyemscripten_2026_0_wasm32"}})
    assert found(audit("import fast\nimport pack\n", lock=lock)) == {(2, "stdlib-absent")}


# ---- hostile wheels ----------------------------------------------------------------------------


def _changed(path, change):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    change(data)
    with open(path, "wb") as file:
        file.write(data)


def test_a_wrong_checksum(audit, wheels):
    path = wheels("pack", {"pack/__init__.py": "x = 1\n"})
    _changed(path, lambda data: data.__setitem__(data.index(b"x = 1") + 4, ord("2")))
    result = audit("import pack\n", wheels=wheels.given)
    assert found(result, "error") == {(1, "wheel")} and "CRC" in told(result)[0]


def test_encrypted_files(audit, wheels):
    path = wheels("pack", {"pack/__init__.py": "x = 1\n"})

    def encrypt(data):
        data[6] |= 1
        data[data.index(b"PK\1\2") + 8] |= 1

    _changed(path, encrypt)
    result = audit("import pack\n", wheels=wheels.given)
    assert found(result, "error") == {(1, "wheel")} and "encrypted" in told(result)[0]


def test_no_central_directory(audit, wheels):
    path = wheels("pack", {"pack/__init__.py": "import resource\n"})
    _changed(path, lambda data: data.__delitem__(slice(data.index(b"PK\1\2"), None)))
    assert "wheel" in rules(audit({"app.py": "import pack\n", "requirements.txt": "pack\n"},
                                  wheels=wheels.given), "error")


def test_names_that_lead_out(audit, wheels):
    wheels("pack", {"pack/__init__.py": "", "../pack/x.py": ""})
    result = audit({"app.py": "import pack\n", "requirements.txt": "pack\n"}, wheels=wheels.given)
    assert any("leads out" in message for message in told(result, "error"))


def test_of_files_with_one_name_the_last_counts(audit, wheels):
    path = wheels("pack", {"pack/__init__.py": "x = 1\n"})
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("pack/__init__.py", "import resource\n")
    assert found(audit("import pack\n", wheels=wheels.given)) == {(1, "stdlib-absent")}


def test_huge_files_are_not_unpacked(audit, wheels):
    path = wheels("pack", {"pack/__init__.py": ""})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pack/big.py", b"#" * (64 << 20))
    result = audit("import pack.big\n", wheels=wheels.given)
    assert found(result) == {(1, "unreadable")} and "67108864 bytes" in told(result)[0]

    def lie(data):  # about the length, in the central directory
        at = data.rindex(b"pack/big.py") - 46
        data[at + 24:at + 28] = struct.pack("<I", 100)

    _changed(path, lie)
    assert rules(audit("import pack.big\n", wheels=wheels.given), "error") == {"wheel"}


def test_methods_that_need_much_memory(audit, wheels):
    path = wheels("pack", {"pack/__init__.py": ""})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("pack/low.py", "x = 1\n")
    assert found(audit("import pack.low\n", wheels=wheels.given)) == {(1, "unreadable")}


def test_the_work_is_bounded(audit, wheels, monkeypatch):
    wheels("pack", {f"pack/m{i}.py": f"from . import m{i + 1}\n" for i in range(50)})
    monkeypatch.setattr(project, "_MOST_MODULES", 20)
    result = audit("import pack.m0\n", wheels=wheels.given)
    assert found(result) == {(1, "unreadable")} and "not read" in told(result)[0]


def test_no_text_and_deep_nesting(audit, wheels):
    wheels("pack", {"pack/__init__.py": b"x = 1\0\n", "pack/a.py": b"\xff\xfe", "pack/b.py":
                    "x = " + "(" * 5000 + ")" * 5000 + "\n",
                    "pack/c.py": "import " + "a." * 3000 + "b\n"})
    for name in ("pack", "pack.a", "pack.b", "pack.c"):
        assert rules(audit(f"import {name}\n", wheels=wheels.given), "error")


def test_modules_that_import_each_other(audit, wheels):
    wheels("pack", {"pack/__init__.py": "from . import a\nfrom .a import *\n",
                    "pack/a.py": "from .b import x\ntry:\n    from . import c\n"
                    "except ImportError:\n    from . import d\n", "pack/b.py":
                    "from . import a\nx = a\n", "pack/c.py": "from . import a, d\n", "pack/d.py":
                    "from . import c\n"})
    assert not found(audit("import pack\npack.x.y()\n", wheels=wheels.given))
