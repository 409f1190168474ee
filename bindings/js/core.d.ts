import type { MemoryFigures, Step, Value, ValueInfo } from './index.js';

export const version: string;

/** The memory of a shared module. */
export function sharedMemory(): WebAssembly.Memory;

/** Runs a member of an engine's pool; does not return. */
export function joinPool(module: WebAssembly.Module, memory: WebAssembly.Memory, worker: number):
  void;

export interface CoreLoadOptions {
  name?: string;
  optimize?: boolean;
  threads?: number;
  profile?: boolean;
  memoryLimit?: number;
}

/** One instance of the engine with one model.  Everything is synchronous; every method throws
 *  AshoreError. */
export class Core {
  constructor(module: WebAssembly.Module, memory?: WebAssembly.Memory);
  memory: { readonly buffer: ArrayBufferLike };
  inputs: readonly ValueInfo[];
  outputs: readonly ValueInfo[];
  readonly threads: number;
  /** Pool members that have checked in. */
  readonly members: number;
  /** Memory for the life of the engine: its address. */
  allocate(size: number): number;
  write(at: number, bytes: Uint8Array): void;
  external(location: string, at: number, size: number): void;
  load(at: number, size: number, options?: CoreLoadOptions): void;
  parse(bytes: Uint8Array, kind?: 'tensor' | 'sequence' | 'optional'): Value;
  run(feeds: Record<string, Value>, options?: { outputs?: readonly string[]; views?: boolean }):
    Record<string, Value>;
  start(feeds: Record<string, Value>): void;
  advance(until?: number): boolean;
  results(outputs?: readonly string[], views?: boolean): Record<string, Value>;
  finish(): void;
  figures(): MemoryFigures & { readonly wasm: number };
  predict(dims: Record<string, readonly number[]>): MemoryFigures;
  profile(): Step[];
  close(): void;
}
