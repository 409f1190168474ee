"""Events: listeners of components, and what is called when they fire."""

from __future__ import annotations

from typing import Any, Callable

from . import _supported
from ._errors import Unsupported


def _as_list(blocks: Any) -> list:
    if blocks is None:
        return []
    if isinstance(blocks, (list, tuple)):
        return list(blocks)
    if isinstance(blocks, (set, frozenset)):
        return sorted(blocks, key=lambda block: block._id)
    return [blocks]


class Dependency:
    """A function, the events that call it, and the components it reads and writes."""

    def __init__(self, targets: list, fn: Callable | None, options: dict,
                 after: Dependency | None = None, only: str | None = None):
        from ._blocks import building, root_context
        root = root_context()
        if root is None:
            raise Unsupported("events can be listened to inside of `with gr.Blocks()` only",
                              "indent the line into the block")
        self.id = building.number()
        self.targets = targets  # (number of the block, event)
        self.fn = fn
        self.as_dict = isinstance(options.get("inputs"), (set, frozenset))
        self.inputs = _as_list(options.get("inputs"))
        self.outputs = _as_list(options.get("outputs"))
        self.after = after.id if after else None
        self.only = only  # "success", "failure", or None for whatever came of it
        self.cancels = [one.id for one in _as_list(options.get("cancels"))]
        self.show_progress = options.get("show_progress", "full")
        first = targets[0][1] if targets else ""
        self.trigger_mode = options.get("trigger_mode") or (
            "always_last" if first in ("change", "key_up") else "once")
        limit = options.get("concurrency_limit", "default")
        self.concurrency_limit = 1 if limit == "default" else limit  # None is none
        self.concurrency_id = options.get("concurrency_id")
        self.while_running = None  # what the page shows and hides while it runs
        for name, blocks in (("inputs", self.inputs), ("outputs", self.outputs)):
            for block in blocks:
                if not hasattr(block, "_id"):
                    raise Unsupported(f"{name} of an event are components, not {block!r}",
                                      "make the component first and name its variable")
        if fn is not None and not callable(fn):
            raise Unsupported(f"the function of an event is {fn!r}, which cannot be called")
        root.dependencies.append(self)

    def __call__(self, *args, **kwargs):
        return self.fn(*args, **kwargs)

    def then(self, *args, **kwargs):
        """Calls another function when this one has ended, well or not."""
        return _listen([], args, kwargs, after=self)

    def success(self, *args, **kwargs):
        """Calls another function when this one has ended without an error."""
        return _listen([], args, kwargs, after=self, only="success")

    def failure(self, *args, **kwargs):
        """Calls another function when this one has raised an error."""
        return _listen([], args, kwargs, after=self, only="failure")

    def config(self) -> dict:
        """As the page takes it."""
        return {"id": self.id, "targets": [list(target) for target in self.targets],
                "inputs": [block._id for block in self.inputs],
                "outputs": [block._id for block in self.outputs],
                "backend_fn": self.fn is not None, "trigger_after": self.after,
                "trigger_only": self.only, "cancels": self.cancels,
                "trigger_mode": self.trigger_mode, "show_progress": self.show_progress,
                "while_running": self.while_running}


def _listen(targets: list, args: tuple, kwargs: dict, after: Dependency | None = None,
            only: str | None = None):
    from ._blocks import bind
    options = bind("an event's listener", _supported.LISTENER, args, kwargs)
    if "fn" in options:
        return Dependency(targets, options["fn"], options, after, only)
    if options.get("cancels") is not None:
        return Dependency(targets, None, options, after, only)

    def decorate(fn: Callable) -> Dependency:
        return Dependency(targets, fn, options, after, only)
    return decorate


class Listener:
    """`component.click`: called with a function, or named among the triggers of gr.on."""

    def __init__(self, block: Any, event: str):
        self.block, self.event = block, event

    def __call__(self, *args, **kwargs):
        return _listen([(self.block._id, self.event)], args, kwargs)


def add_listeners(cls: type, events: list) -> None:
    """Gives a class a property for each of its events."""
    for event in events:
        setattr(cls, event, property(lambda self, event=event: Listener(self, event),
                                     doc=f"Listens to the event {event}."))


def on(triggers: Any = None, *args, **kwargs):
    """gr.on: one function for several events; without triggers for each change of an input."""
    from ._blocks import bind, root_context
    options = bind("on", _supported.LISTENER, args, kwargs)
    if triggers is None:
        targets = [(block._id, "change") for block in _as_list(options.get("inputs"))
                   if "change" in dir(type(block))]
        root = root_context()
        if root is not None:
            targets.append((root._id, "load"))
    else:
        targets = []
        for trigger in _as_list(triggers):
            if not isinstance(trigger, Listener):
                raise Unsupported(f"gr.on takes events such as button.click, not {trigger!r}")
            targets.append((trigger.block._id, trigger.event))
    return _listen(targets, (), options)
