// Writes small ONNX models, by the wire format of protocol buffers.
import { types } from '../../bindings/js/tensor.js';

const varint = (value) => {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest);
  return bytes;
};
const number = (field, value) => Buffer.from([...varint(field << 3), ...varint(value)]);
const bytes = (field, value) => {
  const content = Buffer.from(value);
  return Buffer.concat([Buffer.from([...varint((field << 3) | 2), ...varint(content.length)]),
    content]);
};
const message = (field, ...parts) => bytes(field, Buffer.concat(parts));
const numberOf = (type) => types.get(type).number;

const entry = (key, value) => (value === undefined ? Buffer.alloc(0)
  : message(13, bytes(1, key), bytes(2, String(value))));

/** The fields of a TensorProto; external: the location of its data, at offset and of a length. */
export function tensorProto({ type, dims, data, external, offset, length }, name = '') {
  const content = external ? [entry('location', external), entry('offset', offset),
    entry('length', length), number(14, 1)]
    : type === 'string' ? data.map((text) => bytes(6, text))
    : [bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))];
  return Buffer.concat([...dims.map((d) => number(1, d)), number(2, numberOf(type)), ...content,
    bytes(8, name)]);
}

const tensorType = (type, dims) => message(1, number(1, numberOf(type)),
  ...(dims ? [message(2, ...dims.map((d) =>
    message(1, typeof d === 'string' ? bytes(2, d) : number(1, d))))] : []));

/** Types: tensor('float32', ['N', 4]), sequence(...), optional(...), map('string', ...). */
export const tensor = tensorType;
export const sequence = (element) => message(4, message(1, element));
export const optional = (element) => message(9, message(1, element));
export const map = (key, element) => message(5, number(1, numberOf(key)), message(2, element));

const float = (field, value) => Buffer.concat([Buffer.from(varint((field << 3) | 5)),
  Buffer.from(Float32Array.of(value).buffer)]);

// Integers, lists of them, texts, tensors; { float: 0.5 }, { floats: [0.5] }, { texts: ['a'] } and
// { graph: graphProto(...) }.
function attribute(name, value) {
  if (typeof value === 'string') return message(5, bytes(1, name), bytes(4, value), number(20, 3));
  if (value.texts) {
    return message(5, bytes(1, name), ...value.texts.map((each) => bytes(9, each)), number(20, 8));
  }
  if (value.graph) return message(5, bytes(1, name), message(6, ...value.graph), number(20, 5));
  if (value.float) return message(5, bytes(1, name), float(2, value.float), number(20, 1));
  if (value.floats) {
    return message(5, bytes(1, name), ...value.floats.map((each) => float(7, each)), number(20, 6));
  }
  if (Number.isInteger(value)) return message(5, bytes(1, name), number(3, value), number(20, 2));
  if (Array.isArray(value)) {
    return message(5, bytes(1, name), ...value.map((each) => number(8, each)), number(20, 7));
  }
  return message(5, bytes(1, name), message(5, tensorProto(value)), number(20, 4));
}

/** node('Add', ['a', 'b'], ['c'], { attribute: 1, list: [1, 2] }); in another domain than ai.onnx
 *  'domain:Name'. */
export const node = (op, inputs, outputs, attributes = {}, name = `${op}_of_${outputs[0]}`) =>
  message(1, ...inputs.map((input) => bytes(1, input)), ...outputs.map((out) => bytes(2, out)),
    bytes(3, name), bytes(4, op.replace(/.*:/, '')), bytes(7, op.replace(/:?[^:]*$/, '')),
    ...Object.entries(attributes).map(([key, value]) => attribute(key, value)));

const values = (field, infos) => Object.entries(infos).map(([name, type]) =>
  message(field, bytes(1, name), message(2, type)));

/** The fields of a graph; weights: tensors by name. */
const graphProto = ({ nodes, inputs, outputs, weights = {} }) => [...nodes, bytes(2, 'test'),
  ...Object.entries(weights).map(([name, value]) => message(5, tensorProto(value, name))),
  ...values(11, inputs), ...values(12, outputs)];

/** A whole model; domains: others than ai.onnx, at version 1. */
export const model = ({ opset = 17, domains = [], ...graph }) => Buffer.concat([number(1, 8),
  message(7, ...graphProto(graph)), message(8, number(2, opset)),
  ...domains.map((domain) => message(8, bytes(1, domain), number(2, 1)))]);

/** y = relu(x + [1, -1, 2, -2]) over x float32[N, 4] */
export const small = () => model({
  nodes: [node('Add', ['x', 'bias'], ['sum']), node('Relu', ['sum'], ['y'])],
  inputs: { x: tensor('float32', ['N', 4]) },
  outputs: { y: tensor('float32', ['N', 4]) },
  weights: { bias: { type: 'float32', dims: [4], data: new Float32Array([1, -1, 2, -2]) } },
});

/** A map m from keys of a type to numbers becomes v, those of a vocabulary, and that z, a map in a
 *  sequence. */
export const maps = (key, vocabulary) => model({ domains: ['ai.onnx.ml'],
  nodes: [node('ai.onnx.ml:DictVectorizer', ['m'], ['v'], { [key === 'string'
    ? 'string_vocabulary' : 'int64_vocabulary']: vocabulary }),
  node('ai.onnx.ml:ZipMap', ['v'], ['z'], { [key === 'string'
    ? 'classlabels_strings' : 'classlabels_int64s']: vocabulary })],
  inputs: { m: map(key, tensor('float32', [])) },
  outputs: { v: tensor('float32', [1, 'V']), z: sequence(map(key, tensor('float32', []))) },
});

/** A chain of products of 256x256 matrices that takes a while. */
export const slow = (length = 60) => model({
  nodes: Array.from({ length }, (_, i) => node('MatMul', [i ? `m${i}` : 'x', 'x'],
    [i === length - 1 ? 'y' : `m${i + 1}`])),
  inputs: { x: tensor('float32', [256, 256]) },
  outputs: { y: tensor('float32', [256, 256]) },
});

/** y = hardmax(x + w) over x float32[2, 4], w one number: of an operator that the smaller engine
 *  lacks. */
export const rare = (w) => model({ opset: 13,
  nodes: [node('Add', ['x', 'w'], ['a']), node('Hardmax', ['a'], ['y'])],
  inputs: { x: tensor('float32', [2, 4]) }, outputs: { y: tensor('float32', [2, 4]) },
  weights: { w: { type: 'float32', dims: [1], ...w } },
});

/** One product of two matrices as large as the input: one step. */
export const product = () => model({ nodes: [node('MatMul', ['x', 'x'], ['y'])],
  inputs: { x: tensor('float32', ['N', 'N']) }, outputs: { y: tensor('float32', ['N', 'N']) } });

/** `turns` turns of a loop, each a product of matrices like those of slow(): a run as long as a test
 *  asks for, none or `forever`, to whose end no machine comes. */
export const turning = () => model({
  nodes: [node('Loop', ['turns', '', 'x'], ['y'], { body: { graph: graphProto({
    nodes: [node('Identity', ['go'], ['on']), node('MatMul', ['before', 'x'], ['after'])],
    inputs: { i: tensor('int64', []), go: tensor('bool', []), before: tensor('float32', [256, 256]) },
    outputs: { on: tensor('bool', []), after: tensor('float32', [256, 256]) } }) } })],
  inputs: { x: tensor('float32', [256, 256]), turns: tensor('int64', []) },
  outputs: { y: tensor('float32', [256, 256]) },
});
export const forever = 1n << 40n;

/** One step, y = conv(x, ones[32, 32, 127, 127]) over x float32[1, 32, H, W]: of milliseconds where H
 *  and W are 1, and of 10^12 multiplications and additions, half a minute, where they are 256. */
export const longStep = () => model({
  nodes: [node('ConstantOfShape', ['extents'], ['w'], { value: { type: 'float32', dims: [1],
    data: Float32Array.of(1) } }), node('Conv', ['x', 'w'], ['y'], { pads: [63, 63, 63, 63] })],
  inputs: { x: tensor('float32', [1, 32, 'H', 'W']) },
  outputs: { y: tensor('float32', [1, 32, 'H', 'W']) },
  weights: { extents: { type: 'int64', dims: [4], data: BigInt64Array.of(32n, 32n, 127n, 127n) } },
});

/** A GRU over x float32[1, 1, 6] with state h float32[1, 1, hidden], of which hn is the next; seen is
 *  what h was. */
export const gru = (hidden = 8) => {
  const weight = (rows, width, seed) => ({ type: 'float32', dims: [1, rows, width],
    data: Float32Array.from({ length: rows * width }, (_, i) => Math.sin(seed + 3 * i)) });
  const { data } = weight(6 * hidden, 1, 5);
  return model({
    nodes: [node('GRU', ['x', 'w', 'r', 'b', '', 'h'], ['all', 'hn'], { hidden_size: hidden }),
      node('Identity', ['h'], ['seen']), node('Softmax', ['all'], ['y'])],
    inputs: { x: tensor('float32', [1, 1, 6]), h: tensor('float32', [1, 1, hidden]) },
    outputs: { y: tensor('float32', [1, 1, 1, hidden]), hn: tensor('float32', [1, 1, hidden]),
      seen: tensor('float32', [1, 1, hidden]) },
    weights: { w: weight(3 * hidden, 6, 1), r: weight(3 * hidden, hidden, 2),
      b: { type: 'float32', dims: [1, 6 * hidden], data } },
  });
};
