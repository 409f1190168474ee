import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { findPackage, packageDir } from './setup.mjs';

const uses = `
import { AshoreError, load, Tensor, version, type Model, type Value } from '../index.js';
import { load as inline } from '../inline.js';
import { Core } from '../core.js';
import { openVision } from '../vision.js';

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
  const bad: AshoreError = new AshoreError('ERR_SHAPE', 'text');
  void [data, v, version, bad.node, m.report.missing[0]?.cost, Core];
  const vision = await openVision({ threads: 1 });
  const map = vision.imageTensor({ data: new Uint8Array(3), width: 1, height: 1 }, { mean: [1, 2, 3] });
  const corners = vision.textRegions(map, { polygons: true })[0]?.corners;
  if (corners) vision.ctc(vision.imageTensor(vision.warp(new ImageData(1, 1), corners, 1, 1)));
  // @ts-expect-error
  vision.imageTensor(new ImageData(1, 1), { fit: 'shrink' });
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
