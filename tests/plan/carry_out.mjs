// Carries out plans in Node: standard input has [{ folder, plan, calls }], standard output [[{ updates,
// error }]] as tests/pyodide/gradio/replay.py prints them.
import fs from 'node:fs';
import path from 'node:path';
import { part } from '../js/setup.mjs';
import { given } from '../../pages/app/plan/given.js';
import { Plan } from '../../pages/app/plan/run.js';

const { load, Tensor } = await part('index.js');

const revived = (value) => {
  if (Array.isArray(value)) return value.map(revived);
  if (value === null || typeof value !== 'object') return value;
  if (typeof value.base64 === 'string') return new Uint8Array(Buffer.from(value.base64, 'base64'));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, revived(one)]));
};
// As JSON of Python has them: numbers that it cannot write as texts.
const told = (value) => {
  if (typeof value === 'number' && !Number.isFinite(value)) return { odd: String(value) };
  if (Array.isArray(value)) return value.map(told);
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') };
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, told(one)]));
};

async function answer(plan, { fn, data }) {
  try {
    const values = revived(data.values);
    const { inputs } = plan.plan.functions[fn];
    const taken = await Promise.all(inputs.map((how, i) => given(values[i], how)));
    return { updates: [told(await plan.call(fn, taken))], error: null };
  } catch (error) {
    return { updates: [], error: error.message, stack: error.stack };
  }
}

const answers = [];
for (const { folder, plan, calls } of JSON.parse(fs.readFileSync(0, 'utf8'))) {
  const printed = [];
  const models = [];
  for (const { path: file } of plan.models) {
    models.push(await load(fs.readFileSync(path.join(folder, file)), { threads: 1 }));
  }
  const running = new Plan(plan, { models, pictures: [], print: (text) => printed.push(text),
    notice: () => {}, tensor: (type, data, dims) => new Tensor(type, data, dims) });
  try {
    running.start();
    const found = [];
    for (const call of calls) found.push(await answer(running, call));
    answers.push({ answers: found, printed: printed.join('') });
  } catch (error) {
    answers.push({ failed: error.stack });
  }
  for (const model of models) model.close();
}
process.stdout.write(JSON.stringify(answers));
