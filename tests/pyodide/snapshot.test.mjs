// Snapshots of Python: pages of `ashore app` that are visited again, in a real browser.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, test } from 'node:test';
import { serve } from '../browser/serve.mjs';
import { small } from '../js/onnx_writer.mjs';
import { root } from '../js/setup.mjs';
import { begin, end, folder, openContext, page, policyOf, site } from './app_site.mjs';

before(begin);
after(end);

// What may differ between two visits is in `new`, what may not is in `same`.
const program = `import asyncio, getopt, inspect, json, logging, os, random, sys, tempfile, time, uuid
import gettext
import multiprocessing.process
import ashore
import onnxruntime
import js
from pyodide.ffi import can_run_sync, create_proxy, run_sync

session = onnxruntime.InferenceSession("model.onnx")
[y] = session.run(None, {"x": [[0, 1, 2, 3]]})
async def later(value):
    await asyncio.sleep(0)
    return value
called = []
proxy = create_proxy(lambda value, *more: called.append(value))
js.Array.of(1, 2).forEach(proxy)
with tempfile.NamedTemporaryFile("w+") as file:
    file.write("kept")
    file.seek(0)
    text = file.read()
descriptor = os.open("data.txt", os.O_RDONLY)
now = time.time()
same = {
    "y": [float(v) for v in y.tolist()[0]], "threads": session.report["threads"],
    "path": sys.path, "argv": sys.argv, "folder": os.getcwd(), "listing": sorted(os.listdir(os.sep)),
    "environ": dict(sorted(os.environ.items())), "data": open("data.txt").read(), "file": text,
    "descriptor": descriptor, "source": len(inspect.getsource(ashore._model)),
    "packages": sorted(os.listdir(os.path.dirname(ashore.__path__[0]))),
    "awaited": [await later(1), run_sync(later(2)) if can_run_sync() else None, can_run_sync()],
    "js": [js.Object.keys(js.JSON.parse('{"a": 1}')).to_py(), called[:], js.Array.new(3).length],
    "own": gettext.NAME, "logging": abs(logging._startTime / 1e9 - now) < 600,
    "asyncio": asyncio.get_event_loop().time() >= 0, "seed": hash("text"),
}
new = {
    "random": random.random(), "another": random.Random().random(), "uuid": str(uuid.uuid4()),
    "urandom": os.urandom(8).hex(), "name": tempfile.mktemp(), "start": logging._startTime,
    "key": multiprocessing.process.current_process()._config["authkey"].hex(),
}
print(json.dumps({"same": same, "new": new}))
`;
const files = { 'app.py': program, 'model.onnx': small(), 'data.txt': 'one\n',
  'gettext.py': 'NAME = "the program\'s own"\n\n\ndef gettext(text):\n    return text\n' };
const told = async (visited) => JSON.parse(await visited.text('console'));
const snapshotOf = (visited, state) => visited.page.waitForFunction((wanted) =>
  document.documentElement.dataset.snapshot === wanted, state);

// Changes what is kept, in a page of the origin: change(record, bytes) gives both anew.
const tamper = (opened, change) => opened.evaluate(`(${async (changed) => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const db = await done(indexedDB.open('ashore-app', 1));
  const [record] = await done(db.transaction('index').objectStore('index').getAll());
  const kept = await done(db.transaction('bytes').objectStore('bytes').get(record.page));
  const [other, bytes] = await changed(record, kept);
  const transaction = db.transaction(['index', 'bytes'], 'readwrite');
  transaction.objectStore('index').put(other);
  await done(transaction.objectStore('bytes').put(bytes, record.page));
  db.close();
}})(${change})`);

async function served(t, at, { isolated = true } = {}) {
  const server = await serve({ folders: { '': at }, isolated, policy: policyOf(at),
    files: { '/empty.html': '<!doctype html>' } });
  const context = await openContext();
  t.after(async () => {
    await context.close();
    server.close();
  });
  return { visit: () => context.visit(server.url),
    async blank() {
      const opened = await context.context.newPage();
      await opened.goto(`${server.url}empty.html`);
      return opened;
    },
  };
}

test('a first visit keeps one, the next starts from it: the same results, and new chance', async (t) => {
  const at = site('kept', files);
  const place = await served(t, at);
  const first = await place.visit();
  assert.equal(first.state, 'ready', await first.text('failure'));
  await snapshotOf(first, 'kept');
  assert.match(first.told.join('\n'), /a snapshot of Python is kept for the next visit \(1\d\.\d MB\)/);
  const one = await told(first);
  await first.close();

  const second = await place.visit();
  assert.equal(second.state, 'ready', await second.text('failure'));
  await snapshotOf(second, 'used');
  assert.ok(second.states.join('\n').includes('Restoring Python'), second.states.join('\n'));
  assert.deepEqual(second.problems, []);
  const two = await told(second);
  assert.deepEqual(two.same, one.same);
  assert.ok(one.same.threads > 1, 'the page is isolated');
  assert.equal(new Set(one.same.path).size, one.same.path.length, String(one.same.path));
  for (const [name, value] of Object.entries(one.new)) assert.notEqual(two.new[name], value, name);
  await second.close();

  // Another program of the same build starts from it; another build does not, and leaves one behind.
  const changed = path.join(folder, 'kept', 'app.py');
  site('kept', { ...files, 'app.py': program.replace('"own"', '"ours"') });
  const third = await place.visit();
  await snapshotOf(third, 'used');
  assert.equal((await told(third)).same.ours, one.same.own);
  await third.close();
  assert.ok(fs.existsSync(changed));
  site('kept', { ...files, 'app.py': `import colorsys\n${program}` });
  const fourth = await place.visit();
  assert.match(fourth.told.join('\n'), /is not used: it is of another build, browser or place/);
  await snapshotOf(fourth, 'kept');
  const { same } = await told(fourth);
  assert.deepEqual({ ...same, seed: 0 }, { ...one.same, seed: 0 });
  assert.notEqual(same.seed, one.same.seed, 'each snapshot has its own seed of hashes');
  const blank = await place.blank();
  const databases = await blank.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
  assert.deepEqual(databases, ['ashore-app']);
});

test('what is damaged is dropped, and the page starts as it does without', async (t) => {
  const place = await served(t, site('damaged', { 'app.py': 'import json\nprint(json.dumps([1, 2]))\n' }),
    { isolated: false });
  await place.visit().then((visited) => snapshotOf(visited, 'kept').then(visited.close));
  const blank = await place.blank();
  const cases = [
    [/it is damaged/, (record, bytes) => {
      new Uint8Array(bytes)[bytes.byteLength >> 1] ^= 4;
      return [record, bytes];
    }],
    [/is not used/, async (record, bytes) => { // right by its sum, and no Python
      const { pack, sumOf, unpack } = await import('/page/snapshot_pack.js');
      const { memory, files: own, facts } = unpack(new Uint8Array(bytes));
      memory.fill(0, 1 << 20);
      const packed = pack(memory, own, facts);
      return [{ ...record, sum: sumOf(packed) }, packed.buffer];
    }],
  ];
  for (const [why, change] of cases) {
    await tamper(blank, change);
    const visited = await place.visit();
    assert.equal(visited.state, 'ready', await visited.text('failure'));
    assert.match(visited.told.join('\n'), why);
    assert.equal(await visited.text('console'), '[1, 2]\n');
    await snapshotOf(visited, 'kept');
    await visited.close();
    const next = await place.visit(); // it counts as no failure any more, of which two end it
    await snapshotOf(next, 'used');
    assert.equal(await next.text('console'), '[1, 2]\n');
    await next.close();
  }
});

test('two tabs at once both start and keep one, an interface starts from it', async (t) => {
  const source = fs.readFileSync(path.join(root, 'examples/gradio/hello.py'), 'utf8');
  const place = await served(t, site('tabs', { 'app.py': source }));
  const tabs = await Promise.all([place.visit(), place.visit()]);
  for (const tab of tabs) {
    assert.equal(tab.state, 'ready', await tab.text('failure'));
    await snapshotOf(tab, 'kept');
  }
  const both = await Promise.all([place.visit(), place.visit()]);
  for (const tab of both) {
    await snapshotOf(tab, 'used');
    await tab.page.getByLabel('Name', { exact: true }).fill('Ada');
    await tab.page.getByRole('button', { name: 'Submit' }).click();
    await tab.page.waitForFunction(() => [...document.querySelectorAll('textarea')].some(
      ({ value }) => value === 'Hello, Ada!!'));
    assert.deepEqual(tab.problems, []);
  }
});

test('one file from a disk keeps one with --snapshot, and none without', async (t) => {
  const source = { 'app.py': 'import random\nprint(random.random())\n' };
  const context = await openContext({ offline: true });
  t.after(() => context.close());
  const at = pathToFileURL(page('keeping', source, '--snapshot')).href;
  const first = await context.visit(at);
  assert.equal(first.state, 'ready', await first.text('failure'));
  await snapshotOf(first, 'kept');
  const second = await context.visit(at);
  await snapshotOf(second, 'used');
  assert.notEqual(await second.text('console'), await first.text('console'));
  assert.deepEqual(second.problems, []);
  const without = await context.visit(pathToFileURL(page('asking', source)).href);
  assert.equal(without.state, 'ready', await without.text('failure'));
  assert.deepEqual(without.told, []);
  const app = path.join(site('never', source, '--no-snapshot'), 'app.json');
  assert.equal(JSON.parse(fs.readFileSync(app)).snapshot, undefined);
});
