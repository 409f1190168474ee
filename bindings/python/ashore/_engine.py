"""Sessions of the engine, which JavaScript has: bindings/js/pyodide.js makes the module `_ashore`."""
import json
import os
import sys

from ._array import bytes_of
from ._dtypes import TYPES
from ._errors import AshoreError
from ._mail import Mail
from ._values import Parcel, Receiver, describe_failure, dumps

_OPTION_NAMES = {"memory_limit": "memoryLimit"}
_OPTIONS = ("name", "threads", "strict", "memory_limit", "optimize", "profile")
_LOAD_OPTIONS = _OPTIONS + ("cache", "manifest", "sha256", "external")


def bridge():
    """The JavaScript side; ImportError with advice where it is not there."""
    try:
        import _ashore
    except ImportError:
        where = "the page's JavaScript has not called `await register(pyodide)` of 'ashore/pyodide'" \
            if sys.platform == "emscripten" else "it is made for Pyodide; this Python runs on " \
            f"{sys.platform}, where the package `onnxruntime` of PyPI runs models"
        raise ImportError(f"ashore has no engine: {where}") from None
    return _ashore


def _javascript_options(options, known):
    for name in options:
        if name not in known:
            raise TypeError(f"'{name}' is no option: {', '.join(known)}")
    return dumps({_OPTION_NAMES.get(name, name): value for name, value in options.items()
                  if value is not None})


def js_exception():
    """The class of exceptions of JavaScript's."""
    from pyodide.ffi import JsException
    return JsException


class ValueInfo:
    """An input or an output, as the model declares it.

    name; kind: 'tensor', 'sequence', 'optional' or 'map'; dtype: DType of the elements, or None;
    shape: tuple of numbers, and of names where an extent depends on the run, or None where their
    number is not known; text: all of it.
    """

    __slots__ = ("name", "kind", "dtype", "shape", "text")

    def __init__(self, info):
        self.name = info["name"]
        self.kind = info["kind"]
        self.dtype = TYPES.get(info["type"])
        self.shape = None if info["dims"] is None else tuple(info["dims"])
        self.text = info["text"]

    @property
    def is_sequence(self):
        """Whether its values are lists."""
        return self.text.startswith(("sequence(", "optional(sequence("))

    def __repr__(self):
        return f"<{self.name}: {self.text}>"


class Session:
    """One model in one engine.  What both packages, `ashore` and `onnxruntime`, stand on."""

    def __init__(self, handle):
        self._handle = handle
        infos = json.loads(handle.describe())
        self.metadata = infos["metadata"]
        self.inputs = [ValueInfo(info) for info in infos["inputs"]]
        self.outputs = [ValueInfo(info) for info in infos["outputs"]]
        self._inputs = {info.name: info for info in self.inputs}
        self._names = [info.name for info in self.outputs]
        plain = all(info.kind == "tensor" for info in self.inputs)
        self._mail = Mail(handle, self.inputs, self.outputs) if plain else None

    @classmethod
    def open(cls, source, **options):
        """A session, at once.  source: the path of a file, or an object with the model's bytes."""
        given = _javascript_options(options, _OPTIONS)
        if isinstance(source, (str, os.PathLike)):
            source = os.path.abspath(os.fspath(source))
            if not os.path.isfile(source):
                raise AshoreError("ERR_IO", f"{source}: there is no such file")
        else:
            source = bytes_of(source)
        try:
            return cls(bridge().open(source, given))
        except js_exception() as error:
            raise AshoreError.of(error) from None

    @classmethod
    async def load(cls, source, on_progress=None, **options):
        """A session of what lies at an address, or in a Blob or an ArrayBuffer of JavaScript's."""
        if isinstance(source, (bytes, bytearray, memoryview)):
            return cls.open(source, **options)
        given = _javascript_options(options, _LOAD_OPTIONS)

        def say(phase, loaded, total):
            if on_progress is not None:
                on_progress(phase, loaded, total)
        try:
            return cls(await bridge().load(source, given, say))
        except js_exception() as error:
            raise AshoreError.of(error) from None

    def _live(self):
        if self._handle is None:
            raise AshoreError("ERR_STATE", "the model is closed")
        return self._handle

    def pack_values(self, feeds):
        """A Parcel with values of inputs, and their layouts by name."""
        parcel = Parcel()
        layouts = {}
        for name, value in feeds.items():
            info = self._inputs.get(name)
            declared = info.dtype if info else None
            try:
                if info and info.is_sequence and value is not None:
                    layouts[name] = parcel.put_sequence(value, declared)
                else:
                    layouts[name] = parcel.put(value, declared)
            except (TypeError, ValueError, OverflowError) as error:
                raise describe_failure(name, error) from error
        return parcel, layouts

    def _pack(self, feeds, outputs):
        parcel, layouts = self.pack_values(feeds)
        return dumps({"feeds": layouts, "outputs": outputs}), parcel.buffers

    @staticmethod
    def _expect(into, outputs):
        for name in into:
            if name not in outputs:
                raise AshoreError("ERR_NAME", f"into: '{name}' is no output of this run, which has "
                                  + ", ".join(f"'{each}'" for each in outputs))

    def _unpack(self, text, into=None):
        result = json.loads(text)
        receiver = Receiver(result["bytes"])
        try:
            values = [receiver.make(layout) if not into or name not in into
                      else receiver.fill(name, layout, into[name])
                      for name, layout in result["outputs"]]
        except BaseException:
            self._live().drop(result["id"])  # the engine would hold them until the model is closed
            raise
        if receiver.buffers:
            self._live().take(result["id"], *receiver.buffers)
        return values

    def call(self, name, *arguments):
        """Calls what the engine has of that name."""
        try:
            return getattr(self._live(), name)(*arguments)
        except js_exception() as error:
            raise AshoreError.of(error) from None

    def run(self, feeds, outputs=None):
        """The values of the outputs named, or of all, in that order."""
        handle = self._live()
        try:
            if self._mail:
                found = self._mail.run(feeds, self._names if outputs is None else outputs)
                if found is not None:
                    return self._unpack(found) if isinstance(found, str) else found
            text, buffers = self._pack(feeds, outputs)
            return self._unpack(handle.run(text, *buffers))
        except js_exception() as error:
            raise AshoreError.of(error) from None

    def run_into(self, feeds, outputs, into=None, stream=None):
        """As run().  into: arrays by output that take them; stream: what runs, if not the session."""
        self._expect(into or (), outputs)
        text, buffers = self._pack(feeds, outputs)
        handle = self._live()
        try:
            return self._unpack((stream or handle).run(text, *buffers), into)
        except js_exception() as error:
            raise AshoreError.of(error) from None

    async def run_async(self, feeds, outputs=None, into=None, stream=None):
        """As run_into(), in slices between which the event loop goes on; ends when its task is
        cancelled."""
        import asyncio
        self._expect(into or (), outputs)
        text, buffers = self._pack(feeds, outputs)
        ids = []
        handle = self._live()
        try:
            return self._unpack(await (stream or handle).runAsync(ids.append, text, *buffers), into)
        except js_exception() as error:
            raise AshoreError.of(error) from None
        except asyncio.CancelledError:
            handle.cancel(ids[0])
            raise

    @property
    def report(self):
        """What the engine runs on, and what is missing, as a dict."""
        return json.loads(self._live().report())

    def figures(self, what, dims=None):
        """What the model holds ('figures'), would take ('predict') or took step by step ('profile')."""
        try:
            return json.loads(self._live().figures(what, dumps(dims or {})))
        except js_exception() as error:
            raise AshoreError.of(error) from None

    def close(self):
        """Gives the engine back, with its memory and its threads."""
        handle, self._handle = self._handle, None
        self._mail = None
        if handle is not None:
            handle.close()

    def __del__(self):
        if getattr(self, "_handle", None) is not None:
            self.close()
