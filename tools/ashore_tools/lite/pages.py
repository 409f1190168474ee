"""A program of a page, as a folder that is there while the page is built."""

import os
from typing import List

from ..errors import INPUT, ToolError, clean
from ..program import Program
from .document import Document
from .programs import REQUIREMENTS, File, Source, Written


def written_to(folder: str, written: Written) -> str:
    """Writes a program's files; the path of its entry."""
    for name, file in written.files.items():
        path = os.path.join(folder, name)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as out:
                out.write(file.data)
        except OSError as error:
            raise ToolError(INPUT, f"the file {clean(name)} cannot be written: {error.strerror}"
                            ) from None
    if written.requirements:
        with open(os.path.join(folder, REQUIREMENTS), "w", encoding="utf-8") as out:
            out.write(written.requirements.text)
    return os.path.join(folder, written.entry)


def requirements_of(folder: str, written: Written) -> List[str]:
    """The file of a program's requirements, if there are any."""
    return [os.path.join(folder, REQUIREMENTS)] if written.requirements else []


class Lines:
    """Names lines of a program's files as lines of the page."""

    def __init__(self, document: Document, written: Written, folder: str) -> None:
        self.document, self.written, self.folder = document, written, folder

    def name(self, path: str) -> str:
        """The page, or the file beside it that the page names by url=."""
        file = self.written.files.get(path)
        if file and file.place:
            shown = os.path.dirname(self.document.shown)
            return clean(os.path.join(shown, os.path.relpath(file.place, self.folder)))
        return self.document.shown

    def place(self, path: str, line: int, column: int) -> tuple:
        """Line and column in what name() says; 0 for a whole file is its tag's line in the page."""
        source = self._source(path)
        if source is None:
            return line, column
        if not line:
            return self._tag_line(path), 0
        at = min(line, len(source.lines)) - 1
        return source.lines[at], column + source.shifts[at] if column else 0

    def _source(self, path: str):
        if path == REQUIREMENTS:
            return self.written.requirements
        file = self.written.files.get(path)
        if file is None or file.place:
            return None if file else Source("", [self._tag_line(path)], [0])
        return file.source or Source("", [file.line], [0])

    def _tag_line(self, path: str) -> int:
        file: File = self.written.files.get(path) or self.written.files[self.written.entry]
        return file.line


class PageProgram(Program):
    """A program that a page holds; its messages name the page's lines."""

    def __init__(self, folder: str, lines: Lines) -> None:
        self.lines = lines
        super().__init__(written_to(folder, lines.written), folder)
        self.given = lines.document.shown

    def show(self, path: str) -> str:
        return self.lines.name(path)

    def at(self, path: str, line: int, column: int = 0) -> str:
        line, column = self.lines.place(path, line, column)
        return self.show(path) + (f":{line}" if line else "") + (f":{column}" if column else "")
