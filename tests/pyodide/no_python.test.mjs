// Pages that `ashore app --no-python` writes, in Chromium: what they answer is what the programs answer
// under CPython with numpy, pillow and onnxruntime.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { root } from '../js/setup.mjs';
import { begin, build, end, folder, openFile, openFolder, write } from './app_site.mjs';
import { png } from './gradio_files.mjs';

const python = process.env.PYTHON ?? path.join(root, 'build/venv/bin/python');
// Of what went through exp(): see tests/plan/test_equal.py.
const near = 16 * 2 ** -24;

const classifier = `import json
import gradio as gr
import numpy as np
import onnxruntime as ort
from PIL import Image

session = ort.InferenceSession("models/picture.onnx", providers=["CPUExecutionProvider"])
with open("labels.json") as f:
    LABELS = json.load(f)
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


def preprocess(image):
    image = image.convert("RGB").resize((8, 8), Image.BILINEAR)
    x = np.asarray(image, dtype=np.float32) / 255.0
    x = (x - MEAN) / STD
    return np.transpose(x, (2, 0, 1))[np.newaxis, ...]


def softmax(x):
    e = np.exp(x - np.max(x))
    return e / e.sum()


def predict(image):
    if image is None:
        raise gr.Error("Choose a picture first.")
    logits = session.run(None, {session.get_inputs()[0].name: preprocess(image)})[0][0]
    probs = softmax(logits)
    top5 = np.argsort(probs)[::-1][:5]
    return {LABELS[i]: float(probs[i]) for i in top5}


demo = gr.Interface(fn=predict, inputs=gr.Image(type="pil", label="Picture"),
                    outputs=gr.Label(num_top_classes=5, label="Classes"), title="Which thing?",
                    description="A **picture** goes in.", examples=[["example.png"]])
demo.launch()
`;

const blocks = `import gradio as gr
import numpy as np
import onnxruntime
from PIL import Image

model = onnxruntime.InferenceSession("models/row.onnx")
NAMES = ["first", "second", "third"]


def classify(a, b, unit):
    x = np.array([[a, b, a * b, 1.0]]).astype(np.float32)
    if unit == "mm":
        x = x / 10
    label, p = model.run(None, {"X": x.astype(np.float32)})
    gr.Info(f"Row of {x.shape[1]}")
    return f"**{NAMES[label[0]]}** with {p[0].max():.2%}", dict(zip(NAMES, p[0].tolist()))


def turn(image, dark):
    small = image.resize((image.width // 2, image.height // 2))
    x = np.array(small).astype(np.float32)
    x *= 0.5 if dark else 1.0
    print("turned", small.size[0])
    return Image.fromarray(x.astype(np.uint8)).transpose(Image.FLIP_LEFT_RIGHT)


with gr.Blocks(title="Rows") as demo:
    gr.Markdown("# Rows and pictures")
    with gr.Tab("Rows"):
        a = gr.Slider(0, 10, value=2, label="A")
        b = gr.Number(value=1, label="B")
        unit = gr.Radio(["cm", "mm"], value="cm", label="Unit")
        go = gr.Button("Go")
        said = gr.Markdown()
        shares = gr.JSON(label="Shares")
        go.click(classify, [a, b, unit], [said, shares])
    with gr.Tab("Pictures"):
        before = gr.Image(type="pil", label="Before")
        dark = gr.Checkbox(label="Dark")
        after = gr.Image(label="After")
        gr.Button("Turn").click(turn, [before, dark], after)

demo.launch()
`;

const words = `import gradio as gr
import numpy as np
import onnxruntime as ort

session = ort.InferenceSession("models/texts.onnx")


def fn(text, audio):
    words = session.run(None, {"text": np.array(text.split())})[0].tolist()
    if audio is None:
        return " ".join(words), {"seconds": None}
    rate, y = audio
    y = y.astype(np.float32) / 32768
    return " ".join(words).title(), {"seconds": len(y) / rate, "peak": float(np.abs(y).max()),
                                     "levels": [round(float(v), 4) for v in y[:3]]}


gr.Interface(fn, [gr.Textbox(label="Text"), gr.Audio(type="numpy", label="Sound")],
             [gr.Textbox(label="Words"), gr.JSON(label="About")]).launch()
`;

const script = `import numpy as np
import onnxruntime as ort
from PIL import Image

session = ort.InferenceSession("models/picture.onnx")
image = Image.open("example.png").convert("RGB").resize((8, 8))
x = np.array(image).astype("float32").transpose(2, 0, 1)[None] / 255
scores = session.run(None, {"input": x})[0][0]
for i in scores.argsort()[::-1][:3]:
    print(f"class {i}: {scores[i]:.3f}")
if scores.max() > 0:
    print("found")
`;

const picture = (width, height, clear = false) => png([...Array(height)].map((_, y) =>
  [...Array(width)].map((__, x) => [(37 * x + 11 * y) % 256, (91 * y) % 256, (x * y * 7) % 256,
    (x + y) % 256].slice(0, clear ? 4 : 3))));

function wav(samples, rate) {
  const bytes = Buffer.alloc(44 + 2 * samples.length);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(2 * rate, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(2 * samples.length, 40);
  samples.forEach((x, i) => bytes.writeInt16LE(x, 44 + 2 * i));
  return bytes;
}

const places = {}; // of programs
before(async () => {
  await begin();
  const models = path.join(folder, 'models');
  fs.mkdirSync(models);
  execFileSync(python, [path.join(root, 'tests/plan/models.py'), models]);
  const labels = JSON.stringify(['cat', 'dog', 'bird', 'fish', 'car', 'boat', 'tree', 'house', 'cup',
    'book']);
  const sources = { classifier, blocks, words, script };
  for (const [name, source] of Object.entries(sources)) {
    places[name] = write(name, { 'app.py': source, 'labels.json': labels,
      'example.png': picture(23, 14) });
    fs.cpSync(models, path.join(places[name], 'models'), { recursive: true });
  }
  places.iris = write('iris', { 'app.py': fs.readFileSync(path.join(root, 'examples/gradio/iris.py')) });
  execFileSync(python, [path.join(root, 'tests/pyodide/iris_model.py'),
    path.join(places.iris, 'iris.onnx')]);
});
after(end);

// Remembers what goes between page and worker.
const remember = () => {
  const Own = globalThis.Worker;
  globalThis.told = [];
  globalThis.Worker = class extends Own {
    constructor(...args) {
      super(...args);
      this.addEventListener('message', ({ data }) => globalThis.told.push(data));
    }

    postMessage(message, ...rest) {
      globalThis.told.push(message);
      super.postMessage(message, ...rest);
    }
  };
};

// Calls and results, bytes as { base64 }.
const tellings = (page) => page.evaluate(() => {
  const plain = (value) => {
    if (ArrayBuffer.isView(value)) {
      return { base64: btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join('')) };
    }
    if (Array.isArray(value)) return value.map(plain);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
  };
  return globalThis.told.filter(({ type }) => ['call', 'result', 'error'].includes(type)).map(plain);
});

// What CPython answers to the same calls.
function replayed(name, told) {
  const calls = told.filter(({ type }) => type === 'call').map(({ fn, data }) => ({ fn, data,
    count: null }));
  const { status, stdout, stderr } = spawnSync(python,
    [path.join(root, 'tests/pyodide/gradio/replay.py')], { encoding: 'utf8', cwd: places[name],
      input: JSON.stringify({ path: path.join(places[name], 'app.py'), calls }),
      env: { ...process.env, PYTHONPATH: path.join(root, 'bindings/python'),
        PYTHONDONTWRITEBYTECODE: '1' } });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout.trim().split('\n').at(-1)).answers;
}

// The pixels of a PNG, as Pillow reads it: both sides write files of their own.
const decoded = (base64) => execFileSync(python, ['-c', `import base64, io, sys
from PIL import Image
image = Image.open(io.BytesIO(base64.b64decode(sys.stdin.read()))).convert("RGB")
print(image.size, image.tobytes().hex())`], { input: base64, encoding: 'utf8' });

function compare(made, wanted, where = 'answer') {
  if (wanted !== null && typeof wanted === 'object' && made !== null && typeof made === 'object') {
    assert.deepEqual(Object.keys(made), Object.keys(wanted), where);
    if (wanted.base64) assert.equal(decoded(made.base64), decoded(wanted.base64), where);
    else for (const key of Object.keys(wanted)) compare(made[key], wanted[key], `${where}.${key}`);
  } else if (typeof wanted === 'number' && !Number.isInteger(wanted)) {
    assert.ok(Math.abs(made - wanted) <= near * Math.abs(wanted), `${where}: ${made} and ${wanted}`);
  } else assert.deepEqual(made, wanted, where);
}

function compareAll(name, told) {
  const answers = replayed(name, told);
  const calls = told.filter(({ type }) => type === 'call');
  assert.ok(calls.length > 0);
  calls.forEach(({ call }, i) => {
    const updates = told.filter((one) => one.type === 'result' && one.call === call && one.data)
      .map(({ data }) => data);
    const error = told.find((one) => one.type === 'error' && one.call === call)?.message ?? null;
    assert.equal(error, answers[i].error);
    compare(updates, answers[i].updates, `${name}, call ${i}`);
  });
  return calls.length;
}

const made = new Map();
function writePage(name, ...args) {
  const key = `${name}${args}`;
  if (!made.has(key)) {
    const to = path.join(folder, `${name}.${args.length ? 'html' : 'site'}`);
    const { status, err, out } = build(path.join(places[name], 'app.py'), '--no-python',
      ...args.length ? ['--one-file', to] : ['-o', to]);
    assert.equal(status, 0, err);
    made.set(key, { to, out });
  }
  return made.get(key);
}

async function open(name, kind, t) {
  const { to, out } = writePage(name, ...kind === 'one file' ? ['one'] : []);
  const visited = kind === 'one file' ? await openFile(to, {}, remember)
    : await openFolder(to, { init: remember });
  t.after(() => visited.close());
  assert.equal(visited.state, 'ready', await visited.text('failure'));
  return { ...visited, out, to };
}

const uses = {
  async classifier({ page }) {
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByText('Choose a picture first.').waitFor();
    // Where a picture is transparent, a browser would lose its colours.
    for (const [width, height, clear] of [[47, 31], [8, 8], [20, 64], [30, 21, true]]) {
      await page.locator('input[type=file]').first().setInputFiles({ name: 'p.png',
        mimeType: 'image/png', buffer: picture(width, height, clear) });
      await page.locator('canvas[data-ready]').first().waitFor();
      await page.getByRole('button', { name: 'Submit' }).click();
      await page.waitForFunction(() => !document.querySelector('[aria-busy]')
        && document.querySelector('.gr-classes li'));
    }
    assert.equal(await page.locator('.gr-classes li').count(), 5);
    assert.equal(await page.title(), 'Which thing?');
    await page.getByRole('button', { name: 'Example 1' }).click();
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.waitForFunction(() => !document.querySelector('[aria-busy]'));
    return 6;
  },
  async iris({ page }) {
    for (const i of [1, 2, 3]) {
      await page.getByRole('button', { name: `Example ${i}`, exact: true }).click();
      await page.getByRole('button', { name: 'Submit' }).click();
      await page.waitForFunction((count) => globalThis.told.filter(({ type, final }) =>
        type === 'result' && final).length === count, i);
    }
    assert.equal(await page.locator('.gr-top').textContent(), 'virginica');
    return null; // onnxruntime takes no memoryview: see below
  },
  async blocks({ page }) {
    await page.getByRole('button', { name: 'Go' }).click();
    await page.getByText('Row of 4').waitFor();
    await page.getByLabel('mm').check();
    await page.getByLabel('B', { exact: true }).fill('7.5');
    await page.getByRole('button', { name: 'Go' }).click();
    await page.waitForFunction(() => globalThis.told.filter(({ final }) => final).length === 2);
    await page.getByRole('tab', { name: 'Pictures' }).click();
    await page.locator('input[type=file]').first().setInputFiles({ name: 'p.png',
      mimeType: 'image/png', buffer: picture(21, 12) });
    await page.getByLabel('Dark').check();
    await page.getByRole('button', { name: 'Turn' }).click();
    await page.locator('.gr-is-image canvas[data-ready]').nth(1).waitFor();
    await page.waitForFunction(() => document.getElementById('console').textContent === 'turned 10\n');
    return 3;
  },
  async words({ page }) {
    await page.getByLabel('Text', { exact: true }).fill('The Cat sat über all');
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.waitForFunction(() => globalThis.told.filter(({ final }) => final).length === 1);
    await page.locator('input[type=file]').first().setInputFiles({ name: 's.wav',
      mimeType: 'audio/wav', buffer: wav([100, -20000, 32767, 5, 6], 8000) });
    await page.locator('audio').first().waitFor();
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.waitForFunction(() => globalThis.told.filter(({ final }) => final).length === 2);
    assert.equal(await page.getByLabel('Words', { exact: true }).inputValue(), 'A Cat Thing Over Thing');
    return 2;
  },
};

for (const [name, use] of Object.entries(uses)) {
  for (const kind of ['folder', 'one file']) {
    test(`${name} without Python, in a ${kind}: as under CPython`, async (t) => {
      const opened = await open(name, kind, t);
      const count = await use(opened);
      const told = await tellings(opened.page);
      if (count) assert.equal(compareAll(name, told), count);
      assert.ok(!opened.requests.some((url) => /pyodide|python_stdlib|\.whl/.test(url)));
      assert.deepEqual(opened.problems, []);
    });
  }
}

test('iris: the probabilities are scikit-learn\'s', async (t) => {
  const opened = await open('iris', 'folder', t);
  await uses.iris(opened);
  const told = await tellings(opened.page);
  const wanted = JSON.parse(execFileSync(python, [path.join(root, 'tests/pyodide/iris_model.py'),
    path.join(folder, 'again.onnx')], { encoding: 'utf8' }));
  const shown = told.filter(({ type, data }) => type === 'result' && data).map(({ data }) =>
    Object.fromEntries(data[0].value.confidences.map(({ label, confidence }) => [label, confidence])));
  wanted.forEach(([, scores], i) => {
    for (const [label, score] of Object.entries(scores)) {
      // Sums of ten shares in float32.
      assert.ok(Math.abs(shown[i][label] - score) <= 10 * 2 ** -24, `${label}: ${shown[i][label]}`);
    }
  });
});

for (const kind of ['folder', 'one file']) {
  test(`a script without an interface prints what CPython prints, in a ${kind}`, async (t) => {
    const opened = await open('script', kind, t);
    const wanted = execFileSync(python, ['app.py'], { cwd: places.script, encoding: 'utf8' });
    assert.equal(await opened.text('console'), wanted);
    assert.deepEqual(opened.problems, []);
    });
}

test('what was saved is weighed: neither page holds what the other one saves', () => {
  const { to, out } = writePage('classifier');
  const files = fs.readdirSync(to, { recursive: true });
  assert.ok(files.includes('program/models/picture.onnx') && files.includes('plan/plan.json'));
  assert.ok(!files.some((file) => /pyodide|\.py$|\.zip$/.test(file)), files.join());
  const mega = (row) => row.map((text) => (text.endsWith('MB') ? 1e6 : 1e3) * parseFloat(text));
  const row = (name) => mega(new RegExp(`${name} +([\\d.]+ .B) +([\\d.]+ .B) +(-|[\\d.]+ .B)`).exec(out)
    .slice(1, 3));
  const [python_, without, saved] = [row('with Pyodide'), row('without Python'), row('saved')];
  [0, 1].forEach((i) => assert.ok(Math.abs(python_[i] - without[i] - saved[i]) <= 1e4, out));
  const { status, err } = build(path.join(places.classifier, 'app.py'), '--no-audit', '-o',
    path.join(folder, 'heavy.site'));
  assert.equal(status, 0, err);
  const heavy = JSON.parse(fs.readFileSync(path.join(folder, 'heavy.site/manifest.json'), 'utf8'));
  const downloaded = heavy.files.filter(({ path: file }) => !/^ashore\/.*\.wasm$/.test(file)
    || file === 'ashore/ashore-full-relaxed-mt.wasm').reduce((sum, { bytes }) => sum + bytes, 0);
  assert.ok(Math.abs(downloaded - python_[0]) <= 6e3, `${downloaded} and ${python_[0]}`);
  assert.ok(without[0] < python_[0] / 10);
});

test('what needs Python is refused with its line, and nothing is written', () => {
  const at = write('needs', { 'app.py': classifier.replace('np.exp(x', 'np.fft.fft(x') });
  fs.cpSync(path.join(folder, 'models'), path.join(at, 'models'), { recursive: true });
  fs.copyFileSync(path.join(places.classifier, 'labels.json'), path.join(at, 'labels.json'));
  fs.copyFileSync(path.join(places.classifier, 'example.png'), path.join(at, 'example.png'));
  const to = path.join(folder, 'needs.site');
  const { status, err, out } = build(path.join(at, 'app.py'), '--no-python', '-o', to);
  assert.equal(status, 5);
  assert.match(err, /needs\/app\.py:22: np\.fft: numpy\.fft is not in a page without Python/);
  assert.match(err, /build it without --no-python; nothing was written/);
  assert.equal(out, '');
  assert.ok(!fs.existsSync(to));
});
