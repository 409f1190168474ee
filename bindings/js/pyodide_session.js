// A model for Python: runs, at once or in slices between which Python's event loop goes on.
import { AshoreError, describe } from './ashore.js';
import { Mail } from './pyodide_mail.js';
import { SessionStream } from './pyodide_stream.js';
import { bytesOf, layoutOf, valueOf, withBytes } from './pyodide_values.js';

const slice = 16; // ms

const breathe = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    resolve();
  };
  port2.postMessage(0);
});

export class Session {
  #core;
  #pool;
  #report;
  #metadata;
  #figures;
  #jobs = []; // runs that wait, the first of which may be under way
  #results = new Map(); // handles by job, until they are taken
  #last = 0;
  #mail;
  #calls = 0;

  /** figures: of figures.js. */
  constructor({ core, pool }, { report, metadata, figures }) {
    this.#core = core;
    this.#pool = pool;
    this.#report = report;
    this.#metadata = metadata;
    this.#figures = figures;
  }

  /** Inputs, outputs, and what the model says of itself. */
  describe() {
    const { inputs, outputs } = this.#core;
    return JSON.stringify({ inputs: inputs.map(describe), outputs: outputs.map(describe),
      metadata: this.#metadata });
  }

  report() {
    const { messages, bytesIn, bytesOut } = this.#core.traffic;
    const { received = 0, written = 0 } = this.#mail ?? {};
    return JSON.stringify({ ...this.#report, traffic: { messages, bytesIn,
      bytesOut: bytesOut + written, staged: received + written, calls: this.#calls } });
  }

  // ---- runs -------------------------------------------------------------------------------------

  #release(handles) { for (const handle of handles) this.#core.release(handle); }

  // Takes the inputs over: a job.  read(views) has them, and the names of the outputs; more: of a stream,
  // whose it is and what that keeps.
  #accept(buffers, read, more) {
    const state = {};
    try {
      return withBytes(buffers, (views) => {
        const { names, values } = read(views);
        for (const [info, value] of values) state[info.name] = this.#core.give(info, value);
        return { id: ++this.#last, names, state, ...more };
      });
    } catch (error) {
      this.#release(Object.values(state));
      throw error;
    }
  }

  #acceptLayout(layout, buffers, more) {
    this.#calls++;
    const { feeds, outputs } = JSON.parse(layout);
    const core = this.#core;
    return this.#accept(buffers, (views) => ({
      names: outputs ?? core.outputs.map(({ name }) => name),
      values: Object.entries(feeds).map(([name, each]) => [core.input(name), valueOf(each, views)]),
    }), more);
  }

  #acceptMail(buffers) {
    this.#calls++;
    const { inputs, outputs } = this.#core;
    return this.#accept(buffers, (views) => {
      const asked = this.#mail.read(views);
      return { names: asked.outputs.map((i) => outputs[i].name),
        values: asked.inputs.map(([i, value]) => [inputs[i], value]) };
    });
  }

  // Goes on with the first job until a time: whether it is done.
  #advance(job, until) {
    const core = this.#core;
    if (!job.begun) {
      core.start({}, { ...job.state, ...job.kept?.handles });
      job.begun = true;
    }
    if (!core.advance(until)) return false;
    const handles = [];
    this.#results.set(job.id, handles);
    for (const name of job.names) handles.push(core.keep(name));
    job.kept?.take();
    return true;
  }

  // Ends a job, which is done, has failed or is cancelled.
  #end(job) {
    if (job.begun) this.#core.finish();
    this.#release(Object.values(job.state));
    this.#jobs.splice(this.#jobs.indexOf(job), 1);
  }

  // The first job, until a time: whether it is over.
  #turn(until) {
    const job = this.#jobs[0];
    try {
      if (!this.#advance(job, until)) return false;
      this.#end(job);
      job.resolve?.(this.#layout(job));
    } catch (error) {
      if (this.#jobs.includes(job)) this.#end(job);
      this.drop(job.id);
      if (error.code === 'ERR_INTERNAL') this.#stop();
      if (!job.reject) throw error;
      job.reject(error);
    }
    return true;
  }

  #layout({ id, names }) {
    const found = [];
    const outputs = this.#results.get(id).map((handle, i) =>
      [names[i], layoutOf(this.#core.peek(handle, true), found)]);
    const text = JSON.stringify({ id, outputs, bytes: found.map(({ byteLength }) => byteLength) });
    if (!found.length) this.drop(id);
    return text;
  }

  #runAtOnce(job) {
    this.#jobs.push(job);
    while (this.#jobs.includes(job)) this.#turn(Infinity);
  }

  #layoutAtOnce(job) {
    this.#runAtOnce(job);
    return this.#layout(job);
  }

  /** Runs at once, after those that wait.  The layout of its results, which take() copies. */
  run(layout, ...buffers) { return this.#layoutAtOnce(this.#acceptLayout(layout, buffers)); }

  /** Memory of Python's for runMail(). */
  useMail(proxy) { this.#mail = new Mail(proxy); }

  /** As run(), of what the mailbox says; the answer is there, too: 0, or what take() copies the rest
   *  by.  The layout of results that are no tensors of numbers, or too many. */
  runMail(...buffers) {
    const job = this.#acceptMail(buffers);
    this.#runAtOnce(job);
    const handles = this.#results.get(job.id);
    const values = handles.map((handle) => this.#core.peek(handle, true));
    const left = values.every((value) => value?.dims && value.type !== 'string')
      && this.#mail.write(values);
    if (!left) return this.#layout(job);
    const taken = handles.filter((_, i) => !left.includes(i));
    this.#results.set(job.id, left.map((i) => handles[i]));
    this.#release(taken);
    if (left.length) return job.id;
    this.drop(job.id);
    return 0;
  }

  /** begun(id) is told what cancel() takes. */
  runAsync(begun, layout, ...buffers) {
    return this.#runLater(begun, this.#acceptLayout(layout, buffers));
  }

  #runLater(begun, job) {
    const result = new Promise((resolve, reject) => { Object.assign(job, { resolve, reject }); });
    this.#jobs.push(job);
    begun(job.id);
    if (this.#jobs.length === 1) this.#goOn();
    return result;
  }

  async #goOn() {
    while (this.#jobs.length) {
      await breathe();
      if (this.#jobs.length) this.#turn(performance.now() + slice);
    }
  }

  /** Ends a run of runAsync(), if it is not done. */
  cancel(id) {
    const job = this.#jobs.find((each) => each.id === id);
    if (job) {
      this.#end(job);
      job.reject(new AshoreError('ERR_CANCELLED', 'the run was cancelled'));
    }
    this.drop(id);
  }

  /** A stream, whose runs take turns with the session's own.  layout: { state, initial }. */
  stream(layout, ...given) {
    return new SessionStream({ core: this.#core, queue: (work) => work(),
      runSync: ({ begun, layout: text, buffers, stream }, kept) => {
        const job = this.#acceptLayout(text, buffers, { stream, kept });
        return begun ? this.#runLater(begun, job) : this.#layoutAtOnce(job);
      },
      settle: () => { while (this.#jobs.length) this.#turn(Infinity); },
      end: (stream) => this.#endAll(stream) }, layout, given);
  }

  // Ends the runs of a stream that wait.
  #endAll(stream) {
    for (const job of this.#jobs.filter((each) => each.stream === stream)) {
      this.#end(job);
      job.reject?.(new AshoreError('ERR_STATE', 'the stream is closed'));
    }
  }

  /** Copies results into Python's buffers, in the layout's order, and gives them back. */
  take(id, ...buffers) {
    this.#calls++;
    const found = [];
    for (const handle of this.#results.get(id)) layoutOf(this.#core.peek(handle, true), found);
    withBytes(buffers, (views) => views.forEach((view, i) => {
      view.set(bytesOf(found[i]));
      this.#core.traffic.bytesOut += view.length;
    }));
    this.drop(id);
  }

  /** Gives results back. */
  drop(id) {
    this.#release(this.#results.get(id) ?? []);
    this.#results.delete(id);
  }

  // ---- what a model holds and takes -----------------------------------------------------------------

  /** 'figures', 'predict', of extents by input, or 'profile'. */
  figures(what, dims) {
    return JSON.stringify(this.#figures[what](this.#core, dims && JSON.parse(dims)));
  }

  #stop() {
    this.#pool?.stop();
    this.#pool = null;
  }

  /** Gives the engine back, with its memory and its threads. */
  close() {
    for (const job of this.#jobs.splice(0)) {
      job.reject?.(new AshoreError('ERR_STATE', 'the model is closed'));
    }
    this.#results.clear();
    this.#mail?.close();
    this.#stop();
    this.#core.close();
  }
}
