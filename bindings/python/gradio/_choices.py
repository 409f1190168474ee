"""Components in which something is chosen."""

from __future__ import annotations

from typing import Any

from ._component import Component
from ._errors import Error
from ._text import plain


class Choices(Component):
    """A component with `choices`: values, or pairs of a name and a value."""

    many = False

    def setup(self):
        self.check_type("value", "index")
        self.props["choices"] = [
            list(one) if isinstance(one, (tuple, list)) else [str(one), plain(one)]
            for one in self.props["choices"] or []]

    def values(self) -> list:
        return [value for _, value in self.props["choices"]]

    def _one(self, value: Any) -> Any:
        values = self.values()
        if value in values:
            place = values.index(value)
            return place if self.props["type"] == "index" else values[place]
        if self.props.get("allow_custom_value"):
            return None if self.props["type"] == "index" else value
        raise Error(f"Value: {value!r} is not in the list of choices: {values}")

    def preprocess(self, payload):
        if self.many:
            return [self._one(value) for value in payload or []]
        return None if payload is None else self._one(payload)

    def postprocess(self, value):
        if self.many:
            if value is None:
                return []
            return [plain(one) for one in value] if isinstance(value, (list, tuple)) else [value]
        return plain(value)


class Radio(Choices):
    """One of several, all of which are shown."""


class CheckboxGroup(Choices):
    """Any of several, all of which are shown."""

    many = True


class Dropdown(Choices):
    """One of several, or any of them with multiselect=True."""

    def setup(self):
        super().setup()
        if self.props["value"] == "__first__":
            values = self.values()
            self.props["value"] = values[0] if values and not self.many else None

    @property
    def many(self) -> bool:
        return bool(self.props["multiselect"])


class Checkbox(Component):
    """Yes or no."""

    def preprocess(self, payload):
        return None if payload is None else bool(payload)

    def postprocess(self, value):
        return None if value is None else bool(value)
