"""What goes wrong in a program that uses this package, with the place in the program."""

from __future__ import annotations

import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))


class Unsupported(Exception):
    """The program asks for a part of Gradio that is not here. `filename` and `line` are where."""

    def __init__(self, what: str, advice: str = "", at: tuple[str, int] | None = None):
        self.filename, self.line = at or place()
        self.what, self.advice = what, advice
        where = f"{self.filename}:{self.line}: " if self.filename else ""
        super().__init__(f"{where}{what}" + (f"; {advice}" if advice else ""))


class Missing(Unsupported, AttributeError):
    """The same for a name that is asked for, so that hasattr answers."""


class Error(Exception):
    """Raised by a function to show a message on the page. `duration` is in seconds, None lasts."""

    def __init__(self, message: str = "Error raised.", duration: float | None = 10,
                 visible: bool = True, title: str = "Error", print_exception: bool = True):
        super().__init__(message)
        self.message, self.duration = str(message), duration
        self.visible, self.title, self.print_exception = visible, title, print_exception


def _mine(filename: str) -> bool:
    return os.path.abspath(filename).startswith(HERE + os.sep)


def place() -> tuple[str, int]:
    """File and line of the nearest caller that is not this package; ("", 0) when there is none."""
    frame = sys._getframe(1)
    while frame is not None:
        filename = frame.f_code.co_filename
        if not _mine(filename) and not filename.startswith("<frozen"):
            return filename, frame.f_lineno
        frame = frame.f_back
    return "", 0


def program_traceback(error: BaseException) -> str:
    """The traceback without the frames of this package."""
    found = traceback.TracebackException.from_exception(error)
    one = found
    while one is not None:
        one.stack = traceback.StackSummary.from_list(
            [frame for frame in one.stack if not _mine(frame.filename)])
        one = one.__cause__ or one.__context__
    return "".join(found.format())
