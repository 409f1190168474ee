// Every code of AshoreError: with what it is about, a cause where there is one, and advice.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cases, judge, plain, runCases } from './failures.mjs';
import { failingModels } from './failing_models.mjs';
import { hostile } from './hostile_server.mjs';
import { part } from './setup.mjs';

const whole = await part('index.js');
const inline = await part('inline.js');
const { AshoreError, load, Model, Tensor } = whole;
let server;
before(async () => {
  server = await hostile(failingModels());
});
after(() => server.close());
const at = (name) => server.url + name;

for (const options of [{ shell: 'inline', threads: 1 }, { shell: 'worker', threads: 2 }]) {
  test(`what is said, ${JSON.stringify(options)}`, async () => {
    assert.deepEqual(await runCases({ load, Model, Tensor, at, options,
      remote: options.shell === 'worker' }), []);
  });
}

test('ashore/inline', async () => {
  const bad = await runCases({ load: inline.load, Model, Tensor: inline.Tensor, at,
    options: { threads: 1 } });
  assert.deepEqual(bad, []);
});

test('at once', async () => {
  const m = await inline.load(at('small.onnx'), { threads: 1 });
  const thrown = (use) => {
    try {
      use();
    } catch (error) {
      return plain(error);
    }
    return new Error('it succeeds');
  };
  const x = new Tensor('float32', [1, 2, 3, 4], [1, 4]);
  const find = (what) => cases.find((each) => each.what === what);
  for (const [what, use] of [
    ['an input of another name', () => m.runSync({ X: x })],
    ['another extent', () => m.runSync({ x: new Tensor('float32', [1, 2, 3], [1, 3]) })],
    ['run: transfers', () => m.runSync({ x }, { transfers: true })],
    ['data of another length', () => new Tensor('float32', [1, 2, 3], [2, 2])],
  ]) assert.equal(judge(find(what), thrown(use)), '', what);
  const slow = m.run({ x }, { signal: new AbortController().signal });
  await new Promise((resolve) => { setImmediate(resolve); });
  await slow;
  m.close();
  assert.equal(judge(find('a closed model'), thrown(() => m.runSync({ x }))), '');
});

test('what cannot be sent, and a worker that ends', async () => {
  const m = await load(at('small.onnx'), { shell: 'worker', threads: 1 });
  const x = new Tensor('float32', [1, 2, 3, 4], [1, 4]);
  const error = await m.run({ x }, { outputs: [() => 'y'] }).catch(plain);
  assert.equal(judge({ code: 'ERR_TYPE', message: /cannot be sent/, advice: /functions/, cause: true },
    error), '');
  m.close();
});

test('codes that nothing else here has', async () => {
  const { default: ort } = await part('ort.js');
  const session = await ort.InferenceSession.create(at('small.onnx'));
  const x = new ort.Tensor('float32', [1, 2, 3, 4], [1, 4]);
  const ended = await session.run({ x }, { terminate: true }).catch((error) => error);
  assert.equal(ended.code, 'ERR_CANCELLED');
  assert.match(ended.advice, /terminate/);
  const { Instance } = WebAssembly;
  let stop = false;
  WebAssembly.Instance = function changed(module, imports) {
    const { exports } = new Instance(module, imports);
    return { exports: { ...exports, advance(...args) {
      if (stop) throw new WebAssembly.RuntimeError('unreachable');
      return exports.advance(...args);
    } } };
  };
  try {
    const m = await load(at('small.onnx'), { threads: 1 });
    stop = true;
    const error = await m.run({ x: new Tensor('float32', [1, 2, 3, 4], [1, 4]) }).catch(plain);
    assert.equal(judge({ code: 'ERR_INTERNAL', message: /stopped in advance/, advice: /again/, cause: true },
      error), '');
  } finally {
    WebAssembly.Instance = Instance;
  }
});

test('every code is there', async () => {
  const codes = new Set(cases.map(({ code }) => code));
  for (const own of ['ERR_CANCELLED', 'ERR_INTERNAL', 'ERR_POLICY']) codes.add(own); // above, and in pages
  const declared = ['IO', 'FORMAT', 'INTEGRITY', 'UNSUPPORTED', 'POLICY', 'NAME', 'TYPE', 'SHAPE', 'ATTR',
    'INDEX', 'ARGUMENT', 'LIMIT', 'NOMEM', 'STATE', 'CANCELLED', 'INTERNAL'].map((code) => `ERR_${code}`);
  assert.deepEqual([...codes].sort(), declared.sort());
});

test('classes keep their names', async () => {
  const m = await load(at('gru.onnx'), { threads: 1 });
  const remote = await load(at('gru.onnx'), { threads: 1, shell: 'worker' });
  const options = { state: { hn: 'h' } };
  const names = [AshoreError, Tensor, ...[m, remote, await m.stream(options), await remote.stream(options)]
    .map(({ constructor }) => constructor)].map(({ name }) => name);
  assert.deepEqual(names, ['AshoreError', 'Tensor', 'Model', 'Model', 'Stream', 'Stream']);
  assert.match(new AshoreError('ERR_IO', 'text', { advice: 'Do' }).stack, /^AshoreError: text\. Do/);
  m.close();
  remote.close();
});
