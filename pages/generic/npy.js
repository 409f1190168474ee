// NumPy's file format (.npy), versions 1 to 3: read for inputs, written for what comes out.
import { arrays, elements, numbersOf } from './numbers.js';

const types = {
  f2: 'float16', f4: 'float32', f8: 'float64', i1: 'int8', i2: 'int16', i4: 'int32', i8: 'int64',
  u1: 'uint8', u2: 'uint16', u4: 'uint32', u8: 'uint64', b1: 'bool',
};
const magic = '\x93NUMPY';

function headerOf(bytes) {
  const start = String.fromCharCode(...bytes.subarray(0, 6));
  if (start !== magic || bytes.length < 12) throw new Error('this is not a .npy file');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const wide = bytes[6] > 1;
  const from = wide ? 12 : 10;
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  if (from + length > bytes.length) throw new Error('the .npy file ends within its header');
  const text = new TextDecoder().decode(bytes.subarray(from, from + length));
  const descr = /'descr':\s*'([<>|=]?)(\w)(\d+)'/.exec(text);
  const shape = /'shape':\s*\(([^)]*)\)/.exec(text);
  if (!descr || !shape) throw new Error('the .npy file has elements that are not numbers or text');
  const dims = shape[1].split(',').filter((part) => part.trim()).map(Number);
  if (!dims.every((d) => Number.isSafeInteger(d) && d >= 0)) {
    throw new Error('the .npy file has a shape that is not one');
  }
  return { order: descr[1], kind: descr[2], size: Number(descr[3]), dims, at: from + length,
    fortran: /'fortran_order':\s*True/.test(text) };
}

function swapped(bytes, size) {
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
  return bytes;
}

// Elements in the order of C of an array that is stored with its first index fastest.
function reordered(data, dims) {
  const result = data.slice();
  const at = dims.map(() => 0);
  for (let to = 0; to < data.length; to++) {
    let from = 0;
    for (let axis = dims.length - 1; axis >= 0; axis--) from = from * dims[axis] + at[axis];
    result[to] = data[from];
    for (let axis = dims.length - 1; axis >= 0 && ++at[axis] === dims[axis]; axis--) at[axis] = 0;
  }
  return result;
}

function texts(bytes, { order, size, kind }, count) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, i) => {
    const codes = Array.from({ length: size }, (__, j) => (kind === 'U'
      ? view.getUint32(4 * (i * size + j), order !== '>') : view.getUint8(i * size + j)));
    while (codes.at(-1) === 0) codes.pop();
    return kind === 'U' ? codes.map((code) => String.fromCodePoint(code)).join('')
      : new TextDecoder().decode(Uint8Array.from(codes));
  });
}

/** The tensor in a file's bytes. */
export function readNpy(bytes) {
  const header = headerOf(bytes);
  const { kind, size, dims, at, fortran } = header;
  const isText = kind === 'U' || kind === 'S';
  const type = isText ? 'string' : types[kind + size];
  if (!type) throw new Error(`the .npy file has elements of type ${kind}${size}`);
  const width = kind === 'U' ? 4 * size : size;
  const count = elements(dims);
  if (bytes.length - at < count * width) {
    throw new Error(`the .npy file is cut short: ${count * width} bytes should follow its header, ${
      bytes.length - at} do`);
  }
  const content = new Uint8Array(bytes.subarray(at, at + count * width)); // a copy, aligned
  let data = isText ? texts(content, header, count)
    : new arrays[type]((header.order === '>' ? swapped(content, size) : content).buffer);
  if (fortran && dims.length > 1) data = reordered(data, dims);
  return { type, data, dims };
}

function bytesOfTexts(data) {
  const codes = data.map((text) => Array.from(text, (char) => char.codePointAt(0)));
  const size = codes.reduce((most, { length }) => Math.max(most, length), 1);
  const out = new DataView(new ArrayBuffer(4 * size * data.length));
  codes.forEach((row, i) => row.forEach((code, j) =>
    out.setUint32(4 * (i * size + j), code, true)));
  return { descr: `<U${size}`, bytes: new Uint8Array(out.buffer) };
}

// Types that NumPy has not are widened: bfloat16 to float32, elements of 2 and 4 bits to bytes.
function content(tensor) {
  if (tensor.type === 'string') return bytesOfTexts(tensor.data);
  const data = tensor.type === 'bfloat16' ? numbersOf(tensor) : tensor.data;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const own = Object.entries(types).find(([, type]) => type === tensor.type)?.[0];
  const kind = own ?? { Float32Array: tensor.type.startsWith('complex') ? 'c8' : 'f4',
    Float64Array: 'c16', Int8Array: 'i1', Uint8Array: 'u1' }[data.constructor.name];
  return { descr: `${data.BYTES_PER_ELEMENT === 1 ? '|' : '<'}${kind}`, bytes };
}

/** The bytes of a file that holds a tensor. */
export function writeNpy(tensor) {
  const { descr, bytes } = content(tensor);
  const dims = tensor.dims.length === 1 ? `${tensor.dims[0]},` : tensor.dims.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dims}), }`;
  const length = 64 * Math.ceil((text.length + 11) / 64) - 10;
  const file = new Uint8Array(10 + length + bytes.length);
  const start = `${magic}\x01\x00${String.fromCharCode(length & 255, length >> 8)}${
    text.padEnd(length - 1)}\n`;
  for (let i = 0; i < start.length; i++) file[i] = start.charCodeAt(i);
  file.set(bytes, 10 + length);
  return file;
}

/** The name of a file for a value of the model. */
export const npyName = (name) =>
  `${name.replace(/[^\w.-]+/g, '_').replace(/^\.+/, '') || 'value'}.npy`;
