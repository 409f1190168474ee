// Element types of tensors: the array of each, and numbers to elements and back.  A tensor here is
// { type, data, dims }, which is what the engine takes and gives.

/** The array that holds the elements of a type. */
export const arrays = {
  float32: Float32Array, float64: Float64Array, float16: Uint16Array, bfloat16: Uint16Array,
  int8: Int8Array, int16: Int16Array, int32: Int32Array, int64: BigInt64Array,
  uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, uint64: BigUint64Array,
  bool: Uint8Array, int4: Int8Array, int2: Int8Array, uint4: Uint8Array, uint2: Uint8Array,
};
const limits = {
  int8: [-128n, 127n], int16: [-32768n, 32767n], int32: [-(1n << 31n), (1n << 31n) - 1n],
  int64: [-(1n << 63n), (1n << 63n) - 1n], uint8: [0n, 255n], uint16: [0n, 65535n],
  uint32: [0n, (1n << 32n) - 1n], uint64: [0n, (1n << 64n) - 1n], bool: [0n, 1n],
  int4: [-8n, 7n], int2: [-2n, 1n], uint4: [0n, 15n], uint2: [0n, 3n],
};
const mostElements = 2 ** 28; // what a page asks memory for

export const isFloat = (type) => /^b?float(16|32|64)$/.test(type);
/** Types that numbers can be given for. */
export const isNumeric = (type) => type in arrays;

export const elements = (dims) => dims.reduce((a, b) => a * b, 1);

const scratch = new DataView(new ArrayBuffer(8));

/** The bits of the nearest half-precision number, ties to even. */
export function toHalf(value) {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size));
  const scaled = size * 2 ** (10 - exponent); // exact: a power of two
  const low = Math.floor(scaled);
  const part = scaled - low;
  const rounded = low + (part > 0.5 || (part === 0.5 && low % 2) ? 1 : 0);
  // A carry out of the fraction raises the exponent by itself.
  return sign | (size < 2 ** -14 ? rounded : ((exponent + 15) << 10) + (rounded - 1024));
}

export function fromHalf(bits) {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
}

function toBrain(value) {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  return Number.isNaN(value) ? 0x7fc0 : ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

function fromBrain(bits) {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

/** An array of zeros for count elements. */
export function zeros(type, count) {
  if (!(count <= mostElements)) {
    throw new RangeError(`${count} elements are more than this page makes`);
  }
  return new arrays[type](count);
}

/** A finite number as an element of the type: rounded and clamped where the type has no such. */
export function element(type, value) {
  if (type === 'float16') return toHalf(value);
  if (type === 'bfloat16') return toBrain(value);
  if (isFloat(type)) return value;
  const [least, most] = limits[type];
  const whole = BigInt(Number.isFinite(value) ? Math.round(value) : 0);
  const inside = whole < least ? least : whole > most ? most : whole;
  return type.endsWith('64') ? inside : Number(inside);
}

/** A tensor of numbers. */
export function tensorOf(type, numbers, dims) {
  const data = zeros(type, numbers.length);
  if (data instanceof Float32Array || data instanceof Float64Array) data.set(numbers);
  else for (let i = 0; i < numbers.length; i++) data[i] = element(type, numbers[i]);
  return { type, data, dims };
}

export const filled = (type, value, dims) => ({ type, dims,
  data: zeros(type, elements(dims)).fill(element(type, value)) });

/** The elements of a tensor as an array of numbers; its own array where they are numbers. */
export function numbersOf({ type, data }) {
  if (type === 'float16') return Float32Array.from(data, fromHalf);
  if (type === 'bfloat16') return Float32Array.from(data, fromBrain);
  return type.endsWith('int64') ? Float64Array.from(data, Number) : data;
}

function word(type, text, place) {
  const refuse = (why) => {
    throw new RangeError(`“${text}” (number ${place + 1}) ${why}`);
  };
  if (/^true$/i.test(text)) return element(type, 1);
  if (/^false$/i.test(text)) return element(type, 0);
  if (isFloat(type)) {
    if (/^[+-]?nan$/i.test(text)) return element(type, NaN);
    if (/^[+-]?inf(inity)?$/i.test(text)) {
      return element(type, text.startsWith('-') ? -Infinity : Infinity);
    }
    const value = Number(text);
    if (Number.isNaN(value)) refuse('is not a number');
    return element(type, value);
  }
  if (!/^[+-]?(\d+|0x[\da-f]+)(\.0*)?$/i.test(text)) refuse('is not a whole number');
  const digits = text.replace(/\.0*$/, '').replace(/^\+/, '');
  const whole = digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits);
  const [least, most] = limits[type];
  if (whole < least || whole > most) refuse(`is outside of ${type}: ${least} to ${most}`);
  return type.endsWith('64') ? whole : Number(whole);
}

/** The elements that a text lists, apart by commas or spaces, brackets left aside. */
export function parseNumbers(type, text) {
  const words = text.split(/[\s,;[\](){}]+/).filter(Boolean);
  const data = zeros(type, words.length);
  words.forEach((each, i) => { data[i] = word(type, each, i); });
  return data;
}

/** A number for people: six digits that count. */
export function show(value) {
  if (typeof value === 'bigint' || typeof value === 'string') return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  return Number.isFinite(value) ? String(Number(value.toPrecision(6))) : String(value);
}

/** An element for people. */
export function showElement({ type, data }, i) {
  if (type === 'float16') return show(fromHalf(data[i]));
  if (type === 'bfloat16') return show(fromBrain(data[i]));
  return type === 'bool' ? String(data[i] !== 0) : show(data[i]);
}
