// The synchronous core: one instance of the engine with one model.  Knows nothing of workers, of
// the network or of promises.
import { AshoreError, expectFit, feedsOf, missing, Tensor, typeOf, types } from './tensor.js';

export const version = '0.1.0';
const kinds = ['tensor', 'sequence', 'optional', 'map'];
const encoder = new TextEncoder();
const decoder = new TextDecoder();

// The module imports WASI alone, and of it nothing that is needed to run a model but the clock; a
// shared one its memory, too.
function imports(module, memory) {
  const env = { memory };
  const wasi = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    if (from !== 'env') wasi[name] = () => 52; // ENOSYS
  }
  wasi.clock_time_get = (id, precision, at) => {
    new DataView(env.memory.buffer).setBigUint64(at, BigInt(Math.round(performance.now() * 1e6)),
      true);
    return 0;
  };
  return { env, wasi_snapshot_preview1: wasi };
}

/** Runs pool member `worker` of an engine on `memory`, until it is told to leave by the words whose
 *  address ready() is given (src/base/pool.h). */
export function joinPool(module, memory, worker, ready) {
  const { member, pool_words: words, lost } = new WebAssembly.Instance(module, imports(module, memory))
    .exports;
  ready?.(words());
  try {
    member(worker);
  } catch (error) {
    lost(); // the engine is not to wait for it
    throw error;
  }
}

const times = (count, each) => Array.from({ length: count }, (_, i) => each(i));

const bytesOf = (data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

export class Core {
  static maps; // maps.js sets it
  #e;
  #bytes = new Uint8Array(0);
  #view;
  #args;
  #held = [];
  #viewed = [];
  #running = false;
  #over = new AshoreError('ERR_STATE', 'the model is closed');

  /** Bytes of values that were copied into the engine and out of it. */
  traffic = { messages: 0, bytesIn: 0, bytesOut: 0 };

  /** module: a compiled WebAssembly.Module; memory: of sharedMemory(), for a shared one. */
  constructor(module, memory) {
    const object = imports(module, memory);
    this.#e = new WebAssembly.Instance(module, object).exports;
    this.memory = object.env.memory = memory ?? this.#e.memory;
    this.#e._initialize?.();
    const found = this.text(this.#e.version());
    if (found !== version) {
      throw new AshoreError('ERR_STATE', `the module is of version ${found}, its JavaScript of ${
        version}`);
    }
    this.inputs = [];
    this.outputs = [];
  }

  // ---- memory: its buffer is another one after every growth -------------------------------------

  #fresh() {
    if (this.#bytes.buffer !== this.memory.buffer) {
      this.#bytes = new Uint8Array(this.memory.buffer);
      this.#view = new DataView(this.memory.buffer);
    }
    return this.#view;
  }

  #u32(at) { return this.#fresh().getUint32(at, true); }

  #words(at, count) { return times(count, (i) => this.#u32(at + 4 * i)); }

  #putWords(at, words) {
    const view = this.#fresh();
    words.forEach((word, i) => view.setUint32(at + 4 * i, word, true));
  }

  #u64(at) { return Number(this.#fresh().getBigUint64(at, true)); }

  /** Bytes of the engine's memory, copied. */
  read(at, size) {
    this.#fresh();
    return this.#bytes.slice(at, at + size);
  }

  #decode(at, length) { return decoder.decode(this.read(at, length)); } // none from shared memory

  /** The text at an address, up to a zero. */
  text(at) {
    if (!at) return '';
    this.#fresh();
    return this.#decode(at, this.#bytes.indexOf(0, at) - at);
  }

  #error() {
    const at = this.#e.error();
    const code = this.#fresh().getInt32(at, true);
    const text = this.text(at + 148);
    const advice = code === -1 ? `The engine has ${this.memory.buffer.byteLength
      } bytes, and the host refuses more` : undefined;
    return new AshoreError(code, text, { node: this.text(at + 4), op: this.text(at + 100),
      input: / input '(.+?)'/.exec(text)?.[1] ?? '', advice });
  }

  // The engine answers every input with a status.  What it throws instead, a trap, ends it.
  #call(name, ...args) {
    if (!this.#e) throw this.#over;
    if (!this.#e[name]) throw new AshoreError('ERR_UNSUPPORTED', `a trimmed engine has no ${name}`);
    try {
      return this.#e[name](...args);
    } catch (error) {
      const trimmed = !this.#e.parse;
      this.#e = undefined;
      this.#over = new AshoreError(trimmed ? 'ERR_UNSUPPORTED' : 'ERR_INTERNAL',
        `the engine stopped in ${name}: ${error.message}`, { cause: error });
      throw this.#over;
    }
  }

  #status(name, ...args) {
    const status = this.#call(name, ...args);
    if (status < 0) throw this.#error();
    return status;
  }

  #handle(name, ...args) {
    const handle = this.#call(name, ...args);
    if (!handle) throw this.#error();
    return handle;
  }

  /** Memory of size bytes for the life of the engine: its address. */
  allocate(size) {
    const at = this.#call('reserve', Math.max(size, 1)) >>> 0;
    if (at) return at;
    throw new AshoreError('ERR_NOMEM', `the host has no ${size} bytes more for the model`);
  }

  /** Copies bytes into the engine's memory. */
  write(at, bytes) {
    this.#fresh();
    this.#bytes.set(bytes, at);
  }

  // ---- values ---------------------------------------------------------------------------------

  release(handle) { this.#e?.release(handle); }

  #releaseAll(handles) {
    for (const handle of handles.splice(0)) this.release(handle);
  }

  // A value that lives as long as the callback runs.
  #using(handle, use) {
    try {
      return use(handle);
    } finally {
      this.release(handle);
    }
  }

  /** Calls use(at) with `size` bytes of the engine's memory, which are given back afterwards. */
  lend(size, use) {
    return this.#using(this.#handle('buffer', Math.max(size, 1)), (block) =>
      use(this.#call('data', block)));
  }

  #putStrings({ data, dims }) {
    const texts = data.map((text) => encoder.encode(text));
    const total = texts.reduce((sum, text) => sum + text.length, 0);
    this.traffic.bytesIn += total;
    const n = texts.length;
    return this.lend(8 * dims.length + 8 * n + total, (at) => {
      const view = this.#putShape(at, dims);
      const pointers = at + 8 * dims.length;
      let to = pointers + 8 * n;
      texts.forEach((text, i) => {
        view.setUint32(pointers + 4 * i, to, true);
        view.setUint32(pointers + 4 * (n + i), text.length, true);
        this.#bytes.set(text, to);
        to += text.length;
      });
      return this.#handle('strings', dims.length, at, pointers, pointers + 4 * n);
    });
  }

  #putShape(at, dims) {
    const view = this.#fresh();
    dims.forEach((d, i) => view.setBigInt64(at + 8 * i, BigInt(d), true));
    return view;
  }

  /** The handle of a tensor of zeros. */
  cleared(type, dims) {
    return this.lend(8 * dims.length, (at) => {
      this.#putShape(at, dims);
      return this.#handle('tensor', types.get(type).number, dims.length, at);
    });
  }

  // Checked anew: the fields of a tensor can be written.
  #putTensor(given) {
    if (!types.has(given?.type)) {
      throw new AshoreError('ERR_TYPE', 'a value is no Tensor, no array of values and not null');
    }
    const tensor = new Tensor(given.type, given.data, given.dims);
    const { type, data, dims } = tensor;
    if (type === 'string') return this.#putStrings(tensor);
    const handle = this.cleared(type, dims);
    if (data.length) {
      this.write(this.#call('data', handle), bytesOf(data));
      this.traffic.bytesIn += data.byteLength;
    }
    return handle;
  }

  #putList(kind, items, info) {
    const handles = [];
    try {
      for (const item of items) handles.push(this.#put(item, info));
      return this.lend(4 * handles.length, (at) => {
        this.#putWords(at, handles);
        return this.#handle(kind, at, handles.length);
      });
    } finally {
      this.#releaseAll(handles);
    }
  }

  /** The handle of a value for an input, which a failure names. */
  give(info, value) {
    try {
      return this.#put(value, info, info.kind);
    } catch (error) {
      if (this.#e) error.input ||= info.name;
      throw error;
    }
  }

  // info, kind: what the model declares.  An optional is given as its element, or as null.
  #put(value, info, kind) {
    if (value === null) return this.#handle('optional', 0);
    const parts = value instanceof Map && Core.maps?.partsOf(value, info);
    const handle = Array.isArray(value) ? this.#putList('sequence', value, info)
      : parts ? this.#putList('map', parts) : this.#putTensor(value);
    if (kind !== 'optional') return handle;
    return this.#using(handle, () => this.#handle('optional', handle));
  }

  #get(handle, views, into, output) {
    const [kind, number, rank, shape, at, bytes, elements, count] = this.lend(32, (to) => {
      this.#call('describe', handle, to);
      return this.#words(to, 8);
    });
    if (kind !== 0) {
      const items = times(count, (i) => this.#get(this.#call('item', handle, i), views));
      if (kind > 2) return Core.maps.mapOf(items);
      return kind === 2 ? items[0] ?? null : items;
    }
    const dims = times(rank, (i) => this.#u64(shape + 8 * i));
    const row = typeOf[number];
    if (row.array === Array) return new Tensor(row.name, this.#strings(handle, elements), dims);
    this.#fresh();
    const from = bytes ? at : 0;
    if (!views) this.traffic.bytesOut += bytes;
    if (into) {
      expectFit(into, { name: output, type: row.name, dims });
      bytesOf(into.data).set(this.#bytes.subarray(from, from + bytes));
      return into;
    }
    const data = views
      ? new row.array(this.memory.buffer, from, bytes / row.array.BYTES_PER_ELEMENT)
      // slice() would fill it with zeros first
      : new row.array(new Uint8Array(this.#bytes.subarray(from, from + bytes)).buffer);
    return new Tensor(row.name, data, dims);
  }

  #strings(handle, count) {
    return this.lend(4, (length) => times(count, (i) => {
      const at = this.#call('string', handle, i, length);
      this.traffic.bytesOut += this.#u32(length);
      return this.#decode(at, this.#u32(length));
    }));
  }

  // ---- for other modules of the package -----------------------------------------------------------

  /** Calls use(handle) with a tensor of the engine's own, which is given back afterwards. */
  lendTensor(tensor, use) { return this.#using(this.#putTensor(tensor), use); }

  /** Calls an export that returns a status, or a number from 0 on. */
  ask(name, ...args) { return this.#status(name, ...args); }

  /** The value that an export makes. */
  make(name, ...args) { return this.take(this.#handle(name, ...args)); }

  /** The value behind a handle, which is released. */
  take(handle) { return this.#using(handle, () => this.#get(handle)); }

  // ---- model and session ------------------------------------------------------------------------

  #cstring(text) {
    const bytes = encoder.encode(`${text}\0`);
    const at = this.allocate(bytes.length);
    this.write(at, bytes);
    return at;
  }

  #infos(which) {
    const infos = [];
    for (let at; (at = this.#call(which, infos.length));) {
      const [name, kind, dtype, rank, shape, text] = this.#words(at, 6);
      const dims = (rank | 0) < 0 ? null : times(rank, (i) => {
        const extent = this.#fresh().getBigInt64(shape + 16 * i, true);
        return extent < 0n ? this.text(this.#u32(shape + 16 * i + 8)) : Number(extent);
      });
      infos.push({ name: this.text(name), kind: kinds[kind], type: typeOf[dtype]?.name ?? 'unknown',
        dims, text: this.text(text), at: name });
    }
    return infos;
  }

  /** Data that the model keeps in another file: before load(). */
  external(location, at, size) { this.#status('external', this.#cstring(location), at, size); }

  /** Loads the model whose bytes lie at `at`, where they stay, and makes its session. */
  load(at, size, { name, optimize = true, threads = 1, profile, memoryLimit = 0, dry } = {}) {
    const title = name ? this.#cstring(name) : 0;
    this.#status('load', at, size, title, optimize, dry);
    this.inputs = this.#infos('input');
    this.outputs = this.#infos('output');
    this.#status('session', threads, profile, memoryLimit,
      globalThis.navigator?.hardwareConcurrency);
    this.#args = this.allocate(8 * this.inputs.length + 64);
    this.threads = this.#call('threads');
  }

  // ---- runs -----------------------------------------------------------------------------------

  /** What the model declares of an input. */
  input(name) {
    return this.inputs.find((input) => input.name === name) ?? missing(name, this.inputs, 'input');
  }

  /** Begins a run.  Advance it until that returns true, take its results, and finish it.  state:
   *  handles of values for more inputs; word: the address of one that ends the run from another
   *  thread, in a shared engine. */
  start(feeds, state = {}, word = 0) {
    if (this.#running) throw new AshoreError('ERR_STATE', 'a run is under way');
    this.#releaseAll(this.#viewed);
    try {
      const names = [];
      for (const [name, value] of Object.entries(feedsOf(feeds))) {
        if (value === undefined) continue;
        const info = this.input(name);
        if (name in state) {
          throw new AshoreError('ERR_NAME', `input '${name}' is state, which the stream keeps`,
            { input: name });
        }
        this.#held.push(this.give(info, value));
        names.push(info.at);
      }
      for (const name in state) names.push(this.input(name).at);
      const values = this.#args + 4 * this.inputs.length;
      this.#putWords(this.#args, names);
      this.#putWords(values, [...this.#held, ...Object.values(state)]);
      this.#status('run', names.length, this.#args, values);
      this.#running = true;
      if (word) this.#call('watch', word);
    } finally {
      this.#releaseAll(this.#held); // the run has retained them
    }
  }

  /** Runs to the end, or until performance.now() passes `until`.  True: done. */
  advance(until = Infinity) {
    const steps = until === Infinity ? 0 : 4;
    while (this.#status('advance', steps) !== 0) {
      if (performance.now() >= until) return false;
    }
    return true;
  }

  /** Outputs by name, all or those named.  Views stay valid until the next run.  into: tensors to
   *  write to, by name. */
  results(names, views = false, into = {}) {
    const results = {};
    for (const name of names ?? this.outputs.map((output) => output.name)) {
      const handle = this.keep(name);
      if (views) this.#viewed.push(handle);
      const get = () => this.#get(handle, views, into[name], name);
      results[name] = views ? get() : this.#using(handle, get);
    }
    return results;
  }

  finish() {
    if (this.#running) this.#e?.finish();
    this.#running = false;
  }

  run(feeds, { outputs, views, into } = {}) {
    this.start(feeds);
    try {
      this.advance();
      return this.results(outputs, views, into);
    } finally {
      this.finish();
    }
  }

  // ---- values that stay in the engine ----------------------------------------------------------

  /** The handle of an output of the run that is done, for a later run's state. */
  keep(name) {
    const i = this.outputs.findIndex((output) => output.name === name);
    return this.#handle('result', i < 0 ? missing(name, this.outputs, 'output') : i);
  }

  /** The value behind a handle, which stays: a copy, or a view. */
  peek(handle, views) { return this.#get(handle, views); }

  /** Whether the bytes of a model that was refused are as they were. */
  get intact() { return this.#e.intact() !== 0; }

  /** Pool members that have checked in. */
  get members() { return this.#e.members?.() ?? 0; }

  close() {
    this.#e = this.#view = undefined;
    this.#bytes = new Uint8Array(0);
    this.memory = { buffer: new ArrayBuffer(0) };
  }
}
