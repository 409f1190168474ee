"""The Python files of wheels, read from the zip files as if they were unpacked into folders."""

import os
import zipfile
import zlib
from typing import Dict, List, NamedTuple, Optional

from .source import LARGEST, Source, failed, parse_bytes

_DATA = ("purelib", "platlib")  # folders of NAME.data whose files are modules
# Others need memory that the archive itself asks for.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError,
           RuntimeError, OSError, ValueError)


class _File(NamedTuple):
    """A file of a wheel; of files with one name the last counts, as when it is unpacked."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo


class WheelFiles:
    """Wheels that were opened before without an error.  Paths are those of the wheels, as if they
    were folders."""

    def __init__(self, wheels: List[str]) -> None:
        self.bases = [os.path.abspath(path) for path in wheels]
        self._folders: Dict[str, Dict[str, bool]] = {}
        self._files: Dict[str, _File] = {}
        self._archives: List[zipfile.ZipFile] = []
        for base in self.bases:
            self._open(base)

    def close(self) -> None:
        """Closes the wheels."""
        for archive in self._archives:
            archive.close()

    def _open(self, base: str) -> None:
        try:
            archive = zipfile.ZipFile(base)
        except _BROKEN:  # it is named where its metadata are read
            return
        self._archives.append(archive)
        for info in archive.infolist():
            parts = info.filename.split("/")
            if parts[0].endswith(".data") and len(parts) > 2:
                parts = parts[2:] if parts[1] in _DATA else []
            if parts and parts[-1]:
                self._add(base, parts, _File(archive, info))

    def _add(self, base: str, parts: List[str], file: _File) -> None:
        folder = base
        for part in parts[:-1]:
            self._folders.setdefault(folder, {})[part] = False
            folder += os.sep + part
        self._folders.setdefault(folder, {})[parts[-1]] = True
        self._files[folder + os.sep + parts[-1]] = file

    def listing(self, folder: str) -> Dict[str, bool]:
        """Names in a folder, and whether each is a file."""
        return self._folders.get(folder, {})

    def is_file(self, path: str) -> bool:
        """Whether a path is that of a file."""
        return path in self._files

    def wheel_of(self, path: str) -> Optional[str]:
        """The wheel that a path is in."""
        return next((b for b in self.bases if path == b or path.startswith(b + os.sep)), None)

    def load(self, path: str) -> List[Source]:
        """The source of a module.  Never raises for its content."""
        file = self._files.get(path)
        if file is None:
            return [failed(path, 0, "", "unreadable", "it is no file of the wheel")]
        if file.info.file_size > LARGEST:
            return [failed(path, 0, "", "unreadable", f"it has {file.info.file_size} bytes, more "
                           f"than the {LARGEST >> 20} MiB that are read")]
        if file.info.compress_type not in _METHODS:
            return [failed(path, 0, "", "unreadable", "it is neither stored nor deflated in the "
                           "wheel")]
        try:
            with file.archive.open(file.info) as member:
                data = member.read(LARGEST + 1)
        except _BROKEN as error:
            return [failed(path, 0, "", "wheel", f"it cannot be unpacked: {error}")]
        return parse_bytes(path, data)
