// What goes wrong, and what is said about it: for tests in Node and in pages, which import this module.

const text = (error) => `${error.name} ${error.code}: ${error.message}`;

/** What of an error is to be known of it elsewhere. */
export const plain = (error) => ({ name: error.name, code: error.code, message: error.message,
  advice: error.advice, node: error.node, op: error.op, input: error.input,
  cause: Boolean(error.cause), said: String(error.stack).includes(error.advice) });

/** What is wrong with what was said, or ''. */
export function judge({ code, message, advice, cause = false, ...fields }, error, here = true) {
  if (error.name !== 'AshoreError' || error.code !== code) return `not ${code}: ${text(error)}`;
  if (!message.test(error.message)) return `does not say ${message}: ${text(error)}`;
  if (!error.advice || !advice.test(error.advice)) return `advice is not ${advice}: ${text(error)}`;
  if (!error.message.endsWith(error.advice)) return `the advice is not the end: ${text(error)}`;
  if (!error.said) return `the stack does not have it: ${text(error)}`;
  if (cause && here && !error.cause) return `no cause: ${text(error)}`;
  for (const name of ['node', 'op', 'input']) {
    if (error[name] !== (fields[name] ?? '')) return `${name} is '${error[name]}': ${text(error)}`;
  }
  return '';
}

/** Calls `use` with a model, which is the same one every time: what fails leaves it as it was. */
async function using({ load, at, options, models }, name, use) {
  const key = name + JSON.stringify(options);
  if (!models.has(key)) models.set(key, await load(at(name), options));
  return use(models.get(key));
}

const good = ({ Tensor }) => new Tensor('float32', [1, 2, 3, 4], [1, 4]);

/** Each: { what, code, message, advice, node, op, input, cause: there is one on the engine's thread,
 *  fail(kit): a promise that is to be rejected }.  kit: { load, Tensor, Model, options, at(name): address of
 *  a model below }. */
export const cases = [
  // ---- files
  { what: 'no file', code: 'ERR_IO', message: /none\.onnx.*404/, advice: /address right/,
    fail: ({ load, at, options }) => load(at('none.onnx'), options) },
  { what: 'a page', code: 'ERR_FORMAT', message: /page\.onnx.*a page, not a model/, advice: /path/,
    fail: ({ load, at, options }) => load(at('page.onnx'), options) },
  { what: 'a pointer', code: 'ERR_FORMAT', message: /lfs\.onnx.*Git LFS/, advice: /git lfs pull/,
    fail: ({ load, at, options }) => load(at('lfs.onnx'), options) },
  { what: 'a part of a model', code: 'ERR_FORMAT', message: /cut\.onnx/, advice: /all of it/,
    fail: ({ load, at, options }) => load(at('cut.onnx'), options) },
  { what: 'a node without what it takes', code: 'ERR_FORMAT', message: /short\.onnx.*takes/, node: 'Add_of_y',
    op: 'Add', advice: /onnx\.checker/,
    fail: ({ load, at, options }) => load(at('short.onnx'), options) },
  { what: 'a wrong hash', code: 'ERR_INTEGRITY', message: /small\.onnx.*hash/, advice: /anew/,
    fail: ({ load, at, options }) => load(at('small.onnx'), { ...options, sha256: '0'.repeat(64) }) },
  { what: 'no manifest', code: 'ERR_FORMAT', message: /no manifest/, advice: /ashore port/,
    fail: ({ load, at, options }) => load(at('small.onnx'), { ...options, manifest: {} }) },
  { what: 'no hash', code: 'ERR_ARGUMENT', message: /sha256/, advice: /sha256sum/,
    fail: ({ load, at, options }) => load(at('small.onnx'), { ...options, sha256: 'abc' }) },
  { what: 'an estimate of no file', code: 'ERR_IO', message: /404/, advice: /address right/,
    fail: ({ Model, at }) => Model.estimate(at('none.onnx')) },
  // ---- options
  ...[['thread', 'threads'], ['onprogress', 'onProgress'], ['progress', 'onProgress'],
    ['memorylimit', 'memoryLimit'], ['varaint', 'variant']].map(([wrong, right]) => ({
    what: `load: ${wrong}`, code: 'ERR_ARGUMENT', message: new RegExp(`'${wrong}' is no option: .*threads`),
    advice: new RegExp(`Did you mean '${right}'`),
    fail: ({ load, at, options }) => load(at('small.onnx'), { ...options, [wrong]: 1 }) })),
  { what: 'load: an option like no other', code: 'ERR_ARGUMENT', message: /'executionProviders' is no option/,
    advice: /Leave it out/, fail: ({ load, at, options }) =>
      load(at('small.onnx'), { ...options, executionProviders: ['wasm'] }) },
  { what: 'run: transfers', code: 'ERR_ARGUMENT', message: /'transfers' is no option: signal/,
    advice: /'transfer'/, fail: (kit) => using(kit, 'small.onnx', (m) =>
      m.run({ x: good(kit) }, { transfers: true })) },
  { what: 'run: word', code: 'ERR_ARGUMENT', message: /'word' is no option: signal/, advice: /./,
    fail: (kit) => using(kit, 'small.onnx', (m) => m.run({ x: good(kit) }, { word: 4096 })) },
  { what: 'runAll: into', code: 'ERR_ARGUMENT', message: /'into' is no option: signal/, advice: /./,
    fail: (kit) => using(kit, 'small.onnx', (m) => m.runAll([{ x: good(kit) }], { into: {} })) },
  { what: 'stream: states', code: 'ERR_ARGUMENT', message: /'states' is no option: state/, advice: /'state'/,
    fail: (kit) => using(kit, 'gru.onnx', (m) => m.stream({ states: { hn: 'h' } })) },
  { what: 'a run of a stream: output', code: 'ERR_ARGUMENT', message: /'output' is no option/,
    advice: /'outputs'/, fail: (kit) => using(kit, 'gru.onnx', async (m) =>
      (await m.stream({ state: { hn: 'h' } })).run({}, { output: ['y'] })) },
  { what: 'estimate: dim', code: 'ERR_ARGUMENT', message: /'dim' is no option/, advice: /'dims'/,
    fail: ({ Model, at }) => Model.estimate(at('small.onnx'), { dim: {} }) },
  { what: 'threads that are no number', code: 'ERR_ARGUMENT', message: /threads is many/, advice: /1 to 16/,
    fail: ({ load, at, options }) => load(at('small.onnx'), { ...options, threads: 'many' }) },
  { what: 'a limit with a unit', code: 'ERR_ARGUMENT', message: /memoryLimit is 1GB/, advice: /64e6/,
    fail: ({ load, at, options }) => load(at('small.onnx'), { ...options, memoryLimit: '1GB' }) },
  { what: 'a variant that is none', code: 'ERR_ARGUMENT', message: /simd is not a variant/,
    advice: /'simd128'.*'auto'/,
    fail: ({ load, at, options }) => load(at('small.onnx'), { ...options, variant: 'simd' }) },
  { what: 'strict', code: 'ERR_UNSUPPORTED', message: /strict: .*16/, advice: /threads: 16.*without strict/,
    fail: ({ load, at, options }) => load(at('small.onnx'), { ...options, threads: 99, strict: true }) },
  { what: 'no model', code: 'ERR_ARGUMENT', message: /a model is given/, advice: /Blob/,
    fail: ({ load, options }) => load(42, options) },
  // ---- models
  { what: 'an unknown operator', code: 'ERR_UNSUPPORTED', message: /unknown\.onnx.*not supported/,
    node: 'Wonder_of_y', op: 'Wonder', advice: /without Wonder/,
    fail: ({ load, at, options }) => load(at('unknown.onnx'), options) },
  { what: 'an attribute that cannot be', code: 'ERR_ATTR', message: /axis/, node: 'Softmax_of_y', op: 'Softmax',
    advice: /onnx\.checker/, fail: ({ load, at, options }) => load(at('attribute.onnx'), options) },
  { what: 'an index outside', code: 'ERR_INDEX', message: /9/, node: 'Gather_of_y', op: 'Gather',
    advice: /vocabulary/, fail: (kit) => using(kit, 'index.onnx', (m) =>
      m.run({ i: new kit.Tensor('int64', [9n]) })) },
  { what: 'a file over the limit', code: 'ERR_LIMIT', message: /has \d+ bytes, the limit is 10/,
    advice: /raise memoryLimit above \d+/,
    fail: ({ load, at, options }) => load(at('small.onnx'), { ...options, memoryLimit: 10 }) },
  { what: 'a run over the limit', code: 'ERR_LIMIT', message: /a run needs \d+ bytes.*limit is 100000/,
    advice: /raise memoryLimit to \d+/, fail: ({ options, ...kit }) =>
      using({ ...kit, options: { ...options, memoryLimit: 1e5 } }, 'wide.onnx', (m) =>
        m.run({ x: new kit.Tensor('float32', new Float32Array(1e5), [25000, 4]) })) },
  { what: 'memory that is refused', code: 'ERR_NOMEM', message: /2116000000/, advice: /\d+ bytes/,
    node: 'MatMul_of_y', op: 'MatMul', fail: (kit) => using(kit, 'outer.onnx', (m) => m.run({
      a: new kit.Tensor('float32', new Float32Array(23000), [23000, 1]),
      b: new kit.Tensor('float32', new Float32Array(23000), [1, 23000]) })) },
  // ---- names, types, shapes
  { what: 'an input of another name', code: 'ERR_NAME', message: /no input 'X': it has 'x'/, input: 'X',
    advice: /Did you mean 'x'\?.*model\.inputs/, fail: (kit) => using(kit, 'small.onnx', (m) =>
      m.run({ X: good(kit) })) },
  { what: 'an input that is not given', code: 'ERR_NAME', message: /input 'x'.*missing/, input: 'x',
    advice: /'x': tensor.*float32\[N,4\]/, fail: (kit) => using(kit, 'small.onnx', (m) => m.run({})) },
  { what: 'an output of another name', code: 'ERR_NAME', message: /no output 'z': it has 'y'/,
    advice: /model\.outputs/, fail: (kit) => using(kit, 'small.onnx', (m) =>
      m.run({ x: good(kit) }, { outputs: ['z'] })) },
  { what: 'extents of another name', code: 'ERR_NAME', message: /no input 'q'/, input: 'q',
    advice: /model\.inputs/, fail: (kit) => using(kit, 'small.onnx', (m) => m.predict({ q: [1] })) },
  { what: 'extents of another rank', code: 'ERR_SHAPE', message: /\[1\].*float32\[N,4\]/, input: 'x',
    advice: /one number for each/, fail: (kit) => using(kit, 'small.onnx', (m) => m.predict({ x: [1] })) },
  { what: 'extents that are open', code: 'ERR_SHAPE', message: /'x' must be given/, input: 'x',
    advice: /'x': \[/, fail: (kit) => using(kit, 'small.onnx', (m) => m.predict()) },
  { what: 'another element type', code: 'ERR_TYPE', message: /int32\[1,4\], expected float32/, input: 'x',
    advice: /new Tensor\('float32'/, fail: (kit) => using(kit, 'small.onnx', (m) =>
      m.run({ x: new kit.Tensor('int32', [1, 2, 3, 4], [1, 4]) })) },
  { what: 'no tensor', code: 'ERR_TYPE', message: /no Tensor/, input: 'x', advice: /new Tensor/,
    fail: (kit) => using(kit, 'small.onnx', (m) => m.run({ x: 3 })) },
  { what: 'a sequence', code: 'ERR_TYPE', message: /a sequence, expected a tensor/, input: 'x',
    advice: /array of tensors/, fail: (kit) => using(kit, 'small.onnx', (m) => m.run({ x: [good(kit)] })) },
  { what: 'another extent', code: 'ERR_SHAPE', message: /float32\[1,3\], expected float32\[N,4\]/, input: 'x',
    advice: /Extent 1 must be 4, and is 3/, fail: (kit) => using(kit, 'small.onnx', (m) =>
      m.run({ x: new kit.Tensor('float32', [1, 2, 3], [1, 3]) })) },
  { what: 'another rank', code: 'ERR_SHAPE', message: /float32\[4\], expected float32\[N,4\]/, input: 'x',
    advice: /2 extents, as in \[N,4\]/, fail: (kit) => using(kit, 'small.onnx', (m) =>
      m.run({ x: new kit.Tensor('float32', [1, 2, 3, 4]) })) },
  { what: 'an output of another shape', code: 'ERR_SHAPE', message: /output 'y' is float32\[N,4\]/,
    advice: /2 extents/, fail: (kit) => using(kit, 'small.onnx', (m) =>
      m.run({ x: good(kit) }, { into: { y: new kit.Tensor('float32', [0, 0, 0, 0]) } })) },
  { what: 'an output of another type', code: 'ERR_TYPE', message: /output 'y' is float32/,
    advice: /tensor of float32 for 'y'/, fail: (kit) => using(kit, 'small.onnx', (m) =>
      m.run({ x: good(kit) }, { into: { y: new kit.Tensor('int32', [0, 0, 0, 0], [1, 4]) } })) },
  { what: 'a type that is none', code: 'ERR_TYPE', message: /float33/, advice: /float32 or/,
    fail: async ({ Tensor }) => new Tensor('float33', []) },
  { what: 'data of another type', code: 'ERR_TYPE', message: /Float64Array/, advice: /Float32Array/,
    fail: async ({ Tensor }) => new Tensor('float32', new Float64Array(2)) },
  { what: 'data of another length', code: 'ERR_SHAPE', message: /\[2,2\] has 4 elements, its data 3/,
    advice: /must be 4/, fail: async ({ Tensor }) => new Tensor('float32', [1, 2, 3], [2, 2]) },
  { what: 'no inputs', code: 'ERR_ARGUMENT', message: /undefined/, advice: /run\(\{/,
    fail: (kit) => using(kit, 'small.onnx', (m) => m.run()) },
  { what: 'no batch', code: 'ERR_ARGUMENT', message: /batch/, advice: /runAll\(\[/,
    fail: (kit) => using(kit, 'small.onnx', (m) => m.runAll({})) },
  // ---- streams
  { what: 'no state', code: 'ERR_NAME', message: /'hx'.*'h'/, input: 'h', advice: /state: \{/,
    fail: (kit) => using(kit, 'gru.onnx', (m) => m.stream({ state: { hx: 'h' } })) },
  { what: 'a first value of no state', code: 'ERR_NAME', message: /initial: input 'x'/, input: 'x',
    advice: /initial: \{/, fail: (kit) => using(kit, 'gru.onnx', (m) =>
      m.stream({ state: { hn: 'h' }, initial: { x: good(kit) } })) },
  { what: 'state that is given', code: 'ERR_NAME', message: /'h' is state/, input: 'h', advice: /reset/,
    fail: (kit) => using(kit, 'gru.onnx', async (m) => (await m.stream({ state: { hn: 'h' } })).run({
      x: new kit.Tensor('float32', new Float32Array(6), [1, 1, 6]),
      h: new kit.Tensor('float32', new Float32Array(8), [1, 1, 8]) })) },
  { what: 'a state of other extents', code: 'ERR_SHAPE', message: /not known/, input: 'x',
    advice: /initial: \{ 'x': tensor/, fail: (kit) => using(kit, 'small.onnx', (m) =>
      m.stream({ state: { y: 'x' } })) },
  { what: 'a state of another name', code: 'ERR_NAME', message: /'h', and 'q' is not of it/, input: 'q',
    advice: /'h'/, fail: (kit) => using(kit, 'gru.onnx', async (m) =>
      (await m.stream({ state: { hn: 'h' } })).reset({ q: good(kit) })) },
  { what: 'a closed stream', code: 'ERR_STATE', message: /stream is closed/, advice: /model\.stream/,
    fail: (kit) => using(kit, 'gru.onnx', async (m) => {
      const stream = await m.stream({ state: { hn: 'h' } });
      stream.close();
      await stream.run({ x: new kit.Tensor('float32', new Float32Array(6), [1, 1, 6]) });
    }) },
  { what: 'a closed model', code: 'ERR_STATE', message: /model is closed/, advice: /Load it again/,
    fail: async ({ load, at, options, ...kit }) => {
      const m = await load(at('small.onnx'), options);
      m.close();
      await m.run({ x: good(kit) });
    } },
];

/** Runs all: what is wrong with those that do not say what they are to. */
export async function runCases(given) {
  const kit = { ...given, models: new Map() };
  const bad = [];
  for (const each of cases) {
    const error = await each.fail(kit).then(() => new Error('it succeeds'), (reason) => reason);
    const wrong = judge(each, plain(error), !kit.remote);
    if (wrong) bad.push(`${each.what}: ${wrong}`);
  }
  const { y } = await kit.models.get(`small.onnx${JSON.stringify(kit.options)}`).run({ x: good(kit) });
  if (`${y.data}` !== '2,1,5,2') bad.push(`the model is not what it was: ${y.data}`);
  for (const m of kit.models.values()) m.close();
  return bad;
}
