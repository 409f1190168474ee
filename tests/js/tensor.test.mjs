import assert from 'node:assert/strict';
import { test } from 'node:test';
import { part } from './setup.mjs';

const { AshoreError, Tensor } = await part('index.js');
const fails = (code) => (error) => error instanceof AshoreError && error.code === code;

test('data is kept, or converted from plain arrays', () => {
  const data = new Float32Array([1, 2, 3, 4]);
  const x = new Tensor('float32', data, [2, 2]);
  assert.equal(x.data, data);
  assert.deepEqual(x.dims, [2, 2]);
  assert.deepEqual(new Tensor('int64', [1, -2n, true]).data, new BigInt64Array([1n, -2n, 1n]));
  assert.deepEqual(new Tensor('bool', [true, false]).data, new Uint8Array([1, 0]));
  assert.deepEqual(new Tensor('string', ['a', 'b']).dims, [2]);
  assert.deepEqual(new Tensor('float32', new Float32Array(1), []).dims, []);
  assert.deepEqual(new Tensor('complex64', new Float32Array(6)).dims, [3]);
});

test('what does not fit is refused', () => {
  assert.throws(() => new Tensor('float33', []), fails('ERR_TYPE'));
  assert.throws(() => new Tensor('float32', new Float64Array(2)), fails('ERR_TYPE'));
  assert.throws(() => new Tensor('float32', new Float32Array(3), [2, 2]), fails('ERR_SHAPE'));
  assert.throws(() => new Tensor('float32', new Float32Array(2), [-1, -2]), fails('ERR_SHAPE'));
  assert.throws(() => new Tensor('float32', null), fails('ERR_TYPE'));
});
