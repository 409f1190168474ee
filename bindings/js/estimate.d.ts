import type { Estimate, EstimateOptions, Source } from './index.js';

/** As Model.estimate of 'ashore', on the thread that calls it. */
export function estimate(source: Source, options?: EstimateOptions): Promise<Estimate>;
