"""The program under test, run with a ceiling on memory and time.

What it says of each case is written down word for word in messages.tsv: the case, the number of the
call in it, the message.  HOSTILE_WRITE=1 writes the file anew, to be read before it is committed."""

import os
import resource
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ASHORE = os.path.abspath(os.environ.get("ASHORE", os.path.join(ROOT, "build", "ashore")))
MEMORY = 2 << 30  # address space; a sanitised program needs much more, and is not limited
SECONDS = 30  # until the program is taken for hung
SANITIZED = bool(os.environ.get("ASHORE_SANITIZED"))
MESSAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "messages.tsv")
WRITE = bool(os.environ.get("HOSTILE_WRITE"))
CALLS = 2  # of one case that are written down: some cut a file at every byte


def limit():
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Ashore:
    """Calls of the program in a folder of the test's own."""

    def __init__(self, folder, case, messages):
        self.folder, self.case, self.messages, self.calls = folder, case, messages, 0

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
        self.says(done.stderr)
        return done

    def says(self, message):
        """The message is the one that is written down."""
        key = f"{self.case}\t{self.calls}"
        self.calls += 1
        if self.calls > CALLS:
            return
        message = message.replace(f"{self.folder}/", "").strip().replace("\n", "\\n")
        if WRITE:
            self.messages[key] = message
        assert self.messages.get(key) == message


@pytest.fixture(scope="session")
def messages():
    known = {}
    if os.path.exists(MESSAGES):
        with open(MESSAGES, encoding="utf-8") as f:
            known = dict(line.rstrip("\n").rsplit("\t", 1) for line in f)
    yield known
    if WRITE:
        with open(MESSAGES, "w", encoding="utf-8") as f:
            f.writelines(f"{key}\t{known[key]}\n" for key in sorted(known))


@pytest.fixture
def ashore(tmp_path, request, messages):
    return Ashore(tmp_path, request.node.name, messages)
