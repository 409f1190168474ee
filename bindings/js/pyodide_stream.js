// Streams for Python: runs of a session that keep their state in the engine.  A stream of streams.js does
// it, on a lane that is the session's line of jobs.
import { bytesOf, layoutOf, valueOf, withBytes } from './pyodide_values.js';
import { Stream } from './streams.js';

function valuesOf(layouts, buffers, use) {
  return withBytes(buffers, (views) => use(Object.fromEntries(Object.entries(layouts).map(
    ([name, each]) => [name, valueOf(each, views)]))));
}

export class SessionStream {
  #lane;
  #stream;
  #state = []; // bytes of a copy of the state, until they are taken

  /** lane: { core, queue(work), runSync(job, kept), settle(), end(stream) }. */
  constructor(lane, layout, buffers) {
    const { state, initial } = JSON.parse(layout);
    this.#lane = { ...lane, runSync: (job, options, kept) =>
      lane.runSync({ ...job, stream: this }, kept) };
    this.#stream = valuesOf(initial, buffers, (values) =>
      new Stream(this.#lane, { state, initial: values }));
  }

  /** As the session's run(), which take() of the session belongs to. */
  run(layout, ...buffers) { return this.#stream.runSync({ layout, buffers }); }

  runAsync(begun, layout, ...buffers) { return this.#stream.runSync({ begun, layout, buffers }); }

  /** After the runs that wait: from the first state, or, with a layout, from another. */
  reset(layout, ...buffers) {
    this.#lane.settle();
    if (layout) valuesOf(JSON.parse(layout), buffers, (values) => this.#stream.reset(values));
    else this.#stream.reset();
  }

  /** After the runs that wait: the layout of the state, which take() copies. */
  state() {
    this.#lane.settle();
    this.#state = [];
    const values = Object.entries(this.#stream.state()).map(([name, value]) =>
      [name, layoutOf(value, this.#state)]);
    return JSON.stringify({ values, bytes: this.#state.map(({ byteLength }) => byteLength) });
  }

  take(...buffers) {
    const found = this.#state.splice(0);
    withBytes(buffers, (views) => views.forEach((view, i) => view.set(bytesOf(found[i]))));
  }

  /** Gives the state back; runs that wait never begin. */
  close() {
    this.#lane.end(this);
    this.#stream.close();
  }
}
