// Test projects in which `ashore` is installed as npm would: from what `npm pack` makes of the package.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { rare, small } from '../js/onnx_writer.mjs';
import { packageDir, root } from '../js/setup.mjs';

const here = path.join(root, 'tests/bundlers');

/** { folder, install(into), project(name), remove() }: a folder for projects, with the packed package. */
export function makeProjects() {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-bundlers-')));
  // Without the scripts of a package.json, a cache or a network.
  const [packed] = JSON.parse(execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--offline',
    '--cache', path.join(folder, 'cache'), '--pack-destination', folder], { cwd: packageDir,
    encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  const install = (into) => {
    const target = path.join(into, 'node_modules/ashore');
    fs.mkdirSync(target, { recursive: true });
    execFileSync('tar', ['-xzf', path.join(folder, packed.filename), '-C', target,
      '--strip-components=1', '--no-same-owner']);
    return target;
  };
  const project = (name) => {
    const home = path.join(folder, name);
    fs.cpSync(path.join(here, name), home, { recursive: true });
    fs.copyFileSync(path.join(here, 'app/main.js'), path.join(home, 'main.js'));
    return { home, installed: install(home) };
  };
  return { folder, files: packed.files.map(({ path: file }) => file), install, project,
    remove: () => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 }) };
}

export const models = { '/small.onnx': small(), '/rare.onnx': rare({ data: Float32Array.of(5) }) };

/** The policy that the package has to work under. */
export const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";
