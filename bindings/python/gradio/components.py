"""The components under their other name, gradio.components."""

from ._choices import Checkbox, CheckboxGroup, Dropdown, Radio
from ._component import Component
from ._data import Chatbot, Dataframe, Dataset
from ._media import Audio, File, Gallery, Image, Plot
from ._text import (HTML, JSON, Button, ClearButton, Code, ColorPicker, DownloadButton, Label,
                    Markdown, Number, Slider, State, Textbox, TextArea, Timer, UploadButton)

__all__ = ["Audio", "Button", "Chatbot", "Checkbox", "CheckboxGroup", "ClearButton", "Code",
           "ColorPicker", "Component", "Dataframe", "Dataset", "DownloadButton", "Dropdown", "File", "Gallery",
           "HTML", "Image", "JSON", "Label", "Markdown", "Number", "Plot", "Radio", "Slider",
           "State", "TextArea", "Textbox", "Timer", "UploadButton"]
