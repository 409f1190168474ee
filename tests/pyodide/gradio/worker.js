// Python for the tests of the components: one interpreter runs many programs, one after the other.
import { loadPyodide } from '/pyodide/pyodide.mjs';
import { serve } from '/gradio/serve.js';

let pyodide;
let program;

async function start(files) {
  pyodide ??= await loadPyodide({ indexURL: '/pyodide/' });
  for (const [path, bytes] of Object.entries(files)) {
    const at = `/home/pyodide/${path}`;
    pyodide.FS.mkdirTree(at.slice(0, at.lastIndexOf('/')));
    pyodide.FS.writeFile(at, bytes);
  }
}

const ways = {
  async start({ files }) {
    await start(files);
    postMessage({ type: 'started' });
  },
  async program({ path }) {
    try {
      pyodide.runPython(`
import importlib, os, runpy, sys
os.chdir("/home/pyodide")
importlib.invalidate_caches()
import gradio._host
gradio._host.reset()
`);
      await pyodide.runPythonAsync(`runpy.run_path(${JSON.stringify(path)}, run_name="__main__")`);
      program = serve(pyodide, (message) => postMessage(message));
      postMessage({ type: 'ready', config: program.config });
    } catch (error) {
      postMessage({ type: 'failed', message: error.message });
    }
  },
};

onmessage = ({ data }) => {
  if (ways[data.type]) ways[data.type](data);
  else program.handle(data);
};
