import type { LoadOptions, Model, RunOptions, Source, Value } from './index.js';

export { AshoreError, Tensor, version } from './index.js';

export interface InlineRunOptions extends RunOptions {
  /** Results are views of the engine's memory, valid until the next run. */
  views?: boolean;
}

export interface InlineModel extends Model {
  run(feeds: Record<string, Value>, options?: InlineRunOptions): Promise<Record<string, Value>>;
  /** Runs at once on this thread; not while an asynchronous run is under way. */
  runSync(feeds: Record<string, Value>, options?: Omit<InlineRunOptions, 'signal'>):
    Record<string, Value>;
}

/** Loads a model on this thread. */
export function load(
  source: Source,
  options?: Omit<LoadOptions, 'shell'> & {
    /** The module, compiled by the caller; with variant and threads that fit it.  No other is
     *  taken in its place. */
    module?: WebAssembly.Module;
  },
): Promise<InlineModel>;
