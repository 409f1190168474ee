// Makes one module of each peer that is published as several: a worker has no import maps.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { findPackage } from '../tests/js/setup.mjs';
import { home } from './places.mjs';

const sources = {
  litert: "export * from '@litertjs/core';\n",
  tfjs: "export * from '@tensorflow/tfjs-core';\nexport { setThreadsCount, setWasmPaths, "
    + "version_wasm } from '@tensorflow/tfjs-backend-wasm';\n",
  tfgraph: "export { setBackend, tensor } from '@tensorflow/tfjs-core';\nexport { setThreadsCount, "
    + "setWasmPaths } from '@tensorflow/tfjs-backend-wasm';\n"
    + "export { loadGraphModel } from '@tensorflow/tfjs-converter';\n",
};

/** Writes them to the folder `peers`.  One that is not installed is not written. */
export async function bundlePeers() {
  const esbuild = createRequire(import.meta.url)(findPackage('esbuild'));
  for (const [name, contents] of Object.entries(sources)) {
    const outfile = path.join(home, 'peers', `${name}.mjs`);
    fs.rmSync(outfile, { force: true });
    await esbuild.build({ stdin: { contents, resolveDir: path.join(home, 'npm') }, outfile,
      bundle: true, minify: true, format: 'esm', platform: 'browser', logLevel: 'silent' }).catch(() => {});
  }
}
