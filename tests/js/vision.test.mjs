// What comes before and behind models of pictures; the numbers themselves are checked against Pillow
// and SciPy in tests/models/test_prep.py, through the same functions in C.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { part } from './setup.mjs';

const { openVision } = await part('vision.js');
const variants = ['scalar', 'simd128', 'relaxed'];

const picture = (channels) => ({ width: 6, height: 4,
  data: Uint8Array.from({ length: 24 * channels }, (_, i) => (i * 37) % 256) });
const opened = async (options, use) => {
  const vision = await openVision(options);
  try {
    return await use(vision);
  } finally {
    vision.close();
  }
};

test('a picture of the same size is taken pixel by pixel', () => opened({}, (vision) => {
  const rgb = picture(3);
  const { type, dims, data } = vision.imageTensor(rgb);
  assert.equal(type, 'float32');
  assert.deepEqual(dims, [1, 3, 4, 6]);
  data.forEach((value, i) => assert.equal(value, rgb.data[3 * (i % 24) + Math.floor(i / 24)]));
  const last = vision.imageTensor(rgb, { layout: 'NHWC', type: 'uint8', order: 'bgr' });
  assert.deepEqual(last.dims, [1, 4, 6, 3]);
  last.data.forEach((value, i) => assert.equal(value, rgb.data[i - (i % 3) + 2 - (i % 3)]));
  const scaled = vision.imageTensor(rgb, { mean: [1, 2, 3], scale: 0.5 });
  scaled.data.forEach((value, i) => assert.equal(value, (data[i] - 1 - Math.floor(i / 24)) / 2));
}));

test('grey, RGB and RGBA pictures; an invisible one is white', () => opened({}, (vision) => {
  const grey = picture(1);
  assert.equal(vision.imageTensor(grey).data[30], grey.data[6]);
  const clear = { width: 2, height: 2, data: new Uint8ClampedArray(16) };
  assert.ok(vision.imageTensor(clear).data.every((value) => Math.abs(value - 255) < 1e-3));
  assert.deepEqual(vision.imageTensor(picture(3), { order: 'grey' }).dims, [1, 1, 4, 6]);
}));

test('the rest of a tensor is padded', () => opened({}, (vision) => {
  const wide = (fit) => vision.imageTensor(picture(3), { width: 8, height: 4, fit, pad: -1 }).data;
  const padded = (data) => Array.from(data.subarray(0, 8), (value) => value === -1);
  assert.deepEqual(padded(wide('start')), [...Array(6).fill(false), true, true]);
  assert.deepEqual(padded(wide('letterbox')), [true, ...Array(6).fill(false), true]);
  assert.ok(wide('crop').every((value) => value !== -1));
}));

test('a quadrangle becomes upright', () => opened({}, (vision) => {
  const rgb = picture(3);
  const whole = [[0, 0], [6, 0], [6, 4], [0, 4]];
  assert.deepEqual(vision.warp(rgb, whole, 6, 4).data, rgb.data);
  const turned = vision.warp(rgb, [...whole.slice(2), ...whole.slice(0, 2)], 6, 4);
  assert.deepEqual([...turned.data.subarray(0, 3)], [...rgb.data.subarray(69)]);
  assert.deepEqual([turned.width, turned.height], [6, 4]);
}));

const map = () => ({ dims: [1, 1, 40, 90], data: Float32Array.from({ length: 3600 }, (_, i) => {
  const [x, y] = [i % 90, Math.floor(i / 90)];
  return x >= 10 && x <= 79 && y >= 12 && y <= 27 ? 0.75 : 0.125;
}) });

test('regions of text, the same in every variant', async () => {
  const found = await Promise.all(variants.map((variant) => opened({ variant, threads: 1 },
    (vision) => vision.textRegions(map(), { polygons: true, scale: [2, 4] }))));
  assert.deepEqual(found[1], found[0]);
  assert.deepEqual(found[2], found[0]);
  const [{ corners, score, polygon }, ...others] = found[0];
  assert.equal(others.length, 0);
  assert.equal(score, 0.75);
  const grow = 69 * 15 * 1.5 / (2 * (69 + 15));
  const [low, high] = [[10 - grow, 12 - grow], [79 + grow, 27 + grow]];
  [[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]].forEach(([x, y], i) => {
    assert.ok(Math.abs(corners[i][0] - 2 * x) < 1e-3 && Math.abs(corners[i][1] - 4 * y) < 1e-3);
  });
  assert.ok(polygon.length >= 8 && polygon.every(([x, y]) => x >= -2 && x < 182 && y > 0 && y < 160));
  assert.deepEqual(await opened({}, (vision) => vision.textRegions(map(), { score: 0.8 })), []);
});

test('greedy CTC', () => opened({}, (vision) => {
  const best = [2, 2, 0, 2, 1, 0];
  const data = new Float32Array(18).fill(0.25);
  best.forEach((k, i) => { data[3 * i + k] = 0.5; });
  const { classes, confidence } = vision.ctc({ data, dims: [1, 6, 3] });
  assert.deepEqual([...classes], [2, 2, 1]);
  assert.equal(confidence, 0.5);
}));

test('what cannot be is refused, and the next call works', () => opened({}, (vision) => {
  const refused = (work, message) => assert.throws(work, (error) =>
    error.name === 'AshoreError' && error.code === 'ERR_ARGUMENT' && message.test(error.message));
  refused(() => vision.imageTensor(picture(3), { fit: 'shrink' }), /'shrink'/);
  refused(() => vision.imageTensor(picture(3), { width: 0 }), /sides are 1 to/);
  refused(() => vision.imageTensor({ data: new Uint8Array(7), width: 2, height: 2 }), /7 bytes/);
  refused(() => vision.imageTensor({ data: null, width: 2, height: 2 }), /picture/);
  refused(() => vision.warp(picture(3), [[0, 0], [1, 1], [2, 2], [3, 3]], 2, 2), /quadrangle/);
  refused(() => vision.warp(picture(3), [[0, 0]], 2, 2), /four corners/);
  refused(() => vision.textRegions({ data: new Float32Array(5), dims: [2, 3] }), /\[2,3\]/);
  refused(() => vision.ctc({ data: new Float32Array(5), dims: [1, 2, 3] }), /\[1,2,3\]/);
  assert.equal(vision.imageTensor(picture(3)).data.length, 72);
}));

test('a closed one says so', async () => {
  const vision = await openVision();
  vision.close();
  assert.throws(() => vision.imageTensor(picture(3)), { code: 'ERR_STATE' });
});
