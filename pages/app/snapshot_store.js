// Where snapshots are kept: in IndexedDB, one for each page of the origin.  (It is there wherever the
// origin's private file system is, reads as fast, and is there for pages from a disk.)
const unused = 90 * 86400e3; // ms after which the snapshot of a page that nobody visits goes

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

const ended = (transaction) => new Promise((resolve, reject) => {
  transaction.oncomplete = () => resolve();
  transaction.onabort = () => reject(transaction.error
    ?? new DOMException('the transaction was aborted', 'AbortError'));
});

function open() {
  const request = indexedDB.open('ashore-app', 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore('index', { keyPath: 'page' });
    request.result.createObjectStore('bytes');
  };
  return done(request);
}

export class SnapshotStore {
  #db;

  /** Rejects where nothing can be kept. */
  static async open(page) {
    const store = new SnapshotStore();
    store.page = page;
    store.#db = await open();
    store.#db.onversionchange = () => store.#db.close();
    return store;
  }

  // Calls use(index, bytes) in one transaction: both are changed, or none.
  async #within(mode, use) {
    const transaction = this.#db.transaction(['index', 'bytes'], mode, { durability: 'relaxed' });
    const end = ended(transaction);
    end.catch(() => {});
    const result = await use(transaction.objectStore('index'), transaction.objectStore('bytes'));
    await end;
    return result;
  }

  /** The page's snapshot: { key, sum, tries, failures, bytes }, without bytes when it has failed;
   *  undefined when there is none. */
  find() {
    return this.#within('readonly', async (index, bytes) => {
      const record = await done(index.get(this.page));
      return record && { ...record, bytes: await done(bytes.get(this.page)) };
    });
  }

  /** Changes what is said of a snapshot, if it is there. */
  note(changes) {
    return this.#within('readwrite', async (index) => {
      const record = await done(index.get(this.page));
      if (record) await done(index.put({ ...record, ...changes }));
    });
  }

  /** Removes one that has failed, which is remembered. */
  fail() {
    return this.#within('readwrite', async (index, bytes) => {
      const record = await done(index.get(this.page));
      if (record) await done(index.put({ ...record, tries: 0, failures: record.failures + 1 }));
      await done(bytes.delete(this.page));
    });
  }

  drop() {
    return this.#within('readwrite', (index, bytes) => Promise.all(
      [done(index.delete(this.page)), done(bytes.delete(this.page))]));
  }

  /** Keeps a snapshot in the place of the one before; whether it does: not after `most` failures. */
  put(key, bytes, sum, most) {
    const now = Date.now();
    return this.#within('readwrite', async (index, all) => {
      const before = await done(index.get(this.page));
      const failures = before?.key === key ? before.failures : 0;
      if (failures >= most) return false;
      for (const { page, used } of await done(index.getAll())) {
        if (now - used > unused) await Promise.all([done(index.delete(page)), done(all.delete(page))]);
      }
      await Promise.all([done(all.put(bytes, this.page)),
        done(index.put({ page: this.page, key, sum, tries: 0, failures, used: now }))]);
      return true;
    });
  }
}
