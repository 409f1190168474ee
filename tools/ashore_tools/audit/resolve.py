"""Resolves imports against the standard library, what apps have, wheels and lock files."""

from typing import Dict, List, Set, Tuple

from ..closure import SUPPLIED, Closure, Problem, Resolver
from ..pep508 import InvalidRequirement, Requirement, canonical
from . import packages, stdlib
from .calls import caught
from .finding import Findings
from .project import Import, Project
from .reach import Reach
from .requirements import Required

SUPPLIED_IMPORTS = {name for names in SUPPLIED.values() for name in names}
_RULES = {"missing": "no-wheel", "distribution": "distribution", "version": "version",
          "conflict": "version", "tag": "wheel", "sdist": "wheel", "hash": "wheel",
          "file": "wheel", "native": "wheel", "wheel": "wheel", "python": "wheel"}


class Imports:
    """Judges all imports of a project, and makes the closure of its packages."""

    def __init__(self, project: Project, reach: Reach, resolver: Resolver,
                 required: List[Required], findings: Findings) -> None:
        self.project = project
        self.reach = reach
        self.resolver = resolver
        self.required = required
        self.findings = findings
        self.uses: Dict[str, List[Import]] = {}   # distribution -> where it is imported
        self.closure = Closure([], [])
        self.supplied: Set[str] = set()

    def judge(self) -> None:
        """Adds findings for all imports and requirements."""
        for use in self.project.imports:
            self._one(use)
        self._resolve()

    def _report(self, use: Import, rule: str, message: str, advice: str) -> None:
        if caught("ImportError", use.place.caught):
            rule, advice = "optional-import", "nothing: the program goes on without it"
        use.file.report(self.findings, use.node, rule, message, advice,
                        use.file.level(rule, None, use.place),
                        reached=self.reach.holds(use.file, use.place.function))

    def _one(self, use: Import) -> None:
        root = use.module.split(".")[0]
        if root in SUPPLIED_IMPORTS:
            self.supplied.add(root)
        elif root in stdlib.known() or root in stdlib.table()["stdlib"]:
            self._standard(use)
        else:
            self.uses.setdefault(self.distribution_of(use.module), []).append(use)

    def _standard(self, use: Import) -> None:
        if self.resolver.distribution_of(use.module):
            self.uses.setdefault(self.distribution_of(use.module), []).append(use)
            return
        for rule, message, advice in stdlib.lacking(use.module, use.names):
            self._report(use, rule, message, advice)

    def distribution_of(self, module: str) -> str:
        """The key of the distribution that has a module, or most likely has it."""
        found = self.resolver.distribution_of(module)
        if found is None and self.resolver.known is not None:
            provided = self.resolver.known.provides(module)
            found = provided[0] if provided else None
        return found or canonical(packages.distribution(module))

    # ---- packages ------------------------------------------------------------------------------

    def _resolve(self) -> None:
        listed = {r.requirement.key for r in self.required
                  if r.requirement.applies(self.resolver.environment)}
        wanted = [r.requirement for r in self.required if self._is_wanted(r)]
        for key, uses in sorted(self.uses.items()):
            needed = [u for u in uses if not caught("ImportError", u.place.caught)]
            at_hand = self.resolver.folder.candidates(key) or (
                self.resolver.lock and key in self.resolver.lock.packages)
            if key not in listed and (needed or at_hand):
                try:
                    wanted.append(Requirement(key))
                except InvalidRequirement:
                    self._problem(Problem("missing", key, f"there is no wheel of {key} for the "
                                          "browser", "correct the name", ""), key)
            elif not needed and not at_hand:
                self._optional(uses)
        self.closure = self.resolver.resolve(wanted)
        for problem in self.closure.problems:
            self._problem(problem, self._root_of(problem))
        self._modules_of_wheels()

    def _optional(self, uses: List[Import]) -> None:
        for use in uses:
            self._report(use, "optional-import", f"'{use.module.split('.')[0]}' is not there", "")

    def _is_wanted(self, required: Required) -> bool:
        """Whether a requirement is used, or can be had although it is not."""
        requirement = required.requirement
        if not requirement.applies(self.resolver.environment) or requirement.key in self.uses or \
                requirement.key in SUPPLIED or required.installed:
            return True
        at_hand = self.resolver.folder.candidates(requirement.key) or (
            self.resolver.lock and requirement.key in self.resolver.lock.packages)
        if not at_hand:
            self.findings.add(required.file, "requirement", f"'{requirement}' is not imported, and "
                              "cannot be had for the browser", "take it out of what a page needs",
                              required.line, 1)
        return bool(at_hand)

    def _root_of(self, problem: Problem) -> str:
        """The distribution whose import or requirement led to a problem."""
        key = problem.key
        parents = {p.key: p.wanted_by.rpartition(" ")[0] for p in self.closure.problems}
        above = {d: item.key for item in self.closure.items for d in item.depends}
        for _ in range(50):
            if key in self.uses or any(r.requirement.key == key for r in self.required):
                break
            parent = parents.get(key, "") or above.get(key, "")
            if not parent or parent == key:
                break
            key = parent
        return key

    def _problem(self, problem: Problem, root: str) -> None:
        rule = _RULES[problem.kind]
        message, advice = problem.message, problem.advice
        listed = [r for r in self.required if r.requirement.key == root]
        known = packages.native(self._name_of(root))
        if rule == "no-wheel" and known and problem.key == root:
            rule, (why, advice) = "native-package", known
            message = f"'{self._name_of(root)}' cannot be in a page: {why}"
        if rule == "version" and listed:
            place = listed[0]
            self.findings.add(place.file, rule, message, advice, place.line, 1)
            return
        for use in self.uses.get(root, ()):
            self._report(use, rule, message, advice)
        if root not in self.uses:
            file, line = (listed[0].file, listed[0].line) if listed else ("", 0)
            self.findings.add(file or self._first_file(), rule, message, advice, line, 1 if line
                              else 0)

    def _first_file(self) -> str:
        module = next(iter(self.project.modules.values()), None)
        return module.file if module else "."

    def _name_of(self, key: str) -> str:
        uses = self.uses.get(key)
        return uses[0].module.split(".")[0] if uses else key.replace("-", "_")

    def _modules_of_wheels(self) -> None:
        """`import package.module`, where the wheel has the package and not the module."""
        items = {item.key: item for item in self.closure.items}
        for key, uses in self.uses.items():
            item = items.get(key)
            if item is None or not item.modules:
                continue
            roots = {m.split(".")[0] for m in item.modules}
            for use in uses:
                root = use.module.split(".")[0]
                if root in roots and not _has(item.modules, use.module):
                    self._report(use, "no-wheel", f"{item.name} {item.version} has no module "
                                 f"'{use.module}'", "give a version that has it, or correct the "
                                 "name")


def _has(modules: Tuple[str, ...], name: str) -> bool:
    return name in modules or any(m.startswith(name + ".") for m in modules)
