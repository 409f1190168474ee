// The ways to give an input: the controls of each, and the tensor that comes of what was given.
import { choice, field, fileButton, make, newId, numberInput } from './dom.js';
import { bytesTensor, fileTensor, filledTensor, numbersTensor, textTensor } from './values.js';
import { pictureWay } from './picture_way.js';
import { readNpy } from './npy.js';
import { soundWay } from './sound_way.js';

export { pictures } from './picture_way.js';
export { sounds } from './sound_way.js';

export const wayNames = { picture: 'a picture', sound: 'a sound', text: 'text',
  bytes: 'bytes of a file', numbers: 'numbers', fill: 'one value everywhere', npy: 'a .npy file',
  items: '.npy files' };
const bytesOf = async (file) => new Uint8Array(await file.arrayBuffer());

// ---- ways ---------------------------------------------------------------------------------------
// A way is made of what decide.js says, of hooks and of a button for a sample.  Hooks: changed(), when
// there is something new, or with a file that was chosen; live(), when something that goes on has
// begun; fail(message); streams: the model keeps a state.
//
// A way is { element, given(), tensor(extents, others), recipe(), accepts(file), take(file), late }:
// given() says whether there is anything; others: tensors of inputs by name; recipe(): how the last
// tensor was made, for code.js; late: to be made after the others, whose extents it follows.  What
// goes on by itself has isLive(), next(), which waits for something new and is false at the end, and
// halt().

function textWay({ info }) {
  const area = make('textarea', { rows: 3, placeholder: 'Text' });
  const one = info.dims?.every((d) => d === 1);
  const element = field('Text', area, one ? undefined : 'One string a line.');
  return { element, given: () => area.value !== '',
    tensor: (extents) => textTensor(info, area.value, extents),
    recipe: () => ({ kind: 'literal' }),
    take: async (file) => { area.value = (await file.text()).replace(/\r?\n$/, ''); },
    accepts: ({ name, type }) => /^text\//.test(type) || /\.txt$/i.test(name) };
}

function bytesWay({ info, bytes }, { changed }) {
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
    recipe: () => ({ kind: 'bytes', pad: Number(pad.value), ends: ends.value === 'ends',
      fixed: bytes.length }),
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
    recipe: () => ({ kind: 'literal' }),
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
    recipe: () => ({ kind: kind.value === 'range' ? 'literal' : 'fill', value: Number(value.value) }),
    accepts: () => false };
}

function npyWay({ info }, { changed }) {
  const note = make('p', { class: 'hint', id: newId('note') },
    `Drop a .npy file of ${info.text} here, or choose one.`);
  let found = null;
  const element = make('div', { class: 'drop' }, note, make('div', { class: 'actions' },
    fileButton('Choose a file', '.npy', (file) => changed(file), note.id)));
  return { element, given: () => Boolean(found),
    tensor: (extents) => fileTensor(info, found, extents),
    recipe: () => ({ kind: 'argument' }),
    take: async (file) => {
      found = readNpy(await bytesOf(file));
      note.textContent = `${file.name}: ${found.type}[${found.dims.join(', ')}]`;
    },
    accepts: ({ name }) => /\.npy$/i.test(name) };
}

function itemsWay({ info }, { changed }) {
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
    recipe: () => ({ kind: 'argument' }),
    take: async (file) => {
      items.push(readNpy(await bytesOf(file)));
      say();
    },
    accepts: ({ name }) => /\.npy$/i.test(name) };
}

/** Makers of ways, by name: see above. */
export const makers = { picture: pictureWay, sound: soundWay, text: textWay, bytes: bytesWay,
  numbers: numbersWay, fill: fillWay, npy: npyWay, items: itemsWay };
