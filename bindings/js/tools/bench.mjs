#!/usr/bin/env node
// `ashore bench --target wasm` and `--target browser`: load, first and steady times, memory, time
// by operator.
import fs from 'node:fs';
import path from 'node:path';
import { measure } from './bench_run.mjs';
import { openEngine } from './browser.mjs';
import { exitCode, exits, giveUp, numberOf, readOptions } from './options.mjs';

const topSteps = 10;
const options = readOptions('bench', { runs: { type: 'string' },
  dim: { type: 'string', multiple: true }, 'per-op': { type: 'boolean' } });
const runs = numberOf('bench', options, 'runs', 20, 1);
const threads = numberOf('bench', options, 'threads', 0);
const { variant, target, operands: [source] } = options;
if (options.operands.length !== 1) giveUp('bench', 'one model must be given', exits.usage);
const remote = target !== 'browser' && /^\w+:/.test(source);
const wanted = { runs, dims: options.dim ?? [], perOp: options['per-op'], threads, variant,
  name: path.basename(source) };

// Files beside the model that it names, by their names: its external data.
function externalFiles() {
  const folder = path.dirname(source);
  const others = fs.readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile()
    && !entry.name.endsWith('.onnx')).map(({ name }) => name);
  const model = others.length ? fs.readFileSync(source) : null;
  return others.filter((name) => model.includes(name))
    .map((name) => [name, path.join(folder, name)]);
}

async function inNode() {
  const external = remote ? {} : Object.fromEntries(externalFiles());
  const { result, ...rest } = await measure(source, { ...wanted, external });
  return { ...rest, result, where: 'wasm', process: process.resourceUsage().maxRSS * 1024 };
}

async function inBrowser() {
  const engine = await openEngine();
  try {
    const url = engine.offer(() => [source]);
    const external = Object.fromEntries(externalFiles().map(([name, file]) =>
      [name, engine.offer(() => [file])]));
    const measured = await engine.call('bench', url, { ...wanted, external });
    return { ...measured, where: `browser, ${engine.name}`, browser: engine.name,
      process: await engine.peak() };
  } finally {
    await engine.close();
  }
}

// The fields of the native command, the variant, and the browser.
function fieldsOf({ result: { version, variant: used, ...rest }, browser, process: peak }) {
  const { operators, steps, ...figures } = rest;
  return { model: source, version, target, ...(browser ? { browser } : {}), variant: used,
    ...figures,
    process_peak_bytes: peak, ...(operators ? { operators, steps } : {}) };
}

// ---- output -------------------------------------------------------------------------------------

const ms = (seconds) => `${(1e3 * seconds).toFixed(3)}`;
const size = (bytes) => (bytes < 2 ** 20 ? `${(bytes / 2 ** 10).toFixed(2)} KiB`
  : `${(bytes / 2 ** 20).toFixed(2)} MiB`);
const line = ({ op, seconds, share }) => `  ${op.padEnd(26)} ${ms(seconds).padStart(9)}  ${
  (100 * share).toFixed(1).padStart(5)}%`;

const missingText = ({ feature, why, cost }) => `missing: ${feature}: ${why}; ${cost}`;

function text(r, { report, memory, where }) {
  const inputs = r.inputs.map(({ name, dtype, shape }) => `${name} ${dtype}[${shape}]`);
  const { min, median: middle, mad } = r.steady_seconds;
  const lines = [
    `model:   ${r.model}, ${size(report.model.bytes)}`,
    `inputs:  ${inputs.length ? `${inputs.join(', ')}; ` : 'none; '}random, seed ${r.seed}`,
    `engine:  ashore ${r.version}, ${where}, ${r.cpu}, ${r.threads} thread${
      r.threads === 1 ? '' : 's'}, ready in ${report.ms.engine.toFixed(3)} ms`,
    ...report.missing.map(missingText),
    `load:    ${ms(r.load_seconds)} ms`,
    `first:   ${ms(r.first_seconds)} ms`,
    `steady:  min ${ms(min)} ms, median ${ms(middle)} ms, MAD ${ms(mad)} ms (${runs} run${
      runs === 1 ? '' : 's'})`,
    `memory:  peak ${size(r.peak_bytes)} held by model and session, ${
      size(memory.wasm)} by the instance${
      r.process_peak_bytes ? `, ${size(r.process_peak_bytes)} by the process` : ''}`,
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
  if (!remote && !fs.existsSync(source)) giveUp('bench', `${source}: no such file`, exits.input);
  const measured = await (target === 'browser' ? inBrowser() : inNode());
  const fields = fieldsOf(measured);
  if (options.json) {
    process.stdout.write(`${JSON.stringify(fields, null, 2)}\n`);
    for (const each of measured.report.missing) process.stderr.write(`${missingText(each)}\n`);
  } else {
    process.stdout.write(text(fields, measured));
  }
} catch (error) {
  giveUp('bench', error.message, exits[error.exit]
    ?? (error.name === 'AshoreError' ? exitCode(error) : exits.internal));
}
