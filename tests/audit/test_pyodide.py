"""What the audit says of Pyodide, asked of Pyodide itself."""

import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT

import stdlib_facts

from ashore_tools import pep508
from ashore_tools.audit import calls, stdlib

NODE = os.path.join(ROOT, "build", "node")


@pytest.fixture(scope="module")
def pyodide():
    """The table of this interpreter's names and Pyodide's modules, made anew."""
    return stdlib_facts.table(NODE, [sys.executable])


def test_the_table_of_modules_is_pyodides(pyodide):
    kept = stdlib.table()
    for field in ("pyodide", "python", "stdlib", "present", "absent", "markers"):
        assert kept[field] == pyodide[field], f"{field}: run tests/audit/stdlib_facts.py --write"


def test_names_that_pyodide_lacks_are_in_the_table(pyodide):
    kept = stdlib.table()["missing"]
    for module, names in pyodide["missing"].items():
        assert set(names) <= set(kept.get(module, ())), module
    assert set(pyodide["removed"]) <= set(stdlib.known())


def test_names_of_the_table_are_missing():
    asked = stdlib_facts.ask(NODE, stdlib.table()["missing"])
    assert asked["missing"] == stdlib.table()["missing"]


def test_markers(pyodide):
    ours = pep508.environment(pyodide["python"])
    ours.pop("extra")
    assert ours == pyodide["markers"]


# name of the table in calls.py -> code that calls it.
FAILS = {
    "threading.Thread().start": "import threading; threading.Thread(target=print).start()",
    "threading.Timer().start": "import threading; threading.Timer(1, print).start()",
    "_thread.start_new_thread": "import _thread; _thread.start_new_thread(print, ())",
    "concurrent.futures.ThreadPoolExecutor().submit":
        "import concurrent.futures as c; c.ThreadPoolExecutor(1).submit(print)",
    "concurrent.futures.ThreadPoolExecutor().map":
        "import concurrent.futures as c; list(c.ThreadPoolExecutor(1).map(abs, [1]))",
    "concurrent.futures.ProcessPoolExecutor":
        "import concurrent.futures as c; c.ProcessPoolExecutor(1)",
    "multiprocessing.pool.ThreadPool": "from multiprocessing.pool import ThreadPool; ThreadPool(1)",
    "multiprocessing.Process().start":
        "import multiprocessing as m; m.Process(target=print).start()",
    "multiprocessing.Pool": "import multiprocessing as m; m.Pool(1)",
    "multiprocessing.Queue": "import multiprocessing as m; m.Queue()",
    "multiprocessing.Lock": "import multiprocessing as m; m.Lock()",
    "multiprocessing.Value": "import multiprocessing as m; m.Value('i', 0)",
    "multiprocessing.Manager": "import multiprocessing as m; m.Manager()",
    "subprocess.run": "import subprocess; subprocess.run(['ls'])",
    "subprocess.Popen": "import subprocess; subprocess.Popen(['ls'])",
    "subprocess.check_output": "import subprocess; subprocess.check_output(['ls'])",
    "os.fork": "import os; os.fork()",
    "os.popen": "import os; os.popen('ls')",
    "os.execv": "import os; os.execv('/bin/ls', ['ls'])",
    "os.waitpid": "import os; os.waitpid(-1, 0)",
    "pty.spawn": "import pty; pty.spawn('ls')",
    "socket.socketpair": "import socket; socket.socketpair()",
    "urllib.request.urlopen": "import urllib.request; urllib.request.urlopen('https://127.0.0.1/')",
    "ssl.get_server_certificate": "import ssl; ssl.get_server_certificate(('127.0.0.1', 1))",
    "faulthandler.dump_traceback_later": "import faulthandler; "
                                         "faulthandler.dump_traceback_later(1)",
    "logging.handlers.QueueListener().start":
        "import logging.handlers as h; h.QueueListener(None).start()",
    "input": "input()",
    "getpass.getpass": "import getpass; getpass.getpass()",
    "termios.tcgetattr": "import termios; termios.tcgetattr(0)",
    "tty.setraw": "import tty; tty.setraw(0)",
    "os.get_terminal_size": "import os; os.get_terminal_size()",
    "fcntl.ioctl": "import fcntl; fcntl.ioctl(0, 0)",
    "webbrowser.open": "import webbrowser; webbrowser.open('x')",
    "ctypes.CDLL": "import ctypes; ctypes.CDLL('libm.so.6')",
    "zoneinfo.ZoneInfo": "import zoneinfo; zoneinfo.ZoneInfo('Europe/Berlin')",
    "asyncio.Runner().run": "import asyncio; asyncio.Runner().run(asyncio.sleep(0))",
    "asyncio.create_subprocess_exec": "await __import__('asyncio').create_subprocess_exec('ls')",
    "asyncio.open_connection": "await __import__('asyncio').open_connection('127.0.0.1', 1)",
    "asyncio.start_server": "await __import__('asyncio').start_server(print, '127.0.0.1', 0)",
    "asyncio.get_event_loop().add_signal_handler":
        "__import__('asyncio').get_event_loop().add_signal_handler(2, print)",
}
WORKS = [
    "import threading; threading.Lock().acquire(); threading.local(); threading.current_thread()",
    "import subprocess, multiprocessing; multiprocessing.cpu_count()",
    "import ctypes; ctypes.CDLL(None); ctypes.c_int(1)",
    "import datetime, zoneinfo; datetime.datetime.now(datetime.timezone.utc)",
    "import tempfile; tempfile.NamedTemporaryFile().write(b'x')",
    "import sqlite3; sqlite3.connect(':memory:').execute('select 1')",
    "import socket; socket.gethostname(); socket.socket()",
    "import fcntl; fcntl.flock(open('/tmp/x', 'w'), fcntl.LOCK_EX)",
    "await __import__('asyncio').to_thread(print)",
    "import urllib.request; urllib.request.Request('http://127.0.0.1/')",
    "import os; os.environ['HOME'], os.environ['PATH'], os.environ['LANG'], os.environ['USER']",
    "import time; time.sleep(0.01)",
    "import webbrowser, pty, tty, pdb, code, select, selectors, ssl, mmap",
]


@pytest.fixture(scope="module")
def outcomes():
    """Code -> '' or the name of the exception that it raised under Pyodide."""
    codes = list(FAILS.values()) + WORKS
    done = subprocess.run([NODE, os.path.join(ROOT, "tests/audit/run_pyodide.mjs")], text=True,
                          input=json.dumps(codes), stdout=subprocess.PIPE, check=True, timeout=300)
    return dict(zip(codes, json.loads(done.stdout)))


@pytest.mark.parametrize("name", FAILS)
def test_what_the_table_calls_failing_fails(outcomes, name):
    call = calls.lookup(name)
    raised = outcomes[FAILS[name]]
    assert call is not None and raised
    if call.raises:
        assert raised in BROADER.get(call.raises, {call.raises}), (name, raised)


# Exceptions that are derived from one of the table's.
BROADER = {"OSError": {"OSError", "URLError", "error", "RuntimeError", "NotImplementedError"},
           "ImportError": {"ImportError", "ModuleNotFoundError"},
           "KeyError": {"KeyError", "ZoneInfoNotFoundError"}}


@pytest.mark.parametrize("code", WORKS)
def test_what_the_table_leaves_alone_works(outcomes, code):
    assert outcomes[code] == ""
