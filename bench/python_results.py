"""From what python.mjs measured to figures."""

import stats

WAYS = {  # in the order of the tables
    "javascript": "the page without Python", "python": "Pyodide + ashore",
    "app": "the same as a page of `ashore app`", "snapshot": "... with a snapshot of Python",
    "numpy": "Pyodide + numpy", "plain": "Pyodide, Python alone",
}
MARKS = ("python", "engine", "ready", "answer")


def base(way):
    """The way of a key such as 'python-1'."""
    return way.rpartition("-")[0] or way


def interval(samples):
    """The median of samples, and what holds it with 95 %."""
    ordered = sorted(samples)
    k, _ = stats.rank_of_interval(len(ordered))
    return {"value": stats.median(ordered), "low": ordered[k - 1], "high": ordered[-k]}


def marks_of(visits):
    """Medians by mark."""
    return {mark: stats.median([each["marks"][mark] for each in visits])
            for mark in MARKS if all(mark in each["marks"] for each in visits)}


def start_row(samples, mobile):
    """{ first, second: { marks, bytes, requests }, mobile } of the visits of a way; { why } where one
    failed."""
    whys = [visit["why"] for pair in samples for visit in pair.values() if "why" in visit]
    if whys or not samples:
        return {"why": whys[0] if whys else "not measured"}
    row = {}
    for kind in ("first", "second"):
        visits = [pair[kind] for pair in samples]
        row[kind] = {"marks": marks_of(visits), "bytes": max(v["bytes"] for v in visits),
                     "requests": max(v["requests"] for v in visits)}
    row["mobile"] = (mobile or {}).get("marks", {}).get("answer")
    row["from_snapshot"] = sum(pair["second"].get("snapshot") == "used" for pair in samples)
    return row


def run_row(found):
    """{ ms: interval, traffic } of a way to run a case."""
    if "why" in found:
        return found
    return {"ms": interval(found["samples"]), "rounds": len(found["samples"]),
            "traffic": found["traffic"]}


def figures_of(raw, cases):
    """All of it; cases: those of cases.json."""
    start = {base(way): start_row(samples, raw.get("mobile", {}).get(way))
             for way, samples in raw.get("start", {}).items()}
    runs = {}
    for case in cases:
        ways = raw.get("runs", {}).get(case["name"], {})
        runs[case["name"]] = {"title": case["title"], "alone": case["parameters"] is not None,
                              "ways": {way: run_row(each) for way, each in ways.items()}}
    return {"browser": raw["browser"], "missing": raw["missing"], "start": start, "runs": runs}


def copies_of(traffic):
    """Bytes of values that a run copies between Python, or the page, and the engine."""
    return traffic["bytesIn"] + traffic["bytesOut"] + traffic.get("staged", 0)
