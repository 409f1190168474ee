"""The static check: what it finds, that it runs nothing, that its lists are complete."""

import ast
import os

import pytest
from conftest import ROOT

from gradio._check import check

PROGRAM = '''\
import gradio as gr
from gradio import Video, Textbox as T
import gradio.components

raise SystemExit("never run")

def fn(x):
    return x

with gr.Blocks(js="alert(1)") as demo:
    a = gr.Textbox(label="a", colour="red")
    b = T(value=1, every=2, size=3)
    gr.Image(sources=["webcam"])
    gr.Image(streaming=False)
    gr.LinePlot()
    gr.Nonesuch
    a.key_up(fn, a, b)
    a.change(fn, a, b, js="x")
    a.change(fn, a, b, api_name="c", queue=True)
    gr.on([a.change], fn, a, b, batch=True)
    gr.Slider(0, 1, 0.5, 0.1, "too many")
    gr.Button(**{"anything": 1})
gr.Interface(fn, ["text", "video"], "text")
from gradio.external import load_blocks
'''


def test_findings():
    found = check(ast.parse(PROGRAM), "app.py")
    assert [(line, message) for line, message, _ in found] == [
        (2, "gr.Video is not supported"),
        (10, "gr.Blocks: js is not supported"),
        (11, "gr.Textbox has no parameter colour"),
        (12, "gr.Textbox has no parameter size"),
        (13, "gr.Image: sources='webcam' is not supported"),
        (15, "gr.LinePlot is not supported"),
        (16, "gradio has no Nonesuch here"),
        (17, "gr.Textbox has no event key_up"),
        (18, "the listener of a.change: js is not supported"),
        (20, "gr.on: batch is not supported"),
        (21, "gr.Slider takes at most 4 arguments by position"),
        (23, "gr.Video is not supported"),
        (24, "the module gradio.external is not there"),
    ]
    assert all(advice for _, _, advice in found)


def test_programs_without_gradio():
    assert check(ast.parse("class gr:\n    Video = 1\ngr.Video\n")) == []


@pytest.mark.parametrize("name", sorted(os.listdir(os.path.join(ROOT, "examples", "gradio"))))
def test_examples_are_clean(name):
    with open(os.path.join(ROOT, "examples", "gradio", name), encoding="utf-8") as file:
        assert check(ast.parse(file.read()), name) == []


def test_lists_are_literals_and_complete():
    path = os.path.join(ROOT, "bindings", "python", "gradio", "_supported.py")
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    found = {node.targets[0].id: ast.literal_eval(node.value) for node in tree.body
             if isinstance(node, ast.Assign)}
    import gradio
    named = {*found["COMPONENTS"], *found["LAYOUTS"], *found["CLASSES"], *found["FUNCTIONS"]}
    for name in named:
        assert hasattr(gradio, name), name
    assert set(gradio.__all__) - named <= {"Json", "Unsupported"}
    assert not named & set(found["UNSUPPORTED"])
    for tables in (found["COMPONENTS"], found["LAYOUTS"], found["CLASSES"]):
        for name, table in tables.items():
            assert set(table) == {"positional", "parameters", "accepted", "refused", "events"}, name
            assert not set(table["parameters"]) & {*table["accepted"], *table["refused"]}, name
            assert set(table["positional"]) <= {*table["parameters"], *table["accepted"]}, name


def test_figures_that_are_not_shown():
    text = "import gradio as gr\nimport plotly.express as px\nfrom altair import Chart\n"
    assert check(ast.parse(text + "gr.Image()\n")) == []
    assert [(line, message) for line, message, _ in check(ast.parse(text + "gr.Plot()\n"))] == [
        (2, "gr.Plot shows figures of matplotlib, not of plotly.express"),
        (3, "gr.Plot shows figures of matplotlib, not of altair")]
