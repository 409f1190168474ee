// What is refused.
import * as ort from 'onnxruntime-web';

const { InferenceSession, Tensor } = ort;
const session = await InferenceSession.create('two.onnx');
const x = new Tensor('float32', [1, 2, 3, 4], [1, 4]);
const gone = new Tensor('float32', [1, 2, 3, 4], [1, 4]);
gone.dispose();
const buffer = new ArrayBuffer(8);

// With messages, where onnxruntime's own interface refuses ...
const worded = {
  'no input': () => session.run({}),
  'no feeds': () => session.run(),
  'feeds are null': () => session.run(null),
  'feeds are a tensor': () => session.run(x),
  'feeds are a list': () => session.run([x]),
  'no such output': () => session.run({ x }, ['q']),
  'no outputs': () => session.run({ x }, []),
  'outputs are numbers': () => session.run({ x }, [1]),
  'outputs are null': () => session.run({ x }, null),
  'outputs are a tensor': () => session.run({ x }, x),
  'outputs are text': () => session.run({ x }, 'y'),
  'options are text': () => session.run({ x }, ['y'], 'z'),
  'severity of a run': () => session.run({ x }, { logSeverityLevel: 9 }),
  'nothing': () => InferenceSession.create(),
  'a number': () => InferenceSession.create(5),
  'options of text': () => InferenceSession.create('two.onnx', 'z'),
  'options of null': () => InferenceSession.create('two.onnx', null),
  'offset beyond': () => InferenceSession.create(buffer, 8),
  'offset of a half': () => InferenceSession.create(buffer, 1.5),
  'length beyond': () => InferenceSession.create(buffer, 1, 9),
  'length of text': () => InferenceSession.create(buffer, 1, 'a'),
  'length of nothing': () => InferenceSession.create(buffer, 1, 0),
  'optimization level': () => InferenceSession.create('two.onnx', { graphOptimizationLevel: 'x' }),
  'execution mode': () => InferenceSession.create('two.onnx', { executionMode: 'x' }),
  'severity': () => InferenceSession.create('two.onnx', { logSeverityLevel: 7 }),
  'override': () => InferenceSession.create('two.onnx', { freeDimensionOverrides: { N: -1 } }),
  'log level': () => { ort.env.logLevel = 'loud'; },
  'backend': () => ort.registerBackend('x', {}, 1),
};
for (const [what, attempt] of Object.entries(worded)) {
  try {
    console.log(what, await attempt());
  } catch (error) {
    console.log(what, error.constructor.name, error.message);
  }
}

// ... and without, where its engine does.
const refused = {
  'unknown input': () => session.run({ x, q: x }),
  'an array': () => session.run({ x: new Float32Array(4) }),
  'disposed': () => session.run({ x: gone }),
  'type': () => session.run({ x: new Tensor('int32', [1, 2, 3, 4], [1, 4]) }),
  'extent': () => session.run({ x: new Tensor('float32', [1, 2, 3], [1, 3]) }),
  'rank': () => session.run({ x: new Tensor('float32', [1, 2, 3, 4], [4]) }),
  'output of another shape': () => session.run({ x },
    { y: new Tensor('float32', new Float32Array(3), [1, 3]) }),
  'terminated': () => session.run({ x }, { terminate: true }),
  'no model': () => InferenceSession.create(new Uint8Array(10)),
  'no file': () => InferenceSession.create('nowhere.onnx'),
  'no data': () => InferenceSession.create('external.onnx'),
};
for (const [what, attempt] of Object.entries(refused)) {
  try {
    await attempt();
    console.log(what, 'is accepted');
  } catch (error) {
    console.log(what, error instanceof Error);
  }
}
await session.release();
console.log(await session.run({ x }).catch((error) => error instanceof Error));
