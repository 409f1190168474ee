// Trims a module by the map that the build made of it (cmake/wasm_map.py): functions that are not
// reached go, data is cleared where it is: no address changes, and answers are the same bits.
//
// To operators: what their rows reach stays.  To a model: of what loading it takes, only what runs
// when it is loaded, block by block; of all else, what the rows of its operators reach.
import { createHash } from 'node:crypto';
import { endOf, lives, remains } from './coverage.mjs';
import { Reader, assemble, bodiesOf, importedTypesOf, join, leb, op, renumberAt, resultsOf,
  retypeImports, sections, sectionsOf, skip, skipLocals, vector } from './wasm.mjs';

// Exports for values other than tensors of numbers.
const values = [['+string', ['strings', 'string']],
  ['+value', ['sequence', 'map', 'optional', 'item']]];

// What alone can be given a map.
const takers = ['DictVectorizer', 'CastMap'].map((name) => `ai.onnx.ml:${name}`);

/** What a module exports beyond what running models takes, by what uses it. */
export const extras = { parse: ['parse'], prepare: ['prepare'] };

/** Where a row of operators has its functions. */
export const fields = { parse: 20, infer: 24, ref: 28, lower: 32, control: 36, choose: 40,
  body: 44 };
const allFields = new Set(Object.values(fields));

/** All operators that a module has, by the names that trim() takes. */
export const operatorsIn = (map) =>
  new Set(map.tables.flatMap(([, , , ...rows]) => rows.map(([name]) => name)));

// Each group of `of` must be there in one of its forms: ['Mul', 'Sigmoid|Tanh'].
const fulfils = (words, of) => of.every((group) =>
  group.split('|').some((word) => words.has(word)));

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

const keys = ['code', 'data', 'parts', 'tables', 'makes', 'looks', 'lowers', 'idle', 'absent',
  'acts'];

function check(module, map, operators) {
  if (!keys.every((key) => Array.isArray(map?.[key]))) {
    throw new Error('this is no map of a module');
  }
  if (createHash('sha256').update(module).digest('hex') !== map.sha256) {
    throw new Error('the map is of another module, or the module has been trimmed already');
  }
  const known = operatorsIn(map);
  const unknown = [...operators].filter((name) => !known.has(name));
  if (unknown.length) throw new Error(`the engine has no operator ${unknown.join(', ')}`);
}

function read(module) {
  const all = sectionsOf(module);
  const content = (kind) => all.find((part) => part.kind === kind)?.content;
  const reader = new Reader(content(sections.function));
  const types = Array.from({ length: reader.number() }, () => reader.number());
  const importedTypes = importedTypesOf(content(sections.import));
  return { module, all, content, types, importedTypes: new Set(importedTypes),
    imported: importedTypes.length, results: resultsOf(content(sections.type)),
    bodies: bodiesOf(content(sections.code)) };
}

/** Exports: their bytes up to the index, what they are (0: a function), index and name. */
function exportsOf(content) {
  const reader = new Reader(content);
  return Array.from({ length: reader.number() }, () => {
    const start = reader.at;
    const name = new TextDecoder().decode(reader.take(reader.number()));
    const [what] = reader.take(1);
    const head = content.subarray(start, reader.at);
    return { head, what, index: reader.number(), name };
  });
}

/** Functions that a body calls in some of its parts. */
function callsIn(body, kept) {
  const calls = [];
  for (const [from, to] of kept) {
    const reader = new Reader(body, from || skipLocals(body));
    while (reader.at < to) {
      const at = reader.at + 1;
      if (skip(reader) === op.call) calls.push(new Reader(body, at).number());
    }
  }
  return calls;
}

// ---- what is reached ----------------------------------------------------------------------------

/** What is not there: `words` are operators and facts.  Functions by number among the own ones. */
function lacking(map, words, imported) {
  const without = (list) => {
    const needed = list.filter(([, of]) => fulfils(words, of)).map(([index]) => index);
    return new Set(list.map(([index]) => index).filter((index) => !needed.includes(index))
      .map((index) => index - imported));
  };
  return { idle: without(map.idle), absent: without(map.absent) };
}

const i32 = 0x7f; // a type of results

/** For functions with blocks that never run since they call what is not there, by number, what lives()
 *  says.  A function that begins with such a call is not there either: `absent` grows by these. */
function blocksWithout({ bodies, imported, types, results }, idle, absent) {
  const blocks = new Map();
  for (let size = -1; size !== absent.size;) {
    size = absent.size;
    bodies.forEach((body, i) => {
      if (idle.has(i) || absent.has(i)) return;
      const lived = lives(body, (index) => absent.has(index - imported),
        (index) => idle.has(index - imported) && results[types[index - imported]] === i32);
      if (!lived[0]) absent.add(i);
      else if (lived.includes(false)) blocks.set(i, lived);
    });
  }
  return blocks;
}

/** The parts of such functions, as remains() says it.  ran: blocks that must stay, by number. */
const partsOf = ({ engine, blocks }, ran = new Map()) => new Map([...blocks].map(([index, lived]) =>
  [index, remains(engine.bodies[index], lived.map((one, i) => one || ran.get(index)?.[i]))]));

function reach({ map, engine, words, rows, gone, parts = new Map() }, roots) {
  const [functions, data] = [new Set(), new Set()];
  const open = [...roots];
  const rowsOf = new Map(map.parts.map(([index, ...list]) => [index, list.flatMap(([of, ...needed]) =>
    (fulfils(words, [of]) ? needed : []))]));
  for (const [, , , ...list] of map.tables) {
    for (const [name, texts, ...pointers] of list) {
      const kept = rows.get(name);
      if (!kept) continue;
      open.push(...texts);
      open.push(...pointers.filter((pointer, i) => i % 2 && kept.has(pointers[i - 1])));
    }
  }
  while (open.length) {
    const next = open.pop();
    const [set, index] = next < 0 ? [data, -1 - next] : [functions, next - engine.imported];
    if (index < 0 || set.has(index) || (next >= 0 && gone.has(index))) continue;
    set.add(index);
    if (next < 0) open.push(...map.data[index].slice(3), ...rowsOf.get(index) ?? []);
    else {
      open.push(...referencesOf(engine.bodies[index], map.code[index],
        parts.get(index) ?? [[0, Infinity]]));
    }
  }
  return { functions, data };
}

/** Of a body's references other than calls, those in some of its parts. */
const placesIn = (places, kept) => places.filter((reference, i) => i % 2 === 1 &&
  kept.some(([from, to]) => places[i - 1] >= from && places[i - 1] < to));

/** What a body refers to in some of its parts. */
function referencesOf(body, places, kept) {
  return [...callsIn(body, kept.map(([from, to]) => [from, Math.min(to, body.length)])),
    ...placesIn(places, kept)];
}

// ---- what is written ----------------------------------------------------------------------------

const nothing = [0, op.unreachable, op.end]; // a body

/** One that returns 0, or nothing. */
function zero(result) {
  if (result === undefined) return [0, op.end];
  const floats = { 0x7d: [op.f32Const, 0, 0, 0, 0], 0x7c: [op.f64Const, 0, 0, 0, 0, 0, 0, 0, 0] };
  return [0, ...floats[result] ?? [result === 0x7e ? 0x42 : op.i32Const, 0], op.end];
}

/** A body with some of its parts alone, whose calls go to new numbers.  A call of what is not there
 *  is never made. */
function rewrite(body, kept, renumber) {
  const out = [];
  kept.forEach(([from, to], i) => {
    if (i) out.push([op.unreachable]);
    const reader = new Reader(body, from || skipLocals(body));
    let start = from;
    while (reader.at < to) {
      const at = reader.at;
      if (skip(reader) !== op.call) continue;
      const index = renumber(new Reader(body, at + 1).number());
      const gone = index === undefined;
      out.push(body.subarray(start, at), gone ? [op.unreachable] : [op.call, ...leb(index)]);
      if (gone) reader.at = endOf(body, reader.at);
      start = reader.at;
    }
    out.push(body.subarray(start, to));
  });
  return join(out);
}

// Where a body names types, of what it calls by pointers: [position, type] each.
function typesIn(body) {
  const reader = new Reader(body, skipLocals(body));
  const places = [];
  while (reader.at < body.length) {
    const at = reader.at + 1;
    const code = skip(reader);
    if (code === op.callIndirect) places.push([at, new Reader(body, at).number()]);
    const block = code >= op.block && code <= op.if;
    if (block && !(body[at] & 64)) throw new Error('a block of a type of its own'); // compilers make none
  }
  return places;
}

/** Numbers for the types that are used, the most frequent ones first: they take a byte. */
function numberTypes(own, code, { types, importedTypes }) {
  const uses = new Map();
  const use = (type) => uses.set(type, (uses.get(type) ?? 0) + 1);
  for (const index of own) use(types[index]);
  for (const type of importedTypes) use(type);
  const places = code.map(typesIn);
  for (const [, type] of places.flat()) use(type);
  const order = [...uses.keys()].sort((a, b) => uses.get(b) - uses.get(a) || a - b);
  const number = new Map(order.map((type, i) => [type, i]));
  return { order, number, code: code.map((body, i) =>
    renumberAt(body, places[i], (type) => number.get(type))) };
}

function writeTypes(content, order) {
  const reader = new Reader(content);
  const all = Array.from({ length: reader.number() }, () => {
    const start = reader.at;
    reader.number(); // of functions
    reader.take(reader.number()); // parameters
    reader.take(reader.number()); // results
    return content.subarray(start, reader.at);
  });
  return vector(order.map((type) => all[type]));
}

/** Functions that are called by pointers: in the place of all that are dropped stands one. */
function writeElements(content, renumber, missing) {
  const reader = new Reader(content);
  const count = reader.number();
  const out = [leb(count)];
  for (let n = 0; n < count; n += 1) {
    const start = reader.at;
    // Flags 0: an address (i32.const, number, end), and indices.
    if (reader.number() !== 0 || reader.take(1)[0] !== op.i32Const) {
      throw new Error('an unknown table');
    }
    reader.number();
    reader.take(1);
    out.push(content.subarray(start, reader.at));
    const entries = reader.number();
    out.push(leb(entries));
    for (let i = 0; i < entries; i += 1) out.push(leb(renumber(reader.number()) ?? missing));
  }
  return join(out);
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

/** A row is found by its name alone: those that are left move up. */
function writeRows(content, out, start, size, list, rows) {
  let to = start;
  list.forEach(([name, , ...pointers], i) => {
    const kept = rows.get(name);
    if (!kept) return;
    const from = start + i * size;
    out.set(content.subarray(from, from + size), to);
    for (let k = 0; k < pointers.length; k += 2) {
      if (!kept.has(pointers[k])) out.fill(0, to + pointers[k], to + pointers[k] + 4);
    }
    to += size;
  });
  out.fill(0, to, start + list.length * size);
}

function writeData(map, content, kept, rows) {
  const segments = segmentsOf(content);
  const out = new Uint8Array(content);
  map.data.forEach(([segment, offset, size], i) => {
    if (!kept.has(i)) out.fill(0, segments[segment] + offset, segments[segment] + offset + size);
  });
  map.data.forEach(([segment, offset, size], i) => { // constants may share their bytes
    const at = segments[segment] + offset;
    if (kept.has(i)) out.set(content.subarray(at, at + size), at);
  });
  for (const [segment, offset, size, ...list] of map.tables) { // ended by a row of zeros
    writeRows(content, out, segments[segment] + offset, size, list, rows);
  }
  return out;
}

/** bodies: what is left of functions that are not whole, as remains() says it. */
function write({ map, engine, rows, idle, keep }, kept, bodies = new Map()) {
  const { imported } = engine;
  const own = [...kept.functions].sort((a, b) => a - b);
  const number = new Map(own.map((index, i) => [index + imported, i + imported]));
  const renumber = (index) => (index < imported ? index : number.get(index));
  const code = own.map((index) => {
    if (idle.has(index)) return join([zero(engine.results[engine.types[index]])]);
    const body = engine.bodies[index];
    return rewrite(body, bodies.get(index) ?? [[0, body.length]], renumber);
  });
  const types = numberTypes(own, code, engine);
  const typeOf = (index) => leb(types.number.get(engine.types[index]));
  const exported = exportsOf(engine.content(sections.export)).filter(keep)
    .map(({ head, what, index }) => join([head, leb(what === 0 ? renumber(index) : index)]));
  const changed = {
    [sections.type]: (content) => writeTypes(content, types.order),
    [sections.import]: (content) => retypeImports(content, types.number),
    [sections.function]: () => vector([...own, own.at(-1)].map(typeOf)),
    [sections.export]: () => vector(exported),
    [sections.start]: (content) => join([leb(renumber(new Reader(content).number()))]),
    [sections.element]: (content) => writeElements(content, renumber, own.length + imported),
    [sections.code]: () => vector([...types.code, join([nothing])]
      .map((body) => join([leb(body.length), body]))),
    [sections.data]: (content) => writeData(map, content, kept.data, rows),
  };
  return { bytes: assemble(engine.module, engine.all.map(({ kind, content }) =>
    ({ kind, content: changed[kind]?.(content) ?? content }))), own };
}

const reals = '+%g'; // some text shows a number in floating point

function showsReals({ map, engine }, kept) {
  const content = engine.content(sections.data);
  const segments = segmentsOf(content);
  return [...kept].some((i) => {
    const [segment, offset, size] = map.data[i];
    const at = segments[segment] + offset;
    return /%[.*\d]*g/.test(Buffer.from(content.subarray(at, at + size)).toString('latin1'));
  });
}

function rootsOf({ engine, keep }, but = () => false) {
  const start = engine.content(sections.start);
  return [...start ? [new Reader(start).number()] : [],
    ...exportsOf(engine.content(sections.export))
      .filter((one) => keep(one) && one.what === 0 && !but(one)).map(({ index }) => index)];
}

function makeJob(module, map, { words, rows, keep }) {
  const engine = read(module);
  const { idle, absent } = lacking(map, words, engine.imported);
  const dropped = Object.entries(extras).flatMap(([name, exports]) =>
    (keep.includes(name) ? [] : exports));
  for (const index of idle) absent.delete(index);
  const blocks = blocksWithout(engine, idle, absent);
  return { map, engine, words, rows, idle, keep: ({ name }) => !dropped.includes(name),
    gone: idle, absent: new Set([...idle, ...absent]), blocks };
}

const withIdle = (job, { functions, data }) =>
  ({ functions: new Set([...functions, ...job.idle]), data });

/** The module (bytes) with no more than some operators need (names, as domain:Name in other domains
 *  than ai.onnx), and those that it has.  keep: names of extras. */
export function trim(module, map, operators, keep = []) {
  check(module, map, operators);
  const all = closure(map, operators);
  const facts = [...map.idle, ...map.absent].flatMap(([, of]) => of)
    .concat(map.parts.flatMap(([, ...rows]) => rows.map(([of]) => of)))
    .flatMap((group) => group.split('|'))
    .filter((word) => word.startsWith('+') && word !== '+prepared');
  const job = makeJob(module, map, { words: new Set([...all, ...facts]), keep,
    rows: new Map([...all].map((name) => [name, allFields])) });
  const { keep: wanted } = job;
  const maps = takers.some((name) => all.has(name));
  job.keep = (one) => wanted(one) && (maps || one.name !== 'map');
  const parts = partsOf(job);
  const kept = reach({ ...job, gone: job.absent, parts }, rootsOf(job));
  kept.data.add(map.seal);
  const has = [...operatorsIn(map)].filter((name) => all.has(name)).sort();
  return { bytes: write(job, withIdle(job, kept), parts).bytes, operators: has };
}

/** The module with no more than one prepared model needs.  words: its operators and facts; rows: by
 *  operator, the fields of its row that are needed to run it.  cover: what loads the model in a
 *  module (bytes) and says which blocks of its functions have run, as instrument() does. */
export function trimToModel(module, map, { words, rows }, cover) {
  check(module, map, rows.keys());
  const loading = new Map([...rows].map(([name, kept]) =>
    [name, new Set([...kept, fields.parse])]));
  const job = makeJob(module, map, { words, rows: loading, keep: [] });
  const { keep } = job;
  const unused = values.flatMap(([fact, names]) => (words.has(fact) ? [] : names));
  job.keep = (one) => keep(one) && !unused.includes(one.name);
  // What a session with threads does depends on when they begin.
  const shared = job.engine.content(sections.start) !== undefined;
  const loads = ({ name }) => name === 'load' || (name === 'session' && !shared);
  const run = { ...job, rows, gone: job.absent, parts: partsOf(job) };
  const running = reach(run, rootsOf(job, loads));
  const whole = withIdle(job, reach(job, rootsOf(job)));
  whole.data.delete(map.seal);
  const first = write(job, whole);
  const ran = cover(first.bytes);
  const ranOf = new Map(first.own.map((index, i) => [index, ran[i]]));
  const parts = partsOf(job, ranOf);
  const left = new Map(first.own.flatMap((index, i) =>
    (running.functions.has(index) || job.idle.has(index) || !ran[i][0] ? []
      : [[index, remains(job.engine.bodies[index], ran[i])]])));
  // What loading knows by its address may be called later on.
  const known = [...left, ...parts]
    .flatMap(([index, kept]) => (ranOf.get(index)?.[0] ? placesIn(map.code[index], kept) : []));
  const all = reach(run, [...rootsOf(job, loads), ...known]);
  all.data.delete(map.seal);
  if (!words.has(reals) && showsReals(job, all.data)) {
    return trimToModel(module, map, { words: new Set([...words, reals]), rows }, cover);
  }
  for (const index of all.functions) left.delete(index);
  for (const index of left.keys()) all.functions.add(index);
  return write(job, withIdle(job, all), new Map([...parts, ...left])).bytes;
}
