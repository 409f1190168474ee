// <ashore-model src="model.onnx">: a model as an element. It loads when it is seen, or at once, shows how
// far it is, takes a picture or a sound where the model does, and shows what comes out.
import { AshoreError, load } from './ashore.js';
import { Face } from './element_face.js';
import { melNames, soundTensor, takenBy } from './element_inputs.js';
import { openCamera, openMicrophone } from './element_media.js';
import { boxesOf, boxOptions, scoresOf, valuesOf, viewOf } from './element_outputs.js';

const nearby = '200px'; // how far from what is seen a lazy model loads
// Attributes of what is shown; what is given is read when it is given.
const shown = ['boxes', 'iou', 'labels', 'output', 'score', 'top'];
const offered = ['camera', 'input', 'mel', 'microphone'];

const tools = () => import('./prep.js').then(({ drawDetections, openPrep, readLabels }) =>
  openPrep().then((prep) => ({ prep, drawDetections, readLabels })));
let opened; // for all elements of a page
const openTools = () => {
  opened ??= tools();
  opened.catch(() => { opened = undefined; });
  return opened;
};

const Base = globalThis.HTMLElement ?? class {}; // where there are no elements, importing is no error

export class AshoreModel extends Base {
  static observedAttributes = ['src', 'loading', ...shown, ...offered];

  #face = new Face(this, { take: (file) => {
    this.stop();
    this.#take(file).catch(() => {});
  }, toggle: () => this.#toggle() });
  #model = null;
  #loading = null; // { promise, abort }
  #observer = null;
  #labels = null; // a promise of them, for the address or what a page has set
  #given = undefined;
  #turn = 0;
  #latest = null; // { results, source }, which are shown
  #detections = [];
  #device = null; // a camera, or a microphone that is recorded

  get model() { return this.#model; }

  get report() { return this.#model?.report ?? null; }

  get detections() { return this.#detections; }

  get src() { return this.getAttribute('src') ?? ''; }

  set src(value) { this.setAttribute('src', value); }

  get loading() { return this.getAttribute('loading') === 'lazy' ? 'lazy' : 'eager'; }

  set loading(value) { this.setAttribute('loading', value); }

  get labels() { return this.#given ?? this.getAttribute('labels'); }

  set labels(value) {
    this.#given = value ?? undefined;
    this.#labels = null;
    this.#show();
  }

  connectedCallback() { this.#begin(); }

  // An element that is only moved is connected again at once.
  disconnectedCallback() {
    queueMicrotask(() => {
      if (!this.isConnected) this.close();
    });
  }

  attributeChangedCallback(name, before, value) {
    if (before === value || !this.isConnected) return;
    if (name === 'src' || name === 'loading') {
      if (name === 'src') this.close();
      this.#begin();
    } else if (offered.includes(name)) {
      this.stop();
      this.#offer();
    } else {
      if (name === 'labels') this.#labels = null;
      this.#show();
    }
  }

  #begin() {
    if (this.#model || this.#loading || !this.src) return;
    this.#observer?.disconnect();
    this.#observer = null;
    if (this.loading === 'lazy' && typeof IntersectionObserver === 'function') {
      this.#observer = new IntersectionObserver((entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) this.load().catch(() => {});
      }, { rootMargin: nearby });
      this.#observer.observe(this);
      this.#face.say('The model loads when it is seen');
    } else {
      this.load().catch(() => {});
    }
  }

  // Attributes that load() takes by the same names.
  #options() {
    const options = {};
    for (const name of ['variant', 'cache', 'manifest', 'modules', 'sha256']) {
      const value = this.getAttribute(name);
      if (value !== null) options[name] = value === '' ? true : value;
    }
    for (const name of ['modules', 'manifest']) {
      if (typeof options[name] === 'string') {
        options[name] = new URL(options[name], this.baseURI).href;
      }
    }
    const number = (name) => Number(this.getAttribute(name)) || undefined;
    return { ...options, threads: number('threads'), memoryLimit: number('memory-limit'),
      strict: this.hasAttribute('strict'), full: this.hasAttribute('full') };
  }

  #tell(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  #fail(error) {
    this.#face.say(error.message, true);
    this.#tell('error', error);
  }

  /** Loads the model now, once. */
  load() {
    this.#observer?.disconnect();
    this.#observer = null;
    if (this.#model) return Promise.resolve(this.#model);
    this.#loading ??= this.#load();
    return this.#loading.promise;
  }

  #load() {
    const abort = new AbortController();
    const { signal } = abort;
    const open = async () => {
      this.#face.set({ loading: true });
      this.#face.say('Loading the engine');
      try {
        if (!this.src) {
          throw new AshoreError('ERR_ARGUMENT', '<ashore-model> has no src',
            { advice: 'Give it the address of a model' });
        }
        const model = await load(new URL(this.src, this.baseURI).href, { ...this.#options(), signal,
          onProgress: (progress) => {
            if (signal.aborted) return;
            this.#face.progress(progress);
            this.#tell('progress', progress);
          } });
        if (signal.aborted) {
          model.close();
          throw signal.reason;
        }
        this.#model = model;
        this.#offer();
        this.#face.say('Ready');
        this.#tell('ready', model);
        return model;
      } catch (error) {
        if (!signal.aborted) {
          this.#face.set({});
          this.#fail(error);
        }
        throw error;
      } finally {
        if (this.#loading?.abort === abort) this.#loading = null;
      }
    };
    return { abort, promise: Promise.resolve().then(open) };
  }

  #attribute(name) { return this.getAttribute(name) ?? undefined; }

  #number(name) { return Number(this.getAttribute(name)) || undefined; }

  // What the model takes, and by which means.
  #taken() {
    const mel = this.#attribute('mel');
    return this.#model && takenBy(this.#model, { input: this.#attribute('input'), mel });
  }

  #offer() { if (this.#model) this.#face.set({ kind: this.#taken()?.kind ?? null }); }

  #take(source) {
    return this.#taken()?.kind === 'sound' ? this.runSound(source) : this.runPicture(source);
  }

  /** Runs the model, which is loaded first where it is not. */
  run(feeds, options) { return this.#run(feeds, options); }

  // source: { placement } of the picture that the feeds were made of.
  async #run(feeds, options, source = null) {
    const model = await this.load();
    const turn = ++this.#turn;
    const quiet = Boolean(this.#device); // someone may be listening
    if (!quiet) this.#face.say('Running');
    try {
      const results = await model.run(feeds, options);
      if (turn === this.#turn) {
        this.#latest = { results, source };
        await this.#show();
        if (turn === this.#turn && !quiet && !this.#face.failed) this.#face.say('Done');
      }
      this.#tell('result', results);
      return results;
    } catch (error) {
      if (turn === this.#turn && this.#model === model) this.#fail(error);
      throw error;
    }
  }

  // What is given as this kind: make(info, prep) gives { tensor, source }.
  async #runOn(kind, make) {
    const model = await this.load();
    let made;
    let info;
    try {
      info = this.#taken();
      if (info?.kind !== kind) {
        throw new AshoreError('ERR_UNSUPPORTED', `${this.src}: no model of one ${kind}: it takes ${
          model.inputs.map(({ name, text }) => `'${name}', ${text}`).join('; ')}`,
        { advice: 'Call run() with tensors' });
      }
      made = await make(info, (await openTools()).prep);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    return this.#run({ [info.name]: made.tensor }, undefined, made.source);
  }

  /** Runs the model on a picture, by the element's settings. */
  runPicture(source) {
    return this.#runOn('picture', async (info, prep) => {
      const isFile = source instanceof Blob;
      const drawn = isFile ? await createImageBitmap(source).catch(() => {
        throw new AshoreError('ERR_FORMAT', `${source.name ?? 'a Blob'}: this is no picture that the `
          + 'browser can read', { advice: 'Give a PNG, JPEG or WebP' });
      }) : source;
      try {
        const tensor = await prep.image(drawn, this.#picture(info));
        return { tensor, source: this.#showPicture(drawn, tensor.placements[0]) };
      } finally {
        if (isFile) drawn.close();
      }
    });
  }

  // Pixels that are drawn once more where other boxes are to be seen on them.
  #showPicture(drawn, placement) {
    const { width, height } = placement;
    if (typeof drawn === 'string' || drawn instanceof URL) return { placement };
    const canvas = this.#face.picture(drawn, width, height);
    if (this.#attribute('output') !== 'boxes' && !this.hasAttribute('boxes')) return { placement };
    return { placement, pixels: canvas.getContext('2d').getImageData(0, 0, width, height) };
  }

  /** Runs the model on a sound, by the element's settings. */
  runSound(source) {
    return this.#runOn('sound', async (info, prep) => {
      const settings = { rate: this.#number('rate') ?? 16000, fft: this.#number('fft'),
        hop: this.#number('hop'), mel: this.#attribute('mel') || melNames[0] };
      if (!melNames.includes(settings.mel)) {
        throw new AshoreError('ERR_ARGUMENT', `mel="${settings.mel}": it is one of ${
          melNames.join(', ')}`);
      }
      const sound = await prep.sound(source, { rate: settings.rate });
      this.#face.sound(sound.data, settings.rate);
      return { tensor: soundTensor(prep, sound, info, settings) };
    });
  }

  // A size that the model leaves open is the element's, or else the picture's own.
  #picture({ type, layout, channels, width, height }) {
    const options = { type, layout, antialias: true, fit: this.#attribute('fit') ?? 'stretch',
      width: width ?? this.#number('width'), height: height ?? this.#number('height'),
      order: channels === 1 ? 'grey' : this.#attribute('order') ?? 'rgb' };
    if (type !== 'uint8') options.normalize = this.#attribute('normalize') ?? '0..1';
    return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  }

  // ---- camera and microphone ----------------------------------------------------------------------

  async #open(what, open) {
    this.stop();
    const model = await this.load();
    try {
      const device = await open();
      if (this.#model !== model) {
        device.stop();
        throw new AshoreError('ERR_STATE', 'the model is closed');
      }
      this.stop();
      this.#device = device;
      this.#face.device(true);
      this.#face.say(`Running on what the ${what} gives`);
      return device;
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** Runs the model on what the camera sees, picture after picture, until stop(). */
  async startCamera() {
    const camera = await this.#open('camera', openCamera);
    const follow = async () => {
      while (this.#device === camera && await camera.frame() && this.#device === camera) {
        await this.runPicture(camera.video);
      }
    };
    follow().catch(() => {}).finally(() => this.#device === camera && this.stop());
  }

  /** Records the microphone until stopRecording(). */
  async startRecording() {
    await this.#open('microphone', openMicrophone);
    this.#face.say('Recording');
  }

  /** Ends the recording, and runs the model on it. */
  async stopRecording() {
    const microphone = this.#device;
    if (!microphone?.end) throw new AshoreError('ERR_STATE', 'nothing is recorded');
    const sound = await microphone.end();
    this.stop();
    return this.runSound(sound);
  }

  #toggle() {
    const end = () => (this.#device.end ? this.stopRecording() : this.stop());
    const isSound = this.#taken()?.kind === 'sound';
    const begin = () => (isSound ? this.startRecording() : this.startCamera());
    Promise.resolve(this.#device ? end() : begin()).catch(() => {});
  }

  /** Ends the camera or the recording. */
  stop() {
    if (!this.#device) return;
    this.#device.stop();
    this.#device = null;
    this.#face.device(false);
    if (!this.#face.failed) this.#face.say('Stopped');
  }

  // ---- results ------------------------------------------------------------------------------------

  async #readLabels(readLabels) {
    if (this.#given !== undefined) return readLabels(this.#given);
    const address = this.getAttribute('labels');
    if (!address) return undefined;
    const response = await fetch(new URL(address, this.baseURI)).catch(() => null);
    if (!response?.ok) {
      throw new AshoreError('ERR_IO', `${address}: the labels cannot be loaded`,
        { advice: 'Is the address right?' });
    }
    return readLabels(await response.text());
  }

  async #labelsFor(readLabels) {
    this.#labels ??= this.#readLabels(readLabels);
    try {
      return await this.#labels;
    } catch (error) {
      this.#labels = null;
      this.#fail(error);
      return undefined;
    }
  }

  async #show() {
    const latest = this.#latest;
    if (!latest) return;
    try {
      const view = viewOf(latest.results, { output: this.#attribute('output'),
        boxes: this.#attribute('boxes') });
      this.#detections = [];
      if (view === 'classes' || view === 'boxes') {
        const opened = await openTools();
        const labels = await this.#labelsFor(opened.readLabels);
        if (latest !== this.#latest) return;
        if (view === 'boxes') this.#showBoxes(latest, labels, opened);
        else {
          this.#face.results(opened.prep.classify(scoresOf(latest.results), { labels,
            k: this.#number('top') ?? 5 }));
        }
      } else {
        this.#face.values(view ? valuesOf(latest.results) : [], view === 'plot');
      }
    } catch (error) {
      if (latest === this.#latest) {
        this.#face.results([]);
        this.#fail(error);
      }
    }
  }

  #showBoxes({ results, source }, labels, { prep, drawDetections }) {
    const number = (name, usual) => Number(this.#attribute(name) ?? usual);
    const { boxes, scores } = boxesOf(results);
    this.#detections = prep.detect(boxes, { ...boxOptions(this.#attribute('boxes') ?? ''), scores,
      labels, from: source?.placement, score: number('score', 0.25), iou: number('iou', 0.45) });
    if (source?.pixels) drawDetections(this.#face.picture(source.pixels), this.#detections);
    this.#face.results(this.#detections.slice(0, this.#number('top') ?? 20));
  }

  /** Ends what is under way and gives the model back. load() and run() load it again. */
  close() {
    this.stop();
    this.#observer?.disconnect();
    this.#observer = null;
    this.#loading?.abort.abort();
    this.#loading = null;
    this.#model?.close();
    this.#model = null;
    this.#latest = null;
    this.#detections = [];
    this.#turn++;
    this.#face.set({});
    this.#face.picture(null);
    this.#face.sound(null);
    this.#face.results([]);
    this.#face.say('');
  }
}

if (globalThis.customElements && !customElements.get('ashore-model')) {
  customElements.define('ashore-model', AshoreModel);
}
