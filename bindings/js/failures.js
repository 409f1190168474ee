// What to do about failures: the advice of errors, by their code and what their message says.  ashore.js
// loads this file when an error is on its way to a program.  `ashore/inline` and `ashore/core`, whose
// errors come at once, bring it along.
import { AshoreError, parts } from './ashore.js';

// ---- advice ---------------------------------------------------------------------------------------

// Letters that are to be changed, added, left out or exchanged with their neighbour.
function distance(a, b) {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1,
        rows[i - 1][j - 1] + (a[i - 1] !== b[j - 1]),
        swapped ? rows[i - 2][j - 2] + 1 : Infinity);
    }
  }
  return rows[a.length][b.length];
}

/** 'Did you mean ...', of a list that has something like it. */
function nearest(name, list) {
  const plain = (text) => text.toLowerCase().replace(/^on(?=progress)/, '');
  const far = (one) => (name && plain(one).startsWith(plain(name)) ? 1
    : distance(plain(name), plain(one)));
  const [[best, found] = []] = list.map((one) => [far(one), one]).sort(([a], [b]) => a - b);
  return best <= Math.max(1, name.length / 2) ? `Did you mean '${found}'? ` : '';
}

const quoted = (text) => [...text.matchAll(/'(.*?)'/g)].map(([, name]) => name);
const extents = (text) => (text ? text.split(',') : []);

// What of [given] is not as [wanted] has it; names stand for any number.
function compare(given, wanted) {
  const [has, takes] = [given, wanted].map(extents);
  if (has.length !== takes.length) {
    return `Give ${takes.length} extents, as in [${wanted}]: names stand for any number`;
  }
  const at = takes.findIndex((extent, i) => /^\d+$/.test(extent) && extent !== has[i]);
  if (at < 0) return `Give extents that [${wanted}] allows: one name stands for one number everywhere`;
  return `Extent ${at} must be ${takes[at]}, and is ${has[at]}`;
}

const remedies = {
  worker: "allow workers (worker-src 'self'), and serve the package from the page's own origin",
  threads: (why) => (/isolated/.test(why) ? 'send the two headers, or ask for threads: 1'
    : /at most (\d+)/.test(why) ? `ask for threads: ${/at most (\d+)/.exec(why)[1]}`
    : 'ask for threads: 1'),
  memory: 'set memoryLimit, by which less is reserved',
  cache: 'leave cache out, or open the page where things may be kept',
  integrity: 'serve the page by https',
  relaxed: "ask for variant: 'simd128'",
  simd128: "ask for variant: 'scalar'",
};

// list: what refuse() says, 'no FEATURE: WHY; ...'.
const remediesFor = (list) => list.split(/(?:^|; )no (?=\w+: )/).slice(1).map((entry) => {
  const [, feature, why] = /^(\w+): (.*)/.exec(entry);
  const remedy = remedies[feature];
  return typeof remedy === 'function' ? remedy(why) : remedy ?? 'see report.missing';
}).join('; ');

// Rows [code, pattern of the message, advice]: the first that fits.  The last of a code is for all of it.
const table = [
  ['NAME', /no (input|output) '(.*)': it has (.*)/, ([, what, name, names]) =>
    `${nearest(name, quoted(names))}Take names of model.${what}s`],
  ['NAME', /input '(.*)' \((.*)\) is missing/, ([, name, type]) =>
    `Give it with the others: run({ '${name}': tensor, ... }), as ${type}`],
  ['NAME', /input '(.*)' is state/, ([, name]) =>
    `Leave '${name}' out of the run; stream.reset() sets it`],
  ['NAME', /a state is of (.*), and/, ([, names]) => `Give ${names}, as stream.state() does`],
  ['NAME', /state '|initial: /, () =>
    'Take names of model.outputs and model.inputs: state: { output: input }, initial: { input: tensor }'],
  ['NAME', /./, () => 'Take names of model.inputs and model.outputs'],

  ['TYPE', /cannot be sent/, () => 'Give tensors and plain objects: functions, elements of the page and '
    + 'buffers that were moved stay behind'],
  ['TYPE', /'(.*)' is (\w+)\[.*\],? (?:expected|not) (\w+)\[/, ([, name, is, type], { input }) => (input
    ? `Make it with new Tensor('${type}', data, dims)`
    : `Give a tensor of ${is} for '${name}'`)],
  ['TYPE', /is a tensor|is a sequence|is an optional/, () =>
    'A sequence is an array of tensors, an optional is its element or null'],
  ['TYPE', /./, () => 'Make values with new Tensor(type, data, dims)'],

  ['SHAPE', /input '.*' is \w+\[(.*?)\], expected \w+\[(.*?)\]/, ([, given, wanted]) =>
    compare(given, wanted)],
  ['SHAPE', /output '.*' is \w+\[(.*?)\], not \w+\[(.*?)\]/, ([, wanted, given]) =>
    compare(given, wanted)],
  ['SHAPE', /extents of '(.*)'.* must be given|rank of input '(.*)'/, ([, name, other]) =>
    `Say them: { '${name ?? other}': [1, ...] }`],
  ['SHAPE', /./, (_, { node }) => (node
    ? 'Compare the extents of what is given with model.inputs, and with what the model was made for'
    : 'Compare the extents with model.inputs')],

  ['ARGUMENT', /'views' is no option: .* into$/, () => 'The engine is in a worker, whose memory this '
    + "thread does not have: give `into` tensors over a SharedArrayBuffer, or load by 'ashore/inline'"],
  ['ARGUMENT', /'(.*)' is no option: (.*)/, ([, name, names]) =>
    nearest(name, names.split(' ')) || 'Leave it out'],
  ['ARGUMENT', /^(\w+) is (.*), and must be a number/, ([, name]) => (name === 'threads'
    ? 'Give 1 to 16, or leave it out for as many as there are cores, up to 4'
    : 'Give bytes: 64e6 for 64 MB')],
  ['ARGUMENT', /^(.*) is not a variant: (.*)/, ([, name, names]) =>
    `${nearest(name, names.split(', '))}'auto' takes the best that the host knows`],
  ['ARGUMENT', /a run is given/, () => 'Give an object: run({ input: tensor })'],
  ['ARGUMENT', /a batch is given/, () => 'Give an array: runAll([{ input: tensor }, ...])'],
  ['ARGUMENT', /a model is given/, () =>
    'Give an address, a path (in Node), a Blob, an ArrayBuffer or a view of one'],
  ['ARGUMENT', /given twice/, () => 'Give each name once'],
  ['ARGUMENT', /./, () => 'The declarations (.d.ts) say what can be given'],

  ['STATE', /the model is closed/, () => 'Load it again, or close it later'],
  ['STATE', /the stream is closed/, () => 'Make another one: model.stream({ state })'],
  ['STATE', /is under way|in progress/, () =>
    'Await the runs that were begun, or call run(), which takes turns'],
  ['STATE', /of version/, () => 'Files of one version of the package belong together: copy all of them '
    + 'anew, and clear caches between'],
  ['STATE', /./, () => 'Call begin, advance and results in their order'],

  ['UNSUPPORTED', /strict: (.*)/, ([, list]) =>
    `To have it, ${remediesFor(list)}; without strict the model runs with less`],
  ['UNSUPPORTED', /trimmed/, () =>
    'Trim an engine to this model, or take the modules that the package has'],
  ['UNSUPPORTED', /stopped in/, () => 'It is trimmed to one model, and has no code for others or where '
    + 'memory is refused: take the modules that the package has'],
  ['UNSUPPORTED', /operator is not/, (_, { op }) =>
    `Export the model without ${op || 'it'}, or for another operator set: docs/conformance.md lists what `
    + 'is there'],
  ['UNSUPPORTED', /./, () => 'Export the model without it'],

  ['INTERNAL', /./, () => 'Load the model again: it gets another engine, and other models go on.  Report '
    + 'what this says if it happens again'],

  ['POLICY', /worker does not start/, () =>
    "A Content-Security-Policy must allow it: worker-src 'self'"],

  ['IO', /server answers [5]/, () => 'Try again later'],
  ['IO', /server answers/, () => 'Is the address right, and is the file there for everybody?'],
  ['IO', /ENOENT|EISDIR|ENOTDIR|EACCES|is a folder/, () =>
    'Is the path right?  It is taken from the folder that the program was started in'],
  ['IO', /external data/, () => 'Serve it beside the model, or say where it is: external: { location: address }'],
  ['IO', /./, () => 'Is it there, and has it not changed since it was chosen?'],

  ['FORMAT', /pointer of Git LFS/, () => 'Deploy what `git lfs pull` fetches'],
  ['FORMAT', /answered with a page/, () =>
    'Is the path right? Servers of single-page apps send index.html for what is not there'],
  ['FORMAT', /./, (_, { node }) => (node
    ? 'The model is not valid: export it anew, and look at it with onnx.checker'
    : 'Is this an ONNX model, and all of it? Fetch or export it anew')],

  ['INTEGRITY', /./, () => 'Publish the model and its manifest together'],

  ['LIMIT', /the model has (\d+) bytes, the limit/, ([, bytes]) =>
    `Quantise the model, or raise memoryLimit above ${bytes}`],
  ['LIMIT', /needs (\d+) bytes/, ([, bytes]) =>
    `Give smaller inputs, quantise the model, or raise memoryLimit to ${bytes}`],
  ['LIMIT', /./, () => 'It is more than this engine takes: export the model with less of it'],

  ['NOMEM', /./, () => 'Close what is not needed, or quantise the model'],

  ['ATTR', /./, () => 'The model is not valid: export it anew, and look at it with onnx.checker'],
  ['INDEX', /./, () => 'The model has computed it from what it is given: are ids and lengths of the inputs '
    + 'those of its vocabulary and tables?'],
  ['CANCELLED', /./, () => 'Run it again'],
];

/** What to do about an error of this code and message, '' where nothing is known. */
function adviceFor(code, message, details) {
  for (const [name, pattern, advice] of table) {
    const found = code === `ERR_${name}` && pattern.exec(message);
    if (found) return advice(found, details).trim();
  }
  return '';
}

/** From now on errors have advice when they are made. */
export function install() { AshoreError.advise = adviceFor; }

// ---- what hosts say -------------------------------------------------------------------------------

// What hosts say when they refuse to run WebAssembly.  error: of fetching, compiling or instantiating a
// module.
function explain(error) {
  const { cause } = error;
  const message = cause?.message ?? '';
  if (/content.?security.?policy|unsafe-eval|\bCSP\b/i.test(message)) {
    return new AshoreError('ERR_POLICY', `WebAssembly is not allowed here: ${message}`, { cause,
      advice: "The Content-Security-Policy of the page, and of ashore.js, which is its worker, must"
        + " have 'wasm-unsafe-eval' in its script-src" });
  }
  if (cause instanceof RangeError) {
    return new AshoreError('ERR_NOMEM', `the host refuses memory to the engine: ${message}`,
      { cause, advice: 'Close other models and pages; one thread takes less than several' });
  }
  if (cause instanceof WebAssembly.LinkError) {
    return new AshoreError('ERR_FORMAT', `the module is not of this package: ${message}`, { cause,
      advice: 'Files of one version of the package belong together' });
  }
  if (cause instanceof WebAssembly.CompileError) {
    return new AshoreError('ERR_IO', error.message, { cause,
      advice: 'Is it the file of the package, and all of it?' });
  }
  return null;
}

/** The error to be thrown in the place of one that was made before install(). */
export function advise(error) {
  const other = error.code === 'ERR_IO' && explain(error);
  if (other) return other;
  const { message, stack } = error;
  error.advice = adviceFor(error.code, message, error);
  if (error.advice) {
    error.message = `${message}. ${error.advice}`;
    error.stack = stack?.replace(message, () => error.message);
  }
  return error;
}

install();
parts.failures = () => ({ advise });
