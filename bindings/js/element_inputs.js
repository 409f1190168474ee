// What a model of <ashore-model> takes: one picture or one sound.
const picked = ['uint8', 'int8', 'float16', 'float32'];
const soundNames = /audio|wave?(form)?$|signal|sound|speech|samples|pcm/i;
const logs = { whisper: { log: 'whisper', dropLast: true }, ln: { log: 'ln' }, db: { log: 'db' },
  power: { log: 'none' } };

const sizeOf = (extent) => (typeof extent === 'number' ? extent : undefined);
const isChannels = (extent) => extent === 1 || extent === 3;
const isOne = (extent) => extent === 1 || sizeOf(extent) === undefined;

// { kind, name, layout, channels, width, height } of a picture, or null.
function pictureOf({ name, type, dims }) {
  if (!picked.includes(type) || dims?.length !== 4) return null;
  const [, a, b, c] = dims;
  const found = { kind: 'picture', name, type };
  if (isChannels(a)) {
    return { ...found, layout: 'NCHW', channels: a, height: sizeOf(b), width: sizeOf(c) };
  }
  return isChannels(c) ? { ...found, layout: 'NHWC', channels: c, height: sizeOf(a),
    width: sizeOf(b) } : null;
}

// { kind, name, rank, length, mels } of a sound, or null.  mels: of bands rather than samples.
function soundOf({ name, type, dims }, { input, mel }) {
  if (type !== 'float32' || !dims?.length || dims.length > 3) return null;
  const length = sizeOf(dims.at(-1));
  const found = { kind: 'sound', name, rank: dims.length, length };
  if (mel !== undefined) {
    const mels = sizeOf(dims[1]);
    return dims.length === 3 && isOne(dims[0]) ? { ...found, mels: mels ?? 80 } : null;
  }
  const wanted = input === 'sound' || soundNames.test(name);
  return wanted && dims.slice(0, -1).every(isOne) ? found : null;
}

/** What a model's only input is, or null.  asked: the attributes `input` and `mel`. */
export function takenBy({ inputs }, asked) {
  const [info, other] = inputs;
  if (!info || other || info.kind !== 'tensor') return null;
  const found = asked.input === 'sound' || asked.mel !== undefined ? null : pictureOf(info);
  return found ?? (asked.input === 'picture' ? null : soundOf(info, asked));
}

// As many columns of each row as asked for.
function cut({ type, data, dims }, columns) {
  const width = dims.at(-1);
  const rows = data.length / width;
  const kept = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    kept.set(data.subarray(i * width, i * width + Math.min(width, columns)), i * columns);
  }
  return { type, data: kept, dims: [...dims.slice(0, -1), columns] };
}

/** The tensor of a sound [1, T]; settings: { rate, mel, fft, hop }.  A model of a fixed length gets the
 *  sound's beginning, with silence behind it where it is shorter. */
export function soundTensor(prep, sound, { rank, length, mels }, { rate, mel, fft, hop = 160 }) {
  if (mels === undefined) {
    const { type, data } = cut(sound, length ?? sound.data.length);
    return { type, data, dims: [...Array(rank - 1).fill(1), data.length] };
  }
  const least = Math.max(length ? length * hop : 0, fft ?? 400);
  const long = sound.data.length < least || (length && sound.data.length > least)
    ? cut(sound, least) : sound;
  const made = prep.mel(long, { rate, mels, hop, ...fft && { fft }, ...logs[mel] });
  return length ? cut(made, length) : made;
}

export const melNames = Object.keys(logs);
