// What a worker does, in two roles: the engine of a page, and a member of an engine's pool.
import { joinPool } from './core.js';
import { node } from './host.js';
import { load } from './inline.js';
import { complete, part } from './parts.js';
import { AshoreError } from './tensor.js';

const port = node ? node.threads.parentPort : globalThis;
const aborts = new Map();
const targets = []; // the model, and its streams
let takeModule;
const relay = { last: 0, post: (message) => port.postMessage(message) }; // threads.js
const sentModule = new Promise((resolve) => { takeModule = resolve; });

// The buffers of fresh results go to the page, they are not copied again.
function buffers(value, found = new Set()) {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (value && typeof value === 'object') {
    for (const part of Object.values(value)) buffers(part, found);
  }
  return found;
}

const methods = {
  async load(id, source, options) {
    const onProgress = options.progress
      ? (progress) => port.postMessage({ id, progress }) : undefined;
    const compiled = options.sends ? sentModule : undefined;
    const model = await load(source, { ...options, compiled, onProgress, role: 'worker',
      relay: options.opens ? relay : undefined });
    targets.push(model);
    return { ...model, words: model.report.shared ? model.words() : undefined };
  },
  async stream(id, options) {
    const stream = await targets[0].stream(options);
    return { on: targets.push(stream) - 1, ...stream };
  },
  estimate: async (id, source, options) => (await part('estimate')).estimate(source, options),
};

async function perform({ id, on, method, args, abortable, word }) {
  if (methods[method]) return methods[method](id, ...args);
  const target = targets[on];
  if (!target) throw new AshoreError('ERR_STATE', 'the stream is closed');
  if (word) {
    args[1].word = word;
  } else if (abortable) {
    const abort = new AbortController();
    aborts.set(id, abort);
    args[1].signal = abort.signal;
  }
  try {
    return await target[method](...args);
  } finally {
    aborts.delete(id);
    if (on && method === 'close') delete targets[on];
  }
}

async function answer(message) {
  const reply = { id: message.id };
  try {
    reply.result = await perform(message);
  } catch (error) {
    reply.error = AshoreError.strip(await complete(error));
    reply.result = error.results;
  }
  reply.traffic = targets[0]?.report.traffic;
  port.postMessage(reply, message.method === 'load' ? [] : [...buffers(reply.result)]);
}

/** Joins the pool that a message of openMember names, until it is told to leave. */
export function joinAsMember({ module, memory, worker }) {
  joinPool(module, memory, worker, (words) => port.postMessage(words));
}

function receive(message) {
  if (message.role === 'member') {
    joinAsMember(message);
  } else if ('compiled' in message) {
    takeModule(message.compiled);
  } else if (message.member) {
    relay.receive(message);
  } else if (message.abort) {
    aborts.get(message.abort)?.abort();
  } else {
    answer(message);
  }
}

/** Listens for what the page asks for.  Once in a worker: in WebKit, what a part imports is another copy
 *  of the script that the worker was started with. */
export function serve() {
  if (node) port.on('message', receive);
  else port.onmessage ??= ({ data }) => receive(data);
}
