// The page for any model: what goes in, a run, what comes out, and what it took.
import { decideInputs, isBatch } from './decide.js';
import { field, make, mb, ms, numberInput } from './dom.js';
import { enter, openExtents } from './shapes.js';
import { inputCard } from './inputs.js';
import { load } from '../ashore/ashore.js';
import { outputCard } from './outputs.js';
import { readLabels } from './results.js';

const modelURL = document.querySelector('meta[name=ashore-model]').content;
const steadyRuns = 9;
const steadyTime = 3000; // ms for all of them
const kinds = { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', webp: 'image/webp',
  wav: 'audio/wav', mp3: 'audio/mpeg', ogg: 'audio/ogg', flac: 'audio/flac' };

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const pause = () => new Promise((resolve) => { setTimeout(resolve); });

// ---- what is on the page ------------------------------------------------------------------------

const root = document.querySelector('main');
const bar = make('progress', { max: 1, value: 0, 'aria-label': 'Loading' });
const status = make('p', { class: 'status', role: 'status' }, 'Loading the engine');
const run = make('button', { type: 'submit', disabled: true }, 'Run');
const stop = make('button', { type: 'button', class: 'quiet', hidden: true,
  onclick: () => running?.abort() }, 'Stop');
const inputs = make('div', { class: 'cards' });
const sizes = make('div', { class: 'fields' });
const openSizes = make('details', { class: 'card', hidden: true },
  make('summary', {}, 'Sizes that the model leaves open'), sizes);
const outputs = make('div', { class: 'cards' });
const figures = make('dl', { class: 'figures' });
const notes = make('ul', { class: 'notes' });
const form = make('form', { novalidate: true }, make('h2', {}, 'Input'), inputs, openSizes,
  make('div', { class: 'actions run' }, run, stop));
const result = make('section', { class: 'result', 'aria-labelledby': 'result', hidden: true },
  make('h2', { id: 'result' }, 'Output'), outputs);
const title = modelURL.split('/').pop();
root.replaceChildren(
  make('header', {}, make('h1', {}, title),
    make('p', {}, 'The model runs in this page. What you give it does not leave it.')),
  form, make('div', { class: 'progress' }, bar, status), result,
  make('section', { class: 'evidence', 'aria-label': 'What it took' }, figures, notes));

function say(message, failed = false) {
  status.textContent = message;
  status.classList.toggle('failed', failed);
}

function figure(name, value) {
  const id = `figure-${name.replace(/\W+/g, '-').toLowerCase()}`;
  const found = document.getElementById(id);
  if (found) found.textContent = value;
  else figures.append(make('div', {}, make('dt', {}, name), make('dd', { id }, value)));
}

// ---- loading ------------------------------------------------------------------------------------

function progress({ phase, loaded, total }) {
  const part = phase === 'download' && total > 0;
  if (part) bar.value = loaded / total;
  else bar.removeAttribute('value');
  const of = part ? ` of ${mb(total)}` : '';
  if (phase === 'download') say(`Loading the model: ${mb(loaded)}${of}`);
  if (phase === 'prepare') say('Preparing the model');
}

async function readManifest() {
  const response = await fetch('./manifest.json').catch(() => null);
  return response?.ok ? response.json().catch(() => ({})) : {};
}

// Labels that came with the page, by their number.
const labelSets = new Map();
const labelsFor = (count) => labelSets.get(count) ?? [];

async function loadLabels(files) {
  for (const { path, bytes } of files) {
    if (!/^[^/]+\.(txt|json|names)$/i.test(path) || bytes > 4e6
      || path === 'manifest.json') continue;
    const response = await fetch(`./${path}`).catch(() => null);
    if (!response?.ok) continue;
    try {
      const labels = readLabels(await response.text());
      if (!labelSets.has(labels.length)) labelSets.set(labels.length, labels);
    } catch { /* a file of another kind */ }
  }
}

const samplesOf = (files) => files.map(({ path }) => ({ name: path, url: `./${path}`,
  type: kinds[path.split('.').pop().toLowerCase()] }))
  .filter(({ type, name }) => type && !name.includes('/'));

function report({ report: r }) {
  figure('Load', ms(r.ms.total));
  figure('Model', mb(r.model.bytes));
  figure('Engine', `${r.variant}, ${r.threads} thread${r.threads === 1 ? '' : 's'}`);
  for (const { feature, why, cost } of r.missing) {
    notes.append(make('li', {}, `No ${feature}: ${why}. So ${cost}.`));
  }
}

const extentFields = new Map();
let model;
let cards = [];
let shown = [];

function build(files) {
  const decisions = decideInputs(model.inputs, model.outputs);
  const samples = samplesOf(files);
  cards = decisions.map((decision) => inputCard(decision, { changed, reading }, samples));
  inputs.append(...cards.map(({ element }) => element));
  if (!cards.length) inputs.append(make('p', { class: 'hint' }, 'The model has no inputs.'));
  const asked = new Set(cards.flatMap(({ asks }) => asks)); // by a card of its own
  for (const extent of openExtents(model.inputs).filter(({ key }) => !asked.has(key))) {
    const control = numberInput('', { min: 0, step: 1,
      placeholder: isBatch(extent) ? 'from the input, or 1' : 'from the input' });
    extentFields.set(extent.key, control);
    sizes.append(field(extent.key, control, extent.where.join('; ')));
  }
  openSizes.hidden = extentFields.size === 0;
  shown = model.outputs.map((info) => outputCard(info, labelsFor));
  outputs.append(...shown.map(({ element }) => element));
}

async function start() {
  const { files = [], external = [] } = await readManifest();
  const labels = loadLabels(files);
  // The larger engine is there when the model needs it: no need to try the other first.
  const full = files.some(({ path }) => path.startsWith('ashore/ashore-full-'));
  model = await load(modelURL, { onProgress: progress, full,
    external: Object.fromEntries(external.map((location) => [location, `./${location}`])) });
  await labels;
  report(model);
  build(files);
  bar.hidden = true;
  run.disabled = false;
  say('Ready');
  root.dataset.state = 'ready';
}

start().catch((error) => {
  bar.hidden = true;
  say(`The model could not be loaded. ${error.message}`, true);
  root.dataset.state = 'failed';
});

// ---- running ------------------------------------------------------------------------------------

let running = null;
let firstRun = 0;

function extentsGiven() {
  const extents = {};
  for (const [key, { value }] of extentFields) {
    if (value.trim() === '') continue;
    const extent = Number(value);
    if (!Number.isInteger(extent) || extent < 0) {
      throw new RangeError(`${key} is “${value}”, but must be a whole number`);
    }
    extents[key] = extent;
  }
  return extents;
}

// Tensors by name.  Those with content of their own come first: they tell how large the others are.
async function gather() {
  const extents = extentsGiven();
  const feeds = {};
  for (const card of [...cards.filter(({ late }) => !late), ...cards.filter(({ late }) => late)]) {
    card.fail('');
    try {
      if (!card.given()) throw new Error('nothing was given yet');
      feeds[card.name] = await card.tensor(extents, feeds);
      if (feeds[card.name]?.dims) enter(card.info, feeds[card.name].dims, extents);
      card.made(feeds[card.name]);
    } catch (error) {
      card.fail(`${error.message}.`);
      throw Object.assign(new Error(`Input “${card.name}”: ${error.message}.`), { card });
    }
  }
  return feeds;
}

async function timed(feeds, signal) {
  const begin = performance.now();
  const results = await model.run(feeds, { signal });
  return { results, time: performance.now() - begin };
}

async function measure(feeds, signal) {
  const times = [];
  const begin = performance.now();
  while (times.length < steadyRuns && performance.now() - begin < steadyTime) {
    times.push((await timed(feeds, signal)).time);
  }
  figure('Steady run', `${ms(median(times))}, median of ${times.length}`);
  figure('Peak memory', mb((await model.memory()).total));
}

function fail(error) {
  if (error.name === 'AbortError') {
    say('Stopped');
    root.dataset.state = 'ready';
    return;
  }
  say(error.message, true);
  root.dataset.state = 'failed';
}

async function compute() {
  if (!model) return;
  running?.abort();
  const turn = new AbortController();
  running = turn;
  root.dataset.state = 'running';
  stop.hidden = false;
  say('Running');
  try {
    await pause(); // shows that it runs
    const begin = performance.now();
    const feeds = await gather();
    const made = performance.now() - begin;
    const { results, time } = await timed(feeds, turn.signal);
    if (turn !== running) return;
    firstRun ||= time;
    figure('Input made', ms(made));
    figure('First run', ms(firstRun));
    figure('This run', ms(time));
    result.hidden = false;
    model.outputs.forEach(({ name }, i) => shown[i].show(results[name]));
    say('Done; timing it');
    root.dataset.state = 'done';
    await measure(feeds, turn.signal);
    if (turn === running) say('Done');
  } catch (error) {
    if (turn === running) fail(error);
    if (turn === running) error.card?.element.querySelector('textarea, input, select')?.focus();
  } finally {
    if (turn === running) stop.hidden = true;
  }
}

function reading(name) {
  running?.abort();
  running = null;
  stop.hidden = true;
  root.dataset.state = 'reading';
  say(`Reading ${name}`);
}

// A file that was given is run at once when nothing else is missing.
function changed(card) {
  if (!card) {
    say('That file cannot be used.', true);
    root.dataset.state = 'failed';
  } else if (model && cards.every((each) => each.given())) {
    compute();
  } else {
    root.dataset.state = 'ready';
    say(`Ready, but “${cards.find((each) => !each.given()).name}” is missing`);
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  compute();
});
form.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});

// ---- dropping and pasting -----------------------------------------------------------------------

// The input that a file is for: the one it is dropped on, one that wants such a file, the first.
function cardFor(file, target) {
  const below = cards.find(({ element }) => element.contains(target));
  const wanting = cards.filter((card) => card.wants(file));
  return (below && wanting.includes(below) && below)
    || wanting.find(({ name }) => file.name.replace(/\.\w+$/, '') === name)
    || wanting.find((card) => !card.given()) || wanting[0];
}

function receive(files, target) {
  for (const file of files) {
    const card = cardFor(file, target);
    if (card) card.take(file);
    else say(`${file.name}: no input of this model takes such a file.`, true);
  }
}

const over = (on) => document.documentElement.classList.toggle('over', on);
addEventListener('dragover', (event) => {
  event.preventDefault();
  over(true);
});
addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) over(false);
});
addEventListener('drop', (event) => {
  event.preventDefault();
  over(false);
  receive(event.dataTransfer?.files ?? [], event.target);
});
addEventListener('paste', (event) => {
  const files = [...event.clipboardData?.files ?? []];
  if (files.length) receive(files, event.target);
});
