"""The sizes of Pyodide's files that the tools know are those that they would measure.

    test_sizes.py --write      writes tools/ashore_tools/pyodide_sizes.json anew, for another Pyodide"""

import hashlib
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))

from ashore_tools import places, sizes  # noqa: E402

PROGRAM = os.path.join(ROOT, "build", "ashore")


def _contents():
    folder = places.pyodide()
    for name in places.PYODIDE_FILES:
        with open(os.path.join(folder, name), "rb") as f:
            yield name, f.read()


def _measured():
    os.environ["ASHORE_PROGRAM"] = PROGRAM
    return {hashlib.sha256(data).hexdigest(): list(sizes.compress(data)[1:])
            for _, data in _contents()}


def test_sizes_of_pyodide(monkeypatch):
    monkeypatch.setenv("ASHORE_PROGRAM", PROGRAM)
    assert sizes.known() == _measured()


def test_they_are_looked_up(monkeypatch):
    def refuse(data):
        raise AssertionError(f"{len(data)} bytes are compressed")

    monkeypatch.setattr(sizes, "compress", refuse)
    for name, data in _contents():
        assert sizes.measure(data).raw == len(data), name


def test_others_are_compressed(monkeypatch):
    monkeypatch.setenv("ASHORE_PROGRAM", PROGRAM)
    data = b"ashore " * 20000
    found = sizes.measure(data)
    assert found == sizes.compress(data)
    assert found.raw == 140000 and 0 < found.gzip < 1000 and 0 < found.brotli < 1000


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    with open(os.path.join(ROOT, "tools", "ashore_tools", "pyodide_sizes.json"), "w",
              encoding="utf-8") as out:
        out.write(json.dumps(_measured(), indent=1) + "\n")
