// Brotli at its best, kept by hash beside the peers: of their modules it takes half a minute.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { home } from './places.mjs';

const folder = path.join(home, 'brotli');
const made = new Map();

/** The bytes compressed. */
export function compressed(bytes) {
  const key = createHash('sha256').update(bytes).digest('hex');
  const file = path.join(folder, key);
  if (!made.has(key) && fs.existsSync(file)) made.set(key, fs.readFileSync(file));
  if (!made.has(key)) {
    const result = brotliCompressSync(bytes, { params: {
      [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(`${file}.part`, result);
    fs.renameSync(`${file}.part`, file);
    made.set(key, result);
  }
  return made.get(key);
}
