"""Every model of zoo.py against onnxruntime, natively and in WebAssembly, and the two compared."""

import os
import sys

import numpy as np
import onnx
import onnx.numpy_helper
import pytest
import zoo
from conftest import VARIANTS

BY_NAME = {row.name: row for row in zoo.ROWS}
QUICK = [name for name, row in BY_NAME.items() if not row.slow]
SLOW = [name for name, row in BY_NAME.items() if row.slow]
WASM_LIMIT = 2**32  # bytes that a module of 32 bits can address


class Zoo:
    """Files, inputs and onnxruntime's answers, each made once."""

    def __init__(self, oracle, folder):
        self.oracle, self.folder, self.made = oracle, folder, {}

    def __call__(self, name):
        if name not in self.made:
            row = BY_NAME[name]
            path = zoo.join_parts(row, self.folder) if row.parts else row.file
            session = self.oracle(path)
            feeds = row.feeds()
            if None in feeds:
                feeds[session.get_inputs()[0].name] = feeds.pop(None)
            names = [o.name for o in session.get_outputs()]
            expected = dict(zip(names, session.run(names, feeds)))
            bounds = {key: row.bound(want) for key, want in expected.items()}
            if row.chaotic:
                moved = dict(zip(names, session.run(names, row.moved(feeds))))
                bounds = {key: 2 * np.abs(moved[key] - expected[key]).max() for key in names}
            self.made[name] = row, path, feeds, expected, bounds
        return self.made[name]


@pytest.fixture(scope="module")
def model(oracle, tmp_path_factory):
    return Zoo(oracle, str(tmp_path_factory.mktemp("zoo")))


def compare(row, actual, expected, bounds):
    for name, want in expected.items():
        got = actual[name]
        assert got.shape == want.shape and got.dtype == want.dtype, name
        assert np.isfinite(want).all() == np.isfinite(got).all(), name
        off = np.abs(got.astype(np.float64) - want).max()
        print(f"{row.name} {name}: largest difference {off:.3g}, allowed {bounds[name]:.3g}, "
              f"largest magnitude {np.abs(want).max():.3g}")
        assert off <= bounds[name], name


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", QUICK)
def test_native(library, model, name, threads):
    row, path, feeds, expected, bounds = model(name)
    with library.load(path, threads) as loaded:
        compare(row, loaded.run(feeds), expected, bounds)


@pytest.mark.parametrize("name", SLOW)
def test_native_large(library, model, name):
    row, path, feeds, expected, bounds = model(name)
    with library.load(path, 2) as loaded:
        compare(row, loaded.run(feeds), expected, bounds)


@pytest.mark.parametrize("name", QUICK)
def test_threads_agree(library, model, name):
    """The same bits on any number of threads, more than there are cores included."""
    _, path, feeds, _, _ = model(name)
    with library.load(path, 1) as loaded:
        wanted = loaded.run(feeds)
    for threads in (2, 3, 16):
        with library.load(path, threads) as loaded:
            for output, got in loaded.run(feeds).items():
                assert got.tobytes() == wanted[output].tobytes(), (threads, output)


def webassembly(wasm, library, model, name, variant, threads):
    """Against onnxruntime, and against the same model natively."""
    row, path, feeds, expected, bounds = model(name)
    with library.load(path) as loaded:
        needed = loaded.predict(*(feeds[i].shape for i in loaded.inputs)).total
        if needed > WASM_LIMIT:
            pytest.skip(f"needs {needed} bytes, a module has at most {WASM_LIMIT}")
        native = loaded.run(feeds)
    outputs, _ = wasm(path, feeds, variant, threads)
    actual = {key: value[0] for key, value in outputs.items()}
    compare(row, actual, expected, bounds)
    off = max(np.abs(actual[key].astype(np.float64) - native[key]).max() for key in native)
    print(f"{name}: native against {variant}, {threads} threads: largest difference {off:.3g}")
    # Each is within the bound of onnxruntime; of each other as well.
    assert all(np.abs(actual[key].astype(np.float64) - native[key]).max() <= bounds[key]
               for key in native)


@pytest.mark.parametrize("variant,threads", VARIANTS)
@pytest.mark.parametrize("name", QUICK)
def test_webassembly(wasm, library, model, name, variant, threads):
    webassembly(wasm, library, model, name, variant, threads)


@pytest.mark.parametrize("name", SLOW)
def test_webassembly_large(wasm, library, model, name):
    webassembly(wasm, library, model, name, "relaxed", 2)


# What each file is, by a source that has nothing to do with the model.
FILES = {
    "python": zoo.__file__,
    "c": os.path.join(zoo.ROOT, "src", "rt", "session.c"),
    "javascript": os.path.join(zoo.ROOT, "bindings", "js", "core.js"),
    "markdown": os.path.join(zoo.ROOT, "README.md"),
    "css": os.path.join(zoo.ROOT, "pages", "ocr", "app.css"),
    "json": os.path.join(zoo.ROOT, "scripts", "npm", "package-lock.json"),
    "shell": os.path.join(zoo.ROOT, "scripts", "setup"),
    "elf": os.path.realpath(sys.executable),
    "wav": zoo.SPEECH[0],
    "wasm": os.path.join(zoo.ROOT, "build", "js", "ashore-scalar.wasm"),
    "onnx": os.path.join(zoo.VAD, "silero_vad_v5.onnx"),
}


def test_magika_labels(library, model):
    path = model("magika")[1]
    contents = []
    for file in FILES.values():
        with open(file, "rb") as f:
            contents.append(f.read())
    rows = np.stack([zoo.magika_input(content) for content in contents])
    with library.load(path, 2) as loaded:
        scores = loaded.run({"bytes": rows})[loaded.outputs[0]]
    labels = zoo.magika_labels()
    assert [labels[k] for k in scores.argmax(1)] == list(FILES)


# The classifiers of the ONNX suite, whose weights are constants: with those, and with random ones
# where they fit into memory several times.
LIGHT = os.path.join(zoo.PYPI, "onnx", "backend", "test", "data", "light")
LIGHT_NAMES = sorted(name[:-5] for name in os.listdir(LIGHT) if name.endswith(".onnx"))
LARGE = {"light_bvlc_alexnet", "light_vgg19", "light_zfnet512"}


def with_random_weights(model):
    """Weights that ConstantOfShape makes become random, of the magnitude that keeps activations'."""
    rng = np.random.default_rng(2)
    graph = model.graph
    shapes = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    for node in [n for n in graph.node if n.op_type == "ConstantOfShape"]:
        shape = shapes[node.input[0]]
        weights = rng.standard_normal(shape, np.float32) / np.sqrt(max(np.prod(shape[1:]), 1))
        if len(shape) == 1:
            weights = np.abs(weights) * 0.1 + 1  # a variance or a scale is positive
        graph.initializer.append(onnx.numpy_helper.from_array(weights.astype(np.float32),
                                                              node.output[0]))
        graph.node.remove(node)
    return model


@pytest.mark.parametrize("weights", ["constant", "random"])
@pytest.mark.parametrize("name", LIGHT_NAMES)
def test_light(library, oracle, name, weights):
    path = os.path.join(LIGHT, f"{name}.onnx")
    if weights == "random":
        if name in LARGE:
            pytest.skip("its random weights would take up to 575 MB, several times")
        path = with_random_weights(onnx.load(path)).SerializeToString()
    session = oracle(path)
    info = session.get_inputs()[0]
    x = np.random.default_rng(0).random(info.shape, np.float32)
    want = session.run(None, {info.name: x})[0]
    with library.load(path, 2) as loaded:
        got = loaded.run({info.name: x})[loaded.outputs[0]]
    assert got.shape == want.shape
    # At most 160 layers, sums of at most 25088 products.
    off, allowed = np.abs(got - want).max(), 4 * np.sqrt(160 * 25088) * 2.0**-24 * np.abs(want).max()
    print(f"{name}: largest difference {off:.3g}, allowed {allowed:.3g}")
    assert off <= allowed
