import * as ort from './ort_types.js';

export * from './ort_types.js';
export default ort;
