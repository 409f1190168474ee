// What Node has in the place of a browser's requests and workers.  ashore.js loads this file there.
import { AshoreError, ioError, node } from './ashore.js';

/** The bytes of a small file. */
export function readAll(path) {
  try {
    return node.fs.readFileSync(path);
  } catch (error) {
    throw ioError(path, error);
  }
}

/** Brings a file to place ({ allocate, bytes }), and says where it lies. */
export function readFile(path, place, progress, signal) {
  const { fs } = node;
  try {
    const file = fs.openSync(path, 'r');
    try {
      const { size } = fs.fstatSync(file);
      const at = place.allocate(size);
      let loaded = 0;
      while (loaded < size) {
        signal?.throwIfAborted();
        const part = place.bytes(at + loaded, Math.min(size - loaded, 1 << 24));
        const n = fs.readSync(file, part);
        if (n === 0) throw new Error('the file has become shorter');
        loaded += n;
        progress(loaded, size);
      }
      return { at, size };
    } finally {
      fs.closeSync(file);
    }
  } catch (error) {
    if (error instanceof AshoreError || signal?.aborted) throw error;
    throw ioError(path, error);
  }
}

/** A thread that runs the package's worker, as workers.js describes it. */
export function openThread(name) {
  // Without arguments of Node, some of which are for the main program alone.  The file is named in
  // a way that bundlers do not look for: no page needs it.
  const here = import.meta.url;
  const worker = new node.threads.Worker(new URL('worker.js', here), { name, execArgv: [] });
  worker.unref();
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    listen: (onMessage, onError) => worker.on('message', onMessage).on('error', onError)
      .on('exit', (code) => onError(new Error(`it has ended, with code ${code}`))),
    stop: () => worker.terminate(),
    ref: (on) => (on ? worker.ref() : worker.unref()),
  };
}
