"""Components of text, numbers and buttons."""

from __future__ import annotations

import inspect
import json
import math
import random
from typing import Any

from ._component import Component
from ._errors import Error, Unsupported
from ._files import load, save


class Textbox(Component):
    """Text to write or to read."""

    def setup(self):
        self.check_type("text", "password", "email", "search", "tel", "url")

    def preprocess(self, payload):
        return None if payload is None else str(payload)

    def postprocess(self, value):
        return None if value is None else str(value)


class TextArea(Textbox):
    """A gr.Textbox of seven lines."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"lines": 7, **kwargs})


class Code(Textbox):
    """Text in a fixed width. A tuple (path,) is a file to be read."""

    def setup(self):
        pass

    def postprocess(self, value):
        if isinstance(value, tuple):
            with open(value[0], encoding="utf-8") as file:
                return file.read()
        return None if value is None else str(value).strip()


def rounded(value: float | None, precision: int | None) -> float | int | None:
    """A number to `precision` digits; a whole one for 0."""
    if value is None or precision is None:
        return value
    return int(round(value, 0)) if precision == 0 else round(value, precision)


def plain(value: Any) -> Any:
    """A number of numpy as one of Python."""
    return value.item() if hasattr(value, "item") and getattr(value, "shape", ()) == () else value


class Number(Component):
    """A number."""

    def preprocess(self, payload):
        if payload is None:
            return None
        if not isinstance(payload, (int, float)):
            raise Error(f"{payload!r} is not a number.")
        least, most = self.props["minimum"], self.props["maximum"]
        if least is not None and payload < least:
            raise Error(f"Value {payload} is less than minimum value {least}.")
        if most is not None and payload > most:
            raise Error(f"Value {payload} is greater than maximum value {most}.")
        return rounded(payload, self.props["precision"])

    def postprocess(self, value):
        value = plain(value)
        if isinstance(value, str):
            value = float(value)
        return rounded(value, self.props["precision"])


class Slider(Component):
    """A number between two others."""

    def setup(self):
        props = self.props
        if props["step"] is None:
            width = props["maximum"] - props["minimum"]
            props["step"] = 10 ** math.floor(math.log10(width) - 2) if width > 0 else 1
        if props["randomize"] and not callable(props["value"]):
            props["value"] = self._random
        elif props["value"] is None:
            props["value"] = props["minimum"]

    def _random(self) -> float:
        least, most, step = (self.props[name] for name in ("minimum", "maximum", "step"))
        value = least + random.randint(0, int((most - least) / step)) * step
        return value if isinstance(step, int) else round(value, 10)

    def preprocess(self, payload):
        return rounded(payload, self.props["precision"])

    def postprocess(self, value):
        return self.props["minimum"] if value is None else plain(value)


class Label(Component):
    """A class, or classes with their scores."""

    def postprocess(self, value):
        if value is None or value == {}:
            return None
        if isinstance(value, str) and value.endswith(".json"):
            with open(value, encoding="utf-8") as file:
                value = json.load(file)
        if isinstance(value, (str, int, float)):
            return {"label": str(value)}
        if not isinstance(value, dict):
            raise ValueError("gr.Label shows a text, a number, or a dict of labels and scores, "
                             f"not {type(value).__name__}")
        if "confidences" in value:
            value = {one["label"]: one["confidence"] for one in value["confidences"]}
        order = sorted(value.items(), key=lambda item: item[1], reverse=True)
        if self.props["num_top_classes"] is not None:
            order = order[:self.props["num_top_classes"]]
        return {"label": str(order[0][0]),
                "confidences": [{"label": str(label), "confidence": float(score)}
                                for label, score in order]}

    def preprocess(self, payload):
        if payload is None or "confidences" not in payload:
            return payload and payload["label"]
        return {one["label"]: one["confidence"] for one in payload["confidences"]}


VARIANTS = ("primary", "secondary", "stop", "huggingface")


class Button(Component):
    """A button. Its value is what is written on it."""

    def setup(self):
        if self.props["variant"] not in VARIANTS:
            raise Unsupported(f"gr.{type(self).__name__}: variant={self.props['variant']!r} is not "
                              "supported", f"it can be {', '.join(map(repr, VARIANTS))}")

    def page_props(self, given):
        found = super().page_props(given)
        if found.get("icon"):
            found["icon"] = load(found["icon"], "icon")
        return found

    def postprocess(self, value):
        return None if value is None else str(value)

    def preprocess(self, payload):
        return payload


class ClearButton(Button):
    """A button that empties components."""

    def setup(self):
        super().setup()
        given = self.props.pop("components", None) or []
        if not hasattr(self, "_cleared"):
            self._cleared: list = []
        if given:
            self._later = given if isinstance(given, (list, tuple, set)) else [given]

    def render(self):
        super().render()
        if self.__dict__.get("_later"):
            self.add(self.__dict__.pop("_later"))
        return self

    def add(self, components: Any) -> ClearButton:
        """Empties those too."""
        self._cleared += components if isinstance(components, (list, tuple)) else [components]
        return self

    def page_props(self, given):
        found = super().page_props(given)
        found.pop("components", None)
        found["clears"] = [block._id for block in self._cleared]
        return found


class DownloadButton(Button):
    """A button that saves a file."""

    def postprocess(self, value):
        return None if value is None else load(value, "the file of gr.DownloadButton")

    def preprocess(self, payload):
        return None if payload is None else save(payload)


class UploadButton(Button):
    """A button that opens files."""

    def setup(self):
        super().setup()
        self.check_type("filepath", "binary")

    def postprocess(self, value):
        if value is None:
            return None
        if isinstance(value, (list, tuple)):
            return [load(path) for path in value]
        return load(value)

    def preprocess(self, payload):
        return files_of(payload, self.props["type"], self.props["file_count"])


def files_of(payload: Any, kind: str, count: str) -> Any:
    """Files that the page sent as paths or bytes; a list for a `count` other than "single"."""
    from ._files import bytes_of
    if payload is None:
        return None
    many = payload if isinstance(payload, (list, tuple)) else [payload]
    made = [bytes_of(one["bytes"]) if kind == "binary" else save(one) for one in many]
    return made[0] if count == "single" and made else made


class Markdown(Component):
    """Text in Markdown. The page renders it, without scripts."""

    def postprocess(self, value):
        return None if value is None else inspect.cleandoc(str(value))


class HTML(Component):
    """HTML, of which the page leaves out scripts, styles and frames."""

    def postprocess(self, value):
        return None if value is None else str(value)


class JSON(Component):
    """Lists, dicts, texts and numbers."""

    def postprocess(self, value):
        if value is None:
            return None
        if isinstance(value, str):
            try:
                return json.loads(value)
            except ValueError:
                return value
        return json.loads(json.dumps(value, default=_simple))


def _simple(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    return str(value)


class ColorPicker(Component):
    """A colour, as #rrggbb."""

    def postprocess(self, value):
        return None if value is None else str(value)


class Timer(Component):
    """Fires `tick` every `value` seconds while it is `active`. Nothing of it is to be seen."""

    def setup(self):
        value = self.props["value"]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise Unsupported(f"gr.Timer: {value!r} is no number of seconds",
                              "give one that is greater than 0")


class State(Component):
    """A value that lasts from one call to the next, of any type. The page does not see it."""

    def postprocess(self, value):
        return None

    @property
    def initial(self) -> Any:
        value = self.props["value"]
        return value() if callable(value) else value
