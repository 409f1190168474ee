"""The program under test, run with a ceiling on memory and time."""

import os
import resource
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ASHORE = os.path.abspath(os.environ.get("ASHORE", os.path.join(ROOT, "build", "ashore")))
MEMORY = 2 << 30  # address space; a sanitised program needs much more, and is not limited
SECONDS = 10
SANITIZED = bool(os.environ.get("ASHORE_SANITIZED"))


def limit():
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Ashore:
    """Calls of the program in a folder of the test's own."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return str(path)

    def __call__(self, *args):
        environment = dict(os.environ, ASAN_OPTIONS="allocator_may_return_null=1")
        done = subprocess.run([ASHORE, *args], cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit,
                              timeout=SECONDS * (10 if SANITIZED else 1), env=environment)
        done.stderr = done.stderr.decode("utf-8", "backslashreplace")
        return done

    def refuses(self, code, says, *args):
        """The program ends with this code and its message holds each of the words."""
        done = self(*args)
        codes = code if isinstance(code, tuple) else (code,)
        assert done.returncode in codes, f"exit {done.returncode}: {done.stderr}"
        assert done.stderr.strip(), "no message"
        assert done.stdout == b"", "a refusal wrote to stdout"
        for word in says if isinstance(says, (tuple, list)) else (says,):
            assert word.lower() in done.stderr.lower(), f"no '{word}' in: {done.stderr}"
        return done


@pytest.fixture
def ashore(tmp_path):
    return Ashore(tmp_path)
