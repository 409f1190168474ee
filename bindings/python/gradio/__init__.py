"""Gradio's interface for programs whose page and interpreter are in the same browser.

    import gradio as gr
    gr.Interface(fn=lambda name: "Hello " + name, inputs="text", outputs="text").launch()

`_supported.py` lists what is here. What is not raises `Unsupported`, with the place in the
program and what to use in its stead. There is no server: `launch` makes a page of what was
built, and `_host` connects it with the page."""

from __future__ import annotations

from . import _supported, components, themes
from ._blocks import Accordion, Blocks, Column, Group, Row, Sidebar, Tab, Tabs
from ._choices import Checkbox, CheckboxGroup, Dropdown, Radio
from ._data import Chatbot, ChatMessage, Dataframe, Dataset, List
from ._errors import Error, Missing, Unsupported
from ._events import on
from ._helpers import (EventData, Info, LikeData, Progress, Request, RetryData, SelectData, Success,
                       UndoData, Warning, skip, update)
from ._interface import ChatInterface, Examples, Interface, TabbedInterface
from ._media import Audio, File, Files, Gallery, Image, Plot
from ._text import (HTML, JSON, Button, ClearButton, Code, ColorPicker, DownloadButton, Label,
                    Markdown, Number, Slider, State, Textbox, TextArea, Timer, UploadButton)
from .themes import Theme

__version__ = _supported.VERSION
TabItem, Text, Json, DataFrame = Tab, Textbox, JSON, Dataframe
NO_RELOAD = True


def close_all(verbose: bool = True) -> None:
    """Taken for compatibility: the page is closed by its user."""


def set_static_paths(paths) -> None:
    """Taken for compatibility: nothing is served."""


def __getattr__(name: str):
    if name in _supported.UNSUPPORTED:
        raise Unsupported(f"gr.{name} is not supported", _supported.UNSUPPORTED[name])
    if name.startswith("_"):
        raise AttributeError(f"module 'gradio' has no attribute {name!r}")
    raise Missing(f"gradio has no {name} here", "docs/gradio.md lists what there is")


__all__ = [
    "Accordion", "Audio", "Blocks", "Button", "ChatInterface", "ChatMessage", "Chatbot",
    "Checkbox", "CheckboxGroup", "ClearButton", "Code", "ColorPicker", "Column", "DataFrame",
    "Dataframe", "Dataset",
    "DownloadButton", "Dropdown", "Error", "EventData", "Examples", "File", "Files", "Gallery",
    "Group",
    "HTML", "Image", "Info", "Interface", "JSON", "Json", "Label", "LikeData", "List",
    "Markdown", "NO_RELOAD",
    "Number", "Plot", "Progress", "Radio", "Request", "RetryData", "Row",
    "SelectData", "Sidebar", "Slider", "State",
    "Success", "Tab", "TabItem", "TabbedInterface", "Tabs", "Text", "TextArea", "Textbox",
    "Theme", "Timer", "UndoData", "Unsupported", "UploadButton", "Warning", "close_all", "components", "on",
    "set_static_paths", "skip", "themes", "update"]
