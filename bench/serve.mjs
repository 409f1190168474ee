// Serves folders on loopback to cross-origin-isolated pages, and opens Chromium.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

const kinds = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript',
  '.wasm': 'application/wasm' };
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp', 'Cross-Origin-Resource-Policy': 'same-origin' };

/** folders: folder by the first part of the address; pages: HTML by address. { url, close() }. */
export async function serveFolders(folders, pages) {
  const answer = async (request, response) => {
    const name = decodeURIComponent(request.url.split('?')[0]);
    if (name in pages) {
      response.writeHead(200, { ...headers, 'Content-Type': 'text/html' }).end(pages[name]);
      return;
    }
    const [, first, rest] = /^\/([^/]+)\/(.+)$/.exec(name) ?? [];
    const file = folders[first] && path.join(folders[first], path.normalize(`/${rest}`));
    if (!file || !fs.existsSync(file) || !fs.statSync(file).isFile()) {
      response.writeHead(404, headers).end();
      return;
    }
    response.writeHead(200, { ...headers, 'Content-Length': fs.statSync(file).size,
      'Content-Type': kinds[path.extname(file)] ?? 'application/octet-stream' });
    await pipeline(fs.createReadStream(file, { highWaterMark: 2 ** 20 }), response);
  };
  const server = http.createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
