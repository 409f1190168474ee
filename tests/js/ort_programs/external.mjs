// Weights beside the model.
import { InferenceSession, Tensor } from 'onnxruntime-web';
import { readFile } from 'node:fs/promises';

const data = await readFile('weights.bin');
const x = new Tensor('float32', [1, 1, 1, 1], [4]);
for (const externalData of [
  ['weights.bin'], ['./weights.bin'], [{ path: 'weights.bin', data: 'weights.bin' }],
  [{ path: './weights.bin', data }], [{ path: 'weights.bin', data: new Blob([data]) }],
  [{ path: 'weights.bin', data: new Uint8Array(data).buffer }],
]) {
  const session = await InferenceSession.create('external.onnx', { externalData });
  console.log((await session.run({ x })).y.data);
  await session.release();
}
