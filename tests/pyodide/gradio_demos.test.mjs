// The programs of examples/gradio in a browser, used as their users would: what they answer is what
// they answer under CPython, and how they look, light and wide, dark and on a phone.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { faults } from '../browser/faults.mjs';
import { asInPython, frame, openGradio, settled, show } from './gradio_page.mjs';
import { picture } from './gradio_files.mjs';

let opened;
before(async () => { opened = await openGradio({ reducedMotion: 'reduce' }); });
after(() => opened?.close());

const at = (label) => opened.page.getByLabel(label, { exact: true });
const press = async (name) => {
  await opened.page.getByRole('button', { name, exact: true }).click();
  await settled(opened);
};

// SCREENSHOTS names a folder for pictures of each demo.
async function look(name) {
  const { page } = opened;
  for (const [colorScheme, width] of [['light', 1200], ['dark', 360]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    const { pale, small, unnamed, over } = await page.evaluate(faults);
    if (process.env.SCREENSHOTS) {
      await page.screenshot({ fullPage: true,
        path: path.join(process.env.SCREENSHOTS, `${name}-${colorScheme}.png`) });
    }
    assert.deepEqual({ pale, small, unnamed, over: Math.max(0, over) },
      { pale: [], small: [], unnamed: [], over: 0 }, `${name}, ${colorScheme}`);
  }
  await page.setViewportSize({ width: 1000, height: 900 });
}

const demos = {
  async hello() {
    await at('Name').fill('Ada');
    await opened.page.getByRole('slider', { name: 'Intensity' }).press('ArrowRight');
    await press('Submit');
    assert.equal(await at('Greeting').inputValue(), 'Hello, Ada!!!');
    await at('Name').fill('Bob');
    await at('Name').press('Enter');
    await settled(opened);
    assert.equal(await at('Greeting').inputValue(), 'Hello, Bob!!!');
    await press('Clear');
    assert.deepEqual([await at('Name').inputValue(), await at('Greeting').inputValue(),
      await opened.page.getByRole('slider', { name: 'Intensity' }).inputValue()], ['', '', '1']);
    await press('Submit');
  },
  async calculator() {
    await press('Submit');
    assert.equal(await at('Result').inputValue(), '6');
    await press('Example 2');
    assert.deepEqual([await at('First').inputValue(), await at('divide').isChecked()], ['3.5', true]);
    await press('Submit');
    assert.equal(await at('Result').inputValue(), '1.75');
    await press('Example 3');
    await press('Submit');
    await opened.page.getByText('Nothing can be divided by zero.').waitFor();
    assert.equal(await opened.page.locator('.gr-notice details').count(), 0);
  },
  async temperature() {
    await at('Celsius, number').fill('100');
    await at('Celsius, number').press('Tab');
    await settled(opened);
    assert.equal(await at('Fahrenheit, number').inputValue(), '212');
    assert.match(await opened.page.textContent('.gr-is-markdown + *, .gr-page'), /boils/);
    await at('Fahrenheit, number').fill('14');
    await at('Fahrenheit, number').press('Tab');
    await settled(opened);
    assert.equal(await at('Celsius, number').inputValue(), '-10');
    assert.match(await opened.page.textContent('.gr-page'), /ice/);
  },
  async filters() {
    await frame(opened, 'Picture').locator('input[type=file]').setInputFiles(picture());
    await press('Submit');
    const pixels = () => frame(opened, 'Filtered').locator('canvas[data-ready]').evaluate((canvas) =>
      [...canvas.getContext('2d').getImageData(0, 0, 3, 1).data]);
    assert.deepEqual(await pixels(), [100, 88, 69, 255, 196, 174, 136, 255, 48, 42, 33, 255]);
    await at('invert').check();
    await press('Submit');
    assert.deepEqual(await pixels(), [0, 255, 255, 255, 255, 0, 255, 255, 255, 255, 0, 255]);
  },
  async notebook() {
    await press('Add');
    await opened.page.getByText('There is nothing to note.').waitFor();
    for (const note of ['milk', '**bread**']) {
      await at('Note').fill(note);
      await press('Add');
    }
    assert.equal(await at('Note').inputValue(), '');
    assert.equal(await opened.page.locator('.gr-prose ol').innerHTML(),
      '<li>milk</li><li><strong>bread</strong></li>');
    await opened.page.getByRole('tab', { name: 'Tidy up' }).click();
    await at('Note to remove').selectOption('milk');
    await press('Remove');
    // Not by a locator within that of the label: over WebDriver BiDi the process of Firefox 153 that has
    // the page ends with a segmentation fault there, even on these elements without any script.
    assert.deepEqual(await at('Note to remove').evaluate(({ options }) =>
      [...options].map(({ text }) => text)), ['**bread**']);
  },
  async streaming() {
    await at('Count to, number').fill('500');
    await at('Count to, number').press('Tab');
    await opened.page.getByRole('button', { name: 'Submit' }).click();
    await opened.page.waitForFunction(() => /Counting \d+\/500 steps, \d+ %/.test(document
      .querySelector('.gr-meter').textContent));
    await opened.page.waitForFunction(() => globalThis.calls[0].updates.length > 3);
    await press('Stop');
    const [{ updates, error }] = await opened.page.evaluate(() => globalThis.calls);
    assert.equal(error, 'cancelled');
    assert.ok(updates.length < 500);
    assert.equal(await at('Numbers').inputValue(), updates.at(-1)[0].value);
    assert.equal(await opened.page.getByRole('button', { name: 'Stop' }).isVisible(), false);
    await at('Count to, number').fill('3');
    await press('Submit');
    assert.equal(await at('Numbers').inputValue(), '1 2 3');
  },
  async chat() {
    await at('Message').fill('Hello');
    await at('Message').press('Enter');
    await settled(opened);
    await press('Example 2');
    await at('Message').press('Enter');
    await settled(opened);
    assert.deepEqual((await opened.page.locator('.gr-message').allTextContents()).map((text) =>
      text.replace(/^.*?: /, '')), ['Hello', 'You said: Hello', 'How are you?',
      'You said: How are you? (after 1 earlier)']);
    assert.equal(await at('Message').inputValue(), '');
    assert.equal(await opened.page.locator('.gr-message strong').count(), 2);
  },
  async form() {
    await at('large').check();
    await at('Flavour').selectOption('Vanilla');
    await at('nuts').check();
    await at('fruit').check();
    await at('Cold').uncheck();
    await at('How many').fill('3');
    await settled(opened);
    assert.equal(await at('Order').inputValue(), '3 large vanilla with nuts and fruit');
    assert.match(await frame(opened, 'Bill').textContent(), /"price": 18"extras": \[ 2 \]"nuts""fruit"/);
  },
  async examples_table() {
    await press('Example 2');
    assert.deepEqual(await frame(opened, 'Words').locator('td').allTextContents(),
      ['be', '2', 'to', '2']);
    await at('Text').fill('a b a');
    await press('Count');
    assert.deepEqual(await frame(opened, 'Words').locator('td').allTextContents(), ['a', '2']);
  },
};

test('each example has a test', () => {
  const named = fs.readdirSync(new URL('../../examples/gradio', import.meta.url))
    .filter((name) => name.endsWith('.py')).map((name) => name.slice(0, -3));
  // Those with a model need the engine: gradio_app.test.mjs.
  assert.deepEqual([...Object.keys(demos), 'classifier', 'iris'].sort(), named.sort());
});

for (const [name, use] of Object.entries(demos)) {
  test(`examples/gradio/${name}.py`, async () => {
    await show(opened, `${name}.py`);
    await use();
    await look(name);
    await asInPython(opened, `${name}.py`);
    assert.deepEqual(opened.problems, []);
  });
}
