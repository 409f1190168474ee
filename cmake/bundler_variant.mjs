// bundler_variant.mjs SOURCES PACKAGE ESBUILD NAME...: what bundlers take in the place of ashore.js and
// of the entries beside it, by the condition `module` of package.json: NAME.module.js each, with what
// they share in a file of its own.  It is the same code, not minified, and nothing in it does anything
// when it is imported, so that what a program does not use is dropped.  Workers are files of their own,
// without a way back: bundlers follow each `new Worker(new URL(...))` as it is written, and fail where a
// file leads to itself.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const [sources, home, bundler, ...names] = process.argv.slice(2);
const { build } = createRequire(import.meta.url)(bundler);
const entry = (name) => [path.join(sources, 'entries', `${name}.js`),
  path.join(sources, `${name}.js`)].find((file) => fs.existsSync(file));

const starts = (name, file) => `export const ${name} = (name) =>
  new Worker(new URL('./${file}.module.js', import.meta.url), { type: 'module', name });\n`;
const start = {
  page: starts('startEngine', 'worker') + starts('startMember', 'member'),
  worker: `${starts('startMember', 'member')}export const startEngine = startMember;\n`,
  member: 'export const startEngine = null;\nexport const startMember = null;\n',
};

const modules = ['', 'full-'].flatMap((full) => ['scalar', 'simd128', 'relaxed'].flatMap((variant) =>
  ['', '-mt'].map((threads) => `ashore-${full}${variant}${threads}.wasm`)));
const beside = `const modules = {\n${modules.map((name) =>
  `  '${name}': () => new URL('./${name}', import.meta.url),\n`).join('')}};
export const beside = (name) => modules[name]();\n`;

// ashore.js without its own start, start.js as it is for `kind`, and beside.js with every address.
const replace = (kind) => ({ name: 'replace', setup({ onLoad, onResolve }) {
  onResolve({ filter: /^\.\/\w+\.js$/ }, ({ importer, path: file }) =>
    (path.basename(path.dirname(importer)) === 'entries' ? { path: path.join(sources, file) } : null));
  onLoad({ filter: /[\\/]start\.js$/ }, () => ({ contents: start[kind] }));
  onLoad({ filter: /[\\/]beside\.js$/ }, () => ({ contents: beside }));
  onLoad({ filter: /[\\/]ashore\.js$/ }, ({ path: file }) => {
    const self = 'if (isOwnWorker) serve();';
    const [before, after] = fs.readFileSync(file, 'utf8').split(self);
    if (after === undefined) throw new Error(`${file} does not say: ${self}`);
    return { contents: before + after };
  });
} });

// They leave files files, however small they are.
const relink = (text) => text.replaceAll(/(["'])(\.\/ashore-[\w-]+\.wasm)\1/g, '$1$2?no-inline$1');

async function variant(kind, entries) {
  const { outputFiles } = await build({
    entryPoints: entries.map((name) => ({ in: entry(name), out: `${name}.module` })), outdir: home,
    bundle: true, splitting: kind === 'page', chunkNames: 'part-[hash].module', sourcemap: true,
    format: 'esm', target: 'es2022', write: false, plugins: [replace(kind)], logLevel: 'warning' });
  for (const { path: file, text } of outputFiles) {
    fs.writeFileSync(file, file.endsWith('.map') ? text : relink(text));
  }
}

for (const name of fs.readdirSync(home)) {
  if (/\.module\.js(\.map)?$/.test(name)) fs.rmSync(path.join(home, name));
}
await variant('page', names);
await variant('worker', ['worker']);
await variant('member', ['member']);
