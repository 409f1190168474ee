"""docs/performance.md and docs/performance.svg, of the last recorded results.

The prose is in performance.md.in; {{NAME}} stands there for a table that a function here makes.  So
that figures cannot drift, a test makes both files anew from bench/recorded.json.
"""

import json
import os
import re

import chart
import models
import results
from table import time_text

HERE = os.path.dirname(os.path.abspath(__file__))
RECORDED = os.path.join(HERE, "recorded.json")
DOCUMENT = os.path.join(models.ROOT, "docs", "performance.md")
CHART = os.path.join(models.ROOT, "docs", "performance.svg")
WEB = os.path.join(models.ROOT, "docs", "web.md")
MARK = {True: "yes", False: "no", None: ""}
ENGINES = ("onnxruntime", "LiteRT.js", "TensorFlow.js")


def markdown(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def ratio(peer):
    return f"{peer['ratio']:.2f}" if peer and "ratio" in peer else "-"


def interval(peer):
    if not peer or "ratio" not in peer:
        return "-"
    return f"{peer['ratio']:.2f} ({peer['low']:.2f} to {peer['high']:.2f})"


def ms(row):
    return time_text(row["ms"]) if row and "ms" in row else "-"


def peer_of(row, label="onnxruntime"):
    return row["peers"].get(label) if row else None


def names_of(run, groups):
    return [(name, row) for group in groups for name, row in run["rows"].items()
            if row["group"] == group]


def by_group(run, groups, cells, width):
    """Rows of all groups, each behind a line with the group's name."""
    for group in groups:
        rows = names_of(run, [group])
        if rows:
            yield [f"*{results.GROUPS[group]}*"] + [""] * (width - 1)
            for name, row in rows:
                yield cells(name, row)


def machine(found):
    m = found["machine"]
    return (f"{m['processor']} (family, model and stepping {m['model']}; "
            f"{', '.join(m['instructions'])}), {m['cores']} cores, {m['memory'] / 2**30:.0f} GiB, "
            f"{m['system']}, kernel {m['kernel']}")


def versions(found):
    known = [f"{name} {version}" if version else f"{name} (not installed)"
             for name, version in sorted(found["versions"].items())]
    browser = next((run["browser"] for run in found["runs"].values() if "browser" in run), None)
    return ", ".join([*([browser] if browser else []), *known])


def about(found):
    return (f"Measured on {found['date']} with the sources of commit `{found['commit']}`: "
            f"{machine(found)}. {versions(found)}. The load of the machine was {found['load']:.1f} "
            f"before it began. The run took {found['seconds']} s"
            f"{' (`--quick`)' if found['quick'] else ''}.")


def targets(found):
    return markdown(["what", "against", "goal", "measured", "reached"],
                    [[t["what"], t["against"], t["goal"],
                      t["value"] + (f" ({t['note']})" if t["note"] else ""), MARK[t["met"]]]
                     for t in found["targets"]])


def web_models(found):
    one, two = (found["runs"].get(key) for key in ("web-1", "web-2"))
    if not one:
        return "Not measured."

    def cells(name, row):
        other = two["rows"].get(name) if two else None
        return [row["title"], ms(row), ms(peer_of(row)), interval(peer_of(row)),
                ms(peer_of(row, "LiteRT.js")), ms(other), ms(peer_of(other)), ratio(peer_of(other))]
    head = ["model", "ms", "ORT-web", "ratio", "LiteRT.js", "2 threads", "ORT-web", "ratio"]
    return markdown(head, list(by_group(one, chart.GROUPS, cells, len(head))))


def native_models(found):
    runs = [found["runs"].get(key) for key in ("native-best-1", "native-best-2", "native-avx2-1",
                                                "native-avx2-2")]
    if not runs[0]:
        return "Not measured."

    def cells(name, row):
        rows = [run["rows"].get(name) if run else None for run in runs]
        return [row["title"], ms(row), ms(peer_of(row)), interval(peer_of(row)),
                *(cell for r in rows[1:] for cell in (ms(r), ratio(peer_of(r))))]
    head = ["model", "ms", "ORT", "ratio", "2 threads", "ratio", "AVX2", "ratio", "2 threads",
            "ratio"]
    return markdown(head, list(by_group(runs[0], chart.GROUPS, cells, len(head))))


def operators(found):
    web, native = (found["runs"].get(key) for key in ("web-1", "native-best-1"))
    if not web:
        return "Not measured."
    rows = []
    for name, row in names_of(web, ["operator"]):
        own = native["rows"].get(name) if native else None
        rows.append([row["title"], ms(row), *(ms(peer_of(row, label)) for label in ENGINES),
                     interval(peer_of(row)), ms(own), ms(peer_of(own)), ratio(peer_of(own))])
    return markdown(["operator", "ms", "ORT-web", "LiteRT.js", "TF.js", "ratio to ORT-web",
                     "native", "ORT", "ratio"], rows)


def int8(found):
    label = "ashore float32"
    runs = [found["runs"].get(key) for key in ("web-1", "native-best-1", "native-avx2-1")]
    if not runs[0]:
        return "Not measured."
    rows = [[row["title"], *(interval(peer_of(run["rows"].get(name), label)) if run else "-"
                             for run in runs)]
            for name, row in runs[0]["rows"].items() if label in row["peers"]]
    return markdown(["int8 against the same in float32", "Chromium", "native", "native, AVX2"],
                    rows)


def against_native(found):
    pairs = found.get("against_native")
    if not pairs:
        return "Not measured."
    return markdown(["group", "WebAssembly / native AVX2", "most"], [
        [results.GROUPS[group], f"{g['value']:.2f}", f"{g['most']:.2f} ({g['most_name']})"]
        for group, g in pairs["groups"].items()])


def cold(found):
    measured = found.get("cold")
    if not measured:
        return "Not measured."
    rows = []
    for name, c in measured["engines"].items():
        engine, place = name.split(", ")
        times = (f"{c[key]:.0f}" for key in ("ready", "run", "answer"))
        ratio = measured["ratios"].get(place) if engine == results.OWN else None
        rows.append([results.COLD_PLACES[place], engine, *times,
                     interval(ratio) if ratio else ""])
    table = markdown(["where", "engine", "session, ms", "run, ms", "answer, ms", "ratio"], rows)
    by_default = measured["ratios"].get("default")
    return table + (f"\n\nBy default: {interval(by_default)}." if by_default else "")


def visits(found):
    measured = found.get("visits")
    if not measured:
        return "Not measured."
    rows = []
    for engine in next(iter(measured["speeds"].values())):
        of = [engines[engine] for engines in measured["speeds"].values()]
        first = of[0]["first"]
        if "why" in first:
            rows.append([engine, first["why"], *[""] * (2 + 2 * len(of))])
            continue
        times = [f"{v[which]['answer']:.0f}" if "answer" in v[which] else "-"
                 for v in of for which in ("first", "second")]
        rows.append([engine, f"{first['bytes'] / 1e3:,.0f}", f"{first['requests']:.0f}", *times,
                     f"{measured['memory'][engine] / 1e6:.0f}"])
    times = [f"{speed}: {which} visit, ms" for speed in measured["speeds"]
             for which in ("first", "second")]
    table = markdown(["engine", "kB", "requests", *times, "memory, MB"], rows)
    return table + (f"\n\nMeasured on {measured['date']}." if "date" in measured else "")


def memory(found):
    def mb(row, key):
        return f"{row[key] / 1e6:.1f}" if row else "-"
    rows = [[name, mb(row["web"], "total"), mb(row["web"], "taken"), mb(row["ashore"], "total"),
             mb(row["ashore"], "rss"), mb(row["ort"], "rss")]
            for name, row in (found.get("memory") or {}).items()]
    return markdown(["model", "reported", "module", "reported, native", "process",
                     "process, onnxruntime"], rows) if rows else "Not measured."


def sizes(found):
    rows = [[name, "-", s["why"]] if "why" in s else
            [name, f"{s['bytes']:,}", f"{s['brotli']:,}"]
            for name, s in (found.get("sizes") or {}).items()]
    return markdown(["engine", "bytes", "brotli"], rows) if rows else "Not measured."


def untimed(found):
    """What a peer could not run, or what was not timed since its answer was another one."""
    whys = {}
    for key, run in found["runs"].items():
        for row in run["rows"].values():
            if "why" in row:
                whys.setdefault(("ashore", row["why"]), {}).setdefault(row["title"], []).append(key)
            for label, peer in row["peers"].items():
                if "why" in peer:
                    whys.setdefault((label, peer["why"]), {}).setdefault(row["title"],
                                                                         []).append(key)
    lines = [f"- {label}: {'; '.join(titles)}: {why.rstrip('.')}."
             for (label, why), titles in whys.items()]
    lines += [f"- {part} as a whole: {why}." for part, why in found["missing"].items()]
    return "\n".join(lines) or "Everything was."


TABLES = [about, targets, web_models, native_models, operators, int8, against_native, cold, visits, memory,
          sizes, untimed]


def write_text(found):
    with open(os.path.join(HERE, "performance.md.in"), encoding="utf-8") as f:
        template = f.read()
    made = {function.__name__: function for function in TABLES}
    return re.sub(r"\{\{(\w+)\}\}", lambda match: made[match.group(1)](found), template)


def write_web(found, text):
    """docs/web.md is written by hand, but for the table between two marks."""
    table = f"<!-- visits -->\n\n{visits(found)}\n\n<!-- /visits -->"
    made, count = re.subn(r"<!-- visits -->.*?<!-- /visits -->", lambda match: table, text,
                          flags=re.S)
    if count != 1:
        raise ValueError(f"{WEB}: one table of visits expected, {count} found")
    return made


def recorded():
    with open(RECORDED, encoding="utf-8") as f:
        return json.load(f)


def contents(found):
    with open(WEB, encoding="utf-8") as f:
        web = f.read()
    return [(DOCUMENT, write_text(found)), (CHART, chart.draw(found)), (WEB, write_web(found, web))]


def write():
    found = recorded()
    for path, content in contents(found):
        with open(path, "w", encoding="utf-8") as f:
            f.write(content)


if __name__ == "__main__":
    write()
