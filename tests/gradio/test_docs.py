"""docs/gradio.md says what gradio/_supported.py says. GRADIO_WRITE=1 writes its table anew."""

import os

from conftest import ROOT

from gradio import _supported

PATH = os.path.join(ROOT, "docs", "gradio.md")
START, END = "<!-- from gradio/_supported.py -->\n", "<!-- end -->\n"


def row(name, table):
    shown = ", ".join(f"`{one}`" for one in sorted(table["parameters"])) or "none"
    events = ", ".join(f"`{one}`" for one in table["events"]) or "none"
    return f"| `{name}` | {shown} | {events} |\n"


def tables():
    text = ""
    for title, entries in (("component", _supported.COMPONENTS), ("layout", _supported.LAYOUTS),
                           ("class", _supported.CLASSES)):
        text += f"| {title} | parameters with an effect | events |\n|---|---|---|\n"
        text += "".join(row(name, table) for name, table in entries.items()) + "\n"
    common = ", ".join(f"`{one}`" for one in sorted(_supported.COMMON["parameters"]))
    text += f"All components have {common} as well.\n\n"
    text += "| not there | in its place |\n|---|---|\n"
    return text + "".join(f"| `{name}` | {advice} |\n"
                          for name, advice in sorted(_supported.UNSUPPORTED.items())) + "\n"


def test_the_table_of_the_documentation():
    with open(PATH, encoding="utf-8") as file:
        text = file.read()
    before, rest = text.split(START)
    after = rest.split(END)[1]
    wanted = f"{before}{START}\n{tables()}{END}{after}"
    if os.environ.get("GRADIO_WRITE"):
        with open(PATH, "w", encoding="utf-8") as file:
            file.write(wanted)
    assert text == wanted or os.environ.get("GRADIO_WRITE"), "GRADIO_WRITE=1 writes the table anew"
