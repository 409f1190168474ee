// `ashore verify` and `ashore bench` with --target browser: as --target wasm, and nothing is left.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { model, node, slow, tensor, tensorProto } from '../js/onnx_writer.mjs';
import { root } from '../js/setup.mjs';

const program = process.env.ASHORE ?? path.join(root, 'build/ashore');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-tools-'));
const temporary = path.join(folder, 'tmp');
const environment = { ...process.env, TMPDIR: temporary };

const x = { type: 'float32', dims: [1, 4], data: new Float32Array([-1, 0, 1, 2]) };
const relu = model({ nodes: [node('Relu', ['x'], ['y'])],
  inputs: { x: tensor('float32', ['N', 'W']) }, outputs: { y: tensor('float32', ['N', 'W']) } });

function writeCase(name, bytes, wanted, input = x) {
  const sets = path.join(folder, name, 'test_data_set_0');
  fs.mkdirSync(sets, { recursive: true });
  fs.writeFileSync(path.join(sets, '../model.onnx'), bytes);
  fs.writeFileSync(path.join(sets, 'input_0.pb'), tensorProto(input));
  fs.writeFileSync(path.join(sets, 'output_0.pb'), tensorProto(wanted));
}

before(() => {
  fs.mkdirSync(temporary);
  fs.writeFileSync(path.join(folder, 'relu.onnx'), relu);
  fs.writeFileSync(path.join(folder, 'slow.onnx'), slow(2000));
  const good = { ...x, data: new Float32Array([0, 0, 1, 2]) };
  for (let i = 0; i < 70; i++) writeCase(`good/${String(i).padStart(2, '0')}`, relu, good);
  writeCase('mixed/bad', relu, { ...x, data: new Float32Array([0, 0, 1, 3]) });
  writeCase('mixed/broken', relu.subarray(0, 20), good);
  writeCase('mixed/good', relu, good);
  writeCase('mixed/unknown', model({ nodes: [node('Nonesuch', ['x'], ['y'])],
    inputs: { x: tensor('float32', [1, 4]) }, outputs: { y: tensor('float32', [1, 4]) } }), good);
  fs.mkdirSync(path.join(folder, 'mixed/nothing'));
  fs.writeFileSync(path.join(folder, 'mixed/nothing/model.onnx'), relu);
});
after(() => fs.rmSync(folder, { recursive: true }));

function ashore(given, env = environment) {
  const { status, stdout, stderr } = spawnSync(program, given,
    { cwd: folder, env, encoding: 'utf8' });
  return { status, stdout, stderr };
}
const both = (...given) => ['wasm', 'browser'].map((target) => ashore([...given, '--target',
  target]));

// Of each process: its parent, whether it has this test's folder for temporary files, and its line.
function processes() {
  return fs.readdirSync('/proc').filter((id) => /^\d+$/.test(id)).flatMap((id) => {
    try {
      const read = (name) => fs.readFileSync(`/proc/${id}/${name}`, 'latin1');
      const [state, parent] = read('stat').replace(/.*\) /s, '').split(' ');
      if (state === 'Z') return [];
      let environ = ''; // not to be read of a process in a sandbox
      try { environ = read('environ'); } catch { /* as said */ }
      return [{ id, parent, own: environ.includes(`TMPDIR=${temporary}`), line: read('cmdline') }];
    } catch {
      return []; // it has ended
    }
  });
}
const started = () => processes().filter(({ own }) => own).map(({ id }) => id);
function descendants(id) {
  const all = processes();
  const below = (parent) => all.filter((one) => one.parent === parent)
    .flatMap((one) => [one, ...below(one.id)]);
  return below(String(id));
}

// A busy machine takes its time; what never happens ends the wait.
async function waitUntil(holds) {
  for (const end = Date.now() + 120000; Date.now() < end && !holds();) {
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

async function nothingIsLeft() {
  await waitUntil(() => !started().length);
  assert.deepEqual(started(), []);
  assert.deepEqual(fs.readdirSync(temporary)
    .filter((name) => !/^(node-compile-cache|v8-)/.test(name)), []);
}

test('verify says the same of every case, in more than one batch', async () => {
  const [wasm, browser] = both('verify', 'good', 'mixed', '--json').map(({ status, stdout }) =>
    ({ status, ...JSON.parse(stdout) }));
  assert.equal(browser.status, 1);
  assert.deepEqual([browser.passed, browser.failed, browser.skipped], [71, 2, 2]);
  assert.deepEqual(browser.cases, wasm.cases);
  assert.equal(browser.target, 'browser');
  assert.match(browser.browser, /^Chromium \d+/);
  assert.deepEqual(Object.keys(browser).filter((name) => !(name in wasm)), ['browser']);
  await nothingIsLeft();
});

test('verify in Firefox says the same', async (t) => {
  const firefox = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
  if (!fs.existsSync(firefox)) {
    t.skip(`${firefox} is not there`);
    return;
  }
  const given = ['verify', 'mixed', '--json', '--target'];
  const [wasm, browser] = [ashore([...given, 'wasm']), ashore([...given, 'browser'],
    { ...environment, ASHORE_BROWSER: 'firefox' })].map(({ stdout, stderr }) =>
    JSON.parse(stdout || `{ "said": ${JSON.stringify(stderr)} }`));
  assert.deepEqual(browser.cases, wasm.cases, browser.said);
  assert.match(browser.browser, /^Firefox \d+/);
  await nothingIsLeft();
  const other = ashore([...given, 'browser'], { ...environment, ASHORE_BROWSER: 'lynx' });
  assert.match(other.stderr, /ASHORE_BROWSER is 'lynx': chromium or firefox/);
});

test('verify in text, on two threads, of the scalar variant', async () => {
  const [wasm, browser] = both('verify', 'mixed', '--threads', '2', '--cpu', 'none');
  assert.deepEqual(browser, wasm);
  assert.match(browser.stdout, /^fail mixed\/bad: .*expected 3/);
  const strict = ashore(['verify', 'mixed', '--strict', '--target', 'browser']);
  assert.match(strict.stdout, /fail mixed\/unknown: .*Nonesuch/);
});

test('bench has the fields of --target wasm, and the browser', async () => {
  const given = ['bench', 'relu.onnx', '--dim', 'W=4', '--runs', '2', '--per-op', '--threads', '2',
    '--cpu', 'simd128', '--json'];
  const [wasm, browser] = both(...given).map(({ stdout }) => JSON.parse(stdout));
  assert.deepEqual(Object.keys(browser).filter((name) => !(name in wasm)), ['browser']);
  assert.deepEqual(Object.keys(wasm).filter((name) => !(name in browser)), []);
  assert.deepEqual(browser.inputs, wasm.inputs);
  assert.deepEqual([browser.target, browser.variant, browser.threads], ['browser', 'simd128', 2]);
  assert.ok(browser.first_seconds > 0 && browser.steady_seconds.median > 0);
  assert.ok(browser.process_peak_bytes > 1e7);
  assert.deepEqual(browser.operators.map(({ op }) => op), wasm.operators.map(({ op }) => op));
  const { stdout } = ashore(['bench', 'relu.onnx', '--dim', 'W=4', '--target', 'browser']);
  assert.match(stdout,
    /^engine: {2}ashore \S+, browser, Chromium \S+, relaxed, \d+ threads?, ready/m);
  await nothingIsLeft();
});

test('bench brings the external data along', () => {
  const fixtures = path.join(folder, 'fixtures');
  fs.mkdirSync(fixtures);
  execFileSync('python3', ['-B', '-c', 'import sys; sys.path.insert(0, sys.argv[1])\n'
    + 'import fixtures; fixtures.make(sys.argv[2])', path.join(root, 'tests/cli'), fixtures]);
  for (const { status, stdout, stderr } of both('bench', 'fixtures/external.onnx', '--json')) {
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout).inputs, [{ dtype: 'float32', shape: [1, 3], name: 'x' }]);
  }
  fs.rmSync(path.join(fixtures, 'weights.bin'));
  const [wasm, browser] = both('bench', 'fixtures/external.onnx');
  assert.deepEqual(browser, wasm);
  assert.deepEqual([wasm.status, /weights\.bin/.test(wasm.stderr)], [3, true]);
});

test('what is wrong has the exit code and the words of --target wasm', async () => {
  for (const given of [['bench', 'relu.onnx'], ['bench', 'relu.onnx', '--dim', 'Q=1'],
    ['bench', 'none.onnx'], ['bench', 'mixed/unknown/model.onnx'],
    ['bench', 'mixed/broken/model.onnx'], ['verify', 'none'], ['verify', 'tmp']]) {
    const [wasm, browser] = both(...given);
    assert.ok(browser.status >= 2, given.join(' '));
    assert.deepEqual(browser, wasm);
  }
  await nothingIsLeft();
});

test('a driver and a browser that are not there are named, with what to install', () => {
  const alone = path.join(folder, 'alone');
  fs.cpSync(path.join(root, 'build/js'), path.join(alone, 'js'), { recursive: true });
  const bare = { ...environment, NODE_PATH: '' };
  const run = (env, cwd) => spawnSync(process.execPath, [path.join(alone, 'js/tools/verify.mjs'),
    '--target', 'browser', path.join(folder, 'mixed')], { cwd, env, encoding: 'utf8' });
  const without = run(bare, alone);
  assert.equal(without.status, 4);
  assert.match(without.stderr,
    /needs the npm package playwright-core.*npm install playwright-core/);
  const [wrong, empty] = [{ CHROMIUM: '/no/chromium' }, { CHROMIUM: '/bin/false' }].map((env) =>
    run({ ...environment, ...env }, path.join(root, 'build/npm')));
  assert.equal(wrong.status, 4);
  assert.match(wrong.stderr, /CHROMIUM is '\/no\/chromium': no such file/);
  assert.equal(empty.status, 4);
  assert.match(empty.stderr, /^ashore verify: \/bin\/false cannot be used: .+\n$/);
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal} ends the browser, too`, async () => {
    const child = spawn(program, ['bench', 'slow.onnx', '--runs', '1000', '--target', 'browser'],
      { cwd: folder, env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text) => { said += text; });
    const ended = new Promise((resolve) => {
      child.on('close', (code) => { resolve([code, said]); });
    });
    const renders = ({ line }) => line.includes('--type=renderer');
    await waitUntil(() => descendants(child.pid).some(renders));
    const family = descendants(child.pid);
    assert.ok(family.some(renders), 'the browser has started');
    child.kill(signal);
    assert.deepEqual(await ended, [128 + os.constants.signals[signal], '']);
    const left = () => processes().filter(({ id, line }) =>
      family.some((one) => one.id === id && one.line === line)).map(({ line }) => line);
    await waitUntil(() => !left().length);
    assert.deepEqual(left(), []);
    await nothingIsLeft();
  });
}
