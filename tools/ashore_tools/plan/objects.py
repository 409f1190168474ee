"""Objects: attributes, calls, and what statements ask of them."""

from typing import Any, Dict, List

from . import sequences
from .conversions import convert
from .errors import PyError, Refused
from .methods import attribute_of
from .values import (Caught, Class, Const, Dct, Function, Instance, Kind, Module, Native, Node, Real,
                     Tup, Value, known, plain, static)


def wrapped(value: Any, what: str = "") -> Value:
    """Something of Python's as a value."""
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return Const(value)
    if isinstance(value, (list, tuple, dict)) and not what:
        try:
            return known(value)
        except TypeError:
            pass
    return Real(value, what)


def attribute(interp: Any, owner: Value, name: str) -> Value:
    """owner.name."""
    if isinstance(owner, Module):
        if owner.names is None:
            raise Refused(f"{owner.name} is not in a page without Python")
        found = owner.names.get(name)
        if found is None and owner.name in ("numpy", "PIL", "gradio", "onnxruntime", "PIL.Image"):
            raise Refused(f"{owner.name}.{name} is not in a page without Python")
        if found is None:
            raise Refused(f"{owner.name} has no {name} that a page without Python knows")
        return found
    if isinstance(owner, Instance):
        found = owner.names.get(name, (owner.kind.names or {}).get(name))
        if found is None:
            raise PyError("AttributeError",
                          f"'{owner.kind.name}' object has no attribute '{name}'")
        if isinstance(found, Function) and name not in owner.names and not found.alone:
            return Function(found.node, found.scope, found.path, found.defaults, owner)
        return found
    if isinstance(owner, Class):
        if owner.names and name in owner.names:
            return owner.names[name]
        if name == "__name__":
            return Const(owner.name)
    if isinstance(owner, Function) and name == "__name__":
        return Const(owner.name)
    if isinstance(owner, Const) and owner.value is None:
        raise PyError("AttributeError", f"'NoneType' object has no attribute '{name}'")
    return attribute_of(interp, owner, name)


def call(interp: Any, callee: Value, args: List[Value], keywords: Dict[str, Value]) -> Value:
    """callee(...), of what is no function."""
    if isinstance(callee, Kind):
        return convert(interp, callee.name, args, keywords)
    if isinstance(callee, Class) and callee.names is None:
        message = args[0] if args else Const("")
        return Caught(PyError(callee.name, message if static(message) is False else
                              str(plain(message)) if not isinstance(message, Const)
                              else message.value if isinstance(message.value, str)
                              else str(message.value)))
    if isinstance(callee, Class):
        made = Instance(callee)
        if "__init__" in callee.names:  # type: ignore[operator]
            interp.call(attribute(interp, made, "__init__"), args, keywords)
        elif args or keywords:
            raise PyError("TypeError", f"{callee.name}() takes no arguments")
        return made
    if isinstance(callee, Instance) and "__call__" in (callee.kind.names or {}):
        return interp.call(attribute(interp, callee, "__call__"), args, keywords)
    if isinstance(callee, Module):
        raise Refused(f"{callee.name} is not in a page without Python")
    if isinstance(callee, Real) and callee.what == "ignored":
        return callee
    if isinstance(callee, Real) and callable(callee.value):
        from .face import real_method
        return real_method(callee, callee.value)(interp, args, keywords)
    if isinstance(callee, Const):
        raise PyError("TypeError", f"'{sequences._name(callee)}' object is not callable")
    raise Refused(f"calling {callee.type} is not in a page without Python")


def bind(callee: Function, names: Dict[str, Value], args: List[Value],
         keywords: Dict[str, Value]) -> None:
    """Gives parameters their values."""
    spec = callee.node.args
    given = dict(keywords)
    positional = spec.posonlyargs + spec.args
    for parameter, value in zip(positional, args):
        if parameter.arg in given:
            raise PyError("TypeError", f"{callee.name}() got multiple values for argument "
                                       f"'{parameter.arg}'")
        names[parameter.arg] = value
    if spec.vararg is not None:
        names[spec.vararg.arg] = Tup(args[len(positional):])
    elif len(args) > len(positional):
        raise PyError("TypeError", f"{callee.name}() takes {len(positional)} positional arguments "
                                   f"but {len(args)} were given")
    for parameter in [*positional[len(args):], *spec.kwonlyargs]:
        if parameter.arg in given:
            names[parameter.arg] = given.pop(parameter.arg)
        elif parameter.arg in callee.defaults:
            names[parameter.arg] = callee.defaults[parameter.arg]
        else:
            raise PyError("TypeError", f"{callee.name}() missing 1 required positional argument: "
                                       f"'{parameter.arg}'")
    if spec.kwarg is not None:
        names[spec.kwarg.arg] = Dct(list(given.items()))
    elif given:
        raise PyError("TypeError", f"{callee.name}() got an unexpected keyword argument "
                                   f"'{next(iter(given))}'")


def decorate(interp: Any, decorator: Value, made: Value) -> Value:
    """@decorator."""
    if isinstance(decorator, (Native, Function)):
        return interp.call(decorator, [made], {})
    raise Refused(f"a decorator that is {decorator.type} is not in a page without Python")


def enter(interp: Any, value: Value) -> Value:
    """What `with value as ...` gives."""
    if isinstance(value, Real) and hasattr(value.value, "__enter__"):
        if not value.what == "file":
            value.value.__enter__()
        return value
    if isinstance(value, Node) and value.type.kind in ("image", "file"):
        return value
    raise Refused(f"with {value.type} is not in a page without Python")


def leave(interp: Any, value: Value) -> None:
    """The end of a `with`."""
    if isinstance(value, Real) and value.what != "file":
        value.value.__exit__(None, None, None)
