// Pictures as pillow has them, { mode, width, height, data }, to the bit: 8 bits a channel, no
// premultiplied transparency.
import { isFloat, make, PlanError } from './arrays.js';

const channels = { L: 1, RGB: 3, RGBA: 4 };
const create = (mode, width, height) => ({ mode, width, height,
  data: new Uint8Array(width * height * channels[mode]) });

/** What a browser decoded, RGBA. */
export const decoded = ({ width, height, data }) => ({ mode: 'RGBA', width, height, data });

export function convert(picture, mode) {
  if (picture.mode === mode) return picture;
  const { width, height, data } = picture;
  const made = create(mode, width, height);
  const [from, to] = [channels[picture.mode], channels[mode]];
  for (let i = 0, a = 0, b = 0; i < width * height; i++, a += from, b += to) {
    const [red, green, blue] = from === 1 ? [data[a], data[a], data[a]]
      : [data[a], data[a + 1], data[a + 2]];
    if (to === 1) made.data[b] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
    else {
      made.data[b] = red;
      made.data[b + 1] = green;
      made.data[b + 2] = blue;
      if (to === 4) made.data[b + 3] = from === 4 ? data[a + 3] : 255;
    }
  }
  return made;
}

// ---- resampling -----------------------------------------------------------------------------------

const sinc = (x) => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));
function cubic(x, a = -0.5) {
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}
function hamming(x) {
  const d = Math.abs(x);
  if (d === 0) return 1;
  return d >= 1 ? 0 : (Math.sin(d * Math.PI) / (d * Math.PI)) * (0.54 + 0.46 * Math.cos(d * Math.PI));
}
const filters = {
  1: [3, (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0)],
  2: [1, (x) => Math.max(0, 1 - Math.abs(x))],
  3: [2, cubic],
  4: [0.5, (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)],
  5: [1, hamming],
};
const precision = 22; // bits of a weight behind its point

// For each element of the result: the first of those it is made of, and their weights.
function weights(size, from, to, count, [reach, filter]) {
  const scale = Math.fround(to - from) / count; // as C computes it, of float32
  const wide = Math.max(1, scale);
  return Array.from({ length: count }, (_, i) => {
    const center = from + (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - reach * wide + 0.5));
    const end = Math.min(size, Math.trunc(center + reach * wide + 0.5));
    const found = Array.from({ length: end - first }, (__, k) =>
      filter((k + first - center + 0.5) * (1 / wide)));
    const sum = found.reduce((total, w) => total + w, 0);
    return { first, list: found.map((w) => {
      const whole = (sum === 0 ? w : w / sum) * 2 ** precision;
      return Math.trunc(whole < 0 ? whole - 0.5 : whole + 0.5);
    }) };
  });
}

const clip = (sum) => Math.min(255, Math.max(0, Math.floor(sum / 2 ** precision)));

// One axis: `lines` lines of elements that are `step` apart, those of a line `along` apart.
function pass(data, table, made, { lines, step, along, madeStep, madeAlong, depth }) {
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < table.length; i++) {
      const { first, list } = table[i];
      for (let c = 0; c < depth; c++) {
        let sum = 2 ** (precision - 1);
        let at = line * step + first * along + c;
        for (let k = 0; k < list.length; k++, at += along) sum += data[at] * list[k];
        made[line * madeStep + i * madeAlong + c] = clip(sum);
      }
    }
  }
}

function alongRows({ mode, width: before, height, data }, width, table) {
  const made = create(mode, width, height);
  const depth = channels[mode];
  pass(data, table, made.data, { lines: height, step: before * depth, along: depth,
    madeStep: width * depth, madeAlong: depth, depth });
  return made;
}

function alongColumns({ mode, width, data }, height, table) {
  const made = create(mode, width, height);
  const depth = channels[mode];
  pass(data, table, made.data, { lines: width, step: depth, along: width * depth, madeStep: depth,
    madeAlong: width * depth, depth });
  return made;
}

function nearest(picture, width, height, [left, top, right, bottom]) {
  const made = create(picture.mode, width, height);
  const depth = channels[picture.mode];
  const places = (from, to, count) => {
    const step = Math.fround(to - from) / count;
    let at = from + step * 0.5;
    return Array.from({ length: count }, () => {
      const found = Math.floor(at);
      at += step;
      return found;
    });
  };
  const [columns, rows] = [places(left, right, width), places(top, bottom, height)];
  let to = 0;
  for (const y of rows) {
    for (const x of columns) {
      const from = (y * picture.width + x) * depth;
      for (let c = 0; c < depth; c++) made.data[to++] = picture.data[from + c];
    }
  }
  return made;
}

/** picture.resize((width, height), filter, box). */
export function resize(picture, width, height, filter, box = [0, 0, picture.width, picture.height]) {
  if (width <= 0 || height <= 0) throw new PlanError('ValueError', 'height and width must be > 0');
  const [left, top, right, bottom] = box;
  const isWhole = left === 0 && top === 0 && right === picture.width && bottom === picture.height;
  if (isWhole && width === picture.width && height === picture.height) return picture;
  if (filter === 0) return nearest(picture, width, height, box);
  const across = (from) => (width === picture.width && left === 0 && right === width ? from
    : alongRows(from, width, weights(from.width, left, right, width, filters[filter])));
  const down = (from) => (height === picture.height && top === 0 && bottom === height ? from
    : alongColumns(from, height, weights(from.height, top, bottom, height, filters[filter])));
  // As Pillow does since 13; before, rows came first in any case, which rounds some bytes otherwise.
  const fewer = picture.height - height;
  return fewer > 0 && fewer > 2 * (picture.width - width) ? across(down(picture)) : down(across(picture));
}

// ---- moving pixels --------------------------------------------------------------------------------

/** picture.crop(box): black beyond the edges. */
export function crop(picture, left, top, right, bottom) {
  if (right < left) throw new PlanError('ValueError', 'Coordinate \'right\' is less than \'left\'');
  if (bottom < top) throw new PlanError('ValueError', 'Coordinate \'lower\' is less than \'upper\'');
  const made = create(picture.mode, right - left, bottom - top);
  return put(made, picture, -left, -top);
}

// Writes a picture into another one, which is new.
function put(onto, picture, x, y) {
  const depth = channels[picture.mode];
  const first = Math.max(0, -x);
  const end = Math.min(picture.width, onto.width - x);
  for (let row = Math.max(0, -y); row < Math.min(picture.height, onto.height - y); row++) {
    if (end <= first) break;
    const from = (row * picture.width + first) * depth;
    onto.data.set(picture.data.subarray(from, from + (end - first) * depth),
      ((row + y) * onto.width + x + first) * depth);
  }
  return onto;
}

export const paste = (onto, picture, x, y) => put({ ...onto, data: onto.data.slice() }, picture, x, y);

export function create1(width, height, mode, color) {
  if (width < 0 || height < 0) throw new PlanError('ValueError', 'Width and height must be >= 0');
  const made = create(mode, width, height);
  for (let i = 0; i < made.data.length; i++) made.data[i] = color[i % color.length];
  return made;
}

// Where the pixel of the result comes from, in a picture of w by h.
const turns = [
  (x, y, w) => [w - 1 - x, y], (x, y, w, h) => [x, h - 1 - y],
  (x, y, w) => [w - 1 - y, x], (x, y, w, h) => [w - 1 - x, h - 1 - y],
  (x, y, w, h) => [y, h - 1 - x], (x, y) => [y, x], (x, y, w, h) => [w - 1 - y, h - 1 - x],
];

/** picture.transpose(turn). */
export function turn(picture, kind) {
  const { mode, width, height, data } = picture;
  const swapped = [2, 4, 5, 6].includes(kind);
  const made = create(mode, swapped ? height : width, swapped ? width : height);
  const depth = channels[mode];
  let to = 0;
  for (let y = 0; y < made.height; y++) {
    for (let x = 0; x < made.width; x++) {
      const [u, v] = turns[kind](x, y, width, height);
      for (let c = 0; c < depth; c++) made.data[to++] = data[(v * width + u) * depth + c];
    }
  }
  return made;
}

export const invert = (picture) => ({ ...picture, data: picture.data.map((x) => 255 - x) });

const even = (x) => {
  const down = Math.floor(x);
  return x - down < 0.5 || (x - down === 0.5 && down % 2 === 0) ? down : down + 1;
};

/** ImageOps.contain: as large as fits. */
export function contain(picture, width, height, filter) {
  const own = picture.width / picture.height;
  const wanted = width / height;
  let [w, h] = [width, height];
  if (own > wanted) h = even((picture.height / picture.width) * width);
  else if (own < wanted) w = even((picture.width / picture.height) * height);
  return w && h ? resize(picture, w, h, filter) : create(picture.mode, w, h);
}

/** ImageOps.pad: as large as fits, on a colour. */
export function pad(picture, width, height, { filter, color, centering }) {
  const inner = contain(picture, width, height, filter);
  if (inner.width === width && inner.height === height) return inner;
  const at = (whole, part, center) => even((whole - part) * Math.max(0, Math.min(center, 1)));
  const [x, y] = inner.width !== width ? [at(width, inner.width, centering[0]), 0]
    : [0, at(height, inner.height, centering[1])];
  return put(create1(width, height, picture.mode, color), inner, x, y);
}

/** ImageOps.fit: filled, what is too much is cut off. */
export function fit(picture, width, height, { filter, bleed, centering }) {
  const [across, down] = centering.map((x) => (x >= 0 && x <= 1 ? x : 0.5));
  const edge = bleed >= 0 && bleed < 0.5 ? bleed : 0;
  const margin = [edge * picture.width, edge * picture.height];
  const live = [picture.width - margin[0] * 2, picture.height - margin[1] * 2];
  const ratio = live[0] / live[1];
  const wanted = width / height;
  const [w, h] = ratio === wanted ? live : ratio >= wanted ? [wanted * live[1], live[1]]
    : [live[0], live[0] / wanted];
  const left = margin[0] + (live[0] - w) * across;
  const top = margin[1] + (live[1] - h) * down;
  return resize(picture, width, height, filter, [left, top, left + w, top + h].map(Math.fround));
}

// ---- arrays ---------------------------------------------------------------------------------------

/** np.array(picture). */
export function pixels({ mode, width, height, data }) {
  return make('uint8', mode === 'L' ? [height, width] : [height, width, channels[mode]], data.slice());
}

/** Image.fromarray(x). */
export const fromArray = ({ dims: [height, width], data }, mode) => ({ mode, width, height,
  data: data.slice() });

/** An array as a picture that gr.Image shows: numbers with a fraction are -1 to 1, what is below 0 is
 *  black. */
export function shownArray({ dtype, dims, data }) {
  const [height, width, depth = 1] = dims;
  const mode = { 1: 'L', 3: 'RGB', 4: 'RGBA' }[depth];
  if (!mode || !width || !height || dims.length > 3) {
    throw new PlanError('ValueError', `a picture has the shape [height, width, 1 to 4 channels], not [${
      dims}]`);
  }
  const real = isFloat(dtype);
  if (real && data.some((x) => !(x >= -1 && x <= 1))) {
    throw new PlanError('ValueError', 'a picture of numbers with a fraction has values from -1 to 1');
  }
  const scale = real || dtype === 'bool' ? 255 : 1;
  return { mode, width, height, data: Uint8Array.from(data, (x) => Math.min(255, Math.max(0,
    even(x * scale)))) };
}

/** A PNG file for the page. */
export async function png(picture) {
  const { width, height, data } = convert(picture, 'RGBA');
  const canvas = new OffscreenCanvas(width, height);
  const pixelsOf = new ImageData(new Uint8ClampedArray(data), width, height);
  canvas.getContext('2d').putImageData(pixelsOf, 0, 0);
  const blob = await canvas.convertToBlob({ type: 'image/png' });
  return { name: 'image.png', type: 'image/png', bytes: new Uint8Array(await blob.arrayBuffer()) };
}
