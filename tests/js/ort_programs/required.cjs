// As a CommonJS program.
const ort = require('onnxruntime-web');
const { Tensor } = require('onnxruntime-web');

async function main() {
  const session = await ort.InferenceSession.create('./two.onnx');
  const { y } = await session.run({ x: new Tensor('float32', [1, 2, 3, 4], [1, 4]) });
  console.log(y, y instanceof ort.Tensor, y instanceof Tensor, ort.default.Tensor === Tensor);
}
main();
