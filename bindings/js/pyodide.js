// The engine under Pyodide: `import { register } from 'ashore/pyodide'`, on the thread that Python runs
// on.  It makes the JavaScript module that the Python packages `ashore` and `onnxruntime` stand on.
import { AshoreError, filePath, isURL, parts, request, version } from './ashore.js';
import { Engines } from './pyodide_engines.js';
import { load, open } from './pyodide_load.js';
import { bytesOf } from './pyodide_values.js';

// Written out, as bundlers follow no other address.
const ownWheel = () => new URL('./ashore-0.1.0-py3-none-any.whl', import.meta.url);

// The wheel's bytes, as Python takes them: not as a Buffer of Node's.
async function readWheel(wheel) {
  const path = isURL(wheel) && filePath(wheel);
  const bytes = path ? (await parts.node()).readAll(path)
    : isURL(wheel) ? await (await request(wheel)).arrayBuffer() : wheel;
  return ArrayBuffer.isView(bytes) ? bytesOf(bytes) : bytes;
}

function install(pyodide, wheel) {
  const extractDir = pyodide.runPython("import sysconfig; sysconfig.get_path('purelib')");
  pyodide.unpackArchive(wheel, 'wheel', { extractDir });
  pyodide.runPython('import importlib; importlib.invalidate_caches()');
}

// Python keeps what it has imported.
const forget = (pyodide) => pyodide.runPython("import sys; sys.modules.pop('_ashore', None)");

function expectPyodide(pyodide) {
  if (typeof pyodide?.registerJsModule === 'function' && pyodide.FS) return;
  throw new AshoreError('ERR_ARGUMENT', 'register() is given no Pyodide',
    { advice: 'Give it what loadPyodide() makes: await register(await loadPyodide())' });
}

export { AshoreError, version };

// Pyodide, the wheel's bytes and the engine, at once: each takes its time.
async function gather(starting, wheel, engines) {
  const preparing = engines.prepare();
  try {
    const [pyodide, bytes] = await Promise.all([starting, wheel ? readWheel(wheel) : null, preparing]);
    expectPyodide(pyodide);
    return [pyodide, bytes];
  } catch (error) {
    await preparing.catch(() => {});
    engines.close();
    throw error;
  }
}

/** Prepares the engine, and makes it known to Python.  starting: Pyodide, or a promise of it. */
export async function register(starting, options = {}) {
  if (typeof starting?.then !== 'function') expectPyodide(starting);
  const { wheel = ownWheel(), ...rest } = options;
  const engines = new Engines(rest);
  const [pyodide, bytes] = await gather(starting, wheel, engines);
  const { FS } = pyodide;
  const registered = {
    version,
    report: () => JSON.stringify({ version, ...engines.choice }),
    ready: async () => { await engines.threads?.ready; },
    open: (source, given) => open(engines, FS, source, JSON.parse(given)),
    load: (source, given, say) => load(engines, source, JSON.parse(given), say),
  };
  forget(pyodide);
  pyodide.registerJsModule('_ashore', registered);
  if (bytes) install(pyodide, bytes);
  const { variant, threads, missing } = engines.choice;
  return { variant, threads, missing, unregister() {
    pyodide.unregisterJsModule('_ashore');
    forget(pyodide);
    engines.close();
  } };
}
