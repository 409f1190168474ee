import { load, Tensor } from './ashore/ashore.js';

async function run() {
  const model = await load('small.onnx');
  const { y } = await model.run({ x: new Tensor('float32', [-5, 0, 1, 5], [1, 4]) });
  model.close();
  return { y: [...y.data], report: model.report };
}

chrome.runtime.onMessage.addListener((message, sender, answer) => {
  run().catch((error) => ({ error: `${error.stack}` })).then(answer);
  return true; // answered later
});
