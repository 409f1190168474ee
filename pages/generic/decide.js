// What an input probably is and how an output is best shown, from names, types and shapes alone.
// Every guess of the page is made here; all of them can be changed on the page.
import { elements, isFloat, isNumeric } from './numbers.js';

const open = (d) => typeof d !== 'number';
const channelCounts = [1, 3, 4];
const leastSide = 8; // of a picture

const named = {
  picture: /image|img|pixel|picture|photo|frame|rgb/i,
  sound: /audio|wave?(form)?$|signal|sound|speech|pcm/i,
  state: new RegExp('(^|[._/-])(state|hidden|cell|h0?|c0?|hx|cx|hn|cn|cache|past|mems?|memory|'
    + 'context)([._/-]|\\d|$)', 'i'),
  rate: /^(sr|sample_?rate|sampling_?rate|fs)$/i,
  mask: /mask/i,
  position: /position/i,
  typeIds: /(token_)?type_?ids|segment/i,
  ids: /ids?$|tokens?$/i,
  bytes: /^bytes$/i,
  batch: /^(n|b|bs|batch.*|.*batch|.*batch_?size)$/i,
  height: /^(h|height|.*height)$/i,
  width: /^(w|width|.*width)$/i,
  channels: /^(c|ch|channels?|num_channels)$/i,
  vector: /embed|feature|vector|hidden|pool|state|latent/i,
  map: /depth|heat|salien|attention|prob/i,
};
const thresholds = [[/iou/i, 0.45], [/score|conf|threshold/i, 0.25],
  [/max_?(output|det|box)/i, 100]];

// ---- pictures -----------------------------------------------------------------------------------

const side = (d) => (open(d) ? true : d >= leastSide);
const called = (d, name) => open(d) && name.test(d);
const channel = (d) => channelCounts.includes(d) || called(d, named.channels);

// Axes of a picture among an input's: which is what, or null. The batch, where there is one, leads.
function axesOf(info) {
  const { dims } = info;
  const at = dims.length === 4 ? 1 : 0;
  if (dims.length === 4 || dims.length === 3) {
    const [a, b, c] = dims.slice(at);
    // Of two numbers that may both count channels, the first does.
    if (channel(a) && side(b) && side(c)) return { c: at, h: at + 1, w: at + 2, layout: 'NCHW' };
    if (channel(c) && side(a) && side(b)) return { c: at + 2, h: at, w: at + 1, layout: 'NHWC' };
    if (dims.length === 4 && dims.every(open) && !named.state.test(info.name)) {
      return { c: 1, h: 2, w: 3, layout: 'NCHW' };
    }
  }
  if (dims.length === 3) return { c: -1, h: 1, w: 2, layout: 'NHW' };
  return dims.length === 2 ? { c: -1, h: 0, w: 1, layout: 'HW' } : null;
}

// Three axes may be many things: a picture only where a name or the shape says so.
function isPicture(info, axes) {
  const { dims, name, type } = info;
  if (!isNumeric(type) || type === 'int64' || !axes) return false;
  if (named.picture.test(name)) return axes.layout !== 'HW' || dims.every(side);
  if (named.state.test(name)) return false;
  if (dims.length === 4) return axes.c >= 0;
  const sides = called(dims[axes.h], named.height) && called(dims[axes.w], named.width);
  const square = dims[axes.h] === dims[axes.w] && !open(dims[axes.h]) && side(dims[axes.h]);
  if (dims.length === 3) return sides || square || (axes.c >= 0 && [3, 4].includes(dims[axes.c]));
  return false;
}

const isClasses = ({ type, dims }) => {
  const rest = (dims ?? []).filter((d, axis) => d !== 1 && !(axis === 0 && open(d)));
  return isFloat(type) && rest.length === 1 && !open(rest[0]) && rest[0] > 1;
};
const isBoxes = ({ type, dims, name }) => /box|detect/i.test(name)
  || (isFloat(type) && dims?.length === 3 && dims.some((d) => d >= 4 && d <= 256)
    && dims.some((d) => open(d) || d > 256));

function scaleOf(info, axes, count, classes, paddle) {
  if (!isFloat(info.type)) return info.type === 'int8' ? 'signed' : 'bytes';
  if (axes.layout === 'NHWC') return 'symmetric';
  if (count !== 3) return 'unit';
  const line = !open(info.dims[axes.h]) && open(info.dims[axes.w]);
  if (paddle) return line ? 'symmetric' : 'imagenet';
  return classes ? 'imagenet' : 'unit';
}

function decidePicture(info, outputs) {
  const axes = axesOf(info);
  const { dims } = info;
  const size = (axis) => (open(dims[axis]) ? 0 : dims[axis]); // 0: the page asks
  const count = axes.c < 0 ? 1 : size(axes.c) || 3;
  const classes = outputs.some(isClasses);
  const paddle = dims.some((d) => open(d) && d.startsWith('p2o.'))
    || (info.name === 'x' && axes.layout === 'NCHW');
  const fixed = size(axes.h) && size(axes.w);
  const boxes = outputs.some(isBoxes);
  const fit = fixed && boxes ? 'letterbox' : fixed && classes ? 'crop' : 'stretch';
  return { axes, channels: count, width: size(axes.w), height: size(axes.h), fit,
    order: paddle && count === 3 ? 'bgr' : 'rgb',
    scale: scaleOf(info, axes, count, classes, paddle) };
}

// ---- sound --------------------------------------------------------------------------------------

const isSound = ({ type, dims, name }) => {
  const last = dims.at(-1);
  if (!isFloat(type) || dims.length < 1 || dims.length > 3) return false;
  if (!dims.slice(0, -1).every((d) => open(d) || d <= 2)) return false;
  if (named.sound.test(name)) return true;
  if (named.state.test(name) || named.vector.test(name) || dims.length > 2) return false;
  return open(last) ? !(dims.length === 1 && named.batch.test(last)) : last >= 1024;
};

const leastSound = 256; // samples

// most: samples of one run, 0 for all.  A model that keeps a state takes sound by small pieces.
const decideSound = ({ dims }, inputs) => ({ rate: 16000,
  length: open(dims.at(-1)) ? 0 : dims.at(-1),
  most: inputs.some(({ name }) => named.state.test(name)) ? 512 : 0 });

// ---- what is left -------------------------------------------------------------------------------

function defaultValue({ name, type }) {
  if (named.rate.test(name)) return 16000;
  return thresholds.find(([words, value]) => words.test(name)
    && (isFloat(type) || value >= 1))?.[1] ?? 0;
}

// Inputs that go along with another one.
function decideFill(info, others) {
  const { name, type } = info;
  const whole = !isFloat(type);
  const like = others.find((other) => named.ids.test(other.name) && other !== info
    && !named.typeIds.test(other.name) && !named.position.test(other.name)
    && other.dims?.length === info.dims?.length)?.name;
  if (whole && named.mask.test(name)) return { value: 1, like };
  if (whole && named.position.test(name)) return { value: 'range', like };
  if (whole && named.typeIds.test(name) && like) return { value: 0, like };
  if (named.state.test(name)) return { value: 0 };
  return null;
}

const manual = 16; // as many numbers are written out as zeros

function decideNumbers(info) {
  const dims = info.dims ?? [];
  const count = elements(dims.map((d, axis) => (open(d) ? (axis === 0 ? 1 : NaN) : d)));
  const value = defaultValue(info);
  return { text: info.dims && count <= manual ? Array(count).fill(value).join(', ') : '' };
}

/** How an input may be given: { info, optional, ways, way, picture, sound, bytes, numbers, fill };
 *  ways: 'picture', 'sound', 'text', 'bytes', 'numbers', 'fill', 'npy', 'items' (of a sequence);
 *  way: the likeliest.  An input that no page can give has no ways. */
export function decideInput(info, inputs = [info], outputs = []) {
  const { kind, type, dims } = info;
  const choice = { info, optional: kind === 'optional', ways: [], way: '' };
  const done = (ways) => Object.assign(choice, { ways, way: ways[0] ?? '' });
  if (kind === 'sequence') return done(isNumeric(type) || type === 'string' ? ['items'] : []);
  if (kind === 'map' || (!isNumeric(type) && type !== 'string')) return done([]);
  if (type === 'string') return done(['text', 'npy']);
  choice.numbers = decideNumbers(info);
  choice.fill = { value: defaultValue(info), ...decideFill(info, inputs) };
  if (!dims) return done(['npy', 'numbers']);
  const axes = axesOf(info);
  if (axes && type !== 'int64' && side(dims[axes.h]) && side(dims[axes.w])) {
    choice.picture = decidePicture(info, outputs);
  }
  const last = dims.at(-1);
  if (isFloat(type) && dims.length && dims.length <= 3 && (open(last) || last >= leastSound)) {
    choice.sound = decideSound(info, inputs);
  }
  const whole = !isFloat(type) && type !== 'bool';
  if (whole && dims.length && dims.length <= 2) {
    const marked = named.bytes.test(info.name) && !type.endsWith('8');
    choice.bytes = { length: open(last) ? 0 : last, pad: marked ? 256 : 0, ends: marked };
  }
  const likely = (isPicture(info, axes) && choice.picture && 'picture')
    || (decideFill(info, inputs) && 'fill')
    || (isSound(info) && 'sound')
    || (choice.bytes && (named.bytes.test(info.name) || last >= 256) && 'bytes')
    || 'numbers';
  const ways = ['picture', 'sound', 'bytes'].filter((way) => choice[way]);
  return done([likely, ...[...ways, 'numbers', 'fill', 'npy'].filter((way) => way !== likely)]);
}

export const decideInputs = (inputs, outputs) =>
  inputs.map((info) => decideInput(info, inputs, outputs));

/** What is said beside an open extent, and what it is where nothing else tells: 1. */
export const isBatch = ({ key, first }) => first || named.batch.test(key);

// ---- states -------------------------------------------------------------------------------------

// What a name is about: 'stateN', 'state_out' and 'state' are the same, as are 'hn', 'h0' and 'h'.
const stem = (name) => name.toLowerCase()
  .replace(/(^|[^a-z])(out|in|output|input|next|new|prev|previous|past|present)(?=$|[^a-z])/g, '$1')
  .replace(/(.)n$/, '$1').replace(/^([hc])0$/, '$1').replace(/[^a-z0-9]/g, '');

// Exporters often leave open what an output's extents are.
const alike = (a, b) => a.type === b.type && a.kind === 'tensor' && b.kind === 'tensor'
  && a.dims?.length > 0 && (!b.dims || (a.dims.length === b.dims.length
    && a.dims.every((d, axis) => open(d) || open(b.dims[axis]) || d === b.dims[axis])));

/** Outputs that recurrent models take as inputs of the next run: { input: output }.  By name, and
 *  where names say nothing, in their order. */
export function decideStates(inputs, outputs) {
  const pairs = {};
  const states = inputs.filter(({ name }) => named.state.test(name));
  const free = new Set(outputs);
  for (const input of states) {
    const found = [...free].find((output) => alike(input, output)
      && stem(input.name) === stem(output.name));
    if (!found) continue;
    pairs[input.name] = found.name;
    free.delete(found);
  }
  const left = states.filter(({ name }) => !(name in pairs));
  const possible = [...free].filter((output) => left.some((input) => alike(input, output)
    && output.dims?.some((d) => !open(d) && d > 1)));
  const same = possible.filter(({ dims }) => left.some((input) => `${input.dims}` === `${dims}`));
  const others = same.length === left.length ? same : possible;
  if (left.length === others.length) {
    left.forEach((input, i) => {
      if (alike(input, others[i])) pairs[input.name] = others[i].name;
    });
  }
  return pairs;
}

// ---- outputs ------------------------------------------------------------------------------------

/** The layout of the last three extents as a picture: 'CHW', 'HWC', or '' for none. */
export function layoutOf(dims) {
  const [a, b, c] = dims.slice(-3);
  if (dims.length < 3) return '';
  if (channelCounts.includes(a) && b >= leastSide && c >= leastSide) return 'CHW';
  return channelCounts.includes(c) && a >= leastSide && b >= leastSide ? 'HWC' : '';
}

/** Whether of three extents the last counts classes, and not the first. */
export const classesLast = ([a, , c]) => c < a;

function likelyView(info, { type, dims }, views) {
  const rank = info.dims?.length ?? dims.length;
  const wide = dims.filter((d) => d !== 1);
  const first = (...names) => names.find((name) => views.includes(name));
  if (!isFloat(type) && type !== 'uint8') {
    return rank >= 3 && dims.at(-1) >= leastSide && dims.at(-2) >= leastSide
      ? first('mask', 'table') : 'table';
  }
  if (rank === 4 || named.picture.test(info.name) || named.map.test(info.name)) {
    const map = layoutOf(dims) && wide.length <= 2 && named.map.test(info.name);
    const found = map ? first('heat') : layoutOf(dims) ? first('picture')
      : first('mask', 'picture');
    if (found) return found;
  }
  if (wide.length === 1) {
    const series = open(info.dims?.at(-1)) || named.vector.test(info.name) || wide[0] > 30000;
    return series ? first('plot', 'table') : first('classes', 'plot', 'table');
  }
  return 'table';
}

/** How a tensor may be shown: { views, view }; views: 'classes', 'picture', 'mask', 'heat', 'plot',
 *  'table', 'text'. */
export function decideOutput(info, tensor) {
  const { type, dims } = tensor;
  if (type === 'string') return { views: ['text', 'table'], view: 'text' };
  if (!isNumeric(type) || elements(dims) === 0) return { views: ['table'], view: 'table' };
  const [h, w] = [dims.at(-2) ?? 1, dims.at(-1) ?? 1];
  const layout = layoutOf(dims);
  const large = h >= leastSide && w >= leastSide;
  const three = dims.slice(-3);
  const sides = classesLast(three) ? three.slice(0, 2) : three.slice(1);
  const stack = three.length === 3 && Math.min(...three) > 1 && sides.every((d) => d >= leastSide);
  const views = [
    (isFloat(type) && elements(dims) > 1) && 'classes',
    (layout || large) && 'picture',
    (stack || (!isFloat(type) && large)) && 'mask',
    (h > 1 && w > 1) && 'heat',
    elements(dims) > 1 && 'plot',
    'table',
  ].filter(Boolean);
  return { views, view: likelyView(info, tensor, views) };
}
