"""The plan of a program: what it computes, as data that a page carries out without Python.

`interpret.py` follows a program, with values (`values.py`) that are known now or become steps
(`trace.py`) of the plan; what a name of Python's, numpy's, pillow's, onnxruntime's or gradio's does
is said in the file of that name.  `pages/app/plan` has the steps.  What no file here says is refused:
a plan gives what the program gives, or there is none."""

from .errors import Refused
from .make import Plan, make

__all__ = ["Plan", "Refused", "make"]
