// A page that opens and closes models for days: its process does not grow, no worker stays.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { small } from '../js/onnx_writer.mjs';
import { packageDir } from '../js/setup.mjs';
import { openBrowser, openPage, serve } from './serve.mjs';

const cycles = 200;
const settled = 60;
const mib = 1 << 20;
const files = {
  '/index.html': '<!doctype html><title>test</title><script type="module" src="/page.js"></script>',
  '/page.js': "import * as ashore from '/ashore/index.js';\nglobalThis.ashore = ashore;\n",
  '/small.onnx': small(),
};
let browser;
let server;

before(async () => {
  browser = await openBrowser();
  server = await serve({ files, folders: { ashore: packageDir } });
});
after(async () => {
  await browser?.close();
  server?.close();
});

// Opens, runs and closes models number `from` to `to`; how many answered wrong.
const cycle = async ([from, to]) => {
  const { load, Tensor } = globalThis.ashore;
  let wrong = 0;
  for (let i = from; i < to; i++) {
    const model = await load('/small.onnx', { threads: 1 + i % 2 });
    const { y } = await model.run({ x: new Tensor('float32', [i, i, i, i], [1, 4]) });
    if (y.data[0] !== i + 1 || y.data[2] !== i + 2) wrong++;
    model.close();
  }
  return wrong;
};

test(`${cycles} models one after the other in a page`, async () => {
  const { page, problems } = await openPage(browser, server.url);
  await page.waitForFunction(() => globalThis.ashore);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('HeapProfiler.enable');
  const heap = async () => {
    await devtools.send('HeapProfiler.collectGarbage');
    const { usedSize, backingStorageSize = 0 } = await devtools.send('Runtime.getHeapUsage');
    return usedSize + backingStorageSize;
  };
  assert.equal(await page.evaluate(cycle, [0, settled]), 0);
  const then = await heap();
  assert.equal(await page.evaluate(cycle, [settled, cycles]), 0);
  const now = await heap();
  console.log(`heap: ${(then / mib).toFixed(1)} MiB after ${settled}, ${
    (now / mib).toFixed(1)} MiB after ${cycles}`);
  // Less than 8 KiB a model: an instance alone is a hundred times as large.
  assert.ok(now < then + mib, `${now - then} bytes more after ${cycles - settled} models`);
  for (let turn = 0; page.workers().length && turn < 100; turn++) await page.waitForTimeout(50);
  assert.equal(page.workers().length, 0);
  assert.deepEqual(problems, []);
  await page.close();
});
