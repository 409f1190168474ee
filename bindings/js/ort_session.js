// onnxruntime's InferenceSession, over load() and its models.
import { load } from './ashore.js';
import {
  env, say, TRACE_EVENT_BEGIN, TRACE_EVENT_END, TRACE_FUNC_BEGIN, TRACE_FUNC_END,
} from './ort_env.js';
import { fillThreads, modulesFolder, readOptions, readSeverity, sourceOf } from './ort_options.js';
import { fromEngine, isTensor, toEngine } from './ort_tensor.js';
import { AshoreError } from './ashore.js';

const isObject = (value) => typeof value === 'object' && value !== null;

// ---- create -------------------------------------------------------------------------------------

function readOptionsArgument(given) {
  if (given === undefined || isObject(given)) return given ?? {};
  throw new TypeError("'options' must be an object.");
}

function readRange(buffer, offset, length) {
  const { byteLength: size } = buffer;
  if (!Number.isSafeInteger(offset)) throw new RangeError("'byteOffset' must be an integer.");
  if (offset < 0 || offset >= size) {
    throw new RangeError(`'byteOffset' is out of range [0, ${size}).`);
  }
  if (length === undefined) return new Uint8Array(buffer, offset);
  if (typeof length !== 'number') throw new TypeError("'byteLength' must be a number.");
  if (!Number.isSafeInteger(length)) throw new RangeError("'byteLength' must be an integer.");
  if (length <= 0 || offset + length > size) {
    throw new RangeError(`'byteLength' is out of range (0, ${size - offset}].`);
  }
  return new Uint8Array(buffer, offset, length);
}

// create(source, options) or create(buffer, byteOffset, byteLength, options)
function readSource([first, second, third, fourth]) {
  const source = sourceOf(first);
  if (source !== first || source instanceof ArrayBuffer) {
    return typeof second === 'number'
      ? [readRange(first, second, third), readOptionsArgument(fourth)]
      : [new Uint8Array(first), readOptionsArgument(second)];
  }
  const known = typeof source === 'string' || source instanceof Uint8Array
    || source instanceof URL || (typeof Blob === 'function' && source instanceof Blob);
  if (!known) throw new TypeError("Unexpected argument[0]: must be 'path' or 'buffer'.");
  return [source, readOptionsArgument(second)];
}

// load(), which fails unless the engine is ready in env.wasm.initTimeout ms.
async function loadInTime(source, options) {
  const limit = env.wasm.initTimeout;
  if (!(limit > 0)) return load(source, options);
  const { signal, onProgress } = options;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new Error(
    `WebAssembly backend initializing failed due to timeout: ${limit}ms`)), limit);
  try {
    return await load(source, { ...options,
      signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
      onProgress: (progress) => {
        if (progress.phase !== 'engine') clearTimeout(timer);
        onProgress?.(progress);
      } });
  } finally {
    clearTimeout(timer);
  }
}

// Models in onnxruntime's own format have a name of their own at byte 4.
function explain(error, source) {
  const own = source instanceof Uint8Array
    ? String.fromCharCode(...source.subarray(4, 8)) === 'ORTM' : /\.ort$/.test(source);
  if (error?.code !== 'ERR_FORMAT' || !own) return error;
  return new AshoreError('ERR_FORMAT', "the model is in onnxruntime's own format (.ort)", { cause: error,
    advice: 'Use the .onnx file that it was made from' });
}

async function open(source, settings) {
  const { note, asked, load: options } = settings;
  const modules = await modulesFolder(note);
  let model;
  try {
    model = await loadInTime(source, { ...options, modules });
  } catch (error) {
    throw explain(error, source);
  }
  const { report } = model;
  const lost = report.missing.find(({ feature }) => feature === 'threads');
  if (asked && lost) note('threads', lost.why);
  if (!asked) fillThreads(report.threads);
  return model;
}

// ---- run ----------------------------------------------------------------------------------------

function readNames(names, session) {
  if (!names.length) throw new TypeError("'fetches' cannot be an empty array.");
  for (const name of names) {
    if (typeof name !== 'string') {
      throw new TypeError("'fetches' must be a string array or an object.");
    }
    if (session.outputNames.includes(name)) continue;
    throw new RangeError(`'fetches' contains invalid output name: ${name}.`);
  }
  return Object.fromEntries(names.map((name) => [name, null]));
}

// run(feeds, options), run(feeds, names, options) or run(feeds, tensors, options); an object is one
// of tensors if an output's name is in it, with a tensor or null.
function readFetches(session, first, second) {
  const all = Object.fromEntries(session.outputNames.map((name) => [name, null]));
  if (first === undefined) return [all, {}];
  if (first === null) throw new TypeError('Unexpected argument[1]: cannot be null.');
  if (!isObject(first)) {
    throw new TypeError("Unexpected argument[1]: must be 'fetches' or 'options'.");
  }
  if (isTensor(first)) throw new TypeError("'fetches' cannot be a Tensor");
  if (Array.isArray(first)) return [readNames(first, session), readOptionsArgument(second)];
  const given = session.outputNames.filter((name) => Object.hasOwn(first, name)
    && (first[name] === null || isTensor(first[name])));
  if (!given.length) return [all, first];
  return [Object.fromEntries(given.map((name) => [name, first[name]])),
    readOptionsArgument(second)];
}

// What the engine does not know: onnxruntime takes a vector of one element for a declared scalar,
// and names of extents may have numbers.
function fitShape(given, { name, type, dims: declared }, overrides) {
  if (!given?.dims || !declared) return;
  if (declared.length === 0 && given.dims.every((d) => d === 1)) given.dims = [];
  const wrong = declared.some((d, i) => given.dims.length === declared.length
    && overrides.has(d) && overrides.get(d) !== given.dims[i]);
  if (!wrong) return;
  throw new AshoreError('ERR_SHAPE', `input '${name}' is ${given.type}[${given.dims}], expected ${
    type}[${declared.map((d) => overrides.get(d) ?? d)}]`,
  { input: name, advice: 'freeDimensionOverrides of the session say so' });
}

function readFeeds(session, feeds, { model, overrides }, keep) {
  if (!isObject(feeds) || Array.isArray(feeds) || isTensor(feeds)) {
    throw new TypeError("'feeds' must be an object that use input names as keys and OnnxValue as"
      + ' corresponding values.');
  }
  for (const name of session.inputNames) {
    if (feeds[name] === undefined) throw new Error(`input '${name}' is missing in 'feeds'.`);
  }
  return Object.fromEntries(Object.entries(feeds).map(([name, value]) => {
    const info = model.inputs.find((input) => input.name === name);
    if (!info) {
      throw new Error(`invalid input '${name}': the model has ${
        session.inputNames.map((other) => `'${other}'`).join(', ')}`);
    }
    const given = toEngine(value, `input '${name}'`, keep);
    if (info.kind === 'tensor') fitShape(given, info, overrides);
    return [name, given];
  }));
}

// A result, in the tensor that the caller has made for it.
function deliver(name, value, into) {
  const result = fromEngine(value);
  if (!into) return result;
  const fits = result?.type === into.type && `${result.dims}` === `${into.dims}`;
  if (!fits) {
    throw new AshoreError('ERR_SHAPE', `output '${name}' is ${result?.type}[${
      result?.dims}], and the tensor that was given for it ${into.type}[${into.dims}]`,
    { advice: 'Give one of the type and extents that it has, or null' });
  }
  if (result.type === 'string') result.data.forEach((text, i) => { into.data[i] = text; });
  else new Uint8Array(into.data.buffer, into.data.byteOffset, into.data.byteLength)
    .set(new Uint8Array(result.data.buffer));
  return into;
}

function readRunOptions(options, { note }) {
  const severity = readSeverity(options);
  if (options.terminate) {
    throw new AshoreError('ERR_CANCELLED', 'Exiting due to terminate flag being set to true',
      { advice: 'Leave terminate out of the options of the next run' });
  }
  for (const name of ['tag', 'extra']) {
    if (options[name] !== undefined) say(`run: ${name} has no effect`, severity);
  }
}

// ---- the session ----------------------------------------------------------------------------------

const metadataOf = ({ name, kind, type, dims }, overrides) => (kind === 'tensor'
  ? { name, isTensor: true, type,
    shape: (dims ?? []).map((d) => (d === '?' ? -1 : overrides.get(d) ?? d)) }
  : { name, isTensor: false });

// Frozen, and not in private fields: the objects by which frameworks wrap a session get through.
const inner = Symbol('session');

// Most programs never release a session.  One that is collected gives its engine back.
const forgotten = new FinalizationRegistry((model) => model.close());

export class InferenceSession {
  static name = 'InferenceSession'; // whatever a minifier makes of it

  constructor(model, settings) {
    if (!settings?.load) throw new TypeError('sessions are made by InferenceSession.create');
    const infos = (list) => list.map((info) => metadataOf(info, settings.overrides));
    const names = (list) => list.map(({ name }) => name);
    Object.assign(this, { inputNames: names(model.inputs), outputNames: names(model.outputs),
      inputMetadata: infos(model.inputs), outputMetadata: infos(model.outputs),
      report: { ...model.report, ignored: settings.ignored } });
    Object.defineProperty(this, inner, { value: Object.freeze({ ...settings, model,
      running: new Set() }) });
    forgotten.register(this, model);
  }

  static async create(...given) {
    TRACE_FUNC_BEGIN();
    TRACE_EVENT_BEGIN('InferenceSession.create');
    const [source, options] = readSource(given);
    const settings = readOptions(options);
    const model = await open(source, settings);
    TRACE_EVENT_END('InferenceSession.create');
    TRACE_FUNC_END();
    return new InferenceSession(model, settings);
  }

  /** Feeds are read before this returns; runs are taken one after the other. */
  async run(feeds, ...given) {
    TRACE_FUNC_BEGIN();
    TRACE_EVENT_BEGIN('InferenceSession.run');
    const self = this[inner];
    const { model, running } = self;
    const [fetches, options] = readFetches(this, ...given);
    const now = model.runSync && !running.size && !options.signal;
    // A message to the worker is a copy already, of whole buffers.
    const keep = ({ buffer, byteLength }) => (model.runSync ? now
      : !buffer || (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength));
    const values = readFeeds(this, feeds, self, keep);
    readRunOptions(options, self);
    const wanted = { outputs: Object.keys(fetches), signal: options.signal };
    const run = now ? model.runSync(values, wanted) : model.run(values, wanted);
    if (!now) running.add(run);
    try {
      const results = await run;
      return Object.fromEntries(Object.entries(results).map(([name, value]) =>
        [name, deliver(name, value, fetches[name])]));
    } finally {
      running.delete(run);
      TRACE_EVENT_END('InferenceSession.run');
      TRACE_FUNC_END();
    }
  }

  /** Ends when the runs that were asked for have ended. */
  async release() {
    const { model, running } = this[inner];
    await Promise.allSettled(running);
    model.close();
  }

  /** Times are taken from the beginning, of a session with enableProfiling. */
  startProfiling() {
    if (!this[inner].load.profile) say('startProfiling: create the session with enableProfiling');
  }

  /** Prints what each node took so far, as events for a viewer of traces. */
  async endProfiling() {
    if (!this[inner].load.profile) return [];
    const steps = await this[inner].model.profile();
    let ts = 0;
    const events = steps.map(({ node, op, kernel, shape, seconds, runs }) => {
      const dur = Math.round(seconds * 1e6);
      ts += dur;
      return { cat: 'Node', pid: 1, tid: 1, dur, ts: ts - dur, ph: 'X', name: `${node}_kernel_time`,
        args: { op_name: op, kernel, shape, runs } };
    });
    console.log(`[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]`);
    return steps;
  }
}
