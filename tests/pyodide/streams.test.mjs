// Streams and batches of the Python package under Pyodide, in Node: beside onnxruntime, which is given
// its state by hand.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { gru, model, node, small, tensor, turning } from '../js/onnx_writer.mjs';
import { findPackage, root } from '../js/setup.mjs';
import { bootNode } from './harness.mjs';

const vad = path.join(findPackage('@ricky0123/vad-web'), 'dist');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-streams-'));
const models = { 'gru.onnx': gru(),
  'vad5.onnx': fs.readFileSync(path.join(vad, 'silero_vad_v5.onnx')),
  'vad.onnx': fs.readFileSync(path.join(vad, 'silero_vad_legacy.onnx')) };
// state: which outputs are which inputs; shape: of the state; x: the input that changes; what else.
const cases = {
  'gru.onnx': { state: { hn: 'h' }, shape: [1, 1, 8], x: ['x', [1, 1, 6]], more: {} },
  'vad5.onnx': { state: { stateN: 'state' }, shape: [2, 1, 128], x: ['input', [1, 576]],
    more: { sr: 16000 } },
  'vad.onnx': { state: { hn: 'h', cn: 'c' }, shape: [2, 1, 64], x: ['input', [1, 512]],
    more: { sr: 16000 } },
};
let booted;

before(async () => {
  booted = await bootNode({ threads: 1 });
  for (const [name, bytes] of Object.entries({ ...models, 'small.onnx': small(),
    'turning.onnx': turning() })) {
    booted.pyodide.FS.writeFile(`/${name}`, bytes);
    fs.writeFileSync(path.join(folder, name), bytes);
  }
  booted.pyodide.runPython(`
import array, asyncio, gc, json
import ashore

def caught(call):
    try:
        call()
    except ashore.AshoreError as error:
        return [error.code, error.input, str(error)]
    return None

def rows(values, shape):
    return ashore.Array(array.array('f', values), 'float32', shape)
`);
});
after(() => {
  booted.close();
  fs.rmSync(folder, { recursive: true });
});

async function python(code) {
  const found = await booted.pyodide.runPythonAsync(`found = None\n${code}\njson.dumps(found)`);
  return JSON.parse(found);
}

// Both have it: numbers without a pattern.
const noise = `
def noise(seed, count):
    return [((seed * 7919 + i * 104729) % 65521) / 65521 - 0.5 for i in range(count)]
def size(shape):
    count = 1
    for extent in shape:
        count *= extent
    return count
`;
const byHand = `
import json, numpy, onnxruntime
${noise}
answers = {}
for name, case in json.loads(CASES).items():
    session = onnxruntime.InferenceSession(PLACE + name)
    state = {i: numpy.zeros(case['shape'], numpy.float32) for i in case['state'].values()}
    names = [o.name for o in session.get_outputs()]
    x, shape = case['x']
    answers[name] = []
    for turn in range(12):
        feeds = {x: numpy.array(noise(turn, size(shape)), numpy.float32).reshape(shape), **state,
                 **{k: numpy.array(v, numpy.int64) for k, v in case['more'].items()}}
        got = dict(zip(names, session.run(None, feeds)))
        state = {i: got.pop(o) for o, i in case['state'].items()}
        answers[name].append({k: v.ravel().tolist() for k, v in got.items()})
    answers[name].append({k: v.ravel().tolist() for k, v in state.items()})
print(json.dumps(answers))`;

test('streams of a GRU and of Silero VAD answer as onnxruntime does with the state by hand', async () => {
  const text = JSON.stringify(JSON.stringify(cases));
  const expected = JSON.parse(execFileSync(path.join(root, 'build/venv/bin/python'), ['-c',
    byHand.replace('CASES', text).replace('PLACE', JSON.stringify(`${folder}/`))],
  { encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'ignore'] }));
  const found = await python(`${noise}
found = {}
for name, case in json.loads(${text}).items():
    x, shape = case['x']
    with ashore.open('/' + name) as model:
        initial = {i: ashore.zeros(case['shape'], 'float32') for i in case['state'].values()}
        stream = model.stream(state=case['state'], initial=None if name == 'gru.onnx' else initial)
        assert {i.name for i in stream.inputs} == {x, *case['more']}
        feeds = lambda turn: {x: rows(noise(turn, size(shape)), shape), **case['more']}
        before = model.report['traffic']['bytesIn']
        got = [stream.run(feeds(turn)) for turn in range(4)]
        assert model.report['traffic']['bytesIn'] - before == 4 * (4 * size(shape) + 8 * len(case['more']))
        got += [await stream.run_async(feeds(turn)) for turn in range(4, 6)]
        got += stream.run_all([feeds(turn) for turn in range(6, 8)])
        saved = stream.state()
        got += await stream.run_all_async(feeds(turn) for turn in range(8, 10))
        stream.reset(saved)                     # the same two runs once more, and one by one
        assert [{k: v.tolist() for k, v in stream.run(feeds(turn)).items()} for turn in (8, 9)] == [
            {k: v.tolist() for k, v in each.items()} for each in got[8:10]]
        with model.stream(case['state'], stream.state()) as other:
            got += [other.run(feeds(turn)) for turn in (10, 11)]
            last = other.state()
        stream.reset()
        assert {k: v.tolist() for k, v in stream.run(feeds(0)).items()} == {
            k: v.tolist() for k, v in got[0].items()}
        found[name] = [{k: v.reshape(-1).tolist() for k, v in each.items()} for each in got + [last]]`);
  // Sums of up to 576 products in another order, 576 * 2^-24 = 3.5e-5 of values around 1, in each of
  // some 12 layers; gates that saturate keep what 12 turns add up from growing.
  const bound = 4.2e-4;
  let largest = 0;
  for (const [name, turns] of Object.entries(expected)) {
    assert.equal(found[name].length, turns.length);
    turns.forEach((results, turn) => {
      assert.deepEqual(Object.keys(found[name][turn]).sort(), Object.keys(results).sort());
      for (const [output, values] of Object.entries(results)) {
        values.forEach((value, i) => {
          const difference = Math.abs(value - found[name][turn][output][i]);
          assert.ok(difference <= bound, `${name}, run ${turn}, ${output}[${i}]: ${difference}`);
          largest = Math.max(largest, Math.abs(value));
        });
      }
    });
  }
  assert.ok(largest > 0.1, 'answers of zeros prove nothing');
});

test('a run that fails or is cancelled leaves the state; what cannot be is refused', async () => {
  const found = await python(`
model = ashore.open('/gru.onnx')
stream = model.stream({'hn': 'h'})
x = rows([0.5] * 6, (1, 1, 6))
stream.run({'x': x})
before = stream.state()['h'].tolist()
failures = [caught(lambda: stream.run({'x': [1, 2]})),
            caught(lambda: stream.run({'x': x, 'h': ashore.zeros((1, 1, 8))})),
            caught(lambda: stream.run({'x': x}, outputs=['none'])),
            caught(lambda: stream.reset({'x': x}))]
same = stream.state()['h'].tolist() == before
named = stream.run({'x': x}, outputs=['hn', 'seen'])
kept = [named['hn'].tolist() == stream.state()['h'].tolist(), named['seen'].tolist() == before]
vad = ashore.open('/vad5.onnx')
refused = [caught(lambda: model.stream({'none': 'h'})), caught(lambda: model.stream({'hn': 'none'})),
           caught(lambda: model.stream({'hn': 'h', 'seen': 'h'})),
           caught(lambda: model.stream({'hn': 'h'}, {'x': x})),
           caught(lambda: vad.stream({'stateN': 'state'}))]
stream.close()
stream.close()
closed = [caught(lambda: stream.run({'x': x})), caught(stream.state), caught(stream.reset)]
other = model.stream({'hn': 'h'})
waiting = asyncio.ensure_future(other.run_async({'x': x}))
await asyncio.sleep(0)
other.close()
try:
    await waiting
except ashore.AshoreError as error:
    closed.append([error.code, error.input, str(error)])
last = model.stream({'hn': 'h'})
model.close()
closed.append(caught(lambda: last.run({'x': x})))
last.close()

turning = ashore.open('/turning.onnx')
forever = {'turns': 2**40}
squares = turning.stream({'y': 'x'}, {'x': rows([1.01 / 256] * 65536, (256, 256))})
first = squares.state()['x'].tobytes()
runs = [asyncio.ensure_future(each) for each in (
    turning.run_async({'x': ashore.empty((256, 256)), **forever}), squares.run_async(forever),
    squares.run_async(forever))]
await asyncio.sleep(0)
for run in runs:
    run.cancel()
ends = [type(each).__name__ for each in await asyncio.gather(*runs, return_exceptions=True)]
cut = [ends, squares.state()['x'].tobytes() == first]
found = [failures, same, kept, refused, closed, cut]`);
  const [failures, same, kept, refused, closed, cut] = found;
  assert.deepEqual(failures.map(([code, input]) => [code, input]), [['ERR_SHAPE', 'x'],
    ['ERR_NAME', 'h'], ['ERR_NAME', ''], ['ERR_NAME', 'x']]);
  assert.match(failures[1][2], /is state, which the stream keeps/);
  assert.deepEqual([same, kept], [true, [true, true]]);
  assert.deepEqual(cut, [Array(3).fill('CancelledError'), true]);
  assert.deepEqual(refused.map(([code, input]) => [code, input]), [['ERR_NAME', 'h'],
    ['ERR_NAME', 'none'], ['ERR_NAME', 'h'], ['ERR_NAME', 'x'], ['ERR_SHAPE', 'state']]);
  assert.match(refused[4][2], /Give its first value: initial=\{'state': array\}/);
  assert.deepEqual(closed.map(([code, , text]) => [code, text]),
    [...Array(4).fill(['ERR_STATE', 'the stream is closed']), ['ERR_STATE', 'the model is closed']]);
});

test('streams and runs of the model take turns, in slices, and a cancelled run makes way', async () => {
  const found = await python(`
model = ashore.open('/gru.onnx')
x = [rows([0.1 * i] * 6, (1, 1, 6)) for i in range(4)]
one, two = model.stream({'hn': 'h'}), model.stream({'hn': 'h'})
alone = [r['y'].tolist() for r in one.run_all({'x': each} for each in x)]
one.reset()
both = await asyncio.gather(*[s.run_async({'x': each}) for each in x for s in (one, two)])
mixed = [[r['y'].tolist() for r in both[at::2]] == alone for at in (0, 1)]
one.reset()
waiting = [asyncio.ensure_future(one.run_async({'x': each})) for each in x[:3]]
await asyncio.sleep(0)
last = one.run({'x': x[3]})['y'].tolist() == alone[3]    # after those that wait
mixed.append([r['y'].tolist() for r in await asyncio.gather(*waiting)] == alone[:3])
turning = ashore.open('/turning.onnx')
square, ended = ashore.empty((256, 256)), []
async def cut():
    try:
        await turning.run_async({'x': square, 'turns': 2**40})
    except asyncio.CancelledError:
        ended.append('cut')
        raise
task = asyncio.ensure_future(cut())
await asyncio.sleep(0.02)
task.cancel()
shape = (await turning.run_async({'x': square, 'turns': 1}))['y'].shape
found = [mixed, last, ended, shape]`);
  assert.deepEqual(found, [[true, true, true], true, ['cut'], [256, 256]]);
});

test('a batch stops at the first failure, and says which; outputs are written where one says', async () => {
  const found = await python(`
model = ashore.open('/small.onnx')
good, bad = {'x': [[1, 2, 3, 4]]}, {'x': [[1, 2]]}
batches = []
for call in (lambda: model.run_all([good, good, bad, good]),
             lambda: model.run_all_async([good, bad], outputs=['y'])):
    try:
        result = call()
        if not isinstance(result, list):
            await result
    except ashore.AshoreError as error:
        batches.append([error.index, [r['y'].tolist() for r in error.results], error.code, error.input,
                        str(error).split(':')[0]])
y = ashore.empty((1, 4))
same = model.run(good, into={'y': y})['y'] is y
raw = array.array('f', bytes(16))
shaped = memoryview(raw).cast('B').cast('f', (1, 4))
await model.run_async(good, into={'y': shaped})
problems = [caught(lambda: model.run(good, into={'y': target})) for target in (
    ashore.empty((2, 4)), ashore.empty((1, 4), 'int32'), memoryview(bytes(16)).cast('f', (1, 4)),
    memoryview(ashore.empty((1, 8))[:, ::2]), 5)] + [caught(lambda: model.run(good, into={'z': y}))]
held = [model.memory()['outputs']]
for i in range(50):
    caught(lambda: model.run({'x': [[1, 2, 3, 4]] * 1000}, into={'y': y}))
held.append(model.memory()['outputs'])
found = [batches, same, y.tolist(), raw.tolist(), problems, held[1] - held[0], model.run(good)['y'].tolist()]`);
  const [batches, same, y, raw, problems, held, next] = found;
  const right = [[2, 1, 5, 2]];
  assert.deepEqual(batches, [[2, [right, right], 'ERR_SHAPE', 'x', 'run 2 of 4'],
    [1, [right], 'ERR_SHAPE', 'x', 'run 1 of 2']]);
  assert.deepEqual([same, y, raw, next], [true, right, right[0], right]);
  assert.deepEqual(problems.map(([code]) => code), ['ERR_SHAPE', 'ERR_TYPE', 'ERR_ARGUMENT',
    'ERR_ARGUMENT', 'ERR_TYPE', 'ERR_NAME']);
  assert.match(problems[0][2], /output 'y' is float32\[1, 4\], not float32\[2, 4\]/);
  assert.ok(held < 32000 * 4, `${held} bytes of refused results are held`);
});

test('sequences and texts can be state; streams that are forgotten leave nothing', async () => {
  booted.pyodide.FS.writeFile('/words.onnx', model({ opset: 20, nodes: [node('StringConcat', ['s', 'x'], ['t'])],
    inputs: { s: tensor('string', [1]), x: tensor('string', [1]) },
    outputs: { t: tensor('string', [1]) } }));
  const found = await python(`
words = ashore.open('/words.onnx').stream({'t': 's'}, {'s': ['a']})
for letter in 'bcd':
    words.run({'x': [letter]}, outputs=[])
text = words.state()['s'].tolist()
model = ashore.open('/gru.onnx')
x = rows([0.5] * 6, (1, 1, 6))
def round(count):
    for i in range(count):
        stream = model.stream({'hn': 'h'})
        stream.run_all([{'x': x}] * 3)
        stream.reset(stream.state())
    del stream
    gc.collect()
    return [model.memory()['total'], model.memory()['wasm'], len(gc.get_objects())]
first, last = round(10), round(300)
found = [text, [b - a for a, b in zip(first, last)]]`);
  const [text, [total, wasm, objects]] = found;
  assert.deepEqual(text, ['abcd']);
  assert.ok(total <= 4096 && wasm === 0 && objects < 100, `${total}, ${wasm}, ${objects} more`);
});
