import type { MemoryFigures, Step, Tensor, Traffic, Value, ValueInfo } from './index.js';

/** Of the package, and of the modules that fit it. */
export const version: string;

/** The memory of a module for several threads, of at most so many pages of 64 KiB (default: 65536).
 *  What the host refuses is tried in halves; `less` is told of the maximum that it took then. */
export function sharedMemory(pages?: number, less?: (pages: number) => void): WebAssembly.Memory;

/** Runs a member of an engine's pool.  ready: is given the address of two 32-bit words of the memory.
 *  It returns when another thread has stored 1 in the second, added 1 to the first, and woken
 *  those who wait on the first. */
export function joinPool(module: WebAssembly.Module, memory: WebAssembly.Memory, worker: number,
  ready?: (words: number) => void): void;

/** How a model is loaded that lies in the engine's memory; as the options of load() of 'ashore'. */
export interface CoreLoadOptions {
  /** The model's name in messages. */
  name?: string;
  /** false: run the graph as it is written. */
  optimize?: boolean;
  /** This one and those that have joined (1). */
  threads?: number;
  /** Collect times for profile(). */
  profile?: boolean;
  /** Bytes that packed weights and intermediate values may take; 0: as many as there are. */
  memoryLimit?: number;
  /** Pack weights in name alone: for predictions, not to be run. */
  dry?: boolean;
}

/** One instance of the engine with one model.  Everything is synchronous; every method throws
 *  AshoreError. */
export class Core {
  /** memory: of sharedMemory(), for a module for several threads. */
  constructor(module: WebAssembly.Module, memory?: WebAssembly.Memory);
  /** The engine's memory.  Its buffer is another one after it has grown. */
  memory: { readonly buffer: ArrayBufferLike };
  /** Of the model that is loaded. */
  inputs: readonly ValueInfo[];
  /** Of the model that is loaded. */
  outputs: readonly ValueInfo[];
  /** Those that run this model. */
  readonly threads: number;
  /** Pool members that have checked in. */
  readonly members: number;
  /** Memory for the life of the engine: its address. */
  allocate(size: number): number;
  /** Copies bytes to an address. */
  write(at: number, bytes: Uint8Array): void;
  /** Says where a file of external data lies; before load(). */
  external(location: string, at: number, size: number): void;
  /** Loads the model that lies at an address, and uses its weights there: once for each Core. */
  load(at: number, size: number, options?: CoreLoadOptions): void;
  /** A value from the bytes of ONNX's TensorProto, SequenceProto or OptionalProto. */
  parse(bytes: Uint8Array, kind?: 'tensor' | 'sequence' | 'optional' | 'map'): Value;
  /** Runs the model to the end.  views: results are views of the engine's memory, until the next
   *  run.  into: tensors that take outputs. */
  run(feeds: Record<string, Value>, options?: { outputs?: readonly string[]; views?: boolean;
    into?: Record<string, Tensor> }): Record<string, Value>;
  /** Begins a run, which advance() goes on with.  state: handles of values that are in the engine, by input; word: the address of 32 bits in a
   *  shared engine's memory, by which another thread ends the run as soon as they are not 0. */
  start(feeds: Record<string, Value>, state?: Record<string, number>, word?: number): void;
  /** Goes on until a time of performance.now(); true: the run is done. */
  advance(until?: number): boolean;
  /** Results of a run that is done; as of run(). */
  results(outputs?: readonly string[], views?: boolean, into?: Record<string, Tensor>):
    Record<string, Value>;
  /** Ends a run, done or not. */
  finish(): void;
  /** The handle of an output of a run that is done and not finished. */
  keep(output: string): number;
  /** The handle of a value for an input; without one of zeros, where its extents are declared. */
  hold(input: string, value?: Value): number;
  /** A copy of the value behind a handle. */
  peek(handle: number): Value;
  /** Gives the value behind a handle back. */
  release(handle: number): void;
  /** Bytes of values that were copied in and out. */
  readonly traffic: Traffic;
  /** What is held now, as Model.memory() says. */
  figures(): MemoryFigures & { readonly wasm: number };
  /** What a run with inputs of these extents takes, as Model.predict() says. */
  predict(dims: Record<string, readonly number[]>): MemoryFigures;
  /** Times by step, of a model that was loaded with `profile`. */
  profile(): Step[];
  /** Gives the engine and its memory back.  Threads are ended by who made them. */
  close(): void;
}
