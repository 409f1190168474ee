"""Scores and boxes (ashore_prep.h) against NumPy and SciPy."""

import ctypes as c

import numpy as np
import pytest
import scipy.special
from ashore_ctypes import AshoreError
from test_prep import call, given, on, placement

XYXY, XYWH, CXCYWH, YXYX = range(4)
NONE, SIGMOID, SOFTMAX = range(3)
SHAPES = [((7,), 0), ((3, 1000), -1), ((2, 5, 4), 1), ((2, 5, 4), 0), ((4, 0), 1), ((0, 3), 1),
          ((1, 1), 0)]
TYPES = [np.float32, np.float64, np.float16, np.int8, np.uint8, np.int16, np.int32, np.int64]


class Detect(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("format", c.c_int32), ("transposed", c.c_int32),
                ("objectness", c.c_int32), ("activation", c.c_int32), ("background", c.c_int32),
                ("class_agnostic", c.c_int32), ("score", c.c_float), ("iou", c.c_float),
                ("most", c.c_int32), ("scale_x", c.c_float), ("scale_y", c.c_float),
                ("placement", c.c_float * 4), ("width", c.c_int32), ("height", c.c_int32)]


def numbers(shape, dtype=np.float32, seed=0):
    x = np.random.default_rng(seed).normal(0, 3, shape)
    return np.abs(x).astype(dtype) if dtype == np.uint8 else x.astype(dtype)


@pytest.mark.parametrize("shape,axis", SHAPES)
@pytest.mark.parametrize("dtype", TYPES)
def test_softmax_and_sigmoid(library, shape, axis, dtype):
    x = numbers(shape, dtype)
    wide = x.astype(np.float32).astype(np.float64)
    got = on(library, "ashore_softmax", x, axis)
    want = scipy.special.softmax(wide, axis) if x.size else wide
    assert got.dtype == np.float32 and got.shape == x.shape
    np.testing.assert_allclose(got, want, rtol=2.0**-22)
    np.testing.assert_allclose(on(library, "ashore_sigmoid", x), scipy.special.expit(wide),
                               rtol=2.0**-22)


def test_extreme_scores(library):
    x = np.array([[1e30, -1e30, 0], [-np.inf, 0, 0], [np.inf, 0, 0], [np.nan, 0, 1]], np.float32)
    got = on(library, "ashore_softmax", x, 1)
    assert got[:2].tolist() == [[1, 0, 0], [0, 0.5, 0.5]]
    assert np.isnan(got[2, 0]) and np.isnan(got[3]).all()
    assert on(library, "ashore_sigmoid", x[:2]).tolist() == [[1, 0, 0.5], [0, 0.5, 0.5]]


@pytest.mark.parametrize("shape,axis", SHAPES)
@pytest.mark.parametrize("dtype", TYPES)
def test_top_k(library, shape, axis, dtype):
    """Whole numbers among them are equal to others: the lower index comes first."""
    x = numbers(shape, dtype, 5).round()
    for k in {0, 1, min(3, shape[axis]), shape[axis]} - {shape[axis] + 1}:
        if k > shape[axis]:
            continue
        values, indices = on(library, "ashore_top_k", x, axis, c.c_int64(k), outputs=2)
        order = np.argsort(-x.astype(np.float64), axis, kind="stable").take(range(k), axis)
        assert values.dtype == np.float32 and indices.dtype == np.int32
        assert np.array_equal(indices, order)
        assert np.array_equal(values, np.take_along_axis(x, order, axis).astype(np.float32))
    if shape[axis]:
        assert np.array_equal(on(library, "ashore_argmax", x, axis), x.argmax(axis))


def test_what_is_no_number(library):
    x = np.array([np.nan, 1, np.nan, -np.inf, 3], np.float32)
    values, indices = on(library, "ashore_top_k", x, 0, c.c_int64(5), outputs=2)
    assert indices.tolist() == [4, 1, 3, 0, 2] and np.isnan(values[3:]).all()
    assert on(library, "ashore_argmax", x, 0) == 4
    assert on(library, "ashore_argmax", np.full(3, np.nan, np.float32), 0) == 0


def test_refused_scores(library):
    x = np.zeros((2, 3), np.float32)
    for name, args, outputs, message in [
        ("ashore_softmax", (x, 2), 1, "axis 2 of a tensor of rank 2"),
        ("ashore_softmax", (x, -3), 1, "axis -3"),
        ("ashore_argmax", (x[:, :0], 1), 1, "the largest of 0"),
        ("ashore_top_k", (x, 1, c.c_int64(4)), 2, "the 4 largest of 3"),
        ("ashore_top_k", (x, 1, c.c_int64(-1)), 2, "the -1 largest"),
        ("ashore_argmax", (np.zeros((), np.float32), 0), 1, "rank 0"),
    ]:
        with pytest.raises(AshoreError, match=message):
            on(library, name, *args, outputs=outputs)


# ---- boxes ----------------------------------------------------------------------------------------


def random_boxes(n, seed=0):
    rng = np.random.default_rng(seed)
    corner, size = rng.uniform(0, 100, (n, 2)), rng.uniform(1, 40, (n, 2))
    return np.concatenate([corner, corner + size], 1).astype(np.float32)


def as_format(boxes, which):
    left, top, right, bottom = np.moveaxis(boxes, -1, 0)
    return np.stack({XYXY: (left, top, right, bottom), XYWH: (left, top, right - left, bottom - top),
                     CXCYWH: ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top),
                     YXYX: (top, left, bottom, right)}[which], -1)


@pytest.mark.parametrize("to", range(4))
@pytest.mark.parametrize("source", range(4))
def test_convert(library, source, to):
    boxes = random_boxes(30).reshape(5, 6, 4)
    got = on(library, "ashore_boxes_convert", as_format(boxes, source), source, to)
    np.testing.assert_allclose(got, as_format(boxes, to), atol=1e-4)
    with pytest.raises(AshoreError, match="none of ashore_box_format"):
        on(library, "ashore_boxes_convert", boxes, 4, to)
    with pytest.raises(AshoreError, match="last extent"):
        on(library, "ashore_boxes_convert", boxes[..., :3], source, to)


def iou_of(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    inside = np.prod(np.maximum(high - low, 0))
    return inside / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - inside)


def suppressed(boxes, scores, classes, iou, score, most):
    """Word for word what the header says."""
    kept = []
    for i in np.argsort(-scores, kind="stable"):
        if not scores[i] >= score:
            continue
        if all(iou_of(boxes[i], boxes[k]) <= iou or classes[i] != classes[k] for k in kept):
            kept.append(i)
    return kept[:most] if most else kept


@pytest.mark.parametrize("seed", range(8))
def test_nms(library, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 200))
    boxes = random_boxes(n, seed)
    scores = rng.uniform(0, 1, n).round(2).astype(np.float32)
    scores[rng.random(n) < 0.05] = np.nan
    classes = rng.integers(0, 3, n).astype(np.int64)
    for most in 0, 7:
        got = on(library, "ashore_boxes_nms", boxes, scores, classes, c.c_float(0.4),
                 c.c_float(0.1), c.c_int64(most))
        assert got.tolist() == suppressed(boxes, scores, classes, 0.4, np.float32(0.1), most)
        got = on(library, "ashore_boxes_nms", boxes, scores, None, c.c_float(0.4), c.c_float(0.1),
                 c.c_int64(most))
        assert got.tolist() == suppressed(boxes, scores, classes * 0, 0.4, np.float32(0.1), most)


def test_nms_of_odd_boxes(library):
    boxes = np.array([[0, 0, 10, 10], [np.nan] * 4, [5, 5, 1, 1], [0, 0, np.inf, np.inf],
                      [0, 0, 0, 0]], np.float32)
    got = on(library, "ashore_boxes_nms", boxes, np.ones(5, np.float32), None, c.c_float(0.5),
             c.c_float(0), c.c_int64(0))
    assert set(got.tolist()) <= set(range(5)) and got[0] == 0
    none = np.zeros((0, 4), np.float32)
    assert on(library, "ashore_boxes_nms", none, none[:, 0], None, c.c_float(0.5), c.c_float(0),
              c.c_int64(0)).tolist() == []
    for iou, scores, message in [(np.nan, 5, "iou is nan"), (-1, 5, "iou is -1"),
                                 (0.5, 4, "4 scores")]:
        with pytest.raises(AshoreError, match=message):
            on(library, "ashore_boxes_nms", boxes, np.ones(scores, np.float32), None,
               c.c_float(iou), c.c_float(0), c.c_int64(0))


# ---- detectors ------------------------------------------------------------------------------------


def detect(library, boxes, scores=None, **options):
    o = Detect()
    library.lib.ashore_detect_options_init(c.byref(o))
    for name, value in options.items():
        setattr(o, name, (c.c_float * 4)(*value) if name == "placement" else value)
    return on(library, "ashore_detect", boxes, scores, c.byref(o))


def scene(rng, n, classes):
    boxes = random_boxes(n, rng.integers(1 << 30))
    logits = rng.normal(-2, 2, (n, classes)).astype(np.float32)
    return boxes, logits


def expectation(boxes, p, score, iou, most=300, agnostic=False):
    best = p.argmax(1)
    scores = p[np.arange(len(p)), best].astype(np.float32)
    kept = suppressed(boxes, scores, best * (not agnostic), iou, np.float32(score), most)
    return np.column_stack([boxes[kept], scores[kept], best[kept]])


@pytest.mark.parametrize("seed", range(4))
def test_rows_and_columns(library, seed):
    """As YOLOv8 gives them: [1, 4 + K, N], centres and sizes, probabilities."""
    rng = np.random.default_rng(seed)
    boxes, logits = scene(rng, 150, 5)
    p = scipy.special.expit(logits)
    rows = np.column_stack([as_format(boxes, CXCYWH), p]).astype(np.float32)
    want = expectation(boxes, p, 0.3, 0.5)
    got = detect(library, rows.T[None], format=CXCYWH, transposed=1, score=0.3, iou=0.5)
    np.testing.assert_allclose(got, want, atol=1e-4)
    assert np.array_equal(detect(library, rows, format=CXCYWH, score=0.3, iou=0.5), got)
    want = expectation(boxes, p, 0.3, 0.5, most=4, agnostic=True)
    got = detect(library, rows[None], format=CXCYWH, score=0.3, iou=0.5, most=4, class_agnostic=1)
    np.testing.assert_allclose(got, want, atol=1e-4)


def test_objectness(library):
    """As YOLOv5 gives them: a score for there being anything comes before those of the classes."""
    rng = np.random.default_rng(9)
    boxes, logits = scene(rng, 100, 3)
    seen = rng.normal(0, 2, (100, 1)).astype(np.float32)
    rows = np.column_stack([as_format(boxes, CXCYWH), seen, logits]).astype(np.float32)
    p = scipy.special.expit(seen) * scipy.special.expit(logits)
    got = detect(library, rows[None], format=CXCYWH, objectness=1, activation=SIGMOID)
    np.testing.assert_allclose(got, expectation(boxes, p, 0.25, 0.45), atol=1e-4)
    alone = detect(library, rows[:, :5], format=CXCYWH, objectness=1, activation=SIGMOID)
    np.testing.assert_allclose(
        alone, expectation(boxes, scipy.special.expit(seen), 0.25, 0.45), atol=1e-4)


def test_scores_of_their_own(library):
    """As DETR gives them: parts of the picture, logits, the last class is none."""
    rng = np.random.default_rng(11)
    boxes, logits = scene(rng, 60, 6)
    logits *= 2
    p = scipy.special.softmax(logits.astype(np.float64), 1)[:, :5]
    got = detect(library, (as_format(boxes, CXCYWH) / 200)[None], logits[None], format=CXCYWH,
                 activation=SOFTMAX, background=-1, score=0.4, iou=1, scale_x=200, scale_y=200)
    want = expectation(boxes, p, 0.4, 1)
    assert len(want) > 3
    np.testing.assert_allclose(got, want, atol=1e-3)
    got = detect(library, boxes, logits, activation=SOFTMAX, background=2, score=0.4, iou=1)
    p = scipy.special.softmax(logits.astype(np.float64), 1)
    p[:, 2] = -1
    np.testing.assert_allclose(got, expectation(boxes, p, 0.4, 1), atol=1e-4)


def test_back_to_the_picture(library):
    """A box in a letterboxed tensor, in pixels of the picture, cut to it."""
    where = placement(library, (640, 480), 320, 320, fit=1)
    boxes = np.array([[0, 40, 320, 280], [10, 50, 30, 90], [-20, 0, 330, 300]], np.float32)
    scores = np.array([[0.9], [0.8], [0.7]], np.float32)
    got = detect(library, boxes, scores, placement=where, width=640, height=480, iou=1)
    np.testing.assert_allclose(got[:, :4], [[0, 0, 640, 480], [20, 20, 60, 100], [0, 0, 640, 480]],
                               atol=1e-3)


def test_refused_detections(library):
    rows = np.zeros((5, 6), np.float32)
    for args, options, message in [
        ((rows[:, :3],), {}, "rows of boxes"), ((rows[:, :4], rows[:3]), {}, "rows of boxes"),
        ((rows,), {"format": 7}, "ashore_box_format"), ((rows,), {"activation": 3}, "activation"),
        ((rows,), {"iou": np.nan}, "iou is nan"), ((rows[0],), {}, "two extents"),
        ((np.zeros((2, 5, 6), np.float32),), {}, "a batch of 2"), ((rows,), {"most": -1}, "most -1"),
        ((rows[:, :4],), {"objectness": 1}, "rows of boxes"),
    ]:
        with pytest.raises(AshoreError, match=message):
            detect(library, *args, **options)
    assert detect(library, np.full((5, 6), np.nan, np.float32)).shape == (0, 6)
    assert detect(library, rows[:0]).shape == (0, 6)
    # Boxes alone are all of class 0.
    assert detect(library, rows[:, :4], iou=1)[:, 4:].tolist() == [[1, 0]] * 5


def test_what_is_no_tensor(library):
    item = given(library, np.zeros(3, np.float32))
    list_of, made = c.c_void_p(), c.c_void_p()
    call(library, "ashore_sequence_create", c.byref(item), c.c_size_t(1), c.byref(list_of))
    for name, args in [("ashore_softmax", (0,)), ("ashore_sigmoid", ()), ("ashore_argmax", (0,)),
                       ("ashore_mask_picture", (b"1234", 1)), ("ashore_boxes_convert", (0, 1)),
                       ("ashore_sound_frames", (c.c_int64(1), c.c_int64(1), 0))]:
        with pytest.raises(AshoreError):
            call(library, name, list_of, *args, c.byref(made))
    for value in item, list_of:
        library.lib.ashore_value_release(c.byref(value))
