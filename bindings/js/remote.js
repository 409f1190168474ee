// A model in a worker of its own: what is asked for goes there in messages.
import { isPage } from './host.js';
import { compile, moduleURL } from './modules.js';
import { advised, part } from './parts.js';
import { absolute, absoluteAll, mapRecord } from './source.js';
import {
  AshoreError, expectFits, feedsOf, fill, listOf, runOptions, Tensor,
} from './tensor.js';
import { choose } from './variants.js';
import { openFor } from './workers.js';

const revive = (value) => {
  if (Array.isArray(value)) return value.map(revive);
  return value instanceof Map ? value : value && new Tensor(value.type, value.data, value.dims);
};

// What a message is to hold of a value: of a buffer no more than its tensor's part.  `give` collects
// buffers that are moved there: those copies and, when all are given away, the caller's.
function pack(value, give, all) {
  if (Array.isArray(value)) return value.map((item) => pack(item, give, all));
  if (!value?.data?.buffer) return value;
  const { type, dims } = new Tensor(value.type, value.data, value.dims);
  let { data } = value;
  const part = data.buffer instanceof ArrayBuffer && data.byteLength < data.buffer.byteLength;
  if (part) data = data.slice();
  if ((part || all) && data.buffer instanceof ArrayBuffer) give.add(data.buffer);
  return { type, data, dims };
}

/** What models and streams have in common.  on: which of them the worker is to ask. */
export class Runner {
  #call;

  constructor(call, on) {
    this.#call = (method, args, more) => call(method, args, { on, ...more });
  }

  ask(method, ...args) { return this.#call(method, args); }

  pack(feeds, give = new Set(), all = false) {
    return mapRecord(feedsOf(feeds), (value, name) => {
      try {
        return pack(value, give, all);
      } catch (error) {
        error.input ||= name;
        throw error;
      }
    });
  }

  revive(results) { return mapRecord(results, revive); }

  run(feeds, options) {
    return advised(async () => {
      const { signal, outputs, into = {}, transfer } = runOptions(options, ' into');
      expectFits(this.outputs, into);
      const give = new Set();
      const shared = Object.entries(into).filter(([, { data }]) =>
        !(data.buffer instanceof ArrayBuffer));
      const results = this.revive(await this.#call('run', [this.pack(feeds, give, transfer),
        { outputs, into: Object.fromEntries(shared), remote: true }], { signal, give }));
      for (const name in results) {
        if (into[name]) results[name] = fill(into[name], results[name], name);
      }
      return results;
    });
  }

  runAll(list, options) {
    return advised(async () => {
      const { signal, outputs, transfer } = runOptions(options);
      const give = new Set();
      const all = await this.#call('runAll', [listOf(list).map((feeds) =>
        this.pack(feeds, give, transfer)), { outputs, remote: true }], { signal, give });
      return all.map((results) => this.revive(results));
    });
  }
}

export const RemoteModel = /* @__PURE__ */ (() => {
  const { Model: made } = { Model: class extends Runner {
    #worker;
    #pending = new Map();
    #last = 0;
    #heard = 0;
    #sent = 0;
    #closed;
    /** The worker has failed before it said anything: a policy, or a script that is not there. */
    lost = false;
    #relay; // to the threads that this page opens for the engine
    #words = []; // of the engine's memory, where it is shared, that end runs; those that are free

    constructor(worker) {
      super((...args) => this.call(...args), 0);
      this.#worker = worker;
      worker.listen((message) => this.#receive(message), (error) => {
        this.lost = !this.#heard;
        this.close(this.#heard
          ? new AshoreError('ERR_INTERNAL', `the engine's worker failed: ${error.message}`)
          : new AshoreError('ERR_POLICY', `the engine's worker does not start: ${error.message}`));
      });
    }

    #post(message, give = []) {
      try {
        this.#worker.post(message, [...give]);
      } catch (cause) {
        throw new AshoreError('ERR_TYPE', `this cannot be sent to a worker: ${cause.message}`,
          { cause });
      }
      this.#sent++;
    }

    #receive(message) {
      if (message.member) {
        if (!this.#closed) this.#relay(message);
        return;
      }
      const { id, result, error, progress, traffic } = message;
      this.#heard++;
      const call = this.#pending.get(id);
      if (!call) return;
      if (progress) {
        call.onProgress?.(progress);
        return;
      }
      if (this.report) {
        Object.assign(this.report.traffic, traffic, { messages: this.#heard + this.#sent });
      }
      this.#pending.delete(id);
      if (call.word) {
        Atomics.store(call.word, 0, 0);
        this.#words.push(call.word);
      }
      if (!this.#pending.size) this.#worker.ref(false);
      if (!error) {
        call.resolve(result);
        return;
      }
      if (error.code === 'ERR_CANCELLED' || error.name === 'AbortError') {
        call.reject(call.signal.reason);
        return;
      }
      const revived = AshoreError.revive(error);
      if (error.index !== undefined) revived.results = result.map((each) => this.revive(each));
      call.reject(revived);
      if (error.code === 'ERR_INTERNAL') this.close(revived);
    }

    // A signal tells the worker: by a word of the engine's memory, which it looks at while it computes,
    // or by a message, between two slices of a run; and rejects the promise at once.  A stream's waits
    // for the answer: its state may have gone on already.  give: of a run.
    async call(method, args, { on, signal, give, onProgress, onAbort } = {}) {
      signal?.throwIfAborted();
      const id = ++this.#last;
      const word = give && this.#words.at(-1);
      let abort;
      return advised(() => new Promise((resolve, reject) => {
        if (this.#closed) throw this.#closed;
        abort = () => {
          if (!on) reject(signal.reason);
          if (this.#closed) return;
          if (onAbort) onAbort();
          else if (word) Atomics.store(word, 0, 1);
          else this.#post({ abort: id });
        };
        this.#post({ id, on, method, args, abortable: Boolean(signal && !onAbort),
          word: word?.byteOffset }, give);
        if (word) this.#words.pop();
        signal?.addEventListener('abort', abort);
        this.#pending.set(id, { resolve, reject, onProgress, signal, word });
        this.#worker.ref(true);
      })).finally(() => signal?.removeEventListener('abort', abort));
    }

    // What the worker is going to choose is compiled while it starts.
    #compile(options, signal) {
      const send = (compiled) => {
        if (!this.#closed) this.#post({ compiled });
      };
      const url = moduleURL(choose({ ...options, strict: false, inPage: false }), options.modules);
      compile(url, signal).then((module) => send({ url: url.href, module }), () => send(null));
    }

    async open(source, { signal, onProgress, shell, worker, ...options }) {
      const sends = isPage && !options.module;
      const plain = { ...options, sends, opens: isPage, progress: Boolean(onProgress),
        external: absoluteAll(options.external),
        modules: options.modules && absolute(options.modules) };
      try {
        this.#relay = openFor((message) => this.#worker.post(message), worker);
        if (sends) this.#compile(options, signal);
        const { words, ...parts } = await this.call('load', [absolute(source), plain],
          { signal, onProgress, onAbort: () => this.close() });
        this.#words = Array.from(words ?? [], (_, i) => words.subarray(i, i + 1));
        Object.assign(this, parts);
        this.report.traffic.messages = this.#heard + this.#sent;
      } catch (error) {
        this.close();
        throw error;
      }
      return this;
    }

    stream({ initial, ...options } = {}) {
      return advised(async () => {
        const { RemoteStream } = await part('streams');
        const call = (...args) => this.call(...args);
        return new RemoteStream(call, await this.ask('stream',
          { ...options, initial: initial && this.pack(initial) }));
      });
    }

    memory() { return this.ask('memory'); }

    predict(dims) { return this.ask('predict', dims); }

    profile() { return this.ask('profile'); }

    close(reason = new AshoreError('ERR_STATE', 'the model is closed')) {
      this.#closed ??= reason;
      // Before it is stopped, which takes hosts seconds while it computes.
      for (const { word } of this.#pending.values()) {
        if (word) Atomics.store(word, 0, 1);
      }
      this.#worker.stop();
      this.#relay?.();
      for (const { reject } of this.#pending.values()) reject(this.#closed);
      this.#pending.clear();
      this.#words = [];
    }
  } };
  return made;
})();
