// visit.mjs [--samples N] RESULT.json: what a visitor of a page with PP-OCR cls waits for and downloads.
//
// Pages of this engine, onnxruntime-web and TensorFlow.js, with one thread, from a host that compresses
// (brotli at its best) and lets everything but the page be cached, at the speed of this machine and at
// that of a mobile network.  A sample is a first visit in a context of its own and a second one in it.
// { speeds: { NAME: { ENGINE: [{ first, second }] } }, memory: { ENGINE: [bytes] } }; a visit is { answer:
// milliseconds from the navigation on, requests, bytes: on the wire }.  What failed has { why }.
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { openBrowser } from '../tests/browser/serve.mjs';
import { bundlePeers } from './bundle.mjs';
import { folders } from './places.mjs';
import { serveFolders } from './serve.mjs';
import { peak, sample } from './visits.mjs';

const speeds = { 'this machine': {}, '10 Mbit/s, 40 ms': { rate: 10e6 / 8, latency: 40 } };
const dims = [1, 3, 48, 192];
const { values, positionals: [resultFile] } = parseArgs({ allowPositionals: true,
  options: { samples: { type: 'string', default: '5' } } });

const picture = (last) => `const x = new Float32Array(${dims.reduce((a, b) => a * b)});
for (let c = 0, i = 0; c < 3; c++) for (let p = 0; p < ${dims[2] * dims[3]}; p++, i++) {
  x[${last ? '3 * p + c' : 'i'}] = Math.sin(i / 50);
}`;
const pages = {
  ashore: `const { load, Tensor } = await import('/ashore/ashore.js');
const model = await load('/models/ocr-cls.onnx', { threads: 1 });
${picture(false)}
const [{ data }] = Object.values(await model.run({ x: new Tensor('float32', x, [${dims}]) }));`,
  'onnxruntime-web': `const ort = await import('/onnxruntime-web/ort.wasm.min.mjs');
ort.env.wasm.numThreads = 1;
const model = await ort.InferenceSession.create('/models/ocr-cls.onnx', { executionProviders: ['wasm'] });
${picture(false)}
const [{ data }] = Object.values(await model.run({ x: new ort.Tensor('float32', x, [${dims}]) }));`,
  'TensorFlow.js': `const tf = await import('/peers/tfgraph.mjs');
tf.setWasmPaths(location.origin + '/tfjs/tfjs-backend-wasm/dist/');
tf.setThreadsCount(1);
if (!await tf.setBackend('wasm')) throw new Error('the WebAssembly backend cannot be used');
const model = await tf.loadGraphModel('/models/ocr-cls-tf/model.json');
${picture(true)}
const data = model.predict(tf.tensor(x, [1, ${dims[2]}, ${dims[3]}, 3])).dataSync();`,
};
const html = (code) => `<!doctype html><meta charset="utf-8"><title>visit</title>
<link rel="icon" href="data:,"><script type="module">
try {
${code}
globalThis.found = { answer: performance.now(), data: [...data] };
} catch (error) {
  globalThis.found = { why: error.message };
}
</script>`;
const address = (engine) => `/visit-${Object.keys(pages).indexOf(engine)}`;
const empty = '/visit-none';

// Answers that are not one another's are no comparison.
function check(samples) {
  const first = samples.ashore.find(({ first: f }) => f.data)?.first.data;
  for (const visits of Object.values(samples).flat()) {
    for (const found of [visits.first, visits.second]) {
      if (found.data?.some((value, i) => Math.abs(value - first?.[i]) > 1e-3)) {
        found.why = `another answer: ${found.data}`;
      }
      delete found.data;
    }
  }
}

await bundlePeers();
const found = { speeds: {}, memory: {} };
const contents = Object.fromEntries([[empty, html('const data = [];')],
  ...Object.entries(pages).map(([engine, code]) => [address(engine), html(code)])]);
const browser = await openBrowser();
await browser.newPage(); // the browser ends with its last page
try {
  for (const [speed, limits] of Object.entries(speeds)) {
    const server = await serveFolders(folders, contents, { ...limits, host: true });
    const samples = found.speeds[speed] = Object.fromEntries(Object.keys(pages).map((e) => [e, []]));
    for (let i = -1; i < Number(values.samples); i++) {
      for (const engine of Object.keys(pages)) {
        const taken = await sample(browser, server, address(engine));
        if (i >= 0) samples[engine].push(taken);
      }
    }
    check(samples);
    server.close();
  }
} finally {
  await browser.close();
}
const server = await serveFolders(folders, contents, { host: true });
for (let i = 0; i < 3; i++) {
  const least = await peak(server, empty, true);
  for (const engine of Object.keys(pages)) {
    (found.memory[engine] ??= []).push(await peak(server, address(engine)) - least);
  }
}
server.close();
fs.writeFileSync(resultFile, JSON.stringify(found));
