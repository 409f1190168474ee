"""Every operator with numbers at the ends of what can be written: an answer or a message, in bounded
time and memory, whether the numbers are known when the model is loaded or not before it runs.

The nodes are those of the ONNX suite, with inputs, as in test_types.py.  Integer attributes, and the
elements of integer inputs, become each of NUMBERS; float attributes and scalars each of FLOATS;
inputs become empty, scalars, or gain a dimension."""

import collections
import faulthandler
import os
import resource
import time

import numpy as np
import onnx
import pytest
from ashore_ctypes import AshoreError
from onnx import AttributeProto, numpy_helper
from suite_nodes import read_cases

NUMBERS = (0, -1, 1, 7, 2**31 - 1, -2**31, 2**32, 2**62, 2**63 - 1, -2**63)
FLOATS = (0.0, -1.0, 1e-30, 1e9, 1e30, float("inf"), float("nan"))
SECONDS, BYTES = 20, 4 << 30  # of processors' time
SANITIZED = bool(os.environ.get("ASHORE_SANITIZED"))  # address space cannot be limited then


@pytest.fixture(autouse=True)
def bounded():
    before = resource.getrlimit(resource.RLIMIT_AS)
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)
    faulthandler.cancel_dump_traceback_later()


def attribute_changes(node):
    """(what is changed, node)"""
    for k, attribute in enumerate(node.attribute):
        for i in range(len(attribute.ints) if attribute.type == AttributeProto.INTS else 1):
            for number in NUMBERS if attribute.type != AttributeProto.FLOAT else FLOATS:
                changed = onnx.NodeProto()
                changed.CopyFrom(node)
                a = changed.attribute[k]
                if a.type == AttributeProto.INT:
                    a.i = number
                elif a.type == AttributeProto.FLOAT:
                    a.f = number
                elif a.ints:
                    a.ints[i] = number
                else:
                    break
                yield f"{a.name} {i} is {number}", changed
        if attribute.type == AttributeProto.INTS:
            for ints in ([], [*attribute.ints, 1], [2**31 - 1] * len(attribute.ints),
                         [2**62] * len(attribute.ints), [1] * 20):
                changed = onnx.NodeProto()
                changed.CopyFrom(node)
                del changed.attribute[k].ints[:]
                changed.attribute[k].ints.extend(ints)
                yield f"{attribute.name} is {ints}", changed


def input_changes(case):
    """(what is changed, name, array)"""
    for _, name, _, _ in case.inputs:
        x = case.feeds[name]
        shapes = [np.resize(x, ()), np.resize(x, (0,)), x[None]]
        if x.ndim:
            shapes += [x[:0], x[..., :0], x[:1], x.reshape(-1)]
        for y in shapes:
            if y.shape != x.shape:
                yield f"{name} is {list(y.shape)}", name, y
        if x.dtype.kind not in "iuf" or x.dtype.kind == "f" and x.size > 8:
            continue
        for number in NUMBERS if x.dtype.kind in "iu" else FLOATS:
            if x.dtype.kind in "iu" and not np.iinfo(x.dtype).min <= number <= np.iinfo(x.dtype).max:
                continue
            with np.errstate(over="ignore"):
                yield f"{name} is full of {number}", name, np.full_like(x, number)
            if 1 < x.size:
                y = x.copy()
                with np.errstate(over="ignore"):
                    y.reshape(-1)[-1] = number
                yield f"{name} ends in {number}", name, y


def changes(case):
    """(what is changed, model, inputs)"""
    for what, node in attribute_changes(case.node):
        model = bare(case.model)
        model.graph.node[0].CopyFrom(node)
        yield what, model, case.feeds
    for what, name, array in input_changes(case):
        feeds = {**case.feeds, name: array}
        model = bare(case.model)
        for value in model.graph.input:
            value.type.tensor_type.ClearField("shape")
        yield what, model, feeds
        if array.dtype == object:
            continue
        model = bare(case.model)
        at = next(i for i, value in enumerate(model.graph.input) if value.name == name)
        del model.graph.input[at]
        model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array).reshape(
            array.shape), name))
        yield what + ", known", model, {k: v for k, v in feeds.items() if k != name}


def bare(model):
    """A copy that says nothing of its outputs."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for value in copy.graph.output:
        name = value.name
        value.Clear()
        value.name = name
    return copy


def test_extremes(library, tmp_path):
    wrong, counts = [], collections.Counter()
    for case in read_cases().values():
        if any(array.dtype == object for array in case.feeds.values()):
            continue
        for what, model, feeds in changes(case):
            what = f"{case.node.op_type} ({case.name}): {what}"
            (tmp_path / "at").write_text(what)
            faulthandler.dump_traceback_later(6 * SECONDS, exit=True)
            begin = time.process_time()
            try:
                with library.load(model.SerializeToString()) as loaded:
                    loaded.run(feeds)
                counts["answered"] += 1
            except AshoreError as error:
                counts["refused"] += 1
                if ": " not in str(error):
                    wrong.append(f"{what}: a message without a name: {error}")
            except MemoryError:
                counts["too large for the test"] += 1
            if time.process_time() - begin > SECONDS:
                wrong.append(f"{what}: takes {time.process_time() - begin:.0f} s")
    print(dict(counts))
    assert not wrong, "\n".join(wrong)
    assert counts["answered"] > 3000 and counts["refused"] > 3000
