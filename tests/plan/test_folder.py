"""What the folder of a page without Python holds."""

from ashore_tools import page, plan_page
from ashore_tools.program import Program
from conftest import write

PLAIN = """import gradio as gr
gr.Interface(lambda a: a + "!", "text", "text").launch()
"""
MODEL = """import gradio as gr
import numpy as np
import onnxruntime as ort
session = ort.InferenceSession("row.onnx")

def fn(a):
    return float(session.run(None, {"X": np.full((1, 4), a, dtype=np.float32)})[1].max())

gr.Interface(fn, "number", "number").launch()
"""


def modules(models, folder, source):
    """WebAssembly of the folder, and what a first visit downloads of the page."""
    write(folder, {"app.py": source}, models)
    program = Program(str(folder / "app.py"))
    plan = plan_page.plan_of(program, True, "app")
    made = plan_page.gather(program, plan, page.App("app", program.entry, {}, True, [], {}))
    files = plan_page.folder(made)
    return [p for p in files if p.endswith(".wasm")], plan_page.weigh(made, files).raw


def test_a_program_without_a_model_has_no_engine(models, tmp_path):
    (none, without), (found, whole) = (modules(models, tmp_path / name, source)
                                       for name, source in (("a", PLAIN), ("b", MODEL)))
    assert none == [] and "ashore/ashore-relaxed-mt.wasm" in found
    assert whole - without > 300_000  # the module
