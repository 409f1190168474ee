"""Pages that are made from a function: Interface, ChatInterface, TabbedInterface, Examples."""

from __future__ import annotations

import csv
import inspect
import os
from typing import Any, Callable

from . import _run
from ._blocks import Accordion, Blocks, Column, Row, Tab, Tabs, apart
from ._component import Component
from ._data import Chatbot, Dataset, component, is_path
from ._errors import Unsupported
from ._events import Listener, _as_list, on
from ._helpers import EventData, Progress, Request, skip
from ._text import Button, ClearButton, Markdown, State, Textbox


class Examples:
    """Rows of values for inputs. Choosing one fills them in, and with run_on_click or
    cache_examples calls the function as well."""

    def __init__(self, *args, **kwargs):
        from ._blocks import TABLES, bind
        given = {**TABLES["Examples"]["parameters"],
                 **bind("Examples", TABLES["Examples"], args, kwargs)}
        self.inputs, self.outputs = _as_list(given["inputs"]), _as_list(given["outputs"])
        self.examples = rows(given["examples"], len(self.inputs))
        self.dataset = Dataset(
            components=self.inputs, samples=self.examples, label=given["label"],
            samples_per_page=given["examples_per_page"], sample_labels=given["example_labels"],
            elem_id=given["elem_id"], visible=given["visible"], type="index")
        self.load_input_event = None
        if (given["run_on_click"] or given["cache_examples"]) and given["fn"] is not None:
            self.load_input_event = self.dataset.click(given["fn"], self.inputs, self.outputs)


def rows(examples: Any, width: int) -> list[list]:
    """Examples as rows of values: lists, a folder of files, or a folder with a log.csv."""
    if isinstance(examples, (str, os.PathLike)):
        folder = os.fspath(examples)
        if not os.path.isdir(folder):
            raise Unsupported(f"there is no folder {folder} of examples",
                              "add it to what the page is built with")
        log = os.path.join(folder, "log.csv")
        if os.path.exists(log):
            with open(log, newline="", encoding="utf-8") as file:
                lines = list(csv.reader(file))[1:]
            return [[_beside(folder, cell) for cell in line[:width]] for line in lines]
        return [[os.path.join(folder, name)] for name in sorted(os.listdir(folder))]
    if not isinstance(examples, (list, tuple)) or not examples:
        raise Unsupported("examples are a list of rows, or a folder",
                          "give a list of one value for each input")
    made = [list(row) if isinstance(row, (list, tuple)) else [row] for row in examples]
    if width == 1 and not isinstance(examples[0], (list, tuple)):
        return made
    for number, row in enumerate(made):
        if len(row) > width:
            raise Unsupported(f"example {number + 1} has {len(row)} values for {width} inputs")
    return made


def _beside(folder: str, cell: str) -> str:
    path = os.path.join(folder, cell)
    return path if is_path(path) else cell


def _button(given: Any, default: str, **props) -> Button:
    return given.render() if isinstance(given, Button) else \
        Button(given if isinstance(given, str) else default, **props)


def _is_generator(fn: Callable) -> bool:
    inner = fn if inspect.isroutine(fn) else getattr(fn, "__call__", fn)
    return inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner)


class Interface(Blocks):
    """Inputs on one side, outputs on the other, a function between them."""

    mode = "interface"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        props = self.props
        fn = props["fn"]
        if isinstance(fn, list) or not callable(fn):
            raise Unsupported(f"the fn of gr.Interface is {fn!r}, which cannot be called",
                              "give one function")
        if props["batch"]:
            raise Unsupported("gr.Interface: batch is not supported",
                              "write the function for one set of inputs")
        if props["inputs"] is None and props["outputs"] is None:
            raise Unsupported("gr.Interface needs inputs, outputs or both")
        self.fn = fn
        with apart():
            self.input_components = self._components(props["inputs"])
            self.output_components = self._components(props["outputs"])
            extra = self._components(props["additional_inputs"])
        self.unified = any(block in self.input_components for block in self.output_components)
        self._name_them()
        for block in self.input_components + self.output_components + extra:
            block.unrender()
        with self:
            self._build(extra)

    @staticmethod
    def _components(given: Any) -> list[Component]:
        return [component(one) for one in _as_list(given)]

    def _name_them(self) -> None:
        names = []
        if callable(self.fn):
            try:
                for one in inspect.signature(self.fn).parameters.values():
                    kind = one.annotation
                    special = isinstance(one.default, Progress) or (
                        isinstance(kind, type) and issubclass(kind, (EventData, Request)))
                    if not special and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD):
                        names.append(one.name)
            except (TypeError, ValueError):
                pass
        for block, name in zip(self.input_components, names):
            if block.props["label"] is None:
                block.props["label"] = name
        many = len(self.output_components) > 1
        for number, block in enumerate(self.output_components):
            if block.props["label"] is None:
                block.props["label"] = f"output {number}" if many else "output"

    def _build(self, extra: list) -> None:
        props = self.props
        if props["title"]:
            Markdown(f"# {props['title']}", elem_classes=["title"])
        if props["description"]:
            Markdown(props["description"])
        shown = [block for block in self.output_components if block not in self.input_components]
        with Row():
            if self.input_components:
                with Column():
                    for block in self.input_components:
                        block.render()
                    if extra:
                        label = props["additional_inputs_accordion"] or "Additional Inputs"
                        with Accordion(label if isinstance(label, str) else label.props["label"],
                                       open=False):
                            for block in extra:
                                block.render()
                    if shown:
                        self._buttons()
            if shown:
                with Column():
                    for block in shown:
                        block.render()
                    if not self.input_components:
                        self._buttons()
            if not shown:
                self._buttons()
        self._listen(extra)
        if props["examples"] is not None:
            Examples(props["examples"], self.input_components + extra, self.output_components,
                     self.fn if props["run_examples_on_click"] and props["cache_examples"]
                     else None, cache_examples=bool(props["cache_examples"]),
                     examples_per_page=props["examples_per_page"],
                     example_labels=props["example_labels"])
        if props["article"]:
            Markdown(props["article"])

    def _buttons(self) -> None:
        props = self.props
        self.submit = self.stop = None
        with Row():
            made = props["clear_btn"]
            clear = made.render() if isinstance(made, ClearButton) else \
                ClearButton(value=made) if made else None
            if clear is not None:
                clear.add([block for block in self.input_components + self.output_components
                           if not isinstance(block, State)])
            if not props["live"]:
                self.submit = _button(props["submit_btn"], "Submit" if self.input_components
                                      else "Generate", variant="primary")
                if _is_generator(self.fn):
                    self.stop = _button(props["stop_btn"], "Stop", variant="stop", visible=False)

    def _listen(self, extra: list) -> None:
        inputs = self.input_components + extra
        if self.props["live"]:
            triggers = [Listener(block, "change") for block in inputs
                        if not isinstance(block, State)]
            if not triggers:
                triggers = [Listener(self, "load")]
            on(triggers, self.fn, inputs, self.output_components,
               concurrency_limit=self.props["concurrency_limit"])
            return
        triggers = [self.submit.click] + [
            Listener(block, "submit") for block in inputs if isinstance(block, Textbox)
            and "submit" in dir(type(block)) and block.props.get("lines", 1) == 1]
        called = on(triggers, self.fn, inputs, self.output_components,
                    show_progress=self.props["show_progress"],
                    concurrency_limit=self.props["concurrency_limit"])
        called.while_running = {"show": [self.stop._id], "hide": [self.submit._id]} \
            if self.stop else None
        if self.stop:
            self.stop.click(None, cancels=[called])


class TabbedInterface(Blocks):
    """Several interfaces, each on a tab."""

    mode = "tabbed_interface"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        interfaces = list(self.props["interface_list"] or [])
        names = self.props["tab_names"] or [f"Tab {i + 1}" for i in range(len(interfaces))]
        with self:
            if self.props["title"]:
                Markdown(f"# {self.props['title']}", elem_classes=["title"])
            with Tabs():
                for name, interface in zip(names, interfaces):
                    with Tab(name):
                        interface.render()


class ChatInterface(Blocks):
    """A conversation with a function of the message and what was said before."""

    mode = "chat_interface"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        props = self.props
        self.fn = props["fn"]
        if not callable(self.fn):
            raise Unsupported(f"the fn of gr.ChatInterface is {self.fn!r}, which cannot be called")
        with apart():
            self.additional_inputs = [component(one)
                                      for one in _as_list(props["additional_inputs"])]
        for block in [*self.additional_inputs, props["chatbot"], props["textbox"]]:
            if block is not None:
                block.unrender()
        with self:
            self._build()

    def _build(self) -> None:
        props = self.props
        if props["title"]:
            Markdown(f"# {props['title']}", elem_classes=["title"])
        if props["description"]:
            Markdown(props["description"])
        self.chatbot = props["chatbot"].render() if props["chatbot"] else \
            Chatbot(label="Chatbot", type=props["type"])
        self.type = self.chatbot.props["type"]
        self.textbox = props["textbox"].render() if props["textbox"] else \
            Textbox(show_label=False, label="Message", placeholder="Type a message...",
                    submit_btn=props["submit_btn"], stop_btn=props["stop_btn"])
        if not self.textbox.props["submit_btn"]:
            self.textbox.props["submit_btn"] = props["submit_btn"]
        self.saved = State("")
        if props["examples"]:
            Examples([[row[0] if isinstance(row, (list, tuple)) else row,
                       *(row[1:] if isinstance(row, (list, tuple)) else [])]
                      for row in props["examples"]], [self.textbox, *self.additional_inputs])
        if self.additional_inputs:
            with Accordion("Additional Inputs", open=False):
                for block in self.additional_inputs:
                    block.render()
        with Row():
            ClearButton([self.chatbot, self.textbox])
        asked = self.textbox.submit(self._ask, [self.textbox, self.chatbot],
                                    [self.textbox, self.chatbot, self.saved])
        answered = asked.success(self._answer, [self.saved, self.chatbot, *self.additional_inputs],
                                 [self.chatbot],
                                 concurrency_limit=props["concurrency_limit"])
        answered.while_running = {"stops": self.textbox._id}
        if props["stop_btn"]:
            self.textbox.props["stop_btn"] = props["stop_btn"]
            self.textbox.stop(None, cancels=[answered])

    def _with(self, history: list, message: Any, answer: Any = None) -> list:
        if self.type == "tuples":
            return [*history, [message, answer]]
        made = [*history, {"role": "user", "content": message}]
        if answer is None:
            return made
        answers = answer if isinstance(answer, list) else [answer]
        return made + [one if isinstance(one, dict) or hasattr(one, "role")
                       else {"role": "assistant", "content": one} for one in answers]

    def _ask(self, message: str, history: list):
        if not (message or "").strip():
            return skip(), skip(), skip()
        return "", self._with(history or [], message), message

    async def _answer(self, message: str, history: list, *extra):
        before = (history or [])[:-1]
        args, _ = _run.arguments(self.fn, [message, before, *extra], None, None)
        pieces = _run.results(self.fn, args)
        try:
            async for answer in pieces:
                yield self._with(before, message, answer)
        finally:
            await pieces.aclose()
