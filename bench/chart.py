"""The chart of docs/performance.svg: how many times as fast as its peer the engine is, model by model."""

from html import escape

import results

WIDTH, LEFT, RIGHT = 900, 250, 60
ROW, BAR, HEAD = 30, 10, 34
COLOURS = ("#1f6f8b", "#8fc1d4")  # one thread, two
STYLE = ("text{font:13px system-ui,sans-serif;fill:#222}.head{font-weight:600}.axis{fill:#666;"
         "font-size:11px}.value{font-size:11px}")
GROUPS = ("convolution", "transformer", "recurrent", "classic")
PANELS = [("In Chromium, against onnxruntime-web", "web-1", "web-2"),
          ("Natively, against onnxruntime", "native-best-1", "native-best-2")]
TICKS = (1, 2, 3, 4, 6, 8, 12, 16)


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def rect(x, y, width, height, colour):
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'fill="{colour}"/>')


def line(x1, y1, x2, y2, colour):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>')


def peers_of(run, name):
    peer = (run or {"rows": {}})["rows"].get(name, {"peers": {}})["peers"].get("onnxruntime", {})
    return peer if "ratio" in peer else None


def bar(peer, x, y, scale, colour):
    """With its interval as a line through its end."""
    end = x + min(peer["value"], scale["most"]) * scale["unit"]
    low, high = (x + min(peer[key], scale["most"]) * scale["unit"] for key in ("low", "high"))
    return [rect(x, y, end - x, BAR, colour), line(low, y + BAR / 2, high, y + BAR / 2, "#222"),
            text(max(end, high) + 4, y + BAR - 1, f"{peer['value']:.2f}", "value")]


def rows_of(runs):
    rows = runs[0]["rows"]
    for group in GROUPS:
        for name, row in rows.items():
            if row["group"] == group and peers_of(runs[0], name):
                yield name, row["title"]


def panel(title, runs, y):
    """(elements, y behind them)."""
    rows = list(rows_of(runs))
    # Intervals beyond the longest bar are cut.
    most = 1.1 * max(peers_of(run, name)["ratio"] for run in runs if run for name, _ in rows
                     if peers_of(run, name))
    most = min(most, TICKS[-1])
    scale = {"most": most, "unit": (WIDTH - LEFT - RIGHT) / most}
    out = [text(12, y + 20, title, "head")]
    top, bottom = y + HEAD + 14, y + HEAD + 14 + ROW * len(rows)
    for tick in (t for t in TICKS if t <= most):
        x = LEFT + tick * scale["unit"]
        out += [line(x, top - 4, x, bottom, "#b33" if tick == 1 else "#ddd"),
                text(x, top - 8, f"{tick}", "axis", "middle")]
    for i, (name, words) in enumerate(rows):
        at = top + i * ROW
        out.append(text(LEFT - 10, at + 17, words, "", "end"))
        for k, run in enumerate(runs):
            peer = peers_of(run, name)
            if peer:
                out += bar({"value": peer["ratio"], **peer}, LEFT, at + 3 + k * (BAR + 2), scale,
                           COLOURS[k])
    return out, bottom + 16


def draw(found):
    """SVG text."""
    out, y = [], 8
    for k, words in enumerate(("1 thread", "2 threads")):
        out += [rect(LEFT + 90 * k, y + 3, 12, BAR, COLOURS[k]),
                text(LEFT + 18 + 90 * k, y + 12, words)]
    out.append(text(LEFT + 200, y + 12, "times as fast; the line: 95 % interval; red: as fast", "axis"))
    y += 16
    for title, *keys in PANELS:
        runs = [found["runs"].get(key) for key in keys]
        if runs[0] and any(rows_of(runs)):
            elements, y = panel(title, runs, y)
            out += elements
    about = f"{found['machine']['processor']}, {found['date']}, {found['commit']}"
    out.append(text(12, y + 8, about, "axis"))
    body = "\n".join(out)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 20}" role="img" '
            f'aria-label="{escape(results.GROUPS["convolution"])} and others, against other engines">'
            f"\n<style>{STYLE}</style>\n"
            f'{rect(0, 0, WIDTH, y + 20, "#fff")}\n{body}\n</svg>\n')
