// Where the app's files are: in the folder beside the page.  (In one file, inside.js stands in for this
// one.)
import { HostError } from './host.js';

async function readJSON(name) {
  const response = await fetch(new URL(name, document.baseURI)).catch(() => null);
  if (response?.ok) return response.json();
  throw new HostError({ title: 'The page is not complete', message: `${name} cannot be loaded`,
    advice: 'All files of the folder that ashore app has written belong together: copy it as a '
      + 'whole, and serve it as it is.' });
}

/** The worker, and what it is started with.  script: the worker's. */
export async function openSite(script = new URL('./worker.js', import.meta.url)) {
  const [app, manifest] = await Promise.all([readJSON('./app.json'), readJSON('./manifest.json')]);
  const sizes = Object.fromEntries(manifest.files.map(({ path, bytes }) => [path, bytes]));
  const worker = new Worker(script, { type: 'module' });
  return { worker, boot: { app, sizes, base: new URL('./', document.baseURI).href } };
}
