// Pyodide with the engine, for tests: in Node on this thread, in a browser in a module worker.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { findPackage, packageDir, part, root } from '../js/setup.mjs';

export { packageDir, root };

/** Pyodide's own files. */
export const pyodideDir = findPackage('pyodide');

/** Wheels of pure Python that scripts/setup fetches. */
export const wheelsDir = path.join(root, 'build/wheels');

/** Pyodide in Node, without the engine.  What Python prints goes to `printed`. */
export async function bootPyodide(options = {}) {
  const { loadPyodide } = await import(pathToFileURL(path.join(pyodideDir, 'pyodide.mjs')).href);
  const printed = [];
  const pyodide = await loadPyodide({ indexURL: `${pyodideDir}/`, stdout: (line) => printed.push(line),
    stderr: (line) => printed.push(line), ...options });
  return { pyodide, printed };
}

/** Pyodide in Node with the engine: { pyodide, printed, engine, close }. */
export async function bootNode(options = {}) {
  const { register } = await part('pyodide.js');
  const { pyodide, printed } = await bootPyodide();
  const engine = await register(pyodide, options);
  return { pyodide, printed, engine, close: () => engine.unregister() };
}

/** Folders for serve() of tests/browser: the package, Pyodide and wheels. */
export const folders = { ashore: packageDir, pyodide: pyodideDir, wheels: wheelsDir };

// A module worker that gets { threads } first, where the page's fragment says lent, and answers { id, python, files, options }: it writes files to Pyodide's file
// system, and runs the code, which may await.  options: register() is called anew with them before.
const worker = `
import { loadPyodide } from '/pyodide/pyodide.mjs';
import { register } from '/ashore/pyodide.js';

const { lent, ...options } = JSON.parse(decodeURIComponent(location.hash.slice(1) || '{}'));
const port = lent ? new Promise((resolve) => {
  addEventListener('message', ({ data }) => resolve(data.threads), { once: true });
}) : undefined;
const booted = (async () => {
  const printed = [];
  const starting = loadPyodide({ indexURL: '/pyodide/', stdout: (line) => printed.push(line),
    stderr: (line) => printed.push(line) });
  const engine = await register(starting, { ...options, threadsFrom: await port });
  return { pyodide: await starting, printed, engine };
})();

onmessage = async ({ data: { id, python, files = {}, options } }) => {
  if (!id) return;
  try {
    const all = await booted;
    const { pyodide, printed } = all;
    if (options) {
      all.engine.unregister();
      all.engine = await register(pyodide, { threadsFrom: await port, ...options, wheel: false });
    }
    const { engine } = all;
    for (const [name, bytes] of Object.entries(files)) pyodide.FS.writeFile(name, bytes);
    let result = await pyodide.runPythonAsync(python);
    if (result?.toJs) {
      const proxy = result;
      result = proxy.toJs({ dict_converter: Object.fromEntries });
      proxy.destroy();
    }
    postMessage({ id, result, printed: printed.splice(0),
      engine: { ...engine, unregister: undefined } });
  } catch (error) {
    postMessage({ id, error: error.message });
  }
};
`;
const page = `
import { lendThreads } from '/ashore/lend.js';

const worker = new Worker('/worker.js' + location.hash, { type: 'module' });
const { lent, lender } = JSON.parse(decodeURIComponent(location.hash.slice(1) || '{}'));
if (lent) {
  globalThis.threads = lendThreads(lender);
  worker.postMessage({ threads: threads.port }, [threads.port]);
}
let last = 0;
const waiting = new Map();
worker.onmessage = ({ data }) => waiting.get(data.id)(data);
worker.onerror = ({ message }) => { for (const settle of waiting.values()) settle({ error: message }); };
globalThis.endPython = () => worker.terminate();
globalThis.python = (code, files = {}, options) => new Promise((resolve) => {
  const id = ++last;
  waiting.set(id, resolve);
  worker.postMessage({ id, python: code, options, files: Object.fromEntries(Object.entries(files).map(
    ([name, text]) => [name, Uint8Array.from(atob(text), (c) => c.charCodeAt(0))])) });
});
`;

/** What serve() of tests/browser needs beside folders: a page with python(code, files). */
export const files = {
  '/index.html': '<!doctype html><meta charset="utf-8"><title>Python</title><script type="module" '
    + 'src="/page.js"></script>',
  '/page.js': page,
  '/worker.js': worker,
};

/** Runs Python in the page: { result, printed, engine }.  given: bytes by path of Pyodide's file
 *  system; options: of register(), which is called anew. */
export async function pythonIn(page, code, given = {}, options = undefined) {
  const encoded = Object.fromEntries(Object.entries(given).map(([name, bytes]) =>
    [name, Buffer.from(bytes).toString('base64')]));
  const answer = await page.evaluate(([text, all, more]) => globalThis.python(text, all, more),
    [code, encoded, options]);
  if (answer.error) throw new Error(answer.error);
  return answer;
}

/** The bytes of a file of the package. */
export const packageFile = (name) => fs.readFileSync(path.join(packageDir, name));
