"""What all components share: a value, how the page sends it, how a function's result is shown."""

from __future__ import annotations

from typing import Any

from ._blocks import Block, root_context
from ._errors import Unsupported


class Component(Block):
    """A block with a value."""

    is_component = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        every, inputs = self.props["every"], self.props["inputs"]
        if callable(self.props.get("value")) and (every is not None or inputs is not None):
            self._refresh(every, inputs)

    def _refresh(self, every: Any, inputs: Any) -> None:
        """Computes the value anew: when the page is there, every so many seconds or ticks of a
        gr.Timer, and when an input changes."""
        from ._events import Dependency, Listener, _as_list
        from ._text import Timer
        root = root_context()
        if root is None:
            raise Unsupported(f"gr.{type(self).__name__}: every= and inputs= work inside of "
                              "`with gr.Blocks()` only", "make the component there")
        triggers = [Listener(root, "load")]
        if every is not None:
            timer = every if isinstance(every, Timer) else Timer(every)
            triggers.append(timer.tick)
        triggers += [block.change for block in _as_list(inputs)]
        Dependency([(one.block._id, one.event) for one in triggers], self.props["value"],
                   {"inputs": inputs, "outputs": self, "show_progress": "hidden"})

    def preprocess(self, payload: Any) -> Any:
        """What the page sent, as the function takes it."""
        return payload

    def postprocess(self, value: Any) -> Any:
        """What the function gave, as the page takes it."""
        return value

    def page_props(self, given: dict) -> dict:
        found = super().page_props(given)
        if "value" in found:
            value = found["value"]
            if callable(value):
                value = None if self.props["inputs"] is not None else value()
            found["value"] = self.postprocess(value)
        return found

    def update(self, given: dict) -> dict:
        self.props.update({key: value for key, value in given.items() if key != "value"})
        self.setup()
        found = {key: self.props.get(key) for key in given if key != "value"}
        if "value" in given:
            found["value"] = given["value"]
        return self.page_props(found)

    def check_type(self, *types: str) -> None:
        """Refuses a `type` that is not among those."""
        if self.props["type"] not in types:
            name = type(self).__name__
            raise Unsupported(f"gr.{name}: type={self.props['type']!r} is not supported",
                              f"it can be {', '.join(map(repr, types))}")

    def check_use(self) -> None:
        """Refuses, for a component that a function reads, what cannot be made in this place."""

    def __repr__(self) -> str:
        return f"<gradio.{type(self).__name__} {self._id}>"
