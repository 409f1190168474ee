// What the page for any model makes of what detectors give: made-up outputs in each layout that there
// is, with known boxes in them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideBoxes, findBoxes } from '../../pages/generic/detect.js';
import { part } from './setup.mjs';

const prep = await (await part('prep.js')).openPrep();

const size = { width: 640, height: 480 };
const square = { width: 640, height: 640 };
const float = (dims, values) => ({ type: 'float32', dims, data: Float32Array.from(values) });
const int = (dims, values) => ({ type: 'int64', dims, data: BigInt64Array.from(values, BigInt) });
const rounded = (boxes) => boxes.map(({ box, score, label }) =>
  [box.map(Math.round), Math.round(100 * score), label]);

function found(outputs, changes = {}, of = size) {
  const recipe = decideBoxes(outputs, of);
  assert.ok(recipe, 'boxes are recognised');
  return rounded(findBoxes(prep, recipe, outputs, of, { ...recipe.settings, ...changes }));
}

// Rows of `width` numbers for `count` boxes, of which some are given by their number.
function rows(count, width, given) {
  const all = new Float32Array(count * width);
  for (const [i, row] of Object.entries(given)) all.set(row, i * width);
  return all;
}
const across = (values, count, width) =>
  Float32Array.from(values, (_, at) => values[(at % count) * width + Math.floor(at / count)]);

test('a table of boxes and classes, side by side or row by row', () => {
  const eight = rows(8400, 7, { 5: [100, 100, 20, 40, 0.1, 0.9, 0], 6: [101, 101, 20, 40, 0, 0.8, 0],
    7: [101, 101, 20, 40, 0.7, 0, 0], 99: [300, 200, 50, 50, 0, 0, 0.2] });
  const v8 = { output0: float([1, 7, 8400], across(eight, 8400, 7)) };
  assert.deepEqual(found(v8, {}, square), [[[90, 80, 110, 120], 90, 1], [[91, 81, 111, 121], 70, 0]],
    'one of two that overlap, each class apart');
  assert.deepEqual(found(v8, { threshold: 0.1 }, square).at(-1), [[275, 175, 325, 225], 20, 2]);
  assert.equal(found(v8, { overlap: 1 }, square).length, 3);
  const five = rows(25200, 7, { 3: [100, 100, 20, 40, 0.5, 0.1, 0.8] });
  assert.deepEqual(found({ output: float([1, 25200, 7], five) }, {}, square), [[[90, 80, 110, 120], 40, 1]],
    'a score is that of a thing times that of a class');
  const masks = rows(8400, 4 + 2 + 32, { 0: [10, 10, 4, 4, 0.6, 0.1, ...Array(32).fill(9)] });
  assert.deepEqual(found({ output0: float([1, 38, 8400], across(masks, 8400, 38)),
    output1: float([1, 32, 2, 2], Array(128).fill(0)) }, {}, square), [[[8, 8, 12, 12], 60, 0]],
  'coefficients of masks are no classes');
});

test('boxes that a model has sorted out itself', () => {
  assert.deepEqual(found({ out: float([1, 3, 6], [1, 2, 30, 40, 0.9, 7, 5, 5, 90, 95, 0.5, 2,
    0, 0, 0, 0, 0, 0]) }), [[[1, 2, 30, 40], 90, 7], [[5, 5, 90, 95], 50, 2]]);
  assert.deepEqual(found({ out: float([1, 7], [0, 1, 2, 30, 40, 7, 0.9]) }),
    [[[1, 2, 30, 40], 90, 7]]);
});

test('boxes with scores, classes and numbers beside them', () => {
  assert.deepEqual(found({ boxes: float([2, 4], [10, 20, 110, 220, 0, 0, 5, 5]),
    labels: int([2], [3, 1]), scores: float([2], [0.8, 0.1]) }), [[[10, 20, 110, 220], 80, 3]],
  'corners in pixels');
  assert.deepEqual(found({ detection_boxes: float([1, 1, 4], [0.25, 0.5, 0.5, 0.75]),
    detection_classes: float([1, 1], [5]), detection_scores: float([1, 1], [0.9]),
    num_detections: float([1], [1]) }), [[[320, 120, 480, 240], 90, 5]], 'top first, in parts');
  assert.deepEqual(found({ logits: float([1, 2, 4], [0, 5, 0, 0, 0, 0, 0, 9]),
    pred_boxes: float([1, 2, 4], [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 1]) }),
  [[[160, 120, 480, 360], 98, 1]], 'the last class of a softmax is nothing');
  assert.deepEqual(found({ scores: float([1, 2, 2], [0.1, 0.9, 0.95, 0.05]),
    boxes: float([1, 2, 4], [0.5, 0.5, 0.75, 0.75, 0, 0, 0.5, 0.5]) }),
  [[[320, 240, 480, 360], 90, 1]], 'the first class of two shares is nothing');
  assert.deepEqual(found({ boxes: float([0, 4], []), scores: float([0], []),
    labels: int([0], []) }), [], 'none at all');
});

test('boxes beside anchors', () => {
  const side = { width: 128, height: 128 };
  const regressors = rows(896, 16, { 3: [4, -2, 16, 8, 1, 1] });
  const scores = new Float32Array(896).fill(-9);
  scores[3] = 2;
  const outputs = { regressors: float([1, 896, 16], regressors),
    classificators: float([1, 896, 1], scores) };
  // The fourth box is the second one of the second cell: centre 12, 4.
  assert.deepEqual(found(outputs, {}, side), [[[8, -2, 24, 6], 88, 0]]);
  const recipe = decideBoxes(outputs, side);
  assert.deepEqual(findBoxes(prep, recipe, outputs, side, recipe.settings)[0].points[0], [13, 5]);
  const second = rows(384, 16, { 6: [0, 0, 16, 16] }); // the first of the second cell of 8 by 8
  const late = new Float32Array(384).fill(-9);
  late[6] = 3;
  const split = { a: float([1, 512, 1], new Float32Array(512).fill(-9)),
    b: float([1, 512, 16], rows(512, 16, {})), c: float([1, 384, 1], late),
    d: float([1, 384, 16], second) };
  assert.deepEqual(found(split, {}, side), [[[16, 0, 32, 16], 95, 0]]);
});

test('what is no detector', () => {
  const none = [{ out: float([1, 1000], Array(1000).fill(0)) },
    { hidden: float([1, 12, 384], Array(12 * 384).fill(0)) },
    { features: float([1, 64, 300], Array(19200).fill(0)) },
    { image: float([1, 3, 8, 8], Array(192).fill(0)) }, { x: float([1, 4], [0, 1, 2, 3]) },
    { text: { type: 'string', dims: [1], data: ['a'] }, list: [], none: null }];
  for (const outputs of none) assert.equal(decideBoxes(outputs, size), null);
});

test('what overlaps a better one of its class is dropped', () => {
  const two = { boxes: float([2, 4], [0, 0, 20, 20, 10, 0, 30, 20]), scores: float([2], [0.5, 0.9]),
    labels: int([2], [4, 4]) };
  assert.equal(found(two, { overlap: 0.3 }).length, 1, 'a third is shared');
  assert.deepEqual(found(two, { overlap: 0.4 }), [[[10, 0, 30, 20], 90, 4], [[0, 0, 20, 20], 50, 4]]);
  assert.equal(found({ ...two, labels: int([2], [4, 5]) }, { overlap: 0.3 }).length, 2);
});

test('numbers of classes of any size', () => {
  const labels = int([3], [2 ** 31, 7, -1]);
  const many = { boxes: float([3, 4], [0, 0, 20, 20, 50, 0, 80, 20, 5, 90, 9, 99]), labels,
    scores: float([3], [0.5, 0.9, 0.7]) };
  assert.deepEqual(found(many).map(([, , label]) => label), [7, -1, 2 ** 31]);
});
