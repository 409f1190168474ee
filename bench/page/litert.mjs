// LiteRT.js, on the processor.  Its loader wants importScripts, which workers of modules have not.
import { readFeeds } from './feeds.mjs';
import { importPeer } from './peer.mjs';

let loading;

function runScript(url) {
  const request = new XMLHttpRequest();
  request.open('GET', url, false);
  request.send();
  (0, eval)(request.responseText);
}

async function loadPackage(threads) {
  const lite = await importPeer('LiteRT.js', '/peers/litert.mjs');
  const folder = `${location.origin}/litert/core/wasm/`;
  globalThis.importScripts = runScript;
  globalThis.Module = { locateFile: (name) => folder + name,
    mainScriptUrlOrBlob: `${folder}litert_wasm_threaded_internal.js` };
  await lite.loadLiteRt(folder, { threads: threads > 1 });
  return lite;
}

/** A contender's `file` is a .tflite file.  Inputs are given in order. */
export async function openLite({ file, feeds }, { threads, read }) {
  loading ??= loadPackage(threads);
  const lite = await loading;
  const model = await lite.loadAndCompile(await read(file),
    { accelerator: 'wasm', cpuOptions: { numThreads: threads } });
  const given = await readFeeds(feeds, read);
  const details = model.getOutputDetails();
  return {
    async run() {
      const tensors = given.map(({ data, dims }) => new lite.Tensor(data, dims)); // copies, as others do
      const outputs = await model.run(tensors);
      tensors.forEach((tensor) => tensor.delete());
      return outputs.map((tensor, i) => {
        const found = { name: details[i].name, data: tensor.toTypedArray(),
          dims: [...details[i].shape] };
        tensor.delete();
        return found;
      });
    },
    about: 'LiteRT.js',
    close: () => model.delete(),
  };
}
