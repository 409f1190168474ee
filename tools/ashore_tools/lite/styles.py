"""What style sheets ask for: url(...) and @import."""

import re
from typing import Callable, NamedTuple, Optional

_ADDRESS = re.compile(
    r"/\*.*?\*/|(?P<import>@import\s*)(?:(?P<q>[\"'])(?P<named>[^\"']*)(?P=q)|(?=url\())|"
    r"url\(\s*(?:(?P<quote>[\"'])(?P<quoted>[^\"']*)(?P=quote)|(?P<plain>[^\s\"')][^\s)]*))\s*\)",
    re.DOTALL | re.IGNORECASE)


class Asked(NamedTuple):
    """An address in a style sheet; `sheet` where it is imported."""

    address: str
    offset: int
    sheet: bool


def rewritten(css: str, change: Callable[[Asked], Optional[str]]) -> str:
    """The text with other addresses: `change` gives one, or None to leave it."""
    imported = False

    def one(found: "re.Match[str]") -> str:
        nonlocal imported
        if found[0].startswith("/*"):
            return found[0]
        address = found["named"] or found["quoted"] or found["plain"]
        if found["import"] and address is None:
            imported = True  # url(...) comes next
            return found[0]
        sheet = imported or bool(found["import"])
        imported = False
        if not address:
            return found[0]
        other = change(Asked(address, found.start(), sheet))
        if other is None:
            return found[0]
        return f'{found["import"] or ""}url("{other}")'
    return _ADDRESS.sub(one, css)
