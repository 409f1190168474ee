// Whether a result is what it should be; the texts are those of the native program.

function half(bits) {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
}

const word = new DataView(new ArrayBuffer(4));

function brain(bits) {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}

// Eight bits with e for the exponent: its bias, and which patterns are infinite or not a number.
const eight = (fraction, bias, special) => (bits) => {
  const found = special(bits);
  if (found !== undefined) return found;
  const exponent = (bits & 127) >> fraction;
  const part = (bits & ((1 << fraction) - 1)) / (1 << fraction);
  const size = exponent ? (1 + part) * 2 ** (exponent - bias) : part * 2 ** (1 - bias);
  return bits & 128 ? -size : size;
};
const negativeZeroIsNaN = (bits) => (bits === 128 ? NaN : undefined);

const readers = {
  float16: half,
  bfloat16: brain,
  float8e4m3fn: eight(3, 7, (bits) => ((bits & 127) === 127 ? NaN : undefined)),
  float8e4m3fnuz: eight(3, 8, negativeZeroIsNaN),
  float8e5m2: eight(2, 15, (bits) => {
    if ((bits & 127) < 124) return undefined;
    return (bits & 3) === 0 ? (bits & 128 ? -Infinity : Infinity) : NaN;
  }),
  float8e5m2fnuz: eight(2, 16, negativeZeroIsNaN),
  float8e8m0: (bits) => (bits === 255 ? NaN : 2 ** (bits - 127)),
  float4e2m1: (bits) => (bits & 8 ? -1 : 1) * [0, 0.5, 1, 1.5, 2, 3, 4, 6][bits & 7],
};
const isFloat = (type) => type in readers || /^(float|complex)/.test(type);

function typeText(value) {
  if (value === null) return 'optional, empty';
  if (value instanceof Map) return `map of ${value.size}`;
  return Array.isArray(value) ? `sequence of ${value.length}` : `${value.type}[${value.dims}]`;
}

const mismatch = (got, wanted) => `got ${typeText(got)}, expected ${typeText(wanted)}`;

function place(i, dims) {
  const at = [];
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    at.unshift(i % dims[axis]);
    i = Math.floor(i / dims[axis]);
  }
  return `[${at}]`;
}

const show = (value) => (typeof value === 'string' ? JSON.stringify(value) : `${value}`);

// Deviation of two numbers: null where they are the same, NaN where one is not finite.
function deviation(a, b) {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return null;
  return Number.isFinite(a) && Number.isFinite(b) ? Math.abs(a - b) : NaN;
}

function compareTensors(got, wanted, { rtol, atol, integers }, figures) {
  if (got.type !== wanted.type || `${got.dims}` !== `${wanted.dims}`) return mismatch(got, wanted);
  const { type } = wanted;
  const exact = type === 'string' || type === 'bool';
  const tolerant = isFloat(type) || integers;
  const read = readers[type] ?? Number;
  let differing = 0;
  let worst = -1;
  let most = -1;
  for (let i = 0; i < wanted.data.length; i++) {
    if (got.data[i] === wanted.data[i]) continue;
    const b = exact ? 0 : read(wanted.data[i]);
    const by = exact ? NaN : deviation(read(got.data[i]), b);
    if (by === null && tolerant) continue;
    if (by > figures.abs) figures.abs = by;
    const relative = b === 0 ? Infinity : by / Math.abs(b);
    if (relative > figures.rel) figures.rel = relative;
    if (tolerant && by <= atol + rtol * Math.abs(b)) continue;
    differing += 1;
    const rank = Number.isNaN(by) ? Infinity : by;
    if (rank > most) {
      worst = i;
      most = rank;
    }
  }
  if (!differing) return '';
  const element = type.startsWith('complex') ? worst >> 1 : worst;
  const value = (tensor) => show(readers[type] ? read(tensor.data[worst]) : tensor.data[worst]);
  return `at ${place(element, wanted.dims)}: got ${value(got)}, expected ${value(wanted)}; ${
    differing} of ${wanted.data.length} elements differ`;
}

// Maps to numbers, texts or values.
function compareMaps(got, wanted, tolerance) {
  if (!(got instanceof Map) || got.size !== wanted.size) return mismatch(got, wanted);
  for (const [key, value] of wanted) {
    const other = got.get(key);
    const by = typeof value === 'number' ? deviation(other, value) : NaN;
    if (other === value || by === null
      || by <= tolerance.atol + tolerance.rtol * Math.abs(value)) continue;
    const difference = value && typeof value === 'object' && other
      ? compare(other, value, tolerance) : `got ${show(other)}, expected ${show(value)}`;
    if (difference) return `key ${show(key)}: ${difference}`;
  }
  return '';
}

/** What is wrong with a value, or the empty text.  figures: { abs, rel } are raised to the greatest
 *  deviations seen. */
export function compare(got, wanted, tolerance, figures = { abs: 0, rel: 0 }) {
  const list = Array.isArray(wanted);
  if (wanted instanceof Map) return compareMaps(got, wanted, tolerance);
  if (wanted === null || got === null) return wanted === got ? '' : mismatch(got, wanted);
  if (list !== Array.isArray(got)) return mismatch(got, wanted);
  if (!list) return compareTensors(got, wanted, tolerance, figures);
  if (got.length !== wanted.length) return mismatch(got, wanted);
  for (let i = 0; i < wanted.length; i++) {
    const difference = compare(got[i], wanted[i], tolerance, figures);
    if (difference) return `item ${i}: ${difference}`;
  }
  return '';
}
