// What goes in and out of a model: tensors, and the error that everything here throws.

// Element types in the order of ONNX's numbers from 1: name, array (default: Uint8Array), array
// elements per element.
const table = [
  ['float32', Float32Array], ['uint8'], ['int8', Int8Array], ['uint16', Uint16Array],
  ['int16', Int16Array], ['int32', Int32Array], ['int64', BigInt64Array], ['string', Array],
  ['bool'], ['float16', Uint16Array], ['float64', Float64Array], ['uint32', Uint32Array],
  ['uint64', BigUint64Array], ['complex64', Float32Array, 2], ['complex128', Float64Array, 2],
  ['bfloat16', Uint16Array], ['float8e4m3fn'], ['float8e4m3fnuz'], ['float8e5m2'],
  ['float8e5m2fnuz'], ['uint4'], ['int4', Int8Array], ['float4e2m1'], ['float8e8m0'], ['uint2'],
  ['int2', Int8Array],
];

/** Element types by name, and by number. */
export const types = new Map();
export const typeOf = [null];
table.forEach(([name, array = Uint8Array, per = 1], i) => {
  const row = { name, number: i + 1, array, per };
  types.set(name, row);
  typeOf.push(row);
});

const codes = ['OK', 'NOMEM', 'IO', 'FORMAT', 'UNSUPPORTED', 'TYPE', 'SHAPE', 'ATTR', 'NAME',
  'LIMIT', 'INDEX', 'STATE', 'CANCELLED', 'ARGUMENT', 'INTERNAL'];

/** details: node, op, input, index: what of the model or of a batch it is about; advice: what to do;
 *  cause. */
// As a member of a record a class keeps its name, whatever else becomes shorter.
export const { AshoreError } = { AshoreError: class extends Error {
  /** failures.js sets it: what to do about an error. */
  static advise = () => '';

  constructor(status, message, { cause, advice, ...details } = {}) {
    const code = typeof status === 'number' ? `ERR_${codes[-status] ?? 'INTERNAL'}` : status;
    advice ??= AshoreError.advise(code, message, details);
    super(advice ? `${message}. ${advice}` : message, cause && { cause });
    Object.assign(this, { code, node: '', op: '', input: '', advice }, details);
  }

  get name() { return 'AshoreError'; }

  /** What of an error can be sent to another thread; revive() makes one of it there. */
  static strip({ name, message, code, node, op, input, advice, index }) {
    return { name, message, code, node, op, input, advice, index };
  }

  static revive({ name, message, code, ...details }) {
    if (name !== 'AshoreError') return Object.assign(new Error(message), { name });
    return Object.assign(new AshoreError(code, message, { advice: '' }), details);
  }
} };

function convert(row, data) {
  if (data instanceof row.array) return data;
  const kind = data?.constructor?.name;
  if (row.array === Uint16Array && kind === 'Float16Array') {
    return new Uint16Array(data.buffer, data.byteOffset, data.length);
  }
  if (row.array === Uint8Array && data instanceof Uint8ClampedArray) return Uint8Array.from(data);
  if (Array.isArray(data) && row.array !== Array) {
    const big = row.array === BigInt64Array || row.array === BigUint64Array;
    return row.array.from(data, big ? BigInt : Number);
  }
  throw new AshoreError('ERR_TYPE', `data of a ${row.name} tensor is ${kind ?? typeof data}`,
    { advice: `It must be ${row.array.name}` });
}

export const { Tensor } = { Tensor: class {
  constructor(type, data, dims) {
    const row = types.get(type);
    if (!row) {
      throw new AshoreError('ERR_TYPE', `${type} is not an element type`,
        { advice: `It must be ${[...types.keys()].join(' or ')}` });
    }
    this.type = type;
    this.data = convert(row, data);
    this.dims = dims ? Array.from(dims, Number) : [this.data.length / row.per];
    const count = this.dims.reduce((a, b) => a * b, row.per);
    if (count !== this.data.length || !this.dims.every((d) => Number.isInteger(d) && d >= 0)) {
      throw new AshoreError('ERR_SHAPE', `a ${type} tensor of shape [${this.dims}] has ${
        count} elements, its data ${this.data.length}`, { advice: `It must be ${count}` });
    }
  }
} };

/** Refuses a tensor that cannot take an output, as the model declares it or as it is. */
export function expectFit(tensor, { name, kind = 'tensor', type, dims }) {
  const { data } = new Tensor(tensor?.type, tensor?.data, tensor?.dims);
  const right = kind === 'tensor' && type !== 'string' && data === tensor.data
    && (type === 'unknown' || type === tensor.type);
  const given = tensor.dims;
  if (right && (!dims || (dims.length === given.length
    && dims.every((d, i) => typeof d === 'string' || d === given[i])))) return;
  throw new AshoreError(right ? 'ERR_SHAPE' : 'ERR_TYPE', `output '${name}' is ${type}[${dims}], not ${
    tensor.type}[${given}]`);
}

/** Refuses options that are not of the list. */
export function expectOptions(options, names) {
  for (const name in options) {
    if (!names.split(' ').includes(name)) {
      throw new AshoreError('ERR_ARGUMENT', `'${name}' is no option: ${names}`);
    }
  }
}

/** Options of a batch of runs, and those of one run, more.  remote: a page has looked at them. */
export function runOptions(options = {}, more = '') {
  if (!options.remote) expectOptions(options, `signal outputs transfer${more}`);
  return options;
}

/** What a run is given: the values of inputs by name. */
export function feedsOf(feeds) {
  if (feeds && typeof feeds === 'object') return feeds;
  throw new AshoreError('ERR_ARGUMENT', `a run is given ${feeds}, not inputs by name`);
}

/** What a batch is given: the inputs of each run. */
export function listOf(list) {
  if (typeof list?.[Symbol.iterator] === 'function') return [...list];
  throw new AshoreError('ERR_ARGUMENT', 'a batch is given no list of inputs by name');
}

/** Refuses what is given to take outputs as far as their declarations tell. */
export function expectFits(outputs, into = {}) {
  for (const name in into) {
    expectFit(into[name], outputs.find((output) => output.name === name) ?? missing(name, outputs,
      'output'));
  }
}

export function missing(name, infos, what) {
  throw new AshoreError('ERR_NAME', `the model has no ${what} '${name}': it has ${
    infos.map((info) => `'${info.name}'`).join(', ')}`, what === 'input' ? { input: name } : {});
}

/** Copies a result into the tensor that was given to take it, and returns that. */
export function fill(tensor, result, name) {
  expectFit(tensor, { ...result, name });
  if (result.data.buffer !== tensor.data.buffer) tensor.data.set(result.data);
  return tensor;
}
