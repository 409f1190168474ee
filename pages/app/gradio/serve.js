// The worker's end: calls of the page become calls of the program's functions in Pyodide.

// Python's None is undefined in JavaScript, and null would be an object of its own in Python.
function exchanged(value, from, to) {
  if (value === from) return to;
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map((one) => exchanged(one, from, to));
  return Object.fromEntries(Object.entries(value).map(([key, one]) =>
    [key, exchanged(one, from, to)]));
}

const plain = { dict_converter: Object.fromEntries, create_pyproxies: false };
const told = (proxy) => exchanged(proxy.toJs(plain), undefined, null);

/** What a program that ran in `pyodide` shows: its config, null when it launched nothing, and
 *  handle(message), which says whether a message of the page was for here. post takes messages
 *  for the page. */
export function serve(pyodide, post) {
  const host = pyodide.pyimport('gradio._host');
  const server = host.Server((message) => post(told(message)));
  const config = host.config();
  return {
    config: config ? told(config) : null,
    handle(message) {
      if (message.type !== 'call' && message.type !== 'cancel') return false;
      const given = pyodide.toPy(exchanged(message, null, undefined));
      const taken = server.handle(given);
      given.destroy();
      return taken;
    },
  };
}
