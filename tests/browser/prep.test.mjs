// Everything that shows a picture or holds sound in a browser, as a tensor; and boxes on a canvas.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import zlib from 'node:zlib';
import { packageDir } from '../js/setup.mjs';
import { browserName, openBrowser, openPage, serve } from './serve.mjs';

// A PNG of 64 x 48 pixels: red, green, blue and white quarters.
function png() {
  const crcTable = Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    return n >>> 0;
  });
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    let crc = 0xffffffff;
    for (const byte of body) crc = crcTable[(crc ^ byte) & 255] ^ (crc >>> 8);
    const out = Buffer.alloc(data.length + 12);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE((crc ^ 0xffffffff) >>> 0, data.length + 8);
    return out;
  };
  const rows = Buffer.alloc(48 * 193);
  for (let y = 0; y < 48; y++) {
    for (let x = 0; x < 64; x++) {
      const quarter = (x >= 32 ? 1 : 0) + (y >= 24 ? 2 : 0);
      const color = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]][quarter];
      rows.set(color, y * 193 + 1 + 3 * x);
    }
  }
  const head = Buffer.from([0, 0, 0, 64, 0, 0, 0, 48, 8, 2, 0, 0, 0]);
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head),
    chunk('IDAT', zlib.deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

const files = {
  '/index.html': '<!doctype html><title>test</title><link rel="stylesheet" href="/page.css">'
    + '<script type="module" src="/page.js"></script><img id="quarters" src="/quarters.png">'
    + '<canvas id="large" width="2000" height="1500"></canvas>'
    + '<canvas id="dark" width="2000" height="1500"></canvas>',
  '/page.css': 'body { margin: 0 } #large, #dark { width: 360px; display: block }',
  '/page.js': "import * as prep from '/ashore/prep.js';\n"
    + "import { Tensor } from '/ashore/ashore.js';\nObject.assign(globalThis, { prep, Tensor });\n",
  '/in_worker.js': "import { openPrep } from '/ashore/prep.js';\n"
    + 'onmessage = async ({ data }) => {\n'
    + '  const prep = await openPrep();\n'
    + '  const x = await prep.image(data, { width: 2, height: 2, type: "uint8", layout: "NHWC" });\n'
    + '  const sound = await prep.sound(new Blob(["x"])).catch(({ code }) => code);\n'
    + '  postMessage({ data: [...x.data], sound });\n};\n',
  '/quarters.png': png(),
};
const quarters = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
let browser;
let server;
let foreign;

before(async () => {
  browser = await openBrowser();
  server = await serve({ files, folders: { ashore: packageDir }, isolated: false });
  foreign = await serve({ files, isolated: false });
});
after(async () => {
  await browser?.close();
  server?.close();
  foreign?.close();
});

async function inPage(use, argument) {
  const { page, problems } = await openPage(browser, server.url);
  try {
    await page.waitForFunction(() => globalThis.prep);
    const result = await page.evaluate(use, argument);
    return { result, problems, page };
  } finally {
    await page.close();
  }
}

const near = (found, wanted, most = 0) => {
  assert.equal(found.length, wanted.length);
  found.forEach((v, i) => assert.ok(Math.abs(v - wanted[i]) <= most, `${found} is not ${wanted}`));
};

test('every source of pictures gives the same tensor', async () => {
  const { result, problems } = await inPage(async () => {
    const { openPrep } = globalThis.prep;
    const prep = await openPrep();
    const image = document.getElementById('quarters');
    const found = {};
    const options = { width: 2, height: 2, type: 'uint8', layout: 'NHWC' };
    const take = async (name, source) => {
      const x = await prep.image(source, options);
      found[name] = { data: [...x.data], from: [x.placements[0].width, x.placements[0].height] };
      if (!(source instanceof Blob)) {
        const again = prep.imageSync(source, options).data;
        if (`${again}` !== `${x.data}`) throw new Error(`${name}: ${again}`);
      }
    };
    await image.decode();
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 48 });
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const blob = await new Promise((resolve) => { canvas.toBlob(resolve); });
    const offscreen = new OffscreenCanvas(64, 48);
    offscreen.getContext('2d').drawImage(image, 0, 0);
    const video = Object.assign(document.createElement('video'), { muted: true });
    video.srcObject = canvas.captureStream(30);
    const drawing = setInterval(() => context.drawImage(image, 0, 0), 20);
    await video.play();
    const frame = new VideoFrame(canvas, { timestamp: 0 });
    const gl = Object.assign(document.createElement('canvas'), { width: 64, height: 48 });
    gl.getContext('bitmaprenderer').transferFromImageBitmap(await createImageBitmap(image));
    const loading = Object.assign(new Image(), { src: '/quarters.png?again' });
    for (const [name, source] of Object.entries({ image, loading, canvas, offscreen, video, frame, gl,
      blob, file: new File([blob], 'quarters.png'), bitmap: await createImageBitmap(image),
      imageData: context.getImageData(0, 0, 64, 48) })) await take(name, source);
    clearInterval(drawing);
    frame.close();
    prep.close();
    return found;
  });
  assert.deepEqual(problems, []);
  for (const [name, { data, from }] of Object.entries(result)) {
    assert.deepEqual(from, [64, 48], name);
    near(data, quarters, ['video', 'frame'].includes(name) ? 8 : 0); // these go through YUV
  }
  assert.equal(Object.keys(result).length, 11);
});

test('files lie as they are shown, and what is transparent lies over a background', async () => {
  const { result } = await inPage(async () => {
    const { openPrep } = globalThis.prep;
    const prep = await openPrep();
    const image = document.getElementById('quarters');
    await image.decode();
    const canvas = new OffscreenCanvas(64, 48);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const plain = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/jpeg', quality: 1 }))
      .arrayBuffer());
    // EXIF behind the first header, of 18 bytes: to be turned by a quarter, clockwise.
    const exif = [0xff, 0xe1, 0, 34, 69, 120, 105, 102, 0, 0, 77, 77, 0, 42, 0, 0, 0, 8, 0, 1, 1, 18, 0,
      3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
    const turned = new Blob([plain.slice(0, 20), Uint8Array.from(exif), plain.slice(20)],
      { type: 'image/jpeg' });
    const x = await prep.image(turned, { width: 2, height: 2, type: 'uint8', layout: 'NHWC' });
    context.clearRect(0, 0, 64, 48);
    context.fillStyle = 'rgb(255 0 0 / 50%)';
    context.fillRect(0, 0, 64, 48);
    const one = { width: 1, height: 1, layout: 'NHWC' };
    const white = [...prep.imageSync(canvas, one).data];
    const black = [...prep.imageSync(canvas, { ...one, background: 0 }).data];
    context.clearRect(0, 0, 64, 48); // the canvas between is not the one before
    const clear = [...prep.imageSync(canvas, one).data];
    return { turned: [...x.data], from: x.placements[0], white, black, clear };
  });
  assert.deepEqual([result.from.width, result.from.height], [48, 64]);
  near(result.turned, [0, 0, 255, 255, 0, 0, 255, 255, 255, 0, 255, 0], 6);
  near(result.white, [255, 127, 127], 1.5);
  near(result.black, [128, 0, 0], 1.5);
  near(result.clear, [255, 255, 255], 1e-3);
});

test('what cannot be read says why, and the next picture works', async () => {
  const { result } = await inPage(async () => {
    const { openPrep } = globalThis.prep;
    const prep = await openPrep();
    const failure = async (work) => {
      try {
        return `gave ${await work()}`;
      } catch ({ name, code, message }) {
        return `${name} ${code}: ${message}`;
      }
    };
    const image = document.getElementById('quarters');
    await image.decode();
    const tainted = document.createElement('canvas');
    const found = [];
    for (const source of [new Blob(['no picture'], { type: 'image/png' }), new Image(),
      Object.assign(new Image(), { src: '/nothing.png' }), document.createElement('video'),
      Object.assign(tainted, { width: 0 }), document.body, 7]) {
      found.push(await failure(() => prep.image(source)));
    }
    found.push(await failure(() => prep.sound(new Blob(['no sound']))));
    const x = await prep.image(image, { width: 2, height: 2, type: 'uint8', layout: 'NHWC' });
    return { found, x: [...x.data] };
  });
  const wanted = [/ERR_FORMAT: .*image\/png, 10 bytes.* no picture/, /ERR_(ARGUMENT|IO): .*(decode|loaded)/,
    /ERR_IO: .*nothing\.png cannot be decoded/, /ERR_ARGUMENT: .*no frame yet.*loadeddata/,
    /ERR_ARGUMENT: .*HTMLCanvasElement of 0 x/, /ERR_ARGUMENT: HTMLBodyElement is no picture/,
    /ERR_ARGUMENT: Number is no picture/, /ERR_FORMAT: .*8 bytes.* no sound/];
  result.found.forEach((text, i) => {
    assert.match(text, /^AshoreError /);
    assert.match(text, wanted[i]);
  });
  assert.deepEqual(result.x, quarters);
});

test('a picture of another origin that does not allow it', async (t) => {
  if (browserName !== 'chromium') {
    t.skip("the driver cannot lift the page's policy");
    return;
  }
  // Without the policy, which would not let the picture be shown at all.
  const page = await browser.newPage({ bypassCSP: true });
  try {
    await page.goto(server.url);
    await page.waitForFunction(() => globalThis.prep);
    const result = await page.evaluate(async (src) => {
      const prep = await globalThis.prep.openPrep();
      const image = Object.assign(new Image(), { src });
      await image.decode();
      const failed = await prep.image(image).then(String, ({ code, message }) => `${code} ${message}`);
      const own = new OffscreenCanvas(64, 48);
      Object.assign(own.getContext('2d'), { fillStyle: 'rgb(1 2 3)' }).fillRect(0, 0, 64, 48);
      return { failed, next: [...prep.imageSync(own, { width: 1, height: 1 }).data] };
    }, `${foreign.url}quarters.png`);
    assert.match(result.failed, /^ERR_IO .*another origin.*Access-Control-Allow-Origin.*crossorigin/);
    near(result.next, [1, 2, 3], 1e-3);
  } finally {
    await page.close();
  }
});

test('in a worker', async () => {
  const { result } = await inPage(async () => {
    const blob = await (await fetch('/quarters.png')).blob();
    const worker = new Worker('/in_worker.js', { type: 'module' });
    worker.postMessage(blob);
    const { data } = await new Promise((resolve) => { worker.onmessage = resolve; });
    worker.terminate();
    return data;
  });
  assert.deepEqual(result.data, quarters);
  assert.equal(result.sound, 'ERR_UNSUPPORTED');
});

test('sound from a buffer and from a file', async () => {
  const { result } = await inPage(async () => {
    const prep = await globalThis.prep.openPrep();
    const rate = 22050;
    const samples = Int16Array.from({ length: rate },
      (_, i) => 12000 * Math.sin(2 * Math.PI * 440 * i / rate));
    const head = new DataView(new ArrayBuffer(44));
    const text = (at, name) => [...name].forEach((c, i) => head.setUint8(at + i, c.charCodeAt(0)));
    text(0, 'RIFF');
    head.setUint32(4, 36 + samples.byteLength, true);
    text(8, 'WAVEfmt ');
    [[16, 16], [24, rate], [28, 2 * rate], [40, samples.byteLength]].forEach(([at, v]) =>
      head.setUint32(at, v, true));
    [[20, 1], [22, 1], [32, 2], [34, 16]].forEach(([at, v]) => head.setUint16(at, v, true));
    text(36, 'data');
    const file = await prep.sound(new Blob([head, samples], { type: 'audio/wav' }));
    const own = await prep.sound({ data: samples, sampleRate: rate });
    const context = new OfflineAudioContext(2, 100, 8000);
    const buffer = context.createBuffer(2, 100, 8000);
    buffer.getChannelData(0).fill(0.5);
    const mean = prep.soundSync(buffer, { rate: 8000 });
    return { dims: file.dims, mean: [mean.dims[1], mean.data[0], mean.data[99]],
      most: Math.max(...file.data.map((v, i) => Math.abs(v - own.data[i]))) };
  });
  assert.deepEqual(result.dims, [1, 16000]);
  assert.ok(result.most < 1e-4, `${result.most}`);
  assert.deepEqual(result.mean, [100, 0.25, 0.25]);
});

test('boxes are seen on light and on dark, at the size at which the canvas is shown', async () => {
  const { page, problems } = await openPage(browser, server.url);
  try {
    await page.setViewportSize({ width: 360, height: 640 });
    await page.waitForFunction(() => globalThis.prep);
    const result = await page.evaluate(() => {
      const { drawDetections } = globalThis.prep;
      const found = ['dog', 'bicycle', 'person', 'a label that is long'].map((label, i) => ({ label,
        index: i, score: 0.9 - i / 10, box: [100 + 450 * i, 20 + 300 * i, 600 + 450 * i, 500 + 300 * i] }));
      return Object.fromEntries(['large', 'dark'].map((id) => {
        const canvas = document.getElementById(id);
        const context = canvas.getContext('2d');
        context.fillStyle = id === 'dark' ? '#000' : '#fff';
        context.fillRect(0, 0, 2000, 1500);
        drawDetections(canvas, found);
        // Across the left side of the first box: how far what is drawn differs from what is behind.
        const { data } = context.getImageData(60, 300, 80, 1);
        const behind = id === 'dark' ? 0 : 255;
        const drawn = Array.from({ length: 80 }, (_, i) =>
          Math.max(...[0, 1, 2].map((c) => Math.abs(data[4 * i + c] - behind))));
        return [id, drawn.filter((v) => v > 100).length];
      }));
    });
    assert.deepEqual(problems, []);
    // Two CSS pixels are 11 of the canvas.
    for (const wide of Object.values(result)) assert.ok(wide >= 10 && wide <= 24, `${wide}`);
    if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
  } finally {
    await page.close();
  }
});
