// Makes sessions, forgets them, and prints how many of their threads are left; one session is kept.
import fs from 'node:fs';
import { small } from './onnx_writer.mjs';
import { part } from './setup.mjs';

const { InferenceSession } = await part('ort.js');
const threads = () => fs.readdirSync('/proc/self/task').length;
const options = { intraOpNumThreads: 3, shell: process.argv[2] };
const patience = 1000; // collections

async function makeSome() {
  await Promise.all([1, 2, 3].map(() => InferenceSession.create(small(), options)));
  return threads();
}

const kept = await InferenceSession.create(small(), options);
const before = threads();
const most = await makeSome();
if (most < before + 6) throw new Error(`${most - before} threads were started`);
for (let i = 0; threads() > before && i < patience; i++) {
  globalThis.gc();
  await new Promise((resolve) => { setTimeout(resolve, 10); });
}
console.log(threads() - before, 'of at least 6 threads are left,', kept.inputNames[0], 'is kept');
