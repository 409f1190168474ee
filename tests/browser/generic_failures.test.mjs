// The page for any model: what is wrong, and what is stopped.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forever } from '../js/onnx_writer.mjs';
import { until } from '../js/setup.mjs';
import { card, choose, npy, open, png, pageAt, serveSite, silero, status } from './generic_page.mjs';

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

  const vad = await open('silero', { file: silero });
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
  const { page, problems } = await open('turning');
  await choose(page, 'x', 'Given as', 'fill');
  await choose(page, 'turns', 'Given as', 'numbers');
  await card(page, 'turns').getByLabel('Number', { exact: true }).fill(String(forever));
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.waitForSelector('main[data-state=running]');
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.waitForFunction(() => document.querySelector('.status').textContent === 'Stopped');
  assert.equal(await page.getByRole('button', { name: 'Stop' }).isVisible(), false);
  await card(page, 'turns').getByLabel('Number', { exact: true }).fill('1');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.waitForSelector('main[data-state=done]');
  assert.deepEqual(problems, []);
  await page.close();
});

// pause(at) is awaited before each piece of 64 KiB.
async function withSlowSite(bytes, pause, use) {
  const server = await serveSite('tabular', (body) => ({ pause, body }), bytes);
  const { page, problems } = await pageAt(server.url);
  try {
    await use(page);
    assert.deepEqual(problems, []);
  } finally {
    await page.close();
    server.close();
  }
}

test('loading shows bytes, can be stopped, and begun again', () => {
  let ms = 500; // and 120 pieces
  const pause = () => ms && new Promise((resolve) => { setTimeout(resolve, ms); });
  return withSlowSite(8e6, pause, async (page) => {
    await page.waitForFunction(() => document.querySelector('progress').value > 0
      && /^Loading the model: .* of 8\.0 MB/.test(document.querySelector('.status').textContent));
    await page.getByRole('button', { name: 'Stop loading' }).click();
    await page.waitForSelector('main[data-state=stopped]');
    assert.equal(await status(page), 'Loading was stopped');
    assert.ok(await until(() => !page.workers().length), 'no worker is left');
    ms = 0;
    await page.getByRole('button', { name: 'Load again' }).click();
    await page.waitForSelector('main[data-state=ready]');
    assert.equal(await page.getByRole('button', { name: /Load again|Stop loading/ }).count(), 0);
  });
});

test('a download that stands still is said, and that it goes on', () => {
  let goOn;
  const moving = new Promise((resolve) => { goOn = resolve; });
  return withSlowSite(1.2e5, (at) => at && moving, async (page) => {
    await page.waitForFunction(() => /^Nothing has arrived for 4 seconds\. Loading goes on at /.test(
      document.querySelector('.status').textContent));
    goOn();
    await page.waitForSelector('main[data-state=ready]');
  });
});
