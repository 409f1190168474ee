export { Core, joinPool, sharedMemory, version } from './ashore.js';
