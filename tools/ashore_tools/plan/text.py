"""Values as text: str(), and what stands in f-strings."""

import re
from typing import Optional

from .errors import Refused
from .operators import folded
from .trace import Trace
from .values import STR, Const, Node, Real, Value, View, plain, static

_SPEC = re.compile(r"(?:(?P<fill>.)?(?P<align>[<>^=]))?(?P<sign>[+\- ])?(?P<alternate>#)?"
                   r"(?P<zero>0)?(?P<width>\d+)?(?P<group>[,_])?(?:\.(?P<precision>\d+))?"
                   r"(?P<kind>[a-zA-Z%])?", re.DOTALL)
_FLOATING = "fFeEgG%"


def formatted(trace: Trace, value: Value, spec: str, conversion: int) -> Value:
    """format(value, spec), or of str(value) and repr(value) as !s and !r ask for."""
    if isinstance(value, Real):
        value = Const(str(value.value))
    if isinstance(value, View):
        raise Refused("a view of a dict as text is not in a page without Python",
                      "make a list of it: list(...)")
    if static(value):
        if conversion == 114:
            return folded(format, repr(plain(value)), spec)
        if conversion == 115:
            return folded(format, str(plain(value)), spec)
        return folded(format, plain(value), spec)
    if conversion in (114, 97):
        raise Refused("repr() of what is known in the page only", "use str()")
    if not isinstance(value, Node):
        raise Refused(f"{value.type} as text is not in a page without Python",
                      "give its elements one by one, or show it with gr.JSON")
    text = _kind(value, conversion == 115)
    found = _SPEC.fullmatch(spec)
    if found is None or found["alternate"] or not _fits(text, found):
        raise Refused(f"the format {spec!r} of {value.type} is not in a page without Python")
    if text == "str" and not spec:
        return trace.emit("concat", [value], STR)
    details = {k: v for k, v in found.groupdict().items() if v is not None}
    for name in ("width", "precision"):
        if name in details:
            details[name] = int(details[name])
    return trace.emit("format", [value], STR, type=text, spec=details)


def _kind(value: Node, as_str: bool) -> str:
    kind = value.type
    if kind.kind in ("bool", "int", "float", "str", "number", "real"):
        return kind.kind
    if kind.kind == "np":
        if kind.dtype in ("bool", "str"):
            return kind.dtype
        if kind.dtype == "real64":
            return "real"
        if kind.dtype == "float32" and as_str:
            return "float32"
        return "float" if kind.dtype.startswith("float") else "int"
    raise Refused(f"{kind} as text is not in a page without Python",
                  "give its elements one by one: .tolist(), float(x[0])")


def _fits(text: str, found: "re.Match[str]") -> bool:
    kind, precision = found["kind"], found["precision"]
    if text in ("str", "bool"):
        return kind in (None, "s") and (text == "str" or not any(found.groupdict().values())) \
            and found["align"] != "=" and not (found["sign"] or found["group"] or found["zero"])
    if text == "real":
        return kind is not None and kind in _FLOATING
    if kind is None:
        return precision is None and (text != "float32" or not any(found.groupdict().values()))
    if kind in ("d", "n"):
        return kind == "d" and text == "int" and precision is None
    return kind in _FLOATING


def as_str(trace: Trace, value: Value, kind: Optional[str] = None) -> Value:
    """str(value)."""
    return formatted(trace, value, "", 115)
