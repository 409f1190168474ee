// The installed package in Node, Deno and Bun, by import and by require, in workers, and where a
// server renders pages.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { makeProjects, models } from '../bundlers/project.mjs';
import { root } from '../js/setup.mjs';

let projects;
let home;

before(() => {
  projects = makeProjects();
  home = path.join(projects.folder, 'runtimes');
  fs.cpSync(path.join(root, 'tests/runtimes'), home, { recursive: true });
  projects.install(home);
  for (const [name, bytes] of Object.entries(models)) fs.writeFileSync(path.join(home, name), bytes);
  fs.writeFileSync(path.join(home, 'package.json'), '{ "private": true }');
});
after(() => projects?.remove());

const installed = (name) => {
  const arch = { x64: ['x64', 'linux-x64-glibc', 'linux-x64'],
    arm64: ['arm64', 'linux-arm64-glibc', 'linux-aarch64'] }[process.arch];
  const places = { deno: `@deno/${arch?.[1]}/deno`, bun: `@oven/bun-${arch?.[2]}/bin/bun` };
  return path.join(root, 'build/npm/node_modules', places[name]);
};
const onPath = () => (process.env.PATH ?? '').split(':').map((folder) => path.join(folder, 'node'))
  .find((file) => fs.existsSync(file) && fs.realpathSync(file) !== fs.realpathSync(process.execPath));

const runtimes = {
  [`Node ${process.version}`]: { file: process.execPath, argv: [] },
  "the system's Node": { file: onPath(), argv: [], least: [20, 16] },
  Deno: { file: installed('deno'), argv: ['run', '--allow-all', '--no-lock', '--cached-only',
    '--node-modules-dir=manual'] },
  Bun: { file: installed('bun'), argv: ['run', '--no-install'] },
};

function versionOf(file) {
  const { status, stdout } = spawnSync(file, ['--version'], { encoding: 'utf8' });
  return status === 0 ? /\d+\.\d+\.\d+/.exec(stdout)?.[0] : undefined;
}

/** Why a runtime is not to be had here; '' when it is. */
function lack({ file, least }) {
  if (!file || !fs.existsSync(file)) return `${file ?? 'another than that of the tests'} is not there`;
  const version = versionOf(file);
  if (!version) return `${file} does not start`;
  const [major, minor] = version.split('.').map(Number);
  return least && (major < least[0] || (major === least[0] && minor < least[1]))
    ? `${file} is of version ${version}` : '';
}

function run({ file, argv }, ...more) {
  const { status, signal, stdout, stderr } = spawnSync(file, [...argv, ...more], { cwd: home,
    encoding: 'utf8', timeout: 120000, killSignal: 'SIGKILL',
    env: { ...process.env, DENO_DIR: path.join(home, 'deno'), NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1',
      BUN_INSTALL_CACHE_DIR: path.join(home, 'bun') } });
  assert.equal(status, 0, `${signal ?? ''} ${stdout}${stderr}`);
  return { said: JSON.parse(stdout.trim().split('\n').at(-1)), complained: stderr };
}

const wanted = [0, 0, 3, 3];

for (const [name, runtime] of Object.entries(runtimes)) {
  test(`${name}: load, run, threads, errors, and it ends by itself`, (t) => {
    const why = lack(runtime);
    if (why) {
      console.log(`${name}: skipped: ${why}`);
      t.skip(why);
      return;
    }
    console.log(`${name}: ${versionOf(runtime.file)}`);
    const { said, complained } = run(runtime, 'program.mjs');
    const { one, two } = said;
    assert.deepEqual(one, { ...one, y: wanted, threads: 1, shell: 'inline', wasm: true,
      closed: 'ERR_STATE' });
    assert.deepEqual(two, { ...two, y: wanted, threads: 2, closed: 'ERR_STATE' });
    // What an older host lacks is said; threads are never lacking.
    assert.deepEqual(two.missing, two.variant === 'relaxed' ? [] : ['relaxed']);
    assert.deepEqual(said.inWorkerShell.y, wanted, JSON.stringify(said.inWorkerShell));
    assert.equal(said.inWorkerShell.threads, 2);
    assert.deepEqual(said.full, [0, 0, 0, 1, 1, 0, 0, 0]);
    assert.match(said.module, /^ashore-full-/);
    assert.deepEqual(said.sync, wanted);
    assert.deepEqual([said.missing, said.wrong, said.type, said.aborted], ['ERR_IO', 'ERR_FORMAT',
      'ERR_TYPE', 'AbortError']);
    assert.deepEqual(said.prep, [0.5, 0.5]);
    assert.equal(said.ort, true);
    assert.equal(complained, '');
  });

  test(`${name}: in a worker`, (t) => {
    const why = lack(runtime);
    if (why) {
      t.skip(why);
      return;
    }
    const program = name.includes('Node') ? 'in_node.mjs' : 'in_worker.mjs';
    const { said } = run(runtime, program);
    assert.deepEqual(said, { y: wanted, threads: 2 });
  });
}

const node = { file: process.execPath, argv: [] };

test('require() of CommonJS', (t) => {
  const code = "const { load, Tensor } = require('ashore');\n"
    + "const { load: inline } = require('ashore/inline');\n"
    + "require('ashore/ort'); require('ashore/core'); require('ashore/prep');\n"
    + "load('small.onnx').then(async (m) => {\n"
    + "  const { y } = await m.run({ x: new Tensor('float32', [-5, 0, 1, 5], [1, 4]) });\n"
    + '  m.close();\n  console.log(JSON.stringify({ y: [...y.data], inline: typeof inline }));\n});';
  assert.deepEqual(run(node, '-e', code).said, { y: wanted, inline: 'function' });
  const bun = { ...runtimes.Bun, argv: [] };
  if (lack(bun)) t.diagnostic(`Bun: ${lack(bun)}`);
  else assert.deepEqual(run(bun, '-e', code).said, { y: wanted, inline: 'function' });
});

// What is imported while a server renders, or a test runs with a document that is not one.
const entries = ['ashore', 'ashore/inline', 'ashore/core', 'ashore/ort', 'ashore/prep'];
const half = 'const element = () => ({ style: {}, setAttribute() {}, append() {} });\n'
  + "const document = { baseURI: 'http://localhost/', createElement: element, body: element() };\n"
  + 'Object.assign(globalThis, { window: globalThis, document, self: globalThis,'
  + " location: new URL('http://localhost/'), HTMLElement: class {}, customElements: undefined });\n";

for (const [what, before_] of [['nothing of a page', ''], ['half of a page', half]]) {
  test(`imported with ${what}, every entry starts nothing; a model is loaded all the same`, () => {
    const code = `${before_}const before = process.getActiveResourcesInfo().length;\n`
      + `for (const name of ${JSON.stringify(entries)}) await import(name);\n`
      + 'const started = process.getActiveResourcesInfo().length - before;\n'
      + "const { load, Tensor } = await import('ashore');\n"
      + "const m = await load(process.cwd() + '/small.onnx', { threads: 2 });\n"
      + "const { y } = await m.run({ x: new Tensor('float32', [-5, 0, 1, 5], [1, 4]) });\n"
      + 'm.close();\n'
      + 'console.log(JSON.stringify({ started, y: [...y.data], report: m.report }));';
    const { said } = run(node, '--input-type=module', '-e', code);
    assert.ok(said.started <= 0, `${said.started} resources are active`);
    assert.deepEqual(said.y, wanted);
    assert.equal(said.report.threads, 2);
  });
}
