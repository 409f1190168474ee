// A program that is typed for onnxruntime-web compiles with the declarations of either package, and
// what the one declares fits the other.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { findPackage, packageDir } from './setup.mjs';

const compiler = path.join(findPackage('typescript'), 'bin/tsc');
const common = path.join(findPackage('onnxruntime-common'), 'dist/esm');

const program = `
import * as ort from 'onnxruntime-web';
import { env, InferenceSession, Tensor, type TypedTensor, type Env, type OnnxValue, type Backend,
  type TensorFromImageDataOptions, type InferenceSessionHandler } from 'onnxruntime-web';

env.wasm.numThreads = 4;
env.wasm.simd = true;
env.wasm.wasmPaths = { wasm: 'x.wasm', mjs: new URL('https://example.org/x.mjs') };
env.logLevel = 'error';
const flags: Env.WebAssemblyFlags = env.wasm;

class Detector {
  private session?: ort.InferenceSession;
  private readonly shape: readonly number[] = [1, 3, 640, 640];

  async load(model: ArrayBuffer | string, options: ort.InferenceSession.SessionOptions = {}) {
    const providers: ort.InferenceSession.ExecutionProviderConfig[] =
      ['webgpu', { name: 'wasm' }, { name: 'webnn', deviceType: 'gpu' }];
    this.session = typeof model === 'string'
      ? await ort.InferenceSession.create(model, { executionProviders: providers, ...options })
      : await InferenceSession.create(model, 0, model.byteLength, { graphOptimizationLevel: 'all',
        freeDimensionOverrides: { batch: 1 }, enableMemPattern: true,
        externalData: ['a.bin', { path: 'b.bin', data: new Uint8Array(4) }] });
    for (const info of this.session.inputMetadata) {
      if (info.isTensor) { const d: number | string | undefined = info.shape[0]; void d; }
    }
  }

  async run(image: Float32Array): Promise<Float32Array> {
    const session = this.session!;
    const feeds: Record<string, ort.Tensor> = {};
    const [name] = session.inputNames;
    feeds[name!] = new ort.Tensor('float32', image, this.shape);
    const results: InferenceSession.OnnxValueMapType = await session.run(feeds);
    const out = results[session.outputNames[0]!]!;
    const again: InferenceSession.ReturnType = await session.run(feeds, ['y'], { tag: 'a' });
    await session.run(feeds, { y: null, z: new Tensor('float32', new Float32Array(1), [1]) });
    const value: OnnxValue = again['y']!;
    const location: Tensor.DataLocation = value.location;
    void location;
    return (await out.getData()) as Float32Array;
  }
}

const int64: TypedTensor<'int64'> = new Tensor('int64', [1n, 2n], [2]);
const big: BigInt64Array = int64.data;
const bool = new Tensor('bool', [true, false]);
const strings: string[] = new Tensor(['a']).data;
const halves: Uint16Array = new Tensor('float16', new Uint16Array(2)).data;
const numbers: TypedTensor<'float32'> = new Tensor(new Float32Array(4)).reshape([2, 2]);
const any: ort.Tensor = new ort.Tensor('uint8' as ort.Tensor.Type, [1, 2], [2]);
const map: Tensor.DataTypeMap['int8'] = new Int8Array(1);
const options: TensorFromImageDataOptions = { resizedWidth: 4, tensorFormat: 'BGR',
  tensorLayout: 'NCHW', dataType: 'float32', norm: { mean: [1, 2, 3], bias: 0 } };
export async function picture(data: ImageData, element: HTMLImageElement, bitmap: ImageBitmap) {
  const a = await Tensor.fromImage(data, options);
  const b = await Tensor.fromImage(element);
  const c = await Tensor.fromImage(bitmap, {});
  const d = await Tensor.fromImage('a.png', { width: 3 });
  const image: ImageData = a.toImageData({ format: 'RGB', norm: { mean: 255 } });
  return [b.toDataURL(), c.size, d.dims.length, image.width];
}
const backend: Backend = { async init(name: string) { void name; },
  async createInferenceSessionHandler(): Promise<InferenceSessionHandler> { throw new Error(); } };
ort.registerBackend('x', backend, 1);
const pinned = Tensor.fromPinnedBuffer('float32', new Float32Array(1));
void [Detector, flags, big, bool, strings, halves, numbers, any, map, pinned.location];

// @ts-expect-error
new Tensor('float33', []);
// @ts-expect-error
new Tensor('string', 5);
// @ts-expect-error
await InferenceSession.create('a', { graphOptimizationLevel: 'most' });
// @ts-expect-error
await InferenceSession.create('a', { executionMode: 1 });
// @ts-expect-error
env.logLevel = 'loud';
`;

// Compiles a program whose 'onnxruntime-web' and 'onnxruntime-common' lie where paths say.
function compile(source, paths) {
  const dir = fs.mkdtempSync(path.join(packageDir, 'types-'));
  try {
    fs.writeFileSync(path.join(dir, 'use.mts'), source);
    fs.writeFileSync(path.join(dir, 'tsconfig.json'), JSON.stringify({
      compilerOptions: { noEmit: true, strict: true, exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true, target: 'es2022', module: 'nodenext',
        lib: ['es2022', 'dom', 'esnext.disposable'], types: [], paths },
      files: ['use.mts'],
    }));
    execFileSync(process.execPath, [compiler, '-p', '.'], { cwd: dir, encoding: 'utf8' });
  } catch (error) {
    assert.fail(`${error.stdout || error.message}`);
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
}

const theirs = [path.join(common, 'index.d.ts')];
const ours = [path.join(packageDir, 'ort.d.ts')];

test('the same program compiles with both', () => {
  compile(program, { 'onnxruntime-web': theirs });
  compile(program, { 'onnxruntime-web': ours });
});

// The names that index.d.ts exports, and those in its namespaces.
function exportedNames() {
  const files = [...fs.readFileSync(theirs[0], 'utf8').matchAll(/from '(.*)\.js'/g)];
  return files.flatMap(([, name]) => {
    const text = fs.readFileSync(path.join(common, `${name}.d.ts`), 'utf8');
    return [...text.matchAll(/^export (?:declare )?(?:interface|type|const|namespace) (\w+)(<?)/gm)]
      .map(([, each, generic]) => ({ each, generic }));
  });
}

test('every name that onnxruntime-common exports is declared', () => {
  const names = new Set(exportedNames().map(({ each }) => each));
  assert.ok(names.size > 45, `${names.size} names`);
  compile(`export type { ${[...names].join(', ')} } from 'onnxruntime-web';\n`,
    { 'onnxruntime-web': ours });
});

test('what one package declares fits the other', () => {
  const both = ['InferenceSession.RunOptions', 'InferenceSession.FeedsType',
    'InferenceSession.FetchesType', 'InferenceSession.ReturnType', 'InferenceSession.ValueMetadata',
    'InferenceSession.ExecutionProviderConfig', 'InferenceSession.ExecutionProviderOptionMap',
    'InferenceSession.SessionOptions', 'Tensor', "TypedTensor<'int64'>", 'Tensor.DataTypeMap',
    'Tensor.ElementTypeMap', 'Tensor.DataType', 'Tensor.DataLocation', 'TensorConstructor',
    'TensorFactory', 'Env', 'Env.WebAssemblyFlags', 'Env.WebGpuFlags', 'Env.WebGLFlags', 'Backend',
    'ExternalDataFileType', 'FileType', 'OnnxValue', 'TensorFromUrlOptions',
    'TensorFromImageDataOptions', 'TensorFromImageElementOptions', 'TensorFromImageBitmapOptions',
    'TensorToImageDataOptions', 'TensorToDataUrlOptions', 'CpuPinnedConstructorParameters',
    'GpuBufferConstructorParameters', 'TextureConstructorParameters',
    'MLTensorConstructorParameters', "TensorFromTextureOptions<'float32'>",
    "TensorFromGpuBufferOptions<'float32'>", "TensorFromMLTensorOptions<'float32'>",
    'ConversionUtils', 'InferenceSessionHandler'];
  // Ours have more: a session has a report, and is made from more.
  const oursAlone = ['InferenceSession', 'InferenceSessionFactory'];
  const lines = [...both, ...oursAlone].map((name, i) =>
    `export const a${i}: Theirs.${name} = {} as Ours.${name};`);
  const back = both.map((name, i) => `export const b${i}: Ours.${name} = {} as Theirs.${name};`);
  compile(["import type * as Theirs from 'onnxruntime-common';",
    "import type * as Ours from 'onnxruntime-web';", ...lines, ...back].join('\n'),
  { 'onnxruntime-common': theirs, 'onnxruntime-web': ours });
});

test('what this package adds is declared', () => {
  compile(`
import ort, { AshoreError, InferenceSession, listSupportedBackends } from 'ashore/ort';
const options: ort.InferenceSession.SessionOptions = { strict: true, memoryLimit: 1e9,
  cache: 'force', manifest: 'manifest.json', sha256: '',
  signal: new AbortController().signal,
  onProgress: ({ loaded }) => { const n: number = loaded; void n; } };
const session: InferenceSession = await ort.InferenceSession.create(new Blob([]), options);
const why: string | undefined = session.report.ignored[0]?.why;
const { missing, variant } = session.report;
await session.run({}, { signal: new AbortController().signal });
const seconds: number | undefined = (await session.endProfiling())[0]?.seconds;
void [why, missing, variant, seconds, new AshoreError('ERR_IO', ''), listSupportedBackends()];
`, {});
});
