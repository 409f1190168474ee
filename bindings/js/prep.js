// Before and behind a model: `import { openPrep } from 'ashore/prep'`.
//
// A WebAssembly module of its own, on the thread that calls it: a few milliseconds a picture.
// Positions are in pixels, x to the right and y down.
import { AshoreError, choose, compile, Core, Tensor } from './ashore.js';
import { drawDetections } from './prep_draw.js';
import { colorOf, labelOf, readLabels } from './prep_labels.js';
import { channelsOf, imageData, PixelReader } from './prep_pixels.js';
import { readAnySamples, readSamples } from './prep_samples.js';
import { boxFormats, detectOptions, imageAt, imageOptions, melOptions, numberIn, pack, soundAt,
  textOptions } from './prep_structs.js';

export { drawDetections, readLabels };

const none = Symbol('none');
const headRoom = 128; // for structs before what they point to
const wrong = (message, advice) => new AshoreError('ERR_ARGUMENT', message, { advice });
const bytesOf = ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength);

// The elements of a float32 tensor whose last two extents are these.
function matrixOf({ data, dims = [] } = {}) {
  const [rows, columns] = dims.slice(-2);
  if (data instanceof Float32Array && data.length === rows * columns) return [rows, columns];
  throw wrong(`${data?.length} elements of ${data?.constructor.name
  } with the shape [${dims}] are no one matrix of float32`,
  'Give a Tensor [rows, columns]');
}

// Where the picture lies that boxes were found in: `from` is what image() made, or one of its
// placements.
function placementOf(from, index) {
  const placement = from?.placements ? from.placements[index] : from;
  if (!from || typeof placement?.stepX === 'number') return placement;
  throw wrong(from.placements ? `from has ${from.placements.length} pictures, not ${index + 1}`
    : 'from has no placement', 'Give the tensor that image() made, or one of its placements');
}

export class Prep {
  #core;
  #reader = new PixelReader();

  /** core: over an instance of ashore-prep.wasm.  openPrep makes one. */
  constructor(core) { this.#core = core; }

  get #c() {
    if (this.#core) return this.#core;
    throw new AshoreError('ERR_STATE', 'what openPrep opened is closed', { advice: 'Open another' });
  }

  // Calls use(at, data) with bytes in the module's memory, and data behind them.
  #lend(head, data, use) {
    return this.#c.lend(headRoom + data.length, (at) => {
      this.#c.write(at, head);
      this.#c.write(at + headRoom, data);
      return use(at, at + headRoom);
    });
  }

  // Calls use(image, more) with a struct for the picture and bytes `more` behind it.
  #withPicture(picture, more, use) {
    const channels = channelsOf(picture);
    return this.#c.lend(headRoom + 32 + picture.data.length, (at) => {
      this.#c.write(at, bytesOf(imageAt(at + headRoom + 32, picture, channels)));
      this.#c.write(at + 32, more);
      this.#c.write(at + headRoom + 32, picture.data);
      return use(at, at + 32);
    });
  }

  // Calls use with the handles of tensors; `none` stands for one that need not be given.
  #with(tensors, use, handles = []) {
    if (handles.length === tensors.length) return use(...handles);
    const next = tensors[handles.length];
    if (next === none) return this.#with(tensors, use, [...handles, 0]);
    if (next?.type === 'string') {
      throw new AshoreError('ERR_TYPE', 'a tensor of text is no numbers', { advice: 'Give numbers' });
    }
    return this.#c.lendTensor(next, (handle) => this.#with(tensors, use, [...handles, handle]));
  }

  #make(name, tensors, ...args) {
    return this.#with(tensors, (...handles) => this.#c.make(name, ...handles, ...args));
  }

  // ---- pictures -----------------------------------------------------------------------------------

  #placement({ width, height }, bytes, options) {
    return this.#c.lend(headRoom + 16, (at) => {
      this.#c.write(at, bytes);
      this.#c.ask('place', width, height, at, at + headRoom);
      const [left, top, stepX, stepY] = new Float32Array(this.#c.read(at + headRoom, 16).buffer);
      return { left, top, stepX, stepY, width, height, tensorWidth: options.width,
        tensorHeight: options.height };
    });
  }

  // A tensor for `count` pictures, of which the first is there: { write(picture), end() }.
  #begin(first, count, options) {
    const { width = first.width, height = first.height } = options;
    const sized = { ...options, width, height };
    const bytes = imageOptions(sized);
    const batch = this.#c.lend(headRoom, (at) => {
      this.#c.write(at, bytes);
      this.#c.ask('batch', count, at, at + headRoom - 4);
      return new Uint32Array(this.#c.read(at + headRoom - 4, 4).buffer)[0];
    });
    const placements = [];
    return {
      write: (picture) => {
        this.#withPicture(picture, bytes, (image, at) =>
          this.#c.ask('image', image, at, batch, placements.length));
        placements.push(this.#placement(picture, bytes, sized));
      },
      end: () => Object.assign(this.#c.take(batch), { placements }),
    };
  }

  imageSync(source, options = {}) {
    const sources = Array.isArray(source) ? source : [source];
    let batch;
    try {
      for (const one of sources) {
        const picture = this.#reader.read(one);
        batch ??= this.#begin(picture, sources.length, options);
        batch.write(picture);
      }
    } catch (error) {
      batch?.end();
      throw error;
    }
    if (!batch) throw wrong('a batch of no pictures', 'Give one or more');
    return batch.end();
  }

  async image(source, options = {}) {
    const sources = Array.isArray(source) ? source : [source];
    let batch;
    try {
      for (const one of sources) {
        const picture = await this.#reader.readAny(one);
        batch ??= this.#begin(picture, sources.length, options);
        batch.write(picture);
      }
    } catch (error) {
      if (this.#core) batch?.end(); // not closed meanwhile
      throw error;
    }
    if (!batch) throw wrong('a batch of no pictures', 'Give one or more');
    return batch.end();
  }

  picture(tensor, { index = 0, ...options } = {}) {
    return this.#lend(imageOptions(options), new Uint8Array(0), (at) => {
      const { data, dims } = this.#make('picture', [tensor], index, at);
      return imageData(data, dims[1], dims[0]);
    });
  }

  mask(tensor, { color, opacity = 0.5, background = 0 } = {}) {
    const alpha = Math.round(255 * opacity);
    const palette = ['float32', 'float16', 'float64', 'bfloat16'].includes(tensor?.type)
      ? [[...(color?.(1) ?? colorOf(1)), alpha]]
      : Array.from({ length: 256 }, (_, i) => [...(color?.(i) ?? colorOf(i)),
        i === background ? 0 : alpha]);
    return this.#lend(new Uint8Array(0), Uint8Array.from(palette.flat()), (at, colors) => {
      const { data, dims } = this.#make('mask', [tensor], colors, palette.length);
      return imageData(data, dims[1], dims[0]);
    });
  }

  warp(source, corners, width, height) {
    if (corners?.length !== 4) {
      throw wrong(`a quadrangle has four corners, not ${corners?.length}`, 'Give four');
    }
    const sides = bytesOf(Float32Array.from([0, 1].flatMap((i) => corners.map((at) => at[i]))));
    const { data } = this.#withPicture(this.#reader.read(source), sides,
      (image, at) => this.#c.make('warp', image, at, width, height));
    return { data, width, height };
  }

  // ---- scores -------------------------------------------------------------------------------------

  softmax(tensor, { axis = -1 } = {}) { return this.#make('softmax', [tensor], axis); }

  sigmoid(tensor) { return this.#make('sigmoid', [tensor]); }

  argmax(tensor, { axis = -1 } = {}) { return this.#make('argmax', [tensor], axis); }

  topK(tensor, { k = 5, axis = -1 } = {}) {
    const extent = tensor?.dims?.at(axis) ?? 0;
    return this.#with([tensor], (handle) => this.#c.lend(8, (at) => {
      this.#c.ask('largest', handle, axis, Math.min(k, extent), at);
      const [values, indices] = new Uint32Array(this.#c.read(at, 8).buffer);
      return { values: this.#c.take(values), indices: this.#c.take(indices) };
    }));
  }

  classify(tensor, { k = 5, labels, activation = 'auto', row = 0 } = {}) {
    numberIn(['auto', 'softmax', 'sigmoid', 'none'], activation, 'the activation');
    if (!tensor?.data?.slice || !tensor.dims?.length) {
      throw new AshoreError('ERR_TYPE', 'scores are no tensor', { advice: 'Give a Tensor [.., classes]' });
    }
    const n = tensor.dims.at(-1);
    const rows = n ? tensor.data.length / n : 0;
    if (!(row >= 0 && row < rows)) {
      throw wrong(`row ${row} of ${rows} rows of scores`, 'Give one from 0');
    }
    const own = new Tensor(tensor.type, tensor.data.slice(row * n, (row + 1) * n), [n]);
    let apply = activation;
    if (activation === 'auto') {
      const { data } = this.topK(own, { k: n }).values;
      const sum = data.reduce((a, b) => a + b, 0);
      apply = data.at(-1) >= 0 && Math.abs(sum - 1) < 1e-2 ? 'none' : 'softmax';
    }
    const { values, indices } = this.topK(apply === 'none' ? own : this[apply](own), { k });
    const names = labels && readLabels(labels);
    return Array.from(indices.data, (index, i) =>
      ({ index, label: labelOf(names, index), score: values.data[i] }));
  }

  // ---- boxes --------------------------------------------------------------------------------------

  convertBoxes(boxes, from, to) {
    const number = (name) => numberIn(boxFormats, name, 'the format');
    return this.#make('boxes', [boxes], number(from), number(to));
  }

  nms(boxes, scores, { classes, iou = 0.45, score = 0, most = 0 } = {}) {
    return this.#make('nms', [boxes, scores, classes ?? none], iou, score, most).data;
  }

  detect(output, { scores, from, labels, index = 0, ...options } = {}) {
    const placement = placementOf(from, index);
    if (options.normalized && !placement) {
      throw wrong('boxes are parts of the tensor', 'Give `from`, the tensor that image() made');
    }
    const names = labels && readLabels(labels);
    return this.#lend(detectOptions(options, placement), new Uint8Array(0), (at) => {
      const { data } = this.#make('detect', [output, scores ?? none], at);
      return Array.from({ length: data.length / 6 }, (_, i) => {
        const [x0, y0, x1, y1, score, number] = data.subarray(6 * i, 6 * i + 6);
        return { box: [x0, y0, x1, y1], score, index: number, label: labelOf(names, number) };
      });
    });
  }

  // ---- text in pictures ---------------------------------------------------------------------------

  textRegions(map, options) {
    const [height, width] = matrixOf(map);
    return this.#lend(textOptions(options), bytesOf(map.data), (at, from) => {
      const found = at + headRoom - 8;
      this.#c.ask('regions', from, height, width, at, found);
      const handles = new Uint32Array(this.#c.read(found, 8).buffer);
      const rows = this.#c.take(handles[0]).data;
      const points = handles[1] ? this.#c.take(handles[1]).data : null;
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

  ctc(probabilities) {
    const [places, classes] = matrixOf(probabilities);
    const { data } = probabilities;
    return this.#c.lend(4 * places + 4 + data.byteLength, (at) => {
      const from = at + 4 * places + 4;
      this.#c.write(from, bytesOf(data));
      const count = this.#c.ask('ctc', from, places, classes, at, at + 4 * places);
      return { classes: new Int32Array(this.#c.read(at, 4 * count).buffer),
        confidence: new Float32Array(this.#c.read(at + 4 * places, 4).buffer)[0] };
    });
  }

  // ---- sound --------------------------------------------------------------------------------------

  #sound(samples, rate) {
    const { parts } = samples;
    const size = parts.reduce((sum, part) => sum + part.byteLength, 0);
    return this.#c.lend(headRoom + size, (at) => {
      this.#c.write(at, soundAt(at + headRoom, samples));
      let to = at + headRoom;
      for (const part of parts) {
        this.#c.write(to, bytesOf(part));
        to += part.byteLength;
      }
      return this.#c.make('sound', at, rate);
    });
  }

  soundSync(source, { rate = 16000 } = {}) { return this.#sound(readSamples(source), rate); }

  async sound(source, { rate = 16000 } = {}) {
    return this.#sound(await readAnySamples(source), rate);
  }

  frames(sound, { size, hop = size, whole = false } = {}) {
    return this.#make('frames', [sound], size, hop, whole);
  }

  mel(sound, options) {
    return this.#lend(melOptions(options), new Uint8Array(0), (at) =>
      this.#make('mel', [sound], at));
  }

  /** Bytes of the module's memory, the most that was needed at once. */
  get memory() { return this.#c.memory.buffer.byteLength; }

  close() {
    this.#core?.close();
    this.#core = undefined;
    this.#reader.close();
  }
}

// One by one, so that bundlers see them.
const modules = {
  simd128: () => new URL('./ashore-prep.wasm', import.meta.url),
  scalar: () => new URL('./ashore-prep-scalar.wasm', import.meta.url),
};

/** Opens the module, from the package's own folder or from `module`, an address or what was compiled
 *  of it. */
export async function openPrep({ module, variant = 'auto', signal } = {}) {
  signal?.throwIfAborted();
  const { variant: found } = choose({ variant, threads: 1 });
  const from = module ?? (found === 'scalar' ? modules.scalar() : modules.simd128());
  return new Prep(new Core(from instanceof WebAssembly.Module ? from : await compile(from, signal)));
}
