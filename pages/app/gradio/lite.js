// <gradio-lite> in a folder: a program that `ashore app PAGE.html` has read (data-program says which),
// or one that is written in a page beside a folder of `ashore app`:
//
//     <script type="module" src="runtime/page/gradio/lite.js"></script>
//     <gradio-lite>
//       <gradio-requirements>...</gradio-requirements>
//       <gradio-file name="app.py" entrypoint>import gradio as gr ...</gradio-file>
//       <gradio-file name="helper.py">...</gradio-file>
//     </gradio-lite>
//
// Packages that such programs import are those that the folder was built with.
import { lent } from '../lent.js';
import { define } from './lite_element.js';
import { programOf } from './lite_program.js';

const folder = new URL('../../', import.meta.url);
const inside = ['gradio', 'ashore', 'onnxruntime', 'micropip'];
const plain = (name) => name.toLowerCase().replace(/[-_.]+/g, '-');

function check(requirements, { packages }) {
  const there = [...inside, ...packages].map(plain);
  const missing = requirements.filter((line) => !there.includes(plain(/^[\w.-]+/.exec(line)?.[0]
    ?? line)));
  if (missing.length) {
    throw new Error(`The runtime has no ${missing.join(', ')}. Write it anew, by ashore app with a `
      + 'program that imports it and --wheels, or without the requirement.');
  }
}

async function fetched(name) {
  const response = await fetch(new URL(name, folder)).catch(() => null);
  if (response?.ok) return response;
  throw new Error(`${new URL(name, folder)} cannot be loaded: lite.js belongs into the folder that `
    + 'ashore app has written, all of which it needs.');
}

const readJSON = async (name) => (await fetched(name)).json();

async function open({ number, entry, sources, requirements }) {
  const [all, manifest] = await Promise.all([readJSON('app.json'), readJSON('manifest.json')]);
  const app = number ? all.programs[number] : { ...all, entry };
  if (!number) check(requirements, app);
  const archive = number && `python/app-${number}.zip`;
  const sizes = Object.fromEntries(manifest.files.map(({ path, bytes }) => [path, bytes])
    .filter(([path]) => !/^python\/app.*\.zip$/.test(path) || path === archive));
  const worker = new Worker(new URL('./lite_worker.js', import.meta.url), { type: 'module' });
  return lent({ worker, boot: { app, sizes, sources, archive, base: folder.href } });
}

let text = null;
const styles = () => {
  text ??= Promise.all(['page/base.css', 'page/gradio/gradio.css'].map(async (name) =>
    (await fetched(name)).text())).then((sheets) => sheets.join('\n'));
  return text;
};

define({ open, styles, read: (element) => (element.dataset.program
  ? { number: element.dataset.program } : programOf(element)) });
