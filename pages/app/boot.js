// Starts Python and the engine, and runs the program.
import { listen } from './prints.js';

const hasJSPI = typeof WebAssembly.Suspending === 'function';

class BootError extends Error {
  constructor(title, message, advice, cause) {
    super(message, { cause });
    Object.assign(this, { title, advice });
  }
}

async function startPython(load) {
  const advice = 'It takes a current browser: Chrome or Edge 119, Firefox 131, Safari 18.2 or newer.';
  try {
    return await load();
  } catch (error) {
    throw new BootError('Python could not be started', error.message, advice, error);
  }
}

// Loads Pyodide; given: what else it is to be told.  adapt() gets its module before Python is there.
async function load(files, lock, given = {}, adapt = (module) => module) {
  const [{ loadPyodide }, createPyodideModule] = await Promise.all([
    files.module('pyodide/pyodide.mjs'),
    files.module('pyodide/pyodide.asm.mjs').then((module) => module.default)]);
  return loadPyodide({ indexURL: files.address('pyodide/'), lockFileContents: lock,
    packageBaseUrl: files.address('python/'), enableRunUntilComplete: hasJSPI, env: { HOME: '/app' },
    createPyodideModule: (settings) => createPyodideModule(settings).then(adapt), ...given });
}

// The page's own packages: the engine's, gradio's, and what runs the program.
const ownOf = ({ wheels }) => [...wheels, ...['app', 'packages', 'snapshot', 'waits'].map((name) =>
  `python/ashore_${name}.py`)];

async function install(files, app, pyodide) {
  const folder = pyodide.runPython('import sysconfig; sysconfig.get_path("purelib")');
  const own = ownOf(app);
  const contents = await Promise.all(own.map((path) => files.bytes(path)));
  contents.forEach((bytes, i) => {
    if (own[i].endsWith('.whl')) pyodide.unpackArchive(bytes, 'wheel', { extractDir: folder });
    else pyodide.FS.writeFile(`${folder}/${own[i].split('/').pop()}`, bytes);
  });
  pyodide.runPython('import importlib; importlib.invalidate_caches()');
  return Object.fromEntries(own.map((path, i) => [path, contents[i]]));
}

async function startEngine(files, starting, threadsFrom) {
  try {
    const { register } = await import('../ashore/pyodide.js');
    return await register(starting, { wheel: false, modules: files.modules('ashore/'), threadsFrom });
  } catch (error) {
    throw new BootError('The engine could not be started', error.message, error.advice, error);
  }
}

async function loadPackages({ packages }, pyodide) {
  if (!packages.length) return;
  const said = [];
  await pyodide.loadPackage(packages, { messageCallback: () => {}, errorCallback: (text) =>
    said.push(text) });
  const missing = packages.filter((name) => !(name in pyodide.loadedPackages));
  if (!missing.length) return;
  const why = said.join(' ');
  throw new BootError('A package could not be loaded', `${missing.join(', ')}: ${why}`,
    /EvalError/.test(why) ? 'It carries JavaScript as text, which the policy of these pages forbids '
      + 'to evaluate. Build the page with a build of the package that has none.'
      : 'The files of the page belong together: copy them as a whole, and serve them as they are.');
}

async function unpack(files, app, pyodide) {
  await loadPackages(app, pyodide);
  pyodide.unpackArchive(await files.bytes('python/app.zip'), 'zip', { extractDir: '/app' });
}

async function run(app, pyodide) {
  pyodide.globals.set('__ashore_entry__', app.entry);
  const failure = await pyodide.runPythonAsync(
    'import ashore_app; await ashore_app.run(globals().pop("__ashore_entry__"))',
    { filename: '<ashore>' });
  return failure && JSON.parse(failure);
}

// What a program shows that has launched an interface: { config, handle }, config null for others;
// { failure } for one that cannot be shown.
async function launched(pyodide, post) {
  if (!pyodide.runPython('import sys; "gradio" in sys.modules')) return { config: null };
  const { serve } = await import('./gradio/serve.js');
  try {
    return serve(pyodide, post);
  } catch (error) {
    if (error.name !== 'PythonError') throw error;
    return { failure: JSON.parse(pyodide.runPython(
      'import ashore_app, json, sys; json.dumps(ashore_app.describe(sys.last_exc))')) };
  }
}

const notesOn = ({ missing }, { threadless }) => missing.map(({ feature, why, cost }) => {
  if (feature !== 'threads') return `Without ${feature}: ${why}; ${cost}.`;
  return `Threads are not available: ${threadless ?? why}; ${cost}.`;
});

const interpreter = ['pyodide/pyodide.asm.wasm', 'pyodide/python_stdlib.zip'];

async function restore({ app, snapshot }, files) {
  files.begin('snapshot', interpreter);
  const { restoreSnapshot } = await import('./snapshot_memory.js');
  return restoreSnapshot((...given) => load(files, app.lock, ...given), snapshot.bytes, snapshot.sum);
}

// Python with the page's own packages.
async function begin({ app, snapshot }, files, post) {
  files.begin('interpreter', interpreter);
  const pyodide = await startPython(() => load(files, app.lock));
  if (!snapshot?.wanted) {
    await install(files, app, pyodide);
    return pyodide;
  }
  const { keepSnapshot, outlineOf } = await import('./snapshot_memory.js');
  const outline = outlineOf(pyodide);
  keepSnapshot(pyodide, outline, app.snapshot, await install(files, app, pyodide), post);
  return pyodide;
}

// All that comes before the program.
async function prepare(message, files, post) {
  const { app, sizes, snapshot } = message;
  const starting = (snapshot?.bytes ? restore : begin)(message, files, post);
  const compiling = startEngine(files, starting, message.threads); // meanwhile
  compiling.catch(() => {}); // what fails first is reported
  const pyodide = await starting;
  const flush = listen(pyodide, post);
  files.begin('engine', []);
  const engine = await compiling;
  files.begin('packages', Object.keys(sizes).filter((path) => path.startsWith('python/')
    && !ownOf(app).includes(path)));
  await unpack(files, app, pyodide);
  if (snapshot?.bytes) post({ type: 'snapshot', state: 'used' });
  return { pyodide, engine, flush };
}

// From a snapshot; or as without one, where that goes wrong in whatever way.
async function prepareInAnyCase(message, files, post) {
  if (!message.snapshot?.bytes) return prepare(message, files, post);
  files.hold();
  try {
    return await prepare(message, files, post);
  } catch (error) {
    if (files.missing) throw error;
    post({ type: 'snapshot', state: 'bad', why: error.message.trim().split('\n').pop() });
    return prepare({ ...message, snapshot: { wanted: true } }, files, post);
  }
}

async function bootAll(message, files, post) {
  const { pyodide, engine, flush } = await prepareInAnyCase(message, files, post);
  for (const text of notesOn(engine, files)) post({ type: 'note', text });
  files.begin('program', []);
  files.release();
  const failure = await run(message.app, pyodide);
  const program = failure ? { failure } : await launched(pyodide, post);
  flush();
  if (program.failure) post({ type: 'failed', ...program.failure });
  else post({ type: 'ready', config: program.config });
  return program.config ? program : null;
}

/** Says how it went; resolves to what answers calls, null when nothing does. */
export async function boot(message, files, post) {
  try {
    return await bootAll(message, files, post);
  } catch (failure) {
    const error = files.missing ?? failure; // what comes of a file that is not there says less
    const { title, advice, traceback } = error;
    post({ type: 'failed', title, message: error.message, advice, traceback });
    return null;
  }
}
