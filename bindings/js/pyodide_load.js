// Models from Pyodide's file system, from Python's buffers and from addresses, straight into the
// engine's memory.
import {
  AshoreError, inspect, isURL, obtain, parts, refuse, version,
} from './ashore.js';
import { metadataOf } from './pyodide_metadata.js';
import { Session } from './pyodide_session.js';
import { withBytes } from './pyodide_values.js';
import { locationsOf } from './tools/operators.mjs';

const piece = 1 << 24; // bytes that are read at once

// Where a file is to lie, in the engine's memory.
const placeIn = (core, limit, left = limit) => ({
  allocate(size) {
    if (limit && (left -= size) < 0) {
      throw new AshoreError('ERR_LIMIT', `the model has ${limit - left} bytes, the limit is ${limit}`,
        { advice: 'Quantise the model, or raise memory_limit' });
    }
    return core.allocate(size);
  },
  write: (at, bytes) => core.write(at, bytes),
  bytes: (at, size) => new Uint8Array(core.memory.buffer, at, size),
  read: (at, size) => core.read(at, size),
});

/** Reads a file of Pyodide's: where it lies in the engine's memory. */
function readFile(FS, path, place) {
  let stream;
  try {
    stream = FS.open(path, 'r');
    const { size } = FS.fstat?.(stream.fd) ?? FS.stat(path);
    const at = place.allocate(size);
    for (let n = 0; n < size;) {
      const room = place.bytes(at + n, Math.min(size - n, piece));
      const count = FS.read(stream, room, 0, room.length, n);
      if (!count) throw new Error('the file has become shorter');
      n += count;
    }
    return [at, size];
  } catch (cause) {
    if (cause instanceof AshoreError) throw cause;
    throw new AshoreError('ERR_IO', `${path}: ${cause.message ?? `error ${cause.errno}`}`, { cause });
  } finally {
    if (stream) FS.close(stream);
  }
}

// Locations of external data in a model; none in what is no model, of which the engine says what it is.
function externalOf(place, at, size) {
  try {
    return locationsOf(place.bytes(at, size));
  } catch {
    return [];
  }
}

/** Reads a model of the file system, with its external data, which lies beside it. */
function readModel(FS, path, place) {
  const [at, size] = readFile(FS, path, place);
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  const files = externalOf(place, at, size).map((location) => {
    if (location.startsWith('/') || location.split('/').includes('..')) {
      throw new AshoreError('ERR_IO', `${path}: its data lies outside of its folder: ${location}`);
    }
    return [...readFile(FS, folder + location, place), location];
  });
  return [...files, [at, size, '']];
}

function writeBytes(source, place) {
  return withBytes([source], ([bytes]) => {
    const at = place.allocate(bytes.length);
    place.write(at, bytes);
    return [[at, bytes.length, '']];
  });
}

const lackOf = (error) => {
  error.advice = 'register() was told full: false; load this model with `await ashore.load(...)`, '
    + 'which fetches the engine with every operator, or leave `full` away';
  error.message += `. ${error.advice}`;
  return error;
};

function finish(engine, figures, files, options, { name, ms, cache }) {
  const { core, choice } = engine;
  for (const [at, size, location] of files.slice(0, -1)) core.external(location, at, size);
  const [at, size] = files.at(-1);
  inspect(core.read(at, Math.min(size, 64)), name ?? 'model', true);
  const then = performance.now();
  const metadata = metadataOf(new Uint8Array(core.memory.buffer, at, size)); // load() gives bytes back
  core.load(at, size, { ...options, name, threads: choice.threads });
  const prepare = performance.now() - then;
  return new Session(engine, { figures, metadata, report: {
    version, shell: 'inline', module: `ashore-${choice.full ? 'full-' : ''}${choice.variant}${
      choice.shared ? '-mt' : ''}.wasm`, variant: choice.variant, shared: choice.shared,
    threads: core.threads, missing: choice.missing, cache, model: { name: name ?? 'model',
      bytes: size }, ms: { ...ms, prepare, total: ms.engine + ms.download + prepare },
  } });
}

const dispose = ({ core, pool }) => {
  pool?.stop();
  core.close();
};

/** A session, at once.  source: a path of Pyodide's file system, or an object with a buffer. */
export function open(engines, FS, source, options) {
  const begin = performance.now();
  const engine = engines.make(options);
  try {
    const made = performance.now();
    const place = placeIn(engine.core, options.memoryLimit);
    const isPath = typeof source === 'string';
    const files = isPath ? readModel(FS, source, place) : writeBytes(source, place);
    const name = options.name ?? (isPath ? source.split('/').pop() : undefined);
    const ms = { engine: made - begin, download: performance.now() - made };
    return finish(engine, engines.figures, files, options, { name, ms });
  } catch (error) {
    dispose(engine);
    throw error.code === 'ERR_UNSUPPORTED' && !engine.choice.full ? lackOf(error) : error;
  }
}

async function bring(engine, source, options, say) {
  const { external = {}, cache, manifest, sha256 } = options;
  const loading = cache || manifest || sha256
    ? await (await parts.cache()).begin(source, options)
    : { files: [...Object.entries(external), ['', source]].map(([location, from]) =>
      [location, obtain(from)]) };
  try {
    if (loading.missing) engine.choice.missing.push(...loading.missing);
    refuse(engine.choice, options.strict);
    const place = placeIn(engine.core, options.memoryLimit);
    const files = [];
    for (const [location, brought] of loading.files) {
      const { at, size } = await brought(place, (n, of) => say('download', n, of));
      files.push([at, size, location]);
    }
    return { files, cache: loading.report?.() };
  } finally {
    loading.close?.();
  }
}

/** A session of a model at an address, or in a Blob, a File or an ArrayBuffer. */
export async function load(engines, source, options, say) {
  const begin = performance.now();
  say('engine', 0, 0);
  await engines.threads?.ready;
  let engine = engines.make(options);
  try {
    const made = performance.now();
    const { files, cache } = await bring(engine, source, options, say);
    const name = options.name ?? (isURL(source)
      ? String(source).split(/[?#]/)[0].split('/').pop() : source.name);
    const ms = { engine: made - begin, download: performance.now() - made };
    say('prepare', files.at(-1)[1], files.at(-1)[1]);
    let session;
    try {
      session = finish(engine, engines.figures, files, options, { name, ms, cache });
    } catch (error) {
      if (error.code !== 'ERR_UNSUPPORTED' || engine.choice.full || !engine.core.intact) throw error;
      engine = await enlarge(engines, engine, files, options, error);
      session = finish(engine, engines.figures, files, options, { name, ms, cache });
    }
    say('ready', files.at(-1)[1], files.at(-1)[1]);
    return session;
  } catch (error) {
    dispose(engine);
    throw error;
  }
}

// The engine with every operator; files move from memory to memory.
async function enlarge(engines, first, files, options, lack) {
  try {
    await engines.compile(true);
    await engines.threads?.ready;
  } catch (error) {
    lack.cause = error;
    throw lack;
  }
  const engine = engines.make({ ...options, full: true });
  for (const file of files) {
    const at = engine.core.allocate(file[1]);
    engine.core.write(at, new Uint8Array(first.core.memory.buffer, file[0], file[1]));
    file[0] = at;
  }
  dispose(first);
  return engine;
}
