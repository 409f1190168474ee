// Runs in pages: ended in the middle, in streams, with buffers that are shared or move; and hosts that
// refuse what the package asks them for.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { gru, longStep, product, small, turning } from '../js/onnx_writer.mjs';
import { packageDir, until, withoutTable } from '../js/setup.mjs';
import { openBrowser, openPage, policyOfTests, serve } from './serve.mjs';

// Before the package itself, in its workers as well: shared memory of 256 MiB at most.
const narrow = 'const { Memory } = WebAssembly;\n'
  + 'WebAssembly.Memory = function (given) {\n'
  + '  if (given.maximum > 4096) throw new RangeError("could not allocate memory");\n'
  + '  return new Memory(given);\n'
  + '};\n';
// Threads of engines, in whose place `use` stands.
const inThreads = (use) => `if (/^ashore:\\d/.test(globalThis.name)) {\n${use}\n}\n`;
const lame = `const { Instance } = WebAssembly;
const request = new XMLHttpRequest();
request.open('GET', '/lame.wasm', false);
request.responseType = 'arraybuffer';
request.send();
const module = new WebAssembly.Module(request.response);
WebAssembly.Instance = function (given, imports) { return new Instance(module, imports); };`;
const script = fs.readFileSync(path.join(packageDir, 'ashore.js'), 'utf8');
const page = (folder) => `import * as ashore from '/${folder}/index.js';\n`
  + `import * as inline from '/${folder}/inline.js';\n`
  + 'Object.assign(globalThis, { ashore, inline });\n';
const html = (name) => `<!doctype html><title>test</title><script type="module" src="/${name}">`
  + '</script>';
const files = {
  '/index.html': html('page.js'), '/page.js': page('ashore'),
  '/module.html': html('module.js'), // what bundlers take
  '/module.js': page('ashore').replaceAll('.js', '.module.js'),
  '/narrow.html': html('narrow.js'), '/narrow.js': page('narrow'),
  '/narrow/ashore.js': narrow + script,
  '/dying.html': html('dying.js'), '/dying.js': page('dying'),
  '/dying/ashore.js': 'globalThis.addEventListener("message", (event) => {\n'
    + '  if (event.data.method !== "run") return;\n'
    + '  event.stopImmediatePropagation();\n'
    + '  throw new Error("it dies");\n'
    + '});\n' + script,
  '/lame.html': html('lame.js'), '/lame.js': page('lame'),
  '/lame.wasm': await withoutTable('ashore-relaxed-mt.wasm'),
  '/lame/ashore.js': inThreads(lame) + script,
  '/late.html': html('late.js'), '/late.js': page('late'),
  '/late/ashore.js': inThreads("if (globalThis.name === 'ashore:2') throw new Error('no such thread');")
    + script,
  '/no_wasm.html': { body: html('no_wasm.js'), policy: policyOfTests.replace(" 'wasm-unsafe-eval'", '') },
  '/no_wasm.js': page('strict'),
  '/strict/ashore.js': { body: script, policy: policyOfTests.replace(" 'wasm-unsafe-eval'", '') },
  '/no_worker.html': { body: html('page.js'), policy: policyOfTests.replace("worker-src 'self'",
    "worker-src 'none'") },
  '/small.onnx': small(), '/turning.onnx': turning(), '/gru.onnx': gru(),
  '/product.onnx': product(), '/long.onnx': longStep(),
};
const folders = { ashore: packageDir, narrow: packageDir, strict: packageDir,
  dying: packageDir, lame: packageDir, late: packageDir };
let browser;
const servers = {};

before(async () => {
  browser = await openBrowser();
  servers.isolated = await serve({ files, folders });
  servers.plain = await serve({ files, folders, isolated: false });
});
after(async () => {
  await browser?.close();
  for (const server of Object.values(servers)) server.close();
});

// Calls use(argument) in a page; `prepare` in it before any script.
async function inPage(kind, use, argument, { name = '', prepare, calm = true } = {}) {
  const context = await browser.newContext();
  if (prepare) await context.addInitScript(prepare);
  const opened = await openPage(context, `${servers[kind].url}${name}`);
  try {
    await opened.page.waitForFunction(() => globalThis.ashore);
    const result = await opened.page.evaluate(use, argument);
    assert.ok(await until(() => !opened.page.workers().length), 'no worker is left behind');
    if (calm) assert.deepEqual(opened.problems, []);
    return { ...result, problems: opened.problems };
  } finally {
    await context.close();
  }
}

test('an abort ends a step in the middle, where the page is isolated', async () => {
  const { order } = await inPage('isolated', async () => {
    const { load, Tensor } = globalThis.ashore;
    const image = (n) => new Tensor('float32', new Float32Array(32 * n * n), [1, 32, n, n]);
    const [a, b] = await Promise.all([1, 2].map(() => load('/long.onnx', { threads: 2 })));
    const events = [];
    const stop = new AbortController();
    const whole = b.run({ x: image(256) }).then(() => 'whole', ({ code }) => code);
    const cut = a.run({ x: image(256) }, { signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    events.push(await cut.catch(({ name }) => name));
    events.push((await a.run({ x: image(1) })).y.data[0]);
    b.close();
    events.push(await whole);
    a.close();
    return { order: events };
  });
  assert.deepEqual(order, ['AbortError', 0, 'ERR_STATE']);
});

for (const [kind, options] of [['isolated', { threads: 2 }], ['plain', { threads: 1 }],
  ['plain', { threads: 1, shell: 'inline' }]]) {
  test(`runs end one by one, ${kind} page, ${JSON.stringify(options)}`, async () => {
    const { ends, runs } = await inPage(kind, async (given) => {
      const { load, Tensor } = globalThis.ashore;
      const m = await load('/turning.onnx', { ...given, profile: true });
      const turn = (turns) => ({ x: new Tensor('float32', new Float32Array(65536), [256, 256]),
        turns: new Tensor('int64', [turns], []) });
      const stops = Array.from({ length: 5 }, () => new AbortController());
      // The first lasts until all the others are asked for, and two of them aborted.
      const all = stops.map(({ signal }, i) => (i ? m.run(turn(1n), { signal }) : m.run(turn(300n))));
      for (const i of [1, 3]) stops[i].abort();
      const settled = await Promise.allSettled(all);
      await m.run(turn(1n));
      const counts = (await m.profile()).map((step) => step.runs);
      m.close();
      return { ends: settled.map(({ reason }) => reason?.name ?? 'done'),
        runs: counts };
    }, options);
    assert.deepEqual(ends, ['done', 'AbortError', 'done', 'AbortError', 'done']);
    assert.deepEqual(runs, [303], 'what was aborted in the queue has not begun');
  });
}

for (const [kind, options, name] of [['isolated', { threads: 3 }], ['plain', {}],
  ['plain', { shell: 'inline' }], ['isolated', { threads: 2 }, 'module.html']]) {
  test(`streams give the bits of states passed by hand, ${kind} ${JSON.stringify(options)} ${
    name ?? ''}`,
    async () => {
      const r = await inPage(kind, async (given) => {
        const { load, Tensor } = globalThis.ashore;
        const m = await load('/gru.onnx', given);
        const feeds = (i) => ({ x: new Tensor('float32', [i, 1, -i, 2, 3, i / 2], [1, 1, 6]) });
        let h = new Tensor('float32', new Float32Array(8), [1, 1, 8]);
        const hand = [];
        for (let i = 0; i < 10; i++) {
          const { y, hn } = await m.run({ ...feeds(i), h });
          hand.push([...y.data]);
          h = hn;
        }
        const streams = await Promise.all([1, 2].map(() => m.stream({ state: { hn: 'h' } })));
        const lists = await Promise.all(streams.map(async (stream) => {
          const found = [];
          for (let i = 0; i < 5; i++) found.push([...(await stream.run(feeds(i))).y.data]);
          const rest = await stream.runAll([5, 6, 7, 8, 9].map(feeds));
          return [...found, ...rest.map(({ y }) => [...y.data])];
        }));
        const state = [...(await streams[0].state()).h.data];
        for (const stream of streams) stream.close();
        const { messages } = m.report.traffic;
        m.close();
        return { hand, lists, state, last: [...h.data], messages };
      }, options, { name });
      assert.deepEqual(r.lists, [r.hand, r.hand]);
      assert.deepEqual(r.state, r.last);
      assert.equal(r.messages > 0, options.shell !== 'inline');
    });
}

test('buffers that are shared are written by the worker, others move or are filled', async () => {
  const r = await inPage('isolated', async () => {
    const { load, Tensor } = globalThis.ashore;
    const m = await load('/small.onnx', { threads: 2 });
    const shared = (n) => new Tensor('float32', new Float32Array(new SharedArrayBuffer(16)).fill(n),
      [1, 4]);
    const [into, own] = [shared(0), new Tensor('float32', new Float32Array(4), [1, 4])];
    const first = await m.run({ x: shared(1) }, { into: { y: into } });
    const moved = new Tensor('float32', [2, 2, 2, 2], [1, 4]);
    const second = await m.run({ x: moved }, { into: { y: own }, transfer: true });
    m.close();
    return { first: first.y === into && [...into.data], second: second.y === own && [...own.data],
      moved: moved.data.length };
  });
  assert.deepEqual(r.first, [2, 0, 3, 0]);
  assert.deepEqual(r.second, [3, 1, 4, 0]);
  assert.equal(r.moved, 0);
});

test('closing in the middle of runs and of loading leaves no worker', async () => {
  const { ends } = await inPage('isolated', async () => {
    const { load, Tensor } = globalThis.ashore;
    const forever = { x: new Tensor('float32', new Float32Array(65536), [256, 256]),
      turns: new Tensor('int64', [1n << 40n], []) };
    const m = await load('/turning.onnx', { threads: 3 });
    const runs = [1, 2, 3].map(() => m.run(forever).catch(({ code }) => code));
    const stop = new AbortController();
    const loading = load('/turning.onnx', { threads: 3, signal: stop.signal, onProgress: () => {
      m.close();
      stop.abort();
    } }).catch(({ name }) => name);
    return { ends: [...await Promise.all(runs), await loading,
      await m.run(forever).catch(({ code }) => code)] };
  });
  assert.deepEqual(ends.slice(0, 3), ['ERR_STATE', 'ERR_STATE', 'ERR_STATE']);
  assert.equal(ends[3], 'AbortError');
  assert.equal(ends[4], 'ERR_STATE');
});

test('a worker that fails ends its model, and no other', async () => {
  const { ends, others } = await inPage('isolated', async () => {
    const { load, Tensor } = globalThis.ashore;
    const healthy = await import('/ashore/index.js');
    const x = new Tensor('float32', [-5, 0, 1, 5], [1, 4]);
    const other = await healthy.load('/small.onnx', { threads: 1 });
    const m = await load('/small.onnx', { threads: 1 });
    const what = ({ code, message }) => `${code} ${message}`;
    const runs = [1, 2, 3].map(() => m.run({ x }).then(() => 'done', what));
    const all = await Promise.all(runs);
    const later = await m.run({ x }).catch(what);
    const { y } = await other.run({ x });
    other.close();
    return { ends: [all.at(-1), later], others: [...y.data] };
  }, undefined, { name: 'dying.html' });
  for (const end of ends) assert.match(end, /ERR_INTERNAL .*it dies/);
  assert.deepEqual(others, wanted);
});

// ---- threads of engines -------------------------------------------------------------------------

test('a thread that dies at its work ends its model, and no other', async (t) => {
  if (os.availableParallelism() < 2) {
    t.skip('threads are given no work where there is one processor');
    return;
  }
  const { end, later, other, threads } = await inPage('isolated', async () => {
    const { load, Tensor } = globalThis.ashore;
    const healthy = await import('/ashore/index.js');
    const square = (side) => new Tensor('float32', new Float32Array(side * side), [side, side]);
    const m = await load('/product.onnx', { threads: 3, variant: 'relaxed' });
    const what = ({ code, message }) => `${code} ${message}`;
    let end = '';
    for (let i = 0; i < 100 && !end; i++) { // until a thread has come to a tile
      end = await m.run({ x: square(1024) }).then(() => '', what);
    }
    const later = await m.run({ x: square(2) }).then(() => '', what);
    const next = await healthy.load('/product.onnx', { threads: 3 });
    const { y } = await next.run({ x: square(1024) });
    next.close();
    return { end, later, other: y.data[0], threads: m.report.threads };
  }, undefined, { name: 'lame.html', calm: false });
  assert.equal(threads, 3);
  for (const text of [end, later]) assert.match(text, /^ERR_INTERNAL the engine stopped in advance/);
  assert.equal(other, 0);
});

const noSecond = () => {
  const { Worker } = globalThis;
  globalThis.Worker = class extends Worker {
    constructor(address, options) {
      if (options.name === 'ashore:2') throw new Error('no such thread');
      super(address, options);
    }
  };
};
for (const [what, page] of [['whose script fails', { name: 'late.html' }],
  ['that the host does not open', { prepare: noSecond }]]) {
  test(`a thread ${what} is said, and the others work`, async () => {
    const found = await inPage('isolated', async () => {
      const { load, Tensor } = globalThis.ashore;
      const x = new Tensor('float32', [-5, 0, 1, 5], [1, 4]);
      const m = await load('/small.onnx', { threads: 3 });
      const { y } = await m.run({ x });
      m.close();
      const strict = await load('/small.onnx', { threads: 3, strict: true }).catch((error) => error);
      return { report: m.report, y: [...y.data], code: strict.code, advice: strict.advice };
    }, undefined, { ...page, calm: false });
    assert.deepEqual(found.y, wanted);
    assert.equal(found.report.threads, 2);
    assert.deepEqual(found.report.missing.map(({ feature }) => feature), ['threads']);
    assert.match(found.report.missing[0].why, /no such thread/);
    assert.match(found.report.missing[0].cost, /on 2 of 3 threads/);
    assert.equal(found.code, 'ERR_UNSUPPORTED');
    assert.match(found.advice, /threads: 1/);
  });
}

test('an abort while threads start leaves none', async () => {
  const { ends } = await inPage('isolated', async (waits) => {
    const { load } = globalThis.ashore;
    const ends = [];
    for (const wait of waits) {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), wait);
      ends.push(await load('/small.onnx', { threads: 4, signal: stop.signal }).then((m) => {
        m.close();
        return 'loaded';
      }, ({ name }) => name));
    }
    return { ends };
  }, [0, 2, 5, 10, 20, 40, 60, 100, 150]);
  for (const end of ends) assert.ok(['AbortError', 'loaded'].includes(end), end);
  assert.equal(ends[0], 'AbortError');
});

// ---- hosts that refuse --------------------------------------------------------------------------

// What becomes of load() and a run, with and without strict.
const attempt = async (options) => {
  const { load, Tensor } = globalThis.ashore;
  const what = ({ code, message, advice }) => ({ code, message, advice });
  const x = new Tensor('float32', [-5, 0, 1, 5], [1, 4]);
  const once = async (given) => {
    const m = await load('/small.onnx', given);
    try {
      return { y: [...(await m.run({ x })).y.data], report: m.report };
    } finally {
      m.close();
    }
  };
  return { loose: await once(options).catch(what),
    strict: await once({ ...options, strict: true }).catch(what) };
};
const wanted = [0, 0, 3, 3];

test('a policy without wasm-unsafe-eval: the error says what is missing', async () => {
  for (const shell of ['worker', 'inline']) {
    const { loose } = await inPage('isolated', attempt, { shell, threads: 2 },
      { name: 'no_wasm.html', calm: false });
    assert.equal(loose.code, 'ERR_POLICY', JSON.stringify(loose));
    assert.match(loose.advice, /'wasm-unsafe-eval'/);
  }
});

test('a policy without workers: the model runs in the page, aloud; strict refuses', async () => {
  const { loose, strict } = await inPage('isolated', attempt, { threads: 1 },
    { name: 'no_worker.html', calm: false });
  assert.deepEqual(loose.y, wanted);
  assert.equal(loose.report.shell, 'inline');
  assert.equal(loose.report.missing[0].feature, 'worker');
  assert.match(loose.report.missing[0].why, /worker-src/);
  assert.equal(strict.code, 'ERR_UNSUPPORTED');
  assert.match(strict.message, /no worker/);
});

for (const [what, prepare] of [
  ['throws', () => { globalThis.Worker = function refused() { throw new Error('no workers'); }; }],
  ['is not there', () => { delete globalThis.Worker; }]]) {
  test(`Worker ${what}: the model runs in the page, aloud`, async () => {
    const { loose, strict } = await inPage('isolated', attempt, { threads: 1 }, { prepare });
    assert.deepEqual(loose.y, wanted);
    assert.equal(loose.report.shell, 'inline');
    assert.deepEqual(loose.report.missing.map(({ feature }) => feature), ['worker']);
    assert.equal(strict.code, 'ERR_UNSUPPORTED');
  });
}

test('no SharedArrayBuffer: one thread, aloud', async () => {
  const { loose, strict } = await inPage('isolated', attempt, { shell: 'inline', threads: 2 },
    { prepare: () => { delete globalThis.SharedArrayBuffer; } });
  assert.deepEqual(loose.y, wanted);
  assert.equal(loose.report.threads, 1);
  assert.deepEqual(loose.report.missing.map(({ feature }) => feature), ['threads']);
  assert.equal(strict.code, 'ERR_UNSUPPORTED');
});

test('shared memory is refused at first: less is taken, aloud', async () => {
  const { loose, strict } = await inPage('isolated', attempt, { threads: 2 },
    { name: 'narrow.html' });
  assert.deepEqual(loose.y, wanted);
  assert.equal(loose.report.threads, 2);
  assert.deepEqual(loose.report.missing.map(({ feature }) => feature), ['memory']);
  assert.match(loose.report.missing[0].cost, /256 MiB/);
  assert.equal(strict.code, 'ERR_UNSUPPORTED');
});

test('memory that may not grow: the run that needs it fails, with figures, and the next goes',
  async () => {
    const { error, next } = await inPage('isolated', async () => {
      const { load, Tensor } = globalThis.ashore;
      const square = (n) => new Tensor('float32', new Float32Array(n * n), [n, n]);
      const m = await load('/product.onnx', { threads: 2 });
      const { code, message, advice } = await m.run({ x: square(6000) }).catch((each) => each);
      const { y } = await m.run({ x: square(3) });
      m.close();
      return { error: { code, message, advice }, next: y.data.length };
    }, undefined, { name: 'narrow.html' });
    assert.equal(error.code, 'ERR_NOMEM');
    assert.match(error.message, /144000000/);
    assert.match(error.advice, /\d+ bytes/);
    assert.equal(next, 9);
  });

test('no memory for an instance at all', async () => {
  const { loose } = await inPage('plain', attempt, { shell: 'inline' }, { prepare: () => {
    WebAssembly.Instance = function refused() {
      throw new RangeError('WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory');
    };
  } });
  assert.equal(loose.code, 'ERR_NOMEM');
  assert.match(loose.advice, /\w/);
});
