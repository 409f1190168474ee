// Packages of a copy of Pyodide's distribution (--lock) in the pages of `ashore app`: pure ones, and
// machine code.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { root } from '../js/setup.mjs';
import { begin, build, end, folder, openFile, openFolder, page, site, write } from './app_site.mjs';

let lock;
let names;
before(async () => {
  await begin();
  const at = path.join(folder, 'distribution');
  const { status, stdout, stderr } = spawnSync(process.env.PYTHON ?? 'python3',
    [path.join(root, 'tests/pyodide/distribution.py'), at], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  names = JSON.parse(stdout);
  lock = path.join(at, 'pyodide-lock.json');
});
after(end);

const pure = `import fancy_names
import marked
import other_way
print(fancy_names.NAME, fancy_names.words(), marked.NAME, other_way.NAME)
`;
const said = "fancy ['eins', 'zwei', 'drüber'] helped one\n";

// Modules of machine code are compiled by clang for what Pyodide loads.
const lack = () => (names.includes('spam') ? false : 'clang-19 and wasm-ld-19 are not there');

test('one file from a disk, without a network: what packages depend on, and their data', async () => {
  const opened = await openFile(page('packages', { 'app.py': pure }, '--lock', lock));
  assert.equal(opened.state, 'ready', await opened.text('failure'));
  assert.equal(await opened.text('console'), said);
  assert.deepEqual(opened.problems, []);
  await opened.close();
});

test('a folder: no more than what is needed, a shared library, a module of machine code', async (t) => {
  const why = lack();
  if (why) return t.skip(why);
  const at = site('machine', { 'app.py': `${pure}import spam\nprint(spam.weigh(3), spam.__file__)\n` },
    '--lock', lock);
  const found = fs.readdirSync(path.join(at, 'python')).filter((name) => /^[^a].*(whl|zip)$/.test(name));
  assert.deepEqual(found.sort(), ['fancy_names-1.0.post1-py3-none-any.whl',
    'helper_here-1.5-py3-none-any.whl', 'libegg-1.0.zip', 'marked-3.0-py3-none-any.whl',
    'one_way-1.0-py3-none-any.whl', 'other_way-1.0-py3-none-any.whl',
    'shared_data-2.1-py3-none-any.whl', 'spam-0.1-cp314-cp314-pyemscripten_2026_0_wasm32.whl']);
  const opened = await openFolder(at);
  assert.equal(opened.state, 'ready', await opened.text('failure'));
  assert.match(await opened.text('console'), new RegExp(
    `^${said.replace(/[[\]]/g, '\\$&')}189 /lib/python3\\.14/site-packages/spam\\.cpython.*\\.so\n$`));
  assert.deepEqual(opened.problems, []);
  await opened.close();
  const alone = await openFile(page('machine-alone', { 'app.py': 'import spam\nprint(spam.weigh(4))\n' },
    '--lock', lock));
  assert.equal(await alone.text('console'), '212\n', await alone.text('failure'));
  await alone.close();
  return undefined;
});

test('a module that carries JavaScript is refused when the page is built, and by its policy', async (t) => {
  const why = lack();
  if (why) return t.skip(why);
  const program = write('script-refused', { 'app.py': 'import jspam\n' });
  const refused = build(path.join(program, 'app.py'), '-o', path.join(folder, 'none'), '--lock', lock);
  assert.equal(refused.status, 5);
  assert.match(refused.err, /app\.py:1: jspam-0\.1\S* carries JavaScript \(jspam\.cpython\S*\.so\)/);
  const opened = await openFile(page('script', { 'app.py': 'import jspam\n' }, '--lock', lock,
    '--no-audit'));
  assert.equal(opened.state, 'failed');
  assert.match(await opened.text('failure-message'), /^jspam: [^]*EvalError/);
  assert.match(await opened.text('failure-advice'), /carries JavaScript as text.* forbids to evaluate/);
  await opened.close();
  return undefined;
});

test('a package whose bytes have changed is not loaded', async () => {
  const at = site('changed', { 'app.py': pure }, '--lock', lock);
  const file = path.join(at, 'python/marked-3.0-py3-none-any.whl');
  const bytes = fs.readFileSync(file);
  bytes[bytes.length - 30] ^= 1;
  fs.writeFileSync(file, bytes);
  const opened = await openFolder(at);
  assert.equal(opened.state, 'failed', await opened.text('console'));
  assert.match(await opened.text('failure-message'),
    /^python\/marked-3\.0-py3-none-any\.whl cannot be loaded: .*not the file that was written/);
  await opened.close();
});
