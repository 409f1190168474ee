// Here errors may come at once: they have their advice from the beginning.
import { advised, loadInline } from './ashore.js';
import { install } from './failures.js';

export { AshoreError, Tensor, version } from './ashore.js';

export function load(source, options) {
  install();
  return advised(() => loadInline(source, options));
}
