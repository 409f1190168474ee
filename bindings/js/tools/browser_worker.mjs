// The worker of browser_page.mjs: what the tools ask for, done by the engine beside it.
import { measure } from './bench_run.mjs';
import { makeVerifier } from './verify_run.mjs';

let verifier;

async function fetchBytes(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: the server answers ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

// A case of a batch whose files lie one after the other in bytes from `at`.
function unpack({ dir, sets, files }, bytes, at) {
  const places = new Map();
  for (const { name, size } of files) {
    places.set(name, bytes.subarray(at, at + size));
    at += size;
  }
  const read = (name) => places.get(name);
  return { end: at, test: { dir, sets, names: [...places.keys()], read, source: read } };
}

const methods = {
  async openVerifier(options) {
    verifier = await makeVerifier(options);
    const { variant, threads } = verifier.choice;
    return { variant, threads };
  },
  async verify(url, batch) {
    const bytes = await fetchBytes(url);
    const rows = [];
    let at = 0;
    for (const each of batch) {
      const { end, test } = unpack(each, bytes, at);
      at = end;
      rows.push(await verifier.run(test));
      postMessage({}); // a sign of life
    }
    return rows;
  },
  bench: (url, options) => measure(url, options),
};

addEventListener('message', async ({ data: { id, method, args } }) => {
  try {
    postMessage({ id, result: await methods[method](...args) });
  } catch ({ name, message, code, exit }) {
    postMessage({ id, error: { name, message, code, exit } });
  }
});
