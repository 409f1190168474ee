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

/** Numbers or texts in rows: what goes into a model and comes out. */
export class Tensor<T extends TensorType = TensorType> {
  /** dims: default a vector.  Numbers (or big integers, booleans) in an array are converted.
   *  Throws AshoreError when data and dims do not fit. */
  constructor(
    type: T,
    data: TensorData<T> | readonly number[] | readonly bigint[] | readonly boolean[]
      | readonly string[],
    dims?: readonly number[],
  );
  /** Of the elements. */
  readonly type: T;
  /** The elements, the last extent's side by side.  What the constructor was given, where it was
   *  such an array. */
  readonly data: TensorData<T>;
  /** Extents; none for a scalar. */
  readonly dims: number[];
}

/** Sequences are arrays; an optional is its element, or null; a map, such as a classifier gives for
 *  each row, is a Map from integers (bigint) or texts to numbers or texts.  A Map that is given to a
 *  model may have numbers for integers. */
export type Value = Tensor | Value[] | null | Map<bigint | number | string, MapValue>;
/** What a map has for a key: a number, an integer, a text; a value where the model's maps hold
 *  more. */
export type MapValue = number | bigint | string | Value;

/** What kind of error it is:
 *  - ERR_IO: a file, script or module that cannot be had: 404, no network, a connection that
 *    breaks
 *  - ERR_FORMAT: what is there is no model (a page, a truncated file), manifest, picture or
 *    sound
 *  - ERR_INTEGRITY: a file that is not what the manifest or `sha256` says
 *  - ERR_UNSUPPORTED: an operator, type or feature that is not there; with `strict`, what is
 *    missing
 *  - ERR_POLICY: a Content-Security-Policy forbids WebAssembly or the worker
 *  - ERR_NAME: an input, output or state that the model does not have, or an input that is not
 *    given
 *  - ERR_TYPE: elements of another type, or what is no tensor
 *  - ERR_SHAPE: extents that do not fit the model, each other or the data
 *  - ERR_ATTR: an attribute of a node that makes no sense
 *  - ERR_INDEX: an index, computed by the model, that is outside of a tensor
 *  - ERR_ARGUMENT: an option that is none, or makes no sense
 *  - ERR_LIMIT: more than `memoryLimit`, or than the engine takes
 *  - ERR_NOMEM: the host refuses memory
 *  - ERR_STATE: something that is closed or busy, or files of two versions of the package
 *  - ERR_CANCELLED: `terminate` of `ashore/ort`; an abort by a signal is no AshoreError
 *  - ERR_INTERNAL: the engine or its worker has stopped: the model is closed, others go on */
export type AshoreErrorCode =
  | 'ERR_IO' | 'ERR_FORMAT' | 'ERR_INTEGRITY' | 'ERR_UNSUPPORTED' | 'ERR_POLICY' | 'ERR_NAME'
  | 'ERR_TYPE' | 'ERR_SHAPE' | 'ERR_ATTR' | 'ERR_INDEX' | 'ERR_ARGUMENT' | 'ERR_LIMIT' | 'ERR_NOMEM'
  | 'ERR_STATE' | 'ERR_CANCELLED' | 'ERR_INTERNAL';

/** Every error of this package, but an abort, which is the signal's own reason. */
export class AshoreError extends Error {
  /** code: or the engine's status, from 0 downwards.  message: without the advice, which is
   *  added. */
  constructor(code: AshoreErrorCode | number, message: string, details?: {
    node?: string; op?: string; input?: string; index?: number; advice?: string; cause?: unknown;
  });
  /** Tells it from other errors, also where the package is there twice. */
  readonly name: 'AshoreError';
  /** What kind of error it is. */
  readonly code: AshoreErrorCode;
  /** The node of the model that it is about; '' where it is about none. */
  readonly node: string;
  /** That node's operator; ''. */
  readonly op: string;
  /** The input of the model that it is about; ''. */
  readonly input: string;
  /** Of a batch: which run failed, */
  readonly index?: number;
  /** and the results of those before it. */
  readonly results?: Record<string, Value>[];
  /** What to do about it; the end of `message`, too, which is whole. */
  readonly advice: string;
  /** What it comes from.  It stays on its own thread. */
  readonly cause?: unknown;
}

/** An input or an output, as the model declares it. */
export interface ValueInfo {
  /** What it is called in feeds and results. */
  readonly name: string;
  /** Sequences are arrays, an optional is its element or null, a map is a Map. */
  readonly kind: 'tensor' | 'sequence' | 'optional' | 'map';
  /** Of the element, inside of sequences and optionals too. */
  readonly type: TensorType | 'unknown';
  /** Extents; a text ('N', 'floor(W/8)', '?') where they depend on the run.  null: rank unknown. */
  readonly dims: readonly (number | string)[] | null;
  /** 'float32[N,3,48,W]' */
  readonly text: string;
}

/** How far loading is. */
export interface Progress {
  /** The engine is fetched, the model is fetched, it is planned and packed, it can be run.
   *  'engine' and 'prepare' come once more when the model needs the engine with every operator. */
  readonly phase: 'engine' | 'download' | 'prepare' | 'ready';
  /** Bytes of the file that is being downloaded (or read): of external data first, then of the
   *  model. Less than before when a download starts over. */
  readonly loaded: number;
  /** Bytes that it has; 0: not known. */
  readonly total: number;
}

/** How the engine is compiled: with relaxed SIMD, with SIMD, with neither. */
export type Variant = 'relaxed' | 'simd128' | 'scalar';
/** Where a model is: an address (in Node a path, too), its bytes, or a file. */
export type Source = string | URL | ArrayBuffer | ArrayBufferView | Blob;

/** How a model is loaded.  In order: what it does on the way, where files are, copies and
 *  integrity, what it runs on, limits, and how the graph is run. */
export interface LoadOptions {
  /** Told of every step, and of the bytes that have arrived. */
  onProgress?: (progress: Progress) => void;
  /** Ends loading at every stage with the signal's reason (an AbortError by default). */
  signal?: AbortSignal;
  /** The model's name in messages; default: the last part of its address. */
  name?: string;
  /** Files of external data by the location that the model gives; default: beside the model, as the
   *  manifest lists them. */
  external?: Record<string, Source>;
  /** Address of the folder of the .wasm files, which ends with a slash; default: beside the
   *  scripts. */
  modules?: string | URL;
  /** Address of ashore.js for workers, from the page's own origin; default: beside the script that
   *  starts them.  Where a page requires trusted types, a TrustedScriptURL. */
  worker?: string | URL | { toString(): string };
  /** Keep a copy of what is fetched, and take it the next time.  With a manifest or sha256 the
   *  server is not asked for the model again; without, it is asked whether the file has
   *  changed.  'force': take the copy without asking.  Where nothing can be kept, report.missing
   *  says so. */
  cache?: boolean | 'force';
  /** manifest.json of `ashore port`, or its address: each chunk of the model and of its external
   *  data is compared with its SHA-256 as it arrives.  Paths in it are relative to its address;
   *  in an object, to the model's.  It also says where external data is. */
  manifest?: string | URL | Manifest;
  /** SHA-256 of the model, 64 hexadecimal digits in lower case: compared when all of it is
   *  there. */
  sha256?: string;
  /** Which module to take; default, and 'auto': the best that the host knows. */
  variant?: Variant | 'auto';
  /** 1 to 16, of which the calling one is one; default: the cores there are, up to 4. */
  threads?: number;
  /** Where the engine runs.  Default: 'worker' in a page, 'inline' (the calling thread)
   *  elsewhere. */
  shell?: 'worker' | 'inline';
  /** Take the engine with every operator at once.  Default: a smaller one, and this one only
   *  when the model has an operator that the smaller one lacks. */
  full?: boolean;
  /** Refuse, with ERR_UNSUPPORTED, what report.missing would list. */
  strict?: boolean;
  /** Bytes, a limit for two things, each by itself: a model's files together, which are refused with
   *  ERR_LIMIT before they are downloaded; and packed weights with intermediate values (`packed` and
   *  `slab` of memory()), for which a run is refused before it begins.  Inputs and outputs are not
   *  counted.  With threads, no more memory is reserved than this leaves room for: twice the limit,
   *  and 64 MiB. */
  memoryLimit?: number;
  /** false: run the graph as it is written. */
  optimize?: boolean;
  /** Collect times for profile(). */
  profile?: boolean;
}

/** What `ashore port` writes about the files of a folder. */
export interface Manifest {
  /** The version of this layout. */
  readonly manifest?: number;
  /** The model's path. */
  readonly model?: string;
  /** Locations of its external data. */
  readonly external?: readonly string[];
  /** All files. */
  readonly files: readonly ManifestFile[];
  /** What `ashore estimate` has written, for inputs of the extents `dims`. */
  readonly estimate?: Omit<Estimate, 'requests' | 'bytes'> & {
    readonly dims: Record<string, readonly number[]>;
  };
}

/** A file of a manifest. */
export interface ManifestFile {
  /** Relative to the manifest, with slashes. */
  readonly path: string;
  /** Its size. */
  readonly bytes: number;
  /** Of the whole file: 64 hexadecimal digits. */
  readonly sha256: string;
  /** Bytes of a chunk; the last one may have less. */
  readonly chunk?: number;
  /** The SHA-256 of each chunk. */
  readonly chunks?: readonly string[];
}

/** How several runs are made. */
export interface BatchOptions {
  /** Which outputs; default: all, of a stream those that are not its state. */
  outputs?: readonly string[];
  /** Ends the run with the signal's reason, at once for the caller.  The engine ends it within a
   *  step in a worker with shared memory, elsewhere between two steps; a run that waits never
   *  begins. */
  signal?: AbortSignal;
  /** Buffers of the inputs move to the worker instead of being copied: they are not to be used
   *  afterwards.  Of a view of a part of a buffer, that part is copied, and the buffer stays, as
   *  shared ones do and all where there is no worker. */
  transfer?: boolean;
}

/** How a run is made. */
export interface RunOptions extends BatchOptions {
  /** Tensors that outputs are written to, and that are the results.  What does not fit is refused
   *  before the run as far as the model declares it, and after it otherwise.  A worker writes into
   *  shared memory itself; other arrays are filled when the results arrive. */
  into?: Record<string, Tensor>;
}

/** What a stream keeps. */
export interface StreamOptions {
  /** Outputs that are inputs of the next run: { stateN: 'state' }. */
  state: Record<string, string>;
  /** First values by input.  Default: zeros of the extents that the model declares; where it
   *  does not declare all, they have to be given. */
  initial?: Record<string, Value>;
}

/** Runs whose state stays in the engine from one to the next.  A model has any number of
 *  streams, which take turns with each other and with runs of the model itself. */
export interface Stream {
  /** Those that are not state. */
  readonly inputs: readonly ValueInfo[];
  /** Those that are not state. */
  readonly outputs: readonly ValueInfo[];
  /** One run, which takes the state and leaves a new one.  One that fails or is aborted leaves
   *  it as it was. */
  run(feeds: Record<string, Value>, options?: RunOptions): Promise<Record<string, Value>>;
  /** Runs in one message, one after the other.  The first failure ends them; the state is that
   *  after the last run that succeeded. */
  runAll(list: Iterable<Record<string, Value>>, options?: BatchOptions):
    Promise<Record<string, Value>[]>;
  /** Begins again, from the first state or from what state() gave. */
  reset(state?: Record<string, Value>): Promise<void>;
  /** A copy of the state, by input: to be kept, and given to reset() or as `initial`. */
  state(): Promise<Record<string, Value>>;
  /** Gives the state back. */
  close(): void;
}

/** Something that was asked for, or is there by default, and is not to be had. */
export interface Missing {
  /** 'relaxed', 'simd128': instructions that the host does not know; 'threads': not as many as
   *  were asked for; 'worker': the engine runs in the page; 'integrity': hashes cannot be
   *  computed; 'cache': nothing can be kept; 'memory': the host refused as much shared memory as
   *  was asked for. */
  readonly feature: 'relaxed' | 'simd128' | 'threads' | 'worker' | 'integrity' | 'cache' | 'memory';
  /** The reason. */
  readonly why: string;
  /** What is lost by it. */
  readonly cost: string;
}

/** What has gone between a page, the worker and the engine. */
export interface Traffic {
  /** Between this thread and the engine's worker, both ways; 0 where there is none. */
  readonly messages: number;
  /** Of values, copied into the engine's memory, */
  readonly bytesIn: number;
  /** and out of it. */
  readonly bytesOut: number;
}

/** What a model runs on. */
export interface Report {
  /** Of the package. */
  readonly version: string;
  /** Whether the engine is in a worker of its own. */
  readonly shell: 'worker' | 'inline';
  /** The module's file name: `ashore-relaxed.wasm`, or `ashore-full-relaxed.wasm` with every
   *  operator. */
  readonly module: string;
  /** How that module is compiled. */
  readonly variant: Variant;
  /** Whether its memory is shared with threads. */
  readonly shared: boolean;
  /** How many there are, the engine's own among them. */
  readonly threads: number;
  /** What it runs without; empty where nothing is missing. */
  readonly missing: readonly Missing[];
  /** What has gone over since the model was loaded; kept up to date. */
  readonly traffic: Traffic;
  /** The model, and the bytes of its file without external data. */
  readonly model: { readonly name: string; readonly bytes: number };
  /** With the option `cache`: what became of it. */
  readonly cache?: {
    /** 'cache': no byte of the weights came by the network; 'none': from memory or a file. */
    readonly from: 'network' | 'cache' | 'none';
    /** Where the copy lies; null: there is none. */
    readonly store: 'opfs' | 'indexeddb' | null;
    /** Why it is not kept, or was not used: 'the quota is full'. */
    readonly why: string;
  };
  /** Milliseconds: engine ready; model there; parsed, planned and packed; all of it. */
  readonly ms: {
    readonly engine: number; readonly download: number; readonly prepare: number;
    readonly total: number;
  };
}

/** Bytes that a model takes. */
export interface MemoryFigures {
  /** The graph, and weights as they are in the file, as far as they were not given back. */
  readonly weights: number;
  /** Weights in the order in which kernels read them. */
  readonly packed: number;
  /** Intermediate values of a run. */
  readonly slab: number;
  /** Of a run that is predicted; 0 in what memory() says. */
  readonly outputs: number;
  /** The most held at once. */
  readonly total: number;
  /** false: something depends on data, and the figures are a floor. */
  readonly exact: boolean;
}

/** A step of a model's plan, and the time that it took. */
export interface Step {
  /** Its node. */
  readonly node: string;
  /** That node's operator, after rewrites. */
  readonly op: string;
  /** The kernel that computes it. */
  readonly kernel: string;
  /** Extents of its result. */
  readonly shape: string;
  /** In all runs together. */
  readonly seconds: number;
  /** How often it has run. */
  readonly runs: number;
}

/** A model that is loaded: an engine of its own, in a page in a worker of its own. */
export interface Model {
  /** What run() takes. */
  readonly inputs: readonly ValueInfo[];
  /** What run() gives. */
  readonly outputs: readonly ValueInfo[];
  /** What it runs on, what is missing, and what loading took. */
  readonly report: Report;
  /** Runs are taken one after the other.  Inputs must not be changed until this is settled. */
  run(feeds: Record<string, Value>, options?: RunOptions): Promise<Record<string, Value>>;
  /** Several runs in one message, one after the other.  The first failure ends them: see
   *  AshoreError.index and results. */
  runAll(list: Iterable<Record<string, Value>>, options?: BatchOptions):
    Promise<Record<string, Value>[]>;
  /** Runs that keep state in the engine. */
  stream(options: StreamOptions): Promise<Stream>;
  /** What is held now; total is the most so far, with inputs and what the engine is born with
   *  (its data and stack); wasm what the instance has taken of the host. */
  memory(): Promise<MemoryFigures & { readonly wasm: number }>;
  /** What a run needs with inputs of these extents; those of fixed shape may be left out. */
  predict(dims?: Record<string, readonly number[]>): Promise<MemoryFigures>;
  /** Times by step, of a model that was loaded with `profile`; of others none. */
  profile(): Promise<Step[]>;
  /** Gives the engine back, with its memory and its threads.  What is pending is rejected with
   *  ERR_STATE, as every later call is. */
  close(): void;
}

/** Of the package. */
export const version: string;

/** Loads a model from a URL, a path (Node), a Blob or a buffer. */
export function load(source: Source, options?: LoadOptions): Promise<Model>;

/** A copy that is kept for the next visit. */
export interface CachedModel {
  /** The model's address. */
  readonly url: string;
  /** With external data. */
  readonly bytes: number;
  /** How many: the model, and those of its external data. */
  readonly files: number;
  /** SHA-256; null: not known. */
  readonly hash: string | null;
  /** When it was fetched. */
  readonly date: Date;
  /** When it was used last. */
  readonly used: Date;
  /** Where it lies: the origin's private file system, or IndexedDB. */
  readonly store: 'opfs' | 'indexeddb';
  /** Of the engine that it was kept for: another version fetches it again. */
  readonly version: string;
}

/** Of what and for what an estimate is made; the others as of load(). */
export interface EstimateOptions extends LoadOptions {
  /** Extents of inputs by name; those of fixed shape may be left out. */
  dims?: Record<string, readonly number[]>;
}

/** What a model takes. */
export interface Estimate {
  /** The model's name. */
  readonly name: string;
  /** Bytes of the model and its external data. */
  readonly download: number;
  /** What it takes and gives. */
  readonly model: { readonly inputs: readonly ValueInfo[]; readonly outputs: readonly ValueInfo[] };
  /** As memory() will say after loading and a run; wasm: what the instance takes of the host.  When
   *  extents of inputs are not known: after loading, and exact is false. */
  readonly memory: MemoryFigures & { readonly wasm: number };
  /** Multiply-adds of a run, in convolutions, matrix products, recurrent operators and
   *  attention; others are not counted.  exact: false where some could not be.  null: extents of
   *  inputs are not known. */
  readonly compute: { readonly multiplyAdds: number; readonly exact: boolean } | null;
  /** Whether the engine with every operator is needed. */
  readonly full: boolean;
  /** For how many threads it is made. */
  readonly threads: number;
  /** Requests that the estimate took, */
  readonly requests: number;
  /** and bytes of the model, in place of `download`. */
  readonly bytes: number;
}

/** What can be done about models that are not loaded. */
export const Model: {
  /** The same as load(). */
  load(source: Source, options?: LoadOptions): Promise<Model>;
  /** What a model takes, before anything large is fetched: its graph is read by ranges around the
   *  weights.  ERR_UNSUPPORTED where the server serves none. */
  estimate(source: Source, options?: EstimateOptions): Promise<Estimate>;
  /** What is kept of a model; null: nothing that load() would take. */
  cached(url: string | URL): Promise<CachedModel | null>;
  /** Removes a model's copy with its external data, or without an address all copies: whether there
   *  were any. */
  evict(url?: string | URL): Promise<boolean>;
};
