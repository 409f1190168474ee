// Results as components of the page take them.
import { isArray, LimitError } from './arrays.js';
import { toList } from './axes.js';
import { png, shownArray } from './pictures.js';
import { compareValues } from './sequences.js';

function label([scores], { top }) {
  const pairs = [...scores].map(([name, score]) => ({ label: String(name), confidence: Number(score) }));
  if (!pairs.length) return null;
  const order = pairs.map((_, i) => i).sort((a, b) =>
    compareValues(pairs[b].confidence, pairs[a].confidence));
  const confidences = order.slice(0, top ?? undefined).map((i) => pairs[i]);
  return { label: confidences[0].label, confidences };
}

/** What json.dumps() makes of a value. */
export function plain(x) {
  if (isArray(x)) return plain(toList([x]));
  if (x instanceof Map) return Object.fromEntries([...x].map(([key, one]) => [String(key), plain(one)]));
  return Array.isArray(x) ? x.map(plain) : x;
}

function parsed([text]) {
  try {
    return JSON.parse(text);
  } catch {
    if (!/NaN|Infinity/.test(text)) return text;
    throw new LimitError('a text that may be JSON of Python, with NaN or Infinity');
  }
}

export const shownSteps = {
  label,
  named: ([text]) => ({ label: text }),
  json: ([x]) => plain(x),
  parsed,
  picture: ([x]) => png(isArray(x) ? shownArray(x) : x),
  file: ([{ name, type, bytes }]) => ({ name, type, bytes }),
};
