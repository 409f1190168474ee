"""Element types, by the operators' schemas: what an operator takes it runs, what it does not take is
refused when the model is loaded.

The ONNX suite has a model with inputs for nearly every operator.  Of each operator, and each choice of
inputs, the smallest is taken, and the types of its inputs are exchanged: for every type that the
schema allows, for one of every class of types that it does not, and for one that differs from that of
other inputs which share its type."""

import collections
import re

import ml_dtypes
import numpy as np
import pytest
from ashore_ctypes import DTYPES, NUMBERS, AshoreError
from onnx import TensorProto, helper
from suite_nodes import class_of, read_cases

CLASSES = {"float": (TensorProto.FLOAT, TensorProto.DOUBLE), "string": (TensorProto.STRING,),
           "integer": (TensorProto.INT64, TensorProto.INT32), "bool": (TensorProto.BOOL,),
           "complex": (TensorProto.COMPLEX64,)}

# Input N of an operator that takes more types than its schema says.
LENIENT = {
    "Erf 0": "older operator sets take integers",
    "ReduceLogSum 0": "older operator sets take integers",
    "ReduceLogSumExp 0": "older operator sets take integers",
    "ReduceMax 0": "newer operator sets take bool",
    "ReduceMin 0": "newer operator sets take bool",
    "LinearAttention 4": "floats of any width are read as float64",
    "LinearAttention 5": "floats of any width are read as float64",
    "QLinearMatMul 1": "floats of any width are read as float64",
    "QLinearMatMul 4": "floats of any width are read as float64",
    "QLinearMatMul 6": "floats of any width are read as float64",
    "STFT 0": "floats of any width are read as float64",
    "STFT 1": "integers of any width are read as int64",
    "STFT 2": "floats of any width are read as float64",
    "STFT 3": "integers of any width are read as int64",
    "MaxUnpool 2": "integers of any width are read as int64",
    "MelWeightMatrix 0": "integers of any width are read as int64",
    "MelWeightMatrix 1": "integers of any width are read as int64",
    "MelWeightMatrix 2": "integers of any width are read as int64",
}
# Types that an operator refuses although they are allowed, by its own words.
REFUSED = {
    r"\(BitCast, .* differ in size": "both types of a BitCast are of one size",
    r"\(ScatterND, .*complex\d+, which this operator does not take": "complex numbers have no order",
}

RANDOM = {"Bernoulli", "Dropout", "Multinomial", "RandomNormalLike", "RandomUniformLike"}



@pytest.fixture(scope="module")
def cases():
    return read_cases()


def load_error(library, model):
    try:
        with library.load(model):
            return None
    except AshoreError as error:
        return str(error)


def trials(case):
    """(whether it must run, names, type number)."""
    for i, name, variable, allowed in case.inputs:
        alike = [n for _, n, v, _ in case.inputs if v == variable]
        now = helper.np_dtype_to_tensor_dtype(case.feeds[name].dtype) if \
            case.feeds[name].dtype != object else TensorProto.STRING
        if name == alike[0]:
            for number in allowed:
                if number in DTYPES and now != TensorProto.STRING:
                    yield True, i, alike, number
            classes = {class_of(number) for number in allowed}
            for kind, (number, *_) in CLASSES.items():
                if kind not in classes:
                    yield False, i, alike, number
        if len(alike) > 1:
            for kind, numbers in CLASSES.items():
                for number in numbers:
                    if number != now:
                        yield False, i, [name], number


def difference(case, names, number, got, want):
    """Of a planned run and one of the references; a text, or None."""
    variable = next(v for _, n, v, _ in case.inputs if n in names)
    for formal, (name, y) in zip(case.schema.outputs, want.items()):
        if not isinstance(y, np.ndarray) or y.dtype == object or case.node.op_type in RANDOM:
            continue
        if formal.type_str == variable and NUMBERS[y.dtype] != number:
            return f"output {name} is {y.dtype}"
        if got[name].shape != y.shape or got[name].dtype != y.dtype:
            return f"output {name} is {got[name].dtype}{got[name].shape}, {y.dtype}{y.shape} " \
                   "by the references"
        kind = class_of(NUMBERS[y.dtype])
        if kind != "float":
            if not np.array_equal(got[name], y):
                return f"output {name} differs"
            continue
        # Sums of up to some hundred terms in float32, then the rounding of the type.
        a, b = (np.nan_to_num(v.astype(np.float64), posinf=1e300, neginf=-1e300) for v in
                (got[name], y))
        most = np.abs(b).max(initial=0, where=np.abs(b) < 1e300)
        far = (1e-5 + 2 * float(ml_dtypes.finfo(y.dtype).eps)) * most
        if (np.abs(a - b) > far).any():
            return f"output {name} is off by {np.abs(a - b).max():.3g}, allowed is {far:.3g}"
    return None


def test_types(library, tmp_path, cases):
    wrong, counts, lenient = [], collections.Counter(), set()
    for (domain, op, since, _), case in cases.items():
        error = load_error(library, case.model.SerializeToString())
        if error:
            counts["not there"] += 1
            continue
        for runs, i, names, number in trials(case):
            what = f"{op} {since} input {i} of {TensorProto.DataType.Name(number)} ({case.name})"
            (tmp_path / "at").write_text(what)
            model, feeds = case.given(names, number)
            counts[runs] += 1
            if not runs:
                if load_error(library, model) is None:
                    lenient.add(f"{op} {i}")
                    if f"{op} {i}" not in LENIENT:
                        wrong.append(f"{what} is taken")
                continue
            try:
                with library.load(model) as loaded:
                    got = loaded.run(feeds)
                with library.load(model, reference=1) as loaded:
                    want = loaded.run(feeds)
                text = difference(case, names, number, got, want)
            except AshoreError as error:
                text = str(error)
                if any(re.search(pattern, text) for pattern in REFUSED):
                    continue
            if text:
                wrong.append(f"{what}: {text}")
    print(dict(counts))
    assert not wrong, "\n".join(wrong)
    assert lenient == set(LENIENT), "an operator is no longer lenient"
    assert counts[True] > 2000 and counts[False] > 2000
    assert counts["not there"] < 20, "operators of the training domain alone"
