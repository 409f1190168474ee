"""Pyodide's lock file, pyodide-lock.json: which packages its distribution has, and their hashes."""

import json
import os
from typing import Dict, List, NamedTuple, Optional, Tuple

from .pep440 import InvalidVersion, Version
from .pep508 import canonical
from .wheels import Target

_LARGEST = 64 << 20  # bytes


class LockError(ValueError):
    """A lock file cannot be read; the message says which, and why."""


class Package(NamedTuple):
    """A package of the distribution."""

    name: str
    key: str
    version: Version
    file_name: str
    sha256: str
    imports: Tuple[str, ...]
    depends: Tuple[str, ...]
    kind: str  # 'package', 'shared_library', ...


class Lock:
    """A lock file.  Raises LockError."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.folder = os.path.dirname(os.path.abspath(path))
        document = _load(path)
        info = document.get("info")
        packages = document.get("packages")
        if not isinstance(info, dict) or not isinstance(packages, dict):
            raise LockError(f"{path}: no lock file of Pyodide: 'info' or 'packages' is missing")
        self.python = str(info.get("python", ""))
        self.abi = str(info.get("abi_version", ""))
        self.target = _target(path, info)
        self.packages: Dict[str, Package] = {}
        self._imports: Dict[str, List[str]] = {}
        for key, row in packages.items():
            package = _package(path, key, row)
            self.packages[package.key] = package
            for name in package.imports:
                self._imports.setdefault(name, []).append(package.key)

    def provides(self, module: str) -> List[str]:
        """The packages that have a module, for the longest beginning of its dotted name."""
        parts = module.split(".")
        while parts:
            found = self._imports.get(".".join(parts))
            if found:
                return found
            parts.pop()
        return []

    def differs(self, other: "Lock") -> str:
        """Why packages of this one cannot be loaded by the Pyodide of another; '' where they can."""
        if self.target.python == other.target.python and self.abi == other.abi:
            return ""
        own, wanted = (f"Python {lock.python} and the ABI {lock.abi or '(none)'}"
                       for lock in (self, other))
        return f"{self.path} is of a Pyodide with {own}, and pages have one with {wanted}"

    def path_of(self, package: Package) -> Optional[str]:
        """The package's file beside the lock file, also where that has an address for it; None where
        it is not there."""
        name = package.file_name
        path = os.path.join(self.folder, name.rpartition("/")[2] if "://" in name else name)
        return path if os.path.isfile(path) else None


def _load(path: str) -> dict:
    try:
        if os.path.getsize(path) > _LARGEST:
            raise LockError(f"{path}: larger than a lock file can be ({_LARGEST >> 20} MiB)")
        with open(path, encoding="utf-8") as f:
            document = json.load(f)
    except OSError as error:
        raise LockError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, LockError):
            raise
        raise LockError(f"{path}: no lock file of Pyodide: {error}") from None
    if not isinstance(document, dict):
        raise LockError(f"{path}: no lock file of Pyodide: it is no object")
    return document


def _target(path: str, info: dict) -> Target:
    python = str(info.get("python", ""))
    parts = python.split(".")
    if len(parts) < 2 or not all(p.isdigit() for p in parts[:2]):
        raise LockError(f"{path}: 'info.python' is '{python}', which is no version of Python")
    arch = str(info.get("arch", "wasm32"))
    platforms = [f"pyemscripten_{info['abi_version']}_{arch}"] if info.get("abi_version") else []
    if info.get("platform"):
        platforms.append(f"{info['platform']}_{arch}")
    return Target((int(parts[0]), int(parts[1])), python, tuple(platforms))


def _texts(row: dict, field: str) -> Tuple[str, ...]:
    values = row.get(field, [])
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise ValueError(f"'{field}' is no list of texts")
    return tuple(values)


def _package(path: str, key: str, row: object) -> Package:
    try:
        if not isinstance(row, dict):
            raise ValueError("it is no object")
        file_name = row.get("file_name", "")
        if not isinstance(file_name, str) or not file_name:
            raise ValueError("'file_name' is missing")
        if os.path.isabs(file_name) or ".." in file_name.split("/") or "\\" in file_name:
            raise ValueError(f"file_name '{file_name}' leads out of the folder")
        return Package(str(row.get("name", key)), canonical(key), Version(str(row.get("version"))),
                       file_name, str(row.get("sha256") or ""), _texts(row, "imports"),
                       tuple(canonical(d) for d in _texts(row, "depends")),
                       str(row.get("package_type", "package")))
    except (ValueError, InvalidVersion) as error:
        raise LockError(f"{path}: package '{key}': {error}") from None
