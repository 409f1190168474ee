// Programs with an interface as `ashore app` writes them, with the engine beside Python; and
// <gradio-lite>, a program in a page beside such a folder.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { openBrowser, openPage, serve } from '../browser/serve.mjs';
import { packageDir, root } from '../js/setup.mjs';
import { png } from './gradio_files.mjs';

const program = process.env.ASHORE ?? path.join(packageDir, '../ashore');
const python = process.env.PYTHON ?? path.join(root, 'build/venv/bin/python');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-gradio-app-'));
const site = path.join(folder, 'site');
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
  + "img-src 'self' blob: data:; media-src blob:; worker-src 'self'; base-uri 'none'";

const lite = (body) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>lite</title>
<script type="module" src="./page/gradio/lite.js"></script><main>${body}</main></html>`;
const pages = {
  'files.html': lite(`<h1>Before</h1><gradio-lite theme="dark" shared-worker>
    <gradio-requirements>
      gradio  # it is there
      onnxruntime>=1.17
    </gradio-requirements>
    <gradio-file name="app.py" entrypoint>
      import gradio as gr
      from tools.helper import twice

      with open("text.txt") as file:
          TEXT = file.read().strip()

      def fn(x):
          return twice(x) + TEXT if len(x) &lt; 9 else "long"

      gr.Interface(fn, gr.Textbox(label="In"), gr.Textbox(label="Out")).launch()
    </gradio-file>
    <gradio-file name="tools/helper.py">def twice(x):
    return x + x</gradio-file>
    <gradio-file name="text.txt" url="./text.txt"></gradio-file>
  </gradio-lite>`),
  'code.html': lite(`<gradio-lite>
    import gradio as gr
    gr.Interface(lambda x: x * 2, gr.Number(label="In"), gr.Number(label="Out")).launch()
  </gradio-lite>`),
  'missing.html': lite(`<gradio-lite><gradio-requirements>
    nonesuch==1.0</gradio-requirements><gradio-code>import gradio</gradio-code></gradio-lite>`),
  'nothing.html': lite('<gradio-lite><gradio-file name="a.py">1</gradio-file></gradio-lite>'),
  'names.html': lite('<gradio-lite><gradio-file name="../a.py" entrypoint>1</gradio-file>'
    + '</gradio-lite>'),
  'failing.html': lite(`<gradio-lite><gradio-code>
    import gradio as gr
    gr.Video()
  </gradio-code></gradio-lite>`),
};

let browser;
let server;
before(async () => {
  const source = path.join(folder, 'program');
  fs.mkdirSync(source);
  fs.copyFileSync(path.join(root, 'examples/gradio/classifier.py'), path.join(source,
    'classifier.py'));
  execFileSync(python, [path.join(root, 'tests/pyodide/colours.py'), path.join(source,
    'colours.onnx')]);
  execFileSync(program, ['app', path.join(source, 'classifier.py'), '-o', site]);
  for (const [name, text] of Object.entries({ ...pages, 'text.txt': '!\n' })) {
    fs.writeFileSync(path.join(site, name), text);
  }
  server = await serve({ folders: { '': site }, policy });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  server?.close();
  fs.rmSync(folder, { recursive: true });
});

const at = (page, label) => page.getByLabel(label, { exact: true });

// Elements of <gradio-lite> are in a shadow tree, into which locators look and documents do not.
const waitFor = async (page, label, wanted) => {
  const element = await at(page, label).elementHandle();
  await page.waitForFunction(([found, value]) => found.value === value, [element, wanted]);
};

test('a classifier: the picture goes into the engine, the classes come out as under CPython', async () => {
  const { page, problems } = await openPage(browser, server.url);
  await page.locator('.gr-page').waitFor();
  const rows = [...Array(8)].map((_, y) => [...Array(8)].map((__, x) => [30 * x, 200, 20 * y]));
  await page.locator('input[type=file]').setInputFiles({ name: 'p.png', mimeType: 'image/png',
    buffer: png(rows) });
  await page.getByRole('button', { name: 'Submit' }).click();
  await page.locator('.gr-classes li').first().waitFor();
  const shown = await page.locator('.gr-classes li').allTextContents();
  const wanted = execFileSync(python, ['-c', `
import json, runpy, sys
sys.path.insert(0, ${JSON.stringify(path.join(root, 'bindings/python'))})
sys.dont_write_bytecode = True
classify = runpy.run_path("classifier.py")["classify"]
import numpy
prepare = classify.__globals__["prepare"]  # onnxruntime takes arrays of numpy alone
classify.__globals__["prepare"] = lambda image: numpy.asarray(prepare(image))
pixels = bytes(v for y in range(8) for x in range(8) for v in (30 * x, 200, 20 * y))
print(json.dumps(classify(memoryview(pixels).cast("B", (8, 8, 3)))))`],
  { cwd: path.join(folder, 'program'), encoding: 'utf8' });
  const two = Object.entries(JSON.parse(wanted)).sort((a, b) => b[1] - a[1]).slice(0, 2);
  assert.deepEqual(shown, two.map(([name, score]) => `${name}${Math.round(score * 100)}%`));
  assert.deepEqual(problems, []);
  await page.close();
});

test('scikit-learn behind an interface, in one file that is opened from a disk', async () => {
  const source = path.join(folder, 'iris');
  fs.mkdirSync(source);
  fs.copyFileSync(path.join(root, 'examples/gradio/iris.py'), path.join(source, 'iris.py'));
  const wanted = JSON.parse(execFileSync(python, [path.join(root, 'tests/pyodide/iris_model.py'),
    path.join(source, 'iris.onnx')], { encoding: 'utf8' }));
  const file = path.join(folder, 'iris.html');
  execFileSync(program, ['app', path.join(source, 'iris.py'), '--one-file', file]);
  const { page, problems } = await openPage(browser, pathToFileURL(file).href);
  await page.locator('.gr-page').waitFor();
  for (const [i, [measures, scores]] of wanted.entries()) {
    await page.getByRole('button', { name: `Example ${i + 1}`, exact: true }).click();
    assert.deepEqual((await page.locator('input[type=range]').evaluateAll((all) =>
      all.map(({ value }) => Math.fround(value)))), measures);
    const order = Object.entries(scores).sort((a, b) => b[1] - a[1]);
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.waitForFunction((name) => document.querySelector('.gr-top')?.textContent === name
      && !document.querySelector('[aria-busy]'), order[0][0]);
    const shown = Object.fromEntries((await page.locator('.gr-classes li').allTextContents())
      .map((text) => /^(\D+)(\d+)%$/.exec(text).slice(1)));
    for (const [name, score] of order) {
      // Sums of ten shares in float32, shown in whole percents.
      assert.ok(Math.abs(Number(shown[name]) - 100 * score) <= 0.5 + 100 * 10 * 2 ** -24,
        `${name}: ${shown[name]} for ${score}`);
    }
  }
  assert.deepEqual(problems, []);
  await page.close();
});

test('<gradio-lite> with files, modules in folders, requirements and an address', async () => {
  const { page, problems } = await openPage(browser, `${server.url}files.html`);
  await page.locator('.gr-page').waitFor();
  await at(page, 'In').fill('ab');
  await page.getByRole('button', { name: 'Submit' }).click();
  await waitFor(page, 'Out', 'abab!');
  assert.equal(await page.locator('gradio-lite').evaluate((element) =>
    getComputedStyle(element).colorScheme), 'dark');
  assert.deepEqual(problems, []);
  await page.close();
});

test('<gradio-lite> with the program as its text', async () => {
  const { page, problems } = await openPage(browser, `${server.url}code.html`);
  await page.locator('.gr-page').waitFor();
  await at(page, 'In').fill('21');
  await page.getByRole('button', { name: 'Submit' }).click();
  await waitFor(page, 'Out', '42');
  assert.deepEqual(problems, []);
  await page.close();
});

for (const [name, wanted] of [
  ['missing.html', /^The runtime has no nonesuch==1\.0\. Write it anew, by ashore app/],
  ['nothing.html', /^There is no program: give one gradio-file the attribute entrypoint/],
  ['names.html', /^A gradio-file has the name "\.\.\/a\.py"; it takes one like "app\.py"\./],
  ['failing.html', /app\.py:2: gr\.Video is not supported; use gr\.Image/]]) {
  test(`<gradio-lite> that cannot be shown says why: ${name}`, async () => {
    const { page, problems } = await openPage(browser, `${server.url}${name}`);
    await page.locator('gradio-lite .status.failed').waitFor();
    assert.match(await page.locator('.status').textContent(), wanted);
    assert.deepEqual(problems, []);
    await page.close();
  });
}
