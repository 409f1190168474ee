// Pages of Gradio-Lite's as `ashore app PAGE.html` writes them: a folder, and one file from a disk. And
// what is read out of pages, against what a browser reads.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { openBrowser, openPage, serve } from '../browser/serve.mjs';
import { root, until } from '../js/setup.mjs';
import * as app from './app_site.mjs';
import { png } from './gradio_files.mjs';

const patience = { timeout: 90000 }; // Python starts slowly where other tests run as well
const python = process.env.PYTHON ?? 'python3';

const article = `<!DOCTYPE html>
<html lang="en">
<head>
<title>Notes on doubling</title>
<link rel="preconnect" href="https://fonts.gstatic.com">
<script type="module" crossorigin src="https://cdn.jsdelivr.net/npm/@gradio/lite/dist/lite.js"></script>
<link rel="stylesheet" href="https://cdn.jsdelivr.net/npm/@gradio/lite/dist/lite.css">
<link rel="stylesheet" href="css/look.css">
<script defer src="late.js"></script>
<style>button { background-color: rgb(10, 20, 30) } gradio-lite { border: 3px solid teal }</style>
</head>
<body>
<h1 style="letter-spacing: 7px">Doubling</h1>
<p id="first">A reader&rsquo;s <em>own</em> text, and a <button id="mine">button</button>.</p>
<img id="dot" src="pictures/dot.png" alt="a dot">
<gradio-lite theme="dark" initial-height="123px" control-page-title>
  <gradio-requirements>
    # with the runtime
    gradio
  </gradio-requirements>
  <gradio-file name="app.py" entrypoint>
    import gradio as gr
    from tools.helper import twice

    with open("data/text.txt") as file:
        TEXT = file.read().strip()

    def fn(x):
        return twice(x) + TEXT if len(x) &lt; 9 else "long"

    print("started")
    with gr.Blocks(title="Doubled", css="#in { outline: 5px solid rgb(1, 2, 3) }") as demo:
        a = gr.Textbox(label="In", elem_id="in")
        b = gr.Textbox(label="Out")
        gr.Button("Go").click(fn, a, b)
    demo.launch()
  </gradio-file>
  <gradio-file name="tools/helper.py">
    def twice(x):
        return x + x
  </gradio-file>
  <gradio-file name="data/text.txt" url="a%20b/text.txt?v=1" />
</gradio-lite>
<h2 id="second">And numbers</h2>
<div class="tall"></div>
<gradio-lite>
import gradio as gr
gr.Interface(lambda x: x * 2, gr.Number(label="A number"), gr.Number(label="Twice")).launch()
</gradio-lite>
<gradio-lite><gradio-code>
    import gradio as gr
    raise ValueError("not today")
</gradio-code></gradio-lite>
<p id="last">The end.</p>
<script>document.getElementById('mine').onclick = () => { document.body.dataset.clicked = 'yes'; };</script>
</body>
</html>
`;

let browser;
let server;
const made = {};
before(async () => {
  const at = app.write('lite', { 'article.html': article, 'a b/text.txt': '!\n',
    'pictures/dot.png': png([[[0, 128, 128], [0, 128, 128]]]),
    'css/look.css': 'h2 { background: url("../pictures/dot.png") } .tall { height: 4000px }',
    'late.js': 'document.body.dataset.late = document.getElementById("last").textContent;' });
  made.folder = path.join(app.folder, 'lite.site');
  made.file = path.join(app.folder, 'lite.html');
  made.said = [['-o', made.folder], ['--one-file', made.file]].map((to) =>
    app.build(path.join(at, 'article.html'), ...to));
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  server?.close();
  await app.end();
});

test('what is taken out of a page is named', () => {
  for (const { status, err } of made.said) {
    assert.equal(status, 0, err);
    assert.deepEqual(err.trim().split('\n').map((line) => line.replace(/^.*article\.html/, '')), [
      ':5: <link> of https://fonts.gstatic.com is left out: it only asks for something beforehand',
      ':6: <script> of https://cdn.jsdelivr.net/npm/@gradio/lite/dist/lite.js is left out: it is '
        + 'Gradio-Lite itself',
      ":7: <link> of https://cdn.jsdelivr.net/npm/@gradio/lite/dist/lite.css is left out: it is "
        + "Gradio-Lite's"]);
  }
});

const value = async (page, label, wanted) => {
  const element = await page.getByLabel(label, { exact: true }).elementHandle();
  await page.waitForFunction(([found, text]) => found.value === text, [element, wanted]);
};

async function use(page) {
  const [first, second, third] = [0, 1, 2].map((i) => page.locator('gradio-lite').nth(i));
  await first.locator('.gr-page').waitFor(patience);
  await page.getByLabel('In', { exact: true }).fill('ab');
  await page.getByRole('button', { name: 'Go' }).click();
  await value(page, 'Out', 'abab!');
  assert.equal(await page.title(), 'Doubled');
  // What is far below has not been started.
  assert.equal(await second.locator('.status').textContent(), 'Loading…');
  await page.locator('#last').scrollIntoViewIfNeeded();
  await second.locator('.gr-page').waitFor(patience);
  await page.getByLabel('A number', { exact: true }).fill('21');
  await page.getByRole('button', { name: 'Submit' }).click();
  await value(page, 'Twice', '42');
  assert.equal(await page.title(), 'Doubled');
  await third.locator('.status.failed').waitFor(patience);
  assert.equal(await third.locator('.status').textContent(), 'app.py, line 2: ValueError: not today');
  assert.match(await third.locator('.gr-trace').textContent(), /^Traceback[^]*File "app\.py", line 2/);
}

// How the page looks outside of the programs.
const looks = (page) => page.evaluate(() => {
  const style = (selector, name) => getComputedStyle(document.querySelector(selector))[name];
  document.getElementById('mine').click();
  return { order: [...document.body.children].map(({ localName }) => localName).filter((name) =>
    name !== 'script'), text: document.getElementById('first').textContent,
  button: style('#mine', 'backgroundColor'), heading: style('h1', 'letterSpacing'),
  border: style('gradio-lite', 'borderTopWidth'), body: style('body', 'backgroundColor'),
  margin: style('body', 'marginTop'), font: style('#first', 'fontFamily'),
  second: style('h2', 'backgroundImage').slice(0, 5), width: document.getElementById('dot')
    .naturalWidth, clicked: document.body.dataset.clicked, late: document.body.dataset.late };
});
const wanted = { order: ['h1', 'p', 'img', 'gradio-lite', 'h2', 'div', 'gradio-lite', 'gradio-lite',
  'p'], text: 'A reader’s own text, and a button.', button: 'rgb(10, 20, 30)', heading: '7px',
border: '3px', body: 'rgba(0, 0, 0, 0)', margin: '8px', second: 'url("', width: 2, clicked: 'yes',
late: 'The end.' };

async function check(page, problems) {
  const { font, ...found } = await looks(page);
  assert.deepEqual(found, wanted);
  assert.ok(!/system-ui/.test(font), font);
  const styles = await page.locator('gradio-lite').first().evaluate((element) => {
    const root = element.shadowRoot;
    const of = (selector) => getComputedStyle(root.querySelector(selector));
    return { scheme: getComputedStyle(element).colorScheme, button: of('button').backgroundColor,
      outline: of('#in').outlineWidth, font: of('.gr-page').fontFamily };
  });
  assert.equal(styles.scheme, 'dark');
  assert.equal(styles.outline, '5px');
  assert.notEqual(styles.button, 'rgb(10, 20, 30)'); // the page's own styles end at the element
  assert.match(styles.font, /system-ui/);
  assert.deepEqual(problems, []);
}

const policyOf = (at) => /Content-Security-Policy: (.*)/.exec(
  fs.readFileSync(path.join(at, '_headers'), 'utf8'))[1];

test('a page with three programs in a folder', async () => {
  server = await serve({ folders: { '': made.folder }, isolated: true,
    policy: policyOf(made.folder) });
  const { page, problems } = await openPage(browser, server.url);
  await use(page);
  await check(page, problems);
  await page.close();
});

test('a page with three programs in one file, from a disk without a network', async () => {
  const context = await browser.newContext({ offline: true });
  const requests = [];
  context.on('request', (request) => requests.push(new URL(request.url()).protocol));
  const { page, problems } = await openPage(context, pathToFileURL(made.file).href);
  await use(page);
  await check(page, problems);
  assert.deepEqual([...new Set(requests)].filter((protocol) =>
    !['file:', 'blob:', 'data:'].includes(protocol)), []);
  assert.match(await page.locator('.gr-notes').first().textContent(), /^Threads are not available/);
  await context.close();
});

test('an element that leaves the page ends its program, and starts it anew where it comes back', async () => {
  const context = await browser.newContext({ offline: true });
  const { page } = await openPage(context, pathToFileURL(made.file).href);
  await page.locator('.gr-page').first().waitFor(patience);
  assert.equal(page.workers().length, 1);
  await page.evaluate(() => {
    globalThis.element = document.querySelector('gradio-lite');
    globalThis.element.remove();
  });
  await page.waitForFunction(() => true);
  for (let i = 0; page.workers().length && i < 500; i++) await page.waitForTimeout(20);
  assert.equal(page.workers().length, 0);
  await page.evaluate(() => document.body.prepend(globalThis.element));
  await page.locator('gradio-lite .gr-page').first().waitFor(patience);
  await page.getByLabel('In', { exact: true }).fill('x');
  await page.getByRole('button', { name: 'Go' }).click();
  await value(page, 'Out', 'xx!');
  await context.close();
});

// Two programs: the second one has a module of its own with a name of the standard library's, which the
// first one's snapshot holds.
const pair = `<!doctype html><html lang="en"><title>Pair</title>
<gradio-lite eager>
import colorsys, random
import gradio as gr
STATE = []
def fn(x):
    STATE.append(x)
    return f"{len(STATE)} {colorsys.rgb_to_hsv(1, 0, 0)[1]:.0f}"
with gr.Blocks() as demo:
    a = gr.Textbox(label="One")
    gr.Textbox(label="Chance one", value=str(random.random()))
    gr.Button("First").click(fn, a, a)
demo.launch()
</gradio-lite>
<gradio-lite eager><gradio-file name="colorsys.py">NAME = "own"</gradio-file><gradio-code>
import random
import gradio as gr
import colorsys
STATE = []
def fn(x):
    STATE.append(x)
    return f"{len(STATE)} {colorsys.NAME}"
with gr.Blocks() as demo:
    b = gr.Textbox(label="Two")
    gr.Textbox(label="Chance two", value=str(random.random()))
    gr.Button("Second").click(fn, b, b)
demo.launch()
</gradio-code></gradio-lite></html>
`;

test('all programs of a page start from one snapshot, each in a state of its own', async (t) => {
  const at = app.write('pair', { 'pair.html': pair });
  const to = path.join(app.folder, 'pair.site');
  const { status, err } = app.build(path.join(at, 'pair.html'), '-o', to);
  assert.equal(status, 0, err);
  const { programs } = JSON.parse(fs.readFileSync(path.join(to, 'app.json')));
  assert.deepEqual(programs[1].snapshot, programs[2].snapshot);
  const own = await serve({ folders: { '': to }, isolated: true, policy: policyOf(to) });
  t.after(() => own.close());
  const context = await browser.newContext();
  t.after(() => context.close());
  const chance = [];
  for (const wanted of ['kept', 'used']) {
    const page = await context.newPage();
    const problems = [];
    const told = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
      if (message.text().startsWith('Ashore: ')) told.push(message.text());
    });
    await page.goto(own.url);
    for (const [label, button, ends] of [['One', 'First', '1'], ['Two', 'Second', 'own']]) {
      await page.getByRole('button', { name: button }).waitFor(patience);
      for (const count of [1, 2]) {
        await page.getByRole('button', { name: button }).click();
        await value(page, label, `${count} ${ends}`);
      }
    }
    for (const label of ['Chance one', 'Chance two']) {
      chance.push(await page.getByLabel(label, { exact: true }).inputValue());
    }
    assert.ok(await until(() => told.length === 2), told.join());
    assert.match(told.join(), wanted === 'kept' ? /a snapshot of Python is kept/
      : /was restored from a snapshot,.*was restored from a snapshot/);
    assert.deepEqual(problems, []);
    await page.close();
  }
  assert.equal(new Set(chance).size, 4, chance.join());
});

test('an element that is taken away while it starts leaves the others their turn', async () => {
  const context = await browser.newContext({ offline: true });
  const { page } = await openPage(context, pathToFileURL(made.file).href);
  await until(() => page.workers().length > 0);
  assert.equal(await page.evaluate(() => {
    const first = document.querySelector('gradio-lite');
    first.remove();
    return first.shadowRoot.querySelector('.gr-page');
  }), null, 'it had not started');
  await page.locator('#last').scrollIntoViewIfNeeded();
  await page.getByLabel('A number', { exact: true }).waitFor(patience);
  await context.close();
});

// ---- what is read --------------------------------------------------------------------------------

const lite = (inside) => `<!doctype html><p>before</p>${inside}<p>after`;
const pages = [
  '<gradio-lite>x = 1</gradio-lite>',
  '<GRADIO-LITE>\r\n\tx = 1\r\n\tif x:\r\n\t\ty\r\n</GRADIO-LITE>',
  '<gradio-lite>a &lt; b &amp;&amp; c &gt d &quot;&eacute;&#233;&#xe9;&hellip;&notin;&notit;&nbsp;e</gradio-lite>',
  '<gradio-lite>a < b <= c << 3 <3 <- </gradio-lite>',
  '<gradio-lite>a<!-- b --->c<!--> d<!--->e<!-- --!>f<?g>h</ i>j</></gradio-lite>',
  '<gradio-lite>a\u0000b</gradio-lite>',
  '<gradio-lite>ignored<gradio-code>x = "<b>1</b>"<br>y<i>z</gradio-code></gradio-lite>',
  '<gradio-lite><gradio-code>a &amp;lt; b</gradio-code></gradio-lite>',
  '<gradio-lite><gradio-file name=app.py entrypoint>\n  a\n   b</gradio-file><gradio-file name="d/t.txt">'
    + '\n  c\n</gradio-file></gradio-lite>',
  '<gradio-lite><gradio-file name="a&amp;b.py" ENTRYPOINT="">a</gradio-file></gradio-lite>',
  "<gradio-lite><gradio-file name='a>b.py' entrypoint = 'x'>a</gradio-file></gradio-lite>",
  '<gradio-lite><gradio-file name=app.py name=b.py entrypoint>a</gradio-file></gradio-lite>',
  '<gradio-lite><gradio-file name=app.py entrypoint><b>a<u>c</gradio-file><gradio-file name=b.py>d'
    + '</gradio-file></b></gradio-lite>',
  '<gradio-lite><div><p><gradio-file name=app.py entrypoint>a</gradio-file></div></gradio-lite>',
  '<gradio-lite><gradio-file name=app.py entrypoint>a<span>b</gradio-file></gradio-lite>',
  '<gradio-lite><gradio-requirements>\n# a\n numpy >= 1 \n\nscipy</gradio-requirements>x</gradio-lite>',
  '<gradio-lite>a</gradio-lite></b></i><gradio-lite>b</gradio-lite>',
  '<!-- <gradio-lite>no</gradio-lite> --><template><gradio-lite>no</gradio-lite></template>'
    + '<gradio-lite>yes</gradio-lite>',
  '<script>"<gradio-lite>no</gradio-lite>"</script><style><gradio-lite></style><title><gradio-lite>'
    + '</title><textarea><gradio-lite>no</textarea><gradio-lite>yes</gradio-lite>',
  '<script><!-- <script> </script> <gradio-lite>no --></script><gradio-lite>yes</gradio-lite>',
  '<gradio-lite title="a > b" data-x=\'<gradio-lite>\'>yes</gradio-lite>',
  '<a href=x/><gradio-lite>yes</gradio-lite></a>',
  '<p>a<gradio-lite>x = 1</gradio-lite>b',
  '<p>a<div><gradio-lite><div><gradio-code>x</gradio-code></div></gradio-lite></div>',
  '<gradio-lite>x\f = 1\n  y</gradio-lite>',
].map(lite);

// As Gradio-Lite took its elements.
const browserReads = (texts) => texts.map((text) => [...new DOMParser().parseFromString(text,
  'text/html').querySelectorAll('gradio-lite')].map((element) => {
  const files = Object.fromEntries([...element.getElementsByTagName('gradio-file')].map((file) =>
    [file.getAttribute('name'), file.textContent]));
  const [code] = element.getElementsByTagName('gradio-code');
  const own = [...element.childNodes].filter(({ nodeType }) => nodeType === 3)
    .map(({ data }) => data).join('');
  const entry = element.querySelector('gradio-file[entrypoint]')?.getAttribute('name');
  return { files, code: entry ? null : code?.textContent ?? own,
    requirements: element.querySelector('gradio-requirements')?.textContent ?? null };
}));

const reader = `
import json, sys
sys.path.insert(0, sys.argv[1])
from ashore_tools.lite.document import Document
from ashore_tools.lite.programs import Reader, assembled
found = []
for text in json.load(sys.stdin):
    document = Document(text.encode(), "page.html")
    Reader(document, ".").programs()
    assert not document.problems, (text, document.problems)
    def one(part):
        return assembled(document, part.texts).text
    found.append([{"files": {p.get("name"): one(p) for p in lite.parts["gradio-file"]},
                   "code": None if any(p.get("entrypoint") is not None
                                       for p in lite.parts["gradio-file"])
                   else one((lite.parts["gradio-code"] or [lite])[0]),
                   "requirements": next((one(p) for p in lite.parts["gradio-requirements"]), None)}
                  for lite in document.lites])
json.dump(found, sys.stdout)
`;

test('pages are read as a browser reads them', async () => {
  const page = await browser.newPage();
  const read = await page.evaluate(browserReads, pages);
  await page.close();
  const ours = JSON.parse(execFileSync(python, ['-B', '-c', reader, path.join(root, 'tools')],
    { input: JSON.stringify(pages) }));
  pages.forEach((text, i) => assert.deepEqual(ours[i], read[i], text));
});
