// The operators of a model file: those of its nodes, of subgraphs and of the functions that it holds.

const text = new TextDecoder();

// The fields of a message of protocol buffers: [number, value], bytes where there is a length.
function* fieldsOf(bytes) {
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
    const key = number();
    const field = Math.floor(key / 8);
    const kind = key % 8;
    if (kind === 0) yield [field, number()];
    else if (kind === 1) yield [field, take(8)];
    else if (kind === 2) yield [field, take(number())];
    else if (kind === 5) yield [field, take(4)];
    else throw new Error('it has a field of an unknown kind');
  }
}

const each = (bytes, field) => [...fieldsOf(bytes)]
  .filter(([number, value]) => number === field && value instanceof Uint8Array)
  .map(([, value]) => value);
const textOf = (bytes, field) => text.decode(each(bytes, field).at(-1) ?? new Uint8Array(0));

function nameOf(domain, name) {
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
