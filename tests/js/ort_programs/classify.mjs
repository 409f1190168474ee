// As applications begin: providers in order of preference, and names taken from the session.
import * as ort from 'onnxruntime-web';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

async function createSession(path) {
  try {
    return await ort.InferenceSession.create(path, {
      executionProviders: ['webgpu', 'wasm'],
      graphOptimizationLevel: 'all',
    });
  } catch (error) {
    console.log('falling back', error.message);
    return ort.InferenceSession.create(path, { executionProviders: ['wasm'] });
  }
}

const softmax = (values) => {
  const largest = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
};

const session = await createSession('classifier.onnx');
const data = Float32Array.from({ length: 1 * 3 * 8 * 8 }, (_, i) => (i % 17) / 16 - 0.5);
const feeds = {};
feeds[session.inputNames[0]] = new ort.Tensor('float32', data, [1, 3, 8, 8]);
const results = await session.run(feeds);
const output = results[session.outputNames[0]];
const probabilities = softmax(Array.from(output.data));
console.log(session.inputNames, session.outputNames, output.dims, output.type, output.size);
console.log(probabilities.map((p) => p.toFixed(4)));
console.log('class', probabilities.indexOf(Math.max(...probabilities)));
await session.release();
