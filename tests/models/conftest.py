"""Engines to compare: onnxruntime as the oracle, the C library, and WebAssembly under Node."""

import json
import os
import subprocess

import numpy as np
import onnxruntime
import pytest
from ashore_ctypes import build_library

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("ASHORE_BUILD", os.path.join(ROOT, "build"))
PACKAGES = os.path.join(ROOT, "build", "npm", "node_modules")
OCR = os.path.join(PACKAGES, "@gutenye", "ocr-models", "assets")
VARIANTS = [("scalar", 1), ("simd128", 1), ("relaxed", 1), ("relaxed", 2)]


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    return build_library(BUILD, str(tmp_path_factory.mktemp("library") / "libashore.so"))


@pytest.fixture(scope="session")
def oracle():
    """A session of onnxruntime that computes in float32 on one thread."""
    def make(path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return make


@pytest.fixture
def wasm(tmp_path):
    """Runs a model `runs` times in WebAssembly: (outputs with a leading axis of runs, report)."""
    def run(model, feeds, variant, threads, runs=1, stepped=(), feedback=None):
        job = {"model": model, "out": str(tmp_path), "variant": variant, "threads": threads,
               "runs": runs, "feedback": feedback or {}, "feeds": {}}
        for i, (name, array) in enumerate(feeds.items()):
            file = tmp_path / f"in_{i}.bin"
            file.write_bytes(np.ascontiguousarray(array).tobytes())
            dims = array.shape[1:] if name in stepped else array.shape
            job["feeds"][name] = {"type": array.dtype.name, "dims": dims, "file": str(file),
                                  "stepped": name in stepped}
        (tmp_path / "job.json").write_text(json.dumps(job))
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run_model.mjs")
        done = subprocess.run([os.path.join(ROOT, "build", "node"), script,
                               os.path.join(BUILD, "js"), str(tmp_path / "job.json")],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=300)
        assert done.returncode == 0, done.stdout
        report = json.loads((tmp_path / "report.json").read_text())
        outputs = {name: np.frombuffer((tmp_path / f"out_{i}.bin").read_bytes(),
                                       report["types"][name]).reshape((runs, *shape))
                   for i, (name, shape) in enumerate(report["shapes"].items())}
        return outputs, report
    return run
