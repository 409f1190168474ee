// `import { load, Tensor } from 'ashore'`: in a page the engine runs in a worker of its own,
// elsewhere on the thread that calls it.
import { choose, compile, isPage, moduleURL, openWorker, refuse } from './host.js';
import { load as loadInline } from './inline.js';
import { AshoreError, Tensor } from './tensor.js';

const isURL = (source) => typeof source === 'string' || source instanceof URL;
const absolute = (source) => (isURL(source) && isPage
  ? new URL(source, document.baseURI).href : source instanceof URL ? source.href : source);

const revive = (value) => {
  if (Array.isArray(value)) return value.map(revive);
  return value && new Tensor(value.type, value.data, value.dims);
};

const rebuild = ({ name, message, code, node, op }) => (name === 'AshoreError'
  ? new AshoreError(code, message, node, op) : Object.assign(new Error(message), { name }));

class RemoteModel {
  #worker;
  #pending = new Map();
  #last = 0;
  #closed;

  constructor(worker) {
    this.#worker = worker;
    worker.listen((message) => this.#receive(message), (error) => this.close(
      new AshoreError('ERR_INTERNAL', `the engine's worker failed: ${error.message}`)));
  }

  #receive({ id, result, error, progress }) {
    const call = this.#pending.get(id);
    if (!call) return;
    if (progress) {
      call.onProgress(progress);
      return;
    }
    this.#pending.delete(id);
    if (!this.#pending.size) this.#worker.ref(false);
    if (error) call.reject(rebuild(error));
    else call.resolve(result);
  }

  // onAbort tells the worker; the promise is rejected at once.
  async call(method, args, { signal, onProgress, onAbort } = {}) {
    signal?.throwIfAborted();
    if (this.#closed) throw this.#closed;
    const id = ++this.#last;
    let abort;
    try {
      return await new Promise((resolve, reject) => {
        abort = () => {
          this.#pending.delete(id);
          onAbort(id);
          reject(signal.reason);
        };
        signal?.addEventListener('abort', abort);
        this.#pending.set(id, { resolve, reject, onProgress });
        this.#worker.ref(true);
        this.#worker.post({ id, method, args });
      });
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  // What the worker is going to choose is compiled while it starts.
  #compile(options, signal) {
    const send = (compiled) => {
      if (!this.#closed) this.#worker.post({ compiled });
    };
    const url = moduleURL(choose({ ...options, strict: false, inPage: false }), options.modules);
    compile(url, signal).then((module) => send({ url: url.href, module }), () => send(null));
  }

  async open(source, { signal, onProgress, shell, ...options }) {
    const sends = isPage && !options.module;
    const plain = { ...options, sends, progress: Boolean(onProgress) };
    if (plain.external) {
      plain.external = Object.fromEntries(Object.entries(plain.external).map(([location, from]) =>
        [location, absolute(from)]));
    }
    try {
      if (sends) this.#compile(options, signal);
      Object.assign(this, await this.call('load', [absolute(source), plain],
        { signal, onProgress, onAbort: () => this.close() }));
    } catch (error) {
      this.close();
      throw error;
    }
    return this;
  }

  async run(feeds, { signal, outputs } = {}) {
    const results = await this.call('run', [feeds, { outputs, abortable: Boolean(signal) }],
      { signal, onAbort: (id) => this.#worker.post({ abort: id }) });
    for (const name of Object.keys(results)) results[name] = revive(results[name]);
    return results;
  }

  memory() { return this.call('memory', []); }

  predict(dims = {}) { return this.call('predict', [dims]); }

  profile() { return this.call('profile', []); }

  close(reason = new AshoreError('ERR_STATE', 'the model is closed')) {
    this.#closed ??= reason;
    this.#worker.stop();
    for (const { reject } of this.#pending.values()) reject(this.#closed);
    this.#pending.clear();
  }
}

/** Loads a model from a URL, path, Blob or buffer. */
export async function load(source, options = {}) {
  const { shell = isPage ? 'worker' : 'inline', signal, strict } = options;
  if (shell === 'inline') return loadInline(absolute(source), options);
  signal?.throwIfAborted();
  let worker;
  try {
    worker = openWorker('ashore');
  } catch (error) {
    // A package from another origin, or a page that allows no workers.
    const missing = [{ feature: 'worker', why: error.message,
      cost: 'the page does not respond while the model runs' }];
    refuse({ missing }, strict);
    const model = await loadInline(absolute(source), options);
    model.report.missing.unshift(...missing);
    return model;
  }
  return new RemoteModel(worker).open(source, options);
}
