"""This engine's shared library and onnxruntime behind one interface: as little as can be around a run.

Inputs are bound once; a run makes its outputs and gives them back.  `outputs()` is for comparing.
"""

import ctypes as c

import numpy as np

import models  # noqa: F401  (finds ashore_ctypes)
import ashore_ctypes


class Ashore:
    def __init__(self, library, path, feeds, threads):
        self.model = library.load(path, threads=threads)
        self.lib, self.feeds = library.lib, feeds
        self.arrays = [np.asarray(a, order="C") for a in feeds.values()]
        count, outputs = len(feeds), self.model.outputs
        self.values = (c.c_void_p * count)()
        names = (c.c_char_p * count)(*(name.encode() for name in feeds))
        for i, array in enumerate(self.arrays):
            shape = (c.c_int64 * max(array.ndim, 1))(*array.shape)
            self.call(self.lib.ashore_tensor_wrap, ashore_ctypes.NUMBERS[array.dtype], array.ndim,
                      shape, array.ctypes.data_as(c.c_void_p), at(self.values, i))
        out_names = (c.c_char_p * len(outputs))(*(name.encode() for name in outputs))
        self.out = (c.c_void_p * len(outputs))()
        self.handles = [at(self.out, i) for i in range(len(outputs))]
        self.error = ashore_ctypes.Error()
        self.arguments = (self.model.session, c.c_size_t(count), names, self.values,
                          c.c_size_t(len(outputs)), out_names, self.out, c.byref(self.error))

    def call(self, function, *args):
        error = ashore_ctypes.Error()
        if function(*args, c.byref(error)) != 0:
            raise ashore_ctypes.AshoreError(error.text.decode("utf-8", "backslashreplace"))

    def run(self):
        if self.lib.ashore_session_run(*self.arguments) != 0:
            raise ashore_ctypes.AshoreError(self.error.text.decode("utf-8", "backslashreplace"))
        for handle in self.handles:
            self.lib.ashore_value_release(handle)

    def outputs(self):
        return self.model.run(self.feeds)

    def close(self):
        for i in range(len(self.values)):
            self.lib.ashore_value_release(at(self.values, i))
        self.model.close()


def at(array, i):
    return c.cast(c.byref(array, i * c.sizeof(c.c_void_p)), c.c_void_p)


class Ort:
    def __init__(self, path, feeds, threads):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        # Its pool spins for milliseconds after a run, on the cores that the other engine needs.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(path, options,
                                                    providers=["CPUExecutionProvider"])
        self.feeds = {name: np.asarray(a, order="C") for name, a in feeds.items()}
        self.binding = self.session.io_binding()
        for name, array in self.feeds.items():
            self.binding.bind_cpu_input(name, array)
        for output in self.session.get_outputs():
            self.binding.bind_output(output.name)

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def outputs(self):
        names = [output.name for output in self.session.get_outputs()]
        return dict(zip(names, self.session.run(names, self.feeds)))

    def close(self):
        del self.binding, self.session
