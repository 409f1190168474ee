// The page's end of the line to the worker in which Python runs, until the program has been started;
// gradio/host.js is what calls its functions then.

/** What failed in Python or on the way to it: `traceback` is the user's part of it, `advice` what to
 *  do. */
export class HostError extends Error {
  constructor({ message, title, traceback, frame, advice }) {
    super(message);
    Object.assign(this, { name: 'HostError', title, traceback, frame, advice });
  }
}

const stopped = (event) => new HostError({ title: 'The worker has stopped',
  message: event.message ?? 'its script could not be loaded', advice: 'Reload the page. If that does '
    + 'not help, its files are not complete, or the browser is too old: it needs module workers.' });

/** Starts Python in a worker and runs the program: { config }.  listeners: functions by the type
 *  of the messages that they take, now and later; transfer: buffers of the options that are moved, as
 *  the port for threads is. */
export function bootIn(worker, options, listeners, transfer = []) {
  return new Promise((resolve, reject) => {
    worker.addEventListener('message', ({ data }) => {
      if (data.type === 'ready') resolve(data);
      else if (data.type === 'failed') reject(new HostError(data));
      else listeners[data.type]?.(data);
    });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      reject(stopped(event));
      listeners.lost?.(stopped(event));
    });
    const ports = options.threads ? [options.threads] : [];
    worker.postMessage({ type: 'boot', ...options }, [...transfer, ...ports]);
  });
}
