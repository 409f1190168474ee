"""What is before and behind a model (ashore_prep.h), against Pillow, SciPy and plain NumPy."""

import ctypes as c

import numpy as np
import pytest
import scipy.ndimage
import scipy.spatial
from ashore_ctypes import DTYPES, AshoreError, Error
from PIL import Image, ImageDraw
from skimage import data

STRETCH, LETTERBOX, START, CROP = range(4)


class Picture(c.Structure):
    _fields_ = [("pixels", c.c_void_p), ("width", c.c_int32), ("height", c.c_int32),
                ("stride", c.c_int32), ("channels", c.c_int32)]


class ImageOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("width", c.c_int32), ("height", c.c_int32),
                ("fit", c.c_int32), ("channels", c.c_int32), ("bgr", c.c_int32),
                ("channels_last", c.c_int32), ("dtype", c.c_int32), ("antialias", c.c_int32),
                ("mean", c.c_float * 3), ("scale", c.c_float * 3), ("pad", c.c_float)]


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


def tensor(library, pixels, width, height, **options):
    o = ImageOptions()
    library.lib.ashore_image_options_init(c.byref(o))
    o.width, o.height = width, height
    for name, value in options.items():
        setattr(o, name, (c.c_float * 3)(*value) if name in ("mean", "scale") else value)
    value = c.c_void_p()
    call(library, "ashore_image_tensor", c.byref(picture(pixels)), c.byref(o), c.byref(value))
    return taken(library, value)


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


def test_refusals(library):
    for change, message in [({"width": 0}, "sides are 1 to 65536"), ({"fit": 9}, "fit 9"),
                            ({"channels": 2}, "1 and 3 are known"), ({"dtype": 7}, "int64")]:
        options = {"width": 10, "height": 10, **change}
        with pytest.raises(AshoreError, match=message):
            tensor(library, CAT, **options)
    with pytest.raises(AshoreError, match="2 channels"):
        tensor(library, np.ascontiguousarray(CAT[:, :, :2]), 10, 10)
    with pytest.raises(AshoreError, match="no quadrangle"):
        warp(library, CAT, [(1, 1)] * 4, 10, 10)
