// What the engine says it holds, against the memory that its instance has taken.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { model, node, rare, small, tensor } from './onnx_writer.mjs';
import { part } from './setup.mjs';

const { load, Tensor } = await part('inline.js');

// A matrix finds room where one before has been, whether they get smaller or not.
const smaller = [544, 536, 528, 520, 512, 504, 496, 488, 480];
const equal = Array(9).fill(512);
const sizesOf = (widths) => widths.slice(1).map((width, i) => 4 * widths[i] * width);

// x -> products by constant matrices.  `shift` moves these to addresses of every kind.
function products(widths, shift) {
  const layers = widths.length - 1;
  const weights = {};
  for (let i = 0; i < layers; i++) {
    const data = new Float32Array(widths[i] * widths[i + 1]);
    for (let k = 0; k < data.length; k++) data[k] = (((k * (i + 1)) % 15) - 7) / 64;
    weights[`w${i}`] = { type: 'float32', dims: [widths[i], widths[i + 1]], data };
  }
  return model({
    nodes: Array.from({ length: layers }, (_, i) => node('MatMul',
      [i ? `m${i}` : 'x', `w${i}`], [i === layers - 1 ? 'y' : `m${i + 1}`], {}, 'n'.repeat(shift + 1))),
    inputs: { x: tensor('float32', ['N', widths[0]]) },
    outputs: { y: tensor('float32', ['N', widths.at(-1)]) }, weights,
  });
}

const ones = (rows, width) => ({ x: new Tensor('float32', new Float32Array(rows * width).fill(1),
  [rows, width]) });

async function emptyEngine() {
  const m = await load(small(), { threads: 1 });
  const { wasm } = await m.memory();
  m.close();
  return wasm;
}

const cases = [smaller, equal].flatMap((widths) => [0, 1, 2, 3].map((shift) => [widths, shift]));
for (const [widths, shift] of cases) {
  const kind = widths === equal ? 'of one size' : 'that get smaller';
  test(`weights ${kind} are held once: names of ${shift + 1} letters`, async () => {
    const sizes = sizesOf(widths);
    const all = sizes.reduce((sum, size) => sum + size, 0);
    const empty = await emptyEngine();
    const bytes = products(widths, shift);
    const m = await load(bytes, { threads: 1 });
    const loaded = await m.memory();
    assert.ok(loaded.weights >= all && loaded.weights < all + 65536);
    const first = (await m.run(ones(4, widths[0]))).y.data.slice();
    const after = await m.memory();
    assert.ok(after.packed >= all && after.packed < 1.05 * all); // panels are filled up
    assert.ok(after.weights < 65536, `${after.weights} bytes of weights are held`);
    // The largest matrix is there twice for a moment, something small takes of places that were left
    // before a matrix does, which equal ones no longer fit in, and memory comes in pages.
    const lost = (widths === equal ? 3 : 2) * sizes[0];
    const most = empty + after.weights + after.packed + after.slab + lost + 2 * 65536;
    assert.ok(after.wasm <= most, `${after.wasm} bytes, at most ${most}`);
    // The most at once was all weights, with the first of them in both forms.
    assert.ok(after.total <= after.wasm && after.total > all + sizes[0]);
    assert.ok(after.total >= empty / 2 + after.weights + after.packed + after.slab);
    const again = (await m.run(ones(70, widths[0]))).y.data.slice(0, first.length);
    assert.deepEqual(again, first);
    assert.equal((await m.memory()).packed, after.packed);
    m.close();
  });
}

test('a refused model is as it was for the engine with every operator', async () => {
  const w = { data: Float32Array.of(5) };
  const m = await load(rare(w), { threads: 1 });
  const { y } = await m.run({ x: new Tensor('float32', [1, 3, 2, 0, 4, 4, 9, 1], [2, 4]) });
  assert.deepEqual([...y.data], [0, 1, 0, 0, 0, 0, 1, 0]);
  m.close();
});
