"""The closure of a program's requirements: every wheel that has to be shipped, and in which order.

Wheels come from folders (`--wheels`) and from a copy of Pyodide's distribution (`--lock FILE`,
whose hashes are compared).  Nothing is downloaded.  `resolve` never raises for what a requirement
or a wheel lacks: it lists problems.  `Closure.check` raises them.
"""

import os
from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from .lock import Lock, Package
from .pep440 import InvalidVersion, SpecifierSet, Version
from .pep508 import InvalidRequirement, Requirement, canonical, environment
from .wheels import Folder, Target, Wheel, WheelError, WheelName, best_tag, check_archive
from .wheels import parse_name, same_hash, sha256, why_not

# What every app has without a wheel of its own: distribution -> import names.
SUPPLIED: Dict[str, Tuple[str, ...]] = {
    "ashore": ("ashore",),
    "onnxruntime": ("onnxruntime",),
    "onnxruntime-gpu": ("onnxruntime",),
    "gradio": ("gradio",),
    "pyodide": ("pyodide", "pyodide_js", "_pyodide", "_pyodide_core", "js"),
    "pyodide-py": ("pyodide", "pyodide_js", "_pyodide", "_pyodide_core", "js"),
}
_ROUNDS = 50  # times that a choice may be made anew


class Item(NamedTuple):
    """A file of the closure."""

    name: str
    key: str
    version: str
    path: str
    sha256: str
    size: int                   # bytes
    imports: Tuple[str, ...]
    modules: Tuple[str, ...]    # dotted names, () where they were not read
    depends: Tuple[str, ...]    # keys
    source: str                 # 'wheels' or 'lock'
    kind: str                   # 'wheel' or 'shared_library'


class Problem(NamedTuple):
    """Why a requirement cannot be fulfilled."""

    kind: str     # missing, version, tag, sdist, hash, file, native, wheel, python, conflict
    key: str      # the distribution
    message: str
    advice: str
    wanted_by: str  # a requirement's text, or '' for an import of the program


class ClosureError(Exception):
    """A closure is not complete; the message has a line for each problem."""


class Closure:
    """What was found; items are in an order in which each comes after what it depends on."""

    def __init__(self, items: List[Item], problems: List[Problem]) -> None:
        self.items = items
        self.problems = problems

    def check(self) -> "Closure":
        """Itself.  Raises ClosureError where there are problems."""
        if self.problems:
            raise ClosureError("\n".join(f"{p.message}; {p.advice}" for p in self.problems))
        return self

    def provides(self) -> Dict[str, str]:
        """Import name -> key of the item that has it."""
        return {name: item.key for item in self.items for name in item.imports}


class _Choice(NamedTuple):
    """A candidate that was chosen for a distribution."""

    version: Version
    name: Optional[WheelName]
    path: str
    package: Optional[Package]


class Resolver:
    """Chooses wheels.  `wheels` are folders or files; `lock` is a distribution that is at hand,
    `known` one of which only the lock file is (it tells what could be had)."""

    def __init__(self, wheels: Iterable[str] = (), lock: Optional[Lock] = None,
                 known: Optional[Lock] = None) -> None:
        self.folder = Folder(list(wheels))
        self.lock = lock
        self.known = known
        source = lock or known
        self.target = source.target if source else Target()
        self.environment = environment(self.target.full)
        self._wanted: Dict[str, List[Tuple[Requirement, str]]] = {}
        self._chosen: Dict[str, _Choice] = {}
        self._hashes: Dict[str, str] = {}
        self._problems: Dict[Tuple[str, str, str], Problem] = {}

    def distribution_of(self, module: str) -> Optional[str]:
        """The key of the distribution that has a module: of the wheels, else of the lock file."""
        found = self.folder.importable().get(module.split(".")[0])
        if found:
            return next((key for key in found[1:] if self._has_module(key, module)
                         and not self._has_module(found[0], module)), found[0])
        provided = self.lock.provides(module) if self.lock else []
        return provided[0] if provided else None

    def _has_module(self, key: str, module: str) -> bool:
        """Whether a wheel has a module, of those that have one package in parts."""
        for _, path in self.folder.candidates(key):
            try:
                if module in self.folder.read(path).modules:
                    return True
            except (WheelError, OSError):
                continue
        return False

    def resolve(self, requirements: Iterable[Requirement]) -> Closure:
        """The closure of requirements, whose markers are evaluated here."""
        for message in self.folder.broken:
            self._problem("wheel", "", message, "take the file out, or download it again", "")
        first = [(r, "") for r in requirements if r.applies(self.environment)]
        for _ in range(_ROUNDS):
            before = {key: choice.path for key, choice in self._chosen.items()}
            self._wanted, self._problems = {}, dict(self._kept())
            self._walk(first)
            if {key: choice.path for key, choice in self._chosen.items()} == before:
                break
        return Closure(self._items(), list(self._problems.values()))

    def _kept(self):
        return ((key, p) for key, p in self._problems.items() if p.kind == "wheel" and not p.key)

    def _problem(self, kind: str, key: str, message: str, advice: str, wanted_by: str) -> None:
        self._problems.setdefault((kind, key, wanted_by),
                                  Problem(kind, key, message, advice, wanted_by))

    # ---- walking over requirements -------------------------------------------------------------

    def _walk(self, pending: List[Tuple[Requirement, str]]) -> None:
        queue, seen = list(pending), set()
        chosen: Dict[str, _Choice] = {}
        while queue:
            requirement, parent = queue.pop(0)
            mark = (requirement.key, requirement.text, parent)
            if mark in seen or requirement.key in SUPPLIED:
                continue
            seen.add(mark)
            self._wanted.setdefault(requirement.key, []).append((requirement, parent))
            choice = self._choose(requirement.key)
            if choice is None:
                chosen.pop(requirement.key, None)
                continue
            chosen[requirement.key] = choice
            extras = tuple({e for r, _ in self._wanted[requirement.key] for e in r.extras})
            queue.extend(self._dependencies(requirement.key, choice, extras))
        self._chosen = chosen

    def _choose(self, key: str) -> Optional[_Choice]:
        wanted = self._wanted[key]
        options = self._options(key, wanted[-1])
        if not options:
            return None
        exact = [r for r, _ in wanted if r.url]
        if exact:
            base = os.path.basename((exact[0].url or "").split("#")[0])
            options = [o for o in options if os.path.basename(o.path) == base] or options
        clauses = SpecifierSet(",".join(str(r.specifiers) for r, _ in wanted if r.specifiers))
        best = clauses.best([o.version for o in options])
        if best is None:
            self._no_version(key, wanted, options)
            return None
        same = [o for o in options if o.version == best]
        tagged = best_tag([o.name for o in same if o.name], self.target)
        return next((o for o in same if o.name is tagged), same[0])

    def _no_version(self, key, wanted, options) -> None:
        have = ", ".join(str(v) for v in sorted({o.version for o in options}))
        where = "the wheels given" if options[0].package is None else "Pyodide's lock file"
        alone = [(r, p) for r, p in wanted
                 if not any(r.specifiers.matches(o.version) for o in options)]
        if alone:
            requirement, parent = alone[0]
            by = f" ({parent} asks for it)" if parent else ""
            self._problem("version", key, f"{requirement.name}{requirement.specifiers} is "
                          f"required{by}, and there is {have} in {where}",
                          "give a wheel of that version with --wheels, or widen the requirement",
                          parent or requirement.text)
            return
        asked = " and ".join(f"{r.specifiers} ({p or 'the program'})" for r, p in wanted
                             if r.specifiers)
        self._problem("conflict", key, f"no version of {key} fulfils {asked}; there is {have}",
                      "give other versions with --wheels", wanted[-1][1] or wanted[-1][0].text)

    def _options(self, key: str, why: Tuple[Requirement, str]) -> List[_Choice]:
        named = self.folder.candidates(key)
        fitting = [_Choice(n.version, n, p, None) for n, p in named if n.fits(self.target)]
        if fitting:
            return fitting
        package = self.lock.packages.get(key) if self.lock else None
        if package is not None:
            path = self.lock.path_of(package)  # type: ignore[union-attr]
            if path and self._loadable(package, path, why):
                return [_Choice(package.version, None, path, package)]
            if path:
                return []
        self._missing(key, why, named, package)
        return []

    def _loadable(self, package: Package, path: str, wanted: Tuple[Requirement, str]) -> bool:
        """Whether Pyodide takes a file of its distribution."""
        if not path.endswith(".whl"):
            return True
        try:
            why = why_not(parse_name(os.path.basename(path)), self.target)
        except WheelError as error:
            why = str(error)
        if why:
            requirement, parent = wanted
            by = f" ({parent} needs it)" if parent else ""
            self._problem("tag", package.key, f"{os.path.basename(path)}: {why}{by}",
                          "take the file and the lock file from one distribution",
                          parent or requirement.text)
        return not why

    def _missing(self, key, why, named, package) -> None:
        requirement, parent = why
        by = f" ({parent} needs it)" if parent else ""
        wanted_by = parent or requirement.text
        if named:
            base = os.path.basename(named[0][1])
            self._problem("tag", key, f"{base}: {why_not(named[0][0], self.target)}{by}",
                          f"give a wheel whose name ends in py3-none-any or "
                          f"{self.target.platforms[0]}", wanted_by)
        elif package is not None:
            self._problem("file", key, f"{package.file_name} of {self.lock.path} is not beside it"
                          f"{by}", "copy the file there: it is part of Pyodide's distribution",
                          wanted_by)
        elif key in self.folder.sdists:
            base = os.path.basename(self.folder.sdists[key])
            self._problem("sdist", key, f"{base} is source code, which Pyodide cannot build{by}",
                          f"build a wheel of it: 'pip wheel --no-deps {requirement.name}'; it can "
                          "be used where it is pure Python", wanted_by)
        else:
            self._nowhere(key, requirement, by, wanted_by)

    def _nowhere(self, key: str, requirement: Requirement, by: str, wanted_by: str) -> None:
        known = self.known.packages.get(key) if self.known else None
        if known is None:
            self._problem("missing", key, f"there is no wheel of {requirement.name} for the "
                          f"browser{by}", "if it is pure Python, 'pip wheel "
                          f"{requirement.name} -w wheels' and give --wheels wheels", wanted_by)
            return
        self._problem("distribution", key, f"{known.name} {known.version} is in Pyodide's "
                      f"distribution, not in its npm package{by}",
                      "give --lock DIR/pyodide-lock.json of a copy of the distribution, or "
                      f"--wheels DIR with {known.file_name}", wanted_by)
        if not requirement.specifiers.matches(known.version):
            self._problem("version", key, f"{requirement.name}{requirement.specifiers} is required"
                          f"{by}, and Pyodide's distribution has {known.version}",
                          "widen the requirement, or give a wheel with --wheels", wanted_by)

    # ---- what wheels need ----------------------------------------------------------------------

    def _dependencies(self, key: str, choice: _Choice,
                      extras: Tuple[str, ...]) -> List[Tuple[Requirement, str]]:
        parent = f"{key} {choice.version}"
        if choice.package is not None:
            found = [Requirement(name) for name in choice.package.depends]
            if extras and choice.path.endswith(".whl"):
                wheel = self._wheel(key, choice)
                found += [r for r in (wheel.requires if wheel else ())
                          if r.marker and r.applies(self.environment, extras)
                          and not r.applies(self.environment)]
            return [(r, parent) for r in found]
        wheel = self._wheel(key, choice)
        if wheel is None:
            return []
        return [(r, parent) for r in wheel.requires if r.applies(self.environment, ("",) + extras)]

    def _wheel(self, key: str, choice: _Choice) -> Optional[Wheel]:
        try:
            wheel = self.folder.read(choice.path)
        except (WheelError, OSError) as error:
            self._problem("wheel", key, str(error), "download it again", "")
            return None
        base = os.path.basename(choice.path)
        if wheel.scripts:
            self._problem("native", key, f"{base} carries JavaScript ({wheel.scripts[0]}), which is "
                          "evaluated from text, and the policy of pages forbids that", "give a build "
                          "of it without EM_JS and EM_ASM, or do in Python what it is for", "")
        if wheel.native and choice.name is not None and choice.name.pure:
            self._problem("native", key, f"{base} calls itself pure Python and holds machine code "
                          f"({wheel.native[0]})", "give a wheel that is built for "
                          f"{self.target.platforms[0]}", "")
        try:
            fits = SpecifierSet(wheel.python).matches(Version(self.target.full))
        except InvalidVersion:
            fits = True  # installers do not read it either
        if not fits:
            self._problem("python", key, f"{base} needs Python {wheel.python}, and Pyodide has "
                          f"{self.target.full}", "give another version of it", "")
        return wheel

    # ---- the result ----------------------------------------------------------------------------

    def _items(self) -> List[Item]:
        items: Dict[str, Item] = {}
        depends: Dict[str, Tuple[str, ...]] = {}
        for key, choice in self._chosen.items():
            extras = tuple({e for r, _ in self._wanted[key] for e in r.extras})
            depends[key] = tuple(r.key for r, _ in self._dependencies(key, choice, extras)
                                 if r.key in self._chosen)
            item = self._item(key, choice, depends[key])
            if item is not None:
                items[key] = item
        return [items[key] for key in _ordered(depends) if key in items]

    def _item(self, key: str, choice: _Choice, depends: Tuple[str, ...]) -> Optional[Item]:
        digest = self._hashes.get(choice.path) or sha256(choice.path)
        self._hashes[choice.path] = digest
        package = choice.package
        if package is not None and not self._verified(package, digest):
            return None
        modules: Tuple[str, ...] = ()
        imports = package.imports if package else ()
        if choice.path.endswith(".whl"):
            wheel = self._wheel(key, choice)
            if wheel is None:
                return None
            modules, imports = wheel.modules, imports or wheel.imports
        elif choice.path.endswith(".zip"):
            try:
                check_archive(choice.path)
            except (WheelError, OSError) as error:
                self._problem("wheel", key, str(error), "download it again", "")
                return None
        kind = "wheel" if choice.path.endswith(".whl") else "shared_library"
        return Item(package.name if package else key, key, str(choice.version), choice.path, digest,
                    os.path.getsize(choice.path), imports, modules, depends,
                    "lock" if package else "wheels", kind)

    def _verified(self, package: Package, digest: str) -> bool:
        lock = self.lock.path  # type: ignore[union-attr]
        if not package.sha256:
            self._problem("hash", package.key, f"{lock} has no sha256 of {package.file_name}",
                          "take the lock file that belongs to the distribution", "")
            return False
        if not same_hash(package.sha256, digest):
            self._problem("hash", package.key, f"{package.file_name} is not the file that {lock} "
                          f"names: its sha256 is {digest}, not {package.sha256}",
                          "copy it from the distribution again", "")
            return False
        return True


def _ordered(depends: Dict[str, Tuple[str, ...]]) -> List[str]:
    """Keys such that each follows what it depends on; a cycle is broken where it is entered."""
    order: List[str] = []
    done: Set[str] = set()
    for root in sorted(depends):
        stack = [(root, False)]
        while stack:
            key, leaving = stack.pop()
            if leaving:
                order.append(key)
            elif key not in done:
                done.add(key)
                stack.append((key, True))
                stack.extend((d, False) for d in sorted(depends[key], reverse=True))
    return order


def resolve(requirements: Iterable[str], imports: Iterable[str] = (), wheels: Iterable[str] = (),
            lock: Optional[str] = None) -> Closure:
    """The closure of requirements (texts of PEP 508) and of import names.

    wheels: folders or files.  lock: the path of a pyodide-lock.json with its files beside it.
    Import names that neither has are problems of the kind `missing`.  Raises LockError,
    InvalidRequirement, OSError.
    """
    resolver = Resolver(wheels, Lock(lock) if lock else None)
    wanted = [Requirement(text) for text in requirements]
    supplied = {name for names in SUPPLIED.values() for name in names}
    for module in imports:
        if module.split(".")[0] in supplied:
            continue
        wanted.append(Requirement(resolver.distribution_of(module) or canonical(module)))
    return resolver.resolve(wanted)


__all__ = ["Closure", "ClosureError", "InvalidRequirement", "Item", "Problem", "Resolver",
           "SUPPLIED", "resolve"]
