"""What the engine is to reach, and whether it has.  Ratios are the peer's time over ours."""

import models
import results
import stats

MODELS = ("convolution", "transformer", "recurrent")
# Group: geometric mean and least row against onnxruntime-web, one thread.
WEB = {"convolution": (3.2, 1.5), "transformer": (2.0, 1.5), "recurrent": (2.0, 1.3)}
KEPT = 0.9  # of the ratios with one thread, with two
NATIVE = 1.25, 1.0
AGAINST_NATIVE = 2.0  # WebAssembly's time over the native one with AVX2
COLD = 15.0
MEMORY = 1.1
INT8 = {"web-1": 1.3, "native-best-1": 2.5}
INT8_ROWS = ("int8-dynamic-ffn", "int8-qdq-ffn", "int8-dynamic-conv1x1", "int8-qdq-conv1x1")
INT4 = 1.0  # against LiteRT.js
# What a prototype of the kernels reached against onnxruntime-web with one thread.
OPERATORS = {"matmul-256": 2.1, "matmul-512": 1.9, "ffn-128": 2.0, "ffn-1": 1.3, "conv1x1": 2.3,
             "conv3x3-28": 6.4, "conv3x3-56": 5.3, "depthwise": 3.0, "int8-dynamic-ffn": 1.7,
             "softmax": 2.7, "gelu": 3.7, "layer-norm": 13.0, "sigmoid": 3.0}


def target(what, against, goal, value=None, met=None, note=""):
    """goal and value are texts; met is None where nothing was measured."""
    return {"what": what, "against": against, "goal": goal, "value": value or "not measured",
            "met": met, "note": note}


def mean_text(g):
    return f"{g['value']:.2f}, least {g['least']:.2f}"


def web_groups(found):
    run = found["runs"].get("web-1")
    for group, (mean, least) in WEB.items():
        what = f"{results.GROUPS[group]}, Chromium, 1 thread"
        goal = f"mean {mean}, least {least}"
        g = run and run["groups"].get(group)
        if not g:
            yield target(what, "onnxruntime-web", goal)
            continue
        met = g["value"] >= mean and g["least"] >= least and not g["missing"]
        yield target(what, "onnxruntime-web", goal, mean_text(g), met, g["least_name"])


def ratios(run, label="onnxruntime", groups=MODELS):
    return [(name, row["model"], results.ratio_of(row["peers"][label]))
            for name, row in run["rows"].items()
            if row["group"] in groups and "ratio" in row["peers"].get(label, {})]


def lacking(run):
    """Rows that count and have no ratio, as the end of a note."""
    names = [name for name, row in run["rows"].items() if row["group"] in MODELS
             and "ratio" not in row["peers"].get("onnxruntime", {})]
    return f"without {', '.join(names)}" if names else ""


def threads(found):
    what, goal = "all models, Chromium, 2 threads", f"{KEPT:.0%} of the ratios with 1 thread"
    runs = [found["runs"].get(key) for key in ("web-1", "web-2")]
    if not all(runs):
        return target(what, "onnxruntime-web", goal)
    one = {name: r.value for name, _, r in ratios(runs[0])}
    rows = [(name, model, stats.Ratio(r.value / one[name], 1, 1, 0, 0))
            for name, model, r in ratios(runs[1]) if name in one]
    if not rows:
        return target(what, "onnxruntime-web", goal)
    g = stats.group(rows)
    return target(what, "onnxruntime-web", goal, f"{g.value:.0%}, least {g.least:.0%}",
                  g.value >= KEPT, g.least_name)


def native(found):
    mean, least = NATIVE
    for isa in ("best", "avx2"):
        for count in (1, 2):
            run = found["runs"].get(f"native-{isa}-{count}")
            name = "AVX2" if isa == "avx2" else "the best instructions"
            what = f"all models, native, {name}, {count} thread{'s' if count > 1 else ''}"
            goal = f"mean {mean}, least {least:g}"
            rows = run and ratios(run)
            if not rows:
                yield target(what, "onnxruntime", goal)
                continue
            g = stats.group(rows)
            notes = [g.least_name, lacking(run), "onnxruntime was not limited"
                     if run["peer_isa"] != isa else ""]
            yield target(what, "onnxruntime", goal, f"{g.value:.2f}, least {g.least:.2f}",
                         g.value >= mean and g.least >= least and not lacking(run),
                         "; ".join(note for note in notes if note))


def against_native(found):
    what, against, goal = "all models, WebAssembly", "our native AVX2", f"at most {AGAINST_NATIVE}"
    pairs = found.get("against_native")
    rows = found["runs"].get("web-1", {}).get("rows", {})
    known = [(name, rows[name]["model"], stats.Ratio(value, value, value, 0, 0))
             for name, value in (pairs or {"rows": {}})["rows"].items()
             if rows[name]["group"] in MODELS]
    if not known:
        return target(what, against, goal)
    g = stats.group(known)
    most = max(known, key=lambda row: row[2].value)
    return target(what, against, goal, f"{g.value:.2f}, most {most[2].value:.2f}",
                  g.value <= AGAINST_NATIVE, most[0])


def cold(found):
    ratios = (found.get("cold") or {}).get("ratios", {})
    for place, where in (("page", "both in the page"), ("worker", "both in a worker"),
                         ("default", "in a worker; in the page")):
        what, goal = f"first answer of a cold page, PP-OCR cls, {where}", f"{COLD:g} times sooner"
        ratio = ratios.get(place)
        if not ratio:
            yield target(what, "onnxruntime-web", goal)
            continue
        yield target(what, "onnxruntime-web", goal, f"{ratio['ratio']:.1f}",
                     ratio["ratio"] >= COLD)


def memory(found):
    rows = found.get("memory") or {}
    web = {n: r["web"]["taken"] / r["web"]["total"] for n, r in rows.items() if r["web"]}
    own = {n: r["ashore"]["rss"] / r["ashore"]["total"] for n, r in rows.items() if r["ashore"]}
    for what, found_, against in (("memory that a module takes", web, "what the engine reports"),
                                  ("memory of the process", own, "what the engine reports")):
        goal = f"within {MEMORY}"
        if not found_:
            yield target(what, against, goal)
            continue
        most = max(found_, key=lambda n: max(found_[n], 1 / found_[n]))
        middle = stats.median(list(found_.values()))
        yield target(what, against, goal, f"median {middle:.2f}, farthest {found_[most]:.2f}",
                     1 / MEMORY <= found_[most] <= MEMORY, most)


def int8(found):
    for key, goal in INT8.items():
        what = "int8 products and 1x1 convolutions, " + ("Chromium" if key == "web-1" else "native")
        rows = found["runs"].get(key, {}).get("rows", {})
        values = {name: rows[name]["peers"].get("ashore float32", {}).get("ratio")
                  for name in INT8_ROWS if name in rows}
        values = {name: value for name, value in values.items() if value}
        if not values:
            yield target(what, "our float32", f"{goal}")
            continue
        least = min(values, key=values.get)
        yield target(what, "our float32", f"{goal}", f"least {values[least]:.2f}",
                     values[least] >= goal, least)


def int4(found):
    what, goal = "int4 product, M=1, 4096x4096, blocks of 32", f"{INT4:g}"
    row = found["runs"].get("web-1", {}).get("rows", {}).get("int4-gemv", {"peers": {}})
    peer, easier = (row["peers"].get(label, {}) for label in ("LiteRT.js", models.BY_ROW))
    if "ratio" not in peer:
        return target(what, "LiteRT.js", goal, note=peer.get("why", ""))
    note = f"{easier['ratio']:.2f} to its product with a scale a row" if "ratio" in easier else ""
    least = min(each["ratio"] for each in (peer, easier) if "ratio" in each)
    return target(what, "LiteRT.js", goal, f"{peer['ratio']:.2f}", least >= INT4, note)


def operators(found):
    rows = found["runs"].get("web-1", {}).get("rows", {})
    for name, goal in OPERATORS.items():
        peer = rows.get(name, {"peers": {}})["peers"].get("onnxruntime", {})
        what = rows[name]["title"] if name in rows else name
        value = peer.get("ratio")
        yield target(what, "onnxruntime-web", f"{goal}", value and f"{value:.2f}",
                     value and value >= goal)


def judge(found):
    return [*web_groups(found), threads(found), *native(found), against_native(found), *cold(found),
            *memory(found), *int8(found), int4(found), *operators(found)]
