// The report of an assessment, in Chromium: opened from a file and from a server with a policy.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { root } from '../js/setup.mjs';
import { openBrowser } from './serve.mjs';

const program = process.env.ASHORE_REPORT_SAMPLE
  ?? path.join(root, 'build/tests/assess/report_sample');
const cases = ['dont_port', 'port', 'inconclusive', 'meets', 'nothing', 'hostile', 'huge'];
let browser;
let folder;

before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'report-'));
  execFileSync(program, [folder]);
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  if (folder) fs.rmSync(folder, { recursive: true });
});

/** What use(page) returns, with everything that the page complained of or asked for. */
async function open(name, { width, scheme }, use) {
  const context = await browser.newContext({ viewport: { width, height: 800 },
    colorScheme: scheme });
  const page = await context.newPage();
  const problems = [];
  const url = pathToFileURL(path.join(folder, `${name}.html`)).href;
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => problems.push(message.text()));
  page.on('dialog', (dialog) => { problems.push('a dialog'); dialog.dismiss(); });
  page.on('request', (request) => {
    if (request.url() !== url) problems.push(`asks for ${request.url()}`);
  });
  await page.goto(url);
  try {
    return { result: await use(page), problems };
  } finally {
    await context.close();
  }
}

/** In the page: elements that reach beyond the page and are in no container that scrolls. */
const beyond = () => {
  const wide = document.documentElement.clientWidth;
  const scrolls = (element) => element.closest('.scroll, details:not([open])');
  return [...document.querySelectorAll('body *')].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.right > wide + 1 && !scrolls(element);
  }).map((element) => `${element.tagName} ${element.className.baseVal ?? element.className} `
    + element.textContent.slice(0, 40));
};

/** In the page: labels of segments that are wider than their segment. */
const squeezed = () => [...document.querySelectorAll('text.in')].filter((text) => {
  let box = text;
  while (box.tagName !== 'rect') box = box.previousElementSibling;
  const [inner, outer] = [text, box].map((element) => element.getBoundingClientRect());
  return inner.width > 0 && (inner.left < outer.left - 1 || inner.right > outer.right + 1);
}).map((text) => text.textContent);

for (const name of cases) {
  for (const [width, scheme] of [[1280, 'light'], [642, 'light'], [375, 'light'],
    [375, 'dark'], [320, 'dark']]) {
    test(`${name}, ${width} pixels, ${scheme}`, async () => {
      const { result, problems } = await open(name, { width, scheme }, async (page) => ({
        overflow: await page.evaluate(() => document.documentElement.scrollWidth
          - document.documentElement.clientWidth),
        outside: await page.evaluate(beyond),
        squeezed: await page.evaluate(squeezed),
        opened: await page.evaluate(() => {
          for (const details of document.querySelectorAll('details')) details.open = true;
          return document.documentElement.scrollWidth - document.documentElement.clientWidth;
        }),
      }));
      assert.deepEqual(problems, []);
      assert.equal(result.overflow, 0);
      assert.equal(result.opened, 0);
      assert.deepEqual(result.outside, []);
      assert.deepEqual(result.squeezed, []);
    });
  }
}

for (const name of cases) {
  test(`${name}: headings, landmarks and pictures have their names`, async () => {
    const { result, problems } = await open(name, { width: 1280 }, (page) => page.evaluate(() => {
      const all = (selector) => [...document.querySelectorAll(selector)];
      const named = (e) => e.getAttribute('aria-label')
        || document.getElementById(e.getAttribute('aria-labelledby'))?.textContent;
      return {
        headings: all('h1, h2, h3, h4').map((e) => Number(e.tagName[1])),
        landmarks: ['header', 'nav', 'main', 'footer'].map((e) => all(e).length),
        unnamed: all('section, nav, [role=img], [role=region]').filter((e) => !named(e)).length,
        loose: all('svg').filter((e) => !e.closest('[role=img], [aria-hidden]')).length,
        captions: all('table').filter((e) => !e.caption?.textContent).length,
        lost: all('a').filter((e) => !document.querySelector(e.getAttribute('href'))).length,
        scripts: all('script, img, iframe, link, object, embed, form').length,
      };
    }));
    assert.deepEqual(problems, []);
    const { headings, ...rest } = result;
    assert.equal(headings[0], 1);
    assert.equal(headings.filter((level) => level === 1).length, 1);
    headings.forEach((level, i) => assert.ok(i === 0 || level <= headings[i - 1] + 1));
    assert.deepEqual(rest, { landmarks: [1, 1, 1, 1], unnamed: 0, loose: 0, captions: 0, lost: 0,
      scripts: 0 });
  });
}

// WCAG 2: relative luminance, contrast of text with the nearest ground that is not transparent.
const contrasts = () => {
  const parse = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
  };
  const bad = [];
  const check = (element, ink, paper) => {
    const found = ratio(parse(ink), paper);
    if (found < 4.5) bad.push(`${found.toFixed(2)} ${element.outerHTML.slice(0, 80)}`);
  };
  for (const element of document.querySelectorAll('body *:not(svg, svg *)')) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (own) check(element, getComputedStyle(element).color, ground(element));
  }
  for (const element of document.querySelectorAll('text.tick, text.name')) {
    check(element, getComputedStyle(element).fill, ground(element.closest('div, article')));
  }
  for (const element of document.querySelectorAll('text.in')) {
    let box = element;
    while (box.tagName !== 'rect') box = box.previousElementSibling;
    const fill = getComputedStyle(box).fill;
    if (fill.startsWith('rgb')) check(element, getComputedStyle(element).fill, parse(fill));
  }
  return bad;
};

for (const name of ['dont_port', 'port', 'inconclusive', 'meets']) {
  for (const scheme of ['light', 'dark']) {
    test(`${name}, ${scheme}: text has a contrast of 4.5`, async () => {
      const { result } = await open(name, { width: 1280, scheme },
        (page) => page.evaluate(contrasts));
      assert.deepEqual(result, []);
    });
  }
}

test('the policy of the page forbids scripts and requests', async () => {
  const html = fs.readFileSync(path.join(folder, 'port.html'), 'utf8').replace('<main>',
    '<main><script>document.title = "ran"</script><img src="none.png">');
  fs.writeFileSync(path.join(folder, 'changed.html'), html);
  const { result, problems } = await open('changed', { width: 1280 }, (page) => page.title());
  assert.notEqual(result, 'ran');
  assert.equal(problems.filter((text) => /Content Security Policy/.test(text)).length, 2);
});

for (const name of cases) {
  test(`${name} on paper: details are open, nothing is cut`, async () => {
    const { result, problems } = await open(name, { width: 690 }, async (page) => {
      await page.emulateMedia({ media: 'print' });
      return page.evaluate(() => ({
        nav: getComputedStyle(document.querySelector('nav')).display,
        closed: [...document.querySelectorAll('details')].filter((details) =>
          !details.lastElementChild.checkVisibility({ contentVisibilityAuto: true })).length,
        overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      }));
    });
    assert.deepEqual(problems, []);
    assert.deepEqual(result, { nav: 'none', closed: 0, overflow: 0 });
  });
}
