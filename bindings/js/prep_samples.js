// The samples of whatever holds sound.
import { AshoreError } from './ashore.js';

const usualRate = 48000; // of sound files whose own is not known before they are decoded
const kinds = 'an AudioBuffer, a Blob of a sound file, or { data, sampleRate, channels } with '
  + 'Float32Array or Int16Array';

const wrong = (message, advice) => new AshoreError('ERR_ARGUMENT', message, { advice });

/** { parts, type, channels, frames, step, channelStep, rate } of what needs no waiting for: arrays one
 *  behind the other. */
export function readSamples(source) {
  if (typeof source?.getChannelData === 'function') {
    const { numberOfChannels: channels, length: frames } = source;
    const rate = Math.round(source.sampleRate);
    const parts = Array.from({ length: channels }, (_, i) => source.getChannelData(i));
    return { parts, type: 'float32', channels, frames, step: 1, channelStep: frames, rate };
  }
  const { data, sampleRate: rate, channels = 1 } = source ?? {};
  const type = data instanceof Int16Array ? 'int16' : 'float32';
  if (!(data instanceof Float32Array || data instanceof Int16Array) || !Number.isInteger(rate)) {
    throw wrong(`${source?.constructor?.name ?? source} is no sound`, `Give ${kinds}`);
  }
  const frames = data.length / channels;
  if (!Number.isInteger(frames)) {
    throw wrong(`${data.length} samples are not those of ${channels} channels`, 'Give them side by side');
  }
  return { parts: [data], type, channels, frames, step: channels, channelStep: 1, rate };
}

// The rate in a WAV file's header: decoded at it, its samples stay what they are.
function waveRate(buffer) {
  const view = new DataView(buffer);
  const tag = (at) => String.fromCharCode(...new Uint8Array(buffer, at, 4));
  if (buffer.byteLength < 44 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE') return usualRate;
  for (let at = 12; at + 16 <= Math.min(buffer.byteLength, 4096);) {
    if (tag(at) === 'fmt ') {
      const rate = view.getUint32(at + 12, true);
      return rate >= 8000 && rate <= 96000 ? rate : usualRate;
    }
    at += 8 + view.getUint32(at + 4, true);
  }
  return usualRate;
}

async function decode(blob) {
  if (typeof OfflineAudioContext !== 'function') {
    throw new AshoreError('ERR_UNSUPPORTED', 'there is nothing here that decodes sound files, as in '
      + 'workers', { advice: `Give ${kinds}` });
  }
  const bytes = await blob.arrayBuffer();
  const context = new OfflineAudioContext(1, 1, waveRate(bytes));
  try {
    return await context.decodeAudioData(bytes);
  } catch (error) {
    throw new AshoreError('ERR_FORMAT', `the file ${blob.name ?? ''} (${
      blob.type || 'of no type'}, ${blob.size} bytes) is no sound that can be decoded here: ${
      error.message}`, { cause: error, advice: `Give ${kinds}` });
  }
}

const isBlob = (source) => typeof Blob === 'function' && source instanceof Blob;

export async function readAnySamples(source) {
  return readSamples(isBlob(source) ? await decode(source) : source);
}
