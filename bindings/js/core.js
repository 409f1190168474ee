// The synchronous core: one instance of the engine with one model.  Knows nothing of workers, of
// the network or of promises.
import { AshoreError, Tensor, typeOf, types } from './tensor.js';

export const version = '0.1.0';
const kinds = ['tensor', 'sequence', 'optional', 'map'];
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The memory of a shared module, as large a maximum as the host will reserve. */
export function sharedMemory() {
  for (let maximum = 65536; ; maximum /= 2) {
    try {
      return new WebAssembly.Memory({ initial: 64, maximum, shared: true });
    } catch (error) {
      if (maximum <= 4096) throw error;
    }
  }
}

// The module imports WASI alone, and of it nothing that is needed to run a model but the clock.
function imports(module, memory) {
  const env = { memory };
  const wasi = {};
  const bound = { memory };
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    if (from !== 'env') wasi[name] = () => 52; // ENOSYS
  }
  wasi.clock_time_get = (id, precision, at) => {
    new DataView(bound.memory.buffer).setBigUint64(at, BigInt(Math.round(performance.now() * 1e6)),
      true);
    return 0;
  };
  return { bound, object: { env, wasi_snapshot_preview1: wasi } };
}

/** Runs pool member `worker` of an engine on `memory`.  Does not return. */
export function joinPool(module, memory, worker) {
  new WebAssembly.Instance(module, imports(module, memory).object).exports.member(worker);
}

export class Core {
  #e;
  #bytes = new Uint8Array(0);
  #view;
  #args;
  #held = [];
  #viewed = [];
  #running = false;

  /** module: a compiled WebAssembly.Module; memory: of sharedMemory(), for a shared one. */
  constructor(module, memory) {
    const { bound, object } = imports(module, memory);
    this.#e = new WebAssembly.Instance(module, object).exports;
    this.memory = bound.memory = memory ?? this.#e.memory;
    this.#e._initialize?.();
    const found = this.#text(this.#e.version());
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

  #u64(at) { return Number(this.#fresh().getBigUint64(at, true)); }

  #decode(at, length) {
    this.#fresh();
    return decoder.decode(this.#bytes.slice(at, at + length)); // no decoding from shared memory
  }

  #text(at) {
    if (!at) return '';
    this.#fresh();
    return this.#decode(at, this.#bytes.indexOf(0, at) - at);
  }

  #error() {
    const at = this.#e.error();
    const code = this.#fresh().getInt32(at, true);
    return new AshoreError(code, this.#text(at + 148), this.#text(at + 4), this.#text(at + 100));
  }

  // The engine answers every input with a status.  What it throws instead, a trap, ends it.
  #call(name, ...args) {
    if (!this.#e) throw new AshoreError('ERR_STATE', 'the model is closed');
    if (!this.#e[name]) throw new AshoreError('ERR_UNSUPPORTED', `a trimmed engine has no ${name}`);
    try {
      return this.#e[name](...args);
    } catch (error) {
      this.#e = undefined;
      const trap = new AshoreError('ERR_INTERNAL', `the engine stopped in ${name}: ${
        error.message}`);
      trap.cause = error;
      throw trap;
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
  allocate(size) { return this.#handle('data', this.#handle('buffer', Math.max(size, 1))); }

  /** Copies bytes into the engine's memory. */
  write(at, bytes) {
    this.#fresh();
    this.#bytes.set(bytes, at);
  }

  // ---- values ---------------------------------------------------------------------------------

  // A block that lives as long as the callback runs.
  #with(size, use) {
    const block = this.#handle('buffer', Math.max(size, 1));
    try {
      return use(this.#call('data', block));
    } finally {
      this.#e?.release(block);
    }
  }

  #putStrings({ data, dims }) {
    const texts = data.map((text) => encoder.encode(text));
    const total = texts.reduce((sum, text) => sum + text.length, 0);
    const n = texts.length;
    return this.#with(8 * dims.length + 8 * n + total, (at) => {
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

  #putTensor(tensor) {
    const row = types.get(tensor?.type);
    if (!row || !tensor.dims || !(tensor.data instanceof row.array)) {
      throw new AshoreError('ERR_TYPE', 'a value must be a Tensor, an array of values or null');
    }
    if (row.array === Array) return this.#putStrings(tensor);
    const handle = this.#with(8 * tensor.dims.length, (at) => {
      this.#putShape(at, tensor.dims);
      return this.#handle('tensor', row.number, tensor.dims.length, at);
    });
    const { data } = tensor;
    if (data.length) {
      const at = this.#call('data', handle);
      this.write(at, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    return handle;
  }

  #putList(items) {
    const handles = [];
    try {
      for (const item of items) handles.push(this.#put(item));
      return this.#with(4 * handles.length, (at) => {
        const view = this.#fresh();
        handles.forEach((handle, i) => view.setUint32(at + 4 * i, handle, true));
        return this.#handle('sequence', at, handles.length);
      });
    } finally {
      for (const handle of handles) this.#e?.release(handle);
    }
  }

  // kind: what the model declares.  An optional is given as its element, or as null.
  #put(value, kind) {
    if (value === null) return this.#handle('optional', 0);
    const handle = Array.isArray(value) ? this.#putList(value) : this.#putTensor(value);
    if (kind !== 'optional') return handle;
    try {
      return this.#handle('optional', handle);
    } finally {
      this.#e?.release(handle);
    }
  }

  #get(handle, views) {
    const d = this.#with(32, (at) => {
      this.#call('describe', handle, at);
      return Array.from({ length: 8 }, (_, i) => this.#u32(at + 4 * i));
    });
    const [kind, number, rank, shape, at, bytes, elements, count] = d;
    if (kind !== 0) {
      const items = Array.from({ length: count }, (_, i) =>
        this.#get(this.#call('item', handle, i), views));
      return kind === 2 ? items[0] ?? null : items;
    }
    const dims = Array.from({ length: rank }, (_, i) => this.#u64(shape + 8 * i));
    const row = typeOf[number];
    if (row.array === Array) return new Tensor(row.name, this.#strings(handle, elements), dims);
    this.#fresh();
    const from = bytes ? at : 0;
    const data = views
      ? new row.array(this.memory.buffer, from, bytes / row.array.BYTES_PER_ELEMENT)
      // slice() would fill it with zeros first
      : new row.array(new Uint8Array(this.#bytes.subarray(from, from + bytes)).buffer);
    return new Tensor(row.name, data, dims);
  }

  #strings(handle, count) {
    return this.#with(4, (length) => Array.from({ length: count }, (_, i) => {
      const at = this.#call('string', handle, i, length);
      return this.#decode(at, this.#u32(length));
    }));
  }

  /** The value in a serialised TensorProto, SequenceProto or OptionalProto. */
  parse(bytes, kind = 'tensor') {
    return this.#with(bytes.length, (at) => {
      this.write(at, bytes);
      return this.make('parse', kinds.indexOf(kind), at, bytes.length);
    });
  }

  // ---- for other modules of the package -----------------------------------------------------------

  /** Calls use(at) with `size` bytes of the engine's memory, which are given back afterwards. */
  lend(size, use) { return this.#with(size, use); }

  /** Calls an export that returns a status, or a number from 0 on. */
  ask(name, ...args) { return this.#status(name, ...args); }

  /** The value that an export makes. */
  make(name, ...args) { return this.take(this.#handle(name, ...args)); }

  /** The value behind a handle, which is released. */
  take(handle) {
    try {
      return this.#get(handle);
    } finally {
      this.#e?.release(handle);
    }
  }

  /** Bytes of the engine's memory, copied. */
  read(at, size) {
    this.#fresh();
    return this.#bytes.slice(at, at + size);
  }

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
      const [name, kind, dtype, rank, shape, text] =
        Array.from({ length: 6 }, (_, i) => this.#u32(at + 4 * i));
      const dims = (rank | 0) < 0 ? null : Array.from({ length: rank }, (_, i) => {
        const extent = this.#fresh().getBigInt64(shape + 16 * i, true);
        return extent < 0n ? this.#text(this.#u32(shape + 16 * i + 8)) : Number(extent);
      });
      infos.push({ name: this.#text(name), kind: kinds[kind], type: typeOf[dtype]?.name ?? 'unknown',
        dims, text: this.#text(text), at: name });
    }
    return infos;
  }

  /** Data that the model keeps in another file: before load(). */
  external(location, at, size) { this.#status('external', this.#cstring(location), at, size); }

  /** Loads the model whose bytes lie at `at`, where they stay, and makes its session. */
  load(at, size, { name, optimize = true, threads = 1, profile = false, memoryLimit = 0 } = {}) {
    const title = name ? this.#cstring(name) : 0;
    this.#status('load', at, size, title, optimize ? 1 : 0);
    this.inputs = this.#infos('input');
    this.outputs = this.#infos('output');
    this.#status('session', threads, profile ? 1 : 0, memoryLimit,
      globalThis.navigator?.hardwareConcurrency);
    this.#args = this.allocate(8 * this.inputs.length + 64);
    this.threads = this.#call('threads');
  }

  // ---- runs -----------------------------------------------------------------------------------

  #input(name) {
    const info = this.inputs.find((input) => input.name === name);
    if (info) return info;
    throw new AshoreError('ERR_NAME', `the model has no input '${name}': it has ${
      this.inputs.map((input) => `'${input.name}'`).join(', ')}`);
  }

  /** Begins a run.  Advance it until that returns true, take its results, and finish it. */
  start(feeds) {
    if (this.#running) throw new AshoreError('ERR_STATE', 'a run is under way');
    this.#releaseAll(this.#viewed);
    const given = Object.entries(feeds).filter(([, value]) => value !== undefined);
    try {
      const names = given.map(([name, value]) => {
        const info = this.#input(name);
        this.#held.push(this.#put(value, info.kind));
        return info.at;
      });
      const view = this.#fresh();
      const values = this.#args + 4 * this.inputs.length;
      names.forEach((at, i) => {
        view.setUint32(this.#args + 4 * i, at, true);
        view.setUint32(values + 4 * i, this.#held[i], true);
      });
      this.#status('run', names.length, this.#args, values);
      this.#running = true;
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

  /** Outputs by name, all or those named.  Views stay valid until the next run. */
  results(names, views = false) {
    const results = {};
    for (const name of names ?? this.outputs.map((output) => output.name)) {
      const i = this.outputs.findIndex((output) => output.name === name);
      if (i < 0) throw new AshoreError('ERR_NAME', `the model has no output '${name}'`);
      const handle = this.#handle('result', i);
      if (views) this.#viewed.push(handle);
      try {
        results[name] = this.#get(handle, views);
      } finally {
        if (!views) this.#e?.release(handle);
      }
    }
    return results;
  }

  finish() {
    if (this.#running) this.#e?.finish();
    this.#running = false;
  }

  run(feeds, { outputs, views } = {}) {
    this.start(feeds);
    try {
      this.advance();
      return this.results(outputs, views);
    } finally {
      this.finish();
    }
  }

  #releaseAll(handles) {
    for (const handle of handles.splice(0)) this.#e?.release(handle);
  }

  // ---- figures --------------------------------------------------------------------------------

  #memory(now, shapes) {
    return this.#with(40, (at) => {
      this.#status('usage', now, shapes, at);
      const [weights, packed, slab, total] = [0, 8, 16, 24].map((i) => this.#u64(at + i));
      return { weights, packed, slab, total, exact: this.#u32(at + 32) !== 0 };
    });
  }

  /** Bytes held now, total the peak so far; wasm: what the instance has taken from the host. */
  figures() { return { ...this.#memory(1, 0), wasm: this.memory.buffer.byteLength }; }

  /** Bytes a run with inputs of these extents will need. */
  predict(dims) {
    const list = this.inputs.map(({ name, dims: own }) => dims[name] ?? own);
    const total = list.reduce((sum, d) => sum + d.length, 0);
    return this.#with(4 * list.length + 8 * total + 8, (at) => {
      let to = at + 8 * Math.ceil(list.length / 2);
      list.forEach((d, i) => {
        if (!d.every(Number.isInteger)) {
          throw new AshoreError('ERR_SHAPE', `the extents of '${this.inputs[i].name}' must be given`);
        }
        this.#putShape(to, d).setUint32(at + 4 * i, to, true);
        to += 8 * d.length;
      });
      return this.#memory(0, at);
    });
  }

  /** Time by step, of a model loaded with profile. */
  profile() {
    return this.#with(32, (at) => Array.from({ length: this.#call('steps') }, (_, i) => {
      this.#status('step', i, at);
      const [node, op, kernel, shape] = [0, 4, 8, 12].map((o) => this.#text(this.#u32(at + o)));
      return { node, op, kernel, shape, seconds: this.#fresh().getFloat64(at + 16, true),
        runs: this.#u64(at + 24) };
    }));
  }

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
