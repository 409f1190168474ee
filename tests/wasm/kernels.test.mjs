// The kernel checker in WebAssembly: every row that the modules have, against the reference row.
// `ASH_CHECK=ON scripts/build_wasm` builds it; it is in build/wasm, or in ASHORE_CHECKS.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { WASI } from 'node:wasi';
import { root } from '../js/setup.mjs';

const folder = path.resolve(root, process.env.ASHORE_CHECKS ?? 'build/wasm');

/** Runs a WASI program: its exit code and what it printed. */
async function run(file, ...args) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-'));
  const printed = path.join(dir, 'stdout');
  const stdout = fs.openSync(printed, 'w');
  try {
    const wasi = new WASI({ version: 'preview1', args: [file, ...args], stdout });
    const module = await WebAssembly.compile(fs.readFileSync(file));
    const code = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
    return { code, text: fs.readFileSync(printed, 'utf8') };
  } catch (cause) { // a trap: its stack names the functions
    throw new Error(`${file} printed: ${fs.readFileSync(printed, 'utf8')}`, { cause });
  } finally {
    fs.closeSync(stdout);
    fs.rmSync(dir, { recursive: true });
  }
}

for (const variant of ['scalar', 'simd128', 'relaxed']) {
  test(`every kernel of ${variant} is right`, async () => {
    const file = path.join(folder, `check_kernels-${variant}.wasm`);
    const { code, text } = await run(file, `--require=${variant},ref`);
    assert.equal(code, 0, text);
    assert.match(text, /^\d+ passed, 0 failed, \d+ skipped$/m);
    // A host has one dot product of bytes at most.
    const skipped = text.split('\n').filter((line) => line.startsWith('SKIP'));
    for (const line of skipped) assert.match(line, /^SKIP (qconv_by_)?qgemm_[us]dot_relaxed:/);
  });
}
