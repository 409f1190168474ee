"""Blocks: what a program makes, the contexts it makes it in, and the tree that becomes the page."""

from __future__ import annotations

import contextlib
import copy
from typing import Any, Callable, Iterable

from . import _supported
from ._errors import Missing, Unsupported, place
from ._events import Dependency, add_listeners

TABLES = {**_supported.COMPONENTS, **_supported.LAYOUTS, **_supported.CLASSES}


class Building:
    """What is being built: the open contexts and the last number that was given out."""

    def __init__(self):
        self.contexts: list[Context] = []
        self.last = 0
        self.launched: Blocks | None = None
        self.folder = ""  # of the files that are made for the program

    def number(self) -> int:
        self.last += 1
        return self.last


building = Building()


@contextlib.contextmanager
def apart():
    """What is made inside is put into no context."""
    outer, building.contexts = building.contexts, []
    try:
        yield
    finally:
        building.contexts = outer


def table_of(cls: type) -> tuple[str, dict]:
    """Name and entry in the lists of the class, or of the nearest base that has one."""
    for base in cls.__mro__:
        if base.__name__ in TABLES:
            return base.__name__, TABLES[base.__name__]
    raise TypeError(f"{cls.__name__} is in no list of gradio/_supported.py")


def bind(name: str, table: dict, args: tuple, kwargs: dict, common: dict | None = None) -> dict:
    """The parameters that a call gave, by name; clear errors for those that do not work here."""
    positional = table["positional"]
    if len(args) > len(positional):
        given = f"at most {len(positional)} arguments by position" if positional \
            else "no arguments by position"
        raise Unsupported(f"gr.{name} takes {given}", "name the others")
    given = dict(zip(positional, args))
    known, accepted, refused = table["parameters"], table["accepted"], table["refused"]
    if common:
        known = {**common["parameters"], **known}
        accepted = [*common["accepted"], *accepted]
        refused = {**common["refused"], **refused}
    for key, value in kwargs.items():
        if key in given:
            raise Unsupported(f"gr.{name} got two values for {key}")
        if key in refused:
            if value not in (None, False):
                raise Unsupported(f"gr.{name}: {key} is not supported", refused[key])
        elif key in known:
            given[key] = value
        elif key not in accepted:
            raise Unsupported(f"gr.{name} has no parameter {key}",
                              f"it takes {', '.join(sorted(known))}")
    for key, value, advice in _supported.REFUSED_VALUES.get(name, []):
        if key in given and (given[key] == value or given[key] == [value]):
            raise Unsupported(f"gr.{name}: {key}={value!r} is not supported", advice)
    return {key: value for key, value in given.items() if key in known}


class Block:
    """A component or a layout: a number, the properties that were given, a place in the tree."""

    is_component = False

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if cls.__name__ in TABLES:
            add_listeners(cls, TABLES[cls.__name__]["events"])

    def __init__(self, *args, **kwargs):
        name, table = table_of(type(self))
        common = _supported.COMMON if self.is_component else None
        self.given = bind(name, table, args, kwargs, common)
        defaults = {**(common["parameters"] if common else {}), **table["parameters"]}
        self.props = {**copy.copy(defaults), **self.given}
        self._id = building.number()
        self.parent: Context | None = None
        self.place = place()
        self.setup()
        if self.props.get("render", True) is not False:
            self.render()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in ("props", "given", "parent", "place"):
            raise AttributeError(name)
        if name in self.props:
            return self.props[name]
        kind, table = table_of(type(self))
        if table["events"]:
            raise Missing(f"gr.{kind} has no event or property {name}",
                          f"its events are {', '.join(table['events'])}")
        raise Missing(f"gr.{kind} has no property {name}")

    @property
    def kind(self) -> str:
        """The name in the page's list of components."""
        return table_of(type(self))[0].lower()

    def setup(self) -> None:
        """Checks and completes the properties."""

    def render(self) -> Block:
        """Puts it into the context that is open."""
        if building.contexts:
            self.unrender()
            self.parent = building.contexts[-1]
            self.parent.children.append(self)
        return self

    def unrender(self) -> Block:
        """Takes it out of where it is."""
        if self.parent is not None and self in self.parent.children:
            self.parent.children.remove(self)
        self.parent = None
        return self

    def page_props(self, given: dict) -> dict:
        """The properties as the page takes them."""
        return {key: value for key, value in given.items()
                if key not in ("render", "every", "inputs")}

    def update(self, given: dict) -> dict:
        """Takes over changed properties; what the page has to know of them."""
        self.props.update(given)
        return self.page_props(given)


class Context(Block):
    """A block with others inside: `with gr.Row():`."""

    def __init__(self, *args, **kwargs):
        self.children: list[Block] = []
        super().__init__(*args, **kwargs)

    def __enter__(self):
        building.contexts.append(self)
        return self

    def __exit__(self, *error):
        building.contexts.pop()

    def tree(self) -> dict:
        return {"id": self._id, "children": [
            child.tree() if isinstance(child, Context) else {"id": child._id}
            for child in self.children]}

    def all_blocks(self) -> Iterable[Block]:
        for child in self.children:
            yield child
            if isinstance(child, Context):
                yield from child.all_blocks()


class Row(Context):
    """Children beside each other, below each other on a narrow page."""


class Column(Context):
    """Children below each other."""


class Group(Context):
    """Children without gaps between them."""


class Accordion(Context):
    """Children that can be folded away."""


class Sidebar(Context):
    """Children at the side, which can be folded away; here above the others."""


class Tabs(Context):
    """Holds gr.Tab."""


class Tab(Context):
    """One of several pages; makes the gr.Tabs around it where the program does not."""

    def setup(self):
        if self.props["id"] is None:
            self.props["id"] = self._id

    def render(self):
        outer = building.contexts[-1] if building.contexts else None
        if outer is not None and not isinstance(outer, Tabs):
            before = outer.children[-1] if outer.children else None
            if not isinstance(before, Tabs) or not getattr(before, "_by_tab", False):
                before = Tabs()
                before._by_tab = True
            self.unrender()
            self.parent = before
            before.children.append(self)
            return self
        return super().render()


class Blocks(Context):
    """A page of components, layouts and events. `launch` hands it to the browser."""

    mode = "blocks"

    def __init__(self, *args, **kwargs):
        self.dependencies: list[Dependency] = []
        super().__init__(*args, **kwargs)

    def render(self):
        """Puts what this has into the context that is open, with its events."""
        if building.contexts:
            super().render()
            root = building.contexts[0]
            if isinstance(root, Blocks) and root is not self:
                self._hand_over(root)
        return self

    def _hand_over(self, root: Blocks) -> None:
        for dependency in self.dependencies:
            dependency.targets = [(root._id, event) if block == self._id else (block, event)
                                  for block, event in dependency.targets]
        root.dependencies.extend(self.dependencies)
        self.dependencies = []

    def __exit__(self, *error):
        super().__exit__(*error)
        if building.contexts and isinstance(building.contexts[0], Blocks):
            self._hand_over(building.contexts[0])

    def page_props(self, given: dict) -> dict:
        """Of one inside of another the page shows what is in it alone."""
        return {key: given[key] for key in ("visible", "elem_id", "elem_classes") if key in given}

    def queue(self, *args, **kwargs) -> Blocks:
        """Taken for compatibility: functions are always called one after the other."""
        return self

    def launch(self, *args, **kwargs) -> tuple[Blocks, str, None]:
        """Makes this the page; where it is shown is not for the program to say."""
        building.launched = self
        return self, "", None

    def close(self, *args, **kwargs) -> None:
        """Taken for compatibility: the page is closed by its user."""

    def unload(self, fn: Callable, *args, **kwargs) -> None:
        """Taken for compatibility: the interpreter ends with the page."""

    def integrate(self, *args, **kwargs) -> None:
        raise Unsupported("Blocks.integrate is not supported", "there is no service to report to")


def root_context() -> Blocks | None:
    """The gr.Blocks that is being built."""
    root = building.contexts[0] if building.contexts else None
    return root if isinstance(root, Blocks) else None
