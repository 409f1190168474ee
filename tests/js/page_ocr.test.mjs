// Reading a picture, over models that are made up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reader } from '../../pages/ocr/ocr.js';

const corners = [[0, 0], [90, 0], [90, 30], [0, 30]];
const picture = { width: 320, height: 320, data: new Uint8Array(4 * 320 * 320) };

function reader(answer) {
  const model = (run) => ({ inputs: [{ name: 'x' }], outputs: [{ name: 'y' }],
    run: async () => ({ y: await run() }) });
  return new Reader({
    detection: model(() => ({ dims: [1, 1, 736, 736], data: [] })),
    direction: model(() => ({ data: [1, 0] })),
    recognition: model(answer),
    prep: { imageSync: () => null, warp: () => null, textRegions: () => [{ corners }, { corners }],
      ctc: ({ word }) => ({ classes: word, confidence: 1 }) },
    characters: ['a', 'b'],
  });
}

test('lines are told as they are read', async () => {
  const words = [[0, 1], [1]];
  const told = [];
  const { lines } = await reader(() => ({ dims: [1, 2], word: words.shift() })).readAll(picture,
    { onLine: ({ text }, i) => told.push([i, text]) });
  assert.deepEqual(told, [[0, 'ab'], [1, 'b']]);
  assert.deepEqual(lines.map(({ text }) => text), ['ab', 'b']);
});

test('a reading that is ended while a model runs tells no more lines', async () => {
  const control = new AbortController();
  const told = [];
  const reading = reader(() => {
    control.abort();
    return { dims: [1, 2], word: [0] };
  }).readAll(picture, { signal: control.signal, onLine: ({ text }) => told.push(text) });
  await assert.rejects(reading, { name: 'AbortError' });
  assert.deepEqual(told, []);
});
