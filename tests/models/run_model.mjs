// run_model.mjs PACKAGE JOB.json: runs a model in WebAssembly and writes what comes out.
//
// The job: { model, out, variant, threads, runs, feeds: { NAME: { type, dims, file, stepped } },
// feedback: { INPUT: OUTPUT } }.  A file holds the elements of one run, or of all when stepped.
// After each run the outputs named in feedback become inputs of the next.  OUT/out_N.bin receives
// the elements of output N of all runs one after the other, OUT/report.json their shapes, types and
// figures.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, jobFile] = process.argv.slice(2);
const { load, Tensor } = await import(pathToFileURL(path.resolve(folder, 'index.js')));
const job = JSON.parse(fs.readFileSync(jobFile, 'utf8'));
const arrays = { float32: Float32Array, float16: Uint16Array, int32: Int32Array,
  int64: BigInt64Array, uint8: Uint8Array, bool: Uint8Array };

const feeds = Object.entries(job.feeds).map(([name, { type, dims, file, stepped }]) => {
  const { buffer, byteOffset, byteLength } = fs.readFileSync(file);
  const all = new arrays[type](buffer.slice(byteOffset, byteOffset + byteLength));
  const count = dims.reduce((a, b) => a * b, 1);
  return { name, at: (run) => new Tensor(type,
    stepped ? all.slice(run * count, (run + 1) * count) : all, dims) };
});

const model = await load(job.model, { variant: job.variant, threads: job.threads });
const collected = {};
const shapes = {};
const types = {};
let back = {};
for (let run = 0; run < job.runs; run++) {
  const given = Object.fromEntries(feeds.map(({ name, at }) => [name, back[name] ?? at(run)]));
  const out = await model.run(given);
  back = Object.fromEntries(Object.entries(job.feedback ?? {}).map(([to, from]) => [to, out[from]]));
  for (const [name, { type, data, dims }] of Object.entries(out)) {
    (collected[name] ??= []).push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    shapes[name] = dims;
    types[name] = type;
  }
}
Object.values(collected).forEach((parts, i) => {
  fs.writeFileSync(path.join(job.out, `out_${i}.bin`), Buffer.concat(parts));
});
fs.writeFileSync(path.join(job.out, 'report.json'),
  JSON.stringify({ shapes, types, report: model.report, memory: await model.memory() },
    (_, v) => (typeof v === 'bigint' ? Number(v) : v)));
model.close();
