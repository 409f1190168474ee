"""Files that a program reads and writes by names that stand in it."""

import ast
import os
from typing import Dict, List, NamedTuple, Optional, Set, Tuple

from .names import Names, keywords, text_of
from .scopes import Scope

# Position of the path among the arguments (or its keyword), of calls that read.
READS: Dict[str, Tuple[int, str]] = {name: (0, keyword) for name, keyword in (
    ("numpy.load", "file"), ("numpy.loadtxt", "fname"), ("numpy.genfromtxt", "fname"),
    ("numpy.fromfile", "file"), ("pandas.read_csv", "filepath_or_buffer"),
    ("pandas.read_excel", "io"), ("pandas.read_json", "path_or_buf"),
    ("pandas.read_parquet", "path"), ("pandas.read_table", "filepath_or_buffer"),
    ("PIL.Image.open", "fp"), ("cv2.imread", "filename"), ("joblib.load", "filename"),
    ("onnxruntime.InferenceSession", "path_or_bytes"), ("ashore.Session", "path"),
    ("ashore.load", "path"), ("imageio.imread", "uri"), ("imageio.v3.imread", "uri"),
    ("soundfile.read", "file"), ("librosa.load", "path"), ("wave.open", "f"),
    ("zipfile.ZipFile", "file"), ("tarfile.open", "name"), ("gzip.open", "filename"),
    ("configparser.ConfigParser().read", "filenames"), ("matplotlib.pyplot.imread", "fname"),
    ("os.listdir", "path"), ("os.scandir", "path"), ("shutil.copy", "src"),
    ("shutil.copyfile", "src"), ("os.stat", "path"), ("os.path.getsize", "filename"),
    ("skimage.io.imread", "fname"), ("xml.etree.ElementTree.parse", "source"),
    ("torch.load", "f"), ("importlib.machinery.SourceFileLoader", "path"),
    ("PIL.ImageFont.truetype", "font"), ("runpy.run_path", "path_name"),
    ("ctypes.CDLL", "name"), ("dotenv.load_dotenv", "dotenv_path"))}
OPENS = {"open", "io.open", "builtins.open", "codecs.open", "gzip.open", "bz2.open", "lzma.open",
         "zipfile.ZipFile", "tarfile.open", "wave.open"}
WRITES: Dict[str, Tuple[int, str]] = {
    "numpy.save": (0, "file"), "numpy.savez": (0, "file"), "numpy.savetxt": (0, "fname"),
    "joblib.dump": (1, "filename"), "matplotlib.pyplot.savefig": (0, "fname"),
    "cv2.imwrite": (0, "filename"), "os.remove": (0, "path"),
    "sqlite3.connect": (0, "database"), "shelve.open": (0, "filename"),
    "logging.FileHandler": (0, "filename"), "logging.handlers.RotatingFileHandler": (0, "filename"),
    "logging.handlers.TimedRotatingFileHandler": (0, "filename"), "soundfile.write": (0, "file"),
}
WRITE_METHODS = {"to_csv", "to_parquet", "to_excel", "to_pickle", "savefig", "write_html",
                 "to_json", "write_image"}
PATH_READS = {"read_text", "read_bytes", "iterdir", "stat"}
PATH_WRITES = {"write_text", "write_bytes"}

# There for every program; reading or writing them is fine.
SYSTEM = ("/dev/null", "/dev/urandom", "/dev/random", "/dev/stdout", "/dev/stderr", "/tmp",
          "/home/pyodide", "/home/web_user")


class Path(NamedTuple):
    """A path that is known: its text, and whether it lies beside the file that names it."""

    text: str
    beside: bool = False   # below the folder of __file__
    home: bool = False     # below the user's folder


class Use(NamedTuple):
    """A file that is read or written."""

    path: Path
    writes: bool


_PURE = ("pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.PurePosixPath")


def _parent(text: str) -> str:
    if text in ("", ".") or os.path.basename(text) == "..":
        return os.path.join(text if text != "." else "", "..")
    return os.path.dirname(text) or "."


class Paths:
    """Finds uses of files in calls of one file."""

    def __init__(self, names: Names, path: str) -> None:
        self.names = names
        self.file = os.path.basename(path)

    def value(self, node: Optional[ast.AST], scope: Scope, depth: int = 0) -> Optional[Path]:
        """The path that an expression is, where that is known."""
        if node is None or depth > 20:
            return None
        text = text_of(node, scope)
        if text is not None:
            return Path(text)
        if isinstance(node, ast.Name):
            return self._named(node, scope, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.Add)):
            left = self.value(node.left, scope, depth + 1)
            right = text_of(node.right, scope)
            if left is None or right is None:
                return None
            joined = os.path.join(left.text, right) if isinstance(node.op, ast.Div) else \
                left.text + right
            return left._replace(text=joined)
        if isinstance(node, ast.Attribute) and node.attr == "parent":
            inside = self.value(node.value, scope, depth + 1)
            return inside and inside._replace(text=_parent(inside.text))
        if isinstance(node, ast.Call):
            return self._call(node, scope, depth)
        return None

    def _named(self, node: ast.Name, scope: Scope, depth: int) -> Optional[Path]:
        where = scope.find(node.id)
        if where is None:
            return Path(self.file, beside=True) if node.id == "__file__" else None
        bindings = where.names[node.id]
        if len(bindings) == 1 and bindings[0].kind == "value":
            return self.value(bindings[0].node, where, depth + 1)
        return None

    def _call(self, node: ast.Call, scope: Scope, depth: int) -> Optional[Path]:
        found = self.names.of(node.func, scope)
        func = node.func
        if found & set(_PURE) or "os.path.join" in found:
            parts = [self.value(a, scope, depth + 1) for a in node.args]
            if not parts:
                return Path(".")
            if any(p is None for p in parts):
                return None
            first = parts[0]
            return first._replace(text=os.path.join(*(p.text for p in parts if p)))  # type: ignore
        if found & {"os.path.abspath", "os.path.realpath", "os.path.normpath", "str", "os.fspath"}:
            return self.value(node.args[0], scope, depth + 1) if node.args else None
        if "os.path.dirname" in found and node.args:
            inside = self.value(node.args[0], scope, depth + 1)
            return inside and inside._replace(text=_parent(inside.text))
        if "os.path.expanduser" in found or found & {f"{p}.home" for p in _PURE}:
            inside = self.value(node.args[0], scope, depth + 1) if node.args else Path("~")
            return inside and inside._replace(home=True)
        if found & {"os.getcwd", f"{_PURE[0]}.cwd"}:
            return Path(".")
        if isinstance(func, ast.Attribute) and func.attr in ("resolve", "absolute", "as_posix",
                                                             "expanduser", "joinpath"):
            inside = self.value(func.value, scope, depth + 1)
            if inside is None or func.attr != "joinpath":
                return inside
            more = [text_of(a, scope) for a in node.args]
            if any(m is None for m in more):
                return None
            return inside._replace(text=os.path.join(inside.text, *(m for m in more if m)))
        return None

    def uses(self, node: ast.Call, scope: Scope) -> List[Use]:
        """What a call reads and writes."""
        found = self.names.of(node.func, scope)
        names = keywords(node)
        uses: List[Use] = []
        if found & OPENS:
            path = self.value(node.args[0] if node.args else names.get("file"), scope)
            mode = text_of(node.args[1] if len(node.args) > 1 else names.get("mode"), scope) or "r"
            if path:
                uses.append(Use(path, any(c in mode for c in "wax")))
            return uses
        for table, writes in ((READS, False), (WRITES, True)):
            for name in found & set(table):
                position, keyword = table[name]
                argument = node.args[position] if len(node.args) > position else names.get(keyword)
                path = self.value(argument, scope)
                if path and not path.text.startswith((":memory:", "http:", "https:", "data:")):
                    uses.append(Use(path, writes))
        func = node.func
        if isinstance(func, ast.Attribute) and not uses:
            uses += self._method(func, node, scope)
        return uses

    def _method(self, func: ast.Attribute, node: ast.Call, scope: Scope) -> List[Use]:
        if func.attr in PATH_READS | PATH_WRITES | {"open"} and \
                any(n.startswith("pathlib.") for n in self.names.of(func.value, scope)) or \
                func.attr in PATH_READS | PATH_WRITES and isinstance(func.value, ast.BinOp):
            path = self.value(func.value, scope)
            mode = text_of(node.args[0], scope) if node.args and func.attr == "open" else "r"
            writes = func.attr in PATH_WRITES or func.attr == "open" and any(
                c in (mode or "r") for c in "wax")
            return [Use(path, writes)] if path else []
        if func.attr in WRITE_METHODS and node.args:
            path = self.value(node.args[0], scope)
            return [Use(path, True)] if path else []
        return []


class Files:
    """What is in the app's folder, and what the program itself writes there."""

    def __init__(self, root: str, included: List[str]) -> None:
        self.root = os.path.abspath(root)
        self.included = [os.path.abspath(p) for p in included]
        self.written: Set[str] = set()

    def absolute(self, path: Path, beside: str) -> str:
        """Where a path leads when the app's folder is the current one."""
        base = beside if path.beside else self.root
        return os.path.normpath(os.path.join(base, path.text))

    def inside(self, place: str) -> bool:
        """Whether a place lies below the app's folder, or was included."""
        return any(place == p or place.startswith(p + os.sep) for p in [self.root] + self.included)

    def is_there(self, place: str) -> bool:
        """Whether it will be in the app, or is written by the program."""
        if place in self.written or any(place.startswith(w + os.sep) for w in self.written):
            return True
        return self.inside(place) and os.path.exists(place)
