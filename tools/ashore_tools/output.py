"""Writes what a tool has made so that nobody ever sees half of it, and nothing foreign is lost."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import stat
import tempfile
import zipfile
from typing import Dict

from .errors import INTERNAL, USAGE, ToolError, clean

MANIFEST = "manifest.json"


def archive(files: Dict[str, bytes], compress: bool = True) -> bytes:
    """A zip file with sorted names and a fixed date: the same bytes from the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for path in sorted(files):
            info = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
            zipped.writestr(info, files[path], compresslevel=9 if compress else None)
    return out.getvalue()


def manifest(files: Dict[str, bytes], facts: Dict[str, object]) -> bytes:
    """The text of manifest.json: facts, and size and SHA-256 of each file."""
    rows = [{"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for path, data in sorted(files.items())]
    whole = {"manifest": 1, **facts, "bytes": sum(r["bytes"] for r in rows), "files": rows}
    return (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode()


def _ours(folder: str, maker: str) -> Dict[str, object]:
    """The manifest of a folder that `maker` has written; {} of another."""
    try:
        with open(os.path.join(folder, MANIFEST), encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("maker") == maker else {}


def check_folder(folder: str, maker: str) -> None:
    """Refuses a folder that holds anything that `maker` has not written there."""
    if not os.path.lexists(folder):
        return
    if not os.path.isdir(folder):
        raise ToolError(USAGE, f"-o is {clean(folder)}, which is a file; name a folder")
    there = {os.path.relpath(os.path.join(at, name), folder).replace(os.sep, "/")
             for at, _, names in os.walk(folder) for name in names}
    found = _ours(folder, maker)
    if there and not found:
        raise ToolError(USAGE, f"{clean(folder)} holds other files and is not one of '{maker}'; "
                               f"name a new folder")
    rows = found.get("files", [])
    ours = {row.get("path") for row in rows if isinstance(row, dict)} | {MANIFEST}
    foreign = sorted(there - ours)
    if foreign:
        raise ToolError(USAGE, f"{clean(folder)} holds {clean(foreign[0])}, which '{maker}' has not "
                               f"written; move it, or name a new folder")


def check_page(path: str, mark: bytes) -> None:
    """Refuses a name that is no page's, and a file without the mark near its start."""
    if not path.endswith(".html") or os.path.isdir(path):
        raise ToolError(USAGE, f"--one-file is {clean(path)}, but must be a .html file")
    if not os.path.exists(path):
        return
    with _explained(path), open(path, "rb") as file:
        start = file.read(2000)
    if start and mark not in start:
        raise ToolError(USAGE, f"{clean(path)} is there and is not of 'ashore app'; move it, or name "
                               f"another")


@contextlib.contextmanager
def _explained(path):
    try:
        yield
    except OSError as error:
        raise ToolError(INTERNAL, f"{clean(path)}: cannot be written: {error.strerror}") from None


def write_page(path: str, data: bytes) -> None:
    """Writes a file under another name in its folder, then gives it its own."""
    folder = os.path.dirname(path) or "."
    with _explained(path):
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".ashore-", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise


def write_folder(folder: str, files: Dict[str, bytes]) -> None:
    """Writes a folder beside its place and puts it there as a whole; what was there before has
    passed check_folder."""
    folder = os.path.abspath(folder)
    parent = os.path.dirname(folder)
    with _explained(folder):
        os.makedirs(parent, exist_ok=True)
        temporary = tempfile.mkdtemp(prefix=".ashore-", dir=parent)
        try:
            os.chmod(temporary, 0o777 & ~_umask())
            for path, data in files.items():
                to = os.path.join(temporary, path)
                os.makedirs(os.path.dirname(to), exist_ok=True)
                with open(to, "wb") as file:
                    file.write(data)
            _exchange(temporary, folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def _exchange(made: str, folder: str) -> None:
    """Puts `made` in the place of `folder`, which comes back if that fails."""
    if os.path.islink(folder):
        folder = os.path.realpath(folder)
    if not os.path.isdir(folder):
        os.rename(made, folder)
        return
    before = tempfile.mkdtemp(prefix=".ashore-", dir=os.path.dirname(folder))
    os.rename(folder, os.path.join(before, "old"))
    try:
        os.rename(made, folder)
    except BaseException:
        os.rename(os.path.join(before, "old"), folder)
        os.rmdir(before)
        raise
    shutil.rmtree(before)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
