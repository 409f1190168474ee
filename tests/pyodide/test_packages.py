"""The wheel, and the packages under CPython: with numpy, and an engine that gives back what it gets."""
import array
import base64
import hashlib
import json
import subprocess
import sys
import types
import zipfile

import ashore
import numpy
import pytest
from ashore._dtypes import TYPES


# ---- an engine that gives back what it gets ---------------------------------------------------------

BESIDE = 1 << 31  # the place of what does not go through the mailbox


class Echo:
    """What pyodide_session.js is: the identity over inputs named as its outputs."""

    def __init__(self, inputs):
        self.infos = inputs
        self.results = {}
        self.given = None

    def describe(self):
        return json.dumps({"inputs": self.infos, "outputs": self.infos, "metadata": {
            "custom_metadata_map": {"names": "a,b"}}})

    def run(self, text, *buffers):
        self.given = json.loads(text)
        found = []

        def number(layout):
            if isinstance(layout, list):
                return [number(each) for each in layout]
            if layout and "k" in layout:
                return {side: {kind: number(items) if kind == "value" else items
                               for kind, items in layout[side].items()} for side in "kv"}
            if layout and layout.get("b", -1) >= 0:
                found.append(bytes(memoryview(buffers[layout["b"]]).cast("B")))
                return {**layout, "b": len(found) - 1}
            return layout
        outputs = [[name, number(self.given["feeds"][name])] for name in self.given["outputs"]]
        self.results[1] = found
        return json.dumps({"id": 1, "outputs": outputs, "bytes": [len(each) for each in found]})

    def take(self, number, *buffers):
        for buffer, data in zip(buffers, self.results.pop(number)):
            memoryview(buffer).cast("B")[:] = data

    def useMail(self, memory):
        self.mail = memoryview(memory)

    def runMail(self, *buffers):
        """As bindings/js/pyodide_mail.js: what is small goes through the memory, the rest beside."""
        words = self.mail.cast("I")
        count, wanted = words[:2]
        outputs = words[2:2 + wanted].tolist()
        at = 2 + wanted
        given = {}
        for _ in range(count):
            index, kind, place, size, rank = words[at:at + 5]
            shape = words[at + 5:at + 5 + rank].tolist()
            at += 5 + rank
            source = memoryview(buffers[place - BESIDE]).cast("B") if place >= BESIDE \
                else self.mail[place:place + size]
            given[index] = kind, shape, bytes(source[:size])
        at, place, beside = 0, 4096, []
        for index in outputs:
            kind, shape, data = given[index]
            small = len(data) <= 16384 and place + len(data) <= len(self.mail)
            answer = [kind, place if small else BESIDE, len(data), len(shape), *shape]
            words[at:at + len(answer)] = array.array("I", answer)
            at += len(answer)
            if small:
                self.mail[place:place + len(data)] = data
                place += -(-len(data) // 8) * 8
            else:
                beside.append(data)
        self.results[1] = beside
        return 1 if beside else 0

    def close(self):
        self.infos = None


def info(name="x", kind="tensor", type="float32", dims=("N", 2)):
    text = f"{type}[{'...' if dims is None else ','.join(map(str, dims))}]"
    return {"name": name, "kind": kind, "type": type, "dims": None if dims is None else list(dims),
            "text": text if kind == "tensor" else f"{kind}({'int64,' * (kind == 'map')}{text})"}


@pytest.fixture
def echo(monkeypatch):
    """Makes a session of onnxruntime's face over Echo."""
    ffi = types.ModuleType("pyodide.ffi")
    ffi.JsException = type("JsException", (Exception,), {})
    monkeypatch.setitem(sys.modules, "pyodide", types.ModuleType("pyodide"))
    monkeypatch.setitem(sys.modules, "pyodide.ffi", ffi)

    def make(*inputs):
        module = types.ModuleType("_ashore")
        module.open = lambda source, options: Echo(list(inputs))
        monkeypatch.setitem(sys.modules, "_ashore", module)
        from ashore._ort import InferenceSession
        return InferenceSession(b"model")
    return make


@pytest.mark.parametrize("name", [name for name in TYPES if name != "string"])
def test_numpy_in_and_out(echo, name):
    kind = TYPES[name]
    session = echo(info(type=name))
    bits = numpy.arange(8, dtype="uint8").reshape(4, 2) % 2
    given = bits.astype(kind.str)
    (found,) = session.run(None, {"x": given})
    assert type(found) is numpy.ndarray and found.dtype == given.dtype
    assert numpy.array_equal(found, given)
    for other in (given[::-1, ::-1], numpy.asfortranarray(given), given.T.copy().T, given[:0]):
        (found,) = session.run(None, {"x": other})
        assert found.shape == other.shape and numpy.array_equal(found, other)


@pytest.mark.parametrize("sizes", [(4096, 4097), (4097, 8), (2 ** 17,), (4096,) * 6, (0, 9000, 0)])
def test_sizes_that_do_and_do_not_fit(echo, sizes):
    names = [f"x{i}" for i in range(len(sizes))]
    session = echo(*(info(name, dims=["N"]) for name in names))
    given = {name: numpy.arange(size, dtype="f") + i for i, (name, size) in enumerate(
        zip(names, sizes))}
    for _ in range(2):
        found = session.run(names[::-1], given)
        for name, each in zip(names[::-1], found):
            assert each.dtype == "f" and numpy.array_equal(each, given[name])
    found[0][:] = 7  # results are the program's own
    assert numpy.array_equal(session.run(names[-1:], given)[0], given[names[-1]])


def test_many_inputs_go_another_way(echo):
    names = [f"x{i}" for i in range(300)]
    session = echo(*(info(name, dims=[1]) for name in names))
    found = session.run(None, {name: numpy.full(1, i, "f") for i, name in enumerate(names)})
    assert [each.item() for each in found] == list(range(300))


def test_texts_of_numpy(echo):
    session = echo(info(type="string"))
    for given in (numpy.array([["a", "ü"]]), numpy.array([["a", "ü"]], dtype=object), [["a", "ü"]],
                  ashore.Array([["a", "ü"]])):
        (found,) = session.run(None, {"x": given})
        assert found.dtype == object and found.tolist() == [["a", "ü"]]


def test_lists_and_scalars_take_the_declared_type(echo):
    session = echo(info(type="int64", dims=()))
    (found,) = session.run(None, {"x": 3})
    assert found.dtype == "int64" and found.shape == () and found == 3
    (found,) = session.run(None, {"x": numpy.int64(4)})
    assert found == 4
    session = echo(info(type="float16", dims=None))
    assert session.run(None, {"x": [[1.5], [2]]})[0].dtype == "float16"


def test_sequences_and_optionals(echo):
    session = echo(info("x", "sequence", dims=None), info("o", "optional"))
    first, none = session.run(None, {"x": [numpy.ones((2, 1), "f"), [3.0]], "o": None})
    assert [each.tolist() for each in first] == [[[1], [1]], [3]] and none is None
    assert [each.type for each in session.get_inputs()] == ["seq(tensor(float))",
                                                            "optional(tensor(float))"]


def test_maps(echo):
    session = echo(info("x", "map", dims=None), info("s", "sequence", dims=None))
    rows = [{"a": 0.1, "b": float("inf")}, {"a": -1e300, "b": 2.0}]
    found = session.run(None, {"x": {2 ** 62 + 1: 5, numpy.int64(-3): numpy.int32(7)}, "s": rows})
    assert found == [{2 ** 62 + 1: 5, -3: 7}, rows]
    (nan,) = session.run(["x"], {"x": {1: float("nan")}, "s": []})[0].values()
    assert nan != nan
    (inner,) = session.run(["x"], {"x": {"k": [1.0, 2.0]}, "s": []})[0].values()
    assert inner.tolist() == [1, 2]
    assert [each.type for each in session.get_inputs()] == ["map(int64,tensor(float))",
                                                            "seq(tensor(float))"]


def test_types_are_written_as_onnxruntime_does():
    from ashore._ort._values import type_name
    for text, expected in [
            ("float32[N,3]", "tensor(float)"), ("float64[...]", "tensor(double)"),
            ("?[]", "tensor(undefined)"),
            ("sequence(map(string,float32[...]))", "seq(map(string,tensor(float)))"),
            ("optional(sequence(int64[N]))", "optional(seq(tensor(int64)))"),
            ("map(int64,string[])", "map(int64,tensor(string))")]:
        assert type_name(text) == expected


def test_what_is_wrong_is_said_as_onnxruntime_does(echo):
    from ashore._ort.capi.onnxruntime_pybind11_state import InvalidArgument
    session = echo(info(), info("z", type="int64", dims=[3]))
    good = {"x": numpy.zeros((1, 2), "f"), "z": numpy.zeros(3, "int64")}
    cases = [
        ({"x": good["x"]}, ValueError, r"Required inputs \(\['z'\]\) are missing from input feed"),
        ({**good, "w": 1}, InvalidArgument, "Invalid input name: w"),
        ({**good, "x": numpy.zeros((1, 2))}, InvalidArgument,
         r"Actual: \(tensor\(double\)\) , expected: \(tensor\(float\)\)"),
        ({**good, "x": numpy.zeros(2, "f")}, InvalidArgument, "Invalid rank for input: x Got: 1 "),
        ({**good, "z": numpy.zeros(4, "int64")}, InvalidArgument, "index: 0 Got: 4 Expected: 3"),
        ({**good, "x": {"a": 1}}, InvalidArgument, "a tensor is wanted, not dict"),
        ({**good, "x": "text"}, InvalidArgument, "x"),
        ({**good, "x": object()}, InvalidArgument, "x"),
    ]
    for feed, kind, words in cases:
        with pytest.raises(kind, match=words):
            session.run(None, feed)
    with pytest.raises(InvalidArgument, match="Invalid output name:q"):
        session.run(["q"], good)
    assert len(session.run([], good)) == 2


def test_options(echo):
    from ashore import _ort as ort
    session = echo(info())
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    assert options._for_engine() == {"optimize": False, "threads": 2}
    with pytest.raises(AttributeError, match="no attribute 'intra_op_threads'"):
        options.intra_op_threads = 3
    with pytest.warns(UserWarning, match="runs on the CPU"):
        ort.InferenceSession(b"model", providers=["CUDAExecutionProvider", "CPUExecutionProvider"])
    with pytest.warns(UserWarning, match="no effect"):
        options.add_free_dimension_override_by_name("N", 1)
    with pytest.raises(TypeError, match="Unable to load from type"):
        ort.InferenceSession(3)
    stop = ort.RunOptions()
    stop.terminate = True
    with pytest.raises(Exception, match="terminate flag"):
        session.run(None, {"x": numpy.zeros((1, 2), "f")}, stop)
    assert session.get_modelmeta().custom_metadata_map == {"names": "a,b"}
    assert session.get_modelmeta().version == 2 ** 63 - 1


def test_values_that_stay(echo):
    from ashore import _ort as ort
    session = echo(info())
    value = ort.OrtValue.ortvalue_from_numpy(numpy.ones((1, 2), "f"))
    assert (value.shape(), value.data_type(), value.element_type(), value.device_name()) == (
        [1, 2], "tensor(float)", 1, "cpu")
    assert session.run_with_ort_values(None, {"x": value})[0].numpy().tolist() == [[1, 1]]
    binding = session.io_binding()
    binding.bind_cpu_input("x", numpy.full((1, 2), 2, "f"))
    target = ort.OrtValue.ortvalue_from_shape_and_type((1, 2), numpy.float32)
    binding.bind_ortvalue_output("x", target)
    session.run_with_iobinding(binding)
    assert target.numpy().tolist() == [[2, 2]]
    with pytest.raises(RuntimeError, match="no device 'cuda'"):
        ort.OrtValue.ortvalue_from_numpy(numpy.ones(1), "cuda", 0)


# ---- the API beside onnxruntime's own ----------------------------------------------------------------

def test_names_are_onnxruntimes():
    import onnxruntime as real
    from ashore import _ort as ours
    assert ours.__version__.split(".")[0] == real.__version__.split(".")[0]
    for name in ours.__all__:
        assert hasattr(real, name), name
    for kind in ("SessionOptions", "RunOptions"):
        for name in getattr(ours, kind)._defaults:
            assert hasattr(getattr(real, kind), name), f"{kind}.{name}"
    for kind in ("InferenceSession", "OrtValue", "ModelMetadata", "NodeArg"):
        for name in vars(getattr(ours, kind)):
            assert name.startswith("_") or name == "report" or hasattr(getattr(real, kind), name), \
                f"{kind}.{name}"


# ---- the wheel --------------------------------------------------------------------------------------

def build(packages, out):
    out.mkdir()
    subprocess.run([sys.executable, packages / "build_wheel.py", out, "1.2.3"], check=True,
                   capture_output=True)
    return out / "ashore-1.2.3-py3-none-any.whl"


def test_the_wheel_is_the_same_each_time(packages, tmp_path):
    first, second = build(packages, tmp_path / "a"), build(packages, tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        names = archive.namelist()
        record = archive.read("ashore-1.2.3.dist-info/RECORD").decode().splitlines()
        assert sorted(line.split(",")[0] for line in record) == sorted(names)
        for line in record[:-1]:
            name, digest, size = line.split(",")
            data = archive.read(name)
            assert len(data) == int(size)
            assert digest == "sha256=" + base64.urlsafe_b64encode(
                hashlib.sha256(data).digest()).decode().rstrip("=")
        assert b'__version__ = "1.2.3"' in archive.read("ashore/_version.py")
    assert not [name for name in names if "pycache" in name or name.startswith("onnxruntime/")]


def python(code, *paths):
    script = f"import sys; sys.path[1:1] = {list(paths)!r}\n{code}"
    return subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, cwd="/")


def test_onnxruntime_elsewhere_is_refused_or_the_real_one(packages, tmp_path):
    alone = python("import onnxruntime", str(build(packages, tmp_path / "wheel")))
    assert alone.returncode and "runs under Pyodide alone" in alone.stderr
    assert "pip install onnxruntime" in alone.stderr
    real = tmp_path / "site"
    (real / "onnxruntime").mkdir(parents=True)
    (real / "onnxruntime" / "__init__.py").write_text("from .part import real\n")
    (real / "onnxruntime" / "part.py").write_text("real = True\n")
    code = "import onnxruntime, onnxruntime.part; print(onnxruntime.real, onnxruntime.__path__)"
    for paths in ([str(packages), str(real)], [str(real), str(packages)]):
        found = python(code, *paths)
        assert found.stdout.startswith("True"), found.stderr
    (real / "onnxruntime.py").write_bytes((packages / "onnxruntime.py").read_bytes())
    assert python(code, str(real)).stdout.startswith("True"), "beside it, too"


def test_ashore_without_an_engine_says_so(packages):
    found = python("import ashore; ashore.open(b'model')", str(packages))
    assert "ImportError: ashore has no engine" in found.stderr and "linux" in found.stderr
