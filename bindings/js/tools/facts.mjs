// What is known of a prepared file with the types of all values, for trimming an engine to it: its
// operators, facts (words that begin with +, as ASH_IDLE_WITHOUT and others name them in the
// sources), and what of the operators' rows is needed.
import { each, fieldsOf, nameOf, textOf } from './operators.mjs';
import { closure, fields } from './trimmer.mjs';

const names = ['', 'float32', 'uint8', 'int8', 'uint16', 'int16', 'int32', 'int64', 'string',
  'bool', 'float16', 'float64', 'uint32', 'uint64', 'complex64', 'complex128', 'bfloat16'];
const numbers = (bytes, field) => [...fieldsOf(bytes)].flatMap(([number, value]) => {
  if (number !== field) return [];
  return value instanceof Uint8Array ? packed(value) : [value];
});
const numberOf = (bytes, field) => numbers(bytes, field).at(-1);

/** Numbers of a packed field. */
function packed(bytes) {
  const out = [];
  for (let i = 0; i < bytes.length;) {
    let [value, factor] = [0, 1];
    do {
      value += (bytes[i] & 127) * factor;
      factor *= 128;
    } while (bytes[i++] >= 128);
    out.push(value);
  }
  return out;
}

/** The element type and the extents (numbers or texts) of a ValueInfoProto; undefined: not known,
 *  or no tensor. */
function typeOf(info) {
  const [tensor] = each(each(info, 2).at(-1) ?? new Uint8Array(0), 1);
  if (!tensor) return undefined;
  const [shape] = each(tensor, 2);
  const dims = shape && each(shape, 1).map((dim) => numberOf(dim, 1) ?? textOf(dim, 2));
  return { dtype: names[numberOf(tensor, 1)] ?? 'other', dims };
}

const attributesOf = (node) => new Map(each(node, 5).map((attribute) =>
  [textOf(attribute, 1), { number: numberOf(attribute, 3), text: textOf(attribute, 4),
    numbers: numbers(attribute, 8), graphs: [...each(attribute, 6), ...each(attribute, 11)] }]));

function readGraph(graph) {
  const types = new Map([11, 12, 13].flatMap((field) => each(graph, field))
    .map((info) => [textOf(info, 1), typeOf(info)]));
  const constants = new Map(each(graph, 5).map((tensor) =>
    [textOf(tensor, 8),
      { dtype: names[numberOf(tensor, 2)] ?? 'other', dims: numbers(tensor, 1) }]));
  const nodes = each(graph, 1).map((node) => ({ name: nameOf(textOf(node, 7), textOf(node, 4)),
    in: each(node, 1).map((name) => Buffer.from(name).toString()),
    out: each(node, 2).map((name) => Buffer.from(name).toString()), attributes: attributesOf(node),
    version: numberOf(node, 101) ?? 0 }));
  const inputs = each(graph, 11).map((info) => textOf(info, 1));
  const typeOfValue = (name) => constants.get(name) ?? types.get(name);
  return { types, constants, nodes, inputs, typeOf: typeOfValue };
}

/** Whether all extents are numbers or follow from those of the inputs: a plan knows them. */
function isExact({ types, nodes, inputs, typeOf: find }) {
  const symbols = [...new Set(inputs.flatMap((name) => types.get(name)?.dims ?? [])
    .filter((dim) => typeof dim === 'string' && dim))].sort((a, b) => b.length - a.length);
  const follows = (dim) => {
    if (typeof dim === 'number') return true;
    const rest = symbols.reduce((text, symbol) => text.replaceAll(symbol, '1'), dim);
    return rest !== '' && /^[\d\s()+*/,-]*$/.test(rest.replace(/floor|ceil|max|min/g, ''));
  };
  return nodes.every((node) => [...node.in, ...node.out].every((name) =>
    !name || find(name)?.dims?.every(follows)));
}

// ---- facts of convolutions and products ---------------------------------------------------------

function kernelOf(graph, { name, in: [, weights], attributes }) {
  if (name !== 'ashore:Conv') return undefined;
  const of = (key, fallback) => attributes.get(key)?.number ?? fallback;
  const list = (key) => attributes.get(key)?.numbers ?? [];
  const dims = graph.constants.get(weights)?.dims;
  return { dims, groups: of('group', 1), planes: of('planes', 0), kernel: dims?.slice(2),
    strides: list('strides'),
    plain: [...list('strides'), ...list('dilations')].every((number) => number === 1) };
}

/** Softmax over another dimension than the last: before version 13, over all from one on. */
const isInner = (graph) => ({ name, in: [x], attributes, version }) => {
  if (name !== 'Softmax' && name !== 'LogSoftmax') return false;
  const axis = attributes.get('axis')?.number ?? -1;
  return version >= 13 && axis !== -1 && axis !== (graph.typeOf(x)?.dims?.length ?? 0) - 1;
};

/** As ash_winograd_fits() has it, but for the number of channels. */
const fitsWinograd = ({ kernel, groups, plain }) => !kernel || (groups === 1 && plain &&
  (kernel.every((extent) => extent === 3) ||
    ((kernel.length === 1 || kernel.includes(1)) && Math.max(...kernel) >= 3)));

const isDepthwise = ({ groups, dims }) => groups > 1 && (!dims || groups === dims[0]);

/** As plan_spans() of src/kernels/depthwise has it: square kernels of two dimensions, by the stride in
 *  the last. */
const fitsSpan = (extent, stride) => (kernel) => isDepthwise(kernel) && (!kernel.kernel ||
  kernel.kernel.length > 2 || (kernel.kernel.length === 2 &&
    kernel.kernel.every((one) => one === extent) && (kernel.strides[1] ?? 1) === stride));

const pads = ({ attributes }) => {
  const how = attributes.get('auto_pad');
  return how !== undefined && how.text !== 'NOTSET';
};

function productFacts(graph) {
  const kernels = graph.nodes.map((node) => kernelOf(graph, node)).filter(Boolean);
  return [
    ['+winograd', kernels.some(fitsWinograd)],
    ['+inner', graph.nodes.some(isInner(graph))],
    ['+planes', kernels.some(({ planes }) => planes)],
    ['+depthwise', kernels.some(isDepthwise)],
    ...[3, 5].flatMap((extent) => [1, 2].map((stride) =>
      [`+depthwise${extent}s${stride}`, kernels.some(fitsSpan(extent, stride))])),
    ['+autopad', graph.nodes.some(pads)],
    ['+ceil', graph.nodes.some(({ attributes }) => attributes.get('ceil_mode')?.number)],
    ['+computed', graph.nodes.some(({ name, in: [, second] }) =>
      /^(ashore:MatMul|MatMul|Gemm)$/.test(name) && !graph.constants.has(second))],
  ];
}

// ---- the rows -----------------------------------------------------------------------------------

/** Whether lower() finds a kernel for each node of an operator, and for all input extents. */
function alwaysLowers(map, graph, name) {
  return map.lowers.some(([operators, least, most, types]) => operators.includes(name) &&
    graph.nodes.filter((node) => node.name === name).every((node) => {
      const rank = graph.typeOf(node.in[0])?.dims?.length ?? -1;
      const all = [...node.in, ...node.out].filter(Boolean)
        .map((value) => graph.typeOf(value)?.dtype);
      const high = node.in.some((value) => (graph.typeOf(value)?.dims?.length ?? 0) > most);
      const empty = node.in.some((value) => graph.constants.get(value)?.dims.includes(0));
      const constant = !types.includes('=1') || graph.constants.has(node.in[1]);
      // Before version 7, inputs are broadcast as attributes say.
      const plain = node.version >= 7 || node.name.startsWith('ashore:');
      return plain && constant && !empty && !high && rank >= least && rank <= most &&
        all.every((dtype) => types.includes(dtype));
    }));
}

// Their references look at no element but at indices: they move what has the size of elements.
const moving = new Set(['Shape', 'Size', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Identity',
  'Transpose', 'Concat', 'Split', 'Slice', 'Gather', 'Expand', 'Tile']);
/** Operators of nodes and of their subgraphs. */
const namesIn = (nodes) => new Set(nodes.flatMap((node) => [node.name,
  ...[...node.attributes.values()].flatMap(({ graphs }) => graphs)
    .flatMap((graph) => [...namesIn(readGraph(graph).nodes)])]));

const { infer, ref, lower, control, choose, body } = fields;

function rowsOf(map, graph, exact) {
  const rows = new Map();
  const add = (name, kept) => rows.set(name, new Set([...rows.get(name) ?? [], ...kept]));
  const names = namesIn(graph.nodes);
  const whole = exact ? [...names].filter((name) => !alwaysLowers(map, graph, name)) : [...names];
  for (const name of names) add(name, [infer, lower, control, choose]);
  for (const name of whole) add(name, [ref, body]);
  // What bodies are made of, and how that is made.
  const having = (field) => new Set(map.tables.flatMap(([, , , ...list]) => list)
    .filter(([, , ...pointers]) => pointers.some((at, i) => i % 2 === 0 && at === field))
    .map(([name]) => name));
  const [hasBody, infers] = [having(body), having(infer)];
  const bodies = whole.filter((name) => hasBody.has(name) || !infers.has(name));
  if (bodies.length) for (const name of closure(map, names)) add(name, Object.values(fields));
  for (const [found, of] of map.looks) {
    if (of.some((name) => rows.has(name))) for (const name of found) add(name, [infer]);
  }
  return { rows, bodies };
}

const inOrder = ({ nodes }) => nodes.map(({ name, version }) => `${name} ${version}`).join();

/** Words and rows, as trimToModel() takes them, of what prepare() makes.  What a model declares
 *  need not be so until it runs: exact is what follows from its inputs alone. */
export function factsOf(map, { typed, inferred }) {
  const [declared, found] = [typed, inferred].map((bytes) => readGraph(each(bytes, 7)[0]));
  const nested = declared.nodes.some((node) =>
    [...node.attributes.values()].some(({ graphs }) => graphs.length));
  const exact = !nested && isExact(found) && inOrder(found) === inOrder(declared);
  const graph = exact ? found : declared;
  const { rows, bodies } = rowsOf(map, graph, exact);
  const computes = (name) => rows.get(name).has(ref) && !moving.has(name);
  const counts = ({ name, in: [first] }) => !moving.has(name) && name !== 'Cast' &&
    /^u?int(32|64)$/.test(graph.typeOf(first)?.dtype ?? 'int64');
  const kindOf = (type) => type?.dtype ?? 'value';
  const all = new Set([...graph.types.values(), ...graph.constants.values()].map(kindOf));
  const referred = new Set(graph.nodes.filter((node) => computes(node.name))
    .flatMap((node) => [...node.in, ...node.out].filter(Boolean))
    .map((name) => kindOf(graph.typeOf(name))));
  const has = (set, ...kinds) => nested || kinds.some((kind) => set.has(kind));
  const facts = [['+prepared', true], ['+nested', nested], ['+inexact', !exact],
    ['+body', bodies.length > 0], ['+half', has(all, 'float16', 'bfloat16')],
    ['+small', bodies.length > 0 || // what is between their nodes is of any type
      has(all, ...names.filter((name) => !/(32|64|128)$/.test(name)), 'other', 'value')],
    ['+whole', nested || bodies.length > 0 || graph.nodes.some(counts)],
    ['+string', has(all, 'string', 'value')], ['+value', has(all, 'value')],
    ['+real', has(referred, 'float32', 'float64', 'float16', 'bfloat16', 'other', 'value')],
    ...productFacts(graph).map(([word, is]) => [word, is || nested || bodies.length > 0])];
  // Rows of tables are named as operators: internal ones are what they are made of.
  const plain = [...rows.keys()].map((name) => name.replace(/.*:/, ''));
  const acts = graph.nodes.map((node) => map.acts[node.attributes.get('act')?.number ?? 0]);
  const met = facts.filter(([, is]) => is).map(([word]) => word);
  return { words: new Set([...rows.keys(), ...plain, ...acts, ...met]), rows };
}
