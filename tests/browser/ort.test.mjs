// ashore/ort in Chromium: in pages, workers and service workers; pictures as onnxruntime-common has
// them, bit for bit.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { small } from '../js/onnx_writer.mjs';
import { findPackage, packageDir } from '../js/setup.mjs';
import { openBrowser, openPage, serve } from './serve.mjs';

// A program as there are many, for a page, a worker and a service worker.
const classify = `
import * as ort from 'onnxruntime-web';
export async function classify() {
  let session;
  try {
    session = await ort.InferenceSession.create('/small.onnx', {
      executionProviders: ['webgpu', 'wasm'], graphOptimizationLevel: 'all' });
  } catch (error) {
    session = await ort.InferenceSession.create('/small.onnx');
  }
  const feeds = {};
  feeds[session.inputNames[0]] =
    new ort.Tensor('float32', new Float32Array([-5, 0, 1, 5]), [1, 4]);
  const results = await session.run(feeds);
  const output = results[session.outputNames[0]];
  await session.release();
  const { shell, threads, ignored } = session.report ?? {};
  return { data: [...output.data], dims: output.dims, shell, threads, ignored };
}
`;
const withImport = (name) => classify.replace("'onnxruntime-web'", `'${name}'`);
const files = {
  '/index.html': '<!doctype html><title>test</title><script type="module" src="/page.js"></script>',
  '/page.js': `import * as ort from '/ashore/ort.js';
import * as common from '/common/index.js';
import { classify } from '/classify.js';
Object.assign(globalThis, { ort, common, classify });
`,
  '/classify.js': withImport('/ashore/ort.js'),
  '/original.js': withImport('/onnxruntime-web/ort.wasm.min.mjs'),
  '/worker.js': "import { classify } from '/classify.js';\npostMessage(await classify());\n",
  '/service.js': `import { classify } from '/classify.js';
addEventListener('message', async ({ source }) => {
  source.postMessage(await classify().catch((error) => error.message));
});
`,
  '/pictures.js': `import * as ort from '/ashore/ort.js';
const { data, dims } = await ort.Tensor.fromImage('/picture.png', { tensorFormat: 'BGR' });
const image = new ort.Tensor('float32', data, dims).toImageData();
postMessage({ data, dims, image: [...image.data] });
`,
  '/small.onnx': small(),
};
let browser;
const servers = {};

before(async () => {
  browser = await openBrowser();
  const { page } = await openPage(browser, 'about:blank');
  const url = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 7, height: 5 });
    const context = canvas.getContext('2d');
    for (let i = 0; i < 35; i++) {
      context.fillStyle = `rgba(${[(i * 37) % 256, (i * 91) % 256, (i * 53) % 256, (i % 5) / 4]})`;
      context.fillRect(i % 7, Math.floor(i / 7), 1, 1);
    }
    return canvas.toDataURL();
  });
  await page.close();
  files['/picture.png'] = Buffer.from(url.split(',')[1], 'base64');
  const folders = { ashore: packageDir,
    common: path.join(findPackage('onnxruntime-common'), 'dist/esm'),
    'onnxruntime-web': path.join(findPackage('onnxruntime-web'), 'dist') };
  servers.isolated = await serve({ files, folders });
  servers.plain = await serve({ files, folders, isolated: false });
});
after(async () => {
  await browser?.close();
  for (const server of Object.values(servers)) server.close();
});

async function inPage(kind, use, argument) {
  const { page, problems } = await openPage(browser, servers[kind].url);
  const warnings = [];
  page.on('console', (message) => {
    if (message.type() === 'warning') warnings.push(message.text());
  });
  try {
    await page.waitForFunction(() => globalThis.classify);
    const result = await page.evaluate(use, argument);
    return { result, problems, warnings };
  } finally {
    await page.close();
  }
}

const wanted = { data: [0, 0, 3, 3], dims: [1, 4] };

for (const kind of ['isolated', 'plain']) {
  test(`a page, ${kind}`, async () => {
    const { result, problems, warnings } = await inPage(kind, async () => {
      globalThis.ort.env.wasm.numThreads = 2;
      return globalThis.classify();
    });
    const { ignored, shell, threads, ...rest } = result;
    assert.deepEqual(rest, wanted);
    assert.deepEqual([shell, threads], ['worker', kind === 'isolated' ? 2 : 1]);
    const expected = ['executionProviders: webgpu', ...(kind === 'isolated' ? [] : ['threads'])];
    assert.deepEqual(ignored.map(({ option }) => option), expected);
    assert.equal(warnings.length, expected.length);
    assert.match(warnings[0], /webgpu: it is not there, the model runs on the CPU/);
    assert.deepEqual(problems, []);
  });
}

test('onnxruntime-web prints the same in a page', async () => {
  const { result } = await inPage('plain', async () => (await import('/original.js')).classify());
  assert.deepEqual(result, { ...wanted, shell: undefined, threads: undefined, ignored: undefined });
});

test('a worker of the page', async () => {
  const { result } = await inPage('isolated', () => new Promise((resolve, reject) => {
    const worker = new Worker('/worker.js', { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  }));
  assert.deepEqual([result.data, result.shell], [wanted.data, 'inline']);
});

test('a service worker', async () => {
  const { result } = await inPage('plain', async () => {
    const registration = await navigator.serviceWorker.register('/service.js', { type: 'module' });
    await navigator.serviceWorker.ready;
    const answer = new Promise((resolve) => {
      navigator.serviceWorker.onmessage = ({ data }) => resolve(data);
    });
    registration.active.postMessage('classify');
    const found = await answer;
    await registration.unregister();
    return found;
  });
  assert.deepEqual([result.data, result.shell, result.threads], [wanted.data, 'inline', 1]);
});

test('wasmPaths that name the folder of another engine, or of this one', async () => {
  const { result } = await inPage('plain', async () => {
    const { env, InferenceSession } = globalThis.ort;
    const found = [];
    for (const paths of ['/onnxruntime/', '/nothing/', { wasm: `${origin}/onnxruntime/a.wasm` },
      'https://127.0.0.1:1/', '/ashore', `${origin}/ashore/`]) {
      env.wasm.wasmPaths = paths;
      const session = await InferenceSession.create('/small.onnx');
      found.push(session.report.ignored.length);
      await session.release();
    }
    return found;
  });
  assert.deepEqual(result, [1, 1, 1, 1, 0, 0]);
});

// Runs in the page: both packages over every combination, as text of bits.
const comparePictures = async () => {
  const bits = (value) => (value instanceof ImageData
    ? { width: value.width, height: value.height, data: [...value.data] }
    : typeof value === 'string' ? value
      : { type: value.type, dims: value.dims,
        data: [...new Uint32Array(value.data.buffer.slice())].join(' ') });
  const attempt = (act) => act().then(bits, (error) => ({ error: error.constructor.name }));
  const blob = await (await fetch('/picture.png')).blob();
  const bitmap = await createImageBitmap(blob);
  const element = new Image();
  element.src = '/picture.png';
  await element.decode();
  const pixels = new ImageData(Uint8ClampedArray.from({ length: 4 * 35 }, (_, i) => (i * 57) % 256),
    7, 5);
  const norms = [undefined, { mean: 128, bias: -127.5 }, { mean: [58.395, 57.12, 57.375],
    bias: [-123.675, -116.28, -103.53] }, { mean: [1, 2, 3, 4], bias: [5, 6, 7, 8] }];
  const formats = [undefined, 'RGB', 'RGBA', 'BGR', 'RBG'];
  const sizes = [{}, { resizedWidth: 4, resizedHeight: 3 }, { resizedWidth: 9, resizedHeight: 8 },
    { resizedWidth: 3 }];
  const cases = [];
  const compare = async (what, act) => {
    const [ours, theirs] = [globalThis.ort, globalThis.common];
    cases.push([what, JSON.stringify(await attempt(() => act(ours.Tensor))),
      JSON.stringify(await attempt(() => act(theirs.Tensor)))]);
  };
  const options = norms.flatMap((norm) => formats.flatMap((tensorFormat) => sizes.map((size) =>
    JSON.parse(JSON.stringify({ norm, tensorFormat, ...size })))));
  for (const o of options) {
    const text = JSON.stringify(o);
    await compare(`ImageData ${text}`, async (T) => T.fromImage(pixels, { ...o }));
    await compare(`ImageBitmap ${text}`, async (T) => T.fromImage(bitmap, { ...o }));
    await compare(`URL ${text}`, async (T) => T.fromImage('/picture.png', { ...o }));
    // An element with tensorFormat is refused there, and is served here.
    if (!o.tensorFormat) {
      await compare(`element ${text}`, async (T) => T.fromImage(element, { ...o }));
    }
  }
  await compare('ImageData alone', (T) => T.fromImage(pixels));
  await compare('element alone', (T) => T.fromImage(element));
  await compare('URL alone', (T) => T.fromImage('/picture.png'));
  await compare('uint8', (T) => T.fromImage(pixels, { dataType: 'uint8' }));
  await compare('nothing', (T) => T.fromImage({}));
  await compare('null', (T) => T.fromImage(null));
  for (const channels of [3, 4]) {
    const data = Float32Array.from({ length: channels * 35 }, (_, i) => Math.sin(i) * 0.7 + 0.4);
    for (const norm of norms) {
      for (const format of channels === 3 ? ['RGB', 'BGR', 'RBG', 'RGBA'] : formats) {
        const o = JSON.parse(JSON.stringify({ format, norm }));
        await compare(`toImageData ${channels} ${JSON.stringify(o)}`, async (T) =>
          new T('float32', data, [1, channels, 5, 7]).toImageData(o));
      }
    }
    await compare(`toImageData ${channels}`, async (T) =>
      new T('float32', data, [1, channels, 5, 7]).toImageData());
  }
  for (const o of [undefined, { format: 'RBG' }, { norm: { mean: 200, bias: 0.1 } }]) {
    await compare(`toDataURL ${JSON.stringify(o)}`, async (T) =>
      new T('float32', Float32Array.from({ length: 105 }, (_, i) => Math.cos(i)), [1, 3, 5, 7])
        .toDataURL(o));
  }
  return cases;
};

test('pictures to tensors and back, as onnxruntime-common has them', async () => {
  const { result } = await inPage('plain', comparePictures);
  assert.ok(result.length > 300, `${result.length} cases`);
  assert.ok(result.filter(([, ours]) => !ours.includes('error')).length > 280);
  for (const [what, ours, theirs] of result) assert.equal(ours, theirs, what);
});

test('what is declared but refused there works: NHWC, tensorFormat of an element', async () => {
  const { result } = await inPage('plain', async () => {
    const { Tensor } = globalThis.ort;
    const pixels = new ImageData(Uint8ClampedArray.from({ length: 24 }, (_, i) => i * 10), 3, 2);
    const last = await Tensor.fromImage(pixels, { tensorLayout: 'NHWC', tensorFormat: 'BGR' });
    const first = await Tensor.fromImage(pixels, { tensorFormat: 'BGR' });
    const rgba = await Tensor.fromImage(pixels, { tensorLayout: 'NHWC', tensorFormat: 'RGBA' });
    const element = new Image();
    element.src = '/picture.png';
    await element.decode();
    const options = { tensorFormat: 'RGB' };
    const shown = await Tensor.fromImage(element, options);
    const loaded = await Tensor.fromImage('/picture.png', options);
    return { last: [...last.data], first: [...first.data],
      dims: [last.dims, first.dims, shown.dims],
      back: [...rgba.toImageData({ tensorLayout: 'NHWC', format: 'RGBA' }).data],
      same: `${shown.data}` === `${loaded.data}`, options,
      missing: await Tensor.fromImage('/none.png').catch((error) => error.message) };
  });
  assert.deepEqual(result.dims, [[1, 2, 3, 3], [1, 3, 2, 3], [1, 3, 5, 7]]);
  const { last, first } = result;
  for (let i = 0; i < 6; i++) {
    for (let c = 0; c < 3; c++) assert.equal(last[3 * i + c], first[6 * c + i]);
  }
  assert.equal(result.back.length, 24);
  assert.ok(result.same);
  assert.deepEqual(result.options, { tensorFormat: 'RGB' }, 'options are left alone');
  assert.match(result.missing, /none\.png/);
});

test('pictures in a worker', async () => {
  const { result } = await inPage('plain', () => new Promise((resolve, reject) => {
    const worker = new Worker('/pictures.js', { type: 'module' });
    worker.onmessage = async ({ data }) => {
      const here = await globalThis.ort.Tensor.fromImage('/picture.png', { tensorFormat: 'BGR' });
      resolve({ same: `${here.data}` === `${data.data}`, dims: data.dims,
        size: data.image.length });
    };
    worker.onerror = ({ message }) => reject(new Error(message));
  }));
  assert.deepEqual(result, { same: true, dims: [1, 3, 5, 7], size: 140 });
});
