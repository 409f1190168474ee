// Reads the text in a picture with PaddleOCR's three networks: detection finds regions, direction
// says which are upside down, recognition reads each.  For page and Node; examples/ocr/reader.c is
// the same in C.

// Detection sees the picture with its short side at least, and its long side at most, so long, in
// multiples of 32, but never enlarged further: text of 10 to 100 pixels is found then.
const shortSide = 736;
const longSide = 1984;
const mostEnlarged = 3;
const sideStep = 32;
// Lines are read at this height.  Widths are padded to few different ones: each is a plan.
const lineHeight = 48;
const directionWidth = 192;
const leastWidth = 320;
const widthStep = 64;
const mostWidth = 4096;

const upsideDownFrom = 0.9;
const textFrom = 0.5;
const doubtfulBelow = 0.8;

// Of ImageNet, for channels in the order blue, green, red.
const mean = [0.406, 0.456, 0.485].map((value) => 255 * value);
const scale = [0.225, 0.224, 0.229].map((value) => 1 / (255 * value));
const centred = { order: 'bgr', mean: 127.5, scale: 1 / 127.5 };

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const distance = ([ax, ay], [bx, by]) => Math.hypot(ax - bx, ay - by);
/** The text begins `quarters` corners further. */
const turned = (corners, quarters) => [...corners.slice(quarters), ...corners.slice(0, quarters)];

/** Characters by class: blank, the lines of the keys file, the space. */
export function readKeys(text) {
  const keys = text.replace(/^\uFEFF/, '').replace(/\r?\n$/, '').split(/\r?\n/);
  return ['', ...keys, ' '];
}

/** The size at which detection sees a picture. */
export function detectionSize({ width, height }) {
  const factor = Math.min(Math.max(1, shortSide / Math.min(width, height)),
    mostEnlarged, longSide / Math.max(width, height));
  const whole = (side) => sideStep * Math.max(1, Math.floor(side * factor / sideStep + 0.5));
  return { width: whole(width), height: whole(height) };
}

/** What detection takes: a tensor of the picture at that size. */
export const detectionInput = (prep, picture) => prep.imageSync(picture,
  { ...detectionSize(picture), order: 'bgr', mean, scale });

export class Reader {
  /** Loaded models, an open prep of ashore/prep, and the characters of readKeys. */
  constructor({ detection, direction, recognition, prep, characters }) {
    Object.assign(this, { detection, direction, recognition, prep, characters });
  }

  async #run(model, tensor) {
    const results = await model.run({ [model.inputs[0].name]: tensor });
    return results[model.outputs[0].name];
  }

  /** Regions of text (corners clockwise from the top left, score), and the map that they were found
   *  on. */
  async find(picture) {
    const { width, height } = detectionSize(picture);
    const map = await this.#run(this.detection, detectionInput(this.prep, picture));
    if (map.dims.at(-2) !== height || map.dims.at(-1) !== width) {
      throw new RangeError(`detection gives a map of [${map.dims}] for a picture of ${
        width} x ${height}`);
    }
    const regions = this.prep.textRegions(map,
      { scale: [picture.width / width, picture.height / height] });
    return { regions, map };
  }

  // The line upright, at the height of the networks.
  #line(picture, corners, least, most) {
    const [a, b, c, d] = corners;
    const width = Math.max(distance(a, b), distance(c, d), 1);
    const height = Math.max(distance(a, d), distance(b, c), 1);
    const upright = this.prep.warp(picture, corners, Math.ceil(width), Math.ceil(height));
    const needed = widthStep * Math.ceil(Math.ceil(lineHeight * width / height) / widthStep);
    return this.prep.imageSync(upright, { ...centred, height: lineHeight,
      width: clamp(needed, least, most), fit: needed > most ? 'stretch' : 'start' });
  }

  /** The corners of a region from where its text begins. */
  async upright(picture, region) {
    let [...corners] = region.corners;
    const [a, b, , d] = corners;
    if (distance(a, d) >= 1.5 * distance(a, b)) corners = turned(corners, 1); // it runs upwards
    const { data } = await this.#run(this.direction,
      this.#line(picture, corners, directionWidth, directionWidth));
    const isTurned = data[1] > upsideDownFrom;
    return { ...region, corners: isTurned ? turned(corners, 2) : corners, isTurned };
  }

  async #read(picture, corners) {
    const answer = await this.#run(this.recognition,
      this.#line(picture, corners, leastWidth, mostWidth));
    const known = answer.dims.at(-1);
    if (known !== this.characters.length) {
      throw new RangeError(`the model knows ${known} characters, the keys file ${
        this.characters.length}`);
    }
    const { classes, confidence } = this.prep.ctc(answer);
    return { text: Array.from(classes, (k) => this.characters[k]).join(''), confidence, corners };
  }

  /** Text and confidence of a region. */
  async read(picture, region) {
    const { corners, isTurned } = region;
    let found = await this.#read(picture, corners);
    if (isTurned && found.confidence < doubtfulBelow) {
      // The direction of long or bent lines is uncertain.
      const other = await this.#read(picture, turned(corners, 2));
      if (other.confidence > found.confidence) found = other;
    }
    return { ...region, ...found };
  }

  /** All text in a picture { data, width, height }: lines { text, confidence, corners, score } from
   *  the top, and from left to right.  onProgress({ stage, done, total }), onLine(line) as they are
   *  read. */
  async readAll(picture, { onProgress, onLine, signal } = {}) {
    const times = { detection: 0, direction: 0, recognition: 0 };
    const timed = async (stage, work) => {
      signal?.throwIfAborted();
      const begin = performance.now();
      const result = await work();
      signal?.throwIfAborted(); // what was meanwhile given up is told nobody
      times[stage] += performance.now() - begin;
      return result;
    };
    onProgress?.({ stage: 'detection', done: 0, total: 1 });
    const { regions, map } = await timed('detection', () => this.find(picture));
    const lines = [];
    for (const [i, region] of regions.entries()) {
      onProgress?.({ stage: 'recognition', done: i, total: regions.length });
      const upright = await timed('direction', () => this.upright(picture, region));
      const line = await timed('recognition', () => this.read(picture, upright));
      if (line.confidence < textFrom) continue; // most of it is no text
      lines.push(line);
      onLine?.(line, lines.length - 1);
    }
    return { lines, map, times };
  }
}
