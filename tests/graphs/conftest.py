"""The engine and its oracle for random graphs."""

import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "models"))

from ashore_ctypes import build_library  # noqa: E402


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    build = os.environ.get("ASHORE_BUILD", os.path.join(ROOT, "build"))
    return build_library(build, str(tmp_path_factory.mktemp("library") / "libashore.so"))
