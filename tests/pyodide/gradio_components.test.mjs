// Textbox, Number, Image, Slider, Label and Button in Chromium: each is set by what a user does, fires
// its events, and answers as the same function does under CPython.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { asInPython, events, fired, frame, listening, openGradio, out, finish, settled, show }
  from './gradio_page.mjs';
import { picture } from './gradio_files.mjs';

const programs = {
  'textbox.py': listening(`gr.Textbox("first", label="Words", info="what it is for", lines=2,
        placeholder="write", max_length=30, submit_btn="Go", stop_btn="Halt", show_copy_button=True)`),
  'looks.py': `
import gradio as gr

with gr.Blocks() as demo:
    gr.Textbox(label="Secret", type="password", elem_id="secret", elem_classes=["one", "two"])
    gr.Textbox("shown", label="Fixed", interactive=False)
    gr.Textbox(label="Hidden", visible=False)
    gr.Textbox(label="Unlabelled", show_label=False, max_lines=1, rtl=True, text_align="right")
    name = gr.Textbox(label="Name")
    hello = gr.Textbox(label="Hello")
    kept = gr.Textbox("kept", label="Kept")
    name.submit(lambda name: ("Hello " + name, gr.skip()), name, [hello, kept])
demo.launch()
`,
  'number.py': listening('gr.Number(label="Amount", minimum=-5, maximum=50, step=0.5, info="so many")'),
  'precise.py': `
import gradio as gr

with gr.Blocks() as demo:
    whole = gr.Number(label="Whole", precision=0)
    real = gr.Number(label="Real", precision=2)
    button = gr.Button("Both")
    out = gr.JSON(label="out")
    back = gr.Number(label="Back", precision=1)
    button.click(lambda a, b: ([a, b, type(a).__name__], b), [whole, real], [out, back])
demo.launch()
`,
  'slider.py': listening('gr.Slider(-1, 1, 0.5, step=0.25, label="Part", info="of one")'),
  'image.py': listening('gr.Image(type="array", label="Picture")',
    '(None if v is None else (v.shape, v.tolist()))'),
  'path.py': listening('gr.Image(type="filepath", label="Picture", sources=["upload"])',
    '(None if v is None else (os.path.basename(v), os.path.getsize(v)))'),
  'grey.py': `
import gradio as gr

def passed(image):
    return image, image.tolist()

with gr.Blocks() as demo:
    it = gr.Image(type="array", label="Grey", image_mode="L")
    back = gr.Image(label="Back", image_mode="L")
    numbers = gr.JSON(label="Numbers")
    floats = gr.Image(label="Floats")
    it.upload(passed, it, [back, numbers])
    it.upload(lambda image: [[[value / 255 for _ in range(3)] for value in row]
                             for row in image.tolist()], it, floats)
demo.launch()
`,
  'label.py': listening(`gr.Label({"cat": 0.25, "dog": 0.7, "cow": 0.05}, num_top_classes=2,
        label="Animal")`, 'v', `other = gr.Button("Other")
    for value in ("plain", 7, {"a": 0.5, "b": 3.5}, None):
        name = gr.Button(f"Give {value}")
        name.click(lambda value=value: value, None, it)`),
  'button.py': listening('gr.Button("Press", variant="primary", size="sm")', 'v', `
    gr.Button("Second")
    stop = gr.Button("End", variant="stop")
    off = gr.Button("Off", interactive=False)
    stop.click(lambda: (gr.Button("On", interactive=True), gr.update(value="Pressed",
               variant="secondary")), None, [off, it])`),
};

let opened;
before(async () => {
  opened = await openGradio({ programs, permissions: ['clipboard-read', 'clipboard-write'] });
});
after(() => opened?.close());

test('Textbox: typed into, selected, sent, stopped, copied', async () => {
  await show(opened, 'textbox.py');
  const box = opened.page.getByLabel('Words');
  assert.equal(await box.inputValue(), 'first');
  assert.equal(await box.getAttribute('placeholder'), 'write');
  assert.equal(await box.getAttribute('maxlength'), '30');
  assert.equal(await box.evaluate((element) => document.getElementById(element
    .getAttribute('aria-describedby')).textContent), 'what it is for');
  await box.fill('Ünïcode 😀 <b>');
  await settled(opened);
  assert.equal(await out(opened), "change 'Ünïcode 😀 <b>'");
  await box.press('Enter');
  assert.equal(await box.inputValue(), 'Ünïcode 😀 <b>\n', 'a new line where there are several');
  await box.press('Shift+Enter');
  await settled(opened);
  assert.equal(await out(opened), "submit 'Ünïcode 😀 <b>\\n'");
  await opened.page.getByRole('button', { name: 'Go' }).click();
  await box.selectText();
  await frame(opened, 'Words').getByRole('button', { name: 'Copy' }).click();
  await settled(opened);
  assert.equal(await opened.page.evaluate(() => navigator.clipboard.readText()), 'Ünïcode 😀 <b>\n');
  await opened.page.evaluate(() => globalThis.shown.nodes.get(globalThis.config.components[0].id)
    .view.running(true));
  await opened.page.getByRole('button', { name: 'Halt' }).click();
  await finish(opened, 'textbox.py', await events(opened, 'textbox'));
});

test('Textbox: kinds, looks, a value that only Python gives, and skip', async () => {
  await show(opened, 'looks.py');
  const { page: at } = opened;
  assert.equal(await at.getByLabel('Secret').getAttribute('type'), 'password');
  assert.equal(await at.locator('#secret.one.two').count(), 1);
  assert.equal(await at.getByLabel('Fixed').evaluate((element) => element.readOnly), true);
  assert.equal(await at.getByLabel('Hidden').isVisible(), false);
  const bare = at.getByLabel('Unlabelled');
  assert.deepEqual(await bare.evaluate((element) => [element.localName, element.dir,
    element.style.textAlign]), ['input', 'rtl', 'right']);
  assert.equal(await at.getByLabel('Hello').evaluate((element) => element.readOnly), true,
    'an output is not written into');
  await at.getByLabel('Name').fill('Ada');
  await at.getByLabel('Name').press('Enter');
  await settled(opened);
  assert.equal(await at.getByLabel('Hello').inputValue(), 'Hello Ada');
  assert.equal(await at.getByLabel('Kept').inputValue(), 'kept');
  await asInPython(opened, 'looks.py');
});

test('Number: typed, stepped, sent, out of bounds, empty', async () => {
  await show(opened, 'number.py');
  const box = opened.page.getByLabel('Amount');
  await box.fill('2.5');
  await settled(opened);
  assert.equal(await out(opened), 'change 2.5');
  await box.press('ArrowUp');
  await settled(opened);
  assert.equal(await box.inputValue(), '3');
  await box.press('Enter');
  await settled(opened);
  assert.equal(await out(opened), 'submit 3');
  await box.fill('');
  await settled(opened);
  assert.equal(await out(opened), 'change None');
  await box.fill('51');
  await opened.page.getByText('Value 51 is greater than maximum value 50.').first().waitFor();
  await box.fill('4');
  await settled(opened);
  assert.equal(await out(opened), 'change 4', 'after an error the next call works');
  await box.blur();
  await finish(opened, 'number.py', await events(opened, 'number'));
});

test('Number: precision both ways', async () => {
  await show(opened, 'precise.py');
  await opened.page.getByLabel('Whole').fill('2.6');
  await opened.page.getByLabel('Real').fill('3.14159');
  await opened.page.getByRole('button', { name: 'Both' }).click();
  const calls = await asInPython(opened, 'precise.py');
  assert.deepEqual(calls[0].updates[0], [{ value: [3, 3.14, 'int'] }, { value: 3.1 }]);
  assert.equal(await opened.page.getByLabel('Back').inputValue(), '3.1');
});

test('Slider: moved by keys, typed, released, put back', async () => {
  await show(opened, 'slider.py');
  const range = opened.page.getByRole('slider', { name: 'Part' });
  assert.deepEqual(await range.evaluate(({ min, max, step, value }) => [min, max, step, value]),
    ['-1', '1', '0.25', '0.5']);
  await range.press('ArrowRight');
  await settled(opened);
  assert.equal(await opened.page.getByLabel('Part, number').inputValue(), '0.75');
  const box = opened.page.getByLabel('Part, number');
  await box.fill('-0.25');
  await box.press('Tab');
  await settled(opened);
  assert.equal(await range.inputValue(), '-0.25');
  await box.fill('9');
  await box.press('Tab');
  await settled(opened);
  assert.deepEqual([await range.inputValue(), await box.inputValue()], ['1', '1'],
    'what is out of bounds becomes the bound');
  await opened.page.getByRole('button', { name: 'Reset Part' }).click();
  await settled(opened);
  assert.equal(await range.inputValue(), '0.5');
  await finish(opened, 'slider.py', await events(opened, 'slider'));
});

for (const name of ['image.py', 'path.py']) {
  test(`Image: chosen, pointed at, cleared, dropped (${name})`, async () => {
    await show(opened, name);
    const it = frame(opened, 'Picture');
    await it.locator('input[type=file]').setInputFiles(picture('a b.png'));
    await settled(opened);
    await it.locator('.gr-picture[data-ready]').waitFor();
    await it.locator('.gr-picture').click({ position: { x: 150, y: 20 } });
    await settled(opened);
    await it.getByRole('button', { name: 'Clear' }).click();
    await settled(opened);
    assert.equal(await it.getByText(/^Drop( or paste)? a picture here$/).count(), 1);
    const { buffer } = picture();
    await it.locator('.gr-media').evaluate((element, bytes) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], 'dropped.png', { type: 'image/png' }));
      element.dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true,
        bubbles: true }));
    }, [...buffer]);
    await it.locator('.gr-picture[data-ready]').waitFor();
    await settled(opened);
    assert.match(await out(opened), name === 'image.py' ? /\(2, 3, 3\), \[\[\[255, 0, 0\]/
      : /\('dropped.png', \d+\)/);
    const before = (await opened.page.evaluate(() => globalThis.calls.length));
    await it.locator('input[type=file]').setInputFiles({ name: 'no.png', mimeType: 'image/png',
      buffer: Buffer.from('not a picture') });
    await opened.page.getByText('no.png is not a picture that this browser can read.').waitFor();
    assert.equal(await opened.page.evaluate(() => globalThis.calls.length), before);
    await finish(opened, name, await events(opened, 'image'));
    const selected = (await asInPython(opened, name)).find(({ data }) => data.event.index);
    assert.deepEqual(selected.data.event.index, [2, 0]);
  });
}

test('Image: grey, given back from bytes and from numbers with a fraction', async () => {
  await show(opened, 'grey.py');
  await frame(opened, 'Grey').locator('input[type=file]').setInputFiles(picture());
  await settled(opened);
  const calls = await asInPython(opened, 'grey.py');
  // 0.299 of red, 0.587 of green, 0.114 of blue; then black, grey and white.
  assert.deepEqual(calls[0].updates[0][1].value, [[76, 150, 29], [0, 128, 255]]);
  await frame(opened, 'Floats').locator('.gr-picture[data-ready]').waitFor();
  const pixels = await frame(opened, 'Floats').locator('canvas').evaluate((canvas) =>
    [...canvas.getContext('2d').getImageData(0, 0, 3, 2).data].filter((_, i) => i % 4 === 0));
  assert.deepEqual(pixels, [76, 150, 29, 0, 128, 255]);
  assert.deepEqual(opened.problems, []);
});

test('Label: classes in order, as many as asked for; one is chosen', async () => {
  await show(opened, 'label.py');
  const it = frame(opened, 'Animal');
  assert.deepEqual(await it.locator('li').allTextContents(), ['dog70%', 'cat25%']);
  assert.equal(await it.locator('.gr-top').textContent(), 'dog');
  await it.getByRole('button', { name: /cat/ }).click();
  await settled(opened);
  assert.equal(await out(opened), "select {'dog': 0.7, 'cat': 0.25}");
  for (const [name, top, rows] of [['plain', 'plain', []], ['7', '7', []],
    ["{'a': 0.5, 'b': 3.5}", 'b', ['b3.5', 'a50%']]]) {
    await opened.page.getByRole('button', { name: `Give ${name}` }).click();
    await settled(opened);
    assert.equal(await it.locator('.gr-top').textContent(), top);
    assert.deepEqual(await it.locator('li').allTextContents(), rows);
  }
  await opened.page.getByRole('button', { name: 'Give None' }).click();
  await settled(opened);
  assert.equal(await it.getByText('Nothing yet').count(), 1);
  await asInPython(opened, 'label.py');
  const seen = await fired(opened, 'label');
  assert.deepEqual([...new Set(seen)].sort(), (await events(opened, 'label')).sort());
});

test('Button: pressed, by a key too; made active, renamed', async () => {
  await show(opened, 'button.py');
  const { page: at } = opened;
  await at.getByRole('button', { name: 'Press', exact: true }).click();
  await settled(opened);
  assert.equal(await out(opened), "click 'Press'");
  assert.equal(await at.getByRole('button', { name: 'Off' }).isDisabled(), true);
  await at.getByRole('button', { name: 'End' }).press('Enter');
  await settled(opened);
  assert.equal(await at.getByRole('button', { name: 'On', exact: true }).isDisabled(), false);
  await at.getByRole('button', { name: 'Pressed' }).press('Space');
  await settled(opened);
  assert.equal(await out(opened), "click 'Pressed'");
  await asInPython(opened, 'button.py');
  assert.deepEqual(opened.problems, []);
});
