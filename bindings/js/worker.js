// What a worker does, in two roles: the engine of a page, and a member of an engine's pool.
import { joinPool } from './core.js';
import { node } from './host.js';
import { load } from './inline.js';

const port = node ? node.threads.parentPort : globalThis;
const aborts = new Map();
let model;
let takeModule;
const sentModule = new Promise((resolve) => { takeModule = resolve; });

const failure = (error) => ({ name: error.name, message: error.message, code: error.code,
  node: error.node, op: error.op });

// The buffers of fresh results go to the page, they are not copied again.
function buffers(value, found = new Set()) {
  if (ArrayBuffer.isView(value?.data)) found.add(value.data.buffer);
  else if (Array.isArray(value)) for (const item of value) buffers(item, found);
  return found;
}

const methods = {
  async load(id, source, options) {
    const onProgress = options.progress
      ? (progress) => port.postMessage({ id, progress }) : undefined;
    const compiled = options.sends ? sentModule : undefined;
    model = await load(source, { ...options, compiled, onProgress, role: 'worker' });
    return { inputs: model.inputs, outputs: model.outputs, report: model.report };
  },
  async run(id, feeds, { abortable, ...options }) {
    const abort = abortable ? new AbortController() : undefined;
    if (abort) aborts.set(id, abort);
    try {
      return await model.run(feeds, { ...options, signal: abort?.signal });
    } finally {
      aborts.delete(id);
    }
  },
  memory: () => model.memory(),
  predict: (id, dims) => model.predict(dims),
  profile: () => model.profile(),
};

async function answer({ id, method, args }) {
  try {
    const result = await methods[method](id, ...args);
    const found = method === 'run'
      ? Object.values(result).reduce((set, value) => buffers(value, set), new Set()) : [];
    port.postMessage({ id, result }, [...found]);
  } catch (error) {
    port.postMessage({ id, error: failure(error) });
  }
}

function receive(message) {
  if (message.role === 'member') {
    port.postMessage('ready');
    joinPool(message.module, message.memory, message.worker); // does not return
  } else if ('compiled' in message) {
    takeModule(message.compiled);
  } else if (message.abort) {
    aborts.get(message.abort)?.abort();
  } else {
    answer(message);
  }
}

/** Listens for what the page asks for. */
export function serve() {
  if (node) port.on('message', receive);
  else port.onmessage = ({ data }) => receive(data);
}
