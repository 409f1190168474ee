"""What is before and behind a model (ashore_prep.h), against Pillow, SciPy and plain NumPy."""

import ctypes as c

import numpy as np
import pytest
import scipy.ndimage
import scipy.spatial
from ashore_ctypes import DTYPES, NUMBERS, AshoreError, Error
from PIL import Image, ImageDraw
from skimage import data

STRETCH, LETTERBOX, START, CROP = range(4)
BILINEAR, NEAREST, BICUBIC = range(3)
FLOAT32, UINT8, INT8, FLOAT16 = 1, 2, 3, 10


class Picture(c.Structure):
    _fields_ = [("pixels", c.c_void_p), ("width", c.c_int32), ("height", c.c_int32),
                ("stride", c.c_int32), ("channels", c.c_int32)]


class ImageOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("width", c.c_int32), ("height", c.c_int32),
                ("fit", c.c_int32), ("channels", c.c_int32), ("bgr", c.c_int32),
                ("channels_last", c.c_int32), ("dtype", c.c_int32), ("filter", c.c_int32),
                ("antialias", c.c_int32), ("mean", c.c_float * 3), ("scale", c.c_float * 3),
                ("pad", c.c_float), ("background", c.c_float * 3), ("left", c.c_float),
                ("top", c.c_float), ("part_width", c.c_float), ("part_height", c.c_float),
                ("crop_pct", c.c_float)]


class Placement(c.Structure):
    _fields_ = [("left", c.c_float), ("top", c.c_float), ("step_x", c.c_float),
                ("step_y", c.c_float)]


class TextOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("threshold", c.c_float), ("score", c.c_float),
                ("unclip", c.c_float), ("least_side", c.c_float), ("scale_x", c.c_float),
                ("scale_y", c.c_float), ("polygons", c.c_int32)]


def picture(pixels):
    """A struct over an array [H, W] or [H, W, C] of bytes, which must stay alive."""
    height, width, *channels = pixels.shape
    return Picture(pixels.ctypes.data, width, height, pixels.strides[0], (channels or [1])[0])


def call(library, name, *args):
    err = Error()
    if getattr(library.lib, name)(*args, c.byref(err)):
        raise AshoreError(err.text.decode())


def taken(library, value):
    """The array that a tensor holds; the tensor is released."""
    lib = library.lib
    rank = lib.ashore_value_rank(value)
    shape = tuple((c.c_int64 * rank).from_address(lib.ashore_value_shape(value)))
    dtype = np.dtype(DTYPES[lib.ashore_value_dtype(value)])
    size = int(np.prod(shape)) * dtype.itemsize
    array = np.frombuffer(c.string_at(lib.ashore_value_data(value), size), dtype).reshape(shape)
    lib.ashore_value_release(c.byref(value))
    return array


def given(library, array):
    """A tensor over an array, which must stay alive."""
    shape = (c.c_int64 * array.ndim)(*array.shape)
    value = c.c_void_p()
    assert array.flags.c_contiguous
    call(library, "ashore_tensor_wrap", NUMBERS[array.dtype], array.ndim, shape,
         c.c_void_p(array.ctypes.data), c.byref(value))
    return value


def on(library, name, *args, outputs=1):
    """What a function of tensors makes: arrays among args become tensors."""
    made = [c.c_void_p() for _ in range(outputs)]
    arrays = [a.copy("C") if isinstance(a, np.ndarray) else None for a in args]
    values = [a if array is None else given(library, array) for a, array in zip(args, arrays)]
    try:
        call(library, name, *values, *map(c.byref, made))
    finally:
        for array, value in zip(arrays, values):
            if array is not None:
                library.lib.ashore_value_release(c.byref(value))
    found = tuple(taken(library, value) for value in made)
    return found[0] if outputs == 1 else found


def image_options(library, width, height, **options):
    o = ImageOptions()
    library.lib.ashore_image_options_init(c.byref(o))
    o.width, o.height = width, height
    for name, value in options.items():
        listed = name in ("mean", "scale", "background")
        setattr(o, name, (c.c_float * 3)(*value) if listed else value)
    return o


def tensor(library, pixels, width, height, **options):
    o = image_options(library, width, height, **options)
    value = c.c_void_p()
    call(library, "ashore_image_tensor", c.byref(picture(pixels)), c.byref(o), c.byref(value))
    return taken(library, value)


def placement(library, size, width, height, **options):
    p = Placement()
    call(library, "ashore_image_placement", *size,
         c.byref(image_options(library, width, height, **options)), c.byref(p))
    return p.left, p.top, p.step_x, p.step_y


def between(pixels, x, y):
    """Bilinear samples of [H, W, C] at pixel positions, the edge repeated."""
    height, width = pixels.shape[:2]
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    fx, fy = (x - x0)[..., None], (y - y0)[..., None]
    p = pixels.astype(np.float64)
    return ((p[y0, x0] * (1 - fx) + p[y0, x1] * fx) * (1 - fy)
            + (p[y1, x0] * (1 - fx) + p[y1, x1] * fx) * fy)


CAT = np.ascontiguousarray(data.chelsea())  # 300 x 451


@pytest.mark.parametrize("width,height", [(451, 300), (640, 480), (100, 50), (33, 299), (1, 1)])
def test_resize(library, width, height):
    x = (np.arange(width) + 0.5) * 451 / width - 0.5
    y = (np.arange(height) + 0.5) * 300 / height - 0.5
    want = between(CAT, *np.meshgrid(x, y))
    got = tensor(library, CAT, width, height)
    assert got.shape == (1, 3, height, width) and got.dtype == np.float32
    # Two weighted means in float32, of values up to 255.
    assert np.abs(got[0].transpose(1, 2, 0) - want).max() <= 255 * 2.0**-20


@pytest.mark.parametrize("width,height", [(224, 224), (100, 50), (451, 37), (7, 3)])
def test_resize_antialiased(library, width, height):
    want = np.asarray(Image.fromarray(CAT).resize((width, height), Image.BILINEAR))
    got = tensor(library, CAT, width, height, antialias=1)[0].transpose(1, 2, 0)
    # Pillow rounds to bytes after each direction.
    assert np.abs(got - want).max() <= 1.01


def test_types_and_order(library):
    mean, scale = (123.0, 116.0, 103.0), (0.5, 0.25, 0.125)
    plain = tensor(library, CAT, 96, 64)
    changed = tensor(library, CAT, 96, 64, bgr=1, channels_last=1, mean=mean, scale=scale)
    want = (plain[0].transpose(1, 2, 0) - np.float32(mean)) * np.float32(scale)
    assert np.array_equal(changed[0], want[:, :, ::-1])
    as_bytes = tensor(library, CAT, 96, 64, dtype=2)
    assert as_bytes.dtype == np.uint8
    assert np.array_equal(as_bytes, (plain + np.float32(0.5)).astype(np.uint8))
    grey = tensor(library, CAT, 96, 64, channels=1)
    want = 0.299 * plain[0, 0] + 0.587 * plain[0, 1] + 0.114 * plain[0, 2]
    assert np.abs(grey[0, 0] - want).max() <= 255 * 2.0**-21


def test_other_pictures(library):
    grey = np.ascontiguousarray(data.page())
    rgb = np.ascontiguousarray(np.repeat(grey[:, :, None], 3, 2))
    assert np.array_equal(tensor(library, grey, 80, 60), tensor(library, rgb, 80, 60))
    alpha = np.full((*grey.shape, 1), 255, np.uint8)
    alpha[:60] = 0
    rgba = np.ascontiguousarray(np.concatenate([rgb, alpha], 2))
    white = rgb.copy()
    white[:60] = 255
    height, width = grey.shape
    assert np.abs(tensor(library, rgba, width, height)
                  - tensor(library, white, width, height)).max() <= 255 * 2.0**-21


@pytest.mark.parametrize("fit", [LETTERBOX, START])
def test_padding(library, fit):
    got = tensor(library, CAT, 200, 200, fit=fit, pad=-7)[0]
    rows = round(300 * 200 / 451)
    top = (200 - rows) // 2 if fit == LETTERBOX else 0
    assert (got[:, :top] == -7).all() and (got[:, top + rows:] == -7).all()
    assert np.array_equal(got[:, top:top + rows], tensor(library, CAT, 200, rows)[0])


def test_crop(library):
    got = tensor(library, CAT, 150, 150, fit=CROP)[0]
    middle = np.ascontiguousarray(CAT[:, 75:376])  # 301 columns around the middle of 451
    x = (np.arange(150) + 0.5) * 2 - 0.5 + (451 - 300) / 2
    y = (np.arange(150) + 0.5) * 2 - 0.5
    want = between(CAT, *np.meshgrid(x, y))
    assert middle.shape[1] == 301
    assert np.abs(got.transpose(1, 2, 0) - want).max() <= 255 * 2.0**-20


@pytest.mark.parametrize("width,height", [(224, 224), (100, 50), (640, 480), (7, 3)])
def test_bicubic(library, width, height):
    want = np.asarray(Image.fromarray(CAT).resize((width, height), Image.BICUBIC)).astype(float)
    got = tensor(library, CAT, width, height, filter=BICUBIC, antialias=1)[0].transpose(1, 2, 0)
    # Pillow rounds to bytes and limits them after each direction.
    assert np.abs(np.clip(got, 0, 255) - want).max() <= 2.01


def cubic(x):
    x = np.abs(x)
    return np.where(x < 1, (1.5 * x - 2.5) * x**2 + 1,
                    np.where(x < 2, ((2.5 - 0.5 * x) * x - 4) * x + 2, 0))


def test_bicubic_of_the_nearest(library):
    """Without antialiasing, 4 x 4 pixels wherever the scale is; the edge is repeated."""
    width, height, matrices = 60, 31, []
    for n, source in (width, 451), (height, 300):
        centre = (np.arange(n) + 0.5) * source / n - 0.5
        taps = np.floor(centre)[:, None] + np.arange(-1, 3)
        m = np.zeros((n, source))
        np.add.at(m, (np.arange(n)[:, None], np.clip(taps, 0, source - 1).astype(int)),
                  cubic(taps - centre[:, None]))
        matrices.append(m)
    want = np.einsum("yi,xj,ijc->yxc", matrices[1], matrices[0], CAT.astype(float))
    got = tensor(library, CAT, width, height, filter=BICUBIC)[0].transpose(1, 2, 0)
    assert np.abs(got - want).max() <= 255 * 2.0**-19


@pytest.mark.parametrize("width,height", [(451, 300), (224, 224), (1000, 7), (1, 1)])
def test_nearest(library, width, height):
    want = np.asarray(Image.fromarray(CAT).resize((width, height), Image.NEAREST))
    for antialias in 0, 1:
        got = tensor(library, CAT, width, height, filter=NEAREST, antialias=antialias, dtype=UINT8,
                     channels_last=1)
        assert np.array_equal(got[0], want)


def test_part(library):
    """A part in the middle is what would be there if the rest were not, but for its edges."""
    x, y, width, height = 40, 30, 128, 96
    inside = np.ascontiguousarray(CAT[y:y + height, x:x + width])
    part = {"left": x, "top": y, "part_width": width, "part_height": height}
    got = tensor(library, CAT, 64, 48, **part)
    assert np.array_equal(got[..., 1:-1, 1:-1], tensor(library, inside, 64, 48)[..., 1:-1, 1:-1])
    want = np.asarray(Image.fromarray(CAT).resize((50, 40), Image.BILINEAR,
                                                  box=(x, y, x + width, y + height)))
    got = tensor(library, CAT, 50, 40, antialias=1, **part)[0].transpose(1, 2, 0)
    assert np.abs(got - want).max() <= 1.01
    # Beyond the edges they are repeated.
    part = {"left": -100, "top": -100, "part_width": 200, "part_height": 200}
    got = tensor(library, CAT, 200, 200, **part)[0].transpose(1, 2, 0)
    assert np.array_equal(got, np.pad(CAT, ((100, 0), (100, 0), (0, 0)), "edge")[:200, :200])
    got = tensor(library, CAT, 25, 25, antialias=1, filter=BICUBIC, **part)
    assert np.isfinite(got).all() and got.min() > -40 and got.max() < 295


def test_crop_pct(library):
    """Resize(256) and CenterCrop(224) of torchvision, but for the rounding of the width."""
    got = tensor(library, CAT, 224, 224, fit=CROP, crop_pct=224 / 256, antialias=1)[0]
    side = 300 * 224 / 256
    box = (225.5 - side / 2, 150 - side / 2, 225.5 + side / 2, 150 + side / 2)
    want = np.asarray(Image.fromarray(CAT).resize((224, 224), Image.BILINEAR, box=box))
    assert np.abs(got.transpose(1, 2, 0) - want).max() <= 1.01


def test_background(library):
    rgba = np.zeros((10, 12, 4), np.uint8)
    rgba[..., :3] = (200, 100, 0)
    rgba[..., 3] = np.linspace(0, 255, 12).astype(np.uint8)
    alpha = rgba[..., 3:] / 255
    want = rgba[..., :3] * alpha + np.array([0, 128, 255]) * (1 - alpha)
    got = tensor(library, rgba, 12, 10, background=(0, 128, 255))[0].transpose(1, 2, 0)
    assert np.abs(got - want).max() <= 255 * 2.0**-21


def test_other_types(library):
    mean, scale = (123.0, 116.0, 103.0), (1 / 58, 1 / 57, 1 / 57)
    plain = tensor(library, CAT, 96, 64, mean=mean, scale=scale)
    half = tensor(library, CAT, 96, 64, mean=mean, scale=scale, dtype=FLOAT16)
    assert half.dtype == np.float16
    assert np.array_equal(half, plain.astype(np.float16))
    wide = tensor(library, CAT, 96, 64, mean=mean, scale=(1, 2, 300))
    whole = tensor(library, CAT, 96, 64, mean=mean, scale=(1, 2, 300), dtype=INT8)
    assert whole.dtype == np.int8
    assert np.array_equal(whole, np.clip(np.rint(wide), -128, 127).astype(np.int8))
    for scale in 2.0**-20, 2.0**-24, 2.0**-26, 1e4, 1e36:  # denormal, nothing, infinite
        scales = {"scale": (scale,) * 3, "mean": (127.5,) * 3}
        half = tensor(library, CAT, 96, 64, dtype=FLOAT16, **scales)
        with np.errstate(over="ignore"):
            assert np.array_equal(half, tensor(library, CAT, 96, 64, **scales).astype(np.float16))


@pytest.mark.parametrize("channels_last", [0, 1])
def test_batch(library, channels_last):
    options = image_options(library, 20, 10, channels_last=channels_last)
    shape = (3, 10, 20, 3) if channels_last else (3, 3, 10, 20)
    value = c.c_void_p()
    call(library, "ashore_tensor_create", FLOAT32, 4, (c.c_int64 * 4)(*shape), c.byref(value))
    for i, picked in enumerate((CAT, CAT[::-1].copy(), CAT[:100].copy())):
        call(library, "ashore_image_write", c.byref(picture(picked)), c.byref(options), value,
             c.c_int64(i))
    for index in -1, 3:
        with pytest.raises(AshoreError, match=f"picture {index} of 3"):
            call(library, "ashore_image_write", c.byref(picture(CAT)), c.byref(options), value,
                 c.c_int64(index))
    options.width = 19
    with pytest.raises(AshoreError, match="type and size"):
        call(library, "ashore_image_write", c.byref(picture(CAT)), c.byref(options), value,
             c.c_int64(0))
    got = taken(library, value)
    for i, picked in enumerate((CAT, CAT[::-1].copy(), CAT[:100].copy())):
        assert np.array_equal(got[i], tensor(library, picked, 20, 10,
                                             channels_last=channels_last)[0])


@pytest.mark.parametrize("options", [{}, {"fit": LETTERBOX}, {"fit": START}, {"fit": CROP},
                                     {"fit": CROP, "crop_pct": 0.5},
                                     {"fit": LETTERBOX, "left": 10, "top": 20, "part_width": 100,
                                      "part_height": 50}])
def test_placement(library, options):
    """A picture whose pixels say where they are: R is x, G is y."""
    y, x = np.mgrid[:200, :250].astype(np.uint8)
    ramp = np.ascontiguousarray(np.stack([x, y, x], 2))
    got = tensor(library, ramp, 60, 40, pad=-1, **options)[0]
    left, top, step_x, step_y = placement(library, (250, 200), 60, 40, **options)
    v, u = np.mgrid[:40, :60] + 0.5
    inside = (got[0] > 5) & (got[0] < 244) & (got[1] > 5) & (got[1] < 194)
    assert inside.sum() > 500
    assert np.abs(got[0] + 0.5 - (left + u * step_x))[inside].max() < 1e-3
    assert np.abs(got[1] + 0.5 - (top + v * step_y))[inside].max() < 1e-3


def test_there_and_back(library):
    options = {"mean": (123.0, 116.0, 103.0), "scale": (1 / 58, 1 / 57, 1 / 50), "bgr": 1}
    for channels_last in 0, 1:
        for dtype in FLOAT32, FLOAT16, UINT8:
            o = image_options(library, 1, 1, channels_last=channels_last, **options)
            x = tensor(library, CAT, 451, 300, channels_last=channels_last, dtype=dtype, **options)
            batch = np.concatenate([x[:, ::-1], x])
            back = on(library, "ashore_image_picture", batch, c.c_int64(1), c.byref(o))
            assert back.shape == (300, 451, 4) and (back[..., 3] == 255).all()
            # Half a unit of float16 at 4, times 58, is 0.057; then bytes are rounded back.
            assert np.array_equal(back[..., :3], CAT)
            back = on(library, "ashore_image_picture", x[0], c.c_int64(0), c.byref(o))
            assert np.array_equal(back[..., :3], CAT)


def test_pictures_of_tensors(library):
    o = image_options(library, 1, 1, scale=(1 / 255,) * 3)
    x = np.array([[np.nan, -1, 0], [0.6, 1, np.inf]], np.float32)
    got = on(library, "ashore_image_picture", x, c.c_int64(0), c.byref(o))
    assert got[..., 0].tolist() == [[0, 0, 0], [153, 255, 255]]
    assert np.array_equal(got[..., 1], got[..., 0]) and (got[..., 3] == 255).all()
    four = np.random.default_rng(1).random((1, 4, 5, 6)).astype(np.float32)
    got = on(library, "ashore_image_picture", four, c.c_int64(0), c.byref(o))
    assert np.array_equal(got, np.floor(four[0].transpose(1, 2, 0) * 255 + 0.5).astype(np.uint8))
    for shape, message in [((1, 2, 3, 4), "2 channels"), ((3,), "not 1"), ((0, 3, 2, 2), "0 of 0")]:
        with pytest.raises(AshoreError, match=message):
            on(library, "ashore_image_picture", np.zeros(shape, np.float32), c.c_int64(0),
               c.byref(o))


def test_masks(library):
    palette = np.array([[0, 0, 0, 0], [255, 0, 0, 128], [0, 255, 0, 200]], np.uint8)
    bytes_of = palette.ctypes.data_as(c.c_void_p)
    classes = np.array([[[0, 1, 2], [3, 4, -1]]])
    for dtype in np.int64, np.int32, np.int8:
        got = on(library, "ashore_mask_picture", classes.astype(dtype), bytes_of, 3)
        assert np.array_equal(got, palette[np.array([[0, 1, 2], [0, 1, 2]])])
    huge = np.array([[10**18, -10**18, 2**62, -1]])
    got = on(library, "ashore_mask_picture", huge, bytes_of, 3)
    assert all(color.tolist() in palette.tolist() for color in got[0])
    shares = np.array([[0, 0.25, 1], [2, -3, np.nan]], np.float32)
    got = on(library, "ashore_mask_picture", shares, palette[1:].ctypes.data_as(c.c_void_p), 1)
    assert got[..., 3].tolist() == [[0, 32, 128], [128, 0, 0]] and (got[..., 0] == 255).all()
    for bad in np.zeros(3, np.float32), np.zeros((2, 3, 3), np.float32):
        with pytest.raises(AshoreError, match="mask"):
            on(library, "ashore_mask_picture", bad, bytes_of, 3)
    with pytest.raises(AshoreError, match="0 colours"):
        on(library, "ashore_mask_picture", shares, bytes_of, 0)


def warp(library, pixels, corners, width, height):
    x, y = ((c.c_float * 4)(*side) for side in zip(*corners))
    value = c.c_void_p()
    call(library, "ashore_image_warp", c.byref(picture(pixels)), x, y, width, height,
         c.byref(value))
    return taken(library, value)


@pytest.mark.parametrize("corners", [
    [(10, 20), (410, 20), (410, 220), (10, 220)], [(60, 10), (400, 90), (330, 280), (20, 190)],
    [(300, 200), (100, 200), (100, 100), (300, 100)], [(-30, -10), (500, 5), (470, 310), (3, 290)],
])
def test_warp(library, corners):
    width, height = 120, 70
    got = warp(library, CAT, corners, width, height)
    # The eight numbers of the projective map, from the corners.
    rows, right = [], []
    for (u, v), (x, y) in zip([(0, 0), (1, 0), (1, 1), (0, 1)], corners):
        rows += [[u, v, 1, 0, 0, 0, -u * x, -v * x], [0, 0, 0, u, v, 1, -u * y, -v * y]]
        right += [x, y]
    m = np.append(np.linalg.solve(np.array(rows, float), np.array(right, float)), 1).reshape(3, 3)
    u, v = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    x, y, w = np.einsum("ij,jhw->ihw", m, np.stack([u, v, np.ones_like(u)]))
    assert np.abs(got - between(CAT, x / w - 0.5, y / w - 0.5)).max() <= 0.5 + 1e-6


# ---- text regions --------------------------------------------------------------------------------


def regions(library, heat, polygons=False, **options):
    heat = np.ascontiguousarray(heat, np.float32)
    o = TextOptions()
    library.lib.ashore_text_options_init(c.byref(o))
    o.polygons = polygons
    for name, value in options.items():
        setattr(o, name, value)
    found, outlines = c.c_void_p(), c.c_void_p()
    call(library, "ashore_text_regions", heat.ctypes.data_as(c.c_void_p), *heat.shape, c.byref(o),
         c.byref(found), c.byref(outlines) if polygons else None)
    return (taken(library, found), taken(library, outlines)) if polygons else taken(library, found)


def bars(shape, *specs):
    """A map with soft bars (centre x, y, length, thickness, degrees)."""
    y, x = np.mgrid[:shape[0], :shape[1]]
    heat = np.full(shape, 0.05, np.float32)
    for cx, cy, length, thickness, degrees in specs:
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        u, v = (x - cx) * cos + (y - cy) * sin, (y - cy) * cos - (x - cx) * sin
        heat[(abs(u) <= length / 2) & (abs(v) <= thickness / 2)] = 0.9
    return heat


def expectation(heat, unclip=1.5):
    """Areas and centres of the regions by SciPy: hulls, and the least rectangle over their edges."""
    labels, count = scipy.ndimage.label(heat > 0.3, np.ones((3, 3)))
    made = []
    for k in range(1, count + 1):
        points = np.argwhere(labels == k)[:, ::-1].astype(float)
        hull = points[scipy.spatial.ConvexHull(points).vertices]
        best = None
        for a, b in zip(hull, np.roll(hull, -1, 0)):
            u = (b - a) / np.linalg.norm(b - a)
            turned = hull @ np.array([u, [-u[1], u[0]]]).T
            low, high = turned.min(0), turned.max(0)
            if best is None or np.prod(high - low) < np.prod(best[1] - best[0]):
                best = low, high, u
        low, high, u = best
        sides = high - low
        grow = np.prod(sides) * unclip / (2 * sides.sum())
        centre = (low + high) / 2 @ np.array([u, [-u[1], u[0]]])
        made.append((*centre, *sorted(sides + 2 * grow)))
    return made


def test_regions_against_scipy(library):
    rng = np.random.default_rng(3)
    heat = bars((400, 600), *((60 + 120 * (i % 5), 50 + 75 * (i // 5), rng.uniform(30, 90),
                               rng.uniform(8, 24), rng.uniform(-40, 40)) for i in range(25)))
    found = regions(library, heat)
    corners = found[:, :8].reshape(-1, 4, 2)
    sides = np.linalg.norm(corners - np.roll(corners, -1, 1), axis=2)
    got = [(*centre, *sorted(side[:2])) for centre, side in zip(corners.mean(1), sides)]
    got.sort(key=lambda r: np.round(r).tolist())
    want = sorted(expectation(heat), key=lambda r: np.round(r).tolist())
    assert len(got) == len(want)
    assert np.abs(np.array(got) - np.array(want)).max() < 1e-3
    assert (found[:, 8] > 0.8).all()
    # Clockwise with y down, from the top left.
    edges = np.roll(corners, -1, 1) - corners
    assert (edges[:, 0, 0] >= np.abs(edges[:, 0, 1])).all()
    cross = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
    assert (cross > 0).all()


def test_reading_order_and_scale(library):
    heat = bars((300, 400), (300, 54, 80, 16, 0), (100, 50, 80, 16, 0), (200, 150, 300, 20, 0),
                (90, 250, 90, 16, 0), (300, 246, 90, 16, 0))
    found = regions(library, heat, scale_x=2, scale_y=3)
    centres = found[:, :8].reshape(-1, 4, 2).mean(1) / [2, 3]
    assert [tuple(np.round(p)) for p in centres] == [(100, 50), (300, 54), (200, 150), (90, 250),
                                                     (300, 246)]


def test_what_is_dropped(library):
    heat = bars((100, 100), (50, 50, 60, 20, 0))
    assert len(regions(library, heat)) == 1
    assert len(regions(library, heat * 0.5)) == 0  # 0.45
    assert len(regions(library, heat * 0.5, score=0.4)) == 1
    assert len(regions(library, bars((100, 100), (50, 50, 60, 2, 0)))) == 0
    assert len(regions(library, np.zeros((5, 5)))) == 0
    assert len(regions(library, np.ones((40, 40)))) == 1
    assert len(regions(library, np.ones((1, 1)))) == 0
    assert len(regions(library, np.full((20, 20), np.nan))) == 0


def test_polygons(library):
    """An arch: its rectangle holds much that is no text, its outline does not."""
    y, x = np.mgrid[:200, :300]
    radius = np.hypot(x - 150, y - 180)
    heat = np.where((abs(radius - 120) <= 8) & (y < 170), 0.9, 0.0)
    found, outline = regions(library, heat, polygons=True, score=0.1)
    assert len(found) == 1 and (outline[:, 0] == 0).all()
    image = Image.new("1", (300, 200))
    ImageDraw.Draw(image).polygon([tuple(p) for p in outline[:, 1:]], fill=1)
    inside = np.asarray(image)
    # By how much it grew: area over length of its outline, 16 thick, times 1.5.
    length = 2 * (np.pi * 120 * 0.95 + 16)
    grown = (heat > 0).sum() * 1.5 / length
    want = scipy.ndimage.distance_transform_edt(heat == 0) <= grown
    assert (inside & want).sum() / (inside | want).sum() > 0.93
    assert len(outline) < 120


@pytest.mark.parametrize("seed", range(20))
def test_noise(library, seed):
    """Whatever the map is, outlines close and corners are finite."""
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 60, 2)
    heat = scipy.ndimage.gaussian_filter(rng.random(shape), rng.uniform(0, 2))
    heat = (heat - heat.min()) / max(np.ptp(heat), 1e-9)
    found, outline = regions(library, heat, polygons=True, threshold=0.5, score=0, least_side=0)
    assert np.isfinite(found).all() and np.isfinite(outline).all()
    _, count = scipy.ndimage.label(heat.astype(np.float32) > 0.5, np.ones((3, 3)))
    assert len(found) <= count
    assert set(outline[:, 0].astype(int)) == set(range(len(found)))


# ---- CTC, and what is refused ----------------------------------------------------------------------


def test_ctc(library):
    best = [0, 3, 3, 0, 3, 1, 2, 2, 0]
    p = np.full((len(best), 4), 0.1, np.float32)
    p[np.arange(len(best)), best] = np.linspace(0.5, 0.9, len(best))
    out, confidence = (c.c_int32 * len(best))(), c.c_float()
    count = library.lib.ashore_ctc_greedy(p.ctypes.data_as(c.c_void_p), len(best), 4, out,
                                          c.byref(confidence))
    assert list(out)[:count] == [3, 3, 1, 2]
    assert confidence.value == pytest.approx(np.mean([p[i, best[i]] for i in (1, 4, 5, 6)]))


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_asked(library, seed):
    """Any options at all are followed or refused."""
    rng = np.random.default_rng(seed)

    def some(*values):
        return values[rng.integers(len(values))]

    for _ in range(10):
        shape = (int(some(1, 2, 3, 17, 200)), int(some(1, 2, 5, 64, 333)), int(some(1, 3, 4)))
        pixels = np.ascontiguousarray(rng.integers(0, 256, shape, np.uint8))
        options = {"fit": int(some(0, 1, 2, 3)), "filter": int(some(0, 1, 2)),
                   "antialias": int(some(0, 1)), "channels": int(some(1, 3)),
                   "channels_last": int(some(0, 1)), "bgr": int(some(0, 1)),
                   "dtype": int(some(FLOAT32, UINT8, INT8, FLOAT16)),
                   "pad": some(0, -1e30, np.inf, np.nan), "crop_pct": some(1, 1, 1, 1e-6, 0.5, 2)}
        if some(0, 1):
            options.update(left=some(-500, -0.5, 0, 3, 1e9), top=some(-3, 0, 0.25, 100),
                           part_width=some(0.001, 1, 50, 65536, 1e6, np.inf),
                           part_height=some(0.001, 1, 50, 65536))
        width, height = int(some(1, 2, 40, 500)), int(some(1, 3, 31, 300))
        try:
            got = tensor(library, pixels, width, height, **options)
        except AshoreError:
            continue
        channels = options["channels"]
        assert got.shape == ((1, height, width, channels) if options["channels_last"]
                             else (1, channels, height, width))
        if np.isfinite(options["pad"]) and options["dtype"] in (FLOAT32, UINT8, INT8):
            assert np.isfinite(got).all()


def test_wrong_pictures(library):
    o = image_options(library, 4, 4)
    for width, height, stride, channels, pixels, message in [
        (10, 10, 29, 3, True, "29 bytes apart"), (10, 10, -30, 3, True, "-30 bytes apart"),
        (10, 10, 0, 1, True, "0 bytes apart"), (10, 10, 30, 3, False, "apart"),
        (10, 10, 50, 5, True, "5 channels"), (0, 10, 30, 3, True, "sides are"),
        (10, -1, 30, 3, True, "sides are"), (65537, 1, 2**31 - 1, 3, True, "sides are"),
    ]:
        p = Picture(CAT.ctypes.data if pixels else None, width, height, stride, channels)
        value = c.c_void_p()
        with pytest.raises(AshoreError, match=message):
            call(library, "ashore_image_tensor", c.byref(p), c.byref(o), c.byref(value))
        assert not value.value


def test_refusals(library):
    for change, message in [({"width": 0}, "sides are 1 to 65536"), ({"fit": 9}, "fit 9"),
                            ({"channels": 2}, "1 and 3 are known"), ({"dtype": 7}, "int64"),
                            ({"filter": 3}, "filter 3"), ({"width": 65537}, "sides are"),
                            ({"crop_pct": 0}, "crop_pct"), ({"crop_pct": np.nan}, "crop_pct"),
                            ({"left": np.nan}, "outside"), ({"part_width": 5}, "outside"),
                            ({"left": 451, "part_width": 5, "part_height": 5}, "outside"),
                            ({"part_width": np.inf, "part_height": 5}, "outside")]:
        options = {"width": 10, "height": 10, **change}
        with pytest.raises(AshoreError, match=message):
            tensor(library, CAT, **options)
    with pytest.raises(AshoreError, match="2 channels"):
        tensor(library, np.ascontiguousarray(CAT[:, :, :2]), 10, 10)
    with pytest.raises(AshoreError, match="no quadrangle"):
        warp(library, CAT, [(1, 1)] * 4, 10, 10)
