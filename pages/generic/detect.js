// What detectors give: which outputs hold boxes, how those are written, and what ashore/prep finds in
// them.  Boxes are in pixels of the model's input.
import { elements, isFloat, numbersOf } from './numbers.js';

export const formats = { xyxy: 'left, top, right, bottom', xywh: 'left, top, width, height',
  cxcywh: 'centre, width, height', yxyx: 'top, left, bottom, right' };
export const units = { pixels: 'pixels of the input', parts: 'parts of its sides' };
export const activations = { none: 'as they are', sigmoid: 'sigmoid', softmax: 'softmax' };
const mostFound = 2000;
const mostRows = 1000; // of what a detector has sorted out itself

const rowsOf = ({ dims }) => elements(dims.slice(0, -1));
const squeezed = (dims) => dims.filter((d, axis) => d !== 1 || axis === dims.length - 1);
const isInteger = (type) => /^u?int/.test(type);

// ---- which outputs ------------------------------------------------------------------------------

// Layers [cells along a side, boxes per cell] of MediaPipe's detectors for so many boxes.
function anchorLayers(count, side) {
  for (let cells = side >> 3; cells >= 4; cells >>= 1) {
    const tries = [[[cells, 2]], [[cells, 6]], [[cells, 2], [cells >> 1, 6]],
      [[cells, 2], [cells >> 1, 2], [cells >> 2, 6]]];
    const found = tries.find((layers) =>
      layers.reduce((sum, [n, each]) => sum + n * n * each, 0) === count);
    if (found) return found;
  }
  return null;
}

// Boxes beside anchors with points in them: [1, A, 16] and [1, A, 1], in one pair or one a layer.
function anchored(named, size) {
  if (size.width !== size.height) return null;
  const pairs = [];
  for (const [boxes, tensor] of named) {
    const { dims } = tensor;
    if (dims.length !== 3 || ![12, 16, 18].includes(dims[2])) continue;
    const scores = named.find(([, other]) => other.dims.length === 3 && other.dims[1] === dims[1]
      && other.dims[2] === 1)?.[0];
    const layers = anchorLayers(dims[1], size.width);
    if (!scores || !layers) return null;
    pairs.push({ boxes, scores, layers });
  }
  return pairs.length ? { kind: 'anchored', pairs, classes: 1,
    settings: { activation: 'sigmoid', threshold: 0.5, overlap: 0.3 } } : null;
}

// Numbers of boxes that a detector has for a picture: some for each cell of grids of these steps.
function isGridded(count, { width, height }) {
  const cells = (step) => Math.floor(width / step) * Math.floor(height / step);
  return [[8, 16, 32], [8, 16, 32, 64], [16, 32]].some((steps) => {
    const each = count / steps.reduce((sum, step) => sum + cells(step), 0);
    return [1, 2, 3].includes(each);
  });
}

// A table of its own: [1, 4 + C, N], [1, N, 5 + C], or sorted out already: [1, N, 6], [N, 7].
function table(named, size) {
  for (const [name, { dims }] of named) {
    const extents = dims.length === 3 && dims[0] === 1 ? dims.slice(1) : dims;
    if (extents.length !== 2) continue;
    const [a, b] = extents;
    if ((b === 6 || b === 7) && a <= mostRows && (dims.length === 3 || b === 7)) {
      return { kind: 'sorted', boxes: name, row: b, classes: 0,
        settings: { format: 'xyxy', activation: 'none', overlap: 1 } };
    }
    const across = a < b; // boxes lie side by side
    const row = Math.min(a, b);
    if (dims.length !== 3 || row < (across ? 5 : 6) || !isGridded(Math.max(a, b), size)) continue;
    const masks = named.find(([, other]) => other.dims.length === 4)?.[1].dims[1] ?? 0;
    const extra = masks && row - 4 - masks > 0 ? masks : 0; // coefficients of masks
    return { kind: 'table', boxes: name, row, across, objectness: !across,
      classes: row - (across ? 4 : 5) - extra, settings: { format: 'cxcywh', activation: 'none' } };
  }
  return null;
}

// Boxes [.., N, 4] with scores [.., N] or [.., N, C], and classes [.., N].
function pair(named) {
  const byName = named.toSorted(([a], [b]) => /box/i.test(b) - /box/i.test(a));
  for (const [boxes, tensor] of byName) {
    const { dims } = tensor;
    if (dims.length < 2 || dims.at(-1) !== 4 || squeezed(dims).length > 2) continue;
    const rows = rowsOf(tensor);
    const others = named.filter(([name, other]) => name !== boxes
      && (elements(other.dims) === rows || rowsOf(other) === rows));
    const labels = others.find(([name, other]) => elements(other.dims) === rows
      && (isInteger(other.type) || /label|class/i.test(name)))?.[0];
    const scores = others.find(([name, other]) => name !== labels && isFloat(other.type));
    if (!scores) continue;
    const classes = labels ? 0 : elements(scores[1].dims) / Math.max(rows, 1);
    return { kind: 'pair', boxes, scores: scores[0], labels, classes,
      background: classes > 1 && sumToOne(scores[1], classes) ? 0 : -1,
      settings: { format: formatOf(boxes, tensor), activation: activationOf(scores) } };
  }
  return null;
}

// Behind a softmax the first class is that there is nothing.
function sumToOne(tensor, classes) {
  const values = numbersOf(tensor);
  for (let at = 0; at < values.length; at += classes) {
    const sum = values.subarray(at, at + classes).reduce((a, b) => a + b, 0);
    if (!(Math.abs(sum - 1) < 1e-2)) return false;
  }
  return values.length > 0;
}

function formatOf(name, tensor) {
  if (/detection_boxes/.test(name)) return 'yxyx';
  if (/pred_boxes|cxcywh/.test(name)) return 'cxcywh';
  const values = numbersOf(tensor);
  for (let at = 0; at < values.length; at += 4) {
    if (values[at + 2] < values[at] - 1e-3 || values[at + 3] < values[at + 1] - 1e-3) {
      return 'cxcywh';
    }
  }
  return 'xyxy';
}

function activationOf([name, tensor]) {
  const values = numbersOf(tensor);
  if (values.every((value) => value >= -1e-4 && value <= 1 + 1e-4)) return 'none';
  return /logit/i.test(name) && tensor.dims.at(-1) > 1 ? 'softmax' : 'sigmoid';
}

/** Which outputs hold boxes, and how they are probably written: { kind, classes, settings }, or null.
 *  outputs: tensors by name; size: of the model's input picture. */
export function decideBoxes(outputs, size) {
  const named = Object.entries(outputs).filter(([, value]) => value?.dims && !Array.isArray(value)
    && value.type !== 'string');
  const found = anchored(named, size) ?? pair(named) ?? table(named, size);
  if (!found) return null;
  const unit = found.kind === 'anchored' ? 'pixels' : unitOf(found, outputs);
  return { ...found, settings: { format: 'xyxy', unit, threshold: 0.25, overlap: 0.45,
    ...found.settings } };
}

function unitOf(recipe, outputs) {
  const least = 2; // no box of pixels ends before
  return numbersOfBoxes(recipe, outputs).every((x) => x <= least) ? 'parts' : 'pixels';
}

// ---- reading ------------------------------------------------------------------------------------

const floats = (dims, values) => ({ type: 'float32', dims,
  data: values instanceof Float32Array ? values : Float32Array.from(values) });
const columnsOf = (values, row, from, count) => Float32Array.from(
  { length: values.length / row * count }, (_, i) =>
    values[Math.floor(i / count) * row + from + i % count]);

// Boxes beside anchors, and the points in them, in pixels.
function anchoredBoxes({ pairs }, outputs, { width }) {
  const boxes = [];
  const points = [];
  for (const { boxes: name, layers } of pairs) {
    const values = numbersOf(outputs[name]);
    const row = outputs[name].dims[2];
    let at = 0;
    for (const [cells, each] of layers) {
      for (let cell = 0; cell < cells * cells; cell++) {
        const x = ((cell % cells) + 0.5) * width / cells;
        const y = (Math.floor(cell / cells) + 0.5) * width / cells;
        for (let k = 0; k < each; k++, at += row) {
          boxes.push(x + values[at], y + values[at + 1], values[at + 2], values[at + 3]);
          points.push(Array.from({ length: row / 2 - 2 }, (_, p) =>
            [x + values[at + 4 + 2 * p], y + values[at + 5 + 2 * p]]));
        }
      }
    }
  }
  const scores = pairs.flatMap((pair) => [...numbersOf(outputs[pair.scores])]);
  return { boxes, scores, points, format: 'cxcywh' };
}

// Each box has one score, and a number of its class beside it: { boxes, scores, labels }.
function sortedBoxes({ boxes, row }, outputs) {
  const values = numbersOf(outputs[boxes]);
  const from = row - 6; // seven begin with the picture's number in its batch
  const column = (at) => columnsOf(values, row, at, 1);
  return { boxes: columnsOf(values, row, from, 4), scores: column(row === 7 ? 6 : 4),
    labels: column(5) };
}

const labelledBoxes = ({ boxes, scores, labels }, outputs) => ({ boxes: numbersOf(outputs[boxes]),
  scores: numbersOf(outputs[scores]), labels: labels && numbersOf(outputs[labels]) });

const listers = { anchored: anchoredBoxes, sorted: sortedBoxes, pair: labelledBoxes };

// Each box has scores for all classes: { boxes, scores, layout, objectness } of prep.detect.
function scoredBoxes(recipe, outputs) {
  const { kind, boxes, scores, row, across, objectness, classes } = recipe;
  const values = numbersOf(outputs[boxes]);
  if (kind === 'pair') {
    return { boxes: floats([values.length / 4, 4], values),
      scores: floats([values.length / 4, classes], numbersOf(outputs[scores])) };
  }
  const used = (objectness ? 5 : 4) + classes; // coefficients of masks lie behind them
  const count = values.length / row;
  return { objectness, layout: across ? 'columns' : 'rows', boxes: across
    ? floats([used, count], values.subarray(0, used * count))
    : floats([count, used], used === row ? values : columnsOf(values, row, 0, used)) };
}

const isListed = ({ kind, classes }) => kind !== 'table' && (kind !== 'pair' || !classes);

// All numbers of the boxes, as they are written.
function numbersOfBoxes(recipe, outputs) {
  if (recipe.kind !== 'table') return listers[recipe.kind](recipe, outputs).boxes;
  const { boxes: { data, dims: [a, b] }, layout } = scoredBoxes(recipe, outputs);
  return layout === 'columns' ? data.subarray(0, 4 * b) : columnsOf(data, data.length / a, 0, 4);
}

function listed(prep, recipe, outputs, size, { format, activation, threshold, overlap }) {
  const { boxes, scores, labels, points, ...own } = listers[recipe.kind](recipe, outputs, size);
  const count = scores.length;
  if (!count) return [];
  const corners = prep.convertBoxes(floats([count, 4], boxes), own.format ?? format, 'xyxy');
  const given = floats([count], scores);
  const sure = activation === 'sigmoid' ? prep.sigmoid(given) : given;
  const kept = prep.nms(corners, sure, { iou: overlap, score: threshold, most: mostFound,
    classes: labels && floats([count], labels) });
  return Array.from(kept, (i) => ({ box: [...corners.data.subarray(4 * i, 4 * i + 4)],
    score: sure.data[i], label: labels ? Number(labels[i]) : 0, points: points?.[i] ?? [] }));
}

function scored(prep, recipe, outputs, { format, activation, threshold, overlap }) {
  const { boxes, ...more } = scoredBoxes(recipe, outputs);
  if (!boxes.data.length) return [];
  // Of a softmax over several classes the last is that there is nothing.
  const background = activation === 'softmax' && recipe.classes > 2 ? -1
    : recipe.background === 0 ? 0 : undefined;
  return prep.detect(boxes, { ...more, format, activation, background, score: threshold,
    iou: overlap, most: mostFound }).map(({ box, score, index }) =>
    ({ box, score, label: index, points: [] }));
}

/** Boxes [{ box: [left, top, right, bottom], score, label, points }] by falling score; prep: what
 *  openPrep() of ashore/prep opens. */
export function findBoxes(prep, recipe, outputs, size, settings) {
  const [w, h] = settings.unit === 'parts' ? [size.width, size.height] : [1, 1];
  const found = isListed(recipe) ? listed(prep, recipe, outputs, size, settings)
    : scored(prep, recipe, outputs, settings);
  return found.filter(({ box: [left, top, right, bottom] }) => right > left && bottom > top)
    .map(({ box: [left, top, right, bottom], ...more }) =>
      ({ box: [left * w, top * h, right * w, bottom * h], ...more }));
}
