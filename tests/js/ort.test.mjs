// What ashore/ort does beyond onnxruntime's packages, or otherwise.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeEach, mock, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  forever, maps, model, node, optional, sequence, small, tensor, turning,
} from './onnx_writer.mjs';
import { findPackage, packageDir, part, root } from './setup.mjs';

const ort = await part('ort.js');
const { AshoreError, env, InferenceSession, Tensor } = ort;
const warn = mock.method(console, 'warn', () => {});
const said = () => warn.mock.calls.map(({ arguments: [text] }) => text);
beforeEach(() => {
  warn.mock.resetCalls();
  env.logLevel = 'warning';
  for (const name of Object.keys(env.wasm)) delete env.wasm[name];
});

const fails = (code, text = '') => (error) => error instanceof AshoreError && error.code === code
  && error.message.includes(text);
const x = new Tensor('float32', [-5, 0, 1, 5], [1, 4]);
const wanted = [0, 0, 3, 3];
const identity = (type) => model({ nodes: [node('Identity', ['a'], ['b'])], inputs: { a: type },
  outputs: { b: type }, opset: 21 });
const shells = ['inline', 'worker'];

async function use(source, options, act) {
  const session = await InferenceSession.create(source, options);
  try {
    return await act(session);
  } finally {
    await session.release();
  }
}

test('everything that onnxruntime-common exports is there', async () => {
  const common = await import(pathToFileURL(path.join(findPackage('onnxruntime-common'),
    'dist/esm/index.js')));
  for (const name of Object.keys(common)) assert.equal(typeof ort[name], typeof common[name], name);
  assert.equal(ort.default, ort);
  assert.equal(ort.env.versions.common, common.env.versions.common);
  assert.deepEqual(ort.listSupportedBackends().map(({ name }) => name), ['cpu', 'wasm']);
});

test('results are written into tensors that the caller made', async () => {
  const strings = identity(tensor('string', ['N']));
  for (const shell of shells) {
    await use(small(), { shell }, async (session) => {
      const y = new Tensor('float32', new Float32Array(4), [1, 4]);
      const results = await session.run({ x }, { y });
      assert.equal(results.y, y);
      assert.deepEqual([...y.data], wanted);
      const pinned = Tensor.fromPinnedBuffer('float32', new Float32Array(4), [1, 4]);
      await session.run({ x: Tensor.fromPinnedBuffer('float32', x.data, [1, 4]) }, { y: pinned });
      assert.deepEqual([...pinned.data], wanted);
      await assert.rejects(session.run({ x }, { y: new Tensor('float32', [0, 0, 0, 0], [4]) }),
        fails('ERR_SHAPE', "output 'y' is float32[1,4]"));
      await assert.rejects(session.run({ x }, { y: new Tensor('int32', [0, 0, 0, 0], [1, 4]) }),
        fails('ERR_SHAPE', 'int32[1,4]'));
    });
    await use(strings, { shell }, async (session) => {
      const b = new Tensor('string', ['', ''], [2]);
      await session.run({ a: new Tensor('string', ['p', 'q']) }, { b });
      assert.deepEqual(b.data, ['p', 'q']);
    });
  }
});

test('sequences are arrays, an optional is its element or null', async () => {
  for (const shell of shells) {
    await use(identity(sequence(tensor('int64', ['A']))), { shell }, async (session) => {
      assert.deepEqual(session.inputMetadata, [{ name: 'a', isTensor: false }]);
      const a = [new Tensor('int64', [1, 2]), new Tensor('int64', [])];
      const { b } = await session.run({ a });
      assert.deepEqual(b.map(({ data }) => [...data]), [[1n, 2n], []]);
      assert.ok(b[0] instanceof Tensor);
    });
    await use(identity(optional(tensor('float32', ['A']))), { shell }, async (session) => {
      assert.equal((await session.run({ a: null })).b, null);
      assert.deepEqual([...(await session.run({ a: new Tensor('float32', [2]) })).b.data], [2]);
    });
  }
});

test('maps are Map objects', async () => {
  for (const shell of shells) {
    await use(maps('string', { texts: ['b', 'a'] }), { shell }, async (session) => {
      assert.deepEqual(session.outputMetadata[1], { name: 'z', isTensor: false });
      const { v, z } = await session.run({ m: new Map([['a', 0.5]]) });
      assert.deepEqual([...v.data], [0, 0.5]);
      assert.deepEqual(z, [new Map([['b', 0], ['a', 0.5]])]);
    });
  }
});

test('types that onnxruntime-web does not run: 4 bits, bfloat16, complex numbers', async () => {
  for (const type of ['int4', 'uint4']) {
    await use(identity(tensor(type, ['N'])), {}, async (session) => {
      const a = new Tensor(type, Uint8Array.of(0x8f, 0x07), [3]);
      const { b } = await session.run({ a });
      assert.deepEqual([b.type, b.dims, [...b.data]], [type, [3], [0x8f, 0x07]]);
    });
  }
  const cast = model({ nodes: [node('Cast', ['a'], ['b'], { to: 1 })],
    inputs: { a: tensor('int4', ['N']) }, outputs: { b: tensor('float32', ['N']) }, opset: 21 });
  await use(cast, {}, async (session) => {
    const { b } = await session.run({ a: new Tensor('int4', Int8Array.of(0x2f, -8), [4]) });
    assert.deepEqual([...b.data], [-1, 2, -8, -1]);
  });
  await use(identity(tensor('bfloat16', ['N'])), {}, async (session) => {
    const { b } = await session.run({ a: new Tensor('bfloat16', new Uint16Array([1, 2]), [2]) });
    assert.deepEqual([b.type, [...b.data]], ['bfloat16', [1, 2]]);
  });
  assert.deepEqual(new Tensor('complex64', new Float32Array(4)).dims, [2]);
});

test('tensors of onnxruntime-common, of other realms and in proxies', async () => {
  const { Tensor: Other } = await import(pathToFileURL(path.join(
    findPackage('onnxruntime-common'), 'dist/esm/index.js')));
  const foreign = (await import('node:vm')).runInNewContext('new Float32Array([-5, 0, 1, 5])');
  const wrap = (object) => new Proxy(object, { get: (target, name, self) => {
    const value = Reflect.get(target, name, self);
    const { value: fixed, configurable } = Reflect.getOwnPropertyDescriptor(target, name) ?? {};
    return configurable === false && fixed ? value : Array.isArray(value) ? wrap(value) : value;
  } });
  for (const shell of shells) {
    const session = wrap(await InferenceSession.create(small(), { shell }));
    for (const given of [new Other('float32', x.data, [1, 4]),
      new Tensor('float32', foreign, [1, 4]), new Tensor(foreign, [1, 4]), wrap(x)]) {
      assert.deepEqual([...(await session.run({ x: given })).y.data], wanted);
    }
    await session.release();
  }
});

test('models from Blobs, URLs, paths, and what is no model', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-ort-'));
  const file = path.join(folder, 'small.onnx');
  fs.writeFileSync(file, small());
  try {
    for (const source of [new Blob([small()]), pathToFileURL(file), file,
      String(pathToFileURL(file)), small()]) {
      await use(source, {}, async (session) =>
        assert.deepEqual([...(await session.run({ x })).y.data], wanted));
    }
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  const own = Buffer.concat([Buffer.from([9, 0, 0, 0]), Buffer.from('ORTM'), Buffer.alloc(40)]);
  await assert.rejects(InferenceSession.create(own),
    fails('ERR_FORMAT', "onnxruntime's own format"));
  await assert.rejects(InferenceSession.create(file), fails('ERR_IO', 'small.onnx'));
  await assert.rejects(InferenceSession.create(new Float32Array(4)), TypeError);
  assert.throws(() => new InferenceSession(), TypeError);
});

test('feeds are read at once, and runs that are asked for at once are taken in turn', async () => {
  for (const shell of shells) {
    await use(small(), { shell }, async (session) => {
      const data = new Float32Array(4);
      const runs = [1, 2, 3, 4].map((n) => {
        data.fill(n);
        const options = n === 2 ? { signal: new AbortController().signal } : {};
        return session.run({ x: new Tensor('float32', data, [1, 4]) }, options);
      });
      data.fill(100);
      assert.deepEqual((await Promise.all(runs)).map(({ y }) => y.data[0]), [2, 3, 4, 5]);
      const long = new Float32Array(1000).fill(7);
      const { y } = await session.run({ x: new Tensor('float32', long.subarray(8, 12), [1, 4]) });
      assert.equal(y.data[0], 8);
    });
  }
});

test('a session is released when the runs before have ended', async () => {
  for (const shell of shells) {
    const session = await InferenceSession.create(small(), { shell });
    const run = session.run({ x }, { signal: new AbortController().signal });
    await session.release();
    assert.deepEqual([...(await run).y.data], wanted);
    await assert.rejects(session.run({ x }), fails('ERR_STATE', 'closed'));
    await session.release();
  }
});

test('a session that is forgotten gives its threads back', () => {
  const program = path.join(root, 'tests/js/ort_forgotten.mjs');
  for (const shell of shells) {
    const output = execFileSync(process.execPath, ['--expose-gc', program, shell],
      { encoding: 'utf8' });
    assert.match(output, /^-?\d of at least 6 threads are left/);
    assert.ok(parseInt(output, 10) <= 0, output);
  }
});

test('a signal ends a run, and loading', async () => {
  const aborted = { name: 'AbortError' };
  await use(turning(), { intraOpNumThreads: 1 }, async (session) => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 10);
    const feeds = (turns) => ({ x: new Tensor('float32', new Float32Array(65536), [256, 256]),
      turns: new Tensor('int64', [turns], []) });
    await assert.rejects(session.run(feeds(forever), { signal: stop.signal }), aborted);
    assert.equal((await session.run(feeds(1n))).y.data[0], 0);
  });
  await assert.rejects(InferenceSession.create(small(), { signal: AbortSignal.abort() }), aborted);
  env.wasm.initTimeout = 1e5;
  await assert.rejects(InferenceSession.create(small(), { signal: AbortSignal.abort() }), aborted);
  await use(small(), {}, () => {});
  env.wasm.initTimeout = 1;
  await assert.rejects(InferenceSession.create(small(), { shell: 'worker' }),
    { message: 'WebAssembly backend initializing failed due to timeout: 1ms' });
  delete env.wasm.initTimeout;
  const phases = [];
  await use(small(), { onProgress: ({ phase }) => phases.push(phase) }, () => {});
  assert.equal(phases.at(-1), 'ready');
});

test('copies and hashes are those of load()', async () => {
  for (const shell of shells) {
    await assert.rejects(InferenceSession.create(small(), { shell, sha256: '0'.repeat(64) }),
      fails('ERR_INTEGRITY'));
    await assert.rejects(InferenceSession.create(small(), { shell, manifest: { files: 1 } }),
      fails('ERR_FORMAT', 'no manifest'));
    await use(small(), { shell, cache: true }, ({ report }) =>
      assert.equal(report.cache.from, 'none'));
  }
});

test('what is refused names input, type and shape', async () => {
  await use(small(), { freeDimensionOverrides: { N: 2 } }, async (session) => {
    assert.deepEqual(session.inputMetadata[0].shape, [2, 4]);
    assert.deepEqual(session.outputMetadata[0].shape, [2, 4]);
    await assert.rejects(session.run({ x }),
      fails('ERR_SHAPE', "input 'x' is float32[1,4], expected float32[2,4]"));
    await assert.rejects(session.run({ x: new Tensor('int32', [1, 2, 3, 4, 5, 6, 7, 8], [2, 4]) }),
      fails('ERR_TYPE', "input 'x' is int32[2,4], expected float32"));
    await assert.rejects(session.run({ x: new Float32Array(8) }),
      { name: 'TypeError', message: "input 'x' must be a Tensor, and is Float32Array" });
    await assert.rejects(session.run({ q: x, x }),
      { message: "invalid input 'q': the model has 'x'" });
    await assert.rejects(session.run({ x: null }), fails('ERR_TYPE', "'x'"));
  });
  await use(identity(tensor('string', ['N'])), {}, async (session) => {
    await assert.rejects(session.run({ a: new Tensor('string', ['a', 5]) }),
      { name: 'TypeError', message: /'a': tensor data at index 1 is not a string/ });
  });
  await use(identity(tensor('float32', ['', 3])), {}, async (session) =>
    assert.deepEqual(session.inputMetadata[0].shape, [-1, 3]));
  for (const make of ['fromTexture', 'fromGpuBuffer', 'fromMLTensor']) {
    assert.throws(() => Tensor[make]({}, { dims: [1] }), fails('ERR_UNSUPPORTED'));
  }
  assert.throws(() => new Tensor({ location: 'gpu-buffer', type: 'float32', gpuBuffer: {},
    dims: [1] }), fails('ERR_UNSUPPORTED', 'gpu-buffer'));
});

test('options without effect are said once, and listed', async () => {
  const options = { executionProviders: [{ name: 'webnn', deviceType: 'gpu' }, 'cuda'],
    graphOptimizationLevel: 'extended', interOpNumThreads: 2, executionMode: 'parallel',
    enableCpuMemArena: false, enableMemPattern: false, enableGraphCapture: true,
    optimizedModelFilePath: 'a', profileFilePrefix: 'b', logId: 'c', logVerbosityLevel: 1,
    extra: { session: { a: '1' } }, preferredOutputLocation: { y: 'gpu-buffer' } };
  env.debug = true;
  env.webgpu.powerPreference = 'low-power';
  env.webgl.pack = true;
  Object.assign(env.wasm, { simd: false, wasmBinary: new Uint8Array(1), proxy: true });
  const names = ['executionProviders: webnn', 'executionProviders: cuda',
    'graphOptimizationLevel: extended', 'interOpNumThreads', 'executionMode', 'enableCpuMemArena',
    'enableMemPattern', 'enableGraphCapture', 'optimizedModelFilePath', 'profileFilePrefix', 'logId',
    'logVerbosityLevel', 'extra', 'preferredOutputLocation: gpu-buffer', 'env.debug',
    'env.wasm.wasmBinary', 'env.wasm.simd: false', 'env.webgl.pack', 'env.webgpu.powerPreference'];
  try {
    for (const level of ['error', 'warning', 'verbose']) {
      env.logLevel = level;
      const quiet = await InferenceSession.create(small(), { ...options, logSeverityLevel: 3 });
      assert.deepEqual(quiet.report.ignored.map(({ option }) => option), names);
      assert.ok(quiet.report.ignored.every(({ why }) => why.length > 10));
      await quiet.release();
      assert.deepEqual(said(), []);
    }
    env.logLevel = 'warning';
    await use(small(), options, () => {});
    await use(small(), options, () => {});
    assert.equal(said().length, names.length);
    names.forEach((name, i) => assert.ok(said()[i].startsWith(`ashore: ${name}: `), said()[i]));
  } finally {
    delete env.debug;
    delete env.webgpu.powerPreference;
    delete env.webgl.pack;
  }
});

test('what asks for what is done anyway is not mentioned', async () => {
  Object.assign(env.wasm, { simd: true, proxy: true, numThreads: 1 });
  await use(small(), { executionProviders: ['wasm', { name: 'cpu' }], graphOptimizationLevel: 'all',
    enableCpuMemArena: true, enableMemPattern: true, executionMode: 'sequential',
    preferredOutputLocation: 'cpu', logSeverityLevel: 0 }, (session) => {
    assert.deepEqual(session.report.ignored, []);
  });
  assert.deepEqual(said(), []);
});

test('threads: the option before the setting; the setting shows what was found', async () => {
  await use(small(), {}, (session) => assert.equal(env.wasm.numThreads, session.report.threads));
  const threads = (options) => use(small(), options, ({ report }) => report.threads);
  assert.equal(await threads({ intraOpNumThreads: 3 }), 3);
  env.wasm.numThreads = 2;
  assert.equal(await threads({}), 2);
  assert.equal(await threads({ intraOpNumThreads: 1 }), 1);
  assert.equal(env.wasm.numThreads, 2);
});

test('strict refuses to run where none of the providers is there', async () => {
  await assert.rejects(InferenceSession.create(small(), { executionProviders: ['webgpu'],
    strict: true }), fails('ERR_UNSUPPORTED', 'no available backend found. ERR: [webgpu]'));
  await use(small(), { executionProviders: ['webgpu', 'wasm'], strict: true, variant: 'scalar',
    intraOpNumThreads: 1 }, (session) => assert.equal(session.report.variant, 'scalar'));
});

test('rewrites can be switched off', async () => {
  const log = mock.method(console, 'log', () => {});
  const gemm = model({ nodes: [node('MatMul', ['x', 'w'], ['p']), node('Relu', ['p'], ['y'])],
    inputs: { x: tensor('float32', [1, 4]) }, outputs: { y: tensor('float32', [1, 4]) },
    weights: { w: { type: 'float32', dims: [4, 4], data: new Float32Array(16) } } });
  try {
    const steps = {};
    for (const level of ['all', 'disabled']) {
      steps[level] = await use(gemm, { graphOptimizationLevel: level, enableProfiling: true },
        async (session) => {
          session.startProfiling();
          await session.run({ x });
          return session.endProfiling();
        });
    }
    assert.deepEqual([steps.all.length, steps.disabled.length], [1, 2]);
    const events = JSON.parse(log.mock.calls[1].arguments[0]);
    assert.deepEqual(events.map(({ args }) => args.op_name), ['MatMul', 'Relu']);
  } finally {
    log.mock.restore();
  }
});

test('wasmPaths: a folder with modules of this engine is used, another passed over', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-ort-'));
  try {
    for (const paths of [folder, 'nowhere/', { mjs: 'a.mjs' }, 'blob:nodedata:1',
      { wasm: 'blob:nodedata:1' }, { wasm: './ort-wasm-simd-threaded.wasm' }]) {
      env.wasm.wasmPaths = paths;
      await use(small(), {}, (session) => {
        assert.equal(session.report.ignored[0].option, 'env.wasm.wasmPaths');
        assert.match(said().at(-1), /no modules of this engine in/);
      });
    }
    const moved = path.join(folder, 'moved/');
    fs.mkdirSync(moved);
    for (const name of fs.readdirSync(packageDir).filter((file) => file.endsWith('.wasm'))) {
      fs.copyFileSync(path.join(packageDir, name), path.join(moved, name));
    }
    for (const paths of [moved, moved.slice(0, -1), path.relative('.', moved),
      String(pathToFileURL(moved)), { wasm: path.join(moved, 'x.wasm') },
      { wasm: pathToFileURL(path.join(moved, 'ashore-relaxed.wasm')) }]) {
      env.wasm.wasmPaths = paths;
      await use(small(), {}, async (session) => {
        assert.deepEqual(session.report.ignored, []);
        assert.deepEqual([...(await session.run({ x })).y.data], wanted);
      });
    }
    for (const name of fs.readdirSync(moved)) fs.writeFileSync(path.join(moved, name), 'no module');
    await assert.rejects(InferenceSession.create(small()),
      ({ cause, message }) => cause instanceof WebAssembly.CompileError && message.includes(moved),
      'the modules are taken from there');
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('an element in a vector is taken for a declared scalar', async () => {
  await use(identity(tensor('int64', [])), {}, async (session) => {
    const a = new Tensor('int64', [7n]);
    assert.deepEqual((await session.run({ a })).b.data, BigInt64Array.of(7n));
    assert.deepEqual(a.dims, [1]);
    await assert.rejects(session.run({ a: new Tensor('int64', [7n, 8n]) }), fails('ERR_SHAPE'));
  });
});

test('traces and other backends', () => {
  const stamp = mock.method(console, 'timeStamp', () => {});
  try {
    ort.TRACE('CPU', 'off');
    env.trace = true;
    ort.TRACE('CPU', 'on');
    ort.TRACE_FUNC_BEGIN('extra');
    assert.deepEqual(stamp.mock.calls.map(({ arguments: [text] }) => text.split('::')[0]),
      ['CPU', 'CPU']);
    assert.match(stamp.mock.calls[1].arguments[0], /FUNC_BEGIN::.*::extra$/);
  } finally {
    stamp.mock.restore();
    delete env.trace;
  }
  ort.registerBackend('other', { init() {}, createInferenceSessionHandler() {} }, 1);
  assert.match(said()[0], /'other' is not used/);
});
