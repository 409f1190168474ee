"""One audit: reads a program, looks for all that the rules are about, and gathers a result."""

import gc
import os
from typing import List, NamedTuple, Optional, Set, Tuple

from .. import closure as closures
from .. import places
from ..errors import ToolError
from ..lock import Lock, LockError
from ..pep440 import InvalidVersion, SpecifierSet, Version
from . import bundle, download, installs, interface, secrets, stdlib, verdict, weights
from . import wheel_modules
from .calls import caught
from .checks import Checks
from .finding import Finding, Findings, Ignores
from .no_python import NoPython, look
from .paths import Files
from .project import Module, Project
from .reach import Reach
from .requirements import Requirements, beside
from .resolve import SUPPLIED_IMPORTS, Imports
from .rules import WARNING
from .walk import Event

_ENTRIES = ("app.py", "main.py", "__main__.py", "run.py", "demo.py", "run.ipynb")


class Options(NamedTuple):
    """What the command line says; `program` is a file or a folder."""

    program: str
    entry: Optional[str] = None
    wheels: Tuple[str, ...] = ()
    lock: Optional[str] = None
    requirements: Tuple[str, ...] = ()
    include: Tuple[str, ...] = ()
    measure: bool = True  # sizes of what is downloaded


class Result(NamedTuple):
    """What an audit found."""

    name: str
    findings: List[Finding]
    ignored: int
    verdict: verdict.Verdict
    files: List[str]
    closure: closures.Closure
    weights: List[Tuple[str, weights.Weights]]
    parts: List[download.Part]
    start: download.Start
    unmeasured: List[str]
    pyodide: str
    python: str
    no_python: Optional[NoPython] = None


class InputError(Exception):
    """The program, a wheel folder or the lock file is not there or cannot be read."""


class Audit:
    """Audits one program.  Raises InputError where there is nothing to audit."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.findings = Findings()
        self.folder_given = os.path.isdir(options.program)
        self.root, self.entry = self._places(options)
        self.project = Project(self.root, self.entry, self.findings)
        if self.folder_given and self.root != os.path.abspath(options.program) and not self.entry:
            self.project.package = os.path.relpath(options.program, self.root).split(os.sep)[0]
        self.lock = self._lock(options.lock)
        pinned = self._known()
        self.known = self.lock or pinned
        differs = self.lock.differs(pinned) if self.lock and pinned else ""
        if differs:
            raise InputError(f"{differs}; take the distribution of Pyodide {stdlib.table()['pyodide']}")
        self.resolver = closures.Resolver(options.wheels, self.lock,
                                          None if self.lock else self.known)
        self.project.may_be_folder = self._may_be_folder  # type: ignore[method-assign]
        self.project.lacks_foreign = self._lacks  # type: ignore[method-assign]

    @staticmethod
    def _places(options: Options) -> Tuple[str, Optional[str]]:
        path = options.program
        if not os.path.exists(path):
            raise InputError(f"{path}: there is no such file or folder")
        if not os.path.isdir(path):
            if not path.endswith((".py", ".pyw", ".ipynb")):
                raise InputError(f"{path}: neither a Python file, a notebook nor a folder")
            return os.path.dirname(os.path.abspath(path)), path
        if options.entry:
            entry = os.path.join(path, options.entry)
            if not os.path.isfile(entry):
                raise InputError(f"{entry}: there is no such file")
            return path, entry
        package = os.path.isfile(os.path.join(path, "__init__.py"))
        found = [n for n in _ENTRIES if not package and os.path.isfile(os.path.join(path, n))]
        if not found and not package:
            top = sorted(n for n in os.listdir(path) if n.endswith((".py", ".ipynb")))
            found = top if len(top) == 1 else []
        if found:
            return path, os.path.join(path, found[0])
        root = os.path.abspath(path)
        while os.path.isfile(os.path.join(root, "__init__.py")):
            root = os.path.dirname(root)
        return root, None

    @staticmethod
    def _lock(path: Optional[str]) -> Optional[Lock]:
        if path is None:
            return None
        if os.path.isdir(path):
            path = os.path.join(path, "pyodide-lock.json")
        try:
            return Lock(path)
        except LockError as error:
            raise InputError(str(error)) from None

    @staticmethod
    def _known() -> Optional[Lock]:
        try:
            folder = places.find_pyodide()
            return Lock(os.path.join(folder, "pyodide-lock.json")) if folder else None
        except (LockError, ToolError) as error:
            raise InputError(str(error)) from None

    def _may_be_folder(self, root: str) -> bool:
        """A folder without __init__.py counts where nothing else has its name."""
        return root not in stdlib.known() and self.resolver.distribution_of(root) is None and not (
            self.known and self.known.provides(root)) and root not in SUPPLIED_IMPORTS

    def _lacks(self, module: str, names: Tuple[str, ...]) -> bool:
        """Whether what is not the program's own cannot be imported."""
        root = module.split(".")[0]
        if root in SUPPLIED_IMPORTS or self.resolver.distribution_of(module):
            return False
        if root in ("__future__", "builtins", "__main__"):
            return False
        if root not in stdlib.known():
            return True
        return stdlib.verdict(module) is not None or any(
            n in stdlib.missing_names(module) or f"{module}.{n}" in stdlib.table()["absent"]
            for n in names)

    def run(self) -> Result:
        """Does all of it."""
        collects = gc.isenabled()
        gc.disable()  # it would look at all syntax trees again and again, which stay until the end
        try:
            return self._run()
        finally:
            if collects:
                gc.enable()

    def _run(self) -> Result:
        for place in self.options.wheels:
            if not os.path.exists(place):
                raise InputError(f"{place}: there is no such file or folder")
        self.project.read(self._entries())
        reach = Reach(self.project)
        self._sources()
        required = self._requirements()
        imports = Imports(self.project, reach, self.resolver, required.all, self.findings)
        imports.judge()
        wheel_modules.judge(imports)
        files = Files(self.root, list(self.options.include))
        checks = Checks(self.project, reach, files, self.findings)
        checks.run({item.key for item in imports.closure.items})
        interface.judge(self.project, reach, self.findings)
        named = self._named(checks, files)
        bundled = self._bundled(named)
        self._secrets(bundled)
        exposed = weights.among(bundled)
        self._weights(exposed)
        return self._result(imports.closure, bundled, exposed)

    def _entries(self) -> List[str]:
        if self.entry is not None:
            return [self.entry]
        found = [p for p in bundle.walk(self.options.program) if p.endswith((".py", ".ipynb"))]
        if not found:
            raise InputError(f"{self.options.program}: there are no Python files in it")
        return found

    def _sources(self) -> None:
        for module in self.project.modules.values():
            for source in module.sources:
                if source.error:
                    advice = ("correct it" if source.rule == "syntax"
                              else "leave it out, or make it a file of Python")
                    self.findings.add(module.file, source.rule, source.error, advice, source.line,
                                      source.column, source.cell)
            for line, column, name in module.ignores.unknown:
                place = module.position(line, 0)
                self.findings.add(module.file, "ignore", f"there is no rule '{name}'",
                                  "take a name of those in docs/audit.md", place[0], column,
                                  place[2])

    def _requirements(self) -> Requirements:
        required = Requirements(self.findings)
        for module in self.project.modules.values():
            if module.main:
                required.read_script("\n".join(module.lines), module.file)
            for event in module.events:
                for text in installs.texts(module, event) or ():
                    self._installed(module, event, text, required)
        for path in self.options.requirements:
            if not os.path.isfile(path):
                raise InputError(f"{path}: there is no such file")
            required.read_file(path, self.project.relative(path))
        found = None if self.options.requirements else beside(self.root)
        if found:
            required.read_file(found, self.project.relative(found))
        if required.python:
            self._python(required.python)
        return required

    def _installed(self, module: Module, event: Event, text: str, required: Requirements) -> None:
        line, _, _ = module.position(event.node.lineno, 0)  # type: ignore[attr-defined]
        wheel = installs.file_of(text, self.root)
        if wheel:
            self.resolver.folder.add_file(wheel)
            required.add_text(os.path.basename(wheel).split("-")[0], module.file, line, True)
        elif not installs.is_path(text):
            required.add_text(text, module.file, line,
                              not caught("ValueError", event.place.caught))

    def _python(self, needed: str) -> None:
        python = self.resolver.target.full
        try:
            fits = SpecifierSet(needed).matches(Version(python))
        except InvalidVersion as error:
            self.findings.add(self.project.relative(self.entry or self.root), "requirement",
                              f"requires-python: {error}", "write it as PEP 440 says")
            return
        if not fits:
            self.findings.add(self.project.relative(self.entry or self.root), "version",
                              f"it requires Python {needed}, and Pyodide has {python}",
                              "widen requires-python")

    # ---- files ---------------------------------------------------------------------------------

    def _named(self, checks: Checks, files: Files) -> List[str]:
        found = []
        for use in checks.uses:
            place = files.absolute(use.path, self.root)
            if not use.writes and files.inside(place) and os.path.isfile(place):
                found.append(place)
        return found

    def _bundled(self, named: List[str]) -> List[str]:
        """What the app would have: all of a folder; of a file, what it imports and names."""
        found: Set[str] = set()
        if self.folder_given:
            found.update(os.path.abspath(p) for p in bundle.walk(self.options.program))
        else:
            found.update(os.path.abspath(m.path) for m in self.project.modules.values())
            found.update(named)
            for entry in sorted(os.listdir(self.root)):
                if secrets.is_environment_file(entry) and \
                        os.path.isfile(os.path.join(self.root, entry)):
                    found.add(os.path.join(self.root, entry))
            for path in named:
                found.update(p for p in (path + ".data", path + "_data") if os.path.isfile(p))
        for place in self.options.include:
            if not os.path.exists(place):
                raise InputError(f"{place}: there is no such file or folder")
            found.update(os.path.abspath(p) for p in
                         (bundle.walk(place) if os.path.isdir(place) else [place]))
        return sorted(found)

    def _secrets(self, bundled: List[str]) -> None:
        searched, left = bundle.texts(bundled)
        if left:
            shown = self.project.relative(left[0]) + (f" and {len(left) - 1} more" if left[1:] else
                                                      "")
            self.findings.add(self.project.relative(left[0]), "unreadable",
                              f"not searched for keys, because there is too much text: {shown}",
                              "look into it, or leave it out", severity=WARNING)
        for path in searched:
            try:
                with open(path, encoding="utf-8", errors="replace") as f:
                    text = f.read()
            except OSError:
                continue
            if text.count("\0"):
                continue
            shown = self.project.relative(path)
            ignores = Ignores(text.split("\n"))
            for secret in secrets.find(text, path):
                rule = "secret" if secret.certain else "secret-likely"
                if ignores.covers(rule, secret.line, secret.line):
                    self.findings.ignored += 1
                    continue
                self.findings.add(
                    shown, rule,
                        f"{secret.what}: {secret.shown}; whoever opens the page can read it",
                    "revoke it, keep it on a server, and take it out of the file", secret.line,
                    secret.column)

    def _weights(self, exposed: List[weights.Weights]) -> None:
        for found in exposed:
            advice = "expect that: what has to stay secret has to stay on a server"
            if not found.runnable:
                advice = "export the model to ONNX, and leave this file out"
            self.findings.add(self.project.relative(found.path), "weights",
                              f"{found.size} bytes of {found.format}: whoever opens the page can "
                              f"copy "
                              "them", advice)

    def _result(self, closure: closures.Closure, bundled: List[str],
                exposed: List[weights.Weights]) -> Result:
        models = {w.path for w in exposed}
        measure = download.measure if self.options.measure else lambda *_: []
        parts = measure([i.path for i in closure.items],
                        [p for p in bundled if p not in models], sorted(models), self.root)
        kinds = {p.kind for p in parts}
        unmeasured = [f"Not measured: the {kind}, which is not beside the program."
                      for kind in (download.INTERPRETER, download.ENGINE) if kind not in kinds]
        found = self.findings.sorted()
        name = os.path.basename(os.path.normpath(self.options.program))
        return Result(name, found, self.findings.ignored, verdict.of(found, name),
                      sorted(m.file for m in self.project.modules.values()), closure,
                      [(self.project.relative(w.path), w) for w in exposed], parts,
                      download.estimate(parts), unmeasured, stdlib.table()["pyodide"],
                      self.resolver.target.full, self._without(parts))

    def _without(self, parts: List[download.Part]) -> Optional[NoPython]:
        if not self.options.measure or self.entry is None or not self.entry.endswith(".py"):
            return None
        return look(self.entry, parts)
