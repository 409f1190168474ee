"""Which files go along with a program: those that it names, and those that the user adds."""

import glob
import os
from typing import Dict, List

from .errors import INPUT, USAGE, ToolError, clean
from .models import external_files
from .program import Program, Text

_MODELS = (".onnx", ".ort")
_LOADERS = {"InferenceSession", "Session", "load"}


class Gathered:
    """Files by their path below the program's folder, and what is to be said about them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.files: Dict[str, str] = {}  # path -> place on this machine
        self.notes: List[str] = []
        self.errors: List[str] = []

    def named(self) -> None:
        """Takes the files that the program names by a string."""
        for text in self.program.texts:
            for path in self._paths(text):
                self._take_named(path, text)

    def included(self, given: List[str]) -> None:
        """Takes files and folders that the user names."""
        for name in given:
            if not os.path.exists(name):
                below = os.path.join(self.program.folder, name)
                if not os.path.exists(below):
                    raise ToolError(INPUT, f"--include {clean(name)}: there is no such file")
                name = below
            place = os.path.abspath(name)
            path = os.path.relpath(place, self.program.folder).replace(os.sep, "/")
            if path.startswith("../") or path == "..":
                raise ToolError(USAGE, f"--include {clean(name)}: is not below the program's folder "
                                       f"({clean(self.program.folder)}), and the program would find "
                                       f"no such path in the page; copy it there")
            self._add_tree("" if path == "." else path, place)

    def models(self) -> None:
        """Takes the external data of models."""
        for path, place in list(self.files.items()):
            if not path.endswith(".onnx"):
                continue
            for location in external_files(self._read(place, path)):
                data = os.path.normpath(os.path.join(os.path.dirname(path), location))
                where = os.path.join(self.program.folder, data)
                if data.startswith("..") or os.path.isabs(location):
                    self.errors.append(f"{self.program.show(path)}: its external data lies outside of "
                                       f"the program's folder: {clean(location)}")
                elif os.path.isfile(where):
                    self.files[data.replace(os.sep, "/")] = where
                else:
                    self.errors.append(f"{self.program.show(path)}: its external data is missing: "
                                       f"{clean(location)}")

    def contents(self) -> Dict[str, bytes]:
        """All files of the program, modules too, by path."""
        found = {path: self._read(place, path) for path, place in self.files.items()}
        found.update({path: module.data for path, module in self.program.modules.items()})
        return found

    # ---- strings -------------------------------------------------------------------------------

    def _paths(self, text: Text) -> List[str]:
        value = text.value
        if os.path.isabs(value) or "://" in value or value in (".", ".."):
            return []
        path = os.path.normpath(value).replace(os.sep, "/")
        if path.startswith(".."):
            return []
        if any(c in value for c in "*?") and "/" in value or value.startswith("*."):
            root = glob.escape(self.program.folder)
            return [os.path.relpath(found, self.program.folder).replace(os.sep, "/")
                    for found in sorted(glob.glob(os.path.join(root, path)))]
        return [path]

    def _take_named(self, path: str, text: Text) -> None:
        place = os.path.join(self.program.folder, path)
        where = self.program.at(text.path, text.line)
        if os.path.isfile(place):
            if os.path.basename(path).startswith("."):
                self._note(f"{where}: {clean(path)} is not taken along: such files often hold secrets; "
                           f"--include {clean(path)} does it")
            else:
                self.files.setdefault(path, place)
        elif os.path.isdir(place):
            if text.value.endswith("/") or "/" in path or text.call:
                self._note(f"{where}: names the folder {clean(path)}; --include {clean(path)} takes "
                           f"along what is in it")
        elif path.endswith(_MODELS):
            missing = f"{where}: the model {clean(path)} is missing"
            if text.call in _LOADERS:
                self.errors.append(missing)
            else:
                self._note(missing)

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    # ---- files ---------------------------------------------------------------------------------

    def _add_tree(self, path: str, place: str) -> None:
        if os.path.isfile(place):
            self.files[path] = place
            return
        for at, folders, names in os.walk(place):
            folders[:] = sorted(f for f in folders if not f.startswith(".") and f != "__pycache__")
            for name in sorted(names):
                full = os.path.join(at, name)
                below = os.path.relpath(full, self.program.folder).replace(os.sep, "/")
                if name.startswith("."):
                    self._note(f"{clean(below)} is not taken along: its name begins with a dot; "
                               f"--include {clean(below)} does it")
                elif os.path.isfile(full):
                    self.files[below] = full

    def _read(self, place: str, path: str) -> bytes:
        try:
            with open(place, "rb") as file:
                return file.read()
        except OSError as error:
            raise ToolError(INPUT, f"{self.program.show(path)}: cannot be read: {error.strerror}"
                            ) from None
