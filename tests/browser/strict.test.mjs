// Strict by construction: under policies that other engines break, in an extension, in a service
// worker, under trusted types; and nothing in the package that a policy could forbid.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { rare, small } from '../js/onnx_writer.mjs';
import { packageDir, root } from '../js/setup.mjs';
import { browserName, openBrowser, openPage, openProfile, serve } from './serve.mjs';

const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";
const html = '<!doctype html><title>test</title><script type="module" src="/page.js"></script>';
const files = {
  '/index.html': html,
  '/page.js': "import * as ashore from '/ashore/ashore.js';\nglobalThis.ashore = ashore;\n",
  '/service.js': "import { load, Tensor } from '/ashore/ashore.js';\n"
    + "addEventListener('install', () => skipWaiting());\n"
    + "addEventListener('activate', (event) => event.waitUntil(clients.claim()));\n"
    + "addEventListener('message', ({ data, source }) => run(data).then((answer) =>\n"
    + '  source.postMessage(answer)));\n'
    + 'async function run({ model, type, values, dims, options }) {\n'
    + '  try {\n'
    + '    const m = await load(model, options);\n'
    + '    const { y } = await m.run({ x: new Tensor(type, values, dims) });\n'
    + '    m.close();\n'
    + '    return { y: [...y.data], report: m.report };\n'
    + '  } catch ({ name, code, message }) {\n'
    + '    return { name, code, message };\n'
    + '  }\n'
    + '}\n',
  '/shared.js': "import { load, Tensor } from '/ashore/ashore.js';\n"
    + 'onconnect = async ({ ports: [port] }) => {\n'
    + "  const m = await load('/small.onnx').catch((error) => port.postMessage({ error: error.message }));\n"
    + "  const { y } = await m.run({ x: new Tensor('float32', [-5, 0, 1, 5], [1, 4]) });\n"
    + '  port.postMessage({ y: [...y.data], report: m.report });\n'
    + '  m.close();\n'
    + '};\n',
  '/small.onnx': small(),
  '/rare.onnx': rare({ data: Float32Array.of(5) }),
};
const wanted = [0, 0, 3, 3];
let browser;

before(async () => {
  browser = await openBrowser();
});
after(() => browser?.close());

async function inPage(options, use, argument) {
  const { files: more, ...rest } = options;
  const server = await serve({ folders: { ashore: packageDir }, policy, ...rest,
    files: { ...files, ...more } });
  const { page, problems } = await openPage(browser, server.url);
  try {
    await page.waitForFunction(() => globalThis.ashore);
    return { answer: await page.evaluate(use, argument), problems, requested: server.requested };
  } finally {
    await page.close();
    server.close();
  }
}

const runSmall = async (options) => {
  const { load, Tensor } = globalThis.ashore;
  try {
    const model = await load('/small.onnx', options);
    const { y } = await model.run({ x: new Tensor('float32', [-5, 0, 1, 5], [1, 4]) });
    model.close();
    return { y: [...y.data], report: model.report };
  } catch ({ name, code, message }) {
    return { name, code, message };
  }
};

test("under default-src 'self', with and without threads", async () => {
  for (const isolated of [true, false]) {
    const { answer, problems, requested } = await inPage({ isolated }, runSmall, { threads: 2 });
    assert.deepEqual(answer.y, wanted);
    assert.deepEqual([answer.report.shell, answer.report.threads], ['worker', isolated ? 2 : 1]);
    assert.deepEqual(problems, []);
    assert.deepEqual([...requested].filter((name) => name !== '/favicon.ico').sort(), ['/',
      `/ashore/${answer.report.module}`, '/ashore/ashore.js',
      ...isolated ? ['/ashore/threads.js'] : [], '/page.js', '/small.onnx']);
  }
});

test('a policy without WebAssembly is an error that says so; without workers the page computes',
  async () => {
  const none = await inPage({ policy: "default-src 'self'" }, runSmall, {});
  assert.equal(none.answer.name, 'AshoreError', JSON.stringify(none.answer));
  assert.match(none.answer.message, /wasm-unsafe-eval/);
  const alone = await inPage({ policy: policy.replace("worker-src 'self'", "worker-src 'none'") },
    runSmall, {});
  assert.deepEqual(alone.answer.y, wanted, JSON.stringify(alone.answer));
  assert.equal(alone.answer.report.shell, 'inline');
  assert.equal(alone.answer.report.missing[0].feature, 'worker');
  const strict = await inPage({ policy: policy.replace("worker-src 'self'", "worker-src 'none'") },
    runSmall, { strict: true });
  assert.equal(strict.answer.code, 'ERR_UNSUPPORTED', JSON.stringify(strict.answer));
});

// Runs in the page: what the service worker answers to each message.
const askService = async (messages) => {
  await navigator.serviceWorker.register('/service.js', { type: 'module' });
  const { active } = await navigator.serviceWorker.ready;
  const answers = [];
  for (const message of messages) {
    answers.push(await new Promise((resolve) => {
      navigator.serviceWorker.onmessage = ({ data }) => resolve(data);
      active.postMessage(message);
    }));
  }
  return answers;
};

test('in a service worker', async () => {
  const x = { type: 'float32', values: [-5, 0, 1, 5], dims: [1, 4] };
  const { answer: [first, full, missing, again], problems } = await inPage({}, askService, [
    { ...x, model: '/small.onnx' },
    { type: 'float32', values: [1, 2, 3, 4, 5, 4, 3, 2], dims: [2, 4], model: '/rare.onnx' },
    { ...x, model: '/none.onnx' }, { ...x, model: '/small.onnx', options: { threads: 2 } }]);
  assert.deepEqual(first.y, wanted, JSON.stringify(first));
  assert.deepEqual(full.y, [0, 0, 0, 1, 1, 0, 0, 0]);
  assert.equal(missing.code, 'ERR_IO');
  assert.deepEqual(again.y, wanted);
  assert.deepEqual([again.report.shell, again.report.threads], ['inline', 1]);
  assert.match(again.report.missing.find(({ feature }) => feature === 'threads').why,
    /cannot start workers|isolated/);
  assert.deepEqual(problems.filter((text) => !/404/.test(text)), []);
});

test('in a shared worker', async () => {
  const { answer, problems } = await inPage({}, () => new Promise((resolve, reject) => {
    const worker = new SharedWorker('/shared.js', { type: 'module' });
    worker.onerror = () => reject(new Error('the shared worker failed'));
    worker.port.onmessage = ({ data }) => resolve(data);
  }));
  assert.deepEqual(answer.y, wanted, JSON.stringify(answer));
  assert.equal(answer.report.shell, 'inline');
  assert.deepEqual(problems, []);
});

const trusted = `${policy}; require-trusted-types-for 'script'`;

test('trusted types: the page computes, or says which address it trusts', async (t) => {
  const { answer: known } = await inPage({}, () => typeof trustedTypes);
  if (known === 'undefined') {
    t.skip(`${browserName} has no trusted types`);
    return;
  }
  const free = await inPage({ policy: trusted }, runSmall, { threads: 2 });
  assert.deepEqual(free.answer.y, wanted, JSON.stringify(free.answer));
  assert.deepEqual([free.answer.report.shell, free.answer.report.threads], ['worker', 2]);
  assert.deepEqual(free.problems, []);
  const listed = await inPage({ policy: `${trusted}; trusted-types ashore` }, runSmall, { threads: 2 });
  assert.deepEqual([listed.answer.report?.shell, listed.answer.report?.threads], ['worker', 2]);
  assert.deepEqual(listed.problems, []);

  const other = { policy: `${trusted}; trusted-types app` };
  const alone = await inPage(other, runSmall, { threads: 2 });
  assert.deepEqual(alone.answer.y, wanted, JSON.stringify(alone.answer));
  assert.equal(alone.answer.report.shell, 'inline');
  assert.match(alone.answer.report.missing[0].why, /Trusted|CSP/);
  const strict = await inPage(other, runSmall, { strict: true });
  assert.equal(strict.answer.code, 'ERR_UNSUPPORTED');

  const named = await inPage({ policy: `${trusted}; trusted-types app ashore` }, async () => {
    const { load, Tensor } = globalThis.ashore;
    const own = trustedTypes.createPolicy('app', { createScriptURL: (url) => {
      if (url !== '/ashore/ashore.js') throw new TypeError(`${url} is not trusted`);
      return url;
    } });
    const model = await load('/small.onnx', { threads: 2,
      worker: own.createScriptURL('/ashore/ashore.js') });
    const { y } = await model.run({ x: new Tensor('float32', [-5, 0, 1, 5], [1, 4]) });
    model.close();
    return { y: [...y.data], report: model.report };
  });
  assert.deepEqual(named.answer.y, wanted);
  assert.deepEqual([named.answer.report.shell, named.answer.report.threads], ['worker', 2],
    JSON.stringify(named.answer.report));
  assert.deepEqual(named.problems, []);
});

test('in a page and in the service worker of an extension', async (t) => {
  if (browserName !== 'chromium') {
    t.skip('extensions are loaded by an argument of Chromium alone');
    return;
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-extension-'));
  const home = path.join(folder, 'extension');
  fs.cpSync(path.join(root, 'tests/browser/extension'), home, { recursive: true });
  fs.cpSync(packageDir, path.join(home, 'ashore'), { recursive: true });
  fs.writeFileSync(path.join(home, 'small.onnx'), small());
  const context = await openProfile(path.join(folder, 'profile'),
    `--disable-extensions-except=${home}`, `--load-extension=${home}`);
  try {
    const [service] = context.serviceWorkers().length ? context.serviceWorkers()
      : [await context.waitForEvent('serviceworker')];
    const page = await context.newPage();
    const problems = [];
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    await page.goto(new URL('page.html', service.url()).href);
    await page.waitForFunction(() => globalThis.answer);
    const answer = await page.evaluate(() => globalThis.answer);
    assert.deepEqual(answer.y, wanted, JSON.stringify(answer));
    assert.deepEqual([answer.report.shell, answer.report.threads], ['worker', 2]);
    assert.deepEqual(answer.inBackground.y, wanted, JSON.stringify(answer.inBackground));
    assert.equal(answer.inBackground.report.shell, 'inline');
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});

test('nothing that is shipped to pages needs more than a policy allows', () => {
  const forbidden = {
    eval: /\beval\s*\(/, 'new Function': /\bFunction\s*\(/, 'a blob: URL': /["'`]blob:|createObjectURL/,
    'a data: URL': /["'`]data:[a-z]+\//, 'a script element': /createElement\(\s*["'`]script/i,
    'a timer with a string': /set(Timeout|Interval)\(\s*["'`]/,
    'an address': /https?:\/\/(?!www\.w3\.org\/\d|git-lfs)[\w.]/,
    'document.write': /document\.write/, importScripts: /importScripts/,
  };
  const scripts = fs.readdirSync(packageDir, { recursive: true }).filter((name) =>
    /\.m?js$/.test(name) && !name.startsWith('tools')
    && !/^app\/one-file[-\w]*worker\.mjs$/.test(name)); // pages from a disk open them: docs/app.md
  assert.ok(scripts.includes('ashore.js') && scripts.length > 10);
  for (const name of scripts) {
    const text = fs.readFileSync(path.join(packageDir, name), 'utf8');
    for (const [what, pattern] of Object.entries(forbidden)) {
      // What a page shows, or hands out as a file to save, is no script.
      if (what === 'a blob: URL' && /link\.click|download/.test(text) && name.startsWith('page')) continue;
      if (what === 'a blob: URL' && name.startsWith('app/gradio/')) continue;
      // A page from a disk has its worker inside.
      if (/a (blob|data): URL/.test(what) && /^app\/one-file[-\w]*\.mjs$/.test(name)) continue;
      const found = pattern.exec(text);
      assert.ok(!found, `${name} has ${what}: ${text.slice(found?.index - 40, found?.index + 60)}`);
    }
  }
  for (const name of fs.readdirSync(path.join(packageDir, 'page')).filter((n) => n.endsWith('.html'))) {
    const text = fs.readFileSync(path.join(packageDir, 'page', name), 'utf8');
    assert.doesNotMatch(text, /<script(?![^>]*\bsrc=)|\son\w+=|javascript:|\sstyle=/i, name);
  }
});
