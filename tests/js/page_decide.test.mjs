// What the page for any model takes inputs and outputs for, by the signatures of models that there
// are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideInputs, decideOutput, decideStates } from '../../pages/generic/decide.js';

const info = (name, text, kind = 'tensor') => {
  const [, type, inner] = /^(\w+)(?:\[(.*)\])?$/.exec(text);
  const dims = inner === undefined ? null : inner.split(',').filter(Boolean).map((d) =>
    (/^\d+$/.test(d) ? Number(d) : d));
  return { name, kind, type, dims, text };
};
const infos = (signature) => Object.entries(signature).map(([name, text]) => info(name, text));
const decide = (inputs, outputs = {}) => Object.fromEntries(decideInputs(infos(inputs),
  infos(outputs)).map((decision) => [decision.info.name, decision]));
const ways = (...given) => Object.values(decide(...given)).map(({ way }) => way);
const pick = (object, ...keys) => Object.fromEntries(keys.map((key) => [key, object[key]]));

test('pictures: layout, size and preparation', () => {
  const cases = [
    ['ImageNet classifier', { input: 'float32[N,3,224,224]' }, { output: 'float32[N,1000]' },
      { width: 224, height: 224, channels: 3, order: 'rgb', scale: 'imagenet', fit: 'crop',
        layout: 'NCHW' }],
    ['the same in bytes', { data: 'uint8[1,224,224,3]' }, { prob: 'float32[1,1001]' },
      { width: 224, height: 224, channels: 3, order: 'rgb', scale: 'bytes', fit: 'crop',
        layout: 'NHWC' }],
    ['BlazeFace', { input: 'float32[1,128,128,3]' },
      { regressors: 'float32[1,896,16]', classificators: 'float32[1,896,1]' },
      { width: 128, height: 128, channels: 3, order: 'rgb', scale: 'symmetric', fit: 'letterbox',
        layout: 'NHWC' }],
    ['YOLOv8', { images: 'float32[1,3,640,640]' }, { output0: 'float32[1,84,8400]' },
      { width: 640, height: 640, channels: 3, order: 'rgb', scale: 'unit', fit: 'letterbox',
        layout: 'NCHW' }],
    ['super resolution', { input: 'float32[batch_size,1,224,224]' },
      { output: 'float32[batch_size,1,672,672]' },
      { width: 224, height: 224, channels: 1, order: 'rgb', scale: 'unit', fit: 'stretch',
        layout: 'NCHW' }],
    ['segmentation of any size', { pixel_values: 'float32[batch,3,height,width]' },
      { logits: 'float32[batch,21,height,width]' },
      { width: 0, height: 0, channels: 3, order: 'rgb', scale: 'unit', fit: 'stretch',
        layout: 'NCHW' }],
    ['PaddleOCR, recognition', { x: 'float32[p2o.DynamicDimension.0,3,48,p2o.DynamicDimension.1]' },
      { 'softmax_11.tmp_0': 'float32[p2o.DynamicDimension.2,p2o.DynamicDimension.3,6625]' },
      { width: 0, height: 48, channels: 3, order: 'bgr', scale: 'symmetric', fit: 'stretch',
        layout: 'NCHW' }],
    ['all extents open', { pixel_values: 'float32[batch,num_channels,height,width]' },
      { logits: 'float32[batch,1000]' },
      { width: 0, height: 0, channels: 3, scale: 'imagenet', layout: 'NCHW' }],
    ['a digit', { Input3: 'float32[1,1,28,28]' }, { Plus214_Output_0: 'float32[1,10]' },
      { width: 28, height: 28, channels: 1, scale: 'unit', fit: 'crop', layout: 'NCHW' }],
    ['a digit without channels', { image: 'float32[N,28,28]' }, { y: 'float32[N,10]' },
      { width: 28, height: 28, channels: 1, scale: 'unit', layout: 'NHW' }],
    ['rank 3, channels last', { frame: 'uint8[H,W,3]' }, { y: 'uint8[H,W,3]' },
      { width: 0, height: 0, channels: 3, scale: 'bytes', layout: 'NHWC' }],
    ['half precision', { image: 'float16[1,4,64,64]' }, { y: 'float16[1,4,64,64]' },
      { width: 64, height: 64, channels: 4, scale: 'unit' }],
  ];
  for (const [what, inputs, outputs, wanted] of cases) {
    const [{ way, picture }] = Object.values(decide(inputs, outputs));
    assert.equal(way, 'picture', what);
    assert.deepEqual(pick({ ...picture, layout: picture.axes.layout }, ...Object.keys(wanted)),
      wanted, what);
  }
});

test('sound, and what streams it', () => {
  const vad = decide({ input: 'float32[?,?]', state: 'float32[2,?,128]', sr: 'int64[]' });
  assert.deepEqual(Object.values(vad).map(({ way }) => way), ['sound', 'fill', 'numbers']);
  assert.equal(vad.state.fill.value, 0);
  assert.equal(vad.sr.numbers.text, '16000');
  assert.equal(vad.input.sound.most, 512, 'a model with a state takes small pieces');
  const legacy = decide({ input: 'float32[batch,sequence]', sr: 'int64[]', h: 'float32[2,batch,64]',
    c: 'float32[2,batch,64]' });
  assert.deepEqual(Object.values(legacy).map(({ way }) => way),
    ['sound', 'numbers', 'fill', 'fill']);
  assert.deepEqual(ways({ input_values: 'float32[batch,time]' }), ['sound']);
  assert.deepEqual(ways({ waveform: 'float32[15600]' }), ['sound']);
  assert.deepEqual(ways({ audio: 'float32[1,1,T]' }), ['sound']);
  assert.deepEqual(ways({ x: 'float32[1,16000]' }), ['sound']);
  assert.deepEqual(ways({ mel: 'float32[1,80,3000]' }), ['numbers'], 'features are no picture');
});

test('text, tokens and what goes with them', () => {
  const model = decide({ input_ids: 'int64[batch,sequence]',
    attention_mask: 'int64[batch,sequence]',
    token_type_ids: 'int64[batch,sequence]', position_ids: 'int64[batch,sequence]' });
  assert.deepEqual(Object.values(model).map(({ way }) => way), ['numbers', 'fill', 'fill', 'fill']);
  assert.deepEqual([model.attention_mask, model.token_type_ids,
    model.position_ids].map(({ fill }) =>
    [fill.value, fill.like]), [[1, 'input_ids'], [0, 'input_ids'], ['range', 'input_ids']]);
  assert.deepEqual(ways({ text: 'string[N]' }), ['text']);
  assert.deepEqual(ways({ q: 'string[1]' }), ['text']);
  const magika = decide({ bytes: 'int32[N,2048]' });
  assert.equal(magika.bytes.way, 'bytes');
  assert.deepEqual(magika.bytes.bytes, { length: 2048, pad: 256, ends: true });
  const cache = decide({ input_ids: 'int64[b,s]', 'past_key_values.0.key': 'float32[b,4,p,64]' });
  assert.equal(cache['past_key_values.0.key'].way, 'fill');
});

test('numbers, single values, and kinds that are no tensors', () => {
  assert.equal(decide({ X: 'float32[N,4]' }).X.numbers.text, '0, 0, 0, 0');
  assert.deepEqual(decide({ X: 'float32[N,4]' }).X.ways, ['numbers', 'fill', 'npy']);
  assert.deepEqual(ways({ X: 'float64[N,30]' }), ['numbers']);
  assert.deepEqual(ways({ a: 'float32[N]' }), ['numbers']);
  assert.deepEqual(ways({ a: 'float32' }), ['npy']);
  const detector = decide({ image: 'float32[1,3,416,416]', iou_threshold: 'float32[1]',
    score_threshold: 'float32[1]', max_output_boxes: 'int64[1]', use_cache: 'bool[1]' });
  assert.deepEqual(Object.values(detector).slice(1).map(({ numbers }) => numbers.text),
    ['0.45', '0.25', '100', '0']);
  const inpainting = decide({ image: 'float32[1,3,512,512]', mask: 'float32[1,1,512,512]' });
  assert.deepEqual(Object.values(inpainting).map(({ way }) => way), ['picture', 'picture']);
  const [sequence] = decideInputs([info('s', 'float32[N]', 'sequence')]);
  assert.deepEqual(sequence.ways, ['items']);
  const [optional] = decideInputs([info('o', 'float32[2]', 'optional')]);
  assert.deepEqual([optional.optional, optional.way], [true, 'numbers']);
  for (const none of [info('m', 'float32', 'map'), info('c', 'complex64[4]')]) {
    assert.deepEqual(decideInputs([none])[0].ways, []);
  }
});

const view = (declared, dims, type = 'float32', name = 'output') =>
  decideOutput(info(name, `${type}[${declared}]`), { type, dims, data: [] });

test('views of outputs', () => {
  const cases = [
    ['N,1000', [1, 1000], 'classes'],
    ['1,1000,1,1', [1, 1000, 1, 1], 'classes'],
    ['N,2', [1, 2], 'classes'],
    ['batch,T', [1, 16000], 'plot', 'float32', 'audio'],
    ['batch,384', [1, 384], 'plot', 'float32', 'sentence_embedding'],
    ['N,3,H,W', [1, 3, 64, 80], 'picture'],
    ['N,H,W,3', [1, 64, 80, 3], 'picture'],
    ['N,1,H,W', [1, 1, 64, 80], 'picture'],
    ['N,1,H,W', [1, 1, 64, 80], 'heat', 'float32', 'depth'],
    ['H,W,3', [64, 80, 3], 'picture', 'uint8', 'image'],
    ['N,21,H,W', [1, 21, 64, 80], 'mask'],
    ['N,H,W,21', [1, 64, 80, 21], 'mask'],
    ['N,H,W', [1, 64, 80], 'mask', 'int64'],
    ['N,T,384', [1, 12, 384], 'table', 'float32', 'last_hidden_state'],
    ['1,84,8400', [1, 84, 8400], 'table'],
    ['1,1', [1, 1], 'table'],
    ['N', [3], 'table', 'int64', 'label'],
    ['N,5', [1, 5], 'text', 'string'],
    ['N', [0], 'table'],
  ];
  for (const [declared, dims, wanted, type, name] of cases) {
    const { views, view: found } = view(declared, dims, type, name);
    assert.equal(found, wanted, `${type ?? 'float32'}[${declared}] ${name ?? ''}`);
    assert.ok(views.includes(found));
  }
  assert.deepEqual(view('N,3,H,W', [1, 3, 64, 80]).views, ['classes', 'picture', 'mask', 'heat',
    'plot', 'table']);
});

test('states: outputs that are inputs of the next run', () => {
  const cases = [
    ['Silero', { input: 'float32[?,?]', state: 'float32[2,?,128]', sr: 'int64[]' },
      { output: 'float32[?,1]', stateN: 'float32[?,?,?]' }, { state: 'stateN' }],
    ['Silero, older', { input: 'float32[b,s]', sr: 'int64[]', h: 'float32[2,b,64]',
      c: 'float32[2,b,64]' },
    { output: 'float32[b,1]', hn: 'float32[2,b,64]', cn: 'float32[2,b,64]' }, { h: 'hn', c: 'cn' }],
    ['a cache', { input_ids: 'int64[b,s]', 'past.0.key': 'float32[b,4,p,64]',
      'past.0.value': 'float32[b,4,p,64]' },
    { logits: 'float32[b,s,100]', 'present.0.key': 'float32[b,4,q,64]',
      'present.0.value': 'float32[b,4,q,64]' },
    { 'past.0.key': 'present.0.key', 'past.0.value': 'present.0.value' }],
    ['a GRU by its shape', { x: 'float32[1,T,40]', h0: 'float32[1,1,64]' },
      { y: 'float32[1,T,64]', last: 'float32[1,1,64]' }, { h0: 'last' }],
    ['another shape', { x: 'float32[1,40]', h: 'float32[1,64]' }, { hn: 'float32[1,32]' }, {}],
    ['no state', { x: 'float32[1,40]' }, { y: 'float32[1,40]' }, {}],
  ];
  for (const [what, inputs, outputs, wanted] of cases) {
    assert.deepEqual(decideStates(infos(inputs), infos(outputs)), wanted, what);
  }
});
