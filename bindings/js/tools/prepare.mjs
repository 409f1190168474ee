// Loads models in a module of the package, without a session: as a prepared file (src/onnx/prepared.c),
// and to see what of the module that takes.
import { instrument, limitMemory } from './coverage.mjs';
import { each, undeclared } from './operators.mjs';

const notThere = 52; // WASI's ENOSYS
const page = 65536;

/** most: the most pages of memory that is shared; what is not says so itself. */
function instantiate(module, most = 65536) {
  const env = {};
  const wasi = {};
  for (const { name, kind } of WebAssembly.Module.imports(module)) {
    if (kind === 'memory') {
      env[name] = new WebAssembly.Memory({ initial: Math.min(64, most), maximum: most,
        shared: true });
    } else wasi[name] = () => notThere;
  }
  const { exports } = new WebAssembly.Instance(module, { env, wasi_snapshot_preview1: wasi });
  exports._initialize?.();
  return { exports, memory: env.memory ?? exports.memory };
}

function textAt(memory, at) {
  const bytes = new Uint8Array(memory.buffer);
  return Buffer.from(bytes.slice(at, bytes.indexOf(0, at))).toString();
}

const complain = ({ exports, memory }) => {
  throw new Error(textAt(memory, exports.error() + 148));
};

// Bytes in the engine's memory, for its life.
function put(engine, bytes) {
  const { exports, memory } = engine;
  const at = exports.reserve(Math.max(bytes.length, 1)) >>> 0;
  if (!at) throw new Error(`no memory for ${bytes.length} bytes`);
  new Uint8Array(memory.buffer).set(bytes, at);
  return at;
}

/** external: bytes by location. */
function load(engine, bytes, external = {}) {
  const text = (value) => put(engine, Buffer.from(`${value}\0`));
  for (const [location, data] of Object.entries(external)) {
    engine.exports.external(text(location), put(engine, data), data.length);
  }
  const at = put(engine, bytes);
  engine.placed = engine.memory.buffer.byteLength / page;
  if (engine.exports.load(at, bytes.length, text('model'), 1) < 0) complain(engine);
}

/** The model as a prepared file: as it is shipped (bytes), with the types of all values (typed), and
 *  with those that follow from the types of its inputs alone (inferred). */
export function prepare(module, bytes, external) {
  const compiled = new WebAssembly.Module(module);
  const ways = [[bytes, 0], [bytes, 1], [undeclared(bytes), 1]];
  const [plain, typed, inferred] = ways.map(([model, types]) => {
    const engine = instantiate(compiled);
    load(engine, model, external);
    const value = engine.exports.prepare(types) || complain(engine);
    const at = put(engine, new Uint8Array(32));
    engine.exports.describe(value, at);
    const size = new DataView(engine.memory.buffer).getUint32(at + 20, true);
    const from = engine.exports.data(value);
    return Buffer.from(new Uint8Array(engine.memory.buffer).slice(from, from + size));
  });
  return { bytes: plain, typed, inferred };
}

/** Files that the engine is to refuse by a message: no model, one that ends too early, another one, and
 *  one with an operator that the engine has not. */
function wrongFiles(prepared) {
  const changed = (change) => {
    const bytes = Buffer.from(prepared);
    const nodes = each(each(bytes, 7)[0], 1);
    if (nodes.length) change(nodes);
    return bytes;
  };
  const rename = (node) => each(node, 4).at(-1).fill(0x78);
  const field = (number, bytes) => Buffer.from([number * 8 + 2, bytes.length, ...bytes]);
  const relu = Buffer.concat([field(1, Buffer.from('x')), field(2, Buffer.from('y')),
    field(3, Buffer.from('name')), field(4, Buffer.from('Relu'))]);
  const other = Buffer.concat([field(7, field(1, relu)), field(8, [2 * 8, 13])]);
  return [Buffer.from('<!doctype html>'), prepared.subarray(0, prepared.length - 1),
    prepared.subarray(0, prepared.length / 2), changed(([node]) => rename(node)),
    changed((nodes) => rename(nodes.at(-1))), other];
}

// Sessions of all kinds: threads, whether times are taken, the most memory; one is refused.
const sessions = [[1, 0, 0], [1, 1, 0], [2, 0, 1 << 30], [1 << 20, 0, 0]];

const gaps = Array.from({ length: 16 }, (_, i) => (page * i) / 16);

/** What loads a prepared file in a module that is given, for trimToModel(). */
export const coverage = (prepared) => (module) => {
  const { bytes, ran } = instrument(module);
  const compiled = new WebAssembly.Module(bytes);
  let all;
  const run = (file, refused, session, { most, gap } = {}) => {
    const limited = most ? new WebAssembly.Module(limitMemory(bytes, most)) : compiled;
    const engine = instantiate(limited, most);
    try {
      if (gap) put(engine, new Uint8Array(gap));
      load(engine, file);
      engine.exports.session(...session, 1);
    } catch (error) {
      if (!refused || error instanceof WebAssembly.RuntimeError) throw error;
    }
    const blocks = ran(engine.exports);
    all = all?.map((before, i) => before.map((one, k) => one || blocks[i][k])) ?? blocks;
    return engine;
  };
  const [{ placed, memory }] = sessions.map((session) => run(prepared, false, session));
  for (const file of wrongFiles(prepared)) run(file, true, sessions[0]);
  // Loading ends in a message where the host refuses memory: at any place where it asks for more.
  for (let most = placed; most <= memory.buffer.byteLength / page; most += 1) {
    for (const gap of gaps) run(prepared, true, sessions[0], { most, gap });
  }
  return all;
};

/** Whether the host takes a module, and the module a prepared file. */
export function loads(module, prepared) {
  if (!WebAssembly.validate(module)) return false;
  const engine = instantiate(new WebAssembly.Module(module));
  load(engine, prepared);
  if (engine.exports.session(1, 0, 0, 1) < 0) complain(engine);
  return true;
}
