// What <ashore-model> shows: a status, progress, a place for what is given, results. All of it has a part
// to be styled, and slots to be replaced.
import { curve, make, row, table } from './element_views.js';

const css = `
:host { display: block; color-scheme: light dark; font: inherit; color: inherit; }
:host([hidden]), [hidden] { display: none !important; }
.box { display: grid; gap: 0.6rem; padding: 0.9rem; border-radius: 0.6rem;
  border: 1px solid color-mix(in srgb, currentColor 30%, transparent); }
.status { margin: 0; overflow-wrap: anywhere; }
.failed { color: light-dark(#a8321e, #ff9b85); }
progress { width: 100%; }
.input { display: grid; gap: 0.6rem; justify-items: start; padding: 0.6rem; border-radius: 0.4rem;
  border: 2px dashed color-mix(in srgb, currentColor 45%, transparent); }
.over { border-style: solid; }
.actions { display: flex; flex-wrap: wrap; gap: 0.6rem; }
label, button { position: relative; display: inline-flex; align-items: center; min-height: 2.75rem;
  padding: 0 1rem; border: 1px solid; border-radius: 0.4rem; cursor: pointer; font: inherit;
  color: inherit; background: none; }
input { position: absolute; inset: 0; opacity: 0; cursor: pointer; }
label:focus-within, button:focus-visible, .scroll:focus-visible { outline: 3px solid;
  outline-offset: 2px; }
canvas { display: block; max-width: 100%; max-height: 20rem; border-radius: 0.3rem; }
ol { margin: 0; padding: 0; list-style: none; }
li { display: grid; grid-template-columns: minmax(0, 1fr) minmax(3rem, 30%) 4.5rem; gap: 0.6rem;
  align-items: center; padding: 0.15rem 0; overflow-wrap: anywhere; }
svg { width: 100%; height: 0.6rem; }
.track { fill: color-mix(in srgb, currentColor 18%, transparent); }
.fill { fill: light-dark(#0b6e99, #58b4dc); }
.value, td { text-align: end; font-variant-numeric: tabular-nums; }
.scroll { overflow: auto; max-height: 20rem; }
caption { text-align: start; }
td { padding: 0.1rem 0.5rem; border-block-end: 1px solid color-mix(in srgb, currentColor 18%,
  transparent); }
.curve { height: 6rem; overflow: visible; }
.curve path { fill: none; stroke: light-dark(#0b6e99, #58b4dc); stroke-width: 2;
  vector-effect: non-scaling-stroke; stroke-linejoin: round; }
`;
let sheet; // one for all elements

const mb = (bytes) => (bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB`
  : `${(bytes / 1e6).toFixed(1)} MB`);

const kinds = { picture: { accept: 'image/*', text: 'Choose a picture', device: 'camera',
  off: 'Use the camera', on: 'Stop the camera' },
sound: { accept: 'audio/*,video/*', text: 'Choose a sound', device: 'microphone', off: 'Record',
  on: 'Stop recording' } };
const matches = { picture: /^image\//, sound: /^(audio|video)\// };

export class Face {
  #status = make('p', { class: 'status', part: 'status', role: 'status' });
  #progress = make('progress', { part: 'progress', max: 1, 'aria-label': 'Loading' });
  #file = make('input', { type: 'file' });
  #text = make('slot', { name: 'button' });
  #device = make('button', { type: 'button', part: 'button device' });
  #wave = make('div', { part: 'sound' });
  #host;
  #kind = null; // 'picture', 'sound'
  #canvas = make('canvas', { part: 'picture', role: 'img', 'aria-label': 'The picture' });
  #input;
  #results = make('ol', { part: 'results' });
  #values = make('div', { part: 'values' });
  #said = -1;

  /** take(file): one was chosen, dropped or pasted; toggle(): the camera or the microphone. */
  constructor(host, { take, toggle }) {
    this.#host = host;
    const root = host.attachShadow({ mode: 'open' });
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
    }
    root.adoptedStyleSheets = [sheet];
    this.#input = make('div', { class: 'input', part: 'input' },
      make('slot', { name: 'input' }, make('div', { class: 'actions' },
        make('label', { part: 'button' }, this.#text, this.#file), this.#device)), this.#canvas,
      this.#wave);
    root.append(make('div', { class: 'box', part: 'box' }, make('slot', { name: 'before' }),
      make('slot', { name: 'status' }, this.#status), this.#progress, this.#input,
      make('slot', { name: 'results' }, this.#results, this.#values), make('slot')));
    for (const element of [this.#progress, this.#input, this.#canvas, this.#wave]) {
      element.hidden = true;
    }
    this.#device.addEventListener('click', toggle);
    this.#listen(host, take);
  }

  #listen(host, take) {
    this.#file.addEventListener('change', () => {
      const [file] = this.#file.files;
      this.#file.value = '';
      if (file) take(file);
    });
    const over = (on) => this.#input.classList.toggle('over', on);
    const wanted = (items) => !this.#input.hidden && [...items ?? []].find(({ type }) =>
      matches[this.#kind].test(type));
    host.addEventListener('dragover', (event) => {
      if (this.#input.hidden) return;
      event.preventDefault();
      over(true);
    });
    host.addEventListener('dragleave', () => over(false));
    host.addEventListener('drop', (event) => {
      over(false);
      const file = wanted(event.dataTransfer?.files);
      if (!file) return;
      event.preventDefault();
      event.stopPropagation(); // a page that takes files, too, need not
      take(file);
    });
    host.addEventListener('paste', (event) => {
      const file = wanted(event.clipboardData?.files);
      if (file) take(file);
    });
  }

  /** What was said last is a failure. */
  get failed() { return this.#status.classList.contains('failed'); }

  say(text, failed = false) {
    if (this.#status.textContent !== text) this.#status.textContent = text;
    this.#status.classList.toggle('failed', failed);
    this.#status.setAttribute('part', failed ? 'status failed' : 'status');
  }

  /** Said in steps of a tenth: someone may be listening. */
  progress({ phase, loaded, total }) {
    this.#progress.hidden = phase === 'ready';
    if (total > 0 && phase === 'download') this.#progress.value = loaded / total;
    else this.#progress.removeAttribute('value');
    if (phase === 'prepare') this.say('Preparing the model');
    if (phase !== 'download') return;
    const step = Math.floor(10 * (total ? loaded / total : loaded / 1e7));
    if (step === this.#said) return;
    this.#said = step;
    this.say(`Loading the model: ${mb(loaded)}${total ? ` of ${mb(total)}` : ''}`);
  }

  /** The state: whether it loads, and what it takes: 'picture', 'sound' or nothing. */
  set({ loading = false, kind = null }) {
    this.#said = -1;
    this.#progress.hidden = !loading;
    this.#progress.removeAttribute('value');
    this.#kind = kind;
    this.#input.hidden = !kind;
    if (kind) {
      this.#file.accept = kinds[kind].accept;
      this.#text.textContent = kinds[kind].text;
    }
    this.device(false);
    if (loading) this.results([]);
  }

  /** Whether the camera or the microphone is on; it is there where an attribute asks for it. */
  device(on) {
    const { device, ...texts } = kinds[this.#kind] ?? {};
    this.#device.hidden = !device || !this.#host.hasAttribute(device);
    this.#device.textContent = texts[on ? 'on' : 'off'] ?? '';
  }

  /** The canvas that shows a picture: what can be drawn, its width and height. */
  picture(source, width = source?.width, height = source?.height) {
    this.#canvas.hidden = !source;
    if (!source) return null;
    this.#canvas.width = width;
    this.#canvas.height = height;
    const context = this.#canvas.getContext('2d');
    if (source instanceof ImageData) context.putImageData(source, 0, 0);
    else context.drawImage(source, 0, 0, width, height);
    return this.#canvas;
  }

  sound(samples, rate) {
    this.#wave.hidden = !samples;
    this.#wave.replaceChildren(...samples
      ? [curve(samples, `The sound of ${(samples.length / rate).toFixed(2)} seconds`)] : []);
  }

  /** [{ label, score }] of classes or boxes. */
  results(list) {
    this.#results.replaceChildren(...list.map(row));
    this.#values.replaceChildren();
  }

  /** Outputs by name, as tables or as curves. */
  values(outputs, curves) {
    this.#results.replaceChildren();
    this.#values.replaceChildren(...outputs.map(([name, value]) =>
      (curves ? curve(value.data, name) : table(name, value))));
  }
}
