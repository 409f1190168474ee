// Threads that a page lends to an engine in a worker, which need not open any: pyodide_threads.js is the
// other side.  The page's event loop is free while Python keeps the worker's busy, so that they start in
// the middle of what Python does.
import { leavePool, workerOpener } from './ashore.js';

// Tells an engine, which may not return to its event loop, that a member of its pool has failed: the
// number of those, the length of the first one's reason, and the reason in UTF-8.
function tell(told, reason) {
  const words = new Int32Array(told, 0, 2);
  if (!words[0]) {
    const bytes = new TextEncoder().encode(reason).subarray(0, told.byteLength - 8);
    new Uint8Array(told, 8).set(bytes);
    words[1] = bytes.length;
  }
  Atomics.add(words, 0, 1);
}

class Lender {
  #open;
  #idle = []; // threads that have started, or are about to, and have no pool
  #wanted = 0; // of those
  #pools = new Map(); // { memory, words, told, threads } by number

  constructor(open) { this.#open = open; }

  #openThread() {
    const thread = { pool: null, failed: '', worker: null };
    const fail = ({ message }) => {
      thread.failed ||= message;
      thread.worker?.stop();
      if (thread.pool) tell(thread.pool.told, thread.failed);
    };
    try {
      thread.worker = this.#open(1);
      thread.worker.listen((words) => { if (thread.pool) thread.pool.words = words; }, fail);
    } catch (error) {
      fail(error);
    }
    return thread;
  }

  #refill() {
    while (this.#idle.length > this.#wanted) this.#idle.pop().worker?.stop();
    while (this.#idle.length < this.#wanted) this.#idle.push(this.#openThread());
  }

  #begin({ pool: number, count, module, memory, told }) {
    const pool = { memory, words: 0, told, threads: [] };
    this.#pools.set(number, pool);
    while (pool.threads.length < count) {
      const thread = this.#idle.shift() ?? this.#openThread();
      thread.pool = pool;
      pool.threads.push(thread);
      if (thread.failed) tell(told, thread.failed);
      else thread.worker.post({ role: 'member', module, memory, worker: pool.threads.length });
    }
    this.#refill();
  }

  #end(number) {
    const { memory, words, threads } = this.#pools.get(number);
    this.#pools.delete(number);
    if (words) leavePool(memory, words);
    for (const { worker } of threads) worker?.stop();
  }

  receive(message) {
    if ('pool' in message) {
      this.#begin(message);
    } else if ('end' in message) {
      this.#end(message.end);
    } else {
      this.#wanted = message.idle;
      this.#refill();
    }
  }

  close() {
    this.receive({ idle: 0 });
    for (const number of this.#pools.keys()) this.#end(number);
  }
}

/** Lends threads to the engine that a worker registers with the port: { port, close() }.  worker: the
 *  address of the threads' script, if that is not beside this one. */
export function lendThreads({ worker } = {}) {
  const { port1, port2 } = new MessageChannel();
  const lending = workerOpener(worker).then((open) => new Lender(open));
  const close = async () => {
    (await lending).close();
    port1.close();
  };
  port1.onmessage = async ({ data }) => {
    const lender = await lending;
    // The engine's worker holds this lock as long as it lives.
    if (data.lock) navigator.locks.request(data.lock, close);
    lender.receive(data);
    if (data.lock) port1.postMessage('lent');
  };
  return { port: port2, close };
}
