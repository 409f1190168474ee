// Engines for sessions that are made synchronously: their module is compiled ahead, and the threads of
// the next one have started before it is asked for, since a worker starts when this one returns to its
// event loop.
import {
  AshoreError, choose, compile, Core, loseThreads, moduleURL, parts, refuse, workerOpener,
} from './ashore.js';
import './maps.js';

const patience = 10000; // ms for a thread to start, or to join

// A worker that answers has started: what it is asked, it does not know.
function openSpare(open, index) {
  let worker;
  const spare = { failed: '', stop: () => worker?.stop() };
  spare.started = new Promise((resolve) => {
    const settle = (failed = '') => {
      clearTimeout(timer);
      spare.failed ||= failed;
      if (failed) worker?.stop();
      else worker.ref(false);
      resolve();
    };
    const timer = setTimeout(settle, patience, 'a worker did not start in time');
    try {
      worker = open(index);
      worker.ref(true);
      worker.listen(() => settle(), (error) => settle(error.message));
      worker.post({ id: 0 });
    } catch (error) {
      settle(error.message);
    }
  });
  spare.join = (module, memory) => worker.post({ role: 'member', module, memory, worker: index });
  return spare;
}

// Threads of the next engines, one set each.
class Spares {
  #sets = [];

  constructor(open, count, sessions) {
    this.open = open;
    this.count = count;
    for (let i = 0; i < sessions; i++) this.#add();
  }

  #add() {
    const set = { isReady: false,
      members: Array.from({ length: this.count }, (_, i) => openSpare(this.open, i + 1)) };
    set.ready = Promise.all(set.members.map(({ started }) => started)).then(() => {
      set.isReady = true;
    });
    this.#sets.push(set);
  }

  /** Settled when those of all engines to come have started. */
  get ready() { return Promise.all(this.#sets.map(({ ready }) => ready)); }

  /** Those of a set that have started; another one begins to. */
  take() {
    if (!this.#sets[0]?.isReady) {
      return { members: [], why: 'the threads of this session have not started yet: they do while '
        + 'Python awaits something, as `await ashore.ready()`' };
    }
    const { members } = this.#sets.shift();
    this.#add();
    return { members: members.filter(({ failed }) => !failed),
      why: members.find(({ failed }) => failed)?.failed };
  }

  stop() {
    for (const { members } of this.#sets.splice(0)) for (const member of members) member.stop();
  }
}

// modules: a folder's address, or what knows the modules by name: bytes, Responses, WebAssembly.Modules
// or promises of them.
async function obtainModule(choice, modules) {
  if (!modules || typeof modules === 'string' || modules instanceof URL) {
    return compile(moduleURL(choice, modules));
  }
  const name = moduleURL(choice, 'file:///').pathname.slice(1);
  const found = await (typeof modules === 'function' ? modules(name) : modules[name]);
  if (found instanceof WebAssembly.Module) return found;
  if (!found) {
    throw new AshoreError('ERR_IO', `${name} is not among the modules that register() was given`,
      { advice: 'Give it, or another variant' });
  }
  return WebAssembly.compile(typeof found.arrayBuffer === 'function' ? await found.arrayBuffer()
    : found);
}

const word = globalThis.SharedArrayBuffer && new Int32Array(new SharedArrayBuffer(4));

export class Engines {
  #modules = new Map();

  constructor({ full = true, sessions = 1, modules, worker, ...options }) {
    Object.assign(this, { full, sessions, modules, worker, options });
  }

  /** Compiles the module, and starts threads. */
  async prepare() {
    this.choice = choose({ ...this.options, full: this.full });
    if (this.choice.shared) {
      try {
        this.threads = await parts.threads();
        this.spares = new Spares(await workerOpener(this.worker), this.choice.threads - 1,
          this.sessions);
      } catch (error) {
        this.choice.shared = false;
        loseThreads(this.choice, 1, error.message);
        refuse(this.choice, this.options.strict);
      }
    }
    [this.figures] = await Promise.all([parts.figures(), this.compile(this.full), this.spares?.ready]);
  }

  async compile(full) {
    if (this.#modules.has(full)) return;
    const module = await obtainModule({ ...this.choice, full }, this.modules)
      .catch(async (error) => { throw (await parts.failures()).advise(error); });
    this.#modules.set(full, module);
  }

  /** Whether the module with every operator is there. */
  get isFull() { return this.#modules.has(true); }

  /** An engine, at once.  threads: as many as registered, or 1. */
  make({ full = this.isFull, threads, strict = this.options.strict, memoryLimit } = {}) {
    const choice = { ...this.choice, full, missing: [...this.choice.missing] };
    const alone = threads === 1;
    const isLack = ({ feature }) => feature === 'threads';
    if (alone) {
      choice.threads = 1;
      choice.missing = choice.missing.filter((each) => !isLack(each));
    } else if (threads > choice.threads && !choice.missing.some(isLack)) {
      choice.missing.push({ feature: 'threads', why: `register() was told of ${choice.threads}`,
        cost: `work runs on ${choice.threads} threads instead of ${threads}` });
    }
    const { shared } = choice; // which the module is
    const module = this.#modules.get(full);
    const memory = shared ? this.threads.memoryFor(choice, { memoryLimit, strict }) : undefined;
    if (shared && !memory) {
      throw new AshoreError('ERR_NOMEM', choice.missing.at(-1).why, { advice:
        'Close other sessions, or call register() with threads: 1' });
    }
    const core = new Core(module, memory);
    if (!shared || alone) return { core, choice, members: [] };
    const { members, why } = this.spares.take();
    for (const member of members) member.join(module, core.memory);
    const end = performance.now() + patience;
    while (core.members < members.length && performance.now() < end) Atomics.wait(word, 0, 0, 1);
    if (core.members + 1 < choice.threads) {
      loseThreads(choice, core.members + 1, why ?? 'a worker did not join in time');
      try {
        refuse(choice, strict);
      } catch (error) {
        for (const member of members) member.stop();
        throw error;
      }
    }
    return { core, choice, members };
  }

  close() { this.spares?.stop(); }
}
