// The page of browser.mjs: hands calls to its worker, in which the engine may wait for its threads.

const worker = new Worker('/tools/browser_worker.mjs', { type: 'module' });
const pending = new Map();
let last = 0;
let sign = performance.now();

worker.addEventListener('message', ({ data: { id, ...answer } }) => {
  sign = performance.now();
  if (!id) return;
  pending.get(id)(answer);
  pending.delete(id);
});
worker.addEventListener('error', (event) => {
  const message = `the worker failed: ${event.message ?? 'it could not be started'}`;
  for (const resolve of pending.values()) resolve({ error: { message } });
  pending.clear();
});

globalThis.call = (method, args) => new Promise((resolve) => {
  sign = performance.now();
  last += 1;
  pending.set(last, resolve);
  worker.postMessage({ id: last, method, args });
});

/** Milliseconds since the worker was heard of while something is asked of it. */
globalThis.idle = () => (pending.size ? performance.now() - sign : 0);
