// PNG files to the bit: what a browser decodes has lost the colours of transparent pixels.
import { LimitError } from './arrays.js';

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const channels = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }; // by the colour type

function chunksOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = [];
  for (let at = 8; at + 12 <= bytes.length;) {
    const size = view.getUint32(at);
    found.push({ name: String.fromCharCode(...bytes.subarray(at + 4, at + 8)),
      data: bytes.subarray(at + 8, at + 8 + size) });
    at += 12 + size;
  }
  return found;
}

async function inflated(parts) {
  const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function paeth(a, b, c) {
  const [x, y, z] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  return x <= y && x <= z ? a : y <= z ? b : c;
}

// Lines without what was taken from each byte by the one before, the one above, and both.
function unfiltered(raw, height, size, step) {
  const made = new Uint8Array(height * size);
  for (let y = 0; y < height; y++) {
    const kind = raw[y * (size + 1)];
    const [from, to] = [y * (size + 1) + 1, y * size];
    for (let i = 0; i < size; i++) {
      const left = i >= step ? made[to + i - step] : 0;
      const above = y ? made[to + i - size] : 0;
      const corner = y && i >= step ? made[to + i - size - step] : 0;
      made[to + i] = raw[from + i] + [0, left, above, (left + above) >> 1,
        kind === 4 ? paeth(left, above, corner) : 0][kind];
    }
  }
  return made;
}

/** The pixels of a PNG file of 8 bits, RGBA; null of other files.  What a browser cannot decode exactly,
 *  either, is an error. */
export async function pngPixels(bytes) {
  if (!signature.every((byte, i) => bytes[i] === byte)) return null;
  const chunks = chunksOf(bytes);
  const [header, palette, clear] = ['IHDR', 'PLTE', 'tRNS'].map((wanted) =>
    chunks.find(({ name }) => name === wanted)?.data);
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const [width, height, depth, type] = [view.getUint32(0), view.getUint32(4), header[8], header[9]];
  if (depth === 16) {
    throw new LimitError('a PNG with 16 bits a channel is not decoded exactly: save it with 8 bits');
  }
  const isOther = depth !== 8 || header[12] !== 0 || chunks.some(({ name }) => name === 'eXIf');
  if (isOther || (clear && type !== 3)) return null;
  const step = channels[type];
  const raw = await inflated(chunks.filter(({ name }) => name === 'IDAT').map(({ data }) => data));
  if (raw.length < height * (width * step + 1)) return null;
  const found = unfiltered(raw, height, width * step, step);
  const data = new Uint8Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const at = i * step;
    const index = found[at] * 3;
    data.set(type === 3 ? [palette[index], palette[index + 1], palette[index + 2]] : step < 3
      ? [found[at], found[at], found[at]] : [found[at], found[at + 1], found[at + 2]], i * 4);
    data[i * 4 + 3] = type === 3 ? clear?.[found[at]] ?? 255 : step % 2 ? 255 : found[at + step - 1];
  }
  return { width, height, data };
}

/** Pixels that a browser has decoded: those of a transparent picture are not the file's. */
export function opaque(pixels) {
  for (let i = 3; i < pixels.data.length; i += 4) {
    if (pixels.data[i] !== 255) {
      throw new LimitError('a browser changes the colours of a transparent picture of this kind: save it '
        + 'as PNG, or without transparency');
    }
  }
  return pixels;
}
