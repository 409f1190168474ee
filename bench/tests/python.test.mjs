// How models in tabs are run in turn and compared, by tabs that the test makes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { change, check, inTurn, runsOf } from '../rounds.mjs';

const given = { name: 'a', answer: [1, -4], tolerance: 0.01 };

/** A tab of a way that takes ms for a run and answers with data; what it is asked goes to log. */
function tab(name, ms, data, log) {
  let runs = 0;
  return [name, { evaluate: async (_, [act, [argument]]) => {
    if (act === 'block') {
      runs += argument;
      log.push([name, argument]);
      return ms * argument;
    }
    if (act === 'traffic') return { calls: runs, bytesIn: 8 * runs };
    if (data instanceof Error) throw data;
    return act === 'answer' ? data : undefined;
  } }];
}

test('answers are compared, within a tolerance of the largest number', () => {
  assert.deepEqual(check({ data: [1.03, -4] }, given), {});
  assert.match(check({ data: [1.05, -4] }, given).why, /another answer: 1.05,-4/);
  assert.match(check({ data: [1] }, given).why, /another answer/);
  assert.match(check({ data: [NaN, -4] }, given).why, /another answer/);
  assert.deepEqual(check({ why: 'it failed' }, given), { why: 'it failed' });
});

test('a block is long enough to be timed, and not endless', () => {
  assert.deepEqual([runsOf(100), runsOf(4), runsOf(1e-9)], [1, 10, 10000]);
});

test('what a run copies is what has grown', () => {
  assert.deepEqual(change({ calls: 2, bytesIn: 8 }, { calls: 3, bytesIn: 24 }), { calls: 1, bytesIn: 16 });
  assert.equal(change(null, null), null);
});

test('ways take turns, and one that fails is left out', async () => {
  const log = [];
  const tabs = [tab('slow', 50, [1, -4], log), tab('fast', 10, [1, -4], log),
    tab('wrong', 1, [2, -4], log), tab('lost', 1, new Error('it is gone\nat once'), log)];
  const found = await inTurn(tabs, given, 3);
  assert.deepEqual(found.slow, { runs: 1, samples: [50, 50, 50], traffic: { calls: 1, bytesIn: 8 } });
  assert.deepEqual(found.fast, { runs: 4, samples: [10, 10, 10], traffic: { calls: 1, bytesIn: 8 } });
  assert.match(found.wrong.why, /another answer/);
  assert.deepEqual(found.lost, { why: 'it is gone' });
  assert.deepEqual(log.slice(-6).map(([name]) => name), ['slow', 'fast', 'fast', 'slow', 'slow', 'fast']);
});
