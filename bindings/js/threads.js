// Engines of several threads: their memory, and the members of their pools.  ashore.js loads this file
// where there are to be several.
import { leavePool, loseThreads, refuse, workerOpener } from './ashore.js';

const patience = 10000; // ms for a member to start

const pause = (ms = 0) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** The memory of a shared module, of at most so many pages: as large a maximum as the host will
 *  reserve.  less(pages) is told when that is not what was asked for. */
export function sharedMemory(pages = 65536, less = () => {}) {
  for (let maximum = pages; ; maximum = Math.ceil(maximum / 2)) {
    try {
      const memory = new WebAssembly.Memory({ initial: 64, maximum, shared: true });
      if (maximum < pages) less(maximum);
      return memory;
    } catch (error) {
      if (maximum <= 1024) throw error;
    }
  }
}

// The file, packed weights and intermediate values within the limit, and the rest of an engine.
const pagesFor = (limit) => (limit ? Math.min(Math.ceil(limit / 32768) + 1024, 65536) : undefined);

/** The memory of an engine; none: one thread has to do. */
export function memoryFor(choice, { memoryLimit, strict }) {
  let memory;
  try {
    memory = sharedMemory(pagesFor(memoryLimit), (pages) => choice.missing.push({
      feature: 'memory', why: 'the host does not reserve more shared memory',
      cost: `the engine has at most ${pages >> 4} MiB` }));
  } catch (error) {
    choice.shared = false;
    loseThreads(choice, 1, `no shared memory: ${error.message}`);
  }
  refuse(choice, strict);
  return memory;
}

// A thread of the engine's pool, which `open` opens.  started: it is about to join, or has failed.
function openMember(index, open) {
  const member = { failed: '', join() {} };
  member.started = new Promise((resolve) => {
    let worker;
    let memory;
    const settle = (failed = '') => {
      clearTimeout(timer);
      member.failed ||= failed;
      if (failed) {
        member.leave?.();
        worker?.stop();
      }
      resolve();
    };
    const timer = setTimeout(settle, patience, 'a worker did not start in time');
    member.stop = () => settle('stopped');
    try {
      worker = open(index);
      member.join = (module, shared) => {
        memory = shared;
        worker.post({ role: 'member', module, memory, worker: index });
      };
      worker.ref(true);
      worker.listen((words) => {
        member.leave = () => leavePool(memory, words);
        worker.ref(false);
        settle();
      }, (error) => settle(error.message));
    } catch (error) {
      settle(error.message);
    }
  });
  return member;
}

// A worker's way to open others: its page does it, by openFor of workers.js.
function openerAt(relay) {
  const listeners = new Map();
  relay.receive = ({ member, data, failed }) => {
    const { onMessage, onError } = listeners.get(member) ?? {};
    if (failed) onError?.(new Error(failed));
    else onMessage?.(data);
  };
  return (index) => {
    const member = ++relay.last;
    relay.post({ member, index });
    return {
      post: (data) => relay.post({ member, data }),
      listen: (onMessage, onError) => listeners.set(member, { onMessage, onError }),
      stop() {
        listeners.delete(member);
        relay.post({ member, stop: true });
      },
      ref() {},
    };
  };
}

/** The threads of an engine beside its own: they start, and wait to join().  relay: of a worker whose
 *  page opens them. */
export async function openMembers({ threads }, address, relay) {
  const open = relay ? openerAt(relay) : await workerOpener(address);
  return Array.from({ length: threads - 1 }, (_, i) => openMember(i + 1, open));
}

/** Waits until all members have joined that will. */
export async function joinAll({ choice, core, members }, strict) {
  await Promise.all(members.map(({ started }) => started));
  const end = performance.now() + patience;
  while (core.members < members.filter(({ failed }) => !failed).length
    && performance.now() < end) await pause(1);
  if (core.members + 1 >= choice.threads) return;
  const why = members.find(({ failed }) => failed)?.failed ?? 'a worker did not join in time';
  loseThreads(choice, core.members + 1, why);
  refuse(choice, strict);
}
