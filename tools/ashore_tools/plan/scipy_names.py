"""scipy.special."""

from typing import Any, Dict, List

from .natives import arguments
from .numpy_arrays import to_array
from .numpy_axes import reduce
from .numpy_common import NAMES
from .numpy_elementwise import unary
from .values import Const, Module, Native, Value


def _softmax(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
    value, axis = arguments("softmax", ["x", "axis?"], args, keywords)
    made = to_array(interp, value)
    axis = axis or Const(None)
    most = reduce(interp, "max", made, axis, Const(True))
    powers = unary(interp, "exp", NAMES["subtract"].call(interp, [made, most], {}),  # type: ignore
                   True)
    total = reduce(interp, "sum", powers, axis, Const(True))
    return NAMES["divide"].call(interp, [powers, total], {})  # type: ignore[attr-defined]


def _expit(interp: Any, args: List[Value], keywords: Dict[str, Value]) -> Value:
    return unary(interp, "expit", arguments("expit", ["x"], args, keywords)[0], True)


def scipy_special() -> Module:
    """import scipy.special."""
    return Module("scipy.special", {"softmax": Native("softmax", _softmax),
                                    "expit": Native("expit", _expit)})
