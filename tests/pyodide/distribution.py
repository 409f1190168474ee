"""A distribution as Pyodide's is one: wheels, a shared library, and the lock file with their hashes.

    distribution.py FOLDER      writes it, and prints which packages it has

All packages are made here.  Those with machine code are compiled by clang, which knows what Emscripten's
side modules are; without it they are left out."""

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
TAG = "cp314-cp314-pyemscripten_2026_0_wasm32"
SUFFIX = ".cpython-314-wasm32-emscripten.so"
INFO = {"abi_version": "2026_0", "arch": "wasm32", "platform": "emscripten_5_0_3", "python": "3.14.2"}


def wheel(name, version, files, requires=(), tag="py3-none-any", python=""):
    """(file name, bytes) of a wheel.  name: as METADATA has it; files: text or bytes by path."""
    stem = f"{name.replace('-', '_').replace('.', '_').lower()}-{version}"
    info = f"{stem}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {each}\n" for each in requires)
    metadata += f"Requires-Python: {python}\n" if python else ""
    for extra in sorted({each.split("extra == ")[1].strip("'\"") for each in requires
                         if "extra == " in each}):
        metadata += f"Provides-Extra: {extra}\n"
    pure = str(tag.endswith("any")).lower()
    members = {**files, f"{info}/METADATA": metadata,
               f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: {pure}\nTag: {tag}\n"}
    return f"{stem}-{tag}.whl", archive(members, f"{info}/RECORD")


def archive(members, record=None):
    """The bytes of a zip file; record: where its list of hashes goes."""
    made, lines = io.BytesIO(), []
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path, content in members.items():
            data = content if isinstance(content, bytes) else content.encode()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            lines.append(f"{path},sha256={digest},{len(data)}\n")
            zipped.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), data)
        if record:
            zipped.writestr(zipfile.ZipInfo(record, (1980, 1, 1, 0, 0, 0)),
                            "".join(lines) + f"{record},,\n")
    return made.getvalue()


def row(name, version, file_name, data, imports=(), depends=(), **more):
    """A package of the lock file."""
    return {"name": name, "version": version, "file_name": file_name,
            "sha256": hashlib.sha256(data).hexdigest(), "imports": list(imports),
            "depends": list(depends), "install_dir": "site", "package_type": "package",
            "unvendored_tests": False, "tool": {}, **more}


def canonical(name):
    return name.lower().replace("_", "-").replace(".", "-")


class Distribution:
    """Packages, and the files that they are in."""

    def __init__(self):
        self.rows, self.files = {}, {}

    def add(self, name, version, files, requires=(), tag="py3-none-any", **more):
        """Adds a wheel.  more: of its row."""
        file_name, data = wheel(name, version, files, requires, tag)
        self.put(row(name, version, file_name, data, **{"imports": [canonical(name).replace(
            "-", "_")], **more}), data)

    def put(self, made, data):
        """Adds a file by its row."""
        self.rows[canonical(made["name"])] = made
        self.files[made["file_name"]] = data

    def write(self, folder, info=None):
        """Writes the files and the lock file: the path of that."""
        os.makedirs(folder, exist_ok=True)
        for name, data in self.files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        path = os.path.join(folder, "pyodide-lock.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"info": info or INFO, "packages": self.rows, "tool": {}}, file)
        return path


def pure():
    """Wheels of Python alone, of all that lock files and METADATA say."""
    made = Distribution()
    made.add("Fancy_Names", "1.0.post1", {
        "fancy_names/__init__.py": "from shared_data import words\nfrom .part import NAME\n",
        "fancy_names/part.py": "NAME = 'fancy'\n"}, depends=["Shared.Data", "marked"],
        unvendored_tests=True)
    tests = archive({"fancy_names/tests/__init__.py": "", "fancy_names/tests/test_it.py": ""})
    made.put(row("Fancy_Names-tests", "1.0.post1", "fancy-names-tests.zip", tests,
                 depends=["fancy-names"]), tests)
    made.add("Shared.Data", "2.1", {
        "shared_data/__init__.py": "from importlib.resources import files\n\n\ndef words():\n"
        "    return (files(__name__) / 'words.txt').read_text(encoding='utf-8').split()\n",
        "shared_data/words.txt": "eins zwei dr\u00fcber\n"})
    made.add("marked", "3.0", {"marked.py": "import helper_here\nNAME = helper_here.NAME\n"},
             requires=["helper-here>=1; python_version >= '3.9'", "nowhere; sys_platform == 'win32'",
                       "extra_part; extra == 'more'"], depends=["helper-here"])
    made.add("helper-here", "1.5", {"helper_here.py": "NAME = 'helped'\n"})
    made.add("extra_part", "0.2", {"extra_part.py": "NAME = 'extra'\n"})
    made.add("one-way", "1.0", {"one_way.py": "NAME = 'one'\n"}, depends=["other-way"])
    made.add("other-way", "1.0", {"other_way.py": "import one_way\nNAME = one_way.NAME\n"},
             depends=["one-way"])
    return made


def compiler():
    """The commands that make side modules: (compiler, linker), or what is not there."""
    found = [shutil.which(name) for name in ("clang-19", "wasm-ld-19")]
    return found if all(found) else None


def _compile(folder, source, to, *arguments, libraries=()):
    clang, linker = compiler()
    subprocess.run([clang, "--target=wasm32-unknown-emscripten", "-O2", "-fPIC", "-c", "-o",
                    f"{folder}/{to}.o", os.path.join(HERE, "side", source), *arguments], check=True)
    subprocess.run([linker, "-shared", "--experimental-pic", "--no-entry", "--import-memory",
                    "--unresolved-symbols=import-dynamic", "-o", f"{folder}/{to}", f"{folder}/{to}.o",
                    f"-L{folder}", *(f"-l:{name}" for name in libraries)], check=True)
    with open(f"{folder}/{to}", "rb") as file:
        return file.read()


def compiled(made):
    """Adds a shared library, a module that needs it, and one that carries JavaScript."""
    with tempfile.TemporaryDirectory() as folder:
        library = archive({"libegg.so": _compile(folder, "egg.c", "libegg.so")})
        made.put(row("libegg", "1.0", "libegg-1.0.zip", library, install_dir="dynlib",
                     package_type="shared_library"), library)
        for name, more in (("spam", ()), ("jspam", ("-DWITH_JAVASCRIPT",))):
            code = _compile(folder, "spam.c", name + SUFFIX, f'-DMODULE="{name}"',
                            f"-DINIT=PyInit_{name}", *more, libraries=["libegg.so"])
            made.add(name, "0.1", {name + SUFFIX: code}, tag=TAG, depends=["libegg"])
    return made


def main():
    made = pure()
    if compiler():
        compiled(made)
    made.write(sys.argv[1])
    print(json.dumps(sorted(made.rows)))


if __name__ == "__main__":
    main()
