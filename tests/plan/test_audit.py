"""`ashore audit` says whether a program needs Python in the page."""

import json

from ashore_tools.audit import Audit, Options, report_json, report_text
from conftest import write

SOURCE = """import gradio as gr
import numpy as np
import onnxruntime as ort
session = ort.InferenceSession("row.onnx")

def fn(a, b):
    x = np.array([[a, b, 1.0, 2.0]], dtype=np.float32)
    return float(session.run(None, {"X": x})[1].max())

gr.Interface(fn, ["number", "number"], "number").launch()
"""

ARRAYS = """import gradio as gr
import numpy as np

gr.Interface(lambda a, b: float(np.array([a, b]).mean()), ["number", "number"], "number").launch()
"""


def audited(models, folder, source):
    write(folder, {"app.py": source}, models)
    return Audit(Options(str(folder / "app.py"))).run()


def test_a_program_that_needs_no_python(models, tmp_path):
    result = audited(models, tmp_path, SOURCE)
    assert "This program needs none" in report_text.render(result)
    found = json.loads(report_json.render(result))["no_python"]
    assert found["possible"] and found["place"] is None
    # Pyodide alone is more than 12 MB, and the page without it has nothing that the other lacks
    # but its own scripts.
    assert found["saved"] is None or found["saved"]["raw"] > 12_000_000
    weighed = {p["kind"] for p in json.loads(report_json.render(result))["download"]["parts"]}
    assert (found["saved"] is not None) == ("interpreter" in weighed)


def test_a_program_that_needs_python_has_the_line(models, tmp_path):
    result = audited(models, tmp_path, SOURCE.replace(".max())", ".argpartition(1)[0, 0])"))
    assert "app.py:8 needs it: session.run" in report_text.render(result).replace("\n  ", " ")
    found = json.loads(report_json.render(result))["no_python"]
    assert not found["possible"] and found["saved"] is None
    assert found["place"] == "app.py:8" and "argpartition" in found["reason"]


def test_numpy_is_not_missed_where_python_is_not_needed(models, tmp_path):
    text = report_text.render(audited(models, tmp_path, ARRAYS))
    assert text.startswith("app.py does not run in the browser: 1 error.\n")
    assert "Without Python in the page it runs" in text and "This program needs none" in text


def test_other_programs_are_not_judged(models, tmp_path):
    result = audited(models, tmp_path, "print(1)\n")
    assert result.no_python is None
    assert json.loads(report_json.render(result))["no_python"] is None
    assert "--no-python" not in report_text.render(result)
