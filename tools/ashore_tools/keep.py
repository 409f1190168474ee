"""Snapshots of Python that a visitor's browser keeps for the next visit: what is to be in them, and
what they depend on."""

import hashlib
import json
from typing import Dict, Iterable, List

from . import places
from .audit.stdlib import present
from .program import Import

# ctypes makes functions of WebAssembly, which are no part of memory; the others act when they are
# imported, or cannot do what they are for.
_NOT_KEPT = ("ctypes", "multiprocessing.sharedctypes", "antigravity", "this", "test", "idlelib", "turtle",
             "turtledemo", "tkinter", "lib2to3", "__main__")
_OWN = {"ashore", "onnxruntime"}
_STDLIB = "pyodide/python_stdlib.zip"


def _is_kept(name: str) -> bool:
    """Whether a module of the standard library can be in a snapshot."""
    return name in present() and not name.startswith("_") and \
        not any(name == other or name.startswith(other + ".") for other in _NOT_KEPT)


class Keep:
    """A page that keeps snapshots; everywhere: when it was opened from a disk as well."""

    def __init__(self, imports: Iterable[Import], face: bool, everywhere: bool) -> None:
        names = {item.name[:-2] if item.name.endswith(".*") else item.name for item in imports}
        self.imports = ["ashore_app"]
        self.imports += sorted(name for name in names if name.split(".")[0] in _OWN)
        self.imports += ["gradio", "gradio._host"] if face else []
        self.imports += sorted(name for name in names if _is_kept(name))
        self.everywhere = everywhere

    def facts(self, files: Dict[str, bytes], wheels: List[str], one_file: bool) -> Dict[str, object]:
        """What app.json says: where; which modules are imported before one is made; hashes of the files
        whose contents are in it, which a server or a cache could have mixed up, and `key`, which is
        another one for all that could make a difference: not for another program."""
        own = [*wheels, *(f"python/{name}" for name in places.RUNNER)]
        hashes = {path: hashlib.sha256(data).hexdigest() for path, data in sorted(files.items())}
        started = {path: digest for path, digest in hashes.items() if path in own
                   or path.endswith((".js", ".mjs", _STDLIB, "pyodide.asm.wasm"))}
        key = hashlib.sha256(json.dumps([self.imports, started]).encode()).hexdigest()
        return {"where": "everywhere" if self.everywhere else "served", "key": key,
                "imports": self.imports,
                "hashes": {} if one_file else {path: hashes[path] for path in [*own, _STDLIB]}}
