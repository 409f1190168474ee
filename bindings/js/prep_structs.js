// Structs of ashore_prep.h as bytes.  Addresses and sizes take four.
import { AshoreError } from './ashore.js';

const ints = (...values) => Int32Array.from(values);
const floats = (...values) => Float32Array.from(values);

/** Numbers one behind the other. */
export function pack(...parts) {
  const bytes = parts.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  const all = new Uint8Array(bytes.reduce((sum, part) => sum + part.length, 0));
  bytes.reduce((at, part) => {
    all.set(part, at);
    return at + part.length;
  }, 0);
  return all;
}

/** The number of a name among names. */
export function numberIn(names, name, what) {
  const number = names.indexOf(name);
  if (number < 0) {
    throw new AshoreError('ERR_ARGUMENT', `${what} '${name}' is not there`,
      { advice: `Give one of ${names.join(', ')}` });
  }
  return number;
}

function three(value, what) {
  const values = typeof value === 'number' ? [value, value, value] : Array.from(value ?? []);
  if (values.length === 3 && values.every((v) => typeof v === 'number')) return values;
  throw new AshoreError('ERR_ARGUMENT', `${what} is ${value}`,
    { advice: 'Give a number, or one for each of R, G and B' });
}

// [mean, scale] for x of 0 to 255.
const per255 = (mean, deviation) => [mean.map((v) => 255 * v), deviation.map((v) => 1 / (255 * v))];
const normalizations = {
  none: [0, 1],
  '0..1': [0, 1 / 255],
  '-1..1': [127.5, 1 / 127.5],
  imagenet: per255([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
  clip: per255([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]),
};

const types = { float32: 1, uint8: 2, int8: 3, float16: 10 };

export function imageOptions({ width = 1, height = 1, fit = 'stretch', order = 'rgb',
  layout = 'NCHW', type = 'float32', filter = 'bilinear', antialias = false, normalize = 'none',
  mean, scale, pad = 0, background = 255, part, cropPct = 1 } = {}) {
  const names = Object.keys(normalizations);
  const usual = normalizations[names[numberIn(names, normalize, 'normalize')]];
  numberIn(Object.keys(types), type, 'the type');
  return pack(
    ints(100, width, height, numberIn(['stretch', 'letterbox', 'start', 'crop'], fit, 'the fit'),
      numberIn(['rgb', 'bgr', 'grey'], order, 'the order') === 2 ? 1 : 3, order === 'bgr',
      numberIn(['NCHW', 'NHWC'], layout, 'the layout'), types[type],
      numberIn(['bilinear', 'nearest', 'bicubic'], filter, 'the filter'), antialias),
    floats(...three(mean ?? usual[0], 'mean'), ...three(scale ?? usual[1], 'scale'), pad,
      ...three(background, 'background'), part?.x ?? 0, part?.y ?? 0, part?.width ?? 0,
      part?.height ?? 0, cropPct),
  );
}

export const boxFormats = ['xyxy', 'xywh', 'cxcywh', 'yxyx'];
const noBackground = -(2 ** 31);

export function detectOptions({ format = 'xyxy', layout = 'rows', objectness = false,
  activation = 'none', background = noBackground, classAgnostic = false, score = 0.25, iou = 0.45,
  most = 300, normalized = false } = {}, placement = undefined) {
  const { left, top, stepX, stepY, width, height, tensorWidth, tensorHeight } = placement
    ?? { left: 0, top: 0, stepX: 1, stepY: 1, width: 0, height: 0, tensorWidth: 1, tensorHeight: 1 };
  return pack(
    ints(72, numberIn(boxFormats, format, 'the format'),
      numberIn(['rows', 'columns'], layout, 'the layout'), objectness,
      numberIn(['none', 'sigmoid', 'softmax'], activation, 'the activation'), background,
      classAgnostic),
    floats(score, iou), ints(most),
    floats(normalized ? tensorWidth : 1, normalized ? tensorHeight : 1, left, top, stepX, stepY),
    ints(width, height),
  );
}

export const textOptions = ({ threshold = 0.3, score = 0.6, unclip = 1.5, leastSide = 3,
  scale = [1, 1], polygons = false } = {}) => pack(
  ints(32), floats(threshold, score, unclip, leastSide, ...scale), ints(polygons));

export const melOptions = ({ rate = 16000, fft = 400, window = fft, hop = 160, mels = 80, low = 0,
  high = 0, scale = 'slaney', normalize = scale === 'slaney', center = true, power = 2, log = 'none',
  least = 1e-10, dropLast = false } = {}) => pack(
  ints(60, rate, fft, window, hop, mels), floats(low, high),
  ints(numberIn(['slaney', 'htk'], scale, 'the scale'), normalize, center), floats(power),
  ints(numberIn(['none', 'ln', 'db', 'whisper'], log, 'log')), floats(least), ints(dropLast));

/** struct ashore_image of pixels at an address. */
export const imageAt = (at, { width, height }, channels) =>
  ints(at, width, height, width * channels, channels);

/** struct ashore_sound of samples at an address. */
export const soundAt = (at, { type, channels, frames, step, channelStep, rate }) => pack(
  ints(at, type === 'int16' ? 5 : 1, channels, 0),
  BigInt64Array.of(BigInt(frames), BigInt(step), BigInt(channelStep)), ints(rate, 0));
