// The program's commands natively and with --target wasm: the same fields, names and refusals.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { model, node, tensor, tensorProto } from './onnx_writer.mjs';
import { root } from './setup.mjs';

const program = process.env.ASHORE ?? path.join(root, 'build/ashore');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-tools-'));
after(() => fs.rmSync(folder, { recursive: true }));

function ashore(...given) {
  const { status, stdout, stderr } = spawnSync(program, given, { cwd: folder, encoding: 'utf8' });
  return { status, stdout, stderr };
}
const both = (...given) => [ashore(...given), ashore(...given, '--target', 'wasm')];

function fieldsOf(value, at = '') {
  if (Array.isArray(value)) return value.length ? fieldsOf(value[0], `${at}[]`) : [];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, each]) =>
    [`${at}.${key}`, ...fieldsOf(each, `${at}.${key}`)]);
}

function sameFields(native, wasm, extra) {
  assert.deepEqual([native.status, wasm.status], [0, 0], native.stderr + wasm.stderr);
  const [a, b] = [native, wasm].map(({ stdout }) => fieldsOf(JSON.parse(stdout)).sort());
  assert.deepEqual(b.filter((name) => !a.includes(name)), extra);
  assert.deepEqual(a.filter((name) => !b.includes(name)), []);
}

const x = { type: 'float32', dims: [1, 4], data: new Float32Array([-1, 0, 1, 2]) };
const y = { type: 'float32', dims: [1, 4], data: new Float32Array([0, 0, 1, 2]) };
const relu = model({ nodes: [node('Relu', ['x'], ['y'])],
  inputs: { x: tensor('float32', ['p2o.Batch.0', 'p2o.Width.1']) },
  outputs: { y: tensor('float32', ['p2o.Batch.0', 'p2o.Width.1']) } });
const file = path.join(folder, 'relu.onnx');
fs.writeFileSync(file, relu);

function writeCase(...names) {
  const sets = path.join(folder, ...names, 'test_data_set_0');
  fs.mkdirSync(sets, { recursive: true });
  fs.writeFileSync(path.join(sets, '../model.onnx'), relu);
  fs.writeFileSync(path.join(sets, 'input_0.pb'), tensorProto(x));
  fs.writeFileSync(path.join(sets, 'output_0.pb'), tensorProto(y));
}

test('bench has the same fields', () => {
  const [native, wasm] = both('bench', file, '--dim', 'p2o.Width.1=4', '--runs', '2', '--per-op',
    '--json');
  sameFields(native, wasm, ['.variant']);
});

test('dimensions that are not given, and that are not there, are named', () => {
  for (const { status, stderr } of both('bench', file)) {
    assert.equal(status, 2);
    assert.match(stderr, /unknown extents: p2o\.Width\.1; give each with --dim/);
  }
  for (const { status, stderr } of both('bench', file, '--dim', 'W=4')) {
    assert.equal(status, 2);
    assert.match(stderr, /--dim W: the model has no such dimension; it has: p2o\.Batch\.0, p2o\.Wi/);
  }
});

// Messages with no argument and with several, texts and numbers of both widths.
test('what is wrong with a model is said in the same words', () => {
  const float = (...dims) => tensor('float32', dims);
  const bad = {
    operator: [node('Nonsense', ['x'], ['y'])],
    inputs: [node('Relu', ['x', 'x'], ['y'])],
    axis: [node('Softmax', ['x'], ['y'], { axis: 5 })],
    shapes: [node('Concat', ['x', 'w'], ['y'], { axis: 1 })],
    perm: [node('Transpose', ['x'], ['y'], { perm: [0, 0] })],
    attribute: [node('Softmax', ['x'], ['y'], { axis: [1, 2] })],
    missing: [node('Add', ['x', 'nowhere'], ['y'])],
  };
  for (const [name, nodes] of Object.entries(bad)) {
    const dir = path.join(folder, 'bad', name);
    fs.mkdirSync(path.join(dir, 'test_data_set_0'), { recursive: true });
    fs.writeFileSync(path.join(dir, 'model.onnx'), model({ nodes, inputs: { x: float(1, 4) },
      outputs: { y: float(1, 4) }, weights: { w: { ...x, dims: [2, 2] } } }));
  }
  const [native, wasm] = both('verify', 'bad');
  assert.deepEqual([native.status, wasm.status], [1, 1], native.stderr + wasm.stderr);
  assert.equal(wasm.stdout, native.stdout);
  assert.match(native.stdout, /axis 5 is out of range for rank 2/);
});

test('verify has the same fields and finds cases as deep', () => {
  const levels = ['1', '2', '3', '4', '5', '6', '7'];
  writeCase('deep', ...levels, '8');
  sameFields(...both('verify', 'deep', '--json'), ['.target', '.variant', '.threads'].sort());
  for (const { stdout } of both('verify', 'deep')) {
    assert.equal(stdout, '1 passed, 0 failed, 0 skipped\n');
  }
  writeCase('deeper', ...levels, '8', '9');
  for (const { status, stderr } of both('verify', 'deeper')) {
    assert.equal(status, 3);
    assert.match(stderr, /deeper: no model\.onnx in it or below/);
  }
});
