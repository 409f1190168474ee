"""Versions, specifiers, markers and tags, against the package `packaging` as the reference."""

import itertools
import os
import sys

import pytest

from conftest import ROOT

from ashore_tools import pep440, pep508, wheels

WHEELS = os.path.join(ROOT, "build", "wheels")
REFERENCE = [os.path.join(WHEELS, n) for n in sorted(os.listdir(WHEELS))
             if n.startswith("packaging-")]
sys.path.insert(0, REFERENCE[0])
for _name in [n for n in sys.modules if n.split(".")[0] == "packaging"]:
    del sys.modules[_name]  # pytest's own, which may be another version

import packaging.markers  # noqa: E402
import packaging.requirements  # noqa: E402
import packaging.specifiers  # noqa: E402
import packaging.version  # noqa: E402

VERSIONS = ["0", "0.9", "1", "1.0", "1.0.0", "1.0.1", "1.1", "1.10", "1.2", "2", "2.0", "2.1.3",
    "1!0.5",
            "1.0a1", "1.0.a.2", "1.0b1", "1.0rc1", "1.0c2", "1.0-preview3", "1.0.dev1",
            "1.0a1.dev3",
            "1.0.post1", "1.0-1", "1.0.post1.dev2", "1.0rev3", "1.0+local", "1.0+local.2", "1.0+2",
            "1.0+abc_1", "v1.0", "1.1a1", "1.1.dev1", "2.0rc1", "2026.1", "1.0.0.0"]
CLAUSES = [f"{o}{v}" for o, v in itertools.product(
    ("==", "!=", "<=", ">=", "<", ">", "~=", "==="),
    ("1", "1.0", "1.0.0", "1.1", "2.0", "1.0a1", "1.0rc1", "1.0.dev1", "1.0.post1", "1!0.5",
    "1.0+local",
     "1.0+2", "2.1.3", "0.9"))] + [
    "==1.*", "==1.0.*", "!=1.*", "!=1.0.*", "==1.0a1.*", "==1!0.*", "==1.0.post1.*", "==2.1.*",
    "==1.0.0.0.*", "~=1", ">=1.0.*", "=>1", "1.0", "~=1.0.*", "==", "==1.0.dev1.*"]


def test_versions_are_ordered_as_the_reference_orders_them():
    for a, b in itertools.product(VERSIONS, VERSIONS):
        ours = pep440.Version(a) < pep440.Version(b), pep440.Version(a) == pep440.Version(b)
        theirs = (packaging.version.Version(a) < packaging.version.Version(b),
                  packaging.version.Version(a) == packaging.version.Version(b))
        assert ours == theirs, (a, b)


@pytest.mark.parametrize("text", ["", "x", "1..0", "1.0-", "1.0+", "1.0+ü", "1.0 0", "latest",
    "1.0.*",
                                  "1.0a1b1", "!1.0"])
def test_what_is_no_version_is_refused(text):
    with pytest.raises(packaging.version.InvalidVersion):
        packaging.version.Version(text)
    with pytest.raises(pep440.InvalidVersion):
        pep440.Version(text)


def test_specifiers_match_as_the_reference_matches():
    compared = 0
    for clause in CLAUSES:
        try:
            theirs = packaging.specifiers.Specifier(clause)
        except packaging.specifiers.InvalidSpecifier:
            with pytest.raises(pep440.InvalidVersion):
                pep440.Specifier(clause)
            continue
        ours = pep440.Specifier(clause)
        for version in VERSIONS:
            compared += 1
            assert ours.matches(pep440.Version(version)) == theirs.contains(
                version, prereleases=True), (clause, version)
    assert compared > 3000


def test_a_prerelease_is_chosen_only_where_nothing_else_fits_or_it_is_asked_for():
    versions = [pep440.Version(v) for v in ("1.0", "1.1a1", "0.9")]
    best = lambda text: str(pep440.SpecifierSet(text).best(versions))  # noqa: E731
    assert best("") == "1.0" and best(">=0.5") == "1.0"
    assert best(">1.0") == "1.1a1" and best(">=1.1a1") == "1.1a1" and best("<1.0") == "0.9"
    assert best(">2") == "None"


MARKERS = ['sys_platform == "emscripten"', 'sys_platform != "emscripten"',
    "python_version >= '3.9'",
           "python_version < '3.10'", "python_full_version == '3.14.*'",
           "platform_machine == 'wasm32'",
           "platform_machine in 'x86_64 wasm32'", "os_name == 'nt' or os_name == 'posix'",
           "os_name == 'nt' and (python_version > '3' or sys_platform == 'emscripten')",
           "extra == 'test'", "implementation_name == 'cpython' and extra == 'Foo_Bar'",
           "platform_system not in 'Linux Darwin'", "'linux' in sys_platform",
           "python_version ~= '3.10'", "(os_name == 'posix') and python_version == '3.14'",
           "platform_python_implementation == 'CPython'", "sys_platform >= 'a'",
           "sys_platform <= 'emscripten'", "sys_platform < 'z'"]


@pytest.mark.parametrize("text", MARKERS)
@pytest.mark.parametrize("extra", ["", "test", "foo-bar"])
def test_markers_hold_as_the_reference_says(text, extra):
    values = dict(pep508.environment("3.14.2"), extra=extra)
    assert pep508.Marker(text).holds(values, (extra,)) == \
        packaging.markers.Marker(text).evaluate(values)


@pytest.mark.parametrize("text", ["numpy", "numpy>=1.0,<3", "numpy (>=1)", "a[b,c]==1.*", "a [b]",
                                  "a @ https://x/y-1.0-py3-none-any.whl",
                                  "a @ https://x/y.whl ; python_version > '3'",
                                  "A.b_c ; os_name=='x'"])
def test_requirements_are_read_as_the_reference_reads_them(text):
    ours, theirs = pep508.Requirement(text), packaging.requirements.Requirement(text)
    assert (ours.name, set(ours.extras), ours.url) == (theirs.name, theirs.extras, theirs.url)
    assert sorted(str(ours.specifiers).split(",")) == sorted(str(theirs.specifier).split(","))
    assert (ours.marker is None) == (theirs.marker is None)


@pytest.mark.parametrize("text", ["", "==1", "numpy>=x", "numpy; os_name", "numpy; os_name == ",
    "a[b",
                                  "numpy; foo == 'x'", "a @ ",
                                  "numpy; os_name == 'x' os_name == 'y'",
                                  "numpy; " + "(" * 200 + "os_name == 'x'" + ")" * 200, "nümpy"])
def test_what_is_no_requirement_is_refused(text):
    with pytest.raises(pep508.InvalidRequirement):
        pep508.Requirement(text)


@pytest.mark.parametrize("tag, fits", [
    ("py3-none-any", True), ("py2.py3-none-any", True), ("cp314-none-any", True),
    ("cp314-cp314-pyemscripten_2026_0_wasm32", True), ("cp312-abi3-pyemscripten_2026_0_wasm32",
    True),
    ("py3-none-pyemscripten_2026_0_wasm32", True), ("cp314-cp314-emscripten_5_0_3_wasm32", True),
    ("cp313-cp313-pyemscripten_2026_0_wasm32", False), ("cp315-abi3-pyemscripten_2026_0_wasm32",
    False),
    ("cp313-cp313-pyodide_2025_0_wasm32", False), ("cp314-cp314-manylinux_2_17_x86_64", False),
    ("cp39-abi3-manylinux2014_x86_64", False), ("py2-none-any", False), ("py315-none-any", False),
    ("py39-none-any", True), ("cp313-none-any", False), ("cp314-cp314t-pyemscripten_2026_0_wasm32",
                                                         False)])
def test_tags_of_wheels(tag, fits):
    assert wheels.parse_name(f"x-1.0-{tag}.whl").fits(wheels.Target()) is fits


@pytest.mark.parametrize("name", ["x.whl", "x-1.0.whl", "x-1.0-py3-none.whl",
    "x-y-py3-none-any.whl",
                                  "x-1.0-py3-none-any.zip", "a-1-2-3-4-5-6.whl"])
def test_what_is_no_name_of_a_wheel_is_refused(name):
    with pytest.raises(wheels.WheelError):
        wheels.parse_name(name)
