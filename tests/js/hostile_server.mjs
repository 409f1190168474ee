// A server of one file that misbehaves as it is told.
import http from 'node:http';

/** Serves `content` (or what files has by path) as behaviour(n) says for the n-th request of a path:
 *  { drop: bytes after which the connection is cut, status, headers, length: what it claims, ranges:
 *  false when Range is ignored, etag, body, stall: bytes after which nothing comes, encoding }. */
export async function hostile(files, behaviour = () => ({})) {
  const requests = [];
  const sockets = new Set();
  const counts = {};
  const server = http.createServer((request, response) => {
    const path = request.url.split('?')[0];
    const { range, 'if-range': ifRange, 'if-none-match': ifNone } = request.headers;
    requests.push({ path, method: request.method, range, ifRange, ifNone, at: requests.length });
    counts[path] = (counts[path] ?? -1) + 1;
    const how = behaviour(counts[path], request) ?? {};
    const etag = how.etag === undefined ? '"1"' : how.etag;
    let body = how.body ?? files[path];
    const headers = { 'content-type': 'application/octet-stream', ...etag && { etag }, ...how.headers };
    if (body === undefined) {
      response.writeHead(404).end('nothing');
      return;
    }
    if (how.status) {
      response.writeHead(how.status, headers).end(how.status === 304 ? undefined : 'no');
      return;
    }
    if (etag && ifNone === etag) {
      response.writeHead(304, headers).end();
      return;
    }
    let status = 200;
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
    if (from !== undefined && how.ranges !== false && (!ifRange || ifRange === etag)) {
      if (Number(from) >= body.length) {
        response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end();
        return;
      }
      status = 206;
      const end = to ? Math.min(Number(to) + 1, body.length) : body.length;
      headers['content-range'] ??= `bytes ${from}-${end - 1}/${body.length}`;
      body = body.subarray(Number(from), end);
    }
    if (how.length !== null) headers['content-length'] = how.length ?? body.length;
    response.strictContentLength = false;
    response.writeHead(status, headers);
    const stop = how.drop ?? how.stall;
    if (stop === undefined) {
      response.end(body);
      return;
    }
    response.write(body.subarray(0, stop), () => {
      if (how.stall === undefined) response.destroy(); // what is written arrives
    });
  }).on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => { server.on('listening', resolve); });
  return { requests, url: `http://127.0.0.1:${server.address().port}/`,
    of: (path) => requests.filter((request) => request.path === path),
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => { server.close(resolve); });
    } };
}
