// Runs pieces of Python under Pyodide, each on its own: a list of codes on stdin; on stdout, for each
// the name of the exception that it raised, or ''.
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const folder = new URL('../../build/npm/node_modules/pyodide/', import.meta.url);
const { loadPyodide } = await import(new URL('pyodide.mjs', folder));
const quiet = { stdout() {}, stderr() {}, stdin: () => null };
const pyodide = await loadPyodide({ indexURL: fileURLToPath(folder), ...quiet });
const outcomes = [];
for (const code of JSON.parse(await text(process.stdin))) {
  try {
    await pyodide.runPythonAsync(code, { globals: pyodide.toPy({ __name__: '__main__' }) });
    outcomes.push('');
  } catch (error) {
    outcomes.push(error.type ?? error.name);
  }
}
process.stdout.write(JSON.stringify(outcomes), () => process.exit(0));
