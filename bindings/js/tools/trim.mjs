#!/usr/bin/env node
// `ashore trim`: engines for one model, or for some operators.
import fs from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { exits, giveUp, readOptions } from './options.mjs';
import { factsOf } from './facts.mjs';
import { locationsOf, operatorsOf } from './operators.mjs';
import { coverage, loads, prepare } from './prepare.mjs';
import { trim, trimToModel } from './trimmer.mjs';

const help = `ashore trim - write an engine that holds what one model needs

Usage: ashore trim [options] -o FOLDER MODEL.onnx
       ashore trim [options] -o FOLDER OPERATOR | LIST.txt | MODEL.onnx ...

With one model: writes the package's modules with no more than this model needs, and the
model as they take it: rewritten as the engine does when it loads it, with its external
data in it, under its own name.  Put in the place of the package's modules and of the
model they give the same answers, bit for bit, and take no other model.

With anything else, or with --operators: modules for all models that consist of these
operators, as their files are.  Operators are named as in models, those of other domains
than ai.onnx as domain:Name; a model stands for its operators, a list has one name in a
line.

Options:
  -o FOLDER            where the files are written (required)
      --variant NAME   relaxed, simd128 or scalar alone, with and without threads; all of
                       them by default
      --operators      a model stands for its operators, also where it is the only one
      --keep parse     keep Core.parse of ashore/core, which is left out otherwise
      --json           what was written, as JSON
  -h, --help           this text

Examples:
  ashore trim -o site/ashore model.onnx
  ashore trim -o engine --operators encoder.onnx decoder.onnx
  ashore trim -o engine --variant relaxed Conv Relu MaxPool com.microsoft:Gelu
`;

const home = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const options = readOptions('trim', { out: { type: 'string', short: 'o' },
  operators: { type: 'boolean' }, keep: { type: 'string', multiple: true } }, help);
const { keep = [], operands } = options;
const unknown = keep.find((name) => name !== 'parse');
if (unknown !== undefined) giveUp('trim', `--keep is '${unknown}': parse`, exits.usage);
if (!options.out) giveUp('trim', 'no folder is given: -o FOLDER', exits.usage);
if (!operands.length) giveUp('trim', 'no operator and no model is given', exits.usage);
const variants = options.variant === 'auto' ? ['relaxed', 'simd128', 'scalar'] : [options.variant];
const names = variants.flatMap((variant) => [variant, `${variant}-mt`]);
const isModel = (operand) => operand.endsWith('.onnx');
const one = operands.length === 1 && isModel(operands[0]) && !options.operators && !keep.length;

function read(file) {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    return giveUp('trim', error.message, exits.input);
  }
}

function attempt(what, code, use) {
  try {
    return use();
  } catch (error) {
    return giveUp('trim', `${what}: ${error.message}`, code);
  }
}

const engine = (name) => ({ from: read(path.join(home, `ashore-full-${name}.wasm`)),
  map: JSON.parse(read(path.join(home, `ashore-full-${name}.map.json`))) });

// ---- to operators -------------------------------------------------------------------------------

function operatorsNamed(operand) {
  if (operand.endsWith('.txt')) {
    return read(operand).toString().split('\n').map((line) => line.replace(/#.*/, '').trim())
      .filter(Boolean);
  }
  if (!isModel(operand)) return [operand];
  return attempt(operand, exits.input, () => operatorsOf(read(operand)));
}

function toOperators() {
  const operators = new Set(operands.flatMap((operand) => [...operatorsNamed(operand)]));
  const modules = names.map((name) => {
    const { from, map } = engine(name);
    const made = attempt(name, exits.unsupported, () => trim(from, map, operators, keep));
    return { name: `ashore-${name}.wasm`, before: from.length, ...made };
  });
  return { operators: modules[0].operators, modules, files: [] };
}

// ---- to one model -------------------------------------------------------------------------------

function externalOf(file, bytes) {
  const locations = attempt(file, exits.input, () => locationsOf(bytes));
  return Object.fromEntries(locations.map((location) => {
    if (path.isAbsolute(location) || path.normalize(location).startsWith('..')) {
      giveUp('trim', `${file}: its data lies outside of its folder: ${location}`, exits.input);
    }
    return [location, read(path.join(path.dirname(file), location))];
  }));
}

function toModel(file) {
  if (!globalThis.WebAssembly) {
    giveUp('trim', 'this Node has no WebAssembly, which loads the model; --operators does without',
      exits.unsupported);
  }
  const bytes = read(file);
  const external = externalOf(file, bytes);
  const operators = attempt(file, exits.input, () => operatorsOf(bytes));
  const { from: any, map: known } = engine('scalar');
  attempt(file, exits.unsupported, () => trim(any, known, operators)); // unknown ones are named
  const prepared = attempt(file, exits.input, () => prepare(any, bytes, external));
  const modules = names.map((name) => {
    const { from, map } = engine(name);
    const made = attempt(name, exits.unsupported, () =>
      trimToModel(from, map, factsOf(map, prepared), coverage(prepared.bytes)));
    attempt(name, exits.internal, () => loads(made, prepared.bytes));
    return { name: `ashore-${name}.wasm`, before: from.length, bytes: made };
  });
  const before = bytes.length + Object.values(external).reduce((sum, { length }) => sum + length, 0);
  return { operators: [...factsOf(known, prepared).rows.keys()].sort(), modules,
    files: [{ name: path.basename(file), bytes: prepared.bytes, before }] };
}

// ---- the folder ---------------------------------------------------------------------------------

const compressed = (bytes) => brotliCompressSync(bytes, { params: {
  [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 } }).length;

const { operators, modules, files } = one ? toModel(operands[0]) : toOperators();
fs.mkdirSync(options.out, { recursive: true });
for (const { name, bytes } of [...modules, ...files]) {
  fs.writeFileSync(path.join(options.out, name), bytes);
}
const report = modules.map(({ name, bytes, before }) =>
  ({ name, bytes: bytes.length, brotli: compressed(bytes), before }));
const [model] = files.map(({ name, bytes, before }) => ({ name, bytes: bytes.length, before }));
if (options.json) {
  process.stdout.write(`${JSON.stringify({ operators, model, modules: report }, null, 2)}\n`);
} else {
  process.stdout.write(`${operators.length} operators: ${operators.join(', ')}\n`);
  for (const { name, bytes, brotli, before } of report) {
    process.stdout.write(`${name}  ${bytes} of ${before} bytes, ${brotli} as brotli\n`);
  }
  if (model) process.stdout.write(`${model.name}  ${model.bytes} bytes, it had ${model.before}\n`);
}
