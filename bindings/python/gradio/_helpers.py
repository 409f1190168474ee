"""What functions use while they run: progress, messages, updates, what is known of the event."""

from __future__ import annotations

import contextvars
import sys
from typing import Any, Callable, Iterable

current: contextvars.ContextVar = contextvars.ContextVar("gradio_call", default=None)


class Running:
    """A call that runs; `notify` takes what the page is to know while it does."""

    def __init__(self, notify: Callable[[dict], None] | None):
        self.notify = notify or (lambda message: None)


def _notify(message: dict) -> None:
    running = current.get()
    if running is not None:
        running.notify(message)


def update(elem_id: Any = None, **props) -> dict:
    """Changed properties of a component, as a function's result. Without `value` that stays."""
    if elem_id is not None:
        props["elem_id"] = elem_id
    return {"__type__": "update", **props}


def skip() -> dict:
    """A function's result for a component that is to stay as it is."""
    return {"__type__": "update"}


def _message(level: str) -> Callable:
    def show(message: str = "", duration: float | None = 10, visible: bool = True,
             title: str | None = None) -> None:
        if visible:
            _notify({"kind": "message", "level": level, "message": str(message),
                     "title": title or level.capitalize(), "duration": duration})
    show.__name__ = level.capitalize()
    show.__doc__ = "Shows a message on the page, for `duration` seconds; None lasts."
    return show


Info, Warning, Success = _message("info"), _message("warning"), _message("success")


class Progress:
    """As the default of a parameter: how far the function is, shown on the page."""

    def __init__(self, track_tqdm: bool = False):
        self.track_tqdm = track_tqdm
        self._iterables: list = []

    def __call__(self, progress: Any, desc: str | None = None, total: float | None = None,
                 unit: str = "steps", _tqdm: Any = None) -> Any:
        """Says how far: a part of 1, (steps, total), or None for unknown."""
        index = None
        if isinstance(progress, (tuple, list)):
            index, total = progress
            progress = index / total if total else None
        _notify({"kind": "progress", "value": None if progress is None else float(progress),
                 "index": index, "total": total, "unit": unit, "desc": desc})
        return progress

    def tqdm(self, iterable: Iterable | None, desc: str | None = None, total: float | None = None,
             unit: str = "steps", _tqdm: Any = None) -> Iterable:
        """Goes through something and says how far after each step."""
        if iterable is None:
            iterable = range(int(total or 0))
        if total is None and hasattr(iterable, "__len__"):
            total = len(iterable)
        return self._steps(iterable, desc, total, unit)

    def _steps(self, iterable: Iterable, desc, total, unit):
        done = 0
        self(((0, total)) if total else None, desc, total, unit)
        for one in iterable:
            yield one
            done += 1
            if total:
                self((done, total), desc, total, unit)
            else:
                _notify({"kind": "progress", "value": None, "index": done, "total": None,
                         "unit": unit, "desc": desc})

    def __iter__(self):
        return self

    def __len__(self) -> int:
        return 0

    def watch(self) -> Callable[[], None]:
        """Lets the bars of the module tqdm be shown; returns what ends that."""
        module = sys.modules.get("tqdm")
        if not self.track_tqdm or module is None:
            return lambda: None
        bar, progress = module.tqdm, self
        before = bar.__iter__, bar.update

        def steps(this):
            return progress._steps(before[0](this), this.desc or None, this.total, this.unit)

        def step(this, n=1):
            done = before[1](this, n)
            if this.total:
                progress((this.n, this.total), this.desc or None, this.total, this.unit)
            return done

        bar.__iter__, bar.update = steps, step

        def end() -> None:
            bar.__iter__, bar.update = before
        return end


class Request:
    """What is known of who calls: nothing but that it is this page."""

    def __init__(self):
        self.headers: dict = {}
        self.query_params: dict = {}
        self.cookies: dict = {}
        self.client = type("Client", (), {"host": "127.0.0.1", "port": 0})()
        self.username = None
        self.session_hash = "page"


class EventData:
    """As the type of a parameter: what is known of the event. `target` is its component."""

    def __init__(self, target: Any, data: dict | None):
        self.target = target
        self._data = data or {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._data:
            raise AttributeError(f"the event has no {name}; it has {', '.join(self._data)}")
        return self._data[name]


class SelectData(EventData):
    """What was selected: `index`, `value`, and `selected`, false when it no longer is."""

    def __init__(self, target: Any, data: dict | None):
        super().__init__(target, data)
        self.index = self._data.get("index")
        self.value = self._data.get("value")
        self.row_value = self._data.get("row_value")
        self.col_value = self._data.get("col_value")
        self.selected = self._data.get("selected", True)


class RetryData(EventData):
    """The message whose answer is wanted anew: its `index` and its text, `value`."""

    def __init__(self, target: Any, data: dict | None):
        super().__init__(target, data)
        self.index, self.value = self._data.get("index"), self._data.get("value")


class UndoData(RetryData):
    """The message that is to be taken back: its `index` and its text, `value`."""


class LikeData(RetryData):
    """A message that was judged: its `index` and `value`, and `liked`, false for disliked."""

    def __init__(self, target: Any, data: dict | None):
        super().__init__(target, data)
        self.liked = self._data.get("liked", True)
