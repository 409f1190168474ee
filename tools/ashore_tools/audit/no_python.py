"""Whether a program needs Python in the page at all: what `ashore app --no-python` would write."""

from typing import List, NamedTuple, Optional

from ..errors import ToolError
from . import download

# Programs that import one of these are followed: they stand around a model, or compute with what
# Pyodide alone does not have.
_FOLLOWED = ("onnxruntime", "ashore", "numpy", "PIL")


class NoPython(NamedTuple):
    """possible: whether there is a plan of the program; saved: bytes of the first visit, None where Pyodide
    is not there to be weighed; else where it needs Python, and why."""

    possible: bool
    saved: Optional[download.Part]
    place: str
    reason: str


def look(entry: str, parts: List[download.Part]) -> Optional[NoPython]:
    """Follows a program that imports an engine, numpy or pillow.  None for others, and where the
    package is missing."""
    from .. import page, plan_page
    from ..face import own_wheel
    from ..plan import Refused, make
    from ..program import Program
    try:
        program = Program(entry)
        names = {item.name.split(".")[0] for item in program.imports}
        if not names.intersection(_FOLLOWED):
            return None
        face = "gradio" in names
        wheel = own_wheel()
        try:
            plan = make(program, wheel if face else None, "app")
        except Refused as refused:
            return NoPython(False, None, f"{refused.path or program.entry}:{refused.line}",
                            refused.why())
        if not any(part.kind == download.INTERPRETER for part in parts):
            return NoPython(True, None, "", "")
        made = plan_page.gather(program, plan, page.App("app", program.entry, {}, face, [], {}))
        own = download.Part("all", "all", *plan_page.weigh(made, plan_page.folder(made)))
    except ToolError:
        return None
    whole = download.total(parts)
    brotli = None if whole.brotli is None or own.brotli is None else whole.brotli - own.brotli
    return NoPython(True, download.Part("saved", "saved", whole.raw - own.raw, whole.gzip - own.gzip,
                                        brotli), "", "")
