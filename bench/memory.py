"""memory.py ENGINE CASE-NAME CASES.json: what a model takes of a process of its own, as JSON.

    { rss, total }: the most resident memory above that of the process before it loaded the model, and
    the most that this engine says it held; bytes.  ENGINE is "ashore" or "ort".
"""

import json
import os
import sys

import native
import native_engines

RUNS = 3


def status(key):
    with open("/proc/self/status", encoding="utf-8") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(key))


def reset_peak():
    """The most resident memory counts from now on."""
    with open("/proc/self/clear_refs", "w", encoding="utf-8") as f:
        f.write("5")


def main():
    name, wanted, path = sys.argv[1:]
    with open(path, encoding="utf-8") as f:
        case = next(c for c in json.load(f)["cases"] if c["name"] == wanted)
    contender = case["contenders"][0]
    feeds = native.feeds_of(contender)
    file = os.path.join(native.FOLDER, contender["file"])
    if name == "ashore":
        library = native_engines.ashore_ctypes.Library(os.path.join(native.BUILD, "libashore.so"))
    else:
        import onnxruntime  # noqa: F401  (before the memory is looked at)
    before = status("VmRSS")
    reset_peak()
    engine = native_engines.Ashore(library, file, feeds, 1) if name == "ashore" else \
        native_engines.Ort(file, feeds, 1)
    for _ in range(RUNS):
        engine.run()
    found = {"rss": status("VmHWM") - before}
    if name == "ashore":
        found["total"] = engine.model.memory().total
    print(json.dumps(found))


if __name__ == "__main__":
    main()
