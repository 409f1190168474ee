// Serves folders on loopback, with the headers under test, and opens pages of it in Chromium.
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { findPackage } from '../js/setup.mjs';

const kinds = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript',
  '.css': 'text/css', '.wasm': 'application/wasm', '.txt': 'text/plain; charset=utf-8',
  '.png': 'image/png', '.json': 'application/json' };
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
  + "img-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'";

/** files: content (text, buffer, or { delay, body }) by path; folders: folder by first part.
 *  `requested` collects the paths that were asked for. */
export async function serve({ files = {}, folders = {}, isolated = true }) {
  const find = (name) => {
    if (name in files) return files[name];
    if (name === '/favicon.ico') return '';
    const [, first, rest] = /^\/([^/]*)\/(.*)$/.exec(name) ?? [];
    const folder = folders[first] ?? folders[''];
    const file = folder && path.join(folder, folders[first] ? rest : name);
    return file && fs.existsSync(file) && fs.statSync(file).isFile() ? fs.readFileSync(file) : null;
  };
  const requested = new Set();
  const server = http.createServer(async (request, response) => {
    const name = request.url.split('?')[0];
    requested.add(name);
    const found = find(name.endsWith('/') ? `${name}index.html` : name);
    if (found === null) {
      response.writeHead(404).end();
      return;
    }
    const body = Buffer.from(found.body ?? found);
    const isolation = isolated ? { 'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp' } : {};
    response.writeHead(200, { 'Content-Type': kinds[path.extname(name)] ?? (name.endsWith('/')
      ? 'text/html' : 'application/octet-stream'), 'Content-Length': body.length,
    'Content-Security-Policy': policy, ...isolation });
    for (let at = 0; at < body.length; at += 65536) {
      if (found.delay) await new Promise((resolve) => { setTimeout(resolve, found.delay); });
      response.write(body.subarray(at, at + 65536));
    }
    response.end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => { server.on('listening', resolve); });
  return { url: `http://127.0.0.1:${server.address().port}/`, requested, close: () => server.close() };
}

/** Chromium of the system, by the playwright-core of build/npm or of NODE_PATH. */
export async function openBrowser(...more) {
  const { chromium } = createRequire(import.meta.url)(findPackage('playwright-core'));
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true, args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
      '--no-first-run', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', ...more] });
}

/** A page whose console errors and failures are collected in `problems`. */
export async function openPage(browser, url) {
  const page = await browser.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  await page.goto(url);
  return { page, problems };
}
