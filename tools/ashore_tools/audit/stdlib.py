"""The standard library inside of Pyodide, from stdlib.json, which a test compares with Pyodide."""

import importlib
import json
import os
from functools import lru_cache
from typing import FrozenSet, List, Optional, Tuple

# Removed before the oldest interpreter that the table was made of.
_EARLIER = {"lib2to3", "asyncore", "asynchat", "smtpd", "imp", "distutils", "binhex", "formatter",
            "parser", "symbol", "macpath", "dummy_threading"}

_INSTEAD = {
    "distutils": "setuptools has it as setuptools._distutils; for versions use packaging.version",
    "imp": "use importlib", "cgi": "use urllib.parse and email.message",
    "asyncore": "use asyncio", "asynchat": "use asyncio", "pipes": "use shlex.quote",
    "imghdr": "look at the first bytes, or use a wheel of filetype",
    "audioop": "Pyodide's distribution has audioop-lts", "telnetlib": "no page can open sockets",
    "nntplib": "no page can open sockets", "crypt": "use hashlib", "sndhdr": "use wave",
    "uu": "use base64", "xdrlib": "use struct", "lib2to3": "use ast", "smtpd": "no page can listen",
    "cgitb": "use traceback", "chunk": "read the chunks with struct", "binhex": "use binascii",
}
_WHY = {
    "curses": "there is no terminal", "readline": "there is no terminal",
    "tkinter": "there is no desktop", "turtle": "it draws with tkinter",
    "turtledemo": "it draws with tkinter", "idlelib": "it draws with tkinter",
    "resource": "there are no limits of processes", "syslog": "there is no system log",
    "pwd": "there are no users", "grp": "there are no users", "dbm": "it is not built",
    "ensurepip": "pip does not work there", "venv": "there are no processes",
    "_multiprocessing": "there are no processes", "_posixshmem": "there are no processes",
    "winreg": "it is of Windows", "winsound": "it is of Windows", "msvcrt": "it is of Windows",
    "nt": "it is of Windows", "_winapi": "it is of Windows",
}
_ADVICE = {
    "curses": "print, or show an interface with gradio",
    "readline": "show an interface with gradio; input() cannot ask in a page",
    "tkinter": "show an interface with gradio",
    "turtle": "draw into an image and show it with gradio",
    "dbm": "use sqlite3 or json", "resource": "guard it by sys.platform != 'emscripten'",
    "pwd": "use pathlib.Path.home() or os.environ['USER']",
}
# Of modules' names that are no longer there.
_NAMES = {
    "fractions.gcd": "math.gcd", "time.clock": "time.perf_counter", "base64.encodestring":
    "base64.encodebytes", "base64.decodestring": "base64.decodebytes", "asyncio.coroutine":
    "async def", "asyncio.async": "asyncio.ensure_future", "inspect.getargspec":
    "inspect.getfullargspec", "string.letters": "string.ascii_letters", "string.maketrans":
    "str.maketrans", "sys.maxint": "sys.maxsize", "configparser.SafeConfigParser":
    "configparser.ConfigParser", "unittest.makeSuite": "unittest.TestLoader",
    "plistlib.readPlist": "plistlib.load", "plistlib.writePlist": "plistlib.dump",
    "itertools.izip": "zip", "itertools.imap": "map", "itertools.ifilter": "filter",
    "hashlib.pbkdf2_hmac": "a wheel of cryptography, or hmac in a loop",
}
_GUARD = "guard it by sys.platform != 'emscripten'"


@lru_cache(maxsize=None)
def table() -> dict:
    """The whole table: python, present, absent, missing, removed, markers."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stdlib.json")
    with open(path, encoding="utf-8") as f:
        return json.load(f)


@lru_cache(maxsize=None)
def present() -> FrozenSet[str]:
    """Dotted names of the modules that can be imported."""
    return frozenset(table()["present"])


@lru_cache(maxsize=None)
def known() -> FrozenSet[str]:
    """Names of the standard library, of now and of earlier versions, without submodules."""
    return frozenset(table()["stdlib"]) | frozenset(table()["removed"]) | _EARLIER | \
        frozenset(("turtledemo", "idlelib", "lib2to3", "test", "antigravity", "this"))


@lru_cache(maxsize=None)
def missing_names(module: str) -> FrozenSet[str]:
    """Names that a module has in CPython on Linux, and not in Pyodide."""
    return frozenset(table()["missing"].get(module, ()))


@lru_cache(maxsize=None)
def has(module: str, name: str = "") -> bool:
    """Whether it is certain that a module of the standard library, and a name in it, are there.
    Names are looked for in this interpreter's own, so that newer ones are not certain."""
    if module not in present() or name in missing_names(module):
        return False
    if not name or name == "*" or f"{module}.{name}" in present():
        return True
    try:
        return hasattr(importlib.import_module(module), name)
    except Exception:  # of another version, or of this platform
        return False


def instead(module: str, name: str) -> str:
    """What to do where a module lacks a name."""
    if f"{module}.{name}" in _NAMES:
        return f"take {_NAMES[f'{module}.{name}']}"
    if module == "collections":
        return "import it from collections.abc"
    return f"guard it by hasattr({module}, '{name}')"


def verdict(module: str) -> Optional[Tuple[str, str, str]]:
    """None where a module of the standard library can be imported; otherwise rule, why, advice."""
    root = module.split(".")[0]
    if module in present() or root in ("antigravity", "this"):
        return None
    removed = set(table()["removed"]) | _EARLIER | {"lib2to3"}
    if root in removed:
        return ("stdlib-removed", f"'{root}' is no longer in the standard library of Python "
                f"{table()['python']}", _INSTEAD.get(root, "take another module for it"))
    if root in table()["stdlib"] and root in present():
        if module in table()["absent"]:
            reason = table()["absent"][module].split(": ", 1)[-1]
            return ("stdlib-absent", f"'{module}' cannot be imported in Pyodide: {reason}", _GUARD)
        return ("stdlib-absent", f"the standard library has no module '{module}'",
                "correct the name")
    why = _WHY.get(root, "Pyodide is built without it")
    return ("stdlib-absent", f"'{root}' is not in Pyodide: {why}", _ADVICE.get(root, _GUARD))


def lacking(module: str, names: Tuple[str, ...]) -> List[Tuple[str, str, str]]:
    """What is missing of `from module import names`: rule, why and advice of each."""
    problem = verdict(module)
    if problem:
        return [problem]
    found = []
    for name in names:
        if name in missing_names(module):
            found.append(("stdlib-name", f"'{module}' has no '{name}' in Pyodide (Python "
                          f"{table()['python']})", instead(module, name)))
        below = f"{module}.{name}"
        problem = verdict(below) if below in table()["absent"] else None
        if problem:
            found.append(problem)
    return found
