// Browsers of the system: Chromium and Firefox, driven by the playwright-core of build/npm or of
// NODE_PATH, and WebKitGTK.  BROWSER names the one to use; Chromium by default.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { findPackage } from '../js/setup.mjs';
import { lack as lackOfWebKit, launch as launchWebKit } from './webkit.mjs';

export const browserName = process.env.BROWSER ?? 'chromium';

const driver = () => {
  const folder = findPackage('playwright-core');
  const require = createRequire(import.meta.url);
  return { require: (name) => require(path.join(folder, name)), ...require(folder) };
};

const programs = { chromium: process.env.CHROMIUM ?? '/usr/bin/chromium',
  firefox: process.env.FIREFOX ?? '/usr/bin/firefox-esr' };

/** The file that is not there for a browser to be used; '' when it can be. */
export const lack = (name) => (name === 'webkit' ? lackOfWebKit()
  : fs.existsSync(programs[name] ?? name) ? '' : programs[name] ?? name);

// What the driver switches off itself, which a later list replaces, and popups of the address bar, for
// which each window of a headless Chromium starts two processes.
const switchedOff = ['AvoidUnnecessaryBeforeUnloadCheckSync', 'DestroyProfileOnBrowserClose',
  'HttpsUpgrades', 'HttpsFirstBalancedModeAutoEnable', 'LensOverlay', 'MediaRouter', 'PaintHolding',
  'ThirdPartyStoragePartitioning', 'AvoidCorsURLLoaderRestartOnRedirect', 'OptimizationHints',
  'NetworkTimeServiceQuerying', 'AimEnabled', 'PreconnectToSearch',
  'WebUIOmniboxPopup', 'WebUIOmniboxAimPopup', 'WebUIOmniboxFullPopup'];

const ofChromium = (args) => ({
  executablePath: programs.chromium,
  headless: true, args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
    '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', `--disable-features=${switchedOff}`, ...args] });

// The driver of Firefox writes behind what a field for a number holds, and by a script: no event says
// at the end that the field has changed, as it does when somebody types.
async function fillAsTyped(browser) {
  const page = await browser.newPage();
  const locators = Object.getPrototypeOf(page.locator('html'));
  await page.close();
  const { fill } = locators;
  if (fill.types) return browser;
  locators.fill = async function fillAnew(value, options) {
    await this.evaluate((element, empty) => {
      const tell = () => element.dispatchEvent(new Event('change', { bubbles: true }));
      element.addEventListener('blur', tell, { once: true, capture: true });
      element.addEventListener('change', () => element.removeEventListener('blur', tell, true),
        { once: true });
      if (element.type !== 'number') return;
      element.value = '';
      if (empty) element.dispatchEvent(new Event('input', { bubbles: true }));
    }, value === '');
    return fill.call(this, value, options);
  };
  locators.fill.types = true;
  return browser;
}

const launchers = {
  webkit: launchWebKit,
  chromium: (args) => driver().chromium.launch(ofChromium(args)),
  // Over WebDriver BiDi.  The driver asks for colours that pages are to prefer, which this Firefox
  // does not know yet: it is told that they are set.
  firefox: async (args) => {
    const { firefox, require } = driver();
    const { ws } = require('lib/utilsBundle.js');
    const { send } = ws.prototype;
    ws.prototype.send = function sendKnown(text, ...rest) {
      const { id, method } = JSON.parse(text);
      if (method !== 'emulation.setMediaFeaturesOverride') return send.call(this, text, ...rest);
      const answer = Buffer.from(JSON.stringify({ id, type: 'success', result: {} }));
      return setImmediate(() => this.emit('message', answer, false));
    };
    const fake = args.some((name) => name.startsWith('--use-fake-device'));
    return fillAsTyped(await firefox.launch({ channel: 'moz-firefox', headless: true,
      executablePath: programs.firefox,
      firefoxUserPrefs: fake ? { 'media.navigator.streams.fake': true,
        'media.navigator.permission.disabled': true } : {} }));
  },
};

// A busy machine takes its time: what never happens ends a wait.
const patience = 120000;
function patient(browser) {
  for (const name of ['newContext', 'newPage']) {
    const make = browser[name];
    browser[name] = async function makePatient(...given) {
      const made = await make.apply(this, given);
      made.setDefaultTimeout(patience);
      return made;
    };
  }
  return browser;
}

/** args: of Chromium's command line, of which Firefox knows the fake devices. */
export async function openBrowser(...args) {
  if (!launchers[browserName]) {
    throw new Error(`BROWSER is ${browserName}, not ${Object.keys(launchers).join(' or ')}`);
  }
  const browser = await launchers[browserName](args);
  return browserName === 'webkit' ? browser : patient(browser); // that has a patience of its own
}

/** Chromium with a profile of its own, which extensions need. */
export async function openProfile(folder, ...args) {
  const context = await driver().chromium.launchPersistentContext(folder,
    { ...ofChromium(args), ignoreDefaultArgs: ['--disable-extensions'] });
  context.setDefaultTimeout(patience);
  return context;
}

/** A page whose console errors and failures are collected in `problems`. */
export async function openPage(browser, url) {
  const page = await browser.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  await page.goto(url);
  return { page, problems };
}

/** Makes recorders of a page hand on what they have ten times a second; what is returned waits for a few
 *  pieces with something in them. */
export async function recordsPieces(page) {
  await page.evaluate(() => {
    const { start } = MediaRecorder.prototype;
    MediaRecorder.prototype.start = function startInPieces() {
      globalThis.pieces = 0;
      this.addEventListener('dataavailable', ({ data }) => { globalThis.pieces += data.size > 0; });
      return start.call(this, 100);
    };
  });
  return () => page.waitForFunction(() => globalThis.pieces > 5);
}

/** The bytes of a file that a page hands out when `act` is done to it. */
export async function savedBy(page, act) {
  if (browserName === 'chromium') {
    const [download] = await Promise.all([page.waitForEvent('download'), act()]);
    return fs.readFileSync(await download.path());
  }
  // The driver of Firefox does not tell of downloads: what the page makes a link of is caught.
  await page.evaluate(() => {
    globalThis.caught = new Promise((resolve) => {
      const make = URL.createObjectURL;
      URL.createObjectURL = (blob) => {
        URL.createObjectURL = make;
        resolve(blob.arrayBuffer().then((bytes) => [...new Uint8Array(bytes)]));
        return make.call(URL, blob);
      };
      addEventListener('click', function stay(event) {
        if (!event.target.closest('a[download]')) return;
        event.preventDefault();
        removeEventListener('click', stay, true);
      }, true);
    });
  });
  await act();
  return Buffer.from(await page.evaluate(() => globalThis.caught));
}

const readProc = (id, name) => {
  try {
    return fs.readFileSync(`/proc/${id}/${name}`, 'latin1');
  } catch {
    return ''; // it has ended
  }
};

/** Bytes that the processes below this one hold for themselves. */
export function memoryOfBrowsers() {
  const parents = new Map(fs.readdirSync('/proc').filter((id) => /^\d+$/.test(id)).map((id) =>
    [id, readProc(id, 'stat').replace(/.*\) /s, '').split(' ')[1]]));
  const isBelow = (id) => id === String(process.pid) || (parents.has(id) && isBelow(parents.get(id)));
  const held = (id) => Number(/^RssAnon:\s+(\d+) kB/m.exec(readProc(id, 'status'))?.[1] ?? 0);
  return [...parents.keys()].filter((id) => id !== String(process.pid) && isBelow(id))
    .reduce((sum, id) => sum + 1024 * held(id), 0);
}
