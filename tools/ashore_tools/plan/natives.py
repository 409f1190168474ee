"""How functions that are known here take their arguments."""

from typing import Any, Callable, Dict, List

from .errors import PyError, Refused
from .values import Const, Kind, Native, Value, plain, static

_NONE = Const(None)


def native(names: Dict[str, Value], title: str, signature: str = "") -> Callable:
    """Registers a function as `title`, or several with spaces between.  signature: names of parameters,
    optional ones with a question mark, those that have no effect here with an exclamation mark;
    '*' takes the rest.  The function is given the interpreter and a value for each that counts,
    Const(None) where there is none, or None for one without."""
    parameters = signature.split()

    def register(call: Callable) -> Callable:
        for name in title.split():
            def bound(interp: Any, args: List[Value], keywords: Dict[str, Value],
                      name: str = name) -> Value:
                return call(interp, *arguments(name, parameters, args, keywords))
            names[name] = Native(name, bound)
        return call
    return register


def arguments(name: str, parameters: List[str], args: List[Value],
              keywords: Dict[str, Value]) -> List[Any]:
    """The values of parameters, in their order."""
    given = dict(keywords)
    rest = list(args)
    found: List[Any] = []
    for parameter in parameters:
        if parameter == "*":
            found.append(rest)
            rest = []
            continue
        bare = parameter.rstrip("?!")
        if rest:
            if bare in given:
                raise PyError("TypeError", f"{name}() got multiple values for argument '{bare}'")
            value: Any = rest.pop(0)
        elif bare in given:
            value = given.pop(bare)
        elif parameter == bare:
            raise PyError("TypeError", f"{name}() missing required argument: '{bare}'")
        else:
            value = None
        if not parameter.endswith("!"):
            found.append(value)
    if rest:
        raise Refused(f"{name}() with {len(args)} arguments is not in a page without Python")
    if given:
        raise Refused(f"{name}({next(iter(given))}=...) is not in a page without Python")
    return found


def constant(value: Any, what: str, default: Any = None) -> Any:
    """A value that has to be known now, as Python's."""
    if value is None:
        return default
    if isinstance(value, Kind):
        raise Refused(f"{what} is a type")
    if not static(value):
        raise Refused(f"{what} is known in the page only")
    return plain(value)


def ignored(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
    """What has no effect on results."""
    return _NONE
