// What is made of an output's numbers before they are shown: pure functions.
import { elements } from './numbers.js';

/** How many pieces of `rank` extents a tensor has. */
export const pieces = (dims, rank) => elements(dims.slice(0, Math.max(0, dims.length - rank)));

/** The extents and elements of piece `index`: the last `rank` axes, of which missing ones are 1. */
export function piece({ data, dims }, rank, index) {
  const own = dims.slice(-rank);
  while (own.length < rank) own.unshift(1);
  const size = elements(own);
  return { dims: own, start: index * size, values: data.slice(index * size, (index + 1) * size) };
}

/** Whether numbers are probabilities already. */
export function areProbabilities(values) {
  let sum = 0;
  for (const value of values) {
    if (!(value >= -1e-6 && value <= 1 + 1e-6)) return false;
    sum += value;
  }
  return Math.abs(sum - 1) < 1e-2;
}

export function softmax(values) {
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = Float64Array.from(values, (value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
}

export const sigmoid = (values) => Float64Array.from(values, (value) => 1 / (1 + Math.exp(-value)));

/** What is done to scores: 'auto' is softmax unless they are probabilities. */
export function scored(values, way) {
  if (way === 'softmax' || (way === 'auto' && !areProbabilities(values))) return softmax(values);
  return way === 'sigmoid' ? sigmoid(values) : values;
}

/** [index, value] of the k largest, the earlier of equals first. */
export function topK(values, k) {
  const top = [];
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) continue;
    if (top.length === k && !(values[i] > top[k - 1][1])) continue;
    let at = top.length;
    while (at > 0 && values[i] > top[at - 1][1]) at--;
    top.splice(at, 0, [i, values[i]]);
    top.length = Math.min(top.length, k);
  }
  return top;
}

const isTexts = (value) => Array.isArray(value) && value.length > 1
  && value.every((each) => typeof each === 'string');

/** Labels of a file: a line each, or JSON: an array, an object by number or by label, or one that
 *  has id2label or an array of texts, as configurations do. */
export function readLabels(text) {
  const plain = text.replace(/^\uFEFF/, '');
  if (/^\s*[[{]/.test(plain)) {
    const parsed = JSON.parse(plain);
    const texts = Object.entries(parsed)
      .find(([key, value]) => !/^\d+$/.test(key) && isTexts(value));
    const table = parsed.id2label ?? texts?.[1] ?? parsed;
    const last = (value) => String(Array.isArray(value) ? value.at(-1) : value);
    if (Array.isArray(table)) return table.map((value) => String(value));
    const labels = [];
    for (const [key, value] of Object.entries(table)) {
      if (/^\d+$/.test(key)) labels[Number(key)] = last(value);
      else if (Number.isInteger(value) && value >= 0 && value < 1e6) labels[value] = key;
    }
    return Array.from(labels, (label) => label ?? '');
  }
  return plain.replace(/\r?\n$/, '').split(/\r?\n/);
}

/** A series as at most `most` points [x, y] that keep its peaks. */
export function thinned(values, most) {
  if (values.length <= most) return Array.from(values, (value, i) => [i, Number(value)]);
  const points = [];
  const step = values.length / (most / 2);
  for (let at = 0; at < values.length; at += step) {
    const end = Math.min(Math.floor(at + step), values.length);
    let low = Math.floor(at);
    let high = low;
    for (let i = low; i < end; i++) {
      if (values[i] < values[low]) low = i;
      if (values[i] > values[high]) high = i;
    }
    for (const i of new Set([Math.min(low, high), Math.max(low, high)])) {
      points.push([i, Number(values[i])]);
    }
  }
  return points;
}
