// What ashore/ort adds to the download of a page, and that nobody else downloads it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { packageDir } from './setup.mjs';

const budget = 10000; // bytes as brotli makes them, file by file

// A module and those that it imports.
function modulesOf(name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  const text = fs.readFileSync(path.join(packageDir, name), 'utf8');
  for (const [, other] of text.matchAll(/from ?["']\.\/([\w.]+)["']/g)) modulesOf(other, found);
  return found;
}

test('the interface of onnxruntime has a budget of its own', (t) => {
  const engine = modulesOf('index.js');
  assert.ok(engine.has('core.js') && engine.has('inline.js'));
  assert.deepEqual([...engine, ...modulesOf('worker.js')].filter((name) => name.startsWith('ort')),
    []);
  const added = [...modulesOf('ort.js')].filter((name) => !engine.has(name));
  assert.ok(added.length >= 5 && added.every((name) => name.startsWith('ort')));
  const bytes = added.reduce((sum, name) =>
    sum + brotliCompressSync(fs.readFileSync(path.join(packageDir, name))).length, 0);
  t.diagnostic(`${bytes} of at most ${budget} bytes in ${added.length} files`);
  assert.ok(bytes <= budget, `${bytes} bytes`);
});
