// Before and after the model of PaddleOCR's text recognition: pure functions, for page and Node.
//
// A picture is { data, width, height } with data RGBA in bytes, rows from the top.  The model takes
// float32 [1, 3, 48, W] and gives the probabilities float32 [1, T, C] of C characters at T places.

export const lineHeight = 48;
const leastWidth = 320; // narrower lines are padded: the model has seen no narrower ones
const mostWidth = 4096;

// Positions of a bilinear sampling from `size` to `wanted` with pixel centres at halves.
function samples(size, wanted) {
  return Array.from({ length: wanted }, (_, i) => {
    const at = Math.min(Math.max((i + 0.5) * size / wanted - 0.5, 0), size - 1);
    const low = Math.min(Math.floor(at), Math.max(size - 2, 0));
    return { low, high: Math.min(low + 1, size - 1), part: at - low };
  });
}

// A channel (0 red, 1 green, 2 blue) over white.
function reader({ data, width }, channel) {
  return (x, y) => {
    const at = 4 * (y * width + x);
    return 255 + (data[at + channel] - 255) * data[at + 3] / 255;
  };
}

/** The model's input: the line at height 48 with its aspect kept, channels in `order`, x/127.5 - 1,
 *  zeros to the right of a short one. */
export function prepare(picture, order = 'bgr') {
  const { width, height } = picture;
  if (!(width > 0 && height > 0)) throw new RangeError('the picture is empty');
  const scaled = Math.min(Math.max(Math.ceil(lineHeight * width / height), 1), mostWidth);
  const padded = Math.max(scaled, leastWidth);
  const data = new Float32Array(3 * lineHeight * padded);
  const across = samples(width, scaled);
  const down = samples(height, lineHeight);
  const mix = (a, b, part) => a + (b - a) * part;
  [...order].forEach((name, plane) => {
    const pixel = reader(picture, 'rgb'.indexOf(name));
    down.forEach((y, row) => {
      const start = (plane * lineHeight + row) * padded;
      across.forEach((x, column) => {
        const top = mix(pixel(x.low, y.low), pixel(x.high, y.low), x.part);
        const bottom = mix(pixel(x.low, y.high), pixel(x.high, y.high), x.part);
        data[start + column] = Math.round(mix(top, bottom, y.part)) / 127.5 - 1;
      });
    });
  });
  return { data, dims: [1, 3, lineHeight, padded] };
}

/** Characters by the model's number: blank, the lines of the keys file, the space. */
export function readKeys(text) {
  const keys = text.replace(/^\uFEFF/, '').replace(/\r?\n$/, '').split(/\r?\n/);
  return ['', ...keys, ' '];
}

/** Greedy CTC: the likeliest character at each place, repetitions once, blanks dropped.
 *  Spaces at either end are dropped.  confidence: the mean over the characters kept, 0 where there are none. */
export function decode({ data, dims }, characters) {
  const [, places, classes] = dims;
  if (dims.length !== 3 || dims[0] !== 1 || classes !== characters.length) {
    throw new RangeError(`the model knows ${classes} characters, the keys file ${
      characters.length}`);
  }
  let text = '';
  let sum = 0;
  let kept = 0;
  let before = 0;
  for (let place = 0; place < places; place++) {
    let best = 0;
    const start = place * classes;
    for (let i = 1; i < classes; i++) if (data[start + i] > data[start + best]) best = i;
    if (best !== 0 && best !== before) {
      text += characters[best];
      sum += data[start + best];
      kept += 1;
    }
    before = best;
  }
  return { text: text.trim(), confidence: kept ? sum / kept : 0 };
}
