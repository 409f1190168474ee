// The WebAssembly modules of the package: their addresses, and how they are compiled.
import { beside } from './beside.js';
import { node } from './host.js';
import { part } from './parts.js';
import { filePath, ioError, request } from './source.js';

/** As it is called in the package; bundlers rename it. */
export const moduleName = ({ variant, shared, full }) =>
  `ashore-${full ? 'full-' : ''}${variant}${shared ? '-mt' : ''}.wasm`;

function folderURL(folder) {
  const path = filePath(folder);
  return path ? node.url.pathToFileURL(path)
    : new URL(folder, globalThis.document?.baseURI ?? globalThis.location?.href);
}

/** folder: of the modules, relative to the page or the worker, or a path in Node; default: beside this
 *  script. */
export const moduleURL = (choice, folder) => (folder
  ? new URL(moduleName(choice), folderURL(folder)) : beside(moduleName(choice)));

/** Compiles a module from its address, while it loads where that is possible. */
export async function compile(url, signal) {
  const path = filePath(url);
  const response = path ? (await part('node')).readAll(path) : await request(url, signal);
  try {
    if (path) return await WebAssembly.compile(response);
    const typed = response.headers.get('content-type')?.startsWith('application/wasm');
    if (typed) return await WebAssembly.compileStreaming(response);
    return await WebAssembly.compile(await response.arrayBuffer());
  } catch (error) {
    signal?.throwIfAborted();
    throw ioError(url, error, ''); // failures.js says more of it
  }
}
