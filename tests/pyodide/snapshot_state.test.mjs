// What a snapshot of Python holds that ought to be new at each start.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'node:test';
import { root } from '../js/setup.mjs';
import { bootPyodide, pyodideDir } from './harness.mjs';

const scripts = path.join(root, 'pages/app');
const memory = await import(pathToFileURL(path.join(scripts, 'snapshot_memory.js')).href);
const { pack, sumOf, unpack } = await import(pathToFileURL(path.join(scripts, 'snapshot_pack.js')).href);
const python = fs.readFileSync(path.join(scripts, 'python/ashore_snapshot.py'));
const options = { enableRunUntilComplete: false };

// Values of modules, of their classes and of what those hold, by name, as text.
const dump = `
import random, sys, types
def dump():
    found = {}
    def put(name, value, depth=0):
        if isinstance(value, random.Random) and not isinstance(value, random.SystemRandom):
            found[name] = str(hash(value.getstate()))
        elif value is None or isinstance(value, (int, float, str, bytes, bytearray, complex)):
            found[name] = repr(value)[:2000]
        elif depth > 3:
            return
        elif isinstance(value, (list, tuple)) and len(value) < 500:
            for i, item in enumerate(value):
                put(f"{name}[{i}]", item, depth + 1)
        elif isinstance(value, dict) and len(value) < 500:
            for key, item in list(value.items()):
                if isinstance(key, (str, int)):
                    put(f"{name}[{key!r}]", item, depth + 1)
        elif hasattr(value, "__dict__") and not isinstance(value, (types.ModuleType, types.FunctionType)):
            if not isinstance(value, type) or value.__module__ == name.split(":")[0]:
                for key, item in list(vars(value).items()):
                    if not (key.startswith("__") and key.endswith("__")):
                        put(f"{name}.{key}", item, depth + 1)
    for name, module in list(sys.modules.items()):
        if isinstance(module, types.ModuleType) and name not in ("__main__", "js", "ashore_snapshot"):
            for key, value in list(vars(module).items()):
                if key not in ("__loader__", "__spec__", "__builtins__", "__cached__"):
                    put(f"{name}:{key}", value)
    return found
dump()
`;
const stateOf = (pyodide) => {
  const proxy = pyodide.runPython(dump);
  const state = proxy.toJs({ dict_converter: Object.fromEntries });
  proxy.destroy();
  return state;
};
// What imports keep for themselves, refresh() empties.
const differing = (one, two) => Object.keys(one).filter((name) => name in two && one[name] !== two[name]
  && !/^(sys:path_importer_cache|_frozen_importlib)/.test(name)).sort();

async function make(pyodide, outline, imports) {
  const posted = [];
  await memory.keepSnapshot(pyodide, outline, { imports, hashes: {} }, {},
    (message) => posted.push(message));
  return posted[0];
}
const { default: create } = await import(pathToFileURL(path.join(pyodideDir, 'pyodide.asm.mjs')).href);
const restore = ({ bytes, sum }) => memory.restoreSnapshot(async (given, adapt) => {
  const { pyodide } = await bootPyodide({ ...options, ...given,
    createPyodideModule: (settings) => create(settings).then(adapt) });
  return pyodide;
}, bytes, sum);

// Those that Ashore lets be in a snapshot.
const kept = () => {
  const table = JSON.parse(fs.readFileSync(path.join(root, 'tools/ashore_tools/audit/stdlib.json')));
  const left = /^(_|ctypes|multiprocessing\.sharedctypes|antigravity|this|test|idlelib|turtle|turtledemo|tkinter|lib2to3)(\.|$|\w)/;
  return [table.present].flat().filter((name) => !left.test(name) && !name.endsWith('__main__'));
};

test('of all modules of the standard library, what they take from time and chance is made anew', async () => {
  const { pyodide } = await bootPyodide(options);
  pyodide.FS.writeFile(`${pyodide.runPython('import sysconfig; sysconfig.get_path("purelib")')
  }/ashore_snapshot.py`, python);
  const outline = memory.outlineOf(pyodide);
  const bare = await make(pyodide, outline, []);
  assert.equal(bare.state, 'made', bare.why);
  const names = kept();
  assert.ok(names.length > 300, `${names.length} modules`);
  const full = await make(pyodide, outline, names);
  assert.equal(full.state, 'made', full.why);
  const first = stateOf(pyodide);

  const again = await restore(bare); // imports the same once more, with the same seed of hashes
  again.runPython('import ashore_snapshot');
  const anew = await make(again, outline, names);
  assert.equal(anew.state, 'made', anew.why);
  const volatile = differing(first, stateOf(again));
  assert.deepEqual(volatile, ['logging:_startTime',
    "multiprocessing.process:_current_process._config['authkey']", 'random:_inst']);
  const changed = differing(first, stateOf(await restore(full)));
  for (const name of volatile) assert.ok(changed.includes(name), `${name} is new after a restored start`);
  const rest = changed.filter((name) => !volatile.includes(name));
  assert.deepEqual(rest, [], 'nothing else is another one');

  const withFunctions = await make(again, outline, ['ctypes']);
  assert.deepEqual(withFunctions, { type: 'snapshot', state: 'unmade',
    why: 'a module has made functions at run time' });
  const lasting = await bootPyodide(options);
  lasting.pyodide.FS.writeFile('/lib/python3.14/site-packages/ashore_snapshot.py', python);
  lasting.pyodide.registerJsModule('other', { value: {} });
  lasting.pyodide.runPython('import other');
  const held = await make(lasting.pyodide, memory.outlineOf(lasting.pyodide), []);
  assert.equal(held.state, 'unmade');
  assert.match(held.why, /serialize/);
});

test('a snapshot is packed and unpacked, and damage of any kind is found', async () => {
  const bytes = new Uint8Array(5 * 4096 + 16);
  bytes.set([1, 2, 3], 4096);
  bytes.set([9], 4 * 4096 - 1);
  bytes.set([8], 5 * 4096 + 15);
  const files = [{ path: '/a', bytes: new Uint8Array([5, 6, 7]) }, { path: '/b', bytes: new Uint8Array(0) }];
  const packed = pack(bytes, files, { table: 3 });
  assert.ok(packed.length < 4 * 4096);
  const found = unpack(packed);
  assert.deepEqual(found.memory, bytes);
  assert.deepEqual(found.files.map(({ path: at, bytes: content }) => [at, [...content]]),
    [['/a', [5, 6, 7]], ['/b', []]]);
  assert.deepEqual(found.facts, { table: 3 });

  const never = () => assert.fail('Python is not started');
  const sum = sumOf(packed);
  for (let at = 0; at < packed.length; at += 97) {
    const other = packed.slice();
    other[at] ^= 1 << (at % 8);
    await assert.rejects(memory.restoreSnapshot(never, other.buffer, sum), /it is damaged/);
  }
  for (const length of [0, 3, 4, 4096, packed.length - 4]) {
    await assert.rejects(memory.restoreSnapshot(never, packed.slice(0, length).buffer, sum), /damaged/);
  }
  const strange = new Uint8Array(64);
  await assert.rejects(memory.restoreSnapshot(never, strange.buffer, sumOf(strange)), /it is none/);
});
