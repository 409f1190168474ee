// What a session says of itself, and the forms of run().
import ort from 'onnxruntime-web';
import { readFile } from 'node:fs/promises';

const { InferenceSession, Tensor } = ort;
const bytes = new Uint8Array(await readFile('two.onnx'));
const padded = new Uint8Array(bytes.length + 10);
padded.set(bytes, 4);
const shared = new SharedArrayBuffer(bytes.length);
new Uint8Array(shared).set(bytes);
const feeds = (n) => ({ x: new Tensor('float32', [n, -n, 0, 4], [1, 4]) });

const sessions = [
  await InferenceSession.create('two.onnx'),
  await InferenceSession.create(bytes, { graphOptimizationLevel: 'disabled' }),
  await InferenceSession.create(bytes.slice().buffer, { executionMode: 'sequential' }),
  await InferenceSession.create(padded.buffer, 4, bytes.length, { enableMemPattern: true }),
  await InferenceSession.create(shared, { executionProviders: [{ name: 'wasm' }] }),
  await InferenceSession.create(padded.subarray(4, 4 + bytes.length)),
];
for (const session of sessions) {
  console.log(session.inputNames, session.outputNames);
  console.log(JSON.stringify([session.inputMetadata, session.outputMetadata]));
  console.log(await session.run(feeds(3)));
}
const [session] = sessions;
console.log(await session.run(feeds(1), ['z']));
console.log(Object.keys(await session.run(feeds(1), ['z', 'y'])));
console.log(await session.run(feeds(1), { y: null }));
console.log(await session.run(feeds(1), { nothing: null }));
console.log(await session.run(feeds(1), {}, {}).catch((error) => error.message));
console.log(await session.run(feeds(1), { logSeverityLevel: 3 }));
console.log(await session.run(feeds(1), ['y'], { logSeverityLevel: 3, terminate: false }));
const all = await Promise.all([1, 2, 3, 4].map((n) => session.run(feeds(n))));
console.log(all.map(({ y }) => [...y.data]));

const fixed = await InferenceSession.create('two.onnx',
  { freeDimensionOverrides: { N: 2, unused: 3 } });
console.log(fixed.inputMetadata, fixed.outputMetadata);
console.log(await fixed.run({ x: new Tensor('float32', new Float32Array(8), [2, 4]) }));
console.log(await fixed.run(feeds(1)).then(() => 'ran', (error) => error instanceof Error));
for (const one of [...sessions, fixed]) await one.release();
