// Files for failures.mjs, by path.
import { gru, model, node, small, tensor } from './onnx_writer.mjs';

const one = (op, attributes, inputs = ['x']) => model({ nodes: [node(op, inputs, ['y'], attributes)],
  inputs: { x: tensor('float32', [2, 4]) }, outputs: { y: tensor('float32', [2, 4]) } });

export const failingModels = () => ({
  '/small.onnx': small(), '/gru.onnx': gru(),
  '/page.onnx': Buffer.from('<!doctype html><title>app</title>'),
  '/lfs.onnx': Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\n'),
  '/cut.onnx': small().subarray(0, 60),
  '/short.onnx': one('Add', {}),
  '/unknown.onnx': one('Wonder', {}),
  '/attribute.onnx': one('Softmax', { axis: 7 }),
  '/index.onnx': model({ nodes: [node('Gather', ['w', 'i'], ['y'])],
    inputs: { i: tensor('int64', ['N']) }, outputs: { y: tensor('float32', ['N']) },
    weights: { w: { type: 'float32', dims: [3], data: new Float32Array(3) } } }),
  '/wide.onnx': model({ nodes: [node('Exp', ['x'], ['a']), node('MatMul', ['a', 'w'], ['b']),
    node('Softmax', ['b'], ['y'])],
  inputs: { x: tensor('float32', ['N', 4]) }, outputs: { y: tensor('float32', ['N', 4]) },
  weights: { w: { type: 'float32', dims: [4, 4], data: new Float32Array(16) } } }),
  '/outer.onnx': model({ nodes: [node('MatMul', ['a', 'b'], ['y']), node('Relu', ['y'], ['z']),
    node('Neg', ['y'], ['w'])],
  inputs: { a: tensor('float32', ['N', 1]), b: tensor('float32', [1, 'N']) },
  outputs: Object.fromEntries(['y', 'z', 'w'].map((name) => [name, tensor('float32', ['N', 'N'])])) }),
});
