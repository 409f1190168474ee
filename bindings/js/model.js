// A model on the thread that calls it.
import { stopAll } from './engine.js';
import { breathe } from './host.js';
import { part } from './parts.js';
import { expectFits, runOptions } from './tensor.js';

export const describe = ({ at, ...info }) => info;

// Runs of one engine, one after the other.  state: what a stream keeps.
class Lane {
  #tail = Promise.resolve();
  #until = 0; // when others are let in

  constructor(core, members) {
    this.core = core;
    this.members = members;
  }

  queue(work) {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => {});
    return result;
  }

  // An engine that has stopped gives its threads back, too.
  #failed(error) {
    if (error.code === 'ERR_INTERNAL') stopAll(this.members);
    return error;
  }

  // word: of the engine's memory, in the place of a signal, which its thread would not hear.
  #begin(feeds, { into, word }, state) {
    expectFits(this.core.outputs, into);
    this.core.start(feeds, state?.handles, word);
  }

  #end({ outputs, views, into }, state) {
    const results = this.core.results(outputs ?? state?.outputs, views, into);
    state?.take();
    return results;
  }

  runSync(feeds, options = {}, state) {
    try {
      this.#begin(feeds, options, state);
      this.core.advance();
      return this.#end(options, state);
    } catch (error) {
      throw this.#failed(error);
    } finally {
      this.core.finish();
    }
  }

  async #breathe(signal) {
    const slice = 16; // ms between looks at an AbortSignal
    await breathe();
    signal.throwIfAborted();
    this.#until = performance.now() + slice;
  }

  // With a signal in slices.  remote: an abort is a message, and may be on its way.
  async run(feeds, options = {}, state) {
    const { signal, remote } = options;
    if (!signal) return this.runSync(feeds, options, state);
    signal.throwIfAborted();
    if (remote || performance.now() > this.#until) await this.#breathe(signal);
    try {
      this.#begin(feeds, options, state);
      while (!this.core.advance(this.#until)) await this.#breathe(signal);
      return this.#end(options, state);
    } catch (error) {
      throw this.#failed(error);
    } finally {
      this.core.finish();
    }
  }
}

// As a member of a record the class keeps its name; as the result of a call without effects, bundlers
// leave it out where it is not used.
export const Model = /* @__PURE__ */ (() => {
  const { Model: made } = { Model: class {
    #lane;

    constructor(core, members, report) {
      this.#lane = new Lane(core, members);
      this.report = Object.assign(report, { traffic: core.traffic });
      this.inputs = core.inputs.map(describe);
      this.outputs = core.outputs.map(describe);
    }

    /** Runs at once; not while an asynchronous run is under way. */
    runSync(feeds, options) { return this.#lane.runSync(feeds, runOptions(options, ' into views')); }

    /** Runs one after the other.  Without a signal a run is one synchronous piece. */
    run(feeds, options) {
      return this.#lane.queue(() => this.#lane.run(feeds, runOptions(options, ' into views')));
    }

    runAll(list, options) {
      return this.#lane.queue(async () => (await part('streams')).runAll(this.#lane, list,
        runOptions(options)));
    }

    async stream(options) { return new (await part('streams')).Stream(this.#lane, options); }

    /** Words of a shared engine's memory by which other threads end runs. */
    words() {
      const { core } = this.#lane;
      const count = 64;
      const at = core.allocate(4 * count);
      return new Int32Array(core.memory.buffer, at, count).fill(0);
    }

    async memory() { return (await part('figures')).figures(this.#lane.core); }

    async predict(dims = {}) { return (await part('figures')).predict(this.#lane.core, dims); }

    async profile() { return (await part('figures')).profile(this.#lane.core); }

    /** Gives the instance back, with its memory and its threads. */
    close() {
      stopAll(this.#lane.members);
      this.#lane.core.close();
    }
  } };
  return made;
})();
