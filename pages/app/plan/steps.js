// What the steps of a plan do: each is given its arguments and itself.
import { arrayOf, cast, divide, exact, isArray, LimitError, make, PlanError } from './arrays.js';
import * as axes from './axes.js';
import { binary, compare, extreme, matmul, negated, rounded, unary, unaryNames, where }
  from './elementwise.js';
import * as pictures from './pictures.js';
import * as sequences from './sequences.js';
import { cleanDoc, float, format, int, methods, round } from './words.js';

const divided = (b) => {
  if (b === 0) throw new PlanError('ZeroDivisionError', 'division by zero');
};

// A power of whole numbers is one, if the exponent is.
function power(a, b, areWhole) {
  if (a === 0 && b < 0) throw new PlanError('ZeroDivisionError', '0.0 cannot be raised to a negative power');
  if (areWhole && b >= 0) return exact(Math.abs(a) < 2 ? a ** b : b < 54 ? Number(BigInt(a) ** BigInt(b))
    : Infinity);
  if (a < 0 && Number.isFinite(a) && !Number.isInteger(b) && Number.isFinite(b)) {
    throw new LimitError('a power that is a complex number');
  }
  const found = a ** b;
  if (Number.isFinite(a) && Number.isFinite(b) && !Number.isFinite(found)) {
    throw new PlanError('OverflowError', '(34, \'Numerical result out of range\')');
  }
  return found;
}

const number = { '+': (a, b) => a + b, '-': (a, b) => a - b, '*': (a, b) => a * b, '**': power,
  '%': (a, b) => {
    divided(b);
    return divide(a, b)[1];
  },
  '/': (a, b) => {
    divided(b);
    return a / b;
  },
  '//': (a, b) => {
    divided(b);
    return divide(a, b)[0];
  } };
const bits = { '&': (a, b) => a & b, '|': (a, b) => a | b, '^': (a, b) => a ^ b };
const same = (a, b) => (typeof a === 'string' ? a === b : Number(a) === Number(b));
const order = { '==': same, '!=': (a, b) => !same(a, b),
  '<': (a, b) => sequences.compareValues(a, b) < 0, '<=': (a, b) => sequences.compareValues(a, b) <= 0,
  '>': (a, b) => sequences.compareValues(a, b) > 0,
  '>=': (a, b) => sequences.compareValues(a, b) >= 0 };
const orderOfNumbers = { '<': (a, b) => a < b, '<=': (a, b) => a <= b, '>': (a, b) => a > b,
  '>=': (a, b) => a >= b };

// whole: which results are ints: 'int' all, 'number' those of whole numbers; of 'real' that is unknown.
function python(op, [a, b], { whole }) {
  if (orderOfNumbers[op] && typeof a !== 'string') return orderOfNumbers[op](Number(a), Number(b));
  if (order[op]) return order[op](a, b);
  if (bits[op]) {
    if (typeof a === 'boolean' && typeof b === 'boolean') return Boolean(bits[op](a, b));
    return Number(bits[op](BigInt(a), BigInt(b)));
  }
  const [x, y] = [Number(a), Number(b)];
  const areWhole = whole === 'int' || (whole && Number.isSafeInteger(x) && Number.isSafeInteger(y));
  const found = number[op](x, y, areWhole);
  if (whole === 'int' && op === '**' && y < 0) {
    throw new LimitError('a power with a negative exponent has a fraction, which this page does not expect');
  }
  if (!areWhole || !Number.isInteger(found)) return found;
  if (whole === 'real' && Object.is(found, -0)) {
    throw new LimitError('0 or -0: only Python knows whether these numbers have a fraction');
  }
  return exact(found);
}

// NaN is true.
const isTrue = (x) => (typeof x === 'object' ? sequences.lengthOf(x) > 0
  : typeof x === 'number' ? x !== 0 : Boolean(x));

const sliced = ([list, start, stop, step], { what }) => {
  const from = what === 'str' ? [...list] : [...sequences.iterate(list)];
  const [first, by, count] = axes.bounds(from.length, start, stop, step);
  const found = Array.from({ length: count }, (_, i) => from[first + i * by]);
  return what === 'str' ? found.join('') : found;
};

const mathematics = { radians: (x) => x * (Math.PI / 180), fabs: Math.abs };
for (const name of ['exp', 'sqrt', 'log', 'log2', 'log10', 'sin', 'cos', 'tanh', 'floor', 'ceil']) {
  mathematics[name] = Math[name];
}

// A function of Python's math, with its errors.
function mathOf(name, x) {
  const found = mathematics[name](x);
  if ((Number.isNaN(found) && !Number.isNaN(x)) || (name.startsWith('log') && x <= 0)) {
    throw new PlanError('ValueError', 'math domain error');
  }
  if (Number.isFinite(x) && found === Infinity) throw new PlanError('OverflowError', 'math range error');
  if (name !== 'floor' && name !== 'ceil') return found;
  if (Number.isFinite(found)) return exact(found);
  throw new PlanError(Number.isNaN(found) ? 'ValueError' : 'OverflowError',
    `cannot convert float ${Number.isNaN(found) ? 'NaN' : 'infinity'} to integer`);
}

const steps = {
  isnull: ([x]) => x === null,
  truth: ([x]) => isTrue(x),
  'true.any': ([list]) => [...sequences.iterate(list)].some(isTrue),
  'true.all': ([list]) => [...sequences.iterate(list)].every(isTrue),
  need: ([x], { what }) => {
    if (x === null) throw new PlanError('Error', `${what} has no value: nothing was given.`);
    return x;
  },
  same: ([x]) => x,
  concat: (args) => args.join(''),
  repeat: ([text, count]) => text.repeat(Math.max(0, count)),
  join: ([separator, list]) => [...sequences.iterate(list)].join(separator),
  cleandoc: cleanDoc,
  format,
  int,
  float,
  pyround: round,
  pyabs: ([x]) => Math.abs(x),
  sum: sequences.total,
  sorted: sequences.sortedBy,
  extreme: sequences.extremeBy,
  len: ([x]) => sequences.lengthOf(x),
  item: sequences.item,
  lookup: sequences.lookup,
  exactly: sequences.exactly,
  slice: sliced,
  zip: sequences.zip,
  enumerate: ([list], { start }) => [...sequences.iterate(list)].map((x, i) => [i + start, x]),
  list: ([x]) => [...sequences.iterate(x)],
  dict: ([pairs]) => new Map(sequences.iterate(pairs)),
  items: ([dict]) => [...dict],
  keys: ([dict]) => [...dict.keys()],
  values: ([dict]) => [...dict.values()],
  find: ([list, x]) => {
    const at = [...sequences.iterate(list)].indexOf(x);
    if (at < 0) throw new PlanError('ValueError', `${x} is not in list`);
    return at;
  },
  in: ([x, inside], { what }) => (what === 'dict' ? inside.has(x) : what === 'text'
    ? inside.includes(x) : [...sequences.iterate(inside)].includes(x)),
  time: () => performance.now() / 1000,

  array: axes.fromList,
  copy: ([x]) => make(x.dtype, x.dims, x.data.slice()),
  astype: ([x], { dtype, limit }) => (isArray(x) ? cast(x, dtype, limit)
    : cast(x, dtype, limit).data[0]),
  full: axes.full,
  where,
  matmul,
  nonzero: ([x]) => {
    const found = [...x.data.keys()].filter((i) => x.data[i]);
    return make('int64', [found.length], Float64Array.from(found));
  },
  not: negated,
  round: rounded,
  maximum: (args, step) => extreme('maximum', args, step),
  minimum: (args, step) => extreme('minimum', args, step),
  argsort: (args, step) => axes.sorted(args, step, true),
  sort: (args, step) => axes.sorted(args, step, false),
  index: axes.index,
  setitem: axes.setItem,
  fits: axes.fits,
  reshape: axes.reshape,
  transpose: axes.transpose,
  squeeze: axes.squeeze,
  concatenate: axes.concatenate,
  stack: axes.stack,
  pad: ([x, ...args], step) => (isArray(x) ? axes.pad([x, ...args], step)
    : pictures.pad(x, ...args, step)),
  tolist: axes.toList,
  alike: ([a, b]) => {
    if (a === b) return a;
    throw new PlanError('IndexError', `boolean index did not match indexed array; size of axis is ${a
    } but size of corresponding boolean axis is ${b}`);
  },
  extent: ([x, axis]) => x.dims[axis],
  size: ([x]) => arrayOf(x).data.length,
  stereo: ([[, samples]]) => samples.dims.length === 2,

  opened: ([file]) => pictures.decoded(file.pixels),
  convert: ([x], { mode }) => pictures.convert(x, mode),
  resize: ([x, width, height], { filter }) => pictures.resize(x, width, height, filter),
  crop: ([x, ...box]) => pictures.crop(x, ...box),
  turn: ([x], { turn }) => pictures.turn(x, turn),
  paste: ([x, other, left, top]) => pictures.paste(x, other, left, top),
  new: ([width, height], { mode, color }) => pictures.create1(width, height, mode, color),
  invert: ([x]) => pictures.invert(x),
  contain: ([x, width, height], { filter }) => pictures.contain(x, width, height, filter),
  fit: ([x, width, height], step) => pictures.fit(x, width, height, step),
  pixels: ([x]) => pictures.pixels(x),
  fromarray: ([x], { mode }) => pictures.fromArray(x, mode),
  side: ([x], { which }) => x[which],
};

for (const op of ['+', '-', '*', '/', '//', '%', '**', '&', '|', '^']) {
  steps[`np${op}`] = (args, step) => binary(op, args, step);
  steps[`py${op}`] = (args, step) => python(op, args, step);
}
for (const op of ['==', '!=', '<', '<=', '>', '>=']) {
  steps[`np${op}`] = (args, step) => compare(op, args, step);
  steps[`py${op}`] = (args, step) => python(op, args, step);
}
for (const op of unaryNames) steps[op] = (args, step) => unary(op, args, step);
for (const op of axes.reductionNames) {
  const other = steps[op]; // sum() of Python's has no dtype
  steps[op] = (args, step) => (step.dtype ? axes.reduce(op, args, step) : other(args, step));
}
for (const name of Object.keys(methods)) steps[`str.${name}`] = (args) => methods[name](...args);
for (const name of Object.keys(mathematics)) {
  steps[`math.${name}`] = ([x]) => mathOf(name, Number(x));
}

export { steps };
