// numpy's elementwise functions, in the dtype that the plan says.
import { arrayOf, broadcast, cast, divide, exact, isArray, isFloat, isWhole, make, PlanError, result, walk, weak }
  from './arrays.js';

const floats = { '+': (a, b) => a + b, '-': (a, b) => a - b, '*': (a, b) => a * b, '/': (a, b) => a / b,
  '//': (a, b, float) => (b === 0 ? a / b : divide(a, b, float)[0]),
  '%': (a, b, float) => (b === 0 ? NaN : divide(a, b, float)[1]),
  '**': (a, b) => (b === 2 ? a * a : b === 0.5 ? Math.sqrt(a) : a ** b) };
const wholes = { ...floats, '//': (a, b) => (b === 0 ? 0 : divide(a, b)[0]),
  '%': (a, b) => (b === 0 ? 0 : divide(a, b)[1]), '&': (a, b) => a & b, '|': (a, b) => a | b,
  '^': (a, b) => a ^ b };
const comparisons = { '==': (a, b) => a === b, '!=': (a, b) => a !== b, '<': (a, b) => a < b,
  '<=': (a, b) => a <= b, '>': (a, b) => a > b, '>=': (a, b) => a >= b };
const extremes = { maximum: (a, b) => (a !== a || b !== b ? NaN : a > b ? a : b),
  minimum: (a, b) => (a !== a || b !== b ? NaN : a < b ? a : b) };

const operand = (x, dtype) => (isArray(x) ? x : make('float64', [], [typeof x === 'string' ? x
  : weak(x, dtype)]));

function apply(call, args, dtype, store = (x) => x) {
  const [a, b] = args;
  const dims = broadcast([a.dims, b.dims]);
  const made = make(dtype, dims);
  const [x, y, out] = [a.data, b.data, made.data];
  const float = dtype === 'float32' ? Math.fround : undefined;
  walk(dims, [a.dims, b.dims], (i, places) => {
    out[i] = store(call(x[places[0]], y[places[1]], float));
  });
  return result(made);
}

// Products of 32 bits have up to 64, of which the lower 32 stay.
const product = { int32: Math.imul, uint32: (a, b) => Math.imul(a, b) >>> 0 };

// Bits of 64, which JavaScript's own operators cut to 32.
const wide = { '&': (a, b) => a & b, '|': (a, b) => a | b, '^': (a, b) => a ^ b };

/** a op b. */
export function binary(op, args, { dtype, real }) {
  const both = args.map((x) => operand(x, dtype));
  // Fields that are whole numbers make an array of such, which has no -0.
  const areWhole = real && both.every(({ data }) => data.every(Number.isInteger));
  if (isFloat(dtype)) return apply(floats[op], both, dtype, areWhole ? (x) => x + 0 : undefined);
  if (dtype === 'bool') {
    const call = { '+': (a, b) => a | b, '*': (a, b) => a & b }[op] ?? wholes[op];
    return truth(apply(call, both, dtype));
  }
  if (op === '*' && product[dtype]) return apply(product[dtype], both, dtype);
  if (wide[op] && dtype.endsWith('64')) {
    return apply((a, b) => Number(wide[op](BigInt(a), BigInt(b))), both, dtype);
  }
  return apply(wholes[op], both, dtype, dtype.endsWith('int64') ? exact : undefined);
}

// A bool that stands alone is one of JavaScript's, as conditions are.
const truth = (x) => (isArray(x) ? x : Boolean(x));

/** a op b of comparisons; `of`: the dtype that both are compared in. */
export function compare(op, args, { of }) {
  const whole = isWhole(of) || of === 'bool';
  const both = args.map((x) => {
    if (isArray(x)) return of === 'float32' && x.dtype !== 'float32' ? cast(x, of) : x;
    if (typeof x === 'string') return make('str', [], [x]);
    return make('float64', [], [whole ? Number(x) : weak(x, of)]);
  });
  return truth(apply(comparisons[op], both, 'bool'));
}

/** The larger or smaller one. */
export const extreme = (op, args, { dtype }) =>
  apply(extremes[op], args.map((x) => operand(x, dtype)), dtype);

const round = (x) => {
  const down = Math.floor(x);
  const rest = x - down;
  const found = rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
  return found === 0 && (x < 0 || Object.is(x, -0)) ? -0 : found;
};

const unaries = { negative: (x) => -x, abs: Math.abs, square: (x) => x * x, floor: Math.floor,
  ceil: Math.ceil, rint: round, trunc: Math.trunc,
  sign: (x) => (x > 0 ? 1 : x < 0 ? -1 : x === 0 ? 0 : x), exp: Math.exp, log: Math.log,
  sqrt: Math.sqrt, tanh: Math.tanh, log1p: Math.log1p, expm1: Math.expm1, log2: Math.log2,
  log10: Math.log10, sin: Math.sin, cos: Math.cos, expit: (x) => 1 / (1 + Math.exp(-x)),
  floated: (x) => x };

/** op(x). */
export function unary(op, [x], { dtype, real }) {
  const from = arrayOf(x);
  const areWhole = op === 'negative' && real && from.data.every(Number.isInteger);
  const made = make(dtype, from.dims);
  const call = op === 'square' && product[dtype] ? (v) => product[dtype](v, v) : unaries[op];
  const store = dtype.endsWith('int64') ? exact : areWhole ? (v) => v + 0 : (v) => v;
  for (let i = 0; i < made.data.length; i++) made.data[i] = store(call(from.data[i]));
  return result(made);
}

export const unaryNames = Object.keys(unaries);

/** numpy's round(): to even, of the number times a power of ten. */
export function rounded([x], { dtype, digits }) {
  const from = arrayOf(x);
  const made = make(dtype, from.dims);
  const power = 10 ** Math.abs(digits);
  const float = dtype === 'float32' ? Math.fround : (v) => v;
  for (let i = 0; i < made.data.length; i++) {
    const v = from.data[i];
    made.data[i] = digits >= 0 ? float(round(float(v * power))) / power
      : float(round(float(v / power))) * power;
  }
  return result(made);
}

/** not x, of bools. */
export const negated = ([x]) => (isArray(x)
  ? make('bool', x.dims, Uint8Array.from(x.data, (v) => 1 - v)) : !x);

/** where(condition, a, b). */
export function where([condition, a, b], { dtype }) {
  const [x, y] = [operand(a, dtype), operand(b, dtype)];
  const dims = broadcast([condition.dims, x.dims, y.dims]);
  const made = make(dtype, dims);
  walk(dims, [condition.dims, x.dims, y.dims], (i, places) => {
    made.data[i] = condition.data[places[0]] ? x.data[places[1]] : y.data[places[2]];
  });
  return made;
}

/** The product of an array's rows with a matrix or a vector, summed in float64. */
export function matmul([a, b], { dtype }) {
  const k = a.dims.at(-1);
  const n = a.dims.slice(0, -1).reduce((product, extent) => product * extent, 1);
  const [rows, m] = b.dims.length === 2 ? b.dims : [b.dims[0], 1];
  if (k !== rows) {
    throw new PlanError('ValueError', `shapes (${a.dims}) and (${b.dims}) not aligned: ${k} != ${rows}`);
  }
  const made = make(dtype, [...a.dims.slice(0, -1), ...b.dims.slice(1)]);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      let sum = 0;
      for (let l = 0; l < k; l++) sum += a.data[i * k + l] * b.data[l * m + j];
      made.data[i * m + j] = sum;
    }
  }
  return result(made);
}
