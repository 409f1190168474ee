// WebKitGTK by its own WebDriver, on a display of its own: as much of the other driver's pages as the
// package's test asks for.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';

const driver = '/usr/bin/WebKitWebDriver';
const display = '/usr/bin/Xvfb';
const browsers = '/usr/lib';
const startTime = 60000; // ms

const miniBrowser = () => fs.readdirSync(browsers).flatMap((arch) =>
  ['4.1', '4.0'].map((version) => `${browsers}/${arch}/webkit2gtk-${version}/MiniBrowser`))
  .find((file) => fs.existsSync(file));

/** What is not there; '' when everything is. */
export const lack = () => [driver, display].find((file) => !fs.existsSync(file))
  ?? (miniBrowser() ? '' : 'MiniBrowser of webkit2gtk');

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function until(act) {
  for (const end = Date.now() + startTime; ;) {
    try {
      return await act();
    } catch (error) {
      if (Date.now() > end) throw error;
      await pause(100);
    }
  }
}

// The number of a display that the program writes to its third file when it is there.
function openDisplay() {
  const server = spawn(display, ['-displayfd', '3', '-screen', '0', '1280x1024x24', '-nolisten',
    'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  return new Promise((resolve, reject) => {
    server.once('error', reject).once('exit', () => reject(new Error(`${display} ended`)));
    server.stdio[3].once('data', (text) => resolve({ server, name: `:${String(text).trim()}` }));
  });
}

class Page {
  #send;
  #closed;

  constructor(send, closed) {
    this.#send = send;
    this.#closed = closed;
  }

  on() { return this; }

  goto(url) { return this.#send('POST', '/url', { url }); }

  async evaluate(use, argument) {
    const script = `const done = arguments[arguments.length - 1];\n`
      + `Promise.resolve().then(() => (${use})(arguments[0])).then((value) => done({ value }),\n`
      + '  (error) => done({ error: `${error.message}` }));';
    const { value, error } = await this.#send('POST', '/execute/async',
      { script, args: [argument ?? null] });
    if (error !== undefined) throw new Error(error);
    return value ?? undefined;
  }

  waitForFunction(holds) {
    return until(async () => {
      if (!await this.evaluate(`async () => Boolean(await (${holds})())`)) throw new Error('not yet');
    });
  }

  async close() {
    await this.#send('DELETE', '').catch(() => {}); // the session, which is this page's alone
    this.#closed();
  }
}

// The driver takes a number and does not say which it has.
function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  return new Promise((resolve) => {
    server.once('listening', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** { newPage(), close() } */
export async function launch() {
  const { server, name } = await openDisplay();
  const port = await freePort();
  const program = spawn(driver, [`--port=${port}`], { stdio: 'ignore', env: { ...process.env,
    // As Safari has it, where a page is isolated.
    JSC_useSharedArrayBuffer: '1',
    DISPLAY: name, GDK_BACKEND: 'x11', LIBGL_ALWAYS_SOFTWARE: '1', WAYLAND_DISPLAY: '' } });
  const call = async (method, where, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${where}`, { method,
      body: body && JSON.stringify(body), signal: AbortSignal.timeout(60000) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  };
  const open = { capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': {
    binary: miniBrowser(), args: ['--automation'] } } } };
  // One session at a time is all that the driver has.
  let free = Promise.resolve();
  return {
    async newPage() {
      const before = free;
      let closed;
      free = new Promise((resolve) => { closed = resolve; });
      await before;
      const { sessionId } = await until(() => call('POST', '/session', open));
      return new Page((method, where, body) => call(method, `/session/${sessionId}${where}`, body),
        closed);
    },
    async close() {
      program.kill();
      server.kill();
    },
  };
}
