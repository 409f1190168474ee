// Serves folders on loopback, with the headers under test; browsers.mjs opens pages of them.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

export { browserName, openBrowser, openPage, openProfile } from './browsers.mjs';

const kinds = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript',
  '.css': 'text/css', '.wasm': 'application/wasm', '.txt': 'text/plain; charset=utf-8',
  '.png': 'image/png', '.json': 'application/json' };
export const policyOfTests = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
  + "img-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'";

/** For `pause` below: nothing comes after `bytes`. */
export const stallAfter = (bytes) => (at) => (at < bytes ? null : new Promise(() => {}));

/** files: content (text, buffer, or { body, policy, pause }) by path, pause(at) is awaited before each
 *  piece of 64 KiB; folders: folder by first part; headers: more of them.  `requested` collects the paths
 *  that were asked for. */
export async function serve({ files = {}, folders = {}, isolated = true, policy = policyOfTests,
  headers = {} }) {
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
    'Content-Security-Policy': found.policy ?? policy, ...isolation, ...headers });
    for (let at = 0; at < body.length; at += 65536) {
      await found.pause?.(at);
      response.write(body.subarray(at, at + 65536));
    }
    response.end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => { server.on('listening', resolve); });
  return { url: `http://127.0.0.1:${server.address().port}/`, requested, close: () => server.close() };
}
