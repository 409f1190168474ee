// Where copies of models are kept: an index in IndexedDB, and the bytes in the origin's private file
// system, or as chunks in IndexedDB where that is not to be had.
//
// A copy is one name: a file, or chunks [name, number].  It counts when a record of the index names
// it, which is written last; what no record names is swept, unless somebody is writing it.
import { version } from './ashore.js';

const day = 86400e3;
const piece = 1 << 20; // bytes of a record in IndexedDB
const lockOf = (name) => `ashore:${name}`;

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

const settled = (transaction) => new Promise((resolve, reject) => {
  transaction.oncomplete = () => resolve();
  transaction.onerror = transaction.onabort = () => reject(transaction.error
    ?? new DOMException('the transaction was aborted', 'AbortError'));
});

function openIndex() {
  const request = indexedDB.open('ashore', 1);
  request.onupgradeneeded = () => {
    const db = request.result;
    db.createObjectStore('files', { keyPath: 'url' });
    db.createObjectStore('manifests', { keyPath: 'url' });
    db.createObjectStore('chunks');
  };
  return done(request);
}

// Calls use(stores...) in one transaction, and waits for its end.
async function within(db, names, mode, use) {
  const transaction = db.transaction(names, mode, { durability: 'relaxed' });
  const end = settled(transaction);
  end.catch(() => {});
  const result = await use(...names.map((name) => transaction.objectStore(name)));
  await end;
  return result;
}

const chunksOf = (name) => IDBKeyRange.bound([name, 0], [name, Infinity]);

async function openFolder() {
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle('ashore', { create: true });
  } catch {
    return null; // not there, or not in a private window
  }
}

/** In dedicated workers files can be written and read where the bytes are. */
const hasHandles = () => typeof FileSystemFileHandle === 'function'
  && 'createSyncAccessHandle' in FileSystemFileHandle.prototype;

/** A lock for as long as a name is written: { release }. */
function hold(name) {
  const held = {};
  held.taken = new Promise((resolve) => {
    const until = new Promise((release) => { held.release = release; });
    if (!navigator.locks) resolve();
    else navigator.locks.request(lockOf(name), () => (resolve(), until)).catch(resolve);
  });
  return held;
}

export class Store {
  #db;
  #folder;

  /** null: nothing can be kept here. */
  static async open() {
    const store = new Store();
    try {
      store.#db = await openIndex();
      store.#folder = await openFolder();
      return store;
    } catch (error) {
      return Object.assign(Object.create(null), { why: error?.message ?? 'no IndexedDB' });
    }
  }

  close() { this.#db.close(); }

  get kind() { return this.#folder && hasHandles() ? 'opfs' : 'indexeddb'; }

  // ---- the index --------------------------------------------------------------------------------

  find(url) { return within(this.#db, ['files'], 'readonly', (files) => done(files.get(url))); }

  all() { return within(this.#db, ['files'], 'readonly', (files) => done(files.getAll())); }

  manifest(url) {
    return within(this.#db, ['manifests'], 'readonly', (all) => done(all.get(url)))
      .then((found) => found?.manifest);
  }

  keepManifest(url, manifest) {
    return within(this.#db, ['manifests'], 'readwrite', (all) => done(all.put({ url, manifest })))
      .catch(() => {}); // it is asked for again
  }

  /** The copy was used now. */
  touch(record) {
    return within(this.#db, ['files'], 'readwrite', async (files) => {
      const now = await done(files.get(record.url));
      if (now?.name === record.name) await done(files.put({ ...now, used: Date.now() }));
    }).catch(() => {});
  }

  /** Removes a copy, and its record if it is still the one. */
  async drop(record) {
    await within(this.#db, ['files'], 'readwrite', async (files) => {
      const now = await done(files.get(record.url));
      if (now?.name === record.name) await done(files.delete(record.url));
    });
    await this.#remove(record.name);
  }

  async #remove(name) {
    // What somebody reads cannot be removed: it is swept later.
    await this.#folder?.removeEntry(name).catch(() => {});
    await within(this.#db, ['chunks'], 'readwrite', (chunks) => done(chunks.delete(chunksOf(name))));
  }

  async clear() {
    await within(this.#db, ['files', 'manifests'], 'readwrite', (files, manifests) => Promise.all(
      [done(files.clear()), done(manifests.clear())]));
    await this.sweep();
  }

  /** Removes what was begun and never finished. */
  async sweep() {
    // In this order: what is finished in between is in the index.
    const names = new Set();
    if (this.#folder) for await (const name of this.#folder.keys()) names.add(name);
    for (const [name] of await within(this.#db, ['chunks'], 'readonly', (chunks) =>
      done(chunks.getAllKeys()))) names.add(name);
    const held = (await navigator.locks?.query())?.held?.map((lock) => lock.name);
    const kept = new Set((await this.all()).map(({ name }) => name));
    for (const name of names) {
      const alive = held ? held.includes(lockOf(name))
        : Date.now() - parseInt(name, 36) < day; // names begin with the time
      if (!kept.has(name) && !alive) await this.#remove(name);
    }
  }

  // ---- bytes --------------------------------------------------------------------------------------

  /** Reads a copy into place: calls each(at, size) for the part that has come. */
  async read(record, place, at, step, each) {
    const parts = record.store === 'opfs' ? this.#fileParts(record) : this.#chunkParts(record);
    for await (const [from, size, put] of parts(step)) {
      await put(place, at + from);
      await each(from, size);
    }
  }

  #fileParts({ name, bytes }) {
    const folder = this.#folder;
    return async function* parts(step) {
      const handle = await folder.getFileHandle(name);
      // Another tab may have it open: then it is read as a File.
      const direct = hasHandles()
        ? await handle.createSyncAccessHandle({ mode: 'read-only' }).catch(() => null) : null;
      const file = direct ? null : await handle.getFile();
      try {
        if ((direct ? direct.getSize() : file.size) !== bytes) throw new Error('its size is another');
        for (let at = 0; at < bytes; at += step) {
          const size = Math.min(step, bytes - at);
          yield [at, size, async (place, to) => {
            if (!direct) {
              place.write(to, new Uint8Array(await file.slice(at, at + size).arrayBuffer()));
            } else if (direct.read(place.bytes(to, size), { at }) !== size) {
              throw new Error('it ends early');
            }
          }];
        }
      } finally {
        direct?.close();
      }
    };
  }

  #chunkParts({ name, bytes }) {
    const db = this.#db;
    return async function* parts(step) {
      let ready = 0;
      for (let at = 0; at < bytes; at += step) {
        const size = Math.min(step, bytes - at);
        yield [at, size, async (place, to) => {
          for (; ready < at + size; ready += piece) {
            const data = await within(db, ['chunks'], 'readonly', (chunks) =>
              done(chunks.get([name, ready / piece])));
            if (data?.byteLength !== Math.min(piece, bytes - ready)) throw new Error('a part is gone');
            place.write(to - at + ready, new Uint8Array(data));
          }
        }];
      }
    };
  }

  /** Begins a copy: { write(bytes, at), commit(record), abort() }. */
  async writer() {
    const name = `${Date.now().toString(36)}-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;
    const lock = hold(name);
    await lock.taken;
    const kind = this.kind;
    let handle = null;
    try {
      if (kind === 'opfs') {
        handle = await (await this.#folder.getFileHandle(name, { create: true }))
          .createSyncAccessHandle();
      }
    } catch (error) {
      lock.release();
      throw error;
    }
    let rest = new Uint8Array(0); // of a record in IndexedDB
    const put = (data, i) => within(this.#db, ['chunks'], 'readwrite', (chunks) =>
      done(chunks.put(data, [name, i])));
    const write = async (bytes, at) => {
      if (handle) {
        if (handle.write(bytes, { at }) !== bytes.length) {
          throw new DOMException('the file system is full', 'QuotaExceededError');
        }
        return;
      }
      let data = new Uint8Array(rest.length + bytes.length);
      data.set(rest);
      data.set(bytes, rest.length);
      let i = (at - rest.length) / piece;
      for (; data.length >= piece; data = data.slice(piece)) {
        await put(data.slice(0, piece).buffer, i++);
      }
      rest = data;
    };
    const end = () => {
      handle?.close();
      handle = null;
      lock.release();
    };
    return { write, kind,
      commit: async (record) => {
        if (handle) handle.flush();
        else if (rest.length) await put(rest.buffer, Math.floor(record.bytes / piece));
        const now = Date.now();
        const old = await within(this.#db, ['files'], 'readwrite', async (files) => {
          const before = await done(files.get(record.url));
          await done(files.put({ ...record, name, store: kind, version, date: now, used: now }));
          return before;
        });
        end();
        if (old) await this.#remove(old.name);
      },
      abort: async () => {
        const held = lock;
        handle?.close();
        handle = null;
        await this.#remove(name).catch(() => {});
        held.release();
      } };
  }

  /** Removes the copies that were used longest ago, until there is room for `bytes`; not that of
   *  `url`.  Whether there is. */
  async makeRoom(bytes, url, atLeastOne = false) {
    const room = async () => {
      const { quota = Infinity, usage = 0 } = await navigator.storage?.estimate?.() ?? {};
      return quota - usage;
    };
    const records = (await this.all()).filter((record) => record.url !== url)
      .sort((a, b) => a.used - b.used);
    let must = atLeastOne;
    while (must || await room() < bytes) {
      const oldest = records.shift();
      if (!oldest) return false;
      await this.drop(oldest);
      must = false;
    }
    return true;
  }
}
