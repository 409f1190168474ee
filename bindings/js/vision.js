// Before and behind a model of pictures: `import { openVision } from 'ashore/vision'`.
//
// An engine of its own, without a model, on the thread that calls it: a few milliseconds a picture.
// A picture is { data, width, height } as ImageData is: bytes RGBA, RGB or grey, rows from the top.
// Positions are in pixels, x to the right and y down.
import { AshoreError, choose, compile, Core, isPage, moduleURL, sharedMemory } from './ashore.js';

const fits = ['stretch', 'letterbox', 'start', 'crop'];
const imageBytes = 20; // struct ashore_image

const three = (value) => (typeof value === 'number' ? [value, value, value] : value);

function numberIn(names, name, what) {
  const number = names.indexOf(name);
  if (number < 0) throw new AshoreError('ERR_ARGUMENT', `${what} '${name}' is none of ${names}`);
  return number;
}

// Numbers in a row, as a struct of C holds them.
function pack(parts) {
  const bytes = parts.map((part) => new Uint8Array(part.buffer));
  const all = new Uint8Array(bytes.reduce((sum, part) => sum + part.length, 0));
  bytes.reduce((at, part) => {
    all.set(part, at);
    return at + part.length;
  }, 0);
  return all;
}

const ints = (...values) => Int32Array.from(values);
const floats = (...values) => Float32Array.from(values);

export class Vision {
  #core;

  /** core: an engine without a model.  openVision makes one. */
  constructor(core) { this.#core = core; }

  // Channels of a picture.
  static #check({ data, width, height } = {}) {
    const channels = data?.length / (width * height);
    if ([1, 3, 4].includes(channels) && data.BYTES_PER_ELEMENT === 1) return channels;
    throw new AshoreError('ERR_ARGUMENT', `a picture of ${width} x ${height} with ${data?.length
    } bytes: it takes 1, 3 or 4 bytes a pixel`);
  }

  // The elements of a float32 tensor whose last two extents are these.
  static #matrix({ data, dims }) {
    const [rows, columns] = dims.slice(-2);
    if (data instanceof Float32Array && data.length === rows * columns) return [rows, columns];
    throw new AshoreError('ERR_ARGUMENT', `${data?.length} elements of ${data?.constructor.name
    } with the shape [${dims}] are no one matrix of float32`);
  }

  // Calls use(image, more) with a struct for the picture and `more` behind it, in the engine's memory.
  #withPicture(picture, more, use) {
    const channels = Vision.#check(picture);
    const { data, width, height } = picture;
    const head = 8 * Math.ceil((imageBytes + more.length) / 8);
    return this.#core.lend(head + data.length, (at) => {
      this.#core.write(at, pack([ints(at + head, width, height, width * channels, channels), more]));
      this.#core.write(at + head, data);
      return use(at, at + imageBytes);
    });
  }

  /** The picture as a tensor [1, C, height, width], or [1, height, width, C] with layout 'NHWC'.
   *  Resized bilinearly; mean and scale (a number or one for each of R, G and B) give
   *  (x - mean) * scale for x of 0 to 255; with type 'uint8' they are not used. */
  imageTensor(picture, { width = picture.width, height = picture.height, fit = 'stretch',
    order = 'rgb', layout = 'NCHW', type = 'float32', antialias = false, mean = 0, scale = 1,
    pad = 0 } = {}) {
    const channels = order === 'grey' ? 1 : 3;
    const options = pack([
      ints(64, width, height, numberIn(fits, fit, 'the fit'), channels,
        numberIn(['rgb', 'bgr', 'grey'], order, 'the order') === 1, layout === 'NHWC',
        type === 'uint8' ? 2 : 1, antialias),
      floats(...three(mean), ...three(scale), pad),
    ]);
    return this.#withPicture(picture, options, (image, at) => this.#core.make('image', image, at));
  }

  /** The inside of a quadrangle, made upright: corners [[x, y], ...] clockwise from what becomes the
   *  top left. */
  warp(picture, corners, width, height) {
    if (corners?.length !== 4) {
      throw new AshoreError('ERR_ARGUMENT', `a quadrangle has four corners, not ${corners?.length}`);
    }
    const sides = pack([floats(...corners.map(([x]) => x), ...corners.map(([, y]) => y))]);
    const { data } = this.#withPicture(picture, sides,
      (image, at) => this.#core.make('warp', image, at, width, height));
    return { data, width, height };
  }

  /** Regions of text on a map of probabilities (a tensor [..., height, width]): corners clockwise
   *  from the top left, score and, with polygons, the outline; in lines from the top and from left
   *  to right.  scale: from places of the map to pixels. */
  textRegions(map, { threshold = 0.3, score = 0.6, unclip = 1.5, leastSide = 3,
    scale = [1, 1], polygons = false } = {}) {
    const [height, width] = Vision.#matrix(map);
    const { data } = map;
    const options = pack([ints(32), floats(threshold, score, unclip, leastSide, ...scale),
      ints(polygons)]);
    const head = options.length + 8;
    return this.#core.lend(head + 4 * width * height, (at) => {
      this.#core.write(at, options);
      this.#core.write(at + head, new Uint8Array(data.buffer, data.byteOffset, 4 * width * height));
      this.#core.ask('regions', at + head, height, width, at, at + options.length);
      const found = new Uint32Array(this.#core.read(at + options.length, 8).buffer);
      const rows = this.#core.take(found[0]).data;
      const points = found[1] ? this.#core.take(found[1]).data : null;
      return Array.from({ length: rows.length / 9 }, (_, i) => {
        const row = rows.subarray(9 * i, 9 * i + 9);
        const region = { corners: [0, 2, 4, 6].map((k) => [row[k], row[k + 1]]), score: row[8] };
        if (points) region.polygon = [];
        for (let k = 0; points && k < points.length; k += 3) {
          if (points[k] === i) region.polygon.push([points[k + 1], points[k + 2]]);
        }
        return region;
      });
    });
  }

  /** Greedy CTC of probabilities [1, places, classes]: the classes without repetitions and without
   *  class 0, and the mean of their probabilities. */
  ctc(probabilities) {
    const [places, classes] = Vision.#matrix(probabilities);
    const { data } = probabilities;
    return this.#core.lend(4 * places + 4 + data.byteLength, (at) => {
      const from = at + 4 * places + 4;
      this.#core.write(from, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      const count = this.#core.ask('ctc', from, places, classes, at, at + 4 * places);
      return { classes: new Int32Array(this.#core.read(at, 4 * count).buffer),
        confidence: new Float32Array(this.#core.read(at + 4 * places, 4).buffer)[0] };
    });
  }

  close() { this.#core.close(); }
}

/** Opens an engine for pictures.  Given what models are loaded with, its module is the same as theirs
 *  and is not downloaded twice. */
export async function openVision({ variant, threads, signal } = {}) {
  const choice = choose({ variant, threads });
  // A page's models have their threads in a worker, where the page itself has none.
  if (isPage && threads !== 1) choice.shared = globalThis.crossOriginIsolated === true;
  const module = await compile(moduleURL(choice), signal);
  return new Vision(new Core(module, choice.shared ? sharedMemory() : undefined));
}
