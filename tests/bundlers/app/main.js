// The program of each test project: what it computes, and what it says of itself, in `answer`.
import { load, Tensor } from 'ashore';

async function run(model, type, values, dims, options) {
  const m = await load(model, { threads: globalThis.crossOriginIsolated ? 2 : 1, strict: true,
    ...options });
  const { y } = await m.run({ x: new Tensor(type, values, dims) });
  m.close();
  return { y: [...y.data], report: m.report };
}

const options = globalThis.ashoreOptions ?? {};
globalThis.answer = (async () => ({
  small: await run('/small.onnx', 'float32', [-5, 0, 1, 5], [1, 4], options),
  rare: await run('/rare.onnx', 'float32', [1, 2, 3, 4, 5, 4, 3, 2], [2, 4], options),
}))().catch((error) => ({ error: `${error.stack ?? error}` }));
