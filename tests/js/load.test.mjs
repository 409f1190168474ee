import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  forever, maps, model, node, optional, rare, sequence, slow, small, tensor, turning,
} from './onnx_writer.mjs';
import { packageDir, part } from './setup.mjs';

const { AshoreError, load, Tensor, version } = await part('index.js');
const fails = (code, text = '') => (error) => error instanceof AshoreError && error.code === code
  && error.message.includes(text);
const x = new Tensor('float32', [-5, 0, 1, 5, 1, 2, 3, 4], [2, 4]);
const wanted = [0, 0, 3, 3, 2, 1, 5, 2];

const settings = [
  { threads: 1 }, { threads: 1, variant: 'simd128' }, { threads: 1, variant: 'scalar' },
  { threads: 3 }, { threads: 2, variant: 'scalar' }, { shell: 'worker', threads: 1 },
  { shell: 'worker', threads: 3 },
];
for (const options of settings) {
  test(`a model runs with ${JSON.stringify(options)}`, async () => {
    const phases = [];
    const m = await load(small(), { ...options, onProgress: ({ phase }) => phases.push(phase) });
    try {
      assert.deepEqual(phases, ['engine', 'download', 'prepare', 'ready']);
      assert.equal(m.inputs[0].text, 'float32[N,4]');
      assert.deepEqual(m.inputs[0].dims, ['N', 4]);
      assert.deepEqual([m.outputs[0].name, m.outputs[0].type], ['y', 'float32']);
      for (let i = 0; i < 3; i++) {
        const { y } = await m.run({ x });
        assert.ok(y instanceof Tensor);
        assert.deepEqual([...y.data], wanted);
        assert.deepEqual(y.dims, [2, 4]);
      }
      const longer = new Tensor('float32', new Float32Array(4000).fill(7), [1000, 4]);
      assert.equal((await m.run({ x: longer })).y.data[3999], 5);
      const { report } = m;
      assert.equal(report.version, version);
      assert.equal(report.shell, options.shell ?? 'inline');
      assert.equal(report.threads, options.threads);
      assert.equal(report.shared, options.threads > 1);
      if (options.variant) assert.equal(report.variant, options.variant);
      assert.equal(report.module, `ashore-${report.variant}${report.shared ? '-mt' : ''}.wasm`);
      assert.ok((await m.memory()).wasm > 0);
      assert.ok((await m.predict({ x: [100, 4] })).total > 0);
    } finally {
      m.close();
    }
    await assert.rejects(m.run({ x }), fails('ERR_STATE', 'closed'));
  });
}

test('every source: path, file URL, buffer, view, Blob, http with and without a length', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-'));
  const file = path.join(dir, 'small.onnx');
  fs.writeFileSync(file, small());
  const server = http.createServer((request, response) => {
    if (request.url === '/none') {
      response.writeHead(404).end();
      return;
    }
    if (request.url === '/known') response.setHeader('content-length', small().length);
    response.write(small().subarray(0, 10));
    setTimeout(() => response.end(small().subarray(10)), 10);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => { server.on('listening', resolve); });
  const base = `http://127.0.0.1:${server.address().port}`;
  const padded = Buffer.concat([Buffer.alloc(8), small()]);
  try {
    const sources = [file, pathToFileURL(file), Uint8Array.from(small()).buffer,
      padded.subarray(8), new Blob([small()]), `${base}/known`, `${base}/unknown`];
    for (const source of sources) {
      const seen = [];
      const m = await load(source, { threads: 1, onProgress: (p) => seen.push(p) });
      assert.deepEqual([...(await m.run({ x })).y.data], wanted);
      assert.equal(m.report.model.bytes, small().length);
      assert.equal(seen.filter(({ phase }) => phase === 'download').at(-1).loaded, small().length);
      m.close();
    }
    await assert.rejects(load(`${base}/none`), fails('ERR_IO', '404'));
  } finally {
    server.close();
    fs.rmSync(dir, { recursive: true });
  }
  await assert.rejects(load(file), fails('ERR_IO', 'small.onnx'));
  await assert.rejects(load(42), fails('ERR_ARGUMENT'));
  await assert.rejects(load('http://127.0.0.1:1/'), fails('ERR_IO'));
});

test('strings, sequences and optionals', async () => {
  const bytes = model({
    nodes: [node('Identity', ['s'], ['s2']), node('Identity', ['q'], ['q2']),
      node('Identity', ['o'], ['o2'])],
    inputs: { s: tensor('string', ['K']), q: sequence(tensor('int64', ['A'])),
      o: optional(tensor('float32', ['B'])) },
    outputs: { s2: tensor('string', ['K']), q2: sequence(tensor('int64', ['A'])),
      o2: optional(tensor('float32', ['B'])) },
  });
  for (const shell of ['inline', 'worker']) {
    const m = await load(bytes, { threads: 1, shell });
    assert.deepEqual(m.inputs.map(({ kind }) => kind), ['tensor', 'sequence', 'optional']);
    const s = new Tensor('string', ['', 'häfen', '港']);
    const q = [new Tensor('int64', [1n, -1n]), new Tensor('int64', [])];
    const o = new Tensor('float32', [0.5]);
    const full = await m.run({ s, q, o });
    assert.deepEqual(full.s2.data, s.data);
    assert.deepEqual(full.q2.map(({ data }) => [...data]), [[1n, -1n], []]);
    assert.deepEqual([...full.o2.data], [0.5]);
    const none = await m.run({ s, q: [], o: null });
    assert.deepEqual([none.q2, none.o2], [[], null]);
    m.close();
  }
});

test('maps are Map objects', async () => {
  for (const shell of ['inline', 'worker']) {
    const texts = await load(maps('string', { texts: ['b', 'grün', 'a'] }), { threads: 1, shell });
    assert.deepEqual(texts.inputs.map(({ kind, text }) => [kind, text]),
      [['map', 'map(string,float32[])']]);
    assert.equal(texts.outputs[1].text, 'sequence(map(string,float32[]))');
    for (let i = 0; i < 2; i++) {
      const { v, z } = await texts.run({ m: new Map([['a', 0.5], ['grün', -2], ['c', 7]]) });
      assert.deepEqual([v.dims, [...v.data]], [[1, 3], [0, -2, 0.5]]);
      assert.deepEqual(z, [new Map([['b', 0], ['grün', -2], ['a', 0.5]])]);
    }
    await assert.rejects(texts.run({ m: new Map([[1, 0.5]]) }), fails('ERR_TYPE', 'not all string'));
    await assert.rejects(texts.run({ m: new Map([['a', 'b']]) }),
      fails('ERR_TYPE', 'not all float32'));
    await assert.rejects(texts.run({ m: new Tensor('float32', [1]) }), fails('ERR_TYPE', "'m'"));
    assert.equal((await texts.run({ m: new Map() })).z[0].get('a'), 0); // and the next call works
    texts.close();
    const whole = await load(maps('int64', [5, 7]), { threads: 1, shell });
    const { v, z } = await whole.run({ m: new Map([[7, 1.5], [5n, 2]]) });
    assert.deepEqual([...v.data], [2, 1.5]);
    assert.deepEqual(z, [new Map([[5n, 2], [7n, 1.5]])]);
    whole.close();
  }
  const plain = await load(small(), { threads: 1 });
  await assert.rejects(plain.run({ x: new Map([[1, 1]]) }), fails('ERR_TYPE', 'is no Tensor'));
  plain.close();
});

test('external data: in its folder, with and without ./', async () => {
  for (const external of ['w.bin', './w.bin']) {
    const bytes = model({ nodes: [node('Add', ['x', 'w'], ['y'])],
      inputs: { x: tensor('float32', [2, 4]) }, outputs: { y: tensor('float32', [2, 4]) },
      weights: { w: { type: 'float32', dims: [1], external } } });
    for (const location of ['w.bin', './w.bin']) {
      const m = await load(bytes, { threads: 1, external: { [location]: Float32Array.of(5) } });
      assert.equal((await m.run({ x })).y.data[0], 0);
      m.close();
    }
    await assert.rejects(load(bytes, { external: { 'v.bin': new Uint8Array(4) } }),
      fails('ERR_IO', 'w.bin'));
  }
});

test('workers start under a Node that was given a program as text', () => {
  const program = `import { load } from ${JSON.stringify(pathToFileURL(path.join(packageDir,
    'index.js')))};
    const m = await load(Buffer.from('${small().toString('base64')}', 'base64'),
      { shell: 'worker', threads: 2 });
    console.log(m.report.threads);
    m.close();`;
  assert.equal(execFileSync(process.execPath, ['--input-type=module', '--eval', program],
    { encoding: 'utf8' }), '2\n');
});

test('named outputs, views and synchronous runs', async () => {
  const { load: inline } = await part('inline.js');
  const m = await inline(small(), { threads: 1 });
  const { y } = m.runSync({ x }, { views: true });
  assert.deepEqual([...y.data], wanted);
  assert.ok(y.data.buffer.byteLength > 1000, 'a view is of the engine\'s memory');
  assert.equal((await m.run({ x }, { outputs: ['y'] })).y.data.buffer.byteLength, 32);
  assert.throws(() => m.runSync({ x }, { outputs: ['z'] }), fails('ERR_NAME', "'z'"));
  m.close();
});

test('bytes that are no model, wrong names, types and shapes', async () => {
  for (const shell of ['inline', 'worker']) {
    await assert.rejects(load(Buffer.from('no model'), { shell }), fails('ERR_FORMAT'));
    await assert.rejects(load(new Uint8Array(0), { shell }), AshoreError);
    await assert.rejects(load(small().subarray(0, 50), { shell, name: 'cut.onnx' }),
      fails('ERR_FORMAT', 'cut.onnx'));
    const unknown = model({ nodes: [node('Nonesuch', ['x'], ['y'])],
      inputs: { x: tensor('float32', [1]) }, outputs: { y: tensor('float32', [1]) } });
    await assert.rejects(load(unknown, { shell }), (error) =>
      fails('ERR_UNSUPPORTED', 'Nonesuch')(error) && error.op === 'Nonesuch');
    const m = await load(small(), { shell, threads: 1 });
    await assert.rejects(m.run({}), fails('ERR_NAME', 'x'));
    await assert.rejects(m.run({ z: x }), fails('ERR_NAME', "'z'"));
    await assert.rejects(m.run({ x: [x] }), AshoreError);
    await assert.rejects(m.run({ x: 5 }), fails('ERR_TYPE'));
    await assert.rejects(m.run({ x: new Tensor('int32', [1, 2, 3, 4], [1, 4]) }),
      fails('ERR_TYPE'));
    await assert.rejects(m.run({ x: new Tensor('float32', [1, 2, 3], [1, 3]) }),
      fails('ERR_SHAPE'));
    assert.deepEqual([...(await m.run({ x })).y.data], wanted, 'it runs after failures');
    m.close();
  }
});

test('abort before, while loading and while running', async () => {
  const aborted = { name: 'AbortError' };
  for (const shell of ['inline', 'worker']) {
    await assert.rejects(load(small(), { shell, signal: AbortSignal.abort() }), aborted);
    const stop = new AbortController();
    await assert.rejects(load(small(), { shell, signal: stop.signal,
      onProgress: ({ phase }) => phase === 'prepare' && stop.abort() }), aborted);
    const m = await load(turning(), { shell, threads: 1 });
    const feeds = (turns) => ({ x: new Tensor('float32', new Float32Array(65536), [256, 256]),
      turns: new Tensor('int64', [turns], []) });
    const soon = new AbortController();
    setTimeout(() => soon.abort(), 20);
    await assert.rejects(m.run(feeds(forever), { signal: soon.signal }), aborted);
    await assert.rejects(m.run(feeds(forever), { signal: AbortSignal.abort() }), aborted);
    const { y } = await m.run(feeds(2n), { signal: new AbortController().signal });
    assert.equal(y.data[0], 0, 'it runs after an abort');
    m.close();
  }
});

test('options that are no numbers are refused', async () => {
  for (const shell of ['inline', 'worker']) {
    for (const [name, value] of [['memoryLimit', '1GB'], ['memoryLimit', -1], ['threads', 'many'],
      ['threads', NaN]]) {
      await assert.rejects(load(small(), { shell, [name]: value }),
        fails('ERR_ARGUMENT', `${name} is ${value}`));
    }
  }
});

test('strict refuses what would be less than asked for', async () => {
  await assert.rejects(load(small(), { variant: 'avx' }), fails('ERR_ARGUMENT'));
  const m = await load(small(), { variant: 'scalar', threads: 1, strict: true });
  assert.deepEqual(m.report.missing, []);
  m.close();
  const best = await load(small(), { threads: 1 });
  if (best.report.variant === 'relaxed') {
    assert.deepEqual(best.report.missing, []);
  } else {
    assert.equal(best.report.missing[0].feature, 'relaxed');
    assert.ok(best.report.missing[0].cost);
    await assert.rejects(load(small(), { threads: 1, strict: true }),
      fails('ERR_UNSUPPORTED', 'relaxed'));
  }
  best.close();
});

test('the same bits for any number of threads', async () => {
  const data = Float32Array.from({ length: 65536 }, (_, i) => Math.sin(i) / 20);
  const feeds = { x: new Tensor('float32', data, [256, 256]) };
  let first;
  for (let threads = 1; threads <= 8; threads++) {
    const m = await load(slow(3), { threads });
    assert.equal(m.report.threads, threads);
    const { y } = await m.run(feeds);
    first ??= y.data;
    assert.deepEqual(y.data, first);
    m.close();
  }
});

test('runs that are asked for at once are taken in turn; closing ends them', async () => {
  for (const shell of ['inline', 'worker']) {
    const m = await load(small(), { shell, threads: 1 });
    const results = await Promise.all([1, 2, 3].map((n) =>
      m.run({ x: new Tensor('float32', [n, n, n, n], [1, 4]) }, { signal: new AbortController().signal })));
    assert.deepEqual(results.map(({ y }) => y.data[0]), [2, 3, 4]);
    m.close();
    m.close();
  }
});

// ---- two engines: the one with every operator is taken where the first lacks one ----------------

const weight = Float32Array.of(5);
const hardest = [0, 0, 0, 1, 0, 0, 0, 1];

for (const options of settings) {
  test(`an operator that the first engine lacks, with ${JSON.stringify(options)}`, async () => {
    const phases = [];
    const m = await load(rare({ data: weight }), { ...options,
      onProgress: ({ phase }) => phases.push(phase) });
    const { report } = m;
    assert.deepEqual([...(await m.run({ x })).y.data], hardest);
    assert.equal(report.module,
      `ashore-full-${report.variant}${report.shared ? '-mt' : ''}.wasm`);
    assert.equal(report.threads, options.threads);
    assert.equal(report.model.bytes, rare({ data: weight }).length);
    assert.deepEqual(phases, ['engine', 'download', 'prepare', 'engine', 'prepare', 'ready']);
    assert.ok(Object.values(report.ms).every((ms) => ms >= 0));
    assert.equal((await m.predict()).exact, true);
    m.close();
  });
}

test('every operator at once, when it is asked for', async () => {
  for (const shell of ['inline', 'worker']) {
    const m = await load(small(), { shell, threads: 1, full: true, strict: true });
    assert.match(m.report.module, /^ashore-full-\w+\.wasm$/);
    assert.deepEqual([...(await m.run({ x })).y.data], wanted);
    m.close();
  }
});

test('the second engine takes external data over, and nothing is fetched twice', async () => {
  const requests = [];
  const served = { '/rare.onnx': rare({ external: 'w.bin' }), '/w.bin': Buffer.from(weight.buffer) };
  const server = http.createServer((request, response) => {
    requests.push(request.url);
    const body = served[request.url] ?? (/^\/[\w-]+\.wasm$/.test(request.url)
      ? fs.readFileSync(path.join(packageDir, request.url)) : undefined);
    response.writeHead(body ? 200 : 404).end(body);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => { server.on('listening', resolve); });
  const base = `http://127.0.0.1:${server.address().port}/`;
  try {
    const m = await load(`${base}rare.onnx`, { threads: 2, modules: base, variant: 'scalar',
      external: { 'w.bin': `${base}w.bin` } });
    assert.deepEqual([...(await m.run({ x })).y.data], hardest);
    assert.equal(m.report.model.name, 'rare.onnx');
    m.close();
  } finally {
    server.close();
  }
  assert.deepEqual(requests.sort(), ['/ashore-full-scalar-mt.wasm', '/ashore-scalar-mt.wasm',
    '/rare.onnx', '/w.bin']);
});

test('where the second engine is not to be had, the first says what it lacks', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-'));
  for (const variant of ['scalar', 'scalar-mt']) {
    fs.copyFileSync(path.join(packageDir, `ashore-${variant}.wasm`),
      path.join(folder, `ashore-${variant}.wasm`));
  }
  const options = { variant: 'scalar', modules: `${pathToFileURL(folder)}/` };
  for (const [shell, threads] of [['inline', 1], ['inline', 2], ['worker', 2]]) {
    await assert.rejects(load(rare({ data: weight }), { ...options, shell, threads }), (error) =>
      fails('ERR_UNSUPPORTED', 'Hardmax')(error) && error.op === 'Hardmax');
    const m = await load(small(), { ...options, shell, threads });
    assert.deepEqual([...(await m.run({ x })).y.data], wanted);
    m.close();
  }
  fs.rmSync(folder, { recursive: true });
});

test('where the part for threads cannot be loaded, one thread does the work', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-'));
  for (const name of ['ashore.js', 'ashore-scalar.wasm', 'ashore-scalar-mt.wasm']) {
    fs.copyFileSync(path.join(packageDir, name), path.join(folder, name));
  }
  fs.copyFileSync(path.join(packageDir, 'node.js'), path.join(folder, 'node.js'));
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
  const { load: other } = await import(pathToFileURL(path.join(folder, 'ashore.js')));
  const options = { shell: 'inline', threads: 2, variant: 'scalar' };
  const m = await other(small(), options);
  assert.deepEqual([...(await m.run({ x })).y.data], wanted);
  assert.equal(m.report.module, 'ashore-scalar.wasm');
  assert.equal(m.report.threads, 1);
  const [{ feature, why, cost }, ...more] = m.report.missing;
  assert.deepEqual([feature, cost, more.length], ['threads', 'work runs on 1 of 2 threads', 0]);
  assert.match(why, /threads\.js/);
  await assert.rejects(m.memory(), { code: 'ERR_IO', message: /figures\.js/ });
  m.close();
  await assert.rejects(other(small(), { ...options, strict: true }),
    { code: 'ERR_UNSUPPORTED', message: /no threads: threads\.js/ });
  fs.rmSync(folder, { recursive: true });
});

test('loading ends while the second engine is made', async () => {
  for (const shell of ['inline', 'worker']) {
    const stop = new AbortController();
    let engines = 0;
    await assert.rejects(load(rare({ data: weight }), { shell, threads: 2, signal: stop.signal,
      onProgress: ({ phase }) => {
        engines += phase === 'engine';
        if (engines === 2) stop.abort();
      } }), { name: 'AbortError' });
    assert.equal(engines, 2);
  }
});
