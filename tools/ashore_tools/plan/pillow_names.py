"""pillow: pictures."""

from typing import Any, Dict, List, Optional

from .errors import PyError, Refused
from .methods import method
from .natives import constant, native
from .operators import folded
from .values import (FILE, INT, Const, Kind, Lst, Module, Node, Real, Tup, Value, image, plain,
                     static)

FILTERS = {"NEAREST": 0, "LANCZOS": 1, "BILINEAR": 2, "BICUBIC": 3, "BOX": 4, "HAMMING": 5}
TURNS = {"FLIP_LEFT_RIGHT": 0, "FLIP_TOP_BOTTOM": 1, "ROTATE_90": 2, "ROTATE_180": 3,
         "ROTATE_270": 4, "TRANSPOSE": 5, "TRANSVERSE": 6}
CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}
_IMAGE: Dict[str, Value] = {}
_OPS: Dict[str, Value] = {}


def attribute(interp: Any, owner: Value, name: str) -> Optional[Value]:
    """An attribute that is no method."""
    if name in ("width", "height"):
        return _extent(interp, owner, name == "height")
    if name == "size":
        return Tup([_extent(interp, owner, False), _extent(interp, owner, True)])
    if name == "mode" and owner.type.dtype != "any":
        return Const(owner.type.dtype)
    return None


def _extent(interp: Any, owner: Value, down: bool) -> Value:
    known = owner.type.dims[down]  # type: ignore[index]
    return Const(known) if known is not None else interp.trace.emit(
        "side", [owner], INT, which="height" if down else "width")


def _size(value: Value) -> List[Value]:
    """Two whole numbers."""
    if not isinstance(value, (Tup, Lst)):
        raise Refused("a size that is no pair")
    if len(value.items) != 2:
        raise PyError("ValueError", "size must contain two integers")
    for item in value.items:
        if item.type.kind == "float":
            raise PyError("TypeError", "'float' object cannot be interpreted as an integer")
        if item.type.kind != "int":
            raise Refused(f"a size with {item.type}", "use int()")
    return list(value.items)


def _dims(size: List[Value]) -> Any:
    return tuple(plain(s) if static(s) else None for s in size)


def _filter(value: Any, default: int = FILTERS["BICUBIC"]) -> int:
    found = constant(value, "the filter", default)
    found = default if found is None else found
    if found not in FILTERS.values():
        raise PyError("ValueError", f"Unknown resampling filter ({found})")
    return found


def _with_pixels(owner: Value, what: str) -> Node:
    if not isinstance(owner, Node) or owner.type.kind != "image":
        raise Refused(f"{what} of {owner.type}")
    if owner.type.dtype == "any":
        raise Refused(f"{what} of a picture whose mode is known in the page only",
                      "convert it first: .convert('RGB')")
    return owner


# ---- methods -----------------------------------------------------------------------------------


@method("image", "convert", "mode?")
def _convert(interp: Any, owner: Node, mode: Any) -> Value:
    wanted = constant(mode, "the mode of a picture")
    if wanted not in CHANNELS:
        raise Refused(f"the mode {wanted!r} is not in a page without Python",
                      "it can be 'RGB', 'RGBA' or 'L'")
    return interp.trace.emit("convert", [owner], owner.type._replace(dtype=wanted), mode=wanted)


@method("image", "resize", "size resample? box? reducing_gap?")
def _resize(interp: Any, owner: Node, size: Value, resample: Any, box: Any, gap: Any) -> Value:
    _with_pixels(owner, "resize()")
    if box is not None or gap is not None:
        raise Refused("resize() with box or reducing_gap", "crop first")
    wanted, kind = _size(size), _filter(resample)
    if owner.type.dtype == "RGBA" and kind != 0:
        raise Refused("resize() of a picture with transparency", "convert it first: .convert('RGB')")
    return interp.trace.emit("resize", [owner, *wanted], image(owner.type.dtype, _dims(wanted)),
                             filter=kind)


@method("image", "thumbnail", "size resample? reducing_gap?")
def _thumbnail(interp: Any, owner: Node, size: Value, resample: Any, gap: Any) -> Value:
    raise Refused("thumbnail() reduces in two steps, which a page without Python does not",
                  "use resize() or ImageOps.contain()")


@method("image", "crop", "box")
def _crop(interp: Any, owner: Node, box: Value) -> Value:
    _with_pixels(owner, "crop()")
    if not isinstance(box, (Tup, Lst)) or len(box.items) != 4:
        raise Refused("a box that is no tuple of four numbers")
    sides = [_whole(interp, v) for v in box.items]
    dims = [plain(b) - plain(a) if static(a) and static(b) else None
            for a, b in ((sides[0], sides[2]), (sides[1], sides[3]))]
    return interp.trace.emit("crop", [owner, *sides], image(owner.type.dtype, tuple(dims)))


def _whole(interp: Any, value: Value) -> Value:
    kind = value.type.kind
    if static(value):
        return folded(lambda v: int(round(v)), plain(value))
    if kind == "int":
        return value
    if kind in ("float", "number", "real") or kind == "np":
        return interp.trace.emit("pyround", [value], INT)
    raise Refused(f"a box with {value.type}")


@method("image", "transpose", "method")
def _transpose(interp: Any, owner: Node, turn: Value) -> Value:
    _with_pixels(owner, "transpose()")
    found = constant(turn, "how it is turned")
    if found not in TURNS.values():
        raise Refused(f"transpose({found})")
    return turned(interp, owner, found)


def turned(interp: Any, owner: Node, turn: int) -> Value:
    """owner.transpose(turn)."""
    width, height = owner.type.dims  # type: ignore[misc]
    dims = (height, width) if turn in (2, 4, 5, 6) else (width, height)
    return interp.trace.emit("turn", [owner], image(owner.type.dtype, dims), turn=turn)


@method("image", "copy load", "")
def _copy(interp: Any, owner: Node) -> Value:
    return interp.trace.emit("same", [owner], owner.type)


@method("image", "close", "")
def _close(interp: Any, owner: Node) -> Value:
    return Const(None)


@method("image", "paste", "im box?")
def _paste(interp: Any, owner: Node, other: Value, box: Any) -> Value:
    _with_pixels(owner, "paste()")
    if not isinstance(other, Node) or other.type.kind != "image" \
            or other.type.dtype != owner.type.dtype:
        raise Refused(f"paste() of {other.type} into a picture of the mode {owner.type.dtype}")
    at = box.items if isinstance(box, (Tup, Lst)) else [Const(0), Const(0)]
    if len(at) not in (2, 4) or any(v.type.kind != "int" for v in at):
        raise Refused("paste() at such a place", "give two ints")
    interp.own(owner)
    made = interp.trace.emit("paste", [owner, other, *at[:2]], owner.type)
    owner.ref = made.ref
    return Const(None)


@method("image", "filter rotate save point getpixel putpixel split quantize draft getdata "
        "getbbox reduce transform tobytes show histogram", "*")
def _no_method(interp: Any, owner: Value, args: Any) -> Value:
    raise Refused("this method of pictures is not in a page without Python")


# ---- PIL.Image ---------------------------------------------------------------------------------


@native(_IMAGE, "open", "file mode! formats!")
def _open(interp: Any, file: Value) -> Value:
    if isinstance(file, Node) and file.type == FILE:
        return interp.trace.emit("opened", [file], image("any"))
    name = file.value if isinstance(file, (Const, Real)) else None
    return interp.picture(getattr(name, "path", name))


@native(_IMAGE, "fromarray", "x mode?")
def _fromarray(interp: Any, value: Value, mode: Any) -> Value:
    kind = value.type
    if kind.kind != "array" or kind.dtype != "uint8":
        raise Refused(f"Image.fromarray() of {kind}", "convert first: .astype(np.uint8)")
    dims = kind.dims
    wanted = "L" if dims is not None and len(dims) == 2 else {3: "RGB", 4: "RGBA"}.get(
        dims[2]) if dims is not None and len(dims) == 3 else None  # type: ignore[arg-type]
    if wanted is None or constant(mode, "the mode", wanted) != wanted:
        raise Refused(f"Image.fromarray() of {kind}")
    return interp.trace.emit("fromarray", [value], image(wanted, (dims[1], dims[0])),  # type: ignore
                             mode=wanted)


@native(_IMAGE, "new", "mode size color?")
def _new(interp: Any, mode: Value, size: Value, color: Any) -> Value:
    wanted = constant(mode, "the mode of a picture")
    if wanted not in CHANNELS:
        raise Refused(f"the mode {wanted!r} is not in a page without Python")
    found = constant(color, "the colour", 0)
    if isinstance(found, int) and wanted != "L":
        found = (found & 255, found >> 8 & 255, found >> 16 & 255, found >> 24 & 255)
    elif isinstance(found, int):
        found = (found,)
    if not isinstance(found, (tuple, list)) or not all(isinstance(c, int) and 0 <= c < 256
                                                       for c in found):
        raise Refused("a colour by name", "give numbers: (114, 114, 114)")
    if wanted == "RGBA" and len(found) == 3:
        found = (*found, 255)
    sides = _size(size)
    return interp.trace.emit("new", [*sides], image(wanted, _dims(sides)), mode=wanted,
                             color=list(found[:CHANNELS[wanted]]))


def _enum(names: Dict[str, int]) -> Module:
    return Module("PIL.Image", {k: Const(v) for k, v in names.items()})


# ---- PIL.ImageOps ------------------------------------------------------------------------------


@native(_OPS, "exif_transpose", "image")
def _exif(interp: Any, owner: Value) -> Value:
    if owner.type.kind == "image" and owner.type.dtype == "any":
        raise Refused("exif_transpose() of a file's picture", "let gr.Image give it: type='pil'")
    _with_pixels(owner, "exif_transpose()")
    return owner  # the page gives pictures upright


@native(_OPS, "grayscale", "image")
def _grayscale(interp: Any, owner: Value) -> Value:
    return _convert(interp, _with_pixels(owner, "grayscale()"), Const("L"))


@native(_OPS, "mirror", "image")
def _mirror(interp: Any, owner: Value) -> Value:
    return turned(interp, _with_pixels(owner, "mirror()"), 0)


@native(_OPS, "flip", "image")
def _flip(interp: Any, owner: Value) -> Value:
    return turned(interp, _with_pixels(owner, "flip()"), 1)


@native(_OPS, "invert", "image")
def _invert(interp: Any, owner: Value) -> Value:
    _with_pixels(owner, "invert()")
    if owner.type.dtype == "RGBA":
        raise Refused("invert() of a picture with transparency")
    return interp.trace.emit("invert", [owner], owner.type)


def _fitted(op: str) -> Any:
    def call(interp: Any, owner: Value, size: Value, resample: Any, *rest: Any) -> Value:
        _with_pixels(owner, f"{op}()")
        if owner.type.dtype == "RGBA":
            raise Refused(f"{op}() of a picture with transparency")
        wanted = _size(size)
        details: Dict[str, Any] = {"filter": _filter(resample)}
        if op == "fit":
            details["bleed"] = constant(rest[0], "bleed", 0.0)
        if op == "pad":
            found = constant(rest[0], "the colour", 0)
            found = (0,) * 4 if found in (None, 0) else found
            if not isinstance(found, (tuple, list)) or not all(isinstance(c, int) for c in found):
                raise Refused("a colour by name or number", "give (114, 114, 114)")
            details["color"] = list(found[:CHANNELS[owner.type.dtype]])
        if op != "contain":
            details["centering"] = list(constant(rest[1], "centering", (0.5, 0.5)))
        dims = (None, None) if op == "contain" else _dims(wanted)
        return interp.trace.emit(op, [owner, *wanted], image(owner.type.dtype, dims), **details)
    return call


native(_OPS, "contain", "image size method?")(_fitted("contain"))
native(_OPS, "fit", "image size method? bleed? centering?")(_fitted("fit"))
native(_OPS, "pad", "image size method? color? centering?")(_fitted("pad"))


def module(name: str) -> Module:
    """import PIL, PIL.Image, PIL.ImageOps."""
    pictures = Module("PIL.Image", {
        **_IMAGE, **{k: Const(v) for k, v in {**FILTERS, **TURNS}.items()},
        "Resampling": _enum(FILTERS), "Transpose": _enum(TURNS), "Image": Kind("Image")})
    operations = Module("PIL.ImageOps", dict(_OPS))
    if name == "PIL.Image":
        return pictures
    if name == "PIL.ImageOps":
        return operations
    return Module("PIL", {"Image": pictures, "ImageOps": operations})
