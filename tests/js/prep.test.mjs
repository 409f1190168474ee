// What comes before and behind models; the numbers themselves are checked against Pillow, NumPy and
// SciPy in tests/models/test_prep*.py, through the same functions in C.  Sources that only a browser
// has are in tests/browser/prep.test.mjs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { part } from './setup.mjs';

const { drawDetections, openPrep, readLabels } = await part('prep.js');
const { Tensor } = await part('index.js');

const picture = (channels) => ({ width: 6, height: 4,
  data: Uint8Array.from({ length: 24 * channels }, (_, i) => (i * 37) % 256) });
const opened = async (use, options) => {
  const prep = await openPrep(options);
  try {
    return await use(prep);
  } finally {
    prep.close();
  }
};

test('a picture of the same size is taken pixel by pixel', () => opened((prep) => {
  const rgb = picture(3);
  const { type, dims, data } = prep.imageSync(rgb);
  assert.equal(type, 'float32');
  assert.deepEqual(dims, [1, 3, 4, 6]);
  data.forEach((value, i) => assert.equal(value, rgb.data[3 * (i % 24) + Math.floor(i / 24)]));
  const last = prep.imageSync(rgb, { layout: 'NHWC', type: 'uint8', order: 'bgr' });
  assert.deepEqual(last.dims, [1, 4, 6, 3]);
  last.data.forEach((value, i) => assert.equal(value, rgb.data[i - (i % 3) + 2 - (i % 3)]));
  const scaled = prep.imageSync(rgb, { mean: [1, 2, 3], scale: 0.5 });
  scaled.data.forEach((value, i) => assert.equal(value, (data[i] - 1 - Math.floor(i / 24)) / 2));
}));

test('grey, RGB and RGBA pictures; an invisible one is white', () => opened((prep) => {
  const grey = picture(1);
  assert.equal(prep.imageSync(grey).data[30], grey.data[6]);
  const clear = { width: 2, height: 2, data: new Uint8ClampedArray(16) };
  assert.ok(prep.imageSync(clear).data.every((value) => Math.abs(value - 255) < 1e-3));
  assert.deepEqual(prep.imageSync(picture(3), { order: 'grey' }).dims, [1, 1, 4, 6]);
}));

test('the rest of a tensor is padded', () => opened((prep) => {
  const wide = (fit) => prep.imageSync(picture(3), { width: 8, height: 4, fit, pad: -1 }).data;
  const padded = (data) => Array.from(data.subarray(0, 8), (value) => value === -1);
  assert.deepEqual(padded(wide('start')), [...Array(6).fill(false), true, true]);
  assert.deepEqual(padded(wide('letterbox')), [true, ...Array(6).fill(false), true]);
  assert.ok(wide('crop').every((value) => value !== -1));
}));

test('a quadrangle becomes upright', () => opened((prep) => {
  const rgb = picture(3);
  const whole = [[0, 0], [6, 0], [6, 4], [0, 4]];
  assert.deepEqual(prep.warp(rgb, whole, 6, 4).data, rgb.data);
  const turned = prep.warp(rgb, [...whole.slice(2), ...whole.slice(0, 2)], 6, 4);
  assert.deepEqual([...turned.data.subarray(0, 3)], [...rgb.data.subarray(69)]);
  assert.deepEqual([turned.width, turned.height], [6, 4]);
}));

const map = () => ({ dims: [1, 1, 40, 90], data: Float32Array.from({ length: 3600 }, (_, i) => {
  const [x, y] = [i % 90, Math.floor(i / 90)];
  return x >= 10 && x <= 79 && y >= 12 && y <= 27 ? 0.75 : 0.125;
}) });

test('regions of text', () => opened((prep) => {
  const [{ corners, score, polygon }, ...others] = prep.textRegions(map(),
    { polygons: true, scale: [2, 4] });
  assert.equal(others.length, 0);
  assert.equal(score, 0.75);
  const grow = 69 * 15 * 1.5 / (2 * (69 + 15));
  const [low, high] = [[10 - grow, 12 - grow], [79 + grow, 27 + grow]];
  [[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]].forEach(([x, y], i) => {
    assert.ok(Math.abs(corners[i][0] - 2 * x) < 1e-3 && Math.abs(corners[i][1] - 4 * y) < 1e-3);
  });
  assert.ok(polygon.length >= 8 && polygon.every(([x, y]) => x >= -2 && x < 182 && y > 0 && y < 160));
  assert.deepEqual(prep.textRegions(map(), { score: 0.8 }), []);
}));

test('greedy CTC', () => opened((prep) => {
  const best = [2, 2, 0, 2, 1, 0];
  const data = new Float32Array(18).fill(0.25);
  best.forEach((k, i) => { data[3 * i + k] = 0.5; });
  const { classes, confidence } = prep.ctc({ data, dims: [1, 6, 3] });
  assert.deepEqual([...classes], [2, 2, 1]);
  assert.equal(confidence, 0.5);
}));

const float = (values, dims) => new Tensor('float32', Float32Array.from(values), dims);

test('batches, parts, other types and filters, and where pictures lie', () => opened((prep) => {
  const [rgb, grey] = [picture(3), picture(1)];
  const options = { width: 8, height: 8, fit: 'letterbox', pad: 7, filter: 'bicubic' };
  const both = prep.imageSync([rgb, grey], options);
  assert.deepEqual(both.dims, [2, 3, 8, 8]);
  [rgb, grey].forEach((one, i) => assert.deepEqual(both.data.subarray(192 * i, 192 * (i + 1)),
    prep.imageSync(one, options).data));
  assert.deepEqual(both.placements[1], { left: 0, top: -0.800000011920929, stepX: 0.75, stepY: 0.800000011920929,
    width: 6, height: 4, tensorWidth: 8, tensorHeight: 8 });
  const part = prep.imageSync(rgb, { width: 2, height: 1, part: { x: 1, y: 2, width: 2, height: 1 },
    layout: 'NHWC', filter: 'nearest' });
  assert.deepEqual([...part.data], [...rgb.data.subarray(39, 45)]);
  const half = prep.imageSync(grey, { type: 'float16', normalize: '0..1', width: 1, height: 1 });
  assert.ok(half.data instanceof Uint16Array && half.data.length === 3 && half.data[0] < 0x3c00);
  const int8 = prep.imageSync(rgb, { type: 'int8', mean: 128 });
  int8.data.forEach((v, i) => assert.equal(v, rgb.data[3 * (i % 24) + Math.floor(i / 24)] - 128));
  const clear = { width: 1, height: 1, data: Uint8Array.of(9, 9, 9, 0) };
  assert.deepEqual([...prep.imageSync(clear, { background: [1, 2, 3] }).data], [1, 2, 3]);
}));

test('batches that are made at the same time', () => opened(async (prep) => {
  const list = [picture(3), picture(1), picture(4)];
  const wanted = prep.imageSync(list).data;
  const asked = [prep.image(list), prep.image([list[0], null]).catch(({ code }) => code),
    prep.image([...list].reverse()), prep.imageSync(list), prep.image(list)];
  const [one, failed, reversed, ...others] = await Promise.all(asked);
  assert.equal(failed, 'ERR_ARGUMENT');
  for (const { data } of [one, ...others]) assert.deepEqual(data, wanted);
  assert.deepEqual(reversed.data.subarray(144), wanted.subarray(0, 72));
  const late = prep.image(list);
  prep.close();
  await assert.rejects(late, { code: 'ERR_STATE' });
}));

test('normalisation by name, and back', () => opened((prep) => {
  const rgb = picture(3);
  for (const normalize of ['none', '0..1', '-1..1', 'imagenet', 'clip']) {
    for (const layout of ['NCHW', 'NHWC']) {
      const options = { normalize, layout, order: 'bgr' };
      const back = prep.picture(prep.imageSync(rgb, options), options);
      assert.deepEqual([back.width, back.height, back.data.length], [6, 4, 96]);
      back.data.forEach((v, i) => assert.equal(v, i % 4 === 3 ? 255
        : rgb.data[3 * Math.floor(i / 4) + (i % 4)]));
    }
  }
  const red = { data: Uint8Array.of(255, 0, 0), width: 1, height: 1 };
  const [r, g] = prep.imageSync(red, { normalize: 'imagenet' }).data;
  assert.ok(Math.abs(r - (1 - 0.485) / 0.229) < 1e-6 && Math.abs(g + 0.456 / 0.224) < 1e-6);
}));

test('both modules give the same bits', async () => {
  const noise = { width: 97, height: 61, data: Uint8Array.from({ length: 97 * 61 * 4 },
    (_, i) => (i * i * 31 + i * 7) % 251) };
  const sound = { sampleRate: 44100, data: Float32Array.from({ length: 3000 },
    (_, i) => Math.sin(i * i / 1000)) };
  const [one, other] = await Promise.all(['simd128', 'scalar'].map((variant) => opened((prep) => {
    const resampled = prep.soundSync(sound);
    return [...['bilinear', 'bicubic'].map((filter) => prep.imageSync(noise,
      { width: 30, height: 50, filter, antialias: true, normalize: 'clip' }).data),
    resampled.data, prep.mel(resampled, { log: 'whisper' }).data,
    prep.softmax(float(sound.data, [3, 1000])).data];
  }, { variant })));
  assert.deepEqual(one, other);
  assert.ok(one.every((data) => data.every(Number.isFinite)));
});

test('scores', () => opened((prep) => {
  const x = float([1, 3, 2, 3, 0, -1], [2, 3]);
  const y = prep.softmax(x);
  assert.deepEqual(y.dims, [2, 3]);
  const sum = Math.exp(1) + Math.exp(3) + Math.exp(2);
  assert.ok(Math.abs(y.data[0] - Math.exp(1) / sum) < 1e-7);
  const down = prep.softmax(x, { axis: 0 });
  assert.ok(Math.abs(down.data[0] - 1 / (1 + Math.exp(2))) < 1e-7);
  assert.equal(prep.sigmoid(float([0], [1])).data[0], 0.5);
  assert.deepEqual([...prep.argmax(x).data], [1, 0]);
  assert.deepEqual(prep.argmax(x, { axis: 0 }).dims, [3]);
  const { values, indices } = prep.topK(x, { k: 2 });
  assert.deepEqual([...values.data], [3, 2, 3, 0]);
  assert.deepEqual([...indices.data], [1, 2, 0, 1]);
  assert.deepEqual(prep.topK(x).values.dims, [2, 3]); // all there are
  assert.deepEqual([...prep.argmax(new Tensor('int64', [5n, 7n], [2])).data], [1]);
}));

test('classes with labels', () => opened((prep) => {
  const labels = ['cat', 'dog', 'fish'];
  const logits = float([1, 3, 2, 9, 0, 0], [2, 3]);
  const found = prep.classify(logits, { k: 2, labels });
  assert.deepEqual(found.map(({ label, index }) => [label, index]), [['dog', 1], ['fish', 2]]);
  const sum = Math.exp(1) + Math.exp(3) + Math.exp(2);
  assert.ok(Math.abs(found[0].score - Math.exp(3) / sum) < 1e-6);
  assert.equal(prep.classify(logits, { row: 1 })[0].label, '0');
  // Probabilities stay what they are, unless something is asked for.
  const p = float([0.25, 0.5, 0.25], [1, 3]);
  assert.equal(prep.classify(p)[0].score, 0.5);
  assert.ok(prep.classify(p, { activation: 'softmax' })[0].score < 0.4);
  assert.ok(prep.classify(p, { activation: 'sigmoid' })[0].score > 0.6);
  assert.throws(() => prep.classify(logits, { row: 2 }), { code: 'ERR_ARGUMENT', message: /row 2/ });
}));

test('labels are read from what they come in', () => {
  const wanted = ['tench', 'goldfish'];
  for (const source of [wanted, 'tench\ngoldfish\n', 'tench\r\ngoldfish', '\uFEFFtench\ngoldfish',
    '["tench", "goldfish"]', '{"0": "tench", "1": "goldfish"}', { 1: 'goldfish', 0: 'tench' },
    { tench: 0, goldfish: 1 }, { id2label: { 0: 'tench', 1: 'goldfish' }, hidden_size: 768 },
    { label2id: { tench: 0, goldfish: 1 } }, { names: wanted },
    '{"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]}']) {
    assert.deepEqual(readLabels(source), wanted);
  }
  assert.deepEqual(readLabels({ 0: 'a', 2: 'c' }), ['a', '1', 'c']);
  assert.deepEqual(readLabels(''), []);
  assert.throws(() => readLabels('{"0": '), { code: 'ERR_FORMAT' });
  assert.throws(() => readLabels({ a: 'b' }), { code: 'ERR_ARGUMENT' });
});

test('what a detector gives, back in the picture', () => opened((prep) => {
  const x = prep.imageSync({ data: new Uint8Array(640 * 480), width: 640, height: 480 },
    { width: 320, height: 320, fit: 'letterbox' });
  // [1, 4 + K, N]: centres and sizes.  The second overlaps the first, the third is unlikely.
  const rows = [[20, 70, 20, 40, 0.9, 0.1], [21, 70, 20, 40, 0.8, 0.1], [50, 90, 9, 9, 0.1, 0.2],
    [160, 160, 100, 100, 0.2, 0.7]];
  const columns = float(rows[0].flatMap((_, i) => rows.map((row) => row[i])), [1, 6, 4]);
  const wanted = [{ box: [20, 20, 60, 100], score: 0.9, index: 0, label: 'cat' },
    { box: [220, 140, 420, 340], score: 0.7, index: 1, label: 'dog' }];
  const near = (found) => {
    assert.deepEqual(found.map(({ label, index }) => [label, index]),
      wanted.map(({ label, index }) => [label, index]));
    found.forEach(({ box, score }, i) => [...box, score].forEach((v, k) =>
      assert.ok(Math.abs(v - [...wanted[i].box, wanted[i].score][k]) < 1e-3)));
  };
  const options = { format: 'cxcywh', labels: 'cat\ndog', from: x };
  near(prep.detect(columns, { ...options, layout: 'columns' }));
  near(prep.detect(float(rows.flat(), [1, 4, 6]), options));
  const parts = float(rows.flatMap((row) => row.slice(0, 4).map((v) => v / 320)), [4, 4]);
  const scores = float(rows.flatMap((row) => row.slice(4)), [4, 2]);
  near(prep.detect(parts, { ...options, scores, normalized: true, from: x.placements[0] }));
  assert.equal(prep.detect(columns, { ...options, layout: 'columns', iou: 1, most: 3 }).length, 3);
  assert.throws(() => prep.detect(parts, { scores, normalized: true }), { code: 'ERR_ARGUMENT' });
  const corners = prep.convertBoxes(float([20, 70, 20, 40], [1, 4]), 'cxcywh', 'xyxy');
  assert.deepEqual([...corners.data], [10, 50, 30, 90]);
  const two = float([0, 0, 10, 10, 1, 1, 10, 10], [2, 4]);
  assert.deepEqual([...prep.nms(two, float([0.1, 0.9], [2]))], [1]);
  assert.deepEqual([...prep.nms(two, float([0.1, 0.9], [2]), { classes: float([0, 1], [2]) })],
    [1, 0]);
}));

test('masks', () => opened((prep) => {
  const { data, width, height } = prep.mask(new Tensor('int32', [0, 1, 2, 1], [1, 2, 2]));
  assert.deepEqual([width, height, data[3], data[7], data[11]], [2, 2, 0, 128, 128]);
  assert.deepEqual(data.slice(4, 7), data.slice(12, 15));
  assert.notDeepEqual(data.slice(4, 7), data.slice(8, 11));
  const soft = prep.mask(float([0, 0.5, 1, 2], [2, 2]), { opacity: 1, color: () => [9, 8, 7] });
  assert.deepEqual([...soft.data], [9, 8, 7, 0, 9, 8, 7, 128, 9, 8, 7, 255, 9, 8, 7, 255]);
}));

test('sound', () => opened((prep) => {
  const tone = (rate) => Float32Array.from({ length: rate / 2 },
    (_, i) => Math.sin(2 * Math.PI * 440 * i / rate));
  const at16k = prep.soundSync({ data: tone(48000), sampleRate: 48000 });
  assert.deepEqual(at16k.dims, [1, 8000]);
  tone(16000).subarray(200, 7800).forEach((v, i) =>
    assert.ok(Math.abs(v - at16k.data[i + 200]) < 1e-4));
  const stereo = { data: Int16Array.of(16384, 0, -32768, 0), sampleRate: 8000, channels: 2 };
  assert.deepEqual([...prep.soundSync(stereo, { rate: 8000 }).data], [0.25, -0.5]);
  // What an AudioBuffer is: channels one behind the other.
  const buffer = { numberOfChannels: 2, length: 3, sampleRate: 8000,
    getChannelData: (i) => Float32Array.of(1, i, 0) };
  assert.deepEqual([...prep.soundSync(buffer, { rate: 8000 }).data], [1, 0.5, 0]);
  const windows = prep.frames(at16k, { size: 3000 });
  assert.deepEqual(windows.dims, [3, 3000]);
  assert.equal(windows.data[6000 + 1999], at16k.data[7999]);
  assert.equal(windows.data[6000 + 2000], 0);
  assert.deepEqual(prep.frames(at16k, { size: 400, hop: 160, whole: true }).dims, [48, 400]);
  const mel = prep.mel(at16k, { log: 'whisper', dropLast: true });
  assert.deepEqual(mel.dims, [1, 80, 50]);
  const band = Array.from({ length: 80 }, (_, i) => mel.data[50 * i + 25]);
  assert.equal(band.indexOf(Math.max(...band)), 11); // 440 Hz
  const htk = prep.mel(at16k, { scale: 'htk', log: 'db', mels: 40, fft: 512, window: 400 });
  assert.deepEqual(htk.dims, [1, 40, 51]);
}));

// What a 2d context is asked to do, as text.
function recorder(width, height, clientWidth) {
  const done = [];
  const context = { canvas: { width, height, clientWidth }, measureText: () => ({ width: 40 }) };
  for (const name of ['save', 'restore', 'strokeRect', 'fillRect', 'fillText']) {
    context[name] = (...args) => done.push([name, ...args]);
  }
  return { context, done, of: (name) => done.filter(([what]) => what === name) };
}

test('boxes are drawn where they are, with labels inside of the canvas', () => {
  const found = [{ box: [10, 2, 60, 90], score: 0.876, index: 3, label: 'dog' },
    { box: [90, 50, 100, 60], score: 0.5, index: 4, label: 'cat' }];
  const one = recorder(100, 100, 100);
  drawDetections(one.context, found);
  const texts = one.of('fillText').map(([, text]) => text);
  assert.deepEqual(texts, ['cat 50 %', 'dog 88 %']); // the likeliest on top
  one.of('fillRect').forEach(([, x, y, w, h]) =>
    assert.ok(x >= 0 && y >= 0 && x + w <= 100 && y + h <= 100));
  assert.deepEqual(one.of('strokeRect').at(-1).slice(1), [10, 2, 50, 88]);
  const half = recorder(50, 50, 50);
  drawDetections(half.context, found, { from: { width: 100, height: 100 }, scores: false });
  assert.deepEqual(half.of('strokeRect').at(-1).slice(1), [5, 1, 25, 44]);
  assert.equal(half.of('fillText')[1][1], 'dog');
  assert.throws(() => drawDetections({}, found), { code: 'ERR_ARGUMENT', message: /canvas/ });
});

test('what cannot be is refused, and the next call works', () => opened((prep) => {
  const refused = (work, message) => assert.throws(work, (error) =>
    error.name === 'AshoreError' && error.code === 'ERR_ARGUMENT' && message.test(error.message));
  refused(() => prep.imageSync(picture(3), { fit: 'shrink' }), /'shrink'/);
  refused(() => prep.imageSync(picture(3), { width: 0 }), /sides are 1 to/);
  refused(() => prep.imageSync({ data: new Uint8Array(7), width: 2, height: 2 }), /7 elements/);
  refused(() => prep.imageSync({ data: null, width: 2, height: 2 }), /picture/);
  refused(() => prep.warp(picture(3), [[0, 0], [1, 1], [2, 2], [3, 3]], 2, 2), /quadrangle/);
  refused(() => prep.warp(picture(3), [[0, 0]], 2, 2), /four corners/);
  refused(() => prep.textRegions({ data: new Float32Array(5), dims: [2, 3] }), /\[2,3\]/);
  refused(() => prep.ctc({ data: new Float32Array(5), dims: [1, 2, 3] }), /\[1,2,3\]/);
  refused(() => prep.imageSync(picture(3), { normalize: 'coco' }), /'coco'.*imagenet/);
  refused(() => prep.imageSync(picture(3), { mean: [1, 2] }), /mean is 1,2.*a number/);
  refused(() => prep.imageSync(picture(3), { part: { x: 9, y: 0, width: 1, height: 1 } }), /outside/);
  refused(() => prep.imageSync([]), /no pictures/);
  refused(() => prep.imageSync([picture(3), null]), /null is no picture/);
  refused(() => prep.imageSync(new Blob(['x'])), /Use image\(\)/);
  refused(() => prep.softmax(float([1], [1]), { axis: 1 }), /axis 1/);
  refused(() => prep.topK(float([1], [1]), { k: -1 }), /the -1 largest/);
  refused(() => prep.convertBoxes(float([1, 2, 3, 4], [4]), 'xyxy', 'xxyy'), /'xxyy'.*cxcywh/);
  refused(() => prep.soundSync({ data: [1], sampleRate: 8000 }), /Float32Array/);
  refused(() => prep.soundSync({ data: new Float32Array(3), sampleRate: 8000, channels: 2 }), /3 samples/);
  refused(() => prep.soundSync({ data: new Float32Array(3), sampleRate: 8000 }, { rate: 0 }), /rates are/);
  refused(() => prep.frames(float([1], [1]), { size: 0 }), /windows of 0/);
  refused(() => prep.mel(float([1], [1]), { fft: 1 }), /transform of 1/);
  assert.throws(() => prep.mel(new Tensor('string', ['a'])), { code: 'ERR_TYPE' });
  for (const none of [undefined, null, {}, { data: [1] }, { dims: [1] }]) {
    for (const name of ['softmax', 'sigmoid', 'argmax', 'topK', 'classify', 'detect', 'picture', 'mask',
      'mel', 'frames']) {
      assert.throws(() => prep[name](none, { size: 1 }), { name: 'AshoreError', code: 'ERR_TYPE' }, name);
    }
  }
  refused(() => prep.textRegions(), /no one matrix/);
  refused(() => prep.ctc({}), /no one matrix/);
  const rows = float([0, 0, 1, 1, 1], [1, 5]);
  refused(() => prep.detect(rows, { from: {} }), /the tensor that image\(\) made/);
  refused(() => prep.detect(rows, { from: prep.imageSync(picture(3)), index: 1 }), /1 pictures, not 2/);
  assert.throws(() => prep.picture(float([1, 2], [1, 2, 1, 1])), { code: 'ERR_SHAPE' });
  assert.equal(prep.imageSync(picture(3)).data.length, 72);
}));

test('what is refused before the module sees it comes with advice', () => opened(async (prep) => {
  for (const [work, advice] of [
    [() => prep.imageSync(picture(3), { fit: 'shrink' }), /one of/],
    [() => prep.imageSync({ data: new Uint8Array(7), width: 2, height: 2 }), /1, 3 or 4 bytes/],
    [() => prep.imageSync(picture(3), { mean: [1, 2] }), /one for each/],
    [() => prep.imageSync([]), /one or more/],
    [() => prep.imageSync(null), /ImageData/],
    [() => prep.warp(picture(3), [[0, 0]], 2, 2), /four/],
    [() => prep.textRegions(), /\[rows, columns\]/],
    [() => prep.detect(float([0, 0, 1, 1, 1], [1, 5]), { from: {} }), /image\(\) made/],
    [() => prep.classify({}), /\[\.\., classes\]/],
    [() => prep.classify(float([1, 2], [1, 2]), { row: 3 }), /from 0/],
    [() => prep.mel(new Tensor('string', ['a'])), /numbers/],
    [() => prep.soundSync({ data: [1], sampleRate: 8000 }), /Float32Array/],
    [() => prep.soundSync({ data: new Float32Array(3), sampleRate: 8000, channels: 2 }), /side by side/],
  ]) {
    assert.throws(work, (error) => advice.test(error.advice) && error.message.endsWith(error.advice)
      && error.name === 'AshoreError');
  }
}));

test('what Node cannot read is refused, and says what to give', () => opened(async (prep) => {
  const refused = (work, message) => assert.rejects(work, (error) =>
    error.name === 'AshoreError' && error.code === 'ERR_UNSUPPORTED' && message.test(error.message));
  await refused(prep.image(new Blob(['x'])), /\{ data, width, height \}/);
  await refused(prep.sound(new Blob(['x'])), /\{ data, sampleRate, channels \}/);
  assert.deepEqual((await prep.image([picture(3), picture(3)])).dims, [2, 3, 4, 6]);
  assert.deepEqual((await prep.sound({ data: new Float32Array(8), sampleRate: 8000 })).dims, [1, 16]);
}));

test('memory does not grow', () => opened((prep) => {
  const large = { data: new Uint8Array(300 * 300 * 4), width: 300, height: 300 };
  const work = () => {
    prep.picture(prep.imageSync(large, { width: 100, height: 100 }));
    prep.classify(float([1, 2, 3], [3]));
    assert.throws(() => prep.imageSync(large, { fit: 'crop', cropPct: 2 }));
    assert.throws(() => prep.imageSync([large, large, null]), { code: 'ERR_ARGUMENT' });
    return prep.memory;
  };
  const before = work();
  assert.ok(before > 0);
  for (let i = 0; i < 200; i++) work();
  assert.equal(prep.memory, before);
}));

test('a closed one says so', async () => {
  const prep = await openPrep();
  prep.close();
  prep.close();
  assert.throws(() => prep.imageSync(picture(3)), { code: 'ERR_STATE' });
  assert.throws(() => prep.softmax(float([1], [1])), { code: 'ERR_STATE' });
  await assert.rejects(openPrep({ signal: AbortSignal.abort() }), { name: 'AbortError' });
  await assert.rejects(openPrep({ module: '/nowhere.wasm' }), { code: 'ERR_IO' });
});
