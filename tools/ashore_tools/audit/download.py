"""What a visitor downloads, and how long the first start takes on a named reference."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, List, NamedTuple, Optional

from .. import places, sizes

ENGINE_FILES = ("ashore.js", "pyodide.js", "ashore-full-relaxed.wasm")
INTERPRETER, LIBRARY, ENGINE = "interpreter", "standard library", "engine"
PACKAGES, PROGRAM, MODELS = "packages", "program", "models"

# The reference, and what was measured there: see docs/audit.md.
LINK = "10 Mbit/s, 40 ms"
BITS_PER_SECOND = 10e6
ROUND_TRIPS = 4            # connection, page, scripts, the rest at once
ROUND_TRIP_SECONDS = 0.04
START_SECONDS = (3.3, 10.0)       # Pyodide from local files, Chromium, two slow cores


class Part(NamedTuple):
    """A file of what is downloaded; sizes in bytes, brotli None where it was not measured."""

    kind: str
    name: str
    raw: int
    gzip: int
    brotli: Optional[int]


class Start(NamedTuple):
    """An estimate in seconds."""

    download: float
    least: float
    most: float
    measured: str  # 'brotli' or 'gzip': which sizes it is made of


def _measure(kind: str, path: str, name: str) -> Optional[Part]:
    try:
        with open(path, "rb") as f:
            data = f.read()
    except OSError:
        return None
    return Part(kind, name, *sizes.measure(data))


def measure(packages: List[str], program: List[str], models: List[str],
            root: str) -> List[Part]:
    """Sizes of all parts; files that cannot be read are left out."""
    jobs = []
    pyodide, engine = places.find_pyodide(), places.find_package()
    for name in places.PYODIDE_FILES if pyodide else ():
        kind = LIBRARY if name == "python_stdlib.zip" else INTERPRETER
        jobs.append((kind, os.path.join(pyodide, name), name))  # type: ignore[arg-type]
    for name in ENGINE_FILES if engine else ():
        jobs.append((ENGINE, os.path.join(engine, name), name))  # type: ignore[arg-type]
    jobs += [(PACKAGES, p, os.path.basename(p)) for p in packages]
    for kind, paths in ((PROGRAM, program), (MODELS, models)):
        jobs += [(kind, p, os.path.relpath(p, root).replace(os.sep, "/")) for p in paths]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        found = list(pool.map(lambda job: _measure(*job), jobs))
    return [part for part in found if part is not None]


def sums(parts: List[Part]) -> Dict[str, Part]:
    """One row for each kind."""
    found: Dict[str, Part] = {}
    for part in parts:
        before = found.get(part.kind)
        found[part.kind] = part if before is None else _added(before, part)
    return found


def total(parts: List[Part]) -> Part:
    """All together."""
    whole = Part("all", "all", 0, 0, 0)
    for part in parts:
        whole = _added(whole, part)
    return whole._replace(kind="all", name="all")


def _added(a: Part, b: Part) -> Part:
    brotli = None if a.brotli is None or b.brotli is None else a.brotli + b.brotli
    return Part(a.kind, a.kind, a.raw + b.raw, a.gzip + b.gzip, brotli)


def estimate(parts: List[Part]) -> Start:
    """The first start on the reference: what is downloaded, and what the interpreter takes."""
    whole = total(parts)
    count = whole.gzip if whole.brotli is None else whole.brotli
    download = count * 8 / BITS_PER_SECOND + ROUND_TRIPS * ROUND_TRIP_SECONDS
    return Start(download, download + START_SECONDS[0], download + START_SECONDS[1],
                 "gzip" if whole.brotli is None else "brotli")
