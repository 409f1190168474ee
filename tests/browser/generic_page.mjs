// What the tests of the page for any model share: models, their pages, and how to use those.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';
import { readNpy, writeNpy } from '../../pages/generic/npy.js';
import { model, node, optional, sequence, tensor, turning } from '../js/onnx_writer.mjs';
import { findPackage, part, root } from '../js/setup.mjs';
import { savedBy } from './browsers.mjs';
import { openBrowser, openPage, serve } from './serve.mjs';

export const program = process.env.ASHORE ?? path.join(root, 'build/ashore');
export const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-page-'));
export const sound = '/usr/share/pocketsphinx/test/data/cards/001.wav';
export const silero = path.join(findPackage('@ricky0123/vad-web'), 'dist/silero_vad_v5.onnx');
export const { load } = await part('inline.js');
const servers = new Map();
let browser;

// ModelProto.doc_string: field 6 of length-delimited bytes.
function docString(text) {
  const head = [50];
  let rest = text.length;
  for (; rest > 127; rest >>>= 7) head.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([...head, rest]), Buffer.from(text)]);
}

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
  turning: turning(),
};

/** The browser of these tests, which is opened and closed around them. */
export const theBrowser = () => browser;
export const serverOf = (name) => servers.get(name);

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

// A PNG that the browser draws: rectangles { colour: [x, y, w, h] }.
let drawing;
export async function draw(width, height, rectangles) {
  drawing ??= openPage(browser, 'about:blank');
  const url = await (await drawing).page.evaluate(([w, h, all]) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: w, height: h });
    const context = canvas.getContext('2d');
    for (const [colour, at] of Object.entries(all)) {
      context.fillStyle = colour;
      context.fillRect(...at);
    }
    return canvas.toDataURL('image/png');
  }, [width, height, rectangles]);
  return Buffer.from(url.split(',')[1], 'base64');
}

export const png = (buffer, name = 'picture.png') => ({ name, mimeType: 'image/png', buffer });
export const npy = (name, ...given) => ({ name, mimeType: '',
  buffer: Buffer.from(writeNpy({ type: given[0], dims: given[1], data: given[2] })) });

export async function siteOf(name, file, assets = [], flags = []) {
  if (!servers.has(name)) {
    const dir = path.join(folder, `${name}-site`);
    execFileSync(program, ['port', file, '-o', dir, ...flags, ...assets.flatMap((asset) => ['--asset',
      asset])]);
    servers.set(name, await serve({ folders: { '': dir } }));
  }
  return servers.get(name).url;
}

export async function open(name, { file, assets, flags, ...context } = {}) {
  const source = file ?? path.join(folder, `${name}.onnx`);
  const url = await siteOf(name, source, assets, flags);
  const page = await browser.newPage({ acceptDownloads: true, ...context });
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  await page.goto(url);
  await page.waitForSelector('main[data-state]');
  return { page, problems, source };
}

/** A site of its own whose model, which is as long as `bytes` at least, is served as `as` says. */
export async function serveSite(name, as, bytes) {
  const source = path.join(folder, `${name}-long.onnx`);
  const text = 'x'.repeat(bytes); // a field of the model that nothing reads
  fs.writeFileSync(source, Buffer.concat([fs.readFileSync(path.join(folder, `${name}.onnx`)),
    docString(text)]));
  const dir = path.join(folder, `${name}-long-${bytes}`);
  execFileSync(program, ['port', source, '-o', dir]);
  return serve({ folders: { '': dir },
    files: { [`/${name}-long.onnx`]: as(fs.readFileSync(source)) } });
}

/** A page at an address, and what went wrong on it. */
export const pageAt = (url) => openPage(browser, url);

export const card = (page, name) => page.locator('section.card', { has: page.getByRole('heading', { name,
  exact: true, level: 3 }) });
export const choose = (page, name, label, value) => card(page, name).getByLabel(label, { exact: true })
  .selectOption(value);
export const status = (page) => page.textContent('.status');

export async function done(page) {
  await page.waitForFunction(() => document.querySelector('.status').textContent === 'Done'
    || document.querySelector('main').dataset.state === 'failed');
  assert.equal(await status(page), 'Done');
}

export async function run(page) {
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await done(page);
}

export async function saved(page, name, button) {
  return readNpy(await savedBy(page, () => card(page, name).getByRole('button', { name: button })
    .click()));
}

/** The page's inputs and outputs, after it is asserted that the engine in Node gives the same. */
export async function asInNode({ page, source }) {
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
export const pixel = (page, name, x, y) => card(page, name).locator('.view canvas').first()
  .evaluate((canvas, [px, py]) =>
  [...canvas.getContext('2d').getImageData(Math.floor(px * canvas.width),
    Math.floor(py * canvas.height), 1, 1).data], [x, y]);
