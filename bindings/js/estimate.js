// Model.estimate: what a model takes, of which only the graph is fetched.  `import 'ashore/estimate'`,
// or loaded when it is asked for.
//
// The engine itself tells: it loads the file with zeros in the place of large weights, and packs
// them in name alone.
import {
  absolute, absoluteAll, ask, dispose, expectOptions, inspect, isPage, isURL, loadOptions, makeEngine,
  openRemote, parts, types,
} from './ashore.js';
import { addressOf, readManifest } from './manifest.js';
import { expectExtents, figures, predict } from './figures.js';
import { multiplyAdds } from './multiply_adds.js';
import { Pieces } from './pieces.js';
import { walk } from './skeleton.js';

const describe = ({ at, ...info }) => info;
const operandBytes = 72; // struct ashore_operand
const ends = { none: 16, operands: 17, steps: 18 };

/** The steps of the plan that was made last: [{ op, inputs, output }], the first one's. */
function readSteps(core) {
  const steps = [];
  const text = new TextDecoder();
  const operators = new Map();
  const nameAt = (at) => {
    if (!operators.has(at)) {
      const bytes = core.read(at, 64);
      operators.set(at, text.decode(bytes.subarray(0, bytes.indexOf(0))));
    }
    return operators.get(at);
  };
  core.lend(operandBytes, (at) => {
    for (let i = 0; ; i++) {
      const shapes = [];
      let op = '';
      let inputs = 0;
      for (let k = 0; ; k++) {
        const rank = core.ask('operand', i, k, at);
        if (rank === ends.steps) return;
        if (rank === ends.operands) break;
        const view = new DataView(core.read(at, operandBytes).buffer);
        op = nameAt(view.getUint32(0, true));
        inputs = view.getUint32(4, true);
        const dims = rank === ends.none ? null
          : Array.from({ length: rank }, (_, d) => Number(view.getBigInt64(8 + 8 * d, true)));
        shapes.push(dims?.every((d) => d >= 0) ? dims : null);
      }
      steps.push({ op, inputs: shapes.slice(0, inputs), output: shapes[inputs] });
    }
  });
  return steps;
}

// What lies where, as far as it was fetched.
function place(core, { size, pieces }) {
  const at = core.allocate(size);
  for (const { from, to, bytes } of pieces?.all ?? []) {
    core.write(at + from, bytes.subarray(0, to - from));
  }
  return at;
}

async function sizeOf(source, signal) {
  const response = await ask(source, { method: 'HEAD', signal });
  const length = response.ok && !response.headers.get('content-encoding')
    && response.headers.get('content-length');
  return length ? Number(length) : undefined;
}

// The other files of a model: their sizes, and those small integers in them that shapes hang on.
async function findExternal(found, source, { external = {}, signal }, manifest) {
  const files = [];
  for (const [location, { size, wanted }] of found) {
    const plain = location.replace(/^\.\//, '');
    const from = external[location] ?? external[plain] ?? manifest?.external[plain]
      ?? (isURL(source) ? new URL(location, addressOf(source)).href : undefined);
    const fetched = isURL(from) && /^https?:/.test(addressOf(from));
    const known = manifest && from !== undefined ? manifest.find(from, plain).bytes
      : fetched ? await sizeOf(addressOf(from), signal) : from?.size ?? from?.byteLength;
    const file = { location, size: Math.max(size, known ?? 0), requests: fetched && !manifest ? 1 : 0 };
    if (wanted.length && from !== undefined) {
      file.pieces = new Pieces(fetched ? addressOf(from) : from, location, signal, file.size);
      for (const [offset, length] of wanted.sort(([a], [b]) => a - b)) {
        if (!file.pieces.has(offset, offset + length)) await file.pieces.need(offset, offset + length);
      }
    }
    files.push(file);
  }
  return files;
}

async function rehearse(engine, files, name, options) {
  const { core, choice } = engine;
  const places = files.map((file) => place(core, file));
  await engine.threads?.joinAll(engine, options.strict);
  files.forEach(({ location, size }, i) => {
    if (location) core.external(location, places[i], size);
  });
  core.load(places.at(-1), files.at(-1).size, { ...options, name, memoryLimit: 0, profile: false,
    threads: choice.threads, dry: true });
}

const isKnown = (dims) => Boolean(dims) && dims.every(Number.isInteger);
const bytesOf = (type, dims) => {
  const { array, per } = types.get(type);
  return dims.reduce((product, d) => product * d, per * (array.BYTES_PER_ELEMENT ?? 8));
};

const peak = (core) => {
  const { total, wasm } = figures(core);
  return { total, wasm };
};

// As a run would: the plan, then its memory, inputs and outputs.
function plan(core, dims) {
  const given = core.inputs.map(({ name, dims: own }) => dims[name] ?? own);
  const known = core.inputs.every(({ kind }, i) => kind === 'tensor' && isKnown(given[i]));
  if (!known) return { memory: { ...figures(core), exact: false }, compute: null };
  const { exact, ...predicted } = predict(core, dims);
  const { count, exact: counted } = multiplyAdds(readSteps(core));
  const { outputs, slab } = predicted;
  for (const size of [slab, outputs, ...core.inputs.map(({ type }, i) => bytesOf(type, given[i]))]) {
    core.allocate(size);
  }
  return { memory: { ...predicted, exact, ...peak(core) },
    compute: { multiplyAdds: count, exact: counted && exact } };
}

async function measure(source, manifest, { dims = {}, name, signal, ...options }) {
  const entry = manifest?.find(source, '');
  const title = name ?? (isURL(source) ? String(source).split(/[?#]/)[0].split('/').pop() : 'model');
  const pieces = new Pieces(source, title, signal, entry?.bytes);
  const making = makeEngine(options, signal);
  making.catch(() => {}); // reported below
  let engine;
  try {
    await pieces.need(0, 1);
    inspect(pieces.last.bytes.subarray(0, 64), title, true);
    const found = await walk(pieces, title);
    const files = [...await findExternal(found, source, { ...options, signal }, manifest),
      { location: '', size: pieces.size, pieces, requests: 0 }];
    engine = await making;
    try {
      await rehearse(engine, files, title, options);
    } catch (error) {
      if (error.code !== 'ERR_UNSUPPORTED' || options.full || options.module) throw error;
      dispose(engine);
      engine = undefined;
      engine = await makeEngine({ ...options, full: true }, signal);
      await rehearse(engine, files, title, options);
    }
    signal?.throwIfAborted();
    const { core, choice } = engine;
    expectExtents(core, dims);
    const sum = (of) => files.reduce((all, file) => all + of(file), 0);
    return { name: title, download: sum(({ size }) => size),
      model: { inputs: core.inputs.map(describe), outputs: core.outputs.map(describe) },
      ...plan(core, dims), full: Boolean(choice.full), threads: core.threads,
      requests: sum((file) => file.requests + (file.pieces?.requests ?? 0)),
      bytes: sum((file) => file.pieces?.bytes ?? 0) };
  } finally {
    engine ??= await making.catch(() => null);
    if (engine) dispose(engine);
  }
}

/** What a model takes before anything large of it is fetched. */
export async function estimate(source, options = {}) {
  expectOptions(options, `${loadOptions} dims`);
  const { dims, manifest: given, signal } = options;
  signal?.throwIfAborted();
  const manifest = given ? await readManifest(given, source, { signal }) : null;
  const written = manifest?.manifest.estimate;
  const fits = written && Object.entries(dims ?? {}).every(([name, extents]) =>
    String(written.dims?.[name]) === String(extents));
  if (fits) return { ...written, requests: isURL(given) ? 1 : 0, bytes: 0 };
  return measure(source, manifest, options);
}

/** As Model.estimate: a page's own thread is spared. */
export async function estimateApart(source, { signal, worker, ...given } = {}) {
  const options = { ...given, external: absoluteAll(given.external),
    manifest: absolute(given.manifest), modules: given.modules && absolute(given.modules) };
  if (!isPage) return estimate(source, { ...options, signal });
  const remote = await openRemote(worker);
  try {
    return await remote.call('estimate', [absolute(source), options],
      { signal, onAbort: () => remote.close() });
  } finally {
    remote.close();
  }
}

parts.estimate = () => ({ estimate, estimateApart });
