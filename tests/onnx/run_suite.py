"""Runs the ONNX suite that make_suite.py wrote, natively, in every WebAssembly variant under Node, in
Chromium, and, when it is asked for (--targets firefox-relaxed, ...), in Firefox.

    run_suite.py [--program FILE] [--suite DIR] [--targets LIST] [--cpu NAMES]
                 [--check FILE | --write FILE]

Fails when a test fails that known.tsv does not list, when one that it lists passes, and when it
lists one that is not there.  A test that needs an operator which the engine does not have is counted
apart.  --write makes docs/conformance.md, --check fails when it is not what would be written, so that
a test that is no longer passed is noticed in either case."""

import argparse
import collections
import concurrent.futures
import json
import os
import re
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
    "browser-scalar": ["--target", "browser", "--cpu", "none"],
    "browser-simd128": ["--target", "browser", "--cpu", "simd128"],
    "browser-relaxed": ["--target", "browser", "--cpu", "relaxed"],
    "browser-relaxed-mt": ["--target", "browser", "--cpu", "relaxed", "--threads", "2"],
}
# Run when they are asked for; docs/conformance.md is of the others.
MORE_TARGETS = {f"firefox{of.removeprefix('browser')}": TARGETS[of]
                for of in TARGETS if of.startswith("browser")}


def read_known():
    """{(test, target): reason}; the target may be *."""
    known = {}
    with open(os.path.join(HERE, "known.tsv"), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if line.startswith("#") or not line.strip():
                continue
            fields = line.rstrip("\n").split("\t")
            targets = {"*", *TARGETS, *MORE_TARGETS}
            if len(fields) != 3 or not fields[2].strip() or fields[1] not in targets:
                sys.exit(f"known.tsv:{number}: not a test, a target and a reason")
            known[fields[0], fields[1]] = fields[2]
    return known


def verify(program, suite, kinds, target, cpu):
    """{test: (outcome, message)}; the outcome is pass, fail or skip."""
    folders = [os.path.join(suite, kind) for kind in kinds]
    arguments = ["--cpu", cpu] if cpu else []
    options = {**TARGETS, **MORE_TARGETS}[target]
    browser = "firefox" if target in MORE_TARGETS else "chromium"
    done = subprocess.run([program, "verify", "--json", *options, *arguments, *folders],
                          stdout=subprocess.PIPE, text=True, timeout=1500,
                          env={**os.environ, "ASHORE_BROWSER": browser})
    if done.returncode not in (0, 1):
        sys.exit(f"{target}: verify ended with {done.returncode}")
    results = {}
    for case in json.loads(done.stdout)["cases"]:
        test = os.path.relpath(case["name"], suite).replace(os.sep, "/")
        results[test] = case["outcome"], case["reason"]
    return results


def missing(message):
    """The operator that a skipped test lacks; None when it was skipped for another reason."""
    found = re.search(r"\(([\w.]+), opset \d+\): this operator is not supported$", message)
    return found and found.group(1)


def judge(target, results, known, tests):
    """Prints what is wrong; how much of it there is."""
    wrong = expected = skipped = 0
    for test in sorted(tests):
        reason = known.get((test, target)) or known.get((test, "*"))
        outcome, message = results.get(test, ("fail", "was not run"))
        if outcome == "pass" and reason:
            print(f"{target} {test}: passes, but known.tsv says: {reason}")
            wrong += 1
        elif outcome == "skip" and missing(message):
            skipped += 1
        elif outcome != "pass" and reason:
            expected += 1
        elif outcome != "pass":
            print(f"{target} {test}: {message}")
            wrong += 1
    passed = len(tests) - wrong - expected - skipped
    print(f"{target}: {passed} of {len(tests)} passed, {skipped} need operators that are not there, "
          f"{expected} failed as known, {wrong} wrong")
    return passed, wrong


def by_kind(tests):
    return collections.Counter(test.split("/")[0] for test in tests)


def read_core():
    """Operators of the engine that the JavaScript package loads first, as the build wrote them."""
    with open(os.path.join(ROOT, "build", "js", "core_operators.txt"), encoding="utf-8") as f:
        return set(f.read().split())


def document(version, tests, known, results):
    """docs/conformance.md: results is {target: {test: (outcome, message)}}."""
    core = read_core()
    passed = {target: {test for test, (outcome, _) in of.items() if outcome == "pass"}
              for target, of in results.items()}
    lacking = collections.defaultdict(set)
    for of in results.values():
        for test, (outcome, message) in of.items():
            if outcome == "skip":
                lacking[missing(message)].add(test)
    lines = [
        "# Conformance",
        "",
        "Written by `tests/onnx/run_suite.py --write docs/conformance.md`; a test checks that it is "
        "current.",
        "",
        f"The suite is the ONNX backend tests of the PyPI package `onnx` {version}, all of them. A "
        "test passes when types and",
        "shapes are equal and every number is within rtol 1e-3 and atol 1e-7 (integers, strings and "
        "booleans: equal).",
        "",
        "| tests | in the suite | " + " | ".join(passed) + " |",
        "|---|--:|" + "--:|" * len(passed),
    ]
    for kind, total in sorted(by_kind(tests).items()):
        cells = [str(by_kind(of)[kind]) for of in passed.values()]
        lines.append(f"| {kind} | {total} | " + " | ".join(cells) + " |")
    cells = [str(len(of)) for of in passed.values()]
    lines.append(f"| all | {len(tests)} | " + " | ".join(cells) + " |")
    everywhere = set.intersection(*passed.values())
    lines += ["", "## By operator", "",
              "Tests that use the operator, how many of them pass on every target, and the smaller of "
              "the JavaScript package's",
              "two engines that has it: `core` is `ashore-VARIANT.wasm`, `full` is "
              "`ashore-full-VARIANT.wasm`, which `load()` takes",
              "when a model needs it.", "",
              "| operator | tests | pass everywhere | engine |", "|---|--:|--:|---|"]
    used = {op for ops in tests.values() for op in ops}
    for op in sorted(op for op in used if op.replace(":", ".") not in lacking):
        users = {test for test, ops in tests.items() if op in ops}
        engine = "core" if op in core else "full"
        lines.append(f"| {op} | {len(users)} | {len(users & everywhere)} | {engine} |")
    lines += ["", "## Tests that are not passed", "", "| test | target | reason |", "|---|---|---|"]
    lines += [f"| {test} | {target.replace('*', 'all')} | {reason} |"
              for (test, target), reason in sorted(known.items())]
    for op, users in sorted(lacking.items()):
        lines += [f"| {test} | all | operator {op} is not there |" for test in sorted(users)]
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
    wrong = passed = 0
    for test in sorted({test for test, _ in known} - set(tests)):
        print(f"known.tsv: there is no test {test}")
        wrong += 1
    results = {}
    targets = args.targets.split(",")
    # Most keep one processor busy.
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as several:
        found = several.map(lambda target: verify(args.program, args.suite, kinds, target, args.cpu),
                            targets)
        for target, results[target] in zip(targets, found):
            of_target = judge(target, results[target], known, tests)
            passed += of_target[0]
            wrong += of_target[1]
    if args.write or args.check:
        text = document(index["key"]["onnx"], tests, known, results)
        path = args.write or args.check
        if args.write:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        elif not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
            print(f"{path}: not current; write it with run_suite.py --write {path}")
            wrong += 1
    print(f"{passed} passed, {wrong} failed")
    sys.exit(1 if wrong else 0)


main()
