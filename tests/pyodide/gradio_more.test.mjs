// The other components, the layouts, and events that follow each other, in Chromium.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { recordsPieces, savedBy } from '../browser/browsers.mjs';
import { asInPython, events, fired, finish, frame, listening, openGradio, out, settled, show }
  from './gradio_page.mjs';
import { picture, png, wav } from './gradio_files.mjs';

const fruit = '["apple", ("Big pear", "pear"), ("Three", 3)]';
const programs = {
  'radio.py': listening(`gr.Radio(${fruit}, label="Fruit", info="one")`),
  'dropdown.py': listening(`gr.Dropdown(${fruit}, label="Fruit")`),
  'many.py': listening(`gr.Dropdown(${fruit}, label="Fruit", multiselect=True, max_choices=2,
        value=["apple"])`),
  'free.py': listening(`gr.Dropdown(${fruit}, label="Fruit", allow_custom_value=True, value=None)`),
  'index.py': listening(`gr.Radio(${fruit}, label="Fruit", type="index", value="pear")`),
  'checkbox.py': listening('gr.Checkbox(label="Sure", info="really")'),
  'group.py': listening(`gr.CheckboxGroup(${fruit}, label="Fruit", value=["pear"],
        show_select_all=True)`),
  'audio.py': listening('gr.Audio(label="Sound", type="array")',
    '(None if v is None else (v[0], v[1].shape, v[1].tolist()[:4]))'),
  'audio_out.py': `
import gradio as gr
from array import array

with gr.Blocks() as demo:
    it = gr.Audio(label="In", type="filepath")
    same = gr.Audio(label="Same")
    made = gr.Audio(label="Made")
    it.upload(lambda path: (path, (8000, [0.0, 0.5, -0.25])), it, [same, made])
demo.launch()
`,
  'markdown.py': `
import gradio as gr

TEXT = """# Title
Some **bold**, *lean*, \`a < b\` and [a link](https://example.org "there").

- one
- two
    1. deeper

| a | b |
|---|--:|
| 1 | 2 |

> said

\`\`\`python
print("<b>")
\`\`\`
<script>alert(1)</script><img src=x onerror="globalThis.hurt = 1">
<a href="javascript:globalThis.hurt = 1" onclick="globalThis.hurt = 1">click</a>
<b style="color: red; position: fixed; background-image: url(https://example.org)">styled</b>
"""
with gr.Blocks() as demo:
    it = gr.Markdown(TEXT, show_copy_button=True)
    page = gr.HTML("<p id='p' class='user'>Hi <iframe src='/'></iframe><svg onload='globalThis.hurt = 1'>"
                   "<script>globalThis.hurt = 1</script></svg><style>p { display: none }</style></p>")
    button = gr.Button("Change")
    out = gr.Textbox(label="out")
    button.click(lambda: ("now *this*", "<em>and that</em>"), None, [it, page])
    it.change(lambda v: f"change {v!r}", it, out)
    it.copy(lambda v: f"copy {v!r}", it, out)
    other = gr.Textbox(label="other")
    page.change(lambda v: f"change {v!r}", page, other)
demo.launch()
`,
  'file.py': listening('gr.File(label="Files", file_count="multiple", file_types=[".txt", "image"])',
    "(None if v is None else [(os.path.basename(p), open(p, 'rb').read()) for p in v])"),
  'saved.py': `
import gradio as gr
import os
import tempfile

def write(text):
    path = os.path.join(tempfile.mkdtemp(), "note.txt")
    with open(path, "w") as file:
        file.write(text)
    return path, path

with gr.Blocks() as demo:
    text = gr.Textbox(label="Text")
    file = gr.File(label="File")
    button = gr.DownloadButton("Take it")
    up = gr.UploadButton("Give it", type="binary")
    size = gr.Number(label="Size")
    saw = gr.Textbox(label="Saw")
    text.change(write, text, [file, button])
    file.download(lambda: "download", None, saw)
    up.upload(lambda content: len(content), up, size)
demo.launch()
`,
  'json.py': `
import gradio as gr

with gr.Blocks() as demo:
    it = gr.JSON({"a": [1, 2.5, None, True], "b": {"c": "text"}}, label="Data")
    button = gr.Button("Change")
    out = gr.Textbox(label="out")
    button.click(lambda v: {"was": v, "set": {3, 1}}, it, it)
    it.change(lambda v: f"change {v!r}", it, out)
demo.launch()
`,
  'state.py': `
import gradio as gr

with gr.Blocks() as demo:
    count = gr.State([0])
    button = gr.Button("More")
    shown = gr.Number(label="Count")
    last = gr.Textbox(label="Last")
    button.click(lambda c: [c[0] + 1], count, count)
    count.change(lambda c: (c[0], f"{type(c).__name__} {c}"), count, [shown, last])
demo.launch()
`,
  'layout.py': `
import gradio as gr

with gr.Blocks() as demo:
    with gr.Tabs() as tabs:
        with gr.Tab("First", id="one"):
            gr.Textbox(label="in first")
        with gr.Tab("Second", id="two") as second:
            gr.Textbox(label="in second")
        with gr.TabItem("Third", visible=False) as third:
            gr.Textbox(label="in third")
    with gr.Row(equal_height=True):
        with gr.Column(scale=2) as left:
            a = gr.Button("a")
        with gr.Column(min_width=100):
            b = gr.Button("b")
    with gr.Accordion("More", open=False) as more:
        inside = gr.Textbox(label="inside")
    with gr.Group():
        gr.Textbox(label="g1")
        out = gr.Textbox(label="out")
    def chosen(evt: gr.SelectData):
        return f"{evt.value} {evt.index}"
    second.select(chosen, None, out)
    tabs.change(lambda: "changed", None, inside)
    a.click(lambda: (gr.Tabs(selected="one"), gr.update(visible=True), gr.Accordion(open=True)), None,
            [tabs, third, more])
    b.click(lambda: gr.Column(visible=False), None, left)
    more.collapse(lambda: "collapsed", None, out)
demo.launch()
`,
  'chain.py': `
import gradio as gr

def fail(flag):
    if flag:
        raise ValueError("of purpose")
    gr.Info("It went well")
    return "done"

with gr.Blocks() as demo:
    flag = gr.Checkbox(label="Fail")
    button = gr.Button("Go")
    first = gr.Textbox(label="First")
    then = gr.Textbox(label="Then")
    well = gr.Textbox(label="Well")
    badly = gr.Textbox(label="Badly")
    loaded = gr.Textbox(label="Loaded")
    both = gr.Textbox(label="Both")
    demo.load(lambda: "loaded", None, loaded)
    run = button.click(fail, flag, first)
    run.then(lambda: "then", None, then)
    run.success(lambda: "well", None, well)
    run.failure(lambda: "badly", None, badly)
    gr.on([button.click, flag.change], lambda values: values[flag], {flag}, both)

    @flag.input(inputs=[flag], outputs=[first])
    async def asynchronous(value):
        return f"async {value}"
demo.launch()
`,
  'endless.py': `
import gradio as gr
import time

def endless():
    n = 0
    while True:
        n += 1
        time.sleep(0.002)
        yield n

with gr.Blocks() as demo:
    start, stop = gr.Button("Start"), gr.Button("Stop")
    shown = gr.Number(label="Shown")
    after = gr.Textbox(label="After")
    run = start.click(endless, None, shown)
    run.then(lambda n: f"after {n}", shown, after)
    stop.click(None, cancels=[run])
demo.launch()
`,
  'dataframe.py': listening(`gr.Dataframe([["a", 1], ["b", 2]], headers=["name", "size"], type="array",
        datatype=["str", "number"], label="Table", interactive=True)`),
  'gallery.py': `
import gradio as gr

with gr.Blocks() as demo:
    button = gr.Button("Fill")
    it = gr.Gallery(label="Pictures", columns=2)
    plot = gr.Plot(label="Plot")
    out = gr.Textbox(label="out")

    class Figure:
        def savefig(self, file, format, **kwargs):
            from gradio._pictures import png
            file.write(png(2, 1, 3, bytes([255, 0, 0, 0, 0, 255])))

    button.click(lambda: ([("p.png", "one"), [[[0, 255, 0]]]], Figure()), None, [it, plot])

    def chosen(evt: gr.SelectData):
        return f"{evt.index} {evt.value}"
    it.select(chosen, None, out)
    changed = gr.Textbox(label="changed")
    it.change(lambda v: [caption for _, caption in v], it, changed)
    plot.change(lambda: "drawn", None, gr.Textbox(label="plotted"))
demo.launch()
`,
  'colour.py': listening('gr.ColorPicker("#ff0000", label="Colour")'),
  'timer.py': `
import gradio as gr

with gr.Blocks() as demo:
    clock = gr.Timer(0.05)
    count = gr.Number(0, label="Count")
    again = gr.Textbox(lambda: "made", every=0.05, label="Again")
    sums = gr.Textbox(lambda n: f"{n} twice is {2 * n}", inputs=count, label="Sums")
    clock.tick(lambda n: n + 1, count, count)
    gr.Button("Stop").click(lambda: gr.Timer(active=False), None, clock)
    gr.Button("Go on").click(lambda: gr.Timer(0.02, active=True), None, clock)
    with gr.Sidebar("Side"):
        gr.Markdown("At the side")
demo.launch()
`,
  'judged.py': `
import gradio as gr

with gr.Blocks() as demo:
    chat = gr.Chatbot([{"role": "user", "content": "One?"}, {"role": "assistant", "content": "Yes."},
                       {"role": "user", "content": "Two?"}, {"role": "assistant", "content": "No."}],
                      type="messages", label="Chat")
    out = gr.Textbox(label="out")

    def like(data: gr.LikeData):
        return f"like {data.index} {data.value} {data.liked}"
    def retry(history, data: gr.RetryData):
        return history[:data.index + 1] + [{"role": "assistant", "content": f"Again: {data.value}"}]
    def undo(history, data: gr.UndoData):
        return history[:data.index], f"undo {data.value}"
    chat.like(like, None, out)
    chat.retry(retry, chat, chat)
    chat.undo(undo, chat, [chat, out])
demo.launch()
`,
  'tuples.py': listening('gr.Chatbot([["Hi **you**", None]], label="Chat", type="tuples")',
    '[[os.path.basename(x[0]) if isinstance(x, tuple) else x for x in pair] for pair in v]', `
    more = gr.Button("More")
    more.click(lambda v: [[*v[0][:1], "*Hello*"], ["<img src=x onerror=alert(1)>", ("p.png",)]], it, it)`),
};

let opened;
before(async () => {
  opened = await openGradio({ programs, files: { 'p.png': png([[[0, 0, 255], [255, 0, 0]]]) },
    permissions: ['clipboard-read', 'clipboard-write', 'microphone'] });
});
after(() => opened?.close());
const at = (label) => opened.page.getByLabel(label, { exact: true });
const press = async (name) => {
  await opened.page.getByRole('button', { name, exact: true }).click();
  await settled(opened);
};

test('Radio: values of any type, indices', async () => {
  await show(opened, 'radio.py');
  for (const [label, value] of [['apple', "'apple'"], ['Big pear', "'pear'"], ['Three', '3']]) {
    await at(label).check();
    await settled(opened);
    assert.equal(await out(opened), `select ${value}`);
  }
  await finish(opened, 'radio.py', await events(opened, 'radio'));
  await show(opened, 'index.py');
  assert.equal(await at('Big pear').isChecked(), true);
  await at('Three').check();
  await settled(opened);
  assert.equal(await out(opened), 'select 2');
  await finish(opened, 'index.py', await events(opened, 'radio'));
});

test('Dropdown: one, several up to a limit, and what is not among the choices', async () => {
  await show(opened, 'dropdown.py');
  assert.equal(await at('Fruit').evaluate((element) => element.selectedOptions[0].label), 'apple');
  await at('Fruit').focus();
  await at('Fruit').selectOption('Three');
  await at('Fruit').blur();
  await settled(opened);
  assert.equal(await out(opened), 'blur 3');
  await finish(opened, 'dropdown.py', await events(opened, 'dropdown'));

  await show(opened, 'many.py');
  await opened.page.getByText('apple', { exact: true }).first().click();
  await at('Three').check();
  await settled(opened);
  assert.equal(await at('Big pear').isDisabled(), true, 'two are enough');
  assert.equal(await out(opened), "select ['apple', 3]");
  assert.equal(await frame(opened, 'Fruit').locator('summary').textContent(), 'apple, Three');
  await finish(opened, 'many.py', ['change', 'input', 'select']);

  await show(opened, 'free.py');
  await at('Fruit').fill('kiwi');
  await at('Fruit').blur();
  await settled(opened);
  await at('Fruit').fill('Big pear');
  await at('Fruit').blur();
  await settled(opened);
  const said = (await asInPython(opened, 'free.py')).flatMap(({ updates }) => updates[0][0].value);
  assert.ok(said.includes("change 'kiwi'") && said.includes("change 'pear'"), said.join());
});

test('Checkbox and CheckboxGroup', async () => {
  await show(opened, 'checkbox.py');
  await at('Sure').check();
  await settled(opened);
  assert.equal(await out(opened), 'select True');
  await finish(opened, 'checkbox.py', await events(opened, 'checkbox'));
  await show(opened, 'group.py');
  await at('Three').check();
  await settled(opened);
  assert.equal(await out(opened), "select ['pear', 3]");
  await press('Select all');
  assert.equal(await out(opened), "change ['apple', 'pear', 3]");
  await finish(opened, 'group.py', await events(opened, 'checkboxgroup'));
});

test('Audio: chosen, played, recorded, cleared; given back', async () => {
  const sound = { name: 'a.wav', mimeType: 'audio/wav',
    buffer: wav([[0, 1000, -1000, 32767, ...new Array(2000).fill(0)],
      [1, 2, 3, -32768, ...new Array(2000).fill(0)]]) };
  await show(opened, 'audio.py');
  const it = frame(opened, 'Sound');
  await it.locator('input[type=file]').setInputFiles(sound);
  await settled(opened);
  assert.equal(await out(opened),
    'upload (8000, (2004, 2), [[0, 1], [1000, 2], [-1000, 3], [32767, -32768]])');
  await it.locator('audio').evaluate(async (element) => {
    await element.play();
    await new Promise((resolve) => { element.onended = resolve; });
    element.currentTime = 0;
    await element.play();
    const paused = new Promise((resolve) => { element.addEventListener('pause', resolve); });
    element.pause();
    await paused;
  });
  await settled(opened);
  await it.getByRole('button', { name: 'Clear' }).click();
  await settled(opened);
  const recorded = await recordsPieces(opened.page);
  await it.getByRole('button', { name: 'Record' }).click();
  await recorded();
  await it.getByRole('button', { name: 'Stop recording' }).click();
  await it.locator('audio').waitFor();
  await settled(opened);
  assert.match(await out(opened), /^stop_recording \(\d+, \(\d+,( \d)?\)/);
  await finish(opened, 'audio.py', await events(opened, 'audio'));
  await show(opened, 'audio_out.py');
  await frame(opened, 'In').locator('input[type=file]').setInputFiles(sound);
  await settled(opened);
  const given = await savedBy(opened.page, () => frame(opened, 'Made').getByRole('button',
    { name: 'Save' }).click());
  assert.deepEqual([...new Int16Array(new Uint8Array(given).buffer.slice(44))], [0, 32767, -16383]);
  await asInPython(opened, 'audio_out.py');
});

test('Markdown and HTML: shown, changed, and nothing in them runs', async () => {
  await show(opened, 'markdown.py');
  const { page } = opened;
  const text = page.locator('.gr-is-markdown .gr-prose').first();
  assert.deepEqual(await text.evaluate((element) => [...element.querySelectorAll(
    'h1, strong, em, code, ul > li, ol > li, td, th, blockquote, pre')].map((one) =>
    `${one.localName} ${one.textContent.trim().split('\n')[0]}`)), ['h1 Title', 'strong bold', 'em lean',
    'code a < b', 'li one', 'li twodeeper', 'li deeper', 'th a', 'th b', 'td 1', 'td 2', 'blockquote said',
    'pre print("<b>")', 'code print("<b>")']);
  assert.deepEqual(await text.locator('a').first().evaluate((one) => [one.href, one.rel, one.target]),
    ['https://example.org/', 'noopener noreferrer', '_blank']);
  assert.equal(await text.locator('a').last().getAttribute('href'), null);
  await text.locator('a').last().click();
  assert.equal(await text.locator('b').getAttribute('style'), 'color: red;');
  assert.equal(await page.locator('.gr-page :is(script, iframe, style, svg, [onerror], [onclick])')
    .count(), 0);
  assert.equal(await page.locator('#user-p.user').textContent(), 'Hi ');
  await page.getByRole('button', { name: 'Copy' }).click();
  await settled(opened);
  await press('Change');
  assert.equal(await text.innerHTML(), '<p>now <em>this</em></p>');
  assert.equal(await out(opened), "change 'now *this*'");
  assert.equal(await at('other').inputValue(), "change '<em>and that</em>'");
  assert.equal(await page.evaluate(() => globalThis.hurt), undefined);
  await finish(opened, 'markdown.py', ['change', 'click', 'copy']);
});

test('File, UploadButton, DownloadButton', async () => {
  await show(opened, 'file.py');
  const it = frame(opened, 'Files');
  assert.equal(await it.locator('input').getAttribute('accept'), '.txt,image/*');
  await it.locator('input').setInputFiles([{ name: 'a.txt', mimeType: 'text/plain',
    buffer: Buffer.from('one') }, { name: 'b.txt', mimeType: 'text/plain', buffer: Buffer.from([0, 255]) }]);
  await settled(opened);
  assert.equal(await out(opened), "upload [('a.txt', b'one'), ('b.txt', b'\\x00\\xff')]");
  await it.getByRole('button', { name: 'a.txt', exact: true }).click();
  await settled(opened);
  await press('Remove a.txt');
  assert.equal(await out(opened), "delete [('b.txt', b'\\x00\\xff')]");
  await press('Remove b.txt');
  assert.equal(await out(opened), 'clear None');
  await asInPython(opened, 'file.py');
  const seen = new Set(await fired(opened));
  assert.deepEqual([...seen].sort(), ['change', 'clear', 'delete', 'input', 'select', 'upload']);
  await show(opened, 'saved.py');
  await at('Text').fill('written');
  await settled(opened);
  const { page } = opened;
  for (const name of ['Save note.txt', 'Take it']) {
    assert.equal(String(await savedBy(page, () => page.getByRole('button', { name }).click())),
      'written');
  }
  await settled(opened);
  assert.equal(await at('Saw').inputValue(), 'download');
  await frame(opened, 'Give it').locator('input').setInputFiles({ name: 'x', mimeType: '',
    buffer: Buffer.alloc(1234) });
  await settled(opened);
  assert.equal(await at('Size').inputValue(), '1234');
  await asInPython(opened, 'saved.py');
});

test('JSON and State', async () => {
  await show(opened, 'json.py');
  assert.match(await frame(opened, 'Data').textContent(), /"a": \[ 4 \]12\.5nulltrue"b": \{ 1 \}"c": "text"/);
  await press('Change');
  assert.match(await out(opened), /^change \{'was': \{'a': \[1, 2.5, None, True\].*'set': \[1, 3\]\}$/);
  await finish(opened, 'json.py', ['change', 'click']);
  await show(opened, 'state.py');
  await press('More');
  await press('More');
  assert.equal(await at('Count').inputValue(), '2');
  assert.equal(await at('Last').inputValue(), 'list [2]');
  await finish(opened, 'state.py', ['change', 'click']);
});

test('tabs, rows, columns, accordions and groups', async () => {
  await show(opened, 'layout.py');
  const { page } = opened;
  const tab = (name) => page.getByRole('tab', { name });
  assert.equal(await at('in first').isVisible(), true);
  await tab('First').press('ArrowRight');
  await settled(opened);
  assert.equal(await out(opened), 'Second 1');
  assert.deepEqual([await at('in first').isVisible(), await at('in second').isVisible(),
    await tab('Third').isVisible()], [false, true, false]);
  const boxes = await Promise.all(['a', 'b'].map((name) => page.getByRole('button', { name, exact: true })
    .boundingBox()));
  assert.equal(boxes[0].y, boxes[1].y);
  assert.ok(boxes[0].width > 1.5 * boxes[1].width, 'one is twice as wide');
  assert.equal(await at('inside').isVisible(), false);
  await press('a');
  assert.equal(await at('in first').isVisible(), true);
  assert.equal(await tab('Third').isVisible(), true);
  assert.equal(await at('inside').inputValue(), 'changed');
  await page.getByText('More', { exact: true }).click();
  await settled(opened);
  assert.equal(await out(opened), 'collapsed');
  await press('b');
  assert.equal(await page.getByRole('button', { name: 'a', exact: true }).isVisible(), false);
  await finish(opened, 'layout.py', ['change', 'click', 'click', 'collapse', 'select']
    .filter((one, i, all) => all.indexOf(one) === i));
});

test('load, then, success, failure, gr.on, sets of inputs, decorators, messages', async () => {
  await show(opened, 'chain.py');
  await settled(opened);
  const values = () => Promise.all(['First', 'Then', 'Well', 'Badly', 'Loaded', 'Both'].map((name) =>
    at(name).inputValue()));
  assert.deepEqual(await values(), ['', '', '', '', 'loaded', '']);
  await press('Go');
  assert.deepEqual(await values(), ['done', 'then', 'well', '', 'loaded', 'False']);
  await opened.page.getByText('It went well').waitFor();
  await at('Fail').check();
  await settled(opened);
  assert.deepEqual(await values(), ['async True', 'then', 'well', '', 'loaded', 'True']);
  await press('Go');
  assert.deepEqual(await values(), ['async True', 'then', 'well', 'badly', 'loaded', 'True']);
  const notice = opened.page.locator('.gr-notice.gr-error');
  await notice.locator('summary').click();
  assert.match(await notice.locator('pre').textContent(),
    /^Traceback[^]*chain.py", line \d+, in fail\n[^]*ValueError: of purpose\n$/);
  assert.doesNotMatch(await notice.locator('pre').textContent(), /_host|_run/);
  await asInPython(opened, 'chain.py');
  assert.deepEqual(opened.problems, []);
});

test('a generator without an end that never awaits is stopped between two answers', async () => {
  await show(opened, 'endless.py');
  for (let i = 0; i < 2; i++) {
    await opened.page.getByRole('button', { name: 'Start' }).click();
    await opened.page.waitForFunction((n) => globalThis.calls.length === n
      && globalThis.calls.at(-1).updates.length > 5, 2 * i + 1);
    await opened.page.getByRole('button', { name: 'Stop' }).click();
    await settled(opened);
    assert.equal(await at('After').inputValue(), `after ${await at('Shown').inputValue()}`);
  }
  await asInPython(opened, 'endless.py');
  assert.deepEqual(opened.problems, []);
});

test('Dataframe, Gallery, Plot, Chatbot', async () => {
  await show(opened, 'dataframe.py');
  await at('size, row 2').fill('2.5');
  await settled(opened);
  assert.match(await out(opened), /^change \[\['a', 1\], \['b', 2\.5\]\]$/);
  await press('Add a row');
  await finish(opened, 'dataframe.py', await events(opened, 'dataframe'));

  await show(opened, 'gallery.py');
  await press('Fill');
  await opened.page.getByRole('button', { name: 'one', exact: true }).click();
  await settled(opened);
  assert.equal(await out(opened), "0 {'caption': 'one'}");
  assert.equal(await at('changed').inputValue(), "['one', None]");
  assert.equal(await at('plotted').inputValue(), 'drawn');
  await opened.page.locator('.gr-is-plot .gr-picture[data-ready]').waitFor();
  await finish(opened, 'gallery.py', ['change', 'click', 'select']);

  await show(opened, 'tuples.py');
  assert.equal(await opened.page.locator('.gr-message strong').textContent(), 'you');
  await press('More');
  assert.equal(await opened.page.locator('.gr-bot em').textContent(), 'Hello');
  assert.equal(await opened.page.locator('.gr-message .gr-picture').count(), 1);
  assert.equal(await opened.page.locator('.gr-message img').count(), 0);
  await opened.page.getByRole('button', { name: 'Choose' }).first().click();
  await settled(opened);
  assert.match(await out(opened), /^select \[\['Hi \*\*you\*\*', '\*Hello\*'\]/);
  await asInPython(opened, 'tuples.py');
  assert.deepEqual(opened.problems, []);
});

test('ColorPicker: a colour and its events', async () => {
  await show(opened, 'colour.py');
  await at('Colour').focus();
  await settled(opened);
  assert.equal(await out(opened), "focus '#ff0000'");
  await at('Colour').fill('#00ff7f');
  await settled(opened);
  assert.equal(await out(opened), "change '#00ff7f'");
  await at('Colour').blur();
  await finish(opened, 'colour.py', await events(opened, 'colorpicker'));
});

test('Timer: ticks, stops, goes on; values that are computed again; Sidebar', async () => {
  await show(opened, 'timer.py');
  const count = async () => Number(await at('Count').inputValue());
  const past = (least) => opened.page.waitForFunction((n) =>
    Number([...document.querySelectorAll('input[type=number]')].at(-1).value) > n, least);
  await past(2);
  assert.equal(await at('Again').inputValue(), 'made');
  await opened.page.getByRole('button', { name: 'Stop', exact: true }).click();
  await opened.page.waitForFunction(() => !globalThis.config.components.find(({ type, props }) =>
    type === 'timer' && props.value === 0.05).props.active);
  await settled(opened);
  const stopped = await count();
  await opened.page.waitForTimeout(300);
  assert.equal(await count(), stopped);
  await opened.page.waitForFunction((n) => [...document.querySelectorAll('textarea')].some(
    ({ value }) => value === `${n} twice is ${2 * n}`), stopped);
  await opened.page.getByRole('button', { name: 'Go on' }).click();
  await past(stopped + 2);
  assert.equal(await opened.page.locator('details[open]').getByText('At the side').count(), 1);
  await show(opened, 'radio.py'); // its timers end with the page
  const calls = () => opened.page.evaluate(() => globalThis.calls.length);
  await opened.page.waitForTimeout(200);
  assert.equal(await calls(), 0);
  assert.deepEqual(opened.problems, []);
});

test('Chatbot: answers are judged, asked for anew, and taken back', async () => {
  await show(opened, 'judged.py');
  await opened.page.getByRole('button', { name: 'Like', exact: true }).first().click();
  await settled(opened);
  assert.equal(await out(opened), 'like 1 Yes. True');
  await opened.page.getByRole('button', { name: 'Dislike' }).last().click();
  await settled(opened);
  assert.equal(await out(opened), 'like 3 No. False');
  assert.equal(await opened.page.getByRole('button', { name: 'Retry' }).count(), 1);
  await press('Retry');
  assert.match(await opened.page.locator('.gr-message').last().textContent(), /^Answer: Again: Two\?/);
  await press('Undo');
  assert.equal(await out(opened), 'undo Two?');
  assert.equal(await opened.page.locator('.gr-message').count(), 2);
  await finish(opened, 'judged.py', ['like', 'retry', 'undo']);
});
