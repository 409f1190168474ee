// onnxruntime's Tensor, and the way from and to the engine's.
import { toDataURL, toImageData, fromImage } from './ort_image.js';
import { AshoreError, Tensor as EngineTensor, types } from './ashore.js';

const nibbles = ['int4', 'uint4']; // two elements in a byte, the first one in the low half

// A Float16Array that came later than this script counts too.
const halves = () => globalThis.Float16Array ?? Uint16Array;

function arrayOf(type) {
  if (type === 'float16') return halves();
  return nibbles.includes(type) ? Uint8Array : types.get(type)?.array;
}

// By name as well: the array may be of another realm.
const isA = (array, data) => data instanceof array || data?.[Symbol.toStringTag] === array.name;

const isClamped = (data) => isA(Uint8ClampedArray, data);

const wrongData = (type, array) => new TypeError(`A ${type} tensor's data must be type of ${
  array.name}`);

function convert(type, data) {
  const array = arrayOf(type);
  if (!array) throw new TypeError(`Unsupported tensor type: ${type}.`);
  if (array === Array) {
    if (!Array.isArray(data)) throw new TypeError("A string tensor's data must be a string array.");
    return data;
  }
  if (Array.isArray(data)) {
    if (nibbles.includes(type) || (type === 'float16' && array === Uint16Array)) {
      throw new TypeError(`Creating a ${type} tensor from number array is not supported. ${
        `Please use ${array.name} as data.`}`);
    }
    return type.endsWith('int64') ? array.from(data, BigInt) : array.from(data);
  }
  if (isA(array, data)) return data;
  if (isClamped(data) && type === 'uint8') return Uint8Array.from(data);
  const sameBits = type === 'float16' && isA(Uint16Array, data)
    || type === 'int4' && isA(Int8Array, data);
  if (sameBits) return new array(data.buffer, data.byteOffset, data.length);
  throw wrongData(type, array);
}

// Type and data of what is given without a type.
function infer(data) {
  if (Array.isArray(data)) {
    if (!data.length) throw new TypeError('Tensor type cannot be inferred from an empty array.');
    const type = { string: 'string', boolean: 'bool' }[typeof data[0]];
    if (!type) throw new TypeError(`Invalid element type of data array: ${typeof data[0]}.`);
    return [type, convert(type, data)];
  }
  if (isClamped(data)) return ['uint8', Uint8Array.from(data)];
  if (isA(halves(), data) && halves() !== Uint16Array) return ['float16', data];
  const found = [...types.values()].find(({ array }) => array !== Array && isA(array, data));
  if (found) return [found.name, data];
  throw new TypeError(`Unsupported type for tensor data: ${data?.constructor?.name ?? data}.`);
}

function sizeOf(dims) {
  return dims.reduce((size, d, i) => {
    if (!Number.isSafeInteger(d)) throw new TypeError(`dims[${i}] must be an integer, got: ${d}`);
    if (d < 0) throw new RangeError(`dims[${i}] must be a non-negative integer, got: ${d}`);
    return size * d;
  }, 1);
}

const notHere = (location) => new AshoreError('ERR_UNSUPPORTED',
  `tensors with location '${location}': this engine runs on the CPU`, { advice: 'Give data of the CPU' });

function pinned({ location, type, data, dims }) {
  if (location !== 'cpu-pinned') throw notHere(location);
  const array = arrayOf(type);
  if (!array || array === Array) {
    throw new TypeError(`unsupported type "${type}" to create tensor from pinned buffer`);
  }
  if (!isA(array, data)) throw wrongData(type, array);
  return [type, data, dims];
}

export class Tensor {
  static name = 'Tensor'; // whatever a minifier makes of it

  // Fields are plain, and named as in onnxruntime: programs print them, post them and wrap them.
  constructor(...given) {
    const placed = given[0] !== null && typeof given[0] === 'object' && 'location' in given[0];
    const [type, data, dims] = placed ? pinned(given[0])
      : typeof given[0] === 'string' ? [given[0], convert(given[0], given[1]), given[2]]
        : [...infer(given[0]), given[1]];
    if (dims !== undefined && !Array.isArray(dims)) {
      throw new TypeError("A tensor's dims must be a number array");
    }
    const { per } = types.get(type);
    const extents = dims ?? [data.length / per];
    const size = sizeOf(extents);
    const packed = nibbles.includes(type) && Math.ceil(size / 2) === data.length;
    if (size * per !== data.length && !packed) {
      throw new Error(`Tensor's size(${size}) does not match data length(${data.length}).`);
    }
    this.cpuData = data;
    this.dataLocation = placed ? 'cpu-pinned' : 'cpu';
    this.type = type;
    this.dims = extents;
    this.size = size;
  }

  static async fromImage(image, options) {
    const { data, dims } = await fromImage(image, options);
    return new Tensor('float32', data, dims);
  }

  static fromTexture() { throw notHere('texture'); }

  static fromGpuBuffer() { throw notHere('gpu-buffer'); }

  static fromMLTensor() { throw notHere('ml-tensor'); }

  static fromPinnedBuffer(type, data, dims = [data.length]) {
    return new Tensor({ location: 'cpu-pinned', type, data, dims });
  }

  get data() {
    if (this.dataLocation === 'none') throw new Error('The tensor is disposed.');
    return this.cpuData;
  }

  get location() { return this.dataLocation; }

  get texture() { throw new Error('The data is not stored as a WebGL texture.'); }

  get gpuBuffer() { throw new Error('The data is not stored as a WebGPU buffer.'); }

  get mlTensor() { throw new Error('The data is not stored as a WebNN MLTensor.'); }

  async getData() { return this.data; }

  dispose() {
    this.cpuData = undefined;
    this.dataLocation = 'none';
  }

  reshape(dims) {
    const { type, data, location } = this;
    return location === 'cpu' ? new Tensor(type, data, dims)
      : new Tensor({ location, type, data, dims });
  }

  toDataURL(options) { return toDataURL(this, options); }

  toImageData(options) { return toImageData(this, options); }
}

/** Whether something is a tensor, of this package or of another that has the same interface. */
export const isTensor = (value) => typeof value?.type === 'string' && Array.isArray(value.dims);

function unpack(type, bytes, size) {
  const elements = new (types.get(type).array)(size);
  for (let i = 0; i < size; i++) {
    const nibble = bytes[i >> 1] >> (4 * (i & 1));
    elements[i] = type === 'int4' ? (nibble << 28) >> 28 : nibble & 15;
  }
  return elements;
}

function pack(elements) {
  const bytes = new Uint8Array(Math.ceil(elements.length / 2));
  elements.forEach((value, i) => { bytes[i >> 1] |= (value & 15) << (4 * (i & 1)); });
  return bytes;
}

/** A value for the engine.  what: 'input 'x'', for messages; keep: whether the array may be the
 *  tensor's own. */
export function toEngine(value, what, keep) {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map((item) => toEngine(item, what, keep));
  if (value instanceof Map) return value;
  if (!isTensor(value)) {
    throw new TypeError(`${what} must be a Tensor, and is ${
      value?.constructor?.name ?? typeof value}`);
  }
  const { type, dims, location = 'cpu' } = value;
  if (!location.startsWith('cpu')) {
    throw new Error(`invalid data location: ${location} for ${what}`);
  }
  const { data } = value;
  if (type === 'string') {
    const at = data.findIndex((text) => typeof text !== 'string');
    if (at >= 0) throw new TypeError(`${what}: tensor data at index ${at} is not a string`);
    return new EngineTensor(type, keep(data) ? data : data.slice(), dims);
  }
  const { array } = types.get(type) ?? {};
  if (!array) throw new TypeError(`${what}: unsupported tensor type: ${type}`);
  if (nibbles.includes(type)) return new EngineTensor(type, unpack(type, data, value.size), dims);
  const own = new array(data.buffer, data.byteOffset, data.length);
  return new EngineTensor(type, keep(own) ? own : own.slice(), dims);
}

/** A value of the engine as it is in onnxruntime's interface. */
export function fromEngine(value) {
  if (value === null || value instanceof Map) return value;
  if (Array.isArray(value)) return value.map(fromEngine);
  const { type, data, dims } = value;
  return new Tensor(type, nibbles.includes(type) ? pack(data) : data, dims);
}
