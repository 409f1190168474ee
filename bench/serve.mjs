// Serves folders on loopback to cross-origin-isolated pages.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { compressed } from './compress.mjs';

const kinds = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript',
  '.json': 'application/json', '.wasm': 'application/wasm' };
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp', 'Cross-Origin-Resource-Policy': 'same-origin' };
const piece = 2 ** 14; // bytes that are sent at a time where the rate is limited

/** As a host would: compressed, and all but pages cached for a year. */
function asHost(bytes, type) {
  const body = compressed(bytes);
  return { body, more: { 'Content-Encoding': 'br', ...(type === 'text/html' ? {}
    : { 'Cache-Control': 'public, max-age=31536000, immutable' }) } };
}

// Sends in turn with all other answers, so that together they keep to the rate.
function sender({ rate = Infinity, latency = 0 }) {
  let free = 0; // when the line is free, by performance.now()
  return async (response, body) => {
    if (latency) await pause(latency);
    for (let at = 0; at < body.length; at += rate === Infinity ? body.length : piece) {
      const part = rate === Infinity ? body : body.subarray(at, at + piece);
      free = Math.max(free, performance.now()) + 1000 * part.length / rate;
      if (free > performance.now()) await pause(free - performance.now());
      response.write(part);
    }
    response.end();
  };
}

/** folders: folder by the first part of the address; pages: HTML by address.  limits: rate (bytes a
 *  second), latency (ms before an answer), host: compress and allow caching.
 *  { url, count(), close() }; count: { requests, bytes } of bodies since the last count. */
export async function serveFolders(folders, pages, limits = {}) {
  const send = sender(limits);
  let counted = { requests: 0, bytes: 0 };
  const find = (name) => {
    if (name in pages) return { bytes: Buffer.from(pages[name]), type: 'text/html' };
    const [, first, rest] = /^\/([^/]+)\/(.+)$/.exec(name) ?? [];
    const file = folders[first] && path.join(folders[first], path.normalize(`/${rest}`));
    if (!file || !fs.existsSync(file) || !fs.statSync(file).isFile()) return null;
    return { bytes: fs.readFileSync(file),
      type: kinds[path.extname(file)] ?? 'application/octet-stream' };
  };
  const answer = async (request, response) => {
    counted.requests++;
    const found = find(decodeURIComponent(request.url.split('?')[0]));
    if (!found) {
      response.writeHead(404, headers).end();
      return;
    }
    const { body, more } = limits.host ? asHost(found.bytes, found.type) : { body: found.bytes };
    counted.bytes += body.length;
    response.writeHead(200, { ...headers, ...more, 'Content-Length': body.length,
      'Content-Type': found.type });
    await send(response, body);
  };
  const server = http.createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    count() {
      const last = counted;
      counted = { requests: 0, bytes: 0 };
      return last;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
