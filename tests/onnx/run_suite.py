"""Runs the ONNX suite that make_suite.py wrote, natively and in every WebAssembly variant.

    run_suite.py [--program FILE] [--suite DIR] [--targets LIST] [--cpu NAMES]
                 [--check FILE | --write FILE]

Fails when a test fails that known.tsv does not list, when one that it lists passes, and when it
lists one that is not there.  --write makes docs/conformance.md, --check fails when it is not what
would be written."""

import argparse
import collections
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TARGETS = {
    "native": [],
    "wasm-scalar": ["--target", "wasm", "--cpu", "none"],
    "wasm-simd128": ["--target", "wasm", "--cpu", "simd128"],
    "wasm-relaxed": ["--target", "wasm", "--cpu", "relaxed"],
    "wasm-scalar-mt": ["--target", "wasm", "--cpu", "none", "--threads", "2"],
    "wasm-simd128-mt": ["--target", "wasm", "--cpu", "simd128", "--threads", "2"],
    "wasm-relaxed-mt": ["--target", "wasm", "--cpu", "relaxed", "--threads", "2"],
}


def read_known():
    """{(test, target): reason}; the target may be *."""
    known = {}
    with open(os.path.join(HERE, "known.tsv"), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if line.startswith("#") or not line.strip():
                continue
            fields = line.rstrip("\n").split("\t")
            if len(fields) != 3 or not fields[2].strip() or fields[1] not in {"*", *TARGETS}:
                sys.exit(f"known.tsv:{number}: not a test, a target and a reason")
            known[fields[0], fields[1]] = fields[2]
    return known


def verify(program, suite, kinds, target, cpu):
    """{test: message of its failure, or None}"""
    folders = [os.path.join(suite, kind) for kind in kinds]
    arguments = ["--cpu", cpu] if cpu else []
    done = subprocess.run([program, "verify", "--strict", "--json", *TARGETS[target], *arguments,
                           *folders], stdout=subprocess.PIPE, text=True, timeout=1500)
    if done.returncode not in (0, 1):
        sys.exit(f"{target}: verify ended with {done.returncode}")
    results = {}
    for case in json.loads(done.stdout)["cases"]:
        path = case.get("path") or case["name"]
        passed = (case.get("outcome") or case["result"]).startswith("pass")
        message = case.get("reason") or case.get("message") or "no reason given"
        results[os.path.relpath(path, suite).replace(os.sep, "/")] = None if passed else message
    return results


def judge(target, results, known, tests):
    """Prints what is wrong; how much of it there is, and how many failed as known."""
    wrong = expected = 0
    for test in sorted(tests):
        reason = known.get((test, target)) or known.get((test, "*"))
        if test not in results:
            print(f"{target} {test}: was not run")
            wrong += 1
        elif results[test] is None and reason:
            print(f"{target} {test}: passes, but known.tsv says: {reason}")
            wrong += 1
        elif results[test] is not None and reason:
            expected += 1
        elif results[test] is not None:
            print(f"{target} {test}: {results[test]}")
            wrong += 1
    print(f"{target}: {len(tests) - wrong - expected} of {len(tests)} passed, {expected} failed as "
          f"known, {wrong} wrong")
    return wrong


def by_kind(tests):
    return collections.Counter(test.split("/")[0] for test in tests)


def document(index, known, passed):
    """docs/conformance.md: passed is {target: set of tests}."""
    tests, kinds = index["tests"], index["kinds"]
    ran = by_kind(tests)
    lines = [
        "# Conformance",
        "",
        "Written by `tests/onnx/run_suite.py --write docs/conformance.md`; a test checks that it is "
        "current.",
        "",
        f"The suite is the ONNX backend tests of the PyPI package `onnx` {index['key']['onnx']}. A "
        "test is run when all of its",
        "operators are in `tests/onnx/slice_ops.txt`. It passes when types and shapes are equal and "
        "every number is within",
        "rtol 1e-3 and atol 1e-7 (integers, strings and booleans: equal).",
        "",
        "| tests | in the suite | run | " + " | ".join(passed) + " |",
        "|---|--:|--:|" + "--:|" * len(passed),
    ]
    for kind, total in kinds.items():
        cells = [str(by_kind(tests_passed)[kind]) for tests_passed in passed.values()]
        lines.append(f"| {kind} | {total} | {ran[kind]} | " + " | ".join(cells) + " |")
    cells = [str(len(tests_passed)) for tests_passed in passed.values()]
    lines.append(f"| all | {sum(kinds.values())} | {len(tests)} | " + " | ".join(cells) + " |")
    lines += ["", "## By operator", "",
              "Tests that use the operator, and how many of them pass on every target.", "",
              "| operator | tests | pass everywhere |", "|---|--:|--:|"]
    everywhere = set.intersection(*passed.values())
    for op in index["key"]["ops"]:
        users = {test for test, ops in tests.items() if op in ops}
        lines.append(f"| {op} | {len(users)} | {len(users & everywhere)} |")
    lines += ["", "## Known failures", ""]
    if known:
        lines += ["| test | target | reason |", "|---|---|---|"]
        lines += [f"| {test} | {target.replace('*', 'all')} | {reason} |"
                  for (test, target), reason in sorted(known.items())]
    else:
        lines.append("None.")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=os.path.join(ROOT, "build", "ashore"))
    parser.add_argument("--suite", default=os.path.join(ROOT, "build", "suite"))
    parser.add_argument("--targets", default=",".join(TARGETS))
    parser.add_argument("--cpu")
    parser.add_argument("--check")
    parser.add_argument("--write")
    args = parser.parse_args()
    with open(os.path.join(args.suite, "index.json"), encoding="utf-8") as f:
        index = json.load(f)
    tests = index["tests"]
    kinds = sorted(by_kind(tests))
    known = read_known()
    wrong = 0
    for test in sorted({test for test, _ in known} - set(tests)):
        print(f"known.tsv: there is no test {test}")
        wrong += 1
    passed = {}
    for target in args.targets.split(","):
        results = verify(args.program, args.suite, kinds, target, args.cpu)
        wrong += judge(target, results, known, tests)
        passed[target] = {test for test, message in results.items() if message is None}
    if args.write or args.check:
        text = document(index, known, passed)
        path = args.write or args.check
        if args.write:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        elif not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
            print(f"{path}: not current; write it with run_suite.py --write {path}")
            wrong += 1
    runs = len(tests) * len(passed)
    print(f"{runs - wrong} passed, {wrong} failed")
    sys.exit(1 if wrong else 0)


main()
