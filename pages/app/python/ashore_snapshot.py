"""Snapshots of Python: what is imported before one is made, and what has to be new after one was
restored.  Called by snapshot_memory.js."""

import gc
import importlib
import os
import random
import sys
import sysconfig
import time


_added = []  # names of the modules that prepare() has imported


def prepare(names):
    """Imports modules, for the next visits not to.

    names: dotted; one that cannot be imported is left to the program.
    Returns the paths of the standard library and of the packages."""
    before = set(sys.modules)
    for name in names:
        try:
            importlib.import_module(name)
        except Exception:
            continue
    _added.extend(name for name in sys.modules if name not in before)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    gc.collect()
    library = next(path for path in sys.path if path.endswith(".zip"))
    return library, sysconfig.get_path("purelib")


def refresh():
    """Makes anew what modules took from the time and from chance when they were imported."""
    sys.path[:] = dict.fromkeys(sys.path)  # Pyodide puts "" in front at each start
    importlib.invalidate_caches()
    random.seed()
    for name, renew in _RENEWED.items():
        if name in sys.modules:
            renew(sys.modules[name])


def give_way(folder):
    """Forgets the modules that are here by a snapshot alone and that a folder, which is to come first
    on sys.path, has modules of the same name for."""
    own = {name.split(".")[0] for name in os.listdir(folder)}
    for name in _added:
        if name.split(".")[0] in own:
            sys.modules.pop(name, None)


def _tempfile(module):
    module._name_sequence = None
    module.tempdir = None


def _logging(module):
    module._startTime = time.time_ns()


def _processes(module):
    config = module.current_process()._config
    config["authkey"] = module.AuthenticationString(os.urandom(32))


def _uuid(module):
    module._last_timestamp = module._node = None


_RENEWED = {"tempfile": _tempfile, "logging": _logging, "multiprocessing.process": _processes,
            "uuid": _uuid}
