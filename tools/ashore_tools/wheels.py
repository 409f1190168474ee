"""Wheels: what their names promise, what is in them, and whether Pyodide can take them."""

import base64
import email.parser
import email.policy
import hashlib
import os
import re
import zipfile
import zlib
from typing import Dict, List, NamedTuple, Optional, Tuple

from .pep440 import InvalidVersion, Version
from .pep508 import InvalidRequirement, Requirement, canonical

SDIST_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar")
_NATIVE = (".so", ".pyd", ".dylib", ".dll", ".a")
_LARGEST_TEXT = 4 << 20  # bytes of METADATA, WHEEL or top_level.txt
_LARGEST = 2 << 30       # bytes of all files: a page has 4 GiB, for Python and what it computes, too
# What Emscripten exports of modules that carry JavaScript (EM_JS, EM_ASM).
_SCRIPT_MARKS = (b"__em_js__", b"__start_em_asm")


class WheelError(ValueError):
    """A file is no wheel, or a broken one; the message says which file and why."""


class Target(NamedTuple):
    """What wheels have to fit: the interpreter inside of Pyodide."""

    python: Tuple[int, int] = (3, 14)
    full: str = "3.14.2"
    platforms: Tuple[str, ...] = ("pyemscripten_2026_0_wasm32", "emscripten_5_0_3_wasm32")

    def supports(self, interpreter: str, abi: str, platform: str) -> bool:
        """Whether one tag, such as cp314-cp314-pyemscripten_2026_0_wasm32, fits."""
        if platform != "any" and platform not in self.platforms:
            return False
        major, minor = self.python
        own = f"cp{major}{minor}"
        found = re.fullmatch(r"(cp|py)(\d)(\d*)", interpreter)
        if not found or int(found.group(2)) != major:
            return False
        older = found.group(3) == "" or int(found.group(3)) <= minor
        if abi == own:
            return interpreter == own and platform != "any"
        if abi == "abi3":
            return found.group(1) == "cp" and older and platform != "any"
        if abi != "none":
            return False
        return older if found.group(1) == "py" else interpreter == own


class WheelName(NamedTuple):
    """The parts of a wheel's file name."""

    name: str
    version: Version
    tags: Tuple[Tuple[str, str, str], ...]

    @property
    def pure(self) -> bool:
        return all(abi == "none" and platform == "any" for _, abi, platform in self.tags)

    def fits(self, target: Target) -> bool:
        return any(target.supports(*tag) for tag in self.tags)


def parse_name(file_name: str) -> WheelName:
    """Reads a file name by PEP 427.  Raises WheelError."""
    stem, suffix = os.path.splitext(os.path.basename(file_name))
    parts = stem.split("-")
    if suffix != ".whl" or len(parts) not in (5, 6):
        raise WheelError(f"{file_name}: wheels are named NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM"
                         ".whl")
    try:
        version = Version(parts[1])
    except InvalidVersion as error:
        raise WheelError(f"{file_name}: {error}") from None
    tags = tuple((python, abi, platform) for python in parts[-3].lower().split(".")
                 for abi in parts[-2].lower().split(".")
                 for platform in parts[-1].lower().split("."))
    return WheelName(canonical(parts[0]), version, tags)


def why_not(name: WheelName, target: Target) -> str:
    """Says in words why a wheel does not fit, '' where it does."""
    if name.fits(target):
        return ""
    platforms = sorted({platform for _, _, platform in name.tags} - {"any"})
    foreign = [p for p in platforms if p not in target.platforms]
    if foreign:
        other = [p for p in foreign if p.startswith(("pyodide", "emscripten", "pyemscripten"))]
        if other:
            return (f"it is built for {', '.join(other)}, and this Pyodide takes "
                    f"{target.platforms[0]}")
        return f"it holds machine code for {', '.join(foreign)}"
    tags = ", ".join("-".join(tag) for tag in name.tags[:3])
    return f"its tags ({tags}) are not of CPython {target.python[0]}.{target.python[1]}"


class Wheel(NamedTuple):
    """What is known of a wheel on the disk."""

    path: str
    name: WheelName
    pure: bool                      # Root-Is-Purelib
    imports: Tuple[str, ...]        # names that `import` finds after it is installed
    modules: Tuple[str, ...]        # dotted names of the Python modules in it
    requires: Tuple[Requirement, ...]
    python: str                     # Requires-Python, '' where it says nothing
    native: Tuple[str, ...]         # files with machine code
    scripts: Tuple[str, ...]        # those of them that carry JavaScript


def _text(archive: zipfile.ZipFile, member: str, path: str) -> str:
    info = archive.getinfo(member)
    if info.file_size > _LARGEST_TEXT:
        raise WheelError(f"{path}: {member} has {info.file_size} bytes, which is no text of a "
                         f"wheel")
    return archive.read(info).decode("utf-8", "replace")


def check_members(archive: zipfile.ZipFile, path: str) -> None:
    """Refuses files that lead out of the folder, and more than a page can hold."""
    for name in archive.namelist():
        if name.startswith("/") or "\\" in name or ".." in name.split("/") or ":" in name.split("/")[0]:
            raise WheelError(f"{path}: the file '{name}' leads out of the folder that it is "
                             "unpacked to")
    size = sum(info.file_size for info in archive.infolist())
    if size > _LARGEST:
        raise WheelError(f"{path}: it unpacks to {size} bytes, and a page can hold {_LARGEST}")


def check_archive(path: str) -> None:
    """Refuses a zip file that is none, or that check_members refuses.  Raises WheelError, OSError."""
    try:
        with zipfile.ZipFile(path) as archive:
            check_members(archive, path)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError,
            RuntimeError) as error:
        raise WheelError(f"{path}: no zip file: {error}") from None


def _carries_scripts(archive: zipfile.ZipFile, member: str) -> bool:
    with archive.open(member) as file:
        if file.read(4) != b"\0asm":
            return False
        rest = b""
        for block in iter(lambda: file.read(1 << 20), b""):
            text = rest + block
            if any(mark in text for mark in _SCRIPT_MARKS):
                return True
            rest = text[-16:]
    return False


def _headers(text: str):
    return email.parser.Parser(policy=email.policy.compat32).parsestr(text, headersonly=True)


def _modules(names: List[str]) -> List[str]:
    found = []
    for name in names:
        parts = name.split("/")
        if parts[0].endswith((".dist-info", ".data")):
            if not (parts[0].endswith(".data") and len(parts) > 2
                    and parts[1] in ("purelib", "platlib")):
                continue
            parts = parts[2:]
        base = parts[-1]
        if base.endswith((".py", ".so")):
            stem = base.split(".")[0]
            dotted = parts[:-1] if stem == "__init__" else parts[:-1] + [stem]
            if dotted and all(p.isidentifier() for p in dotted):
                found.append(".".join(dotted))
    return sorted(set(found))


def read(path: str) -> Wheel:
    """Opens a wheel and reads its metadata.  Raises WheelError, OSError."""
    name = parse_name(path)
    try:
        with zipfile.ZipFile(path) as archive:
            check_members(archive, path)
            names = archive.namelist()
            info = [n for n in names if n.count("/") == 1 and n.endswith(".dist-info/METADATA")]
            if len(info) != 1:
                raise WheelError(f"{path}: it has {len(info)} files *.dist-info/METADATA instead "
                                 "of one")
            metadata = _headers(_text(archive, info[0], path))
            folder = info[0].split("/")[0]
            if f"{folder}/WHEEL" not in names:
                raise WheelError(f"{path}: {folder}/WHEEL is missing")
            wheel = _headers(_text(archive, f"{folder}/WHEEL", path))
            native = tuple(n for n in names if n.endswith(_NATIVE))
            scripts = tuple(n for n in native if _carries_scripts(archive, n))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError,
            RuntimeError, ValueError) as error:
        if isinstance(error, WheelError):
            raise
        raise WheelError(f"{path}: no wheel: {error}") from None
    if canonical(metadata.get("Name", "")) != name.name:
        raise WheelError(f"{path}: its METADATA is of '{metadata.get('Name', '')}'")
    requires = []
    for line in metadata.get_all("Requires-Dist") or []:
        try:
            requires.append(Requirement(line))
        except InvalidRequirement as error:
            raise WheelError(f"{path}: Requires-Dist: {error}") from None
    modules = _modules(names)
    imports = sorted({m.split(".")[0] for m in modules})
    return Wheel(path, name, wheel.get("Root-Is-Purelib", "").strip().lower() == "true",
                 tuple(imports), tuple(modules), tuple(requires),
                 metadata.get("Requires-Python") or "", native, scripts)


def sha256(path: str) -> str:
    """The hash of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def same_hash(expected: str, actual: str) -> bool:
    """Compares hashes; the expected one may also be `sha256:HEX` or `sha256-BASE64`."""
    text = expected.strip()
    if text.startswith("sha256-"):
        try:
            return base64.b64decode(text[7:] + "=" * (-len(text[7:]) % 4)).hex() == actual
        except ValueError:
            return False
    return text.split(":")[-1].lower() == actual


class Folder:
    """Wheels of folders and files that were named on the command line."""

    def __init__(self, places: List[str]) -> None:
        self.wheels: Dict[str, List[WheelName]] = {}
        self.paths: Dict[Tuple[str, int], str] = {}
        self.sdists: Dict[str, str] = {}
        self.broken: List[str] = []
        self._read: Dict[str, Wheel] = {}
        for place in places:
            self._add(place)

    def _add(self, place: str) -> None:
        if os.path.isdir(place):
            for entry in sorted(os.listdir(place)):
                path = os.path.join(place, entry)
                if entry.endswith((".whl",) + SDIST_SUFFIXES) and os.path.isfile(path):
                    self.add_file(path)
        else:
            self.add_file(place)

    def add_file(self, path: str) -> None:
        """Adds one wheel, or source distribution."""
        base = os.path.basename(path)
        if base.endswith(".whl"):
            try:
                name = parse_name(path)
            except WheelError as error:
                self.broken.append(str(error))
                return
            found = self.wheels.setdefault(name.name, [])
            self.paths[(name.name, len(found))] = path
            found.append(name)
            return
        for suffix in SDIST_SUFFIXES:
            if base.endswith(suffix):
                stem = base[:-len(suffix)]
                match = re.match(r"(.+)-\d", stem)
                self.sdists.setdefault(canonical(match.group(1) if match else stem), path)
                return

    def candidates(self, key: str) -> List[Tuple[WheelName, str]]:
        """Name and path of each wheel of a distribution."""
        return [(name, self.paths[(key, i)]) for i, name in enumerate(self.wheels.get(key, []))]

    def read(self, path: str) -> Wheel:
        """The wheel at a path, read once.  Raises WheelError, OSError."""
        if path not in self._read:
            self._read[path] = read(path)
        return self._read[path]

    def importable(self) -> Dict[str, List[str]]:
        """For each import name the distributions that have it; wheels that are broken have none."""
        found: Dict[str, List[str]] = {}
        for key in sorted(self.wheels):
            for _, path in self.candidates(key):
                try:
                    imports = self.read(path).imports
                except (WheelError, OSError):
                    continue
                for name in imports:
                    if key not in found.setdefault(name, []):
                        found[name].append(key)
        return found


def best_tag(names: List[WheelName], target: Target) -> Optional[WheelName]:
    """Of wheels of one version that fit: one that is built for the target before a pure one."""
    fitting = [n for n in names if n.fits(target)]
    return min(fitting, key=lambda n: n.pure, default=None)
