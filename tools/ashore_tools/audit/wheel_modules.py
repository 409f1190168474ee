"""The modules of pure wheels that a program's imports reach: what happens when they are imported,
as of packages that are installed beside a program."""

import ast
import os
from collections import deque
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from ..closure import SUPPLIED, Item
from ..wheels import WheelError, parse_name
from . import packages, stdlib
from .calls import caught
from .checks import Checks
from .finding import Findings
from .guards import catching, fails
from .paths import Files
from .project import TOO_MUCH, Import, Module, Project
from .reach import Reach
from .resolve import SUPPLIED_IMPORTS, Imports
from .rules import ERROR, RULES, WARNING
from .source import Source
from .walk import Place
from .wheel_files import WheelFiles

_ALWAYS = {"__future__", "builtins", "__main__"}


class Flaw(NamedTuple):
    """What keeps a module of a wheel from being imported."""

    module: Module
    line: int
    rule: str
    message: str
    advice: str
    raises: str   # the exception; '' where nothing can be done about it
    place: Place
    what: str     # the module that is not there, or ''


class WheelModules(Project):
    """The modules of a closure's wheels.  `named` says of a module whether it is reported already
    that its distribution is not there.  Wheels with machine code are known by their names alone."""

    def __init__(self, items: Iterable[Item], program: Project,
                 named: Callable[[str], bool]) -> None:
        super().__init__(program.root, None, Findings())
        self.named = named
        self.program = program
        self.flaws: List[Flaw] = []
        wheels = [item for item in items if item.path.endswith(".whl")
                  and item.key not in SUPPLIED]
        self.wheels = WheelFiles([item.path for item in wheels])
        self._pure = {base for base, item in zip(self.wheels.bases, wheels) if _is_pure(item)}
        self._opaque = {name for item in items for name in item.imports
                        if not item.path.endswith(".whl")}
        self.paths = list(self.wheels.bases)
        self.packages = {_stem(name) for base in self._pure for name in self._listing(base)}

    # ---- files ---------------------------------------------------------------------------------

    def relative(self, path: str) -> str:
        wheel = self.wheels.wheel_of(path)
        return os.path.relpath(path, wheel).replace(os.sep, "/") if wheel else path

    def wheel_of(self, module: Module) -> str:
        """The name of the file that a module is in."""
        return os.path.basename(self.wheels.wheel_of(module.path) or "")

    def load(self, path: str) -> List[Source]:
        return self.wheels.load(path)

    def _list(self, folder: str) -> Dict[str, bool]:
        return self.wheels.listing(folder)

    def _is_file(self, path: str) -> bool:
        return self.wheels.is_file(path)

    def _is_read(self, path: str) -> bool:
        return path.endswith(".py") and self.wheels.wheel_of(path) in self._pure

    def _is_local(self, root: str) -> bool:
        return root not in stdlib.present() and root not in SUPPLIED_IMPORTS and \
            super()._is_local(root)

    def _add_path(self, folder: str, module: Module, node: ast.Call) -> None:
        if self.wheels.wheel_of(folder) and folder not in self.paths:
            self.paths.append(folder)
            self._found.clear()

    # ---- following -----------------------------------------------------------------------------

    def follow(self, uses: Iterable[Import], distributions: Set[str]) -> None:
        """Reads all modules that imports of the program reach, and gathers flaws."""
        for use in uses:
            if self._is_local(use.module.split(".")[0]):
                self._import(use.module, use.names, use.file, use.node, use.place)
        while self._queue:
            self._follow(self._queue.popleft())
        for module in self.modules.values():
            self._unreadable(module)
            self._raising(module)
        for use in self.imports:
            self._judge(use)
        _Calls(self).run(distributions)

    def holds(self, module: Module) -> bool:
        """Whether a module is of a wheel, and not of the program."""
        return self.modules.get(module.name) is module

    def flaw(self, module: Module, node: ast.AST, place: Place, rule: str, message: str,
             advice: str, raises: str, what: str = "") -> None:
        """Notes what fails while a module of a wheel is imported."""
        if self.holds(module):
            line = getattr(node, "lineno", 0)
            self.flaws.append(Flaw(module, line, rule, message, advice, raises, place, what))

    def _unreadable(self, module: Module) -> None:
        for source in module.sources:
            if source.error:
                raises = "SyntaxError" if source.rule == "syntax" else ""
                self.flaws.append(Flaw(module, source.line, source.rule, source.error, "give "
                                       "another version of it, or download it again", raises,
                                       _whole(module), ""))

    def _raising(self, module: Module) -> None:
        """`raise` at the level of a module, where all conditions around it are known to hold."""
        place, waiting = _whole(module), list(module.tree.body)
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.If):
                outcome = module.conditions.outcome(node.test, place.scope)
                waiting += [] if outcome is None else node.body if outcome else node.orelse
            elif isinstance(node, ast.Raise) and node.exc is not None:
                kind = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                name = getattr(kind, "id", "an exception")
                self.flaw(module, node, place, "wheel", f"it raises {name}",
                          "give another version of it, or do without it", name)

    def _too_much(self, module: Module) -> None:
        self.flaws.append(Flaw(module, 0, "unreadable", f"the wheels have {TOO_MUCH} that are "
                               "imported: this file, and what follows, is not read",
                               "leave out what the program does not need", "", _whole(module), ""))

    def _lacking(self, use: Import, rule: str, message: str, advice: str) -> None:
        if rule == "local-module" and not self._may_be_made(use.module):
            self.flaw(use.file, use.node, use.place, "wheel",
                      f"there is no module '{use.module}' in the wheel",
                      "give another version of it", "ImportError", use.module)

    def _may_be_made(self, name: str) -> bool:
        """Whether a package that is there makes a module of that name while it runs, or is not
        read."""
        parts = name.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            path = self.find(".".join(parts[:cut]))
            if path is not None:
                return path.endswith(".py") and (not self._is_read(path) or any(
                    mark in source.text for source in self.load(path)
                    for mark in ("sys.modules", "meta_path", "__path__")))
        return False

    def lacks(self, module: str, names: Tuple[str, ...]) -> bool:
        if self._is_local(module.split(".")[0]):
            return self.find(module) is None and not self._may_be_made(module)
        return self.lacks_foreign(module, names)

    def lacks_foreign(self, module: str, names: Tuple[str, ...]) -> bool:
        root = module.split(".")[0]
        if self._is_elsewhere(root):
            return False
        return root not in stdlib.known() or bool(stdlib.lacking(module, names))

    def _is_elsewhere(self, root: str) -> bool:
        return root in SUPPLIED_IMPORTS or root in _ALWAYS or root in self._opaque or \
            self.program.find(root) is not None

    # ---- imports of what no wheel has ----------------------------------------------------------

    def _judge(self, use: Import) -> None:
        root = use.module.split(".")[0]
        if self._is_elsewhere(root):
            return
        if root in stdlib.known():
            for rule, message, advice in stdlib.lacking(use.module, use.names):
                self.flaw(use.file, use.node, use.place, rule, message, advice, "ImportError",
                          "" if rule == "stdlib-name" else use.module)
            return
        if self.named(use.module):
            return
        native = packages.native(root)
        if native:
            message, advice = f"'{root}' cannot be in a page: {native[0]}", native[1]
        else:
            message = f"'{root}' is not there: the wheel does not say that it needs it"
            advice = ("add the distribution that has it to requirements.txt, and give its wheel "
                      "with --wheels")
        instead = _before(use, self)
        if instead:
            message, advice = f"{instead[1]}, and {message}", instead[2]
            self.flaws = [f for f in self.flaws if f.module is not use.file
                          or f.what != instead[0]]
        self.flaw(use.file, use.node, use.place, "native-package" if native else "no-wheel",
                  message, advice, "ImportError", root)


def _is_pure(item: Item) -> bool:
    try:
        return parse_name(os.path.basename(item.path)).pure
    except WheelError:
        return False


def _whole(module: Module) -> Place:
    return Place(module.scopes.module, None, None, ())


def _stem(name: str) -> str:
    return name[:-3] if name.endswith(".py") else name


def _before(use: Import, modules: WheelModules) -> Optional[Tuple[str, str, str]]:
    """What was to be imported, where an import is in the handler for its failure: the module of the
    standard library, why it is not there, and advice."""
    scopes = use.file.scopes
    for node in scopes.guarded:
        handler = catching(node)
        if handler is None or not any(s is use.node for s in handler.body):
            continue
        for statement in node.body:  # type: ignore[attr-defined]
            if fails(statement, scopes.package, modules.lacks):
                names = [a.name for a in statement.names] if isinstance(statement, ast.Import) \
                    else [statement.module or ""]
                problem = stdlib.verdict(names[0]) if names[0].split(".")[0] in stdlib.known() \
                    else None
                return (names[0], problem[1], problem[2]) if problem else None
    return None


class _AllFiles(Files):
    """A wheel's own files are there, and others are not its author's mistake."""

    def is_there(self, place: str) -> bool:
        return True


class _Calls(Checks):
    """Calls that fail while a module is imported."""

    def __init__(self, modules: WheelModules) -> None:
        super().__init__(modules, Reach(modules), _AllFiles(modules.root, []), modules.findings)
        self.wheels = modules

    def _report(self, module: Module, node: ast.AST, place: Place, rule: str, message: str,
                advice: str, severity: Optional[str] = None) -> None:
        if (severity or RULES[rule].severity) == ERROR:
            raises = {"stdlib-name": "AttributeError", "environment": "KeyError",
                      "secret-environment": "KeyError"}.get(rule, "RuntimeError")
            self.wheels.flaw(module, node, place, rule, message, advice, raises)


# How sure it is that a module of a wheel is imported, and that a failure ends the program.
_SURE, _PERHAPS, _EXPECTED = range(3)
_MOST_NAMES = 8  # in one note


class Reached(NamedTuple):
    """By which import of the program a module of a wheel is reached, and how surely."""

    use: Import
    rank: int


class Judge:
    """Reports flaws at the imports of the program that lead to them."""

    def __init__(self, modules: WheelModules, reach: Reach, findings: Findings) -> None:
        self.modules = modules
        self.reach = reach
        self.findings = findings
        self._edges: Dict[str, List[Tuple[str, Import]]] = {}
        self._seeds: List[Tuple[str, Import]] = []
        for name, use in modules.local_imports:
            if modules.holds(use.file):
                self._edges.setdefault(use.file.name, []).append((name, use))
            else:
                self._seeds.append((name, use))
        self._maps: Dict[str, Dict[str, Reached]] = {}
        self._flawed = self._failing()

    def report(self) -> None:
        """Adds a finding for each flaw; of those that say the same, for the first."""
        said: Set[tuple] = set()
        without: Dict[Tuple[Import, str], List[str]] = {}
        found = [(flaw, self._map(flaw.raises).get(flaw.module.name))
                 for flaw in self.modules.flaws]
        ranked = [(max(reached.rank, self._rank_of(flaw)), flaw, reached.use)
                  for flaw, reached in found if reached is not None]
        for rank, flaw, use in sorted(ranked, key=lambda row: row[0]):
            if rank == _EXPECTED:
                wheel = self.modules.wheel_of(flaw.module)
                without.setdefault((use, wheel), []).extend([flaw.what] if flaw.what else [])
            elif (use, flaw.message) not in said:
                said.add((use, flaw.message))
                self._report(flaw, use, rank)
        for (use, wheel), names in without.items():
            self._report_optional(use, wheel, sorted(set(names)))

    def _report(self, flaw: Flaw, use: Import, rank: int) -> None:
        modules = self.modules
        first = modules.modules.get(use.module.split(".")[0])
        own = modules.wheel_of(flaw.module)
        wheel = modules.wheel_of(first) if first else own
        at = flaw.module.file + (f":{flaw.line}" if flaw.line else "") + (
            f" of {own}" if own != wheel else "")
        message = f"the import of {use.module} ({wheel}) runs {at}: {flaw.message}"
        if rank == _PERHAPS:
            message += " (on a condition, or it is caught)"
        use.file.report(self.findings, use.node, flaw.rule, message, flaw.advice,
                        WARNING if rank == _PERHAPS else None,
                        self.reach.holds(use.file, use.place.function))

    def _report_optional(self, use: Import, wheel: str, names: List[str]) -> None:
        if names:
            more = len(names) - _MOST_NAMES
            shown = ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
            use.file.report(self.findings, use.node, "optional-import",
                            f"{wheel} goes on without {shown}", "nothing, unless you need it")

    def _map(self, raises: str) -> Dict[str, Reached]:
        """For each module how it is reached, where that exception is what a handler has to take."""
        if raises not in self._maps:
            found: Dict[str, Reached] = {}
            for rank in (_SURE, _PERHAPS, _EXPECTED):
                self._spread(raises, rank, found)
            self._maps[raises] = found
        return self._maps[raises]

    def _spread(self, raises: str, rank: int, found: Dict[str, Reached]) -> None:
        """Adds the modules that are reached as surely as that."""
        waiting = deque((name, use) for name, use in self._seeds
                        if self._seed_rank(use, raises) <= rank)
        for name, reached in found.items():
            waiting.extend(self._below(name, reached.use, raises, rank))
        while waiting:
            name, use = waiting.popleft()
            if name not in found:
                found[name] = Reached(use, rank)
                waiting.extend(self._below(name, use, raises, rank))

    def _below(self, name: str, use: Import, raises: str, rank: int) -> List[Tuple[str, Import]]:
        return [(below, use) for below, by in self._edges.get(name, ())
                if self._rank(by.place, raises) <= rank]

    def _rank_of(self, flaw: Flaw) -> int:
        """Packages that are not required, and imported on a condition, are not needed."""
        rank = self._rank(flaw.place, flaw.raises)
        return _EXPECTED if rank and flaw.rule in ("no-wheel", "native-package") else rank

    def _rank(self, place: Place, raises: str) -> int:
        if caught(raises, place.caught):
            return _EXPECTED
        if place.spare:
            return _SURE if self._flawed & set(place.spare) else _EXPECTED
        return _PERHAPS if place.maybe else _SURE

    def _failing(self) -> Set[str]:
        """The modules of wheels whose import fails for sure."""
        above: Dict[str, List[str]] = {}
        for name, edges in self._edges.items():
            for below, use in edges:
                if not (use.place.maybe or caught("ImportError", use.place.caught)):
                    above.setdefault(below, []).append(name)
        waiting = [flaw.module.name for flaw in self.modules.flaws
                   if not (flaw.place.maybe or caught(flaw.raises, flaw.place.caught))]
        failing: Set[str] = set()
        while waiting:
            name = waiting.pop()
            if name not in failing:
                failing.add(name)
                waiting += above.get(name, ())
        return failing

    def _seed_rank(self, use: Import, raises: str) -> int:
        place, file = use.place, use.file
        unsure = caught(raises, place.caught) or file.shallow and place.maybe or \
            not file.sure and place.function is None
        return _PERHAPS if unsure else _SURE


def judge(imports: Imports) -> None:
    """Adds findings about the wheels of a closure, at the imports of the program."""
    problems = {problem.key for problem in imports.closure.problems}
    modules = WheelModules(imports.closure.items, imports.project,
                           lambda module: imports.distribution_of(module) in problems)
    try:
        if modules.packages:
            modules.follow(imports.project.imports,
                           {item.key for item in imports.closure.items})
            Judge(modules, imports.reach, imports.findings).report()
    finally:
        modules.wheels.close()
