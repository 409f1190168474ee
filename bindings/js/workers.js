// Workers of this package, in pages and in Node.
import { isPage, node } from './host.js';
import { part } from './parts.js';
import { startEngine, startMember } from './start.js';

const workerName = 'ashore:';
/** In a worker that was opened here of ashore.js itself. */
export const isOwnWorker = !node && !isPage && String(globalThis.name).startsWith(workerName);

function openWorker(name, script, address) {
  const worker = address ? new Worker(address, { type: 'module', name }) : script(name);
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    listen: (onMessage, onError) => {
      worker.onmessage = ({ data }) => onMessage(data);
      worker.onerror = (event) => {
        event.preventDefault?.();
        onError(new Error(event.message ?? 'the browser does not say why'));
      };
    },
    stop: () => worker.terminate(),
    ref: () => {},
  };
}

const openBy = (open, member, address) => open(`${workerName}${member || 'engine'}`,
  member ? startMember : startEngine, address);

/** What opens workers of this package, in a page or in Node: it makes { post, listen(onMessage,
 *  onError), stop, ref(on) } of a member's number in a pool, or of 0: an engine of its own.  address:
 *  of the script, if that is not beside this one. */
export async function workerOpener(address) {
  const open = node ? (await part('node')).openThread : openWorker;
  return (member) => openBy(open, member, address);
}

/** Members leave the pool whose words, src/base/pool.h has them, are at an address: a host takes seconds
 *  to stop one that waits in WebAssembly. */
export function leavePool({ buffer }, at) {
  const words = new Int32Array(buffer, at, 2);
  words[1] = 1;
  Atomics.add(words, 0, 1);
  Atomics.notify(words, 0);
}

/** A page's side of threads.js, for an engine in a worker: opens the members of its pool, and hands on
 *  what is said.  (Firefox makes a worker that opens another wait for the page's thread, now and then
 *  for ever where WebDriver BiDi is attached.)  say: to the engine.  No message: all members end. */
export function openFor(say, address, workers = {}) {
  let pool;
  let words;
  return (message) => {
    if (!message) {
      if (words) leavePool(pool, words);
      for (const member in workers) workers[member].stop();
      return;
    }
    const { member, index, data, stop } = message;
    const fail = (error) => say({ member, failed: error.message });
    try {
      if (index) {
        const worker = workers[member] = openBy(openWorker, index, address);
        worker.listen((said) => say({ member, data: words = said }), fail);
      } else if (stop) {
        workers[member].stop();
      } else {
        pool = data.memory;
        words = 0;
        workers[member].post(data);
      }
    } catch (error) {
      fail(error); // the host opens no more
    }
  };
}
