// A page that runs models in one way: with Python in a worker, or without it, in JavaScript.  All ways
// have boot(), open(given), block(runs), answer() and traffic(), which resolve; marks are the times, from
// the navigation on, at which something was reached.
const marks = {};
const mark = (name) => { marks[name] ??= performance.now(); };

function inPython(way, options) {
  const worker = new Worker('/bench/python_worker.mjs', { type: 'module' });
  const waiting = new Map();
  let last = 0;
  worker.onmessage = ({ data }) => {
    if (data.mark) return mark(data.mark);
    const { resolve, reject } = waiting.get(data.id);
    waiting.delete(data.id);
    return data.why ? reject(new Error(data.why)) : resolve(data.result);
  };
  worker.onerror = ({ message }) => {
    for (const { reject } of waiting.values()) reject(new Error(message));
  };
  const ask = (act, rest) => new Promise((resolve, reject) => {
    waiting.set(++last, { resolve, reject });
    worker.postMessage({ id: last, act, way, ...rest });
  });
  return { boot: () => ask('boot', options), open: (given) => ask('open', { given }),
    block: (runs) => ask('block', { runs }), answer: () => ask('answer'),
    traffic: () => ask('traffic') };
}

const arrays = { float32: Float32Array, int64: BigInt64Array };

// shell: 'worker', or 'inline' on the page's own thread.
function withoutPython({ threads, shell = 'worker' }) {
  let ashore;
  let model;
  let feeds;
  return {
    async boot() {
      ashore = await import('/ashore/ashore.js');
      mark('engine');
      return [];
    },
    async open(given) {
      model?.close();
      model = await ashore.load(`/cases/${given.file}`, { threads, shell });
      feeds = Object.fromEntries(given.feeds.map(({ name, type, dims, base64 }) => {
        const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
        return [name, new ashore.Tensor(type, new arrays[type](bytes.buffer), dims)];
      }));
      mark('ready');
    },
    async block(runs) {
      const begin = performance.now();
      for (let i = 0; i < runs; i++) await model.run(feeds);
      return performance.now() - begin;
    },
    answer: async () => Object.values(await model.run(feeds)).flatMap(({ data }) =>
      Array.from(data, Number)),
    traffic: async () => ({ ...model.report.traffic }),
  };
}

/** way: 'engine', 'plain', 'with_numpy' or 'javascript'. */
export const openWay = (way, options) => (way === 'javascript' ? withoutPython(options)
  : inPython(way, options));

/** From nothing to a first answer: { marks, data }. */
export async function start(way, options, given) {
  const program = openWay(way, options);
  await program.boot();
  await program.open(given);
  const data = await program.answer();
  mark('answer');
  return { marks, data };
}
