"""Just enough of libashore.so under ctypes: run a model on NumPy arrays, and tokenize text.

Calls give up the interpreter's lock while they are in C.  A session runs one request at a time, so
that each thread that runs models wants a Model of its own."""

import ctypes as c
import os

FLOAT32, INT64 = 1, 7


class Error(c.Structure):
    _fields_ = [("code", c.c_int32), ("node", c.c_char * 96), ("op", c.c_char * 48),
                ("text", c.c_char * 640)]


class SessionOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("threads", c.c_int), ("profile", c.c_int),
                ("reference", c.c_int), ("memory_limit", c.c_size_t)]


class TokenizerOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("lower_case", c.c_int32),
                ("strip_accents", c.c_int32), ("longest_word", c.c_int32),
                ("unknown", c.c_char_p), ("first", c.c_char_p), ("separator", c.c_char_p),
                ("continuation", c.c_char_p)]


class AshoreError(RuntimeError):
    pass


def open_library():
    """ASHORE_LIBRARY, or build/libashore.so of this checkout, or where the linker finds it."""
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build",
                          "libashore.so")
    path = os.environ.get("ASHORE_LIBRARY") or (beside if os.path.exists(beside)
                                                else "libashore.so.0")
    library = c.CDLL(path)
    for name in ("ashore_value_shape", "ashore_value_data", "ashore_model_input",
                 "ashore_model_output"):
        getattr(library, name).restype = c.c_void_p
    for name in ("ashore_model_input_count", "ashore_model_output_count", "ashore_value_bytes"):
        getattr(library, name).restype = c.c_size_t
    return library


LIBRARY = open_library()


def call(name, *args):
    error = Error()
    if getattr(LIBRARY, name)(*args, c.byref(error)) != 0:
        raise AshoreError(error.text.decode("utf-8", "backslashreplace"))


def names_of(model, kind):
    """The first member of struct ashore_value_info is the name."""
    count = getattr(LIBRARY, f"ashore_model_{kind}_count")(model)
    infos = (getattr(LIBRARY, f"ashore_model_{kind}")(model, c.c_size_t(i)) for i in range(count))
    return [c.cast(info, c.POINTER(c.c_char_p)).contents.value for info in infos]


class Model:
    def __init__(self, path, threads=1):
        self.model, self.session = c.c_void_p(), c.c_void_p()
        call("ashore_model_load_file", os.fsencode(path), None, c.byref(self.model))
        options = SessionOptions()
        LIBRARY.ashore_session_options_init(c.byref(options))
        options.threads = threads
        call("ashore_session_create", self.model, c.byref(options), c.byref(self.session))
        self.inputs, self.outputs = names_of(self.model, "input"), names_of(self.model, "output")

    def __del__(self):
        LIBRARY.ashore_session_destroy(c.byref(self.session))
        LIBRARY.ashore_model_destroy(c.byref(self.model))

    def run(self, *arrays):
        """Arrays of float32 or int64 in the order of the inputs; a list of those of the outputs."""
        import numpy as np

        dtypes = {np.dtype(np.float32): FLOAT32, np.dtype(np.int64): INT64}
        arrays = [np.ascontiguousarray(array) for array in arrays]
        if len(arrays) != len(self.inputs) or not all(a.dtype in dtypes for a in arrays):
            raise TypeError(f"{len(self.inputs)} arrays of float32 or int64 are wanted")
        values = (c.c_void_p * len(arrays))()
        results = (c.c_void_p * len(self.outputs))()
        try:
            for i, array in enumerate(arrays):
                value = c.c_void_p()
                call("ashore_tensor_wrap", dtypes[array.dtype], array.ndim,
                     (c.c_int64 * max(array.ndim, 1))(*array.shape), c.c_void_p(array.ctypes.data),
                     c.byref(value))
                values[i] = value.value
            call("ashore_session_run", self.session, c.c_size_t(len(arrays)),
                 (c.c_char_p * len(arrays))(*self.inputs), values, c.c_size_t(len(results)),
                 (c.c_char_p * len(results))(*self.outputs), results)
            return [self.array(c.c_void_p(value)) for value in results]
        finally:
            for value in (*values, *results):
                LIBRARY.ashore_value_release(c.byref(c.c_void_p(value)))

    @staticmethod
    def array(value):
        import numpy as np

        rank, dtype = LIBRARY.ashore_value_rank(value), LIBRARY.ashore_value_dtype(value)
        if dtype not in (FLOAT32, INT64):
            raise TypeError("outputs other than float32 and int64 are not read here")
        shape = (c.c_int64 * rank).from_address(LIBRARY.ashore_value_shape(value)) if rank else ()
        data = c.string_at(LIBRARY.ashore_value_data(value), LIBRARY.ashore_value_bytes(value))
        return np.frombuffer(data, np.float32 if dtype == FLOAT32 else np.int64).reshape(tuple(shape))


class Tokenizer:
    """WordPiece.  vocab: the bytes of a vocab.txt.  Any number of threads may share one."""

    def __init__(self, vocab, cased=False):
        self.handle = c.c_void_p()
        options = TokenizerOptions()
        LIBRARY.ashore_tokenizer_options_init(c.byref(options))
        if cased:
            options.lower_case = options.strip_accents = 0
        call("ashore_tokenizer_create", vocab, c.c_size_t(len(vocab)), c.byref(options),
             c.byref(self.handle))

    def __del__(self):
        LIBRARY.ashore_tokenizer_destroy(c.byref(self.handle))

    def encode(self, text, pair=None, length=512):
        """Ids and types of one text or two, str or UTF-8; at most `length` of each."""
        text, pair = (t.encode("utf-8", "replace") if isinstance(t, str) else t
                      for t in (text, pair))
        ids, types, count = (c.c_int64 * length)(), (c.c_int64 * length)(), c.c_size_t()
        call("ashore_tokenizer_encode", self.handle, text, c.c_size_t(len(text)), pair,
             c.c_size_t(len(pair or b"")), c.c_size_t(length), ids, types, c.byref(count))
        return ids[:count.value], types[:count.value]
