// A process that opens and closes models for days: memory and workers do not grow, and models that
// are used side by side do not disturb each other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slow, small } from './onnx_writer.mjs';
import { part, until } from './setup.mjs';

const { load, Tensor } = await part('index.js');
const cycles = 200;
const settled = 60;
const mib = 1 << 20;

const input = (n) => new Tensor('float32', [n, n, n, n], [1, 4]);
const answer = (n) => [n + 1, Math.max(n - 1, 0), n + 2, Math.max(n - 2, 0)];

// An instance starts at 1 to 4 MiB, which the host may give back late, when it collects.
const allowed = 64 * mib;

for (const options of [{ threads: 1 }, { threads: 2 }, { threads: 1, shell: 'worker' }]) {
  test(`${cycles} models one after the other, ${JSON.stringify(options)}`, async () => {
    const bytes = small();
    let then = 0;
    for (let i = 0; i < cycles; i++) {
      const model = await load(bytes, options);
      assert.deepEqual([...(await model.run({ x: input(i) })).y.data], answer(i));
      model.close();
      if (i === settled) then = process.memoryUsage.rss();
    }
    const now = process.memoryUsage.rss();
    console.log(`resident: ${Math.round(then / mib)} MiB after ${settled}, ${
      Math.round(now / mib)} MiB after ${cycles}`);
    assert.ok(now < then + allowed, `${now - then} bytes more after ${cycles - settled} models`);
    assert.ok(await until(() => !/Worker|MessagePort/.test(process.getActiveResourcesInfo())),
      'no worker is left behind');
  });
}

test('models side by side, on threads of their own', async () => {
  const eye = Float32Array.from({ length: 65536 }, (_, i) => (i % 257 === 0 ? 1 : 0));
  const feeds = { x: new Tensor('float32', eye, [256, 256]) };
  const bytes = [slow(4), small()];
  await Promise.all(Array.from({ length: 6 }, async (_, k) => {
    for (let turn = 0; turn < 4; turn++) {
      const model = await load(bytes[k % 2], { threads: 1 + (k + turn) % 3,
        shell: k % 3 ? 'worker' : 'inline' });
      for (let run = 0; run < 3; run++) {
        const { y } = await model.run(k % 2 ? { x: input(k) } : feeds);
        assert.deepEqual([...y.data.subarray(0, 4)], k % 2 ? answer(k) : [1, 0, 0, 0]);
      }
      model.close();
    }
  }));
});
