// Every code of AshoreError in pages, in both shells: with advice.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { failingModels } from '../js/failing_models.mjs';
import { judge } from '../js/failures.mjs';
import { packageDir, root } from '../js/setup.mjs';
import { openBrowser, openPage, policyOfTests, serve } from './serve.mjs';

const html = '<!doctype html><title>test</title><script type="module" src="/page.js"></script>';
const noWorker = policyOfTests.replace("worker-src 'self'", "worker-src 'none'");
const files = { ...failingModels(), '/index.html': html, '/no_worker.html': { body: html, policy: noWorker },
  '/page.js': "import * as ashore from '/ashore/index.js';\nimport * as failures from '/failures.mjs';\n"
    + 'Object.assign(globalThis, { ashore, failures });\n',
  '/failures.mjs': fs.readFileSync(path.join(root, 'tests/js/failures.mjs')) };
let browser;
let server;
before(async () => {
  browser = await openBrowser();
  server = await serve({ files, folders: { ashore: packageDir } });
});
after(async () => {
  await browser?.close();
  server.close();
});

async function inPage(name, use, argument) {
  const context = await browser.newContext();
  try {
    const { page } = await openPage(context, `${server.url}${name}`);
    await page.waitForFunction(() => globalThis.failures);
    return await page.evaluate(use, argument);
  } finally {
    await context.close();
  }
}

for (const options of [{ threads: 2 }, { shell: 'inline', threads: 1 }]) {
  test(`what is said, ${JSON.stringify(options)}`, async () => {
    const bad = await inPage('index.html', (given) => globalThis.failures.runCases({ ...globalThis.ashore,
      options: given, at: (name) => `/${name}`, remote: given.shell !== 'inline' }), options);
    assert.deepEqual(bad, []);
  });
}

test('a policy without workers', async () => {
  const found = await inPage('no_worker.html', () => globalThis.ashore.Model.estimate('/small.onnx')
    .catch((error) => globalThis.failures.plain(error)));
  assert.equal(judge({ code: 'ERR_POLICY', message: /worker does not start/, advice: /worker-src 'self'/ },
    found), '');
});

test('classes keep their names', async () => {
  const names = await inPage('index.html', async () => {
    const { load, Tensor, AshoreError } = globalThis.ashore;
    const all = [new AshoreError('ERR_IO', ''), new Tensor('float32', [1])];
    for (const shell of ['inline', 'worker']) {
      const m = await load('/gru.onnx', { shell, threads: 1 });
      all.push(m, await m.stream({ state: { hn: 'h' } }));
      m.close();
    }
    return all.map(({ constructor }) => constructor.name);
  });
  assert.deepEqual(names, ['AshoreError', 'Tensor', 'Model', 'Stream', 'Model', 'Stream']);
});
