"""gradio: the page is built while the plan is made, by the package that pages with Python have; what
its functions take and give becomes steps."""

import ast
import contextlib
import importlib
import inspect
import os
import sys
from typing import Any, Callable, Dict, Iterator, List, Optional

from . import sequences, text
from .errors import PyError, Refused
from .values import (BOOL, FILE, INT, NONE, NUMBER, STR, Caught, Const, Dct, Function, Kind, Lst,
                     Module, Native, Node, Real, Tup, Type, Value, array, describe, image, plain,
                     static)

_SPECIAL = ("Request", "EventData", "SelectData", "OAuthProfile", "OAuthToken")
OUTPUTS = ("Textbox, TextArea, Code, Markdown, HTML, Number, Slider, Label, JSON, Image, Checkbox, "
           "Radio and Dropdown")


@contextlib.contextmanager
def package(wheel: str) -> Iterator[Any]:
    """The package gradio of a wheel."""
    before = {n: m for n, m in sys.modules.items() if n == "gradio" or n.startswith("gradio.")}
    for name in before:
        del sys.modules[name]
    sys.path.insert(0, wheel)
    try:
        gradio = importlib.import_module("gradio")
        host = importlib.import_module("gradio._host")
        host.reset()
        importlib.import_module("gradio._pictures").has = lambda module: True
        yield gradio
    finally:
        sys.path.remove(wheel)
        for name in [n for n in sys.modules if n == "gradio" or n.startswith("gradio.")]:
            del sys.modules[name]
        sys.modules.update(before)


class Handler:
    """A function of the program, as components hold it."""

    def __init__(self, value: Value) -> None:
        self.value = value
        self.__name__ = getattr(value, "name", "function")
        names: List[inspect.Parameter] = []
        if isinstance(value, Function):
            _refuse_special(value)
            spec = value.node.args
            given = (spec.posonlyargs + spec.args)[1 if value.bound is not None else 0:]
            names = [inspect.Parameter(a.arg, inspect.Parameter.POSITIONAL_OR_KEYWORD,
                                       default=None if a.arg in value.defaults
                                       else inspect.Parameter.empty) for a in given]
            seen = False
            for i, one in enumerate(names):
                seen = seen or one.default is None
                if seen:
                    names[i] = one.replace(default=None)
        self.__signature__ = inspect.Signature(names)

    def __call__(self, *args: Any) -> Any:
        raise Refused(f"{self.__name__}() gives a component its first value",
                      "give the value itself")


def _refuse_special(value: Function) -> None:
    for parameter in value.node.args.posonlyargs + value.node.args.args:
        told = ast.unparse(parameter.annotation) if parameter.annotation else ""
        default = value.defaults.get(parameter.arg)
        if any(name in told for name in _SPECIAL) or isinstance(default, Real):
            raise Refused(f"the parameter {parameter.arg} of {value.name}() is given what is known of "
                          f"the event, or shows progress").at(value.path, parameter)


def to_object(value: Value) -> Any:
    """A value as gradio is given it."""
    if isinstance(value, Real):
        return value.value
    if isinstance(value, (Function, Native)):
        return Handler(value)
    if isinstance(value, Kind) and value.name in ("str", "int", "float", "bool"):
        return value.name
    if static(value):
        return plain(value)
    if isinstance(value, Lst):
        return [to_object(v) for v in value.items]
    if isinstance(value, Tup):
        return tuple(to_object(v) for v in value.items)
    if isinstance(value, Dct):
        return {k: to_object(v) for k, v in value.items.items()}
    if isinstance(value, Const):
        return value.value
    raise Refused(f"gradio is given {describe(value)}, which is known in the page only")


def real_method(owner: Real, found: Callable) -> Callable:
    """A method of a component, or of a path, as a function of values."""
    def call(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
        from .objects import wrapped
        from .python_names import OpenedFile
        if interp.trace.depth > 1 and owner.what == "gradio":
            raise Refused("components change while a function runs",
                          "return values, not components")
        name = getattr(found, "__name__", "")
        if owner.what != "gradio" and isinstance(owner.value, os.PathLike):
            if name in ("read_text", "read_bytes", "open"):
                file = interp.names["open"].call(interp, [owner], {} if name != "read_bytes" else {
                    "mode": Const("rb")})
                if name == "open":
                    return file
                return Const(file.value.content) if name == "read_text" else file
            if name.startswith(("write", "unlink", "mk", "rename", "touch", "rm", "chmod")):
                raise Refused("files are written")
        given = [to_object(a) for a in args]
        named = {k: to_object(v) for k, v in keywords.items()}
        try:
            made = found(*given, **named)
        except (Refused, PyError):
            raise
        except Exception as error:
            advice = getattr(error, "advice", "") or ""
            raise Refused(str(error), str(advice)) from None
        assert not isinstance(made, OpenedFile)
        return wrapped(made, owner.what) if not inspect.isgenerator(made) else Lst(
            [wrapped(m, owner.what) for m in made])
    return call


class _Names(dict):
    """The names of gradio."""

    def __init__(self, gradio: Any) -> None:
        super().__init__()
        self.gradio = gradio

    def get(self, key: Any, default: Any = None) -> Any:
        if key in ("Warning", "Info"):
            return Native(key, lambda interp, args, kw: _notice(interp, key, args))
        if key == "Error":
            return Native(key, _error)
        if key in ("update", "skip"):
            return Native(key, _update)
        try:
            found = getattr(self.gradio, key)
        except Exception as error:
            raise Refused(str(error), str(getattr(error, "advice", "") or "")) from None
        if inspect.ismodule(found):
            return Module(f"gradio.{key}", _Names(found))
        return Real(found, "gradio")


def module(gradio: Any) -> Module:
    """import gradio."""
    return Module("gradio", _Names(gradio))


def _error(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
    from .natives import arguments, constant
    message, duration, visible, title = arguments(
        "Error", ["message?", "duration?", "visible?", "title?", "print_exception!"], args, keywords)
    message = message if message is not None else Const("Error raised.")
    return Caught(PyError("Error", plain(message) if static(message) else message,
                          title=constant(title, "title", "Error"),
                          duration=constant(duration, "duration", 10),
                          visible=constant(visible, "visible", True)))


def _notice(interp: Any, level: str, args: List[Value]) -> Value:
    message = interp.need_text(args[0]) if args else Const("")
    interp.trace.emit("notice", [message], NONE, level=level.lower())
    return Const(None)


def _update(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
    if interp.trace.depth == 1:
        raise Refused("gr.update() outside of a function")
    return Dct([("__type__", Const("update")), *keywords.items()])


# ---- what functions are given --------------------------------------------------------------------


def parameter(trace: Any, block: Any) -> tuple:
    """A node for a component's value, and how the page makes it."""
    kind = type(block).__name__
    props = block.props
    made = Node(trace.next, STR, True)
    trace.next += 1
    made.what = props.get("label") or kind
    how: Dict[str, Any] = {"r": made.ref, "as": "plain", "what": made.what}
    if kind in ("Textbox", "TextArea", "Code", "Markdown", "HTML", "Text"):
        how["as"] = "text"
    elif kind in ("Number", "Slider"):
        how.update({"as": "number", "precision": props["precision"]})
        if kind == "Number":
            how.update({"minimum": props["minimum"], "maximum": props["maximum"]})
        made._type = INT if props["precision"] == 0 else NUMBER
    elif kind == "Checkbox":
        made._type = BOOL
    elif kind in ("Radio", "Dropdown", "CheckboxGroup"):
        made._type = _choice(block, how)
    elif kind == "Image":
        mode = props["image_mode"]
        if props["type"] == "pil":
            made._type = image(mode)
        elif props["type"] == "filepath":
            made._type = FILE
        else:
            dims = (None, None) if mode == "L" else (None, None, {"RGB": 3, "RGBA": 4}[mode])
            made._type = Type("array" if props["type"] == "numpy" else "buffer", "uint8", dims)
        how.update({"as": props["type"], "mode": mode})
    elif kind == "Audio" and props["type"] == "numpy":
        made._type = Type("tuple", items=(INT, array("int16", None)), keys=("sound",))
        how["as"] = "sound"
    else:
        raise Refused(f"a function is given the value of gr.{kind}"
                      f"{'(type=' + repr(props['type']) + ')' if 'type' in props else ''}")
    return made, how


def _choice(block: Any, how: Dict[str, Any]) -> Type:
    values = block.values()
    how.update({"as": "choice", "choices": values, "many": bool(block.many),
                "index": block.props["type"] == "index",
                "free": bool(block.props.get("allow_custom_value"))})
    if block.props["type"] == "index":
        kind = INT
    else:
        kinds = {Const(v).type for v in values}
        if len(kinds) != 1 or how["free"] and kinds != {STR}:
            raise Refused(f"gr.{type(block).__name__} has choices of different types")
        kind = kinds.pop()
    return Type("list", items=(kind,)) if block.many else kind


# ---- what they give --------------------------------------------------------------------------------


def results(interp: Any, value: Value, blocks: List[Any]) -> List[Optional[dict]]:
    """A function's result as changes of components."""
    if isinstance(value, Dct) and value.items and all(not isinstance(k, str) for k in value.items):
        raise Refused("a dict of components is returned", "return values in the order of outputs")
    if isinstance(value, Dct) and "__type__" in value.items and len(blocks) != 1:
        raise Refused("one gr.update() for several components")
    if len(blocks) == 1:
        return [shown(interp, value, blocks[0])]
    if not blocks:
        return []
    if not isinstance(value, (Tup, Lst)) and not (isinstance(value, Node) and value.type.kind in (
            "tuple", "list")) or isinstance(value, (Tup, Lst)) and len(value.items) < len(blocks):
        got = len(value.items) if isinstance(value, (Tup, Lst)) else 1
        raise PyError("ValueError", f"the function didn't return enough output values (needed: "
                                    f"{len(blocks)}, returned: {got})")
    items = sequences.unrolled(interp, value, len(blocks))
    return [shown(interp, item, block) for item, block in zip(items, blocks)]


def shown(interp: Any, value: Value, block: Any) -> dict:
    """The changes of one component."""
    if isinstance(value, Real):
        raise Refused("a component is returned", "return its value")
    if isinstance(value, Dct) and "__type__" in value.items:
        changes = {k: v for k, v in value.items.items() if k != "__type__"}
        found: Dict[str, Any] = {}
        for name, one in changes.items():
            if name == "value":
                found[name] = postprocessed(interp, one, block)
            elif name in ("visible", "label", "interactive", "placeholder", "info", "lines") \
                    and name in block.props:
                if not static(one):
                    raise Refused(f"gr.update({name}=...) that is known in the page only")
                found[name] = interp.trace.encode(one)
            else:
                raise Refused(f"gr.update({name}=...)")
        return {k: v for k, v in sorted(found.items(), key=lambda item: item[0] == "value")}
    return {"value": postprocessed(interp, value, block)}


def postprocessed(interp: Any, value: Value, block: Any) -> Any:
    """An argument that is the component's value."""
    kind = type(block).__name__
    trace = interp.trace
    call = _SHOWN.get(kind)
    if call is None:
        raise Refused(f"the result is shown with gr.{kind}", f"there are {OUTPUTS}")
    if isinstance(value, Const) and value.value is None and kind != "Slider":
        return trace.encode(value)
    return trace.encode(call(interp, value, block), True)


def _show_text(interp: Any, value: Value, block: Any) -> Value:
    if isinstance(value, Node) and value.optional and value.type == STR:
        return value
    if isinstance(value, Caught):
        from .conversions import caught_text
        value = caught_text(value)
    made = value if value.type == STR else text.as_str(interp.trace, value)
    if type(block).__name__ in ("Markdown", "Code"):
        how = "clean" if type(block).__name__ == "Markdown" else "strip"
        if isinstance(made, Const):
            return Const(inspect.cleandoc(made.value) if how == "clean" else made.value.strip())
        return interp.trace.emit("cleandoc" if how == "clean" else "str.strip", [made], STR)
    return made


def _show_number(interp: Any, value: Value, block: Any) -> Value:
    kind = value.type
    if isinstance(value, Const) and isinstance(value.value, str):
        try:
            value = Const(float(value.value))
        except ValueError as error:
            raise PyError("ValueError", str(error)) from None
    elif kind.kind == "str":
        value = interp.trace.emit("float", [value], Type("float"), of="str")
    elif kind.kind not in ("int", "float", "number", "real", "bool", "np", "none"):
        raise Refused(f"gr.{type(block).__name__} is given {describe(value)}")
    precision = block.props["precision"] if type(block).__name__ == "Number" else None
    if type(block).__name__ == "Slider" and kind.kind == "none":
        return Const(block.props["minimum"])
    if precision is None:
        return value
    return interp.trace.emit("pyround", [value], NUMBER, **(
        {"digits": precision} if precision else {}))


def _number_kind(kind: Type) -> bool:
    return kind.kind in ("int", "float", "number", "real", "bool") or \
        kind.kind == "np" and kind.dtype != "str"


def _show_label(interp: Any, value: Value, block: Any) -> Value:
    top = block.props["num_top_classes"]
    if isinstance(value, Dct):
        if not value.items:
            return Const(None)
        if "confidences" in value.items:
            raise Refused("gr.Label is given confidences", "give a dict of labels and scores")
        for one in value.items.values():
            if not _number_kind(one.type):
                raise Refused(f"a score that is {describe(one)}", "use float(x)")
        pairs: Value = Lst([Tup([Const(str(k)), v]) for k, v in value.items.items()])
        return interp.trace.emit("label", [pairs], NONE, top=top)
    kind = value.type
    if isinstance(value, Node) and kind.kind in ("dict", "record"):
        scores = kind.items[1:] if kind.kind == "dict" else kind.items
        if kind.kind == "dict" and kind.items[0].kind not in ("str", "int"):
            raise Refused(f"labels that are {kind.items[0]}", "use str(x) for each")
        if not all(_number_kind(k) for k in scores):
            raise Refused(f"scores that are {scores[0]}", "use float(x)")
        return interp.trace.emit("label", [value], NONE, top=top)
    if kind.kind in ("str", "int", "float"):
        made = text.as_str(interp.trace, value)
        return interp.trace.emit("named", [made], NONE)
    raise Refused(f"gr.Label is given {describe(value)}", "give a dict of labels and scores, or a text")


def _show_json(interp: Any, value: Value, block: Any) -> Value:
    kind = value.type
    if kind.kind == "str":
        return interp.trace.emit("parsed", [value], NONE)
    _check_json(describe(value))
    return interp.trace.emit("json", [value], NONE, nullable=True)


def _check_json(kind: Type) -> None:
    if kind.kind in ("image", "file", "any", "class", "function") or kind.kind == "np" and \
            kind.dtype not in ("bool", "str") and not kind.dtype.startswith(("float", "int", "u")):
        raise Refused(f"gr.JSON is given {kind}")
    keys = kind.items[:1] if kind.kind == "dict" else [Const(k).type for k in kind.keys]
    for key in keys if kind.kind in ("dict", "record") else ():
        if key.kind not in ("str", "int"):
            raise Refused(f"gr.JSON is given a dict with a key that is {key}", "use str(x)")
    for item in kind.items:
        _check_json(item)


def _show_image(interp: Any, value: Value, block: Any) -> Value:
    kind = value.type
    if isinstance(value, Node) and (kind.kind == "image" and kind.dtype != "any"
                                    or kind.kind == "array" and kind.dims is not None
                                    and len(kind.dims) in (2, 3) and kind.dtype in (
                                        "uint8", "float32", "float64", "bool")):
        return interp.trace.emit("picture", [value], NONE)
    if isinstance(value, Node) and kind == FILE:
        return interp.trace.emit("file", [value], NONE)
    raise Refused(f"gr.Image is given {describe(value)}")


def _show_plain(interp: Any, value: Value, block: Any) -> Value:
    if describe(value).kind not in ("str", "int", "float", "number", "bool", "none", "list", "real",
                                    "np"):
        raise Refused(f"gr.{type(block).__name__} is given {describe(value)}")
    if type(block).__name__ == "Checkbox" and value.type != BOOL:
        return Const(bool(plain(value))) if static(value) else interp.trace.emit(
            "truth", [value], BOOL)
    return value


_SHOWN: Dict[str, Callable] = {
    "Textbox": _show_text, "TextArea": _show_text, "Code": _show_text, "Markdown": _show_text,
    "HTML": _show_text, "Number": _show_number, "Slider": _show_number, "Label": _show_label,
    "JSON": _show_json, "Image": _show_image, "Checkbox": _show_plain, "Radio": _show_plain,
    "Dropdown": _show_plain, "CheckboxGroup": _show_plain, "Button": _show_text}
