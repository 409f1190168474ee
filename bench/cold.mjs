// cold.mjs [--samples N] RESULT.json: how long a page that was never seen takes to its first answer.
//
// Each sample is a context of its own, with an empty cache: a page whose script imports an engine, fetches
// PP-OCR cls, makes a session and runs it once, on one thread.  This engine and onnxruntime-web take turns.
// { samples: { ENGINE: [{ page, ready, run, answer }] } }: milliseconds until the script began; then
// until there was a session, and of the run; the sum of the two.  A sample that failed has { why }.
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { openBrowser } from '../tests/browser/serve.mjs';
import { folders } from './places.mjs';
import { serveFolders } from './serve.mjs';

const patience = 20_000; // ms for a page
const { values, positionals: [resultFile] } = parseArgs({ allowPositionals: true,
  options: { samples: { type: 'string', default: '11' } } });

const engines = {
  ashore: `const { load, Tensor } = await import('/ashore/index.js');
const model = await load('/models/ocr-cls.onnx', { threads: 1 });
const ready = performance.now();
const x = new Tensor('float32', new Float32Array(3 * 48 * 192), [1, 3, 48, 192]);
const results = await model.run({ x });`,
  onnxruntime: `const ort = await import('/onnxruntime-web/ort.wasm.min.mjs');
ort.env.wasm.numThreads = 1;
const model = await ort.InferenceSession.create('/models/ocr-cls.onnx',
  { executionProviders: ['wasm'] });
const ready = performance.now();
const x = new ort.Tensor('float32', new Float32Array(3 * 48 * 192), [1, 3, 48, 192]);
const results = await model.run({ x });`,
};
const page = (code) => `<!doctype html><meta charset="utf-8"><title>cold</title>
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

const server = await serveFolders(folders, Object.fromEntries(Object.entries(engines)
  .map(([name, code]) => [`/${name}`, page(code)])));
const browser = await openBrowser();
await browser.newPage(); // the browser ends with its last page
const samples = Object.fromEntries(Object.keys(engines).map((name) => [name, []]));
try {
  for (const name of Object.keys(engines)) await visit(browser, `${server.url}/${name}`);
  for (let i = 0; i < Number(values.samples); i++) {
    for (const name of Object.keys(engines)) {
      samples[name].push(await visit(browser, `${server.url}/${name}`));
    }
  }
} finally {
  await browser.close();
  server.close();
}
fs.writeFileSync(resultFile, JSON.stringify({ samples }));
