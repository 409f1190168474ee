#!/usr/bin/env python3
"""Command-line tests: run_cli.py PROGRAM EXAMPLE [--update] [CASE...]

A case is cases/NAME.sh, run by sh in a folder of its own that fixtures.py has filled, with `ashore`
on the path.  Beside it: NAME.out and NAME.err, what it prints (no file: nothing), in which a line
`...` stands for any lines and `*` for any text within a line, and NAME.exit, its exit code (no file:
0).  --update writes what was printed where it does not match.  The program is a copy that finds a
made-up JavaScript package beside it, so that these tests need none.  EXAMPLE is the built
examples/run_model.c."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import fixtures

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "cases")


def install(program, example, folder):
    """The programs and a package that is only there to be copied and started."""
    os.makedirs(os.path.join(folder, "js", "tools"))
    os.makedirs(os.path.join(folder, "js", "page"))
    shutil.copy2(program, os.path.join(folder, "ashore"))
    shutil.copy2(example, os.path.join(folder, "run_model"))
    for name in ("index.js", "inline.js", "core.js", "ashore-simd128.wasm", "ashore-full-simd128.wasm",
                 "ashore-relaxed.wasm", "ashore-scalar.wasm", "prep.js", "ashore-prep.wasm",
                 "ashore-prep-scalar.wasm", "index.d.ts", "index.module.js", "package.json",
                 "tools/verify.mjs", "tools/bench.mjs", "page/main.js", "page/page.css",
                 "page/base.css", "page/one-file.mjs"):
        fixtures.write(os.path.join(folder, "js", name), f"// {name}\n".encode())
    shutil.copytree(os.path.join(HERE, "..", "..", "tools"), os.path.join(folder, "python"),
                    ignore=shutil.ignore_patterns("__pycache__"))
    fixtures.write(os.path.join(folder, "js", "core_operators.txt"), b"Add\nIdentity\nRelu\n")


def pattern(text):
    """Expected output as a regular expression."""
    parts = []
    for line in text.splitlines(keepends=True):
        parts.append(r"(?:.*\n)*?" if line == "...\n" else
                     ".*".join(re.escape(p) for p in line.split("*")))
    return re.compile("".join(parts))


def read(path, default):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return default


def update(path, text, default):
    if text == default:
        if os.path.exists(path):
            os.remove(path)
        return
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def run(name, bin_folder, updating):
    """What is wrong with a case."""
    base = os.path.join(CASES, name)
    with tempfile.TemporaryDirectory() as parent:
        folder = os.path.join(parent, "work")
        os.makedirs(folder)
        fixtures.make(folder)
        env = {"PATH": f"{bin_folder}:{os.environ.get('PATH', '')}", "LC_ALL": "C.UTF-8",
               "BIN": bin_folder, **{k: v for k, v in os.environ.items() if "SAN_OPTIONS" in k}}
        done = subprocess.run(["sh", "-e", base + ".sh"], cwd=folder, env=env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    problems = []
    for suffix, got, default in ((".out", done.stdout, ""), (".err", done.stderr, ""),
                                 (".exit", f"{done.returncode}\n", "0\n")):
        want = read(base + suffix, default)
        if pattern(want).fullmatch(got):
            continue
        if updating:
            update(base + suffix, got, default)
        else:
            problems.append(f"{name}{suffix}: expected\n{want}--- got\n{got}---")
    return problems


def main():
    arguments = [a for a in sys.argv[1:] if a != "--update"]
    program, example, names = arguments[0], arguments[1], arguments[2:]
    if not names:
        names = sorted(n[:-3] for n in os.listdir(CASES) if n.endswith(".sh"))
    failed = 0
    with tempfile.TemporaryDirectory() as bin_folder:
        install(program, example, bin_folder)
        for name in names:
            problems = run(name, bin_folder, "--update" in sys.argv)
            failed += bool(problems)
            for problem in problems:
                print(problem)
    print(f"{len(names) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
