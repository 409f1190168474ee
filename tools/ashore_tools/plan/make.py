"""Makes a plan of a program."""

import json
import os
from typing import Any, Dict, List, NamedTuple, Optional

from ..errors import clean
from ..program import Program
from . import engine_names, face, numpy_names, other_names, pillow_names, scipy_names
from .errors import PyError, Refused
from .interpret import Interpreter, Scope
from .sequences import Restart
from .values import Const, Module, Node, Value, image


_MOST_RESTARTS = 200


class Plan(NamedTuple):
    """What a page carries out."""

    text: bytes                           # JSON
    files: Dict[str, bytes]               # of the interface, by their number
    models: List[engine_names.Model]
    pictures: List[str]                   # files of the program that are decoded
    face: bool


class _Known:
    """What lasts when a program is followed anew."""

    def __init__(self) -> None:
        self.modes: Dict[int, str] = {}
        self.models: Dict[str, engine_names.Model] = {}


class _Follower(Interpreter):
    """An interpreter with the program's modules, models and pictures."""

    def __init__(self, program: Program, gradio: Any, known: "_Known") -> None:
        super().__init__(self._module)
        self.modes = known.modes
        self.read = known.models
        self.program = program
        self.gradio = gradio
        self.folder = program.folder
        self.entry = program.entry
        self.found: Dict[str, Module] = {}
        self.models_: Dict[str, engine_names.Model] = {}
        self.pictures: List[str] = []

    def _module(self, name: str) -> Value:
        if name not in self.found:
            self.found[name] = self._load(name)
        return self.found[name]

    def _load(self, name: str) -> Module:
        path = self._path(name)
        if path is not None:
            return self.follow(path, name)
        if name == "gradio" and self.gradio is not None:
            return face.module(self.gradio)
        if name == "numpy":
            return numpy_names.module()
        if name in ("PIL", "PIL.Image", "PIL.ImageOps"):
            return pillow_names.module(name)
        if name == "onnxruntime":
            return engine_names.onnxruntime()
        if name == "ashore":
            return engine_names.ashore()
        if name == "scipy.special":
            return scipy_names.scipy_special()
        if name == "scipy":
            return Module("scipy", {"special": scipy_names.scipy_special()})
        return other_names.find(self, name) or Module(name)

    def _path(self, name: str) -> Optional[str]:
        base = name.replace(".", "/")
        for path in (base + ".py", base + "/__init__.py"):
            if path in self.program.modules and path != self.entry:
                return path
        return None

    def follow(self, path: str, name: str) -> Module:
        """Runs a module of the program."""
        scope = Scope(path)
        scope.names.update({"__name__": Const(name), "__doc__": Const(None),
                            "__file__": Const(os.path.join(self.folder, path))})
        made = Module(name, scope.names)
        self.found[name] = made
        before, self.scope = self.scope, scope
        try:
            self.run(self.program.modules[path].tree.body)
        finally:
            self.scope = before
        return made

    def _below(self, name: str, what: str) -> str:
        place = os.path.abspath(os.path.join(self.folder, name))
        path = os.path.relpath(place, self.folder).replace(os.sep, "/")
        if path.startswith(".."):
            raise Refused(f"{what} lies outside of the program's folder")
        if not os.path.isfile(place):
            raise PyError("FileNotFoundError", f"[Errno 2] No such file or directory: {name!r}")
        return path

    def model(self, name: str) -> engine_names.Model:
        """A model by its path."""
        path = self._below(name, "the model")
        if path not in self.models_:
            if path not in self.read:
                self.read[path] = engine_names.read_model(path, os.path.join(self.folder, path))
            self.models_[path] = self.read[path]._replace(number=len(self.models_))
        return self.models_[path]

    def picture(self, name: Any) -> Node:
        """A picture among the program's files."""
        if not isinstance(name, (str, os.PathLike)):
            raise Refused("which picture is opened is known in the page only")
        path = self._below(os.fspath(name), "the picture")
        if path not in self.pictures:
            self.pictures.append(path)
        return self.trace.emit("stored", [], image("any"), file=self.pictures.index(path))


def make(program: Program, wheel: Optional[str], title: str) -> Plan:
    """The plan; wheel: of gradio, for programs that import it.  Raises Refused, whose path is below the
    program's folder."""
    folder, known = os.getcwd(), _Known()
    os.chdir(program.folder)
    try:
        for _ in range(_MOST_RESTARTS):
            try:
                return _once(program, wheel, title, known)
            except Restart:
                Value.level = 1
        raise _nothing(program, "it has too many loops")
    except PyError as error:
        refused = Refused(f"the program ends with {error.kind}: {error.message}")
        refused.path, refused.line, refused.text = program.entry, error.line, error.kind
        raise refused from None
    finally:
        Value.level = 1
        os.chdir(folder)


def _once(program: Program, wheel: Optional[str], title: str, known: _Known) -> Plan:
    if wheel is None:
        return _of_script(program, title, known)
    with face.package(wheel) as gradio:
        return _of_interface(program, gradio, title, known)


def _of_script(program: Program, title: str, known: _Known) -> Plan:
    follower = _Follower(program, None, known)
    main = follower.trace.explore(lambda: follower.follow(program.entry, "__main__"),
                                  lambda _: {"return": []})
    if not follower.models_:
        raise _nothing(program, "it opens no model")
    return _plan(follower, title, {"main": main, "config": None})


def _nothing(program: Program, why: str) -> Refused:
    refused = Refused(why)
    refused.path, refused.line, refused.text = program.entry, 1, ""
    return refused


def _of_interface(program: Program, gradio: Any, title: str, known: _Known) -> Plan:
    from importlib import import_module
    follower = _Follower(program, gradio, known)
    follower.follow(program.entry, "__main__")
    host, blocks = import_module("gradio._host"), import_module("gradio._blocks")
    if blocks.building.launched is None:
        raise _nothing(program, "it launches no interface: there is no .launch() that is reached")
    try:
        config = host.config()
    except (Refused, PyError):
        raise
    except Exception as error:
        raise Refused(str(error)) from None
    functions = {}
    for dependency in blocks.building.launched.dependencies:
        if dependency.fn is not None:
            functions[dependency.id] = _function(follower, dependency)
    for row in config["components"]:
        if row["type"] == "image" and row["props"].get("interactive"):
            row["props"]["pixels"] = True
    files: Dict[str, bytes] = {}
    return _plan(follower, title, {"functions": functions, "config": _apart(config, files)}, files,
                 True)


def _function(follower: _Follower, dependency: Any) -> dict:
    handler = dependency.fn
    if not isinstance(handler, face.Handler):
        raise Refused("a function that is not the program's")
    if getattr(dependency, "as_dict", False):
        raise Refused("inputs as a set", "give them as a list")
    trace = follower.trace
    start = trace.next
    hows: List[dict] = []
    follower.scope = Scope(getattr(handler.value, "path", follower.entry))

    def follow() -> List[Any]:
        trace.next = start
        hows.clear()
        nodes = []
        for block in dependency.inputs:
            node, how = face.parameter(trace, block)
            nodes.append(node)
            hows.append(how)
        result = follower.call(handler.value, nodes, {})
        return face.results(follower, result, dependency.outputs)

    try:
        ways = trace.explore(follow, lambda found: {"return": found})
    except Refused as refused:
        node = getattr(handler.value, "node", None)
        raise refused.at(getattr(handler.value, "path", follower.entry), node) \
            if node is not None else refused
    ends = _ends(ways)
    if ends and all(end is not None and end != "Error" for end in ends):
        refused = Refused(f"{handler.__name__}() ends with {ends[0]} in any case: "
                          f"{_message(ways, trace.consts)}")
        raise refused.at(follower.scope.path, getattr(handler.value, "node", None))
    return {"inputs": hows, "ways": ways}


def _ends(block: dict) -> List[Optional[str]]:
    """How the ways of a block end: None for a result, else the exception's name."""
    if "if" in block:
        return _ends(block["then"]) + _ends(block["else"])
    return [block["raise"]["kind"] if "raise" in block else None]


def _message(block: dict, consts: List[Any]) -> str:
    while "if" in block:
        block = block["then"]
    message = block["raise"]["message"]
    if not isinstance(message, dict):
        return "words that are known in the page only"
    return str(message["c"] if "c" in message else consts[message["k"]])


def _apart(value: Any, files: Dict[str, bytes]) -> Any:
    """JSON without the bytes of files, which are put into `files`."""
    if isinstance(value, (bytes, bytearray)):
        name = str(len(files))
        files[name] = bytes(value)
        return {"$file": name}
    if isinstance(value, dict):
        return {k: _apart(v, files) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_apart(v, files) for v in value]
    return value


def _plan(follower: _Follower, title: str, parts: dict, files: Optional[dict] = None,
          has_face: bool = False) -> Plan:
    models = list(follower.models_.values())
    whole = {"plan": 1, "title": title, "entry": follower.entry, "consts": follower.trace.consts,
             "models": [{"path": m.path} for m in models], "pictures": follower.pictures,
             "prelude": follower.trace.frames[0].steps, **parts}
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Plan(text.encode(), files or {}, models, follower.pictures, has_face)


def refusal(program: Program, refused: Refused) -> str:
    """A line for people: file, line, expression, why, advice."""
    return f"{program.show(refused.path or program.entry)}:{refused.line}: {clean(refused.why())}"
