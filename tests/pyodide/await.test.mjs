// asyncio and micropip in the pages of `ashore app`: what waits for coroutines, with stack switching and
// without, and packages that are installed while the program runs.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { root } from '../js/setup.mjs';
import { begin, end, folder, openFile, openFolder, page, site, write } from './app_site.mjs';
import { wheelsDir } from './harness.mjs';

before(begin);
after(end);

const program = `import asyncio
from asyncio import run as go


async def answer(x):
    await asyncio.sleep(0.001)
    return x


class Own:
    def run(self, value):
        return value + 1


async def fail():
    await asyncio.sleep(0)
    raise KeyError("inside")

print("gather", await asyncio.gather(*[answer(i) for i in range(3)]))
async with asyncio.TaskGroup() as group:
    task = group.create_task(answer(4))
print("group", task.result(), await asyncio.wait_for(answer(5), 60))
print("run", asyncio.run(answer(5)), go(answer(1)), Own().run(1))
loop = asyncio.get_event_loop()
print("loop", loop.run_until_complete(answer(6)), loop.run_until_complete(loop.create_task(answer(2))))
with asyncio.Runner() as runner:
    print("runner", runner.run(answer(8)))
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
print("new", loop.run_until_complete(answer(7)))
loop.close()
if __name__ == "__main__":
    try:
        asyncio.run(fail())
    except KeyError as error:
        print("failed", error)


def inside(x):
    return asyncio.run(answer(x))


def below(x):
    return asyncio.get_event_loop().run_until_complete(answer(x))

for call in inside, below:
    try:
        print(call.__name__, call(3))
    except RuntimeError as error:
        print(call.__name__, error)
print("after", await asyncio.gather(answer(1), answer(2)))
`;
const told = ['gather [0, 1, 2]', 'group 4 5', 'run 5 1 2', 'loop 6 2', 'runner 8', 'new 7',
  "failed 'inside'"];
const lines = async ({ text }) => (await text('console')).trimEnd().split('\n');

// A worker without stack switching: no flag of browsers takes it away.
const withoutJSPI = (at) => ({
  '/page/worker.js': `import './first.js';\n${
    fs.readFileSync(path.join(at, 'page/worker.js'), 'utf8')}`,
  '/page/first.js': "for (const name of ['Suspending', 'promising', 'SuspendError']) "
    + 'delete WebAssembly[name];' });

test('where the browser has stack switching, all that waits does, in functions of an interface too', async (t) => {
  const at = site('waiting', { 'app.py': `${program}
import gradio as gr


async def later(x):
    return await answer(f"later {x}")

gr.TabbedInterface([gr.Interface(lambda x: inside(f"inside {x}"), "text", gr.Textbox(label="out")),
                    gr.Interface(later, "text", gr.Textbox(label="out"))], ["one", "two"]).launch()
` });
  const opened = await openFolder(at);
  if (!await opened.page.evaluate(() => typeof WebAssembly.Suspending === 'function')) {
    await opened.close();
    return t.skip('this browser has no stack switching');
  }
  assert.equal(opened.state, 'ready', await opened.text('failure'));
  assert.deepEqual(await lines(opened), [...told, 'inside 3', 'below 3', 'after [1, 2]']);
  for (const [tab, wanted] of [['one', 'inside it'], ['two', 'later it']]) {
    await opened.page.getByRole('tab', { name: tab, exact: true }).click();
    await opened.page.locator('textarea:visible').first().fill('it');
    await opened.page.locator('button:visible', { hasText: 'Submit' }).click();
    await opened.page.waitForFunction((text) => [...document.querySelectorAll('textarea')].some(
      ({ value }) => value === text), wanted);
  }
  assert.deepEqual(opened.problems, []);
  await opened.close();
  return undefined;
});

test('where it has none, it waits at the top level, and says in functions what that takes', async () => {
  const at = site('without', { 'app.py': `${program}inside(4)\n` });
  const opened = await openFolder(at, { files: withoutJSPI(at) });
  assert.equal(opened.state, 'failed');
  const said = await lines(opened);
  const refused = 'waits for its result, which takes a browser with stack switching (JSPI): Chrome and '
    + 'Edge from 137 on, Firefox from 153 on, Safari from 27 on';
  assert.deepEqual(said, [...told, `inside asyncio.run() ${refused}`,
    `below run_until_complete() ${refused}`, 'after [1, 2]']);
  const last = program.split('\n').length;
  assert.equal(await opened.text('failure-title'), `app.py, line ${
    program.slice(0, program.indexOf('return asyncio.run')).split('\n').length}: RuntimeError`);
  await opened.page.locator('#failure-trace summary').click();
  assert.match(await opened.page.locator('#failure-trace pre').innerText(),
    new RegExp(`^Traceback.*\n {2}File "app\\.py", line ${last}, in <module>\n`));
  assert.match(await opened.text('failure-advice'), /^Await instead: /);
  await opened.close();
});

const installing = `import micropip


async def attempt(*requirements, **more):
    try:
        await micropip.install(*requirements, **more)
        print("installed", *requirements)
    except Exception as error:
        print(type(error).__name__, str(error).replace(chr(10), " "))

await micropip.install("tinywheel>=1")
await micropip.install(["more-of-it[all]", "tinywheel"])
await micropip.install("./direct-1.0-py3-none-any.whl")
import direct, more_of_it, tinywheel
print(direct.NAME, tinywheel.NAME, more_of_it.NAME)
await attempt("tinywheel<1")
await attempt("no" + "where")
await attempt("./later-1.0-py3-none-any.whl")
await attempt("emfs:/app/late-1.0-py3-none-any.whl")
await attempt("none-1.0-py3-none-any.whl")
await attempt("https://files.invalid/x-1.0-py3-none-any.whl")
late, later = map(__import__, ["late", "later"])
print(late.NAME, later.NAME, "more-of-it" in micropip.list())
await micropip.install("no" + "body")
`;

test('micropip installs what was bundled, wheels of the folder, and says why there is no more', async () => {
  const at = write('installing', { 'app.py': installing });
  const wheels = path.join(folder, 'installed');
  fs.mkdirSync(wheels, { recursive: true });
  const { status, stderr } = spawnSync(process.env.PYTHON ?? 'python3', ['-c', `
import sys
sys.path.insert(0, ${JSON.stringify(path.join(root, 'tests/pyodide'))})
import distribution
for folder, name, requires, text in (
    (sys.argv[1], "tinywheel", (), "NAME = 'tiny'"),
    (sys.argv[1], "more-of-it", ("base-part", "extra-part; extra == 'all'"),
     "import base_part, extra_part; NAME = base_part.NAME + extra_part.NAME"),
    (sys.argv[1], "base-part", (), "NAME = 'base '"), (sys.argv[1], "extra-part", (), "NAME = 'extra'"),
    (sys.argv[2], "direct", (), "NAME = 'direct'"), (sys.argv[2], "late", (), "NAME = 'late'"),
    (sys.argv[2], "later", ("tinywheel>=1",), "NAME = 'later'")):
    file, data = distribution.wheel(name, "1.0", {name.replace("-", "_") + ".py": text}, requires)
    open(folder + "/" + file, "wb").write(data)`, wheels, at], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  for (const name of fs.readdirSync(wheelsDir).filter((each) => each.endsWith('.whl'))) {
    fs.copyFileSync(path.join(wheelsDir, name), path.join(wheels, name));
  }
  const opened = await openFile(page('installing', {}, '--wheels', wheels, '--include',
    path.join(at, 'late-1.0-py3-none-any.whl')));
  assert.equal(opened.state, 'failed');
  const [names, older, none, later, late, lacking, elsewhere, last, ...rest] = await lines(opened);
  assert.deepEqual(rest, []);
  assert.equal(names, 'direct tiny base extra');
  assert.match(older, /^ValueError Requested 'tinywheel<1', but tinywheel==1\.0 is already installed/);
  assert.doesNotMatch(older, /A page has no network/);
  const how = /A page has no network: packages come along when it is built\..*--wheels DIR\.$/;
  assert.match(none, /^ValueError Can't fetch metadata for 'nowhere'/);
  assert.match(none, how);
  assert.deepEqual([later, late], ['installed ./later-1.0-py3-none-any.whl',
    'installed emfs:/app/late-1.0-py3-none-any.whl']);
  assert.match(lacking, /^FileNotFoundError .*'\/app\/none-1\.0-py3-none-any\.whl'/);
  assert.match(elsewhere, /^ValueError Can't fetch wheel/);
  assert.match(elsewhere, how);
  assert.equal(last, 'late later True');
  assert.equal(await opened.text('failure-title'), `app.py, line ${installing.split('\n').length - 1
  }: ValueError`);
  assert.match(await opened.text('failure-message'), how);
  assert.deepEqual(opened.requests.filter((url) => /^https?:/.test(url) && !/invalid|pypi/.test(url)), []);
  await opened.close();
});
