// What the tests of the face of Gradio share: a page with Python in its worker, programs in it, and
// the same programs under CPython.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openBrowser, serve } from '../browser/serve.mjs';
import { findPackage, root } from '../js/setup.mjs';

export const examples = path.join(root, 'examples/gradio');
const python = process.env.PYTHON ?? path.join(root, 'build/venv/bin/python');
const sources = path.join(root, 'bindings/python');
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
  + "img-src 'self' blob: data:; media-src blob:; connect-src 'self'; worker-src 'self'; "
  + "base-uri 'none'; form-action 'none'";
const html = `<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>test</title>
<link rel="stylesheet" href="/common/base.css"><link rel="stylesheet" href="/gradio/gradio.css">
<script type="module" src="/tests/page.js"></script><main><div id="face"></div></main></html>`;

const bytesOf = (folder, under) => Object.fromEntries(fs.readdirSync(folder)
  .filter((name) => /\.(py|onnx|png|txt|csv)$/.test(name)).map((name) => [path.posix.join(under,
    name), fs.readFileSync(path.join(folder, name))]));

/** A page in a browser with programs ({ path: text }) and the examples; close() ends both. */
export async function openGradio({ programs = {}, files = {}, ...context } = {}) {
  const server = await serve({ policy, files: { '/index.html': html,
    ...Object.fromEntries(Object.entries(files).map(([name, body]) => [`/files/${name}`, body])) },
  folders: { pyodide: findPackage('pyodide'), gradio: path.join(root, 'pages/app/gradio'),
    common: path.join(root, 'pages/common'), tests: path.join(root, 'tests/pyodide/gradio') } });
  const browser = await openBrowser('--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required');
  const page = await browser.newPage({ acceptDownloads: true, viewport: { width: 1000, height: 900 },
    ...context });
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  await page.goto(server.url);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-gradio-'));
  for (const [name, text] of Object.entries({ ...programs, ...files })) {
    fs.writeFileSync(path.join(folder, name), text);
  }
  for (const name of fs.readdirSync(examples)) {
    fs.copyFileSync(path.join(examples, name), path.join(folder, name));
  }
  const all = { ...bytesOf(path.join(sources, 'gradio'), 'gradio'), ...bytesOf(folder, '') };
  await page.evaluate(async (given) => {
    const bytes = Object.entries(given).map(([name, text]) =>
      [name, Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]);
    await globalThis.start(Object.fromEntries(bytes));
  }, Object.fromEntries(Object.entries(all).map(([name, body]) => [name, body.toString('base64')])));
  return { page, problems, folder, server, async close() {
    await browser.close();
    server.close();
    fs.rmSync(folder, { recursive: true });
  } };
}

/** Shows a program of the page. */
export const show = ({ page }, name) => page.evaluate((file) => globalThis.show(file), name);

/** Waits until no function runs, and nothing is read or decoded for one. */
export const settled = ({ page }) => page.evaluate(async () => {
  const wait = () => new Promise((resolve) => { setTimeout(resolve, 20); });
  let quiet = 0;
  while (quiet < 3) {
    await wait();
    const busy = document.querySelector('[aria-busy]') || globalThis.underWay
      || globalThis.calls.some(({ done }) => !done);
    quiet = busy ? 0 : quiet + 1;
  }
});

/** Repeats all calls of the page under CPython and asserts the same answers; they are returned. */
export async function asInPython(opened, name) {
  await settled(opened);
  const calls = await opened.page.evaluate(() => globalThis.told());
  const asked = { path: path.join(opened.folder, name), calls: calls.map((call) =>
    ({ fn: call.fn, data: call.data, count: call.error === 'cancelled' ? call.updates.length
      : null })) };
  const { answers } = JSON.parse(execFileSync(python, [path.join(root,
    'tests/pyodide/gradio/replay.py')], { input: JSON.stringify(asked), cwd: opened.folder,
    env: { ...process.env, PYTHONPATH: sources, PYTHONDONTWRITEBYTECODE: '1' },
    maxBuffer: 1 << 28 }));
  calls.forEach(({ updates, error }, i) => {
    assert.deepEqual(updates, answers[i].updates, `call ${i} of ${name}`);
    if (error !== 'cancelled') assert.equal(error === null, answers[i].error === null,
      `${error} and ${answers[i].error}`);
  });
  return calls;
}

/** The frame of a component by its label. */
export const frame = ({ page }, label) => page.locator('.gr-frame').filter({ has: page.locator(
  'label, legend, h3, button', { hasText: new RegExp(`^${label}$`) }) }).first();

/** The events that a component has listeners for, by its type. */
export const events = ({ page }, type) => page.evaluate((wanted) => {
  const { id } = globalThis.config.components.find((one) => one.type === wanted);
  return globalThis.config.dependencies.flatMap(({ targets }) => targets)
    .filter(([target]) => target === id).map(([, event]) => event);
}, type);

/** The events that called functions, in order; of one type of component if it is given. */
export const fired = ({ page }, type) => page.evaluate((wanted) => globalThis.calls.flatMap(({ fn }) => {
  const { targets } = globalThis.config.dependencies.find(({ id }) => id === fn);
  const of = globalThis.config.components.find(({ id }) => id === targets[0]?.[0]);
  return !wanted || of?.type === wanted ? targets.map(([, event]) => event) : [];
}), type);

/** A program with a component that listens to all of its events: the text `out` says which function
 *  ran last, with what. */
export const listening = (made, value = 'v', more = 'pass') => `
import gradio as gr
import os
from gradio import _supported

with gr.Blocks() as demo:
    it = ${made}
    out = gr.Textbox(label="out", lines=2)
    ${more || 'pass'}
    for event in _supported.COMPONENTS[type(it).__name__]["events"]:
        getattr(it, event)(lambda v, event=event: f"{event} {${value}!r}", it, out)
demo.launch()
`;
export const out = ({ page }) => page.getByLabel('out', { exact: true }).inputValue();

/** Asserts the answers of CPython, and that these events and no others called functions. */
export async function finish(opened, name, wanted) {
  await asInPython(opened, name);
  const seen = await fired(opened);
  assert.deepEqual([...new Set(seen)].sort(), [...wanted].sort(), 'the events that fired');
  assert.deepEqual(opened.problems, []);
}
