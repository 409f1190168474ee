// A worker with Python: { id, act, ... } is answered with { id, result } or { id, why }; { mark } says
// what has been reached meanwhile.
import { loadPyodide } from '/pyodide/pyodide.mjs';

const folder = '/bench-python/';
let pyodide;

const bytesOf = async (address) => {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};
const mark = (name) => postMessage({ mark: name });

const acts = {
  /** way: 'engine', 'plain' or 'with_numpy'; threads: of the engine; wheels: addresses. */
  async boot({ way, threads, wheels = [] }) {
    const starting = loadPyodide({ indexURL: '/pyodide/' });
    starting.then(() => mark('python'), () => {});
    const programs = Promise.all(['way', way].map(async (name) =>
      [name, await bytesOf(`${folder}${name}.py`)]));
    const engine = way === 'engine'
      ? (await import('/ashore/pyodide.js')).register(starting, { threads }) : null;
    pyodide = await starting;
    const { missing } = await engine ?? {};
    if (wheels.length) await pyodide.loadPackage(wheels.map((name) => new URL(name, location.href).href));
    for (const [name, bytes] of await programs) pyodide.FS.writeFile(`/home/pyodide/${name}.py`, bytes);
    pyodide.runPython(`import json, ${way}`);
    mark('engine');
    return missing ?? [];
  },

  /** Makes what block(), answer() and traffic() are asked about. */
  async open({ way, given }) {
    const name = way === 'engine' ? given.file : given.parameters;
    pyodide.FS.writeFile(`/${name}`, await bytesOf(`/cases/${name}`));
    pyodide.globals.set('given', JSON.stringify(given));
    pyodide.runPython(`case = ${way}.open_case(json.loads(given))`);
    mark('ready');
  },

  block: ({ runs }) => pyodide.runPython(`case.block(${Number(runs)})`),
  answer: () => JSON.parse(pyodide.runPython('json.dumps(case.answer())')),
  traffic: () => JSON.parse(pyodide.runPython('json.dumps(case.traffic())')),
};

onmessage = async ({ data: { id, act, ...rest } }) => {
  try {
    postMessage({ id, result: await acts[act](rest) });
  } catch (error) {
    postMessage({ id, why: error.message.trim().split('\n').pop() });
  }
};
