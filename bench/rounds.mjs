// Models that run in tabs, each in another way, in turn.

const least = 40; // ms of a block
const warm = 300; // ms before the first

/** Gives what a page has found a `why` where its numbers are not the case's, and drops the numbers. */
export function check(found, { answer, tolerance }) {
  const { data } = found;
  if (!data) return found;
  delete found.data;
  const largest = answer.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const isFar = data.length !== answer.length || data.some((value, i) =>
    !(Math.abs(value - answer[i]) <= tolerance * largest));
  if (isFar) found.why = `another answer: ${data.slice(0, 5)}`;
  return found;
}

/** What grew, of two counts of the engine. */
export const change = (before, after) => before && Object.fromEntries(Object.keys(after).map((name) =>
  [name, after[name] - before[name]]));

/** How many runs a block has. */
export const runsOf = (ms) => Math.min(Math.max(Math.ceil(least / ms), 1), 10000);

const ask = (tab, act, ...given) => tab.evaluate(([name, all]) => globalThis.way[name](...all),
  [act, given]);

// Opens the case, compares its answer, lets the compiler come to rest: { tab, runs, traffic }.
async function prepare(tab, each) {
  await ask(tab, 'open', each);
  const compared = check({ data: await ask(tab, 'answer') }, each);
  if (compared.why) return compared;
  const begin = performance.now();
  let runs = 1;
  let ms = 0;
  do {
    ms = await ask(tab, 'block', runs) / runs;
    runs = runsOf(Math.max(ms, 1e-4));
  } while (performance.now() - begin < warm);
  const before = await ask(tab, 'traffic');
  await ask(tab, 'block', 1);
  return { tab, runs, samples: [], traffic: change(before, await ask(tab, 'traffic')) };
}

/** tabs: [way, tab].  { way: { samples, runs, traffic } or { why } }; every other round goes through the
 *  ways in reverse. */
export async function inTurn(tabs, each, rounds) {
  const found = {};
  for (const [way, tab] of tabs) {
    found[way] = await prepare(tab, each).catch(({ message }) => ({ why: message.split('\n')[0] }));
  }
  const timed = Object.values(found).filter(({ samples }) => samples);
  for (let i = 0; i < rounds; i++) {
    for (const { tab, runs, samples } of timed) samples.push(await ask(tab, 'block', runs) / runs);
    timed.reverse();
  }
  for (const one of timed) delete one.tab;
  return found;
}
