// Lists are arrays, dicts are Maps; a range is { range }.
import { exact, isArray, LimitError, make, PlanError, sizeOf } from './arrays.js';

/** What Python's for goes through. */
export function* iterate(x) {
  if (isArray(x)) {
    const size = sizeOf(x.dims.slice(1));
    for (let i = 0; i < x.dims[0]; i++) {
      const part = x.dims.length === 1 ? x.data[i]
        : make(x.dtype, x.dims.slice(1), x.data.slice(i * size, (i + 1) * size));
      yield x.dims.length === 1 && x.dtype === 'bool' ? Boolean(part) : part;
    }
  } else if (x instanceof Map) {
    yield* x.keys();
  } else if (x?.range) {
    const [start, stop, step] = x.range;
    for (let i = start; step > 0 ? i < stop : i > stop; i += step) yield i;
  } else {
    yield* x;
  }
}

export const lengthOf = (x) => (isArray(x) ? x.dims[0] : x instanceof Map ? x.size
  : typeof x === 'string' ? [...x].length : x.length);

export function zip(sequences) {
  const lists = sequences.map((one) => [...iterate(one)]);
  const n = Math.min(...lists.map(({ length }) => length));
  return Array.from({ length: n }, (_, i) => lists.map((list) => list[i]));
}

export function item([list, at], { what }) {
  const from = what === 'str' ? [...list] : isArray(list) ? [...iterate(list)] : list;
  const found = at < 0 ? at + from.length : at;
  if (found >= 0 && found < from.length) return from[found];
  throw new PlanError('IndexError', `${what === 'str' ? 'string' : 'list'} index out of range`);
}

export function lookup([dict, key, ...otherwise]) {
  if (dict.has(key)) return dict.get(key);
  if (otherwise.length) return otherwise[0];
  throw new PlanError('KeyError', typeof key === 'string' ? `'${key}'` : String(key));
}

export function exactly([x], { count }) {
  const n = lengthOf(x);
  if (n === count) return x;
  throw new PlanError('ValueError', n < count
    ? `not enough values to unpack (expected ${count}, got ${n})`
    : `too many values to unpack (expected ${count})`);
}

// What Python's sort() makes of numbers of which one is no number depends on how it goes about it.
function ordered(keys) {
  if (keys.some(Number.isNaN)) throw new LimitError('an order of NaN, which has none');
  return keys;
}

/** Python compares texts by code point. */
export function compareValues(a, b) {
  if (typeof a !== 'string') return a < b ? -1 : a > b ? 1 : 0;
  const [x, y] = [[...a], [...b]];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const difference = x[i].codePointAt(0) - y[i].codePointAt(0);
    if (difference) return difference;
  }
  return x.length - y.length;
}

export function sortedBy([list, keys], { down }) {
  const items = [...iterate(list)];
  const by = ordered([...iterate(keys)]);
  return items.map((_, i) => i).sort((a, b) => (down ? compareValues(by[b], by[a])
    : compareValues(by[a], by[b]))).map((i) => items[i]);
}

export function extremeBy([list, keys], { largest }) {
  const items = [...iterate(list)];
  const by = [...iterate(keys)];
  if (!items.length) throw new PlanError('ValueError', 'iterable argument is empty');
  let at = 0;
  for (let i = 1; i < items.length; i++) {
    const order = compareValues(by[i], by[at]);
    if (largest ? order > 0 : order < 0) at = i;
  }
  return items[at];
}

/** sum(), which keeps what additions lose, as Python does since 3.12. */
export function total([list], { whole }) {
  let [sum, lost] = [0, 0];
  for (const x of iterate(list)) {
    const next = sum + Number(x);
    lost += Math.abs(sum) >= Math.abs(x) ? (sum - next) + Number(x) : (Number(x) - next) + sum;
    sum = whole && Number.isInteger(next) && Number.isInteger(sum) ? exact(next) : next;
  }
  return Number.isFinite(lost) ? sum + lost : sum;
}
