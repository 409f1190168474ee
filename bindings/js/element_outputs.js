// What <ashore-model> shows of results: classes, boxes, tables or curves.
import { AshoreError } from './ashore.js';

const words = {
  xyxy: { format: 'xyxy' }, xywh: { format: 'xywh' }, cxcywh: { format: 'cxcywh' },
  yxyx: { format: 'yxyx' }, rows: { layout: 'rows' }, columns: { layout: 'columns' },
  objectness: { objectness: true }, sigmoid: { activation: 'sigmoid' },
  softmax: { activation: 'softmax' }, normalized: { normalized: true },
};
const kinds = ['classes', 'boxes', 'table', 'plot'];

const isTensor = (value) => value?.dims && value.data;
const tensorsOf = (results) => Object.entries(results).filter(([, value]) => isTensor(value));
const isLine = ({ type, dims }) => type === 'float32' && dims.filter((extent) => extent > 1)
  .length === 1;

/** Options of prep.detect of the attribute `boxes`: words, in any order. */
export function boxOptions(text) {
  return text.split(/\s+/).filter(Boolean).reduce((options, word) => {
    if (words[word]) return { ...options, ...words[word] };
    throw new AshoreError('ERR_ARGUMENT', `boxes="${text}": '${word}' is none of ${
      Object.keys(words).join(', ')}`);
  }, {});
}

/** How results are shown: 'classes', 'boxes', 'table' or 'plot', or '' for not at all. */
export function viewOf(results, { output, boxes }) {
  if (output && !kinds.includes(output)) {
    throw new AshoreError('ERR_ARGUMENT', `output="${output}": it is one of ${kinds.join(', ')}`);
  }
  if (output) return output;
  if (boxes !== undefined) return 'boxes';
  const tensors = tensorsOf(results).map(([, value]) => value);
  if (tensors.some(isLine)) return 'classes';
  const small = ({ dims }) => dims.filter((extent) => extent > 1).length <= 2;
  return tensors.length && tensors.every(small) ? 'table' : '';
}

/** The scores that classes are read of. */
export function scoresOf(results) {
  const found = tensorsOf(results).map(([, value]) => value).find(isLine);
  if (found) return { ...found, dims: [found.data.length] };
  throw new AshoreError('ERR_UNSUPPORTED', 'no output of the model is one line of scores in float32',
    { advice: 'output="table" shows numbers, output="boxes" what a detector gives' });
}

/** { boxes, scores } of a detector: all in one tensor, or boxes [.., N, 4] with scores beside them. */
export function boxesOf(results) {
  const tensors = tensorsOf(results).map(([, value]) => value).filter(({ dims }) => dims.length > 1);
  const four = tensors.find(({ dims }) => dims.at(-1) === 4);
  const rows = four?.dims.at(-2);
  const scores = four && tensors.find((other) => other !== four && other.dims.at(-2) === rows);
  if (scores) return { boxes: four, scores };
  if (tensors.length) return { boxes: tensors[0] };
  throw new AshoreError('ERR_UNSUPPORTED', 'no output of the model holds boxes');
}

/** What tables and curves show: [name, tensor]. */
export const valuesOf = tensorsOf;
