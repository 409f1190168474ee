"""What the tests of plans share: programs in a folder with models, and their plans."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BINDINGS = ROOT / "bindings" / "python"
sys.path.insert(0, str(ROOT / "tools"))
os.environ.setdefault("ASHORE_PROGRAM", os.environ.get("ASHORE", str(ROOT / "build" / "ashore")))

from ashore_tools.plan import Refused, make  # noqa: E402
from ashore_tools.program import Program  # noqa: E402


def node():
    """The Node of the tests."""
    own = ROOT / "build" / "node"
    return str(own) if own.exists() else "node"


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """A folder with the models that programs open."""
    folder = tmp_path_factory.mktemp("models")
    subprocess.run([sys.executable, str(Path(__file__).with_name("models.py")), str(folder)],
                   check=True)
    return folder


def write(folder, files, models):
    """A program's folder: files by path, and links to the models."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for model in models.iterdir():
        if not (folder / model.name).exists():
            (folder / model.name).symlink_to(model)
    return Program(str(folder / "app.py"))


def plan_of(program):
    """A program's plan.  Raises Refused."""
    face = any(item.name.split(".")[0] == "gradio" for item in program.imports)
    return make(program, str(BINDINGS) if face else None, "test")


def replayed(jobs):
    """What CPython answers to the calls of pages: [{path, calls}] to [[{updates, error}]]."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("replay_all.py"))], input=json.dumps(jobs),
        text=True, capture_output=True, check=False, env={
            **os.environ, "PYTHONPATH": str(BINDINGS), "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def carried_out(jobs):
    """What plans answer: [{folder, plan, calls}]."""
    done = subprocess.run([node(), str(Path(__file__).with_name("carry_out.mjs"))],
                          input=json.dumps(jobs), text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


__all__ = ["Refused", "node", "plan_of", "replayed", "carried_out", "write"]
