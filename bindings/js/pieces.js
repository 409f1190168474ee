// A file of which only the parts are fetched that are asked for.
import { ask, AshoreError, filePath, isURL, node, statusError } from './ashore.js';

const small = 1 << 20; // bytes that are fetched whole where there are no ranges
const most = 32 << 20; // bytes that are fetched in all
const least = 16384; // bytes of the first piece behind a gap; then twice as many, up to
const largest = 262144;
const attempts = 3;

const noRanges = (url) => new AshoreError('ERR_UNSUPPORTED',
  `${url}: the server does not serve ranges of a file`, { advice: 'Turn them on (Accept-Ranges: '
  + 'bytes, Content-Range), or give the manifest of `ashore port` that has an estimate' });

/** Reads at most `size` bytes of an answer. */
async function readBody(response, size) {
  const bytes = new Uint8Array(size);
  const reader = response.body.getReader();
  let at = 0;
  try {
    while (at < size) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes.set(value.subarray(0, size - at), at);
      at += Math.min(value.length, size - at);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
  return bytes.subarray(0, at);
}

function openURL(url, signal, known) {
  const file = { size: known, requests: 0, bytes: 0 };
  let tag;
  const once = async (from, to) => {
    file.requests++;
    const response = await ask(url, { signal, headers: { range: `bytes=${from}-${to - 1}` } });
    const { headers, status } = response;
    if (status === 206) {
      const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get('content-range') ?? '');
      const same = headers.get('etag') ?? headers.get('last-modified') ?? tag;
      tag ??= same;
      file.size ??= range ? Number(range[3]) : undefined;
      if (file.size === undefined) {
        response.body.cancel().catch(() => {});
        throw noRanges(url);
      }
      if (tag !== same || (range && (Number(range[1]) !== from || Number(range[3]) !== file.size))) {
        response.body.cancel().catch(() => {});
        throw new AshoreError('ERR_IO', `${url}: the file changes`, { advice: 'Try again' });
      }
      return readBody(response, Math.min(to, file.size) - from);
    }
    const length = Number(headers.get('content-length') ?? NaN);
    if (response.ok && length <= small && !headers.get('content-encoding')) {
      file.size = length;
      const bytes = await readBody(response, length);
      return bytes.subarray(from); // from is 0: no server comes here later
    }
    response.body?.cancel().catch(() => {});
    throw response.ok ? noRanges(url) : statusError(url, response);
  };
  file.read = async (from, to) => {
    for (let attempt = 1; ; attempt++) {
      try {
        const bytes = await once(from, to);
        if (bytes.length >= Math.min(to, file.size) - from) return bytes;
        throw new AshoreError('ERR_IO', `${url}: the answer ends after ${bytes.length} bytes`,
          { advice: 'Try again' });
      } catch (error) {
        signal?.throwIfAborted();
        if (attempt === attempts || error.code === 'ERR_UNSUPPORTED') throw error;
      }
    }
  };
  return file;
}

function openPath(path) {
  const bytesOf = (use) => {
    try {
      return use();
    } catch (error) {
      throw new AshoreError('ERR_IO', `${path}: ${error.message}`,
        { cause: error, advice: 'Is the path right?' });
    }
  };
  return { requests: 0, size: bytesOf(() => node.fs.statSync(path).size), async read(from, to) {
    return bytesOf(() => {
      const file = node.fs.openSync(path, 'r');
      try {
        const bytes = new Uint8Array(Math.min(to, this.size) - from);
        return bytes.subarray(0, node.fs.readSync(file, bytes, 0, bytes.length, from));
      } finally {
        node.fs.closeSync(file);
      }
    });
  } };
}

function openSource(source, signal, known) {
  if (isURL(source)) {
    const path = filePath(source);
    return path ? openPath(path) : openURL(String(source), signal, known);
  }
  const blob = source instanceof Blob ? source : new Blob([source]);
  return { requests: 0, size: blob.size,
    read: async (from, to) => new Uint8Array(await blob.slice(from, to).arrayBuffer()) };
}

export class Pieces {
  #file;
  #name;
  #step = 65536;

  /** known: the file's size, where it is known. */
  constructor(source, name, signal, known) {
    this.#file = openSource(source, signal, known);
    this.#name = name;
    this.all = []; // { from, to, bytes }: bytes has room behind
    this.bytes = 0;
  }

  get size() { return this.#file.size; }

  get requests() { return this.#file.requests; }

  get last() { return this.all.at(-1); }

  /** Whether [from, to) is there, in the last piece. */
  has(from, to) {
    const { last } = this;
    return last !== undefined && from >= last.from && to <= last.to;
  }

  /** Fetches [from, to) and a little more; to may lie behind the end. */
  async need(from, to) {
    let { last } = this;
    if (!last || from > last.to) {
      if (last) this.#step = least;
      last = { from, to: from, bytes: new Uint8Array(0) };
      this.all.push(last);
    }
    const end = Math.max(to, last.to + this.#step);
    if (this.bytes + end - last.to > most) {
      throw new AshoreError('ERR_LIMIT', `${this.#name}: it takes more than ${most} bytes to tell what `
        + 'the model needs', { advice: 'Its weights are many small ones: load it' });
    }
    const bytes = await this.#file.read(last.to, Math.min(end, this.size ?? end));
    this.#step = Math.min(2 * this.#step, largest);
    const room = last.to - last.from + bytes.length;
    if (room > last.bytes.length) {
      const grown = new Uint8Array(2 * room);
      grown.set(last.bytes.subarray(0, last.to - last.from));
      last.bytes = grown;
    }
    last.bytes.set(bytes, last.to - last.from);
    last.to += bytes.length;
    this.bytes += bytes.length;
  }
}
