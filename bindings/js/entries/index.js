export { AshoreError, load, Model, Tensor, version } from './ashore.js';
