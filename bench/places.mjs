// Where things are: this engine's package, the peers', the files that prepare.py wrote.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageDir, root } from '../tests/js/setup.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
export const home = path.resolve(root, process.env.ASHORE_BENCH ?? 'build/bench');

const installed = (name) => [path.join(home, 'npm/node_modules'),
  path.join(root, 'build/npm/node_modules')].map((place) => path.join(place, name))
  .find((place) => fs.existsSync(place)) ?? path.join(home, 'missing');

/** Folders by the first part of their address in the page.  Those of a peer that is not installed are
 *  not there. */
export const folders = {
  bench: path.join(here, 'page'),
  ashore: packageDir,
  models: path.join(home, 'models'),
  'onnxruntime-web': path.join(installed('onnxruntime-web'), 'dist'),
  peers: path.join(home, 'peers'),
  litert: installed('@litertjs'),
  tfjs: installed('@tensorflow'),
};
