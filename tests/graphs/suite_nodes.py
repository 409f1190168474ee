"""The nodes of the ONNX suite, each with inputs, for tests that change them."""

import os

import ml_dtypes
import numpy as np
import onnx
from ashore_ctypes import DTYPES, NUMBERS
from onnx import TensorProto, defs, helper, numpy_helper

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SUITE = os.path.join(ROOT, "build", "suite", "node")
TYPE_NAMES = {"float": TensorProto.FLOAT, "double": TensorProto.DOUBLE,
              **{name.lower(): number for name, number in TensorProto.DataType.items()
                 if name not in ("UNDEFINED", "FLOAT", "DOUBLE")}}


def class_of(number):
    if number in (TensorProto.STRING, TensorProto.BOOL):
        return TensorProto.DataType.Name(number).lower()
    kind = helper.tensor_dtype_to_np_dtype(number)
    if kind.kind == "c":
        return "complex"
    return "integer" if kind.kind in "iu" or kind in INTEGERS else "float"


INTEGERS = {np.dtype(t) for t in (ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.int2, ml_dtypes.uint2)}
for _number in range(TensorProto.BFLOAT16, TensorProto.INT2 + 1):
    _dtype = np.dtype(helper.tensor_dtype_to_np_dtype(_number))
    DTYPES.setdefault(_number, _dtype)
    NUMBERS.setdefault(_dtype, _number)
for _number in (TensorProto.COMPLEX64, TensorProto.COMPLEX128):
    _dtype = np.dtype(helper.tensor_dtype_to_np_dtype(_number))
    DTYPES.setdefault(_number, _dtype)
    NUMBERS.setdefault(_dtype, _number)


def cast(array, number):
    # ml_dtypes does not convert its types into each other: by way of a type of NumPy
    with np.errstate(all="ignore"):
        if array.dtype.isbuiltin != 1:
            array = array.astype(np.float64 if class_of(helper.np_dtype_to_tensor_dtype(
                array.dtype)) == "float" else np.int64)
        return array.astype(helper.tensor_dtype_to_np_dtype(number))


class Case:
    """A model of one node, all of whose inputs are tensors, with values for them."""

    def __init__(self, folder, model):
        self.name, self.model, self.node = os.path.basename(folder), model, model.graph.node[0]
        opset = next(o.version for o in model.opset_import if o.domain == self.node.domain)
        self.schema = defs.get_schema(self.node.op_type, opset, self.node.domain)
        self.feeds = {}
        for i, value in enumerate(model.graph.input):
            with open(os.path.join(folder, "test_data_set_0", f"input_{i}.pb"), "rb") as f:
                self.feeds[value.name] = numpy_helper.to_array(TensorProto.FromString(f.read()))
        # (position, name, type variable, numbers of allowed types)
        self.inputs = []
        limits = {t.type_param_str: t.allowed_type_strs for t in self.schema.type_constraints}
        formal = self.schema.inputs
        for i, name in enumerate(self.node.input):
            f = formal[min(i, len(formal) - 1)]
            if not name or name not in self.feeds:
                continue
            shared = f.is_homogeneous and f.type_str in limits
            variable = f.type_str if shared else f"{f.type_str} {i}"
            allowed = limits.get(f.type_str, [f.type_str])
            self.inputs.append((i, name, variable,
                                [TYPE_NAMES[t[7:-1]] for t in allowed if t.startswith("tensor(")]))

    def size(self):
        return sum(a.size for a in self.feeds.values())

    def given(self, names, number):
        """The model and its inputs, those named being of another type."""
        model, feeds = onnx.ModelProto(), dict(self.feeds)
        model.CopyFrom(self.model)
        for value in model.graph.input:
            if value.name in names:
                value.type.tensor_type.elem_type = number
                if number != TensorProto.STRING and feeds[value.name].dtype != object:
                    feeds[value.name] = cast(feeds[value.name], number)
        for value in model.graph.output:
            name = value.name
            value.Clear()
            value.name = name
        return model.SerializeToString(), feeds


def read_cases():
    found = {}
    for name in sorted(os.listdir(SUITE)):
        folder = os.path.join(SUITE, name)
        model = onnx.load(os.path.join(folder, "model.onnx"))
        if len(model.graph.node) != 1 or model.functions or any(
                v.type.WhichOneof("value") != "tensor_type" for v in model.graph.input):
            continue
        node = model.graph.node[0]
        if any(a.type in (a.GRAPH, a.GRAPHS) for a in node.attribute):
            continue
        case = Case(folder, model)
        key = node.domain, node.op_type, case.schema.since_version, tuple(bool(i) for i in node.input)
        if key not in found or case.size() < found[key].size():
            found[key] = case
    return found
