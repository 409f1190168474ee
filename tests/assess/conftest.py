"""Where the program is, and running it: build/, or ASHORE_BUILD; build/ashore, or ASHORE."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ASHORE_BUILD", ROOT / "build")).resolve()
ASHORE = pathlib.Path(os.environ.get("ASHORE", BUILD / "ashore")).resolve()
SECONDS = 180  # until a command is taken for hung


class Assessed:
    """What `ashore assess` did: exit code, output, and the report where one was written."""

    def __init__(self, done, folder):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.folder = folder
        path = folder / "report.json"
        self.report = json.loads(path.read_text()) if path.exists() else None

    @property
    def buckets(self):
        return self.report["buckets"]


@pytest.fixture
def assess(tmp_path):
    """assess(options..., program=[...]): runs the command and reads its report."""
    count = 0

    def run(*options, program=(), env=None, cwd=None, timeout=SECONDS):
        nonlocal count
        count += 1
        folder = tmp_path / f"report{count}"
        temporary = tmp_path / "traces"
        temporary.mkdir(exist_ok=True)
        command = [ASHORE, "assess", "-o", folder, *options]
        if program:
            command += ["--", *program]
        done = subprocess.run(list(map(str, command)), cwd=cwd or tmp_path, text=True, timeout=timeout,
                              capture_output=True, stdin=subprocess.DEVNULL,
                              env={**os.environ, **(env or {}), "TMPDIR": str(temporary)})
        assert list(temporary.glob("ashore-assess-*")) == [], "the folder for traces is left behind"
        return Assessed(done, folder)

    return run


@pytest.fixture
def python_program(tmp_path):
    """python_program(source): the command that runs it."""
    count = 0

    def write(source):
        nonlocal count
        count += 1
        path = tmp_path / f"program{count}.py"
        path.write_text(source)
        return [sys.executable, str(path)]

    return write
