#!/usr/bin/env node
// trim.mjs -o FOLDER [--variant VARIANT] [--keep parse | vision] OPERATOR | MODEL.onnx | LIST.txt ...
//
// Writes the package's modules, or those of one variant, with no more than what models need that
// consist of some operators: put in the place of the package's, without the ashore-full-* ones, they
// do the same for these models and refuse others.  Operators are named as in models, those of other
// domains than ai.onnx as domain:Name; a model stands for its operators, a list has one name in a
// line.  What ashore/vision takes, and Core.parse of ashore/core, is kept when it is asked for.
import fs from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { exits, giveUp, readOptions } from './options.mjs';
import { operatorsOf } from './operators.mjs';
import { extras, trim } from './trimmer.mjs';

const home = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const options = readOptions('trim', { out: { type: 'string', short: 'o' },
  keep: { type: 'string', multiple: true } });
const { keep = [] } = options;
const unknown = keep.find((name) => !extras[name]);
if (unknown !== undefined) {
  giveUp('trim', `--keep is '${unknown}': ${Object.keys(extras).join(', ')}`, exits.usage);
}
if (!options.out) giveUp('trim', 'no folder is given: -o FOLDER', exits.usage);
if (!options.operands.length) giveUp('trim', 'no operator and no model is given', exits.usage);
const variants = options.variant === 'auto' ? ['relaxed', 'simd128', 'scalar'] : [options.variant];

function read(file) {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    return giveUp('trim', error.message, exits.input);
  }
}

function operatorsNamed(operand) {
  if (operand.endsWith('.txt')) {
    return read(operand).toString().split('\n').map((line) => line.replace(/#.*/, '').trim())
      .filter(Boolean);
  }
  if (!operand.endsWith('.onnx')) return [operand];
  const bytes = read(operand);
  try {
    return operatorsOf(bytes);
  } catch (error) {
    return giveUp('trim', `${operand}: ${error.message}`, exits.input);
  }
}

const compressed = (bytes) => brotliCompressSync(bytes, { params: {
  [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 } }).length;

const operators = new Set(options.operands.flatMap((operand) => [...operatorsNamed(operand)]));
const modules = [];
for (const name of variants.flatMap((variant) => [variant, `${variant}-mt`])) {
  const from = read(path.join(home, `ashore-full-${name}.wasm`));
  try {
    const map = JSON.parse(read(path.join(home, `ashore-full-${name}.map.json`)));
    modules.push({ name: `ashore-${name}.wasm`, from, ...trim(from, map, operators, keep) });
  } catch (error) {
    giveUp('trim', `${name}: ${error.message}`, exits.unsupported);
  }
}

fs.mkdirSync(options.out, { recursive: true });
const report = modules.map(({ name, from, bytes }) => {
  fs.writeFileSync(path.join(options.out, name), bytes);
  return { name, bytes: bytes.length, brotli: compressed(bytes), before: from.length };
});
const [{ operators: kept }] = modules;
if (options.json) {
  process.stdout.write(`${JSON.stringify({ operators: kept, modules: report }, null, 2)}\n`);
} else {
  process.stdout.write(`${kept.length} operators: ${kept.join(', ')}\n`);
  for (const { name, bytes, brotli, before } of report) {
    process.stdout.write(`${name}  ${bytes} of ${before} bytes, ${brotli} as brotli\n`);
  }
}
