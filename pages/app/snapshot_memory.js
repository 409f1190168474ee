// Snapshots of Python's memory, in the worker: made before the program runs, so that nothing of it and
// of what a visitor gave it is in there, and restored on a later visit.  Pyodide's functions for that
// are not public: what does not go as expected is an error, and the page starts as it does without.
import { pack, sumOf, unpack } from './snapshot_pack.js';

const tableOf = ({ _module }) => _module.wasmTable.length;

// Files below a folder, but for what Python compiles anew.
function filesBelow(FS, folder) {
  return FS.readdir(folder).flatMap((name) => {
    if (name === '.' || name === '..' || name === '__pycache__') return [];
    const path = `${folder}/${name}`;
    return FS.isDir(FS.stat(path).mode) ? filesBelow(FS, path)
      : [{ path, bytes: FS.readFile(path) }];
  });
}

const sumOfAny = (bytes) => String(sumOf(bytes.slice(0, bytes.length & ~3)));

/** What a snapshot must not differ in from the start that it stands for: taken before anything is
 *  imported. */
export const outlineOf = (pyodide) => ({ table: tableOf(pyodide) });

function check(pyodide, outline) {
  // Functions of JavaScript and of dynamic libraries that were put into the table are not in memory.
  if (tableOf(pyodide) !== outline.table) throw new Error('a module has made functions at run time');
}

// Imports modules, and takes a snapshot: its bytes, packed, and the standard library's.
function makeSnapshot(pyodide, outline, imports) {
  pyodide.globals.set('__ashore_imports__', pyodide.toPy(imports));
  const [library, packages] = pyodide.runPython('import ashore_snapshot\n'
    + 'ashore_snapshot.prepare(globals().pop("__ashore_imports__"))').toJs();
  check(pyodide, outline);
  const { config } = pyodide._api;
  config._makeSnapshot = true; // earlier, programs would find other objects behind `import js`
  try {
    const memory = pyodide.makeMemorySnapshot();
    const stdlib = pyodide.FS.readFile(library);
    const facts = { ...outline, heap: pyodide._module.HEAP8.length, library, sum: sumOfAny(stdlib) };
    return { packed: pack(memory, filesBelow(pyodide.FS, packages), facts), stdlib };
  } finally {
    config._makeSnapshot = false;
  }
}

const hex = (bytes) => [...bytes].map((n) => n.toString(16).padStart(2, '0')).join('');

// A server or a cache can have other versions of files than the page is of, and what comes of them would
// stay for good.
async function compare(contents, hashes) {
  for (const [path, hash] of Object.entries(hashes)) {
    if (!crypto.subtle) throw new Error('the page is not served by https');
    const digest = await crypto.subtle.digest('SHA-256', contents[path]);
    if (hex(new Uint8Array(digest)) !== hash) throw new Error(`${path} is not of this page`);
  }
}

/** Makes a snapshot of a Python that has not run anything, and posts it, or why there is none. imports,
 *  hashes: what app.json says; own: the page's own files by path, of which hashes are. */
export async function keepSnapshot(pyodide, outline, { imports, hashes }, own, post) {
  try {
    const { packed, stdlib } = makeSnapshot(pyodide, outline, imports);
    const sum = sumOf(packed);
    await compare({ ...own, 'pyodide/python_stdlib.zip': stdlib }, hashes);
    post({ type: 'snapshot', state: 'made', bytes: packed.buffer, sum }, [packed.buffer]);
  } catch (error) {
    post({ type: 'snapshot', state: 'unmade', why: error.message.trim().split('\n').pop() });
  }
}

// Pyodide's memory has to be as large as it was, which Pyodide does not see to.
const growTo = (size) => (module) => {
  if (module.HEAP8.length < size && !module.growMemory(size)) throw new Error('there is no memory for it');
  return module;
};

/** load(options, adapt) starts Pyodide with further options, and lets adapt() change its module first;
 *  bytes and sum are what was kept. */
export async function restoreSnapshot(load, bytes, sum) {
  const packed = new Uint8Array(bytes);
  if (packed.length % 4 || String(sumOf(packed)) !== String(sum)) throw new Error('it is damaged');
  const { memory, files, facts } = unpack(packed);
  const pyodide = await load({ _loadSnapshot: memory }, growTo(facts.heap));
  check(pyodide, facts);
  if (sumOfAny(pyodide.FS.readFile(facts.library)) !== facts.sum) {
    throw new Error('the standard library is another');
  }
  for (const { path, bytes: content } of files) {
    pyodide.FS.mkdirTree(path.slice(0, path.lastIndexOf('/')));
    pyodide.FS.writeFile(path, content);
  }
  pyodide.runPython('import ashore_snapshot; ashore_snapshot.refresh()');
  return pyodide;
}
