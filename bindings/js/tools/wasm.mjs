// WebAssembly's binary format, as far as trimming takes.  Nothing is compiled: Node may not know all
// instructions of a module that is trimmed.

export const sections = { type: 1, import: 2, function: 3, memory: 5, global: 6, export: 7, start: 8,
  element: 9, code: 10, data: 11 };
/** Opcodes. */
export const op = { unreachable: 0, block: 2, loop: 3, if: 4, else: 5, end: 11, br: 12, brIf: 13,
  brTable: 14, return: 15, call: 16, callIndirect: 17, select: 28,
  i32Const: 65, f32Const: 67, f64Const: 68, eqz: 69, bulk: 0xfc, simd: 0xfd, atomic: 0xfe };

export class Reader {
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

/** A number in LEB128, unsigned. */
export function leb(value) {
  const out = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...out, rest];
    out.push((rest % 128) | 128);
  }
}

export const join = (parts) => Buffer.concat(parts.map((part) =>
  (part instanceof Uint8Array ? part : Uint8Array.from(part))));

/** Parts of a vector: their number first. */
export const vector = (parts) => join([leb(parts.length), ...parts]);

export function sectionsOf(module) {
  const reader = new Reader(module, 8);
  const found = [];
  while (reader.at < module.length) {
    const kind = module[reader.at++];
    found.push({ kind, content: reader.take(reader.number()) });
  }
  return found;
}

export const assemble = (module, parts) => join([module.subarray(0, 8),
  ...parts.flatMap(({ kind, content }) => [[kind], leb(content.length), content])]);

// Where imports name types of functions: [position, type] each.
function importedPlaces(content) {
  const reader = new Reader(content);
  const places = [];
  for (let n = reader.number(); n > 0; n -= 1) {
    reader.take(reader.number()); // the module's name
    reader.take(reader.number()); // the import's
    const what = reader.number(); // 0 a function, 1 a table, 2 a memory, 3 a global
    if (what === 0) places.push([reader.at, reader.number()]);
    if (what === 1 || what === 3) reader.number(); // its type
    if (what === 3) reader.number(); // whether it changes
    if (what === 1 || what === 2) {
      const flags = reader.number();
      reader.number(); // the least
      if (flags & 1) reader.number(); // the most
    }
  }
  return places;
}

/** The types of functions among the imports. */
export const importedTypesOf = (content) => importedPlaces(content).map(([, type]) => type);

/** Bytes with other numbers at places, [position, number before] each. */
export function renumberAt(bytes, places, renumber) {
  const parts = [];
  let start = 0;
  for (const [at, number] of places) {
    parts.push(bytes.subarray(start, at), leb(renumber(number)));
    start = at + leb(number).length;
  }
  return join([...parts, bytes.subarray(start)]);
}

/** Imports whose functions have other numbers of types. */
export const retypeImports = (content, number) =>
  renumberAt(content, importedPlaces(content), (type) => number.get(type));

/** The bodies of functions, without their sizes. */
export function bodiesOf(content) {
  const reader = new Reader(content);
  return Array.from({ length: reader.number() }, () => reader.take(reader.number()));
}

/** The result of each function type, by its number: its type, or undefined. */
export function resultsOf(content) {
  const reader = new Reader(content);
  return Array.from({ length: reader.number() }, () => {
    reader.number(); // of functions
    reader.take(reader.number()); // parameters
    return reader.take(reader.number())[0];
  });
}

/** Where the instructions of a body begin: behind its locals. */
export function skipLocals(body) {
  const reader = new Reader(body);
  for (let n = reader.number(); n > 0; n -= 1) {
    reader.number();
    reader.take(1);
  }
  return reader.at;
}

function skipSimd(reader) {
  const number = reader.number();
  const address = number <= 11 || number === 92 || number === 93 || (number >= 84 && number <= 91);
  if (address) {
    reader.number();
    reader.number();
  }
  if (number === 12 || number === 13) reader.take(16); // a constant, a shuffle
  if ((number >= 21 && number <= 34) || (number >= 84 && number <= 91)) reader.take(1); // a lane
}

function skipBulk(reader) {
  const number = reader.number();
  if (number >= 8) reader.number();
  if (number === 8 || number === 10 || number === 12 || number === 14) reader.number();
}

function skipAtomic(reader) {
  if (reader.number() === 3) {
    reader.take(1); // a fence
    return;
  }
  reader.number();
  reader.number();
}

/** Passes over an instruction: its opcode. */
export function skip(reader) {
  const code = reader.bytes[reader.at++];
  if (code === op.simd) skipSimd(reader);
  else if (code === op.bulk) skipBulk(reader);
  else if (code === op.atomic) skipAtomic(reader);
  else if (code === op.brTable) for (let n = reader.number() + 1; n > 0; n -= 1) reader.number();
  else if (code === op.select) reader.take(reader.number());
  else if (code === op.f32Const) reader.take(4);
  else if (code === op.f64Const) reader.take(8);
  else if (code === op.callIndirect || (code >= 0x28 && code <= 0x3e)) {
    reader.number();
    reader.number();
  } else if (code >= op.block && code <= op.if) reader.number();
  else if (code === op.br || code === op.brIf || code === op.call) reader.number();
  else if ((code >= 0x20 && code <= 0x26) || (code >= 0x3f && code <= 0x42)) reader.number();
  else if (code === 0xd0 || code === 0xd2) reader.number();
  return code;
}
