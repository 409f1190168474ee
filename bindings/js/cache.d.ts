/** `import 'ashore/cache'` brings what load() otherwise loads when it is asked for a cache, a
 *  manifest or a hash, for places where nothing can be loaded later, as service workers. */
import type { CachedModel } from './index.js';

/** As Model.cached of 'ashore'. */
export function cached(url: string | URL): Promise<CachedModel | null>;

/** As Model.evict of 'ashore'. */
export function evict(url?: string | URL): Promise<boolean>;
