// Arrays as numpy has them: { dtype, dims, data }, the last extent's elements side by side.  Every step
// makes a new one.  int64 and uint64 are held in Float64Array, and more than 53 bits are an error.

export class PlanError extends Error {
  constructor(kind, message, details) {
    super(message);
    Object.assign(this, { name: kind, ...details });
  }
}

/** What a page cannot compute as Python does: no handler of the program gets to see it. */
export class LimitError extends PlanError {
  constructor(message) {
    super('LimitError', message);
  }
}

const stores = { float32: Float32Array, float64: Float64Array, int8: Int8Array, int16: Int16Array,
  int32: Int32Array, int64: Float64Array, uint8: Uint8Array, uint16: Uint16Array,
  uint32: Uint32Array, uint64: Float64Array, bool: Uint8Array, str: Array };

export const isArray = (x) => x !== null && typeof x === 'object' && x.dtype !== undefined;
export const isFloat = (dtype) => dtype.startsWith('float');
export const isWhole = (dtype) => /^u?int/.test(dtype);
export const sizeOf = (dims) => dims.reduce((product, n) => product * n, 1);

export const make = (dtype, dims, data = new stores[dtype](sizeOf(dims))) => ({ dtype, dims, data });

/** What numpy makes of a whole result: an array, or without extents its element. */
export const result = (array) => (array.dims.length ? array : array.data[0]);

/** An operand as an array; a number as one without extents. */
export const arrayOf = (x, dtype) => (isArray(x) ? x
  : make(dtype ?? (typeof x === 'string' ? 'str' : 'float64'), [],
    [typeof x === 'boolean' ? Number(x) : x]));

const limits = (dtype) => {
  const bits = Number(dtype.replace(/\D/g, ''));
  return dtype[0] === 'u' ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
};

/** A whole number that is held exactly. */
export function exact(x) {
  if (Number.isSafeInteger(x)) return x + 0; // there is no -0
  throw new LimitError('a whole number of more than 53 bits, which a page without '
    + 'Python does not have');
}

/** A number of Python's in an operation on arrays of a dtype. */
export function weak(x, dtype) {
  const number = Number(x);
  if (dtype === 'float32') return Math.fround(number);
  if (isWhole(dtype)) {
    const [least, most] = limits(dtype);
    if (number < least || number > most) {
      throw new PlanError('OverflowError', `Python integer ${number} out of bounds for ${dtype}`);
    }
  }
  return number;
}

/** Another dtype.  limited: numbers with a fraction have to fit it. */
export function cast(x, dtype, limited) {
  const from = arrayOf(x);
  if (dtype === 'bool') return make(dtype, from.dims, Uint8Array.from(from.data, (v) => (v === 0 ? 0 : 1)));
  if (dtype === 'str') return make(dtype, from.dims, Array.from(from.data, String));
  const { data } = make(dtype, from.dims);
  if (!isWhole(dtype) || isWhole(from.dtype) || from.dtype === 'bool') {
    const wide = dtype.endsWith('int64');
    for (let i = 0; i < data.length; i++) data[i] = wide ? exact(from.data[i]) : from.data[i];
    return make(dtype, from.dims, data);
  }
  const [least, most] = limits(dtype);
  for (let i = 0; i < data.length; i++) {
    const whole = Math.trunc(from.data[i]);
    if (limited && !(whole >= least && whole <= most)) {
      throw new LimitError(`${from.data[i]} does not fit ${dtype}; what numpy makes of it `
        + 'depends on the machine');
    }
    data[i] = whole;
  }
  return make(dtype, from.dims, data);
}

/** Elements from one to the next of each axis. */
export function stridesOf(dims) {
  const strides = new Array(dims.length);
  let step = 1;
  for (let i = dims.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= dims[i];
  }
  return strides;
}

/** The extents of an elementwise result. */
export function broadcast(shapes) {
  const rank = Math.max(...shapes.map((dims) => dims.length));
  return Array.from({ length: rank }, (_, axis) => {
    let found = 1;
    for (const dims of shapes) {
      const n = dims[axis - rank + dims.length] ?? 1;
      if (n === 1 || n === found) continue;
      if (found !== 1) {
        throw new PlanError('ValueError', `operands could not be broadcast together with shapes ${
          shapes.map((one) => `(${one})`).join(' ')}`);
      }
      found = n;
    }
    return found;
  });
}

/** Calls each(i, places) for every element of dims: places[k] is where that of shapes[k] lies. */
export function walk(dims, shapes, each) {
  const total = sizeOf(dims);
  const last = dims.length ? dims.at(-1) : 1;
  const steps = shapes.map((own) => {
    const strides = stridesOf(own);
    return dims.map((_, axis) => {
      const at = axis - dims.length + own.length;
      return at < 0 || own[at] === 1 ? 0 : strides[at];
    });
  });
  const at = dims.map(() => 0);
  const places = shapes.map(() => 0);
  const inner = steps.map((one) => one.at(-1) ?? 0);
  for (let i = 0; i < total; i += last) {
    for (let k = 0; k < places.length; k++) {
      places[k] = 0;
      for (let axis = 0; axis < dims.length - 1; axis++) places[k] += at[axis] * steps[k][axis];
    }
    for (let j = 0; j < last; j++) {
      each(i + j, places);
      for (let k = 0; k < places.length; k++) places[k] += inner[k];
    }
    for (let axis = dims.length - 2; axis >= 0; axis--) {
      if (++at[axis] < dims[axis]) break;
      at[axis] = 0;
    }
  }
}

/** Elements at offsets: one list of offsets for each axis of the result. */
export function gather(data, dtype, base, offsets) {
  const dims = offsets.map((list) => list.length);
  const made = make(dtype, dims);
  each(offsets, base, (i, from) => { made.data[i] = data[from]; });
  return made;
}

/** Calls use(i, place) for every element of the axes whose offsets are given. */
export function each(offsets, base, use) {
  let i = 0;
  const go = (axis, at) => {
    if (axis === offsets.length) {
      use(i++, at);
      return;
    }
    const list = offsets[axis];
    if (axis === offsets.length - 1) {
      for (let k = 0; k < list.length; k++) use(i++, at + list[k]);
      return;
    }
    for (let k = 0; k < list.length; k++) go(axis + 1, at + list[k]);
  };
  go(0, base);
}

/** Python's and numpy's a // b and a % b of numbers with a fraction.  float: rounds to the dtype. */
export function divide(a, b, float = (x) => x) {
  let rest = a % b;
  let whole = float(float(a - rest) / b);
  if (rest === 0) rest = b < 0 || Object.is(b, -0) ? -0 : 0;
  else if ((b < 0) !== (rest < 0)) {
    rest = float(rest + b);
    whole -= 1;
  }
  const down = Math.floor(whole);
  return [whole === 0 ? (a / b < 0 || Object.is(a / b, -0) ? -0 : 0) : whole - down > 0.5 ? down + 1
    : down, rest];
}

export const range = (n, step = 1, start = 0) => Array.from({ length: n }, (_, i) => start + i * step);
