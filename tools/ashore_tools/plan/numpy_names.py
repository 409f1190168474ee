"""numpy: the module, as programs import it."""

# Those that enter their names.
from . import (numpy_arrays, numpy_axes, numpy_elementwise, numpy_methods,  # noqa: F401
               numpy_shapes)  # noqa: F401
from .numpy_common import NAMES, SCALARS
from .values import Const, Kind, Module


def module() -> Module:
    """import numpy."""
    names = {k: v for k, v in NAMES.items() if "." not in k}
    names.update({name: Kind({"bool_": "bool", "bool": "bool"}.get(name, name))
                  for name in SCALARS + ("bool", "object_")})
    names.update({"ndarray": Kind("ndarray"), "newaxis": Const(None), "pi": Const(3.141592653589793),
                  "e": Const(2.718281828459045), "inf": Const(float("inf")),
                  "nan": Const(float("nan")), "float": Kind("float"), "int": Kind("int"),
                  "integer": Kind("integer"), "floating": Kind("floating")})
    names["linalg"] = Module("numpy.linalg", {"norm": NAMES["linalg.norm"]})
    return Module("numpy", names)
