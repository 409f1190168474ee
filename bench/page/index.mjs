// The page: hands a case to the worker, and starts another worker when one is lost.
let worker;

/** Entries of a case, by `worker.mjs`; an error where there are none within `patience` ms. */
globalThis.measure = (what, options, patience) => new Promise((resolve) => {
  worker ??= new Worker('/bench/worker.mjs', { type: 'module' });
  const end = (answer, lost) => {
    clearTimeout(timer);
    worker.onmessage = worker.onerror = null;
    if (lost) {
      worker.terminate();
      worker = undefined;
    }
    resolve(answer);
  };
  const timer = setTimeout(() => end({ error: `no answer within ${patience / 1000} s` }, true),
    patience);
  worker.onmessage = ({ data }) => end(data, Boolean(data.error));
  worker.onerror = ({ message }) => end({ error: `the worker failed: ${message}` }, true);
  worker.postMessage({ case: what, options });
});
