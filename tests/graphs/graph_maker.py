"""Random small graphs, each with a bound on what two right engines may differ by.

Every float value carries two numbers: `most`, a bound on its magnitude, and `err`, a bound on the
distance between what an engine computes and the exact result.  With u = 2^-24, the rounding error of
float32, and the accuracy classes of the operators:

    x + y          err(x) + err(y) + u most(x + y)
    x * y          most(x) err(y) + most(y) err(x) + err(x) err(y) + u most(x y)
    sums of n      the sum of the terms' errors + (n + 2) u times the sum of magnitudes
    f(x)           Lipschitz(f) err(x) + 16 u max(1, most(f))   (transcendentals: to 16 ulp of 1)

Two engines may then differ by the sum of their errors.  FUSED allows for scales that are folded into
weights and activations that are fused: each adds a rounding of its own per element.  What hangs on
a comparison (NonZero, ArgMax, TopK, Where on a condition made here, Floor) is made of exact values alone:
inputs, integers, and what only moves them.  Shapes, integers and booleans must be equal.
"""

import random

import numpy as np
from onnx import TensorProto, helper, numpy_helper

U = 2.0 ** -24
FUSED = 3.0
OPSET = 17
KIND = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int64): TensorProto.INT64,
        np.dtype(np.bool_): TensorProto.BOOL}


class Value:
    """shape None: not the same in every run."""

    def __init__(self, name, shape, dtype=np.float32, most=1.0, err=0.0):
        self.name, self.dtype = name, np.dtype(dtype)
        self.shape = None if shape is None else tuple(int(d) for d in shape)
        self.most, self.err = float(most), float(err)

    @property
    def exact(self):
        return self.err == 0

    @property
    def rank(self):
        return len(self.shape)


class Scope:
    """A graph under construction, inside of `parent`, whose values it may read."""

    def __init__(self, rng, parent=None, counter=None):
        self.rng, self.parent = rng, parent
        self.counter = counter if counter is not None else (parent.counter if parent else [0])
        self.nodes, self.inits, self.values = [], [], []
        self.depth = parent.depth + 1 if parent else 0

    def fresh(self, prefix="v"):
        self.counter[0] += 1
        return f"{prefix}{self.counter[0]}"

    def seen(self):
        return (self.parent.seen() if self.parent else []) + self.values

    def keep(self, value):
        self.values.append(value)
        return value

    def node(self, op, inputs, n=1, **attributes):
        names = [i if isinstance(i, str) else i.name for i in inputs]
        out = [self.fresh() for _ in range(n)]
        self.nodes.append(helper.make_node(op, names, out, name=f"n_{out[0]}", **attributes))
        return out[0] if n == 1 else out

    def constant(self, array):
        array = np.asarray(array)
        name = self.fresh("c")
        if self.rng.random() < 0.8:
            self.inits.append(numpy_helper.from_array(array, name))
        else:
            self.nodes.append(helper.make_node(
                "Constant", [], [name], value=numpy_helper.from_array(array, name)))
        return name

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def weights(self, *shape, scale=1.0):
        r = np.random.default_rng(self.rng.randrange(1 << 30))
        return (r.uniform(-1, 1, shape) * scale).astype(np.float32)

    def pick(self, test=lambda v: True):
        found = [v for v in self.seen() if v.shape is not None and test(v)]
        if not found:
            return None
        # What was made last is likelier: chains, not bushes.
        return found[-1] if self.rng.random() < 0.5 else self.rng.choice(found)

    def float(self, test=lambda v: True):
        return self.pick(lambda v: v.dtype == np.float32 and test(v) and v.most < 1e4)

    def graph(self, name, inputs, outputs):
        def info(v):
            return helper.make_tensor_value_info(v.name, KIND[v.dtype], v.shape)
        return helper.make_graph(self.nodes, name, [info(v) for v in inputs],
                                 [info(v) for v in outputs], self.inits)


def added(x, y):
    most = x.most + y.most
    return most, x.err + y.err + U * most


def multiplied(x, y):
    most = x.most * y.most
    return most, x.most * y.err + y.most * x.err + x.err * y.err + U * most


def summed(x, terms, magnitude, extra=0.0):
    """A sum of products with constants whose magnitudes add up to `magnitude`."""
    most = magnitude * x.most + extra
    return most, magnitude * x.err + FUSED * (terms + 2) * U * most


# ---- steps: each adds nodes to a scope, or does nothing where nothing fits -----------------------

# name: greatest slope, greatest magnitude (of a value up to m), attributes
UNARY = {"Relu": (1, lambda m: m), "Abs": (1, lambda m: m), "Neg": (1, lambda m: m),
         "Sigmoid": (0.25, lambda m: 1), "Tanh": (1, lambda m: 1), "Erf": (1.13, lambda m: 1),
         "HardSwish": (1.5, lambda m: m), "HardSigmoid": (0.2, lambda m: 1),
         "Softplus": (1, lambda m: m + 1), "LeakyRelu": (1, lambda m: m),
         "Elu": (1, lambda m: max(m, 1))}
EXACT = {"Relu", "Abs", "Neg"}


def unary(s):
    x = s.float()
    op = s.rng.choice(sorted(UNARY))
    slope, most = UNARY[op]
    err = slope * x.err + (0 if op in EXACT else 16 * U * max(1, most(x.most)))
    return s.keep(Value(s.node(op, [x]), x.shape, most=most(x.most), err=err))


def clip(s):
    x = s.float()
    lo, hi = sorted(round(s.rng.uniform(-2, 2), 2) for _ in range(2))
    y = s.node("Clip", [x, s.constant(np.float32(lo)), s.constant(np.float32(hi))])
    return s.keep(Value(y, x.shape, most=2, err=x.err))


def swish(s):
    """x * sigmoid(x), hard swish and gelu spelled out: what fusions look for."""
    x = s.float()
    kind = s.rng.randrange(3)
    if kind == 0:
        g = s.node("Sigmoid", [x])
    elif kind == 1:
        g = s.node("Add", [x, s.constant(np.float32(3))])
        g = s.node("Clip", [g, s.constant(np.float32(0)), s.constant(np.float32(6))])
        g = s.node("Div", [g, s.constant(np.float32(6))])
    else:
        g = s.node("Div", [x, s.constant(np.float32(np.sqrt(2)))])
        g = s.node("Add", [s.node("Erf", [g]), s.constant(np.float32(1))])
        g = s.node("Mul", [g, s.constant(np.float32(0.5))])
    err = 1.5 * x.err + 24 * U * max(1, x.most)
    return s.keep(Value(s.node("Mul", [x, g]), x.shape, most=x.most, err=err))


def fits(a, b):
    for x, y in zip(a[::-1], b[::-1]):
        if x != y and x != 1 and y != 1:
            return False
    return True


def binary(s):
    x = s.float()
    y = s.float(lambda v: fits(v.shape, x.shape) and max(v.rank, x.rank) < 7)
    if s.rng.random() < 0.3:
        shape = [d if s.rng.random() < 0.6 else 1 for d in x.shape]
        shape = shape[s.rng.randrange(len(shape) + 1):]
        y = Value(s.constant(s.weights(*shape)), shape)
    if s.rng.random() < 0.1:
        y = x
    if s.rng.random() < 0.5:
        x, y = y, x
    op = s.rng.choice(["Add", "Sub", "Mul", "Max", "Min", "Add", "Mul"])
    if op in ("Add", "Sub"):
        most, err = added(x, y)
    elif op == "Mul":
        most, err = multiplied(x, y)
    else:
        most, err = max(x.most, y.most), max(x.err, y.err)
    shape = np.broadcast_shapes(x.shape, y.shape)
    if np.prod(shape) > 20000:
        return None
    return s.keep(Value(s.node(op, [x, y]), shape, most=most, err=err))


def image(v):
    return v.rank == 4 and min(v.shape) > 0 and v.shape[1] <= 24


def conv(s):
    """Convolution with what often follows it."""
    x = s.float(image)
    if x is None:
        return None
    n, c, h, w = x.shape
    kh, kw = s.rng.choice([(1, 1), (3, 3), (3, 1), (1, 3), (2, 2)])
    kh, kw = min(kh, h), min(kw, w)
    group = s.rng.choice([1, 1, 1, c, 2 if c % 2 == 0 else 1])
    m = group * s.rng.choice([1, 2, 4]) if group > 1 else s.rng.choice([1, 3, 4, 8, 16, c])
    stride = s.rng.choice([1, 1, 2])
    pads = [s.rng.randrange(2) for _ in range(4)] if s.rng.random() < 0.6 else [0] * 4
    weights = s.weights(m, c // group, kh, kw, scale=2.0 / np.sqrt(c // group * kh * kw))
    inputs, bias = [x, s.constant(weights)], 0.0
    if s.rng.random() < 0.5:
        inputs.append(s.constant(s.weights(m)))
        bias = 1.0
    y = s.node("Conv", inputs, kernel_shape=[kh, kw], strides=[stride] * 2, pads=pads,
               group=group)
    shape = (n, m, (h + pads[0] + pads[2] - kh) // stride + 1,
             (w + pads[1] + pads[3] - kw) // stride + 1)
    magnitude = float(np.abs(weights.astype(np.float64)).sum((1, 2, 3)).max())
    most, err = summed(x, kh * kw * c // group, magnitude, bias)
    v = Value(y, shape, most=most, err=err)
    if s.rng.random() < 0.3:
        s.keep(v)
    if s.rng.random() < 0.4:
        v = norm_by_channel(s, v)
    if s.rng.random() < 0.5:
        other = s.float(lambda o: o.shape == v.shape)
        if other is not None:
            most, err = added(v, other)
            pair = [v, other] if s.rng.random() < 0.5 else [other, v]
            v = Value(s.node("Add", pair), shape, most=most, err=FUSED * err)
    return s.keep(v)


def deconv(s):
    """Transposed convolution with what often follows it."""
    x = s.float(image)
    if x is None or np.prod(x.shape[2:]) > 300:
        return None
    n, c, h, w = x.shape
    k = s.rng.choice([(2, 2), (3, 3), (4, 4), (1, 2), (3, 2)])
    stride = k if s.rng.random() < 0.4 else [s.rng.choice([1, 2, 3]) for _ in range(2)]
    group = s.rng.choice([1, 1, c, 2 if c % 2 == 0 else 1])
    m = s.rng.choice([1, 2, 4, 8]) if group == 1 else s.rng.choice([1, 2])
    dilation = [1, 1] if s.rng.random() < 0.7 else [2, 1]
    full = [stride[i] * (x.shape[2 + i] - 1) + dilation[i] * (k[i] - 1) + 1 for i in range(2)]
    more = [s.rng.randrange(stride[i]) if s.rng.random() < 0.3 else 0 for i in range(2)]
    pads = [s.rng.randrange(2) if s.rng.random() < 0.5 else 0 for _ in range(4)]
    shape = [n, m * group] + [full[i] + more[i] - pads[i] - pads[2 + i] for i in range(2)]
    if min(shape) < 1 or np.prod(shape) > 20000:
        return None
    weights = s.weights(c, m, *k, scale=2.0 / np.sqrt(c // group))
    inputs, bias = [x, s.constant(weights)], 0.0
    if s.rng.random() < 0.5:
        inputs.append(s.constant(s.weights(m * group)))
        bias = 1.0
    y = s.node("ConvTranspose", inputs, kernel_shape=k, strides=stride, pads=pads, group=group,
               output_padding=more, dilations=dilation)
    of_group = np.abs(weights.astype(np.float64)).reshape(group, c // group, m, -1)
    most, err = summed(x, k[0] * k[1] * c // group, float(of_group.sum((1, 3)).max()), bias)
    v = Value(y, shape, most=most, err=err)
    if s.rng.random() < 0.4:
        v = norm_by_channel(s, v)
    return s.keep(v)


def resize(s):
    """Upsampling by factors and to sizes at which every position is a number that float32 holds."""
    x = s.float(image)
    if x is None:
        return None
    mode = s.rng.choice(["nearest", "nearest", "linear", "cubic"])
    factor = [s.rng.choice([1, 2, 2, 4, 0.5]) for _ in range(2)]
    shape = list(x.shape[:2]) + [int(d * f) for d, f in zip(x.shape[2:], factor)]
    if min(shape) < 1 or np.prod(shape) > 20000:
        return None
    coord = s.rng.choice(["half_pixel", "asymmetric", "pytorch_half_pixel"])
    more = {}
    if mode == "nearest":
        more["nearest_mode"] = s.rng.choice(["floor", "ceil", "round_prefer_floor"])
    if any(int(d * f) != d * f for d, f in zip(x.shape[2:], factor)) or s.rng.random() < 0.6:
        inputs = [x, "", s.constant(np.array([1, 1] + factor, np.float32))]
    else:
        inputs = [x, "", "", s.ints(*shape)]
    y = s.node("Resize", inputs, mode=mode, coordinate_transformation_mode=coord, **more)
    if mode == "nearest":
        return s.keep(like(x, y, shape))
    # Weights sum to 1; those of the cubic add up to at most 1.375 in magnitude, in each dimension.
    # They are rounded, and so are the products: 4 or 16 of them.
    gain, terms = (1.9, 16) if mode == "cubic" else (1.0, 4)
    most = gain * x.most
    return s.keep(Value(y, shape, most=most, err=gain * x.err + (2 * terms + 8) * U * most))


def norm_by_channel(s, x):
    c = x.shape[1]
    scale, shift, mean = s.weights(c), s.weights(c), s.weights(c)
    var = np.abs(s.weights(c)) + np.float32(0.25)
    factor = float((np.abs(scale) / np.sqrt(var)).max())
    if s.rng.random() < 0.7:
        y = s.node("BatchNormalization", [x] + [s.constant(a) for a in (scale, shift, mean, var)])
    else:
        def column(a):
            return s.constant(a.reshape(s.rng.choice([(1, c, 1, 1), (c, 1, 1)])))
        a = (scale / np.sqrt(var)).astype(np.float32)
        y = s.node("Mul", [x, column(a)])
        y = s.node("Add", [y, column((shift - mean * a).astype(np.float32))])
    most = factor * (x.most + 1) + 1
    return Value(y, x.shape, most=most, err=factor * x.err + 8 * FUSED * U * most)


def pool(s):
    x = s.float(image)
    if x is None:
        return None
    n, c, h, w = x.shape
    op = s.rng.choice(["MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"])
    if op.startswith("Global"):
        err = x.err + (h * w + 2) * U * x.most * ("Average" in op)
        return s.keep(Value(s.node(op, [x]), (n, c, 1, 1), most=x.most, err=err))
    k, stride = min(s.rng.choice([2, 3]), h, w), s.rng.choice([1, 2])
    more = {"count_include_pad": s.rng.randrange(2)} if op == "AveragePool" else {}
    pads = [s.rng.randrange(2) if k > 1 else 0 for _ in range(4)]
    y = s.node(op, [x], kernel_shape=[k, k], strides=[stride] * 2, pads=pads, **more)
    shape = (n, c, (h + pads[0] + pads[2] - k) // stride + 1,
             (w + pads[1] + pads[3] - k) // stride + 1)
    err = x.err + (k * k + 2) * U * x.most * (op == "AveragePool")
    return s.keep(Value(y, shape, most=x.most, err=err))


def matmul(s):
    x = s.float(lambda v: v.rank >= 2 and v.shape[-1] > 0)
    if x is None:
        return None
    k, n = x.shape[-1], s.rng.choice([1, 3, 8, 17])
    weights = s.weights(k, n, scale=2.0 / np.sqrt(k))
    magnitude = float(np.abs(weights.astype(np.float64)).sum(0).max())
    most, err = summed(x, k, magnitude, 1.0)
    if x.rank == 2 and s.rng.random() < 0.5:
        turned = s.rng.random() < 0.5
        w = s.constant(weights.T.copy() if turned else weights)
        c = [s.constant(s.weights(n))] if s.rng.random() < 0.7 else []
        y = s.node("Gemm", [x, w] + c, transB=int(turned))
    else:
        y = s.node("MatMul", [x, s.constant(weights)])
        if s.rng.random() < 0.5:
            y = s.node("Add", [y, s.constant(s.weights(n))])
    return s.keep(Value(y, x.shape[:-1] + (n,), most=most, err=err))


def product(s):
    """MatMul of two computed values, one of them turned."""
    x = s.float(lambda v: v.rank >= 2 and 0 < v.shape[-1] and np.prod(v.shape) < 4000)
    if x is None:
        return None
    y = s.float(lambda v: v.rank == x.rank and v.shape[:-2] == x.shape[:-2]
                and v.shape[-1] == x.shape[-1]) or x
    perm = list(range(y.rank))
    perm[-2:] = perm[:-3:-1]
    t = s.node("Transpose", [y], perm=perm)
    k = x.shape[-1]
    one, err = multiplied(x, y)
    most = k * one
    shape = x.shape[:-1] + (y.shape[-2],)
    return s.keep(Value(s.node("MatMul", [x, t]), shape, most=most,
                        err=k * err + (k + 2) * U * most))


def softmax(s):
    x = s.float(lambda v: v.rank >= 1 and min(v.shape) > 0 and v.most < 40)
    if x is None:
        return None
    axis = s.rng.randrange(-x.rank, x.rank)
    n = x.shape[axis]
    if s.rng.random() < 0.5:
        y = s.node("Softmax", [x], axis=axis)
    else:
        top = s.node("ReduceMax", [x], axes=[axis], keepdims=1)
        e = s.node("Exp", [s.node("Sub", [x, top])])
        y = s.node("Div", [e, s.node("ReduceSum", [e, s.ints(axis)], keepdims=1)])
    # exp(x) / sum: |d softmax| <= 2 |dx|; the rounding of x - max is one of dx.
    err = 2 * (x.err + 2 * U * x.most) + (n + 40) * U
    return s.keep(Value(y, x.shape, most=1, err=err))


def layer_norm(s):
    x = s.float(lambda v: v.rank >= 2 and v.shape[-1] > 1)
    if x is None:
        return None
    n, eps = x.shape[-1], 0.25
    mean = s.node("ReduceMean", [x], axes=[-1], keepdims=1)
    d = s.node("Sub", [x, mean])
    if s.rng.random() < 0.5:
        sq = s.node("Pow", [d, s.constant(np.float32(2))])
    else:
        sq = s.node("Mul", [d, d])
    var = s.node("ReduceMean", [sq], axes=[-1], keepdims=1)
    root = s.node("Sqrt", [s.node("Add", [var, s.constant(np.float32(eps))])])
    y = s.node("Div", [d, root])
    m, ed = 2 * x.most, 2 * x.err + (n + 4) * U * 2 * x.most
    ev = 2 * m * ed + ed * ed + (n + 20) * U * m * m
    # y = d / sqrt(v + eps), |y| <= sqrt(n): dy <= dd / sqrt(eps) + |y| dv / (2 eps)
    err = ed / eps ** 0.5 + n ** 0.5 * ev / (2 * eps) + 8 * U * n ** 0.5
    most = n ** 0.5
    if s.rng.random() < 0.6:
        y = s.node("Mul", [y, s.constant(s.weights(n))])
        y = s.node("Add", [y, s.constant(s.weights(n))])
        most += 1
        err += 4 * U * most
    return s.keep(Value(y, x.shape, most=most, err=FUSED * err))


def like(x, name, shape):
    return Value(name, shape, x.dtype, x.most, x.err)


def transpose(s):
    x = s.pick(lambda v: v.rank >= 2)
    if x is None:
        return None
    perm = list(range(x.rank))
    s.rng.shuffle(perm)
    if x.rank == 4 and s.rng.random() < 0.5:
        perm = s.rng.choice([[0, 2, 3, 1], [0, 3, 1, 2]])
    return s.keep(like(x, s.node("Transpose", [x], perm=perm), [x.shape[p] for p in perm]))


def reshape(s):
    """To a constant shape, or to one computed from Shape."""
    x = s.pick(lambda v: 0 < np.prod(v.shape) and v.rank >= 1)
    if x is None:
        return None
    kind = s.rng.randrange(4)
    if kind == 0:
        shape = (x.shape[0], int(np.prod(x.shape[1:])))
        to = s.ints(s.rng.choice([0, x.shape[0]]), -1)
    elif kind == 1:
        shape = (int(np.prod(x.shape)),)
        to = s.ints(-1)
    elif kind == 2:
        head = s.node("Gather", [s.node("Shape", [x]), s.constant(np.int64(0))])
        head = s.node("Unsqueeze", [head, s.ints(0)])
        to = s.node("Concat", [head, s.ints(-1)], axis=0)
        shape = (x.shape[0], int(np.prod(x.shape[1:])))
    else:
        sizes = s.node("Shape", [x])
        a = s.node("Slice", [sizes, s.ints(0), s.ints(1)])
        b = s.node("ReduceProd", [s.node("Slice", [sizes, s.ints(1), s.ints(9)])], axes=[0],
                   keepdims=1)
        to = s.node("Concat", [s.ints(1), b, a], axis=0)
        shape = (1, int(np.prod(x.shape[1:])), x.shape[0])
    return s.keep(like(x, s.node("Reshape", [x, to]), shape))


def squeeze(s):
    x = s.pick(lambda v: v.rank < 5)
    if 1 in x.shape and s.rng.random() < 0.5:
        axis = x.shape.index(1)
        shape = x.shape[:axis] + x.shape[axis + 1:]
        return s.keep(like(x, s.node("Squeeze", [x, s.ints(axis)]), shape))
    axis = s.rng.randrange(x.rank + 1)
    shape = x.shape[:axis] + (1,) + x.shape[axis:]
    return s.keep(like(x, s.node("Unsqueeze", [x, s.ints(axis)]), shape))


def identity(s):
    x = s.pick()
    return s.keep(like(x, s.node("Identity", [x]), x.shape))


def slice_(s):
    x = s.pick(lambda v: v.rank >= 1 and min(v.shape) > 0)
    if x is None:
        return None
    axis = s.rng.randrange(x.rank)
    step = s.rng.choice([1, 1, 2, -1])
    start = s.rng.randrange(x.shape[axis])
    end = s.rng.choice([x.shape[axis], 1 << 62]) if step > 0 else -(1 << 62)
    picked = np.arange(x.shape[axis])[slice(start, None if step < 0 else end, step)]
    y = s.node("Slice", [x, s.ints(start), s.ints(end), s.ints(axis), s.ints(step)])
    shape = list(x.shape)
    shape[axis] = len(picked)
    return s.keep(like(x, y, shape))


def concat(s):
    x = s.pick(lambda v: v.rank >= 1)
    if x is None:
        return None
    axis = s.rng.randrange(x.rank)

    def fit(v):
        return (v.dtype == x.dtype and v.rank == x.rank and
                all(a == b or i == axis for i, (a, b) in enumerate(zip(v.shape, x.shape))))
    parts = [x] + [s.pick(fit) for _ in range(s.rng.randrange(1, 3))]
    s.rng.shuffle(parts)
    shape = list(x.shape)
    shape[axis] = sum(p.shape[axis] for p in parts)
    if np.prod(shape) > 20000:
        return None
    y = s.node("Concat", parts, axis=axis - x.rank * s.rng.randrange(2))
    return s.keep(Value(y, shape, x.dtype, max(p.most for p in parts), max(p.err for p in parts)))


def split(s):
    x = s.pick(lambda v: v.rank >= 1 and max(v.shape) > 1)
    if x is None:
        return None
    axis = s.rng.choice([i for i in range(x.rank) if x.shape[i] > 1])
    first = s.rng.randrange(1, x.shape[axis])
    sizes = (first, x.shape[axis] - first)
    names = s.node("Split", [x, s.ints(*sizes)], n=2, axis=axis)
    for name, size in zip(names, sizes):
        shape = list(x.shape)
        shape[axis] = size
        s.keep(like(x, name, shape))


def pad(s):
    x = s.float(lambda v: 1 <= v.rank <= 4 and min(v.shape) > 1)
    if x is None:
        return None
    mode = s.rng.choice(["constant", "reflect", "edge"])
    pads = [s.rng.randrange(2) for _ in range(2 * x.rank)]
    more = [s.constant(np.float32(0.5))] if mode == "constant" and s.rng.random() < 0.5 else []
    y = s.node("Pad", [x, s.ints(*pads)] + more, mode=mode)
    shape = [d + pads[i] + pads[i + x.rank] for i, d in enumerate(x.shape)]
    return s.keep(like(Value("", (), most=max(x.most, 0.5), err=x.err), y, shape))


def gather(s):
    x = s.pick(lambda v: v.rank >= 1 and min(v.shape) > 0)
    if x is None:
        return None
    axis = s.rng.randrange(x.rank)
    shape = s.rng.choice([(), (2,), (2, 2)])
    at = np.array(np.random.default_rng(s.rng.randrange(99)).integers(
        -x.shape[axis], x.shape[axis], shape), np.int64)
    y = s.node("Gather", [x, s.constant(at)], axis=axis)
    made = x.shape[:axis] + shape + x.shape[axis + 1:]
    return s.keep(like(x, y, made)) if len(made) < 6 else None


def expand(s):
    x = s.float(lambda v: 1 <= v.rank <= 4 and np.prod(v.shape) < 500)
    if x is None:
        return None
    shape = [2 if d == 1 else d for d in x.shape]
    to = s.ints(*shape) if s.rng.random() < 0.5 else s.node("Concat", [s.ints(d) for d in shape],
                                                              axis=0)
    return s.keep(like(x, s.node("Expand", [x, to]), shape))


def reduce_(s):
    x = s.float(lambda v: v.rank >= 1 and min(v.shape) > 0)
    if x is None:
        return None
    axis, keep = s.rng.randrange(x.rank), s.rng.randrange(2)
    op = s.rng.choice(["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"])
    n = x.shape[axis]
    shape = x.shape[:axis] + (1,) * keep + x.shape[axis + 1:]
    if op == "ReduceSum":
        y, most = s.node(op, [x, s.ints(axis)], keepdims=keep), n * x.most
        err = n * x.err + (n + 2) * U * most
    else:
        y, most = s.node(op, [x], axes=[axis], keepdims=keep), x.most
        err = x.err + (n + 2) * U * most * (op == "ReduceMean")
    return s.keep(Value(y, shape, most=most, err=err))


def where(s):
    """A condition on exact values chooses between two others."""
    x = s.float(lambda v: v.exact)
    if x is None:
        return None
    y = s.float(lambda v: v.shape == x.shape) or x
    cond = s.node(s.rng.choice(["Greater", "LessOrEqual"]), [x, s.constant(np.float32(0))])
    out = s.node("Where", [cond, x, y])
    return s.keep(Value(out, x.shape, most=max(x.most, y.most), err=max(x.err, y.err)))


def nonzero(s):
    """As many elements as are positive: their positions, the elements, sums over them."""
    x = s.float(lambda v: v.exact and 1 <= v.rank <= 3 and 0 < np.prod(v.shape) < 100)
    if x is None:
        return None
    op = s.rng.choice(["Greater", "Less"])
    at = s.node("NonZero", [s.node(op, [x, s.constant(np.float32(0.2))])])
    s.keep(Value(at, None, np.int64))
    if s.rng.random() < 0.5:
        got = s.node("GatherND", [x, s.node("Transpose", [at], perm=[1, 0])])
        s.keep(Value(got, None, most=x.most, err=x.err))
    else:
        row = s.node("Gather", [at, s.constant(np.int64(0))])
        got = s.node("Gather", [x, row], axis=0)
        s.keep(Value(got, None, most=x.most, err=x.err))
        got = s.node("Reshape", [got, s.ints(-1)])
    n = int(np.prod(x.shape)) * int(np.prod(x.shape[1:]))
    got = s.node(s.rng.choice(["Relu", "Identity", "Neg"]), [got])
    most = n * x.most
    y = s.node("ReduceSum", [got, s.ints(0)], keepdims=1)
    return s.keep(Value(y, (1,), most=most, err=n * x.err + (n + 2) * U * most))


def condition(s):
    """A bool that only a run knows, or a constant."""
    flag = s.pick(lambda v: v.dtype == np.bool_ and v.shape == ())
    if flag is not None and s.rng.random() < 0.6:
        return flag.name
    x = s.float(lambda v: v.exact and v.rank >= 1 and 0 < np.prod(v.shape) < 2000)
    if x is None or s.rng.random() < 0.15:
        return s.constant(np.bool_(s.rng.random() < 0.5))
    top = s.node("ReduceMax", [x], keepdims=0)
    return s.node("Greater", [top, s.constant(np.float32(0.9))])


def branch(s, want):
    """A graph that computes something of x's shape: (graph, value)."""
    sub = Scope(s.rng, s)
    x = sub.float(lambda v: v.shape == want)
    v = x
    for _ in range(s.rng.randrange(3)):
        STEPS_INSIDE[s.rng.randrange(len(STEPS_INSIDE))](sub)
    same = [v for v in sub.values if v.dtype == np.float32 and v.shape == want]
    if same and s.rng.random() < 0.7:
        v = s.rng.choice(same)
    else:
        v = x
        y = sub.node(s.rng.choice(["Neg", "Abs", "Identity"]), [v])
        v = like(v, y, v.shape)
    if v not in sub.values and (s.rng.random() < 0.5 or v in s.seen()):
        v = like(v, sub.node("Identity", [v]), v.shape)
    return sub, v


def if_(s):
    if s.depth > 2:
        return None
    x = s.float(lambda v: 0 < np.prod(v.shape) < 4000)
    if x is None:
        return None
    cond = condition(s)
    subs = [branch(s, x.shape) for _ in range(2)]
    graphs = [sub.graph("branch", [], [Value(v.name, None)]) for sub, v in subs]
    for g in graphs:
        if s.rng.random() < 0.5:
            g.output[0].type.tensor_type.ClearField("shape")
    y = s.node("If", [cond], then_branch=graphs[0], else_branch=graphs[1])
    a, b = (v for _, v in subs)
    most, err = max(a.most, b.most), max(a.err, b.err)
    if a.shape == b.shape:
        return s.keep(Value(y, a.shape, most=most, err=err))
    s.keep(Value(y, None, most=most, err=err))
    flat = s.node("Reshape", [y, s.ints(-1)])
    top = s.node("ReduceMax", [flat], axes=[0], keepdims=1)
    return s.keep(Value(top, (1,), most=most, err=err))


def loop(s):
    """a' = act(k a + captured), b' = b with a row more; a and the number of the round are stacked.
    """
    if s.depth > 1:
        return None
    x = s.float(lambda v: 0 < np.prod(v.shape) < 2000)
    if x is None:
        return None
    c = s.float(lambda v: fits(v.shape, x.shape) and
                np.broadcast_shapes(v.shape, x.shape) == x.shape)
    if c is None:
        return None
    rounds = s.rng.choice([0, 1, 2, 5])
    trip = s.pick(lambda v: v.dtype == np.int64 and v.shape == () and v.name.startswith("in"))
    known = trip is None or s.rng.random() < 0.5
    trip = s.constant(np.int64(rounds)) if known else trip.name
    rounds = rounds if known else 4
    sub = Scope(s.rng, s)
    i, go, a, b = (sub.fresh("l") for _ in range(4))
    t = sub.node("Mul", [a, sub.constant(np.float32(0.75))])
    t = sub.node("Add", [t, c])
    inner = s.rng.random() < 0.4
    if inner:
        two = sub.constant(np.int64(2))
        odd = sub.node("Equal", [sub.node("Mod", [i, two]), sub.constant(np.int64(1))])
        arms = []
        for op in ("Tanh", "Sigmoid"):
            arm = Scope(s.rng, sub)
            arms.append(arm.graph("arm", [], [Value(arm.node(op, [t]), x.shape)]))
        a_next = sub.node("If", [odd], then_branch=arms[0], else_branch=arms[1])
    else:
        a_next = sub.node(s.rng.choice(["Tanh", "Sigmoid", "Identity"]), [t])
    grown = sub.node("Unsqueeze", [i, sub.ints(0)])
    b_next = sub.node("Concat", [b, grown], axis=0)
    row = sub.node(s.rng.choice(["Identity", "Neg"]), [a_next])
    stop = s.rng.random() < 0.3
    if stop:
        go_next = sub.node("Less", [i, sub.constant(np.int64(2))])
    else:
        go_next = sub.node("Identity", [go])
    number = sub.node("Identity", [i])
    body = sub.graph("body",
                     [Value(i, (), np.int64), Value(go, (), np.bool_), Value(a, x.shape),
                      Value(b, None, np.int64)],
                     [Value(go_next, (), np.bool_), Value(a_next, None), Value(b_next, None,
                                                                               np.int64),
                      Value(row, None), Value(number, (), np.int64)])
    for v in [body.input[3], *body.output[1:4]]:
        v.type.tensor_type.ClearField("shape")
    start = s.constant(np.zeros(0, np.int64))
    going = "" if s.rng.random() < 0.5 else s.constant(np.bool_(True))
    last, numbers, rows, count = s.node("Loop", [trip, going, x, start], n=4, body=body)
    most, err = max(x.most, 1), x.err
    for _ in range(rounds):
        most = max(0.75 * most + c.most, 1)
        err = 0.75 * err + c.err + 24 * U * most
    s.keep(Value(last, x.shape, most=most, err=err))
    for name, dtype in ((numbers, np.int64), (rows, np.float32), (count, np.int64)):
        v = s.keep(Value(name, None, dtype, most, err))
        v.wanted = True


def scan(s):
    """Running products of a state with slices along some axis, in some direction."""
    x = s.float(lambda v: v.rank >= 1 and min(v.shape) > 0 and np.prod(v.shape) < 2000)
    if x is None or s.depth > 1:
        return None
    axis = s.rng.randrange(x.rank)
    rest = x.shape[:axis] + x.shape[axis + 1:]
    out_axis = s.rng.randrange(len(rest) + 1)
    start = Value(s.constant(s.weights(*rest)), rest)
    sub = Scope(s.rng, s)
    a, piece = sub.fresh("s"), sub.fresh("s")
    t = sub.node("Mul", [a, sub.constant(np.float32(0.5))])
    a_next = sub.node("Add", [t, piece])
    y = sub.node("Identity", [a_next])
    body = sub.graph("body", [Value(a, rest), Value(piece, rest)],
                     [Value(a_next, rest), Value(y, rest)])
    last, rows = s.node("Scan", [start, x], n=2, body=body, num_scan_inputs=1,
                        scan_input_axes=[axis], scan_input_directions=[s.rng.randrange(2)],
                        scan_output_axes=[out_axis],
                        scan_output_directions=[s.rng.randrange(2)])
    n = x.shape[axis]
    most, err = 1.0, 0.0
    for _ in range(n):
        most = 0.5 * most + x.most
        err = 0.5 * err + x.err + 2 * U * most
    most = max(most, 2 * x.most + 1)
    err = max(err, 2 * x.err + 4 * U * most)
    s.keep(Value(last, rest, most=most, err=err))
    shape = rest[:out_axis] + (n,) + rest[out_axis:]
    return s.keep(Value(rows, shape, most=most, err=err))


def numbers(s, *shape, below):
    """Constant positions in an extent, some of them counted from its end."""
    r = np.random.default_rng(s.rng.randrange(1 << 30))
    return r.integers(-below, below, shape)


def exact(s):
    return s.float(lambda v: v.exact and v.rank >= 1 and 0 < np.prod(v.shape) < 2000)


def extreme(s):
    """Where the extremes are; k of them in order.  Inputs are random: no two are equal, unless a
    value was repeated, and then the first is meant by both engines."""
    x = exact(s)
    if x is None:
        return None
    axis = s.rng.randrange(-x.rank, x.rank)
    if s.rng.random() < 0.5:
        keep, op = s.rng.randrange(2), s.rng.choice(["ArgMax", "ArgMin"])
        shape = list(x.shape)
        shape[axis] = 1
        if not keep:
            del shape[axis]
        y = s.node(op, [x], axis=axis, keepdims=keep, select_last_index=s.rng.randrange(2))
        return s.keep(Value(y, shape, np.int64, most=max(x.shape)))
    k = s.rng.randrange(1, x.shape[axis] + 1)
    names = s.node("TopK", [x, s.ints(k)], n=2, axis=axis, largest=s.rng.randrange(2))
    shape = list(x.shape)
    shape[axis] = k
    s.keep(Value(names[1], shape, np.int64, most=max(x.shape)))
    return s.keep(like(x, names[0], shape))


def scatter(s):
    """Updates at constant places: one for each, as onnxruntime does not say which of two wins."""
    x = s.float(lambda v: 1 <= v.rank <= 4 and 0 < np.prod(v.shape) < 2000)
    if x is None:
        return None
    axis = s.rng.randrange(x.rank)
    n = s.rng.randrange(1, x.shape[axis] + 1)
    if s.rng.random() < 0.5:
        lane = np.random.default_rng(s.rng.randrange(99)).permutation(x.shape[axis])[:n]
        shape = list(x.shape)
        shape[axis] = n
        at = np.broadcast_to(lane.reshape([-1 if i == axis else 1 for i in range(x.rank)]), shape)
        inputs = [x, s.constant(np.ascontiguousarray(at)), s.constant(s.weights(*shape))]
        more = {"reduction": s.rng.choice(["none", "add", "mul"])}
        y = s.node("ScatterElements", inputs, axis=axis, **more)
    else:
        rows = np.random.default_rng(s.rng.randrange(99)).permutation(x.shape[0])
        rows = rows[:s.rng.randrange(1, x.shape[0] + 1)]
        inputs = [x, s.constant(rows[:, None]), s.constant(s.weights(len(rows), *x.shape[1:]))]
        y = s.node("ScatterND", inputs)
    most = x.most + 1
    return s.keep(Value(y, x.shape, most=most, err=x.err + U * most))


def gather_elements(s):
    x = s.pick(lambda v: 1 <= v.rank and 0 < np.prod(v.shape) < 2000)
    if x is None:
        return None
    axis = s.rng.randrange(x.rank)
    shape = [s.rng.randrange(1, d + 1) for d in x.shape]
    shape[axis] = s.rng.randrange(1, 9)
    at = s.constant(numbers(s, *shape, below=x.shape[axis]))
    return s.keep(like(x, s.node("GatherElements", [x, at], axis=axis), shape))


def running_sum(s):
    x = s.float(lambda v: v.rank >= 1 and 0 < np.prod(v.shape) < 2000 and v.most < 100)
    if x is None:
        return None
    axis = s.rng.randrange(-x.rank, x.rank)
    n = x.shape[axis]
    y = s.node("CumSum", [x, s.constant(np.int64(axis))], reverse=s.rng.randrange(2),
               exclusive=s.rng.randrange(2))
    most = n * x.most
    return s.keep(Value(y, x.shape, most=most, err=n * x.err + n * U * most))


def triangle(s):
    x = s.float(lambda v: v.rank >= 2)
    if x is None:
        return None
    k = [s.constant(np.int64(s.rng.randrange(-3, 4)))] if s.rng.random() < 0.7 else []
    return s.keep(like(x, s.node("Trilu", [x] + k, upper=s.rng.randrange(2)), x.shape))


def one_hot(s):
    x = s.pick(lambda v: v.dtype == np.int64 and 1 <= v.rank < 5 and np.prod(v.shape) < 500)
    if x is None:
        return None
    depth, axis = s.rng.randrange(1, 6), s.rng.randrange(-x.rank - 1, x.rank + 1)
    y = s.node("OneHot", [x, s.constant(np.int64(depth)),
                          s.constant(np.array([-0.5, 1.5], np.float32))], axis=axis)
    shape = list(x.shape)
    shape.insert(axis if axis >= 0 else x.rank + 1 + axis, depth)
    return s.keep(Value(y, shape, most=1.5))


def einsum(s):
    """A contraction of x with weights over some of its axes; the rest in any order."""
    x = s.float(lambda v: 1 <= v.rank <= 4 and 0 < np.prod(v.shape) < 1000)
    if x is None:
        return None
    letters = "abcd"[:x.rank]
    batch = [c for c in letters if s.rng.random() < 0.3]
    summed_up = [c for c in letters if c not in batch and s.rng.random() < 0.5]
    size = dict(zip(letters, x.shape), x=s.rng.choice([1, 3, 5]))
    second = batch + summed_up + ["x"] * s.rng.randrange(2)
    out = [c for c in letters if c not in summed_up] + [c for c in second if c == "x"]
    s.rng.shuffle(second)
    if s.rng.random() < 0.5:
        s.rng.shuffle(out)
    if not second:
        return None
    weights = s.weights(*[size[c] for c in second])
    inputs = [x, s.constant(weights)]
    terms = ["".join(letters), "".join(second)]
    if s.rng.random() < 0.5:
        inputs, terms = inputs[::-1], terms[::-1]
    y = s.node("Einsum", inputs, equation=",".join(terms) + "->" + "".join(out))
    n = int(np.prod([size[c] for c in summed_up]))
    most = n * x.most
    return s.keep(Value(y, [size[c] for c in out], most=most,
                        err=n * x.err + (n + 2) * U * most))


def curve(s):
    """Functions of one number that run in double where there is no kernel."""
    x = s.float(lambda v: v.most <= 3)
    op = s.rng.choice(["Asinh", "Atan", "Sinh", "Cosh", "Shrink", "IsNaN", "IsInf"])
    if x is None or (op == "Shrink" and not x.exact):
        return None
    if op.startswith("Is"):
        return s.keep(Value(s.node(op, [x]), x.shape, np.bool_))
    if op == "Shrink":
        return s.keep(like(x, s.node(op, [x], bias=0.0, lambd=0.25), x.shape))
    steep = np.cosh(x.most) if op in ("Sinh", "Cosh") else 1
    return s.keep(Value(s.node(op, [x]), x.shape, most=max(1, steep),
                        err=steep * x.err + 16 * U * max(1, steep)))


def chosen_rows(s):
    """Compress: as many rows as a run says."""
    x = s.float(lambda v: v.exact and 1 <= v.rank and 0 < np.prod(v.shape) < 500)
    if x is None:
        return None
    flat = s.node("Reshape", [x, s.ints(-1)])
    flags = s.node("Greater", [flat, s.constant(np.float32(0.1))])
    got = s.node("Compress", [x, flags])
    s.keep(Value(got, None, most=x.most, err=x.err))
    n = int(np.prod(x.shape))
    y = s.node("ReduceSum", [got, s.ints(0)], keepdims=1)
    return s.keep(Value(y, (1,), most=n * x.most, err=n * x.err + (n + 2) * U * n * x.most))


STEPS_INSIDE = [unary, binary, transpose, reshape, slice_, concat, squeeze, identity, swish,
                reduce_, if_]
THEMES = {
    "elementwise": [unary, binary, binary, binary, swish, clip, identity, squeeze, where],
    "convolution": [conv, conv, conv, conv, unary, swish, pool, binary, clip, concat, transpose],
    "upsampling": [conv, conv, deconv, deconv, resize, resize, unary, binary, concat, pool, split,
                   slice_, pad, softmax, reduce_, swish],
    "attention": [matmul, matmul, product, softmax, layer_norm, transpose, reshape, binary, swish],
    "shapes": [reshape, slice_, concat, split, pad, gather, expand, squeeze, transpose, reduce_],
    "control": [if_, if_, loop, scan, unary, binary, conv, reshape, nonzero],
    "data": [nonzero, where, gather, reshape, if_, binary, slice_],
    "index": [extreme, scatter, gather_elements, running_sum, triangle, one_hot, einsum, curve,
              chosen_rows, gather, transpose, reshape, binary, slice_],
}


class Case:
    """model, feeds (two of them), bounds by output name."""


def make(seed):
    rng = random.Random(seed)
    theme = rng.choice(sorted(THEMES))
    s = Scope(rng)
    shapes = {"convolution": [(2, 3, 9, 8), (1, 4, 7, 7), (1, 8, 6, 5)],
              "upsampling": [(1, 3, 6, 8), (2, 4, 5, 4), (1, 8, 3, 6)],
              "attention": [(6, 16), (2, 5, 8), (1, 7, 12)]}
    inputs = []
    for k in range(rng.randrange(1, 4)):
        shape = rng.choice(shapes.get(theme, [(), (5,), (3, 4), (2, 1, 6), (1, 4, 6, 5),
                                              (2, 3, 4)]))
        inputs.append(s.keep(Value(f"in{k}", shape)))
    if theme in ("control", "data") or rng.random() < 0.2:
        inputs.append(s.keep(Value("in_c", (), np.bool_)))
        inputs.append(s.keep(Value("in_n", (), np.int64)))
    if all(not v.shape for v in inputs if v.dtype == np.float32):
        inputs.append(s.keep(Value("in9", (4, 3))))
    steps = THEMES[theme] if rng.random() < 0.7 else sum(THEMES.values(), [])
    for _ in range(rng.randrange(2, 14)):
        rng.choice(steps)(s)
    return finish(seed, rng, theme, s, inputs)


def finish(seed, rng, theme, s, inputs):
    made = [v for v in s.values if v not in inputs]
    if not made:
        made = [Value(s.node("Identity", [inputs[0]]), inputs[0].shape)]
    outputs = [made[-1]] + [v for v in made[:-1] if getattr(v, "wanted", False) or
                            v.shape is None or rng.random() < 0.3]
    if rng.random() < 0.1 and inputs[0] not in outputs:
        outputs.append(inputs[0])
    names = rng.random() < 0.5
    def info(v, is_input):
        shape = v.shape
        if shape is not None and names and is_input:
            shape = [f"d{v.name}_{i}" if rng.random() < 0.5 else d for i, d in enumerate(shape)]
        if not is_input and rng.random() < 0.5:
            shape = None
        return helper.make_tensor_value_info(v.name, KIND[v.dtype], shape)
    graph = helper.make_graph(s.nodes, f"seed_{seed}_{theme}", [info(v, True) for v in inputs],
                              [info(v, False) for v in outputs], s.inits)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    case = Case()
    case.seed, case.theme, case.model = seed, theme, model
    case.bounds = {v.name: v.err if v.dtype == np.float32 else 0 for v in outputs}
    case.feeds = [feed(inputs, np.random.default_rng(2 * seed + k), k) for k in range(2)]
    return case


def feed(inputs, r, k):
    arrays = {}
    for v in inputs:
        if v.dtype == np.bool_:
            arrays[v.name] = np.array(k == 0)
        elif v.dtype == np.int64:
            arrays[v.name] = np.array(3 if k == 0 else 1, np.int64)
        else:
            arrays[v.name] = r.uniform(-1, 1, v.shape).astype(np.float32)
    return arrays
