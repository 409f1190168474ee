// Taking times: what is run until it is, and several programs in turn.  Knows nothing of models.

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

/** Runs `act` in blocks of at least `block` ms until three in a row are within 3 % of the fastest one
 *  before them: what a compiler does to code that runs often has been done then.  Gives up after `limit`
 *  ms.  { ms: of one run, by the last blocks; blocks; settled }. */
export async function settle(act, { block = 20, limit = 1000, clock = () => performance.now() } = {}) {
  const begin = clock();
  const times = [];
  let fastest = Infinity;
  let calm = 0;
  while (calm < 3) {
    const start = clock();
    let runs = 0;
    do {
      await act();
      runs += 1;
    } while (clock() - start < block && clock() - begin < limit);
    const time = (clock() - start) / runs;
    calm = time > 0.97 * fastest ? calm + 1 : 0;
    fastest = Math.min(fastest, time);
    times.push(time);
    if (clock() - begin >= limit) break;
  }
  return { ms: mean(times.slice(-3)), blocks: times.length, settled: calm >= 3 };
}

/** Runs of a block: as many as take `block` ms, given what one takes. */
export const runsOf = (ms, block) => Math.max(1, Math.min(2000, Math.round(block / ms)));

/** Times several programs in turn: a round is one block of each, every other round in reverse order.
 *  programs: { act, ms }, ms about what a run takes.  Between blocks `rest()` is awaited, and the first
 *  run behind a rest is not timed.  Stops after `budget` ms, but not before `least` rounds, nor after
 *  `most`.  Milliseconds of a run by program and round. */
export async function interleave(programs, { budget, least = 5, most = 300, block = 5, rest = null,
  clock = () => performance.now() }) {
  const runs = programs.map(({ ms }) => runsOf(ms, block));
  const samples = programs.map(() => []);
  const order = programs.map((_, i) => i);
  const begin = clock();
  for (let round = 0; round < most && (round < least || clock() - begin < budget); round++) {
    for (const i of round % 2 ? order.toReversed() : order) {
      const { act } = programs[i];
      if (rest) {
        await rest();
        await act();
      }
      const start = clock();
      for (let n = 0; n < runs[i]; n++) await act();
      samples[i].push((clock() - start) / runs[i]);
    }
  }
  return { samples, runs };
}
