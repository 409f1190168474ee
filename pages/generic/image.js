// Pictures to tensors and back: pure functions.  A picture is { data, width, height } with data
// RGBA in bytes, rows from the top, as ImageData is.
import { element, elements, tensorOf, zeros } from './numbers.js';

const ownSide = 640; // the longer side of a picture whose size the model leaves open
const grain = 32;
const grey = 114; // of bars beside a picture, as detectors are trained with

/** What is done to a channel's bytes, by the name of a scale. */
export const scales = {
  unit: { label: '0 to 1', normalize: '0..1', mean: [0, 0, 0], deviation: [1, 1, 1] },
  symmetric: { label: '−1 to 1', normalize: '-1..1', mean: [0.5, 0.5, 0.5],
    deviation: [0.5, 0.5, 0.5] },
  imagenet: { label: 'ImageNet mean and deviation', normalize: 'imagenet',
    mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] },
  bytes: { label: '0 to 255', normalize: 'none', mean: [0, 0, 0],
    deviation: [1 / 255, 1 / 255, 1 / 255] },
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

/** What ashore/prep is asked for: { channels, order, scale, fit, layout } as decide.js has it. */
export function imageOptions(type, width, height, { channels, order, scale, fit, layout }) {
  const { mean, deviation, normalize } = scales[scale];
  const common = { width, height, fit, antialias: true, order: channels === 1 ? 'grey' : order,
    layout: layout === 'NHWC' ? 'NHWC' : 'NCHW' };
  // Bytes that are not as they are, and types that few models take, are made of float32.
  const own = type === 'uint8' ? scale === 'bytes' : /^(float32|float16|int8)$/.test(type);
  const made = own && type !== 'float32' ? { ...common, type } : common;
  if (own && type === 'uint8') return { ...made, pad: grey };
  return { ...made, ...normalize ? { normalize } : { mean: 255 * mean[0], scale: 1 },
    pad: (grey / 255 - mean[0]) / deviation[0] };
}

// Of four channels the last says how opaque a pixel is: all are, as if it were a colour of 255.
function withAlpha({ data, dims }, full, last) {
  const pixels = data.length / 3;
  const all = new data.constructor(4 * pixels).fill(full);
  if (!last) all.set(data);
  else for (let i = 0; i < pixels; i++) all.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
  return { data: all, dims: dims.with(last ? 3 : 1, 4) };
}

/** What ashore/prep has made, as an input of another type, of four channels or of more pictures:
 *  the elements of a tensor of these extents. */
export function imageElements(made, type, dims, { channels, scale, layout }) {
  const { mean, deviation } = scales[scale];
  const full = made.type === 'uint8' ? 255 : element(made.type, (1 - mean[0]) / deviation[0]);
  const { data } = channels === 4 ? withAlpha(made, full, layout === 'NHWC') : made;
  const one = made.type === type ? data : tensorOf(type, data, [data.length]).data;
  const count = elements(dims);
  if (count === one.length) return one;
  const all = zeros(type, count);
  for (let at = 0; at < count; at += one.length) all.set(one, at);
  return all;
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
