export { AshoreError, loadInline as load, Tensor, version } from './ashore.js';
