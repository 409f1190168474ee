// `ashore app`: Python programs as pages, in a folder and in one file.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { browserName } from '../browser/browsers.mjs';
import { small } from '../js/onnx_writer.mjs';
import { root } from '../js/setup.mjs';
import { begin, build, end, folder, openFile, openFolder, page, site, wheels, write } from './app_site.mjs';

before(begin);
after(end);

const model = `import onnxruntime
import helper
from parts import first
from parts.second import twice

session = onnxruntime.InferenceSession("model.onnx")
[y] = session.run(None, {"x": [[0, 1, 2, 3]]})
print("y", [float(v) for v in y.tolist()[0]])
`;
const rich = { 'app.py': `"""A program."""
import asyncio
import sys
${model}
print("ümläut", helper.double(21), first.NAME, twice(4), end="!\\n")
print(open("data/words.txt", encoding="utf-8").read().strip(), file=sys.stderr)
print(__name__, __file__, sys.argv)
await asyncio.sleep(0)
try:
    input("Name? ")
except EOFError as error:
    print("refused:", error)
print("threads", session.get_session_options().intra_op_num_threads)
`, 'helper.py': 'def double(x):\n    return 2 * x\n',
'parts/__init__.py': '', 'parts/first.py': 'NAME = "first"\n',
'parts/second.py': 'from . import third\n\n\ndef twice(x):\n    return third.FACTOR * x\n',
'parts/third.py': 'FACTOR = 2\n', 'unused.py': 'raise SystemExit("never imported")\n',
'data/words.txt': 'one two\n', 'data/other.txt': 'not named\n', 'model.onnx': small() };

const printed = `y [1.0, 0.0, 4.0, 1.0]
ümläut 42 first 8!
one two
__main__ /app/app.py ['app.py']
refused: input() has nobody to ask: a page has no terminal
`;

test('a folder: modules, data, a model, prints, top-level await; on an isolated page, threads', async () => {
  const more = `import tinywheel
others = [onnxruntime.InferenceSession("model.onnx") for _ in range(3)]
print("the same for all:", len({s.report["threads"] for s in [session, *others]}) == 1)
print(tinywheel.NAME)
`;
  const at = site('rich', { ...rich, 'app.py': rich['app.py'] + more },
    '--title', 'A <title> & more', '--wheels', wheels('tinywheel', 'NAME = "from a wheel"\n'));
  const manifest = JSON.parse(fs.readFileSync(path.join(at, 'manifest.json')));
  const names = manifest.files.map((file) => file.path);
  assert.ok(names.includes('pyodide/pyodide.asm.wasm') && names.includes('_headers'));
  const opened = await openFolder(at);
  assert.equal(opened.state, 'ready', await opened.text('failure'));
  const console = await opened.text('console');
  assert.ok(console.startsWith(printed), console);
  assert.match(console, /\nthreads \d+\nthe same for all: True\nfrom a wheel\n$/);
  assert.equal(await opened.page.locator('#console .stderr').innerText(), 'one two\n');
  assert.equal(await opened.page.title(), 'A <title> & more');
  assert.equal(await opened.text('status'), 'The program has run to its end.');
  assert.equal(await opened.page.evaluate(() => crossOriginIsolated), true);
  assert.equal(await opened.text('notes'), '');
  const seen = opened.states.join('\n');
  for (const stage of ['Loading Python', 'Starting the engine', 'Unpacking packages',
    'Running the program']) assert.ok(seen.includes(stage), `${stage} in\n${seen}`);
  assert.match(seen, /Interpreter \d+\.\d MB of 12\.1 MB/);
  assert.deepEqual(opened.problems, []);
  const elsewhere = opened.requests.filter((url) => !url.startsWith(opened.server.url));
  assert.deepEqual(elsewhere, []);
  await opened.close();
});

test('on a phone, not isolated: the user\'s line and frames of an error, what was printed, a note', async () => {
  const at = site('raising', { 'app.py': 'import deep\n\nprint("before" * 100)\ndeep.outer({})\n',
    'deep.py': 'for i in range(100000):\n    print("line", i)\n\n\ndef outer(table):\n    return inner(table)\n\n\ndef inner(table):\n'
      + '    return table["missing"]\n' });
  const opened = await openFolder(at, { isolated: false, colorScheme: 'dark',
    viewport: { width: 320, height: 600 } });
  assert.equal(opened.state, 'failed');
  const [wide, dark] = await opened.page.evaluate(() => [
    document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]);
  assert.ok(wide <= 320, `nothing is scrolled sideways: ${wide}`); // less beside a scrollbar
  // The driver of Firefox cannot ask for colours.
  if (browserName !== 'firefox') assert.equal(dark, 'rgb(16, 24, 30)');
  assert.match(await opened.text('notes'), /^Threads are not available: .*cross-origin isolated/);
  assert.equal(await opened.text('failure-title'), 'deep.py, line 10: KeyError');
  assert.equal(await opened.text('failure-message'), "'missing'");
  assert.match(await opened.text('failure-frame'), /return table\["missing"\]/);
  await opened.page.locator('#failure-trace summary').click();
  const trace = await opened.page.locator('#failure-trace pre').innerText();
  assert.match(trace, /^Traceback \(most recent call last\):\n {2}File "app\.py", line 4, in <module>\n/);
  assert.match(trace, /File "deep\.py", line 6, in outer[^]*KeyError: 'missing'$/);
  assert.doesNotMatch(trace, /_pyodide|ashore_app/);
  const kept = await opened.page.locator('#console').textContent();
  assert.ok(kept.startsWith('(what was printed before is not kept)\n'), kept.slice(0, 100));
  assert.ok(kept.endsWith(`line 99998\nline 99999\n${'before'.repeat(100)}\n`), kept.slice(-700));
  assert.ok(kept.length < 201000, `${kept.length} characters are kept`);
  assert.equal(await opened.text('status'), 'The program has stopped with an error.');
  await opened.close();
});

test('one file from a disk, without a network: prints, an interface, the policy', async () => {
  const interface_ = fs.readFileSync(path.join(root, 'examples/gradio/hello.py'), 'utf8');
  const opened = await openFile(page('whole', { ...rich, 'app.py': `${rich['app.py']}\n${interface_}` }));
  assert.equal(opened.state, 'ready', await opened.text('failure'));
  assert.ok((await opened.text('console')).startsWith(printed));
  assert.match(await opened.text('notes'), /^Threads are not available: a page in one file has none/);
  await opened.page.getByLabel('Name', { exact: true }).fill('Ada');
  await opened.page.getByRole('button', { name: 'Submit' }).click();
  await opened.page.waitForFunction(() => [...document.querySelectorAll('textarea')].some(
    ({ value }) => value === 'Hello, Ada!!'));
  assert.deepEqual(opened.problems, []);
  assert.deepEqual(opened.requests.filter((url) => /^https?:/.test(url)), []);
  const policy = await opened.page.getAttribute('meta[http-equiv]', 'content');
  assert.match(policy, /default-src 'none'; script-src 'sha256-\S+ blob: 'wasm-unsafe-eval'; /);
  assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'|https?:|\*/);
  await opened.close();
});

test('a folder that lacks a file says which, and what to do', async () => {
  const at = site('lacking', { 'app.py': 'print(1)\n' });
  fs.rmSync(path.join(at, 'pyodide/python_stdlib.zip'));
  const opened = await openFolder(at);
  assert.equal(opened.state, 'failed');
  assert.match(await opened.text('failure'), /python_stdlib\.zip cannot be loaded[^]*as a whole/);
  await opened.close();
});

test('the same program gives the same bytes, and a folder is written anew as a whole', () => {
  const read = (at) => fs.readdirSync(at, { recursive: true }).filter((name) =>
    fs.statSync(path.join(at, name)).isFile()).sort().map((name) => [name,
    fs.readFileSync(path.join(at, name)).toString('base64')]);
  const at = write('again', { 'app.py': 'print(1)\n' });
  const [one, two] = ['again.1', 'again.2'].map((name) => path.join(folder, name));
  assert.equal(build(path.join(at, 'app.py'), '-o', one).status, 0);
  assert.equal(build(path.join(at, 'app.py'), '-o', two).status, 0);
  assert.deepEqual(read(one), read(two));
  fs.writeFileSync(path.join(at, 'app.py'), 'import gradio\n');
  assert.equal(build(path.join(at, 'app.py'), '-o', two).status, 0);
  assert.ok(fs.existsSync(path.join(two, 'page/gradio/render.js')));
  assert.deepEqual(fs.readdirSync(folder).filter((name) => name.startsWith('.ashore-')), []);
});
