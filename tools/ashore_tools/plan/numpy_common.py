"""What all of numpy's names stand on: where they are entered, dtypes and axes."""

from typing import Any, Dict, Optional, Tuple

from . import dtypes
from .errors import Refused
from .natives import constant, native
from .values import INTS, Const, Kind, Value

NAMES: Dict[str, Value] = {}
SCALARS = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
           "uint64", "bool_", "float_", "int_", "str_", "single", "double")


def numpy_name(title: str, signature: str = "") -> Any:
    return native(NAMES, title, signature)


def dtype_of(value: Any, default: Optional[str] = None) -> Optional[str]:
    """What a dtype= says."""
    if value is None or isinstance(value, Const) and value.value is None:
        return default
    name = value.name if isinstance(value, Kind) else value.value if isinstance(value, Const) \
        else None
    if not isinstance(name, str):
        raise Refused("a dtype that is known in the page only")
    found = dtypes.SHORT.get(name, name)
    if found not in dtypes.FLOATS + INTS + ("bool", "str"):
        raise Refused(f"the dtype {name} is not in a page without Python")
    return found


def axes_of(value: Any) -> Optional[Tuple[int, ...]]:
    found = constant(value, "the axis")
    return None if found is None else found if isinstance(found, tuple) else (found,)
