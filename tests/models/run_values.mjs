// run_values.mjs PACKAGE JOBS.json OUT.json: runs models in WebAssembly on values of any kind.
//
// A job: { model, variant, feeds }; OUT holds what each gives.  A tensor is { type, dims, data }, a
// map { keys, values, whole }, a sequence a list; integers of 64 bits are texts.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, jobsFile, outFile] = process.argv.slice(2);
const { load, Tensor } = await import(pathToFileURL(path.resolve(folder, 'index.js')));

const read = ({ type, dims, data, keys, values }) => (keys
  ? new Map(keys.map((key, i) => [key, values[i]])) : new Tensor(type, data, dims));

function write(value) {
  if (Array.isArray(value)) return value.map(write);
  if (value instanceof Map) {
    const keys = [...value.keys()];
    return { keys, values: [...value.values()], whole: typeof keys[0] === 'bigint' };
  }
  return { type: value.type, dims: value.dims, data: [...value.data] };
}

const results = [];
for (const { model, variant, feeds } of JSON.parse(fs.readFileSync(jobsFile, 'utf8'))) {
  const engine = await load(model, { variant, threads: 1 });
  const given = Object.fromEntries(Object.entries(feeds).map(([name, x]) => [name, read(x)]));
  const outputs = await engine.run(given);
  results.push(Object.fromEntries(Object.entries(outputs).map(([name, x]) => [name, write(x)])));
  engine.close();
}
// What JSON has no numbers for are texts, too, and float() of Python reads them.
fs.writeFileSync(outFile, JSON.stringify(results, (_, x) => (typeof x === 'bigint'
  || (typeof x === 'number' && !Number.isFinite(x)) ? String(x) : x)));
