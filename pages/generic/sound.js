// Sound: decoded by the browser, one channel.
import { elements, tensorOf } from './numbers.js';
import { fit, known } from './shapes.js';
import { openTools } from './site.js';

/** The samples of a sound file at `rate`, the mean of its channels. */
export async function decodeSound(file, rate) {
  const tools = await openTools();
  try {
    return (await tools.sound(file, { rate })).data;
  } catch (error) {
    if (error.code !== 'ERR_FORMAT') throw error;
    throw new Error('this file is not a sound that the browser can read', { cause: error });
  }
}

/** Samples as the model's input: cut or followed by silence where its length is fixed, repeated
 *  where it wants several channels or a batch. */
export function soundTensor(info, samples, extents) {
  const open = known(info, extents);
  const length = open.at(-1) ?? samples.length;
  const lead = open.slice(0, -1).map((d) => d ?? 1);
  const dims = [...lead, length];
  const data = new Float32Array(elements(dims));
  const part = samples.subarray(0, length);
  for (let at = 0; at < data.length; at += length) data.set(part, at);
  fit(info, data.length, extents);
  return tensorOf(info.type, data, dims);
}
