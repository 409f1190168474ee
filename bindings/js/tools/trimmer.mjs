// Trims a module to some operators, by the map that the build made of it (cmake/wasm_map.py): what
// they do not reach is cleared where it is, so that no index and no address changes.
import { createHash } from 'node:crypto';

const sections = { import: 2, export: 7, start: 8, code: 10, data: 11 };
const unreachable = [3, 0, 0, 11]; // a body: its size, no locals, the instruction, end

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

function countImported(module) {
  return WebAssembly.Module.imports(new WebAssembly.Module(module))
    .filter(({ kind }) => kind === 'function').length;
}

/** The functions that hosts call. */
function rootsOf(parts) {
  const roots = [];
  for (const { kind, content } of parts) {
    const reader = new Reader(content);
    if (kind === sections.start) roots.push(reader.number());
    if (kind !== sections.export) continue;
    for (let n = reader.number(); n > 0; n -= 1) {
      reader.take(reader.number());
      const [what] = reader.take(1);
      const index = reader.number();
      if (what === 0) roots.push(index);
    }
  }
  return roots;
}

/** All operators that a module has, by the names that trim() takes. */
export const operatorsIn = (map) =>
  new Set(map.tables.flatMap(([, , , ...rows]) => rows.map(([name]) => name)));

/** Operators with those that the engine may make of them.  Each group of `of` must be there in one
 *  of its forms: ['Mul', 'Sigmoid|Tanh']. */
export function closure(map, operators) {
  const kept = new Set(operators);
  for (let size = -1; size !== kept.size;) {
    size = kept.size;
    for (const [made, of] of map.makes) {
      if (of.every((group) => group.split('|').some((name) => kept.has(name)))) {
        for (const name of made) kept.add(name);
      }
    }
  }
  return kept;
}

/** What functions, rows and constants that are kept refer to, to any depth. */
function reach(map, imported, roots, operators) {
  const functions = new Set();
  const data = new Set();
  const open = [...roots];
  for (const [, , , ...rows] of map.tables) {
    for (const [name, ...references] of rows) if (operators.has(name)) open.push(...references);
  }
  while (open.length) {
    const next = open.pop();
    const [set, index] = next < 0 ? [data, -1 - next] : [functions, next - imported];
    if (index < 0 || set.has(index)) continue;
    set.add(index);
    open.push(...(next < 0 ? map.data[index].slice(3) : map.functions[index]));
  }
  return { functions, data };
}

function trimCode(content, kept) {
  const reader = new Reader(content);
  const count = reader.number();
  const out = [leb(count)];
  for (let i = 0; i < count; i += 1) {
    const start = reader.at;
    reader.take(reader.number());
    out.push(kept.has(i) ? content.subarray(start, reader.at) : unreachable);
  }
  return Buffer.concat(out.map((part) => Uint8Array.from(part)));
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
  const fits = ['functions', 'data', 'tables', 'makes'].every((key) => Array.isArray(map?.[key]));
  if (!fits) throw new Error('the map is none');
  if (createHash('sha256').update(module).digest('hex') !== map.sha256) {
    throw new Error('the map is of another module, or the module has been trimmed already');
  }
  const known = operatorsIn(map);
  const unknown = [...operators].filter((name) => !known.has(name));
  if (unknown.length) throw new Error(`the engine has no operator ${unknown.join(', ')}`);
}

/** The module (bytes) with no more than some operators need (names, as domain:Name in other domains
 *  than ai.onnx), and those that it has. */
export function trim(module, map, operators) {
  check(module, map, operators);
  const all = closure(map, operators);
  const parts = sectionsOf(module);
  const kept = reach(map, countImported(module), rootsOf(parts), all);
  const out = parts.map(({ kind, content }) => {
    let to = content;
    if (kind === sections.code) to = trimCode(content, kept.functions);
    if (kind === sections.data) to = trimData(map, content, kept.data, all);
    return Buffer.concat([Uint8Array.of(kind), Uint8Array.from(leb(to.length)), to]);
  });
  const has = [...operatorsIn(map)].filter((name) => all.has(name)).sort();
  return { bytes: Buffer.concat([module.subarray(0, 8), ...out]), operators: has };
}
