// All scripts of the package, which are bundled into one: what a page downloads is smaller, and comes
// in one piece.  The package's entries (entries/) and tools see this file alone.
export { Core, joinPool, sharedMemory, version } from './core.js';
export { choose, compile, isPage, moduleURL, node } from './host.js';
export { load } from './index.js';
export { load as loadInline } from './inline.js';
export { AshoreError, Tensor, types } from './tensor.js';
export { serve } from './worker.js';

import { isOwnWorker } from './host.js';
import { serve } from './worker.js';

if (isOwnWorker) serve();
