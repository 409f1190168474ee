"""The C library under Python, for tests: just enough of ashore.h to load, run and predict."""

import ctypes as c
import os
import subprocess

import numpy as np

DTYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32,
          7: np.int64, 9: np.bool_, 10: np.float16, 11: np.float64, 12: np.uint32, 13: np.uint64}
TENSOR, STRING, MAP = 0, 8, 3
NUMBERS = {np.dtype(t): n for n, t in DTYPES.items()}


class Error(c.Structure):
    _fields_ = [("code", c.c_int32), ("node", c.c_char * 96), ("op", c.c_char * 48),
                ("text", c.c_char * 640)]


class Memory(c.Structure):
    _fields_ = [("weights", c.c_uint64), ("packed", c.c_uint64), ("slab", c.c_uint64),
                ("total", c.c_uint64), ("exact", c.c_int), ("outputs", c.c_uint64)]


class SessionOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("threads", c.c_int), ("profile", c.c_int),
                ("reference", c.c_int), ("memory_limit", c.c_size_t)]


class ModelOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("name", c.c_char_p), ("data_dir", c.c_char_p),
                ("realloc", c.c_void_p), ("realloc_user", c.c_void_p), ("optimize", c.c_int),
                ("external", c.c_void_p), ("external_user", c.c_void_p),
                ("give_back", c.c_void_p), ("give_back_user", c.c_void_p), ("dry", c.c_int)]


class ValueInfo(c.Structure):
    _fields_ = [("name", c.c_char_p), ("kind", c.c_int), ("dtype", c.c_int), ("rank", c.c_int),
                ("shape", c.c_void_p), ("type_text", c.c_char_p)]


class AshoreError(RuntimeError):
    pass


def build_library(build, path):
    """Makes a shared library of the static one in the folder `build`."""
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-o", path, "-Wl,--whole-archive",
                    os.path.join(build, "libashore.a"), "-Wl,--no-whole-archive", "-lpthread",
                    "-lm", *os.environ.get("ASHORE_LINK", "").split()], check=True)
    return Library(path)


class Library:
    def __init__(self, path):
        lib = self.lib = c.CDLL(path)
        lib.ashore_model_input.restype = lib.ashore_model_output.restype = c.POINTER(ValueInfo)
        for name in ("shape", "data", "item", "string"):
            getattr(lib, f"ashore_value_{name}").restype = c.c_void_p
        for name in ("ashore_value_bytes", "ashore_model_input_count", "ashore_model_output_count",
                     "ashore_value_elements", "ashore_value_count"):
            getattr(lib, name).restype = c.c_size_t

    def load(self, source, threads=1, optimize=1, reference=0):
        """source: the path of a model, or its bytes."""
        return Model(self.lib, source, threads, optimize, reference)


class Model:
    def __init__(self, lib, source, threads, optimize, reference):
        self.lib = lib
        self.model, self.session = c.c_void_p(), c.c_void_p()
        loading = ModelOptions()
        lib.ashore_model_options_init(c.byref(loading))
        loading.optimize = optimize
        if isinstance(source, bytes):
            self.source = source  # must outlive the model
            self._call(lib.ashore_model_load_memory, source, c.c_size_t(len(source)),
                       c.byref(loading), c.byref(self.model))
        else:
            self._call(lib.ashore_model_load_file, str(source).encode(), c.byref(loading),
                       c.byref(self.model))
        options = SessionOptions()
        lib.ashore_session_options_init(c.byref(options))
        options.threads = threads
        options.reference = reference
        self._call(lib.ashore_session_create, self.model, c.byref(options), c.byref(self.session))
        self.inputs = [lib.ashore_model_input(self.model, i).contents.name.decode()
                       for i in range(lib.ashore_model_input_count(self.model))]
        self.outputs = [lib.ashore_model_output(self.model, i).contents.name.decode()
                        for i in range(lib.ashore_model_output_count(self.model))]

    def close(self):
        self.lib.ashore_session_destroy(c.byref(self.session))
        self.lib.ashore_model_destroy(c.byref(self.model))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _call(self, function, *args):
        err = Error()
        if function(*args, c.byref(err)) != 0:
            raise AshoreError(err.text.decode("utf-8", "backslashreplace"))

    def _value(self, array):
        """The handle of an array, which must outlive it; or of a map: a pair of arrays."""
        value = c.c_void_p()
        if isinstance(array, tuple):
            parts = [self._value(part) for part in array]
            try:
                self._call(self.lib.ashore_map_create, *parts, c.byref(value))
            finally:
                for part in parts:
                    self.lib.ashore_value_release(c.byref(part))
            return value
        shape = (c.c_int64 * max(array.ndim, 1))(*array.shape)
        if array.dtype == object:
            texts = [str(text).encode() for text in array.ravel()]
            self._call(self.lib.ashore_tensor_create_strings, array.ndim, shape,
                       (c.c_char_p * len(texts))(*texts),
                       (c.c_size_t * len(texts))(*map(len, texts)), c.byref(value))
        else:
            self._call(self.lib.ashore_tensor_wrap, NUMBERS[array.dtype], array.ndim, shape,
                       array.ctypes.data_as(c.c_void_p), c.byref(value))
        return value

    def run(self, feeds):
        """Feeds are arrays, those of objects texts, or maps: pairs of an array of keys and one of
        values."""
        feeds = {name: a if isinstance(a, tuple) else
                 np.ascontiguousarray(a) if np.ndim(a) else np.asarray(a)
                 for name, a in feeds.items()}
        values = (c.c_void_p * len(feeds))()
        names = (c.c_char_p * len(feeds))(*(name.encode() for name in feeds))
        for i, array in enumerate(feeds.values()):
            values[i] = self._value(array).value
        out_names = (c.c_char_p * len(self.outputs))(*(name.encode() for name in self.outputs))
        out = (c.c_void_p * len(self.outputs))()
        try:
            self._call(self.lib.ashore_session_run, self.session, c.c_size_t(len(feeds)), names,
                       values, c.c_size_t(len(self.outputs)), out_names, out)
            return {name: self._array(c.c_void_p(out[i])) for i, name in enumerate(self.outputs)}
        finally:
            for handles in (values, out):
                for handle in handles:
                    self.lib.ashore_value_release(c.byref(c.c_void_p(handle)))

    def _array(self, value):
        """Strings as an array of bytes, a map as a dict, other values as lists of their items."""
        if self.lib.ashore_value_kind(value) != TENSOR:
            items = [self._array(c.c_void_p(self.lib.ashore_value_item(value, c.c_size_t(i))))
                     for i in range(self.lib.ashore_value_count(value))]
            return dict(zip(*items)) if self.lib.ashore_value_kind(value) == MAP else items
        rank = self.lib.ashore_value_rank(value)
        shape = (c.c_int64 * rank).from_address(self.lib.ashore_value_shape(value)) if rank else ()
        number, length = self.lib.ashore_value_dtype(value), c.c_size_t()
        if number == STRING:
            count = self.lib.ashore_value_elements(value)
            texts = [c.string_at(self.lib.ashore_value_string(value, c.c_size_t(i), c.byref(length)),
                                 length.value) for i in range(count)]
            return np.array(texts, object).reshape(tuple(shape))
        dtype = np.dtype(DTYPES[number])
        size = self.lib.ashore_value_bytes(value)
        data = c.string_at(self.lib.ashore_value_data(value), size) if size else b""
        return np.frombuffer(data, dtype).reshape(tuple(shape)).copy()

    def predict(self, *shapes):
        rows = [(c.c_int64 * max(len(s), 1))(*s) for s in shapes]
        pointers = (c.c_void_p * len(rows))(*(c.addressof(row) for row in rows))
        memory = Memory()
        self._call(self.lib.ashore_session_predict, self.session, pointers, c.byref(memory))
        return memory

    def memory(self):
        memory = Memory()
        self.lib.ashore_session_memory(self.session, c.byref(memory))
        return memory
