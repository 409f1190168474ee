import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { rare, small, turning } from '../js/onnx_writer.mjs';
import { packageDir } from '../js/setup.mjs';
import { browserName, openBrowser, openPage, serve, stallAfter } from './serve.mjs';

const files = {
  '/index.html': '<!doctype html><title>test</title><script type="module" src="/page.js"></script>',
  '/page.js': "import * as ashore from '/ashore/index.js';\n"
    + "import * as inline from '/ashore/inline.js';\n"
    + 'Object.assign(globalThis, { ashore, inline });\n',
  '/in_worker.js': "import { load, Tensor } from '/ashore/index.js';\n"
    + 'const m = await load("/small.onnx");\n'
    + 'const { y } = await m.run({ x: new Tensor("float32", [1, 1, 1, 1], [1, 4]) });\n'
    + 'postMessage({ y: [...y.data], report: m.report });\n',
  '/small.onnx': small(),
  '/rare.onnx': rare({ data: Float32Array.of(5) }),
  '/turning.onnx': turning(),
  '/large.onnx': { pause: stallAfter(1e6), body: Buffer.concat([small(), Buffer.alloc(3e6)]) },
};
let browser;
const servers = {};

before(async () => {
  browser = await openBrowser();
  servers.isolated = await serve({ files, folders: { ashore: packageDir } });
  servers.plain = await serve({ files, folders: { ashore: packageDir }, isolated: false });
});
after(async () => {
  await browser?.close();
  for (const server of Object.values(servers)) server.close();
});

async function inPage(kind, use, argument) {
  const { page, problems } = await openPage(browser, servers[kind].url);
  try {
    await page.waitForFunction(() => globalThis.ashore);
    const result = await page.evaluate(use, argument);
    return { ...result, problems };
  } finally {
    await page.close();
  }
}

const runSmall = async (options) => {
  const { load, Tensor } = globalThis.ashore;
  const phases = [];
  const m = await load('/small.onnx', { ...options,
    onProgress: ({ phase }) => phases.push(phase) });
  const x = new Tensor('float32', [-5, 0, 1, 5], [1, 4]);
  const results = [];
  for (let i = 0; i < 3; i++) results.push([...(await m.run({ x })).y.data]);
  const memory = await m.memory();
  m.close();
  const closed = await m.run({ x }).catch(({ code }) => code);
  return { phases, results, report: m.report, memory, closed };
};
const wanted = [0, 0, 3, 3];
const best = browserName === 'webkit' ? 'simd128' : 'relaxed'; // of WebKitGTK 2.50
const lacks = best === 'relaxed' ? 0 : 1; // it is said each time

for (const [kind, options, threads] of [['isolated', { threads: 3 }, 3],
  ['isolated', { threads: 1 }, 1], ['plain', { threads: 1 }, 1], ['plain', { threads: 3 }, 1],
  ['isolated', { threads: 2, variant: 'scalar' }, 2],
  ['plain', { threads: 1, shell: 'inline' }, 1], ['isolated', { threads: 2, shell: 'inline' }, 1]]) {
  test(`${kind} page, ${JSON.stringify(options)}`, async () => {
    const r = await inPage(kind, runSmall, options);
    assert.deepEqual(r.results, [wanted, wanted, wanted]);
    assert.deepEqual(r.phases, ['engine', 'download', 'prepare', 'ready']);
    assert.equal(r.report.threads, threads);
    assert.equal(r.report.shell, options.shell ?? 'worker');
    assert.equal(r.report.variant, options.variant ?? best);
    assert.equal(r.report.missing.length, (threads < options.threads ? 1 : 0)
      + (options.variant ? 0 : lacks));
    assert.equal(r.closed, 'ERR_STATE');
    assert.ok(r.memory.wasm > 0);
    assert.deepEqual(r.problems, []);
  });
}

for (const options of [{ threads: 1 }, { threads: 3 }, { threads: 1, shell: 'inline' }]) {
  test(`the engine with every operator, ${JSON.stringify(options)}`, async () => {
    const r = await inPage('isolated', async (given) => {
      const { load, Tensor } = globalThis.ashore;
      const m = await load('/rare.onnx', given);
      const x = new Tensor('float32', [1, 2, 3, 4, 5, 4, 3, 2], [2, 4]);
      const { y } = await m.run({ x });
      const names = performance.getEntriesByType('resource').map(({ name }) =>
        name.split('/').pop());
      m.close();
      return { y: [...y.data], report: m.report, fetched: names };
    }, options);
    assert.deepEqual(r.y, [0, 0, 0, 1, 1, 0, 0, 0]);
    assert.equal(r.report.module, `ashore-full-${best}${options.threads > 1 ? '-mt' : ''}.wasm`);
    assert.equal(r.report.threads, options.threads);
    assert.ok(r.fetched.filter((name) => name === 'rare.onnx').length <= 1);
    assert.deepEqual(r.problems, []);
  });
}

test('strict refuses a page that is not isolated', async () => {
  const r = await inPage('plain', async () => globalThis.ashore.load('/small.onnx',
    { threads: 2, strict: true }).catch(({ name, code, message }) => ({ name, code, message })));
  assert.equal(r.code, 'ERR_UNSUPPORTED');
  assert.match(r.message, /Cross-Origin-Opener-Policy/);
});

test('errors and aborts reach the page', async () => {
  const r = await inPage('isolated', async () => {
    const { load, Tensor } = globalThis.ashore;
    const what = ({ name, code }) => (name === 'AshoreError' ? code : name);
    const missing = await load('/none.onnx').catch(what);
    const bad = await load('/page.js').catch((error) => `${what(error)} ${error.message}`);
    const stop = new AbortController();
    const seen = [];
    const download = await load('/large.onnx', { signal: stop.signal, onProgress: (p) => {
      seen.push(p);
      if (p.loaded > 5e5) stop.abort();
    } }).catch(what);
    const m = await load('/turning.onnx', { threads: 2 });
    const turn = (turns) => ({ x: new Tensor('float32', new Float32Array(65536), [256, 256]),
      turns: new Tensor('int64', [turns], []) });
    const soon = new AbortController();
    setTimeout(() => soon.abort(), 10);
    const run = await m.run(turn(1n << 40n), { signal: soon.signal }).catch(what);
    const again = (await m.run(turn(1n))).y.data[0];
    m.close();
    return { missing, bad, download, total: seen.at(-1).total, run, again };
  });
  assert.equal(r.missing, 'ERR_IO');
  assert.match(r.bad, /ERR_FORMAT page.js/);
  assert.equal(r.download, 'AbortError');
  assert.ok(r.total > 3e6);
  assert.equal(r.run, 'AbortError');
  assert.equal(r.again, 0);
});

test('in a worker of the page the engine is inline, with threads', async () => {
  const { y, report } = await inPage('isolated', () => new Promise((resolve, reject) => {
    const worker = new Worker('/in_worker.js', { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  }));
  assert.deepEqual(y, [2, 0, 3, 0]);
  assert.equal(report.shell, 'inline');
  assert.equal(report.missing.length, lacks);
});

test('ten models one after the other, and four at once', async () => {
  const r = await inPage('isolated', async () => {
    const { load, Tensor } = globalThis.ashore;
    const x = new Tensor('float32', [1, 1, 1, 1], [1, 4]);
    for (let i = 0; i < 10; i++) {
      const m = await load('/small.onnx', { threads: 2 });
      await m.run({ x });
      m.close();
    }
    const all = await Promise.all([1, 2, 3, 4].map(() => load('/small.onnx', { threads: 2 })));
    const results = await Promise.all(all.map((m) => m.run({ x })));
    for (const m of all) m.close();
    return { sums: results.map(({ y }) => y.data[0]) };
  });
  assert.deepEqual(r.sums, [2, 2, 2, 2]);
});
