// Values between Python and the engine.  What crosses is a layout in JSON, and beside it the buffers of
// Python's objects, whose bytes are copied once, from one memory into the other.
//
// Layouts: { t: type, d: dims, b: index of its buffer }, of texts { t: 'string', d: dims, s: texts };
// a list for a sequence, null for an optional without its element.  A map is { k: keys, v: values },
// { type: list } each, of texts ('string'), of integers ('integer') and numbers ('number') written as
// texts, which JSON has no way to write all of, or of layouts ('value').
import { Tensor, types } from './ashore.js';

// Python's heap moves when it grows, as it may for each buffer that is asked for: views are taken
// when all are there.
function viewsOf(proxies) {
  const held = [];
  const release = () => held.forEach(({ buffer }) => buffer.release());
  try {
    for (const proxy of proxies) {
      const buffer = proxy.getBuffer('u8');
      held.push({ buffer, at: buffer.data.byteOffset, size: buffer.data.byteLength });
    }
  } catch (error) {
    release();
    throw error;
  }
  const heap = held.at(-1)?.buffer.data.buffer;
  return { views: held.map(({ at, size }) => new Uint8Array(heap, at, size)), release };
}

/** Calls use(views) with the bytes of Python's objects, which it may read and write until it returns. */
export function withBytes(proxies, use) {
  const { views, release } = viewsOf(proxies);
  try {
    return use(views);
  } finally {
    release();
  }
}

const none = new Uint8Array(0);

/** Bytes as elements: of Python's memory, or copied where they do not lie as elements must. */
export function elements(bytes, Row) {
  const size = Row.BYTES_PER_ELEMENT;
  if (bytes.byteOffset % size === 0) return new Row(bytes.buffer, bytes.byteOffset, bytes.length / size);
  return new Row(bytes.slice().buffer);
}

const readers = { string: (text) => text, integer: BigInt, number: Number };

function itemsOf(list, views) {
  const [[type, items]] = Object.entries(list);
  return items.map(readers[type] ?? ((each) => valueOf(each, views)));
}

function mapOf({ k, v }, views) {
  const values = itemsOf(v, views);
  return new Map(itemsOf(k, views).map((key, i) => [key, values[i]]));
}

/** The value of a layout whose bytes lie in views. */
export function valueOf(layout, views) {
  if (layout === null) return null;
  if (Array.isArray(layout)) return layout.map((each) => valueOf(each, views));
  if (layout.k) return mapOf(layout, views);
  const { t: type, d: dims, s: texts, b: index } = layout;
  if (texts) return new Tensor(type, texts, dims);
  return new Tensor(type, elements(views[index] ?? none, types.get(type).array), dims);
}

const kinds = { string: 'string', bigint: 'integer', number: 'number' };

function listOf(items, found) {
  const kind = kinds[typeof items[0]];
  return kind ? { [kind]: items.map(String) } : { value: items.map((each) => layoutOf(each, found)) };
}

/** The layout of a value; its arrays are added to found. */
export function layoutOf(value, found) {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map((each) => layoutOf(each, found));
  if (value instanceof Map) {
    return { k: listOf([...value.keys()], found), v: listOf([...value.values()], found) };
  }
  const { type: t, dims: d, data } = value;
  if (t === 'string') return { t, d, s: data };
  if (!data.length) return { t, d, b: -1 };
  return { t, d, b: found.push(data) - 1 };
}

/** The bytes of a typed array. */
export const bytesOf = ({ buffer, byteOffset, byteLength }) =>
  new Uint8Array(buffer, byteOffset, byteLength);
