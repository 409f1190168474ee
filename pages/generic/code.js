// The lines that run the model elsewhere as it was run here: a module's text.  Pure functions.
import { element, elements } from './numbers.js';

const mostLiteral = 256; // elements that are written out

/** Where the text may import the package from. */
export const origins = { folder: 'the files of this folder', package: 'the npm package' };

const quoted = (text) => `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"')
  .replaceAll("'", "\\'")}'`;
const key = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name));

const reserved = new Set(['arguments', 'await', 'break', 'case', 'catch', 'class', 'const',
  'continue', 'data', 'debugger', 'default', 'delete', 'do', 'else', 'enum', 'eval', 'export', 'extends',
  'false', 'feeds', 'finally', 'for', 'function', 'if', 'import', 'in', 'instanceof', 'let',
  'load', 'model', 'new', 'null', 'openPrep', 'prep', 'results', 'return', 'run', 'state', 'static', 'super', 'switch', 'Tensor', 'this', 'throw', 'true', 'try',
  'typeof', 'var', 'void', 'while', 'with', 'yield']);

// A variable's name for an input, and no other input's.
function nameFor(name, taken) {
  let word = name.replace(/\W+/g, '_').replace(/^(?=\d|$)/, '_');
  while (reserved.has(word) || taken.has(word)) word += '_';
  taken.add(word);
  return word;
}

const listed = (values) => `[${Array.from(values, (value) =>
  (typeof value === 'string' ? quoted(value) : String(value))).join(', ')}]`;

function options(object) {
  const written = Object.entries(object).map(([name, value]) =>
    `${name}: ${typeof value === 'string' ? quoted(value) : Array.isArray(value) ? listed(value)
      : value}`);
  const lines = [''];
  for (const each of written) {
    if (lines.at(-1) && lines.at(-1).length + each.length > 84) lines.push('');
    lines[lines.length - 1] += `${lines.at(-1) ? ' ' : ''}${each},`;
  }
  return `{\n${lines.map((line) => `    ${line}\n`).join('')}  }`;
}

const arrays = { float32: 'Float32Array', float64: 'Float64Array', int8: 'Int8Array',
  int16: 'Int16Array', int32: 'Int32Array', int64: 'BigInt64Array', uint8: 'Uint8Array',
  uint16: 'Uint16Array', uint32: 'Uint32Array', uint64: 'BigUint64Array', bool: 'Uint8Array',
  float16: 'Uint16Array', bfloat16: 'Uint16Array', int4: 'Int8Array', int2: 'Int8Array',
  uint4: 'Uint8Array', uint2: 'Uint8Array' };

// ---- inputs: { argument, comment, prep, lines, value } ---------------------------------------------------

const tensorText = (type, data, dims) => `new Tensor(${quoted(type)}, ${data}, ${listed(dims)})`;

// Elements as another array of the same bits or, rounded, of another type.
function converted(word, from, to) {
  if (from === to) return word;
  if (to === 'float64') return `Float64Array.from(${word})`;
  if (/64$/.test(to)) return `${arrays[to]}.from(${word}, (x) => BigInt(Math.round(x)))`;
  if (/float16/.test(to)) return null;
  return `${arrays[to]}.from(${word}, (x) => Math.round(x))`;
}

function pictureInput(word, { type, dims, recipe }) {
  const { asked, channels } = recipe;
  const made = asked.type ?? 'float32';
  const lines = [`  const ${word}_ = await prep.image(${word}, ${options(asked)});`];
  const data = converted(`${word}_.data`, made, type);
  if (channels === 4 || elements(dims) !== channels * asked.width * asked.height || !data) {
    return null;
  }
  return { argument: word, comment: 'a picture: File, Blob, image, video or canvas', prep: true, lines,
    value: made === type && dims.length === 4 ? `${word}_` : tensorText(type, data, dims) };
}

function soundInput(word, { type, dims, recipe }) {
  const data = converted(`${word}_`, 'float32', type);
  if (!data || elements(dims) !== dims.at(-1)) return null;
  const end = recipe.from + recipe.length;
  return { argument: word, comment: 'a sound: File, Blob or AudioBuffer', prep: true, lines: [
    `  const { data } = await prep.sound(${word}, { rate: ${recipe.rate} });`,
    `  const ${word}_ = new Float32Array(${dims.at(-1)});`,
    `  ${word}_.set(data.subarray(${recipe.from}, ${end}));`],
  value: tensorText(type, data, dims) };
}

function bytesInput(word, { type, dims, recipe }) {
  const length = dims.at(-1);
  if (elements(dims) !== length || type.startsWith('float')) return null;
  const big = type.endsWith('64');
  const element = big ? 'BigInt(x)' : 'x';
  const lines = [`  const all = new Uint8Array(await ${word}.arrayBuffer());`];
  let data = `Array.from(all, (x) => ${element})`;
  if (recipe.fixed) {
    const pad = `${recipe.pad}${big ? 'n' : ''}`;
    lines.push(`  const ${word}_ = new ${arrays[type]}(${length}).fill(${pad});`);
    const half = recipe.ends ? length >> 1 : length;
    const part = (text) => (big ? `BigInt64Array.from(${text}, BigInt)` : text);
    lines.push(`  ${word}_.set(${part(`all.subarray(0, ${half})`)});`);
    if (recipe.ends) {
      lines.push(`  const tail = all.subarray(Math.max(0, all.length - ${length - half}));`,
        `  ${word}_.set(${part('tail')}, ${length} - tail.length);`);
    }
    data = `${word}_`;
  }
  return { argument: word, comment: 'a File or Blob, of which the bytes are taken',
    lines, value: recipe.fixed ? tensorText(type, data, dims)
      : `new Tensor(${quoted(type)}, ${data}, [${dims.slice(0, -1).map((d) => `${d}, `).join('')
      }all.length])` };
}

function literalInput(word, tensor) {
  const { type, dims, data } = tensor;
  if (data.length > mostLiteral) return null;
  if (/float16/.test(type)) {
    return { lines: [], value: tensorText(type, `Uint16Array.of(${[...data].join(', ')
    })`, dims) };
  }
  const finite = type === 'string' ? data : Array.from(data, (value) => (Object.is(value, -0)
    ? '-0' : String(value)));
  const values = type === 'string' ? listed(finite) : `[${finite.map((text) =>
    (/64$/.test(type) && type !== 'float64' ? `${text}n` : text)).join(', ')}]`;
  return { lines: [], value: tensorText(type, values, dims) };
}

function fillInput(word, { type, dims, recipe }) {
  const first = element(type, recipe.value);
  const value = typeof first === 'bigint' ? `${first}n` : String(first);
  const count = elements(dims);
  return { lines: [],
    value: tensorText(type, `new ${arrays[type]}(${count})${first ? `.fill(${value})` : ''}`, dims) };
}

const argumentInput = (word, { type, dims }) => ({ argument: word, lines: [],
  comment: type ? `a Tensor: ${type}[${dims.join(', ')}]` : 'a value', value: word });

const makers = { picture: pictureInput, sound: soundInput, bytes: bytesInput, literal: literalInput,
  fill: fillInput, argument: argumentInput, none: () => ({ lines: [], value: 'null' }) };

const describe = (value) => (value?.dims ? `${value.type}[${value.dims.join(', ')}]`
  : Array.isArray(value) ? 'an array' : value instanceof Map ? 'a Map' : 'a value or null');

/** The text.  origin: a key of origins; model: its file; external: files of its data; inputs: by name
 *  { type, dims, data, recipe }, the tensors of a run and how they were made; results: what it gave;
 *  states: outputs that are inputs of the next run, { input: output }. */
export function writeCode({ origin, model, external = [], full, inputs, results, states = {} }) {
  const taken = new Set();
  const own = Object.entries(inputs).map(([name, given]) => {
    const word = nameFor(name, taken);
    taken.add(`${word}_`);
    const made = makers[given.recipe.kind](word, given) ?? argumentInput(word, given);
    return { name, ...made };
  });
  const from = (file, name) => (origin === 'package' ? quoted(name) : quoted(`./ashore/${file}`));
  const kept = own.filter(({ name }) => states[name]);
  const settings = [full && 'full: true', external.length && `external: { ${external.map((path) =>
    `${key(path)}: ${quoted(`./${path}`)}`).join(', ')} }`].filter(Boolean).join(', ');
  const tensors = own.some(({ value }) => value.includes('new Tensor('));
  const parameters = own.filter(({ name, argument }) => argument && !states[name]);
  const lines = [
    `import { load${tensors ? ', Tensor' : ''} } from ${from('ashore.js', 'ashore')};`,
    own.some(({ prep }) => prep) && `import { openPrep } from ${from('prep.js', 'ashore/prep')};`,
    '',
    `const model = await load(${quoted(`./${model}`)}${settings && `, { ${settings} }`});`,
    own.some(({ prep }) => prep) && 'const prep = await openPrep();',
    kept.length && 'let state = {}; // what the last run gave; {} begins anew',
    '',
    ...parameters.map(({ argument, comment }) => `// ${argument}: ${comment}`),
    `export async function run(${parameters.length ? `{ ${parameters.map(({ argument }) =>
      argument).join(', ')} }` : ''}) {`,
    ...own.flatMap(({ lines: each }) => each),
    '  const results = await model.run({',
    ...own.map(({ name, value }) => `    ${key(name)}: ${states[name]
      ? `state[${quoted(name)}] ?? ` : ''}${value},`),
    '  });',
    kept.length && `  state = { ${kept.map(({ name }) =>
      `${key(name)}: results[${quoted(states[name])}]`).join(', ')} };`,
    `  return results; // ${Object.entries(results).map(([name, value]) =>
      `${name}: ${describe(value)}`).join('; ')}`,
    '}',
  ];
  return `${lines.filter((line) => line || line === '').join('\n')}\n`;
}

