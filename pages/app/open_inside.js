// Opens a page that is one file: all that it needs is in blocks of text that no browser runs.
import { decode, inflate, joined } from './dense.js';
import { HostError } from './host.js';

const blocks = [...document.querySelectorAll('script[data-file]')];
const kept = new Map(); // the texts of files that more than one worker gets, by path

// The text of a file's blocks, which leave the page.
function take(path) {
  const found = blocks.filter(({ dataset }) => dataset.file === path);
  return found.map((block) => {
    const text = block.textContent;
    block.remove();
    return text;
  });
}

/** The bytes of a file; once only. */
export const read = async (path) => inflate(joined(take(path).map(decode)));

export const readJSON = async (path) => JSON.parse(new TextDecoder().decode(await read(path)));

// A page from a disk has no origin: Chromium starts no module from a Blob as a worker there, and one
// from a data: address only.  That one is given the script, and imports it.
const first = `onmessage = ({ data }) => {
  onmessage = null;
  import(URL.createObjectURL(data)).then(() => postMessage({ type: 'loaded' }),
    (error) => postMessage({ type: 'loaded', message: error.message }));
};`;

const openWorker = (script) => new Promise((resolve, reject) => {
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(first)}`, { type: 'module' });
  const fail = (message) => reject(new HostError({ title: 'The worker could not be started', message,
    advice: 'It takes a current browser, which starts workers in pages from a disk.' }));
  worker.onerror = (event) => fail(event.message ?? 'the browser does not say why');
  worker.onmessage = ({ data }) => {
    worker.onerror = null;
    worker.onmessage = null;
    if (data.message) fail(data.message);
    else resolve(worker);
  };
  worker.postMessage(script);
});

let script = null;

/** A worker for a program, and what it is started with: the files of which `wanted` says yes, which
 *  stay for other workers. */
export async function openOf(app, wanted = () => true) {
  script ??= new Blob([await read('worker.mjs')], { type: 'text/javascript' });
  const worker = await openWorker(script);
  const left = blocks.filter(({ isConnected }) => isConnected).map(({ dataset }) => dataset.file);
  for (const path of new Set(left.filter(wanted))) kept.set(path, take(path));
  const sizes = Object.fromEntries(blocks.map(({ dataset }) => [dataset.file, Number(dataset.bytes)])
    .filter(([path]) => wanted(path)));
  const files = [...kept].filter(([path]) => wanted(path)).map(([path, texts]) => ({ path, texts }));
  return { worker, boot: { app, sizes, files } };
}

/** The same for a page of one program, which keeps nothing. */
export async function openInside() {
  const opened = await openOf(await readJSON('app.json'));
  kept.clear();
  return opened;
}
