"""What the tests of the audit share: programs in a folder of their own, and wheels."""

import base64
import hashlib
import json
import os
import sys
import zipfile

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))

from ashore_tools.audit import Audit, Options  # noqa: E402


def write(folder, files):
    for name, content in files.items():
        path = os.path.join(str(folder), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())


@pytest.fixture
def audit(tmp_path):
    """audit(text or {path: content}, **options): the result for app.py, or for a folder."""

    def run(files, program="app.py", **options):
        write(tmp_path, files if isinstance(files, dict) else {"app.py": files})
        options.setdefault("measure", False)
        return Audit(Options(str(tmp_path / program), **options)).run()

    return run


def found(result, *severities):
    """(line, rule) of findings, of those severities or of all."""
    return {(f.line, f.rule) for f in result.findings
            if not severities or f.severity in severities}


def rules(result, *severities):
    return {rule for _, rule in found(result, *severities)}


def make_wheel(folder, name, version="1.0", tag="py3-none-any", requires=(), files=None, pure=True,
               python="", metadata_name=None):
    """Writes a wheel and returns its path."""
    module = name.replace("-", "_")
    files = files if files is not None else {f"{module}/__init__.py": f"NAME = {name!r}\n"}
    info = f"{module}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {metadata_name or name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {r}\n" for r in requires)
    metadata += f"Requires-Python: {python}\n" if python else ""
    members = dict(files)
    members[f"{info}/METADATA"] = metadata
    members[f"{info}/WHEEL"] = (f"Wheel-Version: 1.0\nRoot-Is-Purelib: {str(pure).lower()}\n"
                                f"Tag: {tag}\n")
    record = ""
    for path, content in members.items():
        data = content if isinstance(content, bytes) else content.encode()
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(data)}\n"
    members[f"{info}/RECORD"] = record
    path = os.path.join(str(folder), f"{module}-{version}-{tag}.whl")
    os.makedirs(str(folder), exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


def make_distribution(folder, packages):
    """Writes a folder as Pyodide's distribution is one: wheels and the lock file with their hashes.
    packages: name -> arguments of make_wheel, and 'depends', 'imports'."""
    rows = {}
    for name, arguments in packages.items():
        arguments = dict(arguments)
        depends = arguments.pop("depends", [])
        imports = arguments.pop("imports", [name.replace("-", "_")])
        path = make_wheel(folder, name, **arguments)
        with open(path, "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        rows[name] = {"name": name, "version": arguments.get("version", "1.0"),
                      "file_name": os.path.basename(path), "sha256": digest, "imports": imports,
                      "depends": depends, "install_dir": "site", "package_type": "package"}
    lock = os.path.join(str(folder), "pyodide-lock.json")
    with open(lock, "w", encoding="utf-8") as f:
        json.dump({"info": {"abi_version": "2026_0", "arch": "wasm32", "platform":
                            "emscripten_5_0_3", "python": "3.14.2"}, "packages": rows}, f)
    return lock
