// A convolutional model with extents of the run (PP-OCRv4, recognition).
import * as ort from 'onnxruntime-web';

const session = await ort.InferenceSession.create('ocr.onnx', { executionProviders: ['cpu'] });
const width = 96;
const data = Float32Array.from({ length: 3 * 48 * width }, (_, i) =>
  (((i % width) >> 3) + (Math.floor(i / width) >> 4)) % 3 - 1);
const input = new ort.Tensor('float32', data, [1, 3, 48, width]);
const [output] = Object.values(await session.run({ [session.inputNames[0]]: input }));
const [, steps, classes] = output.dims;
const best = Array.from({ length: steps }, (_, t) => {
  const row = output.data.subarray(t * classes, (t + 1) * classes);
  return row.indexOf(Math.max(...row));
});
console.log(output.dims, best);
