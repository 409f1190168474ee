// The options of onnxruntime's sessions as those of load().
import { node } from './ashore.js';
import { env, providers, say } from './ort_env.js';
import { AshoreError } from './ashore.js';

// Options that change nothing, the values that ask for what is done anyway, and why.
const inert = [
  ['interOpNumThreads', [0, 1], 'nodes run one after the other'],
  ['executionMode', ['sequential'], 'nodes run one after the other'],
  ['enableCpuMemArena', [true], 'memory is always planned'],
  ['enableMemPattern', [true], 'memory is always planned'],
  ['enableGraphCapture', [false], 'there is no GPU'],
  ['optimizedModelFilePath', [], 'the rewritten model is not written'],
  ['profileFilePrefix', [], 'profiles go to the console'],
  ['logId', [], 'the engine writes no log'],
  ['logVerbosityLevel', [0], 'the engine writes no log'],
  ['extra', [], 'there are no such settings'],
];
const passedOn = ['strict', 'signal', 'onProgress', 'memoryLimit', 'variant', 'shell', 'cache',
  'manifest', 'sha256'];

let filled; // the number of threads that fillThreads wrote, which is no wish

/** Shows the number of threads in env, as onnxruntime-web does when none was asked for. */
export function fillThreads(threads) { env.wasm.numThreads = filled = threads; }

const countOf = (n) => (Number.isInteger(n) && n > 0 ? n : 0);

/** SharedArrayBuffers as views, which everything else takes. */
export const sourceOf = (source) => (typeof SharedArrayBuffer === 'function'
  && source instanceof SharedArrayBuffer ? new Uint8Array(source) : source);

/** Refuses what is no severity; 2 are warnings. */
export function readSeverity({ logSeverityLevel: level, logVerbosityLevel: verbosity }) {
  if (level !== undefined && ![0, 1, 2, 3, 4].includes(level)) {
    throw new Error(`log severity level is not valid: ${level}`);
  }
  if (verbosity !== undefined && !Number.isInteger(verbosity)) {
    throw new Error(`log verbosity level is not valid: ${verbosity}`);
  }
  return level;
}

function readProviders({ executionProviders = [], strict }, note) {
  const names = executionProviders.map((provider) => provider.name ?? provider);
  const lacking = names.filter((name) => !providers.includes(name));
  if (strict && lacking.length && lacking.length === names.length) {
    throw new AshoreError('ERR_UNSUPPORTED', `no available backend found. ERR: ${
      lacking.map((name) => `[${name}] backend not found.`).join(', ')}`,
    { advice: `Name one of ${providers.join(', ')}, or leave strict out` });
  }
  for (const name of lacking) {
    note(`executionProviders: ${name}`, 'it is not there, the model runs on the CPU');
  }
}

function readOverrides(given = {}) {
  for (const value of Object.values(given)) {
    if (Number.isInteger(value) && value >= 0) continue;
    throw new Error(`free dimension override value must be a non-negative integer: ${value}`);
  }
  return new Map(Object.entries(given));
}

const readExternal = (files = []) => Object.fromEntries(files.map((file) => {
  const { path, data } = typeof file === 'string' ? { path: file, data: file } : file;
  return [path, sourceOf(data)];
}));

function readLevel(level = 'all', note) {
  if (!['disabled', 'basic', 'extended', 'layout', 'all'].includes(level)) {
    throw new Error(`unsupported graph optimization level: ${level}`);
  }
  if (level !== 'disabled' && level !== 'all') {
    note(`graphOptimizationLevel: ${level}`, "all rewrites are done, or with 'disabled' none");
  }
  return level !== 'disabled';
}

function noteInert(options, note) {
  const { executionMode: mode, preferredOutputLocation: places = 'cpu' } = options;
  if (mode !== undefined && mode !== 'sequential' && mode !== 'parallel') {
    throw new Error(`unsupported execution mode: ${mode}`);
  }
  for (const [name, usual, why] of inert) {
    if (options[name] !== undefined && !usual.includes(options[name])) note(name, why);
  }
  const away = (typeof places === 'string' ? [places] : Object.values(places))
    .find((place) => !place.startsWith('cpu'));
  if (away) note(`preferredOutputLocation: ${away}`, 'results are on the CPU');
}

function noteEnv(note) {
  const { wasm } = env;
  if (env.debug) note('env.debug', 'the engine writes no log');
  if (wasm.wasmBinary) note('env.wasm.wasmBinary', 'it is the module of another engine');
  if (![undefined, true, 'relaxed'].includes(wasm.simd)) {
    note(`env.wasm.simd: ${wasm.simd}`, 'the best module that the host knows is taken');
  }
  for (const kind of ['webgl', 'webgpu']) {
    for (const [name, value] of Object.entries(env[kind] ?? {})) {
      if (value !== undefined) note(`env.${kind}.${name}`, 'there is no GPU');
    }
  }
}

/** { load, overrides, asked, ignored, note }: options for load(), extents by their names, how many
 *  threads were asked for, what has no effect, and how to add to that. */
export function readOptions(options) {
  const severity = readSeverity(options);
  const ignored = [];
  const note = (option, why) => {
    ignored.push({ option, why });
    say(`${option}: ${why}`, severity);
  };
  readProviders(options, note);
  const asked = countOf(options.intraOpNumThreads)
    || (env.wasm.numThreads === filled ? 0 : countOf(env.wasm.numThreads));
  const load = { threads: asked, optimize: readLevel(options.graphOptimizationLevel, note),
    profile: Boolean(options.enableProfiling), external: readExternal(options.externalData) };
  for (const name of passedOn) if (options[name] !== undefined) load[name] = options[name];
  const overrides = readOverrides(options.freeDimensionOverrides);
  noteInert(options, note);
  noteEnv(note);
  return { load, overrides, asked, ignored, note };
}

// ---- the folder of the modules ------------------------------------------------------------------

const probed = new Map();

// The address of the folder that holds the engine's modules, or undefined.
async function probe(paths) {
  const base = node ? node.url.pathToFileURL(`${process.cwd()}/`)
    : globalThis.document?.baseURI ?? globalThis.location?.href;
  try {
    const folder = paths.wasm ? new URL('.', new URL(paths.wasm, base))
      : new URL(paths.replace(/\/*$/, '/'), base);
    const url = new URL('ashore-scalar.wasm', folder);
    if (node && url.protocol === 'file:') return node.fs.existsSync(url) ? folder.href : undefined;
    const { ok, headers } = await fetch(url, { method: 'HEAD' });
    return ok && !headers.get('content-type')?.startsWith('text/html') ? folder.href : undefined;
  } catch {
    return undefined;
  }
}

/** The folder that env.wasm.wasmPaths names, if the engine's modules are there.  Programs that were
 *  written for onnxruntime-web often name the folder of its modules. */
export async function modulesFolder(note) {
  const paths = env.wasm.wasmPaths;
  if (!paths) return undefined;
  const name = String(paths.wasm ?? paths.mjs ?? paths);
  if (!probed.has(name)) probed.set(name, probe(paths));
  const folder = await probed.get(name);
  if (!folder) note('env.wasm.wasmPaths', `no modules of this engine in ${name}, its own are used`);
  return folder;
}
