// The page for any model: the lines that it gives to embed the model are run as they were copied, and
// give what the page gave, bit for bit.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { card, choose, done, draw, folder, npy, open, png, run, saved, serverOf, silero, sound,
  theBrowser } from './generic_page.mjs';
import { openPage } from './serve.mjs';

async function copied(page) {
  if (!await page.locator('.code pre').isVisible()) {
    await page.getByText('Code that embeds this model').click();
  }
  await page.getByRole('button', { name: 'Copy as code' }).click();
  await page.waitForFunction(() => document.querySelector('.code [role=status]').textContent);
  return page.evaluate(() => navigator.clipboard.readText());
}

// Runs a copied module in a page of its own on the same server, under the same policy.  files: what
// its run() is given, by name, as { bytes, type }; times: how often it is run.
async function runCopied(name, text, files = {}, times = 1) {
  const site = path.join(folder, `${name}-site`);
  fs.writeFileSync(path.join(site, 'copied.js'), text);
  fs.writeFileSync(path.join(site, 'copied.html'), '<!doctype html><title>copied</title>');
  const { page, problems } = await openPage(theBrowser(), `${serverOf(name).url}copied.html`);
  const results = await page.evaluate(async ([given, count]) => {
    const module = await import('./copied.js');
    const { Tensor } = await import('./ashore/ashore.js');
    const inputs = Object.fromEntries(Object.entries(given).map(([key, { bytes, type, tensor }]) =>
      [key, tensor ? new Tensor(...tensor) : new File([new Uint8Array(bytes)], key, { type })]));
    let all;
    for (let i = 0; i < count; i++) all = await module.run(inputs);
    return Object.fromEntries(Object.entries(all).map(([key, { type, dims, data }]) =>
      [key, { type, dims, data: Array.from(data, String) }]));
  }, [files, times]);
  assert.deepEqual(problems, []);
  await page.close();
  return results;
}

async function outputs(page, names) {
  const all = {};
  for (const name of names) {
    const { type, dims, data } = await saved(page, name, 'Save as .npy');
    all[name] = { type, dims, data: Array.from(data, String) };
  }
  return all;
}

const allow = { permissions: ['clipboard-read', 'clipboard-write'] };

test('a picture, with the settings of the page', async () => {
  const { page, problems } = await open('classifier', allow);
  const picture = await draw(64, 48, { red: [0, 0, 40, 48], '#3070a0': [20, 10, 30, 20] });
  await card(page, 'input').locator('input[type=file]').first().setInputFiles(png(picture));
  await done(page);
  await page.getByText('How the picture becomes numbers').click();
  for (const [label, value] of [['Channels', 'bgr'], ['Values', 'imagenet'], ['Size', 'letterbox']]) {
    await choose(page, 'input', label, value);
  }
  await card(page, 'input').getByLabel('Width').fill('30');
  await card(page, 'input').getByLabel('Height').fill('20');
  await run(page);
  const text = await copied(page);
  assert.match(text, /order: 'bgr'/);
  assert.match(text, /fit: 'letterbox'/);
  assert.deepEqual(await runCopied('classifier', text,
    { input: { bytes: [...picture], type: 'image/png' } }), await outputs(page, ['logits']));
  await page.locator('.code select').selectOption('package');
  assert.match(await page.textContent('.code pre'), /from 'ashore';\nimport .* from 'ashore\/prep';/);
  assert.deepEqual(problems, []);
  await page.close();
});

test('bytes of a picture, of rank 3', async () => {
  const { page } = await open('bytes_picture', allow);
  const picture = await draw(40, 24, { '#102030': [0, 0, 40, 24], '#a08020': [3, 3, 9, 9] });
  await card(page, 'frame').locator('input[type=file]').first().setInputFiles(png(picture));
  await done(page);
  assert.deepEqual(await runCopied('bytes_picture', await copied(page),
    { frame: { bytes: [...picture], type: 'image/png' } }), await outputs(page, ['image']));
  await page.close();
});

test('a sound and a state that is kept', async () => {
  const { page } = await open('silero', { file: silero, ...allow });
  await card(page, 'input').getByLabel('From second').fill('0.5');
  await card(page, 'input').locator('input[type=file]').first().setInputFiles(sound);
  await done(page);
  const file = { input: { bytes: [...fs.readFileSync(sound)], type: 'audio/wav' } };
  assert.deepEqual(await runCopied('silero', await copied(page), file),
    await outputs(page, ['output', 'stateN']));
  await run(page);
  assert.deepEqual(await runCopied('silero', await copied(page), file, 2),
    await outputs(page, ['output', 'stateN']), 'the second run goes on where the first ended');
  await page.close();
});

test('numbers, ones, texts, bytes and tensors', async () => {
  const tokens = await open('tokens', allow);
  await card(tokens.page, 'input_ids').getByLabel('Numbers').fill('101, 2023, 102');
  await run(tokens.page);
  const text = await copied(tokens.page);
  assert.deepEqual(await runCopied('tokens', text), await outputs(tokens.page,
    ['kept', 'embedding']));
  await tokens.page.close();

  const strings = await open('strings', allow);
  await card(strings.page, 'text').getByLabel('Text').fill('Hä\'f\\en "\n港');
  await run(strings.page);
  assert.deepEqual(await runCopied('strings', await copied(strings.page)),
    await outputs(strings.page, ['out']));
  await strings.page.close();

  const bytes = await open('bytes', allow);
  await card(bytes.page, 'bytes').locator('input[type=file]')
    .setInputFiles({ name: 'a.bin', mimeType: '', buffer: Buffer.from([1, 2, 255]) });
  await done(bytes.page);
  assert.deepEqual(await runCopied('bytes', await copied(bytes.page),
    { bytes: { bytes: [1, 2, 255], type: '' } }), await outputs(bytes.page, ['out']));
  await bytes.page.close();

  const tabular = await open('tabular', allow);
  await choose(tabular.page, 'X', 'Given as', 'npy');
  await card(tabular.page, 'X').locator('input[type=file]')
    .setInputFiles(npy('X.npy', 'float32', [2, 4], new Float32Array([0, 0, 9, 0, 9, 0, 0, 0.5])));
  await done(tabular.page);
  const code = await copied(tabular.page);
  assert.match(code, /\/\/ X: a Tensor: float32\[2, 4\]/);
  assert.deepEqual(await runCopied('tabular', code,
    { X: { tensor: ['float32', [0, 0, 9, 0, 9, 0, 0, 0.5], [2, 4]] } }),
  await outputs(tabular.page, ['scores', 'probabilities']));
  await choose(tabular.page, 'X', 'Given as', 'fill');
  await card(tabular.page, 'X').getByLabel('Value').fill('0.5');
  await run(tabular.page);
  assert.deepEqual(await runCopied('tabular', await copied(tabular.page)),
    await outputs(tabular.page, ['scores', 'probabilities']));
  await tabular.page.close();
});
