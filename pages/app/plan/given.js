// What components of the page send, as the program's functions take it.
import { make, PlanError } from './arrays.js';
import { convert, decoded, pixels } from './pictures.js';
import { opaque, pngPixels } from './png.js';
import { round } from './words.js';

/** The pixels of a file, RGBA; `pixels`: what the page has decoded. */
async function pixelsOf({ name, type, bytes, pixels: given }, orientation) {
  const exact = await pngPixels(bytes);
  if (exact) return exact;
  return opaque(given ?? await decodedBy(name, type, bytes, orientation));
}

// As pillow does, without regard to the profile of its colours.
async function decodedBy(name, type, bytes, orientation) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes], { type }), { imageOrientation: orientation,
      colorSpaceConversion: 'none' });
  } catch {
    throw new PlanError('UnidentifiedImageError', `${name} is no picture that this browser can read`);
  }
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { colorSpace: 'srgb' });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return { width, height, data: new Uint8Array(data.buffer) };
}

/** A picture among the program's files, as pillow opens it: not turned as its EXIF data says. */
export const openPicture = async (file) => decoded(await pixelsOf(file, 'none'));

function number(x, { precision, minimum, maximum }) {
  if (minimum !== undefined && minimum !== null && x < minimum) {
    throw new PlanError('Error', `Value ${x} is less than minimum value ${minimum}.`);
  }
  if (maximum !== undefined && maximum !== null && x > maximum) {
    throw new PlanError('Error', `Value ${x} is greater than maximum value ${maximum}.`);
  }
  if (precision === null) return x;
  return round([x], precision === 0 ? {} : { digits: precision });
}

function choose(x, { choices, index, free }) {
  const at = choices.indexOf(x);
  if (at >= 0) return index ? at : x;
  if (free) return index ? null : x;
  throw new PlanError('Error', `Value: ${x} is not in the list of choices: ${choices.join(', ')}`);
}

// A WAV file: [rate, samples of 16 bits].
function sound({ bytes }) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  let [format, data] = [null, null];
  for (let at = 12; word(0) === 'RIFF' && at + 8 <= bytes.length;) {
    const size = view.getUint32(at + 4, true);
    if (word(at) === 'fmt ') format = at + 8;
    if (word(at) === 'data') data ??= [at + 8, Math.min(size, bytes.length - at - 8)];
    at += 8 + size + (size % 2);
  }
  const kind = format && view.getUint16(format, true);
  if (!format || !data || (kind !== 1 && kind !== 0xfffe)) {
    throw new PlanError('ValueError', 'this sound is not a WAV file of whole numbers');
  }
  const channels = view.getUint16(format + 2, true);
  const width = view.getUint16(format + 14, true) / 8;
  const count = Math.floor(data[1] / (width * channels)) * channels;
  const samples = new Int16Array(count);
  for (let i = 0; i < count; i++) {
    const at = data[0] + i * width;
    samples[i] = width === 1 ? (bytes[at] - 128) << 8 : view.getInt16(at + width - 2, true);
  }
  return [view.getUint32(format + 4, true), make('int16', channels === 1 ? [count]
    : [count / channels, channels], samples)];
}

async function picture(x, { as, mode }) {
  if (as === 'filepath') return { ...x, pixels: await pixelsOf({ ...x, pixels: undefined }, 'none') };
  const found = convert(decoded(await pixelsOf(x, 'from-image')), mode);
  return as === 'pil' ? found : pixels(found);
}

/** The value of one parameter. */
export async function given(x, how) {
  if (x === null || x === undefined) return how.many ? [] : null;
  switch (how.as) {
    case 'text': return String(x);
    case 'number': return number(x, how);
    case 'choice': return how.many ? x.map((one) => choose(one, how)) : choose(x, how);
    case 'sound': return sound(x);
    case 'plain': return x;
    default: return picture(x, how);
  }
}
