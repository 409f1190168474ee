// Sounds as WAV files of 16 bits, which Python reads without a library.

const isWav = ({ bytes }) => String.fromCharCode(...bytes.subarray(0, 4)) === 'RIFF';

/** A file of samples, a Float32Array for each channel. */
export function wav(name, rate, channels) {
  const count = channels[0].length;
  const bytes = new Uint8Array(44 + 2 * count * channels.length);
  const view = new DataView(bytes.buffer);
  const text = (at, letters) => [...letters].forEach((letter, i) =>
    view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels.length, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * channels.length * 2, true);
  view.setUint16(32, channels.length * 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, bytes.length - 44, true);
  for (let i = 0, at = 44; i < count; i++) {
    for (const samples of channels) {
      view.setInt16(at, Math.round(32767 * Math.min(1, Math.max(-1, samples[i]))), true);
      at += 2;
    }
  }
  return { name, type: 'audio/wav', bytes };
}

/** Any sound that the browser can read as a WAV file; one that is a WAV file as it is. */
export async function wavOf(file) {
  if (isWav(file)) return file;
  const context = new AudioContext();
  try {
    const sound = await context.decodeAudioData(file.bytes.slice().buffer);
    return wav(`${file.name.replace(/\.\w+$/, '')}.wav`, sound.sampleRate,
      Array.from({ length: sound.numberOfChannels }, (_, i) => sound.getChannelData(i)));
  } catch {
    throw new Error(`${file.name} is not a sound that this browser can read.`);
  } finally {
    context.close();
  }
}
