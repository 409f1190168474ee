// Visits of pages that set globalThis.found when they are done, by a browser that has nothing of them.
import fs from 'node:fs';
import { openBrowser } from '../tests/browser/serve.mjs';

const patience = 120_000; // ms for a visit

const isDone = (tab) => tab.waitForFunction(() => globalThis.found, null,
  { timeout: patience, polling: 20 });

/** One visit: what the page has found, with { requests, bytes } of the server; { why } where it failed.
 *  init: a function that the page runs first; settled: one that is true in the page when it may be
 *  closed. */
export async function visit(context, server, address, { init, settled } = {}) {
  server.count();
  const tab = await context.newPage();
  try {
    if (init) await tab.addInitScript(init);
    await tab.goto(server.url + address);
    await isDone(tab);
    const found = await tab.evaluate(() => globalThis.found);
    const counted = server.count();
    if (settled) await tab.waitForFunction(settled, null, { timeout: patience }).catch(() => {});
    return { ...found, ...counted };
  } catch (error) {
    return { why: error.message.split('\n')[0] };
  } finally {
    await tab.close();
  }
}

/** A first visit, in a context of its own with an empty cache, and a second one in it. */
export async function sample(browser, server, address, options) {
  const context = await browser.newContext();
  try {
    return { first: await visit(context, server, address, options),
      second: await visit(context, server, address, options) };
  } finally {
    await context.close();
  }
}

/** The most memory that a process of pages has held, of a browser that has seen one page.  isEmpty: of
 *  one without a script. */
export async function peak(server, address, isEmpty) {
  const browser = await openBrowser();
  try {
    const tab = await (await browser.newContext()).newPage();
    await tab.goto(server.url + address);
    if (!isEmpty) await isDone(tab);
    const session = await browser.newBrowserCDPSession();
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    const most = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => {
      const text = fs.readFileSync(`/proc/${id}/status`, 'utf8');
      return 1024 * Number(/VmHWM:\s*(\d+)/.exec(text)[1]);
    });
    return Math.max(...most);
  } finally {
    await browser.close();
  }
}
