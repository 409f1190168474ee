// cold_node.mjs ENGINE: imports "ashore" or "onnxruntime" into a Node that has just started, loads PP-OCR
// cls and runs it once, on one thread.  Prints what a sample of cold.mjs is.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { folders } from './places.mjs';

const [engine] = process.argv.slice(2);
const file = path.join(folders.models, 'ocr-cls.onnx');
const bring = (folder, name) => import(pathToFileURL(path.join(folders[folder], name)));
const shape = [1, 3, 48, 192];
const input = new Float32Array(3 * 48 * 192);

async function openAshore() {
  const { load, Tensor } = await bring('ashore', 'ashore.js');
  const model = await load(file, { threads: 1 });
  return () => model.run({ x: new Tensor('float32', input, shape) });
}

async function openOrt() {
  const ort = await bring('onnxruntime-web', 'ort.wasm.min.mjs');
  ort.env.wasm.numThreads = 1;
  const model = await ort.InferenceSession.create(fs.readFileSync(file), { executionProviders: ['wasm'] });
  return () => model.run({ x: new ort.Tensor('float32', input, shape) });
}

const begin = performance.now();
const run = await (engine === 'ashore' ? openAshore : openOrt)();
const ready = performance.now();
const [{ data }] = Object.values(await run());
const end = performance.now();
if (!(Math.abs(data[0] + data[1] - 1) < 1e-3)) throw new Error('a wrong answer');
console.log(JSON.stringify({ page: begin, ready: ready - begin, run: end - ready,
  answer: end - begin }));
process.exit();
