// A page that opens and closes models for days: its process does not grow, no worker stays.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gru, slow, small } from '../js/onnx_writer.mjs';
import { packageDir, until } from '../js/setup.mjs';
import { memoryOfBrowsers } from './browsers.mjs';
import { browserName, openBrowser, openPage, serve } from './serve.mjs';

const cycles = 200;
const settled = 60;
const mib = 1 << 20;
const files = {
  '/index.html': '<!doctype html><title>test</title><script type="module" src="/page.js"></script>',
  '/page.js': "import * as ashore from '/ashore/index.js';\nglobalThis.ashore = ashore;\n",
  '/small.onnx': small(), '/gru.onnx': gru(), '/slow.onnx': slow(40), '/bad.onnx': 'no model',
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

// Opens, uses and closes models number `from` to `to`, in all ways that end; how many answered wrong.
const cycle = async ([from, to]) => {
  const { load, Tensor } = globalThis.ashore;
  const row = (n) => new Tensor('float32', [n, n, n, n], [1, 4]);
  const what = ({ name, code }) => (name === 'AshoreError' ? code : name);
  const ways = {
    async runs(options, i) {
      const model = await load('/small.onnx', options);
      const { y } = await model.run({ x: row(i) });
      model.close();
      return y.data[0] === i + 1 && y.data[2] === i + 2;
    },
    async streams(options) {
      const model = await load('/gru.onnx', options);
      const streams = await Promise.all([1, 2].map(() => model.stream({ state: { hn: 'h' } })));
      const feeds = { x: new Tensor('float32', [1, 2, 3, 4, 5, 6], [1, 1, 6]) };
      const [a, b] = await Promise.all(streams.map((stream) => stream.runAll([feeds, feeds])));
      streams[0].close();
      model.close();
      return `${a[1].y.data}` === `${b[1].y.data}`;
    },
    async abortedRun(options) {
      const model = await load('/slow.onnx', options);
      const stop = new AbortController();
      const x = new Tensor('float32', new Float32Array(65536), [256, 256]);
      const run = model.run({ x }, { signal: stop.signal }).catch(what);
      stop.abort();
      const end = await run;
      model.close();
      return end === 'AbortError';
    },
    async closedRun(options) {
      const model = await load('/slow.onnx', options);
      const x = new Tensor('float32', new Float32Array(65536), [256, 256]);
      const run = model.run({ x }).catch(what);
      model.close();
      return await run === 'ERR_STATE';
    },
    async abortedLoad(options, i) {
      const stop = new AbortController();
      const phases = ['engine', 'download', 'prepare'];
      const end = await load('/small.onnx', { ...options, signal: stop.signal,
        onProgress: ({ phase }) => phase === phases[i % 3] && stop.abort() }).catch(what);
      return end === 'AbortError';
    },
    failedLoad: async (options) => await load('/bad.onnx', options).catch(what) === 'ERR_FORMAT',
  };
  const names = Object.keys(ways);
  const wrong = [];
  for (let i = from; i < to; i++) {
    const name = names[i % names.length];
    const options = { threads: 1 + Math.floor(i / names.length) % 2,
      shell: i % 5 ? 'worker' : 'inline' };
    // In the page itself a run without a signal is over when anything else can be done.
    if (options.shell === 'inline' && name === 'closedRun') continue;
    if (!await ways[name](options, i)) wrong.push(`${i}: ${name}`);
  }
  return wrong;
};

// Less than 8 KiB a model: an instance alone is a hundred times as large.  Of Firefox there are only
// the processes to look at, which waver; the memory of each instance that stays would be 4 MiB more.
const slack = browserName === 'chromium' ? mib : 128 * mib;

async function heapOf(page) {
  if (browserName !== 'chromium') return memoryOfBrowsers;
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('HeapProfiler.enable');
  return async () => {
    await devtools.send('HeapProfiler.collectGarbage');
    const { usedSize, backingStorageSize = 0 } = await devtools.send('Runtime.getHeapUsage');
    return usedSize + backingStorageSize;
  };
}

test(`${cycles} models one after the other in a page`, async () => {
  const { page, problems } = await openPage(browser, server.url);
  await page.waitForFunction(() => globalThis.ashore);
  const heap = await heapOf(page);
  assert.deepEqual(await page.evaluate(cycle, [0, settled]), []);
  const then = await heap();
  assert.deepEqual(await page.evaluate(cycle, [settled, cycles]), []);
  let now; // what workers had is given back when they have ended
  await until(async () => (now = await heap()) < then + slack);
  console.log(`heap: ${(then / mib).toFixed(1)} MiB after ${settled}, ${
    (now / mib).toFixed(1)} MiB after ${cycles}`);
  assert.ok(now < then + slack, `${now - then} bytes more after ${cycles - settled} models`);
  assert.ok(await until(() => !page.workers().length), 'no worker is left behind');
  assert.deepEqual(problems, []);
  await page.close();
});
