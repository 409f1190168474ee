// What a page keeps of snapshots of Python, in a real browser and without Python.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { browserName, openBrowser, serve } from '../browser/serve.mjs';
import { packageDir } from '../js/setup.mjs';

let browser;
let server;
let context;
before(async () => {
  browser = await openBrowser();
  server = await serve({ folders: { app: path.join(packageDir, 'app') },
    files: { '/index.html': '<!doctype html>', '/other/index.html': '<!doctype html>' } });
});
beforeEach(async () => {
  await context?.close();
  context = await browser.newContext();
});
after(async () => {
  await browser?.close();
  server?.close();
});

// Opens the page; before: a script that runs first.
async function open(first, where = '') {
  const page = await context.newPage();
  if (first) await page.addInitScript(first);
  await page.goto(server.url + where);
  return page;
}

// What a visit of the page finds: { given, state, told }.  made: the worker's bytes, how many of them.
const visit = (page, { key = 'one', made = 0, used = false, bad = false } = {}) => page.evaluate(async (asked) => {
  const told = [];
  console.info = (text) => told.push(text);
  const { Snapshot } = await import('/app/snapshot.js');
  const snapshot = await Snapshot.find({ where: 'served', key: asked.key });
  const { given } = snapshot;
  if (asked.bad) await snapshot.take({ state: 'bad', why: 'it failed' });
  if (asked.made) {
    const bytes = new Uint8Array(asked.made).fill(7).buffer;
    await snapshot.take({ state: 'made', bytes, sum: [1, 2, asked.made] });
  }
  if (asked.used) await snapshot.take({ state: 'used' });
  return { given: given && { ...given, bytes: given.bytes?.byteLength }, told,
    state: document.documentElement.dataset.snapshot };
}, { key, made, used, bad });
const wanted = { wanted: true, bytes: undefined };

test('one is wanted, kept, given, and given again when its start came to its end', async () => {
  const page = await open();
  assert.deepEqual((await visit(page, { made: 5000 })).given, wanted);
  for (let i = 0; i < 4; i++) {
    assert.deepEqual((await visit(page, { used: true })).given, { bytes: 5000, sum: [1, 2, 5000] });
  }
  assert.deepEqual((await visit(await open(null, '?a=1#b'))).given?.bytes, 5000);
  assert.deepEqual((await visit(page)).given?.bytes, 5000);
  const last = await visit(page);
  assert.deepEqual(last.given, wanted);
  assert.match(last.told.join(), /starts with it have not come to their end/);
  assert.match((await visit(page)).told.join(), /^$/, 'it is gone');
});

test('one that fails is made once more, and then no more until something else is new', async () => {
  const page = await open();
  await visit(page, { made: 5000 });
  assert.equal((await visit(page, { bad: true, made: 5000 })).state, 'kept');
  const second = await visit(page, { bad: true, made: 5000 });
  assert.equal(second.given.bytes, 5000);
  assert.deepEqual([second.state, second.told.at(-1)], ['none',
    'Ashore: no snapshot of Python is kept: those before have failed in this browser']);
  assert.equal((await visit(page)).given, null);
  assert.deepEqual((await visit(page, { key: 'two', made: 5000 })).given, wanted);
  assert.equal((await visit(page, { key: 'two', used: true })).given.bytes, 5000);
});

test('of another build, with other languages, without stack switching: it is dropped', async () => {
  const other = { languages: 'Object.defineProperty(navigator, "languages", { value: ["xx"] })',
    jspi: 'Object.defineProperty(WebAssembly, "Suspending", { value: undefined })',
    browser: 'Object.defineProperty(navigator, "userAgent", { value: "another" })' };
  for (const [name, script] of Object.entries({ build: null, ...other })) {
    await visit(await open(), { made: 5000 });
    const found = await visit(await open(script), { key: script ? 'one' : 'two' });
    assert.deepEqual(found.given, wanted, name);
    assert.match(found.told.join(), /it is of another build, browser or place/, name);
    assert.match((await visit(await open())).told.join(), /^$/, `${name}: it is gone`);
  }
});

test('each page of an origin has its own, and what nobody has used for long is swept', async () => {
  const page = await open();
  const other = await open(null, 'other/');
  await visit(page, { made: 5000 });
  await visit(other, { made: 6000 });
  assert.equal((await visit(page, { used: true })).given.bytes, 5000);
  assert.equal((await visit(other, { used: true })).given.bytes, 6000);
  await page.evaluate(() => { // a hundred days later
    const now = Date.now;
    Date.now = () => now() + 100 * 86400e3;
  });
  await visit(page, { key: 'two', made: 7000 });
  assert.match((await visit(other)).told.join(), /^$/);
  assert.deepEqual((await visit(other)).given, wanted);
  assert.equal((await visit(page, { key: 'two' })).given.bytes, 7000);
});

test('storage that is full, switched off or does not answer: the page goes on, and says why', async (t) => {
  const page = await open();
  if (browserName === 'chromium') {
    const session = await context.newCDPSession(page);
    const { origin } = new URL(server.url);
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 100000 });
    const full = await visit(page, { made: 8 << 20 });
    assert.deepEqual(full.given, wanted);
    assert.equal(full.state, 'none');
    assert.match(full.told.join(), /^Ashore: no snapshot of Python is kept: the storage is full$/);
    await session.send('Storage.overrideQuotaForOrigin', { origin });
    assert.deepEqual((await visit(page)).given, wanted, 'nothing was half kept');
  } else t.diagnostic('storage that is full is not tried: the driver of Chromium alone can fill it');

  const off = await visit(await open(`Object.defineProperty(globalThis, 'indexedDB', {
    get() { throw new DOMException('not allowed here', 'SecurityError'); } })`));
  assert.deepEqual(off, { given: null, state: 'none',
    told: ['Ashore: no snapshot of Python can be kept: not allowed here'] });
  const silent = await visit(await open('indexedDB.open = () => ({})'));
  assert.deepEqual(silent, { given: null, state: 'none',
    told: ['Ashore: no snapshot of Python can be kept: the storage does not answer'] });
});

test('two tabs that keep one at once leave one that is whole', async () => {
  const tabs = await Promise.all([open(), open()]);
  await Promise.all(tabs.map((tab, i) => visit(tab, { made: 50000 + i })));
  const { given } = await visit(await open());
  assert.ok(given.bytes === given.sum[2] && given.bytes >= 50000, JSON.stringify(given));
});
