// Engines for sessions that are made synchronously: their module is compiled ahead.
import {
  AshoreError, choose, compile, Core, loseThreads, moduleURL, parts, refuse,
} from './ashore.js';
import { openThreads, patience } from './pyodide_threads.js';
import './maps.js';

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

  constructor({ full = true, sessions = 1, modules, worker, threadsFrom: from, ...options }) {
    Object.assign(this, { full, sessions, modules, lending: { from, worker }, options });
  }

  /** Compiles the module, and starts threads. */
  async prepare() {
    this.choice = choose({ ...this.options, full: this.full });
    if (this.choice.shared) {
      try {
        this.memories = await parts.threads();
        this.threads = await openThreads(this.lending, this.choice.threads - 1, this.sessions);
      } catch (error) {
        this.choice.shared = false;
        loseThreads(this.choice, 1, error.message);
        refuse(this.choice, this.options.strict);
      }
    }
    [this.figures] = await Promise.all([parts.figures(), this.compile(this.full), this.threads?.ready]);
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
    const memory = shared ? this.memories.memoryFor(choice, { memoryLimit, strict }) : undefined;
    if (shared && !memory) {
      throw new AshoreError('ERR_NOMEM', choice.missing.at(-1).why, { advice:
        'Close other sessions, or call register() with threads: 1' });
    }
    const core = new Core(module, memory);
    const pool = shared && !alone ? this.threads.join(module, core.memory) : undefined;
    if (!pool) return { core, choice };
    const end = performance.now() + patience;
    while (core.members < pool.expected && performance.now() < end) Atomics.wait(word, 0, 0, 1);
    if (core.members + 1 < choice.threads) {
      loseThreads(choice, core.members + 1, pool.why ?? 'a worker did not join in time');
      try {
        refuse(choice, strict);
      } catch (error) {
        pool.stop();
        throw error;
      }
    }
    return { core, choice, pool };
  }

  close() { this.threads?.close(); }
}
