import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { findPackage, packageDir } from './setup.mjs';

const uses = `
import {
  AshoreError, load, Model as Models, Tensor, version,
  type AshoreErrorCode, type Estimate, type LoadOptions, type Manifest, type Model, type Value,
} from '../index.js';
import { cached } from '../cache.js';
import { estimate } from '../estimate.js';
import { load as inline } from '../inline.js';
import { Core } from '../core.js';
import type { AshoreModel } from '../element.js';
import { lendThreads } from '../lend.js';
import { register } from '../pyodide.js';
import { drawDetections, openPrep, readLabels } from '../prep.js';
import '../streams.js';
import '../figures.js';

export async function use(): Promise<void> {
  const x = new Tensor('int64', [1n, 2n], [2]);
  const data: BigInt64Array = x.data;
  const m: Model = await load('model.onnx', { threads: 2, strict: true, variant: 'relaxed',
    onProgress: ({ loaded, total }) => { const part: number = loaded / total; void part; },
    signal: new AbortController().signal });
  const { y } = await m.run({ x, o: null, s: [x] }, { outputs: ['y'] });
  if (y instanceof Tensor && y.type === 'float32') void (y.data as Float32Array);
  const i = await inline(new ArrayBuffer(1));
  const v: Value = i.runSync({ x }, { views: true }).y!;
  const stream = await m.stream({ state: { stateN: 'state' }, initial: { state: x } });
  const all: Record<string, Value>[] = await stream.runAll([{ x }], { transfer: true });
  await stream.reset(await stream.state());
  await m.run({ x }, { into: { y: x } }).catch((error: AshoreError) => error.results?.[error.index!]);
  const at: Value = (await i.stream({ state: {} })).runSync({ x }, { views: true }).y!;
  void [all, at, m.report.traffic.messages];
  // @ts-expect-error
  await m.runAll([{ x }], { into: { y: x } });
  const bad: AshoreError = new AshoreError('ERR_SHAPE', 'text');
  const code: AshoreErrorCode = bad.code;
  void [data, v, version, bad.node, code, m.report.missing[0]?.cost, Core];
  const manifest: Manifest = { files: [{ path: 'model.onnx', bytes: 1, sha256: '' }] };
  const options: LoadOptions = { cache: 'force', manifest, memoryLimit: 1e9, modules: '/engine/',
    worker: new URL('https://localhost/ashore.js'), external: { weights: new Blob() } };
  const again: Model = await Models.load(new Blob(), options);
  const store: 'opfs' | 'indexeddb' | null | undefined = again.report.cache?.store;
  const found: Estimate = await Models.estimate('model.onnx', { dims: { x: [1, 2] }, manifest });
  const steps: number | undefined = (await again.profile())[0]?.seconds;
  void [store, found.memory.wasm, found.compute?.multiplyAdds, steps, (await again.predict()).total];
  void [(await Models.cached('model.onnx'))?.used.getTime(), await Models.evict()];
  void [(await cached('model.onnx'))?.hash, (await estimate('model.onnx')).full];
  // @ts-expect-error
  void (bad.code === 'ERR_WRONG');
  const prep = await openPrep({ module: 'ashore-prep.wasm' });
  const [place] = (await prep.image([new Blob(), new ImageData(1, 1)], { normalize: 'imagenet' }))
    .placements;
  const boxes = prep.detect(new Tensor('float32', [], [0, 6]), { from: place!, labels: 'a' });
  drawDetections(new OffscreenCanvas(1, 1), boxes, { from: { width: 1, height: 1 } });
  const label = prep.classify(prep.topK(prep.argmax(x)).values, { labels: readLabels('a') })[0]?.label;
  const sound: Tensor<'float32'> = await prep.sound({ data: new Int16Array(1), sampleRate: 8000 });
  void [label, prep.mel(prep.frames(sound, { size: 400 }), { log: 'whisper' }).data.length,
    prep.picture(prep.softmax(x)).width, prep.mask(prep.sigmoid(x)).data, prep.nms(sound, sound)[0]];
  const map = prep.imageSync({ data: new Uint8Array(3), width: 1, height: 1 }, { mean: [1, 2, 3] });
  const corners = prep.textRegions(map, { polygons: true })[0]?.corners;
  if (corners) prep.ctc(prep.imageSync(prep.warp(new ImageData(1, 1), corners, 1, 1)));
  const python = { FS: {}, registerJsModule() {}, unregisterJsModule() {}, unpackArchive() {},
    runPython: (code: string) => code };
  const made = await register(python, { threads: 2, modules: { 'a.wasm': new Uint8Array(1) },
    wheel: false, threadsFrom: lendThreads({ worker: '/ashore.js' }).port });
  void [made.missing[0]?.why, made.threads, made.unregister()];
  const element: AshoreModel = document.createElement('ashore-model');
  element.addEventListener('result', ({ detail }) => { void detail['y']; });
  element.addEventListener('progress', ({ detail }) => { void (detail.loaded / detail.total); });
  element.labels = ['a'];
  void [(await element.runPicture(new Blob()))['y'], element.report?.threads];
  // @ts-expect-error
  prep.imageSync(new ImageData(1, 1), { fit: 'shrink' });
  // @ts-expect-error
  new Tensor('float33', []);
  // @ts-expect-error
  await load('model.onnx', { variant: 'avx' });
}
`;

const compiler = path.join(findPackage('typescript'), 'bin/tsc');

test('the declarations hold, for a strict compiler', () => {
  const dir = fs.mkdtempSync(path.join(packageDir, 'types-'));
  try {
    fs.writeFileSync(path.join(dir, 'use.mts'), uses);
    const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--ignoreConfig',
      '--noUncheckedIndexedAccess', '--target', 'es2022', '--module', 'nodenext', '--lib',
      'es2022,dom'];
    execFileSync(process.execPath, [compiler, ...options, 'use.mts'], { cwd: dir,
      encoding: 'utf8' });
  } catch (error) {
    assert.fail(`${error.stdout || error.message}`);
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
});

// What a file exports, and the members of that, begin lines; a second one of a name is an overload.
function withoutComment(text) {
  const found = [];
  let [before, last, isInside] = ['', '', false];
  for (const line of text.split('\n')) {
    const exported = /^export (?:class|interface|function|const|type) (\w+).*?(\{?)$/.exec(line);
    const member = isInside && /^ {2}(?:readonly |get |set )*(\w+)\??[(:<]/.exec(line);
    const [, name] = exported || member || [];
    if (name && name !== last && !before.endsWith('*/')) found.push(line);
    if (name) last = name;
    if (exported) isInside = exported[2] === '{' && !line.startsWith('export function');
    before = line;
  }
  return found;
}

test('every member that is declared has a comment', () => {
  assert.deepEqual(withoutComment('export interface A {\n  b: string;\n}'),
    ['export interface A {', '  b: string;']);
  for (const name of ['cache', 'core', 'element', 'estimate', 'index', 'inline', 'lend', 'prep',
    'pyodide', 'streams']) {
    const text = fs.readFileSync(path.join(packageDir, `${name}.d.ts`), 'utf8');
    assert.deepEqual(withoutComment(text), [], `${name}.d.ts`);
  }
});
