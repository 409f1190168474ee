/** An element type, named as in ONNX. */
export type TensorType =
  | 'float32' | 'float64' | 'float16' | 'bfloat16'
  | 'int8' | 'int16' | 'int32' | 'int64' | 'uint8' | 'uint16' | 'uint32' | 'uint64'
  | 'bool' | 'string' | 'complex64' | 'complex128'
  | 'float8e4m3fn' | 'float8e4m3fnuz' | 'float8e5m2' | 'float8e5m2fnuz' | 'float8e8m0'
  | 'float4e2m1' | 'uint4' | 'int4' | 'uint2' | 'int2';

/** The array that holds elements of a type.  float16 and bfloat16 are bit patterns, 2 and 4 bit
 *  types take a byte each, complex elements are two numbers in a row. */
export type TensorData<T extends TensorType = TensorType> =
  T extends 'float32' | 'complex64' ? Float32Array
  : T extends 'float64' | 'complex128' ? Float64Array
  : T extends 'int64' ? BigInt64Array
  : T extends 'uint64' ? BigUint64Array
  : T extends 'string' ? string[]
  : T extends 'int32' ? Int32Array
  : T extends 'uint32' ? Uint32Array
  : T extends 'int16' ? Int16Array
  : T extends 'uint16' | 'float16' | 'bfloat16' ? Uint16Array
  : T extends 'int8' | 'int4' | 'int2' ? Int8Array
  : Uint8Array;

export class Tensor<T extends TensorType = TensorType> {
  /** dims: default a vector.  Numbers (or big integers, booleans) in an array are converted.
   *  Throws AshoreError when data and dims do not fit. */
  constructor(
    type: T,
    data: TensorData<T> | readonly number[] | readonly bigint[] | readonly boolean[]
      | readonly string[],
    dims?: readonly number[],
  );
  readonly type: T;
  readonly data: TensorData<T>;
  readonly dims: number[];
}

/** Sequences are arrays; an optional is its element, or null. */
export type Value = Tensor | Value[] | null;

/** `code` is the engine's status, as 'ERR_SHAPE'; `message` is whole: model, node, operator and
 *  shapes where they are known. */
export class AshoreError extends Error {
  constructor(code: string | number, message: string, node?: string, op?: string);
  readonly name: 'AshoreError';
  readonly code: string;
  readonly node: string;
  readonly op: string;
}

export interface ValueInfo {
  readonly name: string;
  readonly kind: 'tensor' | 'sequence' | 'optional' | 'map';
  /** Of the element, inside of sequences and optionals too. */
  readonly type: TensorType | 'unknown';
  /** Extents; a text ('N', 'floor(W/8)', '?') where they depend on the run.  null: rank unknown. */
  readonly dims: readonly (number | string)[] | null;
  /** 'float32[N,3,48,W]' */
  readonly text: string;
}

export interface Progress {
  /** 'engine' and 'prepare' come once more when the model needs the engine with every operator. */
  readonly phase: 'engine' | 'download' | 'prepare' | 'ready';
  readonly loaded: number;
  /** 0: not known. */
  readonly total: number;
}

export type Variant = 'relaxed' | 'simd128' | 'scalar';
export type Source = string | URL | ArrayBuffer | ArrayBufferView | Blob;

export interface LoadOptions {
  /** 1 to 16; default: the cores there are, up to 4. */
  threads?: number;
  /** Default: the best that the host knows. */
  variant?: Variant | 'auto';
  /** Refuse, with ERR_UNSUPPORTED, to run with less than what is asked for. */
  strict?: boolean;
  onProgress?: (progress: Progress) => void;
  /** Ends loading at every stage with the signal's reason (an AbortError by default). */
  signal?: AbortSignal;
  /** Default: 'worker' in a page, 'inline' elsewhere. */
  shell?: 'worker' | 'inline';
  /** The model's name in messages; default: the last part of its address. */
  name?: string;
  /** Take the engine with every operator at once.  Default: a smaller one, and this one only when the
   *  model has an operator that the smaller one lacks. */
  full?: boolean;
  /** Absolute address of the folder of the .wasm files; default: beside the scripts. */
  modules?: string;
  /** Files of external data by the location that the model gives. */
  external?: Record<string, Source>;
  /** false: run the graph as it is written. */
  optimize?: boolean;
  /** Collect times for profile(). */
  profile?: boolean;
  /** Bytes of intermediate values and packed weights; more is refused while loading. */
  memoryLimit?: number;
}

export interface RunOptions {
  /** Which outputs; default: all. */
  outputs?: readonly string[];
  /** Ends the run with the signal's reason. */
  signal?: AbortSignal;
}

/** Something that was asked for, or is there by default, and is not to be had. */
export interface Missing {
  readonly feature: 'relaxed' | 'simd128' | 'threads' | 'worker';
  readonly why: string;
  readonly cost: string;
}

export interface Report {
  readonly version: string;
  readonly shell: 'worker' | 'inline';
  /** The module's file name: `ashore-relaxed.wasm`, or `ashore-full-relaxed.wasm` with every
   *  operator. */
  readonly module: string;
  readonly variant: Variant;
  readonly shared: boolean;
  readonly threads: number;
  readonly missing: readonly Missing[];
  readonly model: { readonly name: string; readonly bytes: number };
  /** Milliseconds: engine ready; model there; parsed, planned and packed; all of it. */
  readonly ms: {
    readonly engine: number; readonly download: number; readonly prepare: number;
    readonly total: number;
  };
}

/** Bytes. */
export interface MemoryFigures {
  readonly weights: number;
  readonly packed: number;
  readonly slab: number;
  /** The most held at once. */
  readonly total: number;
  /** false: something depends on data, and the figures are a floor. */
  readonly exact: boolean;
}

export interface Step {
  readonly node: string;
  readonly op: string;
  readonly kernel: string;
  readonly shape: string;
  readonly seconds: number;
  readonly runs: number;
}

export interface Model {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly report: Report;
  /** Runs are taken one after the other. */
  run(feeds: Record<string, Value>, options?: RunOptions): Promise<Record<string, Value>>;
  /** What is held now; total is the most so far, with inputs and what the engine is born with (its data
   *  and stack); wasm what the instance has taken of the host. */
  memory(): Promise<MemoryFigures & { readonly wasm: number }>;
  /** What a run needs with inputs of these extents; those of fixed shape may be left out. */
  predict(dims?: Record<string, readonly number[]>): Promise<MemoryFigures>;
  profile(): Promise<Step[]>;
  /** Gives the engine back, with its memory and its threads. */
  close(): void;
}

export const version: string;

/** Loads a model from a URL, a path (Node), a Blob or a buffer. */
export function load(source: Source, options?: LoadOptions): Promise<Model>;
