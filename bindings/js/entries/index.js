export { AshoreError, load, Tensor, version } from './ashore.js';
