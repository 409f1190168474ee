// What `ashore port` has written about the files of a folder, and whether files are what it says.
import { AshoreError, filePath, isPage, isURL, node, request } from './ashore.js';

const whole = 1 << 20; // bytes of a chunk, unless a manifest says something else
const hex = /^[0-9a-f]{64}$/;

/** The whole address of a URL, or of a path in Node. */
export function addressOf(source) {
  const path = filePath(source);
  if (path) return node.url.pathToFileURL(path).href;
  const url = new URL(source, isPage ? document.baseURI : globalThis.location?.href);
  url.hash = '';
  return url.href;
}

function check(manifest, where) {
  const good = (file) => typeof file?.path === 'string' && Number.isSafeInteger(file.bytes)
    && file.bytes >= 0 && hex.test(file.sha256) && (file.chunks === undefined
      || (Number.isSafeInteger(file.chunk) && file.chunk > 0 && Array.isArray(file.chunks)
        && file.chunks.length === Math.ceil(file.bytes / file.chunk)
        && file.chunks.every((one) => hex.test(one))));
  if (Array.isArray(manifest?.files) && manifest.files.every(good)) return manifest;
  throw new AshoreError('ERR_FORMAT', `${where}: this is no manifest`,
    { advice: 'It is written by `ashore port`, as manifest.json' });
}

function parse(text, where) {
  try {
    return JSON.parse(text);
  } catch {
    return check(null, where);
  }
}

/** Reads the manifest at an address.  kept: one of an earlier time, for when there is no network. */
async function fetchManifest(url, signal, kept) {
  const path = filePath(url);
  try {
    const text = path ? node.fs.readFileSync(path, 'utf8')
      : await (await request(url, signal, { cache: 'no-cache' })).text();
    return check(parse(text, url), url);
  } catch (error) {
    signal?.throwIfAborted();
    if (error.code === 'ERR_FORMAT') throw error;
    const old = await kept?.();
    if (old) return check(old, url);
    if (error.name === 'AshoreError') throw error;
    throw new AshoreError('ERR_IO', `${url}: ${error.message}`, { cause: error });
  }
}

/** manifest: an address or what lies there; then paths are relative to the model's address.
 *  Returns { model, external, find(source, location) -> entry }, and the manifest itself. */
export async function readManifest(given, source, { signal, kept, force, keep }) {
  let manifest = given;
  let base;
  if (isURL(given)) {
    base = addressOf(given);
    const old = () => kept?.(base);
    manifest = force ? await old() : undefined;
    if (!manifest) {
      manifest = await fetchManifest(base, signal, old);
      await keep?.(base, manifest);
    }
  } else {
    check(given, 'the manifest');
    base = isURL(source) ? addressOf(source) : 'file:///';
  }
  const entries = new Map(manifest.files.map((file) => [new URL(file.path, base).href, file]));
  return { manifest,
    find(from, location) {
      const name = isURL(from) ? addressOf(from)
        : new URL(location || manifest.model || '', base).href;
      const entry = entries.get(name);
      if (entry) return entry;
      throw new AshoreError('ERR_INTEGRITY', `the manifest does not list ${name}`,
        { advice: 'Its paths are relative to its own address' });
    },
    external: isURL(source) ? Object.fromEntries((manifest.external ?? []).map((location) =>
      [location, new URL(location, addressOf(source)).href])) : {} };
}

const canHash = () => Boolean(globalThis.crypto?.subtle);

/** What is missing where hashes cannot be computed; null. */
export const whyNoHashes = () => (canHash() ? null : { feature: 'integrity',
  why: 'crypto.subtle is there in secure contexts alone (https, localhost)',
  cost: 'files are not compared with their hashes' });

async function sha256(bytes) {
  const own = bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice(); // no shared memory
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', own));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** How the bytes of a file are checked while they arrive.  entry: of the manifest, or { sha256 }. */
export class Checker {
  constructor(name, entry) {
    this.name = name;
    this.entry = entry && canHash() ? entry : null;
    this.size = entry?.bytes;
    this.step = this.entry?.chunks ? entry.chunk : whole;
  }

  #fail(what) {
    return new AshoreError('ERR_INTEGRITY', `${this.name}: ${what}`, { advice: 'The file and its '
      + 'hash are of different versions, or it was changed on its way: write both anew, and clear '
      + 'the caches between' });
  }

  length(size) {
    if (this.size === undefined || this.size === size) return;
    throw this.#fail(`the file has ${size} bytes, the manifest says ${this.size}`);
  }

  /** So much has come. */
  most(size) {
    if (size > this.size) this.length(size);
  }

  /** The chunk of `step` bytes that begins at `at`. */
  async chunk(bytes, at) {
    if (!this.entry?.chunks) return;
    const i = at / this.step;
    if (await sha256(bytes) === this.entry.chunks[i]) return;
    throw this.#fail(`chunk ${i} of ${this.entry.chunks.length}, from byte ${at} on, is not what `
      + 'the manifest says');
  }

  /** All of it, where there are no chunks. */
  async all(bytes) {
    this.length(bytes.length);
    if (!this.entry || this.entry.chunks || await sha256(bytes) === this.entry.sha256) return;
    throw this.#fail('the file does not have the hash that is stated');
  }

  /** What lies there already. */
  async placed(bytes) {
    await this.all(bytes);
    for (let at = 0; at < bytes.length; at += this.step) {
      await this.chunk(bytes.subarray(at, at + this.step), at);
    }
  }
}
