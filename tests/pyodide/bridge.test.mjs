// The packages `ashore` and `onnxruntime` under Pyodide, in Node on one thread.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { types } from '../../bindings/js/tensor.js';
import {
  model, node, optional, rare, sequence, small, tensor, turning,
} from '../js/onnx_writer.mjs';
import { part, until } from '../js/setup.mjs';
import { bootNode, bootPyodide, packageDir, root, wheelsDir } from './harness.mjs';

let booted;
const write = (name, bytes) => booted.pyodide.FS.writeFile(name, bytes);
const identity = (type, opset = 25) => model({ opset, nodes: [node('Identity', ['x'], ['y'])],
  inputs: { x: type }, outputs: { y: type } });

before(async () => {
  booted = await bootNode({ threads: 1 });
  write('/small.onnx', small());
  write('/rare.onnx', rare({ data: Float32Array.of(1) }));
  booted.pyodide.runPython(`
import array, asyncio, json, warnings
import ashore, onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as state

def failure(call):
    try:
        call()
    except Exception as error:
        return [type(error).__name__, str(error)]
    return None
`);
});
after(() => booted.close());

// The value of the last expression.
async function python(code) {
  const found = await booted.pyodide.runPythonAsync(`found = None\n${code}\njson.dumps(found)`);
  return JSON.parse(found);
}

test('a session of a path and one of bytes give the same, synchronously', async () => {
  const [fromPath, fromBytes, relative] = await python(`
import os
os.chdir('/')
x = [[0, 1, 2, 3], [4, 5, 6, 7]]
found = [ort.InferenceSession(source).run(None, {'x': x})[0].tolist()
         for source in ('/small.onnx', open('/small.onnx', 'rb').read(), 'small.onnx')]`);
  assert.deepEqual(fromPath, [[1, 0, 4, 1], [5, 4, 8, 5]]);
  assert.deepEqual([fromBytes, relative], [fromPath, fromPath]);
});

test('a model of an operator that the smaller engine lacks is loaded synchronously', async () => {
  assert.deepEqual(await python(`
found = ort.InferenceSession('/rare.onnx').run(['y'], {'x': [[1, 2, 0, 0], [0, 0, 0, 3]]})[0].tolist()`),
  [[0, 1, 0, 0], [0, 0, 0, 1]]);
});

test('every element type goes through as it is, no elements and a scalar, too', async () => {
  for (const name of types.keys()) {
    write(`/${name}.onnx`, identity(tensor(name, null)));
    const found = await python(`
session = ort.InferenceSession('/${name}.onnx')
kind = session.get_inputs()[0].type
given = ashore.Array(['a', 'ü€😀', '', 'c' * 99], 'string') if '${name}' == 'string' else \\
    ashore.Array(bytes(i % (2 if '${name}' in ('bool', 'uint2', 'int2') else 4) for i in range(
        4 * ashore.dtype('${name}').itemsize)), '${name}')
results = []
for each in (given, given.reshape(2, 1, 2), given[:0].reshape(0, 3), given[1:2].reshape(())):
    y, = session.run(None, {'x': each})
    same = y.tolist() == each.tolist() if '${name}' == 'string' else y.tobytes() == each.tobytes()
    results.append([y.dtype.name, list(y.shape) == list(each.shape), same])
found = [kind, results]`);
    const onnx = { float32: 'float', float64: 'double' }[name] ?? name;
    assert.deepEqual(found, [`tensor(${onnx})`, Array(4).fill([name, true, true])]);
  }
});

test('sequences are lists, an optional is its element or None', async () => {
  write('/sequence.onnx', identity(sequence(tensor('int64', null))));
  write('/optional.onnx', identity(optional(tensor('string', null))));
  write('/both.onnx', identity(optional(sequence(tensor('float32', null)))));
  const found = await python(`
s, o = ort.InferenceSession('/sequence.onnx'), ort.InferenceSession('/optional.onnx')
some, none = [], []
for each in ([[1, 2], array.array('q', [3]), ashore.Array(2**62, 'int64')], []):
    some.append([item.tolist() for item in s.run(None, {'x': each})[0]])
none = [o.run(None, {'x': None})[0], o.run(None, {'x': ['a']})[0].tolist()]
both = ort.InferenceSession('/both.onnx')
lists = [both.run(None, {'x': None})[0], [y.tolist() for y in both.run(None, {'x': [[1, 2], [3]]})[0]]]
found = [some, none, s.get_inputs()[0].type, o.get_outputs()[0].type, lists,
         both.get_inputs()[0].type]`);
  assert.deepEqual(found, [[[[1, 2], [3], 4611686018427387904n].map((each) =>
    (typeof each === 'bigint' ? Number(each) : each)), []], [null, ['a']], 'seq(tensor(int64))',
  'optional(tensor(string))', [null, [[1, 2], [3]]], 'optional(seq(tensor(float)))']);
});

test('a classifier of scikit-learn answers with labels and dicts, as under onnxruntime', async () => {
  const [given, expected] = JSON.parse(execFileSync(path.join(root, 'build/venv/bin/python'), ['-c', `
import base64, json, numpy, onnxruntime
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
rows = numpy.random.default_rng(3).normal(size=(60, 4)).astype('f')
sums = (rows.sum(axis=1) > 0).astype(int) + (rows[:, 0] > 0)
models, expected = [], []
for labels in (sums, numpy.array(['low', 'ü', 'high'])[sums]):
    model = to_onnx(LogisticRegression().fit(rows, labels), rows[:1]).SerializeToString()
    session = onnxruntime.InferenceSession(model)
    names, chances = session.run(None, {'X': rows[:5]})
    models.append(base64.b64encode(model).decode())
    expected.append([session.get_outputs()[1].type, names.tolist(),
                     [list(row.items()) for row in chances]])
print(json.dumps([{'models': models, 'rows': rows[:5].tolist()}, expected]))`], { maxBuffer: 1 << 24 }));
  booted.pyodide.globals.set('given', JSON.stringify(given));
  const found = await python(`
import base64
given = json.loads(given)
found = []
for model in given['models']:
    session = ort.InferenceSession(base64.b64decode(model))
    names, chances = session.run(None, {'X': given['rows']})
    found.append([session.get_outputs()[1].type, names.tolist(),
                  [list(row.items()) for row in chances]])`);
  expected.forEach(([type, names, rows], i) => {
    assert.deepEqual(found[i].slice(0, 2), [type, names]);
    rows.forEach((row, j) => row.forEach(([key, chance], k) => {
      const [ourKey, ours] = found[i][2][j][k];
      assert.equal(ourKey, key);
      assert.ok(Math.abs(ours - chance) < 1e-6, `${ours}, not ${chance}`); // some units of 2^-24
    }));
  });
});

test('whatever has a buffer is taken, in its shape', async () => {
  write('/float16.onnx', identity(tensor('float16', null)));
  const found = await python(`
import ctypes, mmap
s = ort.InferenceSession('/small.onnx')
flat = array.array('f', range(8))
shared = memoryview(flat).cast('B').cast('f', (2, 4))
odd = memoryview(bytearray(33))[1:]          # not where numbers of four bytes begin
odd[:] = flat.tobytes()
class Own:
    def __buffer__(self, flags):
        return shared
given = [shared, shared.toreadonly(), (ctypes.c_float * 4 * 2)((0, 1, 2, 3), (4, 5, 6, 7)), Own(),
         ashore.Array(flat, shape=(2, 4)), ashore.Array(odd.tobytes(), 'float32', (2, 4)),
         odd.cast('f', (2, 4)), ashore.Array(flat).reshape(4, 2).copy().reshape(2, 4),
         ashore.Array(range(8), 'float32', (4, 2)).T.copy().T.reshape(2, 4),
         memoryview(array.array('f', range(16))).cast('B').cast('f', (4, 4))[:2]]
found = [s.run(None, {'x': each})[0].tolist() for each in given]
half = memoryview(b'\\0\\x3c').cast('e')
found.append(ort.InferenceSession('/float16.onnx').run(None, {'x': half})[0].tolist())`);
  const half = found.pop();
  for (const each of found) assert.deepEqual(each, [[1, 0, 4, 1], [5, 4, 8, 5]]);
  assert.deepEqual(half, [1]);
});

test('a value is copied once into the engine, and once out of it', async () => {
  const [before, after] = await python(`
s = ort.InferenceSession('/small.onnx')
x = memoryview(bytearray(16 << 20)).cast('f', (1 << 20, 4))
before = s.report['traffic']
y, = s.run(None, {'x': x})
found = [before, s.report['traffic']]
assert y.nbytes == x.nbytes
del x, y`);
  assert.equal(after.bytesIn - before.bytesIn, 16 << 20);
  assert.equal(after.bytesOut - before.bytesOut, 16 << 20);
  assert.equal(after.staged, 0);
});

test('a run of small tensors is one call of JavaScript, one of large ones is two', async () => {
  const found = await python(`
s = ort.InferenceSession('/small.onnx')
def change(count):
    x = ashore.Array([[i, 2, 3, 4][n] for i in range(count) for n in range(4)], 'float32', (count, 4))
    before = s.report['traffic']
    y, = s.run(None, {'x': x})
    assert y[:, 0].tolist() == [i + 1 for i in range(count)]
    after = s.report['traffic']
    return [after[name] - before[name] for name in ('calls', 'bytesIn', 'bytesOut', 'staged')]
found = [change(1), change(1024), change(1025), change(0)]`);
  assert.deepEqual(found, [[1, 16, 16, 32], [1, 16384, 16384, 32768], [2, 16400, 16400, 0],
    [1, 0, 0, 0]]);
});

test('values of every size go together, and results are the program\'s own', async () => {
  const names = Array.from({ length: 9 }, (_, i) => `x${i}`);
  write('/nine.onnx', model({ nodes: names.map((name) => node('Identity', [name], [`y_${name}`])),
    inputs: Object.fromEntries(names.map((name) => [name, tensor('int32', null)])),
    outputs: Object.fromEntries(names.map((name) => [`y_${name}`, tensor('int32', null)])) }));
  const found = await python(`
s = ort.InferenceSession('/nine.onnx')
wrong = 0
for round in range(40):
    feed = {f'x{i}': ashore.Array(array.array('i', [round + i]) * (4 ** i if round % 2 else 4095), shape=(-1, 1))
            for i in range(9)}
    wanted = [f'y_x{(round + i) % 9}' for i in range(1 + round % 9)]
    results = s.run(wanted, feed)
    wrong += [y.tobytes() for y in results] != [feed[name[2:]].tobytes() for name in wanted]
    results[0][...] = -1
    wrong += any(-1 in y for y in s.run(None, {**feed, 'x0': [[round]]}))
many = s.run(['y_x0'] * 400, feed)           # the words of so many outputs need the other way
found = [wrong, len(many), many[-1][0, 0]]`);
  assert.deepEqual(found, [0, 400, 39]);
});

test('the mailbox is found where it was when the heap of Python has grown', async () => {
  const found = await python(`
s = ort.InferenceSession('/small.onnx')
wrong, keep = 0, []
for i in range(4):
    wrong += s.run(None, {'x': [[i, 2, 3, 4]]})[0].tolist() != [[i + 1, 1, 5, 2]]
    keep.append(bytearray(64 << 20))
found = wrong
del keep`);
  assert.equal(found, 0);
});

test('values are whole when the heap of Python grows on the way', async () => {
  const found = await python(`
s = ort.InferenceSession('/small.onnx')
keep = []
wrong = 0
for i in range(6):                           # each needs more than the heap has
    x = array.array('f', [i]) * (1 << 22)
    keep.append(s.run(None, {'x': memoryview(x).cast('B').cast('f', (1 << 20, 4))})[0])
    wrong += keep[-1][-1].tolist() != [i + 1, max(i - 1, 0), i + 2, max(i - 2, 0)]
found = wrong
del keep, x`);
  assert.equal(found, 0);
});

test('what is wrong is said as onnxruntime says it', async () => {
  const found = await python(`
s = ort.InferenceSession('/small.onnx')
x = ashore.empty((1, 4))
found = [failure(call) for call in (
    lambda: s.run(None, {}), lambda: s.run(None, {'x': x, 'z': x}), lambda: s.run(['q'], {'x': x}),
    lambda: s.run(None, {'x': array.array('d', [1, 2, 3, 4])}), lambda: s.run(None, {'x': x[0]}),
    lambda: s.run(None, {'x': ashore.empty((2, 3))}), lambda: s.run(None, {'x': [['a', 'b', 'c', 'd']]}),
    lambda: ort.InferenceSession('/none.onnx'), lambda: ort.InferenceSession(b'no model'),
    lambda: ort.InferenceSession('/'), lambda: ort.InferenceSession(b''),
    lambda: ort.InferenceSession('/unknown.onnx'))]
assert s.run(None, {'x': x})[0].shape == (1, 4), 'the next call works'
`.replace('found = [failure', `open('/unknown.onnx', 'wb').write(bytes(${JSON.stringify([...model({
    nodes: [node('Nowhere', ['x'], ['y'])], inputs: { x: tensor('float32', [1]) },
    outputs: { y: tensor('float32', [1]) } })])}))\nfound = [failure`));
  const expected = [
    ['ValueError', /Required inputs \(\['x'\]\) are missing from input feed \(\[\]\)/],
    ['InvalidArgument', /2 : INVALID_ARGUMENT : Invalid input name: z/],
    ['InvalidArgument', /Invalid output name:q/],
    ['InvalidArgument', /Actual: \(tensor\(double\)\) , expected: \(tensor\(float\)\)/],
    ['InvalidArgument', /Invalid rank for input: x Got: 1 Expected: 2/],
    ['InvalidArgument', /index: 1 Got: 3 Expected: 4/],
    ['InvalidArgument', /x/],
    ['NoSuchFile', /3 : NO_SUCHFILE : .*\/none\.onnx.*doesn't exist/],
    ['InvalidProtobuf', /7 : INVALID_PROTOBUF/],
    ['NoSuchFile', /NO_SUCHFILE/],
    ['InvalidProtobuf', /INVALID_PROTOBUF/],
    ['NotImplemented', /9 : NOT_IMPLEMENTED : .*Nowhere/],
  ];
  expected.forEach(([kind, words], i) => {
    assert.equal(found[i]?.[0], kind, `${i}: ${found[i]}`);
    assert.match(found[i][1], words);
  });
});

test('a failure while a model runs is a RuntimeException, and the session goes on', async () => {
  write('/gather.onnx', model({ nodes: [node('Gather', ['x', 'i'], ['y'])],
    inputs: { x: tensor('float32', ['N']), i: tensor('int64', ['M']) },
    outputs: { y: tensor('float32', ['M']) } }));
  const [[kind, words], good] = await python(`
s = ort.InferenceSession('/gather.onnx')
x = [1, 2, 3]
found = [failure(lambda: s.run(None, {'x': x, 'i': [7]})),
         s.run(None, {'x': x, 'i': [-1]})[0].tolist()]`);
  assert.equal(kind, 'RuntimeException');
  assert.match(words, /6 : RUNTIME_EXCEPTION : .*Gather/);
  assert.deepEqual(good, [3]);
});

test('what takes too much is refused, and Python and the session go on', async () => {
  write('/expand.onnx', model({ nodes: [node('Expand', ['x', 'to'], ['y'])],
    inputs: { x: tensor('float32', [1]), to: tensor('int64', [1]) },
    outputs: { y: tensor('float32', ['N']) } }));
  const [limit, room, [kind, words], stopped, good] = await python(`
def code(call):
    try:
        call()
    except ashore.AshoreError as error:
        return error.code
s = ort.InferenceSession('/expand.onnx')
m = ashore.open('/expand.onnx', memory_limit=1 << 20)
run = lambda n: {'x': [2], 'to': [n]}
stop = ort.RunOptions()
stop.terminate = True
found = [code(lambda: ashore.open('/expand.onnx', memory_limit=10)), m.run(run(4))['y'].tolist(),
         failure(lambda: s.run(None, run(1 << 31))), failure(lambda: s.run(None, run(3), stop)),
         s.run(None, run(3))[0].tolist()]`);
  assert.equal(limit, 'ERR_LIMIT');
  assert.deepEqual(room, [2, 2, 2, 2]);
  assert.equal(kind, 'RuntimeException');
  assert.match(words, /RUNTIME_EXCEPTION/);
  assert.match(stopped[1], /terminate flag being set to true/);
  assert.deepEqual(good, [2, 2, 2]);
});

test('run_async is awaited, calls back, queues, and makes way for a run that is not', async () => {
  write('/turning.onnx', turning());
  const found = await python(`
s = ort.InferenceSession('/small.onnx')
row = lambda i: {'x': [[i, 2, 3, 4]]}
awaited = [y[0].tolist() for y in await asyncio.gather(*[s.run_async(None, row(i)) for i in range(4)])]
called = []
s.run_async(None, row(9), lambda results, data, error: called.append(
    [results[0].tolist(), data, error]), 'data')
waiting = s.run_async(['y'], row(7))
await asyncio.sleep(0)
at_once = s.run(None, row(5))[0].tolist()    # while others wait
later = (await waiting)[0].tolist()
while not called:
    await asyncio.sleep(0)

ticks = 0
async def tick():
    global ticks
    while True:
        ticks += 1
        await asyncio.sleep(0)
ticking = asyncio.ensure_future(tick())
turning = ort.InferenceSession('/turning.onnx')
turns = lambda n: {'x': ashore.empty((256, 256)), 'turns': n}
await turning.run_async(None, turns(200))  # several slices
ticking.cancel()

task = turning.run_async(None, turns(2**40))
await asyncio.sleep(0)
task.cancel()
try:
    await task
    cancelled = False
except asyncio.CancelledError:
    cancelled = True
after = (await turning.run_async(None, turns(1)))[0].shape
found = [awaited, called, at_once, later, ticks > 1, cancelled, after,
         failure(lambda: s.run_async(None, {'x': [1]}))[0]]`);
  const row = (i) => [[i + 1, 1, 5, 2]];
  assert.deepEqual(found, [[0, 1, 2, 3].map(row), [[row(9), 'data', '']], row(5), row(7), true, true,
    [256, 256], 'InvalidArgument']);
});

test('callbacks come from runPython as well', async () => {
  booted.pyodide.runPython(`
called = []
ort.InferenceSession('/small.onnx').run_async(None, {'x': [[1, 2, 3, 4]]},
    lambda results, data, error: called.append([results[0].tolist(), data, error]), 3)`);
  await until(async () => (await python('found = called')).length);
  assert.deepEqual(await python('found = called'), [[[[2, 1, 5, 2]], 3, '']]);
});

test('metadata, names, types and shapes are what the model declares', async () => {
  write('/shapes.onnx', model({ nodes: [node('NonZero', ['x'], ['y'])],
    inputs: { x: tensor('bool', ['N', 3]) }, outputs: { y: tensor('int64', null) } }));
  const found = await python(`
s = ort.InferenceSession('/shapes.onnx')
x, y, meta = s.get_inputs()[0], s.get_outputs()[0], s.get_modelmeta()
assert ort.capi.onnxruntime_pybind11_state is state and issubclass(state.Fail, Exception)
found = [x.name, x.type, x.shape, y.name, y.type, meta.graph_name, meta.custom_metadata_map,
         meta.version == 2**63 - 1, s.get_providers(), ort.get_available_providers(), ort.get_device(),
         s.get_overridable_initializers()]`);
  assert.deepEqual(found, ['x', 'tensor(bool)', ['N', 3], 'y', 'tensor(int64)', 'test', {}, true,
    ['CPUExecutionProvider'], ['CPUExecutionProvider'], 'CPU', []]);
});

test('options are honoured, or said to have no effect', async () => {
  const found = await python(`
options = ort.SessionOptions()
options.intra_op_num_threads = 3
options.enable_profiling = True
options.profile_file_prefix = '/profile'
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter('always')
    s = ort.InferenceSession('/small.onnx', options,
                             providers=['CUDAExecutionProvider', ('CPUExecutionProvider', {})])
s.run(None, {'x': [[1, 2, 3, 4]]})
steps = [step['args']['op_name'] for step in json.load(open(s.end_profiling()))]
found = [[str(each.message) for each in said], s.report['threads'], s.report['missing'], steps]`);
  assert.equal(found[0].length, 1);
  assert.match(found[0][0], /'CUDAExecutionProvider'.*runs on the CPU/);
  assert.equal(found[1], 1);
  assert.deepEqual(found[2].map(({ feature, why }) => [feature, why]), [['threads',
    'register() was told of 1']]);
  assert.deepEqual(found[3], ['Add', 'Relu'], 'as it is written: nothing is fused');
});

test('external data lies beside the model, in Python\'s file system', async () => {
  const data = Float32Array.of(1, -1, 2, -2);
  const bias = { type: 'float32', dims: [4], external: 'weights.bin', offset: 4, length: 16 };
  booted.pyodide.FS.mkdirTree('/data');
  write('/data/weights.bin', Buffer.concat([Buffer.alloc(4), Buffer.from(data.buffer)]));
  const parts = { nodes: [node('Add', ['x', 'bias'], ['y'])],
    inputs: { x: tensor('float32', [4]) }, outputs: { y: tensor('float32', [4]) } };
  write('/data/model.onnx', model({ ...parts, weights: { bias } }));
  write('/data/away.onnx', model({ ...parts, weights: { bias: { ...bias, external: '../secret' } } }));
  write('/data/lost.onnx', model({ ...parts, weights: { bias: { ...bias, external: 'lost.bin' } } }));
  const [y, away, lost] = await python(`
found = [ort.InferenceSession('/data/model.onnx').run(None, {'x': [0, 0, 0, 0]})[0].tolist(),
         failure(lambda: ort.InferenceSession('/data/away.onnx')),
         failure(lambda: ort.InferenceSession('/data/lost.onnx'))]`);
  assert.deepEqual(y, [...data]);
  assert.match(away[1], /outside of its folder: \.\.\/secret/);
  assert.match(lost[1], /\/data\/lost\.bin/);
});

test('a folder of the host that is mounted is read like any other', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mounted-'));
  try {
    fs.writeFileSync(path.join(folder, 'model.onnx'), small());
    booted.pyodide.FS.mkdirTree('/mounted');
    booted.pyodide.mountNodeFS('/mounted', folder);
    assert.deepEqual(await python(`
found = ort.InferenceSession('/mounted/model.onnx').run(None, {'x': [[0, 0, 0, 0]]})[0].tolist()`),
    [[1, 0, 2, 0]]);
  } finally {
    booted.pyodide.FS.unmount('/mounted');
    fs.rmSync(folder, { recursive: true });
  }
});

test('two hundred sessions that are opened and closed leave nothing behind', async () => {
  const heap = () => booted.pyodide._module.HEAPU8.length;
  const round = (count) => python(`
import gc
for i in range(${count}):
    s = ort.InferenceSession('/small.onnx')
    s.run(None, {'x': [[1, 2, 3, 4]]})
    if i % 2:
        ashore.open('/small.onnx').close()
del s
gc.collect()
found = len(gc.get_objects())`);
  const before = [await round(5), heap()];
  const after = [await round(200), heap()];
  assert.ok(after[0] - before[0] < 100, `${after[0] - before[0]} more objects`);
  assert.equal(after[1], before[1]);
});

test('ashore has an API of its own', async () => {
  const found = await python(`
with ashore.open('/small.onnx', name='mine', profile=True) as m:
    x = ashore.Array([[1, 2, 3, 4]], 'float32')
    results = [m.run({'x': x}), m.run({'x': x}, outputs=['y']), await m.run_async({'x': x})]
    report, memory, predicted = m.report, m.memory(), m.predict({'x': [1024, 4]})
    steps = m.profile()
closed = failure(lambda: m.run({'x': x}))
problem = None
try:
    ashore.open('/small.onnx').run({'x': ashore.empty((1, 5))})
except ashore.AshoreError as error:
    problem = [error.code, error.input]
await ashore.ready()
found = [[r['y'].tolist() for r in results], [report['model'], report['shell'], report['threads']],
         memory['total'] > 0, predicted['outputs'], [s['op'] for s in steps], closed, problem,
         ashore.report()['variant'], m.inputs[0].shape, m.outputs[0].dtype.name, ashore.__version__,
         failure(lambda: ashore.open('/small.onnx', thread=1))]`);
  const { version } = await part('pyodide.js');
  assert.deepEqual(found.slice(0, 4), [Array(3).fill([[2, 1, 5, 2]]),
    [{ name: 'mine', bytes: small().length }, 'inline', 1], true, 16384]);
  assert.ok(found[4].length);
  assert.deepEqual(found[5], ['AshoreError', 'the model is closed']);
  assert.deepEqual(found[6], ['ERR_SHAPE', 'x']);
  assert.deepEqual(found.slice(7, 11), ['relaxed', ['N', 4], 'float32', version]);
  assert.match(found[11][1], /'thread' is no option: name, threads/);
});

test('a model is loaded from an address, and from what JavaScript has', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'models-'));
  const file = path.join(folder, 'small.onnx');
  fs.writeFileSync(file, small());
  booted.pyodide.globals.set('address', file);
  booted.pyodide.globals.set('blob', new Blob([small()]));
  try {
    const found = await python(`
phases = []
m = await ashore.load(address, lambda phase, loaded, total: phases.append([phase, loaded, total]))
b = await ashore.load(blob)
assert (await ashore.load(open('/small.onnx', 'rb').read())).inputs[0].name == 'x'
x = {'x': [[0, 0, 0, 0]]}
try:
    await ashore.load(address + '.none')
    lost = None
except ashore.AshoreError as error:
    lost = error.code
found = [m.run(x)['y'].tolist(), b.run(x)['y'].tolist(), m.report['model']['name'],
         sorted({each[0] for each in phases}), phases[-1], lost]`);
    assert.deepEqual(found, [[[1, 0, 2, 0]], [[1, 0, 2, 0]], 'small.onnx',
      ['download', 'engine', 'prepare', 'ready'], ['ready', small().length, small().length], 'ERR_IO']);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('micropip installs the wheel from a file, without a network', async () => {
  const { pyodide } = await bootPyodide();
  const { register } = await part('pyodide.js');
  const engine = await register(pyodide, { threads: 1, wheel: false });
  for (const wheel of fs.readdirSync(wheelsDir).filter((name) => /^(micropip|packaging)-/.test(name))) {
    pyodide.unpackArchive(new Uint8Array(fs.readFileSync(path.join(wheelsDir, wheel))), 'wheel',
      { extractDir: pyodide.runPython("import sysconfig; sysconfig.get_path('purelib')") });
  }
  const [wheel] = fs.readdirSync(packageDir).filter((name) => name.endsWith('.whl'));
  pyodide.FS.writeFile(`/${wheel}`, new Uint8Array(fs.readFileSync(path.join(packageDir, wheel))));
  pyodide.FS.writeFile('/small.onnx', small());
  const found = await pyodide.runPythonAsync(`
import micropip
try:
    import onnxruntime
    before = 'it is there'
except ImportError:
    before = ''
await micropip.install('emfs:/${wheel}')
import onnxruntime
str([before, onnxruntime.InferenceSession('/small.onnx').run(None, {'x': [[0, 0, 0, 0]]})[0].tolist(),
     'ashore' in micropip.list()])`);
  assert.equal(found, "['', [[1.0, 0.0, 2.0, 0.0]], True]");
  engine.unregister();
  assert.match(await pyodide.runPythonAsync(`
try:
    onnxruntime.InferenceSession('/small.onnx')
    found = ''
except ImportError as error:
    found = str(error)
found`), /register\(pyodide\)/);
});

test('the smaller engine is enough for most, and says what to do for the others', async () => {
  const { pyodide } = await bootPyodide();
  const { register } = await part('pyodide.js');
  const engine = await register(pyodide, { threads: 1, full: false });
  pyodide.FS.writeFile('/small.onnx', small());
  pyodide.FS.writeFile('/rare.onnx', rare({ data: Float32Array.of(1) }));
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'models-')), 'rare.onnx');
  fs.writeFileSync(file, rare({ data: Float32Array.of(1) }));
  pyodide.globals.set('address', file);
  const found = JSON.parse(await pyodide.runPythonAsync(`
import json, ashore
x = {'x': [[1, 2, 0, 0], [0, 0, 0, 3]]}
first = ashore.open('/small.onnx').report['module']
try:
    ashore.open('/rare.onnx')
    lack = None
except ashore.AshoreError as error:
    lack = [error.code, str(error)]
loaded = await ashore.load(address)
again = ashore.open('/rare.onnx')
json.dumps([first, lack, loaded.report['module'], loaded.run(x)['y'].tolist(),
            again.run(x)['y'].tolist()])`));
  const full = 'ashore-full-relaxed.wasm';
  assert.equal(found[0], 'ashore-relaxed.wasm');
  assert.equal(found[1][0], 'ERR_UNSUPPORTED');
  assert.match(found[1][1], /Hardmax.*await ashore\.load/);
  const y = [[0, 1, 0, 0], [0, 0, 0, 1]];
  assert.deepEqual(found.slice(2), [full, y, y]);
  engine.unregister();
  fs.rmSync(path.dirname(file), { recursive: true });
});

test('modules are given by name, and what is missing is named', async () => {
  const { register } = await part('pyodide.js');
  const { pyodide } = booted;
  const name = 'ashore-full-simd128.wasm';
  const bytes = fs.readFileSync(path.join(packageDir, name));
  const options = { threads: 1, variant: 'simd128', wheel: false };
  for (const modules of [{ [name]: bytes }, (asked) => (asked === name ? new Blob([bytes]) : null),
    { [name]: WebAssembly.compile(bytes) }]) {
    assert.equal((await register(pyodide, { ...options, modules })).variant, 'simd128');
    assert.deepEqual(await python(`
m = ashore.open('/small.onnx')
found = [m.report['module'], m.run({'x': [[0, 0, 0, 0]]})['y'].tolist()]`), [name, [[1, 0, 2, 0]]]);
  }
  await assert.rejects(register(pyodide, { ...options, modules: {} }), { code: 'ERR_IO',
    message: /ashore-full-simd128\.wasm is not among the modules/ });
  for (const none of [{}, Promise.resolve({})]) {
    await assert.rejects(register(none), { code: 'ERR_ARGUMENT', message: /is given no Pyodide/ });
  }
  await assert.rejects(register(Promise.reject(new Error('no Python'))), /^Error: no Python$/);
  await assert.rejects(register(pyodide, { variant: 'avx' }), { code: 'ERR_ARGUMENT' });
});

test('the examples of docs/pyodide.md run as they stand there', async () => {
  const text = fs.readFileSync(path.join(root, 'docs/pyodide.md'), 'utf8');
  const blocks = [...text.matchAll(/^```python\n(.*?)^```/gms)].map(([, code]) => code);
  assert.ok(blocks.length >= 4);
  booted.pyodide.runPython("import os; os.chdir('/')");
  write('/model.onnx', small());
  booted.printed.length = 0;
  await booted.pyodide.runPythonAsync(blocks.join('\n'));
  assert.equal(booted.printed[0], '(2, 4) [[1.0, 0.0, 4.0, 1.0], [5.0, 4.0, 8.0, 5.0]]');
  assert.ok(booted.printed.includes('[1, 0] 0.699999988079071 [0.3, 0.45, 0.25] True'),
    booted.printed.join('\n'));
});
