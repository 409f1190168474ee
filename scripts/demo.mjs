// The steps of scripts/demo that need the picture's pixels or the text in them.  Before and after
// the model it is the code of the page that runs, pages/ocr/ocr.js.
//
//   demo.mjs prepare FOLDER              sample.rgba -> input.npy; prints the width of the input
//   demo.mjs native FOLDER KEYS          native/*.npy, bench.json, inspect.json -> text and figures
//   demo.mjs wasm FOLDER KEYS MODEL PACKAGE  the same in WebAssembly, and the two compared
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import zlib from 'node:zlib';
import { decode, prepare, readKeys } from '../pages/ocr/ocr.js';

const [step, folder, keysFile, modelFile, packageDir] = process.argv.slice(2);
const at = (...names) => path.join(folder, ...names);
const json = (name) => JSON.parse(fs.readFileSync(at(name), 'utf8'));
const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const ms = (value) => `${value.toFixed(1)} ms`;
const row = (name, value) => console.log(`   ${name.padEnd(20)}${value}`);

function input() {
  const { width, height } = json('sample.json');
  return prepare({ data: fs.readFileSync(at('sample.rgba')), width, height });
}

function writeNpy(file, { data, dims }) {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims.join(', ')},), }`;
  const header = Buffer.from(text.padEnd(64 * Math.ceil((text.length + 11) / 64) - 11) + '\n');
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0, 0]);
  start.writeUInt16LE(header.length, 8);
  fs.writeFileSync(file, Buffer.concat([start, header,
    Buffer.from(data.buffer, data.byteOffset, data.byteLength)]));
}

// A float32 file of version 1, in C order.
function readNpy(file) {
  const bytes = fs.readFileSync(file);
  const end = 10 + bytes.readUInt16LE(8);
  const dims = /'shape': \(([^)]*)\)/.exec(bytes.toString('latin1', 10, end))[1]
    .split(',').filter((part) => part.trim()).map(Number);
  return { data: new Float32Array(bytes.buffer.slice(bytes.byteOffset + end)), dims };
}

const nativeAnswer = () => readNpy(at('native', fs.readdirSync(at('native'))
  .find((name) => name.endsWith('.npy'))));
const characters = () => readKeys(fs.readFileSync(keysFile, 'utf8'));

function sayText(answer) {
  const { text, confidence } = decode(answer, characters());
  row('text', `"${text}"`);
  row('confidence', `${(100 * confidence).toFixed(1)} %`);
  if (!text) process.exitCode = 1;
  return text;
}

function native() {
  sayText(nativeAnswer());
  const bench = json('bench.json');
  const steady = bench.steady_seconds;
  row('engine', `${bench.cpu}, ${bench.threads} threads`);
  row('load', ms(1e3 * bench.load_seconds));
  row('first run', ms(1e3 * bench.first_seconds));
  row('steady run', `${ms(1e3 * steady.median)} (median of ${steady.runs}, MAD ${
    ms(1e3 * steady.mad)})`);
  row('peak memory', `${mb(json('inspect.json').memory.total)} predicted, ${
    mb(bench.peak_bytes)} held`);
}

async function wasm() {
  const { load, Tensor } = await import(pathToFileURL(path.resolve(packageDir, 'index.js')));
  const model = await load(modelFile);
  const { data, dims } = input();
  const feeds = { [model.inputs[0].name]: new Tensor('float32', data, dims) };
  const { name } = model.outputs[0];
  const predicted = await model.predict({ [model.inputs[0].name]: dims });
  const times = [];
  let answer;
  for (let run = 0; run < 6; run++) {
    const begin = performance.now();
    answer = (await model.run(feeds))[name];
    times.push(performance.now() - begin);
  }
  const [first, ...rest] = times;
  rest.sort((a, b) => a - b);
  const text = sayText(answer);
  const { report } = model;
  row('engine', `${report.variant}, ${report.threads} threads, ${report.module}`);
  const compressed = (file) => zlib.brotliCompressSync(fs.readFileSync(file)).length;
  const script = fs.readdirSync(packageDir).filter((file) => file.endsWith('.js'))
    .reduce((sum, file) => sum + compressed(path.join(packageDir, file)), 0);
  const module = compressed(path.join(packageDir, report.module));
  row('download', `${((module + script) / 1e3).toFixed(1)} kB (module ${
    (module / 1e3).toFixed(1)}, JavaScript ${(script / 1e3).toFixed(1)}; brotli)`);
  row('load', ms(report.ms.total));
  row('first run', ms(first));
  row('steady run', `${ms(rest[rest.length >> 1])} (median of ${rest.length})`);
  const memory = await model.memory();
  row('peak memory', `${mb(predicted.total)} predicted, ${mb(memory.total)} held, ${
    mb(memory.wasm)} the whole instance`);
  model.close();

  const other = nativeAnswer();
  const difference = other.data.reduce((most, value, i) =>
    Math.max(most, Math.abs(value - answer.data[i])), 0);
  console.log('\n   natively and in WebAssembly:');
  row('same text', decode(other, characters()).text === text ? 'yes' : 'no');
  row('largest difference', `${difference.toExponential(1)} between probabilities of 0 to 1`);
  if (decode(other, characters()).text !== text || !(difference < 1e-3)) process.exitCode = 1;
}

if (step === 'prepare') {
  const tensor = input();
  writeNpy(at('input.npy'), tensor);
  console.log(tensor.dims[3]);
} else if (step === 'native') native();
else await wasm();
