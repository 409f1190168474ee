"""Image operators one at a time, with random attributes, types and operator sets, against
onnxruntime: what the ONNX suite has one test of, or none.

Each case says by how much two right answers may differ: U times a sum of magnitudes for floats, as
in graph_maker.py, and 1 for integers that are truncated from a sum.  Left out is where onnxruntime
departs from the specification or its suite; each place says how."""

import random

import numpy as np
import onnx
import onnxruntime
import pytest
from graph_maker import U
from onnx import helper, numpy_helper

RUNS = {"kernels": {}, "reference": {"reference": 1}, "as written": {"optimize": 0},
        "nothing known": {}}
TYPES = [np.float32] * 5 + [np.float16, np.float64]
ROUNDING = {np.float16: 2.0 ** -11, np.float32: U, np.float64: U}


class Case:
    def __init__(self, op, inputs, constants=(), opset=22, bound=0.0, domain="", **attributes):
        """inputs: arrays by name, in the operator's order, "" for one that is left out; names in
        `constants` are initialisers."""
        feeds = {k: v for k, v in inputs.items() if v is not None}
        names = [k if v is not None else "" for k, v in inputs.items()]
        while names and not names[-1]:
            names.pop()
        outputs = attributes.pop("outputs", ["y"])
        node = helper.make_node(op, names, outputs, **attributes)

        def model(constants, symbols):
            def info(name, array):
                shape = [f"{name}_{i}" if symbols else d for i, d in enumerate(array.shape)]
                kind = numpy_helper.from_array(array).data_type
                return helper.make_tensor_value_info(name, kind, shape)
            graph = helper.make_graph(
                [node], op, [info(k, v) for k, v in feeds.items() if k not in constants],
                [onnx.ValueInfoProto(name=name) for name in outputs],
                [numpy_helper.from_array(inputs[k], k) for k in constants])
            made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)],
                                     ir_version=8)
            return made, {k: v for k, v in feeds.items() if k not in constants}

        made, self.feeds = model(constants, False)
        self.bytes, self.text, self.bound = (
            made.SerializeToString(), onnx.printer.to_text(made), bound)
        # The same where neither extents nor constants are known before the run.
        made, self.all_feeds = model((), True)
        self.unknown = made.SerializeToString()

    def run(self, library, run):
        unknown = run == "nothing known"
        with library.load(self.unknown if unknown else self.bytes, **RUNS[run]) as model:
            return model.run(self.all_feeds if unknown else self.feeds)


def values(g, dtype, shape):
    if np.issubdtype(dtype, np.floating):
        return g.uniform(-1, 1, shape).astype(dtype)
    return g.integers(0, 100, shape).astype(dtype)


def upsample(r, g):
    """Before operator set 11."""
    op, opset = r.choice([("Upsample", 7), ("Upsample", 9), ("Resize", 10)])
    dtype = r.choice(TYPES[:5] + [np.uint8, np.int32])
    x = values(g, dtype, [r.randint(1, 2), r.randint(1, 3), r.randint(1, 6), r.randint(1, 6)])
    scales = np.array([1, 1] + [r.choice([1, 2, 3, 1.5, 2.5]) for _ in range(2)], np.float32)
    if all(int(d * s) == d for d, s in zip(x.shape, scales)):
        return None  # a copy in onnxruntime, whatever the scale
    mode = r.choice(["nearest", "linear"])
    exact = mode == "nearest"
    bound = 0 if exact else 16 * U if dtype == np.float32 else 1
    if opset == 7:
        return Case(op, {"x": x}, opset=opset, bound=bound, mode=mode, scales=scales.tolist())
    return Case(op, {"x": x, "s": scales}, ["s"], opset, bound, mode=mode)


def resize(r, g):
    opset = r.choice([11, 13, 18, 19])
    mode = r.choice(["nearest", "linear", "cubic"])
    rank = 4 if mode == "cubic" else r.choice([2, 3, 4, 4])
    dtype = r.choice(TYPES + [np.uint8, np.int8, np.int32])
    x = values(g, dtype, [r.randint(1, 3) for _ in range(rank - 2)] +
               [r.randint(2, 9), r.randint(2, 9)])
    coords = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
              "tf_crop_and_resize"]
    coord = r.choice(coords + ["half_pixel_symmetric"] * (opset >= 19) +
                     ["tf_half_pixel_for_nn"] * (opset < 13))
    crop = coord == "tf_crop_and_resize"
    scales = [r.choice([0.5, 2, 3, 1.5, 0.6, 1, 4 / 3, 0.75]) for _ in range(2)]
    scales = np.array([1] * (rank - 2) + scales, np.float32)
    sizes = np.array(list(x.shape[:-2]) + [r.randint(1, 14), r.randint(1, 14)], np.int64)
    by_size = r.random() < 0.5 or crop
    shape = list(sizes) if by_size else [int(np.float32(d) * s) for d, s in zip(x.shape, scales)]
    if min(shape) < 1 or shape == list(x.shape):
        return None  # the latter is a copy in onnxruntime
    if coord == "align_corners" and not by_size:
        return None  # the suite has fractional lengths, onnxruntime whole ones
    if crop and any(a == b for a, b in zip(shape[-2:], x.shape[-2:])):
        return None  # onnxruntime reads a dimension that keeps its extent without the region
    more = {"coordinate_transformation_mode": coord, "mode": mode}
    if mode == "nearest":
        more["nearest_mode"] = r.choice(["round_prefer_floor", "round_prefer_ceil", "floor",
                                         "ceil"])
    if mode == "cubic":
        more.update(cubic_coeff_a=r.choice([-0.75, -0.5]), exclude_outside=r.randint(0, 1))
    region = None
    if crop or opset == 11:
        low, high = sorted(r.uniform(-0.2, 1.2) for _ in range(2))
        region = np.array([0] * (rank - 2) + [low] * 2 + [1] * (rank - 2) + [high] * 2, np.float32)
        more["extrapolation_value"] = 5.0
    if opset >= 18 and r.random() < 0.3:
        more["axes"] = [rank - 2, rank - 1]
        scales, sizes = scales[-2:], sizes[-2:]
        region = None if region is None else region[[rank - 2, rank - 1, -2, -1]]
    empty = np.zeros(0, np.float32) if opset == 11 else None
    inputs = {"x": x, "roi": region, "s": empty if by_size else scales,
              "z": sizes if by_size else None}
    # A position has an error of a few U times its magnitude, and the slope is 2 at most for each of
    # 16 weights; the weights themselves add up to 1.9.
    bound = 0 if mode == "nearest" else 16 * 16 * 2 * ROUNDING[dtype] if dtype in ROUNDING else 1
    constants = [k for k in ("roi", "s", "z") if inputs[k] is not None]
    return Case("Resize", inputs, constants, opset, bound, **more)


def conv_transpose(r, g):
    opset, spatial = r.choice([1, 7, 11, 22]), r.choice([1, 2, 2, 2, 3])
    group = r.choice([1, 1, 2, 3])
    c, m = group * r.randint(1, 4), r.randint(1, 4)
    shape = [r.randint(1, 2), c] + [r.randint(1, 5) for _ in range(spatial)]
    k = [r.randint(1, 4) for _ in range(spatial)]
    s = k if r.random() < 0.3 else [r.randint(1, 3) for _ in range(spatial)]
    d = [r.choice([1, 1, 2]) for _ in range(spatial)]
    more = [r.randrange(max(s[i], d[i])) if r.random() < 0.3 else 0 for i in range(spatial)]
    attributes = {"group": group, "strides": s, "dilations": d, "output_padding": more}
    if r.random() < 0.5:
        attributes["kernel_shape"] = k
    full = [s[i] * (shape[2 + i] - 1) + more[i] + (k[i] - 1) * d[i] + 1 for i in range(spatial)]
    kind = r.choice(["none", "pads", "auto_pad", "output_shape"])
    if kind == "pads":
        pads = [r.randrange(3) for _ in range(2 * spatial)]
        if min(f - a - b for f, a, b in zip(full, pads, pads[spatial:])) > 0:
            attributes["pads"] = pads
    elif kind == "auto_pad":
        if any((k[i] - 1) * d[i] + 1 + more[i] < s[i] for i in range(spatial)):
            return None  # onnxruntime's result is then smaller than input * stride
        attributes["auto_pad"] = r.choice(["SAME_UPPER", "SAME_LOWER", "VALID"])
    elif kind == "output_shape":
        attributes["output_shape"] = [max(1, f - r.randrange(4)) for f in full]
        if r.random() < 0.5:
            attributes["auto_pad"] = r.choice(["SAME_UPPER", "SAME_LOWER"])
    inputs = {"x": values(g, np.float32, shape), "w": values(g, np.float32, [c, m] + k),
              "b": values(g, np.float32, [m * group]) if r.random() < 0.5 else None}
    terms = int(np.prod(k)) * c // group + 1
    return Case("ConvTranspose", inputs, ["w"] if r.random() < 0.8 else [], opset,
                2 * (terms + 2) * terms * U, **attributes)


def grid_sample(r, g):
    opset = r.choice([16, 20, 22])
    spatial = 2 if opset < 20 else r.choice([2, 3])
    modes = ["bilinear", "nearest", "bicubic"] if opset < 20 else ["linear", "nearest", "cubic"]
    mode = r.choice(modes[:2] if spatial == 3 else modes)
    x = values(g, np.float32, [2, r.randint(1, 3)] + [r.randint(2, 5) for _ in range(spatial)])
    grid = g.uniform(-1.4, 1.4, [2] + [r.randint(1, 5) for _ in range(spatial)] + [spatial])
    # As for Resize; positions beyond an edge jump to zero.  They are taken far from every jump.
    align = r.randint(0, 1)
    for i, d in enumerate(x.shape[:1:-1]):
        p = (grid[..., i] + 1) / 2 * (d - 1) if align else ((grid[..., i] + 1) * d - 1) / 2
        p = np.round(p * 8 + 0.5) / 8 - 0.0625
        grid[..., i] = p * 2 / (d - 1) - 1 if align else (2 * p + 1) / d - 1
    return Case("GridSample", {"x": x, "g": grid.astype(np.float32)}, (), opset,
                0 if mode == "nearest" else 512 * U, mode=mode, align_corners=align,
                padding_mode=r.choice(["zeros", "border", "reflection"]))


def regions(g, n, width):
    low = g.uniform(-2, width, (n, 2))
    return np.concatenate([low, low + g.uniform(0.3, width, (n, 2))], 1).astype(np.float32)


def roi_align(r, g):
    opset = r.choice([10, 16, 22])
    x = values(g, np.float32, [2, 3, r.randint(1, 9), r.randint(1, 9)])
    more = {} if opset == 10 else {
        "coordinate_transformation_mode": r.choice(["half_pixel", "output_half_pixel"])}
    inputs = {"x": x, "r": regions(g, 4, 9), "b": g.integers(0, 2, 4)}
    # Positions in a region have an error of some U times 20; there are 4 slopes of at most 2.
    return Case("RoiAlign", inputs, (), opset, 20 * 4 * 2 * 8 * U, output_height=r.randint(1, 4),
                output_width=r.randint(1, 4), sampling_ratio=r.randint(0, 3),
                spatial_scale=r.choice([1.0, 0.5]), mode=r.choice(["avg", "max"]), **more)


def max_roi_pool(r, g):
    x = values(g, np.float32, [2, 3, r.randint(1, 9), r.randint(1, 9)])
    rois = np.concatenate([g.integers(0, 2, (4, 1)), regions(g, 4, 9)], 1).astype(np.float32)
    return Case("MaxRoiPool", {"x": x, "r": rois}, (), r.choice([7, 13]),
                pooled_shape=[r.randint(1, 4), r.randint(1, 4)], spatial_scale=r.choice([1.0, 0.5]))


def non_max_suppression(r, g):
    n = r.choice([0, 1, 5, 40])
    boxes = g.uniform(0, 1, (2, n, 4)).astype(np.float32)
    scores = np.round(g.uniform(0, 1, (2, 3, n)), r.choice([1, 4])).astype(np.float32)
    limit = np.array([r.choice([0, 1, 3, 1000])], np.int64)
    known = r.random() < 0.5
    return Case("NonMaxSuppression",
                {"x": boxes, "s": scores, "n": limit if known or r.random() < 0.8 else None,
                 "o": np.array([r.choice([0.0, 0.3, 0.7])], np.float32),
                 "t": np.array([0.45], np.float32) if r.random() < 0.5 else None},
                ["n"] if known else (), r.choice([10, 11]),
                center_point_box=r.randint(0, 1))


def lrn(r, g):
    x = values(g, np.float32, [2, r.randint(1, 7), r.randint(1, 4), r.randint(1, 4)])
    # onnxruntime takes odd sizes alone
    return Case("LRN", {"x": 3 * x}, (), r.choice([1, 13]), 64 * U, size=r.choice([1, 3, 5]),
                alpha=r.choice([0.01, 1.0]), beta=r.choice([0.5, 0.75]), bias=r.choice([1.0, 2.0]))


def lp_pool(r, g):
    x = values(g, np.float32, [1, 2, r.randint(4, 8), r.randint(4, 8)])
    p = r.choice([1, 2, 3])
    if r.random() < 0.2:
        return Case("GlobalLpPool", {"x": x}, (), r.choice([2, 22]), 64 * 72 * U, p=p)
    return Case("LpPool", {"x": x}, (), r.choice([2, 11, 18, 22]), 64 * 9 * U, p=p,
                kernel_shape=[r.randint(1, 3), r.randint(1, 3)],
                strides=[r.randint(1, 2), r.randint(1, 2)])


def max_pool_indices(r, g):
    x = values(g, np.float32, [1, 2, r.randint(3, 8), r.randint(3, 8)])
    k = [r.randint(1, 3), r.randint(1, 3)]
    return Case("MaxPool", {"x": x}, (), r.choice([8, 11, 12]), outputs=["y", "i"], kernel_shape=k,
                strides=[r.randint(1, 2), r.randint(1, 2)], storage_order=r.randint(0, 1),
                pads=[r.randrange(k[0]), r.randrange(k[1]), r.randrange(k[0]), r.randrange(k[1])])


def col2im(r, g):
    image, block = [r.randint(3, 6), r.randint(3, 6)], [r.randint(1, 3), r.randint(1, 3)]
    d, s, p = ([r.randint(1, 2) for _ in range(2)], [r.randint(1, 2) for _ in range(2)],
               [r.randrange(2) for _ in range(4)])
    n = [(image[i] + p[i] + p[2 + i] - d[i] * (block[i] - 1) - 1) // s[i] + 1 for i in range(2)]
    if min(n) < 1:
        return None
    x = values(g, np.float32, [2, 3 * int(np.prod(block)), int(np.prod(n))])
    return Case("Col2Im", {"x": x, "i": np.array(image), "b": np.array(block)},
                ["i", "b"] if r.random() < 0.7 else [], 18, 9 * 9 * U, dilations=d, strides=s,
                pads=p)


def center_crop_pad(r, g):
    x = values(g, r.choice([np.float32, np.uint8, np.int64]), [r.randint(1, 6) for _ in range(3)])
    return Case("CenterCropPad", {"x": x, "s": np.array([r.randint(1, 7) for _ in range(2)])},
                ["s"] if r.random() < 0.5 else [], 18, axes=r.choice([[0, 1], [1, 2], [-1, 0]]))


def affine_grid(r, g):
    spatial = r.choice([2, 3])
    size = [2, 3] + [r.randint(2, 5) for _ in range(spatial)]
    theta = values(g, np.float32, [2, spatial, spatial + 1])
    return Case("AffineGrid", {"t": theta, "s": np.array(size)}, ["s"], 20, 32 * U,
                align_corners=r.randint(0, 1))


def block_moves(r, g):
    b = r.choice([1, 2, 3])
    if r.random() < 0.5:
        x = values(g, np.float32, [2, 2 * b * b, r.randint(1, 3), r.randint(1, 3)])
        return Case("DepthToSpace", {"x": x}, (), r.choice([11, 13]), blocksize=b,
                    mode=r.choice(["DCR", "CRD"]))
    x = values(g, np.float32, [2, 3, b * r.randint(1, 3), b * r.randint(1, 3)])
    return Case("SpaceToDepth", {"x": x}, (), r.choice([7, 13]), blocksize=b)


def dropout(r, g):
    x = values(g, r.choice(TYPES), [3, 4])
    opset = r.choice([7, 10, 12, 13, 22])
    if opset < 12:
        return Case("Dropout", {"x": x}, (), opset, ratio=0.3)
    inputs = {"x": x, "r": np.array(0.3, np.float32), "t": np.array(False)}
    return Case("Dropout", inputs, ["t"] if r.random() < 0.5 else [], opset, outputs=["y", "mask"])


OPERATORS = {upsample: 60, resize: 400, conv_transpose: 250, grid_sample: 80, roi_align: 40,
             max_roi_pool: 30, non_max_suppression: 60, lrn: 20, lp_pool: 30, max_pool_indices: 30,
             col2im: 30, center_crop_pad: 20, affine_grid: 20, block_moves: 20, dropout: 20}


def compare(case, got, want):
    for name, y in want.items():
        if got[name].shape != y.shape or got[name].dtype != y.dtype:
            return f"{name} is {got[name].dtype}{got[name].shape}, expected {y.dtype}{y.shape}"
        far = np.abs(got[name].astype(np.float64) - y.astype(np.float64))
        if far.size and not far.max() <= case.bound:
            return f"{name} is off by {far.max():.3g}, allowed is {case.bound:.3g}"
    return None


@pytest.mark.parametrize("make", OPERATORS, ids=lambda f: f.__name__)
def test_operator(library, make):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    failed, compared = [], 0
    for seed in range(OPERATORS[make]):
        case = make(random.Random(seed), np.random.default_rng(seed))
        if case is None:
            continue
        try:
            session = onnxruntime.InferenceSession(case.bytes, options,
                                                   providers=["CPUExecutionProvider"])
            names = [o.name for o in session.get_outputs()]
            want = dict(zip(names, session.run(names, case.feeds)))
        except Exception:  # of what the specification allows, onnxruntime has not everything
            continue
        compared += 1
        for run in RUNS:
            try:
                text = compare(case, case.run(library, run), want)
            except Exception as error:  # the case has to be seen
                text = str(error)
            if text:
                failed.append(f"seed {seed}, {run}: {text}\n{case.text}")
                break
    assert not failed, f"{len(failed)} of {compared}\n" + "\n".join(failed[:3])
    assert compared >= OPERATORS[make] // 4, f"onnxruntime ran {compared} cases only"
