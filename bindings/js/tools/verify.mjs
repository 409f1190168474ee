#!/usr/bin/env node
// `ashore verify --target wasm`: cases in the layout of the ONNX suite, folders with model.onnx and
// test_data_set_*/{input,output}_*.pb.
import fs from 'node:fs';
import path from 'node:path';
import { Core } from '../core.js';
import { choose, compile, moduleURL } from '../host.js';
import { load } from '../inline.js';
import { compare } from './compare.mjs';
import { exits, giveUp, numberOf, readOptions } from './options.mjs';

const depth = 8; // folders below the one that was named
const options = readOptions('verify', { rtol: { type: 'string' }, atol: { type: 'string' },
  strict: { type: 'boolean' } });
const tolerance = { rtol: numberOf('verify', options, 'rtol', 1e-3),
  atol: numberOf('verify', options, 'atol', 1e-7),
  integers: options.rtol !== undefined || options.atol !== undefined };
const threads = numberOf('verify', options, 'threads', 1);
const { variant } = options;
if (!options.operands.length) giveUp('verify', 'no folder is given', exits.usage);

const statOf = (file) => fs.statSync(file, { throwIfNoEntry: false });

function casesOf(dir, level = 0) {
  if (statOf(path.join(dir, 'model.onnx'))?.isFile()) return [dir];
  const names = fs.readdirSync(dir).sort();
  if (level >= depth) return [];
  return names.map((name) => path.join(dir, name)).filter((below) => statOf(below)?.isDirectory())
    .flatMap((below) => casesOf(below, level + 1));
}

const choice = choose({ variant, threads });
const module = await compile(moduleURL(choice));
const parser = new Core(choice.shared ? await compile(moduleURL({ ...choice, shared: false }))
  : module);

// The values that are there of input_0.pb, input_1.pb, ...: by name.
function readValues(dir, stem, infos) {
  const extra = path.join(dir, `${stem}_${infos.length}.pb`);
  if (fs.existsSync(extra)) {
    throw new Error(`${extra} is there, but the model has ${infos.length} ${stem}s`);
  }
  const values = {};
  infos.forEach((info, i) => {
    const file = path.join(dir, `${stem}_${i}.pb`);
    if (!fs.existsSync(file)) return;
    try {
      values[info.name] = parser.parse(fs.readFileSync(file), info.kind);
    } catch (error) {
      error.message = `${file}: ${error.message}`;
      throw error;
    }
  });
  return values;
}

async function verifySet(model, dir, figures) {
  const wanted = readValues(dir, 'output', model.outputs);
  const feeds = readValues(dir, 'input', model.inputs);
  const outputs = Object.keys(wanted);
  const got = await model.run(feeds, { outputs });
  if (!outputs.length) throw new Error('no output_*.pb to compare with');
  for (const name of outputs) {
    const difference = compare(got[name], wanted[name], tolerance, figures);
    if (difference) throw new Error(`output '${name}' ${difference}`);
  }
}

function externalFiles(dir) {
  const others = fs.readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'model.onnx');
  return Object.fromEntries(others.map(({ name }) => [name, path.join(dir, name)]));
}

async function verifyCase(dir, figures) {
  const sets = fs.readdirSync(dir).filter((name) => name.startsWith('test_data_set_')).sort();
  const model = await load(path.join(dir, 'model.onnx'), { variant, threads, module,
    external: externalFiles(dir) });
  try {
    for (const set of sets) {
      try {
        await verifySet(model, path.join(dir, set), figures);
      } catch (error) {
        error.message = `${set}: ${error.message}`;
        throw error;
      }
    }
  } finally {
    model.close();
  }
  return sets.length ? null : { skip: true, message: 'no test_data_set_* beside the model' };
}

async function run(dir) {
  const figures = { abs: 0, rel: 0 };
  const problem = await verifyCase(dir, figures).catch((error) => ({ message: error.message,
    skip: error.code === 'ERR_UNSUPPORTED' && !options.strict }));
  const outcome = problem ? (problem.skip && 'skip') || 'fail' : 'pass';
  return { name: dir, outcome, reason: problem?.message ?? null, max_abs: figures.abs,
    max_rel: Number.isFinite(figures.rel) ? figures.rel : null };
}

const cases = [];
for (const named of options.operands) {
  const dir = named.length > 1 ? named.replace(/\/+$/, '') : named;
  let found = [];
  try {
    found = casesOf(dir);
  } catch (error) {
    giveUp('verify', error.message, exits.input);
  }
  if (!found.length) giveUp('verify', `${dir}: no model.onnx in it or below`, exits.input);
  for (const each of found) {
    const result = await run(each);
    cases.push(result);
    if (!options.json && result.outcome !== 'pass') {
      process.stdout.write(`${result.outcome} ${each}: ${result.reason}\n`);
    }
  }
}

const count = (outcome) => cases.filter((each) => each.outcome === outcome).length;
const [passed, failed, skipped] = ['pass', 'fail', 'skip'].map(count);
if (options.json) {
  process.stdout.write(`${JSON.stringify({ passed, failed, skipped, target: 'wasm',
    variant: choice.variant, threads: choice.threads, cases }, null, 2)}\n`);
} else {
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
}
process.exitCode = failed || !passed ? exits.failed : exits.ok;
if (!passed && !failed) process.stderr.write('ashore verify: nothing passed\n');
