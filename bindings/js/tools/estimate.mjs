#!/usr/bin/env node
// `ashore estimate`: what a model takes, into a manifest.
import fs from 'node:fs';
import path from 'node:path';
import { Model } from '../index.js';
import { exitCode, exits, giveUp, numberOf, readOptions } from './options.mjs';

const help = `ashore estimate - write into a manifest what its model takes

Usage: ashore estimate [options] MANIFEST

MANIFEST is the manifest.json that 'ashore port' writes.  Model.estimate of a page that
reads it need not look into the model, which it cannot where the host serves no ranges.

Options:
      --extents NAME=D,D,...   extents of an input that the model leaves open; may be given
                               many times
      --threads N              for how many threads (1)
      --variant NAME           for relaxed, simd128 or scalar; the best one by default
  -h, --help                   this text

Example:
  ashore estimate --extents x=1,3,48,320 site/manifest.json
`;

const options = readOptions('estimate',
  { extents: { type: 'string', multiple: true, default: [] } }, help);
const [file] = options.operands;
if (options.operands.length !== 1) giveUp('estimate', 'one manifest.json is wanted', exits.usage);
const threads = numberOf('estimate', options, 'threads', 1, 1);

function readExtents(text) {
  const [, name, list] = /^(.+)=([\d,]*)$/.exec(text)
    ?? giveUp('estimate', `--extents is '${text}', and not like x=1,3,48,320`, exits.usage);
  return [name, list ? list.split(',').map(Number) : []];
}

try {
  const dims = Object.fromEntries(options.extents.map(readExtents));
  const manifest = JSON.parse(fs.readFileSync(file, 'utf8'));
  delete manifest.estimate;
  const { requests, bytes, ...found } = await Model.estimate(
    path.join(path.dirname(file), manifest.model), { dims, threads, variant: options.variant,
      manifest: file });
  fs.writeFileSync(file, `${JSON.stringify({ ...manifest, estimate: { ...found, dims } }, null, 2)}\n`);
  console.log(`${file}: ${found.memory.total} bytes of memory, ${
    found.compute ? `${found.compute.multiplyAdds} multiply-adds a run` : 'extents are not known'}`);
} catch (error) {
  giveUp('estimate', error.message, exitCode(error));
}
