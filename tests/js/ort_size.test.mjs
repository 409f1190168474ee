// What ashore/ort adds to the download of a page, and that nobody else downloads it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { packageDir } from './setup.mjs';

const budget = 7500; // bytes as brotli makes them

// A module and those that it imports.
function modulesOf(name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  const text = fs.readFileSync(path.join(packageDir, name), 'utf8');
  for (const [, other] of text.matchAll(/from ?["']\.\/([\w.]+)["']/g)) modulesOf(other, found);
  return found;
}

test('the interface of onnxruntime has a budget of its own', (t) => {
  const engine = modulesOf('ashore.js');
  assert.ok(![...engine, ...modulesOf('worker.js')].includes('ort.js'));
  const added = [...modulesOf('ort.js')].filter((name) => !engine.has(name));
  assert.deepEqual(added, ['ort.js']);
  const bytes = brotliCompressSync(fs.readFileSync(path.join(packageDir, 'ort.js'))).length;
  t.diagnostic(`${bytes} of at most ${budget} bytes`);
  assert.ok(bytes <= budget, `${bytes} bytes`);
});
