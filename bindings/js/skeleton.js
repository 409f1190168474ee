// A model without its large weights: what of the file has to be fetched to know all the rest.
import { AshoreError } from './ashore.js';

const large = 65536; // bytes of weights that are left out
const deepest = 100;

// Messages by field, as far as weights can lie in them.
const messages = {
  model: { 7: 'graph', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  function: { 7: 'node' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: { 13: 'external' },
  external: {},
};
const weights = [4, 9, 10]; // float_data, raw_data, double_data: zeros are as long as what was there
const integers = [2, 3, 4, 5, 6, 7, 9, 12, 13]; // types that shapes may hang on

const text = (bytes) => new TextDecoder().decode(bytes);

class Cursor {
  constructor(pieces, name) {
    this.pieces = pieces;
    this.name = name;
    this.at = 0;
  }

  bad(what) {
    return new AshoreError('ERR_FORMAT', `${this.name}: malformed protobuf: ${what}, at byte ${
      this.at}`, { advice: 'Is this an ONNX model, and all of it?' });
  }

  async ready(size) {
    const { at, pieces } = this;
    while (!pieces.has(at, Math.min(at + size, pieces.size ?? Infinity))) {
      await pieces.need(at, at + size);
    }
  }

  /** Bytes that are ready. */
  take(size) {
    const { bytes, from } = this.pieces.last;
    const start = this.at - from;
    this.at += size;
    return bytes.subarray(start, start + size);
  }

  varint(end) {
    const { bytes, from } = this.pieces.last;
    let value = 0;
    for (let i = 0, scale = 1; i < 10 && this.at < end; i++, scale *= 128) {
      const byte = bytes[this.at++ - from];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw this.bad('a number does not end');
  }
}

// What a tensor says of its data in another file.
function noteExternal({ entries, type }, found) {
  if (!entries.location) return;
  const offset = Number(entries.offset ?? 0);
  const length = Number(entries.length ?? 0);
  if (!Number.isSafeInteger(offset + length) || offset < 0 || length < 0) return;
  const file = found.get(entries.location) ?? { size: 0, wanted: [] };
  file.size = Math.max(file.size, offset + length);
  if (length <= large && integers.includes(type)) file.wanted.push([offset, length]);
  found.set(entries.location, file);
}

/** Walks through a file, fetching what it has to: a map of external files, { size, wanted }. */
export async function walk(pieces, name) {
  const c = new Cursor(pieces, name);
  const found = new Map();
  await c.ready(1);
  const stack = [{ kind: 'model', end: pieces.size }];
  while (stack.length) {
    const top = stack.at(-1);
    if (c.at === top.end) {
      stack.pop();
      if (top.kind === 'tensor') noteExternal(top, found);
      if (top.kind === 'external') stack.at(-1).entries[top.key] = top.value;
      continue;
    }
    if (!pieces.has(c.at, Math.min(c.at + 20, pieces.size))) await c.ready(20);
    const tag = c.varint(top.end);
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire === 0) {
      const value = c.varint(top.end);
      if (top.kind === 'tensor' && field === 2) top.type = value;
      continue;
    }
    const size = wire === 2 ? c.varint(top.end) : { 1: 8, 5: 4 }[wire];
    if (size === undefined) throw c.bad(`wire type ${wire}`);
    const end = c.at + size;
    if (end > top.end) throw c.bad('a field does not end within its message');
    const kind = wire === 2 ? messages[top.kind][field] : undefined;
    if (kind) {
      if (stack.length === deepest) throw c.bad('too many messages within messages');
      stack.push({ kind, end, entries: {} });
    } else if (top.kind === 'tensor' && weights.includes(field) && size > large) {
      c.at = end;
    } else {
      if (!pieces.has(c.at, end)) await c.ready(size);
      const bytes = c.take(size);
      if (top.kind === 'external' && field === 1) top.key = text(bytes);
      if (top.kind === 'external' && field === 2) top.value = text(bytes);
    }
  }
  return found;
}
