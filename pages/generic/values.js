// Tensors from what was given for an input, but for pictures and sound: pure functions.
import { elements, filled, parseNumbers, tensorOf, zeros } from './numbers.js';
import { enter, fit, guess, known } from './shapes.js';

/** Numbers that were typed. */
export function numbersTensor(info, text, extents) {
  const data = parseNumbers(info.type, text);
  return { type: info.type, data, dims: fit(info, data.length, extents) };
}

/** A text, or where the model takes several, one a line. */
export function textTensor(info, text, extents) {
  const open = info.dims ? known(info, extents) : [undefined];
  const one = open.every((d) => d === 1) || open.length === 0;
  const data = one ? [text] : text.split(/\r?\n/);
  return { type: 'string', data, dims: fit(info, data.length, extents) };
}

/** The bytes of a file or text as whole numbers: cut or padded where the length is fixed; ends:
 *  half of them from its beginning, half from its end. */
export function bytesTensor(info, bytes, { pad, ends }, extents) {
  const open = known(info, extents);
  const length = open.at(-1) ?? bytes.length;
  const out = new Float64Array(length).fill(pad);
  if (ends) {
    const half = length >> 1;
    out.set(bytes.subarray(0, half));
    const tail = bytes.subarray(Math.max(0, bytes.length - (length - half)));
    out.set(tail, length - tail.length);
  } else {
    out.set(bytes.subarray(0, length));
  }
  const lead = open.slice(0, -1).map((d) => d ?? 1);
  const row = tensorOf(info.type, out, [length]);
  const all = zeros(info.type, elements(lead) * length);
  for (let at = 0; at < all.length; at += length) all.set(row.data, at);
  return { type: info.type, data: all, dims: [...lead, length] };
}

/** One value everywhere, or along the last axis 0, 1, 2 ... ('range'); as large as `like`, the
 *  extents of another input, where the model does not say. */
export function filledTensor(info, value, extents, like) {
  const dims = info.dims && known(info, extents).map((d, axis) => d
    ?? (like?.length === info.dims.length ? like[axis] : undefined) ?? 1);
  const all = dims ?? guess(info, extents);
  if (value !== 'range') return filled(info.type, value, all);
  const last = all.at(-1) ?? 1;
  return tensorOf(info.type, Float64Array.from({ length: elements(all) }, (_, i) => i % last), all);
}

/** The tensor of a .npy file for an input: of another numeric type only where nothing is lost. */
export function fileTensor(info, tensor, extents) {
  const { type, dims } = tensor;
  if (type !== info.type) {
    const same = type !== 'string' && info.type !== 'string' && !/float16/.test(type);
    const numbers = same ? Array.from(tensor.data, Number) : [];
    const exact = same && (/^float(32|64|16)$/.test(info.type) || numbers.every(Number.isInteger));
    if (!exact) {
      throw new TypeError(`the file has ${type} elements, but “${info.name}” wants ${
        info.type}`);
    }
    enter(info, dims, { ...extents });
    return tensorOf(info.type, numbers, dims);
  }
  enter(info, dims, { ...extents });
  return tensor;
}
