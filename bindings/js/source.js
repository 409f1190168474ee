// Bytes of a URL, path, Blob or buffer, brought to where they are wanted.
import { isPage, node } from './host.js';
import { part } from './parts.js';
import { AshoreError } from './tensor.js';

export const isURL = (source) => typeof source === 'string' || source instanceof URL;

/** A URL that means the same in a worker. */
export const absolute = (source) => (isURL(source) && isPage
  ? new URL(source, document.baseURI).href : source instanceof URL ? source.href : source);

/** A record of the same names, each(value, name) in the place of values. */
export const mapRecord = (record, each) => Object.fromEntries(Object.entries(record).map(
  ([name, value]) => [name, each(value, name)]));

export const absoluteAll = (sources = {}) => mapRecord(sources, absolute);

/** The path of a file that Node reads, or null: what is fetched. */
export const filePath = (source) => {
  const text = String(source);
  if (!node || /^(https?|data|blob):/.test(text)) return null;
  return text.startsWith('file:') ? node.url.fileURLToPath(text) : text;
};

export const ioError = (what, cause, advice) => new AshoreError('ERR_IO',
  `${what}: ${cause.message}`, { cause, advice });

export const statusError = (url, { status, statusText }) => new AshoreError('ERR_IO',
  `${url}: the server answers ${`${status} ${statusText}`.trim()}`);

/** Fetches whatever the answer is; init as for fetch(). */
export async function ask(url, init) {
  try {
    return await fetch(url, init);
  } catch (error) {
    init.signal?.throwIfAborted();
    throw ioError(url, error, 'Is there a network, and do the other origin (CORS) and the page\'s '
      + 'policy (connect-src) allow it?');
  }
}

/** Fetches; an answer other than 2xx is an error. */
export async function request(url, signal, init) {
  const response = await ask(url, { ...init, signal });
  if (response.ok && response.body) return response;
  throw statusError(url, response);
}

// To its end, or to the signal, which the one who waits looks at.
const pause = (ms, signal) => new Promise((resolve) => {
  const end = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
    resolve();
  };
  const timer = setTimeout(end, ms);
  signal?.addEventListener('abort', end);
});

/** What says that a file is still the same: a strong ETag, a date, or ''. */
export const validator = ({ headers }) => {
  const tag = headers.get('etag');
  return (tag && !tag.startsWith('W/') ? tag : headers.get('last-modified')) ?? '';
};

// Another origin would be asked first whether it allows a header of ours.
const isOwnOrigin = (url) => !globalThis.location || new URL(url, location).origin === location.origin;

/** Streams what lies at url to sink, from its first answer on; goes on where a connection breaks off.
 *  sink: begin(total, response), also when it starts over, and write(bytes, at, total).
 *  size: what the file is known to have; 0. */
export async function download(url, response, sink, signal, size = 0) {
  const patience = 5; // connections in a row that may break without getting further
  const further = 65536; // bytes
  let [at, best, tries, changes, ranged, total, tag, lost] = [0, 0, 0, 0];
  const giveUp = (why) => {
    throw new AshoreError('ERR_IO', `${url}: ${why} after ${at} of ${total || 'unknown'} bytes`,
      { cause: lost, advice: 'Try again' });
  };
  const change = () => {
    if (changes++) giveUp('the file changes');
    tag = '';
  };
  for (;;) {
    const { headers, status, body } = response;
    const range = headers.get('content-range') ?? `bytes ${at}-/${total}`; // or may not be read
    const goesOn = ranged && status === 206;
    if (!goesOn) {
      const encoded = headers.get('content-encoding'); // then the length is the compressed one
      total = size || (encoded ? 0 : Number(headers.get('content-length')));
      tag = encoded ? '' : validator(response);
      at = 0;
      await sink.begin(total, response);
    }
    lost = undefined;
    const reader = body.getReader();
    try {
      if (goesOn && !(range.startsWith(`bytes ${at}-`) && (!total || range.endsWith(`/${total}`))
        && (validator(response) || tag) === tag)) {
        lost = range;
        change();
      }
      while (!lost) {
        const { done, value } = await reader.read().catch((error) => {
          lost = error;
          return { done: true };
        });
        signal?.throwIfAborted();
        if (done) break;
        await sink.write(value, at, total);
        at += value.length;
      }
    } finally {
      reader.cancel().catch(() => {});
    }
    if (!lost && at >= total) return at;
    if (at >= best + further) tries = 0;
    best = Math.max(best, at);
    for (response = null; !response;) {
      if (tries === patience) giveUp('the connection breaks off');
      await pause(250 << tries++, signal);
      signal?.throwIfAborted();
      const own = isOwnOrigin(url);
      ranged = at && tag && (own || tries < patience);
      try {
        response = await ask(url, { signal, headers: ranged
          ? { range: `bytes=${at}-`, ...own && { 'if-range': tag } } : {} });
      } catch (error) {
        signal?.throwIfAborted();
        lost = error;
        continue;
      }
      if (response.ok && response.body) break;
      if (response.status === 416) change();
      else if (response.status < 500 && response.status !== 429) throw statusError(url, response);
      response = null;
    }
  }
}

/** A sink that fills place ({ allocate, write, read, bytes }).  The bytes lie at `at`, or in chunks
 *  until the end where their number is not known. */
export function collect(place, progress) {
  let room = 0;
  return {
    begin(total) {
      this.chunks = total ? null : [];
      if (total > room) this.at = place.allocate(room = total);
    },
    write(value, at, total) {
      const end = at + value.length;
      if (!this.chunks && end > room) this.chunks = [place.read(this.at, at)];
      if (this.chunks) this.chunks.push(value);
      else place.write(this.at + at, value);
      progress(end, total);
    },
    end(size) {
      if (this.chunks) {
        let at = this.at = place.allocate(size);
        for (const chunk of this.chunks) {
          place.write(at, chunk);
          at += chunk.length;
        }
      }
      return { at: this.at, size };
    },
  };
}

/** Refuses what is no file of a model; bytes: its first. */
export function inspect(bytes, name, isModel) {
  const start = new TextDecoder().decode(bytes).trimStart().toLowerCase();
  const refuse = (what) => {
    throw new AshoreError('ERR_FORMAT', `${name}: ${what}`);
  };
  if (start.startsWith('version https://git-lfs')) {
    refuse('this is a pointer of Git LFS, not the file');
  }
  // No model begins with these characters.
  if (/^<(!doctype|html)/.test(start) || (isModel && /^[<{[]/.test(start))) {
    refuse('the server answered with a page, not a model');
  }
}

const asBytes = (source) => {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (!ArrayBuffer.isView(source)) return null;
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
};

/** Begins to obtain bytes from a URL, path, Blob or buffer; the function that this returns brings
 *  them to `place` ({ allocate, write, read, bytes }) and says where they lie. */
export function obtain(source, signal) {
  const bytes = asBytes(source);
  const blob = source instanceof Blob;
  if (bytes || blob) {
    return async (place, progress) => {
      const size = blob ? source.size : bytes.length;
      const at = place.allocate(size);
      for (let n = 0; n < size;) {
        const part = bytes ?? new Uint8Array(await source.slice(n, n + (1 << 24)).arrayBuffer()
          .catch((error) => { throw ioError('the Blob', error); }));
        signal?.throwIfAborted();
        place.write(at + n, part);
        progress(n += part.length, size);
      }
      return { at, size };
    };
  }
  if (!isURL(source)) {
    throw new AshoreError('ERR_ARGUMENT', 'a model is given as URL, Blob or buffer');
  }
  const path = filePath(source);
  if (path) {
    return async (place, progress) =>
      (await part('node')).readFile(path, place, progress, signal);
  }
  const response = request(source, signal);
  response.catch(() => {}); // reported by the one who awaits it
  return async (place, progress) => {
    const sink = collect(place, progress);
    return sink.end(await download(source, await response, sink, signal));
  };
}
