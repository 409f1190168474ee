// Where the tests find the assembled package: build/js, or ASHORE_JS.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const packageDir = path.resolve(root, process.env.ASHORE_JS ?? 'build/js');
export const part = (name) => import(pathToFileURL(path.join(packageDir, name)));

/** The folder of a package from npm: in build/npm, or where NODE_PATH says. */
export function findPackage(name) {
  const places = [...(process.env.NODE_PATH ?? '').split(':').filter(Boolean),
    path.join(root, 'build/npm/node_modules')].map((place) => path.join(place, name));
  const found = places.find((place) => fs.existsSync(place));
  if (!found) throw new Error(`${name} is not in ${places.join(', ')}: run scripts/setup test`);
  return found;
}

/** Waits until is() says something, for at most a minute: what it said last. */
export async function until(is, patience = 60000) {
  for (const end = performance.now() + patience; ;) {
    const said = await is();
    if (said || performance.now() > end) return said;
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

/** A module of the package whose calls of kernels trap: it has no table. */
export async function withoutTable(name) {
  const { assemble, sections, sectionsOf } = await part('tools/wasm.mjs');
  const module = fs.readFileSync(path.join(packageDir, name));
  return assemble(module, sectionsOf(module).filter(({ kind }) => kind !== sections.element));
}
