"""Between the page and the program: what the page is to show, and calls of the program's functions.

A worker that ran a program asks `config()` what it launched, and makes a `Server`, which takes the
messages `call` and `cancel` and posts `result`, `progress` and `error`."""

from __future__ import annotations

import asyncio
import copy
from typing import Any, AsyncIterator, Callable

from . import _run
from ._blocks import Block, Blocks, Context, building, table_of
from ._component import Component
from ._errors import Error, Unsupported, program_traceback
from ._helpers import Running, current
from ._text import Button, State


class Session:
    """What lasts from call to call: the values of gr.State, and who waits for whom."""

    def __init__(self):
        self.states: dict[int, Any] = {}
        self.changes = 0
        self.turns: dict[Any, asyncio.Semaphore] = {}

    def state(self, block: State) -> Any:
        if block._id not in self.states:
            self.states[block._id] = copy.deepcopy(block.initial)
        return self.states[block._id]

    def turn(self, dependency: Any) -> asyncio.Semaphore:
        """As many of a function as it allows, by default one, in the order of their calls."""
        key = dependency.concurrency_id or id(dependency.fn)
        if key not in self.turns:
            self.turns[key] = asyncio.Semaphore(dependency.concurrency_limit or 1 << 30)
        return self.turns[key]


session = Session()


def reset() -> None:
    """Forgets the program that ran before."""
    global session
    session = Session()
    building.contexts.clear()
    building.last, building.launched = 0, None


def _interactive(block: Component, inputs: set, outputs: set) -> bool:
    given = block.props["interactive"]
    if given is not None:
        return bool(given)
    if block._id in inputs or isinstance(block, Button):
        return True
    value = block.props.get("value")
    empty = value is None or (isinstance(value, (str, int, float, list, dict)) and not value)
    return block._id not in outputs and (empty or callable(value))


def _config_of(block: Block, inputs: set, outputs: set) -> dict:
    try:
        props = block.page_props(block.props)
    except (OSError, ValueError, TypeError) as error:
        filename, line = block.place
        raise Unsupported(f"the value of gr.{type(block).__name__} cannot be shown: {error}",
                          at=(filename, line)) from error
    if isinstance(block, Component):
        if props["label"] is None:
            props["label"] = table_of(type(block))[0]
        props["interactive"] = _interactive(block, inputs, outputs)
    return {"id": block._id, "type": block.kind, "props": props}


def config() -> dict | None:
    """What the page is to show; None where the program launched nothing. Raises Unsupported."""
    demo = building.launched
    if demo is None:
        return None
    blocks = {block._id: block for block in demo.all_blocks()}
    inputs, outputs = set(), set()
    for dependency in demo.dependencies:
        for block in dependency.inputs + dependency.outputs:
            if block._id not in blocks and block is not demo:
                raise Unsupported(
                    f"gr.{type(block).__name__} is used by an event and is not on the page",
                    "make it inside of the block that is launched, or call its render()",
                    block.place)
        if dependency.fn is not None:
            for block in dependency.inputs:
                block.check_use()
        inputs.update(block._id for block in dependency.inputs)
        outputs.update(block._id for block in dependency.outputs)
    return {"version": 1, "mode": demo.mode, "title": demo.props.get("title") or "Gradio",
            "css": demo.props.get("css"), "root": demo._id,
            "components": [_config_of(block, inputs, outputs) for block in blocks.values()],
            "layout": demo.tree(),
            "dependencies": [dependency.config() for dependency in demo.dependencies]}


def _find(fn: int) -> Any:
    for dependency in building.launched.dependencies if building.launched else []:
        if dependency.id == fn:
            return dependency
    raise ValueError(f"the program has no function {fn}")


def _block(number: int) -> Block | None:
    demo = building.launched
    return next((block for block in demo.all_blocks() if block._id == number), demo)


def _values(dependency: Any, data: list) -> list:
    """What the page sent, as the function takes it."""
    values = [session.state(block) if isinstance(block, State) else block.preprocess(payload)
              for block, payload in zip(dependency.inputs, data)]
    return [dict(zip(dependency.inputs, values))] if dependency.as_dict else values


def _name(fn: Callable) -> str:
    return getattr(fn, "__name__", type(fn).__name__)


def _by_output(dependency: Any, result: Any) -> list:
    """A function's result as one for each output; `_host.UNCHANGED` for those it left out."""
    outputs = dependency.outputs
    if isinstance(result, dict) and result and all(isinstance(key, Block) for key in result):
        for block in result:
            if block not in outputs:
                raise ValueError(f"{_name(dependency.fn)} returned a value for {block!r}, which is "
                                 "not among the event's outputs")
        return [result.get(block, UNCHANGED) for block in outputs]
    if len(outputs) == 1:
        return [result]
    if not outputs:
        return []
    if isinstance(result, dict) and result == {"__type__": "update"}:
        return [UNCHANGED] * len(outputs)
    if not isinstance(result, (list, tuple)) or len(result) < len(outputs):
        got = len(result) if isinstance(result, (list, tuple)) else 1
        raise ValueError(f"{_name(dependency.fn)} didn't return enough output values "
                         f"(needed: {len(outputs)}, returned: {got})")
    return list(result[:len(outputs)])


UNCHANGED = {"__type__": "update"}


def _shown(block: Block, result: Any) -> dict:
    """The properties of a component that a result changes, as the page takes them."""
    if isinstance(result, Block) and not isinstance(block, State):
        given = dict(result.given)
    elif isinstance(result, dict) and result.get("__type__") == "update":
        given = {key: value for key, value in result.items() if key != "__type__"}
    else:
        given = {"value": result}
    if isinstance(block, State):
        if "value" not in given:
            return {}
        before, session.states[block._id] = session.state(block), given["value"]
        if _same(before, given["value"]):
            return {}
        session.changes += 1
        return {"value": session.changes}
    unknown = [key for key in given if key not in block.props]
    if unknown:
        raise ValueError(f"gr.{type(block).__name__} has no property {unknown[0]}")
    return block.update(given)


def _same(before: Any, after: Any) -> bool:
    if before is after:
        return isinstance(after, (str, int, float, bool, tuple, type(None)))
    try:
        return bool(before == after)
    except ValueError:  # arrays do not say whether they are equal
        return False


async def call(fn: int, data: list, event: dict | None = None,
               notify: Callable[[dict], None] | None = None) -> AsyncIterator[list]:
    """Calls a function with what the page sent. Yields, for each piece of its answer, a list of
    changed properties, a dict for each output. `event` has `target`, a component's number, and
    what is known of the event; `notify` takes progress and messages."""
    dependency = _find(fn)
    if dependency.fn is None:
        return
    async with session.turn(dependency):
        token = current.set(Running(notify))
        event = dict(event or {})
        args, progress = _run.arguments(dependency.fn, _values(dependency, data),
                                        _block(event.pop("target", 0)), event)
        ends = [one.watch() for one in progress]
        pieces = _run.results(dependency.fn, args)
        try:
            async for result in pieces:
                yield [_shown(block, one) for block, one in
                       zip(dependency.outputs, _by_output(dependency, result))]
        finally:
            await pieces.aclose()
            for end in ends:
                end()
            if current.get() is not None:
                _forget(token)


def _forget(token: Any) -> None:
    try:
        current.reset(token)
    except ValueError:  # it was ended from another context, whose value is its own
        current.set(None)


class Server:
    """Takes the page's messages; `post` takes those for the page."""

    def __init__(self, post: Callable[[dict], None]):
        self.post = post
        self.tasks: dict[Any, asyncio.Task] = {}

    def handle(self, message: dict) -> bool:
        """Whether the message was for here."""
        if message["type"] == "call":
            task = asyncio.ensure_future(self._answer(message))
            self.tasks[message["call"]] = task
            task.add_done_callback(lambda done: self.tasks.pop(message["call"], None))
            return True
        if message["type"] == "cancel":
            task = self.tasks.get(message["call"])
            if task is not None:
                task.cancel()
            return True
        return False

    async def _answer(self, message: dict) -> None:
        number = message["call"]

        def notify(what: dict) -> None:
            self.post({"type": "progress", "call": number, **what})

        given = message.get("data") or {}
        pieces = call(message["fn"], list(given.get("values") or []), given.get("event"), notify)
        try:
            async for data in pieces:
                self.post({"type": "result", "call": number, "data": data, "final": False})
                await asyncio.sleep(0)
            self.post({"type": "result", "call": number, "data": None, "final": True})
        except asyncio.CancelledError:
            self.post({"type": "error", "call": number, "cancelled": True, "message": "Stopped.",
                       "traceback": None})
        except Error as error:
            self.post({"type": "error", "call": number, "message": error.message,
                       "title": error.title, "duration": error.duration,
                       "visible": error.visible, "traceback": None})
        except BaseException as error:  # the program's own end must not end the page's
            self.post({"type": "error", "call": number, "message": _words(error),
                       "traceback": program_traceback(error)})
        finally:
            await pieces.aclose()


def _words(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


__all__ = ["Blocks", "Context", "Server", "call", "config", "reset"]
