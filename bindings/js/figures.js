// What a model holds, what runs will take, and what they took, step by step.  ashore.js loads this file
// when it is asked for one of them; where that is not possible, as in a service worker,
// `import 'ashore/figures'` does it ahead.
import { AshoreError, parts } from './ashore.js';

function usage(core, now, shapes) {
  return core.lend(48, (at) => {
    core.ask('usage', now, shapes, at);
    const view = new DataView(core.read(at, 48).buffer);
    const [weights, packed, slab, total, outputs] = [0, 8, 16, 24, 40].map((from) =>
      Number(view.getBigUint64(from, true)));
    return { weights, packed, slab, outputs, total, exact: view.getUint32(32, true) !== 0 };
  });
}

/** Bytes held now, total the peak so far; wasm: what the instance has taken from the host. */
export function figures(core) {
  return { ...usage(core, 1, 0), wasm: core.memory.buffer.byteLength };
}

/** Refuses extents that are of no input, or of another rank. */
export function expectExtents(core, dims) {
  for (const [name, given] of Object.entries(dims)) {
    const info = core.input(name);
    if (!info.dims || info.dims.length === given?.length) continue;
    throw new AshoreError('ERR_SHAPE', `dims: '${name}' is given as [${given}], and is ${info.text}`,
      { input: name, advice: 'Give one number for each of its extents' });
  }
}

/** Bytes a run with inputs of these extents will need. */
export function predict(core, dims = {}) {
  expectExtents(core, dims);
  const list = core.inputs.map(({ name, dims: own }) => dims[name] ?? own ?? [null]);
  const total = list.reduce((sum, d) => sum + d.length, 0);
  const shapes = new DataView(new ArrayBuffer(8 * Math.ceil(list.length / 2) + 8 * total));
  return core.lend(shapes.byteLength, (at) => {
    let to = shapes.byteLength - 8 * total;
    list.forEach((d, i) => {
      if (!d.every(Number.isInteger)) {
        const { name } = core.inputs[i];
        throw new AshoreError('ERR_SHAPE', `the extents of '${name}' must be given`, { input: name });
      }
      shapes.setUint32(4 * i, at + to, true);
      for (const extent of d) {
        shapes.setBigInt64(to, BigInt(extent), true);
        to += 8;
      }
    });
    core.write(at, new Uint8Array(shapes.buffer));
    return usage(core, 0, at);
  });
}

/** Time by step, of a model loaded with profile. */
export function profile(core) {
  return core.lend(32, (at) => Array.from({ length: core.ask('steps') }, (_, i) => {
    core.ask('step', i, at);
    const view = new DataView(core.read(at, 32).buffer);
    const [node, op, kernel, shape] = [0, 4, 8, 12].map((from) =>
      core.text(view.getUint32(from, true)));
    return { node, op, kernel, shape, seconds: view.getFloat64(16, true),
      runs: Number(view.getBigUint64(24, true)) };
  }));
}

parts.figures = () => ({ figures, predict, profile });
