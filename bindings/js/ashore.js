// All scripts of the package, which are bundled into one: what a page downloads is smaller, and comes
// in one piece.  The package's entries (entries/) and tools see this file alone.
export { Core, joinPool, version } from './core.js';
export { dispose, makeEngine } from './engine.js';
export { isPage, node } from './host.js';
export { load, Model, openRemote } from './index.js';
export { load as loadInline, loadOptions } from './inline.js';
export { describe } from './model.js';
export { compile, moduleURL } from './modules.js';
export { advised, parts } from './parts.js';
export { Runner } from './remote.js';
export {
  absolute, absoluteAll, ask, collect, download, filePath, inspect, ioError, isURL, obtain, request,
  statusError,
} from './source.js';
export {
  AshoreError, expectOptions, listOf, runOptions, Tensor, types,
} from './tensor.js';
export { choose, loseThreads, refuse } from './variants.js';
export { joinAsMember, serve } from './worker.js';
export { leavePool, workerOpener } from './workers.js';

import { serve } from './worker.js';
import { isOwnWorker } from './workers.js';

if (isOwnWorker) serve();
