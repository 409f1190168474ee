// What the page for any model makes of numbers, texts, files, bytes and pictures.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import * as image from '../../pages/generic/image.js';
import { readNpy, npyName, writeNpy } from '../../pages/generic/npy.js';
import { element, fromHalf, numbersOf, parseNumbers, show,
  toHalf } from '../../pages/generic/numbers.js';
import { areProbabilities, piece, pieces, readLabels, scored, thinned, topK }
  from '../../pages/generic/results.js';
import { enter, fit, openExtents } from '../../pages/generic/shapes.js';
import { bytesTensor, fileTensor, filledTensor, numbersTensor, textTensor }
  from '../../pages/generic/values.js';
import { part, root } from './setup.mjs';

const info = (name, type, dims) => ({ name, type, dims, kind: 'tensor', text: `${type}[${dims}]` });
const near = (a, b, bound, what) => assert.ok(Math.abs(a - b) <= bound, `${what}: ${a}, not ${b}`);

test('half precision: all patterns there and back, ties to even, the ends', () => {
  for (let bits = 0; bits < 65536; bits++) {
    const value = fromHalf(bits);
    if (Number.isNaN(value)) assert.ok(Number.isNaN(fromHalf(toHalf(value))));
    else assert.equal(toHalf(value), bits, `${value}`);
  }
  assert.equal(toHalf(1 + 2 ** -11), 0x3c00);
  assert.equal(toHalf(1 + 3 * 2 ** -11), 0x3c02);
  assert.equal(toHalf(2 - 2 ** -12), 0x4000);
  assert.deepEqual([toHalf(65519), toHalf(65520), toHalf(-1e9)], [0x7bff, 0x7c00, 0xfc00]);
  assert.deepEqual([toHalf(2 ** -25), toHalf(3 * 2 ** -26)], [0, 1]);
});

test('numbers out of text', () => {
  assert.deepEqual([...parseNumbers('float32', '[[1, -2.5e1], [nan; inf]]\n0x10')],
    [1, -25, NaN, Infinity, 16]);
  assert.deepEqual([...parseNumbers('int64', '9223372036854775807, -1, 2.0')],
    [9223372036854775807n, -1n, 2n]);
  assert.deepEqual([...parseNumbers('bool', 'true False 1 0')], [1, 0, 1, 0]);
  assert.deepEqual([...parseNumbers('float16', '1')], [0x3c00]);
  assert.throws(() => parseNumbers('float32', '1, two'), /“two” \(number 2\) is not a number/);
  assert.throws(() => parseNumbers('int32', '1.5'), /“1.5” \(number 1\) is not a whole number/);
  assert.throws(() => parseNumbers('uint8', '1 256'), /“256” .*uint8: 0 to 255/);
  assert.equal(element('uint8', 300), 255);
  assert.equal(element('int64', -2.4), -2n);
  assert.equal(show(0.1 + 0.2), '0.3');
});

test('extents: from content, between inputs, and where they do not fit', () => {
  const ids = info('ids', 'int64', ['batch', 'sequence']);
  const extents = {};
  const tensor = numbersTensor(ids, '5 6 7', extents);
  assert.deepEqual(tensor.dims, [1, 3]);
  enter(ids, tensor.dims, extents);
  assert.deepEqual(extents, { batch: 1, sequence: 3 });
  const mask = filledTensor(info('mask', 'int64', ['batch', 'sequence']), 1, extents);
  assert.deepEqual([...mask.data], [1n, 1n, 1n]);
  const range = filledTensor(info('positions', 'int64', ['?', '?']), 'range', {}, [2, 3]);
  assert.deepEqual([range.dims, [...range.data]], [[2, 3], [0n, 1n, 2n, 0n, 1n, 2n]]);
  assert.deepEqual(numbersTensor(info('x', 'float32', ['N', 4]), '1 2 3 4 5 6 7 8', {}).dims,
    [2, 4]);
  assert.throws(() => numbersTensor(info('x', 'float32', ['N', 4]), '1 2 3', {}),
    /“x” has 3 numbers, but needs a multiple of 4 \(float32\[N,4\]\)/);
  assert.throws(() => numbersTensor(info('x', 'float32', [2, 2]), '1', {}),
    /has 1 number, but needs 4/);
  assert.throws(() => enter(ids, [1, 4], extents),
    /“ids” is \[1, 4\], but sequence is 3 elsewhere/);
  assert.throws(() => enter(info('x', 'float32', [1, 2]), [1, 2, 3], {}), /wants 2 dimensions/);
  assert.throws(() => enter(info('x', 'float32', [1, 2]), [1, 3], {}),
    /the model wants float32\[1,2\]/);
  assert.deepEqual(fit(info('x', 'float32', null), 5, {}), [5]);
  assert.deepEqual(openExtents([ids, info('x', 'float32', ['batch', '?'])]).map(({ key, first }) =>
    [key, first]), [['batch', true], ['sequence', false], ['x:1', false]]);
  assert.throws(() => filledTensor(info('x', 'float32', ['N', 'M']), 0, { N: 1e6, M: 1e6 }),
    /more than this page makes/);
});

test('texts and bytes', () => {
  assert.deepEqual(textTensor(info('t', 'string', ['N']), 'a\nb', {}), { type: 'string',
    data: ['a', 'b'], dims: [2] });
  assert.deepEqual(textTensor(info('t', 'string', [1]), 'a\nb', {}).data, ['a\nb']);
  const bytes = Uint8Array.from({ length: 6 }, (_, i) => i + 1);
  const of = (length, options, given = bytes) =>
    [...bytesTensor(info('b', 'int32', ['N', length]), given, options, {}).data];
  assert.deepEqual(of(8, { pad: 256 }), [1, 2, 3, 4, 5, 6, 256, 256]);
  assert.deepEqual(of(4, { pad: 256 }), [1, 2, 3, 4]);
  assert.deepEqual(of(4, { pad: 256, ends: true }), [1, 2, 5, 6]);
  assert.deepEqual(of(8, { pad: 9, ends: true }, bytes.subarray(0, 2)), [1, 2, 9, 9, 9, 9, 1, 2]);
  assert.deepEqual(of('?', { pad: 0 }), [1, 2, 3, 4, 5, 6]);
});

test('.npy files: round trips, orders, and what cannot be read', () => {
  const tensors = [
    { type: 'float32', data: new Float32Array([1, -2.5, NaN, 0, 1e9, 3]), dims: [2, 3] },
    { type: 'int64', data: new BigInt64Array([1n, -1n]), dims: [2] },
    { type: 'uint8', data: new Uint8Array([7]), dims: [] },
    { type: 'bool', data: new Uint8Array([1, 0]), dims: [2, 1] },
    { type: 'float16', data: new Uint16Array([0x3c00]), dims: [1] },
    { type: 'string', data: ['', 'häfen', '港🚢'], dims: [3] },
    { type: 'float64', data: new Float64Array(0), dims: [0, 4] },
  ];
  for (const tensor of tensors) {
    const bytes = writeNpy(tensor);
    assert.deepEqual(readNpy(bytes), tensor, tensor.type);
    assert.equal((bytes[8] + 256 * bytes[9] + 10) % 64, 0, 'the data is aligned');
  }
  assert.deepEqual(readNpy(writeNpy({ type: 'bfloat16', data: new Uint16Array([0x3f80]),
    dims: [1] })),
    { type: 'float32', data: new Float32Array([1]), dims: [1] });
  const header = (text) => Uint8Array.from(`\x93NUMPY\x01\x00${
    String.fromCharCode(text.length)}\x00${text}`, (char) => char.charCodeAt(0));
  assert.throws(() => readNpy(new TextEncoder().encode('no array at all')), /not a .npy file/);
  assert.throws(() => readNpy(header("{'descr': '|O', 'shape': (1,), }")), /not numbers or text/);
  assert.throws(() => readNpy(header("{'descr': '<f4', 'fortran_order': False, 'shape': (9,), }")),
    /cut short: 36 bytes should follow its header, 0 do/);
  assert.throws(() => readNpy(header("{'descr': '<c8', 'shape': (1,), }")), /elements of type c8/);
  assert.equal(npyName('../a b:0'), '_a_b_0.npy');
});

test('.npy files of NumPy itself, and for NumPy', (t) => {
  const python = path.join(root, 'build/venv/bin/python');
  if (!fs.existsSync(python)) {
    t.skip(`${python} is not there`);
    return;
  }
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-npy-'));
  try {
    fs.writeFileSync(path.join(dir, 'own.npy'), writeNpy({ type: 'float32',
      data: new Float32Array([1, 2, 3, 4, 5, 6]), dims: [2, 3] }));
    const sum = execFileSync(python, ['-c', 'import numpy as np, sys\nd = sys.argv[1]\n'
      + 'a = np.arange(24, dtype=">i2").reshape(2, 3, 4)\n'
      + 'np.save(d + "/fortran.npy", np.asfortranarray(a))\n'
      + 'np.save(d + "/text.npy", np.array(["a", "bcé"]))\n'
      + 'b = np.load(d + "/own.npy")\nprint(b.dtype, b.shape, b[1].sum())\n', dir]);
    assert.equal(String(sum).trim(), 'float32 (2, 3) 15.0');
    const { type, data, dims } = readNpy(fs.readFileSync(path.join(dir, 'fortran.npy')));
    assert.deepEqual([type, dims, [...data]],
      ['int16', [2, 3, 4], Array.from({ length: 24 }, (_, i) => i)]);
    assert.deepEqual(readNpy(fs.readFileSync(path.join(dir, 'text.npy'))).data, ['a', 'bcé']);
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
});

test('a file for an input of another type', () => {
  const x = info('x', 'float32', ['N']);
  const doubles = { type: 'float64', data: new Float64Array([1, 2]), dims: [2] };
  assert.deepEqual(fileTensor(x, doubles, {}).data, new Float32Array([1, 2]));
  assert.deepEqual(fileTensor(info('i', 'int64', ['N']), doubles, {}).data,
    new BigInt64Array([1n, 2n]));
  assert.throws(() => fileTensor(info('i', 'int64', ['N']), { ...doubles,
    data: new Float64Array([1.5, 2]) }, {}), /float64 elements, but “i” wants int64/);
  assert.throws(() => fileTensor(x, { type: 'string', data: ['a'], dims: [1] }, {}),
    /wants float32/);
  assert.throws(() => fileTensor(x, { ...doubles, dims: [1, 2] }, {}), /wants 1 dimensions/);
});

// ---- pictures -----------------------------------------------------------------------------------

const solid = (width, height, [r, g, b, a = 255]) => ({ width, height,
  data: Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => [r, g, b, a][i % 4]) });
const plain = { channels: 3, order: 'rgb', scale: 'unit', fit: 'stretch', layout: 'NCHW' };
const { openPrep } = await part('prep.js');

test('pictures: order, scale, layout, transparency, and other types than float32', async () => {
  const prep = await openPrep();
  const picture = solid(5, 4, [255, 51, 0]);
  const of = (type, given, shown = picture, [width, height] = [2, 2]) => {
    const options = { ...plain, ...given };
    const made = prep.imageSync(shown, image.imageOptions(type, width, height, options));
    const last = options.layout === 'NHWC';
    return image.imageElements(made, type, last ? [1, height, width, options.channels]
      : [1, options.channels, height, width], options);
  };
  // Made of (x - mean) * scale in float32, of numbers up to 255 * scale: within 4 eps of 3.
  const bound = 4 * 3 * 2 ** -23;
  const firsts = (...given) => [...of(...given)].filter((_, i) => i % 4 === 0);
  const nearly = (values, wanted) => values.forEach((value, i) =>
    near(value, wanted[i], bound, `channel ${i}`));
  nearly(firsts('float32'), [1, 0.2, 0]);
  assert.deepEqual([...of('uint8', { scale: 'bytes', layout: 'NHWC' })].slice(0, 6),
    [255, 51, 0, 255, 51, 0]);
  assert.deepEqual([...of('uint8', { scale: 'bytes', order: 'bgr' })],
    [0, 0, 0, 0, 51, 51, 51, 51, 255, 255, 255, 255]);
  assert.deepEqual(firsts('int8', { scale: 'signed' }), [127, -77, -128]);
  nearly(firsts('float32', { scale: 'symmetric' }), [1, -0.6, -1]);
  nearly(firsts('float32', { scale: 'imagenet' }), [(1 - 0.485) / 0.229, (0.2 - 0.456) / 0.224,
    -0.406 / 0.225]);
  // The mean and deviation are of a colour, in whatever order the model takes them.
  near(of('float32', { scale: 'imagenet', order: 'bgr' })[8], (1 - 0.485) / 0.229, bound,
    'red, last');
  near(of('float32', { channels: 1 })[0], 0.299 + 0.587 * 0.2, bound, 'grey');
  const four = of('float32', { channels: 4 });
  assert.equal(four.length, 16);
  nearly([four[0], four[4], four[12]], [1, 0.2, 1]);
  nearly(of('float32', { channels: 4, layout: 'NHWC' }).slice(0, 4), [1, 0.2, 0, 1]);
  nearly([...of('float32', {}, solid(2, 2, [0, 0, 0, 0]), [1, 1])], [1, 1, 1]);
  assert.equal(of('float16')[0], 0x3c00);
  const twice = image.imageElements(prep.imageSync(picture, image.imageOptions('float32', 2, 2,
    plain)), 'float32', [2, 3, 2, 2], plain);
  assert.equal(twice.length, 24, 'a batch has the picture several times');
  assert.deepEqual(twice.slice(0, 12), twice.slice(12));
  const boxed = of('uint8', { scale: 'bytes', fit: 'letterbox', layout: 'NHWC' },
    solid(8, 4, [255, 255, 255]), [4, 4]);
  assert.deepEqual([...boxed].filter((_, i) => i % 3 === 0),
    [114, 114, 114, 114, ...Array(8).fill(255), 114, 114, 114, 114]);
  prep.close();
});

test('pictures: sizes', () => {
  assert.deepEqual(image.sizeFor({ width: 100, height: 50 }, 0, 48), { width: 96, height: 48 });
  assert.deepEqual(image.sizeFor({ width: 100, height: 50 }, 30, 0), { width: 30, height: 15 });
  assert.deepEqual(image.sizeFor({ width: 1300, height: 650 }, 0, 0), { width: 640, height: 320 });
});

test('pictures out of numbers', () => {
  const paint = (values, width, height, options) =>
    [...image.paint(values, width, height, options).data];
  assert.deepEqual(paint([0, 1], 2, 1, { layout: 'HW', range: 'unit' }),
    [0, 0, 0, 255, 255, 255, 255, 255]);
  assert.deepEqual(paint([1, 0, -1], 1, 1, { layout: 'CHW', range: 'symmetric' }),
    [255, 128, 0, 255]);
  assert.deepEqual(paint([9, 8, 7], 1, 1, { layout: 'HWC', range: 'bytes', order: 'bgr' }),
    [7, 8, 9, 255]);
  assert.deepEqual(['unit', 'symmetric', 'bytes', 'stretch'].map((_, i) => image.rangeOf('float32',
    [[0, 0.5, 1], [-1, 1], [0, 255], [-300, 10]][i])), ['unit', 'symmetric', 'bytes', 'stretch']);
  const { shares } = image.mask([0, 2, 2, 2], 2, 2);
  assert.deepEqual(shares, [[2, 0.75], [0, 0.25]]);
  assert.deepEqual([...image.largest([5, 1, 0, 9, 3, 3], 3, false)], [0, 1]);
  assert.deepEqual([...image.largest([5, 0, 3, 1, 9, 3], 3, true)], [0, 1]);
  const { data } = image.heat([0, 1], 2, 1);
  assert.deepEqual([...data], [68, 1, 84, 255, 253, 231, 37, 255]);
  assert.equal(new Set(Array.from({ length: 21 }, (_, i) => image.colour(i).join())).size, 21);
});

test('results: scores, labels, pieces, lines', () => {
  assert.deepEqual(topK([1, 3, NaN, 3, 2], 3), [[1, 3], [3, 3], [4, 2]]);
  assert.equal(areProbabilities([0.25, 0.75]), true);
  assert.equal(areProbabilities([0.25, 0.25]), false);
  assert.deepEqual([...scored([0, 0], 'auto')], [0.5, 0.5]);
  assert.deepEqual([...scored([0.25, 0.75], 'auto')], [0.25, 0.75]);
  assert.deepEqual([...scored([0], 'sigmoid')], [0.5]);
  assert.ok(scored([1000, 0], 'softmax').every(Number.isFinite));
  assert.deepEqual(readLabels('cat\r\ndog\n'), ['cat', 'dog']);
  assert.deepEqual(readLabels('["cat", "dog"]'), ['cat', 'dog']);
  assert.deepEqual(readLabels('{"1": ["n01", "dog"], "0": "cat"}'), ['cat', 'dog']);
  assert.deepEqual(readLabels('{"id2label": {"0": "cat"}, "architectures": []}'), ['cat']);
  assert.deepEqual(readLabels('{"size": 9, "classes": ["cat", "dog"]}'), ['cat', 'dog']);
  assert.deepEqual(readLabels('{"dog": 1, "cat": 0}'), ['cat', 'dog']);
  assert.throws(() => readLabels('{"0": '));
  const tensor = { type: 'float32', data: Float32Array.from({ length: 12 }, (_, i) => i),
    dims: [2, 2, 3] };
  assert.equal(pieces(tensor.dims, 2), 2);
  assert.deepEqual([...piece(tensor, 1, 3).values], [9, 10, 11]);
  assert.deepEqual(piece({ data: [5], dims: [] }, 2, 0).dims, [1, 1]);
  const line = thinned(Float32Array.from({ length: 10000 }, (_, i) => (i === 5001 ? 7 : 0)), 100);
  assert.ok(line.length <= 110 && line.some(([x, y]) => x === 5001 && y === 7), 'a peak is kept');
  assert.deepEqual([...numbersOf({ type: 'int64', data: new BigInt64Array([2n]) })], [2]);
});
