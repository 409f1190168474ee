// Every way to make a tensor, and what is refused.
import ort, { Tensor } from 'onnxruntime-web';

const attempts = {
  'float32 from numbers': () => new Tensor('float32', [1, 2.5, -3], [3, 1]),
  'float32 without dims': () => new Tensor('float32', new Float32Array([1, 2])),
  'float32 inferred': () => new ort.Tensor(new Float32Array(6), [2, 3]),
  'float64 inferred': () => new Tensor(new Float64Array(2)),
  'int8': () => new Tensor('int8', [1, -1, 127], [3]),
  'uint8 wraps': () => new Tensor('uint8', [300, -1], [2]),
  'uint8 from clamped': () => new Tensor('uint8', new Uint8ClampedArray([300, 4]), [2]),
  'clamped inferred': () => new Tensor(new Uint8ClampedArray([1, 2]), [1, 2]),
  'int16 inferred': () => new Tensor(new Int16Array(1)),
  'uint16 inferred': () => new Tensor(new Uint16Array(1)),
  'int32 inferred': () => new Tensor(new Int32Array([-1, 5])),
  'uint32 inferred': () => new Tensor(new Uint32Array(1)),
  'int64 from numbers': () => new Tensor('int64', [1, -2, 3], [3]),
  'int64 from big integers': () => new Tensor('int64', [1n, -2n], [2]),
  'int64 inferred': () => new Tensor(BigInt64Array.of(7n), []),
  'uint64': () => new Tensor('uint64', new BigUint64Array([1n]), [1]),
  'float16 from bits': () => new Tensor('float16', new Uint16Array([0x3c00, 0xc000]), [2]),
  'float16 from numbers': () => new Tensor('float16', [0.1, 65504], [2]),
  'float16 inferred': () => new Tensor(new Float16Array([1.5])),
  'bool from booleans': () => new Tensor('bool', [true, false], [2]),
  'bool from bytes': () => new Tensor('bool', new Uint8Array([1, 0]), [1, 2]),
  'bool inferred': () => new Tensor([true, false, true]),
  'strings': () => new Tensor('string', ['a', 'é', ''], [3]),
  'strings inferred': () => new Tensor(['x'], [1]),
  'no strings': () => new Tensor('string', [], [0]),
  'int4 packed': () => new Tensor('int4', new Uint8Array([0x21, 0x0f]), [3]),
  'scalar': () => new Tensor('float32', [4], []),
  'empty': () => new Tensor('float32', [], [0, 3]),
  'pinned': () => Tensor.fromPinnedBuffer('float32', new Float32Array(2)).location,
  'reshape': () => new Tensor('int32', [1, 2, 3, 4]).reshape([2, 2]),
  'shares data': () => {
    const tensor = new Tensor('int32', [1, 2, 3, 4]);
    return tensor.reshape([4, 1]).data === tensor.data;
  },
  'getData': () => new Tensor('int32', [1, 2]).getData(),
  'as JSON': () => JSON.stringify(new Tensor('float32', [1, 2], [2])),
  'disposed': () => {
    const tensor = new Tensor('float32', [1]);
    tensor.dispose();
    return tensor.location;
  },
  'data of disposed': () => {
    const tensor = new Tensor('float32', [1]);
    tensor.dispose();
    return tensor.data;
  },
  'too few': () => new Tensor('float32', [1, 2], [3]),
  'unknown type': () => new Tensor('float33', [1]),
  'half an extent': () => new Tensor('float32', [1], [1.5]),
  'negative extent': () => new Tensor('float32', [1], [-1]),
  'dims of text': () => new Tensor('float32', [1], 'x'),
  'reshape to another size': () => new Tensor('float32', [1]).reshape([2]),
  'numbers without a type': () => new Tensor([1, 2]),
  'an empty array without a type': () => new Tensor([]),
  'text as strings': () => new Tensor('string', 'abc'),
  'a half integer': () => new Tensor('int64', [1.5]),
  'int4 from numbers': () => new Tensor('int4', [1, 2]),
  'no texture': () => new Tensor('float32', [1]).texture,
  'no GPU buffer': () => new Tensor('float32', [1]).gpuBuffer,
  'no MLTensor': () => new Tensor('float32', [1]).mlTensor,
};

for (const [what, attempt] of Object.entries(attempts)) {
  try {
    console.log(what, await attempt());
  } catch (error) {
    console.log(what, error.constructor.name, error.message);
  }
}
for (const attempt of [() => new Tensor('float32', new Float64Array(1)), () => new Tensor(5)]) {
  try {
    attempt();
  } catch (error) {
    console.log(error.constructor.name);
  }
}
