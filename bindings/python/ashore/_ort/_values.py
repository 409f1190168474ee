"""OrtValue and IOBinding: values that a program keeps between runs.  They are Python's arrays."""
from .. import _array
from .._dtypes import TYPES, dtype as dtype_of
from .._values import numpy_module, tensor_parts


def type_name(text):
    """A type of the engine's, 'sequence(float32[N])', as onnxruntime writes it: 'seq(tensor(float))'."""
    outer, _, inner = text.partition("(")
    if inner:
        inner = inner[:-1]
        if outer == "map":
            key, _, value = inner.partition(",")
            return f"map({_onnx_name(key)},{type_name(value)})"
        return f"{'seq' if outer == 'sequence' else outer}({type_name(inner)})"
    return f"tensor({_onnx_name(text.partition('[')[0])})"


def _onnx_name(name):
    return TYPES[name].onnx if name in TYPES else "undefined"


class OrtValue:
    """A tensor, or a list of them."""

    def __init__(self, value):
        self._value = value

    @staticmethod
    def ortvalue_from_numpy(array, device_type="cpu", device_id=0):
        """Of numpy's array, or of whatever has a buffer, whose memory it shares."""
        _expect_cpu(device_type)
        if numpy_module() is None:
            array = _array.asarray(array)
        return OrtValue(array)

    @staticmethod
    def ortvalue_from_shape_and_type(shape, element_type, device_type="cpu", device_id=0):
        """Of zeros."""
        _expect_cpu(device_type)
        kind = list(TYPES.values())[element_type - 1] if isinstance(element_type, int) \
            else dtype_of(element_type)
        numpy = numpy_module()
        return OrtValue(_array.empty(shape, kind) if numpy is None
                        else numpy.zeros(shape, numpy.dtype(kind.str)))

    def _parts(self):
        return tensor_parts(self._value)

    def numpy(self):
        """The tensor: numpy's array where numpy is there, and ashore.Array otherwise."""
        return self._value

    def shape(self):
        """Extents."""
        return list(self._value.shape)

    def data_type(self):
        """'tensor(float)'"""
        if isinstance(self._value, list):
            inner = tensor_parts(self._value[0])[0].name if self._value else ""
            return type_name(f"sequence({inner})")
        return type_name(self._parts()[0].name)

    def element_type(self):
        """ONNX's number of the element type."""
        return list(TYPES).index(self._parts()[0].name) + 1

    def tensor_size_in_bytes(self):
        """Of all elements."""
        return self._value.nbytes

    def has_value(self):
        """False of an optional without its element."""
        return self._value is not None

    def is_tensor(self):
        """Whether it is one tensor."""
        return not isinstance(self._value, (list, dict)) and self._value is not None

    def is_tensor_sequence(self):
        """Whether it is a list."""
        return isinstance(self._value, list)

    def is_sparse_tensor(self):
        """Never."""
        return False

    def device_name(self):
        """'cpu'"""
        return "cpu"

    def update_inplace(self, array):
        """Copies elements of the same extents in."""
        if tuple(array.shape) != tuple(self._value.shape):
            raise ValueError(f"elements of shape {tuple(array.shape)} for {tuple(self._value.shape)}")
        self._value[...] = array


def _expect_cpu(device_type):
    if device_type not in ("cpu", "CPU"):
        raise RuntimeError(f"there is no device '{device_type}' in a browser's Python: use 'cpu'")


class IOBinding:
    """Inputs and outputs that a session is given by name, once for several runs."""

    def __init__(self, session):
        self._session = session
        self._inputs = {}
        self._outputs = {}

    def bind_cpu_input(self, name, array):
        """An array, whose elements are read at each run."""
        self._inputs[name] = array

    def bind_ortvalue_input(self, name, ortvalue):
        """An OrtValue, whose elements are read at each run."""
        self._inputs[name] = ortvalue

    def bind_input(self, name, device_type, device_id, element_type, shape, buffer_ptr):
        """Not here."""
        raise NotImplementedError("bind_input takes an address: use bind_cpu_input(name, array)")

    def bind_output(self, name, device_type="cpu", device_id=0, element_type=None, shape=None,
                    buffer_ptr=None):
        """An output that is to be computed."""
        _expect_cpu(device_type)
        if buffer_ptr:
            raise NotImplementedError("bind_output with an address: use bind_ortvalue_output")
        self._outputs[name] = None

    def bind_ortvalue_output(self, name, ortvalue):
        """An OrtValue that takes an output's elements."""
        self._outputs[name] = ortvalue

    def synchronize_inputs(self):
        """Nothing to wait for."""

    def synchronize_outputs(self):
        """Nothing to wait for."""

    def get_outputs(self):
        """Outputs of the last run as OrtValues."""
        return list(self._outputs.values())

    get_outputs_as_ortvaluevector = get_outputs

    def copy_outputs_to_cpu(self):
        """Outputs of the last run."""
        return [value.numpy() for value in self._outputs.values()]

    def clear_binding_inputs(self):
        """Forgets the inputs."""
        self._inputs.clear()

    def clear_binding_outputs(self):
        """Forgets the outputs."""
        self._outputs.clear()

    def _run(self, run_options):
        names = list(self._outputs)
        for name, value in zip(names, self._session.run(names, self._inputs, run_options)):
            if self._outputs[name] is None:
                self._outputs[name] = OrtValue(value)
            else:
                self._outputs[name].update_inplace(value)
