// <ashore-model> in Chromium, under a policy that allows nothing inline.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { model, node, small, tensor, turning } from '../js/onnx_writer.mjs';
import { packageDir, until } from '../js/setup.mjs';
import { recordsPieces } from './browsers.mjs';
import { openBrowser, openPage, serve, stallAfter } from './serve.mjs';

const float = (dims) => tensor('float32', dims);
const classifier = model({ nodes: [node('GlobalAveragePool', ['input'], ['means']),
  node('Flatten', ['means'], ['logits'])],
inputs: { input: float(['N', 3, 8, 8]) }, outputs: { logits: float(['N', 3]) } });
const page = (body) => `<!doctype html><html lang="en"><title>test</title>
<link rel="stylesheet" href="/page.css"><script type="module" src="/page.js"></script>${body}`;
const files = {
  '/index.html': page(''),
  '/first.html': page('<ashore-model id="a" src="/classifier.onnx" labels="/labels.txt" top="2">'
    + '<b slot="button">Pick one</b></ashore-model>'
    + '<ashore-model id="b" src="/small.onnx" threads="1"></ashore-model>'
    + '<div class="far"></div><ashore-model id="c" src="/late.onnx" loading="lazy"></ashore-model>'),
  '/page.js': "import { AshoreModel } from '/ashore/element.js';\n"
    + "import { Tensor } from '/ashore/ashore.js';\nimport * as prep from '/ashore/prep.js';\n"
    + 'Object.assign(globalThis, { AshoreModel, Tensor, prep });'
    + "for (const element of document.querySelectorAll('ashore-model')) { element.seen = [];\n"
    + "for (const type of ['progress', 'ready', 'result', 'error']) {\n"
    + 'element.addEventListener(type, ({ detail }) => element.seen.push([type, detail])); } }\n',
  '/page.css': '.far { height: 5000px; } ashore-model::part(status) { color: rgb(1, 2, 3); }',
  '/labels.txt': 'red thing\ngreen thing\nblue thing\n',
  '/classifier.onnx': classifier, '/small.onnx': small(), '/late.onnx': small(),
  '/turning.onnx': turning(), '/broken.onnx': Buffer.from('no model'),
  '/boxes.onnx': model({ nodes: [node('ReduceMean', ['image'], ['mean'], { keepdims: 0 }),
    node('Mul', ['mean', 'zero'], ['nothing']), node('Add', ['found', 'nothing'], ['boxes'])],
  inputs: { image: float([1, 3, 16, 16]) }, outputs: { boxes: float([1, 3, 6]) },
  weights: { zero: { type: 'float32', dims: [], data: new Float32Array(1) },
    found: { type: 'float32', dims: [1, 3, 6], data: Float32Array.of(4, 4, 12, 12, 0.1, 0.9,
      5, 4, 12, 12, 0.2, 0.8, 0, 0, 4, 2, 0.3, 0) } } }),
  '/table.onnx': model({ nodes: [node('Identity', ['x'], ['y'])], inputs: { x: float(['N', 3]) },
    outputs: { y: float(['N', 3]) } }),
  '/wave.onnx': model({ nodes: [node('Identity', ['waveform'], ['same'])],
    inputs: { waveform: float([1, 1, 800]) }, outputs: { same: float([1, 1, 800]) } }),
  '/mel.onnx': model({ nodes: [node('Identity', ['x'], ['same'])],
    inputs: { x: float([1, 80, 50]) }, outputs: { same: float([1, 80, 50]) } }),
  '/large.onnx': { pause: stallAfter(1e6), body: Buffer.concat([small(), Buffer.alloc(3e6)]) },
};
let browser;
let server;

before(async () => {
  browser = await openBrowser('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream');
  server = await serve({ files, folders: { ashore: packageDir } });
});
after(async () => {
  await browser?.close();
  server.close();
});

async function open(path = '') {
  const opened = await openPage(browser, server.url + path);
  await opened.page.waitForFunction(() => globalThis.AshoreModel);
  return opened;
}

const ready = (opened, id) => opened.waitForFunction((name) =>
  document.getElementById(name).model, id);

test('several on one page, one of them seen late: their own models, faces and events', async () => {
  const { page: opened, problems } = await open('first.html');
  await ready(opened, 'a');
  await ready(opened, 'b');
  const found = await opened.evaluate(async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((id) => document.getElementById(id));
    const { y } = await b.run({ x: new globalThis.Tensor('float32', [-5, 0, 1, 5], [1, 4]) });
    return { y: [...y.data], threads: b.report.threads, late: c.model,
      types: b.seen.map(([type]) => type).filter((type) => type !== 'progress'),
      label: a.shadowRoot.querySelector('label').textContent, inputs: a.model.inputs.length,
      pictures: [a, b].map((each) => each.shadowRoot.querySelector('.input').checkVisibility()),
      words: c.shadowRoot.querySelector('[role=status]').textContent,
      colour: getComputedStyle(a.shadowRoot.querySelector('[role=status]')).color };
  });
  assert.deepEqual(found.y, [0, 0, 3, 3]);
  assert.deepEqual([found.threads, found.late, found.inputs], [1, null, 1]);
  assert.deepEqual(found.types, ['ready', 'result']);
  assert.deepEqual(found.pictures, [true, false], 'a place for pictures where the model takes them');
  assert.equal(found.words, 'The model loads when it is seen');
  assert.equal(found.colour, 'rgb(1, 2, 3)', 'by its part');
  assert.equal(server.requested.has('/late.onnx'), false);
  await opened.evaluate(() => document.getElementById('c').scrollIntoView());
  await ready(opened, 'c');
  assert.deepEqual(problems, []);
  await opened.close();
});

test('a picture that is chosen or dropped becomes classes with labels, in words and bars', async () => {
  const { page: opened, problems } = await open('first.html');
  await ready(opened, 'a');
  const picture = await opened.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 20, height: 10 });
    const context = canvas.getContext('2d');
    context.fillStyle = 'yellow';
    context.fillRect(0, 0, 20, 10);
    return canvas.toDataURL('image/png');
  });
  const rows = opened.locator('#a li');
  const buffer = Buffer.from(picture.split(',')[1], 'base64');
  await opened.locator('#a input[type=file]').setInputFiles({ name: 'a.png', mimeType: 'image/png',
    buffer });
  await rows.first().waitFor();
  // The softmax of 1, 1, 0 is e, e, 1 over 2e + 1.
  assert.deepEqual(await rows.allTextContents(), ['red thing42.2 %', 'green thing42.2 %']);
  assert.equal(await opened.locator('#a canvas').isVisible(), true);
  const tree = await opened.locator('#a').ariaSnapshot();
  assert.match(tree, /status: Done/);
  assert.match(tree, /listitem: green thing 42\.2 %/);
  assert.match(tree, /img "The picture"/);
  await opened.evaluate((bytes) => {
    const a = document.getElementById('a');
    a.labels = ['r', 'g', 'b'];
    a.setAttribute('top', '1');
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], 'a.png', { type: 'image/png' }));
    a.dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true, bubbles: true }));
  }, [...buffer]);
  await opened.waitForFunction(() => document.getElementById('a').seen
    .filter(([type]) => type === 'result').length === 2);
  await opened.waitForFunction(() => document.getElementById('a').shadowRoot
    .querySelector('[role=status]').textContent === 'Done');
  assert.deepEqual(await rows.allTextContents(), ['r42.2 %']);
  const refused = await opened.evaluate(() => document.getElementById('b').runPicture(
    new ImageData(1, 1)).catch(({ code, message }) => [code, message]));
  assert.deepEqual(refused, ['ERR_UNSUPPORTED', `/small.onnx: no model of one picture: it takes 'x', ${
    'float32[N,4]'}. Call run() with tensors`]);
  const bad = await opened.evaluate(() => document.getElementById('a').runPicture(
    new Blob(['no picture'])).catch(({ code }) => code));
  assert.equal(bad, 'ERR_FORMAT');
  assert.match(await opened.locator('#a [role=status]').textContent(), /this is no picture/);
  assert.deepEqual(problems, []);
  await opened.close();
});

test('what fails is an event and a text; another src is another model', async () => {
  const { page: opened } = await open();
  const found = await opened.evaluate(async () => {
    const element = document.createElement('ashore-model');
    const next = (type) => new Promise((resolve) => {
      element.addEventListener(type, ({ detail }) => resolve(detail), { once: true });
    });
    const status = () => element.shadowRoot.querySelector('[role=status]').textContent;
    let failed = next('error');
    element.src = '/broken.onnx';
    document.body.append(element);
    const { code, message } = await failed;
    const said = status();
    failed = next('error');
    element.src = '/missing.onnx';
    const missing = (await failed).code;
    const ready = next('ready');
    element.src = '/small.onnx';
    const { outputs } = await ready;
    const wrong = await element.run({ z: null }).catch((error) => error.code);
    const right = await element.run({ x: new globalThis.Tensor('float32', [1, 1, 1, 1], [1, 4]) });
    return { code, message, said, missing, wrong, name: outputs[0].name, data: [...right.y.data],
      last: status(), busy: element.shadowRoot.querySelector('progress').checkVisibility() };
  });
  assert.equal(found.code, 'ERR_FORMAT');
  assert.equal(found.said, found.message);
  assert.deepEqual([found.missing, found.wrong, found.name, found.last, found.busy],
    ['ERR_IO', 'ERR_NAME', 'y', 'Done', false]);
  assert.deepEqual(found.data.length, 4);
  await opened.close();
});

test('taken out it closes its model and ends what is under way; moved it stays', async () => {
  const { page: opened, problems } = await open();
  const workers = () => opened.workers().length;
  const found = await opened.evaluate(async () => {
    const add = (src) => {
      const element = document.createElement('ashore-model');
      element.setAttribute('src', src);
      element.setAttribute('threads', '1');
      document.body.append(element);
      return element;
    };
    const element = add('/small.onnx');
    const model = await element.load();
    document.body.prepend(element);
    await Promise.resolve();
    const moved = element.model === model;
    element.remove();
    await Promise.resolve();
    const closed = await model.run({ x: new globalThis.Tensor('float32', [1, 1, 1, 1], [1, 4]) })
      .catch(({ code }) => code);
    const loading = add('/large.onnx');
    const abandoned = loading.load().catch(({ name }) => name);
    await new Promise((resolve) => { loading.addEventListener('progress', resolve); });
    loading.remove();
    document.body.append(element);
    const again = await element.run({ x: new globalThis.Tensor('float32', [1, 1, 1, 1], [1, 4]) });
    const name = await abandoned;
    const running = add('/turning.onnx');
    await running.load();
    const { Tensor } = globalThis;
    const forever = { x: new Tensor('float32', new Float32Array(65536), [256, 256]),
      turns: new Tensor('int64', [1n << 40n], []) };
    const stopped = await running.run(forever, { signal: AbortSignal.timeout(50) })
      .catch((error) => error.name);
    running.remove();
    return { moved, closed, name, stopped, again: again.y.data.length };
  });
  assert.deepEqual(found, { moved: true, closed: 'ERR_STATE', name: 'AbortError',
    stopped: 'TimeoutError', again: 4 });
  await until(() => workers() <= 1);
  assert.equal(workers(), 1, 'the worker of the one that is still there');
  assert.deepEqual(problems, []);
  await opened.close();
});

// Puts an element on the page and loads it; its name there is `element`.
const put = (opened, attributes) => opened.evaluate(async (given) => {
  const element = document.createElement('ashore-model');
  for (const [name, value] of Object.entries({ threads: 1, ...given })) {
    element.setAttribute(name, value);
  }
  document.body.append(element);
  globalThis.element = element;
  element.count = 0;
  element.addEventListener('result', () => { element.count++; });
  await element.load();
}, attributes);
const said = (opened, wanted) => opened.waitForFunction((text) => globalThis.element.shadowRoot
  .querySelector('[role=status]').textContent.startsWith(text), wanted);
const count = (opened, least) => opened.waitForFunction((n) => globalThis.element.count >= n, least);

test('boxes are drawn over the picture, listed, and read by the words of an attribute', async () => {
  const { page: opened, problems } = await open();
  await put(opened, { src: '/boxes.onnx', boxes: 'rows xyxy', labels: '/labels.txt' });
  const found = await opened.evaluate(async () => {
    const { element } = globalThis;
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 32 });
    canvas.getContext('2d').fillStyle = 'white';
    canvas.getContext('2d').fillRect(0, 0, 64, 32);
    await element.runPicture(canvas);
    const shown = element.shadowRoot.querySelector('canvas');
    const pixel = (x, y) => [...shown.getContext('2d').getImageData(x, y, 1, 1).data];
    const drawn = [pixel(16, 16), pixel(60, 30)].map((each) => each.slice(0, 3).join());
    const first = element.detections.map(({ box, label }) => [...box, label]);
    element.setAttribute('iou', '1');
    element.setAttribute('score', '0.85');
    for (let i = 0; i < 1000 && element.detections.length !== 1; i++) {
      await new Promise((resolve) => { setTimeout(resolve); });
    }
    return { drawn, first, size: [shown.width, shown.height],
      then: element.detections.length };
  });
  // A pixel of the model's is four of the picture's across, and two down.
  assert.deepEqual(found.first, [[16, 8, 48, 24, 'green thing'], [0, 0, 16, 4, 'red thing']]);
  assert.deepEqual(found.size, [64, 32]);
  assert.notEqual(found.drawn[0], '255,255,255', 'an edge');
  assert.equal(found.drawn[1], '255,255,255', 'outside of all');
  assert.equal(found.then, 1);
  assert.deepEqual(await opened.locator('ashore-model li').allTextContents(), ['green thing90.0 %']);
  await opened.evaluate(() => globalThis.element.setAttribute('boxes', 'rows square'));
  await said(opened, 'boxes="rows square": \'square\' is none of xyxy');
  assert.deepEqual(problems, []);
  await opened.close();
});

test('numbers as a table that the keyboard scrolls, and as a curve', async () => {
  const { page: opened, problems } = await open();
  await put(opened, { src: '/table.onnx' });
  await opened.evaluate(() => globalThis.element.run({ x: new globalThis.Tensor('float32',
    [1, 2, 3, 4, 5, 0.123456], [2, 3]) }));
  const table = opened.getByRole('region', { name: 'y' });
  assert.deepEqual(await table.locator('tr').allTextContents(), ['123', '450.1235']);
  assert.equal(await table.locator('caption').textContent(), 'y: float32[2, 3]');
  for (let i = 0; i < 5 && !await table.evaluate((own) => own.matches(':focus')); i++) {
    await opened.keyboard.press('Tab');
  }
  assert.ok(await table.evaluate((own) => own.matches(':focus')));
  await opened.evaluate(() => globalThis.element.setAttribute('output', 'plot'));
  await opened.getByRole('img', { name: 'y: 6 numbers from 0.1235 to 5' }).waitFor();
  await opened.evaluate(() => globalThis.element.setAttribute('output', 'pie'));
  await said(opened, 'output="pie": it is one of classes, boxes, table, plot');
  assert.deepEqual(problems, []);
  await opened.close();
});

// A WAV file of 16 bits at 16 kHz.
function wav(samples) {
  const bytes = Buffer.alloc(44 + 2 * samples.length);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(36 + 2 * samples.length, 4);
  bytes.write('WAVEfmt ', 8);
  [[16, 4], [1, 2], [1, 2], [16000, 4], [32000, 4], [2, 2], [16, 2]].reduce((at, [value, size]) => {
    bytes.writeUIntLE(value, at, size);
    return at + size;
  }, 16);
  bytes.write('data', 36);
  bytes.writeUInt32LE(2 * samples.length, 40);
  samples.forEach((value, i) => bytes.writeInt16LE(value, 44 + 2 * i));
  return bytes;
}

test('a sound as samples of a fixed length, and as mel bands', async () => {
  const { page: opened, problems } = await open();
  await put(opened, { src: '/wave.onnx', output: 'plot' });
  const samples = Array.from({ length: 500 }, (_, i) => (i * 131) % 20000);
  await opened.locator('ashore-model input[type=file]').setInputFiles({ name: 'a.wav',
    mimeType: 'audio/wav', buffer: wav(samples) });
  await count(opened, 1);
  await said(opened, 'Done');
  await opened.getByRole('img', { name: 'The sound of 0.03 seconds: 500 numbers' }).waitFor();
  const same = await opened.evaluate(() => new Promise((resolve) => {
    const { element } = globalThis;
    element.addEventListener('result', ({ detail }) => resolve([...detail.same.data]), { once: true });
    element.runSound({ data: Int16Array.from({ length: 900 }, (_, i) => i), sampleRate: 16000 });
  }));
  assert.deepEqual([same.length, same[799]], [800, 799 / 32768], 'its beginning');
  assert.match(await opened.locator('ashore-model').ariaSnapshot(), /same: 800 numbers/);
  const wrong = await opened.evaluate(() => globalThis.element.runSound(new Blob(['no sound']))
    .catch(({ code }) => code));
  assert.equal(wrong, 'ERR_FORMAT');
  await opened.evaluate(() => globalThis.element.remove());

  await put(opened, { src: '/mel.onnx', mel: 'whisper', output: 'table' });
  const mel = await opened.evaluate(async () => {
    const { element, Tensor, prep: { openPrep } } = globalThis;
    const data = Float32Array.from({ length: 8000 }, (_, i) => (i < 4000 ? Math.sin(i / 5) : 0));
    const { same: made } = await element.runSound({ data: data.slice(0, 4000), sampleRate: 16000 });
    const prep = await openPrep();
    const wanted = prep.mel(new Tensor('float32', data, [1, 8000]), { log: 'whisper', dropLast: true });
    prep.close();
    return { dims: made.dims, wanted: wanted.dims, equal: `${made.data}` === `${wanted.data}` };
  });
  assert.deepEqual(mel, { dims: [1, 80, 50], wanted: [1, 80, 50], equal: true },
    'with silence behind it, as ashore/prep has it');
  assert.deepEqual(problems, []);
  await opened.close();
});

test('the camera by the keyboard: picture after picture, until it is stopped', async () => {
  const { page: opened, problems } = await open();
  await put(opened, { src: '/classifier.onnx' });
  const device = opened.locator('ashore-model button');
  assert.equal(await device.isVisible(), false, 'where an attribute asks for it');
  await opened.evaluate(() => globalThis.element.toggleAttribute('camera', true));
  await device.focus();
  await opened.keyboard.press('Enter');
  await count(opened, 3);
  assert.equal(await device.textContent(), 'Stop the camera');
  await said(opened, 'Running on what the camera gives');
  await device.click();
  await said(opened, 'Stopped');
  const seen = await opened.evaluate(async () => {
    const { element } = globalThis;
    const { width } = element.shadowRoot.querySelector('canvas');
    const own = navigator.mediaDevices;
    own.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); };
    return [width, await element.startCamera().catch(({ code }) => code)];
  });
  assert.ok(seen[0] > 100, 'its own size');
  assert.equal(seen[1], 'ERR_POLICY');
  await said(opened, 'the camera was not allowed. Allow it');
  assert.equal(await device.textContent(), 'Use the camera');
  assert.deepEqual(problems, []);
  await opened.close();
});

test('the microphone is recorded, and given up when the element goes', async () => {
  const { page: opened, problems } = await open();
  await put(opened, { src: '/wave.onnx', microphone: '' });
  const recorded = await recordsPieces(opened);
  const device = opened.getByRole('button', { name: 'Record' });
  await device.click();
  await said(opened, 'Recording');
  await recorded();
  await opened.getByRole('button', { name: 'Stop recording' }).click();
  await count(opened, 1);
  await said(opened, 'Done');
  const left = await opened.evaluate(async () => {
    const { element } = globalThis;
    const tracks = [];
    const { getUserMedia } = navigator.mediaDevices;
    navigator.mediaDevices.getUserMedia = async function opened(...given) {
      const stream = await getUserMedia.apply(this, given);
      tracks.push(...stream.getTracks());
      return stream;
    };
    await element.startRecording();
    element.remove();
    await Promise.resolve();
    return tracks.map(({ readyState }) => readyState);
  });
  assert.deepEqual(left, ['ended']);
  assert.deepEqual(problems, []);
  await opened.close();
});
