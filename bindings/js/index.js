// `import { load, Tensor } from 'ashore'`: in a page the engine runs in a worker of its own,
// elsewhere on the thread that calls it.
import { isPage } from './host.js';
import { load as loadInline, loadOptions } from './inline.js';
import { advised, part } from './parts.js';
import { RemoteModel } from './remote.js';
import { absolute } from './source.js';
import { expectOptions } from './tensor.js';
import { refuse } from './variants.js';
import { workerOpener } from './workers.js';

/** A worker that waits for a model.  address: of its script, if that is not beside this one. */
export async function openRemote(address) {
  return new RemoteModel((await workerOpener(address))(0));
}

async function open(source, given = {}) {
  expectOptions(given, loadOptions);
  const options = { ...given, manifest: absolute(given.manifest) };
  const { shell = isPage ? 'worker' : 'inline', signal, strict } = options;
  if (shell === 'inline') return loadInline(absolute(source), options);
  signal?.throwIfAborted();
  let remote;
  try {
    remote = await openRemote(options.worker);
    return await remote.open(source, options);
  } catch (error) {
    if (signal?.aborted || (remote && !remote.lost)) throw error;
    // A package from another origin, or a page that allows no workers.
    const missing = [{ feature: 'worker', why: error.message,
      cost: 'the page does not respond while the model runs' }];
    refuse({ missing }, strict);
    const model = await loadInline(absolute(source), options);
    model.report.missing.unshift(...missing);
    return model;
  }
}

/** Loads a model from a URL, path, Blob or buffer. */
export const load = (source, options) => advised(() => open(source, options));

const ask = (name, method, ...args) => advised(async () => (await part(name))[method](...args));

/** What can be done about models that are not loaded. */
export const Model = {
  load,
  estimate: (source, options) => ask('estimate', 'estimateApart', source, options),
  cached: (source) => ask('cache', 'cached', absolute(source)),
  evict: (source) => ask('cache', 'evict', absolute(source)),
};
