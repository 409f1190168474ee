"""What onnxruntime and py-spy write today is understood, and exports are what their formats ask for.

onnxruntime is the one of the tests' environment.  py-spy is used where it is installed; the files in
tests/assess/traces stand for it elsewhere."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
IMPORT = os.environ.get("ASHORE_IMPORT_JSON", os.path.join(ROOT, "build", "tests", "assess", "import_json"))


def run_import(*paths):
    done = subprocess.run([IMPORT, *map(str, paths)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def profile_onnxruntime(folder, runs):
    """A profile of a matrix product, which dominates, and a softmax; the path."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    n = 256
    weights = numpy_helper.from_array(np.ones((n, n), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["a"], name="product"),
         helper.make_node("Softmax", ["a"], ["y"], name="soft")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [n, n])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [n, n])],
        [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.intra_op_num_threads = 1
    options.profile_file_prefix = str(folder / "ort")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                           providers=["CPUExecutionProvider"])
    for _ in range(runs):
        session.run(None, {"x": np.ones((n, n), np.float32)})
    return session.end_profiling()


def test_onnxruntime(tmp_path):
    path = profile_onnxruntime(tmp_path, 20)
    got = run_import(path)
    with open(path, encoding="utf-8") as f:
        events = json.load(f)
    runs = [e for e in events if e["name"] == "model_run"]
    assert len(runs) == 20
    begin = min(e["ts"] for e in runs)
    wall = (max(e["ts"] + e["dur"] for e in runs) - begin) * 1e-6
    inside = sum(e["dur"] for e in runs) * 1e-6
    product = sum(e["dur"] for e in events if e["name"] == "product_kernel_time") * 1e-6
    assert got["source"] == "onnxruntime"
    assert got["seconds"] == pytest.approx(wall, abs=1e-9)
    assert got["shares"]["compute"] == pytest.approx(inside / wall, abs=1e-6)
    assert got["shares"]["unknown"] == pytest.approx(1 - inside / wall, abs=1e-6)
    functions = {f["name"]: f for f in got["functions"]}
    assert functions["MatMul"]["place"] == "CPUExecutionProvider"
    assert functions["MatMul"]["total"] == pytest.approx(product, abs=1e-9)
    assert any("between runs" in note for note in got["notes"])


def check_speedscope(path):
    """What the format's types demand, and what viewers rely on."""
    with open(path, encoding="utf-8") as f:
        file = json.load(f)
    assert file["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    frames = file["shared"]["frames"]
    for frame in frames:
        assert isinstance(frame["name"], str)
        assert set(frame) <= {"name", "file", "line", "col"}
    assert file["profiles"]
    assert 0 <= file["activeProfileIndex"] < len(file["profiles"])
    for profile in file["profiles"]:
        assert profile["type"] == "sampled"
        assert profile["unit"] == "seconds"
        assert isinstance(profile["name"], str)
        assert len(profile["samples"]) == len(profile["weights"])
        assert all(0 <= i < len(frames) for sample in profile["samples"] for i in sample)
        assert profile["endValue"] - profile["startValue"] == pytest.approx(
            sum(profile["weights"]), rel=1e-6)


@pytest.mark.parametrize("name", sorted(os.listdir(os.path.join(HERE, "traces"))))
def test_exports(tmp_path, name):
    speedscope, perfetto = tmp_path / "a.json", tmp_path / "a.pftrace"
    first = run_import(os.path.join(HERE, "traces", name), speedscope, perfetto)
    check_speedscope(speedscope)
    again = run_import(speedscope)
    assert again["shares"] == pytest.approx(first["shares"], abs=1e-9)
    assert perfetto.stat().st_size > 100
    assert sorted(os.listdir(tmp_path)) == ["a.json", "a.pftrace"]


PROGRAM = """
import time
def burn(until):
    while time.perf_counter() < until:
        for i in range(1000): i * i
def nap():
    time.sleep(0.6)
begin = time.perf_counter()
burn(begin + 0.6)
nap()
burn(begin + 1.8)
"""


def test_pyspy(tmp_path):
    places = [os.path.dirname(sys.executable), os.environ.get("PATH", "")]
    pyspy = shutil.which("py-spy", path=os.pathsep.join(places))
    if not pyspy:
        pytest.skip("py-spy is not installed: tests/assess/traces has files in its format")
    path, program = tmp_path / "p.json", tmp_path / "p.py"
    program.write_text(PROGRAM, encoding="utf-8")
    for attempt in range(3):  # where other programs keep all processors busy, its ticks come late
        try:
            return check_pyspy(pyspy, path, program)
        except AssertionError as e:
            if attempt == 2:
                raise
            print("again, since other programs may have been in the way:", e)


def check_pyspy(pyspy, path, program):
    done = subprocess.run([pyspy, "record", "--native", "--idle", "-r", "100", "-f", "speedscope", "-o",
                           str(path), "--", sys.executable, str(program)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=180)
    if not path.exists():
        pytest.skip(f"py-spy may not record here: {done.stdout.strip()[-200:]}")
    got = run_import(path)
    functions = {f["name"]: f for f in got["functions"]}
    assert got["source"] == "py-spy"
    burn = functions["burn"]
    assert burn["python"] and burn["place"] == "p.py"
    # Two thirds of the program burns and one third sleeps; start-up and a busy machine take a share.
    assert burn["self"]["interpreter"] > 0.8 * burn["total"]
    assert functions["nap"]["self"]["io"] > 0.9 * functions["nap"]["total"]
    assert 0.15 < functions["nap"]["total"] / got["seconds"] < 0.45
