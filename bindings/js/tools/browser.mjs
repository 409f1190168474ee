// The engine in a browser: a server on loopback, Chromium driven by playwright-core (or Firefox by
// puppeteer-core, where ASHORE_BROWSER is firefox), and a page whose worker does what the tools ask for.
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const packageDir = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const startTime = 60000; // ms for the browser and its page to be there
const silence = 600000; // ms without a sign of the worker, after which it is given up
const grace = 5000; // ms for a browser to end
const look = 2000; // ms between looks for one
const kinds = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Content-Security-Policy': "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; "
    + "worker-src 'self'",
};
const page = '<!doctype html><meta charset="utf-8"><title>ashore</title>'
  + '<script type="module" src="/tools/browser_page.mjs"></script>';

// ---- what has to be there -----------------------------------------------------------------------

const fail = (message) => { throw Object.assign(new Error(message), { exit: 'internal' }); };

/** The first of these packages that is found where the command runs, in NODE_PATH, or beside this one. */
function findDriver(names) {
  const places = [process.cwd(), packageDir, path.join(packageDir, '..', 'npm')];
  for (const place of places) {
    const require = createRequire(path.join(place, 'from-here.js'));
    for (const name of names) {
      try {
        return import(pathToFileURL(require.resolve(name)));
      } catch { /* not here */ }
    }
  }
  return fail(`--target browser needs the npm package ${names[0]}, which is not found from `
    + `here; install it: npm install ${names[0]}`);
}

const isFile = (file) => fs.existsSync(file);

/** The one that a variable names, one that PATH finds, or another that is there. */
function findProgram(variable, names, others, title) {
  const named = process.env[variable];
  if (named) return isFile(named) ? named : fail(`${variable} is '${named}': no such file`);
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean);
  const all = [...names.flatMap((name) => folders.map((folder) => path.join(folder, name))), ...others];
  return all.find(isFile) ?? fail(`--target browser needs ${title}, and none is found; install it `
    + `(Debian: apt-get install ${names[0]}), or name one: ${variable}=/path/to/it`);
}

// { title, program, launch(options), ready(page, how), version(browser) } of each: their drivers differ.
const openers = {
  async chromium() {
    const { default: { chromium } } = await findDriver(['playwright-core', 'playwright']);
    let own = '';
    try {
      own = chromium.executablePath();
    } catch { /* there is none for this system */ }
    return { title: 'Chromium',
      program: findProgram('CHROMIUM', ['chromium', 'chromium-browser', 'google-chrome-stable',
        'google-chrome', 'microsoft-edge'], ['/usr/bin/chromium',
        '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
        '/Applications/Chromium.app/Contents/MacOS/Chromium', own], 'Chromium or Chrome'),
      launch: (options) => chromium.launch({ ...options, args: ['--no-first-run',
        '--disable-background-networking', '--disable-component-update', '--disable-sync',
        '--disable-extensions'] }),
      ready: (tab, how, options) => tab.waitForFunction(how, null, options),
      version: (browser) => browser.version() };
  },
  async firefox() {
    const { default: puppeteer } = await findDriver(['puppeteer-core', 'puppeteer']);
    return { title: 'Firefox',
      program: findProgram('FIREFOX', ['firefox-esr', 'firefox'], ['/usr/bin/firefox-esr',
        '/Applications/Firefox.app/Contents/MacOS/firefox'], 'Firefox'),
      launch: (options) => puppeteer.launch({ ...options, browser: 'firefox' }),
      ready: (tab, how, options) => tab.waitForFunction(how, options),
      version: async (browser) => (await browser.version()).replace(/^\D*/, '') };
  },
};

function openerOf(name) {
  if (!Object.hasOwn(openers, name)) {
    return fail(`ASHORE_BROWSER is '${name}': ${Object.keys(openers).join(' or ')}`);
  }
  return openers[name]();
}

// ---- the server ---------------------------------------------------------------------------------

// Files one after the other, without holding more than one piece.
async function sendFiles(response, files) {
  const size = files.reduce((sum, file) => sum + fs.statSync(file).size, 0);
  response.writeHead(200, { ...headers, 'Content-Type': 'application/octet-stream',
    'Content-Length': size, 'Cache-Control': 'no-store' });
  await pipeline(async function* pieces() {
    for (const file of files) yield* fs.createReadStream(file, { highWaterMark: 2 ** 20 });
  }, response);
}

// Scripts and modules of the package alone, and what is offered.
async function answer(request, response, offers) {
  const name = request.url.split('?')[0];
  // Every worker asks for the same scripts; the browser forgets them when it ends.
  const plain = (status, body = '', type = 'text/html; charset=utf-8') =>
    response.writeHead(status, { ...headers, 'Content-Type': type,
      'Cache-Control': 'max-age=86400' }).end(body);
  if (name === '/') return plain(200, page);
  if (name === '/favicon.ico') return plain(204);
  if (offers.has(name)) return sendFiles(response, offers.get(name)());
  const file = path.join(packageDir, name);
  const known = /^\/(tools\/)?[\w-]+\.(js|mjs|wasm)$/.test(name) && fs.existsSync(file);
  return known ? plain(200, fs.readFileSync(file), kinds[path.extname(name)]) : plain(404);
}

async function startServer(offers) {
  const server = http.createServer((request, response) => {
    // By its own address alone: a page from elsewhere cannot ask under a name that leads here.
    const own = request.headers.host === `127.0.0.1:${server.address()?.port}`;
    if (own) answer(request, response, offers).catch(() => response.destroy());
    else response.writeHead(403).end();
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  return server;
}

// ---- the engine ---------------------------------------------------------------------------------

const revive = ({ message, ...error }) => Object.assign(new Error(message), error);

/** Rejects when the page is lost, or its worker has not been heard of for long. */
function watch(browser, tab) {
  let stop;
  const lost = new Promise((resolve, reject) => {
    const give = (why) => reject(Object.assign(new Error(why), { exit: 'internal' }));
    for (const event of ['crash', 'error']) tab.on(event, () => give('the browser ran out of memory, or its page crashed'));
    browser.on('disconnected', () => give('the browser ended'));
    const timer = setInterval(async () => {
      const idle = await tab.evaluate(() => globalThis.idle()).catch(() => 0);
      if (idle > silence) give(`the browser has not answered for ${silence / 1000} s`);
    }, look);
    stop = () => clearInterval(timer);
  });
  lost.catch(() => {}); // reported by the call that awaits it
  return { lost, stop };
}

// A signal ends the browser in order, so that it takes its files along, and then the tool, which
// has nothing to say of calls that fail on the way: ended() is true by then.
function endOnSignals(close) {
  const signals = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 };
  let ending = false;
  const handlers = Object.entries(signals).map(([name, number]) => {
    const handle = () => {
      ending = true;
      setTimeout(() => process.exit(128 + number), grace).unref();
      close().finally(() => process.exit(128 + number));
    };
    process.once(name, handle);
    return () => process.off(name, handle);
  });
  return { off: () => handlers.forEach((off) => off()), ended: () => ending };
}

const never = () => new Promise(() => {});

// The most memory that the page's process has held; null where the system does not say.
async function peakOf(browser) {
  try {
    const session = await browser.newBrowserCDPSession();
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    const peaks = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) =>
      Number(/^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${id}/status`, 'utf8'))[1]));
    return peaks.length ? 1024 * Math.max(...peaks) : null;
  } catch {
    return null;
  }
}

/** Starts a browser. { name, offer(files), withdraw(url), call(method, ...args), peak(), close() }:
 *  offer gives the URL at which files() can be fetched, one after the other; methods are those of
 *  browser_worker.mjs. close() leaves nothing behind. */
export async function openEngine() {
  const opener = await openerOf(process.env.ASHORE_BROWSER || 'chromium');
  const executablePath = opener.program;
  const offers = new Map();
  const server = await startServer(offers);
  const stopServer = () => {
    server.close();
    server.closeAllConnections();
  };
  // A browser that is ended while it starts leaves files in its folder for temporary ones.
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-'));
  const clean = () => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  let launching;
  let browser;
  const { off, ended } = endOnSignals(async () => {
    await (await launching)?.close();
    clean();
  });
  try {
    launching = opener.launch({ executablePath, headless: true, timeout: startTime,
      env: { ...process.env, TMPDIR: folder }, handleSIGINT: false, handleSIGTERM: false,
      handleSIGHUP: false });
    browser = await launching;
    process.once('exit', clean); // after the driver's own, which ends the browser
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${server.address().port}/`, { timeout: startTime });
    await opener.ready(tab, () => globalThis.call, { timeout: startTime });
    const version = await opener.version(browser);
    const { lost, stop } = watch(browser, tab);
    let last = 0;
    return {
      name: `${opener.title} ${version}`,
      offer(files) {
        const url = `/data/${++last}`;
        offers.set(url, files);
        return url;
      },
      withdraw: (url) => offers.delete(url),
      async call(method, ...args) {
        const answered = tab.evaluate(([name, given]) => globalThis.call(name, given),
          [method, args]);
        const { result, error } = await Promise.race([answered, lost]).catch((why) => {
          if (ended()) return never();
          throw why;
        });
        if (error) throw revive(error);
        return result;
      },
      peak: () => peakOf(browser),
      async close() {
        stop();
        off();
        await browser.close();
        stopServer();
        clean();
      },
    };
  } catch (error) {
    if (ended()) return never();
    off();
    await browser?.close();
    stopServer();
    clean();
    const [why] = error.message.split('\n');
    throw Object.assign(new Error(`${executablePath} cannot be used: ${why}`),
      { exit: 'internal' });
  }
}
