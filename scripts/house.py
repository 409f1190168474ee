"""What the house checks share: the list of sources, and C without its comments and strings."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SKIPPED = {"build", "node_modules", ".git", ".cache"}


def files(*suffixes, under=("",)):
    """Paths relative to the root, sorted, of the project's own files with one of the suffixes."""
    found = []
    for top in under:
        for folder, folders, names in os.walk(os.path.join(ROOT, top)):
            folders[:] = [f for f in folders if f not in SKIPPED and not f.startswith("build")]
            for name in names:
                if name.endswith(suffixes):
                    found.append(os.path.relpath(os.path.join(folder, name), ROOT))
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


TOKEN = re.compile(
    r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)


def blank(match):
    text = match.group(0)
    if text[0] == "/":
        return re.sub(r"[^\n]", " ", text)
    return text[0] + " " * (len(text) - 2) + text[-1]


def strip_c(text):
    """The same text, as many lines and columns, with comments and strings blank."""
    return TOKEN.sub(blank, text)


def library(path):
    """Whether a file belongs to the library, which never prints, aborts or exits."""
    return path.startswith("src/") and not path.startswith(("src/cli/", "src/serve/"))


def command_output(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def finish(name, problems, checked):
    """Prints what was found and ends the program."""
    for problem in problems:
        print(problem)
    if checked == 0:
        problems = ["nothing to check"]
        print(f"{name}: nothing was found to check")
    print(f"{name}: {checked} checked, {len(problems)} problems")
    sys.exit(1 if problems else 0)
