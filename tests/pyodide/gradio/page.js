// The page of the tests: shows a program, and keeps what it was asked and answered.
import { connect } from '/gradio/host.js';
import { mount } from '/gradio/render.js';

const worker = new Worker('/tests/worker.js', { type: 'module' });
const heard = (types) => new Promise((resolve, reject) => {
  const listen = ({ data }) => {
    if (!types.includes(data.type)) return;
    worker.removeEventListener('message', listen);
    if (data.type === 'failed') reject(new Error(data.message));
    else resolve(data);
  };
  worker.addEventListener('message', listen);
  worker.addEventListener('error', (event) => reject(new Error(event.message)));
});

// How many files are being read, and pictures and sounds decoded.
globalThis.underWay = 0;
for (const [owner, name] of [[Blob.prototype, 'arrayBuffer'], [globalThis, 'createImageBitmap'],
  [BaseAudioContext.prototype, 'decodeAudioData']]) {
  const own = owner[name];
  owner[name] = async function counted(...given) {
    globalThis.underWay++;
    try {
      return await own.apply(this, given);
    } finally {
      globalThis.underWay--;
    }
  };
}

globalThis.calls = [];
const host = connect(worker);
const kept = {
  async call(fn, data, options) {
    const call = { fn, data: structuredClone(data), updates: [], done: false, error: null };
    globalThis.calls.push(call);
    try {
      return await host.call(fn, data, { ...options, onUpdate: (changes) => {
        call.updates.push(structuredClone(changes));
        options.onUpdate(changes);
      } });
    } catch (error) {
      call.error = error.cancelled ? 'cancelled' : error.message;
      throw error;
    } finally {
      call.done = true;
    }
  },
};

globalThis.start = (files) => {
  worker.postMessage({ type: 'start', files });
  return heard(['started', 'failed']);
};

globalThis.show = async (path) => {
  worker.postMessage({ type: 'program', path });
  const { config } = await heard(['ready', 'failed']);
  globalThis.calls = [];
  globalThis.config = config;
  globalThis.shown = mount(document.querySelector('#face'), config, kept);
};

const plain = (value) => {
  if (value instanceof Uint8Array) {
    let text = '';
    for (let i = 0; i < value.length; i += 8192) {
      text += String.fromCharCode(...value.subarray(i, i + 8192));
    }
    return { base64: btoa(text) };
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
};
globalThis.told = () => plain(globalThis.calls);
