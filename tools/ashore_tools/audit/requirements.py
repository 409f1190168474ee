"""What a program says that it needs: requirements files, and the block of PEP 723 in a script."""

import os
import re
from typing import List, NamedTuple, Optional, Set

from ..pep508 import InvalidRequirement, Requirement
from .finding import Findings

_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
_LIST = re.compile(r"(?ms)^\s*dependencies\s*=\s*\[(.*?)\]\s*(?:#.*)?$")
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"|\'([^\'\n]*)\'')
_PYTHON = re.compile(r"""(?m)^\s*requires-python\s*=\s*["']([^"']*)["']""")
_LARGEST = 1 << 20  # bytes
_SDIST = (".tar.gz", ".zip", ".tar.bz2", ".tgz")


class Required(NamedTuple):
    """A requirement, and where it stands."""

    requirement: Requirement
    file: str
    line: int
    installed: bool = False  # by the program, while it runs


class Requirements:
    """Gathers requirements; what cannot be read is a finding."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.all: List[Required] = []
        self.python = ""
        self._read: Set[str] = set()

    def add_text(self, text: str, file: str, line: int, installed: bool = False) -> None:
        try:
            self.all.append(Required(Requirement(text), file, line, installed))
        except InvalidRequirement as error:
            self.findings.add(file, "requirement", str(error), "write it as PEP 508 says", line, 1)

    def read_file(self, path: str, shown: str) -> None:
        """A requirements file, as pip reads it, with those that it names by -r and -c."""
        real = os.path.realpath(path)
        if real in self._read or len(self._read) > 50:
            return
        self._read.add(real)
        try:
            if os.path.getsize(path) > _LARGEST:
                raise OSError(0, "it is larger than 1 MiB")
            with open(path, encoding="utf-8-sig", errors="replace") as f:
                lines = f.read().split("\n")
        except OSError as error:
            self.findings.add(shown, "requirement", f"it cannot be read: {error.strerror}",
                              "correct the path")
            return
        text, first = "", 0
        for number, line in enumerate(lines, 1):
            first = first or number
            text += line.rstrip("\\") if line.endswith("\\") else line
            if not line.endswith("\\"):
                self._line(text, path, shown, first)
                text, first = "", 0

    def _line(self, text: str, path: str, shown: str, line: int) -> None:
        text = re.sub(r"(^|\s)#.*$", "", text).strip()
        if not text:
            return
        option = re.match(r"(-r|--requirement|-c|--constraint)[\s=]*(\S+)", text)
        if option and option.group(1) in ("-r", "--requirement"):
            other = os.path.join(os.path.dirname(path), option.group(2))
            self.read_file(other, os.path.join(os.path.dirname(shown), option.group(2)))
        elif re.match(r"(-e|--editable)\b", text):
            self.findings.add(shown, "requirement", "an editable install is not possible in a page",
                              "put its files into the program's folder, or build a wheel", line, 1)
        elif not text.startswith("-"):
            text = re.split(r"\s--", text)[0].strip()
            self._requirement(text, shown, line)

    def _requirement(self, text: str, shown: str, line: int) -> None:
        place = text.split("#")[0].split(";")[0].strip()
        direct = "@" not in text and (place.startswith((".", "/")) or "://" in place
                                      or place.endswith((".whl",) + _SDIST))
        source = place.split("@")[-1].strip() if "@" in place else place if direct else ""
        if source.endswith(_SDIST) or source.startswith(("git+", "hg+", "svn+")):
            self.findings.add(shown, "wheel", f"'{text}' is source code, which Pyodide cannot "
                                              f"build",
                              "build a wheel of it, and give it with --wheels", line, 1, 0, "error")
        elif direct:
            name = os.path.basename(place).split("-")[0] if place.endswith(".whl") else ""
            if name:
                self.add_text(f"{name} @ {place}", shown, line)
            else:
                self.findings.add(shown, "requirement", f"'{text}' is no wheel",
                                  "give a wheel with --wheels, and its name here", line, 1)
        else:
            self.add_text(text, shown, line)

    def read_script(self, text: str, shown: str) -> None:
        """The block `# /// script` of a Python file, if it has one."""
        blocks = [b for b in _BLOCK.finditer(text) if b.group("type") == "script"]
        if not blocks:
            return
        if len(blocks) > 1:
            line = text.count("\n", 0, blocks[1].start()) + 1
            self.findings.add(shown, "requirement", "it has two blocks '# /// script' (PEP 723)",
                              "leave one", line, 1)
            return
        block = blocks[0]
        start = text.count("\n", 0, block.start("content")) + 1
        content = "\n".join(line[2:] if line.startswith("# ") else line[1:]
                            for line in block.group("content").split("\n"))
        python = _PYTHON.search(content)
        self.python = python.group(1) if python else ""
        listed = _LIST.search(content)
        body = re.sub(r"(?m)^\s*#.*$", lambda m: " " * len(m.group()), listed.group(1)) \
            if listed else ""
        for found in _STRING.finditer(body):
            line = start + content.count("\n", 0, listed.start(1) + found.start())  # type: ignore
            self.add_text(found.group(1) if found.group(1) is not None else found.group(2), shown,
                          line)


def beside(folder: str) -> Optional[str]:
    """The requirements file of a folder, if it has one."""
    path = os.path.join(folder, "requirements.txt")
    return path if os.path.isfile(path) else None
