"""Versions and specifiers of Python packages, as PEP 440 orders and matches them."""

import re
from functools import total_ordering
from typing import List, Optional, Tuple

_VERSION = re.compile(
    r"""^\s*v?
    (?:(?P<epoch>[0-9]+)!)?
    (?P<release>[0-9]+(?:\.[0-9]+)*)
    (?:[-_.]?(?P<pre>alpha|beta|preview|pre|a|b|c|rc)[-_.]?(?P<pre_n>[0-9]+)?)?
    (?:-(?P<post_n1>[0-9]+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_n2>[0-9]+)?)?
    (?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_n>[0-9]+)?)?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?
    \s*$""", re.VERBOSE | re.IGNORECASE | re.ASCII)
_SPECIFIER = re.compile(r"^\s*(~=|===|==|!=|<=|>=|<|>)\s*([^\s,;)]+)\s*$")
_PRE = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}

# In the place of a part that is not there, such that dev < pre < final < post.
_LOW, _HIGH = (-1,), (1,)


class InvalidVersion(ValueError):
    """The text is no version, or no specifier, of PEP 440."""


@total_ordering
class Version:
    """A version; compares as PEP 440 says.  Raises InvalidVersion."""

    def __init__(self, text: str) -> None:
        found = _VERSION.match(text)
        if not found:
            raise InvalidVersion(f"'{text}' is no version (PEP 440)")
        part = found.groupdict()
        self.text = text.strip()
        self.epoch = int(part["epoch"] or 0)
        self.release: Tuple[int, ...] = tuple(int(n) for n in part["release"].split("."))
        self.pre: Optional[Tuple[str, int]] = None
        if part["pre"]:
            name = part["pre"].lower()
            self.pre = (_PRE.get(name, name), int(part["pre_n"] or 0))
        self.post: Optional[int] = None
        if part["post_n1"] or part["post"]:
            self.post = int(part["post_n1"] or part["post_n2"] or 0)
        self.dev: Optional[int] = int(part["dev_n"] or 0) if part["dev"] else None
        self.local: Tuple[str, ...] = ()
        if part["local"]:
            self.local = tuple(re.split(r"[-_.]", part["local"].lower()))
        self._key = self._sort_key()

    def _sort_key(self):
        release = self.release
        while len(release) > 1 and release[-1] == 0:
            release = release[:-1]
        if self.pre is not None:
            pre: tuple = (0, self.pre)
        elif self.post is None and self.dev is not None:
            pre = _LOW
        else:
            pre = _HIGH
        post = (-1, 0) if self.post is None else (0, self.post)
        dev = (1, 0) if self.dev is None else (0, self.dev)
        local = tuple((1, int(p), "") if p.isdigit() else (0, 0, p) for p in self.local)
        return self.epoch, release, pre, post, dev, (1 if local else 0, local)

    @property
    def is_prerelease(self) -> bool:
        return self.pre is not None or self.dev is not None

    @property
    def base(self) -> Tuple[int, Tuple[int, ...]]:
        """Epoch and release, without zeros at the end."""
        return self._key[0], self._key[1]

    def public(self) -> "Version":
        """The same without its local part."""
        return Version(self.text.split("+")[0]) if self.local else self

    def tokens(self) -> List[str]:
        """Epoch, release and suffixes, one each: what `==1.2.*` compares the beginning of."""
        found = [f"{self.epoch}!"] + [str(n) for n in self.release]
        if self.pre:
            found.append(f"{self.pre[0]}{self.pre[1]}")
        if self.post is not None:
            found.append(f"post{self.post}")
        if self.dev is not None:
            found.append(f"dev{self.dev}")
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._key == other._key

    def __lt__(self, other: "Version") -> bool:
        return self._key < other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __str__(self) -> str:
        return self.text


class Specifier:
    """One clause, such as `>=1.2` or `==1.*`.  Raises InvalidVersion."""

    def __init__(self, text: str) -> None:
        found = _SPECIFIER.match(text)
        if not found:
            raise InvalidVersion(f"'{text.strip()}' is no version specifier (PEP 440)")
        self.operator, self.operand = found.groups()
        self.prefix = self.operand.endswith(".*")
        self.version: Optional[Version] = None
        if self.operator == "===":
            return
        if self.prefix and self.operator not in ("==", "!="):
            raise InvalidVersion(f"'{text.strip()}': only == and != take .*")
        self.version = Version(self.operand[:-2] if self.prefix else self.operand)
        if self.operator == "~=" and len(self.version.release) < 2:
            raise InvalidVersion(f"'{text.strip()}': ~= takes two numbers at least")
        plain = self.version.pre is None and self.version.post is None and self.version.dev is None
        if self.prefix and not plain:
            raise InvalidVersion(f"'{text.strip()}': .* stands behind numbers")
        if self.version.local and (self.prefix or self.operator not in ("==", "!=")):
            raise InvalidVersion(f"'{text.strip()}': only == and != take a local part")

    def _equal(self, candidate: Version) -> bool:
        assert self.version is not None
        if self.prefix:
            return _begins_with(candidate.public(), self.version)
        return (candidate if self.version.local else candidate.public()) == self.version

    def _less(self, candidate: Version) -> bool:
        assert self.version is not None
        if not candidate < self.version:
            return False
        if self.version.is_prerelease or not candidate.is_prerelease:
            return True
        return candidate < Version(f"{self.version.text}.dev0")  # the first of its pre-releases

    def _greater(self, candidate: Version) -> bool:
        assert self.version is not None
        if not candidate > self.version:
            return False
        later = (candidate.post is not None and self.version.post is None
                 and self.version.dev is None and candidate.pre == self.version.pre)
        if later and candidate.base == self.version.base:
            return False
        return not (candidate.local and candidate.public() == self.version)

    def matches(self, candidate: Version) -> bool:
        """Whether the version fulfils the clause; pre-releases count like others."""
        version = self.version
        if version is None:
            return candidate.text.lower() == self.operand.lower()
        if self.operator == "==":
            return self._equal(candidate)
        if self.operator == "!=":
            return not self._equal(candidate)
        if self.operator == "<":
            return self._less(candidate)
        if self.operator == ">":
            return self._greater(candidate)
        public = candidate.public()
        if self.operator == "<=":
            return public <= version
        if self.operator == ">=":
            return public >= version
        prefix = Version(f"{version.epoch}!" + ".".join(map(str, version.release[:-1])))
        return public >= version and _begins_with(public, prefix)

    def __str__(self) -> str:
        return self.operator + self.operand


def _begins_with(candidate: Version, prefix: Version) -> bool:
    want, have = prefix.tokens(), candidate.tokens()
    numbers = 1 + len(prefix.release)
    missing = numbers - (1 + len(candidate.release))
    if missing > 0:
        at = 1 + len(candidate.release)
        have[at:at] = ["0"] * missing
    return have[:len(want)] == want


class SpecifierSet:
    """Clauses separated by commas, all of which have to hold; none: any version."""

    def __init__(self, text: str = "") -> None:
        self.clauses = [Specifier(clause) for clause in text.split(",") if clause.strip()]

    def matches(self, candidate: Version) -> bool:
        return all(clause.matches(candidate) for clause in self.clauses)

    def best(self, candidates: List[Version]) -> Optional[Version]:
        """The newest that fits; a pre-release only where one is asked for, or nothing else fits."""
        fitting = [c for c in candidates if self.matches(c)]
        wanted = any(c.version is not None and c.version.is_prerelease and c.operator != "!="
                     for c in self.clauses)
        final = [c for c in fitting if wanted or not c.is_prerelease]
        return max(final or fitting, default=None)

    def __str__(self) -> str:
        return ",".join(map(str, self.clauses))

    def __bool__(self) -> bool:
        return bool(self.clauses)
