// Where the tests find the assembled package: build/js, or ASHORE_JS.
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const packageDir = path.resolve(root, process.env.ASHORE_JS ?? 'build/js');
export const part = (name) => import(pathToFileURL(path.join(packageDir, name)));
