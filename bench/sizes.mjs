// sizes.mjs RESULT.json: bytes that a page downloads of each engine, as they are and as brotli.
//
// { ENGINE: { files: [{ file, bytes, brotli }] } or { why } }.
import fs from 'node:fs';
import path from 'node:path';
import { bundlePeers } from './bundle.mjs';
import { compressed } from './compress.mjs';
import { folders } from './places.mjs';

const [resultFile] = process.argv.slice(2);
// ashore.js and all that it names, and so on.
function ownScripts() {
  const scripts = ['ashore.js'];
  for (const name of scripts) {
    const text = fs.readFileSync(path.join(folders.ashore, name), 'utf8');
    for (const [, other] of text.matchAll(/["']\.\/(\w+\.js)["']/g)) {
      if (!scripts.includes(other)) scripts.push(other);
    }
  }
  return scripts;
}

const inFolder = (folder, ...names) => names.map((name) => path.join(folders[folder], name));
const engines = {
  ashore: () => inFolder('ashore', ...ownScripts(), 'ashore-relaxed.wasm'),
  'ashore, every operator': () => inFolder('ashore', ...ownScripts(), 'ashore-full-relaxed.wasm'),
  'onnxruntime-web': () => inFolder('onnxruntime-web', 'ort.wasm.min.mjs',
    'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'),
  'LiteRT.js': () => [...inFolder('peers', 'litert.mjs'), ...inFolder('litert',
    'core/wasm/litert_wasm_internal.js', 'core/wasm/litert_wasm_internal.wasm')],
  'TensorFlow.js': () => inFolder('tfjs', 'tfjs-core/dist/tf-core.min.js',
    ...['tf-backend-wasm.min.js', 'tfjs-backend-wasm-simd.wasm']
      .map((name) => `tfjs-backend-wasm/dist/${name}`)),
};

async function sizeOf(file) {
  const bytes = fs.readFileSync(file);
  return { file: path.basename(file), bytes: bytes.length, brotli: compressed(bytes).length };
}

await bundlePeers();
const found = Object.fromEntries(await Promise.all(Object.entries(engines).map(
  async ([name, files]) => [name, await Promise.all(files().map(sizeOf))
    .then((sizes) => ({ files: sizes }), () => ({ why: 'it is not installed' }))])));
fs.writeFileSync(resultFile, JSON.stringify(found));
