"""build_wheel.py OUT_DIR VERSION [NAME PACKAGE...]: a wheel of pure Python, the same bytes each time.

Default: the wheel `ashore`.  A PACKAGE is a folder or a module beside this script.
"""
import base64
import hashlib
import io
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUMMARY = {"ashore": "ONNX models under Pyodide: the packages ashore and onnxruntime"}


def sources(package):
    """(path in the wheel, bytes) of a package's or a module's files."""
    root = HERE / package
    files = [root] if root.is_file() else sorted(
        path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    for path in files:
        yield path.relative_to(HERE).as_posix(), path.read_bytes()


def metadata(name, version):
    """The files of a wheel's .dist-info, without RECORD."""
    folder = f"{name}-{version}.dist-info"
    yield f"{folder}/METADATA", (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        f"Summary: {SUMMARY.get(name, name)}\nLicense: Apache-2.0\n"
        "Requires-Python: >=3.9\n").encode()
    yield f"{folder}/WHEEL", (b"Wheel-Version: 1.0\nGenerator: ashore\nRoot-Is-Purelib: true\n"
                              b"Tag: py3-none-any\n")


def digest(data):
    """As RECORD has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def build(out, version, name="ashore", packages=("ashore", "onnxruntime.py")):
    """Writes OUT/NAME-VERSION-py3-none-any.whl: its path."""
    files = [each for package in packages for each in sources(package)]
    files = [(path, f'"""The version of this package."""\n__version__ = "{version}"\n'.encode()
              if path.endswith("/_version.py") else data) for path, data in files]
    files += metadata(name, version)
    record = f"{name}-{version}.dist-info/RECORD"
    lines = [f"{path},sha256={digest(data)},{len(data)}" for path, data in files]
    files.append((record, ("\n".join(lines) + f"\n{record},,\n").encode()))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, data in files:
            info = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            archive.writestr(info, data)
    path = Path(out) / f"{name}-{version}-py3-none-any.whl"
    path.write_bytes(content.getvalue())
    return path


if __name__ == "__main__":
    if len(sys.argv) < 3 or len(sys.argv) == 4:
        sys.exit(__doc__)
    given = sys.argv[3:]
    print(build(*sys.argv[1:3], *([given[0], tuple(given[1:])] if given else [])))
