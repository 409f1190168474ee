// Threads of engines that are made at once, while the worker of Python does not return to its event
// loop.  They are opened here ahead, or lent by the page (lend.js).
import { workerOpener } from './ashore.js';

export const patience = 10000; // ms for a thread to start, or to join

// A worker that answers has started: what it is asked, it does not know.
function openSpare(open, index) {
  let worker;
  const spare = { failed: '', stop: () => worker?.stop() };
  spare.started = new Promise((resolve) => {
    const settle = (failed = '') => {
      clearTimeout(timer);
      spare.failed ||= failed;
      if (failed) worker?.stop();
      else worker.ref(false);
      resolve();
    };
    const timer = setTimeout(settle, patience, 'a worker did not start in time');
    try {
      worker = open(index);
      worker.ref(true);
      worker.listen(() => settle(), (error) => settle(error.message));
      worker.post({ id: 0 });
    } catch (error) {
      settle(error.message);
    }
  });
  spare.join = (module, memory) => worker.post({ role: 'member', module, memory, worker: index });
  return spare;
}

// Threads of the next engines, one set each: they have started before they are asked for, since a worker
// starts when the one that opens it returns to its event loop.
class Spares {
  #sets = [];

  constructor(open, count, sessions) {
    this.open = open;
    this.count = count;
    for (let i = 0; i < sessions; i++) this.#add();
  }

  #add() {
    const set = { isReady: false,
      members: Array.from({ length: this.count }, (_, i) => openSpare(this.open, i + 1)) };
    set.ready = Promise.all(set.members.map(({ started }) => started)).then(() => {
      set.isReady = true;
    });
    this.#sets.push(set);
  }

  get ready() { return Promise.all(this.#sets.map(({ ready }) => ready)); }

  join(module, memory) {
    if (!this.#sets[0]?.isReady) {
      return { expected: 0, stop() {}, why: 'the threads of this session have not started yet: they do '
        + 'while Python awaits something, as `await ashore.ready()`' };
    }
    const { members } = this.#sets.shift();
    this.#add();
    const good = members.filter(({ failed }) => !failed);
    for (const member of good) member.join(module, memory);
    return { expected: good.length, why: members.find(({ failed }) => failed)?.failed,
      stop: () => { for (const member of good.splice(0)) member.stop(); } };
  }

  close() {
    for (const { members } of this.#sets.splice(0)) for (const member of members) member.stop();
  }
}

let last = 0; // pool, of all that one page may be asked for

class Lent {
  #port;
  #count;

  constructor(port, count) {
    this.#port = port;
    this.#count = count;
    this.ready = Promise.resolve();
  }

  join(module, memory) {
    const told = new SharedArrayBuffer(512);
    const words = new Int32Array(told, 0, 2);
    const pool = ++last;
    const count = this.#count;
    this.#port.postMessage({ pool, count, module, memory, told });
    return {
      get expected() { return count - Atomics.load(words, 0); },
      get why() {
        return words[1] ? new TextDecoder().decode(new Uint8Array(told, 8, words[1]).slice()) : undefined;
      },
      stop: () => this.#port.postMessage({ end: pool }),
    };
  }

  close() { this.#port.postMessage({ idle: 0 }); }
}

// Says to the page that lends how many are to be ready.  While this worker lives it holds a lock, by
// which the page learns of its end.
function greet(port, idle) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the page does not answer: threadsFrom is the port '
      + 'of lendThreads()')), patience);
    port.onmessage = () => {
      clearTimeout(timer);
      resolve();
    };
    const lock = `ashore:${crypto.randomUUID()}`;
    navigator.locks.request(lock, () => {
      port.postMessage({ idle, lock });
      return new Promise(() => {});
    }).catch(reject);
  });
}

/** What gives engines their threads: `count` each, for the next `sessions` ahead.  join(module, memory)
 *  makes { expected, why, stop() }: how many threads are about to join, and why it is no more; ready: a
 *  promise, settled when those of all engines to come have started.  from: the port of a page's
 *  lendThreads(); worker: the address of the threads' script. */
export async function openThreads({ from, worker }, count, sessions) {
  if (!from) return new Spares(await workerOpener(worker), count, sessions);
  await greet(from, count * sessions);
  return new Lent(from, count);
}
