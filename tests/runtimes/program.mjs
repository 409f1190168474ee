// Runs in each runtime: what it says is one line of JSON.
import { AshoreError, load, Tensor, version } from 'ashore';
import { load as loadInline } from 'ashore/inline';
import { openPrep } from 'ashore/prep';
import * as ort from 'ashore/ort';

const x = new Tensor('float32', [-5, 0, 1, 5], [1, 4]);
const codeOf = (promise) => promise.then(() => 'none', (error) =>
  (error instanceof AshoreError ? error.code : `${error.name}: ${error.message}`));

async function use(source, options) {
  const model = await load(source, options);
  const { y } = await model.run({ x });
  const memory = await model.memory();
  model.close();
  return { y: [...y.data], threads: model.report.threads, shell: model.report.shell,
    variant: model.report.variant, missing: model.report.missing.map(({ feature }) => feature),
    wasm: memory.wasm > 0, closed: await codeOf(model.run({ x })) };
}

const url = new URL('./small.onnx', import.meta.url);
const answer = { version, one: await use(url, { threads: 1 }), two: await use(url, { threads: 2 }) };
const full = await load(new URL('./rare.onnx', import.meta.url), { threads: 2 });
answer.full = [...(await full.run({ x: new Tensor('float32', [1, 2, 3, 4, 5, 4, 3, 2], [2, 4]) }))
  .y.data];
answer.module = full.report.module;
full.close();
const inline = await loadInline(url, { threads: 1 });
answer.sync = [...inline.runSync({ x }).y.data];
inline.close();
answer.inWorkerShell = await use(url, { threads: 2, shell: 'worker' }).catch((error) =>
  `${error.message}`);
answer.missing = await codeOf(load(new URL('./none.onnx', import.meta.url)));
answer.wrong = await codeOf(load(new TextEncoder().encode('no model').buffer));
answer.type = await (async () => {
  const model = await load(url);
  const code = await codeOf(model.run({ x: new Tensor('int32', [1, 2, 3, 4], [1, 4]) }));
  model.close();
  return code;
})();
const stop = new AbortController();
stop.abort();
answer.aborted = await load(url, { signal: stop.signal }).catch(({ name }) => name);
const prep = await openPrep();
answer.prep = [...prep.softmax(new Tensor('float32', [0, 0], [1, 2])).data];
prep.close();
answer.ort = typeof ort.InferenceSession.create === 'function';
console.log(JSON.stringify(answer));
