"""What is known of values before they are there: types, constants, and results of steps."""

from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

Dims = Optional[Tuple[Optional[int], ...]]  # None: unknown, of an extent or of all

FLOATS = ("float32", "float64")
INTS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DTYPES = FLOATS + INTS + ("bool", "str")


class Type(NamedTuple):
    """The type of a value in the page.

    kind: none, bool, int, float, str as in Python; number: an int or a float, as a field gave it;
    real: one of which that is not known; np: a scalar of numpy; array; buffer: a memoryview or
    array.array; image: of pillow; file; list, tuple, dict with `items`; any: of a model's output."""

    kind: str
    dtype: str = ""                    # of np, array, buffer; the mode of an image
    dims: Dims = None
    items: Tuple["Type", ...] = ()     # of a list: its elements'; of a dict: keys' and values'
    keys: Tuple[Any, ...] = ()         # of a record: a dict whose keys are known

    def __str__(self) -> str:
        if self.kind == "array":
            rank = "any rank" if self.dims is None else \
                f"[{', '.join('?' if d is None else str(d) for d in self.dims)}]"
            return f"a numpy array of {self.dtype} {rank}"
        names = {"np": f"a numpy {self.dtype}", "image": "a picture", "none": "None",
                 "real": "a number", "number": "a number", "buffer": "a memoryview", "int": "an int",
                 "file": "a file", "lst": "a list", "tup": "a tuple", "dct": "a dict"}
        return names.get(self.kind, f"a {self.kind}")


NONE, BOOL, INT, FLOAT, STR = (Type(k) for k in ("none", "bool", "int", "float", "str"))
NUMBER, REAL, FILE = Type("number"), Type("real"), Type("file")


def array(dtype: str, dims: Dims) -> Type:
    return Type("array", dtype, dims)


def scalar(dtype: str) -> Type:
    return Type("np", dtype)


def image(mode: str, dims: Tuple[Optional[int], Optional[int]] = (None, None)) -> Type:
    """A picture; dims: width and height."""
    return Type("image", mode, dims)


class Value:
    """Something that a name can stand for.  depth: of the trace where it was made."""

    level = 1
    made = 0
    depth: int
    serial: int  # in the order in which values are made

    def __new__(cls, *args: Any, **kwargs: Any) -> "Value":
        made = object.__new__(cls)
        made.depth = Value.level
        Value.made += 1
        made.serial = Value.made
        return made

    @property
    def type(self) -> Type:
        return Type(type(self).__name__.lower())


class Const(Value):
    """None, a bool, an int, a float, a str or bytes that is known now."""

    def __init__(self, value: Any) -> None:
        self.value = value

    @property
    def type(self) -> Type:
        kind = {type(None): "none", type(Ellipsis): "ellipsis"}.get(type(self.value),
                                                                    type(self.value).__name__)
        return Type(kind)


class Node(Value):
    """The result of a step: `ref` is its register.  An array that is changed in place gets another."""

    def __init__(self, ref: int, kind: Type, optional: bool = False) -> None:
        self.ref = ref
        self._type = kind
        self.optional = optional           # may be None
        self.what = ""                     # what an optional one is called in messages
        self.family: List["Node"] = [self]  # arrays that share memory
        self.stale = ""                    # why it may not be read any more

    @property
    def type(self) -> Type:
        return self._type


class Tup(Value):
    """A tuple whose elements are known one by one."""

    def __init__(self, items: Sequence[Value]) -> None:
        self.items = list(items)


class Lst(Value):
    """A list of a length that is known now."""

    def __init__(self, items: Sequence[Value]) -> None:
        self.items = list(items)


class Dct(Value):
    """A dict whose keys are known now."""

    def __init__(self, pairs: Sequence[Tuple[Any, Value]]) -> None:
        self.items: Dict[Any, Value] = dict(pairs)


class Hashed(Value):
    """A set whose elements are known now.  The order in which Python goes through it is not."""

    def __init__(self, items: Iterable[Any]) -> None:
        self.items = list(dict.fromkeys(items))  # Python's own

    @property
    def type(self) -> Type:
        return Type("set")


class Rng(Value):
    """A range; its ends may be results of steps."""

    def __init__(self, start: Value, stop: Value, step: int) -> None:
        self.start, self.stop, self.step = start, stop, step


class Slc(Value):
    """A slice of an index."""

    def __init__(self, start: Optional[Value], stop: Optional[Value], step: Optional[Value]) -> None:
        self.parts = (start, stop, step)


class Zipped(Value):
    """zip or enumerate of things that have to be gone through in the page."""

    def __init__(self, kind: str, parts: Sequence[Value], start: int = 0) -> None:
        self.kind, self.parts, self.start = kind, list(parts), start


class Iter(Value):
    """An iterator: what it gives is gone through once.  lazy: the program's own code makes what it
    gives, as it is asked for."""

    def __init__(self, over: Value, lazy: bool = False) -> None:
        self.over, self.lazy = over, lazy
        self.read = False  # by its name


class View(Lst):
    """Keys, values or items of a dict whose keys are known now, as they are when they are read."""

    def __init__(self, owner: Dct, part: Callable[[Any, Value], Value]) -> None:
        self.owner, self.part = owner, part

    @property
    def items(self) -> List[Value]:  # type: ignore[override]
        return [self.part(k, v) for k, v in self.owner.items.items()]


class Native(Value):
    """A function that is known here: call(interpreter, args, keywords)."""

    def __init__(self, name: str, call: Callable) -> None:
        self.name, self.call = name, call


class Module(Value):
    """A module: one whose names are known here, or one of the program's."""

    def __init__(self, name: str, names: Optional[Dict[str, Value]] = None) -> None:
        self.name, self.names = name, names


class Kind(Value):
    """A type of Python's or numpy's: float, np.float32."""

    def __init__(self, name: str) -> None:
        self.name = name


class Function(Value):
    """A function of the program."""

    def __init__(self, node: Any, scope: Any, path: str, defaults: Dict[str, Value],
                 bound: Optional[Value] = None) -> None:
        self.node, self.scope, self.path = node, scope, path
        self.defaults, self.bound = defaults, bound
        self.name = getattr(node, "name", "<lambda>")
        self.alone = False  # a static method


class Class(Value):
    """A class of the program, or an exception of Python's (without `names`)."""

    def __init__(self, name: str, names: Optional[Dict[str, Value]] = None) -> None:
        self.name, self.names = name, names


class Instance(Value):
    """An object of a class of the program."""

    def __init__(self, kind: Class) -> None:
        self.kind = kind
        self.names: Dict[str, Value] = {}


class Real(Value):
    """An object that exists while the plan is made: a component of gradio, a path."""

    def __init__(self, value: Any, what: str = "") -> None:
        self.value, self.what = value, what


class Session(Value):
    """A model that was opened."""

    def __init__(self, model: Any, flavour: str) -> None:
        self.model, self.flavour = model, flavour


class Caught(Value):
    """The exception that a handler names; its words are not known."""

    def __init__(self, error: Any = None) -> None:
        self.error = error


class Gone(Value):
    """What a name stood for that has no value any more."""

    def __init__(self, why: str) -> None:
        self.why = why


class Collector(Value):
    """Stands for a list or a dict while the loop that fills it is followed once for all rounds."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.found: List[Value] = []


Encoded = Union[int, dict]


def describe(value: Value) -> Type:
    """The type of a value as a step of the page has it, inside and out."""
    if isinstance(value, Tup):
        return Type("tuple", items=tuple(describe(v) for v in value.items))
    if isinstance(value, Lst):
        kinds = {describe(v) for v in value.items}
        if len(kinds) > 1:
            return Type("tuple", items=tuple(describe(v) for v in value.items))
        return Type("list", items=tuple(kinds) or (NONE,))
    if isinstance(value, Dct):
        return Type("record", items=tuple(describe(v) for v in value.items.values()),
                    keys=tuple(value.items))
    return value.type


def static(value: Value) -> bool:
    """Whether a value is a constant, or made of constants."""
    if isinstance(value, Const):
        return not isinstance(value.value, (bytes, type(Ellipsis)))
    if isinstance(value, (Tup, Lst)):
        return all(static(v) for v in value.items)
    return isinstance(value, Dct) and all(static(v) for v in value.items.values())


def plain(value: Value) -> Any:
    """A static value as Python's own."""
    if isinstance(value, Const):
        return value.value
    if isinstance(value, Tup):
        return tuple(plain(v) for v in value.items)
    if isinstance(value, Lst):
        return [plain(v) for v in value.items]
    return {k: plain(v) for k, v in value.items.items()}  # type: ignore[attr-defined]


def known(value: Any) -> Value:
    """A value of Python's as one of ours."""
    if isinstance(value, dict):
        return Dct([(k, known(v)) for k, v in value.items()])
    if isinstance(value, list):
        return Lst([known(v) for v in value])
    if isinstance(value, tuple):
        return Tup([known(v) for v in value])
    return Const(value)
