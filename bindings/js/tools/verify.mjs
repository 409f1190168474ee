#!/usr/bin/env node
// `ashore verify --target wasm` and `--target browser`: cases in the layout of the ONNX suite,
// folders with model.onnx and test_data_set_*/{input,output}_*.pb.
import fs from 'node:fs';
import path from 'node:path';
import { openEngine } from './browser.mjs';
import { exits, giveUp, numberOf, readOptions } from './options.mjs';
import { makeVerifier } from './verify_run.mjs';

const depth = 8; // folders below the one that was named
const batchBytes = 2 ** 25; // of files that go to a browser at once
const batchCases = 64;
const options = readOptions('verify', { rtol: { type: 'string' }, atol: { type: 'string' },
  strict: { type: 'boolean' } });
const tolerance = { rtol: numberOf('verify', options, 'rtol', 1e-3),
  atol: numberOf('verify', options, 'atol', 1e-7),
  integers: options.rtol !== undefined || options.atol !== undefined };
const { variant, target, strict } = options;
const wanted = { variant, threads: numberOf('verify', options, 'threads', 1), tolerance, strict };
if (!options.operands.length) giveUp('verify', 'no folder is given', exits.usage);

const statOf = (file) => fs.statSync(file, { throwIfNoEntry: false });

function casesOf(dir, level = 0) {
  if (statOf(path.join(dir, 'model.onnx'))?.isFile()) return [dir];
  const names = fs.readdirSync(dir).sort();
  if (level >= depth) return [];
  return names.map((name) => path.join(dir, name)).filter((below) => statOf(below)?.isDirectory())
    .flatMap((below) => casesOf(below, level + 1));
}

const filesIn = (dir) => fs.readdirSync(dir).sort()
  .filter((name) => statOf(path.join(dir, name))?.isFile());

// What verify_run.mjs takes, with the files on disk.
function describe(dir) {
  const sets = fs.readdirSync(dir).filter((name) => name.startsWith('test_data_set_')).sort();
  const names = [...filesIn(dir), ...sets.flatMap((set) =>
    filesIn(path.join(dir, set)).map((name) => `${set}/${name}`))];
  return { dir, sets, names, source: (name) => path.join(dir, name),
    read: (name) => fs.readFileSync(path.join(dir, name)) };
}

async function openNode() {
  const { choice, run } = await makeVerifier(wanted);
  return { choice,
    async* results(cases) { for (const dir of cases) yield run(describe(dir)); },
    close() {} };
}

function* batches(cases) {
  let batch = [];
  let bytes = 0;
  for (const dir of cases) {
    const { sets, names } = describe(dir);
    const files = names.map((name) => ({ name, size: statOf(path.join(dir, name)).size }));
    const size = files.reduce((sum, file) => sum + file.size, 0);
    if (batch.length && (bytes + size > batchBytes || batch.length === batchCases)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push({ dir, sets, files });
    bytes += size;
  }
  if (batch.length) yield batch;
}

async function openChromium() {
  const engine = await openEngine();
  try {
    const choice = await engine.call('openVerifier', wanted);
    return { choice, browser: engine.name,
      async* results(cases) {
        for (const batch of batches(cases)) {
          const url = engine.offer(() => batch.flatMap(({ dir, files }) =>
            files.map(({ name }) => path.join(dir, name))));
          yield* await engine.call('verify', url, batch);
          engine.withdraw(url);
        }
      },
      close: () => engine.close() };
  } catch (error) {
    await engine.close();
    throw error;
  }
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
  cases.push(...found);
}

const rows = [];
let engine;
try {
  engine = await (target === 'browser' ? openChromium() : openNode());
  for await (const row of engine.results(cases)) {
    rows.push(row);
    if (!options.json && row.outcome !== 'pass') {
      process.stdout.write(`${row.outcome} ${row.name}: ${row.reason}\n`);
    }
  }
} catch (error) {
  await engine?.close();
  giveUp('verify', error.message, exits.internal);
}
await engine.close();

const count = (outcome) => rows.filter((row) => row.outcome === outcome).length;
const [passed, failed, skipped] = ['pass', 'fail', 'skip'].map(count);
if (options.json) {
  const { choice, browser } = engine;
  process.stdout.write(`${JSON.stringify({ passed, failed, skipped, target,
    ...(browser ? { browser } : {}), variant: choice.variant, threads: choice.threads,
    cases: rows },
  null, 2)}\n`);
} else {
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
}
process.exitCode = failed || !passed ? exits.failed : exits.ok;
if (!passed && !failed) process.stderr.write('ashore verify: nothing passed\n');
