// Which blocks of a module's functions run when it does something, and functions without the others.
//
// A block begins with a function, with each arm of an `if`, behind each `br_if` and behind the end of
// each block or loop.  Where one has not run, nothing has that follows it up to the end of what it
// stands in: that gives way to `unreachable`.
import { Reader, assemble, bodiesOf, join, leb, op, sections, sectionsOf, skip, skipLocals,
  vector } from './wasm.mjs';

const begins = new Set([op.if, op.else, op.brIf, op.end]);

/** Where blocks of a body begin. */
function blocksOf(body) {
  const reader = new Reader(body, skipLocals(body));
  const blocks = [reader.at];
  while (reader.at < body.length) {
    if (begins.has(skip(reader)) && reader.at < body.length) blocks.push(reader.at);
  }
  return blocks;
}

/** Instructions that Node may not know: relaxed SIMD. */
function isRelaxed(body) {
  const reader = new Reader(body, skipLocals(body));
  while (reader.at < body.length) {
    const at = reader.at + 1;
    if (skip(reader) === op.simd && new Reader(body, at).number() >= 0x100) return true;
  }
  return false;
}

const mark = (global) => [op.i32Const, 1, 0x24, ...leb(global)]; // global.set

/** A module that counts: run it, then ask `ran(exports)` which blocks of each function have run.
 *  Functions of relaxed SIMD are left out, so that Node is asked to compile no such thing. */
export function instrument(module) {
  const parts = sectionsOf(module);
  const content = (kind) => parts.find((part) => part.kind === kind).content;
  const first = new Reader(content(sections.global)).number();
  const bodies = bodiesOf(content(sections.code));
  const blocks = bodies.map(blocksOf);
  let count = first;
  const marked = bodies.map((body, i) => {
    const out = [body.subarray(0, blocks[i][0])];
    blocks[i].forEach((at, k) => {
      out.push(mark(count), body.subarray(at, blocks[i][k + 1]));
      count += 1;
    });
    const code = isRelaxed(body) ? join([out[0], mark(count - blocks[i].length), [0, op.end]])
      : join(out);
    return join([leb(code.length), code]);
  });
  const names = Array.from({ length: count - first }, (_, i) => {
    const name = Buffer.from(`:${i}`);
    return join([leb(name.length), name, [3], leb(first + i)]);
  });
  const more = (kind, added) => {
    const reader = new Reader(content(kind));
    const number = reader.number() + added.length;
    return join([leb(number), content(kind).subarray(reader.at), ...added]);
  };
  const changed = { [sections.code]: vector(marked), [sections.export]: more(sections.export, names),
    [sections.global]: more(sections.global, names.map(() => [0x7f, 1, op.i32Const, 0, op.end])) };
  const bytes = assemble(module, parts.map(({ kind, content: old }) =>
    ({ kind, content: changed[kind] ?? old })));
  const ran = (exports) => {
    let next = -1;
    return blocks.map((list) => list.map(() => exports[`:${next += 1}`].value !== 0));
  };
  return { bytes, ran };
}

/** A module whose own memory, if it has one, has no more than some pages. */
export function limitMemory(module, pages) {
  const changed = (content) => {
    const reader = new Reader(content);
    reader.take(2); // one memory, and whether it has a limit
    return join([[1, 1], leb(reader.number()), leb(pages)]);
  };
  return assemble(module, sectionsOf(module).map(({ kind, content }) =>
    ({ kind, content: kind === sections.memory ? changed(content) : content })));
}

/** The end, or the else, of what an instruction stands in. */
export function endOf(body, at) {
  const reader = new Reader(body, at);
  for (let depth = 0; ;) {
    const start = reader.at;
    if (depth === 0 && (body[start] === op.end || body[start] === op.else)) return start;
    const code = skip(reader);
    if (code >= op.block && code <= op.if) depth += 1;
    if (code === op.end) depth -= 1;
  }
}

const leaves = new Set([op.unreachable, op.br, op.brTable, op.return]);

/** For each block of a body, whether it may run, when some functions are never called (by number) and
 *  others return 0: a block with such a call never begins, and none that such a 0 leads past. */
export function lives(body, never, zero) {
  const reader = new Reader(body, skipLocals(body));
  const out = [true];
  let block = 0; // -1: behind an instruction that leaves
  let last; // 0: what a condition is, 1: its opposite
  while (reader.at < body.length) {
    const at = reader.at + 1;
    const code = skip(reader);
    const index = code === op.call ? new Reader(body, at).number() : undefined;
    if (block >= 0 && index !== undefined && never(index)) out[block] = false;
    if (leaves.has(code)) block = -1;
    if (begins.has(code) && reader.at < body.length) {
      block = out.push(!((code === op.if && last === 0) || (code === op.brIf && last === 1))) - 1;
    }
    if (index !== undefined) last = zero(index) ? 0 : undefined;
    else last = code === op.eqz && last !== undefined ? 1 - last : undefined;
  }
  return out;
}

/** A body without blocks that have not run: what is left of it, [from, to] each, in order.
 *  Between two parts stands `unreachable`. */
export function remains(body, ran) {
  const hit = new Set(blocksOf(body).filter((at, i) => ran[i]));
  const reader = new Reader(body, skipLocals(body));
  const parts = [];
  let from = 0;
  while (reader.at < body.length) {
    const starts = begins.has(skip(reader)) && reader.at < body.length;
    if (!starts || hit.has(reader.at)) continue;
    const end = endOf(body, reader.at);
    if (end - reader.at > 1) {
      parts.push([from, reader.at]);
      from = end;
    }
    reader.at = end;
  }
  return [...parts, [from, body.length]];
}
