// The steps of scripts/demo that need pixels or text.  What is before and behind the models is the
// code of the page, pages/ocr/ocr.js.
//
//   demo.mjs prepare FOLDER        page.rgba -> input.npy; prints the height and width of the input
//   demo.mjs native FOLDER         native.txt, native.log, bench.json, inspect.json -> figures
//   demo.mjs wasm FOLDER MODELS    the same in WebAssembly, and the two compared
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { load } from '../build/js/index.js';
import { openPrep } from '../build/js/prep.js';
import { detectionInput, Reader, readKeys } from '../pages/ocr/ocr.js';

const packageDir = new URL('../build/js/', import.meta.url);
const [step, folder, models] = process.argv.slice(2);
const at = (...names) => path.join(folder, ...names);
const json = (name) => JSON.parse(fs.readFileSync(at(name), 'utf8'));
const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const ms = (value) => `${value.toFixed(1)} ms`;
const row = (name, value) => console.log(`   ${name.padEnd(20)}${value}`);
const picture = () => ({ ...json('page.json'), data: fs.readFileSync(at('page.rgba')) });

function writeNpy(file, { data, dims }) {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims.join(', ')},), }`;
  const header = Buffer.from(text.padEnd(64 * Math.ceil((text.length + 11) / 64) - 11) + '\n');
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0, 0]);
  start.writeUInt16LE(header.length, 8);
  fs.writeFileSync(file, Buffer.concat([start, header,
    Buffer.from(data.buffer, data.byteOffset, data.byteLength)]));
}

// The elements of a float32 file of version 1.
function readNpy(file) {
  const bytes = fs.readFileSync(file);
  const end = 10 + bytes.readUInt16LE(8);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + end,
    bytes.byteOffset + bytes.length));
}

const nativeMap = () => readNpy(at('native', fs.readdirSync(at('native'))
  .find((name) => name.endsWith('.npy'))));

// Lines of native.txt: confidence, four corners, text.
const nativeLines = () => fs.readFileSync(at('native.txt'), 'utf8').trimEnd().split('\n')
  .map((line) => /^ *([\d.]+) +(?:-?\d+,-?\d+ ){4} (.*)$/.exec(line))
  .map(([, confidence, text]) => ({ confidence: confidence / 100, text }));

function sayLines(lines) {
  for (const { text, confidence } of lines) row(`${(100 * confidence).toFixed(1)} %`, text);
  if (!lines.length) process.exitCode = 1;
}

async function prepare() {
  const prep = await openPrep();
  const input = detectionInput(prep, picture());
  prep.close();
  writeNpy(at('input.npy'), input);
  console.log(input.dims[2], input.dims[3]);
}

function native() {
  sayLines(nativeLines());
  const bench = json('bench.json');
  const steady = bench.steady_seconds;
  row('all of it', fs.readFileSync(at('native.log'), 'utf8').trim());
  row('engine', `${bench.cpu}, ${bench.threads} threads`);
  row('detection', `load ${ms(1e3 * bench.load_seconds)}, first run ${ms(1e3 * bench.first_seconds)
  }, steady ${ms(1e3 * steady.median)} (median of ${steady.runs}, MAD ${ms(1e3 * steady.mad)})`);
  row('peak memory', `${mb(json('inspect.json').memory.total)} predicted, ${
    mb(bench.peak_bytes)} held (detection)`);
}

function download({ module }) {
  const compressed = (file) => zlib.brotliCompressSync(fs.readFileSync(
    new URL(file, packageDir))).length;
  const script = ['ashore.js', 'index.js', 'prep.js', 'worker.js']
    .reduce((sum, file) => sum + compressed(file), 0);
  const engine = compressed(module);
  return `${((engine + script) / 1e3).toFixed(1)} kB (module ${(engine / 1e3).toFixed(1)
  }, JavaScript ${(script / 1e3).toFixed(1)}; brotli)`;
}

async function wasm() {
  const begin = performance.now();
  const file = (name) => path.join(models, name);
  const detection = await load(file('ch_PP-OCRv4_det_infer.onnx'));
  const direction = await load(file('ch_ppocr_mobile_v2.0_cls_infer.onnx'));
  const recognition = await load(file('ch_PP-OCRv4_rec_infer.onnx'));
  const prep = await openPrep();
  const characters = readKeys(fs.readFileSync(file('ppocr_keys_v1.txt'), 'utf8'));
  const reader = new Reader({ detection, direction, recognition, prep, characters });
  const loaded = performance.now() - begin;
  const first = await reader.readAll(picture());
  const { lines, map, times } = await reader.readAll(picture());
  sayLines(lines);
  const { report } = detection;
  const all = (of) => of.detection + of.direction + of.recognition;
  row('all of it', `detection ${ms(times.detection)}, direction ${ms(times.direction)
  }, recognition ${ms(times.recognition)}, ${lines.length} lines`);
  row('engine', `${report.variant}, ${report.threads} threads, ${report.module}`);
  row('download', download(report));
  row('load', `${ms(loaded)}, three models`);
  row('first, second time', `${ms(all(first.times))}, ${ms(all(times))}`);
  const predicted = await detection.predict({ x: [1, 3, map.dims[2], map.dims[3]] });
  const memory = await detection.memory();
  row('peak memory', `${mb(predicted.total)} predicted, ${mb(memory.total)} held, ${
    mb(memory.wasm)} the whole instance (detection)`);
  for (const model of [detection, direction, recognition, prep]) model.close();

  const other = nativeMap();
  const difference = other.reduce((most, value, i) =>
    Math.max(most, Math.abs(value - map.data[i])), 0);
  const texts = (of) => of.map(({ text }) => text).join('\n');
  const same = texts(nativeLines()) === texts(lines);
  console.log('\n   natively and in WebAssembly:');
  row('same text', same ? 'yes' : 'no');
  row('largest difference', `${difference.toExponential(1)} between probabilities of 0 to 1`);
  if (!same || !(difference < 1e-3)) process.exitCode = 1;
}

if (step === 'prepare') await prepare();
else if (step === 'native') native();
else await wasm();
