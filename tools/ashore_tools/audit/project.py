"""The files of a program: its entry, and the modules of its own that they import."""

import ast
import os
from collections import deque
from typing import Deque, Dict, List, NamedTuple, Optional, Set, Tuple

from . import guards
from .calls import caught
from .conditions import Conditions
from .finding import Findings, Ignores
from .meanings import Meanings
from .names import Names, text_of
from .paths import Paths
from .rules import ERROR, RULES, WARNING
from .scopes import Scopes, absolute
from .slim import slim
from .source import Source, load
from .walk import Event, Place, Walker

_NATIVE = (".so", ".pyd", ".pyx", ".dylib")
_MOST_MODULES, _MOST_TEXT = 5000, 32 << 20  # files, and characters of all of them
TOO_MUCH = f"more than {_MOST_MODULES} files or {_MOST_TEXT >> 20} MiB of Python"


class Import(NamedTuple):
    """An import of what is not of the program's own."""

    module: str            # dotted, as it is imported
    names: Tuple[str, ...]  # of `from module import names`
    file: "Module"
    node: ast.AST
    place: Place


class Module:
    """A file of the program, parsed."""

    def __init__(self, project: "Project", name: str, path: str, package: str, main: bool) -> None:
        self.name = name
        self.path = os.path.abspath(path)
        self.file = project.relative(path)
        self.main = main
        self.sources = project.load(path)
        self.shallow = name.split(".")[0] in project.packages
        self._starts: List[Tuple[int, int]] = []  # first line of each cell, and its number
        self.lines: List[str] = []
        self.tree = ast.Module(body=[], type_ignores=[])
        for source in self.sources:
            self._join(source)
        self.ignores = Ignores(self.lines)
        self.scopes = Scopes(self.tree, package)
        unrun = guards.apply(self.scopes, project.lacks)
        self.names = Names(self.scopes, project.names_of if self.shallow else project.own_names_of,
                           project.meanings)
        self.conditions = Conditions(self.names, main, project.lacks, unrun)
        self.sure = True  # whether it is imported for sure
        self._events: Optional[List[Event]] = None

    def _join(self, source) -> None:
        offset = len(self.lines)
        self._starts.append((offset, source.cell))
        self.lines += source.text.split("\n")
        if source.tree is not None:
            if offset:
                ast.increment_lineno(source.tree, offset)
            if self.shallow:
                slim(source.tree, source.text)
            self.tree.body += source.tree.body

    @property
    def events(self) -> List[Event]:
        """All nodes that may run, in order."""
        if self._events is None:
            self._events = list(Walker(self.tree, self.scopes, self.conditions,
                                       self.conditions.unrun, self.shallow).events())
        return self._events

    def position(self, line: int, column: int) -> Tuple[int, int, int]:
        """Line, column (characters, from 1) and cell of a place in the joined text; column is in
        bytes from 0, as in ast."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        at = len(text.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "replace")) + 1
        start, cell = max((s for s in self._starts if s[0] < max(line, 1)), default=(0, 0))
        return line - start, at, cell

    def level(self, rule: str, severity: Optional[str], place: Place) -> Optional[str]:
        """The severity of a finding: what an installed package does on a condition that is not
        known stops no program for sure, nor does a module whose failure is expected."""
        unsure = self.shallow and place.maybe or not self.sure and place.function is None
        if unsure and (severity or RULES[rule].severity) == ERROR:
            return WARNING
        return severity

    def report(self, findings: Findings, node: ast.AST, rule: str, message: str, advice: str,
               severity: Optional[str] = None, reached: bool = True) -> None:
        """Adds a finding about a node."""
        first = getattr(node, "lineno", 1)
        last = getattr(node, "end_lineno", first) or first
        if self.ignores.covers(rule, first, last):
            findings.ignored += 1
            return
        line, column, cell = self.position(first, getattr(node, "col_offset", 0))
        findings.add(self.file, rule, message, advice, line, column, cell, severity, reached)


class Project:
    """A program.  `root` is its folder, `entry` the file that is run, or None: all files are."""

    def __init__(self, root: str, entry: Optional[str], findings: Findings) -> None:
        self.root = os.path.abspath(root)
        self.findings = findings
        self.modules: Dict[str, Module] = {}
        self.meanings = Meanings()
        self.imports: List[Import] = []
        self.local_imports: List[Tuple[str, Import]] = []
        self.paths = [self.root]
        self.package = ""  # where not '': only this package of the folder is the program's own
        self._found: Dict[str, Optional[str]] = {}
        self._listings: Dict[str, Dict[str, bool]] = {}
        self._native: Dict[str, List[str]] = {}  # compiled modules of a folder that was read
        self._scopes: Dict[str, Optional[Module]] = {}
        self._queue: Deque[Module] = deque()
        self._text, self._full = 0, False
        # What imports lack, to be reported when it is known which modules are imported for sure.
        self._late: List[Tuple[Import, str, str, str]] = []
        for folder in ("src", "lib"):
            if os.path.isdir(os.path.join(self.root, folder)) and entry is not None:
                self.paths.append(os.path.join(self.root, folder))
        self.entry = entry
        self.packages = self._packages() if entry is not None else set()

    def relative(self, path: str) -> str:
        """A path as it is shown: relative to the program's folder where it is in it."""
        shown = os.path.relpath(path, self.root)
        return path if shown.startswith("..") else shown.replace(os.sep, "/")

    def read(self, files: List[str]) -> None:
        """Reads the files, which are run, and all modules of the program's own that they reach."""
        for path in files:
            name = "__main__" if self.entry else self._name_of(path)
            package = "" if self.entry else self._package_of(name, path)
            self._add(Module(self, name, path, package, bool(self.entry)))
        while self._queue:
            self._follow(self._queue.popleft())
        self._settle()
        for use, rule, message, advice in self._late:
            level = use.file.level(rule, None, use.place)
            use.file.report(self.findings, use.node, rule, message, advice, level)

    def _settle(self) -> None:
        """Finds the modules that are imported for sure: not only on a condition that is not known,
        nor only where a failure is expected."""
        if self.entry is None:
            return
        below: Dict[str, List[str]] = {}
        for name, use in self.local_imports:
            if not (use.file.shallow and use.place.maybe or caught("ImportError",
                                                                   use.place.caught)):
                below.setdefault(use.file.name, []).append(name)
        waiting = [module.name for module in self.modules.values() if module.main]
        sure = set(waiting)
        while waiting:
            for name in below.get(waiting.pop(), ()):
                if name not in sure:
                    sure.add(name)
                    waiting.append(name)
        for module in self.modules.values():
            module.sure = module.name in sure

    def _packages(self) -> Set[str]:
        """Names of the packages that were installed into the folder: their functions are not the
        program's own, and only what happens when they are imported counts."""
        found: Set[str] = set()
        for base in self.paths:
            for entry in self._listing(base):
                if entry.endswith(".dist-info"):
                    try:
                        with open(os.path.join(base, entry, "RECORD"), encoding="utf-8") as f:
                            found |= {line.split(",")[0].split("/")[0] for line in f}
                    except (OSError, ValueError):
                        continue
        return {name[:-3] if name.endswith(".py") else name for name in found}

    def _name_of(self, path: str) -> str:
        parts = os.path.splitext(os.path.relpath(path, self.root))[0].split(os.sep)
        return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)

    @staticmethod
    def _package_of(name: str, path: str) -> str:
        return name if os.path.basename(path) == "__init__.py" else name.rpartition(".")[0]

    def _add(self, module: Module) -> None:
        if module.name in self.modules:
            return
        self._text += sum(len(source.text) for source in module.sources)
        if len(self.modules) < _MOST_MODULES and self._text < _MOST_TEXT:
            self.modules[module.name] = module
            self._queue.append(module)
        elif not self._full:
            self._full = True
            self._too_much(module)

    def _too_much(self, module: Module) -> None:
        """Says once that there is more than is read."""
        self.findings.add(module.file, "unreadable", f"the program has {TOO_MUCH}: this one, and "
                          "what follows, is not read", "leave out what the program does not need")

    # ---- files, which others have elsewhere ----------------------------------------------------

    def load(self, path: str) -> List[Source]:
        """The sources of a file."""
        return load(path)

    def _list(self, folder: str) -> Dict[str, bool]:
        return _listed(folder)

    def _is_file(self, path: str) -> bool:
        return os.path.isfile(path)

    def _is_read(self, path: str) -> bool:
        """Whether a module is one of those that are parsed."""
        return path.endswith(".py")

    # ---- finding modules -----------------------------------------------------------------------

    def find(self, name: str) -> Optional[str]:
        """The path of a module of the program's own; a folder for a namespace package."""
        if name not in self._found:
            self._found[name] = self._search(name)
        return self._found[name]

    def _search(self, name: str) -> Optional[str]:
        parts = name.split(".")
        if not name or not all(p.isidentifier() for p in parts):
            return None
        if self.package and parts[0] != self.package:
            return None
        for base in self.paths:
            folder, last = os.path.join(base, *parts[:-1]), parts[-1]
            entries = self._listing(folder)
            path = os.path.join(folder, last)
            if entries.get(last) is False and self._listing(path).get("__init__.py"):
                return os.path.join(path, "__init__.py")
            if entries.get(last + ".py"):
                return path + ".py"
            for entry in self._native.get(folder, ()):
                if entry.split(".")[0] == last:
                    return os.path.join(folder, entry)
        for base in self.paths:
            path = os.path.join(base, *parts)
            if any(n.endswith(".py") if file else not n.startswith((".", "__"))
                   for n, file in self._listing(path).items()):
                return path
        return None

    def _listing(self, folder: str) -> Dict[str, bool]:
        """Names in a folder, which is read once, and whether each is a file (or else a folder)."""
        found = self._listings.get(folder)
        if found is None:
            found = self._listings[folder] = self._list(folder)
            native = [n for n in sorted(found) if n.endswith(_NATIVE) and found[n]]
            if native:
                self._native[folder] = native
        return found

    def own_names_of(self, name: str) -> Optional[Names]:
        """The names of a module of the program's own, None for others."""
        return None if name.split(".")[0] in self.packages else self.names_of(name)

    def names_of(self, name: str) -> Optional[Names]:
        """The same, also for packages that were installed into the folder."""
        if name in self.modules:
            return self.modules[name].names
        if name not in self._scopes and self._full:
            return None
        if name not in self._scopes:
            self._scopes[name] = None  # for modules that import each other
            path = self.find(name) if self.find(name.partition(".")[0]) else None
            if path and self._is_read(path):
                self._scopes[name] = Module(self, name, path, self._package_of(name, path), False)
        module = self._scopes[name]
        return module.names if module else None

    # ---- following imports ---------------------------------------------------------------------

    def _follow(self, module: Module) -> None:
        for node, place in module.events:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._import(alias.name, (), module, node, place)
            elif isinstance(node, ast.ImportFrom):
                self._import_from(module, node, place)
            elif isinstance(node, ast.Call):
                self._import_call(module, node, place)
                self._search_path(module, node, place)

    def _import_from(self, module: Module, node: ast.ImportFrom, place: Place) -> None:
        base = absolute(node, module.scopes.package)
        names = tuple(a.name for a in node.names)
        if node.level and not base:
            for name in names:
                if self.find(name) is None:
                    self._missing_local(name, module, node, place)
                else:
                    self._import(name, (), module, node, place)
            return
        if node.level and self.find(base) is None:
            self._missing_local(base, module, node, place)
            return
        self._import(base, names, module, node, place)

    def _import_call(self, module: Module, node: ast.Call, place: Place) -> None:
        found = module.names.of(node.func, place.scope)
        if not found & {"importlib.import_module", "__import__", "builtins.__import__"}:
            return
        first = node.args[0] if node.args else None
        name = text_of(first, place.scope)
        if name is not None:
            if name and not name.startswith("."):
                self._import(name, (), module, node, place)
        else:
            module.report(self.findings, node, "dynamic-import",
                          "which module is imported is known only when the program runs",
                          "name it, or add it to requirements.txt")

    def _search_path(self, module: Module, node: ast.Call, place: Place) -> None:
        """`sys.path.insert(0, folder)` and the like."""
        found = module.names.of(node.func, place.scope)
        if not found & {"sys.path.insert", "sys.path.append", "site.addsitedir"} or not node.args:
            return
        path = Paths(module.names, module.path).value(node.args[-1], place.scope)
        if path is None or path.home:
            return
        base = os.path.dirname(module.path) if path.beside else self.root
        self._add_path(os.path.normpath(os.path.join(base, path.text)), module, node)

    def _add_path(self, folder: str, module: Module, node: ast.Call) -> None:
        if folder != self.root and not folder.startswith(self.root + os.sep):
            module.report(self.findings, node, "local-module",
                          f"'{folder}' is not in the program's folder: modules there are not part "
                          "of an app", "copy the modules into the program's folder")
        elif folder not in self.paths:
            self.paths.append(folder)
            self._found.clear()

    def _import(self, dotted: str, names: Tuple[str, ...], module: Module, node: ast.AST,
                place: Place) -> None:
        use = Import(dotted, names, module, node, place)
        if dotted.split(".")[0] in ("__future__", "__main__", "builtins") or not dotted:
            return
        if not self._is_local(dotted.split(".")[0]):
            self.imports.append(use)
            return
        parts = dotted.split(".")
        for cut in range(1, len(parts) + 1):
            name = ".".join(parts[:cut])
            if not self._load(name, use):
                if cut > 1 and not self._bound(parts, cut):
                    self._missing_local(name, module, node, place)
                return
        for name in names:
            if name != "*" and self.find(f"{dotted}.{name}") and not self._defines(dotted, name):
                self._load(f"{dotted}.{name}", use)

    def _is_local(self, root: str) -> bool:
        """Whether a name is a module of the program; folders without __init__.py come last."""
        path = self.find(root)
        if path is None:
            return False
        return self._is_file(path) or self.may_be_folder(root)

    def may_be_folder(self, root: str) -> bool:
        """Whether a folder of the program counts as the module; set by who knows the others."""
        return True

    def lacks(self, module: str, names: Tuple[str, ...]) -> bool:
        """Whether a module cannot be imported, or one of the names from it."""
        if self._is_local(module.split(".")[0]):
            path = self.find(module)
            below = [self.find(f"{module}.{name}") or "" for name in names if name != "*"]
            return path is None or any(p.endswith(_NATIVE) for p in [path] + below)
        return self.lacks_foreign(module, names)

    def lacks_foreign(self, module: str, names: Tuple[str, ...]) -> bool:
        """The same for what is not of the program's own; set by who knows that."""
        return False

    def _bound(self, parts: List[str], cut: int) -> bool:
        return self._defines(".".join(parts[:cut - 1]), parts[cut - 1])

    def _defines(self, module: str, name: str) -> bool:
        """Whether a module has a name other than by `from . import name`, which loads a module."""
        names = self.names_of(module)
        return names is not None and any(
            binding.dotted != f"{module}.{name}"
            for binding in names.scopes.module.names.get(name, ()))

    def _load(self, name: str, use: Import) -> bool:
        path = self.find(name)
        if path is None:
            return False
        self.local_imports.append((name, use))
        if path.endswith(_NATIVE):
            self._lacking(use, "native-module",
                          f"{self.relative(path)} is compiled for another platform",
                          "use a module in Python, or a wheel that is built for Pyodide")
        elif name not in self.modules and self._is_read(path):
            known = self._scopes.get(name)
            self._add(known or Module(self, name, path, self._package_of(name, path), False))
        return True

    def _lacking(self, use: Import, rule: str, message: str, advice: str) -> None:
        if caught("ImportError", use.place.caught):
            rule, advice = "optional-import", "nothing: the program goes on without it"
        self._late.append((use, rule, message, advice))

    def _missing_local(self, name: str, module: Module, node: ast.AST, place: Place) -> None:
        self._lacking(Import(name, (), module, node, place), "local-module",
                      f"there is no module '{name}' in the program's folder",
                      "correct the name, or add the file")


def _listed(folder: str) -> Dict[str, bool]:
    found: Dict[str, bool] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    if entry.is_dir() or entry.is_file():
                        found[entry.name] = entry.is_file()
                except OSError:  # a link to itself
                    continue
    except OSError:
        pass
    return found
