"""From the samples of all runs to the figures of results.json.

    { commit, date, machine, versions, quick, seconds,
      runs: { "web-1": { where, threads, isa, peer_isa, rows: { NAME: row }, groups: { GROUP: figures } } },
      cold: { engines: { "NAME, PLACE": medians }, ratios }, visits, memory: { NAME: { ashore, ort, web } },
      sizes: { ENGINE: { bytes, brotli } }, against_native, missing: { PART: why }, targets }

A row: title, group, model, ms and mad of this engine, and `peers` by label: ms, mad, ratio, low, high,
rounds, difference, or why there are no times.  Ratios are the peer's time over ours.
"""

import stats

GROUPS = {"convolution": "convolution networks", "transformer": "transformers and dense",
          "recurrent": "recurrent and small", "classic": "classic networks",
          "operator": "operators"}
OWN = "ashore"
COLD_PLACES = {"page": "in the page", "worker": "in a worker", "node": "in Node"}
COLD_DEFAULTS = "worker", "page"  # where this engine and onnxruntime-web work when nothing is said


def figures(samples):
    return {"ms": stats.median(samples), "mad": stats.mad(samples)}


def peer_of(entry, own):
    found = {key: entry[key] for key in ("difference", "why", "load", "first") if key in entry}
    if "why" in entry or "samples" not in own:
        return found if "why" in found else {**found, "why": "this engine failed"}
    r = stats.ratio(entry["samples"], own["samples"])
    return {**found, **figures(entry["samples"]), "ratio": r.value, "low": r.low, "high": r.high,
            "confidence": r.confidence, "rounds": r.rounds}


def row_of(case, entries):
    row = {key: case[key] for key in ("title", "group", "model")}
    if isinstance(entries, dict):
        return {**row, "why": entries["error"], "peers": {}}
    own = entries[0]
    row.update(figures(own["samples"]) if "samples" in own else {"why": own["why"]})
    row.update({key: own[key] for key in ("load", "first", "about", "memory") if key in own})
    row["peers"] = {entry["label"]: peer_of(entry, own) for entry in entries[1:]}
    return row


def ratio_of(peer):
    return stats.Ratio(peer["ratio"], peer["low"], peer["high"], peer["confidence"],
                       peer["rounds"])


def group_of(rows, group, label):
    """Figures of the rows of a group against a peer; None where there are none."""
    counted = [(name, row["model"], ratio_of(row["peers"][label])) for name, row in rows.items()
               if row["group"] == group and "ratio" in row["peers"].get(label, {})]
    if not counted:
        return None
    g = stats.group(counted)
    missing = [name for name, row in rows.items() if row["group"] == group
               and label in row["peers"] and "ratio" not in row["peers"][label]]
    return {"value": g.value, "low": g.low, "high": g.high, "least": g.least,
            "least_name": g.least_name, "rows": g.rows, "missing": missing}


def groups_of(rows, label):
    found = {group: group_of(rows, group, label) for group in GROUPS}
    return {group: figures_ for group, figures_ in found.items() if figures_}


def run_of(raw, cases, where, isa):
    rows = {case["name"]: row_of(case, raw["cases"][case["name"]]) for case in cases
            if case["name"] in raw["cases"]}
    about = {key: raw[key] for key in ("browser", "cpu", "peer_isa", "unmasked") if key in raw}
    return {"where": where, "threads": raw["threads"], "isa": isa, **about, "rows": rows,
            "groups": groups_of(rows, "onnxruntime")}


def against_native(runs):
    """WebAssembly's time over this engine's own native one limited to AVX2, one thread, by group."""
    web, native = runs.get("web-1"), runs.get("native-avx2-1")
    if not web or not native:
        return None
    pairs = {name: row["ms"] / native["rows"][name]["ms"] for name, row in web["rows"].items()
             if "ms" in row and "ms" in native["rows"].get(name, {})}
    found = {}
    for group in GROUPS:
        names = [name for name in pairs if web["rows"][name]["group"] == group]
        exact = [(n, web["rows"][n]["model"], stats.Ratio(pairs[n], pairs[n], pairs[n], 0, 0))
                 for n in names]
        if exact:
            found[group] = {"value": stats.group(exact).value, "most": max(pairs[n] for n in names),
                            "most_name": max(names, key=pairs.get)}
    return {"rows": pairs, "groups": found}


def cold_of(raw):
    """Medians by engine and place, and by place how much sooner this one answers."""
    able = {name: [s for s in samples if "why" not in s] for name, samples in
            raw["samples"].items()}
    whys = {name: s["why"] for name, samples in raw["samples"].items() for s in samples
            if "why" in s}
    found = {name: {key: stats.median([s[key] for s in samples]) for key in samples[0]}
             for name, samples in able.items() if samples}
    ratios = {}
    pairs = {place: (place, place) for place in COLD_PLACES} | {"default": COLD_DEFAULTS}
    for place, (one, other) in pairs.items():
        own, peer = able.get(f"{OWN}, {one}", []), able.get(f"onnxruntime, {other}", [])
        if own and len(own) == len(peer):
            r = stats.ratio([s["answer"] for s in peer], [s["answer"] for s in own])
            ratios[place] = {"ratio": r.value, "low": r.low, "high": r.high, "rounds": r.rounds}
    return {"engines": found, "why": whys, "ratios": ratios}


def visit_of(samples, which):
    """Medians of the first or the second visits, or why there are none."""
    able = [s[which] for s in samples if "why" not in s[which]]
    if not able:
        return {"why": samples[0][which]["why"]}
    return {key: stats.median([v[key] for v in able]) for key in ("answer", "requests", "bytes")}


def visits_of(raw):
    """{ speeds: { SPEED: { ENGINE: { first, second } } }, memory: { ENGINE: bytes } }, medians."""
    return {"speeds": {speed: {engine: {which: visit_of(samples, which)
                                        for which in ("first", "second")}
                               for engine, samples in engines.items()}
                       for speed, engines in raw["speeds"].items()},
            "memory": {engine: stats.median(found) for engine, found in raw["memory"].items()}}


def memory_of(native, runs):
    """By model: what the engine says it held and what it took, in WebAssembly and natively; bytes."""
    rows = {}
    for name, found in native.items():
        web = runs.get("web-1", {}).get("rows", {}).get(name, {}).get("memory")
        rows[name] = {**found, "web": {"total": web["total"], "taken": web["wasm"]} if web else None}
    return rows


def size_of(files):
    return {key: sum(f[key] for f in files) for key in ("bytes", "brotli")}


def sizes_of(raw):
    return {name: {"why": found["why"]} if "why" in found else size_of(found["files"])
            for name, found in raw.items()}
