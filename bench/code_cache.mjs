// What Chromium keeps of a compiled engine from visit to visit: times of each, and the bytes of its caches
// of code.  node bench/code_cache.mjs [VISITS]
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openProfile, serve } from '../tests/browser/serve.mjs';
import { slow } from '../tests/js/onnx_writer.mjs';
import { packageDir } from '../tests/js/setup.mjs';

const visits = Number(process.argv[2] ?? 5);
const settle = 5000; // ms, for what is written behind a visit
const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-profile-'));
const server = await serve({ isolated: false, folders: { ashore: packageDir },
  headers: { 'Cache-Control': 'public, max-age=86400' }, files: { '/model.onnx': slow(100),
    '/index.html': '<!doctype html><title>visit</title><script type="module" src="/page.js"></script>',
    '/page.js': "import * as ashore from '/ashore/ashore.js';\nglobalThis.ashore = ashore;\n" } });

const sizeOf = (folder) => fs.readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .reduce((sum, { parentPath, name }) => sum + fs.statSync(path.join(parentPath, name)).size, 0);

// Runs in the page: ms of loading, and of the first and a later run.
const visit = async (pause) => {
  const { load, Tensor } = globalThis.ashore;
  const timed = async (act) => {
    const begin = performance.now();
    return [await act(), Math.round(performance.now() - begin)];
  };
  const [model, loading] = await timed(() => load('/model.onnx', { threads: 1, shell: 'inline' }));
  const [{ name, dims, type }] = model.inputs;
  const x = new Tensor(type, new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
  const [, first] = await timed(() => model.run({ [name]: x }));
  let later = first;
  for (let i = 0; i < 10; i++) [, later] = await timed(() => model.run({ [name]: x }));
  await new Promise((resolve) => { setTimeout(resolve, pause); });
  return { module: model.report.module, loading, first, later };
};

try {
  for (let i = 1; i <= visits; i++) {
    const browser = await openProfile(profile);
    const page = await browser.newPage();
    await page.goto(server.url);
    await page.waitForFunction(() => globalThis.ashore);
    const { module, ...times } = await page.evaluate(visit, settle);
    await browser.close();
    const [code, scripts] = ['wasm', 'js'].map((kind) =>
      sizeOf(path.join(profile, 'Default/Code Cache', kind)));
    console.log(`visit ${i}: ${module}, ms ${JSON.stringify(times)}; bytes kept: ${
      code} of WebAssembly, ${scripts} of scripts`);
  }
} finally {
  server.close();
  fs.rmSync(profile, { recursive: true, maxRetries: 5 });
}
