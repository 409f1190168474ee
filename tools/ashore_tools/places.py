"""Where the things lie that tools put into pages: the JavaScript package, and Pyodide."""

import os
from typing import List, Optional

from .errors import INTERNAL, ToolError

HERE = os.path.dirname(os.path.abspath(__file__))
# What runs programs in pages, below app/python of the JavaScript package; pages/app/boot.js installs it.
RUNNER = ("ashore_app.py", "ashore_packages.py", "ashore_snapshot.py", "ashore_waits.py")
PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip",
                 "pyodide-lock.json")


def _roots() -> List[str]:
    """Folders that may have the package as `js` and Pyodide as `pyodide` in them: that of the
    program that started this tool, the installed share/ashore, and the source tree's build."""
    named = os.environ.get("ASHORE_JS")
    root = os.path.join(HERE, "..", "..")
    return [os.path.join(named, "..")] if named else [root, os.path.join(root, "build")]


def find_package() -> Optional[str]:
    """The folder of the JavaScript package, or None where it is not beside the program."""
    named = os.environ.get("ASHORE_JS")
    for folder in [named] if named else [os.path.join(root, "js") for root in _roots()]:
        if os.path.isfile(os.path.join(folder, "index.js")):
            return os.path.normpath(folder)
    return None


def package() -> str:
    """The folder of the JavaScript package that belongs to the program that started this tool."""
    found = find_package()
    if found is None:
        folder = os.environ.get("ASHORE_JS") or os.path.join(_roots()[-1], "js")
        raise ToolError(INTERNAL, f"the JavaScript package is not beside the program "
                                  f"({os.path.normpath(folder)} is not there); build it with "
                                  f"'make'")
    return found


def find_pyodide() -> Optional[str]:
    """The folder of Pyodide's npm package: ASHORE_PYODIDE, beside the JavaScript package, or where
    the source tree's tests install it; None where it is not there.  Raises ToolError where
    ASHORE_PYODIDE names a folder that is none."""
    named = os.environ.get("ASHORE_PYODIDE")
    folders = [named] if named else [
        os.path.join(root, below) for root in _roots()
        for below in ("pyodide", os.path.join("npm", "node_modules", "pyodide"))]
    for folder in folders:
        lacking = [n for n in PYODIDE_FILES if not os.path.isfile(os.path.join(folder, n))]
        if not lacking:
            return os.path.normpath(folder)
        if named:
            raise ToolError(INTERNAL, f"ASHORE_PYODIDE is {named}, which has no {lacking[0]}")
    return None


def pyodide() -> str:
    """The same; raises ToolError where it is not there."""
    found = find_pyodide()
    if found is None:
        raise ToolError(INTERNAL, "Pyodide is not beside the program; 'make' fetches it, or "
                                  "ASHORE_PYODIDE names the folder of its npm package")
    return found
