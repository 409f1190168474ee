// Files as a ZIP archive, not compressed: what Python unpacks.

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});
const crcOf = (bytes) => ~bytes.reduce((crc, byte) => table[(crc ^ byte) & 255] ^ (crc >>> 8), -1)
  >>> 0;

// Numbers of 2 and 4 bytes, the lowest first: fields([4, n], [2, m]).
const fields = (...pairs) => pairs.flatMap(([size, value]) =>
  Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) & 255));

/** An archive of files: bytes by path. */
export function zip(files) {
  const parts = [];
  const entries = [];
  let at = 0;
  const add = (...bytes) => bytes.forEach((one) => {
    parts.push(Uint8Array.from(one));
    at += one.length;
  });
  for (const [path, bytes] of Object.entries(files)) {
    const name = new TextEncoder().encode(path);
    // Names are UTF-8; time is midnight, the first of January 1980.
    const common = fields([2, 20], [2, 0x800], [2, 0], [2, 0], [2, 33], [4, crcOf(bytes)],
      [4, bytes.length], [4, bytes.length], [2, name.length], [2, 0]);
    entries.push([fields([4, 0x02014b50], [2, 20]), common,
      fields([2, 0], [2, 0], [2, 0], [4, 0], [4, at]), name]);
    add(fields([4, 0x04034b50]), common, name, bytes);
  }
  const start = at;
  for (const entry of entries) add(...entry);
  add(fields([4, 0x06054b50], [2, 0], [2, 0], [2, entries.length], [2, entries.length],
    [4, at - start], [4, start], [2, 0]));
  return new Blob(parts);
}
