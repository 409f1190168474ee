// Models that are kept for the next visit, in Chromium.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { hostile } from '../js/hostile_server.mjs';
import { model, node, tensor } from '../js/onnx_writer.mjs';
import { packageDir, until } from '../js/setup.mjs';
import { block } from './document.mjs';
import { browserName, openBrowser } from './serve.mjs';

const n = 1024;
const weights = Float32Array.from({ length: n * n }, (_, i) => (i * 7919) % 1009);
const make = (more) => model({ nodes: [node('MatMul', ['x', 'w'], ['y'])],
  inputs: { x: tensor('float32', [1, n]) }, outputs: { y: tensor('float32', [1, n]) },
  weights: { w: { type: 'float32', dims: [n, n], data: weights, ...more } } });
const whole = make(); // 4 MiB and a little
const sum = Array.from({ length: n }, (_, i) => weights[i * n]).reduce((a, b) => a + b);
const chunk = 1 << 20;
const hash = (bytes) => createHash('sha256').update(bytes).digest('hex');
const manifest = (...files) => Buffer.from(JSON.stringify({ manifest: 1, model: 'm.onnx',
  files: files.map(([name, bytes]) => ({ path: name, bytes: bytes.length, sha256: hash(bytes), chunk,
    chunks: Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, i) =>
      hash(bytes.subarray(i * chunk, (i + 1) * chunk))) })) }));
const kinds = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html' };

let browser;
let server;
let files;
let how;

async function start() {
  files = { '/m.onnx': whole, '/other.onnx': Buffer.concat([whole]), '/manifest.json':
    manifest(['m.onnx', whole]),
  '/index.html': Buffer.from('<!doctype html><script type="module" src="/page.js"></script>'),
  '/page.js': Buffer.from("import * as ashore from '/ashore/index.js';\n"
    + "import * as inline from '/ashore/inline.js';\nObject.assign(globalThis, { ashore, inline });") };
  for (const name of fs.readdirSync(packageDir)) {
    if (/\.(js|wasm)$/.test(name)) {
      files[`/ashore/${name}`] = fs.readFileSync(path.join(packageDir, name));
    }
  }
  how = {};
  server = await hostile(files, (i, { url }) => {
    const { headers, ...rest } = how[url] ?? {};
    return { etag: url.endsWith('.onnx') ? undefined : '', ...rest, headers: { 'content-type':
      kinds[path.extname(url)] ?? 'application/octet-stream', 'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp',
    ...headers } };
  });
}

before(async () => { browser = await openBrowser(); });
after(async () => { await browser?.close(); });
beforeEach(async () => {
  await server?.close();
  await start();
});
after(() => server?.close());

async function openTab(context, init) {
  const page = await context.newPage();
  if (init) await page.addInitScript(init);
  await page.goto(`${server.url}index.html`);
  await page.waitForFunction(() => globalThis.ashore);
  return page;
}

/** Calls use(page, context) with a page of a profile of its own. */
async function inPage(use, init) {
  const context = await browser.newContext();
  try {
    return await use(await openTab(context, init), context);
  } finally {
    await context.close();
  }
}

// In the page: loads, runs, and says what came of it.
const visit = (page, url, options) => page.evaluate(async ([from, given]) => {
  const { inline, abortAt, ...rest } = given;
  const { load, Tensor } = inline ? globalThis.inline : globalThis.ashore;
  const began = new AbortController();
  try {
    const m = await load(new URL(from, location.href).href, { threads: 1, ...rest,
      signal: began.signal,
      onProgress: (p) => { if (p.phase === 'download' && p.loaded > abortAt) began.abort(); } });
    const x = new Tensor('float32', new Float32Array(1024).fill(1), [1, 1024]);
    const { y } = await m.run({ x });
    const { total } = await m.memory();
    m.close();
    return { y: y.data[0], ...m.report.cache, missing: m.report.missing, total };
  } catch ({ name, code, message, advice }) {
    return { name, code, message, advice };
  }
}, [url, options ?? {}]);
const cached = (page, url) => page.evaluate((from) => globalThis.ashore.Model.cached(from), url);
const evict = (page, url) => page.evaluate((from) => globalThis.ashore.Model.evict(from), url);
// What lies in the file system and in IndexedDB, whether or not it is known.
const leftovers = (page) => page.evaluate(async () => {
  const names = [];
  try {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('ashore');
    for await (const name of folder.keys()) names.push(name);
  } catch { /* there is none */ }
  const db = await new Promise((resolve) => {
    const request = indexedDB.open('ashore');
    request.onsuccess = () => resolve(request.result);
  });
  if (!db.objectStoreNames.contains('chunks')) return names;
  const keys = await new Promise((resolve) => {
    const request = db.transaction('chunks').objectStore('chunks').getAllKeys();
    request.onsuccess = () => resolve(request.result);
  });
  db.close();
  return [...names, ...new Set(keys.map(([name]) => name))];
});
// Loads sweep what no copy names, as soon as the browser has given back the file and the lock of a tab
// that was closed, or of a worker that was stopped, and do not wait for it themselves.
const sweptTo = async (page, count, url, options) => {
  await until(async () => (await leftovers(page)).length === count
    || (await visit(page, url, options), false));
  assert.equal((await leftovers(page)).length, count, 'what was begun is swept');
};
const downloads = (name = '/m.onnx') => server.of(name).length;
const noFiles = () => { delete StorageManager.prototype.getDirectory; };

const settings = [['opfs', {}, undefined], ['opfs', { threads: 2 }, undefined],
  ['indexeddb', {}, 'noFiles'], ['indexeddb', { threads: 2 }, 'noFiles'],
  ['indexeddb', { inline: true }, undefined]];
// Workers have no init script: what is to be missing there is taken out of ashore.js itself.
function withoutFiles() {
  files['/ashore/ashore.js'] = Buffer.concat([Buffer.from(
    'delete globalThis.StorageManager?.prototype.getDirectory;\n'), files['/ashore/ashore.js']]);
}

for (const [store, options, without] of settings) {
  test(`the second load is from ${store}, ${JSON.stringify(options)}`, async () => {
    if (without) withoutFiles();
    await inPage(async (page) => {
      const first = await visit(page, '/m.onnx', { cache: true, manifest: '/manifest.json', ...options });
      assert.deepEqual([first.y, first.from, first.store, first.why], [sum, 'network', store, '']);
      assert.equal(downloads(), 1);
      const kept = await cached(page, '/m.onnx');
      assert.deepEqual([kept.bytes, kept.hash, kept.store], [whole.length, hash(whole), store]);
      const second = await visit(page, '/m.onnx', { cache: true, manifest: '/manifest.json', ...options });
      assert.deepEqual([second.y, second.from, second.store], [sum, 'cache', store]);
      assert.equal(downloads(), 1, 'no request for the weights');
      assert.equal((await leftovers(page)).length, 1);
      assert.equal(await evict(page, '/m.onnx'), true);
      assert.equal(await evict(page, '/m.onnx'), false);
      assert.equal(await cached(page, '/m.onnx'), null);
      assert.deepEqual(await leftovers(page), []);
    });
  });
}

test('without a hash the server is asked whether the file has changed', async () => {
  await inPage(async (page) => {
    assert.equal((await visit(page, '/m.onnx', { cache: true })).from, 'network');
    assert.equal((await visit(page, '/m.onnx', { cache: true })).from, 'cache');
    assert.deepEqual(server.of('/m.onnx').map(({ ifNone }) => ifNone), [undefined, '"1"']);
    assert.equal((await visit(page, '/m.onnx', { cache: 'force' })).from, 'cache');
    assert.equal(downloads(), 2, 'force asks nobody');
    how['/m.onnx'] = { status: 503 };
    const busy = await visit(page, '/m.onnx', { cache: true });
    assert.equal(busy.from, 'cache');
    assert.match(busy.why, /503/);
    how['/m.onnx'] = { etag: '"2"' };
    assert.equal((await visit(page, '/m.onnx', { cache: true })).from, 'network');
    assert.equal((await visit(page, '/m.onnx', { cache: true })).from, 'cache');
    how['/m.onnx'] = { etag: '', headers: { 'last-modified': 'Fri, 01 Jan 2021 00:00:00 GMT' } };
    assert.equal((await visit(page, '/m.onnx', { cache: true })).from, 'network');
    assert.equal((await visit(page, '/m.onnx', { cache: true })).from, 'cache');
    assert.equal((await leftovers(page)).length, 1, 'one copy of a file');
  });
});

test('a changed manifest brings the new file, and the old copy goes', async () => {
  await inPage(async (page) => {
    const options = { cache: true, manifest: '/manifest.json' };
    await visit(page, '/m.onnx', options);
    const changed = make({ data: weights.map((w) => w + 1) });
    files['/m.onnx'] = changed;
    files['/manifest.json'] = manifest(['m.onnx', changed]);
    const second = await visit(page, '/m.onnx', options);
    assert.deepEqual([second.y, second.from], [sum + n, 'network']);
    assert.equal((await cached(page, '/m.onnx')).hash, hash(changed));
    assert.equal((await leftovers(page)).length, 1);
  });
});

for (const without of [false, true]) {
  const where = without ? 'IndexedDB' : 'the file system';
  test(`abort, wrong chunks and broken connections leave nothing in ${where}`, async () => {
    if (without) withoutFiles();
    await inPage(async (page) => {
      const options = { cache: true, manifest: '/manifest.json' };
      for (const inline of [false, true]) {
        const aborted = await visit(page, '/m.onnx', { ...options, inline, abortAt: 2.5e6 });
        assert.equal(aborted.name, 'AbortError');
        assert.equal(await cached(page, '/m.onnx'), null);
      }
      how['/m.onnx'] = { body: Buffer.concat([whole.subarray(0, 3e6), Buffer.alloc(
        whole.length - 3e6)]) };
      const wrong = await visit(page, '/m.onnx', options);
      assert.equal(wrong.code, 'ERR_INTEGRITY');
      assert.match(wrong.message, /m\.onnx: chunk 2 of 5/);
      how['/m.onnx'] = { body: Buffer.from('<!doctype html>'), etag: '' };
      assert.equal((await visit(page, '/m.onnx', { cache: true })).code, 'ERR_FORMAT');
      assert.equal(await cached(page, '/m.onnx'), null);
      how['/m.onnx'] = {};
      assert.equal((await visit(page, '/m.onnx', options)).from, 'network');
      await sweptTo(page, 1, '/m.onnx', options);
    });
  });
}

test('a tab that is closed in the middle leaves nothing that counts', async () => {
  await inPage(async (page, context) => {
    how['/m.onnx'] = { stall: 3e6 };
    const tab = await openTab(context);
    await cached(page, '/m.onnx'); // the index is there
    visit(tab, '/m.onnx', { cache: true }).catch(() => {});
    assert.ok(await until(async () => (await leftovers(page)).length === 1), 'it was being written');
    await tab.close();
    assert.equal(await cached(page, '/m.onnx'), null);
    how['/m.onnx'] = {};
    assert.equal((await visit(page, '/m.onnx', { cache: true })).from, 'network');
    await sweptTo(page, 1, '/m.onnx', { cache: true });
  });
});

for (const without of [false, true]) {
  test(`a copy that is damaged in ${without ? 'IndexedDB' : 'the file system'} is fetched again`, async () => {
    if (without) withoutFiles();
    await inPage(async (page) => {
      const options = { cache: true, manifest: '/manifest.json' };
      for (const damage of ['byte', 'short', 'gone']) {
        const { total } = await visit(page, '/m.onnx', options);
        await page.evaluate(async (kind) => {
          const { store, url } = await globalThis.ashore.Model.cached('/m.onnx');
          const db = await new Promise((resolve) => {
            const request = indexedDB.open('ashore');
            request.onsuccess = () => resolve(request.result);
          });
          const wait = (request) => new Promise((resolve) => {
            request.onsuccess = () => resolve(request.result);
          });
          const { name } = await wait(db.transaction('files').objectStore('files').get(url));
          if (store === 'opfs') {
            const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('ashore');
            const handle = await folder.getFileHandle(name);
            if (kind === 'gone') await folder.removeEntry(name);
            else {
              const writable = await handle.createWritable({ keepExistingData: true });
              if (kind === 'byte') await writable.write({ type: 'write', position: 2.5e6, data: 'x' });
              else await writable.truncate(2.5e6);
              await writable.close();
            }
          } else {
            const chunks = db.transaction('chunks', 'readwrite').objectStore('chunks');
            const data = await wait(chunks.get([name, 2]));
            new Uint8Array(data)[5] ^= 1;
            if (kind === 'gone') await wait(chunks.delete([name, 2]));
            else await wait(chunks.put(kind === 'byte' ? data : data.slice(1), [name, 2]));
          }
          db.close();
        }, damage);
        const before = downloads();
        const again = await visit(page, '/m.onnx', options);
        assert.deepEqual([damage, again.y, again.from], [damage, sum, 'network']);
        assert.match(again.why, /damaged/);
        assert.ok(again.total < total + chunk, 'it lies where the copy was read to');
        assert.equal(downloads(), before + 1);
        assert.equal((await visit(page, '/m.onnx', options)).from, 'cache');
      }
    });
  });
}

test('several tabs load the same model at once', async () => {
  await inPage(async (page, context) => {
    const options = { cache: true, manifest: '/manifest.json' };
    const tabs = [page, await openTab(context), await openTab(context)];
    const first = await Promise.all(tabs.map((tab) => visit(tab, '/m.onnx', options)));
    assert.deepEqual(first.map(({ y }) => y), [sum, sum, sum]);
    const second = await Promise.all(tabs.map((tab) => visit(tab, '/m.onnx', options)));
    assert.deepEqual(second.map(({ y, from }) => [y, from]), Array(3).fill([sum, 'cache']));
    // A copy that another tab was reading when a newer one took its place.
    await sweptTo(page, 1, '/m.onnx', options);
  });
});

const quotaTests = {
  // Quota of the browser's own: estimate() does not tell the one that is enforced.
  'the file system': async (page, context) => {
    const cdp = await context.newCDPSession(page);
    return (bytes) => cdp.send('Storage.overrideQuotaForOrigin',
      { origin: server.url.slice(0, -1), quotaSize: bytes });
  },
  // What IndexedDB takes is counted late: here it refuses `times` chunks.
  IndexedDB: async () => {
    withoutFiles();
    const script = files['/ashore/ashore.js'];
    return (bytes) => {
      const times = bytes > 1e8 ? 0 : bytes > 3e6 ? 1 : 1e9;
      files['/ashore/ashore.js'] = Buffer.concat([Buffer.from(`{ let times = ${times};
        const { put } = IDBObjectStore.prototype;
        IDBObjectStore.prototype.put = function refuse(value, key) {
          if (!(value instanceof ArrayBuffer) || times-- <= 0) return put.call(this, value, key);
          throw new DOMException('full', 'QuotaExceededError');
        }; }\n`), script]);
    };
  },
};
for (const [where, prepare] of Object.entries(quotaTests)) {
  test(`a full quota of ${where}: the oldest models go, then nothing is kept`, async (t) => {
    if (browserName !== 'chromium' && where !== 'IndexedDB') {
      t.skip('only the driver of Chromium sets a quota');
      return;
    }
    await inPage(async (page, context) => {
      const quota = await prepare(page, context);
      await visit(page, '/other.onnx', { cache: true });
      await quota(7e6);
      const second = await visit(page, '/m.onnx', { cache: true });
      assert.deepEqual([second.y, second.from, second.why], [sum, 'network', '']);
      assert.ok(await cached(page, '/m.onnx'));
      assert.equal(await cached(page, '/other.onnx'), null, 'it has made room');
      await evict(page);
      await quota(1e6);
      const third = await visit(page, '/m.onnx', { cache: true });
      assert.deepEqual([third.y, third.from, third.store], [sum, 'network', null]);
      assert.match(third.why, /quota/);
      assert.equal(await cached(page, '/m.onnx'), null);
      await quota(1e9);
      await visit(page, '/m.onnx', { cache: true });
      assert.equal((await leftovers(page)).length, 1);
    });
  });
}

test('where nothing can be kept it says so, and strict refuses', async () => {
  files['/ashore/ashore.js'] = Buffer.concat([Buffer.from(
    'Object.defineProperty(globalThis, "indexedDB", { value: undefined });\n'),
  files['/ashore/ashore.js']]);
  await inPage(async (page) => {
    const { y, missing, store } = await visit(page, '/m.onnx', { cache: true });
    assert.deepEqual([y, missing[0].feature, store], [sum, 'cache', null]);
    const refused = await visit(page, '/m.onnx', { cache: true, strict: true });
    assert.equal(refused.code, 'ERR_UNSUPPORTED');
  });
});

test('a dropped connection is resumed in a page, with and without a manifest', async () => {
  await inPage(async (page) => {
    const plain = server.of('/m.onnx');
    for (const options of [{}, { manifest: '/manifest.json' }, { manifest: '/manifest.json', cache: true,
      threads: 2 }]) {
      let count = 0;
      how['/m.onnx'] = { get drop() { return count++ ? undefined : 2e6; } };
      assert.equal((await visit(page, '/m.onnx', options)).y, sum);
    }
    assert.ok(server.of('/m.onnx').length > plain.length);
    assert.ok(server.of('/m.onnx').some(({ range }) => range));
  });
});

// ---- without a network --------------------------------------------------------------------------

const code = (name) => Buffer.from(block('loading.md', 'js', `// ${name}\n`));

const runModel = () => globalThis.model.then(async ({ model: m }) => {
  const { Tensor } = await import('./ashore/index.js');
  const { y } = await m.run({ x: new Tensor('float32', new Float32Array(1024).fill(1), [1, 1024]) });
  return { y: y.data[0], cache: m.report.cache, isolated: globalThis.crossOriginIsolated };
});

test('the recipe of docs/loading.md: the second visit needs no server', async () => {
  Object.assign(files, {
    '/app/': Buffer.from('<!doctype html><script type="module" src="./start.js"></script>'),
    '/app/start.js': Buffer.from("globalThis.model = import('./main.js');"),
    '/app/main.js': code('main.js'), '/app/sw.js': code('sw.js'),
    '/app/model.onnx': whole, '/app/manifest.json': manifest(['model.onnx', whole]),
  });
  for (const name of Object.keys(files)) {
    if (name.startsWith('/ashore/')) files[`/app${name}`] = files[name];
  }
  how['/app/'] = { headers: { 'content-type': 'text/html' } };
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const visitApp = async () => {
      await page.waitForFunction(() => globalThis.model);
      return page.evaluate(runModel);
    };
    await page.goto(`${server.url}app/`);
    const first = await visitApp();
    assert.deepEqual([first.y, first.cache.from, first.cache.why], [sum, 'network', '']);
    assert.ok(first.isolated);
    await page.reload();
    const second = await visitApp();
    assert.deepEqual([second.y, second.cache.from], [sum, 'cache']);
    assert.equal(downloads('/app/model.onnx'), 1, 'no request for the weights');
    await server.close();
    await page.reload();
    const third = await visitApp();
    assert.deepEqual([third.y, third.cache.from], [sum, 'cache']);
    assert.ok(third.isolated, 'the worker keeps the page isolated');
  } finally {
    await context.close();
  }
});

test('offline: without a copy it is an error with advice, with one it is taken', async () => {
  await inPage(async (page, context) => {
    await visit(page, '/other.onnx', { cache: true });
    await visit(page, '/m.onnx', { cache: true, manifest: '/manifest.json' });
    // On the page's own thread a copy in the file system is read as a File.
    const inline = await visit(page, '/other.onnx', { shell: 'inline', cache: true });
    assert.deepEqual([inline.y, inline.from, inline.store], [sum, 'cache', 'opfs']);
    // The engine is there, the server of the models is not.
    await context.route(/onnx|json/, (route) => route.abort('internetdisconnected'));
    for (const options of [{}, { cache: true }, { cache: 'force' }]) {
      const none = await visit(page, '/none.onnx', { shell: 'inline', ...options });
      assert.equal(none.code, 'ERR_IO');
      assert.ok(none.advice);
    }
    const asked = await visit(page, '/other.onnx', { shell: 'inline', cache: true });
    assert.deepEqual([asked.message, asked.y, asked.from], [undefined, sum, 'cache']);
    assert.match(asked.why, /cannot be asked/);
    const known = await visit(page, '/m.onnx', { shell: 'inline', cache: true,
      manifest: '/manifest.json' });
    assert.deepEqual([known.y, known.from], [sum, 'cache']);
    const forced = await visit(page, '/m.onnx', { shell: 'inline', cache: 'force' });
    assert.deepEqual([forced.y, forced.from], [sum, 'cache']);
  });
});

test('in a service worker, which imports the cache and figures itself', async () => {
  const program = (more) => Buffer.from(`${more}
    import { load, Tensor } from '/ashore/inline.js';
    onmessage = async ({ source }) => {
      try {
        const m = await load(new URL('/m.onnx', location.href).href, { threads: 1, cache: true,
          manifest: new URL('/manifest.json', location.href).href });
        const x = new Tensor('float32', new Float32Array(1024).fill(1), [1, 1024]);
        const y = (await m.run({ x })).y.data[0];
        const { total } = await m.predict();
        source.postMessage({ y, predicted: total > 0, ...m.report.cache });
        m.close();
      } catch ({ code, message, advice }) { source.postMessage({ code, message, advice }); }
    };`);
  files['/with.js'] = program("import '/ashore/cache.js'; import '/ashore/figures.js';");
  files['/cache_alone.js'] = program("import '/ashore/cache.js';");
  files['/without.js'] = program('');
  await inPage(async (page) => {
    const ask = (name) => page.evaluate(async (script) => {
      const registration = await navigator.serviceWorker.register(script, { type: 'module' });
      const worker = registration.installing ?? registration.waiting ?? registration.active;
      const answer = new Promise((resolve) => {
        navigator.serviceWorker.onmessage = ({ data }) => resolve(data);
      });
      navigator.serviceWorker.startMessages();
      worker.postMessage(null);
      const result = await answer;
      await registration.unregister();
      return result;
    }, name);
    const said = { y: sum, predicted: true, store: 'indexeddb', why: '' };
    assert.deepEqual(await ask('/with.js'), { ...said, from: 'network' });
    assert.deepEqual(await ask('/with.js'), { ...said, from: 'cache' });
    assert.equal(downloads(), 1);
    for (const [script, entry] of [['/without.js', 'cache'], ['/cache_alone.js', 'figures']]) {
      const refused = await ask(script);
      assert.equal(refused.code, 'ERR_IO');
      assert.match(refused.advice, new RegExp(`'ashore/${entry}'`));
    }
  });
});

test('an estimate in a page is what loading and running takes', async () => {
  await inPage(async (page) => {
    for (const threads of [1, 2]) {
      const { estimate, memory } = await page.evaluate(async (count) => {
        const { load, Model, Tensor } = globalThis.ashore;
        const e = await Model.estimate('/m.onnx', { threads: count });
        const m = await load('/m.onnx', { threads: count });
        await m.run({ x: new Tensor('float32', new Float32Array(1024), [1, 1024]) });
        const result = { estimate: e, memory: await m.memory() };
        m.close();
        return result;
      }, threads);
      assert.ok(Math.abs(estimate.memory.total - memory.total) <= 0.02 * memory.total + 65536);
      assert.deepEqual(estimate.compute, { multiplyAdds: n * n, exact: true });
      assert.ok(estimate.bytes < whole.length / 4);
    }
    const stopped = await page.evaluate(async () => {
      const stop = new AbortController();
      const estimating = globalThis.ashore.Model.estimate('/m.onnx', { signal: stop.signal });
      stop.abort();
      return estimating.catch(({ name }) => name);
    });
    assert.equal(stopped, 'AbortError');
  });
});
