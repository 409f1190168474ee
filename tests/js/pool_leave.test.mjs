// A member of an engine's pool, which waits in WebAssembly, leaves when it is told to.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { packageDir, part } from './setup.mjs';

const { sharedMemory } = await part('core.js');
const member = `
  const { parentPort, workerData: { url, module, memory } } = require('node:worker_threads');
  import(url).then(({ joinPool }) => {
    joinPool(module, memory, 1, (words) => parentPort.postMessage({ words }));
    parentPort.postMessage('left');
  });`;

test('a member that waits returns from joinPool', async () => {
  const module = await WebAssembly.compile(fs.readFileSync(path.join(packageDir,
    'ashore-scalar-mt.wasm')));
  const memory = sharedMemory(1024);
  const worker = new Worker(member, { eval: true, workerData: { module, memory,
    url: pathToFileURL(path.join(packageDir, 'core.js')).href } });
  const said = () => new Promise((resolve, reject) => {
    worker.once('message', resolve).once('error', reject);
  });
  const { words: at } = await said();
  assert.ok(at > 0 && at % 4 === 0);
  const left = said();
  const words = new Int32Array(memory.buffer, at, 2);
  Atomics.store(words, 1, 1);
  Atomics.add(words, 0, 1);
  Atomics.notify(words, 0);
  assert.equal(await left, 'left');
  await worker.terminate();
});
