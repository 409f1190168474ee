// What numpy computes along axes, and how it moves elements.
import { arrayOf, cast, each, exact, gather, isArray, isFloat, isWhole, make, PlanError, range, result,
  sizeOf, stridesOf, broadcast, walk } from './arrays.js';
import { iterate } from './sequences.js';

// Sums in pairs as numpy does, rounded to the dtype after each addition.
function pairwise(data, from, n, float) {
  if (n < 8) {
    let sum = -0;
    for (let i = 0; i < n; i++) sum = float(sum + data[from + i]);
    return sum;
  }
  if (n <= 128) {
    const r = Array.from({ length: 8 }, (_, i) => data[from + i]);
    let i = 8;
    for (; i < n - (n % 8); i += 8) {
      for (let k = 0; k < 8; k++) r[k] = float(r[k] + data[from + i + k]);
    }
    let sum = float(float(float(r[0] + r[1]) + float(r[2] + r[3]))
      + float(float(r[4] + r[5]) + float(r[6] + r[7])));
    for (; i < n; i++) sum = float(sum + data[from + i]);
    return sum;
  }
  let half = Math.floor(n / 2);
  half -= half % 8;
  return float(pairwise(data, from, half, float) + pairwise(data, from + half, n - half, float));
}

function sequential(data, n, float) {
  let sum = data[0];
  for (let i = 1; i < n; i++) sum = float(sum + data[i]);
  return sum;
}

const floatOf = (dtype) => (dtype === 'float32' ? Math.fround : dtype.endsWith('int64') ? exact
  : (x) => x);
const empty = (what) => new PlanError('ValueError', `${what} of an empty array`);

function largest(data, n, better, index) {
  if (!n) throw empty('the largest or smallest element');
  let at = 0;
  for (let i = 1; i < n; i++) {
    if (data[at] !== data[at]) break;
    if (better(data[i], data[at]) || data[i] !== data[i]) at = i;
  }
  return index ? at : data[at];
}

const isTrue = (x) => x !== 0; // NaN is true
const more = (a, b) => a > b;
const less = (a, b) => a < b;
const reductions = {
  sum: (data, n, { dtype, inner }) => (n === 0 ? 0 : inner && isFloat(dtype)
    ? pairwise(data, 0, n, floatOf(dtype)) + 0 : sequential(data, n, floatOf(dtype))),
  prod: (data, n, { dtype }) => {
    let product = 1;
    for (let i = 0; i < n; i++) product = floatOf(dtype)(product * data[i]);
    return product;
  },
  mean: (data, n, how) => reductions.sum(data, n, how) / n,
  max: (data, n) => largest(data, n, more, false),
  min: (data, n) => largest(data, n, less, false),
  argmax: (data, n) => largest(data, n, more, true),
  argmin: (data, n) => largest(data, n, less, true),
  any: (data, n) => data.subarray(0, n).some(isTrue),
  all: (data, n) => data.subarray(0, n).every(isTrue),
  var: (data, n, how) => {
    const float = floatOf(how.dtype);
    const mean = float(reductions.mean(data, n, how));
    const squares = data.slice(0, n).map((x) => float(float(x - mean) ** 2));
    return reductions.sum(squares, n, how) / Math.max(n - how.ddof, 0);
  },
  std: (data, n, how) => Math.sqrt(floatOf(how.dtype)(reductions.var(data, n, how))),
};

export const reductionNames = Object.keys(reductions);

/** op along axes; none: along all. */
export function reduce(op, [x], { dtype, axes, keep, of, ddof }) {
  const from = arrayOf(x);
  const rank = from.dims.length;
  const gone = new Set(axes ? axes.map((axis) => (axis + rank) % rank) : range(rank));
  const strides = stridesOf(from.dims);
  const offsets = (wanted) => range(rank).filter((axis) => gone.has(axis) === wanted)
    .map((axis) => range(from.dims[axis], strides[axis]));
  const [kept, through] = [offsets(false), offsets(true)];
  const n = sizeOf(through.map((list) => list.length));
  // Along the last axes the elements lie side by side, and numpy adds in pairs.
  const inner = range(rank).every((axis) => gone.has(axis) || axis < rank - gone.size);
  const numbers = op === 'sum' || op === 'mean' || op === 'prod' || op === 'var' || op === 'std'
    ? dtype : of === 'bool' ? 'uint8' : of;
  const column = make(numbers, [n]).data;
  const made = make(dtype, range(rank).filter((axis) => keep || !gone.has(axis))
    .map((axis) => (gone.has(axis) ? 1 : from.dims[axis])));
  each(kept, 0, (i, at) => {
    each(through, at, (k, place) => { column[k] = from.data[place]; });
    made.data[i] = reductions[op](column, n, { dtype: numbers, inner, ddof });
  });
  const found = result(made);
  return isArray(found) || dtype !== 'bool' ? found : Boolean(found);
}

const order = (a, b) => (a === b ? 0 : a !== a ? (b !== b ? 0 : 1) : b !== b ? -1 : a < b ? -1 : 1);

/** sort and argsort along an axis; equal elements keep their order. */
export function sorted([x], { dtype, axis }, indices) {
  const at = (axis + x.dims.length) % x.dims.length;
  const strides = stridesOf(x.dims);
  const made = make(dtype, x.dims);
  const rest = range(x.dims.length).filter((one) => one !== at)
    .map((one) => range(x.dims[one], strides[one]));
  each(rest, 0, (_, base) => {
    const found = range(x.dims[at]).sort((a, b) => order(x.data[base + a * strides[at]],
      x.data[base + b * strides[at]]));
    found.forEach((from, i) => {
      made.data[base + i * strides[at]] = indices ? from : x.data[base + from * strides[at]];
    });
  });
  return made;
}

// ---- indices ------------------------------------------------------------------------------------

/** Start, step and number of a slice of n elements. */
export function bounds(n, start, stop, step) {
  const by = step ?? 1;
  if (by === 0) throw new PlanError('ValueError', 'slice step cannot be zero');
  const limit = (x, none) => (x === null ? none : x < 0 ? Math.max(x + n, by < 0 ? -1 : 0)
    : Math.min(x, by < 0 ? n - 1 : n));
  const first = limit(start, by < 0 ? n - 1 : 0);
  const end = limit(stop, by < 0 ? -1 : n);
  return [first, by, Math.max(0, Math.ceil((end - first) / by))];
}

const inside = (at, n, axis) => {
  if (at >= -n && at < n) return at < 0 ? at + n : at;
  throw new PlanError('IndexError', `index ${at} is out of bounds for axis ${axis} with size ${n}`);
};

// Where the elements of an index lie: the place of the first, and offsets for each axis that is left.
function select(x, args, form) {
  const strides = stridesOf(x.dims);
  const offsets = [];
  let [axis, next, base] = [0, 0, 0];
  const take = () => args[next++];
  for (const kind of form) {
    if (kind === 'n') {
      offsets.push([0]);
      continue;
    }
    const [n, stride] = [x.dims[axis], strides[axis]];
    if (kind === 'i') base += inside(take(), n, axis) * stride;
    else if (kind === 's') {
      const [start, step, count] = bounds(n, take(), take(), take());
      offsets.push(range(count, step * stride, start * stride));
    } else {
      const picks = take();
      const list = Array.from(isArray(picks) ? picks.data : picks);
      if (kind === 'm' && list.length !== n) {
        throw new PlanError('IndexError', `boolean index did not match indexed array along axis ${axis
        }; size of axis is ${n} but size of corresponding boolean axis is ${list.length}`);
      }
      const chosen = kind === 'm' ? range(n).filter((i) => list[i]) : list;
      offsets.push(chosen.map((at) => inside(at, n, axis) * stride));
    }
    axis += 1;
  }
  for (; axis < x.dims.length; axis++) offsets.push(range(x.dims[axis], strides[axis]));
  return { base, offsets };
}

const element = (dtype, x) => (dtype === 'bool' ? Boolean(x) : x);

/** x[...]. */
export function index([given, ...args], { dtype, form }) {
  const x = arrayOf(given, dtype);
  const { base, offsets } = select(x, args, form);
  if (!offsets.length) return element(x.dtype, x.data[base]);
  return gather(x.data, x.dtype, base, offsets);
}

/** x with x[...] = value. */
export function setItem([x, value, ...args], { dtype, form }) {
  const { base, offsets } = select(x, args, form);
  const dims = offsets.map((list) => list.length);
  const put = cast(value, dtype, isWhole(dtype));
  let own = put.dims;
  while (own.length > dims.length && own[0] === 1) own = own.slice(1);
  const fits = broadcast([dims, own]);
  if (fits.length !== dims.length || fits.some((n, i) => n !== dims[i])) {
    throw new PlanError('ValueError', `could not broadcast input array from shape (${put.dims
    }) into shape (${dims})`);
  }
  const made = make(dtype, x.dims, x.data.slice());
  const places = new Float64Array(sizeOf(dims));
  each(offsets, base, (i, at) => { places[i] = at; });
  walk(dims, [own], (i, [at]) => { made.data[places[i]] = put.data[at]; });
  return made;
}

/** What is put in the place of an array has its extents. */
export function fits([x, before]) {
  const made = arrayOf(x);
  const dims = broadcast([made.dims, before.dims]);
  if (dims.length !== before.dims.length || dims.some((n, i) => n !== before.dims[i])) {
    throw new PlanError('ValueError', `non-broadcastable output operand with shape (${before.dims
    }) doesn't match the broadcast shape (${dims})`);
  }
  if (sizeOf(made.dims) === sizeOf(dims)) return make(before.dtype, dims, made.data);
  const wide = make(before.dtype, dims);
  walk(dims, [made.dims], (i, [at]) => { wide.data[i] = made.data[at]; });
  return wide;
}

// ---- shapes -------------------------------------------------------------------------------------

/** x.reshape(shape). */
export function reshape([given, shape], { dtype }) {
  const x = arrayOf(given, dtype);
  const wanted = [shape].flat();
  const rest = wanted.reduce((product, n) => (n === -1 ? product : product * n), 1);
  const dims = wanted.map((n) => (n === -1 ? x.data.length / rest : n));
  if (sizeOf(dims) === x.data.length && dims.every(Number.isInteger)) return make(x.dtype, dims, x.data);
  throw new PlanError('ValueError', `cannot reshape array of size ${x.data.length} into shape (${wanted})`);
}

export function transpose([x], { order: axes }) {
  const strides = stridesOf(x.dims);
  return gather(x.data, x.dtype, 0, axes.map((axis) => range(x.dims[axis], strides[axis])));
}

export function squeeze([x], { axes }) {
  for (const axis of axes) {
    if (x.dims[axis] !== 1) {
      throw new PlanError('ValueError', 'cannot select an axis to squeeze out which has size not equal '
        + 'to one');
    }
  }
  return make(x.dtype, x.dims.filter((_, axis) => !axes.includes(axis)), x.data);
}

/** Arrays one behind the other along an axis. */
export function concatenate([list], { dtype, axis }) {
  const arrays = list.map((x) => cast(x, dtype));
  const [first] = arrays;
  for (const { dims } of arrays) {
    if (dims.some((n, i) => i !== axis && n !== first.dims[i])) {
      throw new PlanError('ValueError', 'all the input array dimensions except for the concatenation axis '
        + `must match exactly, but there are (${first.dims}) and (${dims})`);
    }
  }
  const sum = arrays.reduce((total, { dims }) => total + dims[axis], 0);
  const made = make(dtype, first.dims.with(axis, sum));
  const outer = sizeOf(first.dims.slice(0, axis));
  const inner = sizeOf(first.dims.slice(axis + 1));
  let at = 0;
  for (let i = 0; i < outer; i++) {
    for (const { dims, data } of arrays) {
      const n = dims[axis] * inner;
      for (let k = 0; k < n; k++) made.data[at++] = data[i * n + k];
    }
  }
  return made;
}

/** Arrays beside each other along a new axis. */
export function stack([list], { dtype, axis }) {
  const arrays = list.map((x) => arrayOf(x));
  if (arrays.some(({ dims }) => `${dims}` !== `${arrays[0].dims}`)) {
    throw new PlanError('ValueError', 'all input arrays must have the same shape');
  }
  return concatenate([arrays.map(({ dtype: own, dims, data }) =>
    make(own, dims.toSpliced(axis, 0, 1), data))], { dtype, axis });
}

export function pad([x, widths, fill], { dtype }) {
  const made = make(dtype, x.dims.map((n, i) => n + widths[i][0] + widths[i][1]));
  made.data.fill(arrayOf(fill).data[0]);
  const strides = stridesOf(made.dims);
  const offsets = x.dims.map((n, i) => range(n, strides[i], widths[i][0] * strides[i]));
  each(offsets, 0, (i, at) => { made.data[at] = x.data[i]; });
  return made;
}

// ---- lists --------------------------------------------------------------------------------------

/** An array of numbers, lists in lists, and arrays in them. */
export function fromList([value], { dtype }) {
  const flat = [];
  const dims = [];
  const go = (one, depth) => {
    const list = isArray(one) ? null : typeof one === 'object' && one !== null ? [...iterate(one)] : null;
    const own = list ? [list.length] : isArray(one) ? one.dims : [];
    own.forEach((n, i) => {
      dims[depth + i] ??= n;
      if (dims[depth + i] !== n) {
        throw new PlanError('ValueError', 'setting an array element with a sequence. The requested array '
          + 'has an inhomogeneous shape');
      }
    });
    if (list) for (const item of list) go(item, depth + 1);
    else if (isArray(one)) for (const number of one.data) flat.push(number);
    else flat.push(one);
  };
  go(value, 0);
  if (dtype === 'str') return make(dtype, dims, flat);
  const whole = isWhole(dtype);
  return cast(make('float64', dims, Float64Array.from(flat, (x) => (whole ? exact(Math.trunc(x))
    : Number(x)))), dtype, true);
}

/** x.tolist(). */
export function toList([x]) {
  const go = (axis, at, size) => {
    if (axis === x.dims.length) return element(x.dtype, x.data[at]);
    const step = size / x.dims[axis];
    return range(x.dims[axis]).map((i) => go(axis + 1, at + i * step, step));
  };
  return go(0, 0, x.data.length);
}

export function full([shape, fill], { dtype }) {
  const made = make(dtype, [shape].flat());
  made.data.fill(cast(fill, dtype, true).data[0]);
  return made;
}
