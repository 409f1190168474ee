"""The tables that a run prints."""

from results import GROUPS


def time_text(ms):
    return f"{ms:.3f}" if ms < 10 else f"{ms:.2f}" if ms < 100 else f"{ms:.1f}"


def spread(row):
    return f"{time_text(row['ms'])} ±{100 * row['mad'] / row['ms']:.0f}%" if "ms" in row else "-"


def ratio_text(peer):
    if "ratio" not in peer:
        return "-"
    return f"{peer['ratio']:.2f} ({peer['low']:.2f}-{peer['high']:.2f})"


def line(name, label, row, peer):
    cells = [f"{name:22}", f"{spread(row):>15}", f"{label:16}", f"{spread(peer):>15}",
             f"{ratio_text(peer):>20}"]
    apart = peer.get("difference")
    note = peer.get("why") or row.get("why") or ("" if apart is None else f"{apart:.1e}")
    return "  ".join([*cells, note]).rstrip()


def lines_of(name, row):
    if not row["peers"]:
        return [f"{name:22}  {row.get('why', '-')}"]
    shown = {label: peer for label, peer in row["peers"].items()
             if label == "onnxruntime" or "why" not in peer}
    return [line(name if i == 0 else "", label, row, peer)
            for i, (label, peer) in enumerate(shown.items())]


def untimed(rows):
    """Of the other peers, by reason."""
    whys = {}
    for name, row in rows.items():
        for label, peer in row["peers"].items():
            if label != "onnxruntime" and "why" in peer:
                whys.setdefault((label, peer["why"]), []).append(name)
    return [f"   {label} without {', '.join(names)}: {why}" for (label, why), names in whys.items()]


def group_line(group, g):
    missing = f"; without {', '.join(g['missing'])}" if g["missing"] else ""
    return (f"   geometric mean {g['value']:.2f} ({g['low']:.2f}-{g['high']:.2f}), least "
            f"{g['least']:.2f} ({g['least_name']}), {g['rows']} rows{missing}")


def run_table(title, run):
    """Times in ms, ±MAD; ratio: the peer's time over ours, with its 95 % interval; the difference."""
    out = [f"== {title}", f"{'':22}  {'ashore ms ±MAD':>15}  {'peer':16}  {'ms ±MAD':>15}  "
           f"{'ratio':>20}  difference"]
    for group, words in GROUPS.items():
        rows = {n: r for n, r in run["rows"].items() if r["group"] == group}
        if not rows:
            continue
        out.append(f"-- {words}")
        for name, row in rows.items():
            out += lines_of(name, row)
        if group in run["groups"]:
            out.append(group_line(group, run["groups"][group]))
        out += untimed(rows)
    return "\n".join(out)


def megabytes(count):
    return f"{count / 1e6:.2f}"


def visit_lines(visits):
    for speed, engines in visits["speeds"].items():
        yield f"== a visit, {speed}: first and second answer, ms; requests, bytes; memory, MB"
        for engine, v in engines.items():
            whys = [v[which]["why"] for which in ("first", "second") if "why" in v[which]]
            yield f"{engine:22}  " + (whys[0] if whys else (
                f"{v['first']['answer']:8.0f}  {v['second']['answer']:8.0f}  "
                f"{v['first']['requests']:5.0f}  {v['first']['bytes']:12,.0f}  "
                f"{megabytes(visits['memory'][engine]):>8}"))


def rest_table(found):
    """A cold page, memory and sizes, as far as they were measured."""
    out = []
    if found.get("cold"):
        out.append("== cold page, PP-OCR cls, ms: session, run, both")
        out += [f"{name:22}  {c['ready']:8.1f}  {c['run']:8.1f}  {c['answer']:8.1f}"
                for name, c in found["cold"]["engines"].items()]
        out += [f"{name:22}  {why}" for name, why in found["cold"]["why"].items()]
    if found.get("visits"):
        out += visit_lines(found["visits"])
    if found.get("memory"):
        out.append("== memory, MB: reported and taken in WebAssembly, reported and taken natively, "
                   "onnxruntime")
        for name, row in found["memory"].items():
            web, own, ort = row["web"], row["ashore"], row["ort"]
            cells = [web and web["total"], web and web["taken"], own and own["total"],
                     own and own["rss"], ort and ort["rss"]]
            out.append("  ".join([f"{name:22}", *(f"{megabytes(c) if c else '-':>9}"
                                                  for c in cells)]))
    if found.get("sizes"):
        out.append("== download, bytes: as it is, as brotli")
        out += [f"{name:22}  " + (s["why"] if "why" in s else f"{s['bytes']:>12,}  "
                                  f"{s['brotli']:>12,}") for name, s in found["sizes"].items()]
    return "\n".join(out)


def target_table(rows):
    mark = {True: "yes", False: "no", None: "-"}
    out = [f"== targets\n{'':48}  {'against':24}  {'goal':30}  {'measured':32}  reached"]
    out += [f"{r['what'][:48]:48}  {r['against']:24}  {r['goal']:30}  {r['value']:32}  "
            f"{mark[r['met']]:7}  {r['note']}".rstrip() for r in rows]
    return "\n".join(out)
