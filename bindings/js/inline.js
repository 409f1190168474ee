// The inline shell: the engine on the thread that calls it.  For Node, workers, service workers and
// Pyodide in the same worker.
import { Core, sharedMemory, version } from './core.js';
import { choose, compile, loseThreads, moduleURL, obtain, openWorker, refuse } from './host.js';

const slice = 16; // ms between looks at an AbortSignal
const patience = 10000; // ms for a pool member to start

const pause = (ms = 0) => new Promise((resolve) => { setTimeout(resolve, ms); });

// Yields to messages without the 4 ms that nested timers are held up for.
const breathe = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    resolve();
  };
  port2.postMessage(0);
});

// A thread of the engine's pool.  started: it is about to join, or has failed.
function openMember(index) {
  const member = { failed: '', join() {} };
  member.started = new Promise((resolve) => {
    let worker;
    const settle = (failed = '') => {
      clearTimeout(timer);
      member.failed ||= failed;
      if (failed) worker?.stop();
      resolve();
    };
    const timer = setTimeout(settle, patience, 'a worker did not start in time');
    member.stop = () => settle('stopped');
    try {
      worker = openWorker(`member ${index}`);
      member.join = (module, memory) => worker.post({ role: 'member', module, memory,
        worker: index });
      worker.ref(true);
      worker.listen(() => {
        worker.ref(false);
        settle();
      }, (error) => settle(error.message));
    } catch (error) {
      settle(error.message);
    }
  });
  return member;
}

const stopAll = (members) => {
  for (const member of members.splice(0)) member.stop();
};

// Waits until all members have joined that will.
async function joinAll({ choice, core, members }, strict) {
  await Promise.all(members.map(({ started }) => started));
  const end = performance.now() + patience;
  while (core.members < members.filter(({ failed }) => !failed).length
    && performance.now() < end) await pause(1);
  if (core.members + 1 >= choice.threads) return;
  const why = members.find(({ failed }) => failed)?.failed ?? 'a worker did not join in time';
  loseThreads(choice, core.members + 1, why);
  refuse(choice, strict);
}

function memoryFor(choice, strict) {
  if (!choice.shared) return undefined;
  try {
    return sharedMemory();
  } catch (error) {
    choice.shared = false;
    loseThreads(choice, 1, `no shared memory: ${error.message}`);
    refuse(choice, strict);
    return undefined;
  }
}

// Threads start while the module is compiled, and join while the model is downloaded.
async function makeEngine(options, signal) {
  const choice = choose(options);
  const { shared } = choice;
  const memory = memoryFor(choice, options.strict);
  const compiled = async () => {
    if (options.module && choice.shared === shared) return options.module;
    const url = moduleURL(choice, options.modules);
    const sent = await options.compiled; // by the page of this worker
    return sent?.url === url.href ? sent.module : compile(url, signal);
  };
  const members = [];
  try {
    for (let i = 1; i < choice.threads; i++) members.push(openMember(i));
    const module = await compiled();
    const core = new Core(module, memory);
    for (const member of members) member.join(module, memory);
    return { choice, core, members };
  } catch (error) {
    stopAll(members);
    throw error;
  }
}

function dispose({ core, members }) {
  stopAll(members);
  core.close();
}

// The engine with every operator, for a model that needs one which the first lacks.  Files, [address,
// size, location] each, move from memory to memory.  Where it is not to be had, what the first says
// stands.
async function enlarge(first, files, options, lack) {
  stopAll(first.members);
  let engine;
  try {
    engine = await makeEngine({ ...options, full: true }, options.signal);
    for (const file of files) {
      const at = engine.core.allocate(file[1]);
      engine.core.write(at, new Uint8Array(first.core.memory.buffer, file[0], file[1]));
      file[0] = at;
    }
  } catch (error) {
    if (engine) dispose(engine);
    options.signal?.throwIfAborted();
    lack.cause = error;
    throw lack;
  }
  dispose(first);
  return engine;
}

const placeIn = (core) => ({
  allocate: (size) => core.allocate(size),
  write: (at, bytes) => core.write(at, bytes),
  bytes: (at, size) => new Uint8Array(core.memory.buffer, at, size),
  read: (at, size) => new Uint8Array(core.memory.buffer).slice(at, at + size),
});

const describe = ({ at, ...info }) => info;

class Model {
  #core;
  #members;
  #tail = Promise.resolve();

  constructor(core, members, report) {
    this.#core = core;
    this.#members = members;
    this.report = report;
    this.inputs = core.inputs.map(describe);
    this.outputs = core.outputs.map(describe);
  }

  /** Runs at once; not while an asynchronous run is under way. */
  runSync(feeds, options) { return this.#core.run(feeds, options); }

  /** Runs one after the other.  Without a signal a run is one synchronous piece. */
  run(feeds, options = {}) {
    const result = this.#tail.then(() => this.#run(feeds, options));
    this.#tail = result.catch(() => {});
    return result;
  }

  async #run(feeds, { outputs, views, signal }) {
    signal?.throwIfAborted();
    const core = this.#core;
    if (!signal) return core.run(feeds, { outputs, views });
    core.start(feeds);
    try {
      while (!core.advance(performance.now() + slice)) {
        await breathe();
        signal.throwIfAborted();
      }
      return core.results(outputs, views);
    } finally {
      core.finish();
    }
  }

  async memory() { return this.#core.figures(); }

  async predict(dims = {}) { return this.#core.predict(dims); }

  async profile() { return this.#core.profile(); }

  /** Gives the instance back, with its memory and its threads. */
  close() {
    stopAll(this.#members);
    this.#core.close();
  }
}

/** Loads a model from a URL, path, Blob or buffer on this thread. */
export async function load(source, options = {}) {
  const { signal, onProgress, external = {} } = options;
  const say = (phase, loaded = 0, total = 0) => onProgress?.({ phase, loaded, total });
  signal?.throwIfAborted();
  const begin = performance.now();
  const model = obtain(source, signal);
  const others = Object.entries(external).map(([location, from]) => [location,
    obtain(from, signal)]);
  say('engine');
  let engine = await makeEngine(options, signal);
  try {
    const made = performance.now();
    const place = placeIn(engine.core);
    const files = [];
    for (const [location, bring] of [...others, ['', model]]) {
      const { at, size } = await bring(place, (n, of) => say('download', n, of));
      files.push([at, size, location]);
    }
    const there = performance.now();
    const [, size] = files.at(-1);
    const name = options.name ?? (typeof source === 'string' || source instanceof URL
      ? String(source).split(/[?#]/)[0].split('/').pop() : undefined);
    const prepare = async () => {
      say('prepare', size, size);
      if (signal || onProgress) await breathe(); // lets the message out and an abort in
      signal?.throwIfAborted();
      await joinAll(engine, options.strict);
      for (const [at, bytes, location] of files.slice(0, -1)) {
        engine.core.external(location, at, bytes);
      }
      engine.core.load(files.at(-1)[0], size, { ...options, name, threads: engine.choice.threads });
    };
    let extra = 0;
    try {
      await prepare();
    } catch (error) {
      if (error.code !== 'ERR_UNSUPPORTED' || options.module || options.full
        || !engine.core.intact) throw error;
      say('engine');
      const then = performance.now();
      engine = await enlarge(engine, files, options, error);
      extra = performance.now() - then;
      await prepare();
    }
    const end = performance.now();
    say('ready', size, size);
    const { choice, core, members } = engine;
    return new Model(core, members, {
      version, shell: options.role ?? 'inline', module: moduleURL(choice).pathname.split('/').pop(),
      variant: choice.variant, shared: choice.shared, threads: core.threads,
      missing: choice.missing, model: { name: name ?? 'model', bytes: size },
      ms: { engine: made - begin + extra, download: there - made, prepare: end - there - extra,
        total: end - begin },
    });
  } catch (error) {
    dispose(engine);
    throw error;
  }
}
