// What it took: figures, how long runs were, and in words what the engine runs on, what is missing,
// and what leaves one's hands.
import { make, mb, ms, svg } from './dom.js';
import { inOneFile } from './site.js';

const mostBars = 24;

export const quantile = (sorted, part) =>
  sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];

/** Counts of times in equal steps: { from, to, counts }; a few long ones share the last step. */
export function spread(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const from = sorted[0];
  const to = Math.max(quantile(sorted, 0.95), from * 1.001);
  const steps = Math.min(mostBars, Math.max(5, Math.ceil(Math.sqrt(times.length) * 2)));
  const counts = Array(steps).fill(0);
  for (const time of times) {
    counts[Math.min(steps - 1, Math.floor(steps * (time - from) / (to - from)))]++;
  }
  return { from, to, counts };
}

function histogram(times) {
  const { from, to, counts } = spread(times);
  const most = Math.max(...counts);
  const width = 100 / counts.length;
  const sorted = times.toSorted((a, b) => a - b);
  const words = `${times.length} runs from ${ms(from)} to ${ms(sorted.at(-1))}, half of them up to ${
    ms(quantile(sorted, 0.5))}, nineteen of twenty up to ${ms(quantile(sorted, 0.95))}`;
  const bars = counts.map((count, i) => svg('rect', { x: i * width + width * 0.08, y: 40 - 40 * count
    / most, width: width * 0.84, height: 40 * count / most }));
  return make('figure', { class: 'histogram' },
    svg('svg', { viewBox: '0 0 100 40', preserveAspectRatio: 'none', role: 'img',
      'aria-label': words }, ...bars),
    make('div', { class: 'ends', 'aria-hidden': 'true' }, make('span', {}, ms(from)),
      make('span', {}, `${ms(to)} and more`)),
    make('figcaption', { class: 'hint' }, `${words}.`));
}

const variants = {
  relaxed: 'relaxed SIMD instructions, the fastest there are',
  simd128: 'SIMD instructions',
  scalar: 'instructions for one number at a time, as this browser knows no SIMD',
};

const remedies = {
  threads: () => (inOneFile ? 'serve the folder that “ashore port” writes without --one-file'
    : 'serve the page with the headers in its file _headers, as “ashore site” does'),
  worker: () => (inOneFile ? 'a page in one file can start no workers; a folder can'
    : 'serve the scripts from the page’s own origin, and allow worker-src'),
  relaxed: () => 'a newer browser knows them',
  simd128: () => 'a newer browser knows them',
};

const ended = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** What the engine runs on, in sentences. */
export function engineWords({ variant, threads, shell, missing = [] }) {
  const place = shell === 'worker' ? 'in a worker, so that the page stays responsive'
    : 'on the page’s own thread, which answers between steps';
  const lines = [`It runs on the processor, with ${variants[variant] ?? variant}, on ${
    threads === 1 ? 'one thread' : `${threads} threads`}, ${place}.`];
  if (!missing.length) {
    lines.push('Nothing that would make it faster is missing in this browser.');
  }
  for (const { feature, why, cost, advice } of missing) {
    const alone = inOneFile && feature === 'threads'; // whatever its server says
    const remedy = (!alone && advice) || remedies[feature]?.();
    lines.push(`No ${feature}: ${ended(alone ? 'a page in one file can start no workers' : why)} So ${ended(cost)}${
      remedy ? ` To mend it: ${ended(remedy)}` : ''}`);
  }
  return lines;
}

// What was fetched: the model and its data, the scripts, and the module that was taken.
function downloadWords(report, files, model) {
  if (inOneFile) return 'Nothing was downloaded: model and engine are inside of this page.';
  const size = (wanted) => files.filter(wanted).reduce((sum, { bytes }) => sum + bytes, 0);
  const engine = size(({ path }) => path === `ashore/${report.module}`
    || /^(ashore\/ashore|page\/.*)\.(js|css)$/.test(path));
  if (!engine) return '';
  return `Downloaded: ${mb(model)} of model and ${mb(engine)} of engine and page; less where the `
    + 'server compresses, and nothing that is in the browser’s cache.';
}

/** The section: { element, figure(name, value), loaded(report, manifest), timed(times),
 *  memory(figures) }. */
export function evidence() {
  const figures = make('dl', { class: 'figures' });
  const times = make('div', { class: 'times' });
  const notes = make('ul', { class: 'notes' });
  const memoryNote = make('li', { hidden: true });
  const element = make('section', { class: 'evidence', 'aria-labelledby': 'evidence',
    hidden: true }, make('h2', { id: 'evidence' }, 'What it took'), figures, times, notes);

  function figure(name, value) {
    const id = `figure-${name.replace(/\W+/g, '-').toLowerCase()}`;
    const found = document.getElementById(id);
    if (found) found.textContent = value;
    else figures.append(make('div', {}, make('dt', {}, name), make('dd', { id }, value)));
  }

  return { element, figure,
    loaded(report, { files, external }) {
      element.hidden = false;
      const data = external.reduce((sum, path) =>
        sum + (files.find((file) => file.path === path)?.bytes ?? 0), report.model.bytes);
      figure('Load', ms(report.ms.total));
      figure('Model', mb(data));
      figure('Engine', `${report.variant}, ${report.threads} thread${
        report.threads === 1 ? '' : 's'}`);
      notes.replaceChildren(...[...engineWords(report), downloadWords(report, files, data)]
        .filter(Boolean).map((text) => make('li', {}, text)), memoryNote, make('li', {},
        `The weights are part of what this page ${inOneFile ? 'is' : 'downloads'}: whoever can open`
        + ' it can read and keep them.'));
    },
    timed(all) {
      const sorted = all.toSorted((a, b) => a - b);
      figure('Steady run', `${ms(quantile(sorted, 0.5))}, median of ${all.length}`);
      times.replaceChildren(histogram(all));
    },
    memory({ weights, packed, slab, total }) {
      figure('Peak memory', mb(total));
      memoryNote.hidden = false;
      memoryNote.textContent = `Memory: at most ${mb(total)} at once. Held now: ${mb(weights)
      } of model, ${mb(packed)} of weights packed for this processor, ${mb(slab)
      } for values in between.`;
    } };
}
