import { load, Tensor } from 'ashore';

const model = await load(new URL('./small.onnx', import.meta.url), { threads: 2 });
const { y } = await model.run({ x: new Tensor('float32', [-5, 0, 1, 5], [1, 4]) });
model.close();
const answer = { y: [...y.data], threads: model.report.threads };
if (typeof postMessage === 'function') postMessage(answer);
else (await import('node:worker_threads')).parentPort.postMessage(answer);
