// How `ashore verify` checks a case, wherever the engine is: in Node or in a worker of a browser.
//
// A case is { dir, sets, names, source(name), read(name) }: dir for messages, sets the folders of its
// data, names its files with those of the sets ('model.onnx', 'test_data_set_0/input_0.pb'); source:
// what load() takes of one, read: its bytes.
import { choose, compile, loadInline as load, moduleURL } from '../ashore.js';
import { Core } from '../core.js';
import { compare } from './compare.mjs';

// As the program says it.
const withoutAdvice = ({ message, advice }) =>
  (advice && message.endsWith(advice) ? message.slice(0, -`. ${advice}`.length) : message);

/** { choice, run(case) }; run gives a row of the command's JSON: { name, outcome, reason, max_abs,
 *  max_rel }. */
export async function makeVerifier({ variant, threads, tolerance, strict }) {
  const choice = choose({ variant, threads });
  const module = await compile(moduleURL(choice));
  let full; // compiled when the first model needs it
  const parser = new Core(choice.shared ? await compile(moduleURL({ ...choice, shared: false }))
    : module);

  // The values that are there of input_0.pb, input_1.pb, ...: by name.
  function readValues(test, set, stem, infos) {
    const extra = `${set}/${stem}_${infos.length}.pb`;
    if (test.names.includes(extra)) {
      throw new Error(`${test.dir}/${extra} is there, but the model has ${infos.length} ${stem}s`);
    }
    const values = {};
    infos.forEach((info, i) => {
      const name = `${set}/${stem}_${i}.pb`;
      if (!test.names.includes(name)) return;
      try {
        values[info.name] = parser.parse(test.read(name), info.kind);
      } catch (error) {
        error.message = `${test.dir}/${name}: ${error.message}`;
        throw error;
      }
    });
    return values;
  }

  async function verifySet(model, test, set, figures) {
    const wanted = readValues(test, set, 'output', model.outputs);
    const feeds = readValues(test, set, 'input', model.inputs);
    const outputs = Object.keys(wanted);
    const got = await model.run(feeds, { outputs });
    if (!outputs.length) throw new Error('no output_*.pb to compare with');
    for (const name of outputs) {
      const difference = compare(got[name], wanted[name], tolerance, figures);
      if (difference) throw new Error(`output '${name}' ${difference}`);
    }
  }

  // As load() does it without a module, which would compile one for every case.
  async function open(source, options) {
    try {
      return await load(source, { ...options, module });
    } catch (error) {
      if (error.code !== 'ERR_UNSUPPORTED') throw error;
      full ??= await compile(moduleURL({ ...choice, full: true }));
      return load(source, { ...options, module: full, full: true });
    }
  }

  async function verifyCase(test, figures) {
    const others = test.names.filter((name) => !name.includes('/') && name !== 'model.onnx');
    const model = await open(test.source('model.onnx'), { variant, threads, name: 'model.onnx',
      external: Object.fromEntries(others.map((name) => [name, test.source(name)])) });
    try {
      for (const set of test.sets) {
        try {
          await verifySet(model, test, set, figures);
        } catch (error) {
          error.message = `${set}: ${error.message}`;
          throw error;
        }
      }
    } finally {
      model.close();
    }
    return test.sets.length ? null : { skip: true, message: 'no test_data_set_* beside the model' };
  }

  return { choice,
    async run(test) {
      const figures = { abs: 0, rel: 0 };
      const problem = await verifyCase(test, figures).catch((error) => ({
        message: withoutAdvice(error), skip: error.code === 'ERR_UNSUPPORTED' && !strict }));
      const outcome = problem ? (problem.skip && 'skip') || 'fail' : 'pass';
      return { name: test.dir, outcome, reason: problem?.message ?? null, max_abs: figures.abs,
        max_rel: Number.isFinite(figures.rel) ? figures.rel : null };
    } };
}
