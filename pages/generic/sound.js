// Sound: decoded and resampled by the browser, one channel.
import { elements, tensorOf } from './numbers.js';
import { fit, known } from './shapes.js';

const rates = [3000, 192000]; // what browsers resample to

/** The samples of a sound file at `rate`, the mean of its channels. */
export async function decodeSound(bytes, rate) {
  if (!(rate >= rates[0] && rate <= rates[1])) {
    throw new RangeError(`a sample rate is from ${rates[0]} to ${rates[1]}, not ${rate}`);
  }
  let sound;
  try {
    sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
  } catch {
    throw new Error('this file is not a sound that the browser can read');
  }
  const samples = new Float32Array(sound.length);
  for (let c = 0; c < sound.numberOfChannels; c++) {
    const channel = sound.getChannelData(c);
    for (let i = 0; i < samples.length; i++) samples[i] += channel[i] / sound.numberOfChannels;
  }
  return samples;
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

export const canRecord = () => Boolean(globalThis.navigator?.mediaDevices?.getUserMedia
  && globalThis.MediaRecorder);

/** Begins to record the microphone; the function that this returns ends it and gives the file. */
export async function record() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
  const done = new Promise((resolve) => { recorder.addEventListener('stop', resolve); });
  recorder.start();
  return async () => {
    recorder.stop();
    await done;
    for (const track of stream.getTracks()) track.stop();
    return new File(parts, 'recording', { type: recorder.mimeType });
  };
}
