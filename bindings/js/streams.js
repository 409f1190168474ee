// Runs that belong together: streams, which keep state in the engine from run to run, and batches.
// ashore.js loads this file when it is asked for either; where that is not possible, as in a service
// worker, `import 'ashore/streams'` does it ahead.
import {
  AshoreError, advised, describe, expectOptions, listOf, parts, Runner, runOptions,
} from './ashore.js';

/** One run after the other; the first failure ends them. */
async function runAll(lane, list, options, state) {
  const all = listOf(list);
  const results = [];
  for (const feeds of all) {
    try {
      results.push(await lane.run(feeds, options, state));
    } catch (error) {
      if (error.name !== 'AshoreError') throw error;
      const index = results.length;
      error.message = `run ${index} of ${all.length}: ${error.message}`;
      throw Object.assign(error, { index, results });
    }
  }
  return results;
}

/** The handle of a value for an input: of this one, or of zeros. */
function hold(core, name, value) {
  const info = core.input(name);
  if (value !== undefined) return core.give(info, value);
  if (info.kind === 'tensor' && info.dims?.every(Number.isInteger)) {
    return core.cleared(info.type, info.dims);
  }
  throw new AshoreError('ERR_SHAPE', `the extents of '${name}' (${info.text}) are not known`,
    { input: name, advice: `Give its first value: initial: { '${name}': tensor }` });
}

// Both ends of each pair must be there, once, and of one type.
function checkPairs(core, state) {
  const inputs = Object.values(state);
  for (const [output, input] of Object.entries(state)) {
    const from = core.outputs.find(({ name }) => name === output);
    const to = core.inputs.find(({ name }) => name === input);
    if (!from || !to || new Set(inputs).size < inputs.length) {
      const pairs = [core.outputs, core.inputs].map((list) =>
        list.map(({ name }) => `'${name}'`).join(', '));
      throw new AshoreError('ERR_NAME', `state '${output}': '${input}' is not an output and an input`
        + ` of its own: the outputs are ${pairs[0]}, the inputs ${pairs[1]}`, { input });
    }
    if (from.kind !== to.kind || from.type !== to.type) {
      throw new AshoreError('ERR_TYPE', `output '${output}' is ${from.text} and cannot be input '${
        input}', which is ${to.text}`, { input });
    }
  }
}

/** In the engine's thread. */
const { Stream } = { Stream: class {
  #lane;
  #pairs;
  #first = {}; // handles by input
  #state;

  constructor(lane, options = {}) {
    expectOptions(options, 'state initial');
    const { state = {}, initial = {} } = options;
    const { core } = lane;
    core.ask('threads'); // of a closed engine nothing can be asked
    checkPairs(core, state);
    this.#lane = lane;
    this.#pairs = Object.entries(state);
    const kept = Object.values(state);
    const stray = Object.keys(initial).find((name) => !kept.includes(name));
    if (stray !== undefined) {
      throw new AshoreError('ERR_NAME', `initial: input '${stray}' is not of the state`,
        { input: stray });
    }
    this.inputs = core.inputs.filter(({ name }) => !kept.includes(name)).map(describe);
    this.outputs = core.outputs.filter(({ name }) => !(name in state)).map(describe);
    this.#first = this.#hold(Object.fromEntries(kept.map((name) => [name, initial[name]])));
    this.#state = { outputs: this.outputs.map(({ name }) => name), handles: this.#first,
      take: () => this.#replace(this.#keep()) };
  }

  #hold(values) {
    const handles = {};
    try {
      for (const name in values) handles[name] = hold(this.#lane.core, name, values[name]);
    } catch (error) {
      this.#release(handles);
      throw error;
    }
    return handles;
  }

  #keep() {
    const handles = {};
    for (const [output, input] of this.#pairs) handles[input] = this.#lane.core.keep(output);
    return handles;
  }

  #release(handles) {
    for (const handle of Object.values(handles)) this.#lane.core.release(handle);
  }

  // References are counted: a value that stays has one for each place that it is in.
  #replace(handles) {
    const { handles: before } = this.#state;
    if (before !== this.#first) this.#release(before);
    this.#state.handles = handles;
  }

  #open() {
    if (!this.#state) throw new AshoreError('ERR_STATE', 'the stream is closed');
    return this.#state;
  }

  #queue(work) { return this.#lane.queue(() => work(this.#open())); }

  runSync(feeds, options) {
    return this.#lane.runSync(feeds, runOptions(options, ' into views'), this.#open());
  }

  run(feeds, options) {
    return this.#queue((state) =>
      this.#lane.run(feeds, runOptions(options, ' into views'), state));
  }

  runAll(list, options) {
    return this.#queue((state) => runAll(this.#lane, list, runOptions(options), state));
  }

  reset(values) {
    return this.#queue((state) => {
      if (!values) {
        this.#replace(this.#first);
        return;
      }
      const stray = Object.keys(values).find((name) => !(name in state.handles));
      const missing = Object.keys(state.handles).find((name) => !values[name]);
      if (stray ?? missing) {
        throw new AshoreError('ERR_NAME', `a state is of ${Object.keys(state.handles).map((name) =>
          `'${name}'`).join(', ')}, and '${stray ?? missing}' is ${stray ? 'not of it' : 'missing'}`,
        { input: stray ?? missing });
      }
      this.#replace(this.#hold(values));
    });
  }

  state() {
    return this.#queue(({ handles }) => Object.fromEntries(Object.entries(handles).map(
      ([name, handle]) => [name, this.#lane.core.peek(handle)])));
  }

  close() {
    this.#lane.queue(() => {
      if (!this.#state) return;
      this.#replace(this.#first);
      this.#release(this.#first);
      this.#state = undefined;
    });
  }
} };

/** In front of one in a worker. */
const { Stream: RemoteStream } = { Stream: class extends Runner {
  #closed = false;

  constructor(call, { on, inputs, outputs }) {
    super(call, on);
    Object.assign(this, { inputs, outputs });
  }

  reset(values) {
    return advised(() => this.ask('reset', values && this.pack(values)));
  }

  async state() { return this.revive(await this.ask('state')); }

  close() {
    if (!this.#closed) this.ask('close').catch(() => {}); // the model may be closed by now
    this.#closed = true;
  }
} };

export { hold, RemoteStream, runAll, Stream };

parts.streams = () => ({ RemoteStream, runAll, Stream });
