// cold.mjs [--samples N] RESULT.json: how long it takes to the first answer where nothing was loaded before.
//
// Each sample in a page is a context of its own, with an empty cache: a page whose script imports an
// engine, fetches PP-OCR cls, makes a session and runs it once, on one thread.  Each in Node is a process
// (cold_node.mjs).  This engine and onnxruntime-web take turns, each in the page itself and in a worker.
// { samples: { NAME: [{ page, ready, run, answer }] } }: milliseconds until the script began; then
// until there was a session, and of the run; the sum of the two.  A sample that failed has { why }.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { openBrowser } from '../tests/browser/serve.mjs';
import { folders } from './places.mjs';
import { serveFolders } from './serve.mjs';

const patience = 20_000; // ms for a sample
const { values, positionals: [resultFile] } = parseArgs({ allowPositionals: true,
  options: { samples: { type: 'string', default: '11' } } });

const ashore = (shell) => `const { load, Tensor } = await import('/ashore/ashore.js');
const model = await load('/models/ocr-cls.onnx', { threads: 1, shell: '${shell}' });
const ready = performance.now();
const x = new Tensor('float32', new Float32Array(3 * 48 * 192), [1, 3, 48, 192]);
const results = await model.run({ x });`;
const onnxruntime = (proxy) => `const ort = await import('/onnxruntime-web/ort.wasm.min.mjs');
ort.env.wasm.numThreads = 1;
ort.env.wasm.proxy = ${proxy};
const model = await ort.InferenceSession.create('/models/ocr-cls.onnx',
  { executionProviders: ['wasm'] });
const ready = performance.now();
const x = new ort.Tensor('float32', new Float32Array(3 * 48 * 192), [1, 3, 48, 192]);
const results = await model.run({ x });`;
const pages = { page: { ashore: ashore('inline'), onnxruntime: onnxruntime(false) },
  worker: { ashore: ashore('worker'), onnxruntime: onnxruntime(true) } };
const html = (code) => `<!doctype html><meta charset="utf-8"><title>cold</title>
<link rel="icon" href="data:,"><script type="module">
const begin = performance.now();
try {
${code}
const [{ data }] = Object.values(results);
const end = performance.now();
globalThis.found = Math.abs(data[0] + data[1] - 1) < 1e-3
  ? { page: begin, ready: ready - begin, run: end - ready, answer: end - begin } : { why: 'a wrong answer' };
} catch (error) {
  globalThis.found = { why: error.message };
}
</script>`;

async function visit(browser, url) {
  const context = await browser.newContext();
  try {
    const tab = await context.newPage();
    await tab.goto(url);
    await tab.waitForFunction(() => globalThis.found, null, { timeout: patience, polling: 20 });
    return await tab.evaluate(() => globalThis.found);
  } catch (error) {
    return { why: error.message.split('\n')[0] };
  } finally {
    await context.close();
  }
}

async function start(engine) {
  const program = path.join(path.dirname(fileURLToPath(import.meta.url)), 'cold_node.mjs');
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, engine],
      { timeout: patience });
    return JSON.parse(stdout);
  } catch (error) {
    return { why: error.message.split('\n')[0] };
  }
}

const sites = Object.entries(pages).flatMap(([place, codes]) => Object.entries(codes)
  .map(([engine, code]) => ({ name: `${engine}, ${place}`, address: `/${place}-${engine}`, code })));
const server = await serveFolders(folders, Object.fromEntries(sites
  .map(({ address, code }) => [address, html(code)])));
const browser = await openBrowser();
await browser.newPage(); // the browser ends with its last page
const takes = [...sites.map(({ name, address }) => ({ name,
  take: () => visit(browser, server.url + address) })),
...['ashore', 'onnxruntime'].map((engine) => ({ name: `${engine}, node`,
  take: () => start(engine) }))];
const samples = Object.fromEntries(takes.map(({ name }) => [name, []]));
try {
  for (const { take } of takes) await take();
  for (let i = 0; i < Number(values.samples); i++) {
    for (const { name, take } of takes) samples[name].push(await take());
  }
} finally {
  await browser.close();
  server.close();
}
fs.writeFileSync(resultFile, JSON.stringify({ samples }));
