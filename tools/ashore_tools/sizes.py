"""What files weigh on the wire: as they are, and as servers compress them."""

import hashlib
import json
import os
import subprocess
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Dict, Iterable, List, NamedTuple, Optional

_LARGE = 1 << 14  # bytes: what is smaller is compressed sooner than it is looked up


class Sizes(NamedTuple):
    """Bytes: raw, gzip at level 9, brotli at quality 5 (None where the program lacks it)."""

    raw: int
    gzip: int
    brotli: Optional[int]


def _gzip(data: bytes) -> int:
    return len(zlib.compress(data, 9)) + 12  # gzip's frame is that much longer than zlib's


def _brotli(data: bytes) -> Optional[int]:
    program = os.environ.get("ASHORE_PROGRAM")
    if not program:
        return None
    try:
        done = subprocess.run([program, "brotli-size"], input=data, capture_output=True,
                              check=False)
    except OSError:
        return None
    text = done.stdout.strip()
    return int(text) if done.returncode == 0 and text.isdigit() else None


@lru_cache(maxsize=None)
def known() -> Dict[str, List[int]]:
    """Sizes with gzip and brotli by SHA-256, of Pyodide's files: they are nine tenths of what pages
    hold, the same in all of them, and take seconds to compress.  tests/audit/test_sizes.py writes
    the table and compares it."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pyodide_sizes.json")
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def compress(data: bytes) -> Sizes:
    """Sizes of one file, compressed now."""
    return Sizes(len(data), _gzip(data), _brotli(data))


def measure(data: bytes) -> Sizes:
    """Sizes of one file."""
    found = known().get(hashlib.sha256(data).hexdigest()) if len(data) >= _LARGE else None
    return Sizes(len(data), *found) if found else compress(data)


def total(files: Iterable[bytes]) -> Sizes:
    """Sizes of files that are sent one by one."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found: List[Sizes] = list(pool.map(measure, files))
    brotli = [f.brotli for f in found]
    return Sizes(sum(f.raw for f in found), sum(f.gzip for f in found),
                 None if None in brotli else sum(b for b in brotli if b is not None))


def mega(count: int) -> str:
    """Bytes for people: "1.2 MB", or "800 kB"."""
    return f"{count / 1e6:.2f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"
