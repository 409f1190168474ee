"""Programs with the package under CPython, without a page."""

import asyncio
import os
import runpy
import sys
import textwrap

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bindings", "python"))
sys.dont_write_bytecode = True


class Program:
    """A program that ran; calls find functions by the component and the event that call them."""

    def __init__(self, path):
        from gradio import _host
        self.host = _host
        _host.reset()
        self.globals = runpy.run_path(str(path), run_name="__main__")
        self.config = _host.config()

    def __getitem__(self, name):
        return self.globals[name]

    def props(self, block):
        return next(c["props"] for c in self.config["components"] if c["id"] == block._id)

    def fn(self, block, event):
        return next(d["id"] for d in self.config["dependencies"]
                    if [block._id, event] in d["targets"])

    def call(self, block, event, *values, data=None, notify=None):
        """All answers of one call, each a list of changed properties."""
        async def run():
            target = {"target": block._id, **(data or {})}
            return [one async for one in
                    self.host.call(self.fn(block, event), list(values), target, notify)]
        return asyncio.run(run())


@pytest.fixture
def program(tmp_path):
    """program(source): writes it to a file and runs it."""
    def run(source):
        path = tmp_path / "app.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return Program(path)
    return run


@pytest.fixture
def example():
    """example(name): runs a program of examples/gradio."""
    return lambda name: Program(os.path.join(ROOT, "examples", "gradio", name))
