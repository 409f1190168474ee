// Every element type through a model and back.
import { InferenceSession, Tensor } from 'onnxruntime-web';

const samples = {
  float32: [0, -1.5, Infinity], float64: [0.1, 2, -3], float16: [1, 2.5, -0.1],
  int8: [1, -2, 3], uint8: [1, 2, 255], int16: [1, -2, 3], uint16: [1, 2, 65535],
  int32: [1, -2, 3], uint32: [1, 2, 4294967295], int64: [1n, -2n, 3n], uint64: [1n, 2n, 3n],
  bool: [true, false, true], string: ['one', 'zwölf', '港'],
};
for (const [type, values] of Object.entries(samples)) {
  const session = await InferenceSession.create(`identity_${type}.onnx`);
  const { b } = await session.run({ a: new Tensor(type, values, [3]) });
  const { b: none } = await session.run({ a: new Tensor(type, [], [0]) });
  console.log(type, session.inputMetadata, session.outputMetadata, b, none);
}
