// What goes in and out of a model: tensors, and the error that everything here throws.

// Element types in the order of ONNX's numbers from 1: name, array, array elements per element.
const table = [
  ['float32', Float32Array], ['uint8', Uint8Array], ['int8', Int8Array], ['uint16', Uint16Array],
  ['int16', Int16Array], ['int32', Int32Array], ['int64', BigInt64Array], ['string', Array],
  ['bool', Uint8Array], ['float16', Uint16Array], ['float64', Float64Array],
  ['uint32', Uint32Array], ['uint64', BigUint64Array], ['complex64', Float32Array, 2],
  ['complex128', Float64Array, 2], ['bfloat16', Uint16Array], ['float8e4m3fn', Uint8Array],
  ['float8e4m3fnuz', Uint8Array], ['float8e5m2', Uint8Array], ['float8e5m2fnuz', Uint8Array],
  ['uint4', Uint8Array], ['int4', Int8Array], ['float4e2m1', Uint8Array],
  ['float8e8m0', Uint8Array], ['uint2', Uint8Array], ['int2', Int8Array],
];

/** Element types by name, and by number. */
export const types = new Map();
export const typeOf = [null];
table.forEach(([name, array, per = 1], i) => {
  const row = { name, number: i + 1, array, per };
  types.set(name, row);
  typeOf.push(row);
});

const codes = ['OK', 'NOMEM', 'IO', 'FORMAT', 'UNSUPPORTED', 'TYPE', 'SHAPE', 'ATTR', 'NAME',
  'LIMIT', 'INDEX', 'STATE', 'CANCELLED', 'ARGUMENT', 'INTERNAL'];

export class AshoreError extends Error {
  constructor(code, message, node = '', op = '') {
    super(message);
    this.name = 'AshoreError';
    this.code = typeof code === 'number' ? `ERR_${codes[-code] ?? 'INTERNAL'}` : code;
    this.node = node;
    this.op = op;
  }
}

function convert(row, data) {
  if (data instanceof row.array) return data;
  if (row.array === Uint16Array && data?.constructor?.name === 'Float16Array') {
    return new Uint16Array(data.buffer, data.byteOffset, data.length);
  }
  if (row.array === Uint8Array && data instanceof Uint8ClampedArray) return Uint8Array.from(data);
  if (Array.isArray(data) && row.array !== Array) {
    const big = row.array === BigInt64Array || row.array === BigUint64Array;
    return row.array.from(data, big ? BigInt : Number);
  }
  throw new AshoreError('ERR_TYPE', `data of a ${row.name} tensor is ${
    data?.constructor?.name ?? typeof data}; it must be ${row.array.name}`);
}

export class Tensor {
  constructor(type, data, dims) {
    const row = types.get(type);
    if (!row) throw new AshoreError('ERR_TYPE', `${type} is not an element type`);
    this.type = type;
    this.data = convert(row, data);
    this.dims = dims ? Array.from(dims, Number) : [this.data.length / row.per];
    const count = this.dims.reduce((a, b) => a * b, row.per);
    if (count !== this.data.length || !this.dims.every((d) => Number.isInteger(d) && d >= 0)) {
      throw new AshoreError('ERR_SHAPE', `a ${type} tensor of shape [${this.dims}] has ${
        count} elements, its data ${this.data.length}`);
    }
  }
}
