// Code in the documents, for tests that run it as it stands there.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { root } from '../js/setup.mjs';

/** The block of a document in docs/ of this kind, of those the one that begins so. */
export function block(document, kind, start) {
  const text = fs.readFileSync(path.join(root, 'docs', document), 'utf8');
  const found = [...text.matchAll(/```(\w+)\n(.*?)```/gs)].filter(([, of, body]) =>
    of === kind && body.startsWith(start));
  assert.equal(found.length, 1, `${document} has one ${kind} that begins with ${start}`);
  return found[0][2];
}
