// What the tests of `ashore app` share: programs made into pages, and the pages opened in a browser.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { openBrowser, serve } from '../browser/serve.mjs';
import { packageDir } from '../js/setup.mjs';

export const program = process.env.ASHORE ?? path.join(packageDir, '../ashore');

export const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-app-'));
let browser;
const servers = new Set(); // which would keep Node alive behind a test that failed
export const begin = async () => { browser = await openBrowser(); };
export async function end() {
  await browser?.close();
  for (const server of servers) server.close();
  fs.rmSync(folder, { recursive: true });
}

/** Writes files ({ path: content }) as a program's folder. */
export function write(name, files) {
  const at = path.join(folder, name);
  for (const [file, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(at, file)), { recursive: true });
    fs.writeFileSync(path.join(at, file), content);
  }
  return at;
}

// A wheel of one module, with the least that installers read.
const wheelMaker = `import sys, zipfile
to, module, text = sys.argv[1:]
with zipfile.ZipFile(f"{to}/{module}-1.2-py3-none-any.whl", "w") as wheel:
    info = f"{module}-1.2.dist-info/"
    wheel.writestr(module + ".py", text)
    wheel.writestr(info + "METADATA", f"Metadata-Version: 2.1\\nName: {module}\\nVersion: 1.2\\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(info + "RECORD", "")
`;

/** A folder with a wheel of a module. */
export function wheels(module, text) {
  const at = write('wheels', {});
  fs.mkdirSync(at, { recursive: true });
  const { status, stderr } = spawnSync(process.env.PYTHON ?? 'python3',
    ['-c', wheelMaker, at, module, text], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return at;
}

/** Runs `ashore app`: { status, out, err }. */
export function build(...args) {
  const { status, stdout, stderr } = spawnSync(program, ['app', ...args], { encoding: 'utf8' });
  return { status, out: stdout, err: stderr };
}

/** A folder made of a program; its place. */
export function site(name, files, ...args) {
  const at = write(name, files);
  const to = path.join(folder, `${name}.site`);
  const { status, err } = build(path.join(at, 'app.py'), '-o', to, ...args);
  assert.equal(status, 0, err);
  return to;
}

/** One file made of a program; its place. */
export function page(name, files, ...args) {
  const at = write(name, files);
  const to = path.join(folder, `${name}.html`);
  const { status, err } = build(path.join(at, 'app.py'), '--one-file', to, ...args);
  assert.equal(status, 0, err);
  return to;
}

// The policy that the folder itself asks hosts to send.
export const policyOf = (at) => /Content-Security-Policy: (.*)/.exec(
  fs.readFileSync(path.join(at, '_headers'), 'utf8'))[1];

// init: runs in the page before its scripts.
async function visitIn(context, url, init) {
  const opened = await context.newPage();
  if (init) await opened.addInitScript(init);
  const problems = [];
  const requests = [];
  const states = [];
  const told = [];
  opened.on('pageerror', (error) => problems.push(error.message));
  opened.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  opened.on('console', (message) => message.type() === 'info' && told.push(message.text()));
  opened.context().on('request', (request) => requests.push(request.url()));
  await opened.exposeFunction('seen', (text) => states.push(text));
  await opened.addInitScript(() => addEventListener('DOMContentLoaded', () => {
    const status = document.getElementById('status');
    if (!status) return;
    new MutationObserver(() => globalThis.seen(`${status.textContent} ${
      document.querySelector('[aria-current]')?.textContent ?? ''}`)).observe(
      document.getElementById('start'), { subtree: true, childList: true, characterData: true });
  }));
  await opened.goto(url);
  await opened.waitForFunction(() => document.documentElement.dataset.state);
  const state = await opened.evaluate(() => document.documentElement.dataset.state);
  return { page: opened, problems, requests, states, told, state,
    text: (id) => opened.locator(`#${id}`).innerText(), close: () => opened.close() };
}

async function visit(url, options, init) {
  const context = await browser.newContext(options);
  return { ...await visitIn(context, url, init), close: () => context.close() };
}

/** A browser that keeps what pages keep: visit(url) opens one. */
export async function openContext(options) {
  const context = await browser.newContext(options);
  return { context, visit: (url) => visitIn(context, url), close: () => context.close() };
}

/** Opens a folder from a server: isolated or not. */
export async function openFolder(at, { isolated = true, files = {}, init, ...context } = {}) {
  const server = await serve({ folders: { '': at }, files, isolated, policy: policyOf(at) });
  servers.add(server);
  const visited = await visit(server.url, context, init);
  return { ...visited, server, async close() {
    await visited.close();
    server.close();
    servers.delete(server);
  } };
}

/** Opens one file from the disk, without a network. */
export const openFile = (file, context = {}, init = undefined) => visit(pathToFileURL(file).href,
  { offline: true, ...context }, init);
