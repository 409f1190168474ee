// Carries out a plan.
import { arrayOf, exact, LimitError, make, PlanError } from './arrays.js';
import { iterate } from './sequences.js';
import { shownSteps } from './shown.js';
import { steps } from './steps.js';

const numbers = { inf: Infinity, '-inf': -Infinity, nan: NaN };

// Elements of the engine's tensors, whose 64 bits are big integers.
const toEngine = (data, dtype) => {
  if (dtype === 'int64') return BigInt64Array.from(data, (x) => BigInt(x));
  return dtype === 'uint64' ? BigUint64Array.from(data, (x) => BigInt(x)) : data;
};
const fromEngine = (data, dtype) => (dtype.endsWith('int64')
  ? Float64Array.from(data, (x) => exact(Number(x))) : data);

function valueOf(x, name) {
  if (Array.isArray(x)) return x.map((one) => valueOf(one, name));
  if (x instanceof Map) {
    return new Map([...x].map(([key, one]) => [typeof key === 'bigint' ? exact(Number(key)) : key, one]));
  }
  const dtype = x.type === 'string' ? 'str' : x.type;
  return make(dtype, [...x.dims], dtype === 'bool' ? Uint8Array.from(x.data, Number)
    : fromEngine(x.data, dtype));
}

// Whether a handler of the program sees an error: not those of what a page cannot do.
const isOfProgram = (error) => !(error instanceof LimitError) && (error instanceof PlanError
  || ![TypeError, RangeError, ReferenceError].includes(error.constructor));

/** The way that was taken: steps of one call. */
class Run {
  #registers;
  #tries = [];

  constructor(plan, host, registers) {
    Object.assign(this, { plan, host });
    this.#registers = registers;
  }

  value(given) {
    if (typeof given === 'number') return this.#registers[given];
    if ('c' in given) return given.c;
    if ('k' in given) return this.plan.consts[given.k];
    if ('l' in given) return given.l.map((one) => this.value(one));
    if ('d' in given) return new Map(given.d.map(([key, one]) => [this.value(key), this.value(one)]));
    if ('f' in given) return numbers[given.f];
    const [start, stop, step] = given.range;
    return { range: [this.value(start), this.value(stop), step] };
  }

  step(step) {
    const args = step.a.map((one) => this.value(one));
    switch (step.op) {
      case 'run': return this.model(args, step);
      case 'flatmap': return this.rounds(step);
      case 'stored': return this.host.pictures[step.file];
      case 'print': return this.host.print(args.join(''));
      case 'notice': return this.host.notice(step.level, args[0]);
      case 'endtry':
        this.#tries.findLast((one) => one.open).open = false;
        return null;
      default: return (steps[step.op] ?? shownSteps[step.op])(args, step);
    }
  }

  steps(list) {
    for (const step of list) {
      const found = this.step(step);
      if (step.r >= 0) this.#registers[step.r] = found;
    }
  }

  model(args, { model, names, outputs, types, dims }) {
    const feeds = Object.fromEntries(names.map((name, i) => {
      const { data, dims: own } = arrayOf(args[i], types[i]);
      return [name, this.host.tensor(types[i] === 'str' ? 'string' : types[i],
        toEngine(data, types[i]), own)];
    }));
    const found = this.host.models[model].runSync(feeds, { outputs });
    return outputs.map((name, i) => {
      const made = valueOf(found[name], name);
      if (dims[i] && (made.dims.length !== dims[i].length
        || dims[i].some((n, axis) => n !== null && n !== made.dims[axis]))) {
        throw new PlanError('RuntimeError', `the model's output ${name} has the shape [${made.dims
        }], and the model says [${dims[i].map((n) => n ?? '?')}]`);
      }
      return made;
    });
  }

  // The rounds of a loop: each gives the elements that it adds.
  rounds({ over, param, body, sort }) {
    const sequence = this.value(over);
    const found = [];
    for (const one of iterate(sequence)) {
      this.#registers[param] = one;
      found.push(...this.follow(body));
    }
    return sort === 'dict' ? new Map(found) : found;
  }

  /** Follows a block to its end. */
  follow(block) {
    this.steps(block.steps ?? []);
    if (block.if === 'try') return this.attempt(block);
    if (block.if !== undefined) {
      return this.follow(this.value(block.if) ? block.then : block.else);
    }
    if (block.raise) {
      const { kind, message, ...details } = block.raise;
      throw new PlanError(kind, String(this.value(message)), { ...details, raised: true });
    }
    return this.results(block.return);
  }

  attempt({ then, else: otherwise }) {
    const own = { open: true };
    this.#tries.push(own);
    try {
      return this.follow(then);
    } catch (error) {
      if (!own.open || !isOfProgram(error)) throw error;
      own.open = false;
      return this.follow(otherwise);
    }
  }

  results(list) {
    if (list.l) return list.l.map((one) => this.value(one));
    return list.map((changes) => Object.fromEntries(Object.entries(changes).map(([name, one]) =>
      [name, this.value(one)])));
  }
}

/** host: { models, pictures, tensor(type, data, dims), print(text), notice(level, text) }. */
export class Plan {
  #registers = [];

  constructor(plan, host) {
    Object.assign(this, { plan, host });
  }

  /** What the program does when it starts. */
  start() {
    const run = new Run(this.plan, this.host, this.#registers);
    run.steps(this.plan.prelude);
    if (this.plan.main) run.follow(this.plan.main);
  }

  /** One call of a function with what given() has made: changes for its outputs. */
  async call(name, values, host = this.host) {
    const { inputs, ways } = this.plan.functions[name];
    const registers = [...this.#registers];
    inputs.forEach(({ r }, i) => { registers[r] = values[i]; });
    const found = new Run(this.plan, { ...this.host, ...host }, registers).follow(ways);
    return Promise.all(found.map(async (changes) => Object.fromEntries(await Promise.all(
      Object.entries(changes).map(async ([key, one]) => [key, await one])))));
  }
}
