// How the page of the benchmark takes times, by a clock that the test sets, and compares answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelsFirst, difference, sorted } from '../page/compare.mjs';
import { interleave, runsOf, settle } from '../page/measure.mjs';

/** A clock, and programs that take as long as `time(run)` says. */
function bed() {
  const state = { now: 0, log: [] };
  return { state, clock: () => state.now, program(name, time) {
    let run = 0;
    return async () => {
      state.now += time(run);
      state.log.push(name);
      run += 1;
    };
  } };
}

test('settle waits for the compiler, and no longer', async () => {
  const { clock, program } = bed();
  const act = program('a', (run) => (run < 40 ? 10 - run / 5 : 2));
  const found = await settle(act, { block: 20, limit: 10000, clock });
  assert.equal(found.settled, true);
  assert.equal(found.ms, 2);
  assert.ok(found.blocks < 30);
});

test('settle gives up on what never rests', async () => {
  const { state, clock, program } = bed();
  const found = await settle(program('a', (run) => 40 / (1 + run / 10)), { limit: 500, clock });
  assert.equal(found.settled, false);
  assert.ok(state.now >= 500 && state.now < 560);
});

test('settle runs once when there is no time', async () => {
  const { state, clock, program } = bed();
  const found = await settle(program('a', () => 5000), { limit: 0, clock });
  assert.deepEqual([found.ms, state.log.length], [5000, 1]);
});

test('blocks are long enough to be timed', () => {
  assert.equal(runsOf(0.01, 5), 500);
  assert.equal(runsOf(80, 5), 1);
  assert.equal(runsOf(1e-9, 5), 2000);
});

test('programs are run in turn, every other round in reverse', async () => {
  const { state, clock, program } = bed();
  const { samples, runs } = await interleave([{ act: program('a', () => 10), ms: 10 },
    { act: program('b', () => 2.5), ms: 2.5 }], { budget: 0, least: 3, clock });
  assert.equal(state.log.join(''), 'abbbbaabb');
  assert.deepEqual(runs, [1, 2]);
  assert.deepEqual(samples, [[10, 10, 10], [2.5, 2.5, 2.5]]);
});

test('the budget and the limits of rounds', async () => {
  const rounds = async (options) => {
    const { clock, program } = bed();
    const { samples } = await interleave([{ act: program('a', () => 10), ms: 10 }],
      { clock, ...options });
    return samples[0].length;
  };
  assert.equal(await rounds({ budget: 95, least: 2 }), 10);
  assert.equal(await rounds({ budget: 95, least: 20 }), 20);
  assert.equal(await rounds({ budget: 1e6, most: 30 }), 30);
});

test('the run that follows a rest is not timed', async () => {
  const { state, clock, program } = bed();
  const slowStart = { first: true };
  const rest = async () => { slowStart.first = true; };
  const act = program('a', () => {
    const time = slowStart.first ? 7 : 1;
    slowStart.first = false;
    return time;
  });
  const timed = async (ms) =>
    (await interleave([{ act, ms }], { budget: 0, least: 2, rest, clock })).samples;
  assert.deepEqual(await timed(1), [[1, 1]]);
  assert.equal(state.log.length, 12);
  assert.deepEqual(await timed(100), [[1, 1]]);
  assert.equal(state.log.length, 16);
});

const output = (name, data) => ({ name, data, dims: [data.length] });

test('differences of answers', () => {
  const expected = [output('a', [1, -4]), output('b', [2n, 3n])];
  assert.equal(difference(expected, expected), 0);
  assert.equal(difference(expected, [output('b', [2n, 3n]), output('a', [1.5, -4])]), 0.125);
  assert.equal(difference(expected, [output('x', [1, -4]), output('y', [2, 2.25])]), 0.25);
  assert.equal(difference(expected, [output('x', [1, -4])]), Infinity);
  assert.equal(difference([output('a', [1, 2])], [output('a', [1])]), Infinity);
  assert.equal(difference([output('a', [1, NaN])], [output('a', [1, 2])]), Infinity);
  assert.equal(difference([output('a', [1, 2])], [output('a', [1, NaN])]), Infinity);
  assert.equal(difference([output('a', [0, -Infinity])], [output('a', [0, -Infinity])]), 0);
});

test('outputs in other arrangements', () => {
  const last = { name: 'y', data: Float32Array.of(1, 2, 3, 4, 5, 6), dims: [1, 1, 3, 2] };
  assert.deepEqual(channelsFirst(last),
    { name: 'y', data: Float32Array.of(1, 3, 5, 2, 4, 6), dims: [1, 2, 1, 3] });
  assert.deepEqual(channelsFirst(output('z', [1])), output('z', [1]));
  const joined = sorted([output('y', [3, 1, -2])]);
  assert.equal(difference(joined, sorted([output('a', [1]), output('b', [-2, 3])])), 0);
  assert.equal(difference(joined, sorted([output('a', [1]), output('b', [-2])])), Infinity);
});
