// The declarations of onnxruntime-common 1.30, as far as programs can use them, and what this
// package adds: RunOptions.signal, SessionOptions from `strict` on, InferenceSession.report.
// ort.d.ts exports them.
import type { Manifest, Progress, Report, Step, Variant } from './index.js';

export { AshoreError } from './index.js';

/** A type of the global scope, where it is declared. */
type Global<Name extends string, Otherwise = unknown> = typeof globalThis extends {
  [name in Name]: { prototype: infer T };
} ? T : Otherwise;

// ---- tensors --------------------------------------------------------------------------------------

export declare namespace Tensor {
  interface DataTypeMap {
    float32: Float32Array;
    uint8: Uint8Array;
    int8: Int8Array;
    uint16: Uint16Array;
    int16: Int16Array;
    int32: Int32Array;
    int64: BigInt64Array;
    string: string[];
    bool: Uint8Array;
    /** At run time a Float16Array, where the host has one. */
    float16: Uint16Array;
    float64: Float64Array;
    uint32: Uint32Array;
    uint64: BigUint64Array;
    /** Two elements in a byte, the first one in the low half; at run time a Uint8Array for both. */
    uint4: Uint8Array;
    int4: Int8Array;
  }
  interface ElementTypeMap {
    float32: number;
    uint8: number;
    int8: number;
    uint16: number;
    int16: number;
    int32: number;
    int64: bigint;
    string: string;
    bool: boolean;
    float16: number;
    float64: number;
    uint32: number;
    uint64: bigint;
    uint4: number;
    int4: number;
  }
  type Type = keyof DataTypeMap;
  type DataType = DataTypeMap[Type];
  type ElementType = ElementTypeMap[Type];
  type DataLocation = 'none' | 'cpu' | 'cpu-pinned' | 'texture' | 'gpu-buffer' | 'ml-tensor';
  export type CpuPinnedDataTypes = Exclude<Type, 'string'>;
  export type TextureType = WebGLTexture;
  export type TextureDataTypes = 'float32';
  export type GpuBufferType =
    Global<'GPUBuffer', { size: number; mapState: 'unmapped' | 'pending' | 'mapped' }>;
  export type GpuBufferDataTypes =
    'float32' | 'float16' | 'int32' | 'int64' | 'uint32' | 'uint8' | 'bool';
  export type MLTensorType = Global<'MLTensor', { destroy(): void }>;
  export type MLTensorDataTypes = 'float32' | 'float16' | 'int8' | 'uint8' | 'int32' | 'uint32'
    | 'int64' | 'uint64' | 'bool' | 'uint4' | 'int4';
}

interface TypedTensorBase<T extends Tensor.Type> {
  /** Extents; none for a scalar. */
  readonly dims: readonly number[];
  /** Of the elements. */
  readonly type: T;
  /** Throws after dispose(). */
  readonly data: Tensor.DataTypeMap[T];
  /** 'cpu', 'cpu-pinned' or, after dispose(), 'none'. */
  readonly location: Tensor.DataLocation;
  /** Throws: data is on the CPU. */
  readonly texture: Tensor.TextureType;
  /** Throws: data is on the CPU. */
  readonly gpuBuffer: Tensor.GpuBufferType;
  /** Throws: data is on the CPU. */
  readonly mlTensor: Tensor.MLTensorType;
  /** The data; with releaseData the tensor is disposed of, too. */
  getData(releaseData?: boolean): Promise<Tensor.DataTypeMap[T]>;
  /** Lets go of the data. */
  dispose(): void;
}

/** Tensors as pictures. */
export interface ConversionUtils {
  /** A picture of a tensor [1, 3 or 4, height, width]; in a page only. */
  toDataURL(options?: TensorToDataUrlOptions): string;
  /** A picture of a tensor [1, 3 or 4, height, width]. */
  toImageData(options?: TensorToImageDataOptions): ImageData;
}

interface TypedTensorUtils<T extends Tensor.Type> extends ConversionUtils {
  /** The number of elements. */
  readonly size: number;
  /** A tensor with the same data. */
  reshape(dims: readonly number[]): TypedTensor<T>;
}

/** A tensor of a type that is known. */
export interface TypedTensor<T extends Tensor.Type> extends TypedTensorBase<T>,
  TypedTensorUtils<T> {}
/** A tensor of any type. */
export interface Tensor extends TypedTensorBase<Tensor.Type>, TypedTensorUtils<Tensor.Type> {}

type Dims = readonly number[];

/** Without dims, a tensor is a vector. */
export interface TensorConstructor extends TensorFactory {
  new (type: 'string', data: Tensor.DataTypeMap['string'] | readonly string[], dims?: Dims):
    TypedTensor<'string'>;
  new (type: 'bool', data: Tensor.DataTypeMap['bool'] | readonly boolean[], dims?: Dims):
    TypedTensor<'bool'>;
  new (type: 'uint8', data: Uint8ClampedArray, dims?: Dims): TypedTensor<'uint8'>;
  new <T extends 'uint64' | 'int64'>(type: T, data: Tensor.DataTypeMap[T] | readonly bigint[]
    | readonly number[], dims?: Dims): TypedTensor<T>;
  new <T extends Exclude<Tensor.Type, 'string' | 'bool' | 'uint64' | 'int64'>>(type: T,
    data: Tensor.DataTypeMap[T] | readonly number[], dims?: Dims): TypedTensor<T>;
  new (data: Float32Array, dims?: Dims): TypedTensor<'float32'>;
  new (data: Int8Array, dims?: Dims): TypedTensor<'int8'>;
  new (data: Uint8Array, dims?: Dims): TypedTensor<'uint8'>;
  new (data: Uint8ClampedArray, dims?: Dims): TypedTensor<'uint8'>;
  new (data: Uint16Array, dims?: Dims): TypedTensor<'uint16'>;
  new (data: Int16Array, dims?: Dims): TypedTensor<'int16'>;
  new (data: Int32Array, dims?: Dims): TypedTensor<'int32'>;
  new (data: BigInt64Array, dims?: Dims): TypedTensor<'int64'>;
  new (data: readonly string[], dims?: Dims): TypedTensor<'string'>;
  new (data: readonly boolean[], dims?: Dims): TypedTensor<'bool'>;
  new (data: Float64Array, dims?: Dims): TypedTensor<'float64'>;
  new (data: Uint32Array, dims?: Dims): TypedTensor<'uint32'>;
  new (data: BigUint64Array, dims?: Dims): TypedTensor<'uint64'>;
  new (type: Tensor.Type, data: Tensor.DataType | readonly number[] | readonly string[]
    | readonly bigint[] | readonly boolean[], dims?: Dims): Tensor;
  new (data: Tensor.DataType, dims?: Dims): Tensor;
}

/** Numbers or texts in rows: what goes into a model and comes out. */
export declare const Tensor: TensorConstructor;

// ---- tensors from pictures, and from what is not here ---------------------------------------------

/** The channels of a pixel, in their order. */
export type ImageFormat = 'RGB' | 'RGBA' | 'BGR' | 'RBG';
/** Where the channels are. */
export type ImageTensorLayout = 'NHWC' | 'NCHW';

/** What the tensor holds. */
export interface OptionsFormat {
  /** Of the tensor that becomes a picture; default: 'RGB'. */
  format?: ImageFormat;
}
/** What the tensor is to hold. */
export interface OptionsTensorFormat {
  /** Of the tensor; default: 'RGB', for an HTMLImageElement 'RGBA'. */
  tensorFormat?: ImageFormat;
}
/** Of which type it is. */
export interface OptionsTensorDataType {
  /** Always float32. */
  dataType?: 'float32' | 'uint8';
}
/** How it is laid out. */
export interface OptionsTensorLayout {
  /** Default: 'NCHW'. */
  tensorLayout?: ImageTensorLayout;
}
/** Of a picture from a URL: ignored, the picture knows them. */
export interface OptionsDimensions {
  /** Pixels. */
  height?: number;
  /** Pixels. */
  width?: number;
}
/** Of ImageData and HTMLImageElement: cut off, or filled with transparent black. */
export interface OptionResizedDimensions {
  /** Pixels. */
  resizedHeight?: number;
  /** Pixels. */
  resizedWidth?: number;
}
type PerChannel = number | [number, number, number] | [number, number, number, number];
/** How bytes become numbers, and numbers bytes. */
export interface OptionsNormalizationParameters {
  /** (byte + bias) / mean, and to a picture (number - bias) * mean.  Defaults: 0 and 255. */
  norm?: { bias?: PerChannel; mean?: PerChannel };
}

interface TensorFromPictureOptions extends OptionResizedDimensions, OptionsTensorFormat,
  OptionsTensorLayout, OptionsTensorDataType, OptionsNormalizationParameters {}
/** Of `fromImage` for ImageData. */
export interface TensorFromImageDataOptions extends TensorFromPictureOptions {}
/** Of `fromImage` for an image element. */
export interface TensorFromImageElementOptions extends TensorFromPictureOptions {}
/** Of `fromImage` for an ImageBitmap. */
export interface TensorFromImageBitmapOptions extends TensorFromPictureOptions {}
/** Of `fromImage` for an address. */
export interface TensorFromUrlOptions extends TensorFromPictureOptions, OptionsDimensions {}
/** Of `toDataURL`. */
export interface TensorToDataUrlOptions extends OptionsTensorLayout, OptionsFormat,
  OptionsNormalizationParameters {}
/** Of `toImageData`. */
export interface TensorToImageDataOptions extends OptionsTensorLayout, OptionsFormat,
  OptionsNormalizationParameters {}

interface GpuResourceConstructorParameters<T extends Tensor.Type> {
  download?(): Promise<Tensor.DataTypeMap[T]>;
  dispose?(): void;
}
interface CommonConstructorParameters<T> extends Pick<Tensor, 'dims'> {
  readonly type: T;
}
/** What makes a tensor of data on the CPU. */
export interface CpuPinnedConstructorParameters<
  T extends Tensor.CpuPinnedDataTypes = Tensor.CpuPinnedDataTypes,
> extends CommonConstructorParameters<T> {
  readonly location: 'cpu-pinned';
  readonly data: Tensor.DataTypeMap[T];
}
/** Declared for programs that name it; there is no GPU here. */
export interface TextureConstructorParameters<
  T extends Tensor.TextureDataTypes = Tensor.TextureDataTypes,
> extends CommonConstructorParameters<T>, GpuResourceConstructorParameters<T> {
  readonly location: 'texture';
  readonly texture: Tensor.TextureType;
}
/** Declared for programs that name it; there is no GPU here. */
export interface GpuBufferConstructorParameters<
  T extends Tensor.GpuBufferDataTypes = Tensor.GpuBufferDataTypes,
> extends CommonConstructorParameters<T>, GpuResourceConstructorParameters<T> {
  readonly location: 'gpu-buffer';
  readonly gpuBuffer: Tensor.GpuBufferType;
}
/** Declared for programs that name it; there is no WebNN here. */
export interface MLTensorConstructorParameters<
  T extends Tensor.MLTensorDataTypes = Tensor.MLTensorDataTypes,
> extends CommonConstructorParameters<T>, GpuResourceConstructorParameters<T> {
  readonly location: 'ml-tensor';
  readonly mlTensor: Tensor.MLTensorType;
}
/** Declared for programs that name it; there is no GPU here. */
export interface TensorFromTextureOptions<T extends Tensor.TextureDataTypes>
  extends Required<OptionsDimensions>, OptionsFormat, GpuResourceConstructorParameters<T> {}
/** Declared for programs that name it; there is no GPU here. */
export interface TensorFromGpuBufferOptions<T extends Tensor.GpuBufferDataTypes>
  extends Pick<Tensor, 'dims'>, GpuResourceConstructorParameters<T> {
  dataType?: T;
}
/** Declared for programs that name it; there is no WebNN here. */
export interface TensorFromMLTensorOptions<T extends Tensor.MLTensorDataTypes>
  extends Pick<Tensor, 'dims'>, GpuResourceConstructorParameters<T> {
  dataType?: T;
}

type PictureTensor = Promise<TypedTensor<'float32'> | TypedTensor<'uint8'>>;

/** What makes tensors of other things than arrays. */
export interface TensorFactory {
  /** A tensor [1, channels, height, width], or as `tensorLayout` says, of a picture. */
  fromImage(imageData: ImageData, options?: TensorFromImageDataOptions): PictureTensor;
  fromImage(imageElement: HTMLImageElement, options?: TensorFromImageElementOptions): PictureTensor;
  fromImage(urlSource: string, options?: TensorFromUrlOptions): PictureTensor;
  fromImage(bitmap: ImageBitmap, options?: TensorFromImageBitmapOptions): PictureTensor;
  /** Throws ERR_UNSUPPORTED: there is no GPU here. */
  fromTexture<T extends Tensor.TextureDataTypes = 'float32'>(texture: Tensor.TextureType,
    options: TensorFromTextureOptions<T>): TypedTensor<'float32'>;
  /** Throws ERR_UNSUPPORTED: there is no GPU here. */
  fromGpuBuffer<T extends Tensor.GpuBufferDataTypes>(buffer: Tensor.GpuBufferType,
    options: TensorFromGpuBufferOptions<T>): TypedTensor<T>;
  /** Throws ERR_UNSUPPORTED: there is no WebNN here. */
  fromMLTensor<T extends Tensor.MLTensorDataTypes>(tensor: Tensor.MLTensorType,
    options: TensorFromMLTensorOptions<T>): TypedTensor<T>;
  /** A tensor over an array. */
  fromPinnedBuffer<T extends Exclude<Tensor.Type, 'string'>>(type: T,
    buffer: Tensor.DataTypeMap[T], dims?: Dims): TypedTensor<T>;
}

// ---- sessions -------------------------------------------------------------------------------------

/** No value of it can be declared. */
export type NonTensorType = never;
/** At run time a sequence is an array of tensors, an optional without a value is null, and a map is
 *  a Map from integers (bigint) or texts to numbers or texts. */
export type OnnxValue = Tensor | NonTensorType;
/** Where data is. */
export type OnnxValueDataLocation = Tensor.DataLocation;

/** An address, or a path in Node. */
export type FileUrlOrPath = string;
/** A file. */
export type FileBlob = Blob;
/** Bytes. */
export type FileData = Uint8Array | ArrayBufferLike;
/** Whatever holds a file. */
export type FileType = FileUrlOrPath | FileBlob | FileData;
/** A file of external data. */
export interface ExternalDataFileDescription {
  /** What lies there. */
  data: FileType;
  /** The location that the model gives. */
  path: string;
}
/** A file of external data: one that lies at the location that the model gives, or a
 *  description. */
export type ExternalDataFileType = ExternalDataFileDescription | FileUrlOrPath;
/** Where parts of a model are. */
export interface OnnxModelOptions {
  /** Files of external data that do not lie beside the model. */
  externalData?: readonly ExternalDataFileType[];
}

export declare namespace InferenceSession {
  type OnnxValueMapType = { readonly [name: string]: OnnxValue };
  type NullableOnnxValueMapType = { readonly [name: string]: OnnxValue | null };
  type FeedsType = OnnxValueMapType;
  /** Names, or tensors that the results are written to. */
  type FetchesType = readonly string[] | NullableOnnxValueMapType;
  type ReturnType = OnnxValueMapType;

  /** Which of them have an effect is in docs/coming-from-onnxruntime-web.md. */
  export interface SessionOptions extends OnnxModelOptions {
    /** 'wasm' and 'cpu' are this engine; others are ignored. */
    executionProviders?: readonly ExecutionProviderConfig[];
    /** Threads; before `env.wasm.numThreads`. */
    intraOpNumThreads?: number;
    /** Ignored: nodes run one after the other. */
    interOpNumThreads?: number;
    /** Extents by the names that the model gives them. */
    freeDimensionOverrides?: { readonly [dimensionName: string]: number };
    /** 'disabled': the graph runs as it is written; all others: with all rewrites. */
    graphOptimizationLevel?: 'disabled' | 'basic' | 'extended' | 'layout' | 'all';
    /** Ignored: memory is always planned. */
    enableCpuMemArena?: boolean;
    /** Ignored: memory is always planned. */
    enableMemPattern?: boolean;
    /** Ignored: nodes run one after the other. */
    executionMode?: 'sequential' | 'parallel';
    /** Ignored. */
    optimizedModelFilePath?: string;
    /** Collect times for endProfiling(). */
    enableProfiling?: boolean;
    /** Ignored. */
    profileFilePrefix?: string;
    /** Ignored. */
    logId?: string;
    /** 3 and 4 silence what is said about options without effect. */
    logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
    /** Ignored. */
    logVerbosityLevel?: number;
    /** Ignored: results are on the CPU. */
    preferredOutputLocation?: OnnxValueDataLocation
      | { readonly [outputName: string]: OnnxValueDataLocation };
    /** Ignored: there is no GPU. */
    enableGraphCapture?: boolean;
    /** Ignored. */
    extra?: Record<string, unknown>;
    /** As in ashore's LoadOptions; with it, providers none of which is there are refused, too. */
    strict?: boolean;
    /** As in LoadOptions: ends loading. */
    signal?: AbortSignal;
    /** As in LoadOptions: how far loading is. */
    onProgress?: (progress: Progress) => void;
    /** As in LoadOptions: bytes. */
    memoryLimit?: number;
    /** As in LoadOptions: which module is taken. */
    variant?: Variant | 'auto';
    /** As in LoadOptions: where the engine runs. */
    shell?: 'worker' | 'inline';
    /** As in LoadOptions: keep a copy for the next visit. */
    cache?: boolean | 'force';
    /** As in LoadOptions: what the files should be. */
    manifest?: string | URL | Manifest;
    /** As in LoadOptions: what the model should be. */
    sha256?: string;
  }

  /** Providers by name; of all but `cpu` and `wasm` every option is without effect here. */
  interface ExecutionProviderOptionMap {
    coreml: CoreMLExecutionProviderOption;
    cpu: CpuExecutionProviderOption;
    cuda: CudaExecutionProviderOption;
    dml: DmlExecutionProviderOption;
    nnapi: NnapiExecutionProviderOption;
    tensorrt: TensorRtExecutionProviderOption;
    wasm: WebAssemblyExecutionProviderOption;
    webgl: WebGLExecutionProviderOption;
    webgpu: WebGpuExecutionProviderOption;
    webnn: WebNNExecutionProviderOption;
    qnn: QnnExecutionProviderOption;
    xnnpack: XnnpackExecutionProviderOption;
  }
  type ExecutionProviderName = keyof ExecutionProviderOptionMap;
  type ExecutionProviderConfig = ExecutionProviderOptionMap[ExecutionProviderName]
    | ExecutionProviderOption | ExecutionProviderName | string;
  /** An execution provider with its options. */
  export interface ExecutionProviderOption {
    readonly name: string;
  }
  /** An execution provider with its options. */
  export interface CpuExecutionProviderOption extends ExecutionProviderOption {
    readonly name: 'cpu';
    useArena?: boolean;
  }
  /** An execution provider with its options. */
  export interface WebAssemblyExecutionProviderOption extends ExecutionProviderOption {
    readonly name: 'wasm';
  }
  export interface CudaExecutionProviderOption extends ExecutionProviderOption {
    readonly name: 'cuda';
    deviceId?: number;
  }
  export interface DmlExecutionProviderOption extends ExecutionProviderOption {
    readonly name: 'dml';
    deviceId?: number;
  }
  export interface TensorRtExecutionProviderOption extends ExecutionProviderOption {
    readonly name: 'tensorrt';
    deviceId?: number;
  }
  export interface WebGLExecutionProviderOption extends ExecutionProviderOption {
    readonly name: 'webgl';
  }
  export interface XnnpackExecutionProviderOption extends ExecutionProviderOption {
    readonly name: 'xnnpack';
  }
  type BufferCacheMode = 'disabled' | 'lazyRelease' | 'simple' | 'bucket';
  export interface WebGpuExecutionProviderOption extends ExecutionProviderOption {
    readonly name: 'webgpu';
    preferredLayout?: 'NCHW' | 'NHWC';
    forceCpuNodeNames?: readonly string[];
    validationMode?: 'disabled' | 'wgpuOnly' | 'basic' | 'full';
    enableRobustness?: boolean;
    storageBufferCacheMode?: BufferCacheMode;
    uniformBufferCacheMode?: BufferCacheMode;
    queryResolveBufferCacheMode?: BufferCacheMode;
    defaultBufferCacheMode?: BufferCacheMode;
    device?: Global<'GPUDevice'>;
  }
  interface WebNNExecutionProviderName extends ExecutionProviderOption {
    readonly name: 'webnn';
  }
  export interface WebNNContextOptions {
    deviceType?: 'cpu' | 'gpu' | 'npu';
    numThreads?: number;
    powerPreference?: 'default' | 'low-power' | 'high-performance';
  }
  export interface WebNNOptionsWithoutMLContext extends WebNNExecutionProviderName,
    WebNNContextOptions {
    context?: never;
  }
  export interface WebNNOptionsWithMLContext extends WebNNExecutionProviderName,
    Omit<WebNNContextOptions, 'deviceType'>, Required<Pick<WebNNContextOptions, 'deviceType'>> {
    context: Global<'MLContext'>;
  }
  export interface WebNNOptionsWebGpu extends WebNNExecutionProviderName {
    context: Global<'MLContext'>;
    gpuDevice: Global<'GPUDevice'>;
  }
  export type WebNNExecutionProviderOption = WebNNOptionsWithoutMLContext
    | WebNNOptionsWithMLContext | WebNNOptionsWebGpu;
  export interface QnnExecutionProviderOption extends ExecutionProviderOption {
    readonly name: 'qnn';
    backendType?: string;
    backendPath?: string;
    enableFp16Precision?: boolean;
  }
  export interface CoreMLExecutionProviderOption extends ExecutionProviderOption {
    readonly name: 'coreml';
    coreMlFlags?: number;
    useCPUOnly?: boolean;
    useCPUAndGPU?: boolean;
    enableOnSubgraph?: boolean;
    onlyEnableDeviceWithANE?: boolean;
  }
  export interface NnapiExecutionProviderOption extends ExecutionProviderOption {
    readonly name: 'nnapi';
    useFP16?: boolean;
    useNCHW?: boolean;
    cpuDisabled?: boolean;
    cpuOnly?: boolean;
  }

  /** How a run is made. */
  export interface RunOptions {
    /** 3 and 4 silence what is said about options without effect. */
    logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
    /** Ignored. */
    logVerbosityLevel?: number;
    /** The run is refused, with ERR_CANCELLED. */
    terminate?: boolean;
    /** Ignored. */
    tag?: string;
    /** Ignored. */
    extra?: Record<string, unknown>;
    /** Ends the run with the signal's reason. */
    signal?: AbortSignal;
  }

  /** An input or an output, as the model declares it. */
  export interface ValueMetadataBase {
    /** What it is called in feeds and results. */
    readonly name: string;
  }
  /** A sequence, optional or map. */
  export interface NonTensorValueMetadata extends ValueMetadataBase {
    /** It is none. */
    readonly isTensor: false;
  }
  /** A tensor. */
  export interface TensorValueMetadata extends ValueMetadataBase {
    /** It is one. */
    readonly isTensor: true;
    /** Of its elements. */
    readonly type: Tensor.Type;
    /** Numbers and names; -1 for an extent without a name; empty if the rank is not known. */
    readonly shape: readonly (number | string)[];
  }
  /** An input or an output. */
  export type ValueMetadata = NonTensorValueMetadata | TensorValueMetadata;
}

/** What a session runs on, as the report of `ashore`, and what had no effect. */
export interface SessionReport extends Report {
  /** Options that have no effect here, and why. */
  readonly ignored: readonly { readonly option: string; readonly why: string }[];
}

/** A model that is loaded. */
export interface InferenceSession {
  /** Feeds are read before this returns.  Runs are taken one after the other. */
  run(feeds: InferenceSession.FeedsType, options?: InferenceSession.RunOptions):
    Promise<InferenceSession.ReturnType>;
  run(feeds: InferenceSession.FeedsType, fetches: InferenceSession.FetchesType,
    options?: InferenceSession.RunOptions): Promise<InferenceSession.ReturnType>;
  /** Gives the engine back, with its memory and its threads, when the runs before have ended. */
  release(): Promise<void>;
  /** Does nothing: `enableProfiling` collects times from the beginning. */
  startProfiling(): void;
  /** Prints what each node took so far, for a viewer of traces; with enableProfiling. */
  endProfiling(): Promise<Step[]>;
  /** What a run takes. */
  readonly inputNames: readonly string[];
  /** What it gives. */
  readonly outputNames: readonly string[];
  /** Types and shapes of the inputs. */
  readonly inputMetadata: readonly InferenceSession.ValueMetadata[];
  /** Types and shapes of the outputs. */
  readonly outputMetadata: readonly InferenceSession.ValueMetadata[];
  /** What it runs on, what is missing, and which options had no effect. */
  readonly report: SessionReport;
}

type SessionSource = string | URL | Blob | ArrayBufferLike | Uint8Array;

/** What makes sessions. */
export interface InferenceSessionFactory {
  /** Loads a model. */
  create(source: SessionSource, options?: InferenceSession.SessionOptions):
    Promise<InferenceSession>;
  create(buffer: ArrayBufferLike, byteOffset: number, byteLength?: number,
    options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
}

/** Sessions of models. */
export declare const InferenceSession: InferenceSessionFactory;

// ---- settings -------------------------------------------------------------------------------------

export declare namespace Env {
  /** A folder. */
  export type WasmPathPrefix = string;
  /** Files. */
  export interface WasmFilePaths {
    /** A module: its folder counts. */
    wasm?: URL | string;
    /** Its script: no effect. */
    mjs?: URL | string;
  }
  /** Where modules are. */
  export type WasmPrefixOrFilePaths = WasmPathPrefix | WasmFilePaths;
  /** Settings of the engine. */
  export interface WebAssemblyFlags {
    /** Default: the cores there are, up to 4.  After a session was made: what it got. */
    numThreads?: number;
    /** No effect: the best module that the host knows is taken. */
    simd?: boolean | 'fixed' | 'relaxed';
    /** @deprecated */
    trace?: boolean;
    /** Milliseconds until the engine has to be ready. */
    initTimeout?: number;
    /** The folder of this engine's modules; one that has none is passed over. */
    wasmPaths?: WasmPrefixOrFilePaths;
    /** Ignored: it is the module of another engine. */
    wasmBinary?: ArrayBufferLike | Uint8Array;
    /** No effect: in a page the engine runs in a worker anyway. */
    proxy?: boolean;
  }
  /** Without effect here. */
  export interface WebGLFlags {
    contextId?: 'webgl' | 'webgl2';
    readonly context: WebGLRenderingContext;
    /** @deprecated */
    matmulMaxBatchSize?: number;
    textureCacheMode?: 'initializerOnly' | 'full';
    pack?: boolean;
    async?: boolean;
  }
  export interface WebGpuProfilingDataV1TensorMetadata {
    dims: readonly number[];
    dataType: string;
  }
  export interface WebGpuProfilingDataV1 {
    version: 1;
    inputsMetadata: readonly WebGpuProfilingDataV1TensorMetadata[];
    outputsMetadata: readonly WebGpuProfilingDataV1TensorMetadata[];
    kernelId: number;
    kernelType: string;
    kernelName: string;
    programName: string;
    startTime: number;
    endTime: number;
  }
  export type WebGpuProfilingData = WebGpuProfilingDataV1;
  /** Without effect here. */
  export interface WebGpuFlags {
    /** @deprecated */
    profilingMode?: 'off' | 'default';
    profiling: { mode?: 'off' | 'default'; ondata?: (data: WebGpuProfilingData) => void };
    /** @deprecated */
    powerPreference?: 'low-power' | 'high-performance';
    /** @deprecated */
    forceFallbackAdapter?: boolean;
    /** @deprecated */
    adapter: Global<'GPUAdapter'>;
    get device(): Promise<Global<'GPUDevice'>>;
    set device(value: Global<'GPUDevice'>);
    validateInputContent?: boolean;
  }
}

/** Settings for all sessions. */
export interface Env {
  /** 'error' and 'fatal' silence what is said about options without effect. */
  logLevel?: 'verbose' | 'info' | 'warning' | 'error' | 'fatal';
  /** Ignored. */
  debug?: boolean;
  /** Marks on the host's timeline. */
  trace?: boolean;
  /** Whose interface this is, and what is behind it. */
  readonly versions: {
    /** The version whose interface this is. */
    readonly common: string;
    /** As `common`. */
    readonly web?: string;
    /** Not set. */
    readonly node?: string;
    /** Not set. */
    readonly 'react-native'?: string;
    /** Of this package. */
    readonly ashore?: string;
  };
  /** Settings of the engine. */
  readonly wasm: Env.WebAssemblyFlags;
  /** Without effect here. */
  readonly webgl: Env.WebGLFlags;
  /** Without effect here. */
  readonly webgpu: Env.WebGpuFlags;
  [name: string]: unknown;
}

/** Settings for all sessions. */
export declare const env: Env;

// ---- backends and traces --------------------------------------------------------------------------

export declare namespace SessionHandler {
  type FeedsType = { [name: string]: OnnxValue };
  type FetchesType = { [name: string]: OnnxValue | null };
  type ReturnType = { [name: string]: OnnxValue };
}
interface SessionHandler {
  dispose(): Promise<void>;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly InferenceSession.ValueMetadata[];
  readonly outputMetadata: readonly InferenceSession.ValueMetadata[];
}
/** What a backend of onnxruntime makes; none is used here. */
export interface InferenceSessionHandler extends SessionHandler {
  startProfiling(): void;
  endProfiling(): void;
  run(feeds: SessionHandler.FeedsType, fetches: SessionHandler.FetchesType,
    options: InferenceSession.RunOptions): Promise<SessionHandler.ReturnType>;
}
/** A backend of onnxruntime; none is used here. */
export interface Backend {
  init(backendName: string): Promise<void>;
  createInferenceSessionHandler(uriOrBuffer: string | Uint8Array,
    options?: InferenceSession.SessionOptions): Promise<InferenceSessionHandler>;
}

/** Checks the backend, and does not use it. */
export declare const registerBackend: (name: string, backend: Backend, priority: number) => void;
/** What can be named as provider: 'cpu' and 'wasm'. */
export declare const listSupportedBackends: () => { name: string; bundled: boolean }[];

/** Marks a moment on the timeline, with `env.trace`. */
export declare const TRACE: (deviceType: string, label: string) => void;
/** Begins a span of a function. */
export declare const TRACE_FUNC_BEGIN: (extraMsg?: string) => void;
/** Ends it. */
export declare const TRACE_FUNC_END: (extraMsg?: string) => void;
/** Begins a span. */
export declare const TRACE_EVENT_BEGIN: (extraMsg?: string) => void;
/** Ends it. */
export declare const TRACE_EVENT_END: (extraMsg?: string) => void;
