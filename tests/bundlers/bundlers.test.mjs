// The package in a project of each bundler: built for production, served under a strict policy, run in
// a browser.  What it loads is asserted: the answer alone would not show a second copy of anything.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, test } from 'node:test';
import { findPackage } from '../js/setup.mjs';
import { openBrowser, openPage, serve } from '../browser/serve.mjs';
import { makeProjects, models, policy } from './project.mjs';

const require = createRequire(import.meta.url);
let browser;
let projects;

before(async () => {
  projects = makeProjects();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  projects?.remove();
});

const listFiles = (folder) => fs.readdirSync(folder, { recursive: true })
  .filter((name) => fs.statSync(path.join(folder, name)).isFile());

/** What the page answers, and the files of the program that it asked for: hashes are cut off. */
async function open(folder, { isolated, files = {}, headers } = {}) {
  const server = await serve({ files: { ...models, ...files }, folders: { '': folder }, isolated,
    policy, headers });
  const { page, problems } = await openPage(browser, server.url);
  try {
    await page.waitForFunction(() => globalThis.answer);
    const answer = await page.evaluate(() => globalThis.answer);
    assert.equal(answer.error, undefined);
    assert.deepEqual(problems, []);
    return { ...answer, asked: [...server.requested].filter((name) => !(name in models)
      && !['/', '/favicon.ico'].includes(name)) };
  } finally {
    await page.close();
    server.close();
  }
}

const sizeOf = (folder, name) => fs.statSync(path.join(folder, name)).size;

/** Asserts that the page of `folder` works with and without threads, and asks for no more than one
 *  script of its own, one for its worker, one for the threads, and a module for each engine. */
async function check(folder, options = {}, { scripts = 2, installed } = {}) {
  for (const isolated of [true, false]) {
    const { small, rare, asked } = await open(folder, { isolated, ...options });
    const suffix = isolated ? '-mt' : '';
    assert.deepEqual(small.y, [0, 0, 3, 3]);
    assert.deepEqual(rare.y, [0, 0, 0, 1, 1, 0, 0, 0]);
    for (const { report } of [small, rare]) {
      assert.equal(report.shell, 'worker');
      assert.equal(report.threads, isolated ? 2 : 1);
      assert.deepEqual(report.missing, []);
    }
    const wanted = [`ashore-relaxed${suffix}.wasm`, `ashore-full-relaxed${suffix}.wasm`];
    assert.deepEqual([small.report.module, rare.report.module], wanted);
    const modules = asked.filter((name) => name.endsWith('.wasm'));
    assert.deepEqual(modules.map((name) => sizeOf(folder, name)),
      wanted.map((name) => sizeOf(installed, name)), `${modules}`);
    const others = asked.filter((name) => !name.endsWith('.wasm'));
    assert.equal(others.length, scripts + (isolated ? 1 : 0), `${others}`);
  }
}

/** Runs a bundler's program; it has nothing to warn of. */
function build(home, argv) {
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { cwd: home,
    encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });
  assert.equal(status, 0, `${stdout}${stderr}`);
  assert.doesNotMatch(`${stdout}${stderr}`, /warn|\(!\)/i);
}

const vite = path.join(findPackage('vite'), 'bin/vite.js');
const esbuild = path.join(findPackage('esbuild'), 'bin/esbuild');
const rolldown = path.join(findPackage('rolldown'), 'bin/cli.mjs');

test('Vite, built', async () => {
  const { home, installed } = projects.project('vite');
  build(home, [vite, 'build']);
  const dist = path.join(home, 'dist');
  await check(dist, {}, { installed });
  const modules = listFiles(dist).filter((name) => name.endsWith('.wasm')).length;
  // Of everything up to any size, data: URLs would be made.
  fs.writeFileSync(path.join(home, 'vite.config.js'),
    'export default { build: { assetsInlineLimit: 1e9 } };\n');
  build(home, [vite, 'build']);
  await check(dist, {}, { installed });
  assert.equal(listFiles(dist).filter((name) => name.endsWith('.wasm')).length, modules);
  for (const name of listFiles(dist).filter((file) => file.endsWith('.js'))) {
    assert.doesNotMatch(fs.readFileSync(path.join(dist, name), 'utf8'), /["'`](data|blob):[\w/]/);
  }
});

test('Vite, served while one works on it', async () => {
  const { home } = projects.project('vite');
  for (const [name, bytes] of Object.entries(models)) {
    fs.mkdirSync(path.join(home, 'public'), { recursive: true });
    fs.writeFileSync(path.join(home, 'public', name), bytes);
  }
  const { createServer } = await import(pathToFileURL(path.join(findPackage('vite'),
    'dist/node/index.js')));
  const said = [];
  const say = (text) => { said.push(text); };
  const server = await createServer({ root: home, configFile: false, cacheDir: path.join(home, 'c'),
    customLogger: { info() {}, warn: say, warnOnce: say, error: say, clearScreen() {},
      hasErrorLogged: () => false, hasWarned: false },
    server: { port: 0, host: '127.0.0.1', headers: {
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp' } } });
  try {
    await server.listen();
    const { page, problems } = await openPage(browser,
      `http://127.0.0.1:${server.httpServer.address().port}/`);
    await page.waitForFunction(() => globalThis.answer);
    const { small, rare, error } = await page.evaluate(() => globalThis.answer);
    assert.equal(error, undefined);
    assert.deepEqual(small.y, [0, 0, 3, 3]);
    assert.deepEqual(rare.y, [0, 0, 0, 1, 1, 0, 0, 0]);
    assert.deepEqual([small.report.shell, small.report.threads], ['worker', 2]);
    assert.deepEqual(problems.filter((text) => !/favicon|404/.test(text)), []);
    assert.deepEqual(said, []);
    await page.close();
  } finally {
    await server.close();
  }
});

test('webpack', async () => {
  const { home, installed } = projects.project('webpack');
  const webpack = require(findPackage('webpack'));
  const { default: config } = await import(pathToFileURL(path.join(home, 'webpack.config.js')));
  for (const mode of ['production', 'development']) {
    const output = { ...config.output, path: path.join(home, mode), clean: true };
    const stats = await new Promise((resolve, reject) => {
      webpack({ ...config, mode, context: home, output, devtool: false },
        (error, result) => (error ? reject(error) : resolve(result)));
    });
    const { errors, warnings } = stats.toJson();
    assert.deepEqual([errors, warnings], [[], []]);
    fs.copyFileSync(path.join(home, 'index.html'), path.join(output.path, 'index.html'));
    await check(output.path, {}, { installed });
  }
});

const copyBeside = (installed, dist) => {
  for (const name of fs.readdirSync(installed).filter((file) => /\.(js|wasm)$/.test(file))) {
    fs.copyFileSync(path.join(installed, name), path.join(dist, name));
  }
};

for (const [name, argv] of [
  ['esbuild', [esbuild, 'main.js', '--bundle', '--format=esm', '--minify', '--outdir=dist',
    '--log-level=warning']],
  ['rolldown', [rolldown, 'main.js', '--format', 'esm', '--minify', '--dir', 'dist']],
]) {
  test(`${name}, with what it does not bundle beside the bundle`, async () => {
    const { home, installed } = projects.project(name);
    const dist = path.join(home, 'dist');
    build(home, argv);
    fs.copyFileSync(path.join(home, 'index.html'), path.join(dist, 'index.html'));
    copyBeside(installed, dist);
    await check(dist, {}, { installed });
  });

  test(`${name}, with the package in a folder that the program names`, async () => {
    const { home, installed } = projects.project(name);
    const dist = path.join(home, 'dist');
    fs.rmSync(dist, { recursive: true, force: true });
    const main = path.join(home, 'main.js');
    fs.writeFileSync(main, fs.readFileSync(main, 'utf8').replace('globalThis.ashoreOptions ?? {}',
      "{ modules: '/engine/', worker: '/engine/ashore.js' }"));
    build(home, argv);
    fs.copyFileSync(path.join(home, 'index.html'), path.join(dist, 'index.html'));
    fs.mkdirSync(path.join(dist, 'engine'));
    copyBeside(installed, path.join(dist, 'engine'));
    await check(dist, {}, { installed });
  });
}

test('no bundler: a script that imports by address', async () => {
  const { home, installed } = projects.project('plain');
  const main = path.join(home, 'main.js');
  fs.writeFileSync(main, fs.readFileSync(main, 'utf8').replace("'ashore'",
    "'./node_modules/ashore/ashore.js'"));
  await check(home, {}, { installed });
});

test('an import map, allowed by its hash', async () => {
  const { home, installed } = projects.project('importmap');
  const [, map] = /importmap">(.*?)<\/script>/s.exec(fs.readFileSync(path.join(home, 'index.html'),
    'utf8'));
  const hash = createHash('sha256').update(map).digest('base64');
  await check(home, { headers: { 'Content-Security-Policy': policy.replace("'wasm-unsafe-eval'",
    `'wasm-unsafe-eval' 'sha256-${hash}'`) } }, { installed });
});

test('what a program does not use is not in its bundle', async () => {
  const { home } = projects.project('esbuild');
  const bundled = (code, bundler) => {
    fs.writeFileSync(path.join(home, 'part.js'), code);
    fs.rmSync(path.join(home, 'out'), { recursive: true, force: true });
    build(home, bundler);
    return fs.readFileSync(path.join(home, 'out/part.js'), 'utf8');
  };
  // rolldown keeps what a dead import() might load, and so most of the engine.
  const bundler = [esbuild, 'part.js', '--bundle', '--format=esm', '--minify', '--outdir=out',
    '--log-level=error'];
  const whole = bundled("import { load } from 'ashore'; globalThis.load = load;", bundler);
  const tensor = bundled("import { Tensor } from 'ashore'; globalThis.Tensor = Tensor;", bundler);
  console.log(`load ${whole.length} bytes, Tensor ${tensor.length}`);
  assert.match(whole, /\.wasm/);
  assert.doesNotMatch(tensor, /\.wasm|Worker|WebAssembly/);
  assert.ok(tensor.length < whole.length / 4, `${tensor.length} of ${whole.length}`);
  const nothing = bundled("import 'ashore'; import 'ashore/inline'; import 'ashore/core';", bundler);
  assert.ok(nothing.length < 100, nothing);
});

test('one copy of the package, whichever entries are imported', async () => {
  const { home } = projects.project('esbuild');
  fs.writeFileSync(path.join(home, 'all.js'), "import * as a from 'ashore';\n"
    + "import * as b from 'ashore/inline';\nimport * as c from 'ashore/prep';\n"
    + "import * as d from 'ashore/ort';\nglobalThis.same = a.Tensor === b.Tensor\n"
    + '  && a.AshoreError === d.AshoreError && Boolean(c);\n');
  build(home, [esbuild, 'all.js', '--bundle', '--format=esm', '--outdir=dist', '--platform=node',
    '--log-level=warning']);
  const said = execFileSync(process.execPath, ['--input-type=module', '-e',
    `await import(${JSON.stringify(`${pathToFileURL(path.join(home, 'dist/all.js'))}`)});`
    + 'console.log(globalThis.same);'], { encoding: 'utf8' });
  assert.equal(said.trim(), 'true');
});

test('source maps lead to the sources', () => {
  const { installed } = projects.project('plain');
  const sourcesOf = (name) => {
    const file = path.join(installed, name);
    const [, link] = /\/\/# sourceMappingURL=(\S+)\s*$/.exec(fs.readFileSync(file, 'utf8'));
    const map = JSON.parse(fs.readFileSync(path.join(path.dirname(file), link)));
    assert.equal(map.sourcesContent.length, map.sources.length);
    for (const source of map.sources) assert.ok(!path.isAbsolute(source), source);
    return map.sources;
  };
  for (const name of ['ashore.js', 'ort.js', 'prep.js', 'worker.module.js']) {
    assert.ok(sourcesOf(name).length > 0, name);
  }
  // A part may do no more than import others.
  const parts = fs.readdirSync(installed).filter((name) => /^part-.*\.js$/.test(name));
  assert.ok(parts.flatMap(sourcesOf).some((source) => source.endsWith('core.js')));
});

test('the package holds what its package.json names', () => {
  const { installed } = projects.project('plain');
  const described = JSON.parse(fs.readFileSync(path.join(installed, 'package.json')));
  const named = (value) => (typeof value === 'string' ? [value]
    : Object.values(value ?? {}).flatMap(named));
  const files = [...named(described.exports), ...named(described.bin), described.main,
    described.types].filter((name) => !name.includes('*'));
  for (const name of files) assert.ok(fs.existsSync(path.join(installed, name)), name);
});

test('the types are found as bundlers and as Node find them', () => {
  const home = path.dirname(path.dirname(projects.project('plain').installed));
  fs.writeFileSync(path.join(home, 'use.mts'), "import { load, Tensor } from 'ashore';\n"
    + "import { load as inline } from 'ashore/inline';\nimport { Core } from 'ashore/core';\n"
    + "import * as ort from 'ashore/ort';\nimport * as prep from 'ashore/prep';\n"
    + "export const model = load('m.onnx', { modules: new URL('https://a/'), worker: '/ashore.js' });\n"
    + "export const dims: number[] = new Tensor('float32', [1]).dims;\n"
    + 'export const all = [inline, Core, ort.InferenceSession, prep];\n'
    + "// @ts-expect-error\nload(1);\n");
  for (const [module, resolution] of [['esnext', 'bundler'], ['node16', 'node16'],
    ['nodenext', 'nodenext']]) {
    build(home, [path.join(findPackage('typescript'), 'bin/tsc'), '--noEmit', '--strict',
      '--ignoreConfig', '--target', 'es2022', '--lib', 'es2022,dom', '--module', module,
      '--moduleResolution', resolution, 'use.mts']);
  }
});
