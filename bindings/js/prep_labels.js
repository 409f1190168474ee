// Names and colours of classes.
import { AshoreError } from './ashore.js';

// The name in an entry of a label file: text, or an array whose last is the readable one, as Keras
// writes ["n01440764", "tench"].
const nameOf = (entry) => String(Array.isArray(entry) ? entry.at(-1) : entry);
const isNumber = (text) => /^\d+$/.test(text);

function fromObject(object) {
  for (const key of ['id2label', 'names', 'labels', 'classes']) {
    if (object[key] && typeof object[key] === 'object') return readLabels(object[key]);
  }
  const entries = Object.entries(object.label2id ?? object);
  const byNumber = entries.every(([key]) => isNumber(key));
  if (!byNumber && !entries.every(([, value]) => Number.isInteger(value) && value >= 0)) {
    throw new AshoreError('ERR_ARGUMENT', 'labels have no numbers', { advice: 'Give an array, text with '
      + 'one in each line, or an object { number: label } or { label: number }' });
  }
  const labels = [];
  for (const [key, value] of entries) {
    if (byNumber) labels[key] = nameOf(value);
    else labels[value] = key;
  }
  return Array.from(labels, (label, i) => label ?? String(i));
}

/** Labels by class: of an array, of text (JSON, or one in each line), or of an object such as
 *  `id2label` or a whole config.json. */
export function readLabels(source) {
  if (Array.isArray(source)) return source.map(nameOf);
  if (source && typeof source === 'object') return fromObject(source);
  const text = String(source ?? '').replace(/^\uFEFF/, '');
  if (/^\s*[[{]/.test(text)) {
    let parsed;
    try {
      parsed = JSON.parse(text);
    } catch (error) {
      throw new AshoreError('ERR_FORMAT', `the labels are no JSON: ${error.message}`,
        { cause: error, advice: 'Give text with one in each line' });
    }
    return readLabels(parsed);
  }
  return text.trimEnd() === '' ? [] : text.trimEnd().split(/\r?\n/).map((line) => line.trim());
}

/** The label of a class, or its number. */
export const labelOf = (labels, index) => labels?.[index] ?? String(index);

// Angles of the golden ratio are far from each other however many there are.
function hueToRGB(hue) {
  return [0, 8, 4].map((n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (0.55 - 0.4 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  });
}

/** [R, G, B] of a class: always the same, bright, and unlike that of its neighbours. */
export const colorOf = (index) => hueToRGB((index * 137.508 + 210) % 360);

/** Whether black is easier to read on a colour than white. */
export const isLight = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((v) => (v / 255) ** 2.2);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z > 0.179;
};
