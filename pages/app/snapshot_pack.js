// A snapshot as the bytes that are kept: a head, the files that belong to it, and the pieces of Python's
// memory that are not all zero, which half of it is.  Compressed they would take a third of the
// space, and longer to unpack than everything else that a restored start does.
const magic = 0x31687341; // 'Ash1'
const piece = 4096; // bytes
const rounded = (n) => (n + 3) & ~3;

/** A checksum of bytes whose number is a multiple of four: it finds damage, not forgery. */
export function sumOf(bytes) {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  let hash = 0x811c9dc5;
  let sum = 0;
  for (let i = 0; i < words.length; i++) {
    hash = Math.imul(hash ^ words[i], 0x01000193);
    sum = (sum + hash) | 0;
  }
  return [hash >>> 0, sum >>> 0, bytes.length];
}

// [first, count, ...] of the pieces that are not all zero.
function runsOf(memory) {
  const words = new Uint32Array(memory.buffer, memory.byteOffset, memory.length >> 2);
  const runs = [];
  let end = -1;
  for (let at = 0; at < words.length; at += piece / 4) {
    const stop = Math.min(at + piece / 4, words.length);
    let i = at;
    while (i < stop && words[i] === 0) i++;
    if (i === stop) continue;
    const number = (at * 4) / piece;
    if (number === end) runs[runs.length - 1]++;
    else runs.push(number, 1);
    end = number + 1;
  }
  return runs;
}

function* ranges(runs, length) {
  for (let i = 0; i < runs.length; i += 2) {
    yield [runs[i] * piece, Math.min((runs[i] + runs[i + 1]) * piece, length)];
  }
}

/** memory: what Pyodide has made; files: [{ path, bytes }]; facts: what a start from it compares. */
export function pack(memory, files, facts) {
  const runs = runsOf(memory);
  const head = new TextEncoder().encode(JSON.stringify({ facts, runs, memory: memory.length,
    files: files.map(({ path, bytes }) => [path, bytes.length]) }));
  const parts = [head, ...files.map(({ bytes }) => bytes),
    ...[...ranges(runs, memory.length)].map(([from, to]) => memory.subarray(from, to))];
  const packed = new Uint8Array(parts.reduce((sum, { length }) => sum + rounded(length), 8));
  new Uint32Array(packed.buffer, 0, 2).set([magic, head.length]);
  let at = 8;
  for (const part of parts) {
    packed.set(part, at);
    at += rounded(part.length);
  }
  return packed;
}

/** What pack() was given.  Throws where that cannot be. */
export function unpack(packed) {
  const [mark, size] = new Uint32Array(packed.buffer, packed.byteOffset, 2);
  if (mark !== magic) throw new Error('it is none');
  const head = JSON.parse(new TextDecoder().decode(packed.subarray(8, 8 + size)));
  let at = 8 + rounded(size);
  const next = (length) => {
    const part = packed.subarray(at, at + length);
    at += rounded(length);
    return part;
  };
  const files = head.files.map(([path, length]) => ({ path, bytes: next(length) }));
  const memory = new Uint8Array(head.memory);
  for (const [from, to] of ranges(head.runs, head.memory)) memory.set(next(to - from), from);
  return { memory, files, facts: head.facts };
}
