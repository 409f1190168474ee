// The page: a picture in, the text in it out, and what it took.
import { load } from 'ashore';
import { openPrep } from 'ashore/prep';
import { make, mb, ms } from './dom.js';
import { Reader, readKeys } from './ocr.js';
import { addLine, EvidenceView, PictureView, TextView } from './view.js';

const files = {
  detection: document.querySelector('meta[name=ashore-model]').content,
  direction: './ch_ppocr_mobile_v2.0_cls_infer.onnx',
  recognition: './ch_PP-OCRv4_rec_infer.onnx',
};
const keysURL = './ppocr_keys_v1.txt';
const sampleURL = './sample.png';
const mostPixels = 4096; // along a side of the canvas

// ---- what is on the page ------------------------------------------------------------------------

const picture = new PictureView();
const text = new TextView();
const evidence = new EvidenceView();
const file = make('input', { type: 'file', accept: 'image/*', id: 'file', onchange: () => {
  if (file.files[0]) take(file.files[0]);
  file.value = '';
} });
const choose = make('label', { class: 'button', for: 'file' }, 'Choose a picture');
const sample = make('button', { type: 'button', class: 'quiet', onclick: takeSample },
  'Use the sample');
const hint = make('p', { class: 'hint', id: 'hint' },
  'Drop or paste a photograph or a scan with text in it.');
const drop = make('section', { class: 'drop', 'aria-describedby': 'hint' }, picture.element, hint,
  make('div', { class: 'actions' }, file, choose, sample));
const bar = make('progress', { max: '1', value: '0', 'aria-label': 'Progress' });
const status = make('p', { class: 'status', role: 'status' }, 'Loading the engine');

document.title = 'Read the text in a picture';
const root = document.querySelector('main') ?? document.body.appendChild(make('main'));
root.replaceChildren(
  make('header', {}, make('h1', {}, document.title),
    make('p', {}, 'The models run in this page. Your picture does not leave it.')),
  make('div', { class: 'columns' }, drop,
    make('section', { class: 'result', 'aria-label': 'Result' }, bar, status, text.element)),
  evidence.element,
);

function say(message, { part, failed = false } = {}) {
  status.textContent = message;
  status.classList.toggle('failed', failed);
  bar.hidden = part === undefined;
  if (part === null) bar.removeAttribute('value');
  else bar.value = part ?? 0;
}

function fail(message) {
  say(message, { failed: true });
  root.dataset.state = 'failed';
}

// ---- loading ------------------------------------------------------------------------------------

const arrived = new Map();

function progress(name, { phase, loaded, total }) {
  if (phase !== 'download') return;
  arrived.set(name, { loaded, total });
  const sum = (key) => [...arrived.values()].reduce((all, each) => all + each[key], 0);
  const known = arrived.size === 3 && [...arrived.values()].every((each) => each.total);
  say(known ? `Loading the models: ${mb(sum('loaded'))} of ${mb(sum('total'))}`
    : `Loading the models: ${mb(sum('loaded'))}`, { part: known ? sum('loaded') / sum('total') : null });
}

async function loadKeys() {
  const response = await fetch(keysURL);
  if (!response.ok) throw new Error(`${keysURL}: the server answers ${response.status}`);
  return readKeys(await response.text());
}

async function open() {
  const begin = performance.now();
  const names = Object.keys(files);
  const [characters, prep, ...models] = await Promise.all([loadKeys(), openPrep(),
    ...names.map((name) => load(files[name], { onProgress: (p) => progress(name, p) }))]);
  const { report } = models[0];
  evidence.show('Load', ms(performance.now() - begin));
  evidence.show('Engine', `${report.variant}, ${report.threads} thread${
    report.threads === 1 ? '' : 's'}`);
  for (const { feature, why, cost } of report.missing) {
    evidence.note(`No ${feature}: ${why}. So ${cost}.`);
  }
  const byName = Object.fromEntries(names.map((name, i) => [name, models[i]]));
  say('Ready');
  root.dataset.state = 'ready';
  return { models, reader: new Reader({ ...byName, prep, characters }) };
}

const ready = open();
ready.catch((error) => fail(`The models could not be loaded. ${error.message}`));

// ---- reading ------------------------------------------------------------------------------------

let reading = null; // the AbortController of the picture at hand

async function read(pixels) {
  reading?.abort();
  reading = new AbortController();
  const { signal } = reading;
  text.clear();
  root.dataset.state = 'reading';
  try {
    const { models, reader } = await ready;
    signal.throwIfAborted();
    const begin = performance.now();
    const { lines, times } = await reader.readAll(pixels, { signal,
      onLine: (line) => addLine(line, picture, text),
      onProgress: ({ stage, done, total }) => say(stage === 'detection' ? 'Looking for text'
        : `Reading line ${done + 1} of ${total}`, { part: done / total }) });
    const took = performance.now() - begin;
    say(lines.length ? `${lines.length} line${lines.length === 1 ? '' : 's'}`
      : 'There is no text in it that could be read.');
    evidence.show('Finding text', ms(times.detection));
    evidence.show('Reading it', ms(times.direction + times.recognition));
    evidence.show('Altogether', ms(took));
    const memory = await Promise.all(models.map((model) => model.memory()));
    evidence.show('Peak memory', mb(memory.reduce((sum, { total }) => sum + total, 0)));
    if (!signal.aborted) root.dataset.state = 'done';
  } catch (error) {
    if (!signal.aborted) fail(error.message);
  }
}

async function take(blob) {
  let pixels;
  try {
    const bitmap = await createImageBitmap(blob);
    pixels = picture.show(bitmap, mostPixels);
    bitmap.close();
  } catch {
    fail('This file is not a picture that the browser can read.');
    return;
  }
  await read(pixels);
}

async function takeSample() {
  const response = await fetch(sampleURL).catch(() => null);
  if (response?.ok) await take(await response.blob());
  else fail('There is no sample beside this page.');
}

// ---- dropping and pasting -----------------------------------------------------------------------

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
  else fail('That is not a picture.');
});
addEventListener('paste', (event) => {
  const blob = pictureOf(event.clipboardData);
  if (blob) take(blob);
});
