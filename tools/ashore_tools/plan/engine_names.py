"""onnxruntime and ashore: models."""

import json
import os
import subprocess
from typing import Any, Dict, List, NamedTuple, Optional

from . import dtypes
from .errors import PyError, Refused
from .natives import constant, ignored, native
from .python_names import OpenedFile
from .values import (DTYPES, FLOAT, INT, STR, Class, Const, Dct, Gone, Instance, Lst, Module, Native, Node,
                     Real, Session, Type, Value, array)

_ORT: Dict[str, Value] = {}
_ONNX = {"float32": "float", "float64": "double", "str": "string"}


class Port(NamedTuple):
    """An input or output of a model."""

    name: str
    kind: Type            # as an array, or what else it is
    text: str
    shape: Optional[list]


class Model(NamedTuple):
    """A model of the program."""

    path: str             # below the program's folder
    number: int
    inputs: List[Port]
    outputs: List[Port]
    operators: List[str]


def _kind(row: dict) -> Optional[Type]:
    """The type of an input or output; None for one that is not here."""
    text = row["type"].replace(" ", "")
    if row["kind"] == "tensor":
        dtype = "str" if row["dtype"] == "string" else row["dtype"]
        if dtype not in DTYPES:
            return None
        shape = row.get("shape")
        dims = None if shape is None else tuple(d if isinstance(d, int) else None for d in shape)
        return array(dtype, dims)
    for key, kind in (("string", STR), ("int64", INT)):
        if text == f"sequence(map({key},float32[]))":
            return Type("list", items=(Type("dict", items=(kind, FLOAT)),))
    return None


def read_model(path: str, place: str) -> Model:
    """What `ashore inspect` says of a model."""
    program = os.environ.get("ASHORE_PROGRAM")
    if not program:
        raise Refused("the program `ashore` that reads models is not there")
    done = subprocess.run([program, "inspect", "--json", place], capture_output=True, check=False)
    if done.returncode != 0:
        raise Refused(f"the model cannot be read: {done.stderr.decode('utf-8', 'replace').strip()}")
    found = json.loads(done.stdout)
    lacking = [o["name"] for o in found["operators"] if not o["supported"]]
    if lacking:
        raise Refused(f"the model needs operators that the engine lacks: {', '.join(lacking)}")
    ports = []
    for side in ("inputs", "outputs"):
        rows = []
        for row in found[side]:
            rows.append(Port(row["name"], _kind(row) or Type("any", row["type"]), row["type"],
                             row.get("shape")))
        ports.append(rows)
    names = [f"{o['domain']}:{o['name']}" if o["domain"] else o["name"] for o in found["operators"]]
    return Model(path, 0, ports[0], ports[1], names)


@native(_ORT, "InferenceSession", "model sess_options! providers! provider_options!")
def _session(interp: Any, source: Value) -> Value:
    return opened(interp, source, "onnxruntime")


def opened(interp: Any, source: Value, flavour: str) -> Session:
    """A session of a model that is named by a path, or has been read."""
    name = source.value if isinstance(source, (Const, Real)) else None
    if isinstance(name, OpenedFile):
        name = name.path
    if not isinstance(name, (str, os.PathLike)):
        raise Refused("which model is opened is not known", "give its path as a text")
    return Session(interp.model(os.fspath(name)), flavour)


@native(_ORT, "SessionOptions RunOptions", "")
def _options(interp: Any) -> Value:
    return Real(object(), "options")


@native(_ORT, "get_available_providers", "")
def _providers(interp: Any) -> Value:
    return Lst([Const("CPUExecutionProvider")])


for _name in ("set_default_logger_severity", "disable_telemetry_events", "set_seed"):
    _ORT[_name] = Native(_name, ignored)


def _described(ports: List[Port], outputs: bool) -> Lst:
    """What get_inputs() gives."""
    rows: List[Value] = []
    for port in ports:
        made = Instance(Class("NodeArg", {}))
        if port.kind.kind == "array":
            text = f"tensor({_ONNX.get(port.kind.dtype, port.kind.dtype)})"
            made.names["type"] = Const(text)
        made.names["name"] = Const(port.name)
        if port.shape is not None:
            made.names["shape"] = Lst([
                Const(d) if isinstance(d, int) else Gone(
                    "an extent of an output that the model does not fix") if outputs
                else Const(None if d == "?" else d) for d in port.shape])
        rows.append(made)
    return Lst(rows)


def attribute(interp: Any, owner: Session, name: str) -> Optional[Value]:
    """session.name."""
    model: Model = owner.model
    if owner.flavour == "ashore":
        return Native(name, lambda i, args, kw: run_by_name(i, owner, args, kw)) \
            if name == "run" else None
    calls = {"run": lambda i, args, kw: run(i, owner, args, kw),
             "get_inputs": lambda i, args, kw: _described(model.inputs, False),
             "get_outputs": lambda i, args, kw: _described(model.outputs, True),
             "get_providers": lambda i, args, kw: Lst([Const("CPUExecutionProvider")]),
             "set_providers": ignored, "disable_fallback": ignored}
    return Native(name, calls[name]) if name in calls else None


def run(interp: Any, owner: Session, args: List[Value], keywords: Dict[str, Value]) -> Value:
    """session.run(names, feeds)."""
    from .natives import arguments
    names, feeds = arguments("run", ["output_names", "input_feed", "run_options!"], args, keywords)
    model: Model = owner.model
    wanted = constant(names, "which outputs are computed")
    wanted = [o.name for o in model.outputs] if not wanted else list(wanted)
    return Lst(_run(interp, model, wanted, feeds))


def run_by_name(interp: Any, owner: Session, args: List[Value],
                keywords: Dict[str, Value]) -> Value:
    """model.run(feeds) of ashore: results by name."""
    from .natives import arguments
    feeds, names = arguments("run", ["feeds", "outputs?"], args, keywords)
    wanted = constant(names, "which outputs are computed")
    wanted = list(wanted) if wanted else [o.name for o in owner.model.outputs]
    return Dct(list(zip(wanted, _run(interp, owner.model, wanted, feeds))))


def _run(interp: Any, model: Model, wanted: List[str], feeds: Value) -> List[Value]:
    ports = {o.name: o for o in model.outputs}
    for name in wanted:
        if name not in ports:
            raise PyError("InvalidArgument", f"Invalid output name: {name}")
    if not isinstance(feeds, Dct):
        raise Refused("inputs that are no dict of known names")
    inputs = {i.name: i for i in model.inputs}
    missing = [n for n in inputs if n not in feeds.items]
    if missing:
        raise PyError("ValueError", f"Required inputs ({missing}) are missing from input feed "
                                    f"({list(feeds.items)}).")
    for name, value in feeds.items.items():
        if name not in inputs:
            raise PyError("ValueError", f"Invalid input name: {name}")
        _check(inputs[name], value)
    chosen = [ports[name] for name in wanted]
    for port in chosen:
        if port.kind.kind == "any":
            raise Refused(f"the model's output {port.name} is {port.text}, which is not in a page "
                          f"without Python")
    made = interp.trace.emit("run", list(feeds.items.values()),
                             Type("tuple", items=tuple(p.kind for p in chosen)),
                             model=model.number, names=list(feeds.items), outputs=wanted,
                             types=[inputs[n].kind.dtype for n in feeds.items],
                             dims=[list(p.kind.dims) if p.kind.kind == "array" and p.kind.dims
                                   is not None else None for p in chosen])
    return [interp.trace.emit("item", [made, Const(i)], p.kind) for i, p in enumerate(chosen)]


def _check(port: Port, value: Value) -> None:
    """Refuses what onnxruntime would refuse, and what is no array."""
    kind = value.type
    if port.kind.kind != "array":
        raise Refused(f"the model's input {port.name} is {port.text}, which is not in a page without "
                      f"Python")
    if not isinstance(value, Node) or kind.kind not in ("array", "buffer"):
        raise Refused(f"the model's input {port.name} is given {kind}, and not an array",
                      "make an array of it: np.array(...)")
    if kind.dtype == dtypes.REAL64 and port.kind.dtype in ("int64", "float64"):
        raise Refused(f"the model's input {port.name} is given numbers that may be whole or not",
                      f"convert them: .astype(np.{port.kind.dtype})")
    if kind.dtype != port.kind.dtype:
        raise PyError("InvalidArgument", f"Unexpected input data type. Actual: (tensor("
                      f"{_ONNX.get(kind.dtype, kind.dtype)})) , expected: (tensor("
                      f"{_ONNX.get(port.kind.dtype, port.kind.dtype)}))")
    if kind.dims is not None and port.kind.dims is not None and \
            len(kind.dims) != len(port.kind.dims):
        raise PyError("InvalidArgument", f"Invalid rank for input: {port.name} Got: "
                      f"{len(kind.dims)} Expected: {len(port.kind.dims)} Please fix either the "
                      f"inputs/outputs or the model.")


def onnxruntime() -> Module:
    """import onnxruntime."""
    names = dict(_ORT)
    levels = {n: Const(i) for i, n in enumerate((
        "ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL"))}
    names["GraphOptimizationLevel"] = Module("onnxruntime", levels)
    names["ExecutionMode"] = Module("onnxruntime", {"ORT_SEQUENTIAL": Const(0),
                                                    "ORT_PARALLEL": Const(1)})
    return Module("onnxruntime", names)


def ashore() -> Module:
    """import ashore."""
    def open_model(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
        if len(args) != 1 or keywords:
            raise Refused("ashore.open() with options")
        return opened(interp, args[0], "ashore")
    return Module("ashore", {"open": Native("open", open_model)})
