// The page's part of snapshots: looks for the one of an earlier visit, and keeps the one that the worker
// makes.  Whatever goes wrong here leaves a page that starts as it does without.
import { SnapshotStore } from './snapshot_store.js';

const patience = 3000; // ms for the browser's storage to answer
const mostTries = 2; // starts that are begun with a snapshot and never come to the program
const mostFailures = 2; // in a row, of snapshots with the same key
const haveFailed = 'no snapshot of Python is kept: those before have failed in this browser';

const hasJSPI = typeof WebAssembly.Suspending === 'function';
const mega = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

// What Python has looked at when it started, beside the files.
const keyOf = ({ key }) => [key, hasJSPI ? 'jspi' : '', navigator.userAgent,
  (navigator.languages ?? []).join(), Intl.DateTimeFormat().resolvedOptions().timeZone].join('\n');

const pageOf = ({ href }) => href.replace(/[?#].*$/, '').replace(/\/index\.html$/, '/');

const explain = (error) => (error?.name === 'QuotaExceededError' ? 'the storage is full'
  : error?.message || error?.name || String(error));

const inTime = (promise) => new Promise((resolve, reject) => {
  setTimeout(reject, patience, new Error('the storage does not answer'));
  promise.then(resolve, reject);
});

const idle = () => new Promise((resolve) => {
  if (globalThis.requestIdleCallback) requestIdleCallback(resolve, { timeout: 3000 });
  else setTimeout(resolve, 1000);
});

const tell = (state, text) => {
  document.documentElement.dataset.snapshot = state;
  console.info(`Ashore: ${text}`);
};

export class Snapshot {
  #store = null;
  #key = '';

  /** What the worker is told: the bytes of a snapshot, or that one is wanted; null for neither. */
  given = null;

  /** about: what app.json says of snapshots. */
  static async find(about) {
    const snapshot = new Snapshot();
    if (!about || (location.protocol === 'file:' && about.where !== 'everywhere')) return snapshot;
    try {
      await inTime(snapshot.#find(about));
    } catch (error) {
      snapshot.given = null;
      tell('none', `no snapshot of Python can be kept: ${explain(error)}`);
    }
    return snapshot;
  }

  async #find(about) {
    this.#key = keyOf(about);
    this.#store = await SnapshotStore.open(pageOf(location));
    const found = await this.#store.find();
    if (found && found.key !== this.#key) {
      return this.#leave('it is of another build, browser or place', this.#store.drop());
    }
    if (found?.tries >= mostTries) {
      return this.#leave('starts with it have not come to their end', this.#store.fail());
    }
    if (found?.failures >= mostFailures) {
      tell('none', haveFailed);
    } else if (found?.bytes instanceof ArrayBuffer) {
      this.given = { bytes: found.bytes, sum: found.sum };
      this.#store.note({ tries: found.tries + 1 }).catch(() => {});
    } else {
      this.given = { wanted: true };
    }
    return undefined;
  }

  #leave(why, removed) {
    tell('dropped', `the snapshot of Python is not used: ${why}`);
    this.given = { wanted: true };
    return removed;
  }

  /** Buffers that are moved to the worker. */
  get transfer() { return this.given?.bytes ? [this.given.bytes] : []; }

  /** A message of the worker. */
  async take({ state, why, bytes, sum }) {
    try {
      if (state === 'used') {
        tell('used', 'Python was restored from a snapshot');
        await this.#store.note({ tries: 0, failures: 0, used: Date.now() });
      } else if (state === 'bad') {
        await this.#leave(why, this.#store.fail());
      } else if (state === 'unmade') {
        tell('none', `no snapshot of Python is kept: ${why}`);
      } else {
        await idle();
        if (!await this.#store.put(this.#key, bytes, sum, mostFailures)) tell('none', haveFailed);
        else tell('kept', `a snapshot of Python is kept for the next visit (${mega(bytes.byteLength)})`);
      }
    } catch (error) {
      if (state === 'made') tell('none', `no snapshot of Python is kept: ${explain(error)}`);
    }
  }
}
