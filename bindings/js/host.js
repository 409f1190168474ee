// What the host offers: features, modules, workers, bytes.  The same in pages, workers and Node.
import { AshoreError } from './tensor.js';

const builtin = (name) => globalThis.process?.getBuiltinModule?.(`node:${name}`);
export const node = builtin('worker_threads') && globalThis.process.versions?.node ? {
  threads: builtin('worker_threads'), fs: builtin('fs'), os: builtin('os'), url: builtin('url'),
} : null;
export const isPage = typeof window === 'object' && typeof document === 'object';

// One by one, so that bundlers see them.
const modules = {
  scalar: () => new URL('./ashore-scalar.wasm', import.meta.url),
  simd128: () => new URL('./ashore-simd128.wasm', import.meta.url),
  relaxed: () => new URL('./ashore-relaxed.wasm', import.meta.url),
  'scalar-mt': () => new URL('./ashore-scalar-mt.wasm', import.meta.url),
  'simd128-mt': () => new URL('./ashore-simd128-mt.wasm', import.meta.url),
  'relaxed-mt': () => new URL('./ashore-relaxed-mt.wasm', import.meta.url),
  'full-scalar': () => new URL('./ashore-full-scalar.wasm', import.meta.url),
  'full-simd128': () => new URL('./ashore-full-simd128.wasm', import.meta.url),
  'full-relaxed': () => new URL('./ashore-full-relaxed.wasm', import.meta.url),
  'full-scalar-mt': () => new URL('./ashore-full-scalar-mt.wasm', import.meta.url),
  'full-simd128-mt': () => new URL('./ashore-full-simd128-mt.wasm', import.meta.url),
  'full-relaxed-mt': () => new URL('./ashore-full-relaxed-mt.wasm', import.meta.url),
};

// A module of one function with this body is valid where its instructions are known.
const knows = (...body) => WebAssembly.validate(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0,
  1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, body.length + 4, 1, body.length + 2, 0, ...body, 11));
const splat = [65, 0, 253, 15]; // i32.const 0, i8x16.splat
const features = {
  scalar: () => true,
  simd128: () => knows(...splat, 26),
  relaxed: () => knows(...splat, ...splat, 253, 128, 2, 26), // i8x16.relaxed_swizzle
};
const best = ['relaxed', 'simd128', 'scalar'];
const costs = {
  relaxed: 'matrix products and convolutions run without fused multiply-add',
  simd128: 'kernels run on one number at a time, several times slower',
  threads: (n) => `work runs on one thread instead of ${n}`,
};
const maxThreads = 16;

function whyNoThreads(inPage) {
  if (node) return '';
  if (typeof SharedArrayBuffer !== 'function' || globalThis.crossOriginIsolated !== true) {
    return 'the page is not cross-origin isolated (headers Cross-Origin-Opener-Policy: same-origin'
      + ' and Cross-Origin-Embedder-Policy: require-corp)';
  }
  if (inPage) return "a page's own thread may not wait for others: use the worker shell";
  if (typeof Worker !== 'function') return 'this kind of worker cannot start workers';
  return '';
}

/** Which module to use, on how many threads, and what is missing against what was asked for.  full:
 *  the one with every operator, of each variant; inPage: the engine is to run on a page's thread. */
export function choose({ variant = 'auto', threads = 0, strict = false, full = false,
  inPage = isPage } = {}) {
  if (variant !== 'auto' && !features[variant]) {
    throw new AshoreError('ERR_ARGUMENT', `${variant} is not a variant: ${best.join(', ')}, auto`);
  }
  const asked = variant === 'auto' ? 'relaxed' : variant;
  const missing = [];
  const found = best.slice(best.indexOf(asked)).find((name) => {
    if (features[name]()) return true;
    missing.push({ feature: name, why: 'the host does not know its instructions',
      cost: costs[name] });
    return false;
  });
  const cores = node ? node.os.availableParallelism() : globalThis.navigator?.hardwareConcurrency;
  let count = Math.min(threads || Math.min(cores || 1, 4), maxThreads);
  const why = count > 1 ? whyNoThreads(inPage) : '';
  if (why) {
    missing.push({ feature: 'threads', why, cost: costs.threads(count) });
    count = 1;
  }
  const choice = { variant: found, threads: count, shared: count > 1, full, missing };
  refuse(choice, strict);
  return choice;
}

export function refuse({ missing }, strict) {
  if (!strict || !missing.length) return;
  throw new AshoreError('ERR_UNSUPPORTED', `strict: ${
    missing.map(({ feature, why }) => `no ${feature}: ${why}`).join('; ')}`);
}

/** Says that threads were wanted and are not to be had after all. */
export function loseThreads(choice, got, why) {
  choice.missing.push({ feature: 'threads', why, cost: got > 1
    ? `work runs on ${got} threads instead of ${choice.threads}` : costs.threads(choice.threads) });
  choice.threads = got;
}

export function moduleURL({ variant, shared, full }, folder) {
  const name = `${full ? 'full-' : ''}${variant}${shared ? '-mt' : ''}`;
  return folder ? new URL(`ashore-${name}.wasm`, folder) : modules[name]();
}

const filePath = (source) => {
  const text = String(source);
  if (!node || /^(https?|data|blob):/.test(text)) return null;
  return text.startsWith('file:') ? node.url.fileURLToPath(text) : text;
};

const ioError = (what, error) => Object.assign(
  new AshoreError('ERR_IO', `${what}: ${error.message}`), { cause: error });

async function request(url, signal) {
  let response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw ioError(url, error);
  }
  if (!response.ok) {
    throw new AshoreError('ERR_IO', `${url}: the server answers ${response.status} ${
      response.statusText}`.trim());
  }
  return response;
}

function readModule(path) {
  try {
    return node.fs.readFileSync(path);
  } catch (error) {
    throw ioError(path, error);
  }
}

/** Compiles a module from its address, while it loads where that is possible. */
export async function compile(url, signal) {
  const path = filePath(url);
  if (path) return WebAssembly.compile(readModule(path));
  const response = await request(url, signal);
  const typed = response.headers.get('content-type')?.startsWith('application/wasm');
  if (typed) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

const asBytes = (source) => {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (!ArrayBuffer.isView(source)) return null;
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
};

const join = (chunks, size) => {
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
};

// A server that compresses states the compressed length.
async function readResponse(response, place, progress, signal) {
  const encoded = response.headers.get('content-encoding');
  const total = encoded ? 0 : Number(response.headers.get('content-length') ?? 0);
  let at = total ? place.allocate(total) : 0;
  let loaded = 0;
  let chunks = [];
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    signal?.throwIfAborted();
    if (done) break;
    if (at && loaded + value.length <= total) {
      place.write(at + loaded, value);
    } else {
      if (at) chunks = [place.read(at, loaded)];
      at = 0;
      chunks.push(value);
    }
    loaded += value.length;
    progress(loaded, total);
  }
  if (!at || loaded !== total) {
    const bytes = at ? place.read(at, loaded) : join(chunks, loaded);
    at = place.allocate(loaded);
    place.write(at, bytes);
  }
  return { at, size: loaded };
}

function readFile(path, place, progress, signal) {
  const { fs } = node;
  try {
    const file = fs.openSync(path, 'r');
    try {
      const { size } = fs.fstatSync(file);
      const at = place.allocate(size);
      let loaded = 0;
      while (loaded < size) {
        signal?.throwIfAborted();
        const part = place.bytes(at + loaded, Math.min(size - loaded, 1 << 24));
        const n = fs.readSync(file, part);
        if (n === 0) throw new Error('the file has become shorter');
        loaded += n;
        progress(loaded, size);
      }
      return { at, size };
    } finally {
      fs.closeSync(file);
    }
  } catch (error) {
    if (error instanceof AshoreError || signal?.aborted) throw error;
    throw ioError(path, error);
  }
}

/** Begins to obtain bytes from a URL, path, Blob or buffer; the function that this returns brings
 *  them to `place` ({ allocate, write, read, bytes }) and says where they lie. */
export function obtain(source, signal) {
  const bytes = asBytes(source);
  if (bytes) {
    return async (place, progress) => {
      const at = place.allocate(bytes.length);
      place.write(at, bytes);
      progress(bytes.length, bytes.length);
      return { at, size: bytes.length };
    };
  }
  const blob = typeof Blob === 'function' && source instanceof Blob;
  if (!blob && typeof source !== 'string' && !(source instanceof URL)) {
    throw new AshoreError('ERR_ARGUMENT', 'a model is given as URL, Blob or buffer');
  }
  const path = blob ? null : filePath(source);
  if (path) return async (place, progress) => readFile(path, place, progress, signal);
  const response = blob ? Promise.resolve(new Response(source)) : request(source, signal);
  response.catch(() => {}); // reported by the one who awaits it
  return async (place, progress) => readResponse(await response, place, progress, signal);
}

const workerName = 'ashore:';
/** In a worker that openWorker made of ashore.js itself. */
export const isOwnWorker = !node && !isPage && String(globalThis.name).startsWith(workerName);

/** A worker of this package, in a page or in Node: { post, listen(onMessage, onError), stop }. */
export function openWorker(role) {
  const name = workerName + role;
  if (node) {
    // Without arguments of Node, some of which are for the main program alone.
    const worker = new node.threads.Worker(new URL('./worker.js', import.meta.url),
      { name, execArgv: [] });
    worker.unref();
    return {
      post: (message, transfer) => worker.postMessage(message, transfer),
      listen: (onMessage, onError) => worker.on('message', onMessage).on('error', onError),
      stop: () => worker.terminate(),
      ref: (on) => (on ? worker.ref() : worker.unref()),
    };
  }
  // What the page has loaded already, and not worker.js, which would be one more request.
  const worker = new Worker(new URL('./ashore.js', import.meta.url), { type: 'module', name });
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    listen: (onMessage, onError) => {
      worker.onmessage = ({ data }) => onMessage(data);
      worker.onerror = (event) => {
        event.preventDefault?.();
        onError(new Error(event.message ?? 'the worker could not be started'));
      };
    },
    stop: () => worker.terminate(),
    ref: () => {},
  };
}
