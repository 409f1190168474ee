// The inline shell: the engine on the thread that calls it.  For Node, workers, service workers and
// Pyodide in the same worker.
import { version } from './core.js';
import { dispose, enlarge, makeEngine } from './engine.js';
import { breathe } from './host.js';
import { Model } from './model.js';
import { moduleName } from './modules.js';
import { part } from './parts.js';
import { inspect, isURL, obtain } from './source.js';
import { AshoreError, expectOptions } from './tensor.js';
import { refuse } from './variants.js';

const placeIn = (core, limit, left = limit) => ({
  allocate(size) {
    if (limit && (left -= size) < 0) {
      throw new AshoreError('ERR_LIMIT', `the model has ${limit - left} bytes, the limit is ${limit}`);
    }
    return core.allocate(size);
  },
  write: (at, bytes) => core.write(at, bytes),
  bytes: (at, size) => new Uint8Array(core.memory.buffer, at, size),
  read: (at, size) => core.read(at, size),
});

export const loadOptions = 'signal onProgress name external modules module worker cache manifest sha256 '
  + 'variant threads shell full strict memoryLimit optimize profile';

/** Loads a model from a URL, path, Blob or buffer on this thread. */
export async function load(source, options = {}) {
  if (!options.role) expectOptions(options, loadOptions); // a page has looked at those of a worker
  const { signal, onProgress, external = {} } = options;
  const say = (phase, loaded = 0, total = 0) => onProgress?.({ phase, loaded, total });
  signal?.throwIfAborted();
  const begin = performance.now();
  const begun = options.cache || options.manifest || options.sha256
    ? part('cache').then(({ begin: beginIt }) => beginIt(source, options))
    : { files: [...Object.entries(external), ['', source]].map(([location, from]) =>
      [location, obtain(from, signal)]) };
  begun.catch?.(() => {}); // reported below
  if (!options.role) part('failures').catch(() => {}); // errors of runs come at once
  say('engine');
  let loading;
  let engine = await makeEngine(options, signal).catch((error) => {
    Promise.resolve(begun).then(({ close }) => close?.(), () => {});
    throw error;
  });
  try {
    const made = performance.now();
    loading = await begun;
    if (loading.missing) engine.choice.missing.push(...loading.missing);
    refuse(engine.choice, options.strict);
    const place = placeIn(engine.core, options.memoryLimit);
    const name = options.name ?? (isURL(source)
      ? String(source).split(/[?#]/)[0].split('/').pop() : undefined);
    const files = [];
    for (const [location, bring] of loading.files) {
      const { at, size } = await bring(place, (n, of) => say('download', n, of));
      inspect(place.read(at, Math.min(size, 64)), location || name || 'model', !location);
      files.push([at, size, location]);
    }
    const there = performance.now();
    const [, size] = files.at(-1);
    const prepare = async () => {
      say('prepare', size, size);
      if (signal || onProgress) await breathe(); // lets the message out and an abort in
      signal?.throwIfAborted();
      await engine.threads?.joinAll(engine, options.strict);
      for (const [at, bytes, location] of files.slice(0, -1)) {
        engine.core.external(location, at, bytes);
      }
      engine.core.load(files.at(-1)[0], size, { ...options, name, threads: engine.choice.threads });
      const { inputs, outputs } = engine.core;
      if ([...inputs, ...outputs].some(({ text }) => /map/.test(text))) await part('maps');
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
      version, shell: options.role ?? 'inline', module: moduleName(choice),
      variant: choice.variant, shared: choice.shared, threads: core.threads,
      missing: choice.missing, cache: loading.report?.(), model: { name: name ?? 'model', bytes: size },
      ms: { engine: made - begin + extra, download: there - made, prepare: end - there - extra,
        total: end - begin },
    });
  } catch (error) {
    dispose(engine);
    throw error;
  } finally {
    loading?.close?.();
  }
}
