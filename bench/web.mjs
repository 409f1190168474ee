// web.mjs --threads N [--budget MS] [--least ROUNDS] CASES.json RESULT.json: measures cases in Chromium.
//
// The result: { browser, threads, cases: { NAME: [entry of a contender] or { error } } }; an entry has
// label, and samples (ms of a run, by round), runs (of a sample), load, first, difference, or why it
// was not timed.
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { openBrowser } from '../tests/browser/serve.mjs';
import { bundlePeers } from './bundle.mjs';
import { folders } from './places.mjs';
import { serveFolders } from './serve.mjs';

const patience = 300_000; // ms for a case

const { values, positionals: [casesFile, resultFile] } = parseArgs({ allowPositionals: true,
  options: { threads: { type: 'string', default: '1' }, budget: { type: 'string', default: '2000' },
    least: { type: 'string', default: '7' } } });
const { cases } = JSON.parse(fs.readFileSync(casesFile, 'utf8'));
const options = Object.fromEntries(Object.entries(values).map(([key, value]) =>
  [key, Number(value)]));

const page = '<!doctype html><meta charset="utf-8"><title>bench</title>'
  + '<link rel="icon" href="data:,"><script type="module" src="/bench/index.mjs"></script>';

async function openPage(browser, url) {
  const tab = await browser.newPage();
  await tab.goto(url);
  await tab.waitForFunction(() => globalThis.measure);
  return tab;
}

await bundlePeers();
const server = await serveFolders(folders, { '/': page });
const browser = await openBrowser();
const result = { browser: `Chromium ${browser.version()}`, threads: options.threads, cases: {} };
// After each case, too, so that what is there stays there.
const write = () => fs.writeFileSync(resultFile, JSON.stringify(result));
write();
try {
  let tab = await openPage(browser, server.url);
  for (const each of cases) {
    const answer = await tab.evaluate(([what, how, wait]) => globalThis.measure(what, how, wait),
      [each, options, patience]).catch(({ message }) => ({ error: message.split('\n')[0] }));
    if (answer.error) {
      await tab.close().catch(() => {});
      tab = await openPage(browser, server.url);
    }
    result.cases[each.name] = answer.entries ?? { error: answer.error };
    write();
  }
} finally {
  await browser.close();
  server.close();
}
