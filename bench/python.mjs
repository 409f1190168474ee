// python.mjs [--samples N] [--rounds N] [--parts start,runs] [--wheels DIR] RESULT.json: models in Python
// in pages, and without Python.
//
// start: the forest, from the navigation to the first answer, by a visitor who comes for the first time
// and once more; from a host that compresses and lets all but the page be cached, at the speed of this
// machine, and a first visit at that of a mobile network.  runs: blocks of runs of every model, the ways
// in turn.
//
// { browser, ways, missing, start: { WAY: [{ first, second }] }, mobile: { WAY: visit },
//   runs: { CASE: { WAY: { samples: ms of a run by round, runs, traffic of one run } or { why } } } }; a
// visit is { marks: { python, engine, ready, answer }, requests, bytes }, marks in ms from the
// navigation on.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openBrowser } from '../tests/browser/serve.mjs';
import { findPackage, packageDir, root } from '../tests/js/setup.mjs';
import { writeApps } from './apps.mjs';
import { folders as known, home } from './places.mjs';
import { check, inTurn } from './rounds.mjs';
import { serveFolders } from './serve.mjs';
import { sample, visit } from './visits.mjs';

const mobile = { rate: 10e6 / 8, latency: 40 };
const { values, positionals: [resultFile] } = parseArgs({ allowPositionals: true, options: {
  samples: { type: 'string', default: '5' }, rounds: { type: 'string', default: '11' },
  parts: { type: 'string', default: 'start,runs' }, wheels: { type: 'string' } } });
const place = path.join(home, 'pages');
const { cases } = JSON.parse(fs.readFileSync(path.join(place, 'cases.json'), 'utf8'));
const wheels = values.wheels ? fs.readdirSync(values.wheels).filter((name) =>
  /^numpy-.*\.whl$/.test(name)).map((name) => `/wheels/${name}`) : [];
if (values.wheels && !wheels.length) throw new Error(`${values.wheels} has no wheel of numpy`);

// Of the ways to run a model: what openWay() of the page takes.
const ways = {
  'python-1': ['engine', { threads: 1 }],
  'python-n': ['engine', {}],
  plain: ['plain', {}],
  ...(wheels.length && { numpy: ['with_numpy', { wheels }] }),
  'javascript-1': ['javascript', { threads: 1 }],
  'javascript-n': ['javascript', {}],
  'inline-1': ['javascript', { threads: 1, shell: 'inline' }],
};
const starting = ['python-1', 'plain', 'numpy', 'javascript-1'].filter((way) => way in ways);
const has = (way, { parameters }) => parameters || !['plain', 'numpy'].includes(way);

const html = (code) => `<!doctype html><meta charset="utf-8"><title>bench</title>
<link rel="icon" href="data:,"><script type="module">
import { openWay, start } from '/bench/python.mjs';
try {
${code}
} catch (error) {
  globalThis.found = { why: error.message };
}
</script>`;
const args = (way) => ways[way].map((each) => JSON.stringify(each)).join(', ');
const apps = writeApps(path.join(place, 'apps'), cases[0]);
const pages = {
  ...Object.fromEntries(starting.map((way) => [`/start-${way}`,
    html(`globalThis.found = await start(${args(way)}, ${JSON.stringify(cases[0])});`)])),
  ...Object.fromEntries(Object.keys(ways).map((way) => [`/runs-${way}`,
    html(`globalThis.way = openWay(${args(way)});
globalThis.found = { missing: await globalThis.way.boot() };`)])),
  ...apps.pages,
};
const folders = { bench: known.bench, 'bench-python': path.join(root, 'bench/python'),
  ashore: packageDir, pyodide: findPackage('pyodide'), cases: place, ...apps.folders,
  ...(values.wheels && { wheels: path.resolve(values.wheels) }) };

async function alone(browser, server, address, options) {
  const context = await browser.newContext();
  try {
    return await visit(context, server, address, options);
  } finally {
    await context.close();
  }
}

async function measureStart(browser, found) {
  const visits = { ...Object.fromEntries(starting.map((way) => [way, [`/start-${way}`, {}]])),
    ...apps.visits };
  const limits = { host: true };
  found.start = Object.fromEntries(Object.keys(visits).map((way) => [way, []]));
  found.mobile = {};
  const server = await serveFolders(folders, pages, limits);
  // What the server compresses, it keeps: nobody is to wait for that.
  for (const each of Object.values(visits)) await alone(browser, server, ...each);
  for (let i = 0; i < Number(values.samples); i++) {
    for (const [way, [address, options]] of Object.entries(visits)) {
      found.start[way].push(await sample(browser, server, address, options));
    }
  }
  server.close();
  const slow = await serveFolders(folders, pages, { ...limits, ...mobile });
  for (const [way, [address, options]] of Object.entries(visits)) {
    found.mobile[way] = await alone(browser, slow, address, { ...options, settled: undefined });
  }
  slow.close();
  for (const each of [...Object.values(found.start).flat().flatMap(Object.values),
    ...Object.values(found.mobile)]) check(each, cases[0]);
}

async function openTabs(browser, server, found) {
  const tabs = {};
  for (const way of Object.keys(ways)) {
    const tab = await browser.newPage();
    await tab.goto(`${server.url}/runs-${way}`);
    await tab.waitForFunction(() => globalThis.found, null, { timeout: 120_000 });
    const { why, missing } = await tab.evaluate(() => globalThis.found);
    if (why) found.missing[way] = why;
    else tabs[way] = tab;
    for (const each of missing ?? []) found.missing[way] = `${each.feature}: ${each.why}`;
  }
  return tabs;
}

async function measureRuns(browser, found) {
  const server = await serveFolders(folders, pages, { host: true });
  const tabs = await openTabs(browser, server, found);
  found.runs = {};
  for (const each of cases) {
    const contenders = Object.entries(tabs).filter(([way]) => has(way, each));
    found.runs[each.name] = await inTurn(contenders, each, Number(values.rounds));
  }
  server.close();
}

const browser = await openBrowser();
await browser.newPage(); // the browser ends with its last page
const found = { browser: `Chromium ${browser.version()}`, missing: apps.missing, wheels };
try {
  if (values.parts.includes('start')) await measureStart(browser, found);
  if (values.parts.includes('runs')) await measureRuns(browser, found);
} finally {
  await browser.close();
}
fs.writeFileSync(resultFile, JSON.stringify(found));
