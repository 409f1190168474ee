// The page: a picture of a line of text in, the text out, and what it took.
import { load, Tensor } from 'ashore';
import { decode, prepare, readKeys } from './ocr.js';

const modelURL = document.querySelector('meta[name=ashore-model]').content;
const keysURL = './ppocr_keys_v1.txt';
const sampleURL = './sample.png';
const mostPixels = 4096; // along a side of the canvas
const steadyRuns = 5;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const ms = (value) => (value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`);
const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

// ---- what is on the page ------------------------------------------------------------------------

const file = make('input', { type: 'file', accept: 'image/*', id: 'file', onchange: () => {
  if (file.files[0]) take(file.files[0]);
  file.value = '';
} });
const choose = make('label', { class: 'button', for: 'file' }, 'Choose a picture');
const sample = make('button', { type: 'button', class: 'quiet', onclick: takeSample },
  'Use the sample');
const canvas = make('canvas', { width: 960, height: 144, role: 'img',
  'aria-label': 'The picture that is read' });
const hint = make('p', { class: 'hint', id: 'hint' },
  'Drop or paste a picture of one line of text. In a larger picture, drag a box around a line.');
const drop = make('section', { class: 'drop', 'aria-describedby': 'hint' }, canvas, hint,
  make('div', { class: 'actions' }, file, choose, sample));
const bar = make('progress', { max: '1', value: '0', 'aria-label': 'Loading' });
const status = make('p', { class: 'status', role: 'status' }, 'Loading the engine');
const text = make('output', { class: 'text', for: 'file' });
const confidence = make('p', { class: 'confidence' });
const figures = make('dl', { class: 'figures' });
const notes = make('ul', { class: 'notes' });

document.title = 'Read a line of text';
const root = document.querySelector('main') ?? document.body.appendChild(make('main'));
root.replaceChildren(
  make('header', {}, make('h1', {}, document.title),
    make('p', {}, 'The model runs in this page. Your picture does not leave it.')),
  drop,
  make('section', { class: 'result', 'aria-label': 'Result' }, bar, status, text, confidence),
  make('section', { class: 'evidence', 'aria-label': 'What it took' }, figures, notes),
);

function show(name, value) {
  const id = `figure-${name.replace(/\W+/g, '-').toLowerCase()}`;
  const found = document.getElementById(id);
  if (found) found.textContent = value;
  else figures.append(make('div', {}, make('dt', {}, name), make('dd', { id }, value)));
}

function say(message, failed = false) {
  status.textContent = message;
  status.classList.toggle('failed', failed);
}

// ---- loading ------------------------------------------------------------------------------------

function progress({ phase, loaded, total }) {
  if (phase === 'download' && total) {
    bar.value = loaded / total;
    say(`Loading the model: ${mb(loaded)} of ${mb(total)}`);
  } else {
    bar.removeAttribute('value');
    if (phase === 'download') say(`Loading the model: ${mb(loaded)}`);
    if (phase === 'prepare') say('Preparing the model');
  }
}

async function loadKeys() {
  const response = await fetch(keysURL);
  if (!response.ok) throw new Error(`${keysURL}: the server answers ${response.status}`);
  return readKeys(await response.text());
}

function report({ report: r }) {
  show('Load', ms(r.ms.total));
  show('Engine', `${r.variant}, ${r.threads} thread${r.threads === 1 ? '' : 's'}`);
  for (const { feature, why, cost } of r.missing) {
    notes.append(make('li', {}, `No ${feature}: ${why}. So ${cost}.`));
  }
}

const ready = Promise.all([load(modelURL, { onProgress: progress }), loadKeys()])
  .then(([model, characters]) => {
    report(model);
    bar.hidden = true;
    say('Ready');
    root.dataset.state = 'ready';
    return { model, characters };
  });
ready.catch((error) => {
  bar.hidden = true;
  say(`The model could not be loaded. ${error.message}`, true);
  root.dataset.state = 'failed';
});

// ---- reading --------------------------------------------------------------------------------------

const context = canvas.getContext('2d', { willReadFrequently: true });
let picture = null;
let latest = 0;

async function timed(model, feeds, times) {
  const begin = performance.now();
  const results = await model.run(feeds);
  times.push(performance.now() - begin);
  return Object.values(results)[0];
}

async function read(area) {
  const turn = ++latest;
  root.dataset.state = 'reading';
  try {
    const { model, characters } = await ready;
    if (turn !== latest) return;
    say('Reading');
    const begin = performance.now();
    const { data, dims } = prepare(area);
    const feeds = { [model.inputs[0].name]: new Tensor('float32', data, dims) };
    const prepared = performance.now() - begin;
    const times = [];
    const found = decode(await timed(model, feeds, times), characters);
    if (turn !== latest) return;
    text.textContent = found.text || '(no text found)';
    confidence.textContent = found.text
      ? `${Math.round(found.confidence * 100)} % confidence` : '';
    say('Done');
    show('Picture to input', ms(prepared));
    show('First run', ms(times[0]));
    root.dataset.state = 'done';
    await measure(model, feeds, turn);
  } catch (error) {
    if (turn !== latest) return;
    say(error.message, true);
    root.dataset.state = 'failed';
  }
}

async function measure(model, feeds, turn) {
  const times = [];
  while (times.length < steadyRuns && turn === latest) await timed(model, feeds, times);
  if (turn !== latest) return;
  show('Steady run', ms(median(times)));
  const { total } = await model.memory();
  show('Peak memory', mb(total));
}

async function take(blob) {
  try {
    const bitmap = await createImageBitmap(blob);
    const scale = Math.min(1, mostPixels / Math.max(bitmap.width, bitmap.height));
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    picture = context.getImageData(0, 0, canvas.width, canvas.height);
    canvas.classList.add('filled');
  } catch {
    say('This file is not a picture that the browser can read.', true);
    return;
  }
  await read(picture);
}

async function takeSample() {
  const response = await fetch(sampleURL).catch(() => null);
  if (response?.ok) await take(await response.blob());
  else say('There is no sample beside this page.', true);
}

// ---- dropping, pasting, a box around a line -----------------------------------------------------

const pictureOf = (data) => [...data?.files ?? []].find(({ type }) => type.startsWith('image/'));

addEventListener('dragover', (event) => {
  event.preventDefault();
  drop.classList.add('over');
});
addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) drop.classList.remove('over');
});
addEventListener('drop', (event) => {
  event.preventDefault();
  drop.classList.remove('over');
  const blob = pictureOf(event.dataTransfer);
  if (blob) take(blob);
  else say('That is not a picture.', true);
});
addEventListener('paste', (event) => {
  const blob = pictureOf(event.clipboardData);
  if (blob) take(blob);
});

let corner = null;

function position({ clientX, clientY }) {
  const box = canvas.getBoundingClientRect();
  const inside = (value, size) => Math.round(Math.min(Math.max(value, 0), 1) * size);
  return [inside((clientX - box.left) / box.width, canvas.width),
    inside((clientY - box.top) / box.height, canvas.height)];
}

function boxTo(event) {
  const [x, y] = position(event);
  return [Math.min(x, corner[0]), Math.min(y, corner[1]), Math.abs(x - corner[0]),
    Math.abs(y - corner[1])];
}

canvas.addEventListener('pointerdown', (event) => {
  if (!picture) return;
  canvas.setPointerCapture(event.pointerId);
  corner = position(event);
});
canvas.addEventListener('pointermove', (event) => {
  if (!corner) return;
  context.putImageData(picture, 0, 0);
  context.lineWidth = Math.max(2, canvas.width / 300);
  context.strokeStyle = '#0b6e99';
  context.strokeRect(...boxTo(event));
});
canvas.addEventListener('pointerup', (event) => {
  if (!corner) return;
  const [x, y, width, height] = boxTo(event);
  corner = null;
  if (width < 8 || height < 8) {
    context.putImageData(picture, 0, 0);
    return;
  }
  const whole = make('canvas', { width: canvas.width, height: canvas.height }).getContext('2d');
  whole.putImageData(picture, 0, 0);
  read(whole.getImageData(x, y, width, height));
});
canvas.addEventListener('pointercancel', () => { corner = null; });
