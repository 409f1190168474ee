// Pictures to tensors and back: pure functions.  A picture is { data, width, height } with data
// RGBA in bytes, rows from the top, as ImageData is.
import { element, zeros } from './numbers.js';

const ownSide = 640; // the longer side of a picture whose size the model leaves open
const grain = 32;

/** What is done to a channel's bytes, by the name of a scale. */
export const scales = {
  unit: { label: '0 to 1', mean: [0, 0, 0], deviation: [1, 1, 1] },
  symmetric: { label: '−1 to 1', mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] },
  imagenet: { label: 'ImageNet mean and deviation', mean: [0.485, 0.456, 0.406],
    deviation: [0.229, 0.224, 0.225] },
  bytes: { label: '0 to 255', mean: [0, 0, 0], deviation: [1 / 255, 1 / 255, 1 / 255] },
  signed: { label: '−128 to 127', mean: [128 / 255, 128 / 255, 128 / 255],
    deviation: [1 / 255, 1 / 255, 1 / 255] },
};
export const fits = { crop: 'crop the middle', letterbox: 'whole, with bars', stretch: 'stretch' };

/** The size a picture gets: as given, one side by the other, or nearly its own. */
export function sizeFor(picture, width, height) {
  const ratio = picture.width / picture.height;
  const whole = (value) => Math.max(1, Math.round(value));
  if (width && height) return { width, height };
  if (height) return { width: whole(height * ratio), height };
  if (width) return { width, height: whole(width / ratio) };
  const scale = Math.min(1, ownSide / Math.max(picture.width, picture.height));
  const grained = (value) => Math.max(grain, grain * Math.round(value * scale / grain));
  return { width: grained(picture.width), height: grained(picture.height) };
}

// Weights of a triangle filter as wide as a pixel of the smaller of the two: bilinear where a line
// grows, an average where it shrinks.  [{ from, weights }] by place.
function filters(from, size, wanted) {
  const step = size / wanted;
  const reach = Math.max(step, 1);
  return Array.from({ length: wanted }, (_, i) => {
    const middle = from.start + (i + 0.5) * step;
    const low = Math.max(Math.floor(middle - reach + 0.5), 0);
    const high = Math.min(Math.ceil(middle + reach - 0.5), from.limit - 1);
    const weights = [];
    for (let at = low; at <= high; at++) {
      weights.push(Math.max(0, 1 - Math.abs(at + 0.5 - middle) / reach));
    }
    const total = weights.reduce((a, b) => a + b, 0) || 1;
    return { low, weights: weights.map((weight) => weight / total) };
  });
}

// Red, green and blue over white as planes of numbers from 0 to 255.
function planes({ data, width, height }) {
  return [0, 1, 2].map((channel) => {
    const plane = new Float32Array(width * height);
    for (let i = 0; i < plane.length; i++) {
      plane[i] = 255 + (data[4 * i + channel] - 255) * data[4 * i + 3] / 255;
    }
    return plane;
  });
}

// One axis of a plane: `rows` lines, `stride` apart, of places `step` apart, become lines of
// another length with the same distances.
function along(plane, filter, rows, stride, step, out, outStride) {
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < filter.length; i++) {
      const { low, weights } = filter[i];
      let at = row * stride + low * step;
      let sum = 0;
      for (let k = 0; k < weights.length; k++, at += step) sum += weights[k] * plane[at];
      out[row * outStride + i * step] = sum;
    }
  }
  return out;
}

// The part of a picture at x, y of w by h, as planes of width by height.
function resized(picture, part, width, height) {
  const across = filters({ start: part.x, limit: picture.width }, part.w, width);
  const down = filters({ start: part.y, limit: picture.height }, part.h, height);
  return planes(picture).map((plane) => {
    const narrow = along(plane, across, picture.height, picture.width, 1,
      new Float32Array(width * picture.height), width);
    return along(narrow, down, width, 1, width, new Float32Array(width * height), 1);
  });
}

/** A picture at width by height as three planes of 0 to 255; fit: a key of fits. */
export function fitted(picture, width, height, fit) {
  const whole = { x: 0, y: 0, w: picture.width, h: picture.height };
  if (!(picture.width > 0 && picture.height > 0)) throw new RangeError('the picture is empty');
  if (fit === 'crop') {
    const scale = Math.min(picture.width / width, picture.height / height);
    const w = width * scale;
    const h = height * scale;
    return resized(picture, { x: (picture.width - w) / 2, y: (picture.height - h) / 2, w, h },
      width, height);
  }
  if (fit !== 'letterbox') return resized(picture, whole, width, height);
  const scale = Math.min(width / picture.width, height / picture.height);
  const w = Math.max(1, Math.round(picture.width * scale));
  const h = Math.max(1, Math.round(picture.height * scale));
  const left = (width - w) >> 1;
  const top = (height - h) >> 1;
  return resized(picture, whole, w, h).map((plane) => {
    const out = new Float32Array(width * height).fill(114); // the bars' usual grey
    for (let y = 0; y < h; y++) {
      out.set(plane.subarray(y * w, (y + 1) * w), (top + y) * width + left);
    }
    return out;
  });
}

// Planes in the order of the model's channels, with the row of the scale's table that each is of.
function ordered(rgb, channels, order) {
  if (channels === 1) {
    const [r, g, b] = rgb;
    return [[r.map((red, i) => 0.299 * red + 0.587 * g[i] + 0.114 * b[i]), 0]];
  }
  const three = (order === 'bgr' ? [2, 1, 0] : [0, 1, 2]).map((i) => [rgb[i], i]);
  return channels === 4 ? [...three, [new Float32Array(rgb[0].length).fill(255), 0]] : three;
}

/** The elements of a picture of width by height: { channels, order, scale, fit, layout }, layout
 *  'NHWC' for channels last. */
export function prepare(picture, type, width, height, options) {
  const { channels, order, scale, fit, layout } = options;
  const { mean, deviation } = scales[scale];
  const rgb = fitted(picture, width, height, fit);
  const data = zeros(type, channels * width * height);
  const direct = type === 'float32' || type === 'float64';
  const last = layout === 'NHWC';
  ordered(rgb, channels, order).forEach(([plane, row], c) => {
    for (let i = 0; i < plane.length; i++) {
      // As other programs do it: a byte first.
      const value = (Math.round(plane[i]) / 255 - mean[row]) / deviation[row];
      data[last ? i * channels + c : c * plane.length + i] = direct ? value : element(type, value);
    }
  });
  return data;
}

// ---- from tensors -------------------------------------------------------------------------------

const ranges = { unit: [0, 1], symmetric: [-1, 1], bytes: [0, 255] };

function extremes(values) {
  let least = Infinity;
  let most = -Infinity;
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}

/** The range that numbers seem to be of: a key of ranges, or 'stretch'. */
export function rangeOf(type, values) {
  const [least, most] = extremes(values);
  if (type === 'uint8') return 'bytes';
  if (least >= -0.1 && most <= 1.1) return 'unit';
  if (least >= -1.1 && most <= 1.1) return 'symmetric';
  return least >= -16 && most <= 272 && most > 16 ? 'bytes' : 'stretch';
}

/** RGBA of a picture's numbers; layout 'CHW', 'HWC' or 'HW'; range: see rangeOf. */
export function paint(values, width, height, { layout, range, order = 'rgb' }) {
  const size = width * height;
  const channels = values.length / size;
  const [least, most] = ranges[range] ?? extremes(values);
  const scale = 255 / (most - least || 1);
  const out = new Uint8ClampedArray(4 * size).fill(255);
  const shown = Math.min(channels, 4);
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < shown; c++) {
      const value = (values[layout === 'HWC' ? i * channels + c : c * size + i] - least) * scale;
      if (channels === 1) out.fill(value, 4 * i, 4 * i + 3);
      else out[4 * i + (order === 'bgr' && c < 3 ? 2 - c : c)] = value;
    }
  }
  return { data: out, width, height };
}

// Dark blue over green to yellow, evenly lighter: points of a curve between which lines are drawn.
const curve = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

/** RGBA of a map of numbers: from the least, dark, to the most, light. */
export function heat(values, width, height) {
  const [least, most] = extremes(values);
  const out = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) {
    const at = (curve.length - 1) * ((values[i] - least) / (most - least || 1) || 0);
    const low = Math.min(Math.floor(at), curve.length - 2);
    for (let c = 0; c < 3; c++) {
      out[4 * i + c] = curve[low][c] + (curve[low + 1][c] - curve[low][c]) * (at - low);
    }
  }
  return { data: out, width, height };
}

/** A colour for a class; 0, the background, is black. */
export function colour(index) {
  if (!index) return [0, 0, 0];
  const hue = (index * 137.508) % 360; // the golden angle keeps neighbours apart
  const part = (n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (0.55 - 0.4 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [part(0), part(8), part(4)];
}

/** RGBA of classes by place, and [class, share of the places] by falling share. */
export function mask(classes, width, height) {
  const out = new Uint8ClampedArray(4 * width * height).fill(255);
  const counts = new Map();
  for (let i = 0; i < width * height; i++) {
    const index = Number(classes[i]);
    counts.set(index, (counts.get(index) ?? 0) + 1);
    out.set(colour(index), 4 * i);
  }
  const shares = [...counts].sort((a, b) => b[1] - a[1])
    .map(([index, count]) => [index, count / (width * height)]);
  return { data: out, width, height, shares };
}

/** The number of the largest among `count` scores at each place; last: they lie side by side. */
export function largest(values, count, last) {
  const places = values.length / count;
  const out = new Int32Array(places);
  const [byClass, byPlace] = last ? [1, count] : [places, 1];
  for (let i = 0; i < places; i++) {
    for (let c = 1; c < count; c++) {
      if (values[c * byClass + i * byPlace] > values[out[i] * byClass + i * byPlace]) out[i] = c;
    }
  }
  return out;
}
