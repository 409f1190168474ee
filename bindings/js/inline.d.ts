import type {
  LoadOptions, Model, RunOptions, Source, Stream, StreamOptions, Value,
} from './index.js';

export { AshoreError, Tensor, version } from './index.js';

/** How a run on this thread is made. */
export interface InlineRunOptions extends RunOptions {
  /** Results are views of the engine's memory, valid until the next run. */
  views?: boolean;
}

/** A stream whose engine is on this thread. */
export interface InlineStream extends Stream {
  /** One run; with a signal in slices, between which others are let in. */
  run(feeds: Record<string, Value>, options?: InlineRunOptions): Promise<Record<string, Value>>;
  /** Runs at once on this thread; not while an asynchronous run is under way. */
  runSync(feeds: Record<string, Value>, options?: Omit<InlineRunOptions, 'signal'>):
    Record<string, Value>;
}

/** A model on this thread. */
export interface InlineModel extends Model {
  /** Runs are taken one after the other; with a signal in slices, between which others are let in. */
  run(feeds: Record<string, Value>, options?: InlineRunOptions): Promise<Record<string, Value>>;
  /** Runs at once on this thread; not while an asynchronous run is under way. */
  runSync(feeds: Record<string, Value>, options?: Omit<InlineRunOptions, 'signal'>):
    Record<string, Value>;
  /** Runs that keep state in the engine. */
  stream(options: StreamOptions): Promise<InlineStream>;
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
