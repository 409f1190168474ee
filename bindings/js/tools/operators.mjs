// The operators of a model file: those of its nodes, of subgraphs and of the functions that it holds.
import { join, leb } from './wasm.mjs';

const text = new TextDecoder(); // which takes nothing from shared memory
const none = new Uint8Array(0);

/** The fields of a message of protocol buffers: [number, value, all its bytes]; the value of one with a
 *  length is bytes. */
export function* fieldsOf(bytes) {
  let at = 0;
  const number = () => {
    for (let value = 0, factor = 1; at < bytes.length; factor *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new Error('it ends in the middle of a field');
  };
  const take = (size) => {
    if (size > bytes.length - at) throw new Error('it ends in the middle of a field');
    at += size;
    return bytes.subarray(at - size, at);
  };
  while (at < bytes.length) {
    const start = at;
    const all = () => bytes.subarray(start, at);
    const key = number();
    const field = Math.floor(key / 8);
    const kind = key % 8;
    if (kind === 0) yield [field, number(), all()];
    else if (kind === 1) yield [field, take(8), all()];
    else if (kind === 2) yield [field, take(number()), all()];
    else if (kind === 5) yield [field, take(4), all()];
    else throw new Error('it has a field of an unknown kind');
  }
}

export const each = (bytes, field) => [...fieldsOf(bytes)]
  .filter(([number, value]) => number === field && value instanceof Uint8Array)
  .map(([, value]) => value);
export const textOf = (bytes, field) => text.decode(each(bytes, field).at(-1)?.slice() ?? none);

export function nameOf(domain, name) {
  return domain === '' || domain === 'ai.onnx' ? name : `${domain}:${name}`;
}

/** Adds the operators of nodes, fields `nodes` of a GraphProto or FunctionProto. */
function addNodes(graph, nodes, found, depth) {
  if (depth > 64) throw new Error('its graphs are nested too deep');
  for (const node of each(graph, nodes)) {
    found.add(nameOf(textOf(node, 7), textOf(node, 4)));
    for (const attribute of each(node, 5)) {
      for (const sub of [...each(attribute, 6), ...each(attribute, 11)]) {
        addNodes(sub, 1, found, depth + 1);
      }
    }
  }
}

/** Names of operators in a model (the bytes of a ModelProto), as trim() takes them. */
export function operatorsOf(model) {
  const found = new Set();
  const graphs = each(model, 7);
  if (!graphs.length) throw new Error('it is no model: there is no graph in it');
  for (const graph of graphs) addNodes(graph, 1, found, 0);
  const functions = each(model, 25);
  for (const each of functions) addNodes(each, 7, found, 0);
  for (const each of functions) found.delete(nameOf(textOf(each, 10), textOf(each, 1)));
  return found;
}

/** Locations of the data that a model keeps in other files. */
export function locationsOf(model) {
  const found = new Set();
  const tensor = (bytes) => each(bytes, 13).filter((entry) => textOf(entry, 1) === 'location')
    .forEach((entry) => found.add(textOf(entry, 2)));
  const graph = (bytes, depth) => {
    if (depth > 64) throw new Error('its graphs are nested too deep');
    each(bytes, 5).forEach(tensor);
    each(bytes, 15).forEach((sparse) => [...each(sparse, 1), ...each(sparse, 2)].forEach(tensor));
    each(bytes, 1).forEach((node) => nodeParts(node, depth));
  };
  const nodeParts = (node, depth) => each(node, 5).forEach((attribute) => {
    [...each(attribute, 5), ...each(attribute, 10)].forEach(tensor);
    [...each(attribute, 6), ...each(attribute, 11)].forEach((sub) => graph(sub, depth + 1));
  });
  each(model, 7).forEach((main) => graph(main, 0));
  each(model, 25).forEach((one) => each(one, 7).forEach((node) => nodeParts(node, 0)));
  return [...found];
}

/** A model whose main graph declares no types but those of its inputs. */
export function undeclared(model) {
  const put = (field, bytes) => join([leb(field * 8 + 2), leb(bytes.length), bytes]);
  const change = (bytes, changes) => join([...fieldsOf(bytes)].flatMap(([field, value, all]) =>
    (changes[field] ? changes[field](value) : [all])));
  const graph = { 12: (info) => [put(12, put(1, Buffer.from(textOf(info, 1))))], 13: () => [] };
  return change(model, { 7: (bytes) => [put(7, change(bytes, graph))] });
}
