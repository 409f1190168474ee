"""What the examples work on, made once."""

import os
import subprocess
import sys

import pytest
from case_runner import example


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Vocabulary, text and networks of the examples."""
    folder = str(tmp_path_factory.mktemp("examples"))
    subprocess.run([sys.executable, example("networks.py"), folder], check=True)
    subprocess.run([sys.executable, example("tokenizer", "corpus.py"), folder], check=True)
    return lambda name: os.path.join(folder, name)
