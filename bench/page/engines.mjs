// This engine and its peers behind one interface: open(contender, { threads, read }) gives
// { run(): outputs as [{ name, data, dims }], close() }.  An engine whose package is not there fails to
// open, and what it says is what the report shows.
import { readFeeds } from './feeds.mjs';
import { openLite } from './litert.mjs';
import { importPeer } from './peer.mjs';
import { openTf } from './tfjs.mjs';

async function openAshore({ file, feeds }, { threads, read }) {
  const { load, Tensor } = await import('/ashore/inline.js');
  const model = await load(await read(file), { threads });
  const given = Object.fromEntries((await readFeeds(feeds, read))
    .map(({ name, type, data, dims }) => [name, new Tensor(type, data, dims)]));
  return {
    async run() {
      const found = await model.run(given);
      return Object.entries(found).map(([name, { data, dims }]) => ({ name, data, dims }));
    },
    about: model.report.module,
    memory: () => model.memory(),
    close: () => model.close(),
  };
}

async function openOrt({ file, feeds }, { threads, read }) {
  const ort = await importPeer('onnxruntime-web',
    '/onnxruntime-web/ort.wasm.min.mjs');
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  const session = await ort.InferenceSession.create(await read(file),
    { executionProviders: ['wasm'], graphOptimizationLevel: 'all' });
  const given = Object.fromEntries((await readFeeds(feeds, read))
    .map(({ name, type, data, dims }) => [name, new ort.Tensor(type, data, dims)]));
  return {
    async run() {
      const found = await session.run(given);
      return Object.entries(found).map(([name, { data, dims }]) => ({ name, data, dims }));
    },
    about: `onnxruntime-web ${ort.env.versions.web}`,
    close: () => session.release(),
  };
}

const engines = { ashore: openAshore, ort: openOrt, litert: openLite, tfjs: openTf };

export const open = (contender, how) => engines[contender.engine](contender, how);
