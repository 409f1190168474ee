// What `ashore bench` measures, wherever the engine is: in Node or in a worker of a browser.
import { loadInline as load, Tensor, types } from '../ashore.js';

const seed = 1;
const profiledRuns = 10;

// ---- inputs: the numbers that the native program makes up ---------------------------------------

const fail = (exit, message) => { throw Object.assign(new Error(message), { exit }); };

const readDims = (texts) => new Map(texts.map((text) => {
  const at = text.lastIndexOf('=');
  const value = Number(text.slice(at + 1));
  if (at < 1 || text.endsWith('=') || !Number.isInteger(value) || value < 0) {
    fail('usage', `--dim is '${text}' and must be NAME=EXTENT`);
  }
  return [text.slice(0, at), value];
}));

// "N" and "p2o.DynamicDimension.1" are names; "floor(W/8)" and "?" are not.
const isName = (d) => typeof d === 'string' && d !== '?' && /^[^()+*/ ]+$/.test(d);
const nameOf = (info, axis) => (isName(info.dims[axis]) ? info.dims[axis] : `${info.name}:${axis}`);

function extentOf(info, axis, given) {
  const d = info.dims[axis];
  if (typeof d === 'number') return d;
  return given.get(`${info.name}:${axis}`) ?? (isName(d) ? given.get(d) : undefined);
}

// Names that --dim gives, but the model has not.
function refuseUnknown(infos, given) {
  const places = infos.flatMap((info) => (info.dims ?? []).map((d, axis) => [info, axis]));
  const known = new Set(places.flatMap(([info, axis]) =>
    [`${info.name}:${axis}`, nameOf(info, axis)]));
  const open = new Set(places.filter(([info, axis]) => typeof info.dims[axis] === 'string')
    .map(([info, axis]) => nameOf(info, axis)));
  for (const name of given.keys()) {
    if (known.has(name)) continue;
    fail('usage', `--dim ${name}: the model has no such dimension; ${open.size
      ? `it has: ${[...open].join(', ')}` : 'all its inputs have fixed shapes'}`);
  }
}

function fixExtents(infos, given) {
  refuseUnknown(infos, given);
  for (const info of infos) {
    if (info.kind !== 'tensor' || !info.dims) {
      fail('unsupported', `input '${info.name}' is ${
        info.text}; only tensors of known rank can be made up`);
    }
    if (info.dims.length && extentOf(info, 0, given) === undefined) given.set(nameOf(info, 0), 1);
  }
  const missing = new Set(infos.flatMap((info) => info.dims.map((d, axis) =>
    (extentOf(info, axis, given) === undefined ? nameOf(info, axis) : '')).filter(Boolean)));
  if (!missing.size) return;
  fail('usage', `unknown extents: ${[...missing].join(', ')}; give each with --dim, as in --dim ${
    [...missing][0]}=64`);
}

// SplitMix64 (Steele, Lea, Flood 2014).
let state;
const word = (value) => BigInt.asUintN(64, value);
function random() {
  state = word(state + 0x9e3779b97f4a7c15n);
  let z = word((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = word((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

const makers = {
  float32: (r) => Number(BigInt.asIntN(64, r)) / 2 ** 63,
  float16: (r) => Number((r & 0x8000n) | (14n << 10n) | (r & 0x3ffn)),
  bfloat16: (r) => Number((r & 0x8000n) | (126n << 7n) | (r & 0x7fn)),
  bool: (r) => Number(r >> 63n),
  int64: (r) => r >> 62n,
  int32: (r) => Number(r >> 62n),
};
makers.float64 = makers.float32;
makers.uint64 = makers.int64;
for (const type of ['uint8', 'int8', 'uint16', 'int16', 'uint32']) makers[type] = makers.int32;

function sample(info, given) {
  const dims = info.dims.map((d, axis) => extentOf(info, axis, given));
  const row = types.get(info.type);
  const count = dims.reduce((a, b) => a * b, row.per);
  const make = makers[info.type];
  if (!make) return new Tensor(info.type, new row.array(count).fill(row.array === Array ? '' : 0),
    dims);
  return new Tensor(info.type, row.array.from({ length: count }, () => make(random())), dims);
}

// ---- measuring ----------------------------------------------------------------------------------

const median = (sorted) => (sorted[sorted.length >> 1] + sorted[(sorted.length - 1) >> 1]) / 2;
const sort = (values) => values.sort((a, b) => a - b);

function timer(model, feeds) {
  return () => {
    const begin = performance.now();
    model.runSync(feeds, { views: true });
    return (performance.now() - begin) / 1e3;
  };
}

async function profile(source, feeds, options) {
  const model = await load(source, { ...options, profile: true });
  const timed = timer(model, feeds);
  for (let i = 0; i < profiledRuns; i++) timed();
  const steps = (await model.profile()).map(({ runs: done, ...step }) =>
    ({ ...step, seconds: step.seconds / profiledRuns }));
  model.close();
  const total = steps.reduce((sum, { seconds }) => sum + seconds, 0);
  const operators = new Map();
  for (const step of steps) {
    step.share = total ? step.seconds / total : 0;
    const row = operators.get(step.op) ?? { op: step.op, seconds: 0, share: 0, steps: 0 };
    row.seconds += step.seconds;
    row.share += step.share;
    row.steps += 1;
    operators.set(step.op, row);
  }
  const slowest = (rows) => rows.sort((a, b) => b.seconds - a.seconds);
  return { operators: slowest([...operators.values()]), steps: slowest(steps) };
}

/** Times a model: { runs, dims, perOp, threads, variant, name, external }, dims as --dim gives them.  The
 *  result has the fields of the native command, but for target and process_peak_bytes, and the
 *  variant. */
export async function measure(source, { runs, dims, perOp, ...options }) {
  const given = readDims(dims);
  const model = await load(source, options);
  fixExtents(model.inputs, given);
  state = BigInt(seed);
  const feeds = Object.fromEntries(model.inputs.map((info) => [info.name, sample(info, given)]));
  const timed = timer(model, feeds);
  const first = timed();
  const times = sort(Array.from({ length: runs }, timed));
  const middle = median(times);
  const memory = await model.memory();
  const { report } = model;
  model.close();
  const result = {
    version: report.version, variant: report.variant, cpu: report.variant, threads: report.threads,
    seed,
    inputs: Object.entries(feeds).map(([name, { type, dims: shape }]) =>
      ({ dtype: type, shape, name })),
    load_seconds: (report.ms.download + report.ms.prepare) / 1e3,
    first_seconds: first,
    steady_seconds: { runs, min: times[0], median: middle,
      mad: median(sort(times.map((time) => Math.abs(time - middle)))) },
    peak_bytes: memory.total,
    ...(perOp ? await profile(source, feeds, options) : {}),
  };
  return { result, report, memory };
}
