"""Each rule with programs in which it must fire, and programs in which it must not."""

import pytest

from conftest import found, rules

from ashore_tools.audit.rules import RULES

# rule, text of app.py, line: the rule fires there, as an error unless a severity follows.
FIRES = [
    ("syntax", "x = 1\ndef f(:\n", 2),
    ("unreadable", b"x = 1\n\0\0", 0),
    ("ignore", "x = 1  # ashore: ignore[no-such-rule]\n", 1, "warning"),
    ("stdlib-absent", "import tkinter\n", 1),
    ("stdlib-absent", "from tkinter import *\n", 1),
    ("stdlib-absent", "def f():\n    import curses\nf()\n", 2),
    ("stdlib-absent", "import importlib\nimportlib.import_module('resource')\n", 2),
    ("stdlib-absent", "import multiprocessing.shared_memory\n", 1),
    ("stdlib-absent", "from multiprocessing import shared_memory\n", 1),
    ("stdlib-absent", "import dbm.gnu\n", 1),
    ("stdlib-absent", "import os.nonsense\n", 1),
    ("stdlib-removed", "import distutils.core\n", 1),
    ("stdlib-removed", "from imp import reload\n", 1),
    ("stdlib-name", "import os\nos.mkfifo('x')\n", 2),
    ("stdlib-name", "from hashlib import pbkdf2_hmac\n", 1),
    ("stdlib-name", "import time as t\nt.tzset()\n", 2),
    ("distribution", "import numpy as np\n", 1),
    ("distribution", "from PIL import Image\n", 1),
    ("distribution", "import sklearn.svm\n", 1),
    ("no-wheel", "import some_package_nobody_knows\n", 1),
    ("native-package", "import torch\n", 1),
    ("native-package", "from transformers import pipeline\n", 1),
    ("threads", "import threading\nthreading.Thread(target=print).start()\n", 2),
    ("threads", "from threading import Thread as T\nt = T(target=print)\nt.start()\n", 3),
    ("threads", "from threading import *\nThread(target=print).start()\n", 2),
    ("threads", "import threading\nclass W(threading.Thread):\n    def run(self): pass\nw = W()\n"
     "w.start()\n", 5),
    ("threads",
    "import threading\nclass A:\n    def __init__(self):\n        self.t = threading.Thread"
     "()\n    def go(self):\n        self.t.start()\nA().go()\n", 6),
    ("threads", "import threading\nclass W(threading.Thread):\n    def __init__(self):\n"
     "        super().__init__()\n        self.start()\nW()\n", 5),
    ("threads", "from threading import Thread\nts = [Thread() for i in range(3)]\nfor t in ts:\n"
     "    t.start()\n", 4),
    ("threads", "from threading import Thread\nts = []\nts.append(Thread())\nfor t in ts:\n"
     "    t.start()\n", 5),
    ("threads",
    "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(2) as p:\n"
     "    p.submit(print)\n", 3),
    ("threads", "from multiprocessing.pool import ThreadPool\nThreadPool(2)\n", 2),
    ("threads", "import threading\nthreading.Event().wait()\n", 2, "warning"),
    ("processes", "import subprocess as sp\nsp.run(['ls'])\n", 2),
    ("processes", "import subprocess\nrun = subprocess.run\nrun(['ls'])\n", 3),
    ("processes", "import os\nos.system('ls')\n", 2),
    ("processes", "import os\nif os.name == 'posix':\n    os.fork()\n", 3),
    ("processes", "import os\nos.kill(1, 9)\n", 2),
    ("processes", "import multiprocessing as mp\nmp.Process(target=print).start()\n", 2),
    ("processes", "from multiprocessing import Pool\nwith Pool(2) as p:\n    p.map(abs, [1])\n", 2),
    ("processes", "import concurrent.futures as c\nc.ProcessPoolExecutor()\n", 2),
    ("processes", "__import__('subprocess').run('ls')\n", 1),
    ("processes", "import importlib\nimportlib.import_module('subprocess').run('ls')\n", 2),
    ("processes", "import subprocess\ngetattr(subprocess, 'run')('ls')\n", 2),
    ("processes", "import subprocess, functools\nf = functools.partial(subprocess.run, "
                  "'ls')\nf()\n", 3),
    ("processes", "import sys, subprocess\nif sys.platform != 'emscripten':\n    pass\nelse:\n"
     "    subprocess.run('ls')\n", 5),
    ("processes", "import subprocess\nf = lambda: subprocess.run('ls')\n", 2),
    ("processes", "import subprocess\nif __name__ == '__main__':\n    subprocess.run('ls')\n", 3),
    ("processes", "import subprocess\ndef f():\n    subprocess.run('ls')\n", 3, "warning"),
    ("processes",
    "import subprocess\ntry:\n    subprocess.run('ls')\nexcept OSError:\n    pass\n", 3,
     "warning"),
    ("processes",
    "import subprocess\ntry:\n    subprocess.run('ls')\nexcept ValueError:\n    pass\n", 3),
    ("processes",
    "import subprocess\ntry:\n    subprocess.run('ls')\nexcept OSError:\n    raise\n", 3),
    ("sockets", "import socket\ns = socket.socket()\ns.connect(('a', 1))\n", 3),
    ("sockets", "import asyncio\nasync def f():\n    await asyncio.open_connection('a', "
                "1)\nf()\n", 3),
    ("sockets", "import socket\nsocket.gethostbyname('a')\n", 2, "warning"),
    ("network", "import urllib.request\nurllib.request.urlopen('http://a')\n", 2),
    ("network", "from urllib.request import urlopen as u\nu('http://a')\n", 2),
    ("network", "import requests\nrequests.get('http://a')\n", 2),
    ("network", "import requests\ns = requests.Session()\ns.get('http://a')\n", 3),
    ("network", "import smtplib\nsmtplib.SMTP('a')\n", 2),
    ("cross-origin", "from pyodide.http import pyfetch\nawait_ = pyfetch('http://a')\n", 2,
    "warning"),
    ("server", "import http.server\nhttp.server.HTTPServer(('', 1), None)\n", 2),
    ("server", "import flask\napp = flask.Flask('a')\napp.run()\n", 3),
    ("signals", "import signal\nsignal.signal(signal.SIGINT, print)\n", 2, "warning"),
    ("signals", "import signal\nsignal.pause()\n", 2),
    ("stdin", "x = input('?')\n", 1),
    ("stdin", "import sys\nsys.stdin.readline()\n", 2, "warning"),
    ("stdin", "breakpoint()\n", 1),
    ("terminal", "import termios\ntermios.tcgetattr(0)\n", 2),
    ("terminal", "import fcntl\nfcntl.flock(1, 2)\n", 2, "note"),
    ("desktop", "import webbrowser\nwebbrowser.open('x')\n", 2),
    ("desktop", "import cv2\ncv2.imshow('a', 1)\n", 2),
    ("native-library", "import ctypes\nctypes.CDLL('libm.so.6')\n", 2),
    ("event-loop", "import asyncio\nasync def m(): pass\nasyncio.run(m())\n", 3, "warning"),
    ("sleep", "import time\ntime.sleep(1)\n", 2, "note"),
    ("exit", "import os\nos._exit(1)\n", 2, "warning"),
    ("time-zones", "import zoneinfo\nzoneinfo.ZoneInfo('Europe/Berlin')\n", 2),
    ("time-zones", "from zoneinfo import ZoneInfo\nZoneInfo('UTC')\n", 2),
    ("install", "import micropip\nmicropip.install('x' + name)\n", 2, "warning"),
    ("install", "import micropip\nmicropip.install(['./none.whl'])\n", 2, "warning"),
    ("gradio", "import gradio as gr\nv = gr.Video()\n", 2),
    ("gradio", "from gradio import Video\n", 1),
    ("gradio", "import gradio\nb = gradio.Button()\nb.click(print,\n        js='x')\n", 4),
    ("gradio", "import gradio as gr\ndef never():\n    gr.Video()\n", 3, "warning"),
    ("device", "m = get()\nm.cuda()\n", 2),
    ("device", "m = get().to('cuda:0')\n", 1),
    ("device", "import torch\nd = torch.device('cuda' if torch.cuda.is_available() else 'cpu')\n",
    2),
    ("device", "m = load(device='cuda')\n", 1),
    ("provider", "import onnxruntime as o\no.InferenceSession(b, "
                 "providers=['CUDAExecutionProvider'])\n",
     2, "warning"),
    ("provider", "p = [('TensorrtExecutionProvider', {}), 'CPUExecutionProvider']\n", 1, "note"),
    ("model-format", "import torch\ntorch.load('m.pt')\n", 2),
    ("model-format", "import pickle\npickle.load(f)\n", 2, "warning"),
    ("file-missing", "open('nothing.txt').read()\n", 1),
    ("file-missing", "from pathlib import Path\n(Path(__file__).parent / 'no.txt').read_text()\n",
    2),
    ("file-missing", "import onnxruntime as ort\nort.InferenceSession('no.onnx')\n", 2),
    ("absolute-path", "open('/etc/hosts').read()\n", 1),
    ("absolute-path", "import os\nopen(os.path.expanduser('~/x.txt'))\n", 2),
    ("file-lost", "open('out.txt', 'w')\n", 1, "warning"),
    ("file-lost", "import pathlib\npathlib.Path('a.txt').write_text('x')\n", 2, "warning"),
    ("environment", "import os\nx = os.environ['MODE']\n", 2),
    ("environment", "import os\nx = os.getenv('MODE')\n", 2, "warning"),
    ("secret-environment", "import os\nk = os.environ['OPENAI_API_KEY']\n", 2),
    ("secret-environment", "import os\nk = os.environ.get('HF_TOKEN', '')\n", 2, "warning"),
    ("secret", "key = 'sk-proj-Ab3dEf6hIj9lMn2pQr5tUv8xYz1'\n", 1),
    ("secret-likely", "api_key = 'q8Zr4Tn1Xw6Vb3Lk9Jm2'\n", 1, "warning"),
    ("optional-import", "try:\n    import tkinter\nexcept ImportError:\n    tkinter = None\n", 2,
    "note"),
    ("dynamic-import", "import importlib\nimportlib.import_module(name)\n", 2, "note"),
    ("requirement", "# /// script\n# dependencies = ['torch >= > 2']\n# ///\n", 2, "warning"),
    ("version", "# /// script\n# dependencies = [\n#   'numpy>=99',\n# ]\n# ///\nimport numpy\n",
    3),
    ("version", "# /// script\n# requires-python = '>=3.15'\n# ///\n", 0),
]

# rule, text of app.py: it does not fire.
SILENT = [
    ("syntax", "match 1:\n    case 1: pass\n"),
    ("unreadable", "# -*- coding: latin-1 -*-\nx = '\xe9'\n".encode("latin-1")),
    ("unreadable", b"\xef\xbb\xbfx = 1\n"),
    ("ignore", "s = '# ashore: ignore[no-such-rule]'\n"),
    ("stdlib-absent", "import os.path, json, sqlite3, lzma, ssl, ctypes, collections.abc\n"),
    ("stdlib-absent", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import tkinter\n"),
    ("stdlib-absent", "import sys\nif sys.platform == 'win32':\n    import winreg\n"),
    ("stdlib-absent", "try:\n    import readline\nexcept ImportError:\n    pass\n"),
    ("stdlib-absent",
    "import contextlib\nwith contextlib.suppress(ImportError):\n    import curses\n"),
    ("stdlib-removed", "import sys\nif sys.version_info < (3, 12):\n    import distutils\n"),
    ("stdlib-name", "import os\nif hasattr(os, 'mkfifo'):\n    os.mkfifo('x')\n"),
    ("stdlib-name", "class os: pass\nos.mkfifo\n"),
    ("distribution", "import onnxruntime, gradio, ashore, js, pyodide\n"),
    ("no-wheel", "import pyodide.ffi\nfrom js import document\n"),
    ("native-package", "try:\n    import torch\nexcept ImportError:\n    torch = None\n"),
    ("threads", "import threading\nt = threading.Thread(target=print)\nlock = threading.Lock()\n"
     "with lock: pass\n"),
    ("threads", "class Thread:\n    def start(self): pass\nThread().start()\n"),
    ("threads",
    "import threading\nclass W(threading.Thread):\n    def start(self): pass\nW().start()\n"),
    ("processes", "import subprocess, "
                  "multiprocessing\nsubprocess.PIPE\nmultiprocessing.cpu_count()\n"),
    ("processes", "import sys, subprocess\nif sys.platform != 'emscripten':\n    "
                  "subprocess.run('ls')\n"),
    ("processes", "import sys, subprocess\nB = sys.platform == 'emscripten'\nif not B:\n"
     "    subprocess.run('ls')\n"),
    ("processes", "import sys, subprocess\ndef f():\n    if 'pyodide' in sys.modules:\n        "
                  "return\n"
     "    subprocess.run('ls')\nf()\n"),
    ("processes", "import sys, subprocess\nx = sys.platform == 'linux' and subprocess.run('ls')\n"),
    ("processes", "import subprocess\nx = None if True else subprocess.run('ls')\n"),
    ("processes", "def run(subprocess):\n    subprocess.run('ls')\nrun(1)\n"),
    ("processes", "import asyncio, subprocess\nsubprocess = asyncio\n"),
    ("sockets", "import socket\nsocket.gethostname()\nsocket.AF_INET\n"),
    ("network", "import urllib.parse\nurllib.parse.quote('a')\n"),
    ("network", "import urllib.request\nurllib.request.Request('http://a')\n"),
    ("network", "class requests:\n    def get(x): pass\nrequests.get(1)\n"),
    ("server", "import http\nhttp.HTTPStatus.OK\n"),
    ("stdin", "def input(x): return x\ninput('?')\n"),
    ("stdin", "import sys\nsys.stdout.write('x')\n"),
    ("native-library", "import ctypes\nctypes.c_int(1)\nctypes.CDLL(None)\n"),
    ("event-loop",
    "import asyncio\nasync def m():\n    await asyncio.sleep(1)\nasyncio.ensure_future(m())"
     "\n"),
    ("sleep", "import asyncio\nasyncio.sleep(1)\n"),
    ("time-zones", "import datetime, zoneinfo\ndatetime.timezone.utc\n"),
    ("gradio", "import gradio as gr\nb = gr.Button()\nb.click(print)\n"),
    ("gradio", "import sys\nimport gradio as gr\nif sys.platform != 'emscripten':\n    gr.Video()\n"),
    ("gradio", "import gradio as gr\ngr.Video()  # ashore: ignore[gradio]\n"),
    ("device", "m = get().to('cpu')\nx = 'cuda'\n"),
    ("provider", "import onnxruntime as o\no.InferenceSession(b, "
                 "providers=['CPUExecutionProvider'])\n"),
    ("provider",
    "import onnxruntime as o\n'CUDAExecutionProvider' in o.get_available_providers()\n"),
    ("model-format", "import pickle\npickle.dumps(1)\n"),
    ("file-missing", "open(name).read()\nopen(__file__)\n"),
    ("file-missing", "open('out.txt', 'w')\nopen('out.txt')\n"),
    ("absolute-path", "open('/dev/null')\nopen('/tmp/x', 'w')\n"),
    ("file-lost", "import tempfile\ntempfile.NamedTemporaryFile()\nopen('/tmp/x', 'w')\n"),
    ("environment", "import os\nos.environ['A'] = '1'\nos.environ['A'], os.environ['HOME']\n"),
    ("environment", "import os\nos.getenv('A', 'x')\nos.environ.get('B', None)\n"),
    ("environment", "import os\nif 'A' in os.environ:\n    os.environ['A']\n"),
    ("environment", "import os\nx = os.getenv('A')\nif x:\n    print(x)\n"),
    ("environment", "import os\nx = os.environ.get('A') or 'b'\ny = bool(os.getenv('B'))\n"),
    ("environment", "import os\nif (x := os.getenv('A')) and os.getenv('B') is not None: pass\n"),
    ("processes", "import os\nos.kill(1, 0)\n"),
    ("secret-environment", "import os\nos.environ.get('MODE', '')\n"),
    ("secret", "key = 'sk-your-key-here-xxxxxxxxxxxxxxxxxxxx'\n"),
    ("secret", "url = 'http://user@host/'\nother = f'postgres://{user}:{password}@host'\n"),
    ("secret-likely", "api_key = 'YOUR_API_KEY_GOES_HERE'\nmax_tokens = 'abc123abc123abc123'\n"),
    ("secret-likely", "password = input()\ntoken = get_token('a8f7e6d5c4b3a2918')\n"),
    ("requirement", "# /// script\n# dependencies = [\n#   'onnxruntime',\n# ]\n# ///\n"),
    ("version", "# /// script\n# dependencies = ['numpy>=2', 'torch>9; sys_platform == "
                "\"linux\"']\n# ///\n"
     "import numpy\n"),
    ("version", "# /// script\n# requires-python = '>=3.9'\n# ///\n"),
]


@pytest.mark.parametrize("case", FIRES, ids=[f"{c[0]}-{i}" for i, c in enumerate(FIRES)])
def test_rule_fires(audit, case):
    rule, text, line, severity = (*case, "error")[:4]
    result = audit({"app.py": text})
    assert (line, rule) in found(result, severity), [
        (f.line, f.rule, f.severity, f.message) for f in result.findings]


@pytest.mark.parametrize("case", SILENT, ids=[f"{c[0]}-{i}" for i, c in enumerate(SILENT)])
def test_rule_is_silent(audit, case):
    rule, text = case
    assert rule not in rules(audit({"app.py": text}))


def test_every_rule_has_a_case():
    elsewhere = {"local-module", "native-module", "wheel", "weights",  # test_program.py
                 "page"}  # test_page.py, tests/gradio/test_lite_page.py
    assert {c[0] for c in FIRES} | elsewhere == set(RULES)
    assert {c[0] for c in SILENT} <= set(RULES)


def test_each_finding_says_why_and_what_instead(audit):
    for case in FIRES:
        for finding in audit({"app.py": case[1]}).findings:
            assert finding.message and finding.advice and finding.file == "app.py"


def test_a_comment_silences_a_rule_on_its_line(audit):
    text = "import os\nos.system('ls')  # ashore: ignore[processes]\nos.system('ls')\n"
    result = audit(text)
    assert (2, "processes") not in found(result) and (3, "processes") in found(result)
    assert result.ignored == 1
    assert rules(audit("import os\nos.system('ls')  # ashore: ignore\n")) == set()
    other = audit("import os\nos.system('ls')  # ashore: ignore[sleep]\n")
    assert (2, "processes") in found(other)
    several = "import os\nos.system(\n    'ls'\n)  # ashore: ignore[processes]\n"
    assert rules(audit(several)) == set()


def test_columns_count_characters(audit):
    result = audit("x = 'äöü'; input('?')\n")
    assert [(f.line, f.column) for f in result.findings if f.rule == "stdin"] == [(1, 12)]
