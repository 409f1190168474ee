// Which module the host can run, and on how many threads.
import { isPage, node } from './host.js';
import { AshoreError } from './tensor.js';

// A module of one function with this body is valid where its instructions are known.
const knows = (...body) => WebAssembly.validate(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0,
  1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, body.length + 4, 1, body.length + 2, 0, ...body, 11));
const splat = [65, 0, 253, 15]; // i32.const 0, i8x16.splat
const features = {
  scalar: () => true,
  simd128: () => knows(...splat, 26),
  // i32x4.relaxed_dot_i8x16_i7x16_add_s, the last: some hosts know the first of them alone.
  relaxed: () => knows(...splat, ...splat, ...splat, 253, 147, 2, 26),
};
const best = ['relaxed', 'simd128', 'scalar'];
const costs = {
  relaxed: 'matrix products and convolutions run without fused multiply-add',
  simd128: 'kernels run on one number at a time, several times slower',
  threads: (wanted, got = 1) => `work runs on ${got} of ${wanted} threads`,
};

function whyNoThreads(inPage) {
  if (node) return '';
  if (globalThis.crossOriginIsolated !== true) {
    return 'the page is not cross-origin isolated (headers Cross-Origin-Opener-Policy: same-origin'
      + ' and Cross-Origin-Embedder-Policy: require-corp)';
  }
  if (typeof SharedArrayBuffer !== 'function') return 'the host has no SharedArrayBuffer';
  if (inPage) return "a page's own thread may not wait for others: use the worker shell";
  if (typeof Worker !== 'function') return 'this kind of worker cannot start workers';
  return '';
}

/** Which module to use, on how many threads, and what is missing against what was asked for.  full:
 *  the one with every operator, of each variant; inPage: the engine is to run on a page's thread. */
export function choose({ variant = 'auto', threads = 0, memoryLimit = 0, strict = false,
  full = false, inPage = isPage } = {}) {
  for (const [name, value] of Object.entries({ threads, memoryLimit })) {
    if (!(value >= 0)) {
      throw new AshoreError('ERR_ARGUMENT', `${name} is ${value}, and must be a number from 0`);
    }
  }
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
  const maxThreads = 16;
  let count = Math.min(threads || Math.min(cores || 1, 4), maxThreads);
  if (threads > maxThreads) {
    missing.push({ feature: 'threads', why: `an engine has at most ${maxThreads}`,
      cost: costs.threads(threads, maxThreads) });
  }
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
  choice.missing.push({ feature: 'threads', why, cost: costs.threads(choice.threads, got) });
  choice.threads = got;
}
