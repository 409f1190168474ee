"""Looks at every call and name of a program's files."""

import ast
import os
import re
from typing import List, Optional, Set

from . import installs, stdlib
from .calls import caught, lookup
from .finding import Findings
from .names import keywords, text_of
from .paths import SYSTEM, Files, Paths, Use
from .project import Module, Project
from .reach import Reach
from .rules import ERROR, NOTE, WARNING
from .tested import Tested
from .walk import Event, Place

_ENVIRONMENT = {"HOME", "USER", "LOGNAME", "PATH", "PWD", "LANG", "_", "PYTHONINSPECT",
                "LD_LIBRARY_PATH"}
_SECRET = re.compile(r"(?i)(api_?key|secret|token|passw(or)?d|credential|private_?key|access_?key)")
_PROVIDERS = re.compile(r"(CUDA|Tensorrt|NvTensorRTRTX|ROCM|MIGraphX|Dml|OpenVINO|CoreML|QNN|ACL|"
                        r"ArmNN|"
                        r"DNNL|TVM|Vitis|VitisAI|CANN|Rknpu|SNPE|NNAPI|XNNPACK|Azure|WebGPU)"
                        r"ExecutionProvider\Z")
_CUDA = re.compile(r"(cuda|xpu|mps|hip|rocm)(:\d+)?\Z")
_DEVICE_DO = "export the model to ONNX, and run it with onnxruntime (CPUExecutionProvider)"
_WAYS_TO_ASK = {"os.getenv", "os.environ.get", "os.environ.setdefault", "os.environ.pop"}


class Checks:
    """Checks of calls; `files` says which files the app will have."""

    def __init__(self, project: Project, reach: Reach, files: Files, findings: Findings) -> None:
        self.project = project
        self.reach = reach
        self.files = files
        self.findings = findings
        self.uses: List[Use] = []
        self._set: Set[str] = set(_ENVIRONMENT)
        self._time_zones = False
        self._replaced: Set[str] = set()  # calls in whose place the program puts its own
        self._tested = Tested()

    def run(self, distributions: Set[str]) -> None:
        """Checks all files; distributions are the packages that the app will have."""
        self._time_zones = "tzdata" in distributions
        for module in self.project.modules.values():
            for event in module.events:
                self._tested.note(event)
                self._note_environment(module, event)
                if isinstance(event.node, ast.Attribute) and isinstance(event.node.ctx, ast.Store):
                    self._replaced |= module.names.of(event.node, event.place.scope)
                if isinstance(event.node, ast.Call):
                    self._note_writes(module, event)
        for module in self.project.modules.values():
            for event in module.events:
                self._event(module, event)

    def _report(self, module: Module, node: ast.AST, place: Place, rule: str, message: str,
                advice: str, severity: Optional[str] = None) -> None:
        module.report(self.findings, node, rule, message, advice,
                      module.level(rule, severity, place),
                      self.reach.holds(module, place.function))

    def _event(self, module: Module, event: Event) -> None:
        node, place = event
        if isinstance(node, ast.Call):
            self._call(module, node, place)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            self._attribute(module, node, place)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            self._subscript(module, node, place)
        elif isinstance(node, (ast.List, ast.Tuple, ast.keyword)):
            self._providers(module, node, place)

    # ---- calls ---------------------------------------------------------------------------------

    def _call(self, module: Module, node: ast.Call, place: Place) -> None:
        found = module.names.of(node.func, place.scope)
        func = node.func
        if isinstance(func, ast.Attribute) and \
                module.names.overrides(func.value, func.attr, place.scope):
            return
        for dotted in sorted(found):
            call = lookup(dotted)
            if call is None or self._excepted(dotted, node) or \
                    self._replaced & {dotted, f"builtins.{dotted}"}:
                continue
            severity, message = call.severity, f"{_shown(dotted)}: {call.why}"
            if caught(call.raises, place.caught):
                severity = WARNING if severity != NOTE else NOTE
                message += "; what it raises is caught"
            if call.rule == "threads" and "Parallel" in dotted and not _parallel(node):
                continue
            if call.rule == "install" and installs.is_answered(module, Event(node, place),
                                                               self.files.root):
                continue
            self._report(module, node, place, call.rule, message, call.advice, severity)
            break
        self._device_call(module, node, place)
        self._environment_call(module, node, place, found)
        self._file_call(module, node, place)
        self._handed_over(module, node, place)

    def _excepted(self, dotted: str, node: ast.Call) -> bool:
        if dotted == "zoneinfo.ZoneInfo":
            return self._time_zones
        if dotted == "os.kill" and len(node.args) == 2:
            return isinstance(node.args[1], ast.Constant) and node.args[1].value == 0
        if dotted == "torch.device":
            return True  # by what it names, below
        if dotted in ("ctypes.CDLL", "ctypes.PyDLL") and node.args:
            return isinstance(node.args[0], ast.Constant) and node.args[0].value is None
        return False

    def _handed_over(self, module: Module, node: ast.Call, place: Place) -> None:
        """Functions that are called by what they are given to: map(os.system, ...)."""
        for argument in list(node.args) + [k.value for k in node.keywords]:
            if not isinstance(argument, (ast.Name, ast.Attribute)):
                continue
            for dotted in sorted(module.names.of(argument, place.scope)):
                call = lookup(dotted)
                if call and call.rule in ("processes", "stdin") and not dotted.endswith("()") \
                        and "." in dotted:
                    self._report(module, argument, place, call.rule,
                                 f"{_shown(dotted)} is handed over to be called: {call.why}",
                                 call.advice, WARNING)
                    break

    # ---- names ---------------------------------------------------------------------------------

    def _attribute(self, module: Module, node: ast.Attribute, place: Place) -> None:
        for owner in module.names.of(node.value, place.scope):
            if node.attr in stdlib.missing_names(owner):
                expected = caught("AttributeError", place.caught)
                self._report(module, node, place, "stdlib-name",
                             f"'{owner}' has no '{node.attr}' in Pyodide (Python "
                             f"{stdlib.table()['python']})" +
                             ("; what it raises is caught" if expected else ""),
                             stdlib.instead(owner, node.attr),
                             WARNING if expected else None)
                return

    # ---- devices -------------------------------------------------------------------------------

    def _device_call(self, module: Module, node: ast.Call, place: Place) -> None:
        func, names = node.func, keywords(node)
        if isinstance(func, ast.Attribute) and func.attr == "cuda" and len(node.args) < 2 and \
                not names.keys() - {"device", "non_blocking"}:
            self._report(module, node, place, "device", ".cuda(): there is no CUDA in a browser",
                         _DEVICE_DO)
            return
        candidates: List[Optional[ast.AST]] = [names.get("device"), names.get("device_map")]
        if isinstance(func, ast.Attribute) and func.attr in ("to", "device", "set_device"):
            candidates += node.args[:1]
        if "torch.device" in module.names.of(func, place.scope):
            candidates += node.args[:1]
        for candidate in candidates:
            for text in _texts(candidate, place):
                if _CUDA.match(text):
                    self._report(module, node, place, "device",
                                 f"'{text}': there is no such device in a browser", _DEVICE_DO)
                    return

    def _providers(self, module: Module, node: ast.AST, place: Place) -> None:
        if isinstance(node, ast.keyword):
            if not (node.arg == "providers" and isinstance(node.value, ast.Constant)):
                return
            elements = [node.value]
        else:
            elements = [e.elts[0] if isinstance(e, ast.Tuple) and e.elts else e
                        for e in node.elts]  # type: ignore[attr-defined]
        texts = [(e, e.value) for e in elements if isinstance(e, ast.Constant)
                 and isinstance(e.value, str)]
        fallback = any(t == "CPUExecutionProvider" for _, t in texts)
        for element, text in texts:
            if _PROVIDERS.match(text):
                self._report(module, element, place, "provider",
                             f"{text} is not there" + (": the CPU's, which is named as well, is "
                                                       "taken"
                                                       if fallback else ""),
                             "name CPUExecutionProvider", NOTE if fallback else WARNING)

    # ---- environment ---------------------------------------------------------------------------

    def _note_environment(self, module: Module, event: Event) -> None:
        """Variables that the program sets itself."""
        node, place = event
        key: Optional[ast.AST] = None
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, (ast.Store, ast.Del)):
            if "os.environ" in module.names.of(node.value, place.scope):
                key = node.slice
        elif isinstance(node, ast.Call):
            found = module.names.of(node.func, place.scope)
            if found & {"os.environ.setdefault", "os.putenv"} and node.args:
                key = node.args[0]
            elif "os.environ.update" in found:
                self._set |= set(keywords(node))
                for argument in node.args:
                    if isinstance(argument, ast.Dict):
                        self._set |= {t for k in argument.keys for t in _texts(k, place)}
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            if "os.environ" in module.names.of(node.comparators[0], place.scope):
                key = node.left  # whoever asks first knows what to do without it
        self._set |= set(_texts(key, place))

    def _subscript(self, module: Module, node: ast.Subscript, place: Place) -> None:
        if "os.environ" not in module.names.of(node.value, place.scope):
            return
        name = text_of(node.slice, place.scope)
        if name is not None:
            expected = caught("KeyError", place.caught)
            self._variable(module, node, place, name, None if expected else ERROR)

    def _environment_call(self, module: Module, node: ast.Call, place: Place,
                          found: Set[str]) -> None:
        if not found & _WAYS_TO_ASK or not node.args:
            return
        name = text_of(node.args[0], place.scope)
        default = len(node.args) > 1 or bool(keywords(node)) or self._tested.holds(node)
        if name is not None and (not default or _SECRET.search(name)):
            self._variable(module, node, place, name, WARNING)

    def _variable(self, module: Module, node: ast.AST, place: Place, name: str,
                  severity: Optional[str]) -> None:
        if name in self._set:
            return
        if _SECRET.search(name):
            self._report(module, node, place, "secret-environment",
                         f"the variable {name} is not set in a page, and setting it would publish "
                         "it", "let a server of yours hold it, or ask the user for it", severity)
            return
        what = "reading it raises KeyError" if severity == ERROR else "it is None"
        self._report(module, node, place, "environment",
                     f"the variable {name} is not set in a page: {what}",
                     f"give a default, or set os.environ[{name!r}] in the program", severity)

    # ---- files ---------------------------------------------------------------------------------

    def _note_writes(self, module: Module, event: Event) -> None:
        if not isinstance(event.node, ast.Call):
            return
        paths = Paths(module.names, module.path)
        for use in paths.uses(event.node, event.place.scope):
            if use.writes:
                self.files.written.add(self.files.absolute(use.path,
                                                           os.path.dirname(module.path)))
        found = module.names.of(event.node.func, event.place.scope)
        func = event.node.func
        made: Optional[ast.AST] = None
        if found & {"os.makedirs", "os.mkdir"} and event.node.args:
            made = event.node.args[0]
        elif isinstance(func, ast.Attribute) and func.attr in ("mkdir", "touch"):
            made = func.value
        path = paths.value(made, event.place.scope)
        if path:
            self.files.written.add(self.files.absolute(path, os.path.dirname(module.path)))

    def _file_call(self, module: Module, node: ast.Call, place: Place) -> None:
        for use in Paths(module.names, module.path).uses(node, place.scope):
            where = self.files.absolute(use.path, os.path.dirname(module.path))
            self.uses.append(use)
            foreign = use.path.home or use.path.text.startswith(("~",)) or (
                os.path.isabs(use.path.text) and not self.files.inside(where))
            system = not self.files.inside(where) and any(
                where == s or where.startswith(s + "/") for s in SYSTEM)
            shown = use.path.text if not use.path.beside else os.path.relpath(where,
                self.files.root)
            if use.writes:
                if not system:
                    self._report(module, node, place, "file-lost",
                        f"'{shown}' is written to memory: "
                                 "it is gone when the page is closed",
                                 "offer it for download (gradio.File)")
                continue
            self._read(module, node, place, where, shown, foreign, system)

    def _read(self, module: Module, node: ast.AST, place: Place, where: str, shown: str,
              foreign: bool, system: bool) -> None:
        if self.files.is_there(where) or (system and foreign):
            if os.path.isabs(shown) and not system and self.files.inside(where):
                self._report(module, node, place, "absolute-path", f"'{shown}' is a path of this "
                             "machine; in the app the file lies elsewhere",
                             "name it relative to the program: Path(__file__).parent / ...")
            return
        expected = caught("FileNotFoundError", place.caught)
        rule = "absolute-path" if foreign else "file-missing"
        why = "is a path of this machine" if foreign else "is not in the program's folder"
        self._report(module, node, place, rule, f"'{shown}' {why}" +
                     ("; what it raises is caught" if expected else ""),
                     "put the file into the program's folder, and name it relative to it",
                     WARNING if expected else None)


def _parallel(node: ast.Call) -> bool:
    """Whether joblib is asked for more than one job."""
    func = node.func
    inner = func if isinstance(func, ast.Call) else node
    jobs = keywords(inner).get("n_jobs") or (inner.args[0] if inner.args else None)
    return jobs is not None and not (isinstance(jobs, ast.Constant) and jobs.value in (1, None))


def _shown(dotted: str) -> str:
    return dotted.replace("builtins.", "")


def _texts(node: Optional[ast.AST], place: Place) -> List[str]:
    """The texts that an expression may be: both of `'cuda' if x else 'cpu'`."""
    if node is None:
        return []
    if isinstance(node, ast.IfExp):
        return _texts(node.body, place) + _texts(node.orelse, place)
    text = text_of(node, place.scope)
    return [text] if text is not None else []
