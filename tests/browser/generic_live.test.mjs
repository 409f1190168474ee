// The page for any model with a camera and a microphone, and models that keep a state.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { until } from '../js/setup.mjs';
import { recordsPieces } from './browsers.mjs';
import { asInNode, card, done, folder, load, open, run, saved, silero, siteOf, sound, status }
  from './generic_page.mjs';
import { openBrowser } from './serve.mjs';

// A browser of its own with a camera and a microphone, or, allowed: false, a user who says no.
async function withMedia(name, file, use, { allowed = true } = {}) {
  const own = await openBrowser('--use-fake-device-for-media-stream',
    `--use-fake-ui-for-media-stream${allowed ? '' : '=deny'}`);
  try {
    const url = await siteOf(name, file);
    const context = await own.newContext({ permissions: allowed ? ['camera', 'microphone'] : [] });
    const page = await context.newPage();
    const problems = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    await page.goto(url);
    await page.waitForSelector('main[data-state=ready]');
    await use(page);
    assert.deepEqual(problems, []);
  } finally {
    await own.close();
  }
}

const pictures = () => path.join(folder, 'pictures.onnx');
const button = (page, name) => page.getByRole('button', { name, exact: true });
const live = (page) => page.waitForSelector('main[data-state=live]');
const kept = async (page) => Number(/Kept from (\d+) run/.exec(
  await page.textContent('.carry'))?.[1] ?? 0);

test('the microphone, recorded', () => withMedia('silero', silero, async (page) => {
  const recorded = await recordsPieces(page);
  await button(page, 'Record').click();
  await recorded();
  await button(page, 'Stop recording').click();
  await done(page);
  assert.match(await card(page, 'input').locator('.hint').first().textContent(),
    /^recording: .* 512 of \d+ samples/);
}));

test('the microphone, heard piece by piece', () => withMedia('silero', silero, async (page) => {
  await button(page, 'Listen').click();
  await live(page);
  await page.waitForFunction(() => /Kept from ([3-9]|\d\d)/.test(
    document.querySelector('.carry').textContent));
  assert.match(await card(page, 'input').locator('.drop .hint').textContent(),
    /^The microphone: 512 samples a run$/);
  await button(page, 'Stop listening').click();
  await done(page);
  assert.match(await card(page, 'output').locator('.view svg').getAttribute('aria-label'),
    /run after run: \d+ numbers/);
  assert.match(await page.textContent('.code pre'), /prep\.sound\(input/);
}));

test('the camera: frame after frame, until it is stopped', async () => {
  await withMedia('pictures', pictures(), async (page) => {
    await button(page, 'Use the camera').click();
    await live(page);
    await page.waitForSelector('#figure-runs-a-second');
    assert.ok(Number(await page.textContent('#figure-runs-a-second')) > 0);
    // What is chosen while it goes on stays, and has its effect.
    const select = card(page, 'depth').getByLabel('Shown as', { exact: true });
    await select.selectOption('table');
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length > 0);
    await select.focus();
    await page.waitForTimeout(300);
    assert.equal(await page.evaluate(() => document.activeElement.labels?.[0]?.textContent),
      'Shown as', 'the focus stays');
    const first = await saved(page, 'image', 'Save this input as .npy');
    assert.ok(await until(async () => {
      const { data } = await saved(page, 'image', 'Save this input as .npy');
      return !isDeepStrictEqual(data, first.data);
    }), 'the picture moves');
    await button(page, 'Stop the camera').click();
    await done(page);
    assert.equal(await button(page, 'Stop').isVisible(), false);
    await run(page); // on the last frame
    await button(page, 'Use the camera').click();
    await live(page);
    await button(page, 'Stop').click();
    await page.waitForFunction(() =>
      /^(Stopped|Done)$/.test(document.querySelector('.status').textContent));
    assert.equal(await button(page, 'Use the camera').isVisible(), true, 'the camera is off');
  });
});

test('a camera and a microphone that are refused are said in plain words', async () => {
  const refused = /^The (camera|microphone) cannot be used: it was not allowed\. Allow the/;
  await withMedia('pictures', pictures(), async (page) => {
    await button(page, 'Use the camera').click();
    await page.waitForSelector('.problem:not(:empty)');
    assert.match(await card(page, 'image').locator('.problem').textContent(), refused);
  }, { allowed: false });
  await withMedia('silero', silero, async (page) => {
    for (const name of ['Listen', 'Record']) {
      await button(page, name).click();
      await page.waitForSelector('.problem:not(:empty)');
      assert.match(await card(page, 'input').locator('.problem').textContent(), refused);
    }
  }, { allowed: false });
});

test('a state goes from run to run: through a file as in Node, reset, and switched off',
  async () => {
  const { page, problems } = await open('silero', { file: silero });
  await card(page, 'input').locator('input[type=file]').first().setInputFiles(sound);
  await done(page);
  assert.equal(await kept(page), 1);
  await button(page, 'Reset the state').click();
  assert.equal(await kept(page), 0);
  await button(page, 'Run through all of it').click();
  await live(page);
  await done(page);
  const samples = fs.readFileSync(sound).subarray(44);
  const pieces = Math.floor(samples.length / 2 / 512);
  assert.equal(await kept(page), pieces);
  const state = await saved(page, 'stateN', 'Save as .npy');
  const inNode = await load(silero, { threads: 1 });
  let own = { type: 'float32', dims: [2, 1, 128], data: new Float32Array(256) };
  const output = [];
  for (let i = 0; i < pieces; i++) {
    const data = Float32Array.from({ length: 512 }, (_, k) =>
      samples.readInt16LE(2 * (512 * i + k)) / 32768);
    const results = await inNode.run({ input: { type: 'float32', data, dims: [1, 512] }, state: own,
      sr: { type: 'int64', data: new BigInt64Array([16000n]), dims: [] } });
    own = results.stateN;
    output.push(results.output.data[0]);
  }
  inNode.close();
  // Chromium divides what is above 0 by 32767, not by 32768: inputs differ by 2^-15 of themselves.
  // That moves a state, which is between -1 and 1 and forgets, by no more than a hundredth.
  own.data.forEach((value, i) => assert.ok(Math.abs(value - state.data[i]) < 1e-2, `${i}`));
  assert.ok(Math.max(...output) > 0.9, 'there is speech');
  assert.match(await card(page, 'output').locator('.view svg').getAttribute('aria-label'),
    new RegExp(`: ${pieces} numbers`));
  await card(page, 'state').getByLabel('Take what the last run gave as “stateN”').uncheck();
  await run(page);
  const opened = { page, source: silero };
  const { feeds } = await asInNode(opened);
  assert.ok(feeds.state.data.every((value) => value === 0), 'zeros again');
  assert.equal(await status(page), 'Done');
  assert.deepEqual(problems, []);
  await page.close();
});
