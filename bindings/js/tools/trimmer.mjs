// Trims a module to some operators, by the map that the build made of it (cmake/wasm_map.py): what
// they do not reach is cleared where it is, so that no index and no address changes.
import { createHash } from 'node:crypto';

const sections = { import: 2, function: 3, export: 7, start: 8, element: 9, code: 10, data: 11 };
const unreachable = [3, 0, 0, 11]; // a body: its size, no locals, the instruction, end
const zero = [4, 0, 65, 0, 11]; // and one that returns 0

/** What a module exports beyond what running models takes, by what uses it. */
export const extras = { parse: ['parse'], vision: ['image', 'warp', 'regions', 'ctc'] };

class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  number() {
    for (let value = 0, factor = 1; ; factor *= 128) {
      const byte = this.bytes[this.at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  take(size) {
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }
}

function leb(value) {
  const out = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...out, rest];
    out.push((rest % 128) | 128);
  }
}

function sectionsOf(module) {
  const reader = new Reader(module, 8);
  const found = [];
  while (reader.at < module.length) {
    const kind = module[reader.at++];
    found.push({ kind, content: reader.take(reader.number()) });
  }
  return found;
}

/** Functions among the imports, read without compiling: Node may not know the module's instructions. */
function countImported(module) {
  const reader = new Reader(sectionsOf(module).find(({ kind }) => kind === sections.import).content);
  let functions = 0;
  for (let n = reader.number(); n > 0; n -= 1) {
    reader.take(reader.number()); // the module's name
    reader.take(reader.number()); // the import's
    const what = reader.number(); // 0 a function, 1 a table, 2 a memory, 3 a global
    if (what === 0) functions += 1;
    if (what !== 2) reader.number(); // its type
    if (what === 3) reader.number(); // whether it changes
    if (what === 1 || what === 2) {
      const flags = reader.number();
      reader.number(); // the least
      if (flags & 1) reader.number(); // the most
    }
  }
  return functions;
}

/** Exports without extras that are not kept, and the functions among them. */
function trimExports(content, keep) {
  const dropped = Object.entries(extras).flatMap(([name, exports]) =>
    (keep.includes(name) ? [] : exports));
  const reader = new Reader(content);
  const kept = [];
  const roots = [];
  for (let n = reader.number(); n > 0; n -= 1) {
    const start = reader.at;
    const name = new TextDecoder().decode(reader.take(reader.number()));
    const [what] = reader.take(1);
    const index = reader.number();
    if (dropped.includes(name)) continue;
    kept.push(content.subarray(start, reader.at));
    if (what === 0) roots.push(index);
  }
  return { bytes: Buffer.concat([Uint8Array.from(leb(kept.length)), ...kept]), roots };
}

/** All operators that a module has, by the names that trim() takes. */
export const operatorsIn = (map) =>
  new Set(map.tables.flatMap(([, , , ...rows]) => rows.map(([name]) => name)));

// Each group of `of` must be there in one of its forms: ['Mul', 'Sigmoid|Tanh'].
const fulfils = (operators, of) =>
  of.every((group) => group.split('|').some((name) => operators.has(name)));

/** Operators with those that the engine may make of them. */
export function closure(map, operators) {
  const kept = new Set(operators);
  for (let size = -1; size !== kept.size;) {
    size = kept.size;
    for (const [made, of] of map.makes) {
      if (fulfils(kept, of)) for (const name of made) kept.add(name);
    }
  }
  return kept;
}

/** What functions, rows and constants that are kept refer to, to any depth. */
function reach(map, imported, roots, operators, idle) {
  const functions = new Set();
  const data = new Set();
  const open = [...roots];
  const parts = new Map(map.parts.map(([index, ...rows]) => [index, rows.flatMap(([of, ...needed]) =>
    (fulfils(operators, [of]) ? needed : []))]));
  for (const [, , , ...rows] of map.tables) {
    for (const [name, ...references] of rows) if (operators.has(name)) open.push(...references);
  }
  while (open.length) {
    const next = open.pop();
    const [set, index] = next < 0 ? [data, -1 - next] : [functions, next - imported];
    if (index < 0 || set.has(index) || (next >= 0 && idle.has(index))) continue;
    set.add(index);
    open.push(...(next < 0 ? [...map.data[index].slice(3), ...parts.get(index) ?? []]
      : map.functions[index]));
  }
  return { functions, data };
}

const concat = (parts) => Buffer.concat(parts.map((part) => Uint8Array.from(part)));

/** Types of functions: one that is dropped gets that of the one before it, which compresses. */
function trimTypes(content, kept, idle) {
  const reader = new Reader(content);
  const count = reader.number();
  const out = [leb(count)];
  let last = 0;
  for (let i = 0; i < count; i += 1) {
    const type = reader.number();
    if (kept.has(i) || idle.has(i)) last = type;
    out.push(leb(last));
  }
  return concat(out);
}

/** Functions that are called by pointers: in the place of all that are dropped stands one of them. */
function trimElements(content, imported, kept, idle) {
  const reader = new Reader(content);
  const count = reader.number();
  const out = [leb(count)];
  let dropped;
  for (let n = 0; n < count; n += 1) {
    const start = reader.at;
    // Flags 0: an address (i32.const, number, end), and indices.
    if (reader.number() !== 0 || reader.take(1)[0] !== 65) throw new Error('an unknown table');
    reader.number();
    reader.take(1);
    out.push(content.subarray(start, reader.at));
    const entries = reader.number();
    out.push(leb(entries));
    for (let i = 0; i < entries; i += 1) {
      let index = reader.number();
      if (index >= imported && !kept.has(index - imported) && !idle.has(index - imported)) {
        index = dropped ??= index;
      }
      out.push(leb(index));
    }
  }
  return concat(out);
}

function trimCode(content, kept, idle) {
  const reader = new Reader(content);
  const count = reader.number();
  const out = [leb(count)];
  for (let i = 0; i < count; i += 1) {
    const start = reader.at;
    reader.take(reader.number());
    const body = kept.has(i) ? content.subarray(start, reader.at) : unreachable;
    out.push(idle.has(i) ? zero : body);
  }
  return concat(out);
}

/** Where the contents of segments lie. */
function segmentsOf(content) {
  const reader = new Reader(content);
  return Array.from({ length: reader.number() }, () => {
    if (reader.number() === 0) { // an address: i32.const, number, end
      reader.take(1);
      reader.number();
      reader.take(1);
    }
    const size = reader.number();
    reader.take(size);
    return reader.at - size;
  });
}

function trimData(map, content, kept, operators) {
  const segments = segmentsOf(content);
  const out = new Uint8Array(content);
  map.data.forEach(([segment, offset, size], i) => {
    if (!kept.has(i)) out.fill(0, segments[segment] + offset, segments[segment] + offset + size);
  });
  map.data.forEach(([segment, offset, size], i) => { // constants may share their bytes
    const at = segments[segment] + offset;
    if (kept.has(i)) out.set(content.subarray(at, at + size), at);
  });
  for (const [segment, offset, size, ...rows] of map.tables) { // ended by a row of zeros
    const start = segments[segment] + offset;
    let to = start;
    rows.forEach(([name], i) => {
      if (!operators.has(name)) return;
      out.set(content.subarray(start + i * size, start + (i + 1) * size), to);
      to += size;
    });
    out.fill(0, to, start + rows.length * size);
  }
  return out;
}

function check(module, map, operators) {
  const keys = ['functions', 'data', 'parts', 'tables', 'makes', 'passes'];
  if (!keys.every((key) => Array.isArray(map?.[key]))) throw new Error('this is no map of a module');
  if (createHash('sha256').update(module).digest('hex') !== map.sha256) {
    throw new Error('the map is of another module, or the module has been trimmed already');
  }
  const known = operatorsIn(map);
  const unknown = [...operators].filter((name) => !known.has(name));
  if (unknown.length) throw new Error(`the engine has no operator ${unknown.join(', ')}`);
}

/** The module (bytes) with no more than some operators need (names, as domain:Name in other domains
 *  than ai.onnx), and those that it has.  keep: names of extras. */
export function trim(module, map, operators, keep = []) {
  check(module, map, operators);
  const all = closure(map, operators);
  const imported = countImported(module);
  const parts = sectionsOf(module).map((part) => ({ ...part,
    ...part.kind === sections.export && trimExports(part.content, keep) }));
  const busy = new Set(map.passes.filter(([, of]) => fulfils(all, of)).map(([index]) => index));
  const idle = new Set(map.passes.filter(([index]) => !busy.has(index))
    .map(([index]) => index - imported));
  const roots = parts.flatMap(({ kind, content, roots: called = [] }) =>
    (kind === sections.start ? [new Reader(content).number()] : called));
  const kept = reach(map, imported, roots, all, idle);
  const out = parts.map(({ kind, content, bytes }) => {
    let to = bytes ?? content;
    if (kind === sections.function) to = trimTypes(content, kept.functions, idle);
    if (kind === sections.element) to = trimElements(content, imported, kept.functions, idle);
    if (kind === sections.code) to = trimCode(content, kept.functions, idle);
    if (kind === sections.data) to = trimData(map, content, kept.data, all);
    return Buffer.concat([Uint8Array.of(kind), Uint8Array.from(leb(to.length)), to]);
  });
  const has = [...operatorsIn(map)].filter((name) => all.has(name)).sort();
  return { bytes: Buffer.concat([module.subarray(0, 8), ...out]), operators: has };
}
