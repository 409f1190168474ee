// The page's end of a worker that runs the program; serve.js is the worker's.

/** A host for mount: `worker` has postMessage and takes listeners for its messages. */
export function connect(worker) {
  const calls = new Map();
  let last = 0;
  worker.addEventListener('message', ({ data: message }) => {
    const call = calls.get(message.call);
    if (!call) return;
    if (message.type === 'progress') call.onProgress?.(message);
    if (message.type === 'result' && message.data) call.onUpdate?.(message.data);
    if (message.type === 'result' && message.final) call.resolve();
    if (message.type === 'error') call.reject(Object.assign(new Error(message.message), message));
  });
  return {
    call(fn, data, { signal, onUpdate, onProgress } = {}) {
      const call = ++last;
      return new Promise((resolve, reject) => {
        calls.set(call, { resolve, reject, onUpdate, onProgress });
        signal?.addEventListener('abort', () => worker.postMessage({ type: 'cancel', call }));
        worker.postMessage({ type: 'call', call, fn, data });
      }).finally(() => calls.delete(call));
    },
  };
}
