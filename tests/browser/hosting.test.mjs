// The service worker of docs/hosting.md, for hosts that set no headers: its blocks, as they stand there.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { small } from '../js/onnx_writer.mjs';
import { packageDir } from '../js/setup.mjs';
import { block } from './document.mjs';
import { openBrowser, openPage, serve } from './serve.mjs';

const use = `
const { load, Tensor } = await import('./ashore/index.js');
const model = await load('./small.onnx', { threads: 2 });
const { y } = await model.run({ x: new Tensor('float32', [-5, 0, 1, 5], [1, 4]) });
globalThis.found = { y: [...y.data], report: model.report };
`;
let browser;
let server;

before(async () => {
  browser = await openBrowser();
  server = await serve({ isolated: false, folders: { ashore: packageDir }, files: {
    '/index.html': '<!doctype html><title>t</title><script type="module" src="/page.js"></script>',
    '/isolate.js': block('hosting.md', 'js', '// isolate.js'),
    '/page.js': `${block('hosting.md', 'js', "// in the page's own module")}\n${use}`,
    '/small.onnx': small() } });
});
after(async () => {
  await browser?.close();
  server?.close();
});

test('a page without headers has threads from its first visit on', async () => {
  const { page } = await openPage(browser, server.url);
  await page.waitForFunction(() => globalThis.crossOriginIsolated && globalThis.found);
  const { y, report } = await page.evaluate(() => globalThis.found);
  assert.deepEqual(y, [0, 0, 3, 3]);
  assert.equal(report.threads, 2);
  assert.deepEqual(report.missing, []);
  await page.close();
});
