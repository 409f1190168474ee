// The page for any model: what goes in, a run, what comes out, and what it took.
import { decideInputs, decideStates, isBatch } from './decide.js';
import { field, make, mb, ms, numberInput } from './dom.js';
import { enter, openExtents } from './shapes.js';
import { bytesOf, howToLoad, modelName, readManifest, samplesOf } from './site.js';
import { codeCard } from './code_card.js';
import { detectionCard } from './detections.js';
import { evidence } from './evidence.js';
import { inputCard } from './inputs.js';
import { load } from '../ashore/ashore.js';
import { outputCard } from './outputs.js';
import { readLabels } from './results.js';
import { receiveFiles } from './dropping.js';

const steadyRuns = 50;
const steadyTime = 1500; // ms for all of them
const rateTime = 500; // ms between rates that are shown
const patience = 4000; // ms without a byte before it is said

const pause = () => new Promise((resolve) => { setTimeout(resolve); });

// ---- what is on the page ------------------------------------------------------------------------

const root = document.querySelector('main');
const bar = make('progress', { max: 1, value: 0, 'aria-label': 'Loading' });
const status = make('p', { class: 'status', role: 'status' }, 'Loading the engine');
const run = make('button', { type: 'submit', disabled: true }, 'Run');
const stop = make('button', { type: 'button', class: 'quiet', hidden: true,
  onclick: () => halt() }, 'Stop');
const cancel = make('button', { type: 'button', class: 'quiet',
  onclick: () => loading.abort() }, 'Stop loading');
const retry = make('button', { type: 'button', hidden: true,
  onclick: () => start() }, 'Load again');
const inputs = make('div', { class: 'cards' });
const sizes = make('div', { class: 'fields' });
const openSizes = make('details', { class: 'card', hidden: true },
  make('summary', {}, 'Sizes that the model leaves open'), sizes);
const outputs = make('div', { class: 'cards' });
const raw = make('details', { class: 'raw', open: true },
  make('summary', { hidden: true }, 'Outputs as they are'), outputs);
const took = evidence();
const code = codeCard();
const form = make('form', { novalidate: true }, make('h2', {}, 'Input'), inputs, openSizes,
  make('div', { class: 'actions run' }, run, stop));
const result = make('section', { class: 'result', 'aria-labelledby': 'result', hidden: true },
  make('h2', { id: 'result' }, 'Output'), raw);
root.replaceChildren(
  make('header', {}, make('h1', {}, modelName),
    make('p', {}, 'The model runs in this page. What you give it does not leave it.')),
  form, make('div', { class: 'progress' }, bar, status, make('div', { class: 'actions' }, cancel,
    retry)), result, make('div', { class: 'after' }, code.element, took.element));

function say(message, failed = false) {
  if (status.textContent !== message) status.textContent = message;
  status.classList.toggle('failed', failed);
}

// ---- loading ------------------------------------------------------------------------------------

let loading = null;
let saidPart = -1;
let waiting = null; // for the next bytes

// A connection that was lost is taken up again by itself; that it is, is said.
function waitFor(loaded) {
  clearTimeout(waiting);
  waiting = setTimeout(say, patience, `Nothing has arrived for ${patience / 1000} seconds. Loading goes `
    + `on at ${mb(loaded)} when the connection is back`);
}

// Said aloud in steps of a tenth: someone may be listening.
function progress({ phase, loaded, total }) {
  clearTimeout(waiting);
  const stalled = status.textContent.startsWith('Nothing');
  const part = phase === 'download' && total > 0;
  if (part) bar.value = loaded / total;
  else bar.removeAttribute('value');
  if (phase === 'prepare') say('Preparing the model');
  if (phase !== 'download') return;
  if (loaded !== total) waitFor(loaded);
  const step = Math.floor(10 * (part ? loaded / total : loaded / 1e7));
  if (step === saidPart && !stalled) return;
  saidPart = step;
  say(`Loading the model: ${mb(loaded)}${part ? ` of ${mb(total)}` : ''}`);
}

// Labels that came with the page, by their number.
const labelSets = new Map();
const labelsFor = (...counts) => {
  const found = counts.map((count) => labelSets.get(count)).find(Boolean);
  const most = counts.at(-1);
  return found ?? (counts.length > 1
    ? [...labelSets.values()].find((labels) => labels.length >= most) : null) ?? [];
};

async function loadLabels(files) {
  for (const { path, bytes } of files) {
    if (!/^[^/]+\.(txt|json|names)$/i.test(path) || bytes > 4e6
      || path === 'manifest.json') continue;
    try {
      const labels = readLabels(new TextDecoder().decode(await bytesOf(path)));
      if (!labelSets.has(labels.length)) labelSets.set(labels.length, labels);
    } catch { /* a file of another kind */ }
  }
}

const extentFields = new Map();
let model;
let manifest;
let states = {};
let cards = [];
let shown = [];
let boxes;

// The picture that the model saw.
const backdrop = () => cards.map((card) => card.shown()).find(Boolean) ?? null;

function build() {
  const decisions = decideInputs(model.inputs, model.outputs);
  const samples = samplesOf(manifest.files);
  states = decideStates(model.inputs, model.outputs);
  const streams = Object.keys(states).length > 0;
  const hooks = { changed, reading, live: goOn };
  cards = decisions.map((decision) => inputCard(decision, hooks, samples,
    { from: states[decision.info.name], streams }));
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
  boxes = detectionCard(labelsFor);
  shown = model.outputs.map((info) => outputCard(info, labelsFor, backdrop));
  raw.before(boxes.element);
  outputs.append(...shown.map(({ element }) => element));
}

const loadingShown = (on) => {
  bar.hidden = !on;
  cancel.hidden = !on;
};

async function start() {
  loading = new AbortController();
  const { signal } = loading;
  loadingShown(true);
  retry.hidden = true;
  delete root.dataset.state;
  say('Loading the engine');
  try {
    manifest = await readManifest();
    const labels = loadLabels(manifest.files);
    const { source, options } = await howToLoad(manifest);
    model = await load(source, { ...options, signal, onProgress: progress });
    await labels;
    took.loaded(model.report, manifest);
    build();
    run.disabled = false;
    say('Ready');
    root.dataset.state = 'ready';
  } catch (error) {
    const stopped = signal.aborted;
    say(stopped ? 'Loading was stopped' : `The model could not be loaded. ${error.message}`,
      !stopped);
    retry.hidden = false;
    root.dataset.state = stopped ? 'stopped' : 'failed';
  }
  clearTimeout(waiting);
  loadingShown(false);
}

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

function showResults(results, going) {
  result.hidden = false;
  const boxed = boxes.show(results, backdrop(), going);
  if (boxed === raw.firstChild.hidden) { // boxes say what their outputs do not
    raw.firstChild.hidden = !boxed;
    raw.open = !boxed;
  }
  model.outputs.forEach(({ name }, i) => shown[i].show(results[name], going));
  for (const { carry } of cards) if (carry?.keeps()) carry.set(results[carry.from]);
}

function showCode(feeds, results) {
  const kept = Object.fromEntries(cards.filter(({ carry }) => carry?.keeps())
    .map(({ name, carry }) => [name, carry.from]));
  code.show({ model: modelName, external: manifest.external, results, states: kept,
    full: /-full-/.test(model.report.module), inputs: Object.fromEntries(cards.map((card) =>
      [card.name, { ...card.own() ?? feeds[card.name], recipe: card.recipe() }])) });
}

async function measure(feeds, signal) {
  const times = [];
  const begin = performance.now();
  while (times.length < steadyRuns && (times.length < 2 || performance.now() - begin < steadyTime)) {
    times.push((await timed(feeds, signal)).time);
  }
  took.timed(times);
  took.memory(await model.memory());
}

function fail(error) {
  if (error.name === 'AbortError') {
    say('Stopped');
    root.dataset.state = 'ready';
    return;
  }
  say(error.message, true);
  root.dataset.state = 'failed';
  error.card?.element.querySelector('textarea, input, select')?.focus();
}

const onAir = () => cards.map((card) => card.live()).find(Boolean);

// Runs as fast as it can for as long as a camera, a microphone or a sound goes on.
async function follow(turn) {
  let times = [];
  let begin = performance.now();
  for (let way = onAir(); way && turn === running; way = onAir()) {
    if (!await way.next() || turn !== running) break;
    const feeds = await gather();
    const { results, time } = await timed(feeds, turn.signal);
    if (turn !== running) return;
    if (root.dataset.state !== 'live') showCode(feeds, results);
    firstRun ||= time;
    times.push(time);
    showResults(results, true);
    const passed = performance.now() - begin;
    if (passed > rateTime) {
      took.figure('Runs a second', (1000 * times.length / passed).toFixed(1));
      took.figure('This run', ms(time));
      [times, begin] = [[], performance.now()];
    }
    root.dataset.state = 'live';
    await pause(); // to what someone clicks on
  }
}

async function once(turn) {
  const begin = performance.now();
  const feeds = await gather();
  const made = performance.now() - begin;
  const { results, time } = await timed(feeds, turn.signal);
  if (turn !== running) return;
  firstRun ||= time;
  took.figure('Input made', ms(made));
  took.figure('First run', ms(firstRun));
  took.figure('This run', ms(time));
  showResults(results, false);
  showCode(feeds, results);
  say('Done; timing it');
  root.dataset.state = 'done';
  await measure(feeds, turn.signal);
}

async function take(what, message) {
  if (!model) return;
  running?.abort();
  const turn = new AbortController();
  running = turn;
  root.dataset.state = 'running';
  stop.hidden = false;
  say(message);
  try {
    await pause(); // shows that it runs
    await what(turn);
    if (turn === running) {
      say('Done');
      root.dataset.state = 'done';
    }
  } catch (error) {
    if (turn === running) fail(error);
  } finally {
    if (turn === running) {
      stop.hidden = true;
      for (const card of cards) card.halt();
    }
  }
}

const compute = () => {
  for (const card of cards) card.halt();
  return take(once, 'Running');
};

function goOn(card) {
  const missing = cards.find((each) => each !== card && !each.given());
  if (missing) {
    card.halt();
    say(`Ready, but “${missing.name}” is missing`);
  } else {
    take(follow, 'Running on what comes in');
  }
}

function halt() {
  for (const card of cards) card.halt();
  running?.abort();
}

function reading(name) {
  running?.abort();
  running = null;
  stop.hidden = true;
  for (const { carry } of cards) carry?.set(null); // what comes next is another sequence
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
receiveFiles(() => cards, (file) => {
  say(`${file.name}: no input of this model takes such a file.`, true);
});
start();
