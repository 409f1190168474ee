// TensorFlow.js on its WebAssembly backend: steps of steps.py by its operators.
import { readFeeds } from './feeds.mjs';
import { importPeer } from './peer.mjs';

let loading;

async function loadPackage(threads) {
  const tf = await importPeer('TensorFlow.js', '/peers/tfjs.mjs');
  tf.setWasmPaths(`${location.origin}/tfjs/tfjs-backend-wasm/dist/`);
  tf.setThreadsCount(threads);
  if (!await tf.setBackend('wasm')) throw new Error('the WebAssembly backend cannot be used');
  await tf.ready();
  return tf;
}

function layerNorm(tf, x, { scale, bias }) {
  const { mean, variance } = tf.moments(x, -1, true);
  const y = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
  return tf.add(tf.mul(y, scale), bias);
}

const kinds = {
  dense: (tf, x, { w }) => tf.matMul(x, w),
  conv: (tf, x, { w, bias }) => tf.fused.conv2d({ x, filter: w, strides: 1, pad: 'same', bias }),
  depthwise: (tf, x, { w, bias }) =>
    tf.fused.depthwiseConv2d({ x, filter: w, strides: 1, pad: 'same', bias }),
  softmax: (tf, x) => tf.softmax(x),
  gelu: (tf, x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  sigmoid: (tf, x) => tf.sigmoid(x),
  layer_norm: layerNorm,
};

// Weights as TensorFlow.js wants them: [H, W, I, O] for convolutions.
const axes = { conv: [1, 2, 3, 0], depthwise: [1, 2, 3, 0] };

async function prepareStep(tf, { kind, arrays }, read) {
  if (!kinds[kind]) throw new Error(`TensorFlow.js has no ${kind}`);
  const given = Object.entries(arrays).map(async ([name, feed]) => {
    const [{ data, dims }] = await readFeeds([feed], read);
    const tensor = tf.tensor(data, dims);
    return [name, name === 'w' && axes[kind] ? tf.transpose(tensor, axes[kind]) : tensor];
  });
  const made = Object.fromEntries(await Promise.all(given));
  return (x) => kinds[kind](tf, x, made);
}

/** A contender's `steps` are [{ kind, arrays: { NAME: { type, dims, file } } }]. */
export async function openTf({ steps, feeds }, { threads, read }) {
  loading ??= loadPackage(threads);
  const tf = await loading;
  const ready = [];
  for (const step of steps) ready.push(await prepareStep(tf, step, read));
  const [{ data, dims }] = await readFeeds(feeds, read);
  return {
    async run() {
      const y = tf.tidy(() => ready.reduce((x, step) => step(x), tf.tensor(data, dims)));
      const found = [{ name: 'y', data: y.dataSync(), dims: y.shape }];
      y.dispose();
      return found;
    },
    about: `TensorFlow.js ${tf.version_wasm}`,
    close: () => tf.disposeVariables(),
  };
}
