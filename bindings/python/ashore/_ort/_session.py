"""onnxruntime's InferenceSession."""
import asyncio
import json
import os
import time
import warnings

from .._engine import Session
from .._errors import AshoreError
from .._values import tensor_parts
from ._failures import Fail, InvalidArgument, failure, load_failure, run_failure
from ._options import SessionOptions, ignored
from ._values import IOBinding, OrtValue, type_name

PROVIDERS = ["CPUExecutionProvider"]


class NodeArg:
    """An input or an output: name, type as 'tensor(float)', shape with names or None where an extent
    depends on the run."""

    def __init__(self, info):
        self.name = info.name
        self.type = type_name(info.text)
        self.shape = [None if extent == "?" else extent for extent in info.shape or ()]

    def __repr__(self):
        return f"NodeArg(name='{self.name}', type='{self.type}', shape={self.shape})"


class ModelMetadata:
    """What the model says of itself."""

    def __init__(self, fields):
        self.producer_name = fields.get("producer_name", "")
        self.graph_name = fields.get("graph_name", "")
        self.domain = fields.get("domain", "")
        self.description = fields.get("description", "")
        self.graph_description = fields.get("graph_description", "")
        self.version = fields.get("version")
        if self.version is None:
            self.version = 2 ** 63 - 1  # what onnxruntime says of none
        self.custom_metadata_map = dict(fields.get("custom_metadata_map", {}))


def _check_providers(providers):
    for each in providers or ():
        name = each[0] if isinstance(each, (tuple, list)) else each
        if not isinstance(name, str):
            raise ValueError("'providers' must be strings, or pairs of a string and a dict")
        if name not in PROVIDERS:
            warnings.warn(f"Specified provider '{name}' is not in available provider names. Available "
                          f"providers: '{', '.join(PROVIDERS)}': the model runs on the CPU",
                          UserWarning, stacklevel=4)


class InferenceSession:
    """A model that is ready to run, on the thread of Python."""

    def __init__(self, path_or_bytes, sess_options=None, providers=None, provider_options=None,
                 **kwargs):
        if not isinstance(path_or_bytes, (str, os.PathLike, bytes, bytearray, memoryview)):
            raise TypeError(f"Unable to load from type '{type(path_or_bytes)}'")
        _check_providers(providers)
        for name in kwargs:
            ignored(f"InferenceSession's {name}", "it has no meaning for this engine")
        self._sess_options = sess_options if sess_options is not None else SessionOptions()
        is_path = isinstance(path_or_bytes, (str, os.PathLike))
        self._source = os.fspath(path_or_bytes) if is_path else "bytes"
        self._model_path = self._source if is_path else ""
        self._begin = time.time_ns()
        try:
            self._session = Session.open(path_or_bytes, **self._sess_options._for_engine())
        except AshoreError as error:
            raise load_failure(error, self._source) from error
        self._describe()

    def _describe(self):
        self._inputs_meta = [NodeArg(info) for info in self._session.inputs]
        self._outputs_meta = [NodeArg(info) for info in self._session.outputs]
        self._output_names = [info.name for info in self._session.outputs]
        self._infos = {info.name: info for info in self._session.inputs}

    # ---- what it is -------------------------------------------------------------------------------

    def get_inputs(self):
        """A NodeArg for each input."""
        return self._inputs_meta

    def get_outputs(self):
        """A NodeArg for each output."""
        return self._outputs_meta

    def get_overridable_initializers(self):
        """None: weights stay what they are."""
        return []

    def get_modelmeta(self):
        """What the model says of itself."""
        return ModelMetadata(self._session.metadata)

    def get_providers(self):
        """['CPUExecutionProvider']"""
        return list(PROVIDERS)

    def get_provider_options(self):
        """Of each provider: none."""
        return {name: {} for name in PROVIDERS}

    def set_providers(self, providers=None, provider_options=None):
        """Checks their names: there is one."""
        _check_providers(providers)

    def get_session_options(self):
        """What the session was made with."""
        return self._sess_options

    def enable_fallback(self):
        """Nothing to fall back from."""

    def disable_fallback(self):
        """Nothing to fall back from."""

    @property
    def report(self):
        """What the engine runs on, as ashore.Model.report says: threads, and what is missing."""
        return self._session.report

    # ---- runs -------------------------------------------------------------------------------------

    def _validate_input(self, feed_names):
        missing = [name for name in self._infos if name not in feed_names]
        if missing:
            raise ValueError(f"Required inputs ({missing}) are missing from input feed "
                             f"({list(feed_names)}).")
        for name in feed_names:
            if name not in self._infos:
                raise failure(InvalidArgument, f"Invalid input name: {name}")

    def _checked(self, name, value):
        # The value as the engine takes it, if it is what the model declares.
        info = self._infos[name]
        if isinstance(value, OrtValue):
            value = value.numpy()
        if info.kind != "tensor" or value is None or info.dtype is None:
            return value
        try:
            parts = tensor_parts(value, info.dtype)
        except (TypeError, ValueError, OverflowError) as error:
            raise failure(InvalidArgument, f"input {name}: {error}") from error
        kind, shape, _ = parts
        if kind is not info.dtype:
            raise failure(InvalidArgument, "Unexpected input data type. Actual: "
                          f"(tensor({kind.onnx})) , expected: (tensor({info.dtype.onnx}))"
                          f" for input: {name}")
        if info.shape is None or shape == info.shape:
            return parts
        advice = " Please fix either the inputs/outputs or the model."
        if len(shape) != len(info.shape):
            raise failure(InvalidArgument, f"Invalid rank for input: {name} Got: {len(shape)} "
                          f"Expected: {len(info.shape)}{advice}")
        wrong = [f" index: {i} Got: {got} Expected: {want}\n" for i, (got, want)
                 in enumerate(zip(shape, info.shape)) if isinstance(want, int) and got != want]
        if wrong:
            raise failure(InvalidArgument, f"Got invalid dimensions for input: {name} for the "
                          f"following indices\n{''.join(wrong)}{advice}")
        return parts

    def _prepare(self, output_names, input_feed, run_options):
        if run_options is not None and run_options.terminate:
            raise failure(Fail, "Exiting due to terminate flag being set to true.")
        if input_feed.keys() != self._infos.keys():
            self._validate_input(input_feed)
        feeds = {name: self._checked(name, value) for name, value in input_feed.items()}
        if not output_names:
            return feeds, self._output_names
        for name in output_names:
            if name not in self._output_names:
                raise failure(InvalidArgument, f"Invalid output name:{name}")
        return feeds, list(output_names)

    def run(self, output_names, input_feed, run_options=None):
        """The outputs named, or all, as a list.  input_feed: values by the names of inputs."""
        feeds, names = self._prepare(output_names, input_feed, run_options)
        try:
            return self._session.run(feeds, names)
        except AshoreError as error:
            raise run_failure(error) from error

    def run_async(self, output_names, input_feed, callback=None, user_data=None, run_options=None):
        """As run(), in slices between which the event loop goes on.

        Without a callback: to be awaited, for the outputs.  With one, as in onnxruntime:
        callback(outputs, user_data, error), error being '' where there is none.
        """
        feeds, names = self._prepare(output_names, input_feed, run_options)
        task = asyncio.ensure_future(self._run_later(feeds, names))
        if callback is None:
            return task

        def done(finished):
            error = asyncio.CancelledError("the run was cancelled") if finished.cancelled() \
                else finished.exception()
            if error is None:
                callback(finished.result(), user_data, "")
            else:
                callback([], user_data, str(error))
        task.add_done_callback(done)
        return None

    async def _run_later(self, feeds, names):
        try:
            return await self._session.run_async(feeds, names)
        except AshoreError as error:
            raise run_failure(error) from error

    def run_with_ort_values(self, output_names, input_dict_ort_values, run_options=None):
        """As run(), with OrtValues in and out."""
        return [OrtValue(value) for value in self.run(output_names, input_dict_ort_values, run_options)]

    def io_binding(self):
        """Inputs and outputs that stay bound."""
        return IOBinding(self)

    def run_with_iobinding(self, iobinding, run_options=None):
        """A run of what is bound."""
        iobinding._run(run_options)

    # ---- profiles ---------------------------------------------------------------------------------

    def get_profiling_start_time_ns(self):
        """When the session was made."""
        return self._begin

    def end_profiling(self):
        """Writes how long each step took to a file, as onnxruntime does: its name."""
        if not self._sess_options.enable_profiling:
            return ""
        events, at = [], 0.0
        for step in self._session.figures("profile"):
            micros = 1e6 * step["seconds"]
            events.append({"cat": "Node", "pid": 0, "tid": 0, "ts": round(at), "dur": round(micros),
                           "ph": "X", "name": f"{step['node']}_kernel_time", "args": {
                               "op_name": step["op"], "kernel": step["kernel"],
                               "output_type_shape": step["shape"], "runs": step["runs"]}})
            at += micros
        stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
        name = f"{self._sess_options.profile_file_prefix}_{stamp}.json"
        with open(name, "w", encoding="utf-8") as file:
            json.dump(events, file)
        return name
