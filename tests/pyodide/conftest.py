"""The Python packages from the source tree, under CPython."""
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PACKAGES = HERE.parents[1] / "bindings" / "python"
sys.path.append(str(HERE))
sys.path.append(str(PACKAGES))  # behind site-packages, where onnxruntime itself is


@pytest.fixture
def packages():
    """The folder of the packages."""
    return PACKAGES
