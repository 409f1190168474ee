// The ways to give an input: the controls of each, and the tensor that comes of what was given.
import { canRecord, decodeSound, record, soundTensor } from './sound.js';
import { choice, field, fileButton, make, newId, numberInput } from './dom.js';
import { bytesTensor, fileTensor, filledTensor, numbersTensor, textTensor } from './values.js';
import { fits, prepare, scales, sizeFor } from './image.js';
import { keyOf, known } from './shapes.js';
import { series } from './views.js';
import { readNpy } from './npy.js';

const mostPixels = 4096; // along a side of a picture
export const wayNames = { picture: 'a picture', sound: 'a sound', text: 'text',
  bytes: 'bytes of a file', numbers: 'numbers', fill: 'one value everywhere', npy: 'a .npy file', items: '.npy files' };
export const pictures = /^image\//;
export const sounds = /^(audio|video)\//;
const scaleNames = Object.fromEntries(Object.entries(scales).map(([key, { label }]) =>
  [key, label]));
const bytesOf = async (file) => new Uint8Array(await file.arrayBuffer());

/** A picture file's pixels, at most mostPixels wide and high. */
async function decodePicture(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error('this file is not a picture that the browser can read');
  }
  const scale = Math.min(1, mostPixels / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const canvas = make('canvas', { width, height });
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

// ---- ways ---------------------------------------------------------------------------------------
// A way is made of what decide.js says, of changed (called when there is something new, or with a file
// that was chosen) and of a button for a sample.  It is { element, given(), tensor(extents, others),
// accepts(file), take(file), late }: given() says whether there is anything; others: tensors of inputs
// by name; late: to be made after them, whose extents it follows.

function pictureWay({ info, picture }, changed, sample) {
  const options = { ...picture, layout: picture.axes.layout };
  const preview = make('canvas', { role: 'img', 'aria-label': `Picture for ${info.name}`, width: 1,
    height: 1 });
  const note = make('p', { class: 'hint', id: newId('note') },
    'Drop or paste a picture here, or choose one.');
  let pixels = null;
  const take = async (file) => {
    pixels = await decodePicture(file);
    preview.width = pixels.width;
    preview.height = pixels.height;
    preview.getContext('2d').putImageData(pixels, 0, 0);
    preview.classList.add('filled');
    note.textContent = `${pixels.width} × ${pixels.height} pixels`;
  };
  const set = (name) => (value) => {
    options[name] = value;
    if (pixels) changed();
  };
  const size = (name) => field(name === 'width' ? 'Width' : 'Height', numberInput('', { min: 1,
    step: 1, placeholder: 'from the picture' }, (event) => {
    options[name] = Number(event.target.value) || 0;
  }));
  const fields = [];
  if (options.channels === 3 || options.channels === 4) {
    fields.push(field('Channels', choice({ rgb: 'red, green, blue', bgr: 'blue, green, red' },
      options.order, set('order'))));
  }
  fields.push(field('Values', choice(scaleNames, options.scale, set('scale'))));
  fields.push(field('Size', choice(fits, options.fit, set('fit'))));
  for (const name of ['width', 'height']) if (!picture[name]) fields.push(size(name));
  const tensor = (extents) => {
    const dims = known(info, extents).map((d) => d ?? 1);
    const { axes } = picture;
    const open = (axis, own) => (keyOf(info, axis) ? extents[keyOf(info, axis)] ?? own
      : info.dims[axis]);
    const wanted = sizeFor(pixels, open(axes.w, options.width), open(axes.h, options.height));
    dims[axes.h] = wanted.height;
    dims[axes.w] = wanted.width;
    if (axes.c >= 0) dims[axes.c] = options.channels;
    const one = prepare(pixels, info.type, wanted.width, wanted.height, options);
    const total = dims.reduce((a, b) => a * b, 1);
    const data = new one.constructor(total);
    for (let at = 0; at < total; at += one.length) data.set(one, at);
    note.textContent = `${pixels.width} × ${pixels.height} pixels, given as ${info.type}[${
      dims.join(', ')}]`;
    return { type: info.type, data, dims };
  };
  const element = make('div', {}, make('div', { class: 'drop' }, preview, note,
    make('div', { class: 'actions' }, fileButton('Choose a picture', 'image/*',
      (file) => changed(file), note.id), sample)),
  make('details', {}, make('summary', {}, 'How the picture becomes numbers'),
    make('div', { class: 'fields' }, ...fields)));
  return { element, given: () => Boolean(pixels), tensor, take,
    accepts: (file) => pictures.test(file.type) };
}

function soundWay({ info, sound }, changed, sample) {
  const note = make('p', { class: 'hint', id: newId('note') },
    'Drop a sound file here, or choose one.');
  const wave = make('div', { class: 'plot small' });
  const rate = numberInput(sound.rate, { min: 3000, max: 192000, step: 1 });
  const from = numberInput(0, { min: 0 });
  const most = numberInput(sound.most || '', { min: 1, step: 1, placeholder: 'all' });
  let file = null;
  let stop = null;
  const button = make('button', { type: 'button', class: 'quiet', onclick: async () => {
    button.disabled = true;
    try {
      if (stop) {
        const recording = await stop();
        stop = null;
        button.textContent = 'Record';
        changed(recording);
      } else {
        stop = await record();
        button.textContent = 'Stop recording';
      }
    } catch (error) {
      note.textContent = `The microphone cannot be used: ${error.message}`;
    } finally {
      button.disabled = false;
    }
  } }, 'Record');
  const tensor = async (extents) => {
    const whole = await decodeSound(await file.arrayBuffer(), Number(rate.value));
    const start = Math.round(Number(from.value) * Number(rate.value));
    const samples = whole.subarray(start, start + (Number(most.value) || whole.length));
    if (!samples.length) throw new Error(`the sound ends before second ${from.value}`);
    wave.replaceChildren(series(samples, `Samples for ${info.name}`));
    note.textContent = `${file.name}: ${(whole.length / Number(rate.value)).toFixed(2)} s; ${
      samples.length} of ${whole.length} samples`;
    return soundTensor(info, samples, extents);
  };
  const element = make('div', {}, make('div', { class: 'drop' }, wave, note,
    make('div', { class: 'actions' }, fileButton('Choose a sound', 'audio/*,video/*',
      (chosen) => changed(chosen), note.id), canRecord() && button, sample)),
  make('div', { class: 'fields' }, field('Samples a second', rate),
    field('From second', from), sound.length ? null : field('Samples of a run', most)));
  return { element, given: () => Boolean(file), tensor,
    take: async (taken) => { file = taken; }, accepts: (taken) => sounds.test(taken.type) };
}

function textWay({ info }) {
  const area = make('textarea', { rows: 3, placeholder: 'Text' });
  const one = info.dims?.every((d) => d === 1);
  const element = field('Text', area, one ? undefined : 'One string a line.');
  return { element, given: () => area.value !== '',
    tensor: (extents) => textTensor(info, area.value, extents),
    take: async (file) => { area.value = (await file.text()).replace(/\r?\n$/, ''); },
    accepts: ({ name, type }) => /^text\//.test(type) || /\.txt$/i.test(name) };
}

function bytesWay({ info, bytes }, changed) {
  const area = make('textarea', { rows: 3, placeholder: 'Text, of which the bytes are taken' });
  const note = make('p', { class: 'hint', id: newId('note') }, 'Or drop a file here.');
  const pad = numberInput(bytes.pad, { step: 1 });
  const ends = choice({ start: 'from the beginning', ends: 'half from each end' },
    bytes.ends ? 'ends' : 'start');
  let content = null;
  area.addEventListener('input', () => {
    content = null;
    note.textContent = '';
  });
  const fields = bytes.length ? make('div', { class: 'fields' }, field('Bytes are taken', ends),
    field('Padded with', pad)) : null;
  const element = make('div', {}, field('Text', area), note,
    make('div', { class: 'actions' },
      fileButton('Choose a file', '', (file) => changed(file), note.id)),
    fields);
  return { element, given: () => Boolean(content) || area.value !== '',
    tensor: (extents) => bytesTensor(info, content ?? new TextEncoder().encode(area.value),
      { pad: Number(pad.value), ends: ends.value === 'ends' }, extents),
    take: async (file) => {
      content = await bytesOf(file);
      area.value = '';
      note.textContent = `${file.name}: ${content.length} bytes`;
    },
    accepts: () => true };
}

function numbersWay({ info, numbers }) {
  const area = make('textarea', { rows: numbers.text.length > 60 ? 3 : 1, autocomplete: 'off',
    spellcheck: 'false', inputmode: 'text', placeholder: '1, 2, 3' });
  area.value = numbers.text;
  const element = field(info.dims?.length === 0 ? 'Number' : 'Numbers', area,
    info.dims?.length === 0 ? undefined : 'Apart by commas or spaces, in the order of rows.');
  const empty = info.dims?.includes(0);
  return { element, given: () => empty || /[^\s,]/.test(area.value),
    tensor: (extents) => numbersTensor(info, area.value, extents),
    take: async (file) => { area.value = await file.text(); },
    accepts: ({ name, type }) => /\.(txt|csv|json)$/i.test(name) || type === 'text/plain' };
}

function fillWay({ info, fill }) {
  const range = fill.value === 'range';
  const value = numberInput(range ? 0 : fill.value);
  const kind = choice({ one: 'one value', range: '0, 1, 2, … along the last axis' },
    range ? 'range' : 'one', (chosen) => { value.disabled = chosen === 'range'; });
  value.disabled = range;
  const element = make('div', { class: 'fields' }, field('Filled with', kind),
    field('Value', value));
  return { element, late: true, given: () => true,
    tensor: (extents, made) => filledTensor(info, kind.value === 'range' ? 'range'
      : Number(value.value),
      extents, made[fill.like]?.dims),
    accepts: () => false };
}

function npyWay({ info }, changed) {
  const note = make('p', { class: 'hint', id: newId('note') },
    `Drop a .npy file of ${info.text} here, or choose one.`);
  let found = null;
  const element = make('div', { class: 'drop' }, note, make('div', { class: 'actions' },
    fileButton('Choose a file', '.npy', (file) => changed(file), note.id)));
  return { element, given: () => Boolean(found),
    tensor: (extents) => fileTensor(info, found, extents),
    take: async (file) => {
      found = readNpy(await bytesOf(file));
      note.textContent = `${file.name}: ${found.type}[${found.dims.join(', ')}]`;
    },
    accepts: ({ name }) => /\.npy$/i.test(name) };
}

function itemsWay({ info }, changed) {
  const note = make('p', { class: 'hint', id: newId('note') },
    'No items: an empty sequence. Each file adds one.');
  const items = [];
  const say = () => {
    note.textContent = `${items.length} item${items.length === 1 ? '' : 's'}: ${
      items.map(({ type, dims }) => `${type}[${dims}]`).join('; ')}`;
  };
  const clear = make('button', { type: 'button', class: 'quiet', onclick: () => {
    items.length = 0;
    say();
  } }, 'Remove all');
  const element = make('div', { class: 'drop' }, note, make('div', { class: 'actions' },
    fileButton('Add a file', '.npy', (file) => changed(file), note.id), clear));
  return { element, given: () => true,
    tensor: () => items.map((item) => fileTensor({ ...info, dims: null }, item, {})),
    take: async (file) => {
      items.push(readNpy(await bytesOf(file)));
      say();
    },
    accepts: ({ name }) => /\.npy$/i.test(name) };
}

/** Makers of ways, by name: see above. */
export const makers = { picture: pictureWay, sound: soundWay, text: textWay, bytes: bytesWay,
  numbers: numbersWay, fill: fillWay, npy: npyWay, items: itemsWay };
