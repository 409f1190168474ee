#!/usr/bin/env node
// `ashore bench --target wasm`: load, first and steady times, memory, time by operator.
import fs from 'node:fs';
import { load } from '../inline.js';
import { Tensor, types } from '../tensor.js';
import { exitCode, exits, giveUp, numberOf, readOptions } from './options.mjs';

const seed = 1;
const profiledRuns = 10;
const topSteps = 10;
const options = readOptions('bench', { runs: { type: 'string' },
  dim: { type: 'string', multiple: true }, 'per-op': { type: 'boolean' } });
const runs = numberOf('bench', options, 'runs', 20, 1);
const threads = numberOf('bench', options, 'threads', 0);
const { variant, operands: [source] } = options;
if (options.operands.length !== 1) giveUp('bench', 'one model must be given', exits.usage);

// ---- inputs: the numbers that the native program makes up ---------------------------------------

const given = new Map((options.dim ?? []).map((text) => {
  const at = text.lastIndexOf('=');
  const value = Number(text.slice(at + 1));
  if (at < 1 || text.endsWith('=') || !Number.isInteger(value) || value < 0) {
    giveUp('bench', `--dim is '${text}' and must be NAME=EXTENT`, exits.usage);
  }
  return [text.slice(0, at), value];
}));

// "N" and "p2o.DynamicDimension.1" are names; "floor(W/8)" and "?" are not.
const isName = (d) => typeof d === 'string' && d !== '?' && /^[^()+*/ ]+$/.test(d);
const nameOf = (info, axis) => (isName(info.dims[axis]) ? info.dims[axis] : `${info.name}:${axis}`);

function extentOf(info, axis) {
  const d = info.dims[axis];
  if (typeof d === 'number') return d;
  return given.get(`${info.name}:${axis}`) ?? (isName(d) ? given.get(d) : undefined);
}

// Names that --dim gives, but the model has not.
function refuseUnknown(infos) {
  const places = infos.flatMap((info) => (info.dims ?? []).map((d, axis) => [info, axis]));
  const known = new Set(places.flatMap(([info, axis]) =>
    [`${info.name}:${axis}`, nameOf(info, axis)]));
  const open = new Set(places.filter(([info, axis]) => typeof info.dims[axis] === 'string')
    .map(([info, axis]) => nameOf(info, axis)));
  for (const name of given.keys()) {
    if (known.has(name)) continue;
    giveUp('bench', `--dim ${name}: the model has no such dimension; ${open.size
      ? `it has: ${[...open].join(', ')}` : 'all its inputs have fixed shapes'}`, exits.usage);
  }
}

function fixExtents(infos) {
  refuseUnknown(infos);
  for (const info of infos) {
    if (info.kind !== 'tensor' || !info.dims) {
      giveUp('bench', `input '${info.name}' is ${
        info.text}; only tensors of known rank can be made up`, exits.unsupported);
    }
    if (info.dims.length && extentOf(info, 0) === undefined) given.set(nameOf(info, 0), 1);
  }
  const missing = new Set(infos.flatMap((info) => info.dims.map((d, axis) =>
    (extentOf(info, axis) === undefined ? nameOf(info, axis) : '')).filter(Boolean)));
  if (!missing.size) return;
  giveUp('bench', `unknown extents: ${[...missing].join(', ')}; give each with --dim, as in --dim ${
    [...missing][0]}=64`, exits.usage);
}

// SplitMix64 (Steele, Lea, Flood 2014).
let state = BigInt(seed);
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

function sample(info) {
  const dims = info.dims.map((d, axis) => extentOf(info, axis));
  const row = types.get(info.type);
  const count = dims.reduce((a, b) => a * b, row.per);
  const make = makers[info.type];
  if (!make) return new Tensor(info.type, new row.array(count).fill(row.array === Array ? '' : 0), dims);
  return new Tensor(info.type, row.array.from({ length: count }, () => make(random())), dims);
}

// ---- measuring ------------------------------------------------------------------------------------

const median = (sorted) => (sorted[sorted.length >> 1] + sorted[(sorted.length - 1) >> 1]) / 2;
const sort = (values) => values.sort((a, b) => a - b);

function timer(model, feeds) {
  return () => {
    const begin = performance.now();
    model.runSync(feeds, { views: true });
    return (performance.now() - begin) / 1e3;
  };
}

async function profile(feeds) {
  const model = await load(source, { threads, variant, profile: true });
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

async function measure() {
  const model = await load(source, { threads, variant });
  fixExtents(model.inputs);
  const feeds = Object.fromEntries(model.inputs.map((info) => [info.name, sample(info)]));
  const timed = timer(model, feeds);
  const first = timed();
  const times = sort(Array.from({ length: runs }, timed));
  const middle = median(times);
  const memory = await model.memory();
  const { report } = model;
  model.close();
  // The fields of the native command, and the variant.
  const result = {
    model: source, version: report.version, target: 'wasm', variant: report.variant,
    cpu: report.variant, threads: report.threads, seed,
    inputs: Object.entries(feeds).map(([name, { type, dims }]) =>
      ({ dtype: type, shape: dims, name })),
    load_seconds: (report.ms.download + report.ms.prepare) / 1e3,
    first_seconds: first,
    steady_seconds: { runs, min: times[0], median: middle,
      mad: median(sort(times.map((time) => Math.abs(time - middle)))) },
    peak_bytes: memory.total,
    process_peak_bytes: process.resourceUsage().maxRSS * 1024,
    ...(options['per-op'] ? await profile(feeds) : {}),
  };
  return { result, report, memory };
}

// ---- output -------------------------------------------------------------------------------------

const ms = (seconds) => `${(1e3 * seconds).toFixed(3)}`;
const size = (bytes) => (bytes < 2 ** 20 ? `${(bytes / 2 ** 10).toFixed(2)} KiB`
  : `${(bytes / 2 ** 20).toFixed(2)} MiB`);
const line = ({ op, seconds, share }) => `  ${op.padEnd(26)} ${ms(seconds).padStart(9)}  ${
  (100 * share).toFixed(1).padStart(5)}%`;

const missingText = ({ feature, why, cost }) => `missing: ${feature}: ${why}; ${cost}`;

function text({ result: r, report, memory }) {
  const inputs = r.inputs.map(({ name, dtype, shape }) => `${name} ${dtype}[${shape}]`);
  const { min, median: middle, mad } = r.steady_seconds;
  const lines = [
    `model:   ${r.model}, ${size(report.model.bytes)}`,
    `inputs:  ${inputs.length ? `${inputs.join(', ')}; ` : 'none; '}random, seed ${seed}`,
    `engine:  ashore ${r.version}, wasm, ${r.cpu}, ${r.threads} thread${
      r.threads === 1 ? '' : 's'}, ready in ${report.ms.engine.toFixed(3)} ms`,
    ...report.missing.map(missingText),
    `load:    ${ms(r.load_seconds)} ms`,
    `first:   ${ms(r.first_seconds)} ms`,
    `steady:  min ${ms(min)} ms, median ${ms(middle)} ms, MAD ${ms(mad)} ms (${runs} run${
      runs === 1 ? '' : 's'})`,
    `memory:  peak ${size(r.peak_bytes)} held by model and session, ${
      size(memory.wasm)} by the instance, ${size(r.process_peak_bytes)} by the process`,
  ];
  if (r.operators) {
    lines.push('', 'by operator:                    ms/run   share   steps',
      ...r.operators.map((row) => `${line(row)}  ${`${row.steps}`.padStart(6)}`),
      '', 'slowest steps:                  ms/run   share   kernel, shape, node',
      ...r.steps.slice(0, topSteps).map((step) => `${line(step)}   ${
        step.kernel}, ${step.shape}, ${step.node}`));
  }
  return `${lines.join('\n')}\n`;
}

try {
  if (!/^\w+:/.test(source) && !fs.existsSync(source)) {
    giveUp('bench', `${source}: no such file`, exits.input);
  }
  const measured = await measure();
  if (options.json) {
    process.stdout.write(`${JSON.stringify(measured.result, null, 2)}\n`);
    for (const each of measured.report.missing) process.stderr.write(`${missingText(each)}\n`);
  } else {
    process.stdout.write(text(measured));
  }
} catch (error) {
  giveUp('bench', error.message, error.name === 'AshoreError' ? exitCode(error) : exits.internal);
}
