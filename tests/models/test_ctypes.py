"""Structures that are declared here and filled by the library are as large as those of its headers."""

import ctypes
import os
import subprocess

import ashore_ctypes as a

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
NAMES = {"ashore_error": a.Error, "ashore_memory": a.Memory, "ashore_session_options":
         a.SessionOptions, "ashore_model_options": a.ModelOptions,
         "ashore_value_info": a.ValueInfo}


def test_structures_have_the_size_of_the_headers(tmp_path):
    prints = "\n".join(f'printf("{name} %zu\\n", sizeof(struct {name}));' for name in NAMES)
    source = tmp_path / "sizes.c"
    source.write_text("#include <ashore/ashore.h>\n#include <stdio.h>\n"
                      f"int main(void) {{\n{prints}\nreturn 0;\n}}\n")
    program = tmp_path / "sizes"
    subprocess.run([os.environ.get("CC", "cc"), f"-I{ROOT}/include", str(source), "-o",
                    str(program)], check=True)
    lines = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
    found = dict(line.split() for line in lines.splitlines())
    assert found == {name: str(ctypes.sizeof(kind)) for name, kind in NAMES.items()}
