// Where the page's files are: in a folder beside it, or inside of it (`ashore port --one-file`).
import { choose } from '../ashore/ashore.js';
import { openPrep } from '../ashore/prep.js';

const kinds = { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', webp: 'image/webp',
  wav: 'audio/wav', mp3: 'audio/mpeg', ogg: 'audio/ogg', flac: 'audio/flac' };

/** The model's address, from the page. */
export const modelURL = document.querySelector('meta[name=ashore-model]').content;
export const modelName = modelURL.split('/').pop();

// Files inside of the page: parts in base64 by path, in their order.
const parts = new Map();
for (const element of document.querySelectorAll('script[data-file]')) {
  const list = parts.get(element.dataset.file) ?? [];
  parts.set(element.dataset.file, [...list, element]);
}
export const inOneFile = parts.size > 0;

function decode(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const bytes = atob(text);
  return Uint8Array.from({ length: bytes.length }, (_, i) => bytes.charCodeAt(i));
}

const sizeOf = (list) => list.reduce((sum, { dataset }) => sum + Number(dataset.bytes), 0);

// Each part is taken out of the page as it is read, so that it is not held twice.
function unpack(path, { keep = false } = {}) {
  const list = parts.get(path);
  if (!list) throw new Error(`${path} is not in this page`);
  const bytes = new Uint8Array(sizeOf(list));
  let at = 0;
  for (const element of list) {
    bytes.set(decode(element.textContent), at);
    at += Number(element.dataset.bytes);
    if (!keep) element.textContent = '';
  }
  if (!keep) parts.delete(path);
  return bytes;
}

async function fetched(path) {
  const response = await fetch(`./${path}`).catch(() => null);
  if (!response?.ok) throw new Error(`${path} cannot be loaded`);
  return new Uint8Array(await response.arrayBuffer());
}

/** The bytes of a file that came with the page. */
export const bytesOf = async (path) => (inOneFile ? unpack(path, { keep: true }) : fetched(path));

/** What came with the page: { files: [{ path, bytes }], external: [path] }. */
export async function readManifest() {
  if (inOneFile) {
    const files = [...parts].map(([path, list]) => ({ path, bytes: sizeOf(list) }));
    const external = [...parts].filter(([, [{ dataset }]]) => 'external' in dataset);
    return { files, external: external.map(([path]) => path) };
  }
  const response = await fetch('./manifest.json').catch(() => null);
  const found = response?.ok ? await response.json().catch(() => ({})) : {};
  return { files: [], external: [], ...found };
}

/** Pictures and sounds among the page's files. */
export const samplesOf = (files) => files
  .map(({ path }) => ({ path, type: kinds[path.split('.').pop().toLowerCase()] }))
  .filter(({ path, type }) => type && !path.includes('/'));

/** What load() is given: { source, options }. */
export async function howToLoad({ files, external }) {
  // The larger engine is there when the model needs it: no need to try the other first.
  const full = files.some(({ path }) => /(^|\/)ashore-full-/.test(path));
  if (!inOneFile) {
    return { source: modelURL, options: { full, manifest: './manifest.json',
      external: Object.fromEntries(external.map((path) => [path, `./${path}`])) } };
  }
  // A page that is a file may start no workers: the engine runs on its own thread.
  const { variant } = choose({ threads: 1 });
  const module = await WebAssembly.compile(
    unpack(`ashore-${full ? 'full-' : ''}${variant}.wasm`));
  return { source: unpack(modelName), options: { full, variant, module, shell: 'inline',
    name: modelName, external: Object.fromEntries(external.map((path) => [path, unpack(path)])) } };
}

// The scalar module is there for browsers without SIMD.
async function openInside() {
  const scalar = choose({ threads: 1 }).variant === 'scalar';
  return openPrep({ module: await WebAssembly.compile(
    unpack(`ashore-prep${scalar ? '-scalar' : ''}.wasm`)) });
}

let tools;
/** ashore/prep, opened when it is first needed. */
export function openTools() {
  tools ??= inOneFile ? openInside() : openPrep();
  return tools;
}
