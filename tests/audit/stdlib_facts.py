"""What the standard library of Pyodide has, asked of Pyodide itself.

    stdlib_facts.py --write NODE [PYTHON...]    writes tools/ashore_tools/audit/stdlib.json

PYTHON are interpreters of CPython on Linux, 3.6 and newer; one of 3.10 or newer runs this.  Names of
their modules that Pyodide lacks are in the table, and modules that its Python no longer has."""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TABLE = os.path.join(ROOT, "tools", "ashore_tools", "audit", "stdlib.json")

# Modules that do something when they are imported, or that are no interface.
SKIPPED = ("antigravity", "this", "idlelib", "__phello__", "turtledemo", "lib2to3")

NATIVE = """
import importlib, json, sys, types, warnings
warnings.simplefilter("ignore")
found = {}
def own(where, name):
    return where in (name, "posix", "_" + name, "builtins", None, "collections.abc",
                     "_collections_abc") or str(where).startswith(name + ".")
for name in sorted(getattr(sys, "stdlib_module_names", None) or %r):
    if name.startswith("_") or name in %r:
        continue
    try:
        module = importlib.import_module(name)
    except BaseException:
        found[name] = []
        continue
    found[name] = sorted(
        a for a in dir(module) if not a.startswith("_")
        and not isinstance(getattr(module, a, None), types.ModuleType)
        and own(getattr(getattr(module, a, None), "__module__", name), name))
print(json.dumps(found))
"""


# Names that modules made when they were asked for, or that older interpreters had.
EARLIER = {
    "asyncio": ["async", "coroutine"], "base64": ["decodestring", "encodestring"],
    "itertools": ["ifilter", "imap", "izip"], "os": ["errno", "getcwdu", "popen2"],
    "platform": ["dist", "linux_distribution", "popen"],
    "string": ["join", "letters", "lowercase", "maketrans", "uppercase"],
    "sys": ["maxint", "setdefaultencoding"], "time": ["clock"], "types": ["StringType"],
    "unittest": ["findTestCases", "getTestCaseNames", "makeSuite"],
}


def native(python):
    """Module -> public names of it, in that interpreter."""
    script = NATIVE % (sorted(sys.stdlib_module_names | {"asynchat", "asyncore", "binhex",
                       "distutils", "formatter", "imp", "parser", "smtpd", "symbol"}), SKIPPED)
    done = subprocess.run([python, "-W", "ignore", "-c", script], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          stdin=subprocess.DEVNULL, timeout=120)
    return json.loads(done.stdout)


def ask(node, names):
    """What Pyodide says: versions, modules, and which of the names its modules lack."""
    script = os.path.join(HERE, "ask_pyodide.mjs")
    done = subprocess.run([node, script], check=True, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=300,
                          input=json.dumps({"names": names, "skipped": SKIPPED}))
    return json.loads(done.stdout)


def table(node, pythons):
    names, before = {module: set(found) for module, found in EARLIER.items()}, set()
    for python in pythons:
        for module, found in native(python).items():
            before.add(module)
            names.setdefault(module, set()).update(found)
    asked = ask(node, {module: sorted(found) for module, found in names.items()})
    asked["removed"] = sorted(before - set(asked["stdlib"]))
    return asked


def main():
    if len(sys.argv) < 4 or sys.argv[1] != "--write":
        sys.exit(__doc__)
    text = json.dumps(table(sys.argv[2], sys.argv[3:]), indent=1, sort_keys=True)
    with open(TABLE, "w", encoding="utf-8") as f:
        f.write(text + "\n")


if __name__ == "__main__":
    main()
