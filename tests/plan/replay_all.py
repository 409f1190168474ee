"""Runs programs under CPython, repeats calls of their pages, and prints the answers: standard input has
[{ path, calls }], as tests/pyodide/gradio/replay.py takes one."""

import asyncio
import contextlib
import io
import json
import os
import runpy
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pyodide", "gradio"))
import replay  # noqa: E402


def answer(job):
    from gradio import _host
    os.chdir(os.path.dirname(job["path"]))
    _host.reset()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            runpy.run_path(job["path"], run_name="__main__")
        except Exception as error:
            return {"answers": [], "printed": "", "failed": repr(error)}
        found = asyncio.run(replay.repeat(job["calls"]))
    return {"answers": found, "printed": printed.getvalue()}


print(json.dumps([answer(job) for job in json.load(sys.stdin)]))
