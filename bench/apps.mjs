// The same program as a page of `ashore app`: what its visits are, with a snapshot of Python and without.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { root } from '../tests/js/setup.mjs';
import { home } from './places.mjs';

const program = process.env.ASHORE ?? path.join(root, 'build/ashore');

const source = ({ file, feeds: [{ name, base64 }] }) => {
  const bytes = Buffer.from(base64, 'base64');
  const row = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  return `import onnxruntime
session = onnxruntime.InferenceSession("${file}")
print("ready")
outputs = session.run(None, {"${name}": [[${[...row]}]]})
print("answer", *(float(value) for output in outputs for value in output.reshape(-1).tolist()))
`;
};

// Runs in the page: times of the stages that it shows, and of what the program prints.
function watch() {
  const names = { Engine: 'python', Packages: 'engine' };
  const marks = {};
  new MutationObserver(() => {
    const stage = document.querySelector('[aria-current]')?.textContent.split(' ')[0];
    if (names[stage]) marks[names[stage]] ??= performance.now();
    const text = document.getElementById('console')?.textContent ?? '';
    if (text.includes('ready\n')) marks.ready ??= performance.now();
    const answer = /answer (.*)\n/.exec(text);
    if (answer) marks.answer ??= performance.now();
    const { state, snapshot } = document.documentElement.dataset;
    if (state === 'failed') {
      globalThis.found ??= { why: document.getElementById('failure').textContent };
    } else if (state) {
      globalThis.found ??= { marks, snapshot, data: answer[1].split(' ').map(Number) };
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
}

const isSettled = () => ['kept', 'used', 'none'].includes(document.documentElement.dataset.snapshot);

const run = (...args) => spawnSync(program, args, { encoding: 'utf8' });

/** Writes the pages into a folder: { pages, folders, visits: { WAY: [address, options of a visit] },
 *  missing: { WAY: why } }. */
export function writeApps(folder, given) {
  const found = { pages: {}, folders: {}, visits: {}, missing: {} };
  const help = run('app', '--help');
  if (help.error) {
    found.missing.app = help.error.message;
    return found;
  }
  fs.mkdirSync(folder, { recursive: true });
  const entry = path.join(folder, 'app.py');
  fs.writeFileSync(entry, source(given));
  fs.copyFileSync(path.join(home, 'pages', given.file), path.join(folder, given.file));
  const canKeep = help.stdout.includes('--no-snapshot');
  const kinds = { app: canKeep ? ['--no-snapshot'] : [], ...(canKeep && { snapshot: [] }) };
  if (!canKeep) found.missing.snapshot = 'this program writes pages without snapshots';
  for (const [way, options] of Object.entries(kinds)) {
    const to = path.join(folder, way);
    const { status, stderr } = run('app', entry, '-o', to, ...options);
    if (status !== 0) {
      found.missing[way] = stderr.trim().split('\n').pop();
      continue;
    }
    found.pages[`/${way}/`] = fs.readFileSync(path.join(to, 'index.html'));
    found.folders[way] = to;
    found.visits[way] = [`/${way}/`, { init: watch, ...(way === 'snapshot' && { settled: isSettled }) }];
  }
  return found;
}
