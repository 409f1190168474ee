// The worker of the page in which everything is measured: one case after the other.
import { channelsFirst, difference, sorted } from './compare.mjs';
import { open } from './engines.mjs';
import { interleave, settle } from './measure.mjs';

const read = async (file) => {
  const response = await fetch(`/models/${file}`);
  if (!response.ok) throw new Error(`${file}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};
// Threads of onnxruntime-web, whose pool all sessions share and no option stops, look for work for some
// 30 ms after a run: on the processors that the next engine needs.
const pause = () => new Promise((resolve) => { setTimeout(resolve, 60); });
const text = (error) => `${error?.message ?? error}`.split('\n')[0].slice(0, 200);

async function openContender(contender, threads) {
  const { label, why } = contender;
  if (why) return { label, why };
  try {
    const begin = performance.now();
    const engine = await open(contender, { threads, read });
    const ready = performance.now();
    const answer = await engine.run();
    return { label, contender, engine, answer, load: ready - begin,
      first: performance.now() - ready, about: engine.about };
  } catch (error) {
    return { label, why: text(error) };
  }
}

// By a contender's `layout`: "last", channels are; "any", its outputs are joined or split in another way.
function compared(own, { contender: { layout }, answer }) {
  if (layout === 'any') return difference(sorted(own.answer), sorted(answer));
  return difference(own.answer, layout === 'last' ? answer.map(channelsFirst) : answer);
}

// What is wrong is not timed.
function judge(entries, tolerance) {
  const [own] = entries;
  for (const entry of entries.slice(1)) {
    if (entry.why || !own.answer || entry.contender.compare === false) continue;
    entry.difference = compared(own, entry);
    if (!(entry.difference <= (entry.contender.tolerance ?? tolerance))) {
      entry.why = `its answer differs by ${entry.difference.toPrecision(3)}`;
    }
  }
}

async function measure({ contenders, tolerance, slow }, { threads, budget, least }) {
  const entries = [];
  for (const contender of contenders) entries.push(await openContender(contender, threads));
  try {
    judge(entries, tolerance);
    const able = entries.filter(({ why }) => !why);
    for (const entry of able) {
      entry.settled = slow ? { ms: entry.first }
        : await settle(entry.engine.run, { limit: Math.max(100, budget / 2 / able.length) });
    }
    const programs = able.map(({ engine, settled }) => ({ act: engine.run, ms: settled.ms }));
    const { samples, runs } = await interleave(programs, { budget, least: slow ? 3 : least,
      rest: threads > 1 ? pause : null });
    able.forEach((entry, i) => Object.assign(entry, { samples: samples[i], runs: runs[i] }));
    if (able[0] === entries[0]) entries[0].memory = await entries[0].engine.memory();
    return entries.map(({ engine, answer, contender, ...entry }) => entry);
  } finally {
    for (const { engine } of entries) {
      try {
        await engine?.close();
      } catch { /* an engine that failed cannot always be closed */ }
    }
  }
}

addEventListener('message', async ({ data: { case: what, options } }) => {
  try {
    postMessage({ entries: await measure(what, options) });
  } catch (error) {
    postMessage({ error: text(error) });
  }
});
