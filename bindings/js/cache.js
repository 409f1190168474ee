// `import 'ashore/cache'`, or loaded when load() is asked for a cache, a manifest or a hash: files that
// are kept for the next visit, and compared with what they should be.
import {
  ask, AshoreError, collect, download, filePath, inspect, isURL, node, obtain, parts, request, version,
} from './ashore.js';
import { addressOf, Checker, readManifest, whyNoHashes } from './manifest.js';
import { Store } from './store.js';

const isFetched = (source) => isURL(source) && !filePath(source)
  && /^https?:/.test(addressOf(source));
const isFull = (error) => error?.name === 'QuotaExceededError';
const tagOf = ({ headers }) => headers.get('etag') ?? headers.get('last-modified') ?? '';

// The file on its way: into the engine's memory, checked chunk by chunk, and from there into the store.
class Arrival {
  constructor(job, place, progress) {
    Object.assign(this, job, { place });
    this.sink = collect(place, progress);
    this.done = 0;
  }

  async begin(total, response) {
    const { checker, sink, store } = this;
    const stated = response.headers.get('content-encoding') ? 0
      : Number(response.headers.get('content-length'));
    if (stated) checker.length(stated);
    sink.begin(total);
    this.done = 0;
    this.total = total;
    this.tag = tagOf(response);
    await this.drop();
    if (!store) return;
    try {
      if (await store.makeRoom(total, this.url)) this.writer = await store.writer();
      else this.report.why = `the quota has no room for ${total} bytes`;
    } catch (error) {
      this.report.why = error.message;
    }
  }

  async write(bytes, at, total) {
    this.checker.most(at + bytes.length);
    this.sink.write(bytes, at, total);
    if (!this.sink.chunks) await this.settle(at + bytes.length, this.sink.at, false);
  }

  // Checks and keeps what is there up to `end`, in whole chunks.
  async settle(end, start, last) {
    const { step } = this.checker;
    for (; this.done < end; this.done += step) {
      const size = Math.min(step, end - this.done);
      if (size < step && !last) return;
      const bytes = this.place.bytes(start + this.done, size);
      await this.checker.chunk(bytes, this.done);
      await this.keep(bytes, this.done);
    }
  }

  async keep(bytes, at) {
    while (this.writer) {
      try {
        await this.writer.write(bytes, at);
        return;
      } catch (error) {
        if (isFull(error) && await this.store.makeRoom(0, this.url, true)) continue;
        this.report.why = isFull(error) ? 'the quota is full' : error.message;
        await this.drop();
      }
    }
  }

  async end(size) {
    const { checker, place, url } = this;
    const found = this.sink.end(size);
    const bytes = place.bytes(found.at, size);
    await this.settle(size, found.at, true);
    await checker.all(bytes);
    inspect(bytes.slice(0, 64), url, this.isModel);
    if (!this.writer) return found;
    try {
      await this.writer.commit({ url, model: this.model, bytes: size, hash: this.hash,
        tag: this.tag });
      this.report.store = this.writer.kind;
      this.writer = null;
    } catch (error) {
      this.report.why = error.message;
      await this.drop();
    }
    return found;
  }

  async drop() {
    const { writer } = this;
    this.writer = null;
    await writer?.abort();
  }
}

async function fromNetwork(job, place, progress, response) {
  const arrival = new Arrival(job, place, progress);
  const { signal, url } = job;
  try {
    return await arrival.end(await download(url, response, arrival, signal, job.checker.size));
  } catch (error) {
    await arrival.drop();
    throw error;
  }
}

async function fromStore({ kept, store, checker, signal }, place, progress) {
  const { bytes } = kept;
  checker.length(bytes);
  const at = place.allocate(bytes);
  await store.read(kept, place, at, checker.step, async (from, size) => {
    signal?.throwIfAborted();
    await checker.chunk(place.bytes(at + from, size), from);
    progress(from + size, bytes);
  });
  await checker.all(place.bytes(at, bytes));
  await store.touch(kept);
  return { at, size: bytes };
}

// What to do about a file: { kept } where the copy is taken, { response } where it comes anew.
async function decide(job, mode) {
  const { url, signal, store, hash } = job;
  const found = await store?.find(url).catch(() => null);
  const kept = found?.version === version && (!hash || found.hash === hash) ? found : null;
  if (kept && (mode === 'force' || hash)) return { kept };
  if (!kept) return { response: await request(url, signal) };
  const own = !globalThis.location || new URL(url).origin === globalThis.location.origin;
  const dated = kept.tag.includes(':') && !kept.tag.includes('"');
  const init = { signal, cache: own ? 'no-store' : 'no-cache' };
  // Another origin would be asked first whether it allows the header.
  if (own && kept.tag) init.headers = { [dated ? 'if-modified-since' : 'if-none-match']: kept.tag };
  let response;
  try {
    response = await ask(url, init);
  } catch {
    signal?.throwIfAborted();
    return { kept, why: 'the server cannot be asked whether the file has changed' };
  }
  const { ok, status, headers } = response;
  const length = headers.get('content-encoding') ? null : headers.get('content-length');
  const same = ok && tagOf(response) === kept.tag && (length ? Number(length) === kept.bytes
    : kept.tag);
  if (same || status === 304 || status >= 500) {
    response.body?.cancel().catch(() => {});
    return { kept, ...status >= 500 && { why: `the server answers ${status}` } };
  }
  return { response: ok ? response : await request(url, signal) };
}

// Every attempt at a file fills the same memory.
function again(place) {
  let [at, room] = [0, -1];
  return { ...place, allocate(size) {
    if (size > room) at = place.allocate(room = size);
    return at;
  } };
}

async function bring(job, decided, given, progress) {
  const { kept, response, why } = await decided;
  const place = again(given);
  if (kept) {
    try {
      const found = await fromStore({ ...job, kept }, place, progress);
      Object.assign(job.report, { used: true, store: kept.store });
      if (why) job.report.why = why;
      return found;
    } catch (error) {
      job.signal?.throwIfAborted();
      if (error.code === 'ERR_LIMIT' || error.code === 'ERR_NOMEM') throw error;
      await job.store.drop(kept).catch(() => {});
      job.report.why = `the copy was damaged: ${error.message}`;
    }
  }
  try {
    return await fromNetwork(job, place, progress, response ?? await request(job.url, job.signal));
  } catch (error) {
    if (error.code !== 'ERR_INTEGRITY' || node) throw error;
    // It may have come from the browser's own cache, which is older than the manifest.
    return fromNetwork(job, place, progress, await request(job.url, job.signal, { cache: 'reload' }));
  }
}

// From memory, or of a file: checked, and not kept.
async function bringOther(job, brought, place, progress) {
  const found = await brought(place, progress);
  await job.checker.placed(place.bytes(found.at, found.size));
  return found;
}

async function openStore(missing) {
  const store = await Store.open();
  if (store instanceof Store) return store;
  missing.push({ feature: 'cache', why: `nothing can be kept here: ${store.why}`,
    cost: 'models are downloaded on each visit' });
  return null;
}

/** Begins to obtain a model and its external data: { files: [[location, bring]], missing, report(),
 *  close() }. */
export async function begin(source, options) {
  const { cache, external = {}, manifest: given, sha256, signal } = options;
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new AshoreError('ERR_ARGUMENT', `sha256 is '${sha256}'`,
      { advice: 'It must be 64 digits 0-9 and a-f, as sha256sum writes them' });
  }
  const missing = [];
  const noHashes = given || sha256 ? whyNoHashes() : null;
  if (noHashes) missing.push(noHashes);
  const store = cache ? await openStore(missing) : null;
  const swept = store?.sweep().catch(() => {});
  try {
    const manifest = given ? await readManifest(given, source, { signal, force: cache === 'force',
      kept: store && ((url) => store.manifest(url)),
      keep: store && ((url, found) => store.keepManifest(url, found)) }) : null;
    const all = [...Object.entries({ ...manifest?.external, ...external }), ['', source]];
    const reports = [];
    const files = all.map(([location, from]) => {
      const entry = manifest?.find(from, location) ?? (!location && sha256 ? { sha256 } : undefined);
      const fetched = isFetched(from);
      const report = { why: '', fetched };
      reports.push(report);
      const url = fetched ? addressOf(from) : '';
      const job = { url, signal, report, store: fetched ? store : null, hash: entry?.sha256 ?? '',
        model: isFetched(source) ? addressOf(source) : '', isModel: !location,
        checker: new Checker(isURL(from) ? addressOf(from) : location || options.name || 'model',
          entry) };
      if (!fetched) {
        if (store) report.why = 'only what is fetched is kept';
        const brought = obtain(from, signal);
        return [location, (place, progress) => bringOther(job, brought, place, progress)];
      }
      const decided = decide(job, cache);
      decided.catch(() => {}); // reported by the one who awaits it
      return [location, (place, progress) => bring(job, decided, place, progress)];
    });
    return { files, missing, report: () => cache && {
      from: reports.every(({ used }) => used) ? 'cache'
        : reports.some(({ fetched }) => fetched) ? 'network' : 'none',
      store: reports.map((report) => report.store).find(Boolean) ?? null,
      why: reports.map(({ why }) => why).find(Boolean) ?? missing.find(({ feature }) =>
        feature === 'cache')?.why ?? '' },
    close: () => swept?.then(() => store.close()) };
  } catch (error) {
    swept?.then(() => store.close());
    throw error;
  }
}

async function withStore(use, otherwise) {
  const store = await Store.open();
  if (!(store instanceof Store)) return otherwise;
  try {
    return await use(store);
  } finally {
    store.close();
  }
}

const belongs = (url) => (record) => record.url === url || record.model === url;

/** What is kept of a model, with its external data: null, or { url, bytes, files, hash, date, used,
 *  store, version }. */
export function cached(source) {
  const url = addressOf(source);
  return withStore(async (store) => {
    const records = (await store.all()).filter(belongs(url));
    const own = records.find((record) => record.url === url && record.version === version);
    if (!own) return null;
    return { url, bytes: records.reduce((sum, { bytes }) => sum + bytes, 0), files: records.length,
      hash: own.hash || null, date: new Date(own.date), used: new Date(own.used), store: own.store,
      version: own.version };
  }, null);
}

/** Removes a model's copies, or all: whether there were any. */
export function evict(source) {
  const url = source === undefined ? null : addressOf(source);
  return withStore(async (store) => {
    const records = (await store.all()).filter(url === null ? () => true : belongs(url));
    for (const record of records) await store.drop(record);
    if (url === null) await store.clear();
    return records.length > 0;
  }, false);
}

parts.cache = () => ({ begin, cached, evict });
